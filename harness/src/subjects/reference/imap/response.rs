//! Responses of an IMAP server (RFC 9051 §7): one line with its literals, and what it means.
//!
//! Sans I/O. The contents of literals are not here: the reader lets them go and leaves their place and size.

/// One response as it was read, without its CRLF.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Line {
    /// The octets around the literals, with their announcements.
    pub(super) octets: Vec<u8>,
    /// Where in the octets an announcement stood that a literal followed: from the opening brace to behind
    /// the closing one.
    pub(super) literals: Vec<(usize, usize)>,
}

/// What a response means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Response {
    /// The completion of a command.
    Tagged {
        tag: Vec<u8>,
        status: Status,
        text: Vec<u8>,
    },
    /// `+`.
    Continuation,
    /// `* OK` and its kin.
    Status { status: Status, text: Vec<u8> },
    /// `* PREAUTH`.
    Preauth { text: Vec<u8> },
    /// `* BYE`.
    Bye,
    /// `* CAPABILITY`, in capitals.
    Capability(Vec<String>),
    /// `* n EXISTS`.
    Exists(u32),
    /// `* n EXPUNGE`.
    Expunge(u32),
    /// `* n FETCH`.
    Fetch {
        number: u32,
        /// Whether it carries `BODY[]`.
        has_body: bool,
    },
    /// `* LIST` and `* LSUB`.
    Listed {
        /// The name as it was written; empty where it is a literal.
        name: String,
    },
    /// `* SEARCH`, `* STATUS` and `* n RECENT`.
    Numbers {
        /// In capitals.
        name: String,
        /// Those that are about messages, the first few.
        numbers: Vec<u32>,
    },
    /// Another untagged response; its name in capitals.
    Other(String),
    /// No response at all.
    Junk,
}

/// OK, NO or BAD.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Status {
    Ok,
    No,
    Bad,
}

/// A response that breaks the grammar where it matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Broken;

/// Where a literal is announced at the end of a line, and how large it is.
pub(super) fn announced(octets: &[u8]) -> Option<(usize, u64)> {
    let inner = octets.strip_suffix(b"}")?;
    let inner = inner.strip_suffix(b"+").unwrap_or(inner);
    let open = inner.iter().rposition(|octet| *octet == b'{')?;
    // More digits than a number of 64 bits has are read as the largest: it is over any limit.
    number(&inner[open + 1..]).map(|size| (open, size))
}

/// Digits as a number, the largest one where there are too many.
fn number(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let digits = std::str::from_utf8(digits).ok()?;
    Some(digits.parse().unwrap_or(u64::MAX))
}

/// Whether a response has text for people in it, in which nothing is announced.
pub(super) fn is_text(octets: &[u8]) -> bool {
    let mut words = octets.splitn(3, |octet| *octet == b' ');
    let first = words.next().unwrap_or_default();
    let second = words.next().unwrap_or_default().to_ascii_uppercase();
    first == b"+" || matches!(&second[..], b"OK" | b"NO" | b"BAD" | b"BYE" | b"PREAUTH")
}

/// Reads a whole response.
///
/// # Errors
/// [`Broken`] for a FETCH that cannot be taken apart.
pub(super) fn parse(line: &Line) -> Result<Response, Broken> {
    let octets = &line.octets[..];
    let (tag, rest) = word(octets);
    let (name, text) = word(rest);
    let name = String::from_utf8_lossy(name).to_ascii_uppercase();
    let status = match &name[..] {
        "OK" => Some(Status::Ok),
        "NO" => Some(Status::No),
        "BAD" => Some(Status::Bad),
        _ => None,
    };
    let text = text.to_vec();
    if tag == b"+" {
        return Ok(Response::Continuation);
    }
    if tag != b"*" {
        let is_tag = !tag.is_empty() && tag.iter().all(u8::is_ascii_alphanumeric);
        return Ok(match status {
            Some(status) if is_tag => Response::Tagged {
                tag: tag.to_vec(),
                status,
                text,
            },
            _ => Response::Junk,
        });
    }
    if let Some(status) = status {
        return Ok(Response::Status { status, text });
    }
    Ok(match &name[..] {
        "" => Response::Junk,
        "PREAUTH" => Response::Preauth { text },
        "BYE" => Response::Bye,
        "CAPABILITY" => Response::Capability(atoms(&text)),
        "LIST" | "LSUB" => Response::Listed {
            name: mailbox(&text),
        },
        "SEARCH" => Response::Numbers {
            name,
            numbers: numbers(&text),
        },
        "STATUS" => Response::Numbers {
            name,
            numbers: numbers(behind(&text, b"(MESSAGES ")),
        },
        _ => match number(name.as_bytes()) {
            Some(number) => return numbered(line, number, octets.len() - text.len()),
            None => Response::Other(name),
        },
    })
}

