//! An SMTP server for submission and relay that is right until it is told otherwise (RFC 5321, RFC 6409).
//!
//! Sans-I/O: octets go in, typed inputs and replies come out. Nothing here knows sockets, TLS records, time
//! or deviations; how a product words its replies is the persona's business, what a client may do next is
//! decided in `decide`.

mod capability;
mod command;
mod data;
mod decide;
mod header;
mod inbox;
mod parameters;
mod path;
mod reply;
mod sasl;
#[cfg(test)]
mod tests;

use mailproof_scenarios::model::{Account, Fill, Protocol, Refusal, SmtpPersona, When, WireText};

use self::{
    capability::Capabilities,
    command::Command,
    data::{DataReader, Received},
    inbox::{Inbox, KEPT, Line},
    reply::Reply,
    sasl::Exchange,
};
use crate::engine::{After, Engine, Input, InputKind, Response};

/// What parameters may add to a MAIL or RCPT line, all extensions together (RFC 1870 §3, RFC 4954 §3,
/// RFC 6531 §3.1, RFC 3461 §4.2).
const PARAMETERS: usize = 1200;

/// The largest message, whatever a persona says.
const MESSAGE: u64 = 256 * 1024 * 1024;

/// How much is taken in before data is taken out again.
const PORTION: usize = 64 * 1024;

/// Everything that a server knows before the first octet.
#[derive(Clone, Debug)]
pub struct SmtpConfig {
    /// The persona, with every override of the case applied.
    pub persona: SmtpPersona,
    /// The name of the server.
    pub host: String,
    /// Who can sign in.
    pub accounts: Vec<Account>,
    /// The address of the client.
    pub client_address: String,
    /// The civil time as RFC 5322 writes it.
    pub date: String,
    /// Whether the connection is inside TLS from its first octet (RFC 8314 §3).
    pub implicit_tls: bool,
    /// What queue ids are made from: the same seed gives the same ids, so each connection has its own.
    pub queue_id_seed: String,
    /// Whom the running step wants to write to.
    pub recipients_of_step: Vec<String>,
}

/// The server's side of one SMTP connection.
pub struct SmtpEngine {
    config: SmtpConfig,
    inbox: Inbox,
    session: Session,
    tls: bool,
    mode: Mode,
    collecting: Option<DataReader>,
    pending: Option<Pending>,
    messages: u32,
}

/// What RFC 3207 §4.2 wants forgotten when TLS starts.
#[derive(Default)]
struct Session {
    hello: Option<String>,
    signed_in: Option<String>,
    exchange: Option<Exchange>,
    mechanism: String,
    transaction: Option<Transaction>,
    errors: u32,
}

/// A mail transaction (RFC 5321 §3.3).
struct Transaction {
    from: String,
    to: Vec<String>,
    /// Whether a recipient was refused.
    refused: bool,
    /// Whether SMTPUTF8 was asked for.
    utf8: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Serving,
    /// The greeting was a refusal.
    Unserved,
    /// STARTTLS was answered with its go-ahead.
    AwaitingTls,
    Closed,
}

/// An input that waits for its answer.
struct Pending {
    input: Input,
    ask: Ask,
}

/// What an input asks for.
enum Ask {
    Command(Command),
    Sasl(Sasl),
    Data(Received),
    /// A line over the limit.
    TooLong,
    /// More octets than can wait were sent; from here on nothing can be understood.
    Flood,
}

/// A line of a SASL exchange (RFC 4954 §4).
enum Sasl {
    Cancel,
    NotBase64,
    Message(Vec<u8>),
}

impl SmtpEngine {
    /// A server that has not greeted yet.
    pub fn new(config: SmtpConfig) -> Self {
        Self {
            inbox: Inbox::default(),
            session: Session::default(),
            tls: config.implicit_tls,
            mode: Mode::Serving,
            collecting: None,
            pending: None,
            messages: 0,
            config,
        }
    }

