//! What was seen: one event log for the wire, the servers and the subject's process.
//!
//! Events are facts, never opinions. They are versioned and serialised, so that a run can be judged again
//! without the subject. Octets are written as text with `\xNN` for what is not printable ASCII.

use std::{collections::BTreeMap, net::SocketAddr};

use mailproof_certs::Fault;
use serde::{Deserialize, Serialize};

use super::{Family, Host, HostAddress, PortRole, Protocol};

/// The version of the event format. Readers refuse a newer one.
pub const VERSION: u32 = 1;

/// The events of one case in total order.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Log {
    /// In the order in which they happened.
    pub events: Vec<Event>,
}

/// One fact.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// Microseconds since the case began, monotonic.
    pub at: u64,
    /// The step that was running, counted from 1; 0 before the first.
    pub step: u16,
    /// The connection, counted from 1 over the case; absent for what belongs to none.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub conn: Option<u32>,
    /// The fact.
    pub what: What,
}

/// Octets in clear or inside TLS.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Layer {
    /// On the bare connection.
    Clear,
    /// Inside TLS.
    Tls,
}

/// Who did it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// The subject.
    Client,
    /// The mock.
    Server,
}

/// The facts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum What {
    /// A step begins.
    StepStarted {
        /// The command line with its secrets as they were, empty for an embedded subject.
        command: Vec<String>,
    },
    /// The subject printed something.
    Output {
        /// 1 or 2.
        stream: u8,
        /// What it printed.
        #[serde(with = "octets")]
        octets: Vec<u8>,
    },
    /// What the process of a step took, told with its end. Absent for an embedded subject.
    Measured {
        /// The largest resident set of the process or of a child that it waited for, in KiB.
        peak_memory: u64,
        /// The memory that the process began with as a copy of mailproof, in KiB: a peak that is not above
        /// it only says that there was no more.
        floor: u64,
    },
    /// A step ended.
    StepEnded(Ended),
    /// The world has its ports. The first event of a log; absent from old records.
    WorldStarted {
        /// The civil time of this event: microseconds since 1970-01-01T00:00:00Z.
        civil: u64,
        /// The numbers of its ports, whether they listen or not.
        ports: BTreeMap<PortRole, u16>,
    },
    /// A SYN came to a port that does not answer, or refuses. Only where a witness can be had.
    Attempted {
        /// The port.
        port: PortRole,
        /// To and from where.
        #[serde(default)]
        between: Endpoints,
    },
    /// A connection was accepted.
    Connected {
        /// The port.
        port: PortRole,
        /// Whether it is one that the case does not use.
        decoy: bool,
        /// To and from where.
        #[serde(default)]
        between: Endpoints,
    },
    /// DNS was asked, and answered.
    Queried {
        /// The name as it was asked for, without the dot of the root.
        name: String,
        /// The type: `A`, `AAAA`, `MX`.
        kind: String,
        /// How the question came.
        over: Transport,
        /// The records of the answer in its order, or `NXDOMAIN`, `NODATA`, or what else was wrong.
        answer: Vec<String>,
    },
    /// Both ends of the connection that was accepted.
    Endpoints {
        /// The client's.
        client: SocketAddr,
        /// The mock's.
        server: SocketAddr,
    },
    /// The client's application octets, reassembled in order; inside TLS after decryption.
    Received {
        /// In clear or inside TLS.
        layer: Layer,
        /// The octets.
        #[serde(with = "octets")]
        octets: Vec<u8>,
    },
    /// The mock's application octets, as one write.
    Sent {
        /// In clear or inside TLS.
        layer: Layer,
        /// The octets.
        #[serde(with = "octets")]
        octets: Vec<u8>,
    },
    /// Octets on the bare connection that carry TLS, for the evidence.
    Raw {
        /// Who sent them.
        from: Direction,
        /// The octets.
        #[serde(with = "octets")]
        octets: Vec<u8>,
    },
    /// A secret of a TLS session, so that its octets can be read afterwards. None for a hand-written flight.
    TlsSecret {
        /// A line of an NSS key log, without its end.
        line: String,
    },
    /// The client's first TLS message.
    ClientHello(ClientHello),
    /// The mock presented a chain and the octets left.
    ServedChain(SentChain),
    /// The client's application octets that came before the handshake was complete (RFC 8446 §2.3). They are
    /// [`What::Received`] too when it is.
    EarlyData {
        /// The octets.
        #[serde(with = "octets")]
        octets: Vec<u8>,
    },
    /// The handshake completed on the mock's side.
    TlsEstablished {
        /// `TLSv1_2` or `TLSv1_3`.
        version: String,
        /// The cipher suite.
        suite: String,
        /// Whether an earlier session was resumed.
        resumed: bool,
    },
    /// The handshake or the session failed on the mock's side.
    TlsFailed {
        /// Why.
        error: String,
    },
    /// A TLS alert.
    Alert(Alert),
    /// The client sent a ClientKeyExchange to a hand-written flight: it agreed to what was offered.
    KeyExchange,
    /// A whole command was read.
    Command {
        /// The protocol.
        protocol: Protocol,
        /// In clear or inside TLS.
        layer: Layer,
        /// The command in capitals: `EHLO`, `UID FETCH`; `?` if it is none. Data and SASL answers are
        /// `(data)` and `(sasl)`, the end of IDLE is `DONE`.
        verb: String,
        /// The line or lines as they came, without data and literals over 4096 octets.
        #[serde(with = "octets")]
        line: Vec<u8>,
        /// Whether the response to the command before was still held back or unsent.
        early: bool,
    },
    /// The mock answered a command (the octets are in the [`What::Sent`] before it).
    Responded {
        /// The command that was answered, as in [`What::Command`]; `(greeting)` for the greeting.
        verb: String,
        /// The last unit, without CRLF: what a user should get to read.
        #[serde(with = "octets")]
        last: Vec<u8>,
        /// Whether the server accepted: 2yz and 3yz, or OK and `+`.
        positive: bool,
    },
    /// The mock checked credentials.
    SignIn {
        /// The mechanism, `LOGIN` for the IMAP command too.
        mechanism: String,
        /// The login name that was given.
        user: String,
        /// Whether the mock let it in.
        accepted: bool,
    },
    /// The SMTP mock took over the responsibility for a message (250 after the data was decided).
    MessageAccepted {
        /// The envelope sender.
        from: String,
        /// The envelope recipients.
        to: Vec<String>,
        /// The message as it would be delivered: dots un-stuffed.
        #[serde(with = "octets")]
        octets: Vec<u8>,
    },
    /// The SMTP mock had the whole message and refused it.
    MessageRefused {
        /// The envelope sender.
        from: String,
        /// The envelope recipients.
        to: Vec<String>,
    },
    /// The IMAP mock stored a message.
    Appended {
        /// The mailbox.
        mailbox: String,
        /// The message.
        #[serde(with = "octets")]
        octets: Vec<u8>,
    },
    /// The IMAP mock answered a mailbox listing.
    Listed {
        /// How many mailboxes it named.
        mailboxes: u32,
    },
    /// The IMAP mock opened a mailbox.
    Selected {
        /// The mailbox.
        mailbox: String,
        /// How many messages are in it.
        messages: u32,
    },
    /// The IMAP mock sent the whole text of a message.
    MessageRead {
        /// The mailbox.
        mailbox: String,
        /// The UID.
        uid: u32,
    },
    /// The IMAP mock told a waiting client about a new message.
    IdleNotified,
    /// A deviation acted, and its octets (if any) left the mock.
    Deviated {
        /// Which one, counted from 0.
        index: u16,
    },
    /// The mock closed or was told to.
    ServerClosed {
        /// By RST instead of FIN.
        reset: bool,
    },
    /// The mock is gone without a word: from now on nobody acknowledges what the client sends.
    ServerVanished,
    /// The client closed.
    ClientClosed {
        /// By RST instead of FIN.
        reset: bool,
    },
    /// The mock stopped listening to a connection although the client had not closed: the linger was over.
    LingerOver,
    /// A connection that arrived here belongs to another case, by what it carried; its events are there.
    Elsewhere {
        /// That case.
        case: String,
    },
    /// This connection came late, while another case was run: something that the subject had kept. It is the
    /// first of its events.
    CameLate {
        /// That case.
        during: String,
        /// Whether the subject still had the settings of this case.
        same_settings: bool,
    },
    /// The harness itself failed; whatever the case shows is worth nothing.
    HarnessFailed {
        /// What failed.
        error: String,
    },
}

