//! What a chain looks like, as plain data: the valid one, and the properties a fault can change.
//! Must not know keys, DER or the library that writes it.
//!
//! A later kind of fault is one more property here with its harmless value in
//! [`Recipe::valid`], or one more value of a property that is there.

use time::{Duration, OffsetDateTime, macros::datetime};

/// Everything that decides a chain, except the names and the keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Recipe {
    pub(crate) leaf: Leaf,
    pub(crate) intermediate: Intermediate,
    pub(crate) constraint: Constraint,
    pub(crate) path: Path,
    pub(crate) anchor: Anchor,
    pub(crate) sent: Sent,
    pub(crate) proof: Proof,
    pub(crate) status: Status,
}

/// The server's own certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Leaf {
    pub(crate) validity: Validity,
    pub(crate) naming: Naming,
    pub(crate) purpose: Purpose,
    pub(crate) usage: Usage,
    /// The cA flag of its basic constraints.
    pub(crate) is_ca: bool,
    pub(crate) key: KeyKind,
    /// The hash its issuer signs with.
    pub(crate) hash: Hash,
    pub(crate) serial: Serial,
    pub(crate) version: Version,
    pub(crate) extra: Extra,
    pub(crate) damage: Damage,
}

/// The certificate between leaf and root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Intermediate {
    pub(crate) validity: Validity,
    pub(crate) basic: BasicConstraints,
    pub(crate) usage: Usage,
    pub(crate) purpose: Purpose,
    pub(crate) key: KeyKind,
    /// The hash its issuer signs with.
    pub(crate) hash: Hash,
    pub(crate) extra: Extra,
}

/// A period, relative to the authority's clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Validity {
    pub(crate) from: Duration,
    pub(crate) until: Until,
}

/// The end of a period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Until {
    /// So long after the authority's clock.
    After(Duration),
    /// At this time.
    At(OffsetDateTime),
}

/// Where the chain ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Anchor {
    /// At the root a subject is told to trust.
    TrustedRoot,
    /// At a root of another name and key, over an intermediate of its own.
    OtherRoot,
    /// At a root of the trusted one's name and key identifier, but with another key.
    Namesake,
    /// At a root that a subject is told to trust, and that is no longer valid.
    ExpiredRoot,
    /// At the leaf, which signs itself; there is nothing above it.
    Leaf,
    /// As [`Anchor::Leaf`], and the subject is told to trust this leaf.
    TrustedLeaf,
    /// As [`Anchor::TrustedLeaf`], with a leaf that says it is an authority.
    TrustedCaLeaf,
}

/// Which names the leaf carries, and where. All of this host where nothing else is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Naming {
    /// All in the subject alternative name, the first in the common name too.
    SubjectAltName,
    /// The first in the common name, none anywhere else.
    CommonNameOnly,
    /// Those of another host, in both places.
    Stranger,
    /// The first in the common name; another host in the subject alternative name.
    StrangerBesideCommonName,
    /// A wildcard dNSName.
    Wildcard(Wildcard),
    /// The address as text in a dNSName.
    AddressAsDnsName,
    /// The address in the common name, none anywhere else.
    AddressAsCommonName,
    /// The host names without the addresses.
    DnsNamesOnly,
    /// The octets of the internationalised name in a dNSName, in UTF-8.
    UnicodeDnsName,
    /// `host`, NUL and another domain in a dNSName.
    NulInDnsName,
    /// `host`, NUL and another domain in the common name, none anywhere else.
    NulInCommonName,
    /// Only SRVNames of the domain.
    SrvNames,
    /// Only a URI with the host.
    Uri,
    /// Only a mail address at the host.
    MailAddress,
    /// Only the domain above the host, which the mail addresses have.
    MailDomain,
    /// So many dNSNames, the host the last.
    Many(u16),
    /// The host in the alternate case of every letter.
    MixedCase,
    /// As [`Naming::SubjectAltName`], with DER that runs past its end.
    MalformedSubjectAltName,
}

/// Which label of the host a `*` stands for, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wildcard {
    /// `*.example.test` for `mail.example.test`.
    Left,
    /// `*.example.test` for `a.mail.example.test`.
    TwoLevels,
    /// `*.example.test` for `example.test`.
    Apex,
    /// `m*.example.test`.
    Prefix,
    /// `*il.example.test`.
    Suffix,
    /// `m*l.example.test`.
    Infix,
    /// `mail.*.example.test` for `mail.a.example.test`.
    Middle,
    /// `*`.
    Bare,
    /// `*.test`.
    TopLevel,
}

