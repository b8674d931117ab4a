//! One connection: inputs are cut out of what arrives, decided, and answered in units.

use mailproof_scenarios::model::{
    Fill, ImapStatus, ImapTexts, Protocol, Refusal, What, When, WireText,
};

use super::{
    ImapConfig,
    framing::{Framed, Framer, Limits, NonSync, Trouble},
    name,
    parse::{Command, Head, parse},
    sasl::{Exchange, Mechanism},
    session::{Done, Reply, Session, Signing},
    view::Rules,
};
use crate::engine::{After, Engine, Input, InputKind, Response};

/// A conformant IMAP server's side of one connection.
pub struct ImapEngine {
    session: Session,
    framer: Framer,
    mode: Mode,
    current: Option<Pending>,
    /// A refusing greeting was sent: nothing but LOGOUT works.
    unserved: bool,
}

/// What the next line is.
enum Mode {
    Commands,
    Sasl { head: Head, exchange: Exchange },
    Idle { head: Head },
    StartingTls,
    Closed,
}

/// The input that is to be answered.
enum Pending {
    Command {
        head: Head,
        /// `None` where it cannot be read.
        command: Option<Command>,
        trouble: Option<Trouble>,
    },
    Literal {
        head: Head,
        target: Option<Vec<u8>>,
        fits: bool,
    },
    Sasl {
        head: Head,
        exchange: Exchange,
        said: Signing,
    },
    Done {
        head: Head,
        right: bool,
    },
    Flood,
}

/// What an account that has not signed in may send as a literal.
const MOST_UNKNOWN_LITERAL: u64 = 64 * 1024;
/// The room for what is read ahead, beside one literal.
const READ_AHEAD: usize = 1024 * 1024;
/// Whatever a persona says, a literal is not larger.
const MOST_LITERAL: u64 = 256 * 1024 * 1024;

impl ImapEngine {
    /// A connection that has just been accepted.
    pub fn new(config: ImapConfig) -> Self {
        let literal = config.persona.literal.min(MOST_LITERAL);
        let room = usize::try_from(literal).unwrap_or(READ_AHEAD);
        Self {
            framer: Framer::new(room.saturating_add(READ_AHEAD)),
            session: Session {
                tls: config.implicit_tls,
                config,
                user: None,
                view: None,
            },
            mode: Mode::Commands,
            current: None,
            unserved: false,
        }
    }

    fn limits(&self) -> Limits {
        let capabilities = self.session.capabilities();
        let persona = &self.session.config.persona;
        Limits {
            line: persona.command_line,
            literal: if self.session.user.is_some() {
                persona.literal.min(MOST_LITERAL)
            } else {
                persona.literal.min(MOST_UNKNOWN_LITERAL)
            },
            nonsync: if capabilities.has("LITERAL+") {
                NonSync::Any
            } else if capabilities.has("LITERAL-") {
                NonSync::Small
            } else {
                NonSync::Never
            },
        }
    }

    fn next_command(&mut self) -> Option<Input> {
        let limits = self.limits();
        let (kind, line, pending) = match self.framer.command(limits)? {
            Framed::Command {
                octets,
                shown,
                trouble,
            } => {
                let head = Head::read(&octets);
                let command = match trouble {
                    Some(_) => None,
                    None => parse(&head, &octets).ok(),
                };
                let pending = Pending::Command {
                    head,
                    command,
                    trouble,
                };
                (InputKind::Command, shown, pending)
            }
            Framed::Announced {
                shown,
                octets,
                fits,
            } => {
                let head = Head::read(&octets);
                let target = head.append_target(&octets);
                let pending = Pending::Literal { head, target, fits };
                (InputKind::Literal, shown, pending)
            }
        };
        let verb = pending.head().map_or("?", |head| &head.verb).to_owned();
        self.current = Some(pending);
        Some(Input { kind, verb, line })
    }

