//! Whether a stored message is the one that the subject was given.
//!
//! Must not know events; it compares two texts.

/// The header fields of a message, unfolded (RFC 5322 §2.2.3), with their values trimmed.
pub(crate) fn header(message: &[u8]) -> Vec<(String, String)> {
    let (header, _) = split(message);
    let mut fields: Vec<(String, String)> = Vec::new();
    for line in header.split(|byte| *byte == b'\n') {
        let text = String::from_utf8_lossy(line);
        if text.starts_with([' ', '\t']) {
            if let Some((_, value)) = fields.last_mut() {
                value.push(' ');
                value.push_str(text.trim());
            }
        } else if let Some((name, value)) = text.split_once(':') {
            fields.push((name.trim().to_owned(), value.trim().to_owned()));
        }
    }
    for (_, value) in &mut fields {
        *value = value.split_whitespace().collect::<Vec<_>>().join(" ");
    }
    fields
}

/// The first thing that differs between what was stored and the model, as a sentence; `None` where the
/// stored message is the model.
///
/// Behind the header every octet counts. Each header field of the model must be there (Bcc aside, RFC 5322
/// §3.6.3); fields may be added and folded otherwise. Line ends must be CRLF (RFC 5321 §2.3.8): bare ones in
/// the model may have become CRLF, and bare CR may have been left out. A line end that the model lacks at
/// its very end may have been added; empty lines may have been if `end` passes over them.
pub(crate) fn difference(stored: &[u8], model: &[u8], end: End) -> Option<String> {
    if let Some(line) = bare_line_end(stored) {
        return Some(format!(
            "Line {line} of the stored message has a bare CR or LF."
        ));
    }
    let model_fields = header(model);
    let mut stored_fields = header(stored);
    for (name, value) in &model_fields {
        if name.eq_ignore_ascii_case("bcc") {
            continue;
        }
        let found = stored_fields
            .iter()
            .position(|(other, its)| other.eq_ignore_ascii_case(name) && its == value);
        match found {
            Some(at) => {
                stored_fields.swap_remove(at);
            }
            None => {
                return Some(format!(
                    "The stored message lacks the header field {} as it was given.",
                    printable(name.as_bytes())
                ));
            }
        }
    }
    let (_, body) = split(stored);
    let (_, given) = split(model);
    let candidates = [with_crlf(given, true), with_crlf(given, false)];
    if candidates.iter().any(|it| same(body, it, end)) {
        return None;
    }
    Some(first_difference(body, &candidates[0]))
}

/// Whether empty lines at the end of a body count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// They do (RFC 5321 §4.1.1.4 lets nobody add one).
    Counts,
    /// They do not: a signature passes over them too (RFC 6376 §3.4.3).
    Passed,
}

/// Header and body; the empty line belongs to neither.
fn split(message: &[u8]) -> (&[u8], &[u8]) {
    if let Some(body) = message
        .strip_prefix(b"\r\n")
        .or_else(|| message.strip_prefix(b"\n"))
    {
        return (&[], body);
    }
    let crlf = memchr::memmem::find(message, b"\r\n\r\n").map(|at| (at, at + 4));
    let lf = memchr::memmem::find(message, b"\n\n").map(|at| (at, at + 2));
    match crlf.into_iter().chain(lf).min() {
        Some((end, start)) => (&message[..end], &message[start..]),
        None => (message, &[]),
    }
}

fn bare_line_end(octets: &[u8]) -> Option<usize> {
    let mut line = 1;
    for (at, byte) in octets.iter().enumerate() {
        match byte {
            b'\r' if octets.get(at + 1) != Some(&b'\n') => return Some(line),
            b'\n' if at == 0 || octets[at - 1] != b'\r' => return Some(line),
            b'\n' => line += 1,
            _ => {}
        }
    }
    None
}

fn with_crlf(octets: &[u8], keep_bare_cr: bool) -> Vec<u8> {
    let mut out = Vec::with_capacity(octets.len());
    let mut rest = octets;
    while let Some((&byte, behind)) = rest.split_first() {
        rest = behind;
        match byte {
            b'\r' if rest.first() == Some(&b'\n') => {
                out.extend_from_slice(b"\r\n");
                rest = &rest[1..];
            }
            b'\r' if !keep_bare_cr => {}
            b'\r' | b'\n' => out.extend_from_slice(b"\r\n"),
            byte => out.push(byte),
        }
    }
    out
}

fn same(stored: &[u8], model: &[u8], end: End) -> bool {
    stored == model
        || (!model.ends_with(b"\r\n") && stored.strip_suffix(b"\r\n") == Some(model))
        || (end == End::Passed && without_empty_end(stored) == without_empty_end(model))
}

