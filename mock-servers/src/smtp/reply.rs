//! Replies as octets (RFC 5321 §4.2): codes, continuation lines, challenges.
//!
//! Knows nothing of when something is answered. Octets inside a line are never corrected: what a text says
//! is what leaves.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use mailproof_scenarios::model::{Fill, Refusal, Unit, WireText};

use crate::engine::ResponseUnit;

/// One reply: a code and at least one line of text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reply {
    code: u16,
    lines: Vec<Vec<u8>>,
}

impl Reply {
    /// A reply of one fixed line.
    pub(super) fn line(code: u16, text: &str) -> Self {
        Self {
            code,
            lines: vec![text.as_bytes().to_vec()],
        }
    }

    /// A reply of the given lines, which must not be none.
    pub(super) fn lines(code: u16, lines: Vec<Vec<u8>>) -> Self {
        Self { code, lines }
    }

    /// A persona's text: `code text`, further lines behind line feeds without a code. A text without a code
    /// must not look like success, so it becomes a 451.
    pub(super) fn from_text(text: &WireText, fill: &Fill) -> Self {
        let rendered = text.render(fill);
        let (code, text) = split_code(&rendered).unwrap_or((451, &rendered));
        Self {
            code,
            lines: text.split(|b| *b == b'\n').map(<[u8]>::to_vec).collect(),
        }
    }

    /// A refusal. One that is shaped for IMAP is none of ours and becomes a plain 550.
    pub(super) fn from_refusal(refusal: &Refusal, fill: &Fill) -> Self {
        match refusal {
            Refusal::Smtp { code, lines } => Self {
                code: *code,
                lines: lines.iter().map(|line| line.render(fill)).collect(),
            },
            Refusal::Imap { text, .. } => Self {
                code: 550,
                lines: vec![text.render(fill)],
            },
        }
    }

    /// A 334 with this challenge (RFC 4954 §4).
    pub(super) fn challenge(clear: &[u8]) -> Self {
        Self {
            code: 334,
            lines: vec![STANDARD.encode(clear).into_bytes()],
        }
    }

    /// Whether it is a 2yz or a 3yz.
    pub(super) fn is_positive(&self) -> bool {
        (200..400).contains(&self.code)
    }

    /// Whether the server closes behind it (RFC 5321 §3.8).
    pub(super) fn is_goodbye(&self) -> bool {
        self.code == 421
    }

    /// The reply as the one unit that it is.
    pub(super) fn into_unit(self) -> ResponseUnit {
        let kind = match self.code {
            334 | 354 => Unit::Continuation,
            _ => Unit::Final,
        };
        let mut octets = Vec::new();
        let last = self.lines.len().saturating_sub(1);
        for (index, line) in self.lines.iter().enumerate() {
            octets.extend_from_slice(format!("{:03}", self.code).as_bytes());
            // An empty challenge keeps its space (RFC 4954 §4); elsewhere text and space are optional.
            if index < last {
                octets.push(b'-');
            } else if !line.is_empty() || self.code == 334 {
                octets.push(b' ');
            }
            octets.extend_from_slice(line);
            octets.extend_from_slice(b"\r\n");
        }
        ResponseUnit { kind, octets }
    }
}

fn split_code(text: &[u8]) -> Option<(u16, &[u8])> {
    let digits = text.get(..3)?;
    let code: u16 = std::str::from_utf8(digits).ok()?.parse().ok()?;
    let rest = match text.get(3) {
        None => &text[3..],
        Some(b' ') => &text[4..],
        Some(_) => return None,
    };
    (200..600).contains(&code).then_some((code, rest))
}

#[cfg(test)]
mod tests {
    use test_case::test_case;

    use super::*;

    fn render(text: &str) -> String {
        let mut fill = Fill::default();
        fill.set("host", "mx.example");
        let unit = Reply::from_text(&WireText::parse(text).unwrap(), &fill).into_unit();
        String::from_utf8(unit.octets).unwrap()
    }

    #[test_case("220 {host} ready", "220 mx.example ready\r\n"; "one line")]
    #[test_case("535 5.7.8 No\n5.7.8 Never", "535-5.7.8 No\r\n535 5.7.8 Never\r\n"; "two lines")]
    #[test_case("214 a\n\nc", "214-a\r\n214-\r\n214 c\r\n"; "an empty line between")]
    #[test_case("250", "250\r\n"; "no text")]
    #[test_case("Hello", "451 Hello\r\n"; "no code")]
    #[test_case("2500 x", "451 2500 x\r\n"; "four digits")]
    fn renders(text: &str, expected: &str) {
        assert_eq!(render(text), expected);
    }

    #[test]
    fn a_challenge_without_data_keeps_its_space() {
        let unit = Reply::challenge(b"").into_unit();
        assert_eq!(unit.octets, b"334 \r\n");
        assert_eq!(unit.kind, Unit::Continuation);
    }

    #[test_case("NO [ALERT] Not here", "550 [ALERT] Not here\r\n"; "one for IMAP")]
    #[test_case("550 5.7.1 No\nReally", "550-5.7.1 No\r\n550 Really\r\n"; "two lines")]
    #[test_case("250 ok{x:00}", "250 ok\0\r\n"; "odd octets stay")]
    fn refuses(refusal: &str, expected: &str) {
        let refusal = Refusal::try_from(refusal.to_owned()).unwrap();
        let unit = Reply::from_refusal(&refusal, &Fill::default()).into_unit();
        assert_eq!(String::from_utf8(unit.octets).unwrap(), expected);
    }
}