    /// What works on the current layer.
    fn capabilities(&self) -> Capabilities<'_> {
        Capabilities(if self.tls {
            &self.config.persona.tls
        } else {
            &self.config.persona.clear
        })
    }

    fn message_limit(&self) -> u64 {
        match self.config.persona.limits.message_size {
            0 => MESSAGE,
            size => size.min(MESSAGE),
        }
    }

    /// Data is taken as it comes, so that only its message occupies memory.
    fn collect(&mut self) {
        if let Some(reader) = &mut self.collecting {
            self.inbox.read_data(reader);
        }
    }

    fn next_ask(&mut self) -> Option<Pending> {
        if let Some(reader) = self.collecting.take_if(|reader| reader.has_ended()) {
            return Some(Pending::data(reader.finish()));
        }
        if self.collecting.is_some() {
            return self.inbox.is_flooded().then(Pending::flood);
        }
        let in_exchange = self.session.exchange.is_some();
        let limit = self.config.persona.limits.command_line;
        let line = self.inbox.line(|head| match command::verb(head) {
            _ if in_exchange => sasl::LINE,
            "MAIL" | "RCPT" => limit.saturating_add(PARAMETERS),
            _ => limit,
        });
        match line {
            Some(Line::Whole(line)) if in_exchange => Some(Pending::sasl(line)),
            Some(Line::Whole(line)) => Some(Pending::command(line)),
            Some(Line::TooLong(line)) => Some(Pending::too_long(line, in_exchange)),
            None => self.inbox.is_flooded().then(Pending::flood),
        }
    }

    /// Made from the seed and the number of the message, so that a run can be repeated.
    fn queue_id(&self) -> String {
        let mut hash = 0xcbf2_9ce4_8422_2325_u64;
        let number = self.messages.to_string();
        for octet in self.config.queue_id_seed.bytes().chain(number.bytes()) {
            hash = (hash ^ u64::from(octet)).wrapping_mul(0x0100_0000_01b3);
        }
        format!("{:011X}", hash & 0xfff_ffff_ffff)
    }
}

impl Engine for SmtpEngine {
    fn protocol(&self) -> Protocol {
        Protocol::Smtp
    }

    fn greet(&mut self, refusal: Option<&Refusal>, _preauth: Option<&WireText>) -> Response {
        let fill = self.fill();
        let reply = match refusal {
            Some(refusal) => Reply::from_refusal(refusal, &fill),
            None => Reply::from_text(&self.config.persona.texts.greeting, &fill),
        };
        if refusal.is_some() {
            self.mode = Mode::Unserved;
        }
        self.send(reply, After::GoOn, Vec::new())
    }

    fn feed(&mut self, octets: &[u8]) {
        if self.mode == Mode::Closed {
            return;
        }
        for portion in octets.chunks(PORTION) {
            self.inbox.push(portion);
            self.collect();
        }
    }

    fn next(&mut self) -> Option<Input> {
        let reads = matches!(self.mode, Mode::Serving | Mode::Unserved);
        if self.pending.is_some() || !reads {
            return None;
        }
        self.pending = self.next_ask();
        self.pending.as_ref().map(|it| it.input.clone())
    }

    fn fill(&self) -> Fill {
        let mut fill = Fill::default();
        let session = &self.session;
        let user = session.signed_in.as_ref();
        let user = user.or(self.config.accounts.first().map(|it| &it.user));
        fill.set("client", plain(&self.config.client_address))
            .set("date", plain(&self.config.date))
            .set("host", plain(&self.config.host))
            .set("size", self.message_limit().to_string())
            .set("mechanism", plain(&session.mechanism))
            .set("user", plain(user.map_or("", String::as_str)))
            .set("ehlo", plain(session.hello.as_deref().unwrap_or_default()));
        if let Some(transaction) = &session.transaction {
            fill.set("from", plain(&transaction.from)).set(
                "rcpt",
                plain(transaction.to.last().map_or("", String::as_str)),
            );
        }
        let Some(pending) = &self.pending else {
            return fill;
        };
        fill.set("verb", pending.input.verb.as_str());
        match &pending.ask {
            Ask::Command(Command::Hello { name, .. }) => fill.set("ehlo", plain(name)),
            Ask::Command(Command::Auth { mechanism, .. }) => {
                fill.set("mechanism", plain(mechanism))
            }
            Ask::Command(Command::Mail(envelope)) => fill.set("from", plain(&envelope.address)),
            Ask::Command(Command::Rcpt(envelope)) => fill.set("rcpt", plain(&envelope.address)),
            Ask::Command(Command::Verify { name }) => fill.set("rcpt", plain(name)),
            Ask::Data(received) => fill.set("queue-id", self.queue_id()).set(
                "message-id",
                plain(&header::message_id(&received.message).unwrap_or_default()),
            ),
            _ => &mut fill,
        };
        fill
    }

