//! The words of the grammar: atoms, strings, numbers, flags (RFC 9051 §9).

use crate::imap::{flags::Flags, sequence::SequenceSet};

/// Where a command stops being one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::imap) struct ParseError {
    /// The offset in the command's octets.
    pub(in crate::imap) at: usize,
    /// What the grammar has there.
    pub(in crate::imap) wanted: &'static str,
}

pub(in crate::imap) type Parsed<T> = Result<T, ParseError>;

/// A position in the octets of a command.
#[derive(Clone)]
pub(in crate::imap) struct Cursor<'a> {
    octets: &'a [u8],
    at: usize,
}

/// Whether the octet may stand in an atom.
pub(in crate::imap) fn is_atom_char(octet: u8) -> bool {
    matches!(octet, 0x21..=0x7e)
        && !matches!(
            octet,
            b'(' | b')' | b'{' | b'%' | b'*' | b'"' | b'\\' | b']'
        )
}

fn is_astring_char(octet: u8) -> bool {
    is_atom_char(octet) || octet == b']'
}

fn is_list_char(octet: u8) -> bool {
    is_astring_char(octet) || matches!(octet, b'%' | b'*')
}

impl<'a> Cursor<'a> {
    pub(in crate::imap) fn new(octets: &'a [u8]) -> Self {
        Self { octets, at: 0 }
    }

    pub(in crate::imap) fn fail<T>(&self, wanted: &'static str) -> Parsed<T> {
        Err(ParseError {
            at: self.at,
            wanted,
        })
    }

    pub(in crate::imap) fn peek(&self) -> Option<u8> {
        self.octets.get(self.at).copied()
    }

    pub(in crate::imap) fn eat(&mut self, octet: u8) -> bool {
        let found = self.peek() == Some(octet);
        if found {
            self.at += 1;
        }
        found
    }

    pub(in crate::imap) fn expect(&mut self, octet: u8, wanted: &'static str) -> Parsed<()> {
        if self.eat(octet) {
            Ok(())
        } else {
            self.fail(wanted)
        }
    }

    pub(in crate::imap) fn sp(&mut self) -> Parsed<()> {
        self.expect(b' ', "one space")
    }

    /// The end of the command: CRLF and nothing behind it.
    pub(in crate::imap) fn end(&mut self) -> Parsed<()> {
        if self.rest() == b"\r\n" {
            self.at += 2;
            Ok(())
        } else {
            self.fail("CRLF")
        }
    }

