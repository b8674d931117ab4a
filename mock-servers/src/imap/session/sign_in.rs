//! LOGIN and AUTHENTICATE (RFC 9051 §6.2).

use base64::{Engine as _, engine::general_purpose::STANDARD};
use mailproof_scenarios::model::{ImapStatus, What};

use super::{Done, Reply, Session};
use crate::imap::sasl::{self, Attempt, Exchange, Mechanism, Step};

/// What a line of a SASL exchange says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::imap) enum Signing {
    /// A message.
    Message(Vec<u8>),
    /// The client gives up with `*`.
    Cancelled,
    /// No base64.
    Malformed,
}

impl Signing {
    /// Reads a line, without its line end.
    pub(in crate::imap) fn read(line: &[u8]) -> Self {
        if line == b"*" {
            return Signing::Cancelled;
        }
        match STANDARD.decode(line) {
            Ok(message) => Signing::Message(message),
            Err(_) => Signing::Malformed,
        }
    }
}

impl Session {
    pub(super) fn login(&mut self, user: &[u8], password: &[u8], reply: &mut Reply) -> Done {
        if self.capabilities().has("LOGINDISABLED") {
            return self.no_with(|texts| &texts.login_needs_tls, reply);
        }
        let attempt = sasl::password(user, password, &self.config.accounts);
        self.checked("LOGIN", attempt, reply)
    }

    pub(super) fn authenticate(
        &mut self,
        mechanism: &str,
        initial: Option<&[u8]>,
        reply: &mut Reply,
    ) -> Done {
        if initial.is_some() && !self.capabilities().has("SASL-IR") {
            return self.syntax(reply);
        }
        let known = Mechanism::from_name(mechanism);
        let offered = self.capabilities().has(&format!("AUTH={mechanism}"));
        let Some(mechanism) = known.filter(|_| offered) else {
            let in_clear = known.is_some_and(Mechanism::is_password)
                && self.capabilities().has("LOGINDISABLED");
            return if in_clear {
                self.no_with(|texts| &texts.login_needs_tls, reply)
            } else {
                self.no_with(|texts| &texts.auth_unknown_mechanism, reply)
            };
        };
        let exchange = Exchange::begin(mechanism);
        match initial {
            Some(b"=") => self.exchange(exchange, &Signing::Message(Vec::new()), reply),
            Some(message) => self.exchange(exchange, &Signing::read(message), reply),
            None => {
                let challenge = if mechanism == Mechanism::Login {
                    STANDARD.encode("Username:")
                } else {
                    String::new()
                };
                reply.continuation(challenge.as_bytes());
                Done::Sasl(exchange)
            }
        }
    }

    /// Goes on with an exchange.
    pub(in crate::imap) fn exchange(
        &mut self,
        mut exchange: Exchange,
        said: &Signing,
        reply: &mut Reply,
    ) -> Done {
        let message = match said {
            Signing::Cancelled => {
                let text = self.text(|texts| &texts.auth_cancelled, reply);
                return Done::Status(ImapStatus::Bad, text);
            }
            Signing::Malformed => return self.syntax(reply),
            Signing::Message(message) => message,
        };
        let mechanism = exchange.mechanism();
        match exchange.step(message, &self.config.accounts) {
            Step::AskPassword => {
                reply.continuation(STANDARD.encode("Password:").as_bytes());
                Done::Sasl(exchange)
            }
            Step::Checked(attempt) => self.checked(mechanism.name(), attempt, reply),
            Step::WrongToken(attempt) => {
                let Some(challenge) = &self.config.persona.texts.bearer_challenge else {
                    return self.checked(mechanism.name(), attempt, reply);
                };
                let challenge = STANDARD.encode(challenge.render(&reply.fill));
                reply.facts.push(sign_in(mechanism.name(), attempt));
                reply.continuation(challenge.as_bytes());
                Done::Sasl(exchange)
            }
            Step::Over => self.no_with(|texts| &texts.login_failed, reply),
        }
    }

    /// The credentials that a refused LOGIN or AUTHENTICATE, or a refused line of an exchange, carried.
    pub(in crate::imap) fn refused_sign_in(
        &self,
        exchange: Option<&Exchange>,
        said: &Signing,
        reply: &mut Reply,
    ) {
        let (Some(exchange), Signing::Message(message)) = (exchange, said) else {
            return;
        };
        let mut exchange = exchange.clone();
        let mechanism = exchange.mechanism().name();
        if let Step::Checked(attempt) | Step::WrongToken(attempt) =
            exchange.step(message, &self.config.accounts)
        {
            let refused = Attempt {
                accepted: false,
                ..attempt
            };
            reply.facts.push(sign_in(mechanism, refused));
        }
    }

    fn checked(&mut self, mechanism: &str, attempt: Attempt, reply: &mut Reply) -> Done {
        let user = attempt.user.clone();
        let accepted = attempt.accepted;
        reply.facts.push(sign_in(mechanism, attempt));
        if !accepted {
            return self.no_with(|texts| &texts.login_failed, reply);
        }
        reply.fill.set("user", user.as_str());
        self.user = Some(user);
        let capabilities = self.capabilities().write();
        if self.config.persona.login_untagged_capability {
            reply.untagged(&[b"CAPABILITY ", &capabilities[..]].concat());
        }
        let mut text = self.text(|texts| &texts.login_ok, reply);
        if self.config.persona.login_capability {
            text = [b"[CAPABILITY ", &capabilities[..], b"] ", &text[..]].concat();
        }
        Done::Status(ImapStatus::Ok, text)
    }
}

fn sign_in(mechanism: &str, attempt: Attempt) -> What {
    What::SignIn {
        mechanism: mechanism.to_owned(),
        user: attempt.user,
        accepted: attempt.accepted,
    }
}