    fn holds(&self, when: When) -> bool {
        let ask = self.pending.as_ref().map(|it| &it.ask);
        let session = &self.session;
        let same = |one: &str, other: &String| one.eq_ignore_ascii_case(other);
        match (when, ask) {
            (When::SignedIn, _) => session.signed_in.is_some(),
            (When::NotSignedIn, _) => session.signed_in.is_none(),
            (When::RecipientIsSender, Some(Ask::Command(Command::Mail(envelope)))) => {
                let wanted = &self.config.recipients_of_step;
                wanted.iter().any(|it| same(&envelope.address, it))
            }
            (When::RecipientIsSender, Some(Ask::Command(Command::Rcpt(envelope)))) => {
                let transaction = session.transaction.as_ref();
                transaction.is_some_and(|it| same(&envelope.address, &it.from))
            }
            (When::RecipientIsSender, Some(Ask::Data(_) | Ask::Command(Command::Data))) => {
                let transaction = session.transaction.as_ref();
                transaction.is_some_and(|it| it.to.iter().any(|to| same(&it.from, to)))
            }
            (When::HeaderFromIsTo, Some(Ask::Data(received))) => {
                header::from_is_to(&received.message)
            }
            _ => false,
        }
    }

    fn respond(&mut self, refusal: Option<&Refusal>) -> Response {
        let fill = self.fill();
        match (self.pending.take(), refusal) {
            (None, _) => Response::default(),
            (Some(pending), Some(refusal)) => self.refuse(pending.ask, refusal, &fill),
            (Some(pending), None) => self.decide(pending.ask, &fill),
        }
    }

    fn tls_started(&mut self) {
        self.tls = true;
        self.session = Session::default();
        self.inbox.drain();
        self.pending = None;
        self.collecting = None;
        self.mode = Mode::Serving;
    }

    fn tls_abandoned(&mut self) {
        if self.mode == Mode::AwaitingTls {
            self.mode = Mode::Serving;
        }
    }

    fn take_unread(&mut self) -> Vec<u8> {
        self.inbox.drain()
    }

    fn poll(&mut self) -> Option<Response> {
        None
    }
}

impl Pending {
    fn new(kind: InputKind, verb: &str, mut line: Vec<u8>, ask: Ask) -> Self {
        if kind == InputKind::Data {
            line.truncate(KEPT);
        }
        let verb = verb.to_owned();
        Self {
            input: Input { kind, verb, line },
            ask,
        }
    }

    fn command(line: Vec<u8>) -> Self {
        let ask = Ask::Command(command::parse(&line));
        Self::new(InputKind::Command, command::verb(&line), line, ask)
    }

    fn sasl(line: Vec<u8>) -> Self {
        let text = line.strip_suffix(b"\r\n").unwrap_or(&line);
        let ask = match text {
            b"*" => Sasl::Cancel,
            _ => sasl::decode(text).map_or(Sasl::NotBase64, Sasl::Message),
        };
        Self::new(InputKind::Sasl, "(sasl)", line, Ask::Sasl(ask))
    }

    fn data(received: Received) -> Self {
        let raw = received.raw.clone();
        Self::new(InputKind::Data, "(data)", raw, Ask::Data(received))
    }

    fn too_long(line: Vec<u8>, in_exchange: bool) -> Self {
        match in_exchange {
            true => Self::new(InputKind::Sasl, "(sasl)", line, Ask::TooLong),
            false => Self::new(InputKind::Command, command::verb(&line), line, Ask::TooLong),
        }
    }

    fn flood() -> Self {
        Self::new(InputKind::Command, "?", Vec::new(), Ask::Flood)
    }
}

/// Nothing that a client names may break the line that quotes it.
fn plain(text: &str) -> String {
    text.replace(|c: char| c.is_control(), "?")
}
