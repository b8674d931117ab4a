//! Addresses of a header field (RFC 5322 §3.4 and §4.4), as an ENVELOPE names them. Tolerant: whatever
//! stands there becomes addresses.

/// One member of an address list of ENVELOPE (RFC 9051 §7.5.2).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::imap) struct Address {
    /// The display name.
    pub(in crate::imap) name: Option<Vec<u8>>,
    /// The source route.
    pub(in crate::imap) route: Option<Vec<u8>>,
    /// The local part, or the name of a group that begins; `None` where a group ends.
    pub(in crate::imap) mailbox: Option<Vec<u8>>,
    /// The domain; `None` where a group begins or ends.
    pub(in crate::imap) host: Option<Vec<u8>>,
}

const NO_MAILBOX: &[u8] = b"MISSING_MAILBOX";
const NO_HOST: &[u8] = b"MISSING_DOMAIN";

/// The addresses of an unfolded field value.
pub(in crate::imap) fn addresses(value: &[u8]) -> Vec<Address> {
    let mut reader = Reader {
        octets: value,
        at: 0,
        comment: None,
    };
    let mut found = Vec::new();
    let mut in_group = false;
    loop {
        reader.skip();
        match reader.peek() {
            None => break,
            Some(b',') => reader.at += 1,
            Some(b';') => {
                reader.at += 1;
                if std::mem::take(&mut in_group) {
                    found.push(Address::default());
                }
            }
            Some(_) => reader.one(&mut found, &mut in_group),
        }
    }
    if in_group {
        found.push(Address::default());
    }
    found
}

struct Reader<'a> {
    octets: &'a [u8],
    at: usize,
    /// The last comment that was skipped.
    comment: Option<Vec<u8>>,
}

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        self.octets.get(self.at).copied()
    }

    /// Skips white space and comments; whether there was any.
    fn skip(&mut self) -> bool {
        let start = self.at;
        while let Some(octet) = self.peek() {
            match octet {
                b' ' | b'\t' | b'\r' | b'\n' => self.at += 1,
                b'(' => self.comment(),
                _ => break,
            }
        }
        self.at > start
    }

    fn comment(&mut self) {
        let mut depth = 0_usize;
        let mut text = Vec::new();
        while let Some(octet) = self.peek() {
            self.at += 1;
            match octet {
                b'(' => {
                    depth += 1;
                    if depth == 1 {
                        continue;
                    }
                }
                b')' => {
                    depth -= 1;
                    if depth == 0 {
                        break;
                    }
                }
                b'\\' => {
                    text.extend(self.peek());
                    self.at += 1;
                    continue;
                }
                _ => (),
            }
            text.push(octet);
        }
        self.comment = Some(text.trim_ascii().to_vec());
    }

    /// One mailbox, or the beginning of a group. Something stands here, and it is consumed.
    fn one(&mut self, found: &mut Vec<Address>, in_group: &mut bool) {
        self.comment = None;
        let (phrase, word) = self.words(b",;:<@");
        match self.peek() {
            Some(b'<') => {
                self.at += 1;
                let mut address = self.angle();
                address.name = (!phrase.is_empty()).then_some(phrase);
                found.push(address);
                self.words(b",;");
            }
            Some(b':') => {
                self.at += 1;
                if !*in_group {
                    *in_group = true;
                    found.push(Address {
                        mailbox: Some(phrase),
                        ..Address::default()
                    });
                }
            }
            Some(b'@') => {
                self.at += 1;
                let (_, host) = self.words(b",;<");
                if self.peek() == Some(b'<') {
                    self.words(b",;");
                }
                found.push(self.bare(word, host));
            }
            _ => found.push(self.bare(word, Vec::new())),
        }
    }

    fn bare(&mut self, mailbox: Vec<u8>, host: Vec<u8>) -> Address {
        Address {
            name: self.comment.take().filter(|text| !text.is_empty()),
            route: None,
            mailbox: Some(or(mailbox, NO_MAILBOX)),
            host: Some(or(host, NO_HOST)),
        }
    }

    /// What stands behind `<`, up to and with `>`.
    fn angle(&mut self) -> Address {
        self.skip();
        let mut route = None;
        if self.peek() == Some(b'@') {
            let (_, text) = self.words(b":>");
            if self.peek() == Some(b':') {
                self.at += 1;
            }
            route = Some(text);
        }
        let (_, mailbox) = self.words(b"@>");
        let mut host = Vec::new();
        if self.peek() == Some(b'@') {
            self.at += 1;
            host = self.words(b">").1;
        }
        if self.peek() == Some(b'>') {
            self.at += 1;
        }
        Address {
            name: None,
            route,
            mailbox: Some(or(mailbox, NO_MAILBOX)),
            host: Some(or(host, NO_HOST)),
        }
    }

    /// Everything up to one of `ends`: as a phrase (one space where there was white space) and as one word
    /// (without it). Quotes are taken off.
    fn words(&mut self, ends: &[u8]) -> (Vec<u8>, Vec<u8>) {
        let (mut phrase, mut word) = (Vec::new(), Vec::new());
        loop {
            let spaced = self.skip();
            let Some(octet) = self.peek().filter(|octet| !ends.contains(octet)) else {
                return (phrase, word);
            };
            if spaced && !phrase.is_empty() {
                phrase.push(b' ');
            }
            let start = word.len();
            match octet {
                b'"' => self.quoted(&mut word),
                b'[' => self.domain_literal(&mut word),
                _ => {
                    word.push(octet);
                    self.at += 1;
                }
            }
            phrase.extend_from_slice(&word[start..]);
        }
    }

    fn quoted(&mut self, into: &mut Vec<u8>) {
        self.at += 1;
        while let Some(octet) = self.peek() {
            self.at += 1;
            match octet {
                b'"' => break,
                b'\\' => {
                    into.extend(self.peek());
                    self.at += 1;
                }
                _ => into.push(octet),
            }
        }
    }

    fn domain_literal(&mut self, into: &mut Vec<u8>) {
        while let Some(octet) = self.peek() {
            self.at += 1;
            into.push(octet);
            if octet == b']' {
                break;
            }
        }
    }
}

