//! Text that goes on the wire: a string with named places to fill in and octets written in hex.
//!
//! `{host}` is a place, `{x:0D0A}` are octets, `{repeat:70000:a}` is a run of one piece, `{noise:65536}` are
//! octets without any sense in them, always the same and never CR or LF, `{port:imaps}` is the number of a port
//! of the world. Braces around digits (`{28}`, `{28+}`, `~{5}`) are IMAP literals and stand for themselves; so
//! does `{{`, for one `{`.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::PortRole;

/// The places that a text may name, with what stands there.
pub const PLACES: &[(&str, &str)] = &[
    ("client", "the address of the client"),
    ("date", "the civil time of the run, as RFC 5322 writes it"),
    ("ehlo", "the argument of the client's EHLO or HELO"),
    ("from", "the address in MAIL FROM"),
    ("host", "the name of the mock server"),
    ("mailbox", "the mailbox that the command names"),
    ("mechanism", "the SASL mechanism that was asked for"),
    ("message-id", "the Message-ID of the case"),
    ("next-tag", "the tag that follows the current one"),
    ("next-tag-2", "the tag after the next one"),
    ("queue-id", "the queue id that the mock gave the message"),
    ("rcpt", "the address in RCPT TO"),
    ("size", "the size limit"),
    ("tag", "the tag of the current command"),
    ("user", "the login name of the case"),
    ("verb", "the command that is answered"),
];

/// Values for the places of a text.
#[derive(Clone, Debug, Default)]
pub struct Fill(BTreeMap<&'static str, Vec<u8>>);

impl Fill {
    /// Sets a place. A name that is not in [`PLACES`] can never be asked for.
    pub fn set(&mut self, place: &'static str, value: impl Into<Vec<u8>>) -> &mut Self {
        self.0.insert(place, value.into());
        self
    }

    /// The value of a place, empty where nothing was set.
    pub fn get(&self, place: &str) -> &[u8] {
        self.0.get(place).map_or(&[], Vec::as_slice)
    }
}

/// A parsed wire text. Serialised as the string it was written as.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct WireText {
    source: String,
    pieces: Vec<Piece>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Octets(Vec<u8>),
    Place(&'static str),
    Repeat(usize, Vec<u8>),
    Noise(usize),
    Port(PortRole),
}

/// Why a wire text is not one.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum WireTextError {
    /// A name in braces that is no place.
    #[error("unknown place `{{{0}}}`, expected one of {names}", names = place_names())]
    UnknownPlace(String),
    /// `{x:` with something that is not pairs of hex digits.
    #[error("`{{{0}}}` wants an even number of hex digits behind `x:`")]
    Hex(String),
    /// `{repeat:` without a count and a piece.
    #[error("`{{{0}}}` wants a count of at most 16777216 and a text, as in `{{repeat:70000:a}}`")]
    Repeat(String),
    /// `{noise:` without a count.
    #[error("`{{{0}}}` wants a count of at most 16777216, as in `{{noise:65536}}`")]
    Noise(String),
    /// `{port:` with something that is no role of a port.
    #[error("`{{{0}}}` wants the role of a port behind `port:`, as in `{{port:imaps}}`")]
    Port(String),
    /// An opening brace without its closing one.
    #[error("an opening brace at offset {0} is never closed (write `{{{{` for a brace of its own)")]
    Unclosed(usize),
}

const MAX_REPEAT: usize = 16 * 1024 * 1024;