/// The extended key usage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// The extension is absent: any purpose.
    Unsaid,
    ServerAuth,
    ClientAuth,
    EmailProtection,
    Any,
}

/// The key usage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Usage {
    /// What the certificate needs: to sign handshakes in a leaf, certificates above it.
    Right,
    /// To sign revocation lists and nothing else.
    CrlSign,
}

/// The basic constraints of an intermediate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BasicConstraints {
    Ca,
    NotCa,
    /// The extension is absent.
    Unsaid,
}

/// The key in a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KeyKind {
    P256,
    P384,
    P521,
    Ed25519,
    /// Of so many bits.
    Rsa(u16),
    /// An RSA key of 2048 bits whose algorithm is id-RSASSA-PSS.
    RsaPss,
    /// P-256 with its parameters spelled out instead of named.
    ExplicitP256,
    /// In the certificate only. The server signs with a key of its own.
    P192,
    Secp256k1,
    Dsa,
}

/// The hash of a signature on a certificate. The outdated ones take an issuer with an RSA key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hash {
    Sha256,
    Sha1,
    Md5,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Serial {
    /// Random, positive, of 16 octets.
    Random,
    Zero,
    Negative,
    /// One octet more than the 20 that are allowed.
    TooLong,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Version {
    V3,
    /// Without extensions, which it does not know.
    V1,
}

/// One more extension.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Extra {
    None,
    /// One that nobody knows, marked critical.
    UnknownCritical,
    /// A second subject alternative name with another host.
    SecondSubjectAltName,
    /// A harmless one of 100 KiB.
    Huge,
}

/// What happens to the finished octets of the leaf.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Damage {
    None,
    /// One bit of the signature is flipped.
    SignatureBit,
    /// The second half is missing.
    CutShort,
    /// Octets follow the certificate.
    TrailingOctets,
    /// The outer length has a leading zero octet: BER, not DER.
    LongLength,
}

/// The name constraints of the intermediate, and whether the leaf keeps them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Constraint {
    None,
    /// Permits the host's domain: the leaf is within.
    PermitsDomain,
    /// Permits another domain.
    PermitsStranger,
    /// Excludes the host's domain.
    ExcludesDomain,
    /// Excludes the host, and the leaf has the wildcard that stands for it.
    ExcludesHostUnderWildcard,
    /// Permits a sibling of the host, and the leaf has the wildcard that stands for both.
    PermitsSiblingUnderWildcard,
    /// Permits another network than that of the address.
    PermitsOtherNetwork,
}

/// What lies between root and leaf.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Path {
    /// One intermediate.
    Plain,
    /// Two, of which the upper permits none below it.
    LengthViolated,
    /// So many.
    Long(u16),
    /// Two that sign each other, and no root.
    Cyclic,
    /// One with two certificates: first an expired one of the other root, then one of the
    /// trusted root.
    CrossSigned,
}

/// Which certificates go over the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sent {
    LeafAndIntermediate,
    LeafOnly,
    /// Leaf, a certificate of another chain, root, intermediate.
    Shuffled,
    /// Every certificate twice.
    Twice,
    /// The root behind the intermediate.
    WithRoot,
    /// An empty list.
    Nothing,
}

/// Which key signs the handshake, and what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Proof {
    LeafKey,
    /// A fresh key of the same algorithm.
    AnotherKey,
    /// The leaf's key, over another transcript.
    AnotherTranscript,
}

/// What is said about revocation, and how it gets to a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    Unsaid,
    /// An OCSP response in the handshake.
    Stapled(Staple),
    /// The leaf demands one (RFC 7633).
    MustStaple(Option<Staple>),
    /// Lists that the client is given as files.
    Listed(Listing),
}

/// An OCSP response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Staple {
    Good,
    Revoked,
    /// Good, until last week.
    Expired,
    /// Good, for another certificate.
    OtherSerial,
    /// Good, signed by a key that the issuer does not have.
    OtherSigner,
    /// Octets that are none.
    Garbage,
}

