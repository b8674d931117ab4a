//! One attempt at a request, and what both protocols need of it: TLS, and the secrets of signing in.

use std::net::IpAddr;

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use mailproof_scenarios::model::{Auth, Protocol, Security, Trust, event::Said};

use crate::subject::Request;

use super::{
    by_hand::Careless,
    connection::{Connection, Stream, TlsTrouble},
    failure::{Failure, Kind, Phase},
    flaws::Flaws,
    tls::Tls,
};

/// One attempt at a request.
pub(super) struct Task<'a> {
    pub(super) request: &'a Request,
    pub(super) flaws: &'a Flaws,
    /// How this attempt secures the connection.
    pub(super) security: Security,
    /// Missing where the session is in clear.
    pub(super) tls: Option<Tls>,
    /// A flaw: TLS is written by hand.
    pub(super) by_hand: Option<Careless>,
    /// The own address, by which the client introduces itself.
    pub(super) own_address: IpAddr,
    /// The message, where the job has one.
    pub(super) message: Vec<u8>,
}

impl Task<'_> {
    pub(super) fn wants_starttls(&self) -> bool {
        matches!(
            self.security,
            Security::StarttlsOptional | Security::StarttlsRequired
        )
    }

    /// Whether the session may go on in clear where STARTTLS is missing or refused.
    pub(super) fn may_stay_in_clear(&self) -> bool {
        self.security == Security::StarttlsOptional || self.stays_in_clear_by_mistake()
    }

    /// Whether a flaw takes for words said inside TLS what came in clear.
    pub(super) fn keeps_clear(&self) -> bool {
        self.flaws.keeps_clear_buffer() || self.flaws.skips_clear_in_handshake()
    }

    /// Whether a password may be sent in clear (RFC 8314 §5.2: only where the user chose that).
    pub(super) fn may_show_password(&self) -> bool {
        let optional = self.security == Security::StarttlsOptional;
        self.security == Security::None
            || (optional && self.flaws.password_in_clear_optional())
            || self.stays_in_clear_by_mistake()
    }

    /// Whether the session is in clear although the user wanted TLS. With optional TLS that is right as long
    /// as nobody signs in; else a flaw has led there.
    pub(super) fn is_lost<S: Stream>(&self, connection: &Connection<S>) -> bool {
        !connection.is_encrypted() && self.request.security != Security::None
    }

    fn stays_in_clear_by_mistake(&self) -> bool {
        let always = self.request.trust == Trust::Always;
        self.flaws.continues_in_clear() || (always && self.flaws.always_trust_drops_tls())
    }

    /// Starts TLS on a connection. False is a flaw: it failed, and the session goes on all the same.
    pub(super) async fn secure<S: Stream>(
        &self,
        connection: &mut Connection<S>,
        phase: Phase,
    ) -> Result<bool, Failure> {
        let Some(tls) = self.tls.clone() else {
            return Err(phase.declined(Said::Failed, "the settings have no TLS"));
        };
        let outcome = match self.by_hand {
            Some(careless) => {
                let host = &self.request.host;
                connection.start_tls_by_hand(host, careless).await
            }
            None => connection.start_tls(tls).await,
        };
        let Err(trouble) = outcome else {
            return Ok(true);
        };
        if self.flaws.clear_after_failed_handshake() {
            return Ok(false);
        }
        Err(match trouble {
            TlsTrouble::Cut(cut) => {
                phase.failure(Kind::Handshake, Said::Temporary, &cut.to_string())
            }
            TlsTrouble::Certificate(why) => phase.failure(
                Kind::Certificate,
                Said::RefusedTls,
                &format!("the server's certificate was not accepted: {why}"),
            ),
            TlsTrouble::Protocol(why) => phase.failure(
                Kind::Handshake,
                Said::RefusedTls,
                &format!("no secure connection came about: {why}"),
            ),
        })
    }

    /// The mechanism for what is offered, `None` if there is none in common. For `password` that is PLAIN
    /// rather than LOGIN.
    pub(super) fn mechanism(&self, offers: impl Fn(&str) -> bool) -> Option<Mechanism> {
        let candidates: &[Mechanism] = match self.request.auth {
            Auth::None => &[],
            Auth::Password => &[Mechanism::Plain, Mechanism::Login],
            Auth::Plain => &[Mechanism::Plain],
            Auth::Login => &[Mechanism::Login],
            Auth::Xoauth2 => &[Mechanism::Xoauth2],
        };
        candidates.iter().copied().find(|it| offers(it.name()))
    }

    /// What the client answers in a SASL exchange, in base64, one entry for each step.
    pub(super) fn answers(&self, mechanism: Mechanism) -> Vec<String> {
        mechanism.answers(self.request)
    }
}

