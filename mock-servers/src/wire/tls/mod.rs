//! The server side of TLS, without a socket: octets in, facts and octets out.
//!
//! Records are framed here, exactly, in front of either a hand-driven `rustls` session or a hand-written
//! flight that `rustls` rightly refuses to produce. Must not know mail.

mod config;
mod flight;
mod hello;
mod layer;
mod record;
mod secrets;
mod session;
mod shape;
mod sniff;

use mailproof_scenarios::model::{
    Then,
    event::{Alert, ClientHello},
};

pub(crate) use self::{
    config::{Config, Configs, SMALLEST, Settings, Versions},
    flight::{Flight, Odd, Wrong},
    session::{Habits, Session},
    shape::Shape,
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
    /// What the client said before the handshake was complete (RFC 8446 §2.3); it comes again as
    /// [`Seen::Application`] when it is.
    Early(Vec<u8>),
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
    /// Whether what the server was told to do otherwise is in them.
    pub(crate) deviates: bool,
    /// How the connection ends behind them, where it does.
    pub(crate) end: Option<Then>,
}
