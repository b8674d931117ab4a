//! The MIME structure of a message (RFC 2045, RFC 2046) with the offsets of every part.

use std::ops::Range;

use super::header::{Field, fields, header_end, line_at, parameters, token};

/// One entity: a message, or a part of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::imap) struct Part {
    /// The header with its empty line, as offsets in the whole message.
    pub(in crate::imap) header: Range<usize>,
    /// Everything behind the header.
    pub(in crate::imap) body: Range<usize>,
    /// The media type in the spelling of the message, `text` where there is none.
    pub(in crate::imap) main: Vec<u8>,
    /// The subtype.
    pub(in crate::imap) sub: Vec<u8>,
    /// The parameters of the media type, names in lower case.
    pub(in crate::imap) parameters: Vec<(Vec<u8>, Vec<u8>)>,
    /// What is inside.
    pub(in crate::imap) kind: Kind,
}

/// What is inside of an entity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::imap) enum Kind {
    /// Nothing that is looked at.
    Leaf,
    /// A message (message/rfc822).
    Message(Box<Part>),
    /// Parts (multipart/*), at least one.
    Multipart(Vec<Part>),
}

/// Levels of nesting that are looked at; what is deeper is a leaf.
pub(in crate::imap) const MAX_DEPTH: usize = 30;
/// Parts of a message that are told apart; the rest belongs to the last one.
const MAX_PARTS: usize = 1000;

impl Part {
    /// The structure of a whole message.
    pub(in crate::imap) fn of_message(message: &[u8]) -> Self {
        let mut budget = MAX_PARTS;
        entity(message, 0..message.len(), Default::Plain, 0, &mut budget)
    }

    /// The entity with these part numbers (RFC 9051 §6.4.5.1), if there is one.
    pub(in crate::imap) fn find(&self, path: &[u32]) -> Option<&Part> {
        let (first, rest) = path.split_first()?;
        let mut part = self.child(*first)?;
        for number in rest {
            part = match &part.kind {
                Kind::Message(inner) => inner.child(*number)?,
                Kind::Multipart(_) => part.child(*number)?,
                Kind::Leaf => return None,
            };
        }
        Some(part)
    }

    /// A part of the body; the body itself is part 1 where it has no parts.
    fn child(&self, number: u32) -> Option<&Part> {
        let index = usize::try_from(number).ok()?.checked_sub(1)?;
        match &self.kind {
            Kind::Multipart(parts) => parts.get(index),
            _ => (index == 0).then_some(self),
        }
    }

    /// The fields of the entity's header.
    pub(in crate::imap) fn fields<'a>(
        &self,
        message: &'a [u8],
    ) -> impl Iterator<Item = Field<'a>> + use<'a> {
        fields(message.get(self.header.clone()).unwrap_or_default())
    }

    /// The first field of that name.
    pub(in crate::imap) fn field<'a>(&self, message: &'a [u8], name: &str) -> Option<Field<'a>> {
        self.fields(message).find(|field| field.is(name.as_bytes()))
    }

    /// Whether the media type is this one.
    pub(in crate::imap) fn is(&self, main: &str) -> bool {
        self.main.eq_ignore_ascii_case(main.as_bytes())
    }

    /// A parameter of the media type.
    pub(in crate::imap) fn parameter(&self, name: &str) -> Option<&[u8]> {
        self.parameters
            .iter()
            .find(|(it, _)| it == name.as_bytes())
            .map(|(_, value)| value.as_slice())
    }

    /// The transfer encoding in lower case.
    pub(in crate::imap) fn encoding(&self, message: &[u8]) -> Vec<u8> {
        self.field(message, "Content-Transfer-Encoding")
            .map(|field| token(&field.unfolded()).to_ascii_lowercase())
            .filter(|encoding| !encoding.is_empty())
            .unwrap_or_else(|| b"7bit".to_vec())
    }

    /// The line ends in the body.
    pub(in crate::imap) fn lines(&self, message: &[u8]) -> usize {
        memchr::memchr_iter(b'\n', &message[self.body.clone()]).count()
    }
}

/// The media type of an entity that names none (RFC 2046 §5.1.5).
#[derive(Clone, Copy)]
enum Default {
    Plain,
    Message,
}

