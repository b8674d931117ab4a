//! What an IMAP server reads out of a message: header fields, addresses, MIME structure, decoded text.
//!
//! It works on the octets as they are stored and keeps offsets, so that what is sent is exactly what came.
//! It knows no session and no mailbox, and takes any octets for a message.

mod address;
mod decode;
mod header;
mod mime;

pub(super) use address::{Address, addresses};
pub(super) use decode::{header_text, part_text};
pub(super) use header::{parameters, token};
pub(super) use mime::{Kind, Part};
