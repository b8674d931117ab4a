//! Octets as text that can do no harm: escaped, folded, and without secrets.

use mailproof_scenarios::model::Canaries;

use crate::judge::leaks::{Encoding, Hit, Needles};

/// What stands for a secret.
const MASK: &str = "********";

/// A text without anything that a terminal would obey: control characters, line ends and the invisible
/// characters that reorder text are escaped. Letters of all scripts stay.
pub fn printable(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' | '"' | '\'' => out.push(c),
            c => out.extend(c.escape_debug()),
        }
    }
    out
}

/// The text with every password and token of the case masked, in whatever encoding they stand.
pub fn mask(text: &str, canaries: &Canaries) -> String {
    let masked = mask_octets(text.as_bytes(), &Needles::new(canaries));
    String::from_utf8_lossy(&masked).into_owned()
}

/// The same for octets.
pub(super) fn mask_octets(octets: &[u8], needles: &Needles) -> Vec<u8> {
    replace(octets, needles, |hit, _| {
        hit.secret.is_credential().then(|| MASK.as_bytes().to_vec())
    })
}

/// Where passwords and tokens stand, each place as a range of octets.
pub(crate) fn secrets(octets: &[u8], needles: &Needles) -> Vec<std::ops::Range<usize>> {
    let hits = needles.find(octets).into_iter();
    hits.filter(|hit| hit.secret.is_credential())
        .map(|hit| widen(octets, hit))
        .map(|hit| hit.from..hit.to)
        .collect()
}

/// Puts something else in the place of canaries. A place in base64 is widened to all of the base64 around
/// it, for a part of it alone cannot be read. `with` gets the place and the octets there, and leaves it where
/// it says `None`.
pub(super) fn replace(
    octets: &[u8],
    needles: &Needles,
    with: impl Fn(&Hit, &[u8]) -> Option<Vec<u8>>,
) -> Vec<u8> {
    let mut places: Vec<(Hit, Vec<u8>)> = needles
        .find(octets)
        .into_iter()
        .map(|hit| widen(octets, hit))
        .filter_map(|hit| {
            let instead = with(&hit, octets.get(hit.from..hit.to)?)?;
            Some((hit, instead))
        })
        .collect();
    places.sort_by_key(|(hit, _)| (hit.from, usize::MAX - hit.to));
    let mut out = Vec::with_capacity(octets.len());
    let mut at = 0;
    for (hit, instead) in places {
        if hit.from < at {
            // Two secrets that overlap: nothing of the second may stay.
            at = at.max(hit.to);
            continue;
        }
        out.extend_from_slice(&octets[at..hit.from]);
        out.extend(instead);
        at = hit.to;
    }
    out.extend_from_slice(&octets[at..]);
    out
}

fn widen(octets: &[u8], hit: Hit) -> Hit {
    if hit.encoding != Encoding::Base64 {
        return hit;
    }
    let is_digit = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/-_=".contains(byte);
    let before = octets[..hit.from]
        .iter()
        .rev()
        .take_while(|byte| is_digit(byte))
        .count();
    let behind = octets[hit.to..]
        .iter()
        .take_while(|byte| is_digit(byte))
        .count();
    Hit {
        from: hit.from - before,
        to: hit.to + behind,
        ..hit
    }
}

/// One line of octets for people: escaped, UTF-8 letters kept, a line that ends in anything but CRLF marked,
/// and long ones cut at `width` characters.
pub(super) fn for_people(octets: &[u8], width: usize) -> String {
    let (line, mark) = line_end(octets);
    let mut out = String::with_capacity(line.len());
    for chunk in line.utf8_chunks() {
        out.push_str(&printable(chunk.valid()));
        for byte in chunk.invalid() {
            out.push_str(&format!("\\x{byte:02x}"));
        }
    }
    fold(&mut out, width, line.len());
    out.push_str(mark);
    out
}

/// One line of octets for comparison: everything but printable ASCII as `\xNN`.
pub(super) fn for_comparison(octets: &[u8]) -> (String, &'static str) {
    let (line, mark) = line_end(octets);
    (
        mailproof_scenarios::model::event::octets::to_text(line),
        mark,
    )
}