/// Between which addresses a connection is, by the parts that they play.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Endpoints {
    /// The address that the client came to.
    #[serde(default)]
    pub address: HostAddress,
    /// The version of the Internet Protocol; absent where nobody looked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub family: Option<Family>,
    /// Which of its own addresses the client came from, counted from 1; absent where it has but one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<u16>,
}

/// What a DNS message came over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Transport {
    /// A datagram.
    Udp,
    /// A connection (RFC 7766).
    Tcp,
}

/// How a step ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ended {
    /// The subject finished and said how it went.
    Finished {
        /// The exit code, if it is a process.
        code: Option<i32>,
        /// What that means by its adapter.
        said: Said,
        /// The words the user would have got to read, if any.
        text: String,
    },
    /// The subject said that it cannot do this.
    Unsupported {
        /// What.
        what: String,
    },
    /// The subject died.
    Crashed {
        /// The signal, the panic or the sanitizer's report.
        how: String,
    },
    /// The subject did not end within its budget and was ended.
    Hung {
        /// The budget in milliseconds.
        budget: u64,
    },
    /// The subject could not be started.
    NotStarted {
        /// Why.
        error: String,
    },
    /// The step is over, and nobody heard what the subject says of it, as where a person operates a client
    /// and does not tell.
    Unheard,
}