    fn next_line(&mut self) -> Option<Input> {
        let limit = self.session.config.persona.command_line;
        let read = self.framer.line(limit)?;
        let whole = read.is_ok();
        let line = read.unwrap_or_else(|kept| kept);
        let content = line.strip_suffix(b"\r\n").filter(|_| whole);
        let (kind, verb, pending) = match std::mem::replace(&mut self.mode, Mode::Commands) {
            Mode::Sasl { head, exchange } => {
                let said = content.map_or(Signing::Malformed, Signing::read);
                let pending = Pending::Sasl {
                    head,
                    exchange,
                    said,
                };
                (InputKind::Sasl, "(sasl)", pending)
            }
            Mode::Idle { head } => {
                let right = content.is_some_and(|content| content.eq_ignore_ascii_case(b"DONE"));
                let verb = if right { "DONE" } else { "?" };
                (InputKind::Done, verb, Pending::Done { head, right })
            }
            other => {
                self.mode = other;
                return None;
            }
        };
        self.current = Some(pending);
        Some(Input {
            kind,
            verb: verb.to_owned(),
            line,
        })
    }

    /// Decides about an input and answers it.
    fn answer(&mut self, pending: Pending, reply: &mut Reply) -> bool {
        match pending {
            Pending::Flood => self.say_bye(b"Too much was sent without waiting", reply),
            Pending::Command {
                trouble: Some(Trouble::Hopeless),
                ..
            } => self.say_bye(b"[TOOBIG] The literal is too large", reply),
            Pending::Command {
                head,
                command,
                trouble,
            } => self.command(head, command, trouble, reply),
            Pending::Literal { head, target, fits } => {
                match self.refuses_literal(&head, target.as_deref(), fits, reply) {
                    Some(done) => {
                        self.framer.forget();
                        self.end(head, done, reply)
                    }
                    None => {
                        self.framer.grant();
                        reply.continuation(b"OK");
                        true
                    }
                }
            }
            Pending::Sasl {
                head,
                exchange,
                said,
            } => {
                let done = self.session.exchange(exchange, &said, reply);
                self.end(head, done, reply)
            }
            Pending::Done { head, right } => {
                let updated = self.session.update(rules(&head), reply);
                if updated.is_err() {
                    return self.mailbox_gone(reply);
                }
                let (status, text) = if right {
                    let text = self.session.text(|texts| &texts.completed, reply);
                    (ImapStatus::Ok, text)
                } else {
                    (ImapStatus::Bad, b"Expected DONE".to_vec())
                };
                reply.status(head.tag.as_deref(), status, &text);
                right
            }
        }
    }

    fn command(
        &mut self,
        head: Head,
        command: Option<Command>,
        trouble: Option<Trouble>,
        reply: &mut Reply,
    ) -> bool {
        let bad = |of: fn(&ImapTexts) -> &WireText, engine: &Self, reply: &Reply| {
            Done::Status(ImapStatus::Bad, engine.session.text(of, reply))
        };
        let done = if head.tag.is_none() || head.verb == "?" {
            bad(|texts| &texts.syntax, self, reply)
        } else if self.unserved && head.verb != "LOGOUT" {
            bad(|texts| &texts.wrong_state, self, reply)
        } else if let Err(done) = self.session.admits(&head.verb, reply) {
            done
        } else if trouble == Some(Trouble::LiteralTooLarge) {
            let text = self.session.text(|texts| &texts.too_large, reply);
            Done::Status(ImapStatus::No, text)
        } else if trouble == Some(Trouble::LiteralNotSmall) {
            let text = b"[TOOBIG] A literal without waiting has at most 4096 octets";
            Done::Status(ImapStatus::Bad, text.to_vec())
        } else {
            match command {
                Some(command) => self.session.run(command, reply),
                None => bad(|texts| &texts.syntax, self, reply),
            }
        };
        self.end(head, done, reply)
    }

