//! The table of faults: what each is called, which clause it breaks, what it changes in the
//! valid recipe, and what two common verifiers say about it. One row each, nothing elsewhere.

use super::{
    ACCEPTED, Defect, Row, Ruling, by_openssl, by_webpki,
    openssl::{
        UNREADABLE, cert_has_expired, cert_not_yet_valid, cert_revoked, cert_signature_failure,
        crl_has_expired, depth_zero_self_signed_cert, ec_key_explicit_params, excluded_violation,
        hostname_mismatch, invalid_ca, invalid_purpose, ip_address_mismatch, path_length_exceeded,
        permitted_violation, unable_to_get_issuer_cert_locally, unhandled_critical_extension,
    },
    rejected,
};
use crate::recipe::{
    Anchor, BasicConstraints, Constraint, Damage, Extra, Hash, KeyKind, Listing, Naming, Path,
    Proof, Purpose, Sent, Serial, Staple, Status, Usage, Validity, Version, Wildcard,
};

faults! {
    Valid "valid"
        "Nothing is wrong: the chain leads to the trusted root and names the server."
        None MustAccept ["RFC 5280 §6.1", "RFC 7817 §3"]
        |_| {},
        ACCEPTED;

    // Trust.

    SelfSigned "self-signed"
        "The server's certificate is signed by its own key instead of by an authority."
        Anchor MustReject ["RFC 5280 §6.1 (b)", "RFC 7817 §3"]
        |it| it.anchor = Anchor::Leaf,
        rejected(depth_zero_self_signed_cert(0), "UnknownIssuer");
    UnknownRoot "unknown-root"
        "The chain leads to a root the client was not given."
        Anchor MustReject ["RFC 5280 §6.1 (b)", "RFC 5280 §6.1.1 (d)"]
        |it| it.anchor = Anchor::OtherRoot,
        rejected(unable_to_get_issuer_cert_locally(1), "UnknownIssuer");
    SameNameOtherKeyRoot "same-name-other-key-root"
        "The chain leads to a root with the name and the key identifier of the trusted one, but with another key."
        Anchor MustReject ["RFC 5280 §6.1.3 (a)(1)"]
        |it| it.anchor = Anchor::Namesake,
        rejected(cert_signature_failure(1), "BadSignature");
    BadSignatureLeaf "bad-signature-leaf"
        "One bit of the signature on the server's certificate is flipped."
        Anchor MustReject ["RFC 5280 §6.1.3 (a)(1)"]
        |it| it.leaf.damage = Damage::SignatureBit,
        rejected(cert_signature_failure(0), "BadSignature");
    LeafAsAnchor "leaf-as-anchor"
        "The server's certificate signs itself, and the user gave just this certificate as the one to trust."
        Anchor MayAccept ["RFC 5280 §6.1.1 (d)"]
        |it| it.anchor = Anchor::TrustedLeaf,
        ACCEPTED.noted("A user who trusts the certificate itself is right to be served.");
    CaLeafAsAnchor "ca-leaf-as-anchor"
        "As leaf-as-anchor, and the certificate says that it is an authority, as the defaults of OpenSSL make it."
        Anchor MayAccept ["RFC 5280 §6.1.1 (d)", "RFC 5280 §4.2.1.9"]
        |it| it.anchor = Anchor::TrustedCaLeaf,
        by_webpki("CaUsedAsEndEntity", "Nothing forbids an authority to be a server too; webpki holds it for a mistake.");

    // Names.

    WrongHost "wrong-host"
        "The certificate names another host, in the alternative name and in the common name."
        Name MustReject ["RFC 7817 §3", "RFC 6125 §6.6.3"]
        |it| it.leaf.naming = Naming::Stranger,
        rejected(hostname_mismatch(0), "NotValidForName");
    NoSan "no-san"
        "The host stands in the common name only; there is no subject alternative name."
        Name MayAccept ["RFC 7817 §3 rule 4", "RFC 6125 §6.4.4"]
        |it| it.leaf.naming = Naming::CommonNameOnly,
        by_webpki("NotValidForName", "Both are right: a client may fall back to the common name of a certificate without alternative names, and need not. OpenSSL does for host names, never for addresses; webpki does not.");
    CnMatchesSanDoesNot "cn-matches-san-does-not"
        "The host stands in the common name, but the alternative name is another host's."
        Name MustReject ["RFC 6125 §6.4.4"]
        |it| it.leaf.naming = Naming::StrangerBesideCommonName,
        rejected(hostname_mismatch(0), "NotValidForName");
    Wildcard "wildcard"
        "The certificate names the server with a wildcard in the place of its first label."
        None ShouldAccept ["RFC 7817 §3 rule 5", "RFC 6125 §6.4.3"]
        |it| it.leaf.naming = Naming::Wildcard(Wildcard::Left),
        ACCEPTED;
    WildcardTwoLevels "wildcard-two-levels"
        "A wildcard would have to stand for the first two labels of the host."
        Name MustReject ["RFC 6125 §6.4.3"]
        |it| it.leaf.naming = Naming::Wildcard(Wildcard::TwoLevels),
        rejected(hostname_mismatch(0), "NotValidForName");
    WildcardApex "wildcard-apex"
        "The certificate names the hosts below this one with a wildcard, but not this one."
        Name MustReject ["RFC 7817 §3 rule 5", "RFC 6125 §6.4.3"]
        |it| it.leaf.naming = Naming::Wildcard(Wildcard::Apex),
        rejected(hostname_mismatch(0), "NotValidForName");
    WildcardPrefix "wildcard-prefix"
        "A wildcard stands for the end of the first label."
        Name MustReject ["RFC 7817 §3 rule 5"]
        |it| it.leaf.naming = Naming::Wildcard(Wildcard::Prefix),
        by_webpki("NotValidForName", PARTIAL_WILDCARD);
    WildcardSuffix "wildcard-suffix"
        "A wildcard stands for the start of the first label."
        Name MustReject ["RFC 7817 §3 rule 5"]
        |it| it.leaf.naming = Naming::Wildcard(Wildcard::Suffix),
        by_webpki("NotValidForName", PARTIAL_WILDCARD);
    WildcardInfix "wildcard-infix"
        "A wildcard stands for the middle of the first label."
        Name MustReject ["RFC 7817 §3 rule 5"]
        |it| it.leaf.naming = Naming::Wildcard(Wildcard::Infix),
        rejected(hostname_mismatch(0), "NotValidForName");
    WildcardMiddle "wildcard-middle"
        "A wildcard stands for the second label."
        Name MustReject ["RFC 7817 §3 rule 5", "RFC 6125 §6.4.3"]
        |it| it.leaf.naming = Naming::Wildcard(Wildcard::Middle),
        rejected(hostname_mismatch(0), "NotValidForName");
    WildcardBare "wildcard-bare"
        "The certificate names nothing but a wildcard."
        Name ShouldReject ["RFC 6125 §6.4.3", "RFC 6125 §7.2"]
        |it| it.leaf.naming = Naming::Wildcard(Wildcard::Bare),
        rejected(hostname_mismatch(0), "NotValidForName");
    WildcardTopLevel "wildcard-top-level"
        "A wildcard stands for everything below the top-level domain."
        Name ShouldReject ["RFC 6125 §6.4.3", "RFC 6125 §7.2"]
        |it| it.leaf.naming = Naming::Wildcard(Wildcard::TopLevel),
        rejected(hostname_mismatch(0), "NotValidForName");
    AddressAsDnsName "address-as-dns-name"
        "The address of the server stands as text where host names stand."
        Name MustReject ["RFC 5280 §4.2.1.6"]
        |it| it.leaf.naming = Naming::AddressAsDnsName,
        rejected(ip_address_mismatch(0), "NotValidForName");
    AddressAsCommonName "address-as-common-name"
        "The address of the server stands in the common name only."
        Name MustReject ["RFC 6125 §6.4.4", "RFC 5280 §4.2.1.6"]
        |it| it.leaf.naming = Naming::AddressAsCommonName,
        rejected(ip_address_mismatch(0), "NotValidForName");
    NoAddress "no-address"
        "The certificate names hosts, but not the address that the client connects to."
        Name MustReject ["RFC 7817 §3", "RFC 5280 §4.2.1.6"]
        |it| it.leaf.naming = Naming::DnsNamesOnly,
        rejected(ip_address_mismatch(0), "NotValidForName");
    UnicodeDnsName "unicode-dns-name"
        "The internationalised host stands in the certificate as raw UTF-8 instead of as A-labels."
        Name MustReject ["RFC 5280 §7.2", "RFC 6125 §6.4.2"]
        |it| it.leaf.naming = Naming::UnicodeDnsName,
        rejected(hostname_mismatch(0), "NotValidForName");
    NulInDnsName "nul-in-dns-name"
        "The alternative name is the host, a NUL octet and another domain."
        Name MustReject ["RFC 5280 §4.2.1.6", "RFC 6125 §6.4.1"]
        |it| it.leaf.naming = Naming::NulInDnsName,
        rejected(hostname_mismatch(0), "NotValidForName");
    NulInCommonName "nul-in-common-name"
        "The common name is the host, a NUL octet and another domain; there is no alternative name."
        Name MustReject ["RFC 6125 §6.4.1", "RFC 6125 §6.4.4"]
        |it| it.leaf.naming = Naming::NulInCommonName,
        rejected(hostname_mismatch(0), "NotValidForName");
    SrvIdOnly "srv-id-only"
        "The certificate names the mail services of the domain above the host, and no host."
        Name MayAccept ["RFC 7817 §3 rule 2", "RFC 4985 §2"]
        |it| it.leaf.naming = Naming::SrvNames,
        rejected(hostname_mismatch(0), "NotValidForName");
    UriIdOnly "uri-id-only"
        "The host stands only in URIs."
        Name MustReject ["RFC 7817 §3 rule 3"]
        |it| it.leaf.naming = Naming::Uri,
        rejected(hostname_mismatch(0), "NotValidForName");
    EmailIdOnly "email-id-only"
        "The host stands only behind the at sign of a mail address."
        Name MustReject ["RFC 7817 §3"]
        |it| it.leaf.naming = Naming::MailAddress,
        rejected(hostname_mismatch(0), "NotValidForName");
    MailDomainOnly "mail-domain-only"
        "The certificate names only the domain above the host, which stands in the mail addresses."
        Name MayAccept ["RFC 7817 §3"]
        |it| it.leaf.naming = Naming::MailDomain,
        rejected(hostname_mismatch(0), "NotValidForName");
    ThousandNames "thousand-names"
        "The certificate names 1000 hosts, this one last."
        None ShouldAccept ["RFC 6125 §6.4"]
        |it| it.leaf.naming = Naming::Many(1000),
        ACCEPTED;
    TenThousandNames "ten-thousand-names"
        "The certificate names 10000 hosts, this one last."
        None MayAccept ["RFC 6125 §6.4"]
        |it| it.leaf.naming = Naming::Many(10_000),
        by_webpki("BadEncoding", SIZE_LIMIT);
    MixedCaseName "mixed-case-name"
        "The host stands in the certificate with some letters in upper case."
        None MustAccept ["RFC 6125 §6.4.1"]
        |it| it.leaf.naming = Naming::MixedCase,
        ACCEPTED;

    // Time.

    ExpiredLeaf "expired-leaf"
        "The server's certificate ended yesterday."
        Validity MustReject ["RFC 5280 §4.1.2.5", "RFC 5280 §6.1.3 (a)(2)"]
        |it| it.leaf.validity = Validity::OVER,
        rejected(cert_has_expired(0), "Expired");
    ExpiredJustNow "expired-just-now"
        "The server's certificate ended one second before the run began."
        Validity MustReject ["RFC 5280 §4.1.2.5", "RFC 5280 §6.1.3 (a)(2)"]
        |it| it.leaf.validity = Validity::JUST_OVER,
        rejected(cert_has_expired(0), "Expired");
    NotYetValid "not-yet-valid"
        "The server's certificate starts tomorrow."
        Validity MustReject ["RFC 5280 §4.1.2.5", "RFC 5280 §6.1.3 (a)(2)"]
        |it| it.leaf.validity = Validity::AHEAD,
        rejected(cert_not_yet_valid(0), "NotValidYet");
    ValidInHours "valid-in-hours"
        "The server's certificate starts six hours from now, which is in the past in no time zone but may be today."
        Validity MustReject ["RFC 5280 §4.1.2.5", "RFC 5280 §6.1.3 (a)(2)"]
        |it| it.leaf.validity = Validity::SOON,
        rejected(cert_not_yet_valid(0), "NotValidYet");
    ExpiredIntermediate "expired-intermediate"
        "The intermediate certificate ended yesterday; the server's own is still good."
        Validity MustReject ["RFC 5280 §4.1.2.5", "RFC 5280 §6.1.3 (a)(2)"]
        |it| it.intermediate.validity = Validity::OVER,
        rejected(cert_has_expired(1), "Expired");
    ExpiredRoot "expired-root"
        "The root that the user trusts ended yesterday; everything below it is still good."
        Validity MayAccept ["RFC 5280 §6.1.1 (d)"]
        |it| it.anchor = Anchor::ExpiredRoot,
        by_openssl(cert_has_expired(2), "Both are right: how long to trust an anchor is not for the path validation to say.");
    EndsAfter2050 "ends-after-2050"
        "The server's certificate ends in 2051, where the date has another form."
        None MustAccept ["RFC 5280 §4.1.2.5"]
        |it| it.leaf.validity = Validity::BEYOND_UTC_TIME,
        ACCEPTED;
    NoEndDate "no-end-date"
        "The server's certificate ends with the year 9999, which means that it has no end."
        None MustAccept ["RFC 5280 §4.1.2.5"]
        |it| it.leaf.validity = Validity::NO_END,
        ACCEPTED;

    // What is sent, and what lies between.

    MissingIntermediate "missing-intermediate"
        "The server sends its own certificate only, without the intermediate that signed it."
        Anchor MustReject ["RFC 8446 §4.4.2", "RFC 5246 §7.4.2"]
        |it| it.sent = Sent::LeafOnly,
        rejected(unable_to_get_issuer_cert_locally(0), "UnknownIssuer");
    ShuffledChain "shuffled-chain"
        "Behind its own certificate the server sends an unrelated one and the root before the intermediate."
        None ShouldAccept ["RFC 8446 §4.4.2"]
        |it| it.sent = Sent::Shuffled,
        ACCEPTED;
    DuplicatedChain "duplicated-chain"
        "The server sends every certificate twice."
        None ShouldAccept ["RFC 8446 §4.4.2"]
        |it| it.sent = Sent::Twice,
        ACCEPTED;
    ChainWithRoot "chain-with-root"
        "The server sends the root too."
        None MustAccept ["RFC 8446 §4.4.2", "RFC 5246 §7.4.2"]
        |it| it.sent = Sent::WithRoot,
        ACCEPTED;
    CrossSignedOneExpired "cross-signed-one-expired"
        "The intermediate has two certificates: first comes an expired one from another root, then a good one."
        None ShouldAccept ["RFC 8446 §4.4.2", "RFC 5280 §6.1"]
        |it| it.path = Path::CrossSigned,
        ACCEPTED;
    VeryLongChain "very-long-chain"
        "There are 100 intermediates between the server's certificate and the root."
        None MayAccept ["RFC 5280 §6.1"]
        |it| it.path = Path::Long(100),
        by_webpki("MaximumPathDepthExceeded", "webpki follows 6 intermediates, OpenSSL 100.");
    CyclicChain "cyclic-chain"
        "Two intermediates have signed each other, and neither leads to a root."
        Anchor MustReject ["RFC 5280 §6.1"]
        |it| it.path = Path::Cyclic,
        rejected(unable_to_get_issuer_cert_locally(2), "UnknownIssuer");
    HugeCertificate "huge-certificate"
        "The server's certificate has 100 KiB, most of it in an extension that nobody needs to know."
        None MayAccept ["RFC 8446 §4.4.2", "RFC 5280 §4.2"]
        |it| it.leaf.extra = Extra::Huge,
        by_webpki("BadEncoding", SIZE_LIMIT);
    EmptyChain "empty-chain"
        "The server sends a list of no certificates."
        Empty MustReject ["RFC 8446 §4.4.2.4", "RFC 5246 §7.4.2"]
        |it| it.sent = Sent::Nothing,
        rejected(UNREADABLE, "NoCertificatesPresented");

    // Purpose.

    WrongEku "wrong-eku"
        "The certificate is for clients: its extended key usage is clientAuth only."
        Purpose MustReject ["RFC 5280 §4.2.1.12"]
        |it| it.leaf.purpose = Purpose::ClientAuth,
        rejected(invalid_purpose(0), "InvalidPurpose");
    EmailEku "email-eku"
        "The certificate is for signed mail: its extended key usage is emailProtection only."
        Purpose MustReject ["RFC 5280 §4.2.1.12"]
        |it| it.leaf.purpose = Purpose::EmailProtection,
        rejected(invalid_purpose(0), "InvalidPurpose");
    NoEku "no-eku"
        "The certificate does not say what it is for."
        None MustAccept ["RFC 5280 §4.2.1.12"]
        |it| it.leaf.purpose = Purpose::Unsaid,
        ACCEPTED;
    AnyEku "any-eku"
        "The certificate is for anything: its extended key usage is anyExtendedKeyUsage only."
        Purpose MayAccept ["RFC 5280 §4.2.1.12"]
        |it| it.leaf.purpose = Purpose::Any,
        rejected(invalid_purpose(0), "InvalidPurpose").noted("A client may demand its own purpose by name, and need not.");
    IntermediateEku "intermediate-eku"
        "The intermediate is for the certificates of clients: its extended key usage is clientAuth only."
        Purpose MayAccept ["RFC 5280 §4.2.1.12"]
        |it| it.intermediate.purpose = Purpose::ClientAuth,
        rejected(invalid_purpose(1), "InvalidPurpose").noted("The standard knows an extended key usage of end entities only; most verifiers hold it for a limit of what is below.");
    WrongKeyUsage "wrong-key-usage"
        "The key of the certificate is not for signing handshakes: its key usage is cRLSign only."
        Purpose MayAccept ["RFC 5280 §4.2.1.3", "RFC 8446 §4.4.2.2"]
        |it| it.leaf.usage = Usage::CrlSign,
        by_openssl(invalid_purpose(0), "The standard demands the right key usage of the server, not that a client look; webpki does not.");

    // Authorities.

    IntermediateNotCa "intermediate-not-ca"
        "The intermediate is not an authority: its basic constraints say CA:FALSE."
        Purpose MustReject ["RFC 5280 §4.2.1.9", "RFC 5280 §6.1.4 (k)"]
        |it| it.intermediate.basic = BasicConstraints::NotCa,
        rejected(invalid_ca(1), "EndEntityUsedAsCa");
    NoBasicConstraints "no-basic-constraints"
        "The intermediate does not say that it is an authority: it has no basic constraints."
        Purpose MustReject ["RFC 5280 §4.2.1.9", "RFC 5280 §6.1.4 (k)"]
        |it| it.intermediate.basic = BasicConstraints::Unsaid,
        rejected(invalid_ca(1), "EndEntityUsedAsCa");
    NoKeyCertSign "no-key-cert-sign"
        "The key of the intermediate is not for signing certificates: its key usage is cRLSign only."
        Purpose MustReject ["RFC 5280 §4.2.1.3", "RFC 5280 §6.1.4 (n)"]
        |it| it.intermediate.usage = Usage::CrlSign,
        by_openssl(invalid_ca(1), "webpki does not look at the key usage.");
    PathLengthViolated "path-length-violated"
        "The upper of two intermediates may have none below it: its path length is 0."
        Purpose MustReject ["RFC 5280 §4.2.1.9", "RFC 5280 §6.1.4 (l)"]
        |it| it.path = Path::LengthViolated,
        rejected(path_length_exceeded(2), "PathLenConstraintViolated");
    CaLeaf "ca-leaf"
        "The server's certificate says that it is an authority."
        Purpose MayAccept ["RFC 5280 §4.2.1.9"]
        |it| it.leaf.is_ca = true,
        by_webpki("CaUsedAsEndEntity", "Nothing forbids an authority to be a server too; webpki holds it for a mistake.");

    // Name constraints.

    ConstraintKept "constraint-kept"
        "The intermediate may only name hosts of this server's domain, and does."
        None MustAccept ["RFC 5280 §4.2.1.10"]
        |it| it.constraint = Constraint::PermitsDomain,
        ACCEPTED;
    ConstraintMismatch "constraint-mismatch"
        "The intermediate may only name hosts of another domain."
        Constraint MustReject ["RFC 5280 §4.2.1.10", "RFC 5280 §6.1.3 (b)"]
        |it| it.constraint = Constraint::PermitsStranger,
        rejected(permitted_violation(0), "NameConstraintViolation");
    ConstraintExcluded "constraint-excluded"
        "The intermediate may not name hosts of this server's domain."
        Constraint MustReject ["RFC 5280 §4.2.1.10", "RFC 5280 §6.1.3 (c)"]
        |it| it.constraint = Constraint::ExcludesDomain,
        rejected(excluded_violation(0), "NameConstraintViolation");
    ConstraintExcludedWildcard "constraint-excluded-wildcard"
        "The intermediate may not name this host, and names it with a wildcard."
        Constraint MustReject ["RFC 5280 §4.2.1.10", "RFC 5280 §6.1.3 (c)"]
        |it| it.constraint = Constraint::ExcludesHostUnderWildcard,
        by_webpki("NameConstraintViolation", "OpenSSL compares the wildcard as if it were a host name.");
    ConstraintPermittedWildcard "constraint-permitted-wildcard"
        "The intermediate may only name another host of the domain, and names both with a wildcard."
        Constraint MustReject ["RFC 5280 §4.2.1.10", "RFC 5280 §6.1.3 (b)"]
        |it| it.constraint = Constraint::PermitsSiblingUnderWildcard,
        rejected(permitted_violation(0), "NameConstraintViolation");
    ConstraintOtherNetwork "constraint-other-network"
        "The intermediate may only name addresses of another network than the server's."
        Constraint MustReject ["RFC 5280 §4.2.1.10", "RFC 5280 §6.1.3 (b)"]
        |it| it.constraint = Constraint::PermitsOtherNetwork,
        rejected(permitted_violation(0), "NameConstraintViolation");

    // Form.

    UnknownCriticalLeaf "unknown-critical-leaf"
        "The server's certificate has a critical extension that nobody knows."
        Form MustReject ["RFC 5280 §4.2", "RFC 5280 §6.1.5 (f)"]
        |it| it.leaf.extra = Extra::UnknownCritical,
        rejected(unhandled_critical_extension(0), "UnsupportedCriticalExtension");
    UnknownCriticalIntermediate "unknown-critical-intermediate"
        "The intermediate has a critical extension that nobody knows."
        Form MustReject ["RFC 5280 §4.2", "RFC 5280 §6.1.4 (o)"]
        |it| it.intermediate.extra = Extra::UnknownCritical,
        rejected(unhandled_critical_extension(1), "UnsupportedCriticalExtension");
    DuplicateSan "duplicate-san"
        "The server's certificate has two subject alternative names, one with this host and one with another."
        Form MustReject ["RFC 5280 §4.2"]
        |it| it.leaf.extra = Extra::SecondSubjectAltName,
        rejected(unable_to_get_issuer_cert_locally(0), "ExtensionValueInvalid").noted(UNREADABLE_EXTENSION);
    MalformedSan "malformed-san"
        "The subject alternative name claims more octets than it has."
        Form MustReject ["RFC 5280 §4.2.1.6"]
        |it| it.leaf.naming = Naming::MalformedSubjectAltName,
        rejected(unable_to_get_issuer_cert_locally(0), "BadEncoding").noted(UNREADABLE_EXTENSION);
    TrailingOctets "trailing-octets"
        "Octets follow the server's certificate where there should be nothing."
        Form MustReject ["RFC 8446 §4.4.2", "RFC 5280 §4.1"]
        |it| it.leaf.damage = Damage::TrailingOctets,
        by_webpki("BadEncoding", "OpenSSL ignores them in files; its TLS library does not.");
    SerialZero "serial-zero"
        "The serial number of the server's certificate is 0."
        Form MayAccept ["RFC 5280 §4.1.2.2"]
        |it| it.leaf.serial = Serial::Zero,
        ACCEPTED.noted(SERIAL);
    SerialNegative "serial-negative"
        "The serial number of the server's certificate is negative."
        Form MayAccept ["RFC 5280 §4.1.2.2"]
        |it| it.leaf.serial = Serial::Negative,
        ACCEPTED.noted(SERIAL);
    SerialTooLong "serial-too-long"
        "The serial number of the server's certificate has 21 octets, one more than is allowed."
        Form MayAccept ["RFC 5280 §4.1.2.2"]
        |it| it.leaf.serial = Serial::TooLong,
        ACCEPTED.noted(SERIAL);
    Version1 "version-1"
        "The server's certificate is of X.509 version 1, which knows no extensions."
        Form ShouldReject ["RFC 5280 §4.1.2.1", "RFC 5280 §4.2.1.6"]
        |it| it.leaf.version = Version::V1,
        by_webpki("UnsupportedCertVersion", "OpenSSL reads the host from the common name.");
    CutShort "cut-short"
        "The second half of the server's certificate is missing."
        Malformed MustReject ["RFC 5280 §4.1"]
        |it| it.leaf.damage = Damage::CutShort,
        rejected(UNREADABLE, "BadEncoding");
    LongLength "long-length"
        "The length of the server's certificate is written with a leading zero, as BER allows and DER does not."
        Form MayAccept ["RFC 5280 §4.1"]
        |it| it.leaf.damage = Damage::LongLength,
        by_webpki("BadEncoding", "OpenSSL reads BER.");

    // Algorithms.

    Sha1Leaf "sha1-leaf"
        "The signature on the server's certificate is over a SHA-1 hash."
        Weak ShouldReject ["RFC 8446 §4.4.2.4", "RFC 9325 §4.5"]
        |it| it.leaf.hash = Hash::Sha1,
        by_webpki("UnsupportedSignatureAlgorithm", SECURITY_LEVEL);
    Sha1Intermediate "sha1-intermediate"
        "The signature on the intermediate is over a SHA-1 hash."
        Weak ShouldReject ["RFC 8446 §4.4.2.4", "RFC 9325 §4.5"]
        |it| it.intermediate.hash = Hash::Sha1,
        by_webpki("UnsupportedSignatureAlgorithm", SECURITY_LEVEL);
    Md5Leaf "md5-leaf"
        "The signature on the server's certificate is over an MD5 hash."
        Weak MustReject ["RFC 8446 §4.4.2.4", "RFC 9325 §4.5"]
        |it| it.leaf.hash = Hash::Md5,
        by_webpki("UnsupportedSignatureAlgorithm", SECURITY_LEVEL);
    Md5Intermediate "md5-intermediate"
        "The signature on the intermediate is over an MD5 hash."
        Weak MustReject ["RFC 8446 §4.4.2.4", "RFC 9325 §4.5"]
        |it| it.intermediate.hash = Hash::Md5,
        by_webpki("UnsupportedSignatureAlgorithm", SECURITY_LEVEL);
    Rsa512Leaf "rsa-512-leaf"
        "The server's key is RSA with 512 bits, which anybody can break. It signs in TLS 1.2 only."
        Weak MustReject ["RFC 9325 §4.5"]
        |it| it.leaf.key = KeyKind::Rsa(512),
        ACCEPTED.noted(WEAK_LEAF);
    Rsa1024Leaf "rsa-1024-leaf"
        "The server's key is RSA with 1024 bits."
        Weak ShouldReject ["RFC 9325 §4.5"]
        |it| it.leaf.key = KeyKind::Rsa(1024),
        ACCEPTED.noted(WEAK_LEAF);
    Rsa1024Intermediate "rsa-1024-intermediate"
        "The intermediate's key is RSA with 1024 bits."
        Weak ShouldReject ["RFC 9325 §4.5"]
        |it| it.intermediate.key = KeyKind::Rsa(1024),
        by_webpki("BadSignature", SECURITY_LEVEL);
    Rsa16384Leaf "rsa-16384-leaf"
        "The server's key is RSA with 16384 bits, which takes long to verify."
        None MayAccept ["RFC 8446 §4.4.3"]
        |it| it.leaf.key = KeyKind::Rsa(16384),
        ACCEPTED.noted(WEAK_LEAF);
    DsaLeaf "dsa-leaf"
        "The server's key is DSA, with which nothing in TLS 1.3 can be signed."
        Proof MustReject ["RFC 8446 §4.2.3", "RFC 8446 §4.4.3"]
        |it| it.leaf.key = KeyKind::Dsa,
        ACCEPTED.noted(UNUSABLE_KEY);
    P192Leaf "p192-leaf"
        "The server's key is on the curve P-192, which TLS 1.3 does not know."
        Proof MustReject ["RFC 8446 §4.2.3", "RFC 8446 §4.4.3"]
        |it| it.leaf.key = KeyKind::P192,
        ACCEPTED.noted(UNUSABLE_KEY);
    Secp256k1Leaf "secp256k1-leaf"
        "The server's key is on the curve secp256k1, which TLS 1.3 does not know."
        Proof MustReject ["RFC 8446 §4.2.3", "RFC 8446 §4.4.3"]
        |it| it.leaf.key = KeyKind::Secp256k1,
        ACCEPTED.noted(UNUSABLE_KEY);
    ExplicitCurveLeaf "explicit-curve-leaf"
        "The server's key spells out the parameters of its curve instead of naming it."
        Weak ShouldReject ["RFC 5480 §2.1.1"]
        |it| it.leaf.key = KeyKind::ExplicitP256,
        by_openssl(ec_key_explicit_params(0), WEAK_LEAF);
    Rsa2048Leaf "rsa-2048-leaf"
        "The server's key is RSA with 2048 bits."
        None MustAccept ["RFC 8446 §9.1"]
        |it| it.leaf.key = KeyKind::Rsa(2048),
        ACCEPTED;
    Rsa3072Leaf "rsa-3072-leaf"
        "The server's key is RSA with 3072 bits."
        None MustAccept ["RFC 8446 §9.1"]
        |it| it.leaf.key = KeyKind::Rsa(3072),
        ACCEPTED;
    Rsa4096Leaf "rsa-4096-leaf"
        "The server's key is RSA with 4096 bits."
        None MustAccept ["RFC 8446 §9.1"]
        |it| it.leaf.key = KeyKind::Rsa(4096),
        ACCEPTED;
    RsaPssLeaf "rsa-pss-leaf"
        "The server's key is RSA with 2048 bits, for signatures in RSASSA-PSS only."
        None MayAccept ["RFC 8446 §4.2.3"]
        |it| it.leaf.key = KeyKind::RsaPss,
        ACCEPTED.noted(WEAK_LEAF);
    P384Leaf "p384-leaf"
        "The server's key is on the curve P-384."
        None ShouldAccept ["RFC 8446 §4.2.3"]
        |it| it.leaf.key = KeyKind::P384,
        ACCEPTED;
    P521Leaf "p521-leaf"
        "The server's key is on the curve P-521."
        None MayAccept ["RFC 8446 §4.2.3"]
        |it| it.leaf.key = KeyKind::P521,
        ACCEPTED;
    Ed25519Leaf "ed25519-leaf"
        "The server's key is Ed25519."
        None MayAccept ["RFC 8446 §4.2.3"]
        |it| it.leaf.key = KeyKind::Ed25519,
        ACCEPTED;

    // Proof of the key.

    WrongKey "wrong-key"
        "The chain is sound, but the server proves another key than the certificate's."
        Proof MustReject ["RFC 8446 §4.4.3", "RFC 5246 §7.4.3"]
        |it| it.proof = Proof::AnotherKey,
        ACCEPTED.noted(SOUND_CHAIN);
    ForeignSignature "foreign-signature"
        "The chain is sound, but the server signs another transcript than that of this handshake."
        Proof MustReject ["RFC 8446 §4.4.3", "RFC 5246 §7.4.3"]
        |it| it.proof = Proof::AnotherTranscript,
        ACCEPTED.noted(SOUND_CHAIN);

    // Revocation.

    StapleGood "staple-good"
        "The server sends an OCSP response that says the certificate is good."
        None MustAccept ["RFC 6066 §8", "RFC 8446 §4.4.2.1"]
        |it| it.status = Status::Stapled(Staple::Good),
        ACCEPTED;
    StapleRevoked "staple-revoked"
        "The server sends an OCSP response that says the certificate is revoked."
        Revocation ShouldReject ["RFC 6066 §8", "RFC 6960 §2.2"]
        |it| it.status = Status::Stapled(Staple::Revoked),
        ACCEPTED.noted(NO_OCSP);
    StapleExpired "staple-expired"
        "The server sends an OCSP response that was true last week."
        Revocation MayAccept ["RFC 6066 §8", "RFC 6960 §3.2"]
        |it| it.status = Status::Stapled(Staple::Expired),
        ACCEPTED.noted(NO_OCSP);
    StapleOtherSerial "staple-other-serial"
        "The server sends an OCSP response about another certificate."
        Revocation MayAccept ["RFC 6066 §8", "RFC 6960 §3.2"]
        |it| it.status = Status::Stapled(Staple::OtherSerial),
        ACCEPTED.noted(NO_OCSP);
    StapleOtherSigner "staple-other-signer"
        "The server sends an OCSP response that the issuer did not sign."
        Revocation MayAccept ["RFC 6066 §8", "RFC 6960 §3.2"]
        |it| it.status = Status::Stapled(Staple::OtherSigner),
        ACCEPTED.noted(NO_OCSP);
    StapleGarbage "staple-garbage"
        "The server sends octets that are no OCSP response."
        Revocation MayAccept ["RFC 6066 §8"]
        |it| it.status = Status::Stapled(Staple::Garbage),
        ACCEPTED.noted(NO_OCSP);
    MustStapleGood "must-staple-good"
        "The certificate demands an OCSP response, and the server sends a good one."
        None MustAccept ["RFC 7633 §4.2.3.1"]
        |it| it.status = Status::MustStaple(Some(Staple::Good)),
        ACCEPTED;
    MustStapleMissing "must-staple-missing"
        "The certificate demands an OCSP response, and the server sends none."
        Revocation ShouldReject ["RFC 7633 §4.2.3.1"]
        |it| it.status = Status::MustStaple(None),
        ACCEPTED.noted(NO_OCSP);
    MustStapleExpired "must-staple-expired"
        "The certificate demands an OCSP response, and the server sends one that was true last week."
        Revocation ShouldReject ["RFC 7633 §4.2.3.1", "RFC 6960 §3.2"]
        |it| it.status = Status::MustStaple(Some(Staple::Expired)),
        ACCEPTED.noted(NO_OCSP);
    MustStapleOtherSerial "must-staple-other-serial"
        "The certificate demands an OCSP response, and the server sends one about another certificate."
        Revocation ShouldReject ["RFC 7633 §4.2.3.1", "RFC 6960 §3.2"]
        |it| it.status = Status::MustStaple(Some(Staple::OtherSerial)),
        ACCEPTED.noted(NO_OCSP);
    MustStapleOtherSigner "must-staple-other-signer"
        "The certificate demands an OCSP response, and the server sends one that the issuer did not sign."
        Revocation ShouldReject ["RFC 7633 §4.2.3.1", "RFC 6960 §3.2"]
        |it| it.status = Status::MustStaple(Some(Staple::OtherSigner)),
        ACCEPTED.noted(NO_OCSP);
    MustStapleGarbage "must-staple-garbage"
        "The certificate demands an OCSP response, and the server sends octets that are none."
        Revocation ShouldReject ["RFC 7633 §4.2.3.1"]
        |it| it.status = Status::MustStaple(Some(Staple::Garbage)),
        ACCEPTED.noted(NO_OCSP);
    CrlGood "crl-good"
        "The client is given current revocation lists, and the certificate is on none."
        None MustAccept ["RFC 5280 §6.3"]
        |it| it.status = Status::Listed(Listing::Good),
        ACCEPTED;
    CrlRevoked "crl-revoked"
        "The client is given the revocation list that the certificate is on."
        Revocation ShouldReject ["RFC 5280 §6.3"]
        |it| it.status = Status::Listed(Listing::Revoked),
        rejected(cert_revoked(0), "Revoked");
    CrlRevokedAtLastPoint "crl-revoked-at-last-point"
        "The certificate names three places of revocation lists; it is on the list of the last, which the client is given."
        Revocation ShouldReject ["RFC 5280 §6.3.3", "RFC 5280 §4.2.1.13"]
        |it| it.status = Status::Listed(Listing::RevokedAtLastPoint),
        rejected(cert_revoked(0), "Revoked");
    CrlExpired "crl-expired"
        "The client is given a revocation list that is out of date."
        Revocation MayAccept ["RFC 5280 §6.3.3"]
        |it| it.status = Status::Listed(Listing::Expired),
        rejected(crl_has_expired(0), "ExpiredRevocationList").noted("What to do without a current list is for the client to say.");
}

const PARTIAL_WILDCARD: &str =
    "OpenSSL lets a wildcard stand for a part of a label unless it is told not to.";
const SIZE_LIMIT: &str = "webpki reads no certificate of more than 64 KiB.";
const UNREADABLE_EXTENSION: &str =
    "OpenSSL does not look for the issuer of a certificate whose extensions it cannot read.";
const SERIAL: &str = "Authorities must not make such numbers; clients should bear with them.";
const SECURITY_LEVEL: &str = "OpenSSL rejects it at higher security levels only (-auth_level).";
const WEAK_LEAF: &str = "The chain is judged without using the leaf's key. What a client thinks of the key shows in the handshake.";
const UNUSABLE_KEY: &str = "The chain is judged without using the leaf's key. The server has another key and cannot prove this one.";
const SOUND_CHAIN: &str = "Both accept the chain, which is sound. The handshake must fail with decrypt_error, whatever the client thinks of the chain.";
const NO_OCSP: &str = "Neither looks at OCSP responses when it verifies a chain.";
