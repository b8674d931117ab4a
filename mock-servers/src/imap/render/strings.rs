//! Strings of the grammar: atoms where they are enough, quoted strings, literals for the rest.

use crate::imap::parse::is_atom_char;

/// Longer strings are sent as literals.
const MOST_QUOTED: usize = 1000;

/// A quoted string if the octets fit into one, a literal otherwise.
pub(in crate::imap) fn string(octets: &[u8], out: &mut Vec<u8>) {
    let printable = octets.iter().all(|octet| matches!(octet, 0x20..=0x7e));
    if !printable || octets.len() > MOST_QUOTED {
        literal(octets, out);
        return;
    }
    out.push(b'"');
    for octet in octets {
        if matches!(octet, b'"' | b'\\') {
            out.push(b'\\');
        }
        out.push(*octet);
    }
    out.push(b'"');
}

/// A string, or NIL.
pub(in crate::imap) fn nstring(octets: Option<&[u8]>, out: &mut Vec<u8>) {
    match octets {
        Some(octets) => string(octets, out),
        None => out.extend_from_slice(b"NIL"),
    }
}

/// A literal. NUL is not in its grammar (RFC 9051 §9, CHAR8), so 0x80 stands for it.
pub(in crate::imap) fn literal(octets: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(format!("{{{}}}\r\n", octets.len()).as_bytes());
    let start = out.len();
    out.extend_from_slice(octets);
    for octet in &mut out[start..] {
        if *octet == 0 {
            *octet = 0x80;
        }
    }
}

/// An atom if the octets are one, a string otherwise. NIL is always a string.
pub(in crate::imap) fn astring(octets: &[u8], out: &mut Vec<u8>) {
    let atom = !octets.is_empty()
        && octets.iter().all(|octet| is_atom_char(*octet))
        && !octets.eq_ignore_ascii_case(b"NIL");
    if atom {
        out.extend_from_slice(octets);
    } else {
        string(octets, out);
    }
}

/// A quoted string of text that is known to be printable ASCII.
pub(in crate::imap) fn quoted(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    string(text.as_bytes(), &mut out);
    out
}

#[cfg(test)]
mod tests {
    use test_case::test_case;

    use super::*;

    #[test_case(b"", b"\"\""; "empty")]
    #[test_case(b"a \"b\" \\c", b"\"a \\\"b\\\" \\\\c\""; "escapes")]
    #[test_case(b"a\r\nb", b"{4}\r\na\r\nb"; "line ends")]
    #[test_case(b"\xe4", b"{1}\r\n\xe4"; "an eighth bit")]
    #[test_case(b"a\0", b"{2}\r\na\x80"; "NUL")]
    fn strings(octets: &[u8], expected: &[u8]) {
        let mut out = Vec::new();
        string(octets, &mut out);
        assert_eq!(out, expected);
    }

    #[test_case(b"Sent", b"Sent"; "an atom")]
    #[test_case(b"nil", b"\"nil\""; "nil is no atom")]
    #[test_case(b"a b", b"\"a b\""; "a space")]
    #[test_case(b"", b"\"\""; "empty")]
    fn astrings(octets: &[u8], expected: &[u8]) {
        let mut out = Vec::new();
        astring(octets, &mut out);
        assert_eq!(out, expected);
    }
}
