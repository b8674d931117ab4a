//! From values to octets of responses. Whatever octets a message has, what comes out is in the grammar.

mod envelope;
mod fetch;
mod strings;
mod structure;

use super::flags::Flags;

pub(super) use fetch::{Answer, fetch};
pub(super) use strings::{astring, nstring, quoted};

/// `FLAGS (\Seen)`.
pub(super) fn flags(flags: &Flags) -> String {
    format!("FLAGS ({})", flags.write())
}
