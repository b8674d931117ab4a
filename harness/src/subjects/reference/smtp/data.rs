//! The message as it goes behind DATA (RFC 5321 §4.5.2).

use super::super::{flaws::Flaws, task::canonical};

/// RFC 5322 §2.1.1, without the CRLF.
const LONGEST_LINE: usize = 998;

/// A message that can be sent.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Prepared {
    /// With doubled dots and the final one.
    pub(super) octets: Vec<u8>,
    /// How large the message is by the count of RFC 1870 §5: without what the transfer adds.
    pub(super) size: usize,
    pub(super) is_eight_bit: bool,
}

/// Makes a message fit for the way: CR and LF only together, a line end at the end, leading dots doubled.
///
/// # Errors
/// Why it cannot be sent unchanged; this client does not re-encode.
pub(super) fn prepare(message: &[u8], flaws: &Flaws) -> Result<Prepared, &'static str> {
    let mut lines = if flaws.sends_bare_line_ends() {
        message.to_vec()
    } else {
        canonical(message)
    };
    if flaws.cuts_long_messages() {
        lines.truncate(64 * 1024);
    }
    if !lines.ends_with(b"\r\n") || flaws.adds_empty_line() {
        lines.extend_from_slice(b"\r\n");
    }
    if lines.contains(&0) {
        return Err("the message has NUL octets in it, which mail cannot carry");
    }
    let is_long = |line: &[u8]| line.strip_suffix(b"\r").unwrap_or(line).len() > LONGEST_LINE;
    if lines.split(|octet| *octet == b'\n').any(is_long) {
        return Err("the message has a line of more than 998 octets");
    }
    let size = lines.len();
    let is_eight_bit = !lines.is_ascii();
    let mut octets = if flaws.no_dot_stuffing() {
        lines
    } else {
        stuffed(&lines)
    };
    octets.extend_from_slice(b".\r\n");
    Ok(Prepared {
        octets,
        size,
        is_eight_bit,
    })
}

/// Doubles the dot at the beginning of every line.
fn stuffed(lines: &[u8]) -> Vec<u8> {
    let mut octets = Vec::with_capacity(lines.len() + 64);
    let mut at_start = true;
    for octet in lines {
        if at_start && *octet == b'.' {
            octets.push(b'.');
        }
        octets.push(*octet);
        at_start = *octet == b'\n';
    }
    octets
}

#[cfg(test)]
mod tests {
    use mailproof_scenarios::model::Flaw;
    use pretty_assertions::assert_eq;
    use proptest::prelude::*;
    use test_case::test_case;

    use super::*;

    #[test_case(b"a\r\n", b"a\r\n.\r\n"; "nothing to do")]
    #[test_case(b".\r\n..\r\n.x\r\na.\r\n", b"..\r\n...\r\n..x\r\na.\r\n.\r\n"; "leading dots are doubled")]
    #[test_case(b"a\r\n.", b"a\r\n..\r\n.\r\n"; "a last line that is a dot without an end")]
    #[test_case(b"a\n.\nMAIL FROM:<e@e.test>\n", b"a\r\n..\r\nMAIL FROM:<e@e.test>\r\n.\r\n"; "an end hidden behind bare LF")]
    #[test_case(b"", b"\r\n.\r\n"; "an empty message")]
    fn encodes(message: &[u8], expected: &[u8]) {
        let prepared = prepare(message, &Flaws::default()).unwrap();
        assert_eq!(prepared.octets, expected);
    }

    #[test_case(Flaw::AddsEmptyLine, b"a\r\n", b"a\r\n\r\n.\r\n"; "an empty line added")]
    #[test_case(Flaw::NoDotStuffing, b"a\r\n.\r\n", b"a\r\n.\r\n.\r\n"; "dots as they are")]
    #[test_case(Flaw::SendsBareLineEnds, b"a\n.\r\n", b"a\n..\r\n.\r\n"; "ends as they are")]
    fn flaws(flaw: Flaw, message: &[u8], expected: &[u8]) {
        let prepared = prepare(message, &Flaws::new(&[flaw])).unwrap();
        assert_eq!(prepared.octets, expected);
    }

    #[test_case(b"a\0b", "NUL")]
    #[test_case(&[b'a'; 999], "998")]
    fn refuses(message: &[u8], why: &str) {
        assert!(
            prepare(message, &Flaws::default())
                .unwrap_err()
                .contains(why)
        );
    }

    #[test]
    fn the_longest_line_may_go() {
        assert!(prepare(&[b'a'; 998], &Flaws::default()).is_ok());
    }

    /// What a server makes of it.
    fn unstuffed(octets: &[u8]) -> Vec<u8> {
        let body = octets.strip_suffix(b".\r\n").unwrap();
        let mut message = Vec::new();
        for line in body.split_inclusive(|octet| *octet == b'\n') {
            message.extend_from_slice(line.strip_prefix(b".").unwrap_or(line));
        }
        message
    }

    proptest! {
        #[test]
        fn a_server_gets_the_canonical_message(message in proptest::collection::vec(prop_oneof![Just(b'\r'), Just(b'\n'), Just(b'.'), 1_u8..=255], 0..200)) {
            let prepared = prepare(&message, &Flaws::default()).unwrap();
            let mut expected = canonical(&message);
            if !expected.ends_with(b"\r\n") {
                expected.extend_from_slice(b"\r\n");
            }
            let early = prepared.octets.windows(5).position(|it| it == b"\r\n.\r\n");
            prop_assert!(early.is_none_or(|at| at + 5 == prepared.octets.len()));
            prop_assert_eq!(unstuffed(&prepared.octets), expected);
        }
    }
}