fn entity(
    message: &[u8],
    range: Range<usize>,
    default: Default,
    depth: usize,
    budget: &mut usize,
) -> Part {
    *budget = budget.saturating_sub(1);
    let split = range.start + header_end(&message[range.clone()]);
    let mut part = Part {
        header: range.start..split,
        body: split..range.end,
        main: b"text".to_vec(),
        sub: b"plain".to_vec(),
        parameters: Vec::new(),
        kind: Kind::Leaf,
    };
    let media = part
        .field(message, "Content-Type")
        .and_then(|field| media(&field.unfolded()));
    match (media, default) {
        (Some((main, sub, parameters)), _) => {
            (part.main, part.sub, part.parameters) = (main, sub, parameters);
        }
        (None, Default::Message) => {
            (part.main, part.sub) = (b"message".to_vec(), b"rfc822".to_vec());
        }
        (None, Default::Plain) => (),
    }
    if depth < MAX_DEPTH {
        part.kind = inside(message, &part, depth + 1, budget);
    } else if part.is("multipart") || part.is("message") {
        part.main = b"application".to_vec();
        part.sub = b"octet-stream".to_vec();
        part.parameters.clear();
    }
    part
}

fn inside(message: &[u8], part: &Part, depth: usize, budget: &mut usize) -> Kind {
    if part.is("message") && part.sub.eq_ignore_ascii_case(b"rfc822") {
        let inner = entity(message, part.body.clone(), Default::Plain, depth, budget);
        return Kind::Message(Box::new(inner));
    }
    if !part.is("multipart") {
        return Kind::Leaf;
    }
    let default = if part.sub.eq_ignore_ascii_case(b"digest") {
        Default::Message
    } else {
        Default::Plain
    };
    let ranges = part
        .parameter("boundary")
        .map(|boundary| delimited(message, part.body.clone(), boundary, *budget))
        .unwrap_or_default();
    if ranges.is_empty() {
        let end = part.body.end;
        return Kind::Multipart(vec![entity(
            message,
            end..end,
            Default::Plain,
            MAX_DEPTH,
            budget,
        )]);
    }
    Kind::Multipart(
        ranges
            .into_iter()
            .map(|range| entity(message, range, default, depth, budget))
            .collect(),
    )
}

/// The ranges between the delimiter lines (RFC 2046 §5.1.1): the line end before a delimiter belongs to it.
fn delimited(
    message: &[u8],
    body: Range<usize>,
    boundary: &[u8],
    most: usize,
) -> Vec<Range<usize>> {
    let mut ranges = Vec::new();
    let mut open: Option<usize> = None;
    let octets = &message[..body.end];
    let mut at = body.start;
    while at < octets.len() {
        let line = line_at(octets, at);
        let next = at + line.len();
        if let Some(last) = delimiter(line, boundary) {
            if let Some(start) = open.take() {
                ranges.push(start..before_line_end(octets, start, at));
            }
            if last {
                return ranges;
            }
            open = Some(next);
            if ranges.len() + 1 >= most {
                break;
            }
        }
        at = next;
    }
    if let Some(start) = open {
        ranges.push(start..body.end);
    }
    ranges
}

/// Whether the line is a delimiter, and then whether it is the last one.
fn delimiter(line: &[u8], boundary: &[u8]) -> Option<bool> {
    let rest = line.strip_prefix(b"--")?.strip_prefix(boundary)?;
    let (rest, last) = match rest.strip_prefix(b"--") {
        Some(rest) => (rest, true),
        None => (rest, false),
    };
    rest.iter().all(u8::is_ascii_whitespace).then_some(last)
}

fn before_line_end(octets: &[u8], start: usize, at: usize) -> usize {
    let part = &octets[start..at];
    let part = part.strip_suffix(b"\n").unwrap_or(part);
    let part = part.strip_suffix(b"\r").unwrap_or(part);
    start + part.len()
}

type Media = (Vec<u8>, Vec<u8>, Vec<(Vec<u8>, Vec<u8>)>);

fn media(value: &[u8]) -> Option<Media> {
    let name = token(value);
    let slash = memchr::memchr(b'/', &name)?;
    let (main, sub) = (name[..slash].trim_ascii(), name[slash + 1..].trim_ascii());
    let is_token = |text: &[u8]| {
        !text.is_empty()
            && text
                .iter()
                .all(|octet| octet.is_ascii_graphic() && !b"()<>@,;:\\\"/[]?=".contains(octet))
    };
    (is_token(main) && is_token(sub)).then(|| (main.to_vec(), sub.to_vec(), parameters(value)))
}

