//! The server side of TLS, without a socket: octets in, facts and octets out.
//!
//! Records are framed here, exactly, in front of either a hand-driven `rustls` session or a hand-written
//! flight that `rustls` rightly refuses to produce. Must not know mail.

mod config;
mod flight;
mod hello;
mod record;
mod session;
mod sniff;

use mailproof_scenarios::model::event::{Alert, ClientHello};

pub(crate) use self::{
    config::{Config, Configs, Versions},
    flight::{Flight, Odd},
    session::Session,
    sniff::Sniffer,
};

/// What was seen in the octets of a client, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    /// Octets of TLS, as they came.
    Raw(Vec<u8>),
    /// A secret of the session, as a line of an NSS key log.
    Secret(String),
    /// The ClientHello.
    Hello(ClientHello),
    /// The client's alert.
    Alert(Alert),
    /// The handshake is complete.
    Established {
        /// `TLSv1_2` or `TLSv1_3`.
        version: String,
        /// The cipher suite.
        suite: String,
        /// Whether an earlier session was resumed.
        resumed: bool,
    },
    /// What the client said inside TLS.
    Application(Vec<u8>),
    /// The client agreed to a hand-written flight.
    KeyExchange,
    /// TLS is over because of an error. What comes now is not TLS any more.
    Failed(String),
    /// TLS is over in good order. What comes now is not TLS any more.
    CloseNotify,
    /// Octets behind the end of TLS, or that never were TLS.
    Clear(Vec<u8>),
}

/// What is to be sent on the bare connection.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Output {
    /// The octets; none where there is nothing to send.
    pub(crate) octets: Vec<u8>,
    /// Whether the server's certificate is in them.
    pub(crate) certificate: bool,
    /// The alerts in them.
    pub(crate) alerts: Vec<Alert>,
}
