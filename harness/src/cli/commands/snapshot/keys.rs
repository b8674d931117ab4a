//! Single keys from the terminal. Must not know what they mean.

use std::io::{self, Read as _};

use rustix::termios::{
    LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr,
};

/// A terminal that gives each key at once, without showing it. It is as before when the value is dropped.
pub(super) struct Keys {
    before: Termios,
}

impl Keys {
    /// Takes the terminal that is standard input.
    ///
    /// # Errors
    /// Where standard input is no terminal.
    pub(super) fn open() -> io::Result<Self> {
        let stdin = io::stdin();
        let before = tcgetattr(&stdin)?;
        let mut raw = before.clone();
        // Without signals too: Ctrl-C must not leave the terminal like this.
        raw.local_modes -= LocalModes::ICANON | LocalModes::ECHO | LocalModes::ISIG;
        raw.special_codes[SpecialCodeIndex::VMIN] = 1;
        raw.special_codes[SpecialCodeIndex::VTIME] = 0;
        tcsetattr(&stdin, OptionalActions::Drain, &raw)?;
        Ok(Self { before })
    }

    /// The next key; nothing where the terminal is gone, and for Ctrl-C and Ctrl-D.
    ///
    /// # Errors
    /// What reading says.
    pub(super) fn next(&mut self) -> io::Result<Option<char>> {
        const CTRL_C: u8 = 3;
        const CTRL_D: u8 = 4;
        let mut key = [0];
        match io::stdin().lock().read(&mut key)? {
            0 => Ok(None),
            _ if matches!(key[0], CTRL_C | CTRL_D) => Ok(None),
            _ => Ok(Some(char::from(key[0]))),
        }
    }
}

impl Drop for Keys {
    fn drop(&mut self) {
        let _ = tcsetattr(io::stdin(), OptionalActions::Drain, &self.before);
    }
}