    /// Why a literal is not wanted, before its octets are asked for.
    fn refuses_literal(
        &self,
        head: &Head,
        target: Option<&[u8]>,
        fits: bool,
        reply: &Reply,
    ) -> Option<Done> {
        let session = &self.session;
        if head.tag.is_none() || head.verb == "?" {
            return Some(Done::Status(
                ImapStatus::Bad,
                session.text(|texts| &texts.syntax, reply),
            ));
        }
        if self.unserved {
            return Some(Done::Status(
                ImapStatus::Bad,
                session.text(|texts| &texts.wrong_state, reply),
            ));
        }
        if let Err(done) = session.admits(&head.verb, reply) {
            return Some(done);
        }
        if !fits {
            return Some(Done::Status(
                ImapStatus::No,
                session.text(|texts| &texts.too_large, reply),
            ));
        }
        target
            .filter(|target| !session.has_mailbox(target))
            .map(|_| session.try_create(reply))
    }

    /// Ends a command; whether it was accepted.
    fn end(&mut self, head: Head, done: Done, reply: &mut Reply) -> bool {
        let (status, text) = match done {
            Done::Status(status, text) => (status, text),
            Done::Sasl(exchange) => {
                self.mode = Mode::Sasl { head, exchange };
                return true;
            }
            Done::Idle => {
                reply.continuation(b"idling");
                let arrived = self.session.update(rules(&head), reply);
                self.mode = Mode::Idle { head };
                return match arrived {
                    Ok(arrived) => {
                        reply.facts.extend(arrived.then_some(What::IdleNotified));
                        true
                    }
                    Err(()) => self.mailbox_gone(reply),
                };
            }
        };
        if status != ImapStatus::Bad && self.session.update(rules(&head), reply).is_err() {
            return self.mailbox_gone(reply);
        }
        reply.status(head.tag.as_deref(), status, &text);
        match reply.after {
            After::Close => self.mode = Mode::Closed,
            After::StartTls => self.mode = Mode::StartingTls,
            After::GoOn => (),
        }
        status == ImapStatus::Ok
    }

    /// Somebody deleted the selected mailbox, and nothing that the client knows is true any more.
    fn mailbox_gone(&mut self, reply: &mut Reply) -> bool {
        self.say_bye(b"The selected mailbox was deleted", reply)
    }

    fn say_bye(&mut self, text: &[u8], reply: &mut Reply) -> bool {
        reply.status(None, ImapStatus::Bye, text);
        reply.after = After::Close;
        self.mode = Mode::Closed;
        false
    }

    /// The server has decided against an input: what remains of it.
    fn refuse(&mut self, pending: &Pending, refusal: &Refusal, reply: &mut Reply) -> bool {
        match pending {
            Pending::Literal { .. } => {
                self.framer.forget();
            }
            Pending::Sasl { exchange, said, .. } => {
                self.session.refused_sign_in(Some(exchange), said, reply);
            }
            Pending::Command {
                command: Some(command),
                ..
            } => self.refuse_command(command, reply),
            _ => (),
        }
        let head = pending.head();
        self.say(refusal, head.and_then(|head| head.tag.as_deref()), reply)
    }

    fn refuse_command(&mut self, command: &Command, reply: &mut Reply) {
        match command {
            Command::Select { .. } => self.session.view = None,
            Command::Login { user, .. } if self.session.user.is_none() => {
                reply.facts.push(What::SignIn {
                    mechanism: "LOGIN".to_owned(),
                    user: String::from_utf8_lossy(user).into_owned(),
                    accepted: false,
                });
            }
            Command::Authenticate {
                mechanism,
                initial: Some(initial),
            } if self.session.user.is_none() => {
                let exchange = Mechanism::from_name(mechanism).map(Exchange::begin);
                let said = Signing::read(initial);
                self.session
                    .refused_sign_in(exchange.as_ref(), &said, reply);
            }
            _ => (),
        }
    }

    /// Renders a refusal; whether the client reads it as a yes.
    fn say(&mut self, refusal: &Refusal, tag: Option<&[u8]>, reply: &mut Reply) -> bool {
        let (status, text) = match refusal {
            Refusal::Imap { status, text } => (*status, text.render(&reply.fill)),
            Refusal::Smtp { code, lines } => {
                let mut text = code.to_string().into_bytes();
                for line in lines {
                    text.push(b' ');
                    text.extend(line.render(&reply.fill));
                }
                (ImapStatus::No, text)
            }
        };
        if status == ImapStatus::Bye {
            return self.say_bye(&text, reply);
        }
        reply.status(tag, status, &text);
        status == ImapStatus::Ok
    }

