//! What the person at the terminal types. Must not know what is served.

use std::{
    io::{self, BufRead as _, IsTerminal as _},
    thread,
};

use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

/// Characters of a line that are read.
const LONGEST: u64 = 1024;

/// One line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Typed {
    /// Nothing but Enter.
    Enter,
    /// What the client says, as the person tells it.
    Told(Told),
    /// Something else.
    Other,
}

/// What the person tells of the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    /// The client said that it worked.
    Worked,
    /// The client said that it failed.
    Failed,
    /// The person does not know.
    Unknown,
}

/// The person, or nobody.
pub struct Person {
    lines: UnboundedReceiver<Typed>,
    /// Whether there is a terminal, so that a question can be answered.
    pub is_asked: bool,
    gone: bool,
}

impl Person {
    /// Whoever has the standard input of this process.
    pub fn at_stdin() -> Self {
        let (sender, lines) = unbounded_channel();
        // Reading cannot be given up; the thread ends with the process.
        thread::spawn(move || {
            let mut stdin = io::stdin().lock();
            while let Ok(Some(typed)) = read(&mut stdin) {
                if sender.send(typed).is_err() {
                    return;
                }
            }
        });
        Self {
            lines,
            is_asked: io::stdin().is_terminal(),
            gone: false,
        }
    }

    /// Lines from somewhere else.
    pub fn typing(lines: UnboundedReceiver<Typed>, is_asked: bool) -> Self {
        Self {
            lines,
            is_asked,
            gone: false,
        }
    }

    /// The next line; `None` when there will be none any more.
    pub async fn line(&mut self) -> Option<Typed> {
        let typed = self.lines.recv().await;
        self.gone = typed.is_none();
        typed
    }

    /// Whether nobody will type anything any more.
    pub fn is_gone(&self) -> bool {
        self.gone
    }
}

/// One line, at most [`LONGEST`] octets of it at once.
fn read(from: &mut impl io::BufRead) -> io::Result<Option<Typed>> {
    let mut line = Vec::new();
    let count = io::Read::take(from, LONGEST).read_until(b'\n', &mut line)?;
    Ok((count > 0).then(|| typed(&String::from_utf8_lossy(&line))))
}

fn typed(line: &str) -> Typed {
    match line.trim().to_ascii_lowercase().as_str() {
        "" => Typed::Enter,
        "y" | "yes" => Typed::Told(Told::Worked),
        "n" | "no" => Typed::Told(Told::Failed),
        "?" => Typed::Told(Told::Unknown),
        _ => Typed::Other,
    }
}

#[cfg(test)]
mod tests {
    use test_case::test_case;

    use super::*;

    #[test_case("\n" => Typed::Enter)]
    #[test_case("Y\r\n" => Typed::Told(Told::Worked); "worked")]
    #[test_case("no\n" => Typed::Told(Told::Failed); "failed")]
    #[test_case(" ? " => Typed::Told(Told::Unknown); "unknown")]
    #[test_case("what\n" => Typed::Other; "something else")]
    fn lines(line: &str) -> Typed {
        typed(line)
    }

    #[test]
    fn a_line_without_end_does_not_fill_the_memory() {
        let long = vec![b'x'; 5000];
        let mut from = long.as_slice();
        let mut parts = 0;
        while let Ok(Some(typed)) = read(&mut from) {
            assert_eq!(typed, Typed::Other);
            parts += 1;
        }
        assert_eq!(parts, 5);
    }
}