fn without_empty_end(mut body: &[u8]) -> &[u8] {
    while let Some(shorter) = body.strip_suffix(b"\r\n") {
        body = shorter;
    }
    body
}

fn first_difference(stored: &[u8], model: &[u8]) -> String {
    let lines = |octets: &[u8]| -> Vec<Vec<u8>> {
        octets
            .split(|byte| *byte == b'\n')
            .map(|line| line.strip_suffix(b"\r").unwrap_or(line).to_vec())
            .collect()
    };
    let (stored, model) = (lines(stored), lines(model));
    let at = stored
        .iter()
        .zip(&model)
        .position(|(one, other)| one != other)
        .unwrap_or(stored.len().min(model.len()));
    let show = |line: Option<&Vec<u8>>| {
        line.map_or_else(
            || "nothing".to_owned(),
            |it| format!("\"{}\"", printable(&it[..it.len().min(60)])),
        )
    };
    format!(
        "Line {} of the stored body is {}, but {} was given.",
        at + 1,
        show(stored.get(at)),
        show(model.get(at))
    )
}

fn printable(octets: &[u8]) -> String {
    mailproof_scenarios::model::event::octets::to_text(octets)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use test_case::test_case;

    use super::*;

    const MODEL: &[u8] =
        b"From: a@x.example\r\nSubject: one\r\n two\r\nMessage-ID: <1@x>\r\n\r\nHello\r\n.dot\r\n";

    #[test_case(MODEL; "the same")]
    #[test_case(b"Received: by x\r\nmessage-id: <1@x>\r\nSubject: one two\r\nFrom: a@x.example\r\n\r\nHello\r\n.dot\r\n"; "fields added, moved and unfolded")]
    fn is_the_model(stored: &[u8]) {
        assert_eq!(difference(stored, MODEL, End::Counts), None);
    }

    #[test_case(b"From: a@x.example\r\nMessage-ID: <1@x>\r\n\r\nHello\r\n.dot\r\n", "Subject"; "a field is missing")]
    #[test_case(b"From: a@x.example\r\nSubject: one two\r\nMessage-ID: <1@x>\r\n\r\nHello\r\ndot\r\n", "Line 2"; "a dot is gone")]
    #[test_case(b"From: a@x.example\r\nSubject: one two\r\nMessage-ID: <1@x>\r\n\r\nHello\r\n", "\".dot\" was given"; "cut off")]
    #[test_case(b"From: a@x.example\r\nSubject: one two\r\nMessage-ID: <1@x>\r\n\r\nHello\r\n.dot\r\n\r\n", "Line 4"; "an empty line too many")]
    #[test_case(b"From: a@x.example\r\nSubject: one two\r\nMessage-ID: <1@x>\r\n\r\nHello\n.dot\r\n", "Line 5 of the stored message has a bare"; "a bare LF")]
    #[test_case(b"", "From"; "nothing at all")]
    fn is_not_the_model(stored: &[u8], says: &str) {
        let got = difference(stored, MODEL, End::Counts).unwrap();
        assert!(got.contains(says), "{got}");
    }

    #[test_case(b"S: x\r\n\r\na\r\n.\r\nb\r\n"; "bare ends became CRLF")]
    #[test_case(b"S: x\r\n\r\na\r\n.b\r\n"; "the bare CR was left out")]
    fn bare_ends_of_the_model(stored: &[u8]) {
        assert_eq!(
            difference(stored, b"S: x\r\n\r\na\n.\rb\r\n", End::Counts),
            None
        );
    }

    #[test]
    fn empty_lines_at_the_end_count_where_that_is_asked() {
        let more = [MODEL, b"\r\n\r\n"].concat();
        assert_eq!(difference(&more, MODEL, End::Passed), None);
        assert!(difference(&more, MODEL, End::Counts).is_some());
        let cut = MODEL.strip_suffix(b".dot\r\n").unwrap();
        assert!(difference(cut, MODEL, End::Passed).is_some());
    }

    #[test]
    fn a_missing_last_line_end_may_be_added() {
        assert_eq!(
            difference(b"S: x\r\n\r\na\r\n", b"S: x\r\n\r\na", End::Counts),
            None
        );
    }

    proptest! {
        #[test]
        fn never_panics_and_a_text_is_itself(
            stored in proptest::collection::vec(any::<u8>(), 0..200),
            model in proptest::collection::vec(any::<u8>(), 0..200),
        ) {
            difference(&stored, &model, End::Passed);
            let text = [b"S: x\r\n\r\n".to_vec(), with_crlf(&model, true)].concat();
            prop_assert_eq!(difference(&text, &text, End::Counts), None);
        }
    }
}
