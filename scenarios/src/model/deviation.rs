//! What a server does otherwise than it should: where (a selector) and what (an action).

use mailproof_certs::Fault;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Layer, PortRole, PortState, Protocol, Refusal, TlsState, WireText};

/// One deviation. Those of a case together are its delta.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deviation {
    /// Where it acts.
    pub on: On,
    /// What happens there.
    pub action: Action,
}

/// Where a deviation acts. What is `None` does not narrow.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct On {
    /// The moment or command. `None` for deviations of the world.
    pub at: Option<At>,
    /// Only on this protocol.
    pub protocol: Option<Protocol>,
    /// Only in this step, counted from 1.
    pub step: Option<u16>,
    /// Only on this connection of the step, counted from 1.
    pub connection: Option<u16>,
    /// Only the n-th time that everything else fits, counted from 1, over the whole case.
    pub nth: Option<u16>,
    /// Only in clear or only inside TLS.
    pub channel: Option<Layer>,
    /// Only this unit of the response.
    pub unit: Option<Unit>,
    /// Only if this holds.
    pub when: Option<When>,
}

/// A moment of a connection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum At {
    /// The response to this command, in capitals as on the wire (`STARTTLS`, `RCPT`, `UID FETCH`); `*` is
    /// any command.
    Command(String),
    /// The greeting.
    Greeting,
    /// The reply to the final dot of SMTP data.
    EndOfData,
    /// The reply to a line of a SASL exchange.
    AuthResponse,
    /// The continuation request for a literal.
    Literal,
    /// The end of a handshake behind STARTTLS, where a server has nothing to say.
    TlsStart,
}

/// One kind of response unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Unit {
    /// An SMTP reply, or the tagged status response of IMAP.
    Final,
    /// An untagged response of IMAP.
    Untagged,
    /// A continuation request, or a 334 or 354 reply.
    Continuation,
}

/// A condition on the command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum When {
    /// The recipient (at RCPT), or one of them (after DATA), is the sender; at MAIL, the sender is one
    /// whom the step wants to write to. Compared without regard to case.
    RecipientIsSender,
    /// The From and the To header name the same address (after DATA).
    HeaderFromIsTo,
    /// The client has signed in.
    SignedIn,
    /// The client has not signed in.
    NotSignedIn,
}

/// What happens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Action {
    /// World: another chain is served.
    Chain(ChainSpec),
    /// World: a port behaves otherwise.
    Port(PortChange),
    /// World: TLS behaves otherwise.
    Tls(TlsState),
    /// World: between the ClientHello and the ServerHello these octets leave in clear, in a write of their own,
    /// and time passes.
    BeforeServerHello {
        /// The octets; none where there is only to be waited.
        text: WireText,
        /// Milliseconds until the ServerHello.
        hold_ms: u64,
    },
    /// Decide: the server does not have these capabilities (by their first word).
    Without(Vec<String>),
    /// Decide: the server announces these as well, whether it has them or not. `FOO` or `AUTH LOGIN`.
    Announce(Vec<String>),
    /// Decide: the server refuses. At the greeting: it serves nobody on this connection.
    Reject(Refusal),
    /// Decide: the greeting is PREAUTH and the session is authenticated at once (RFC 9051 §7.1.4).
    Preauth(WireText),
    /// Reply: these octets instead of the unit, or of the whole response.
    Reply {
        /// The octets.
        text: WireText,
        /// What follows.
        then: Then,
    },
    /// Reply: these octets before the unit, or before the response.
    Before(WireText),
    /// Reply: these octets after the unit, or after the response, in the same write.
    After {
        /// The octets.
        text: WireText,
        /// What follows.
        then: Then,
    },
    /// Reply: the unit, or the whole response, is not sent.
    Drop {
        /// What follows.
        then: Then,
    },
    /// Reply: every occurrence of the first text in the unit becomes the second.
    Replace(Vec<(WireText, WireText)>),
    /// Wire: the response leaves in these portions.
    Split {
        /// The portions.
        split: Split,
        /// Milliseconds between two portions.
        gap_ms: u64,
    },
    /// Wire: the response leaves so many milliseconds late. What the client sends in the meantime is seen.
    Hold {
        /// How late.
        ms: u64,
    },
    /// Wire: the response leaves whole and is followed by this.
    Then(Then),
}

impl Action {
    /// The word that scenario files use for it.
    pub const fn name(&self) -> &'static str {
        match self {
            Action::Chain(_) => "chain",
            Action::Port(_) => "port",
            Action::Tls(_) => "tls",
            Action::BeforeServerHello { .. } => "before-server-hello",
            Action::Without(_) => "without",
            Action::Announce(_) => "announce",
            Action::Reject(_) => "reject",
            Action::Preauth(_) => "preauth",
            Action::Reply { .. } => "reply",
            Action::Before(_) => "before",
            Action::After { .. } => "after",
            Action::Drop { .. } => "drop",
            Action::Replace(_) => "replace",
            Action::Split { .. } => "split",
            Action::Hold { .. } => "hold",
            Action::Then(_) => "then",
        }
    }
}

/// Which chain a server presents.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ChainSpec {
    /// What is wrong with it.
    pub fault: Fault,
    /// 0, or another number for another key of the same kind.
    pub variant: u32,
}

impl Default for ChainSpec {
    fn default() -> Self {
        Self {
            fault: Fault::Valid,
            variant: 0,
        }
    }
}

/// How one port behaves otherwise.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct PortChange {
    /// The port; `None` for the one that the step is configured with.
    pub role: Option<PortRole>,
    /// How it behaves.
    pub is: PortState,
}

/// What follows the octets of a response.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Then {
    /// What the server would have done anyway.
    #[default]
    GoOn,
    /// The server starts TLS.
    Tls,
    /// The server stays in clear, even where it would have started TLS.
    Clear,
    /// The server closes its side (FIN) and keeps reading.
    Fin,
    /// The server resets the connection.
    Reset,
    /// The server says nothing more and keeps reading.
    Silence,
}

super::words::words! {
    /// In which portions a response leaves.
    Split {
        /// One octet each.
        Octet = "octet",
        /// One line each.
        Line = "line",
        /// Behind the first digit of each line, and between its CR and LF.
        InsideLine = "inside-line",
        /// Everything in one.
        Whole = "whole",
    }
}

impl Action {
    /// Every text in it that goes on the wire.
    pub fn texts_mut(&mut self) -> Vec<&mut WireText> {
        match self {
            Action::Reject(Refusal::Smtp { lines, .. }) => lines.iter_mut().collect(),
            Action::Reject(Refusal::Imap { text, .. })
            | Action::BeforeServerHello { text, .. }
            | Action::Preauth(text)
            | Action::Reply { text, .. }
            | Action::Before(text)
            | Action::After { text, .. } => vec![text],
            Action::Replace(pairs) => pairs.iter_mut().flat_map(|(from, to)| [from, to]).collect(),
            Action::Chain(_)
            | Action::Port(_)
            | Action::Tls(_)
            | Action::Without(_)
            | Action::Announce(_)
            | Action::Drop { .. }
            | Action::Split { .. }
            | Action::Hold { .. }
            | Action::Then(_) => Vec::new(),
        }
    }
}

impl On {
    /// Whether the selector narrows nothing, as for a deviation of the whole world.
    pub fn is_everywhere(&self) -> bool {
        *self == On::default()
    }
}