    fn fill_for(&self, pending: Option<&Pending>) -> Fill {
        let config = &self.session.config;
        let mut fill = Fill::default();
        fill.set("host", config.host.as_str())
            .set("client", config.client_address.as_str())
            .set("date", config.date.as_str())
            .set("size", config.persona.literal.to_string());
        let user = self.session.user.as_ref();
        let user = user.or_else(|| config.accounts.first().map(|account| &account.user));
        if let Some(user) = user {
            fill.set("user", user.as_str());
        }
        if let Some(head) = pending.and_then(Pending::head) {
            fill.set("verb", head.verb.as_str());
            if let Some(tag) = &head.tag {
                fill.set("tag", tag.clone());
                if let Some(next) = next_tag(tag) {
                    fill.set("next-tag-2", next_tag(&next).unwrap_or_default());
                    fill.set("next-tag", next);
                }
            }
        }
        let named = pending.and_then(Pending::mailbox).map(<[u8]>::to_vec);
        let selected = || Some(name::encode(&self.session.view.as_ref()?.name));
        if let Some(mailbox) = named.or_else(selected) {
            fill.set("mailbox", harmless(&mailbox));
        }
        if let Some(mechanism) = pending.and_then(Pending::mechanism) {
            fill.set("mechanism", mechanism);
        }
        fill
    }
}

impl Engine for ImapEngine {
    fn protocol(&self) -> Protocol {
        Protocol::Imap
    }

    fn greet(&mut self, refusal: Option<&Refusal>, preauth: Option<&WireText>) -> Response {
        let mut reply = Reply::new(self.fill_for(None));
        let positive = if let Some(refusal) = refusal {
            self.unserved = true;
            self.say(refusal, None, &mut reply)
        } else if let Some(text) = preauth {
            let account = self.session.config.accounts.first();
            self.session.user = account.map(|account| account.user.clone());
            let text = text.render(&reply.fill);
            reply.status(None, ImapStatus::Preauth, &text);
            true
        } else {
            let mut text = self.session.text(|texts| &texts.greeting, &reply);
            if self.session.config.persona.greeting_capability {
                let listed = self.session.capabilities().write();
                text = [b"[CAPABILITY ", &listed[..], b"] ", &text[..]].concat();
            }
            reply.status(None, ImapStatus::Ok, &text);
            true
        };
        reply.into_response(positive)
    }

    fn feed(&mut self, octets: &[u8]) {
        self.framer.feed(octets);
    }

    fn next(&mut self) -> Option<Input> {
        if self.current.is_some() {
            return None;
        }
        match self.mode {
            Mode::StartingTls | Mode::Closed => None,
            _ if self.framer.is_flooded() => {
                self.current = Some(Pending::Flood);
                Some(Input {
                    kind: InputKind::Command,
                    verb: "?".to_owned(),
                    line: Vec::new(),
                })
            }
            Mode::Commands => self.next_command(),
            Mode::Sasl { .. } | Mode::Idle { .. } => self.next_line(),
        }
    }

    fn fill(&self) -> Fill {
        self.fill_for(self.current.as_ref())
    }

    fn holds(&self, when: When) -> bool {
        match when {
            When::SignedIn => self.session.user.is_some(),
            When::NotSignedIn => self.session.user.is_none(),
            When::RecipientIsSender | When::HeaderFromIsTo => false,
        }
    }

    fn respond(&mut self, refusal: Option<&Refusal>) -> Response {
        let Some(pending) = self.current.take() else {
            return Response::default();
        };
        let mut reply = Reply::new(self.fill_for(Some(&pending)));
        let positive = match refusal {
            Some(refusal) => self.refuse(&pending, refusal, &mut reply),
            None => self.answer(pending, &mut reply),
        };
        reply.into_response(positive)
    }