/// A line of one side; an empty one ends in no blank.
pub(super) fn spoken(side: char, text: &str) -> String {
    if text.is_empty() {
        format!("{side}:")
    } else {
        format!("{side}: {text}")
    }
}

/// Cuts a text at `width` characters and says how much there was.
pub(super) fn fold(text: &mut String, width: usize, octets: usize) {
    if let Some((at, _)) = text.char_indices().nth(width) {
        text.truncate(at);
        text.push_str(&format!(" … ({octets} octets)"));
    }
}

fn line_end(octets: &[u8]) -> (&[u8], &'static str) {
    if let Some(line) = octets.strip_suffix(b"\r\n") {
        (line, "")
    } else if let Some(line) = octets.strip_suffix(b"\n") {
        (line, "\\n")
    } else {
        (octets, " [no line end]")
    }
}

#[cfg(test)]
mod tests {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    use proptest::prelude::*;
    use test_case::test_case;

    use super::*;

    #[test_case("a\u{1b}[31mb", "a\\u{1b}[31mb"; "a terminal sequence")]
    #[test_case("a\r\nb\0c\u{7}", "a\\r\\nb\\0c\\u{7}"; "control characters")]
    #[test_case("a\u{202e}b", "a\\u{202e}b"; "text that runs backwards")]
    #[test_case("grün \"so\" 'da' c:\\d", "grün \"so\" 'da' c:\\d"; "letters and quotes stay")]
    fn prints(text: &str, expected: &str) {
        assert_eq!(printable(text), expected);
    }

    #[test_case(b"220 hi\r\n", "220 hi"; "a line")]
    #[test_case(b"220 hi\n", "220 hi\\n"; "a bare line feed")]
    #[test_case(b"220 hi", "220 hi [no line end]"; "cut off")]
    #[test_case(b"220 \xff\xc3\xbc\r\r\n", "220 \\xff\u{fc}\\r"; "octets that are no text")]
    #[test_case(b"abcdefghijklmnopqrstuvwxyz\r\n", "abcdefghijklmnopqrst … (26 octets)"; "a long line")]
    fn people(octets: &[u8], expected: &str) {
        assert_eq!(for_people(octets, 20), expected);
    }

    #[test]
    fn masks_every_form() {
        let canaries = Canaries::derive(1, "mask", ["a"]);
        let account = &canaries.accounts[0];
        let plain = STANDARD.encode(format!("\0{}\0{}", account.user, account.password));
        let text = format!(
            "AUTH PLAIN {plain}\nLOGIN {} \"{}\" {}",
            account.user, account.password, account.token
        );
        assert_eq!(
            mask(&text, &canaries),
            format!(
                "AUTH PLAIN ********\nLOGIN {} \"********\" ********",
                account.user
            )
        );
    }

    proptest! {
        #[test]
        fn no_secret_survives(
            before in "[ -~]{0,20}",
            behind in "[ -~]{0,20}",
            encode in any::<bool>(),
        ) {
            let canaries = Canaries::derive(1, "mask", ["a"]);
            let secret = &canaries.accounts[0].password;
            let text = format!("{before}{secret}{behind}");
            let text = if encode { STANDARD.encode(text) } else { text };
            let masked = mask(&text, &canaries);
            prop_assert!(!masked.contains(secret.as_str()));
            let left = Needles::new(&canaries).find(masked.as_bytes());
            prop_assert!(left.iter().all(|it| !it.secret.is_credential()), "{masked}");
        }

        #[test]
        fn nothing_raw_reaches_a_terminal(octets in proptest::collection::vec(any::<u8>(), 0..200)) {
            let text = for_people(&octets, 80);
            prop_assert!(text.chars().all(|c| !c.is_control()), "{text:?}");
            let (text, _) = for_comparison(&octets);
            prop_assert!(text.bytes().all(|b| (0x20..0x7f).contains(&b)));
        }
    }
}