impl WireText {
    /// Parses a text.
    ///
    /// # Errors
    /// [`WireTextError`] where a place is unknown or badly written.
    pub fn parse(source: &str) -> Result<Self, WireTextError> {
        let mut pieces = Vec::new();
        let mut octets = Vec::new();
        let mut rest = source;
        while let Some(open) = rest.find('{') {
            octets.extend_from_slice(&rest.as_bytes()[..open]);
            rest = &rest[open..];
            if let Some(after) = rest.strip_prefix("{{") {
                octets.push(b'{');
                rest = after;
                continue;
            }
            let close = rest
                .find('}')
                .ok_or(WireTextError::Unclosed(source.len() - rest.len()))?;
            let inner = &rest[1..close];
            if is_literal_marker(inner) {
                octets.extend_from_slice(&rest.as_bytes()[..=close]);
            } else if let Some(hex) = inner.strip_prefix("x:") {
                octets.extend(decode_hex(hex).ok_or_else(|| WireTextError::Hex(inner.to_owned()))?);
            } else {
                if !octets.is_empty() {
                    pieces.push(Piece::Octets(std::mem::take(&mut octets)));
                }
                pieces.push(place_or_repeat(inner)?);
            }
            rest = &rest[close + 1..];
        }
        octets.extend_from_slice(rest.as_bytes());
        if !octets.is_empty() {
            pieces.push(Piece::Octets(octets));
        }
        Ok(Self {
            source: source.to_owned(),
            pieces,
        })
    }

    /// The text as it was written.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Whether nothing would be sent.
    pub fn is_empty(&self) -> bool {
        self.source.is_empty()
    }

    /// The octets with every place filled in.
    pub fn render(&self, fill: &Fill) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.source.len());
        for piece in &self.pieces {
            match piece {
                Piece::Octets(octets) => out.extend_from_slice(octets),
                Piece::Place(name) => out.extend_from_slice(fill.get(name)),
                Piece::Repeat(times, octets) => out.extend(octets.repeat(*times)),
                Piece::Noise(count) => out.extend(noise().take(*count)),
                // Nobody has told the number.
                Piece::Port(_) => {}
            }
        }
        out
    }

    /// Puts the numbers of ports where the text names them. The source stays as it was written.
    pub fn fill_ports(&mut self, number: impl Fn(PortRole) -> u16) {
        for piece in &mut self.pieces {
            if let Piece::Port(role) = piece {
                *piece = Piece::Octets(number(*role).to_string().into_bytes());
            }
        }
    }

    /// The ports that the text names.
    pub fn ports(&self) -> impl Iterator<Item = PortRole> + '_ {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Port(role) => Some(*role),
            _ => None,
        })
    }

    /// The places that the text names.
    pub fn places(&self) -> impl Iterator<Item = &'static str> + '_ {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Place(name) => Some(*name),
            _ => None,
        })
    }
}

impl PartialEq for WireText {
    fn eq(&self, other: &Self) -> bool {
        self.source == other.source
    }
}

impl Eq for WireText {}

impl TryFrom<String> for WireText {
    type Error = WireTextError;

    fn try_from(source: String) -> Result<Self, Self::Error> {
        Self::parse(&source)
    }
}

impl From<WireText> for String {
    fn from(text: WireText) -> Self {
        text.source
    }
}

fn place_names() -> String {
    PLACES
        .iter()
        .map(|(name, _)| format!("`{{{name}}}`"))
        .collect::<Vec<_>>()
        .join(", ")
}

fn is_literal_marker(inner: &str) -> bool {
    let digits = inner.strip_suffix(['+', '-']).unwrap_or(inner);
    !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit())
}

fn decode_hex(hex: &str) -> Option<Vec<u8>> {
    let digits: Vec<u8> = hex.bytes().filter(|b| *b != b' ').collect();
    if !digits.len().is_multiple_of(2) {
        return None;
    }
    digits
        .chunks_exact(2)
        .map(|pair| {
            let high = char::from(pair[0]).to_digit(16)?;
            let low = char::from(pair[1]).to_digit(16)?;
            u8::try_from(high * 16 + low).ok()
        })
        .collect()
}

