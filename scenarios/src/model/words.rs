//! The closed vocabularies of the language. One enum each, written in files as the kebab-case name.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Defines an enum whose variants are words of the language.
macro_rules! words {
    ($(#[$meta:meta])* $name:ident { $($(#[$vmeta:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
        pub enum $name {
            $($(#[$vmeta])* #[serde(rename = $word)] $variant,)+
        }

        impl $name {
            /// Every word, in the order of the definition.
            pub const ALL: &'static [$name] = &[$($name::$variant),+];

            /// The word as it is written in files.
            pub const fn name(self) -> &'static str {
                match self { $($name::$variant => $word,)+ }
            }

            /// The variant that is written as `word`.
            pub fn from_name(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|it| it.name() == word)
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.name())
            }
        }
    };
}
pub(super) use words;

words! {
    /// A mail protocol.
    Protocol {
        /// RFC 5321 and RFC 6409.
        Smtp = "smtp",
        /// RFC 9051 and RFC 3501.
        Imap = "imap",
    }
}

words! {
    /// One thing that a subject is asked to do.
    Job {
        /// Submit one message.
        Send = "send",
        /// Log in, select the mailbox and read every message.
        Fetch = "fetch",
        /// Log in and list the mailboxes.
        List = "list",
        /// Log in and append one message to the mailbox.
        Append = "append",
        /// Log in, select the mailbox and wait for one new message.
        Idle = "idle",
        /// Connect, log in and leave, as a settings dialogue does.
        TestConnection = "test-connection",
    }
}

words! {
    /// How the subject was told to secure the connection (RFC 8314 §5).
    Security {
        /// Cleartext, chosen by the user.
        None = "none",
        /// STARTTLS if the server has it.
        StarttlsOptional = "starttls-optional",
        /// STARTTLS or nothing.
        StarttlsRequired = "starttls-required",
        /// TLS from the first byte.
        Implicit = "implicit",
        /// Whatever the product makes of "automatic".
        Automatic = "automatic",
    }
}

words! {
    /// Which server certificates the subject was told to accept.
    Trust {
        /// What the operating system trusts.
        System = "system",
        /// The test authority only.
        Ca = "ca",
        /// One certificate, known beforehand.
        Pin = "pin",
        /// Any certificate.
        Always = "always",
        /// Nothing was said about certificates, and the product does what it does by itself.
        Default = "default",
    }
}

words! {
    /// What is in the file of authorities that the subject was given for [`Trust::Ca`].
    #[derive(Default)]
    CaFile {
        /// The certificate of the test authority.
        #[default]
        Authority = "authority",
        /// That of another authority.
        OtherAuthority = "other-authority",
        /// What the chains of the case lead to, whatever it is.
        Anchors = "anchors",
        /// Nothing: the file has no octets.
        Empty = "empty",
        /// There is no such file.
        Missing = "missing",
        /// The certificate of the test authority in DER, where PEM belongs.
        Der = "der",
        /// The certificates of two authorities, and between them a block that is broken.
        BrokenBlock = "broken-block",
    }
}

words! {
    /// What the operating system trusts, for [`Trust::System`] and [`Trust::Default`].
    #[derive(Default)]
    Store {
        /// What it trusts anyway. The test authority is not in it.
        #[default]
        Own = "own",
        /// The test authority.
        Authority = "authority",
        /// Another authority.
        OtherAuthority = "other-authority",
    }
}

words! {
    /// Which certificate revocation lists the subject was given.
    #[derive(Default)]
    Crl {
        /// None.
        #[default]
        None = "none",
        /// Those of the authorities that issued the chains of the case.
        Given = "given",
    }
}

words! {
    /// A port by its role. In the lab these are the registered numbers, on loopback random ones.
    PortRole {
        /// 25, relay.
        Smtp = "smtp",
        /// 465, submission with implicit TLS (RFC 8314 §3.3).
        Submissions = "submissions",
        /// 587, submission with STARTTLS (RFC 6409).
        Submission = "submission",
        /// 2525, the alternative that some providers offer.
        Alternate = "alternate",
        /// 143.
        Imap = "imap",
        /// 993, IMAP with implicit TLS (RFC 8314 §3.2).
        Imaps = "imaps",
    }
}

impl PortRole {
    /// The one that a product takes for these settings unless it is told another.
    pub const fn usual(protocol: Protocol, security: Security) -> Self {
        match (protocol, security) {
            (Protocol::Smtp, Security::Implicit) => PortRole::Submissions,
            (Protocol::Smtp, Security::None) => PortRole::Smtp,
            (Protocol::Smtp, _) => PortRole::Submission,
            (Protocol::Imap, Security::Implicit) => PortRole::Imaps,
            (Protocol::Imap, _) => PortRole::Imap,
        }
    }

