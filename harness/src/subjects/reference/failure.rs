//! Why a job was not done: for the program as a kind, for the user as a sentence that names protocol and
//! phase and quotes the server.
//!
//! Must not know the protocols.

use mailproof_scenarios::model::{Protocol, event::Said};

use super::connection::Cut;

/// Why a job was not done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Failure {
    pub(super) kind: Kind,
    pub(super) said: Said,
    pub(super) text: String,
    /// A flaw: the port of the server that a referral named.
    pub(super) referral: Option<u16>,
}

/// What went wrong, as far as the client acts on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// No connection came about.
    Connect,
    /// The connection ended, or nothing came in time.
    Lost,
    /// The same, but the whole message had been sent: nobody knows whether it was accepted.
    LostReply,
    /// The server said what no server may say.
    Nonsense,
    /// The server refused.
    Refused,
    /// The client went no further, by its settings.
    Declined,
    /// TLS did not come about, or broke.
    Handshake,
    /// TLS would have come about, but with the wrong peer.
    Certificate,
}

impl Failure {
    /// Whether the server still deserves a goodbye: it does as long as it makes sense.
    pub(super) fn allows_goodbye(&self) -> bool {
        matches!(self.kind, Kind::Refused | Kind::Declined)
    }

    pub(super) fn is_about_tls(&self) -> bool {
        matches!(self.kind, Kind::Handshake | Kind::Certificate)
    }
}

/// Where in the session the client is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Phase {
    pub(super) protocol: Protocol,
    pub(super) step: &'static str,
}

impl Phase {
    pub(super) const fn smtp(step: &'static str) -> Self {
        Self {
            protocol: Protocol::Smtp,
            step,
        }
    }

    pub(super) const fn imap(step: &'static str) -> Self {
        Self {
            protocol: Protocol::Imap,
            step,
        }
    }

    /// The server refused with these words.
    pub(super) fn refused(self, said: Said, quote: &str) -> Failure {
        self.failure(Kind::Refused, said, &format!("the server refused: {quote}"))
    }

    /// The server said goodbye by itself with these words (RFC 5321 §3.8, RFC 9051 §7.1.5).
    pub(super) fn dismissed(self, quote: &str) -> Failure {
        self.failure(
            Kind::Lost,
            Said::Temporary,
            &format!("the server ended the session: {quote}"),
        )
    }

    /// The server said what cannot be.
    pub(super) fn nonsense(self, why: &str, quote: &str) -> Failure {
        self.failure(Kind::Nonsense, Said::Failed, &format!("{why}: {quote}"))
    }

    /// The client itself goes no further.
    pub(super) fn declined(self, said: Said, why: &str) -> Failure {
        self.failure(Kind::Declined, said, why)
    }

    /// The connection is of no more use.
    pub(super) fn cut(self, cut: &Cut) -> Failure {
        let kind = match cut {
            Cut::Overlong => Kind::Nonsense,
            Cut::Tls(_) => Kind::Handshake,
            _ => Kind::Lost,
        };
        let said = match cut {
            Cut::Tls(_) => Said::RefusedTls,
            _ => Said::Temporary,
        };
        self.failure(kind, said, &cut.to_string())
    }

    pub(super) fn failure(self, kind: Kind, said: Said, why: &str) -> Failure {
        let protocol = match self.protocol {
            Protocol::Smtp => "SMTP",
            Protocol::Imap => "IMAP",
        };
        Failure {
            kind,
            said,
            text: format!("{protocol}, {}: {why}", self.step),
            referral: None,
        }
    }
}

/// What the server said, fit for a terminal: control and bidi characters are escaped, the end of very long
/// words is cut off.
pub(super) fn quote(octets: &[u8]) -> String {
    const LONGEST: usize = 4096;
    let mut text = String::new();
    for character in String::from_utf8_lossy(octets).chars() {
        if text.len() > LONGEST {
            text.push('…');
            break;
        }
        match character {
            '\n' | '\t' => text.push(character),
            '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
                text.extend(character.escape_unicode());
            }
            _ if character.is_control() => text.extend(character.escape_unicode()),
            _ => text.push(character),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use pretty_assertions::assert_eq;
    use test_case::test_case;

    use super::*;

    #[test_case(b"550 5.1.1 User unknown", "550 5.1.1 User unknown"; "plain words stay")]
    #[test_case(b"550 \x1b[31mred\x07", "550 \\u{1b}[31mred\\u{7}"; "escape sequences do not reach the terminal")]
    #[test_case("550 \u{202e}txt".as_bytes(), "550 \\u{202e}txt"; "nor do bidi overrides")]
    #[test_case(b"550 caf\xe9", "550 caf\u{fffd}"; "what is no UTF-8 is replaced")]
    fn quotes(octets: &[u8], expected: &str) {
        assert_eq!(quote(octets), expected);
    }

    #[test]
    fn a_quote_is_bounded() {
        assert!(quote(&vec![b'a'; 1_000_000]).len() < 5000);
    }
}