    pub(in crate::imap) fn rest(&self) -> &'a [u8] {
        self.octets.get(self.at..).unwrap_or_default()
    }

    /// The keyword, without regard to case, if it stands here and no further character of an atom follows.
    pub(in crate::imap) fn keyword(&mut self, word: &str) -> bool {
        let rest = self.rest();
        let found = rest.len() >= word.len()
            && rest[..word.len()].eq_ignore_ascii_case(word.as_bytes())
            && !rest.get(word.len()).copied().is_some_and(is_atom_char);
        if found {
            self.at += word.len();
        }
        found
    }

    /// The octets, without regard to case, whatever follows.
    pub(in crate::imap) fn prefix(&mut self, word: &str) -> bool {
        let rest = self.rest();
        let found =
            rest.len() >= word.len() && rest[..word.len()].eq_ignore_ascii_case(word.as_bytes());
        if found {
            self.at += word.len();
        }
        found
    }

    fn run(&mut self, allowed: fn(u8) -> bool, wanted: &'static str) -> Parsed<&'a [u8]> {
        let rest = self.rest();
        let len = rest
            .iter()
            .position(|octet| !allowed(*octet))
            .unwrap_or(rest.len());
        if len == 0 {
            return self.fail(wanted);
        }
        self.at += len;
        Ok(&rest[..len])
    }

    pub(in crate::imap) fn atom(&mut self) -> Parsed<&'a [u8]> {
        self.run(is_atom_char, "an atom")
    }

    /// An atom in capitals.
    pub(in crate::imap) fn word(&mut self) -> Parsed<String> {
        let atom = self.atom()?;
        Ok(String::from_utf8_lossy(atom).to_ascii_uppercase())
    }

    pub(in crate::imap) fn tag(&mut self) -> Parsed<&'a [u8]> {
        self.run(
            |octet| is_astring_char(octet) && octet != b'+',
            "a tag without `+`",
        )
    }

    pub(in crate::imap) fn base64(&mut self) -> Parsed<&'a [u8]> {
        self.run(|octet| matches!(octet, 0x21..=0x7e), "base64")
    }

    pub(in crate::imap) fn astring(&mut self) -> Parsed<Vec<u8>> {
        match self.peek() {
            Some(b'"' | b'{') => self.string(),
            _ => self
                .run(is_astring_char, "an atom or a string")
                .map(<[u8]>::to_vec),
        }
    }

    pub(in crate::imap) fn list_mailbox(&mut self) -> Parsed<Vec<u8>> {
        match self.peek() {
            Some(b'"' | b'{') => self.string(),
            _ => self
                .run(is_list_char, "a mailbox pattern")
                .map(<[u8]>::to_vec),
        }
    }

    pub(in crate::imap) fn nstring(&mut self) -> Parsed<Option<Vec<u8>>> {
        if self.keyword("NIL") {
            return Ok(None);
        }
        self.string().map(Some)
    }

    pub(in crate::imap) fn string(&mut self) -> Parsed<Vec<u8>> {
        match self.peek() {
            Some(b'"') => self.quoted(),
            Some(b'{') => self.literal(),
            _ => self.fail("a quoted string or a literal"),
        }
    }

    fn quoted(&mut self) -> Parsed<Vec<u8>> {
        self.expect(b'"', "a quoted string")?;
        let start = self.at;
        let mut value = Vec::new();
        loop {
            match self.peek() {
                Some(b'"') => break,
                Some(b'\\') => {
                    self.at += 1;
                    match self.peek() {
                        Some(octet @ (b'"' | b'\\')) => value.push(octet),
                        _ => return self.fail("`\"` or `\\` behind a backslash"),
                    }
                }
                None | Some(0 | b'\r' | b'\n') => return self.fail("a closing quote"),
                Some(octet) => value.push(octet),
            }
            self.at += 1;
        }
        self.at += 1;
        if std::str::from_utf8(&value).is_err() {
            return Err(ParseError {
                at: start,
                wanted: "ASCII or UTF-8 in a quoted string",
            });
        }
        Ok(value)
    }

    pub(in crate::imap) fn literal(&mut self) -> Parsed<Vec<u8>> {
        self.expect(b'{', "a literal")?;
        let size = self.number64()?;
        self.eat(b'+');
        self.expect(b'}', "`}`")?;
        self.expect(b'\r', "CRLF behind the size of a literal")?;
        self.expect(b'\n', "CRLF behind the size of a literal")?;
        let rest = self.rest();
        let octets = usize::try_from(size).ok().and_then(|size| rest.get(..size));
        let Some(octets) = octets else {
            return self.fail("the octets of the literal");
        };
        if let Some(at) = memchr::memchr(0, octets) {
            self.at += at;
            return self.fail("an octet other than NUL");
        }
        self.at += octets.len();
        Ok(octets.to_vec())
    }

    pub(in crate::imap) fn number64(&mut self) -> Parsed<u64> {
        let start = self.at;
        let digits = self.run(|octet| octet.is_ascii_digit(), "a number")?;
        std::str::from_utf8(digits)
            .ok()
            .and_then(|digits| digits.parse().ok())
            .ok_or(ParseError {
                at: start,
                wanted: "a number that fits",
            })
    }

    pub(in crate::imap) fn number(&mut self) -> Parsed<u32> {
        let start = self.at;
        u32::try_from(self.number64()?).map_err(|_| ParseError {
            at: start,
            wanted: "a number of at most 32 bits",
        })
    }

    pub(in crate::imap) fn nz_number(&mut self) -> Parsed<u32> {
        let start = self.at;
        match self.number()? {
            0 => Err(ParseError {
                at: start,
                wanted: "a number other than 0",
            }),
            number => Ok(number),
        }
    }

    pub(in crate::imap) fn sequence_set(&mut self) -> Parsed<SequenceSet> {
        let start = self.at;
        let text = self.run(
            |octet| octet.is_ascii_digit() || matches!(octet, b':' | b',' | b'*'),
            "a sequence set",
        )?;
        SequenceSet::parse(text).ok_or(ParseError {
            at: start,
            wanted: "a sequence set",
        })
    }

    /// A flag that a client may set: no `\Recent`, no system flag that does not exist.
    pub(in crate::imap) fn flag(&mut self, into: &mut Flags) -> Parsed<()> {
        let start = self.at;
        let system = self.eat(b'\\');
        let atom = String::from_utf8_lossy(self.atom()?).into_owned();
        let known = if system {
            into.insert_system(&atom)
        } else {
            into.insert_keyword(&atom);
            true
        };
        if known {
            Ok(())
        } else {
            Err(ParseError {
                at: start,
                wanted: "a flag that can be set",
            })
        }
    }

    /// `(\Seen foo)`.
    pub(in crate::imap) fn flag_list(&mut self) -> Parsed<Flags> {
        let mut flags = Flags::default();
        self.expect(b'(', "`(`")?;
        if self.eat(b')') {
            return Ok(flags);
        }
        loop {
            self.flag(&mut flags)?;
            if self.eat(b')') {
                return Ok(flags);
            }
            self.sp()?;
        }
    }
}
