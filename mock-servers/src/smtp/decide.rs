//! What a server answers to each input, and what becomes of its state.
//!
//! The order of the checks is the order in which a client meets them: TLS, greeting, sequence, sign-in,
//! arguments, limits.

use mailproof_scenarios::model::{Fill, Refusal, SmtpTexts, What, WireText};

use super::{
    Ask, Mode, Sasl, SmtpEngine, Transaction,
    capability::Capabilities,
    command::{Command, Envelope},
    data::{DataReader, Received},
    parameters::{self, Problem},
    reply::Reply,
    sasl::{self, Attempt, Exchange, Mechanism, Step},
};
use crate::engine::{After, Response};

/// Recipients of a transaction, whatever a persona says.
const RECIPIENTS: usize = 10_000;

/// What follows from an input.
struct Outcome {
    reply: Reply,
    after: After,
    facts: Vec<What>,
}

impl From<Reply> for Outcome {
    fn from(reply: Reply) -> Self {
        Self {
            reply,
            after: After::GoOn,
            facts: Vec::new(),
        }
    }
}

impl Outcome {
    fn with(reply: Reply, fact: What) -> Self {
        Self {
            facts: vec![fact],
            ..Self::from(reply)
        }
    }
}

impl SmtpEngine {
    /// Hands a reply out. A 421 is a goodbye whoever says it (RFC 5321 §3.8).
    pub(super) fn send(&mut self, reply: Reply, after: After, facts: Vec<What>) -> Response {
        let after = if reply.is_goodbye() {
            After::Close
        } else {
            after
        };
        match after {
            After::Close => self.mode = Mode::Closed,
            After::StartTls => self.mode = Mode::AwaitingTls,
            After::GoOn => {}
        }
        Response {
            positive: reply.is_positive(),
            units: vec![reply.into_unit()],
            after,
            facts,
        }
    }

    /// Answers an input as the persona does.
    pub(super) fn decide(&mut self, ask: Ask, fill: &Fill) -> Response {
        let outcome = self.outcome(ask, fill);
        if !outcome.reply.is_positive() {
            self.session.errors = self.session.errors.saturating_add(1);
        }
        self.send(outcome.reply, outcome.after, outcome.facts)
    }

    /// Answers an input with a decision against it. The state follows the decision, not the code.
    pub(super) fn refuse(&mut self, ask: Ask, refusal: &Refusal, fill: &Fill) -> Response {
        let reply = Reply::from_refusal(refusal, fill);
        let mut facts = Vec::new();
        match ask {
            Ask::Command(Command::Auth { mechanism, initial }) => {
                let step = self
                    .permitted_mechanism(&mechanism)
                    .zip(initial.as_deref().and_then(decode_initial))
                    .map(|(mechanism, message)| self.step(&Exchange::First(mechanism), &message));
                facts.extend(step.and_then(failed_sign_in));
            }
            Ask::Sasl(line) => {
                let exchange = self.session.exchange.take();
                if let (Sasl::Message(message), Some(exchange)) = (line, exchange) {
                    facts.extend(failed_sign_in(self.step(&exchange, &message)));
                }
            }
            Ask::Command(Command::Rcpt(_) | Command::Malformed { verb: "RCPT" }) => {
                self.note_refused_recipient()
            }
            Ask::Data(_) => facts.extend(self.drop_message()),
            Ask::TooLong => self.session.exchange = None,
            // Nothing sensible can follow.
            Ask::Flood => return self.send(reply, After::Close, facts),
            Ask::Command(_) => {}
        }
        self.send(reply, After::GoOn, facts)
    }

    fn outcome(&mut self, ask: Ask, fill: &Fill) -> Outcome {
        let say = |text: &WireText| Outcome::from(Reply::from_text(text, fill));
        let limits = &self.config.persona.limits;
        let hangs_up = limits.errors > 0 && self.session.errors >= limits.errors;
        match ask {
            Ask::Command(Command::Quit) => Outcome {
                after: After::Close,
                ..say(&self.texts().quit)
            },
            // RFC 5321 §3.1.
            _ if self.mode == Mode::Unserved => Reply::line(503, "Bad sequence of commands").into(),
            Ask::Data(received) => self.receive(received, fill),
            Ask::Flood => self.hang_up(fill),
            _ if hangs_up => self.hang_up(fill),
            Ask::TooLong => {
                self.session.exchange = None;
                say(&self.texts().line_too_long)
            }
            Ask::Sasl(line) => self.continue_exchange(line, fill),
            Ask::Command(command) => self.obey(command, fill),
        }
    }