fn place_or_repeat(inner: &str) -> Result<Piece, WireTextError> {
    if let Some(arguments) = inner.strip_prefix("repeat:") {
        let wrong = || WireTextError::Repeat(inner.to_owned());
        let (count, what) = arguments.split_once(':').ok_or_else(wrong)?;
        let count: usize = count.parse().map_err(|_| wrong())?;
        if what.is_empty() || count.saturating_mul(what.len()) > MAX_REPEAT {
            return Err(wrong());
        }
        return Ok(Piece::Repeat(count, what.as_bytes().to_vec()));
    }
    if let Some(count) = inner.strip_prefix("noise:") {
        let count = count.parse().ok().filter(|it| *it <= MAX_REPEAT);
        return count
            .map(Piece::Noise)
            .ok_or_else(|| WireTextError::Noise(inner.to_owned()));
    }
    if let Some(role) = inner.strip_prefix("port:") {
        return PortRole::from_name(role)
            .map(Piece::Port)
            .ok_or_else(|| WireTextError::Port(inner.to_owned()));
    }
    PLACES
        .iter()
        .find(|(name, _)| *name == inner)
        .map(|(name, _)| Piece::Place(name))
        .ok_or_else(|| WireTextError::UnknownPlace(inner.to_owned()))
}

/// The same octets each time (xorshift with a fixed start), but no CR and no LF among them.
fn noise() -> impl Iterator<Item = u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    std::iter::from_fn(move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        Some(state.to_le_bytes()[0])
    })
    .filter(|octet| !matches!(octet, b'\r' | b'\n'))
}

#[cfg(test)]
mod tests {
    use pretty_assertions::assert_eq;
    use test_case::test_case;

    use super::*;

    #[test_case("220 {host} ESMTP\r\n", b"220 localhost ESMTP\r\n"; "a place")]
    #[test_case("* 1 FETCH (BODY[] {28}\r\n", b"* 1 FETCH (BODY[] {28}\r\n"; "an IMAP literal stands for itself")]
    #[test_case("{5+}", b"{5+}"; "a non-synchronising literal too")]
    #[test_case("a{x:00 ff0D}b", b"a\x00\xff\x0db"; "octets in hex")]
    #[test_case("{repeat:3:ab}", b"ababab"; "a run")]
    #[test_case("{{host}", b"{host}"; "an escaped brace")]
    #[test_case("{user}", b""; "a place that nobody filled is empty")]
    fn renders(source: &str, expected: &[u8]) {
        let mut fill = Fill::default();
        fill.set("host", "localhost");
        assert_eq!(WireText::parse(source).unwrap().render(&fill), expected);
    }

    #[test]
    fn ports_are_filled_in_beforehand() {
        let mut text = WireText::parse("imap://u@h:{port:imaps}/").unwrap();
        assert_eq!(text.ports().collect::<Vec<_>>(), [PortRole::Imaps]);
        text.fill_ports(|role| if role == PortRole::Imaps { 4711 } else { 0 });
        assert_eq!(text.render(&Fill::default()), b"imap://u@h:4711/");
        assert_eq!(text.source(), "imap://u@h:{port:imaps}/");
    }

    #[test_case("{hots}", "unknown place `{hots}`"; "a typo")]
    #[test_case("{noise:many}", "wants a count of at most"; "noise without a count")]
    #[test_case("{port:pop3}", "wants the role of a port"; "a port that there is not")]
    #[test_case("{x:0}", "even number of hex digits"; "half an octet")]
    #[test_case("{repeat:x:a}", "wants a count"; "a count that is none")]
    #[test_case("250 {host", "never closed"; "an open brace")]
    fn refuses(source: &str, reason: &str) {
        let error = WireText::parse(source).unwrap_err().to_string();
        assert!(error.contains(reason), "{error}");
    }

    #[test]
    fn noise_has_no_line_ends_and_is_always_the_same() {
        let text = WireText::parse("{noise:70000}").unwrap();
        let octets = text.render(&Fill::default());
        assert_eq!(octets.len(), 70_000);
        assert!(!octets.iter().any(|it| matches!(it, b'\r' | b'\n')));
        assert!(
            (0..=255_u8)
                .filter(|it| !b"\r\n".contains(it))
                .all(|it| octets.contains(&it))
        );
        assert_eq!(octets, text.render(&Fill::default()));
    }
}
