//! BODY and BODYSTRUCTURE (RFC 9051 §7.5.2).

use super::{
    envelope::envelope,
    strings::{nstring, string},
};
use crate::imap::message::{Kind, Part, parameters, token};

/// The structure of an entity. `extended` is BODYSTRUCTURE, without it BODY.
pub(super) fn structure(message: &[u8], part: &Part, extended: bool, out: &mut Vec<u8>) {
    out.push(b'(');
    if let Kind::Multipart(parts) = &part.kind {
        for inner in parts {
            structure(message, inner, extended, out);
        }
        out.push(b' ');
        string(&part.sub, out);
        if extended {
            out.push(b' ');
            pairs(&part.parameters, out);
        }
    } else {
        single(message, part, extended, out);
    }
    if extended {
        disposition(message, part, out);
        language(message, part, out);
        out.push(b' ');
        text(message, part, "Content-Location", out);
    }
    out.push(b')');
}

fn single(message: &[u8], part: &Part, extended: bool, out: &mut Vec<u8>) {
    string(&part.main, out);
    out.push(b' ');
    string(&part.sub, out);
    out.push(b' ');
    let mut parameters = part.parameters.clone();
    if part.is("text") && part.parameter("charset").is_none() {
        parameters.push((b"charset".to_vec(), b"us-ascii".to_vec()));
    }
    pairs(&parameters, out);
    for name in ["Content-ID", "Content-Description"] {
        out.push(b' ');
        text(message, part, name, out);
    }
    out.push(b' ');
    string(&part.encoding(message), out);
    out.extend_from_slice(format!(" {}", part.body.len()).as_bytes());
    if let Kind::Message(inner) = &part.kind {
        out.push(b' ');
        envelope(message, inner, out);
        out.push(b' ');
        structure(message, inner, extended, out);
    }
    if part.is("text") || matches!(part.kind, Kind::Message(_)) {
        out.extend_from_slice(format!(" {}", part.lines(message)).as_bytes());
    }
    if extended {
        out.push(b' ');
        text(message, part, "Content-MD5", out);
    }
}

fn text(message: &[u8], part: &Part, name: &str, out: &mut Vec<u8>) {
    let value = part.field(message, name).map(|field| field.unfolded());
    nstring(value.as_deref(), out);
}

fn pairs(pairs: &[(Vec<u8>, Vec<u8>)], out: &mut Vec<u8>) {
    if pairs.is_empty() {
        out.extend_from_slice(b"NIL");
        return;
    }
    for (index, (name, value)) in pairs.iter().enumerate() {
        out.push(if index == 0 { b'(' } else { b' ' });
        string(name, out);
        out.push(b' ');
        string(value, out);
    }
    out.push(b')');
}

fn disposition(message: &[u8], part: &Part, out: &mut Vec<u8>) {
    out.push(b' ');
    let field = part.field(message, "Content-Disposition");
    let value = field.map(|field| field.unfolded()).unwrap_or_default();
    let kind = token(&value);
    if kind.is_empty() {
        out.extend_from_slice(b"NIL");
        return;
    }
    out.push(b'(');
    string(&kind, out);
    out.push(b' ');
    pairs(&parameters(&value), out);
    out.push(b')');
}

fn language(message: &[u8], part: &Part, out: &mut Vec<u8>) {
    out.push(b' ');
    let field = part.field(message, "Content-Language");
    let value = field.map(|field| field.unfolded()).unwrap_or_default();
    let mut tags = value
        .split(|octet| *octet == b',')
        .map(<[u8]>::trim_ascii)
        .filter(|tag| !tag.is_empty())
        .peekable();
    if tags.peek().is_none() {
        out.extend_from_slice(b"NIL");
        return;
    }
    for (index, tag) in tags.enumerate() {
        out.push(if index == 0 { b'(' } else { b' ' });
        string(tag, out);
    }
    out.push(b')');
}
