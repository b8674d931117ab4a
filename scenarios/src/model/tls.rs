//! How the TLS side of a server behaves otherwise than it should: a version, and one thing that it does.
//!
//! Must not know how the octets come about.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    ChainSpec, Then, TlsState,
    words::{AlertName, HandshakePoint, SuiteChoice, TlsVersion, words},
};

/// One behaviour of TLS.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TlsChange {
    /// The only version that the server knows; TLS 1.2 and 1.3 where absent.
    pub version: Option<TlsVersion>,
    /// What it does.
    pub act: TlsAct,
}

/// What a server does in TLS.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TlsAct {
    /// Everything as it should.
    #[default]
    Nothing,
    /// Selects such a cipher suite, in TLS 1.2, and speaks no further than the client's key exchange.
    Suite(SuiteChoice),
    /// Answers in TLS 1.2 with the random of a server that knows TLS 1.3 (RFC 8446 §4.1.3), and speaks no
    /// further than the client's key exchange.
    DowngradeSentinel,
    /// Selects an application protocol that the client did not offer (RFC 7301 §3.2), in TLS 1.2, and speaks
    /// no further than the client's key exchange.
    UnofferedAlpn,
    /// Sends its Certificate in a record that is longer than any may be (RFC 8446 §5.1), in TLS 1.2, and
    /// speaks no further than the client's key exchange.
    OversizedRecord,
    /// Breaks the handshake off, or slips something in.
    Break {
        /// The last message that is as it should be.
        after: HandshakePoint,
        /// What is sent then.
        send: TlsSend,
        /// What follows; `go-on` takes the handshake up again.
        then: Then,
    },
    /// Sends the handshake in records as small as can be: one octet each in clear.
    SmallRecords,
    /// Asks with a HelloRetryRequest for a group of which the client sent no share (RFC 8446 §4.1.4).
    HelloRetry,
    /// Asks for a client certificate.
    ClientCertificate {
        /// Whether it insists.
        required: bool,
    },
    /// Says more than it must once the handshake is complete.
    Chatter {
        /// NewSessionTicket messages behind the handshake (RFC 8446 §4.6.1).
        tickets: u32,
        /// KeyUpdate messages before each response (RFC 8446 §4.6.3).
        key_updates: u32,
        /// A HelloRequest before the second response, in TLS 1.2 (RFC 5246 §7.4.1.1).
        hello_request: bool,
    },
    /// Offers early data of so many octets in its tickets (RFC 8446 §4.2.10).
    EarlyData(u32),
    /// Presents this chain to whoever does not name the host (RFC 6066 §3).
    DefaultChain(ChainSpec),
}

/// What is sent in the middle of a handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TlsSend {
    /// Nothing.
    Nothing,
    /// An alert (RFC 8446 §6).
    Alert {
        /// Which.
        name: AlertName,
        /// Fatal rather than a warning.
        fatal: bool,
    },
    /// Octets that are no record.
    Garbage,
    /// A record of application data with 100 octets that no key has made.
    GarbageRecord,
}

words! {
    /// What a server can send in the middle of a handshake, besides an alert.
    Junk {
        /// Octets that are no record.
        Garbage = "garbage",
        /// A record of application data with 100 octets that no key has made.
        GarbageRecord = "garbage-record",
        /// A record that is longer than any may be, with the Certificate in it.
        OversizedRecord = "oversized-record",
    }
}

impl From<TlsState> for TlsChange {
    fn from(state: TlsState) -> Self {
        let only = |version| TlsChange {
            version: Some(version),
            act: TlsAct::Nothing,
        };
        let stop = |send, then| TlsChange {
            version: None,
            act: TlsAct::Break {
                after: HandshakePoint::ClientHello,
                send,
                then,
            },
        };
        let alert = |name| {
            let send = TlsSend::Alert { name, fatal: true };
            stop(send, Then::Fin)
        };
        match state {
            TlsState::Normal => TlsChange::default(),
            TlsState::Only12 => only(TlsVersion::Tls12),
            TlsState::Only13 => only(TlsVersion::Tls13),
            TlsState::Only10 => only(TlsVersion::Tls10),
            TlsState::Silent => stop(TlsSend::Nothing, Then::Silence),
            TlsState::Closed => stop(TlsSend::Nothing, Then::Fin),
            TlsState::Reset => stop(TlsSend::Nothing, Then::Reset),
            TlsState::AlertHandshakeFailure => alert(AlertName::HandshakeFailure),
            TlsState::AlertProtocolVersion => alert(AlertName::ProtocolVersion),
            TlsState::Garbage => stop(TlsSend::Garbage, Then::Silence),
        }
    }
}