    /// The registered number (2525 is a habit, not a registration).
    pub const fn number(self) -> u16 {
        match self {
            PortRole::Smtp => 25,
            PortRole::Submissions => 465,
            PortRole::Submission => 587,
            PortRole::Alternate => 2525,
            PortRole::Imap => 143,
            PortRole::Imaps => 993,
        }
    }

    /// The protocol that is spoken there.
    pub const fn protocol(self) -> Protocol {
        match self {
            PortRole::Imap | PortRole::Imaps => Protocol::Imap,
            _ => Protocol::Smtp,
        }
    }

    /// Whether TLS starts with the first byte.
    pub const fn is_implicit(self) -> bool {
        matches!(self, PortRole::Submissions | PortRole::Imaps)
    }
}

words! {
    /// How the subject was told to call the server. Which names these are, the place says.
    Host {
        /// By its usual name.
        Name = "name",
        /// By its usual name in capitals and small letters (RFC 4343).
        MixedCase = "mixed-case",
        /// By its usual name with the dot of the root behind it.
        TrailingDot = "trailing-dot",
        /// By a name one label below the usual one.
        Deep = "deep",
        /// By the domain above the usual name.
        Apex = "apex",
        /// By an internationalised name, in U-labels as a person types it (RFC 5890 §2.3.2.1).
        Idn = "idn",
        /// By a name that DNS has as an alias (CNAME) of [`Host::Target`].
        Alias = "alias",
        /// By the name that the alias leads to, at another domain.
        Target = "target",
        /// By its IPv4 address.
        Ipv4 = "ipv4",
        /// By its IPv6 address.
        Ipv6 = "ipv6",
    }
}

impl Host {
    /// Whether it is an address and no name.
    pub const fn is_address(self) -> bool {
        matches!(self, Host::Ipv4 | Host::Ipv6)
    }

    /// Whether a place must have names other than `localhost` for it.
    pub const fn needs_names(self) -> bool {
        !matches!(self, Host::Name | Host::MixedCase | Host::Ipv4 | Host::Ipv6)
    }
}

words! {
    /// An address of a host, by the part that it plays. Which numbers these are, the place says.
    HostAddress {
        /// The one that every host has.
        Server = "server",
        /// Another one of the same host, or that of another host.
        Second = "second",
        /// A third one.
        Third = "third",
    }
}

impl Default for HostAddress {
    /// What connections went to before there was a choice.
    fn default() -> Self {
        HostAddress::Server
    }
}

words! {
    /// A version of the Internet Protocol.
    Family {
        /// RFC 791.
        Ipv4 = "ipv4",
        /// RFC 8200.
        Ipv6 = "ipv6",
    }
}

impl Family {
    /// The family of an address.
    pub const fn of(address: std::net::IpAddr) -> Self {
        match address {
            std::net::IpAddr::V4(_) => Family::Ipv4,
            std::net::IpAddr::V6(_) => Family::Ipv6,
        }
    }
}

words! {
    /// A protocol together with a way to secure it: the axis that most matrices cross.
    Carrier {
        /// SMTP on 465.
        SmtpImplicit = "smtp-implicit",
        /// SMTP on 587 with STARTTLS required.
        SmtpStarttls = "smtp-starttls",
        /// IMAP on 993.
        ImapImplicit = "imap-implicit",
        /// IMAP on 143 with STARTTLS required.
        ImapStarttls = "imap-starttls",
        /// SMTP in clear, by choice of the user.
        SmtpClear = "smtp-clear",
        /// IMAP in clear, by choice of the user.
        ImapClear = "imap-clear",
    }
}

impl Carrier {
    /// The protocol of this carrier.
    pub const fn protocol(self) -> Protocol {
        match self {
            Carrier::SmtpImplicit | Carrier::SmtpStarttls | Carrier::SmtpClear => Protocol::Smtp,
            Carrier::ImapImplicit | Carrier::ImapStarttls | Carrier::ImapClear => Protocol::Imap,
        }
    }

    /// The security setting of this carrier.
    pub const fn security(self) -> Security {
        match self {
            Carrier::SmtpImplicit | Carrier::ImapImplicit => Security::Implicit,
            Carrier::SmtpStarttls | Carrier::ImapStarttls => Security::StarttlsRequired,
            Carrier::SmtpClear | Carrier::ImapClear => Security::None,
        }
    }
}

words! {
    /// How the subject was told to sign in.
    Auth {
        /// No sign-in.
        None = "none",
        /// User and password; the mechanism is the subject's choice.
        Password = "password",
        /// SASL PLAIN (RFC 4616).
        Plain = "plain",
        /// SASL LOGIN (the IMAP LOGIN command is `password`).
        Login = "login",
        /// XOAUTH2 with a bearer token.
        Xoauth2 = "xoauth2",
    }
}