    fn obey(&mut self, command: Command, fill: &Fill) -> Outcome {
        let texts = self.texts();
        let say = |text: &WireText| Outcome::from(Reply::from_text(text, fill));
        // RFC 3207 §4 leaves NOOP, EHLO, STARTTLS and QUIT before TLS. HELO stays too, so that a client that
        // falls back to it is told at MAIL; AUTH and what is no command have answers of their own.
        let before_tls = match &command {
            Command::Noop | Command::Hello { .. } | Command::StartTls => true,
            Command::Auth { .. } | Command::Unknown => true,
            Command::Malformed { verb } => matches!(*verb, "EHLO" | "HELO" | "STARTTLS"),
            _ => false,
        };
        if self.config.persona.requires_tls && !self.tls && !before_tls {
            return say(&texts.needs_tls);
        }
        match command {
            Command::Hello { extended, name } => self.hello(extended, name, fill),
            Command::StartTls if self.tls => say(&texts.starttls_again),
            Command::StartTls if self.capabilities().has("STARTTLS") => Outcome {
                after: After::StartTls,
                ..say(&texts.starttls_ready)
            },
            Command::StartTls | Command::Unknown => say(&texts.unknown_command),
            Command::Auth { mechanism, initial } => self.auth(mechanism, initial, fill),
            Command::Mail(envelope) => self.mail(envelope, fill),
            Command::Rcpt(envelope) => self.rcpt(envelope, fill),
            Command::Data => self.data(fill),
            Command::Reset => {
                self.session.transaction = None;
                say(&self.texts().reset)
            }
            Command::Noop => say(&texts.noop),
            Command::Verify { .. } => say(&texts.vrfy),
            Command::Help => say(&texts.help),
            Command::Malformed { verb } => {
                let reply = say(&texts.syntax);
                if verb == "RCPT" {
                    self.note_refused_recipient();
                }
                reply
            }
            Command::Quit => say(&texts.quit),
        }
    }

    /// RFC 5321 §4.1.1.1, §4.1.4.
    fn hello(&mut self, extended: bool, name: String, fill: &Fill) -> Outcome {
        self.session.hello = Some(name);
        self.session.transaction = None;
        if !extended {
            return Reply::from_text(&self.texts().helo, fill).into();
        }
        let first = self.texts().ehlo.render(fill);
        let first = first.split(|b| *b == b'\n').map(<[u8]>::to_vec);
        let keywords = self.capabilities().0.iter();
        let keywords = keywords.map(|it| it.as_bytes().to_vec());
        Reply::lines(250, first.chain(keywords).collect()).into()
    }

    /// RFC 4954 §4.
    fn auth(&mut self, mechanism: String, initial: Option<Vec<u8>>, fill: &Fill) -> Outcome {
        let persona = &self.config.persona;
        let texts = &persona.texts;
        let say = |text: &WireText| Outcome::from(Reply::from_text(text, fill));
        let inside = Capabilities(&persona.tls);
        let here = self.capabilities();
        let needs_tls = persona.requires_tls || !here.has("AUTH");
        if !here.has("AUTH") && !inside.has("AUTH") {
            return say(&texts.unknown_command);
        }
        if !self.tls && needs_tls {
            return say(&texts.auth_needs_tls);
        }
        if !here.has("AUTH") {
            return say(&texts.unknown_command);
        }
        if self.wants_hello() {
            return say(&texts.needs_hello);
        }
        if self.session.signed_in.is_some() || self.session.transaction.is_some() {
            return say(&texts.auth_again);
        }
        let Some(known) = self.permitted_mechanism(&mechanism) else {
            let elsewhere = !self.tls && inside.has_mechanism(&mechanism);
            return say(if elsewhere {
                &texts.auth_needs_tls
            } else {
                &texts.auth_unknown_mechanism
            });
        };
        self.session.mechanism = mechanism;
        let exchange = Exchange::First(known);
        match initial.as_deref().map(decode_initial) {
            None => self.ask_first(exchange, fill),
            Some(None) => Reply::from_text(&self.texts().auth_not_base64, fill).into(),
            Some(Some(message)) => self.take_step(self.step(&exchange, &message), fill),
        }
    }