/// The capabilities of a `[CAPABILITY …]` code at the beginning of a text.
pub(super) fn capability_code(text: &[u8]) -> Option<Vec<String>> {
    let code = code(text)?;
    let (name, atoms_of) = word(code);
    name.eq_ignore_ascii_case(b"CAPABILITY")
        .then(|| atoms(atoms_of))
}

/// The port of the server that a `[REFERRAL imap://…]` code in a response names (RFC 2221 §3, RFC 5092).
pub(super) fn referral(octets: &[u8]) -> Option<u16> {
    let url = behind(octets, b"[REFERRAL ");
    let url = &url[..url.iter().position(|octet| matches!(octet, b']' | b' '))?];
    let url = std::str::from_utf8(url).ok()?.split_once("://")?.1;
    let authority = url.split('/').next()?;
    authority.rsplit_once(':')?.1.parse().ok()
}

/// What stands behind a text, nothing where it does not occur.
fn behind<'a>(octets: &'a [u8], text: &[u8]) -> &'a [u8] {
    memchr::memmem::find(octets, text).map_or(&[], |at| &octets[at + text.len()..])
}

/// Numbers between blanks, up to what is none.
fn numbers(text: &[u8]) -> Vec<u32> {
    const MOST: usize = 64;
    let words = text.split(|octet| matches!(octet, b' ' | b')'));
    words
        .map_while(|word| u32::try_from(number(word)?).ok())
        .take(MOST)
        .collect()
}

/// The name in `(flags) "delimiter" name`.
fn mailbox(text: &[u8]) -> String {
    let name = behind(text, b") ");
    let (_, name) = word(name);
    match name.first() {
        Some(b'{') | None => String::new(),
        Some(_) => String::from_utf8_lossy(name).into_owned(),
    }
}

/// The name of the code at the beginning of a text, in capitals.
pub(super) fn code_name(text: &[u8]) -> Option<String> {
    let (name, _) = word(code(text)?);
    Some(String::from_utf8_lossy(name).to_ascii_uppercase())
}

fn code(text: &[u8]) -> Option<&[u8]> {
    let inner = text.strip_prefix(b"[")?;
    let end = inner.iter().position(|octet| *octet == b']')?;
    Some(&inner[..end])
}

fn atoms(octets: &[u8]) -> Vec<String> {
    String::from_utf8_lossy(octets)
        .to_ascii_uppercase()
        .split_ascii_whitespace()
        .map(str::to_owned)
        .collect()
}

/// The first word and what is behind it; more than one blank between them is forgiven.
fn word(octets: &[u8]) -> (&[u8], &[u8]) {
    let end = octets.iter().position(|octet| *octet == b' ');
    let (word, rest) = octets.split_at(end.unwrap_or(octets.len()));
    (word, rest.trim_ascii_start())
}

fn numbered(line: &Line, number: u64, rest: usize) -> Result<Response, Broken> {
    let (name, arguments) = word(&line.octets[rest..]);
    let name = String::from_utf8_lossy(name).to_ascii_uppercase();
    let Ok(number) = u32::try_from(number) else {
        return Ok(Response::Other(name));
    };
    Ok(match &name[..] {
        "EXISTS" => Response::Exists(number),
        "EXPUNGE" => Response::Expunge(number),
        "RECENT" => Response::Numbers {
            name,
            numbers: vec![number],
        },
        "FETCH" => Response::Fetch {
            number,
            has_body: has_body(line, line.octets.len() - arguments.len())?,
        },
        _ => Response::Other(name),
    })
}