words! {
    /// Whether a step uses the process of the step before.
    Process {
        /// A fresh process, as when the user starts the program again.
        New = "new",
        /// The same process, where the adapter can do that.
        Same = "same",
    }
}

words! {
    /// An address of a step, by the part that it plays.
    Party {
        /// The address of the step's own account.
        Own = "self",
        /// Somebody at another domain.
        Other = "other",
        /// A second person at another domain.
        Second = "second",
        /// A third person at another domain.
        Third = "third",
        /// A colleague at the own domain.
        Colleague = "colleague",
    }
}

words! {
    /// The body of the message that is sent or appended.
    Message {
        /// A few plain lines.
        Simple = "simple",
        /// Lines that begin with dots (RFC 5321 §4.5.2).
        Dots = "dots",
        /// Sequences that smuggle a second message past a careless server.
        Smuggling = "smuggling",
        /// Octets above 127 in UTF-8.
        EightBit = "eight-bit",
        /// About one mebibyte.
        Large = "large",
        /// A From and a To header that name the same address.
        SelfAddressed = "self-addressed",
    }
}

words! {
    /// What a scenario is about.
    Kind {
        /// Something is wrong and the subject must cope.
        Fault = "fault",
        /// Unusual but right: it must simply work.
        Positive = "positive",
        /// A legitimate choice of the subject, recorded.
        Survey = "survey",
    }
}

words! {
    /// How bad it is for the people involved when a subject gets it wrong.
    Severity {
        /// Credentials or mail exposed, mail forged or lost.
        Critical = "critical",
        /// The account does not work or is misled.
        High = "high",
        /// Somebody is bothered.
        Medium = "medium",
        /// Hardly anybody notices.
        Low = "low",
    }
}

words! {
    /// How often it is met in the field.
    Frequency {
        /// Every support desk knows it.
        Common = "common",
        /// Now and then.
        Occasional = "occasional",
        /// Seldom.
        Rare = "rare",
        /// Only where somebody attacks.
        Attack = "attack",
    }
}

words! {
    /// How strongly an expectation is demanded.
    Level {
        /// MUST of an RFC.
        Must = "MUST",
        /// SHOULD of an RFC.
        Should = "SHOULD",
        /// MAY of an RFC.
        May = "MAY",
        /// No sentence of an RFC, but a published class of vulnerability.
        Security = "SECURITY",
        /// Robustness and interoperability.
        Interop = "INTEROP",
    }
}

words! {
    /// Who can do something about the situation that a scenario shows.
    Who {
        /// The person who uses the product.
        User = "user",
        /// Whoever administers the client or device.
        ClientAdmin = "client-admin",
        /// Whoever runs the mailbox or the server.
        MailboxProviderAdmin = "mailbox-provider-admin",
        /// Whoever edits the zone.
        DnsAdmin = "dns-admin",
        /// Whoever runs the network in between.
        NetworkAdmin = "network-admin",
        /// The maker of the client.
        Vendor = "vendor",
        /// Nobody: waiting helps.
        Nobody = "nobody",
    }
}

words! {
    /// What only some places to run can show.
    Need {
        /// The registered port numbers, with decoys on those that the case does not use.
        Ports = "ports",
        /// A witness for connection attempts that the kernel answers or drops by itself.
        Packets = "packets",
        /// Names other than `localhost`.
        Names = "names",
        /// A DNS of its own, several addresses of the server and of the client, and both families.
        Addresses = "addresses",
    }
}

words! {
    /// How a port behaves.
    PortState {
        /// As its role demands.
        Open = "open",
        /// The kernel answers the SYN with RST.
        Refused = "refused",
        /// The SYN is never answered.
        Blackhole = "blackhole",
        /// The SYN is answered by ICMP: host unreachable (RFC 792, RFC 4443 §3.1).
        Unreachable = "unreachable",
        /// The SYN is answered by ICMP: administratively prohibited (RFC 1812 §5.2.7.1, RFC 4443 §3.1).
        Prohibited = "prohibited",
        /// Accepts and says nothing, whatever comes.
        Silent = "silent",
        /// Accepts and resets before the first byte.
        Reset = "reset",
        /// Accepts and closes before the first byte.
        Closed = "closed",
        /// Speaks in clear although the role has implicit TLS.
        Clear = "clear",
        /// Waits for a ClientHello although the role begins in clear.
        Implicit = "implicit",
        /// Answers as a POP3 server (RFC 1939).
        Pop3 = "pop3",
        /// Answers as an HTTP server.
        Http = "http",
    }
}

