//! From the octets of one command to a typed command, byte-exact: every space counts (RFC 9051 §9, rule 2).
//!
//! It knows the grammar, not the state of the session and not what the server supports.

mod command;
mod cursor;
mod fetch;
mod list;
mod search;

pub(super) use command::{Command, Head, StoreHow, parse};
pub(super) use cursor::{Cursor, is_atom_char};
pub(super) use fetch::{Item, Section, Where};
pub(super) use list::{ListCommand, Selection, StatusItem};
pub(super) use search::Key;
