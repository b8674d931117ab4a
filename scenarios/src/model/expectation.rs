//! What a conformant subject does, in words that the judge knows how to check.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{AlertName, Layer, Level, event::Said};

/// One thing that must hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Expectation {
    /// How strongly it is demanded.
    pub level: Level,
    /// Only of this step, counted from 1; of all together where absent.
    pub step: Option<u16>,
    /// What must hold.
    pub check: Check,
    /// The clause it rests on, where it is another than the scenario's.
    pub clause: Option<String>,
}

impl Expectation {
    /// The job takes place and the subject says so: what every control must do.
    pub fn completed() -> Self {
        Self {
            level: Level::Must,
            step: None,
            check: Check::Completed(true),
            clause: None,
        }
    }
}

/// The checks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Check {
    /// True: the job took place by the servers' books, once, and the subject says success. False: it did
    /// not take place and the subject does not say success.
    Completed(bool),
    /// What the subject says of the job is what took place by the servers' books: success and all of it, or no
    /// success and none of it.
    Honest,
    /// The subject says one of these.
    Said(Vec<Said>),
    /// This is nowhere to be seen.
    Never(Pattern),
    /// This is to be seen.
    Seen(Pattern),
    /// These are to be seen in this order, on one connection.
    Order(Vec<Pattern>),
    /// So many messages are accepted by the server.
    Accepted {
        /// At least.
        min: u32,
        /// At most.
        max: u32,
    },
    /// So many connections are opened.
    Connections {
        /// At least.
        min: u32,
        /// At most.
        max: u32,
    },
    /// What the server stored is what the subject was given.
    Store(StoreCheck),
    /// The subject's own words contain this.
    Tells(String),
    /// The subject's own words about these steps, counted from 1, are not the same, whatever numbers are
    /// in them.
    ToldApart(Vec<u16>),
    /// The last reply of the server is quoted to the user.
    Quotes,
    /// The resident memory of the subject stays under so many mebibytes.
    Memory(u32),
}

/// What must be so of the stored messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum StoreCheck {
    /// Every accepted message equals, octet by octet behind the header, the one that the step was given.
    /// Empty lines at its very end do not count.
    EqualsModel,
    /// The same, and no line was added at the end (RFC 5321 §4.1.1.4).
    NoLineAdded,
}

/// Something that can be seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Pattern {
    /// One of these commands, on this channel (any if absent).
    Command {
        /// In capitals.
        commands: Vec<String>,
        /// In clear or inside TLS.
        channel: Option<Layer>,
        /// Only where they come so often on one connection; once where absent.
        #[serde(default)]
        times: Option<u16>,
    },
    /// This text in the words of the subject to its user.
    Told {
        /// The text. Case, punctuation and line breaks do not matter.
        text: String,
    },
    /// This text in what the client sent.
    Octets {
        /// The text, as octets with `\xNN`.
        text: String,
        /// In clear or inside TLS.
        channel: Option<Layer>,
    },
    /// One of these alerts from the client.
    Alert(Vec<AlertName>),
    /// A word that the judge knows.
    Sign(Sign),
}

super::words::words! {
    /// Signs: things that can be seen and have a name of their own.
    Sign {
        /// A password or token, in whatever encoding, in clear.
        CredentialInClear = "credential-in-clear",
        /// A password or token to a peer that the declared trust does not accept.
        CredentialToUntrustedPeer = "credential-to-untrusted-peer",
        /// A command in clear other than those that come before TLS (EHLO, HELO, STARTTLS, NOOP, QUIT,
        /// CAPABILITY, ID, LOGOUT).
        CommandInClear = "command-in-clear",
        /// Anything beyond a goodbye to a peer that the declared trust does not accept.
        DataToUntrustedPeer = "data-to-untrusted-peer",
        /// The message, or a part of it, in clear.
        MessageInClear = "message-in-clear",
        /// A key exchange with a server that offers only what must be refused.
        KeyExchange = "key-exchange",
        /// A command inside TLS before the mock answered the one before it.
        CommandAnsweredByInjectedReply = "command-answered-by-injected-reply",
        /// A later connection with weaker security than the one before.
        WeakerRetry = "weaker-retry",
        /// A connection to a port that the subject was not configured with.
        DecoyTouched = "decoy-touched",
        /// STARTTLS inside TLS.
        StarttlsInsideTls = "starttls-inside-tls",
        /// A command inside TLS, after STARTTLS, before EHLO was said there (RFC 3207 §4.2).
        NoHelloInsideTls = "no-hello-inside-tls",
        /// Octets from the client before the greeting (a ClientHello on implicit TLS aside).
        SpokeBeforeGreeting = "spoke-before-greeting",
        /// Octets from the client between STARTTLS and its go-ahead.
        SpokeAfterStarttls = "spoke-after-starttls",
        /// The same Message-ID accepted twice.
        DuplicateDelivery = "duplicate-delivery",
        /// Octets of a literal before the continuation request, without LITERAL+.
        LiteralBeforeContinuation = "literal-before-continuation",
        /// The name in the ClientHello is the configured host.
        ServerNameSent = "server-name-sent",
        /// The name in the ClientHello is an address (RFC 6066 §3).
        AddressAsServerName = "address-as-server-name",
        /// A ClientHello that offers a broken cipher suite: NULL, anonymous, export, DES, RC4 or 3DES.
        WeakSuiteOffered = "weak-suite-offered",
        /// A ClientHello that offers an earlier session for resumption.
        SessionOffered = "session-offered",
        /// A ClientHello inside an established session (RFC 5246 §7.4.1.1).
        Renegotiation = "renegotiation",
        /// A command other than a hello in early data (RFC 8446 §2.3).
        CommandInEarlyData = "command-in-early-data",
        /// A handshake that completed.
        Handshake = "handshake",
        /// A completed sign-in.
        SignedIn = "signed-in",
        /// Octets that end the message early for some server: `<LF>.<LF>` and its kin.
        SmugglingSequence = "smuggling-sequence",
        /// A second attempt to sign in with the same credentials.
        RepeatedSignIn = "repeated-sign-in",
    }
}