impl PortState {
    /// Whether the kernel, or somebody before it, lets nobody in, so that only a witness sees who knocked.
    pub const fn lets_nobody_in(&self) -> bool {
        matches!(
            self,
            PortState::Refused
                | PortState::Blackhole
                | PortState::Unreachable
                | PortState::Prohibited
        )
    }
}

words! {
    /// How the TLS side of a server behaves, in one word. A table (`TlsChange`) says more.
    TlsState {
        /// TLS 1.2 and 1.3, as any current server.
        Normal = "normal",
        /// TLS 1.2 only.
        Only12 = "tls1.2-only",
        /// TLS 1.3 only.
        Only13 = "tls1.3-only",
        /// A server that knows nothing newer than TLS 1.0 (RFC 8996).
        Only10 = "tls1.0-only",
        /// Reads the ClientHello and never answers.
        Silent = "silent",
        /// Closes after the ClientHello.
        Closed = "closed",
        /// Resets after the ClientHello.
        Reset = "reset",
        /// Fatal alert handshake_failure.
        AlertHandshakeFailure = "alert-handshake-failure",
        /// Fatal alert protocol_version.
        AlertProtocolVersion = "alert-protocol-version",
        /// Octets that are no TLS record.
        Garbage = "garbage",
    }
}

words! {
    /// A version of TLS, or of what came before it.
    TlsVersion {
        /// RFC 6101.
        Ssl3 = "ssl3",
        /// RFC 2246.
        Tls10 = "tls1.0",
        /// RFC 4346.
        Tls11 = "tls1.1",
        /// RFC 5246.
        Tls12 = "tls1.2",
        /// RFC 8446.
        Tls13 = "tls1.3",
    }
}

impl TlsVersion {
    /// The number on the wire.
    pub const fn number(self) -> u16 {
        match self {
            TlsVersion::Ssl3 => 0x0300,
            TlsVersion::Tls10 => 0x0301,
            TlsVersion::Tls11 => 0x0302,
            TlsVersion::Tls12 => 0x0303,
            TlsVersion::Tls13 => 0x0304,
        }
    }

    /// As people write it.
    pub const fn title(self) -> &'static str {
        match self {
            TlsVersion::Ssl3 => "SSL 3.0",
            TlsVersion::Tls10 => "TLS 1.0",
            TlsVersion::Tls11 => "TLS 1.1",
            TlsVersion::Tls12 => "TLS 1.2",
            TlsVersion::Tls13 => "TLS 1.3",
        }
    }

    /// Whether it is retired: RFC 7568 §3, RFC 8996.
    pub const fn is_retired(self) -> bool {
        matches!(
            self,
            TlsVersion::Ssl3 | TlsVersion::Tls10 | TlsVersion::Tls11
        )
    }
}

words! {
    /// A place in the server's part of a handshake.
    HandshakePoint {
        /// Behind the client's first message.
        ClientHello = "client-hello",
        /// Behind the ServerHello.
        ServerHello = "server-hello",
        /// Behind the Certificate, in TLS 1.2.
        Certificate = "certificate",
    }
}

words! {
    /// Which cipher suite a server selects although it should not.
    SuiteChoice {
        /// One that the client did not offer.
        Unoffered = "unoffered",
        /// One without any authentication, whether it was offered or not.
        Anonymous = "anonymous",
        /// A broken one that the client offered; where it offered none there is nothing in common.
        Weak = "weak",
    }
}

words! {
    /// The alerts of RFC 8446 §6 and RFC 5246 §7.2, by the names that stand there.
    AlertName {
        /// 0.
        CloseNotify = "close_notify",
        /// 10.
        UnexpectedMessage = "unexpected_message",
        /// 20.
        BadRecordMac = "bad_record_mac",
        /// 22.
        RecordOverflow = "record_overflow",
        /// 40.
        HandshakeFailure = "handshake_failure",
        /// 42.
        BadCertificate = "bad_certificate",
        /// 44.
        CertificateRevoked = "certificate_revoked",
        /// 45.
        CertificateExpired = "certificate_expired",
        /// 46.
        CertificateUnknown = "certificate_unknown",
        /// 47.
        IllegalParameter = "illegal_parameter",
        /// 48.
        UnknownCa = "unknown_ca",
        /// 49.
        AccessDenied = "access_denied",
        /// 50.
        DecodeError = "decode_error",
        /// 51.
        DecryptError = "decrypt_error",
        /// 70.
        ProtocolVersion = "protocol_version",
        /// 71.
        InsufficientSecurity = "insufficient_security",
        /// 80.
        InternalError = "internal_error",
        /// 90.
        UserCanceled = "user_canceled",
        /// 100.
        NoRenegotiation = "no_renegotiation",
        /// 109.
        MissingExtension = "missing_extension",
        /// 110.
        UnsupportedExtension = "unsupported_extension",
        /// 112.
        UnrecognizedName = "unrecognized_name",
        /// 116.
        CertificateRequired = "certificate_required",
        /// 120.
        NoApplicationProtocol = "no_application_protocol",
    }
}