/// Whether a list of FETCH items has `BODY[]` among them (RFC 9051 §7.5.2).
fn has_body(line: &Line, list: usize) -> Result<bool, Broken> {
    let mut items = Scanner { line, at: list };
    items.expect(b'(')?;
    let mut found = false;
    items.skip_blanks();
    while !items.take(b')') {
        let name = items.item_name()?;
        items.skip_blanks();
        items.skip_value()?;
        items.skip_blanks();
        found |= name.eq_ignore_ascii_case(b"BODY[]");
    }
    items.skip_blanks();
    if items.at == line.octets.len() {
        Ok(found)
    } else {
        Err(Broken)
    }
}

/// Goes over tokens without recursion: nothing the server nests can exhaust the stack.
struct Scanner<'a> {
    line: &'a Line,
    at: usize,
}

impl<'a> Scanner<'a> {
    fn peek(&self) -> Option<u8> {
        self.line.octets.get(self.at).copied()
    }

    fn take(&mut self, octet: u8) -> bool {
        let is_here = self.peek() == Some(octet);
        self.at += usize::from(is_here);
        is_here
    }

    fn expect(&mut self, octet: u8) -> Result<(), Broken> {
        self.take(octet).then_some(()).ok_or(Broken)
    }

    fn skip_blanks(&mut self) {
        while self.take(b' ') {}
    }