#[cfg(test)]
mod tests {
    use pretty_assertions::assert_eq;
    use proptest::prelude::*;
    use test_case::test_case;

    use super::*;

    const NESTED: &str = "Content-Type: multipart/mixed; boundary=out\r\n\r\npreamble\r\n--out\r\n\r\n\
        one\r\n--out\r\nContent-Type: message/rfc822\r\n\r\nSubject: s\r\nContent-Type: multipart/x; boundary=in\r\n\r\n\
        --in\r\n\r\ntwo\r\n--in\r\n\r\nthree\r\n--in--\r\nepilogue\r\n--out-- \r\nafter\r\n--out\r\n\r\nlate\r\n";

    fn body(message: &str, path: &[u32]) -> Option<String> {
        let part = Part::of_message(message.as_bytes());
        part.find(path)
            .map(|part| message[part.body.clone()].to_owned())
    }

    #[test_case(&[1], Some("one"); "the line end before a delimiter is not content")]
    #[test_case(&[2, 1], Some("two"); "a part of a nested message")]
    #[test_case(&[2, 2], Some("three"); "the next")]
    #[test_case(&[2, 3], None; "behind the last")]
    #[test_case(&[3], None; "behind the close delimiter")]
    #[test_case(&[1, 1], None; "inside of a leaf")]
    fn finds(path: &[u32], expected: Option<&str>) {
        assert_eq!(body(NESTED, path).as_deref(), expected);
    }

    #[test_case("a\r\n\r\nb", &[1], Some("b"); "a plain message has part 1")]
    #[test_case("Content-Type: multipart/mixed\r\n\r\nb", &[1], Some(""); "no boundary, an empty part")]
    #[test_case("Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n\r\nopen", &[1], Some("open"); "no close delimiter")]
    #[test_case("Content-Type: multipart/mixed; boundary=x\r\n\r\n--xy\r\n\r\n--x\r\n\r\nb\r\n--x--", &[1], Some("b"); "another boundary with the same beginning")]
    #[test_case("Content-Type: multipart/digest; boundary=x\n\n--x\n\nA: b\n\nc\n--x--\n", &[1, 1], Some("c"); "a digest with LF")]
    fn finds_in(message: &str, path: &[u32], expected: Option<&str>) {
        assert_eq!(body(message, path).as_deref(), expected);
    }

    #[test]
    fn nesting_has_an_end() {
        let mut message = String::new();
        for _ in 0..200 {
            message.push_str("Content-Type: message/rfc822\r\n\r\n");
        }
        let mut part = &Part::of_message(message.as_bytes());
        let mut depth = 0;
        while let Kind::Message(inner) = &part.kind {
            part = inner;
            depth += 1;
        }
        assert_eq!(depth, MAX_DEPTH);
        assert!(part.is("application"));
    }

    #[test]
    fn the_number_of_parts_has_an_end() {
        let message = format!(
            "Content-Type: multipart/mixed; boundary=x\r\n\r\n{}",
            "--x\r\n\r\n\r\n".repeat(5000)
        );
        let Kind::Multipart(parts) = Part::of_message(message.as_bytes()).kind else {
            panic!("a multipart");
        };
        assert!(parts.len() <= MAX_PARTS);
        assert_eq!(parts.last().unwrap().body.end, message.len());
    }

    proptest! {
        #[test]
        fn offsets_are_in_bounds(text in "(Content-Type: (multipart/mixed; boundary=x|message/rfc822)\r\n|\r\n|--x(--)?\r\n|a|\n){0,30}") {
            fn check(part: &Part, within: &Range<usize>) -> bool {
                let inside = part.header.start >= within.start
                    && part.header.end == part.body.start
                    && part.body.end <= within.end;
                inside && match &part.kind {
                    Kind::Leaf => true,
                    Kind::Message(inner) => check(inner, &part.body),
                    Kind::Multipart(parts) => parts.iter().all(|inner| check(inner, &part.body)),
                }
            }
            let part = Part::of_message(text.as_bytes());
            prop_assert!(check(&part, &(0..text.len())));
        }

        #[test]
        fn never_panics(octets in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = Part::of_message(&octets);
        }
    }
}
