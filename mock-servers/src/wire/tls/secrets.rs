//! The secrets of TLS sessions, as the library tells them: what goes over the wire of a test is evidence, and
//! nobody can read it without them.

use std::{
    fmt::Write as _,
    sync::{Mutex, PoisonError},
};

use rustls::KeyLog;

/// Lines of an NSS key log that nobody took yet. All sessions of a world are driven one after the other, so
/// what is new after a step of one is its own.
#[derive(Debug, Default)]
pub(super) struct Secrets(Mutex<Vec<String>>);

impl Secrets {
    /// What is new.
    pub(super) fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl KeyLog for Secrets {
    fn log(&self, label: &str, client_random: &[u8], secret: &[u8]) {
        let mut line = label.to_owned();
        for octets in [client_random, secret] {
            line.push(' ');
            for octet in octets {
                let _ = write!(line, "{octet:02x}");
            }
        }
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lines.push(line);
    }
}
