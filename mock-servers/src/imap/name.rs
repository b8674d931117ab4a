//! Mailbox names: modified UTF-7 (RFC 3501 §5.1.3), INBOX in any case, and the patterns of LIST.

use base64::{
    Engine as _,
    engine::{
        DecodePaddingMode,
        general_purpose::{GeneralPurpose, GeneralPurposeConfig},
    },
};

const MUTF7: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::IMAP_MUTF7,
    GeneralPurposeConfig::new()
        .with_encode_padding(false)
        .with_decode_padding_mode(DecodePaddingMode::RequireNone),
);

/// The name of the mailbox that every account has.
pub(super) const INBOX: &str = "INBOX";
/// Longer names and patterns are nobody's.
const MOST_OCTETS: usize = 1000;

/// The name that stands in a command; `None` for octets that name no mailbox.
pub(super) fn decode(octets: &[u8]) -> Option<String> {
    if octets.eq_ignore_ascii_case(INBOX.as_bytes()) {
        return Some(INBOX.to_owned());
    }
    if octets.is_empty() || octets.len() > MOST_OCTETS {
        return None;
    }
    let mut name = String::new();
    let mut rest = octets;
    while let Some((first, behind)) = rest.split_first() {
        rest = behind;
        match first {
            b'&' => {
                let end = memchr::memchr(b'-', rest)?;
                name.push_str(&shifted(&rest[..end])?);
                rest = &rest[end + 1..];
            }
            0x20..=0x7e => name.push(char::from(*first)),
            _ => return None,
        }
    }
    Some(name)
}

/// The name as it stands in a response.
pub(super) fn encode(name: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(name.len());
    let mut pending: Vec<u8> = Vec::new();
    let flush = |pending: &mut Vec<u8>, out: &mut Vec<u8>| {
        if !pending.is_empty() {
            out.push(b'&');
            out.extend_from_slice(MUTF7.encode(&*pending).as_bytes());
            out.push(b'-');
            pending.clear();
        }
    };
    for letter in name.chars() {
        match letter {
            ' '..='~' => {
                flush(&mut pending, &mut out);
                out.extend_from_slice(if letter == '&' { b"&" } else { b"" });
                out.push(if letter == '&' { b'-' } else { letter as u8 });
            }
            _ => {
                let mut units = [0; 2];
                for unit in letter.encode_utf16(&mut units) {
                    pending.extend_from_slice(&unit.to_be_bytes());
                }
            }
        }
    }
    flush(&mut pending, &mut out);
    out
}

/// Whether the pattern of LIST matches: `*` anything, `%` anything without the delimiter.
pub(super) fn matches(pattern: &str, name: &str, delimiter: Option<char>) -> bool {
    let matched = |pattern: &str| {
        let pattern: Vec<char> = pattern.chars().collect();
        let name: Vec<char> = name.chars().collect();
        let mut reached = vec![false; name.len() + 1];
        reached[0] = true;
        for wanted in pattern {
            if matches!(wanted, '*' | '%') {
                for at in 0..name.len() {
                    let passes = wanted == '*' || Some(name[at]) != delimiter;
                    reached[at + 1] |= reached[at] && passes;
                }
            } else {
                for at in (0..name.len()).rev() {
                    reached[at + 1] = reached[at] && name[at] == wanted;
                }
                reached[0] = false;
            }
        }
        reached[name.len()]
    };
    matched(pattern) || (name == INBOX && matched(&pattern.to_ascii_uppercase()))
}

/// The names above one, nearest first: `a/b` and `a` for `a/b/c`.
pub(super) fn superiors(name: &str, delimiter: Option<char>) -> impl Iterator<Item = &str> {
    let mut rest = name;
    std::iter::from_fn(move || {
        let (above, _) = rest.rsplit_once(delimiter?)?;
        rest = above;
        (!above.is_empty()).then_some(above)
    })
}