/// What a subject says about a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Said {
    /// It was done.
    Success,
    /// It was not done, and trying later may help.
    Temporary,
    /// It was not done, and trying again will not help.
    Permanent,
    /// The secured connection was refused.
    RefusedTls,
    /// It was not done; no more is known.
    Failed,
}

/// What the ClientHello says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientHello {
    /// The server name, if there is one.
    pub sni: Option<String>,
    /// The protocol versions offered, highest first, as numbers (0x0304 is TLS 1.3).
    pub versions: Vec<u16>,
    /// Application protocols.
    pub alpn: Vec<String>,
    /// Cipher suites as numbers.
    pub suites: Vec<u16>,
    /// Whether a session is offered for resumption.
    pub resumes: bool,
    /// Whether early data is announced.
    pub early_data: bool,
}

/// The chain that was presented.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SentChain {
    /// What is wrong with it.
    pub fault: Fault,
    /// Which one of its kind.
    pub variant: u32,
    /// The name that it is made for, where that is not the one that the subject was told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<Host>,
    /// SHA-256 of the leaf in hex.
    pub leaf: String,
}

/// A TLS alert (RFC 8446 §6).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alert {
    /// Who sent it.
    pub from: Direction,
    /// Whether it is fatal.
    pub fatal: bool,
    /// The number; 0 is close_notify.
    pub description: u8,
}

/// Octets as a string: printable ASCII as it is, a backslash doubled, the rest as `\xNN`.
pub mod octets {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    /// Writes octets as text.
    pub fn to_text(octets: &[u8]) -> String {
        let mut text = String::with_capacity(octets.len() + 8);
        for byte in octets {
            match byte {
                b'\r' => text.push_str("\\r"),
                b'\n' => text.push_str("\\n"),
                b'\\' => text.push_str("\\\\"),
                0x20..=0x7e => text.push(char::from(*byte)),
                _ => text.push_str(&format!("\\x{byte:02x}")),
            }
        }
        text
    }

    /// Reads what [`to_text`] wrote; `None` for anything else.
    pub fn from_text(text: &str) -> Option<Vec<u8>> {
        let mut out = Vec::with_capacity(text.len());
        let mut bytes = text.bytes();
        while let Some(byte) = bytes.next() {
            if byte != b'\\' {
                out.push(byte);
                continue;
            }
            match bytes.next()? {
                b'r' => out.push(b'\r'),
                b'n' => out.push(b'\n'),
                b'\\' => out.push(b'\\'),
                b'x' => {
                    let high = char::from(bytes.next()?).to_digit(16)?;
                    let low = char::from(bytes.next()?).to_digit(16)?;
                    out.push(u8::try_from(high * 16 + low).ok()?);
                }
                _ => return None,
            }
        }
        Some(out)
    }

    pub(super) fn serialize<S: Serializer>(octets: &[u8], to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&to_text(octets))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
        let text = String::deserialize(from)?;
        from_text(&text).ok_or_else(|| D::Error::custom("octets with a bad escape"))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::octets;

    proptest! {
        #[test]
        fn octets_read_back(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            prop_assert_eq!(octets::from_text(&octets::to_text(&bytes)), Some(bytes));
        }
    }
}