/// What must never be shown to anybody, in every form in which it is sent.
pub(super) fn secrets(request: &Request) -> Vec<String> {
    let mechanisms = [Mechanism::Plain, Mechanism::Login, Mechanism::Xoauth2];
    let mut secrets: Vec<String> = mechanisms
        .into_iter()
        .filter_map(|mechanism| mechanism.answers(request).pop())
        .collect();
    secrets.push(request.password.clone());
    secrets.push(request.token.clone());
    // What is shorter stands in too many harmless words.
    secrets.retain(|secret| secret.len() >= 4);
    secrets
}

/// A flaw: everything up to the sign-in in one go, as if the server had nothing to say to it.
pub(super) fn at_once(request: &Request) -> Vec<u8> {
    let plain = Mechanism::Plain.answers(request).concat();
    match request.protocol {
        Protocol::Smtp => format!("EHLO early.example\r\nAUTH PLAIN {plain}\r\n"),
        Protocol::Imap => format!("early AUTHENTICATE PLAIN {plain}\r\n"),
    }
    .into_bytes()
}

/// A SASL mechanism.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mechanism {
    /// RFC 4616.
    Plain,
    /// Two prompts, whatever they say.
    Login,
    /// A bearer token, as Google and Microsoft have it.
    Xoauth2,
}

impl Mechanism {
    pub(super) fn name(self) -> &'static str {
        match self {
            Mechanism::Plain => "PLAIN",
            Mechanism::Login => "LOGIN",
            Mechanism::Xoauth2 => "XOAUTH2",
        }
    }

    fn answers(self, request: &Request) -> Vec<String> {
        let Request {
            user,
            password,
            token,
            ..
        } = request;
        let answers = match self {
            Mechanism::Plain => vec![format!("\0{user}\0{password}")],
            Mechanism::Login => vec![user.clone(), password.clone()],
            Mechanism::Xoauth2 => vec![format!("user={user}\x01auth=Bearer {token}\x01\x01")],
        };
        answers.iter().map(|answer| BASE64.encode(answer)).collect()
    }

    /// Whether the client speaks first.
    pub(super) fn speaks_first(self) -> bool {
        self != Mechanism::Login
    }
}

/// Lines ended by CRLF, whatever they were ended by (RFC 5321 §2.3.8: CR and LF only together).
pub(super) fn canonical(message: &[u8]) -> Vec<u8> {
    let mut lines = Vec::with_capacity(message.len() + message.len() / 32);
    let mut octets = message.iter().copied().peekable();
    while let Some(octet) = octets.next() {
        match octet {
            b'\r' => {
                octets.next_if_eq(&b'\n');
                lines.extend_from_slice(b"\r\n");
            }
            b'\n' => lines.extend_from_slice(b"\r\n"),
            other => lines.push(other),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use pretty_assertions::assert_eq;
    use proptest::prelude::*;
    use test_case::test_case;

    use super::*;

    #[test_case(b"a\r\nb\r\n", b"a\r\nb\r\n"; "what is right stays")]
    #[test_case(b"a\nb", b"a\r\nb"; "bare LF")]
    #[test_case(b"a\rb", b"a\r\nb"; "bare CR")]
    #[test_case(b"\r\r\n.\n\r", b"\r\n\r\n.\r\n\r\n"; "mixed")]
    fn canonical_lines(message: &[u8], expected: &[u8]) {
        assert_eq!(canonical(message), expected);
    }

    proptest! {
        #[test]
        fn canonical_has_no_bare_ends(message in proptest::collection::vec(prop_oneof![Just(b'\r'), Just(b'\n'), Just(b'.'), any::<u8>()], 0..200)) {
            let lines = canonical(&message);
            for (at, octet) in lines.iter().enumerate() {
                match octet {
                    b'\r' => prop_assert_eq!(lines.get(at + 1), Some(&b'\n')),
                    b'\n' => prop_assert!(at > 0 && lines[at - 1] == b'\r'),
                    _ => {}
                }
            }
            prop_assert_eq!(canonical(&lines), lines);
        }
    }
}