impl TlsChange {
    /// What is different, for a sentence that begins with "the server": "knows TLS 1.2 and nothing else".
    pub fn describe(&self) -> String {
        let version = self.version.map(TlsVersion::title);
        let act = match &self.act {
            TlsAct::Nothing => {
                return version.map_or_else(
                    || "behaves in TLS as it should".to_owned(),
                    |version| format!("knows {version} and nothing else"),
                );
            }
            TlsAct::Suite(SuiteChoice::Unoffered) => {
                "selects a cipher suite that was not offered".to_owned()
            }
            TlsAct::Suite(SuiteChoice::Anonymous) => {
                "selects an anonymous cipher suite and shows no certificate".to_owned()
            }
            TlsAct::Suite(SuiteChoice::Weak) => {
                "knows only broken cipher suites (RC4, 3DES, export, NULL)".to_owned()
            }
            TlsAct::DowngradeSentinel => {
                "answers in TLS 1.2 with the mark of a server that knows TLS 1.3".to_owned()
            }
            TlsAct::UnofferedAlpn => {
                "selects an application protocol that was not offered".to_owned()
            }
            TlsAct::OversizedRecord => {
                "sends its certificate in a record that is too long".to_owned()
            }
            TlsAct::Break { after, send, then } => broken(*after, *send, *then),
            TlsAct::SmallRecords => "sends the handshake in records as small as can be".to_owned(),
            TlsAct::HelloRetry => "asks for another key share (HelloRetryRequest)".to_owned(),
            TlsAct::ClientCertificate { required: false } => {
                "asks for a client certificate and goes on without".to_owned()
            }
            TlsAct::ClientCertificate { required: true } => {
                "insists on a client certificate".to_owned()
            }
            TlsAct::Chatter {
                tickets,
                key_updates,
                hello_request,
            } => chatter(*tickets, *key_updates, *hello_request),
            TlsAct::EarlyData(octets) => format!("offers early data of {octets} octets"),
            TlsAct::DefaultChain(spec) => format!(
                "shows the {} certificate to whoever does not name the host",
                spec.fault
            ),
        };
        match version {
            Some(version) => format!("{act}, in {version}"),
            None => act,
        }
    }
}

fn broken(after: HandshakePoint, send: TlsSend, then: Then) -> String {
    let after = match after {
        HandshakePoint::ClientHello => "after the ClientHello",
        HandshakePoint::ServerHello => "after its ServerHello",
        HandshakePoint::Certificate => "after its Certificate",
    };
    let sends = match send {
        TlsSend::Nothing => None,
        TlsSend::Alert { name, fatal: true } => Some(format!("sends the alert {name}")),
        TlsSend::Alert { name, fatal: false } => {
            Some(format!("sends the alert {name} as a warning"))
        }
        TlsSend::Garbage => Some("sends octets that are no TLS".to_owned()),
        TlsSend::GarbageRecord => Some("sends a record of random octets".to_owned()),
    };
    let then = match then {
        Then::Fin => "closes",
        Then::Reset => "resets the connection",
        Then::Silence => "says nothing more",
        Then::Vanish => "vanishes",
        Then::GoOn | Then::Tls | Then::Clear => "goes on",
    };
    match sends {
        Some(sends) => format!("{sends} {after} and {then}"),
        None => format!("{then} {after}"),
    }
}

fn chatter(tickets: u32, key_updates: u32, hello_request: bool) -> String {
    let mut parts = Vec::new();
    if tickets > 0 {
        parts.push(format!("sends {tickets} session tickets"));
    }
    if key_updates > 0 {
        parts.push(format!(
            "changes its key {key_updates} times before each answer"
        ));
    }
    if hello_request {
        parts.push("asks for a new handshake in the middle of the session".to_owned());
    }
    parts.join(" and ")
}

#[cfg(test)]
mod tests {
    use test_case::test_case;

    use super::*;

    #[test_case(TlsState::Only12 => "knows TLS 1.2 and nothing else")]
    #[test_case(TlsState::Silent => "says nothing more after the ClientHello")]
    #[test_case(TlsState::AlertProtocolVersion => "sends the alert protocol_version after the ClientHello and closes")]
    #[test_case(TlsState::Normal => "behaves in TLS as it should")]
    fn words_are_behaviours(state: TlsState) -> String {
        TlsChange::from(state).describe()
    }
}