fn or(text: Vec<u8>, otherwise: &[u8]) -> Vec<u8> {
    if text.is_empty() {
        otherwise.to_vec()
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use pretty_assertions::assert_eq;
    use proptest::prelude::*;
    use test_case::test_case;

    use super::*;

    fn show(address: &Address) -> String {
        let part = |part: &Option<Vec<u8>>| {
            part.as_ref().map_or("-".to_owned(), |octets| {
                String::from_utf8_lossy(octets).into_owned()
            })
        };
        [
            &address.name,
            &address.route,
            &address.mailbox,
            &address.host,
        ]
        .map(part)
        .join("|")
    }

    #[test_case("a@b.example", &["-|-|a|b.example"]; "bare")]
    #[test_case("Alice Example <alice@firma.example>", &["Alice Example|-|alice|firma.example"]; "named")]
    #[test_case("\"A \\\"Q\\\" B\"  C <a@b>", &["A \"Q\" B C|-|a|b"]; "a quoted name")]
    #[test_case("carol@other.example (Carol C)", &["Carol C|-|carol|other.example"]; "named in a comment")]
    #[test_case("G: a@x, \"E, e\" <@r1,@r2:e@y>;, f@z", &["-|-|G|-", "-|-|a|x", "E, e|@r1,@r2|e|y", "-|-|-|-", "-|-|f|z"]; "a group and a route")]
    #[test_case("Undisclosed:;", &["-|-|Undisclosed|-", "-|-|-|-"]; "an empty group")]
    #[test_case("G: a@x", &["-|-|G|-", "-|-|a|x", "-|-|-|-"]; "a group without an end")]
    #[test_case("\"a b\"@[192.0.2.1]", &["-|-|a b|[192.0.2.1]"]; "quoted local part, domain literal")]
    #[test_case("a . b @ c . d", &["-|-|a.b|c.d"]; "white space that RFC 5322 calls obsolete")]
    #[test_case("=?x", &["-|-|=?x|MISSING_DOMAIN"]; "a word")]
    #[test_case(",, ,", &[]; "only commas")]
    #[test_case("<>", &["-|-|MISSING_MAILBOX|MISSING_DOMAIN"]; "an empty path")]
    #[test_case("a@b <c@d>, e@f", &["-|-|a|b", "-|-|e|f"]; "an address for a name")]
    #[test_case("(only a comment", &[]; "an open comment")]
    fn reads(value: &str, expected: &[&str]) {
        let found: Vec<_> = addresses(value.as_bytes()).iter().map(show).collect();
        assert_eq!(found, expected);
    }

    proptest! {
        #[test]
        fn never_panics_and_ends(octets in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = addresses(&octets);
        }

        #[test]
        fn nor_on_what_looks_like_addresses(text in "[a\" \\\\()<>@,;:.\\[\\]]{0,60}") {
            let _ = addresses(text.as_bytes());
        }
    }
}