impl AlertName {
    /// The number on the wire.
    pub const fn number(self) -> u8 {
        match self {
            AlertName::CloseNotify => 0,
            AlertName::UnexpectedMessage => 10,
            AlertName::BadRecordMac => 20,
            AlertName::RecordOverflow => 22,
            AlertName::HandshakeFailure => 40,
            AlertName::BadCertificate => 42,
            AlertName::CertificateRevoked => 44,
            AlertName::CertificateExpired => 45,
            AlertName::CertificateUnknown => 46,
            AlertName::IllegalParameter => 47,
            AlertName::UnknownCa => 48,
            AlertName::AccessDenied => 49,
            AlertName::DecodeError => 50,
            AlertName::DecryptError => 51,
            AlertName::ProtocolVersion => 70,
            AlertName::InsufficientSecurity => 71,
            AlertName::InternalError => 80,
            AlertName::UserCanceled => 90,
            AlertName::NoRenegotiation => 100,
            AlertName::MissingExtension => 109,
            AlertName::UnsupportedExtension => 110,
            AlertName::UnrecognizedName => 112,
            AlertName::CertificateRequired => 116,
            AlertName::NoApplicationProtocol => 120,
        }
    }
}

words! {
    /// One mistake that the reference client can be told to make. A case names in `killed_by` those that
    /// it must catch.
    Flaw {
        /// Takes any certificate for good.
        AcceptsAnyCertificate = "accepts-any-certificate",
        /// Verifies on implicit TLS only, not after STARTTLS.
        SkipsVerificationAfterStarttls = "skips-verification-after-starttls",
        /// Verifies IMAP only.
        SkipsVerificationOnSmtp = "skips-verification-on-smtp",
        /// Does not look at the dates of certificates.
        IgnoresValidity = "ignores-validity",
        /// Does not look at the dates of the issuing certificates.
        IgnoresIssuerValidity = "ignores-issuer-validity",
        /// Does not compare the name.
        IgnoresName = "ignores-name",
        /// Does not need a chain to an anchor that it knows.
        IgnoresAnchor = "ignores-anchor",
        /// Does not look at basic constraints.
        IgnoresBasicConstraints = "ignores-basic-constraints",
        /// Does not look at the extended key usage.
        IgnoresKeyUsage = "ignores-key-usage",
        /// Does not check that the server holds the key of its certificate.
        IgnoresProof = "ignores-proof",
        /// Takes "always trust" to mean that TLS itself is optional.
        AlwaysTrustDropsTls = "always-trust-drops-tls",
        /// Applies "always trust" to every account once one has it.
        AlwaysTrustLeaks = "always-trust-leaks",
        /// Remembers a certificate once accepted, for every later run.
        RemembersExceptions = "remembers-exceptions",
        /// Has no "always trust", whatever was set.
        AlwaysTrustStillVerifies = "always-trust-still-verifies",
        /// Takes any certificate where one is pinned.
        IgnoresPin = "ignores-pin",
        /// Comes back with TLS 1.1 at most after a failed handshake, and agrees to that or anything older.
        AcceptsOldTls = "accepts-old-tls",
        /// Overlooks the mark of a server that knows TLS 1.3 and answers in TLS 1.2.
        IgnoresDowngradeSentinel = "ignores-downgrade-sentinel",
        /// Agrees to a cipher suite that it did not offer.
        AcceptsUnofferedSuite = "accepts-unoffered-suite",
        /// Comes back with broken cipher suites after a failed handshake.
        OffersWeakSuites = "offers-weak-suites",
        /// Agrees to an application protocol that it did not offer.
        AcceptsUnofferedAlpn = "accepts-unoffered-alpn",
        /// Reads TLS records of any length.
        IgnoresRecordLimit = "ignores-record-limit",
        /// Takes a HelloRetryRequest for nonsense.
        ChokesOnHelloRetry = "chokes-on-hello-retry",
        /// Takes one TLS record for one handshake message.
        ChokesOnSmallRecords = "chokes-on-small-records",
        /// Gives up where many TLS records bring nothing that was asked for.
        ChokesOnTickets = "chokes-on-tickets",
        /// Gives up where the server asks for a client certificate.
        ChokesOnCertificateRequest = "chokes-on-certificate-request",
        /// Reads on and on after a close_notify in the handshake.
        StuckOnCloseNotify = "stuck-on-close-notify",
        /// Waits for a new handshake that it was asked to begin and does not begin.
        StuckOnHelloRequest = "stuck-on-hello-request",
        /// Does not compare the name where the server has warned that it does not know it.
        ExcusesUnrecognizedName = "excuses-unrecognized-name",
        /// Does not name the host when it begins TLS.
        NoServerName = "no-server-name",
        /// Names the server by its address when it begins TLS.
        AddressAsServerName = "address-as-server-name",
        /// Resumes TLS sessions by host, whichever account they are from.
        ResumesAcrossAccounts = "resumes-across-accounts",
        /// Does not verify a host again that it has verified once.
        VerifiesOnce = "verifies-once",
        /// Signs in with early data where it can.
        SignsInEarly = "signs-in-early",
        /// Takes the end of the connection for the end of what the server had to say.
        TakesCutForEnd = "takes-cut-for-end",
        /// Says failure where the server leaves without a close_notify, although the work was done before.
        NeedsCloseNotify = "needs-close-notify",
        /// Verifies nothing where the file of authorities cannot be used.
        IgnoresBrokenCaFile = "ignores-broken-ca-file",
        /// Adds the authorities that were given to those of the system.
        AddsSystemAuthorities = "adds-system-authorities",
        /// Verifies only where somebody said a word about certificates.
        VerifiesOnlyWhenTold = "verifies-only-when-told",
        /// Does not use the certificates that the server sends behind its own.
        IgnoresIntermediates = "ignores-intermediates",
        /// Knows an authority by its name and not by its key.
        TrustsIssuerName = "trusts-issuer-name",
        /// Does not check the signature on the server's certificate.
        SkipsLeafSignature = "skips-leaf-signature",
        /// Takes a signature for good that it does not know how to check.
        SkipsUnknownSignatures = "skips-unknown-signatures",
        /// Takes RSA keys of any length.
        AcceptsShortKeys = "accepts-short-keys",
        /// Compares days where certificates have hours and seconds.
        GivesADayOfGrace = "gives-a-day-of-grace",
        /// Does not count the issuers below one that allows a number of them.
        IgnoresPathLength = "ignores-path-length",
        /// Does not look whether an issuer's key is for signing certificates.
        IgnoresKeyCertSign = "ignores-key-cert-sign",
        /// Does not look at name constraints.
        IgnoresNameConstraints = "ignores-name-constraints",
        /// Does not hold names with a wildcard against name constraints.
        IgnoresWildcardsInConstraints = "ignores-wildcards-in-constraints",
        /// Passes over critical extensions that it does not know.
        IgnoresCriticalExtensions = "ignores-critical-extensions",
        /// Takes a certificate that it cannot read for good.
        AcceptsMalformed = "accepts-malformed",
        /// Looks at the common name although there are alternative names.
        FallsBackToCommonName = "falls-back-to-common-name",
        /// Lets a wildcard stand for several labels.
        WildcardsMatchDeeply = "wildcards-match-deeply",
        /// Lets a wildcard stand for no label.
        WildcardsMatchTheApex = "wildcards-match-the-apex",
        /// Lets a wildcard stand for a piece of a label.
        WildcardsMatchInPart = "wildcards-match-in-part",
        /// Lets a wildcard stand for any label, not only the first.
        WildcardsMatchAnywhere = "wildcards-match-anywhere",
        /// Lets a wildcard stand alone, or for all of a top-level domain.
        WildcardsMatchEverything = "wildcards-match-everything",
        /// Compares nothing where the server is set up by its address.
        SkipsNameOfAddresses = "skips-name-of-addresses",
        /// Finds an address where it stands as text.
        ComparesAddressesAsText = "compares-addresses-as-text",
        /// Reads names up to the first NUL.
        StopsAtNul = "stops-at-nul",
        /// Finds the host in URIs and mail addresses too.
        BelievesAnyKindOfName = "believes-any-kind-of-name",
        /// Compares an internationalised name octet by octet.
        ComparesULabels = "compares-u-labels",
        /// Compares the name that DNS leads to.
        FollowsTheAlias = "follows-the-alias",
        /// Stops at a chain that is not in order or has more than it needs.
        NeedsChainInOrder = "needs-chain-in-order",
        /// Gives up where the first issuer that fits has expired.
        TakesTheFirstPathOnly = "takes-the-first-path-only",
        /// Cannot read dates after 2049.
        ChokesOnLateDates = "chokes-on-late-dates",
        /// Wants the purpose said where nothing said is any.
        NeedsAPurpose = "needs-a-purpose",
        /// Stops at issuers with name constraints.
        RefusesNameConstraints = "refuses-name-constraints",
        /// Has no other keys than those on P-256.
        KnowsP256Only = "knows-p256-only",
        /// Has no wildcards.
        RefusesWildcards = "refuses-wildcards",
        /// Cannot compare addresses.
        KnowsNoAddresses = "knows-no-addresses",
        /// Cannot be told an internationalised name as people write it.
        KnowsNoULabels = "knows-no-u-labels",
        /// Compares names letter by letter.
        ComparesLetterCase = "compares-letter-case",
        /// Has no room for more than a hundred names.
        ReadsFewNames = "reads-few-names",
        /// Stops at a certificate with its status.
        RefusesStaples = "refuses-staples",
        /// Does not read the status that the server sends.
        IgnoresStaple = "ignores-staple",
        /// Does not know that a certificate can demand its status.
        IgnoresMustStaple = "ignores-must-staple",
        /// Takes any status for good that it cannot read or that is of another.
        BelievesAnyStaple = "believes-any-staple",
        /// Does not read the revocation lists that it was given.
        IgnoresCrl = "ignores-crl",
        /// Asks whether to go on, and waits for an answer without end.
        WaitsForConsent = "waits-for-consent",
        /// Takes the pin of one account for every account of the process.
        PinLeaks = "pin-leaks",
        /// Asks whether to go on, and takes no answer for a yes.
        TakesSilenceForConsent = "takes-silence-for-consent",
        /// Tries again and again after a certificate was refused.
        RetriesAfterCertificate = "retries-after-certificate",
        /// Carries on in clear where STARTTLS is missing or refused, or the server will not say whether it has it.
        ContinuesInClear = "continues-in-clear",
        /// Falls back to HELO and carries on in clear.
        HeloFallbackInClear = "helo-fallback-in-clear",
        /// Signs in before STARTTLS.
        AuthBeforeTls = "auth-before-tls",
        /// Keeps what was read in clear behind the go-ahead for TLS.
        KeepsClearBuffer = "keeps-clear-buffer",
        /// Keeps the capabilities that were announced in clear.
        KeepsClearCapabilities = "keeps-clear-capabilities",
        /// Keeps what untagged responses told in clear, and acts on it inside TLS.
        KeepsClearData = "keeps-clear-data",
        /// Shows the user alerts that came in clear.
        ShowsClearAlerts = "shows-clear-alerts",
        /// Goes wherever a referral points, with the password and without TLS.
        FollowsReferrals = "follows-referrals",
        /// Asks for STARTTLS again and again after it was refused.
        RepeatsStarttls = "repeats-starttls",
        /// Asks for STARTTLS without looking at the offer, and goes on in clear where the server does not know it.
        StarttlsBlindly = "starttls-blindly",
        /// Forgets that TLS was demanded when the greeting is none (CVE-2020-28896).
        BadGreetingSkipsTls = "bad-greeting-skips-tls",
        /// Pairs replies with commands by counting them: what came before its command answers it, and where more
        /// replies are there it goes on, whatever the one to STARTTLS said.
        PairsRepliesByCount = "pairs-replies-by-count",
        /// Takes any 2yz reply for the answer to EHLO.
        AnyReplyIsHello = "any-reply-is-hello",
        /// Sends the next job over the connection of the one before, whatever that job demands.
        ReusesClearConnections = "reuses-clear-connections",
        /// Skips octets in front of the first TLS record of the server, and takes them for words said inside.
        SkipsClearInHandshake = "skips-clear-in-handshake",
        /// Takes any 2yz or even 3yz reply to STARTTLS for a go-ahead, and in IMAP whatever is neither NO nor BAD,
        /// but stays in clear.
        StarttlsAnyReplyInClear = "starttls-any-reply-in-clear",
        /// Goes on in clear on the same connection after a failed handshake.
        ClearAfterFailedHandshake = "clear-after-failed-handshake",
        /// Opens a new connection without TLS after a failed handshake.
        ClearRetry = "clear-retry",
        /// Tries the other ports of the host.
        TriesOtherPorts = "tries-other-ports",
        /// Tries the first address of the host and no other.
        FirstAddressOnly = "first-address-only",
        /// Does not fall back to IPv4 where the host has an IPv6 address.
        NoIpv4Fallback = "no-ipv4-fallback",
        /// Lets the first address that does not answer use up all the time there is.
        WaitsOutFirstAddress = "waits-out-first-address",
        /// Knows IPv4 addresses only.
        Ipv4Only = "ipv4-only",
        /// Where an address does not serve, sends the message over every other one.
        SendsOverEveryAddress = "sends-over-every-address",
        /// Takes a PREAUTH greeting in clear for a session.
        AcceptsPreauth = "accepts-preauth",
        /// Takes a tagged reply that came before its command.
        AcceptsEarlyTagged = "accepts-early-tagged",
        /// Takes any first line for a greeting.
        AcceptsAnyGreeting = "accepts-any-greeting",
        /// Logs in although LOGINDISABLED is announced.
        IgnoresLoginDisabled = "ignores-logindisabled",
        /// Uses a password in clear where TLS is only optional.
        PasswordInClearOptional = "password-in-clear-optional",
        /// Does not send EHLO again after STARTTLS.
        NoSecondEhlo = "no-second-ehlo",
        /// Sends the mail although signing in failed.
        MailWithoutAuth = "mail-without-auth",
        /// Tries the same password again and again.
        RepeatsPassword = "repeats-password",
        /// Sends the message again and again after a permanent reply.
        RepeatsAfterPermanent = "repeats-after-permanent",
        /// Comes back at once, again and again, after a temporary reply.
        RetriesAtOnce = "retries-at-once",
        /// Does not look at the replies to MAIL and RCPT.
        IgnoresEnvelopeReplies = "ignores-envelope-replies",
        /// Does not look at the reply to the end of the data.
        IgnoresDataReply = "ignores-data-reply",
        /// Says success whatever happened.
        ReportsSuccess = "reports-success",
        /// Says failure whatever happened.
        ReportsFailure = "reports-failure",
        /// Does not double leading dots.
        NoDotStuffing = "no-dot-stuffing",
        /// Sends a line end before the final dot even where the message has one.
        AddsEmptyLine = "adds-empty-line",
        /// Sends bare CR and bare LF as they are in the message.
        SendsBareLineEnds = "sends-bare-line-ends",
        /// Takes what one segment brings for a whole line, and for the whole answer.
        AssumesSegments = "assumes-segments",
        /// Sends the message again and again after the connection was lost behind the final dot.
        ResendsAfterLostReply = "resends-after-lost-reply",
        /// Waits without end.
        WaitsForever = "waits-forever",
        /// Waits for a line as long as every octet comes in time.
        RestartsTimer = "restarts-timer",
        /// Has no limit for the length of a line, and waits for its end as long as octets come.
        ReadsEndlessLines = "reads-endless-lines",
        /// Takes the end of the stream for nothing to read yet, and looks again and again.
        LoopsAtEof = "loops-at-eof",
        /// Has a time limit for reading and none for writing.
        WritesForever = "writes-forever",
        /// Takes a connection that takes nothing for a moment for broken.
        ImpatientWriter = "impatient-writer",
        /// Connects again, every moment, as long as connections are lost.
        ReconnectsWithoutEnd = "reconnects-without-end",
        /// Stops at any untagged response that it did not ask for.
        ChokesOnUntagged = "chokes-on-untagged",
        /// Takes a continuation request for an answer and sends what it has.
        AnswersAnyContinuation = "answers-any-continuation",
        /// Prints the password when something goes wrong.
        PrintsSecrets = "prints-secrets",
        /// Gives the whole set-up up as broken after one refused recipient.
        GivesUpAfterRefusal = "gives-up-after-refusal",
        /// Sends literal octets before the continuation request.
        LiteralWithoutWaiting = "literal-without-waiting",
        /// Takes the first line of a reply for the whole, except that of EHLO.
        OneLineReplies = "one-line-replies",
        /// Cannot read a reply that has a code and no text.
        NeedsReplyText = "needs-reply-text",
        /// Believes a text that sounds like a refusal more than the 2yz before it.
        ReadsTextForCodes = "reads-text-for-codes",
        /// Takes only 250 for an acceptance where any 2yz is one.
        KnowsFewCodes = "knows-few-codes",
        /// Stops at a keyword of EHLO or a capability that is in no document.
        ChokesOnUnknownCapability = "chokes-on-unknown-capability",
        /// Finds the keywords of EHLO in capitals only.
        CaseSensitiveKeywords = "case-sensitive-keywords",
        /// Looks for the keywords of EHLO on lines with a hyphen only, and so misses the last.
        MissesLastKeyword = "misses-last-keyword",
        /// Offers TLS 1.3 and nothing older.
        NeedsTls13 = "needs-tls13",
        /// Sends STARTTLS wherever it is offered, inside TLS too.
        StarttlsInsideTls = "starttls-inside-tls",
        /// Starts TLS a moment after STARTTLS, whether the 220 has come or not.
        IgnoresGoAhead = "ignores-go-ahead",
        /// Says failure where QUIT or LOGOUT has no proper answer, although the work was done before.
        NeedsGoodbye = "needs-goodbye",
        /// Sends the first 64 KiB of a message and leaves the rest out.
        CutsLongMessages = "cuts-long-messages",
        /// Reads a segment into 4096 octets and loses what is beyond.
        SmallReadBuffer = "small-read-buffer",
        /// Dies.
        Crashes = "crashes",
    }
}
