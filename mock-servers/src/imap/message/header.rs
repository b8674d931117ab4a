//! Header fields (RFC 5322 §2.2) and the parameters of MIME fields (RFC 2045 §5.1), taken as they come.

use std::borrow::Cow;

/// One header field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::imap) struct Field<'a> {
    /// The name, without trailing white space.
    pub(in crate::imap) name: &'a [u8],
    /// What follows the colon, folded as it came, without the last line end.
    pub(in crate::imap) value: &'a [u8],
    /// The whole field with its line ends.
    pub(in crate::imap) whole: &'a [u8],
}

impl<'a> Field<'a> {
    pub(in crate::imap) fn is(&self, name: &[u8]) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }

    /// The value on one line: line ends of folding taken out, white space at both ends too.
    pub(in crate::imap) fn unfolded(&self) -> Cow<'a, [u8]> {
        let value = self.value.trim_ascii();
        if memchr::memchr2(b'\r', b'\n', value).is_none() {
            return Cow::Borrowed(value);
        }
        Cow::Owned(
            value
                .iter()
                .copied()
                .filter(|octet| !matches!(octet, b'\r' | b'\n'))
                .collect(),
        )
    }
}

/// Where the header ends: behind the empty line, or at the end where there is none.
pub(in crate::imap) fn header_end(octets: &[u8]) -> usize {
    let mut at = 0;
    while at < octets.len() {
        let line = line_at(octets, at);
        at += line.len();
        if matches!(line, b"\r\n" | b"\n") {
            break;
        }
    }
    at
}

/// The fields of a header. A line that is none of a field is left out.
pub(in crate::imap) fn fields(header: &[u8]) -> impl Iterator<Item = Field<'_>> {
    let mut at = 0;
    std::iter::from_fn(move || {
        while at < header.len() {
            let start = at;
            at += line_at(header, at).len();
            while matches!(header.get(at), Some(b' ' | b'\t')) {
                at += line_at(header, at).len();
            }
            let whole = &header[start..at];
            let Some(colon) = memchr::memchr(b':', whole) else {
                continue;
            };
            let name = whole[..colon].trim_ascii_end();
            if name.is_empty() || name.iter().any(|octet| !matches!(octet, 0x21..=0x7e)) {
                continue;
            }
            let value = whole.strip_suffix(b"\n").unwrap_or(whole);
            let value = value.strip_suffix(b"\r").unwrap_or(value);
            return Some(Field {
                name,
                value: value.get(colon + 1..).unwrap_or_default(),
                whole,
            });
        }
        None
    })
}

/// The line at an offset with its line end.
pub(in crate::imap) fn line_at(octets: &[u8], at: usize) -> &[u8] {
    let rest = &octets[at..];
    match memchr::memchr(b'\n', rest) {
        Some(end) => &rest[..=end],
        None => rest,
    }
}

/// What stands before the first parameter, without comments: `text/plain` of `text/plain (c); charset=x`.
pub(in crate::imap) fn token(value: &[u8]) -> Vec<u8> {
    split(value, b';').next().unwrap_or_default()
}

/// The parameters behind the first semicolon, names in lower case, values without quotes.
pub(in crate::imap) fn parameters(value: &[u8]) -> Vec<(Vec<u8>, Vec<u8>)> {
    split(value, b';')
        .skip(1)
        .filter_map(|parameter| {
            let equals = memchr::memchr(b'=', &parameter)?;
            let name = parameter[..equals].trim_ascii().to_ascii_lowercase();
            (!name.is_empty()).then(|| (name, unquoted(parameter[equals + 1..].trim_ascii())))
        })
        .collect()
}

/// Cuts at a separator that stands neither in quotes nor in a comment. Comments are left out, quotes stay.
pub(in crate::imap) fn split(value: &[u8], separator: u8) -> impl Iterator<Item = Vec<u8>> {
    let mut rest = Some(value);
    std::iter::from_fn(move || {
        let value = rest?;
        let mut piece = Vec::new();
        let (mut quoted, mut depth, mut at) = (false, 0_usize, 0);
        while let Some(octet) = value.get(at).copied() {
            at += 1;
            let escaped = (quoted || depth > 0) && octet == b'\\';
            match octet {
                b'"' if depth == 0 => quoted = !quoted,
                b'(' if !quoted => depth += 1,
                b')' if depth > 0 => {
                    depth -= 1;
                    continue;
                }
                _ if octet == separator && !quoted && depth == 0 => {
                    rest = Some(&value[at..]);
                    return Some(piece.trim_ascii().to_vec());
                }
                _ => (),
            }
            if depth == 0 {
                piece.push(octet);
            }
            if escaped && let Some(next) = value.get(at).copied() {
                at += 1;
                if depth == 0 {
                    piece.push(next);
                }
            }
        }
        rest = None;
        Some(piece.trim_ascii().to_vec())
    })
}

/// The content of a quoted string, or the octets as they are.
fn unquoted(value: &[u8]) -> Vec<u8> {
    let Some(inner) = value.strip_prefix(b"\"") else {
        return value.to_vec();
    };
    let mut out = Vec::with_capacity(inner.len());
    let mut octets = inner.iter().copied();
    while let Some(octet) = octets.next() {
        match octet {
            b'"' => break,
            b'\\' => out.extend(octets.next()),
            _ => out.push(octet),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use test_case::test_case;

    use super::*;

    #[test]
    fn fields_with_folds_and_junk() {
        let header = b"A: 1\r\n\t2\r\njunk\r\nB :3\nc:\r\n\r\n";
        let found: Vec<_> = fields(header)
            .map(|field| {
                (
                    field.name.to_vec(),
                    field.unfolded().into_owned(),
                    field.whole.len(),
                )
            })
            .collect();
        assert_eq!(
            found,
            [
                (b"A".to_vec(), b"1\t2".to_vec(), 10),
                (b"B".to_vec(), b"3".to_vec(), 5),
                (b"c".to_vec(), b"".to_vec(), 4),
            ]
        );
    }

    #[test_case(b"A: 1\r\n\r\nbody", 8; "CRLF")]
    #[test_case(b"A: 1\n\nbody", 6; "LF")]
    #[test_case(b"\r\nbody", 2; "no fields")]
    #[test_case(b"A: 1\r\n", 6; "no empty line")]
    #[test_case(b"", 0; "nothing")]
    fn ends(octets: &[u8], expected: usize) {
        assert_eq!(header_end(octets), expected);
    }

    #[test]
    fn parameters_with_quotes_and_comments() {
        let value = br#"text/plain (a;b); Charset="u\"t;f" (c); x = y;; novalue"#;
        assert_eq!(token(value), b"text/plain");
        assert_eq!(
            parameters(value),
            [
                (b"charset".to_vec(), b"u\"t;f".to_vec()),
                (b"x".to_vec(), b"y".to_vec()),
            ]
        );
    }

    proptest! {
        #[test]
        fn never_panics(octets in proptest::collection::vec(any::<u8>(), 0..200)) {
            let end = header_end(&octets);
            for field in fields(&octets[..end]) {
                let _ = (token(&field.unfolded()), parameters(field.value));
            }
        }
    }
}