    fn tls_started(&mut self) {
        self.framer.take_unread();
        self.framer.forget();
        self.session.tls = true;
        self.session.user = None;
        self.session.view = None;
        self.current = None;
        self.mode = Mode::Commands;
    }

    fn tls_abandoned(&mut self) {
        if matches!(self.mode, Mode::StartingTls) {
            self.mode = Mode::Commands;
        }
    }

    fn take_unread(&mut self) -> Vec<u8> {
        self.framer.take_unread()
    }

    fn poll(&mut self) -> Option<Response> {
        let Mode::Idle { head } = &self.mode else {
            return None;
        };
        let mut reply = Reply::new(self.fill_for(None));
        match self.session.update(rules(head), &mut reply) {
            Ok(arrived) => reply.facts.extend(arrived.then_some(What::IdleNotified)),
            Err(()) => {
                self.mailbox_gone(&mut reply);
            }
        }
        (!reply.units.is_empty()).then(|| reply.into_response(true))
    }
}

impl Pending {
    fn head(&self) -> Option<&Head> {
        match self {
            Pending::Command { head, .. }
            | Pending::Literal { head, .. }
            | Pending::Sasl { head, .. }
            | Pending::Done { head, .. } => Some(head),
            Pending::Flood => None,
        }
    }

    fn mailbox(&self) -> Option<&[u8]> {
        match self {
            Pending::Literal { target, .. } => target.as_deref(),
            Pending::Command {
                command: Some(command),
                ..
            } => command.mailbox(),
            _ => None,
        }
    }

    fn mechanism(&self) -> Option<&str> {
        match self {
            Pending::Sasl { exchange, .. } => Some(exchange.mechanism().name()),
            Pending::Command {
                command: Some(Command::Authenticate { mechanism, .. }),
                ..
            } => Some(mechanism),
            Pending::Command {
                command: Some(Command::Login { .. }),
                ..
            } => Some("LOGIN"),
            _ => None,
        }
    }
}

impl Reply {
    fn into_response(self, positive: bool) -> Response {
        Response {
            units: self.units,
            after: self.after,
            facts: self.facts,
            positive,
        }
    }
}

/// What may be told while a command is in progress.
fn rules(head: &Head) -> Rules {
    let (uid, verb) = match head.verb.strip_prefix("UID ") {
        Some(verb) => (true, verb),
        None => (false, head.verb.as_str()),
    };
    Rules {
        expunge: !matches!(verb, "FETCH" | "STORE" | "SEARCH"),
        uid: uid || verb == "IDLE",
    }
}

/// The tag with its trailing number one higher, as wide as before where that is enough.
fn next_tag(tag: &[u8]) -> Option<Vec<u8>> {
    let digits = tag
        .iter()
        .rev()
        .take_while(|octet| octet.is_ascii_digit())
        .count();
    if digits == 0 {
        return None;
    }
    let mut next = tag.to_vec();
    let first = tag.len() - digits;
    for at in (first..tag.len()).rev() {
        if next[at] != b'9' {
            next[at] += 1;
            return Some(next);
        }
        next[at] = b'0';
    }
    next.insert(first, b'1');
    Some(next)
}

/// What stands in a text must not end its line.
fn harmless(octets: &[u8]) -> Vec<u8> {
    octets
        .iter()
        .map(|octet| match octet {
            0x20..=0x7e => *octet,
            _ => b'?',
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use test_case::test_case;

    use super::next_tag;

    #[test_case("A001", Some("A002"))]
    #[test_case("a9", Some("a10"))]
    #[test_case("7", Some("8"))]
    #[test_case("x099", Some("x100"))]
    #[test_case("tag", None)]
    #[test_case("99999999999999999999999", Some("100000000000000000000000"))]
    fn tags(tag: &str, next: Option<&str>) {
        assert_eq!(next_tag(tag.as_bytes()).as_deref(), next.map(str::as_bytes));
    }
}