/// Whether `name` is below `above`.
pub(super) fn is_inferior(name: &str, above: &str, delimiter: Option<char>) -> bool {
    delimiter.is_some_and(|delimiter| {
        name.strip_prefix(above)
            .is_some_and(|rest| rest.starts_with(delimiter))
    })
}

/// What stands between `&` and `-`.
fn shifted(text: &[u8]) -> Option<String> {
    if text.is_empty() {
        return Some("&".to_owned());
    }
    let octets = MUTF7.decode(text).ok()?;
    if !octets.len().is_multiple_of(2) {
        return None;
    }
    let units = octets
        .chunks_exact(2)
        .map(|pair| u16::from_be_bytes([pair[0], pair[1]]));
    let name: String = char::decode_utf16(units).collect::<Result<_, _>>().ok()?;
    name.chars()
        .all(|letter| !letter.is_ascii() && !letter.is_control())
        .then_some(name)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use test_case::test_case;

    use super::*;

    #[test_case("~peter/mail/&U,BTFw-/&ZeVnLIqe-", "~peter/mail/台北/日本語"; "the example of the RFC")]
    #[test_case("Entw&APw-rfe", "Entwürfe"; "drafts in German")]
    #[test_case("a&-b", "a&b"; "an ampersand")]
    #[test_case("&2D3eAA-", "😀"; "a surrogate pair")]
    fn reads_and_writes(wire: &str, name: &str) {
        assert_eq!(decode(wire.as_bytes()).as_deref(), Some(name));
        assert_eq!(encode(name), wire.as_bytes());
    }

    #[test_case(b"&Jjo"; "not closed")]
    #[test_case(b"&Jjo!-"; "not base64")]
    #[test_case(b"&AGE-"; "a letter that needs no encoding")]
    #[test_case(b"&2D0-"; "half a surrogate pair")]
    #[test_case(b"\xc3\xbc"; "UTF-8")]
    #[test_case(b"a\tb"; "a control character")]
    #[test_case(b""; "nothing")]
    fn refuses(wire: &[u8]) {
        assert_eq!(decode(wire), None);
    }

    #[test]
    fn inbox_in_any_case() {
        assert_eq!(decode(b"iNbOx").as_deref(), Some(INBOX));
    }

    #[test_case("*", "a/b", true)]
    #[test_case("%", "a/b", false)]
    #[test_case("%", "a", true)]
    #[test_case("%/%", "a/b", true)]
    #[test_case("a%c", "abbc", true)]
    #[test_case("a*", "a/b/c", true)]
    #[test_case("a/%", "a/b/c", false)]
    #[test_case("inbox", "INBOX", true; "inbox in lower case")]
    #[test_case("in%", "INBOX", true; "the beginning of inbox")]
    #[test_case("sent", "Sent", false; "others not")]
    #[test_case("", "a", false; "nothing")]
    #[test_case("***%%%***a", "bbbba", true; "many wildcards")]
    fn patterns(pattern: &str, name: &str, expected: bool) {
        assert_eq!(matches(pattern, name, Some('/')), expected);
    }

    #[test]
    fn above_and_below() {
        assert_eq!(
            superiors("a/b/c", Some('/')).collect::<Vec<_>>(),
            ["a/b", "a"]
        );
        assert_eq!(superiors("a/b", None).count(), 0);
        assert!(is_inferior("a/b", "a", Some('/')));
        assert!(!is_inferior("ab", "a", Some('/')));
    }

    proptest! {
        #[test]
        fn names_read_back(name in "[^\\p{Cc}]{1,40}") {
            prop_assume!(!name.eq_ignore_ascii_case(INBOX));
            let read = decode(&encode(&name));
            prop_assert_eq!(read, Some(name));
        }

        #[test]
        fn never_panics(octets in proptest::collection::vec(any::<u8>(), 0..100)) {
            let _ = decode(&octets);
        }
    }
}
