//! ENVELOPE (RFC 9051 §7.5.2).

use super::strings::nstring;
use crate::imap::message::{Address, Part, addresses};

/// The envelope of a message, with its parentheses.
pub(super) fn envelope(message: &[u8], part: &Part, out: &mut Vec<u8>) {
    out.push(b'(');
    text(message, part, "Date", out);
    out.push(b' ');
    text(message, part, "Subject", out);
    let from = list(message, part, "From");
    for name in ["From", "Sender", "Reply-To"] {
        let own = list(message, part, name);
        out.push(b' ');
        write(if own.is_empty() { &from } else { &own }, out);
    }
    for name in ["To", "Cc", "Bcc"] {
        out.push(b' ');
        write(&list(message, part, name), out);
    }
    for name in ["In-Reply-To", "Message-ID"] {
        out.push(b' ');
        text(message, part, name, out);
    }
    out.push(b')');
}

fn text(message: &[u8], part: &Part, name: &str, out: &mut Vec<u8>) {
    let value = part.field(message, name).map(|field| field.unfolded());
    nstring(value.as_deref(), out);
}

fn list(message: &[u8], part: &Part, name: &str) -> Vec<Address> {
    part.fields(message)
        .filter(|field| field.is(name.as_bytes()))
        .flat_map(|field| addresses(&field.unfolded()))
        .collect()
}

fn write(addresses: &[Address], out: &mut Vec<u8>) {
    if addresses.is_empty() {
        out.extend_from_slice(b"NIL");
        return;
    }
    out.push(b'(');
    for address in addresses {
        let parts = [
            &address.name,
            &address.route,
            &address.mailbox,
            &address.host,
        ];
        for (index, part) in parts.into_iter().enumerate() {
            out.push(if index == 0 { b'(' } else { b' ' });
            nstring(part.as_deref(), out);
        }
        out.push(b')');
    }
    out.push(b')');
}