    /// Nothing was said yet, so it is asked for.
    fn ask_first(&mut self, exchange: Exchange, fill: &Fill) -> Outcome {
        let challenge = match exchange {
            Exchange::First(Mechanism::Login) => self.texts().username_challenge.render(fill),
            _ => Vec::new(),
        };
        self.session.exchange = Some(exchange);
        Reply::challenge(&challenge).into()
    }

    fn continue_exchange(&mut self, line: Sasl, fill: &Fill) -> Outcome {
        let exchange = self.session.exchange.take();
        let say = |text: &WireText| Outcome::from(Reply::from_text(text, fill));
        match (line, exchange) {
            (Sasl::Cancel, _) => say(&self.texts().auth_cancelled),
            // What is said to the explanation of a refusal is of no interest; clients send many things.
            (_, Some(Exchange::TokenRefused)) => self.take_step(Step::Over, fill),
            (Sasl::Message(message), Some(exchange)) => {
                self.take_step(self.step(&exchange, &message), fill)
            }
            (Sasl::NotBase64 | Sasl::Message(_), _) => say(&self.texts().auth_not_base64),
        }
    }

    fn take_step(&mut self, step: Step, fill: &Fill) -> Outcome {
        let texts = &self.config.persona.texts;
        let failed = match &texts.bearer_failed {
            Some(text) if self.session.mechanism == Mechanism::Xoauth2.name() => text,
            _ => &texts.auth_failed,
        };
        let attempt = match step {
            Step::AskPassword { user } => {
                let challenge = texts.password_challenge.render(fill);
                self.session.exchange = Some(Exchange::LoginPassword { user });
                return Reply::challenge(&challenge).into();
            }
            Step::Over => return Reply::from_text(failed, fill).into(),
            Step::Checked(attempt) => attempt,
        };
        let reply = if attempt.accepted {
            self.session.signed_in = Some(attempt.user.clone());
            Reply::from_text(&texts.auth_ok, fill)
        } else if let (Mechanism::Xoauth2, Some(text)) =
            (attempt.mechanism, &texts.bearer_challenge)
        {
            self.session.exchange = Some(Exchange::TokenRefused);
            Reply::challenge(&text.render(fill))
        } else {
            Reply::from_text(failed, fill)
        };
        Outcome::with(reply, sign_in(attempt))
    }

    /// RFC 5321 §4.1.1.2.
    fn mail(&mut self, envelope: Envelope, fill: &Fill) -> Outcome {
        let persona = &self.config.persona;
        let texts = &persona.texts;
        let say = |text: &WireText| Outcome::from(Reply::from_text(text, fill));
        if self.wants_hello() {
            return say(&texts.needs_hello);
        }
        if self.session.transaction.is_some() {
            return say(&texts.mail_nested);
        }
        if persona.requires_auth && self.session.signed_in.is_none() {
            return say(&texts.mail_needs_auth);
        }
        let here = self.capabilities();
        let utf8 = match parameters::mail(&envelope, here, self.message_limit()) {
            Ok(utf8) => utf8,
            Err(problem) => return say(problem_text(texts, problem)),
        };
        if !envelope.address.is_ascii() && !utf8 {
            return self.not_ascii(550, fill);
        }
        self.session.transaction = Some(Transaction {
            from: envelope.address,
            to: Vec::new(),
            refused: false,
            utf8,
        });
        say(&self.texts().mail_ok)
    }

    /// RFC 5321 §4.1.1.3.
    fn rcpt(&mut self, envelope: Envelope, fill: &Fill) -> Outcome {
        let texts = self.texts();
        let say = |text: &WireText| Outcome::from(Reply::from_text(text, fill));
        let Some(transaction) = &self.session.transaction else {
            return say(&texts.rcpt_needs_mail);
        };
        let limit = match self.config.persona.limits.recipients {
            0 => RECIPIENTS,
            limit => RECIPIENTS.min(limit as usize),
        };
        let refused = if let Err(problem) = parameters::rcpt(&envelope, self.capabilities()) {
            Some(say(problem_text(texts, problem)))
        } else if !envelope.address.is_ascii() && !transaction.utf8 {
            Some(self.not_ascii(553, fill))
        } else if transaction.to.len() >= limit {
            Some(say(&texts.too_many_recipients))
        } else {
            None
        };
        if let Some(refused) = refused {
            self.note_refused_recipient();
            return refused;
        }
        let accepted = say(&texts.rcpt_ok);
        if let Some(transaction) = &mut self.session.transaction {
            transaction.to.push(envelope.address);
        }
        accepted
    }