/// A certificate revocation list of the leaf's issuer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Listing {
    /// Without the leaf.
    Good,
    /// With the leaf.
    Revoked,
    /// With the leaf, which names several distribution points; the list is of the last.
    RevokedAtLastPoint,
    /// Without the leaf, and out of date.
    Expired,
}

impl Validity {
    /// Periods nest: the root's holds the intermediate's, which holds the leaf's.
    pub(crate) const ROOT: Validity = Validity::days(-60, 3650);
    pub(crate) const INTERMEDIATE: Validity = Validity::days(-30, 365);
    pub(crate) const LEAF: Validity = Validity::days(-1, 90);
    /// Ended yesterday.
    pub(crate) const OVER: Validity = Validity::days(-30, -1);
    /// Starts tomorrow.
    pub(crate) const AHEAD: Validity = Validity::days(1, 90);
    /// Ended a second ago, and stays so however long the run takes. The last second of a
    /// validity, which is still inside, cannot be shown to a client with a clock of its own.
    pub(crate) const JUST_OVER: Validity = Validity {
        from: Duration::days(-30),
        until: Until::After(Duration::seconds(-1)),
    };
    /// Starts in some hours: soon enough to be today in some time zone, late enough for a long
    /// run to end before.
    pub(crate) const SOON: Validity = Validity {
        from: Duration::hours(6),
        until: Until::After(Duration::days(90)),
    };
    /// Ends where years no longer fit UTCTime (RFC 5280 §4.1.2.5).
    pub(crate) const BEYOND_UTC_TIME: Validity = Validity {
        from: Duration::days(-1),
        until: Until::At(datetime!(2051-01-01 0:00 UTC)),
    };
    /// Has no well-defined end (RFC 5280 §4.1.2.5).
    pub(crate) const NO_END: Validity = Validity {
        from: Duration::days(-1),
        until: Until::At(datetime!(9999-12-31 23:59:59 UTC)),
    };

    /// First and last moment.
    pub(crate) fn around(self, now: OffsetDateTime) -> (OffsetDateTime, OffsetDateTime) {
        let until = match self.until {
            Until::After(duration) => now + duration,
            Until::At(time) => time,
        };
        (now + self.from, until)
    }

    const fn days(from: i64, until: i64) -> Validity {
        Validity {
            from: Duration::days(from),
            until: Until::After(Duration::days(until)),
        }
    }
}

impl Intermediate {
    /// As the authority's standing intermediates are made.
    pub(crate) const VALID: Intermediate = Intermediate {
        validity: Validity::INTERMEDIATE,
        basic: BasicConstraints::Ca,
        usage: Usage::Right,
        purpose: Purpose::Unsaid,
        key: KeyKind::P256,
        hash: Hash::Sha256,
        extra: Extra::None,
    };
}

impl Recipe {
    /// The chain every fault starts from.
    pub(crate) const fn valid() -> Recipe {
        Recipe {
            leaf: Leaf {
                validity: Validity::LEAF,
                naming: Naming::SubjectAltName,
                purpose: Purpose::ServerAuth,
                usage: Usage::Right,
                is_ca: false,
                key: KeyKind::P256,
                hash: Hash::Sha256,
                serial: Serial::Random,
                version: Version::V3,
                extra: Extra::None,
                damage: Damage::None,
            },
            intermediate: Intermediate::VALID,
            constraint: Constraint::None,
            path: Path::Plain,
            anchor: Anchor::TrustedRoot,
            sent: Sent::LeafAndIntermediate,
            proof: Proof::LeafKey,
            status: Status::Unsaid,
        }
    }

    /// Whether the chain can run over an intermediate that other chains show too.
    ///
    /// A faulty or withheld intermediate must not share its name or key with one that a subject
    /// may have seen: a client that remembers intermediates would rightly complete the chain
    /// with the sound one, and the fault would be gone. One whose revocation list differs from
    /// chain to chain, or that gave a serial number twice, stands alone as well.
    pub(crate) fn shares_intermediate(&self) -> bool {
        self.intermediate == Intermediate::VALID
            && self.leaf.hash == Hash::Sha256
            && self.leaf.serial == Serial::Random
            && self.constraint == Constraint::None
            && self.path == Path::Plain
            && !matches!(self.sent, Sent::LeafOnly | Sent::Nothing)
            && !matches!(self.status, Status::Listed(_))
    }
}
