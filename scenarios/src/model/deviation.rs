//! What a server does otherwise than it should: where (a selector) and what (an action).

use mailproof_certs::Fault;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Family, Host, HostAddress, Layer, PortRole, PortState, Protocol, Refusal, TlsChange, WireText,
};

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
    /// Only where the client came to this address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<HostAddress>,
    /// Only where it came over this version of the Internet Protocol.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub family: Option<Family>,
    /// Only where it came from this one of its own addresses, counted from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<u16>,
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
    /// World: DNS says otherwise.
    Dns(DnsChange),
    /// World: TLS behaves otherwise.
    Tls(TlsChange),
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
    /// Wire: nothing more is read from when the response leaves, so that the client's window closes
    /// (RFC 1122 §4.2.2.17). The server listens with small buffers in such a case.
    StopReading {
        /// After how many milliseconds it reads again; `None` is never.
        resume_ms: Option<u64>,
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
            Action::Dns(_) => "dns",
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
            Action::StopReading { .. } => "stop-reading",
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
    /// The name that it is made for; `None` for those that the subject was told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<Host>,
}

impl ChainSpec {
    /// The first chain of a kind, for the names that the subject was told.
    pub const fn of(fault: Fault) -> Self {
        Self {
            fault,
            variant: 0,
            host: None,
        }
    }
}

impl Default for ChainSpec {
    fn default() -> Self {
        Self::of(Fault::Valid)
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

/// Which addresses DNS has for a host, where they are others than its usual ones.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct DnsChange {
    /// The host; `None` for every name that has addresses.
    pub host: Option<Host>,
    /// Its IPv4 addresses in the order of the answer; `None` leaves them.
    pub a: Option<Vec<HostAddress>>,
    /// Its IPv6 addresses in the order of the answer; `None` leaves them.
    pub aaaa: Option<Vec<HostAddress>>,
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
    /// The server is gone without a word: what is sent to it is acknowledged by nobody, and no segment comes
    /// back.
    Vanish,
}

super::words::words! {
    /// In which portions a response leaves.
    Split {
        /// One octet each.
        Octet = "octet",
        /// One line each.
        Line = "line",
        /// 1024 octets each.
        Kibibyte = "kibibyte",
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
            | Action::Dns(_)
            | Action::Tls(_)
            | Action::Without(_)
            | Action::Announce(_)
            | Action::Drop { .. }
            | Action::Split { .. }
            | Action::Hold { .. }
            | Action::StopReading { .. }
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
