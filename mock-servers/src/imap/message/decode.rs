//! Text as SEARCH compares it: transfer encodings, charsets and encoded words taken off (RFC 3501 §6.4.4).

use mail_parser::{
    decoders::{
        base64::base64_decode, charsets::map::charset_decoder,
        quoted_printable::quoted_printable_decode,
    },
    parsers::MessageStream,
};

use super::{Kind, Part};

/// An encoded word is at most 75 characters long (RFC 2047 §2); some senders do not count.
const MOST_WORD: usize = 512;

/// A header, or a field value, on one line with its encoded words decoded.
pub(in crate::imap) fn header_text(octets: &[u8]) -> String {
    let mut text = String::new();
    let mut plain = 0;
    let mut at = 0;
    let mut behind_word = false;
    while let Some(found) = memchr::memmem::find(&octets[at..], b"=?") {
        let start = at + found;
        let window = &octets[start + 1..octets.len().min(start + MOST_WORD)];
        let mut stream = MessageStream::new(window);
        match stream.decode_rfc2047() {
            Some(word) => {
                let between = &octets[plain..start];
                if !(behind_word && between.trim_ascii().is_empty()) {
                    push_lossy(&mut text, between);
                }
                text.push_str(&word);
                at = start + 1 + stream.offset().max(1);
                plain = at;
                behind_word = true;
            }
            None => at = start + 2,
        }
    }
    push_lossy(&mut text, &octets[plain.min(octets.len())..]);
    text.retain(|letter| !matches!(letter, '\r' | '\n'));
    text
}

/// The text of every part that is text, and the headers of messages inside.
pub(in crate::imap) fn part_text(message: &[u8], part: &Part) -> String {
    let mut text = String::new();
    collect(message, part, &mut text);
    text
}

fn collect(message: &[u8], part: &Part, into: &mut String) {
    match &part.kind {
        Kind::Multipart(parts) => {
            for part in parts {
                collect(message, part, into);
            }
        }
        Kind::Message(inner) => {
            into.push_str(&header_text(&message[inner.header.clone()]));
            into.push('\n');
            collect(message, inner, into);
        }
        Kind::Leaf if part.is("text") => {
            let octets = &message[part.body.clone()];
            let decoded = match part.encoding(message).as_slice() {
                b"base64" => base64_decode(octets),
                b"quoted-printable" => quoted_printable_decode(octets),
                _ => None,
            };
            let octets = decoded.as_deref().unwrap_or(octets);
            match part.parameter("charset").and_then(charset_decoder) {
                Some(decode) => into.push_str(&decode(octets)),
                None => push_lossy(into, octets),
            }
            into.push('\n');
        }
        Kind::Leaf => (),
    }
}

fn push_lossy(text: &mut String, octets: &[u8]) {
    text.push_str(&String::from_utf8_lossy(octets));
}

#[cfg(test)]
mod tests {
    use pretty_assertions::assert_eq;
    use proptest::prelude::*;
    use test_case::test_case;

    use super::*;

    #[test_case("=?utf-8?q?Gr=C3=BC=C3=9Fe?= von =?iso-8859-1?b?SvZyZw==?=", "Grüße von Jörg"; "two words")]
    #[test_case("=?utf-8?q?a?=\r\n =?utf-8?q?b?= c", "ab c"; "white space between words is nothing")]
    #[test_case("a =? b =?x?y?z?= c", "a =? b =?x?y?z?= c"; "no words")]
    #[test_case("folded\r\n line", "folded line"; "folded")]
    #[test_case("=?", "=?"; "only the beginning")]
    fn headers(value: &str, expected: &str) {
        assert_eq!(header_text(value.as_bytes()), expected);
    }

    #[test_case("Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nHall=C3=B6", "Hallö\n"; "quoted-printable")]
    #[test_case("Content-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: BASE64\r\n\r\nSGFs\r\nbPY=", "Hallö\n"; "base64")]
    #[test_case("Content-Type: image/png\r\n\r\nx", ""; "no text")]
    #[test_case("Content-Type: message/rfc822\r\n\r\nSubject: =?utf-8?q?=C3=B6?=\r\n\r\nx", "Subject: ö\nx\n"; "a message inside")]
    fn bodies(message: &str, expected: &str) {
        let part = Part::of_message(message.as_bytes());
        assert_eq!(part_text(message.as_bytes(), &part), expected);
    }

    proptest! {
        #[test]
        fn never_panics(octets in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = header_text(&octets);
            let _ = part_text(&octets, &Part::of_message(&octets));
        }

        #[test]
        fn nor_on_what_looks_encoded(
            text in "(=\\?(utf-8|utf-7|iso-2022-jp|x)\\?[qb]\\?|\\?=|=|[0-9A-F]{2}|\r\n| ){0,40}",
            charset in "(utf-8|utf-7|iso-2022-jp|gb18030|utf-16|us-ascii|shift_jis|macintosh)",
            encoding in "(base64|quoted-printable|7bit)",
        ) {
            let _ = header_text(text.as_bytes());
            let message = format!("Content-Type: text/plain; charset={charset}\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n{text}");
            let _ = part_text(message.as_bytes(), &Part::of_message(message.as_bytes()));
        }
    }
}