    /// `UID`, `BODY[HEADER.FIELDS (FROM)]<0>`: up to a blank outside of brackets.
    fn item_name(&mut self) -> Result<&'a [u8], Broken> {
        let start = self.at;
        let mut in_brackets = false;
        while let Some(octet) = self.peek() {
            match octet {
                b'[' => in_brackets = true,
                b']' => in_brackets = false,
                b' ' | b'(' | b')' if !in_brackets => break,
                _ => {}
            }
            self.at += 1;
        }
        let name = &self.line.octets[start..self.at];
        if name.is_empty() {
            Err(Broken)
        } else {
            Ok(name)
        }
    }

    /// One value: a literal, a string, an atom, or a list with all that is in it.
    fn skip_value(&mut self) -> Result<(), Broken> {
        let mut depth = 0_usize;
        loop {
            if depth > 0 {
                self.skip_blanks();
            }
            match self.peek().ok_or(Broken)? {
                b'(' => {
                    self.at += 1;
                    depth += 1;
                }
                b')' => {
                    depth = depth.checked_sub(1).ok_or(Broken)?;
                    self.at += 1;
                }
                b'"' => self.skip_quoted()?,
                b'{' => self.skip_literal()?,
                b'~' if self.line.octets.get(self.at + 1) == Some(&b'{') => {
                    self.at += 1;
                    self.skip_literal()?;
                }
                _ => self.skip_atom()?,
            }
            if depth == 0 {
                return Ok(());
            }
        }
    }

    fn skip_quoted(&mut self) -> Result<(), Broken> {
        self.at += 1;
        loop {
            match self.peek().ok_or(Broken)? {
                b'"' => {
                    self.at += 1;
                    return Ok(());
                }
                b'\\' => self.at += 2,
                _ => self.at += 1,
            }
        }
    }

    /// Only where the reader has seen one.
    fn skip_literal(&mut self) -> Result<(), Broken> {
        let known = self.line.literals.binary_search_by_key(&self.at, |it| it.0);
        let (_, end) = self.line.literals[known.map_err(|_| Broken)?];
        self.at = end;
        Ok(())
    }

    fn skip_atom(&mut self) -> Result<(), Broken> {
        let start = self.at;
        while let Some(octet) = self.peek() {
            if matches!(octet, b' ' | b'(' | b')' | b'"' | b'{') {
                break;
            }
            self.at += 1;
        }
        if self.at == start {
            Err(Broken)
        } else {
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use test_case::test_case;

    use super::*;

    /// A line in which every `{n}` before a `|` is a literal that was read.
    fn line(text: &str) -> Line {
        let mut line = Line::default();
        for (index, piece) in text.split('|').enumerate() {
            if index > 0 {
                let open = line.octets.iter().rposition(|octet| *octet == b'{');
                line.literals.push((open.unwrap(), line.octets.len()));
            }
            line.octets.extend_from_slice(piece.as_bytes());
        }
        line
    }

    #[test_case("* 1 FETCH (UID 7 BODY[] {1234}|)", true; "a literal")]
    #[test_case("* 1 FETCH (BODY[] {1234}| UID 7)", true; "another order")]
    #[test_case("* 1 fetch (body[] \"a \\\" ) b\")", true; "a quoted string")]
    #[test_case("* 1 FETCH (BODY[] NIL)", true; "nil")]
    #[test_case("* 1 FETCH (BODY[] ~{3}|)", true; "literal8")]
    #[test_case("* 1 FETCH (FLAGS (\\Seen $Forwarded))", false; "flags only")]
    #[test_case("* 1 FETCH (BODY[HEADER.FIELDS (FROM)] {3}| X-FOO (1 (2 \"3\")))", false; "a part")]
    #[test_case("* 1 FETCH ()", false; "nothing")]
    fn fetch(text: &str, has_body: bool) {
        let expected = Response::Fetch {
            number: 1,
            has_body,
        };
        assert_eq!(parse(&line(text)), Ok(expected));
    }

    #[test_case("* 1 FETCH (BODY[] {5})"; "an announcement that no literal followed")]
    #[test_case("* 1 FETCH (BODY[] {-1})"; "a size that is none")]
    #[test_case("* 1 FETCH (BODY[] {5}|x"; "no end")]
    #[test_case("* 1 FETCH (BODY[] {5}|) x"; "something behind the end")]
    #[test_case("* 1 FETCH BODY[]"; "no list")]
    #[test_case("* 1 FETCH (BODY[] \"abc)"; "a string without an end")]
    fn broken_fetch(text: &str) {
        assert_eq!(parse(&line(text)), Err(Broken));
    }

    #[test]
    fn depth_costs_no_stack() {
        let nested = format!("* 1 FETCH (BODYSTRUCTURE {}", "(".repeat(1_000_000));
        assert_eq!(parse(&line(&nested)), Err(Broken));
    }

    #[test_case(b"* 1 FETCH (BODY[] {42}", Some(42))]
    #[test_case(b"* 1 FETCH (BODY[] {42+}", Some(42); "non-synchronising")]
    #[test_case(b"* LIST () \"/\" {3}", Some(3); "a mailbox")]
    #[test_case(b"* 1 FETCH (BODY[] {18446744073709551616}", Some(u64::MAX); "more than 64 bits")]
    #[test_case(b"* 1 FETCH (BODY[] {}", None; "no digits")]
    #[test_case(b"* 1 FETCH (BODY[] {-1}", None; "a sign")]
    #[test_case(b"* 1 FETCH (BODY[] { 5}", None; "a blank")]
    fn announcements(octets: &[u8], expected: Option<u64>) {
        assert_eq!(announced(octets).map(|(_, size)| size), expected);
    }

    #[test_case(b"* OK text {42}" => true)]
    #[test_case(b"A1 NO text {42}" => true)]
    #[test_case(b"+ text {42}" => true)]
    #[test_case(b"* LIST () \"/\" {3}" => false)]
    fn texts(octets: &[u8]) -> bool {
        is_text(octets)
    }

    #[test_case("A0001 OK done", Response::Tagged { tag: b"A0001".to_vec(), status: Status::Ok, text: b"done".to_vec() })]
    #[test_case("* OK [ALERT] x", Response::Status { status: Status::Ok, text: b"[ALERT] x".to_vec() })]
    #[test_case("* BYE", Response::Bye)]
    #[test_case("+", Response::Continuation; "bare")]
    #[test_case("+ idling", Response::Continuation)]
    #[test_case("*  1688 EXISTS", Response::Exists(1688); "two blanks")]
    #[test_case("* -5 EXISTS", Response::Other("-5".to_owned()); "no number")]
    #[test_case("* 4294967296 EXISTS", Response::Other("EXISTS".to_owned()); "too large a number")]
    #[test_case("* capability imap4REV1 idle", Response::Capability(vec!["IMAP4REV1".to_owned(), "IDLE".to_owned()]))]
    #[test_case("* LIST (\\HasNoChildren) \"/\" INBOX", Response::Listed { name: "INBOX".to_owned() })]
    #[test_case("* lsub () NIL \"a b\"", Response::Listed { name: "\"a b\"".to_owned() }; "a quoted name")]
    #[test_case("* LIST", Response::Listed { name: String::new() }; "a list of nothing")]
    #[test_case("* 3 RECENT", Response::Numbers { name: "RECENT".to_owned(), numbers: vec![3] })]
    #[test_case("* SEARCH 2 84 882", Response::Numbers { name: "SEARCH".to_owned(), numbers: vec![2, 84, 882] })]
    #[test_case("* STATUS blurdybloop (MESSAGES 231 UIDNEXT 44292)", Response::Numbers { name: "STATUS".to_owned(), numbers: vec![231] })]
    #[test_case("* FOO bar", Response::Other("FOO".to_owned()))]
    #[test_case("* 5 FOO", Response::Other("FOO".to_owned()); "an unknown one with a number")]
    #[test_case("XXXX garbage", Response::Junk)]
    #[test_case("+OK POP3 ready", Response::Junk)]
    #[test_case("*", Response::Junk; "a lone asterisk")]
    #[test_case("", Response::Junk; "an empty line")]
    fn responses(text: &str, expected: Response) {
        assert_eq!(parse(&line(text)), Ok(expected));
    }

    #[test_case(b"[CAPABILITY IMAP4rev1 IDLE] hi", Some("CAPABILITY"))]
    #[test_case(b"[UNAVAILABLE] later", Some("UNAVAILABLE"))]
    #[test_case(b"text [AT THE END]", None)]
    #[test_case(b"[UIDNEXT 5 text", None; "unterminated")]
    fn codes(text: &[u8], expected: Option<&str>) {
        assert_eq!(code_name(text).as_deref(), expected);
    }

    #[test_case(
        b"* BYE [REFERRAL IMAP://user;AUTH=*@SERVER2:1143/] Try SERVER2",
        Some(1143)
    )]
    #[test_case(b"A1 NO [REFERRAL imap://user;AUTH=*@server2:1143/REMOTE imap://b:2/] Remote", Some(1143); "the first of several")]
    #[test_case(b"A1 NO [REFERRAL imap://server2/] Remote", None; "no port")]
    #[test_case(b"A1 NO [REFERRAL imap://server2:1143", None; "no end")]
    #[test_case(b"A1 NO no", None; "no referral")]
    fn referrals(octets: &[u8], expected: Option<u16>) {
        assert_eq!(referral(octets), expected);
    }

    proptest! {
        #[test]
        fn never_panics(octets in proptest::collection::vec(prop_oneof![any::<u8>(), prop::sample::select(b"*+ ()[]{}\"\\19AFETCH".to_vec())], 0..80), literals in proptest::collection::vec((0_usize..80, 0_usize..80), 0..3)) {
            let mut literals: Vec<_> = literals.into_iter().filter(|(from, to)| from < to && *to <= octets.len()).collect();
            literals.sort_unstable();
            let _ = announced(&octets);
            let _ = referral(&octets);
            let _ = parse(&Line { octets: octets.clone(), literals });
            let mut fetch = b"* 1 FETCH (".to_vec();
            fetch.extend(octets);
            let _ = parse(&Line { octets: fetch, literals: Vec::new() });
        }
    }
}
