//! What the two engines have in common: inputs go in as octets, typed response units come out.
//!
//! An engine knows no socket, no clock and no deviation. It is driven in this order: [`Engine::feed`] what
//! arrived, then for each [`Engine::next`] input exactly one [`Engine::respond`]. A deviation at the decide
//! seam is the `refusal` of `respond`; the reply seam edits the units afterwards; the wire seam is not seen.

use mailproof_scenarios::model::{Fill, Protocol, Refusal, Unit, What, When, WireText};

/// A conformant server's side of one connection.
pub trait Engine: Send {
    /// Which protocol it speaks.
    fn protocol(&self) -> Protocol;

    /// The greeting. With a refusal the server serves nobody on this connection: it answers every command
    /// but QUIT or LOGOUT as RFC 5321 §3.1 and RFC 9051 §7.1.5 say. With `preauth` an IMAP session starts
    /// authenticated as the first account (an SMTP engine ignores it).
    fn greet(&mut self, refusal: Option<&Refusal>, preauth: Option<&WireText>) -> Response;

    /// Takes octets that arrived on the current layer.
    fn feed(&mut self, octets: &[u8]);

    /// The next whole input, if there is one. It must be answered before the next is asked for. After a
    /// response with [`After::StartTls`] there is none until [`Engine::tls_started`] or
    /// [`Engine::tls_abandoned`].
    fn next(&mut self) -> Option<Input>;

    /// The values of the places that a text may name, for the input that is to be answered. Every place
    /// that makes sense at that moment is set.
    fn fill(&self) -> Fill;

    /// Whether a condition holds for the input that is to be answered.
    fn holds(&self, when: When) -> bool;

    /// Answers the input. With a refusal the server has decided against it, and its state follows (a
    /// refused RCPT adds no recipient). A refusal whose code is positive is a wrong kind of "yes": the
    /// state stays as if refused.
    fn respond(&mut self, refusal: Option<&Refusal>) -> Response;

    /// TLS has started: the state is as RFC 3207 §4.2 and RFC 9051 §6.2.1 demand, nothing is remembered.
    fn tls_started(&mut self);

    /// The go-ahead was sent but the connection stays in clear (a deviation). State as before STARTTLS.
    fn tls_abandoned(&mut self);

    /// Takes what was fed but not yet consumed: behind STARTTLS these may be the first octets of TLS.
    fn take_unread(&mut self) -> Vec<u8>;

    /// What the server says unasked, if anything waits to be said now: new mail during IDLE.
    fn poll(&mut self) -> Option<Response>;
}

/// One whole input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Input {
    /// What kind of input it is.
    pub kind: InputKind,
    /// The command in capitals (`EHLO`, `UID FETCH`), `?` for what is no command at all.
    pub verb: String,
    /// The octets as they came, with CRLF; literals and data of over 4096 octets cut off behind those.
    pub line: Vec<u8>,
}

/// Kinds of input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InputKind {
    /// A command.
    Command,
    /// A line of a SASL exchange; the verb is `(sasl)`.
    Sasl,
    /// SMTP data up to and with the final dot; the verb is `(data)`.
    Data,
    /// An IMAP command up to the announcement of a synchronising literal: the answer is the continuation
    /// request. The verb is that of the command.
    Literal,
    /// The line that ends IDLE; the verb is `DONE`.
    Done,
}

/// What a server answers.
#[derive(Clone, Debug, Default)]
pub struct Response {
    /// In the order in which they leave.
    pub units: Vec<ResponseUnit>,
    /// What the server does then.
    pub after: After,
    /// What became true by it: sign-ins, accepted messages, opened mailboxes.
    pub facts: Vec<What>,
    /// Whether the server accepted the input: 2yz or 3yz, OK or a continuation request.
    pub positive: bool,
}

/// One reply, one untagged response, one challenge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResponseUnit {
    /// Which kind.
    pub kind: Unit,
    /// The octets, with CRLF; an SMTP reply of several lines is one unit.
    pub octets: Vec<u8>,
}

/// What a server does behind a response.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum After {
    /// Reads on.
    #[default]
    GoOn,
    /// Starts TLS.
    StartTls,
    /// Closes.
    Close,
}