    /// RFC 5321 §3.3, §4.1.1.4.
    fn data(&mut self, fill: &Fill) -> Outcome {
        let texts = self.texts();
        let say = |text: &WireText| Outcome::from(Reply::from_text(text, fill));
        match &self.session.transaction {
            Some(it) if !it.to.is_empty() => {}
            Some(it) if it.refused => return say(&texts.no_valid_recipients),
            _ => return say(&texts.data_needs_rcpt),
        }
        let go = say(&texts.data_go);
        self.collecting = Some(DataReader::new(self.message_limit()));
        self.collect();
        go
    }

    /// RFC 5321 §4.1.1.4: whatever is answered, the transaction is over.
    fn receive(&mut self, received: Received, fill: &Fill) -> Outcome {
        let say = |text: &WireText| Reply::from_text(text, fill);
        if received.too_large {
            let mut outcome = Outcome::from(say(&self.texts().too_large));
            outcome.facts.extend(self.drop_message());
            return outcome;
        }
        let reply = say(&self.texts().queued);
        self.messages = self.messages.saturating_add(1);
        match self.session.transaction.take() {
            None => reply.into(),
            Some(Transaction { from, to, .. }) => Outcome::with(
                reply,
                What::MessageAccepted {
                    from,
                    to,
                    octets: received.message,
                },
            ),
        }
    }

    fn drop_message(&mut self) -> Option<What> {
        let Transaction { from, to, .. } = self.session.transaction.take()?;
        Some(What::MessageRefused { from, to })
    }

    fn note_refused_recipient(&mut self) {
        if let Some(transaction) = &mut self.session.transaction {
            transaction.refused = true;
        }
    }

    fn hang_up(&self, fill: &Fill) -> Outcome {
        Outcome {
            after: After::Close,
            ..Reply::from_text(&self.texts().too_many_errors, fill).into()
        }
    }

    /// RFC 6531 §3.5; a server without SMTPUTF8 sees arguments that are not right.
    fn not_ascii(&self, code: u16, fill: &Fill) -> Outcome {
        if self.capabilities().has("SMTPUTF8") {
            let text = "5.6.7 Non-ASCII addresses not permitted without SMTPUTF8";
            Reply::line(code, text).into()
        } else {
            Reply::from_text(&self.texts().syntax, fill).into()
        }
    }

    /// A persona without a text for it does not insist on EHLO.
    fn wants_hello(&self) -> bool {
        self.session.hello.is_none() && !self.texts().needs_hello.is_empty()
    }

    fn permitted_mechanism(&self, name: &str) -> Option<Mechanism> {
        Mechanism::from_name(name).filter(|it| self.capabilities().has_mechanism(it.name()))
    }

    fn step(&self, exchange: &Exchange, message: &[u8]) -> Step {
        exchange.advance(message, &self.config.accounts)
    }

    fn texts(&self) -> &SmtpTexts {
        &self.config.persona.texts
    }
}

/// `=` is a response without octets (RFC 4954 §4).
fn decode_initial(initial: &[u8]) -> Option<Vec<u8>> {
    match initial {
        b"=" => Some(Vec::new()),
        _ => sasl::decode(initial),
    }
}

fn sign_in(attempt: Attempt) -> What {
    What::SignIn {
        mechanism: attempt.mechanism.name().to_owned(),
        user: attempt.user,
        accepted: attempt.accepted,
    }
}

/// The fact that credentials were refused, if the step had any.
fn failed_sign_in(step: Step) -> Option<What> {
    match step {
        Step::Checked(attempt) => Some(sign_in(Attempt {
            accepted: false,
            ..attempt
        })),
        Step::AskPassword { .. } | Step::Over => None,
    }
}

fn problem_text(texts: &SmtpTexts, problem: Problem) -> &WireText {
    match problem {
        Problem::Unknown => &texts.unknown_parameter,
        Problem::Syntax => &texts.syntax,
        Problem::TooLarge => &texts.too_large,
    }
}
