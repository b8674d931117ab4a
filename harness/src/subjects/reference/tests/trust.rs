//! Which chains are accepted under which trust, and what single flaws make of that.

use std::{collections::BTreeSet, sync::LazyLock};

use mailproof_certs::{Fault, Names, SignsIn};
use mailproof_scenarios::model::{ChainSpec, Flaw, Job, Protocol, Security, Trust, event::Said};
use pretty_assertions::assert_eq;
use rustls::{
    SupportedProtocolVersion,
    version::{TLS12, TLS13},
};
use test_case::test_case;

use super::world::run;
use crate::judge::trust::{Decision, decide};
use crate::subject::Request;
use crate::subjects::test_server::{AUTHORITY, Server, file, request};

/// Whether a chain is accepted, in every version of TLS in which a server can show it.
fn accepts(
    flaws: &[Flaw],
    trust: Trust,
    fault: Fault,
    protocol: Protocol,
    security: Security,
) -> bool {
    let job = match protocol {
        Protocol::Smtp => Job::Send,
        Protocol::Imap => Job::List,
    };
    static NEW: &[&SupportedProtocolVersion] = &[&TLS13];
    static OLD: &[&SupportedProtocolVersion] = &[&TLS12];
    let chain = AUTHORITY.chain(fault, &names(fault)).unwrap();
    let versions: &[_] = match chain.signs_in {
        SignsIn::Both => &[NEW, OLD],
        SignsIn::Tls12 => &[OLD],
        // This client does not know such keys, so that there is no handshake to judge.
        SignsIn::Tls13 => return false,
    };
    let mut accepted = BTreeSet::new();
    for versions in versions {
        let mut request = request(protocol, job, security);
        request.trust = trust;
        request.host = host(fault);
        pin(&mut request, fault);
        let server = Server::new(protocol, security).with(|it| {
            it.fault = fault;
            it.versions = versions;
        });
        let outcome = run(flaws, request, server);
        let expected = [Said::Success, Said::RefusedTls];
        assert!(expected.contains(&outcome.said()), "{fault} {outcome:#?}");
        accepted.insert(outcome.said() == Said::Success);
    }
    assert_eq!(accepted.len(), 1, "{fault} in TLS 1.3 and 1.2");
    accepted.contains(&true)
}

/// Compares the client with what the table of trust says, and names every chain that differs.
fn compare(
    trust: Trust,
    protocol: Protocol,
    security: Security,
    pinned: impl Fn(Fault) -> ChainSpec,
    exempt: &[Fault],
) {
    let mut wrong = Vec::new();
    for &fault in Fault::ALL {
        let accepted = accepts(&[], trust, fault, protocol, security);
        let decision = decide(trust, security, Some((fault, 0)), &pinned(fault));
        let right = match decision {
            Decision::Accept | Decision::AcceptWithRisk => accepted,
            Decision::MayAccept => true,
            Decision::ShouldReject | Decision::Reject => !accepted,
        };
        if right == exempt.contains(&fault) {
            wrong.push(format!("{fault}: {accepted}, {decision:?}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// The pin is the leaf of the fault, except for the valid chain: there it is another one.
fn pin(request: &mut Request, fault: Fault) {
    let names = names(fault);
    let variant = other_variant(fault);
    let chain = AUTHORITY.chain_variant(fault, &names, variant).unwrap();
    let name = format!("pin-{fault}-{:?}.pem", std::thread::current().id());
    request.pin_file = Some(file(&name, &chain.leaf_pem()));
}

fn other_variant(fault: Fault) -> u32 {
    u32::from(fault == Fault::Valid)
}

fn names(fault: Fault) -> Names {
    Names::dns("localhost").fitting(fault.needs())
}

/// What the client is told to connect to, so that it meets the fault.
fn host(fault: Fault) -> String {
    let names = names(fault);
    match names.ip.first() {
        Some(address) => address.to_string(),
        None => names.dns[0].clone(),
    }
}

#[test]
fn trust_ca_does_what_the_table_says() {
    let pinned = |_| ChainSpec::default();
    let unseen = [
        // No revocation list is given here.
        Fault::CrlRevoked,
        Fault::CrlRevokedAtLastPoint,
    ];
    compare(
        Trust::Ca,
        Protocol::Smtp,
        Security::Implicit,
        pinned,
        &unseen,
    );
}

#[test]
fn trust_always_does_what_the_table_says() {
    let pinned = |_| ChainSpec::default();
    compare(
        Trust::Always,
        Protocol::Imap,
        Security::Implicit,
        pinned,
        &[],
    );
}

#[test]
fn trust_pin_does_what_the_table_says() {
    let security = Security::StarttlsRequired;
    let pinned = |fault| ChainSpec {
        fault,
        variant: other_variant(fault),
        host: None,
    };
    compare(Trust::Pin, Protocol::Smtp, security, pinned, &[]);
}

#[test]
fn trust_system_has_no_anchors() {
    for fault in Fault::ALL {
        let accepted = accepts(
            &[],
            Trust::System,
            *fault,
            Protocol::Imap,
            Security::StarttlsRequired,
        );
        assert!(!accepted, "{fault}");
    }
}

/// What the perfect client accepts.
static ACCEPTED: LazyLock<BTreeSet<Fault>> = LazyLock::new(|| accepted_with(&[]));

fn accepted_with(flaws: &[Flaw]) -> BTreeSet<Fault> {
    let all = Fault::ALL.iter().copied();
    all.filter(|fault| accepts(flaws, Trust::Ca, *fault, Protocol::Smtp, Security::Implicit))
        .collect()
}

const ACCEPTS_ANY_CERTIFICATE: &str = "self-signed unknown-root same-name-other-key-root bad-signature-leaf leaf-as-anchor \
    ca-leaf-as-anchor wrong-host no-san cn-matches-san-does-not wildcard-two-levels wildcard-apex \
    wildcard-prefix wildcard-suffix wildcard-infix wildcard-middle wildcard-bare wildcard-top-level \
    address-as-dns-name address-as-common-name no-address unicode-dns-name nul-in-dns-name \
    nul-in-common-name srv-id-only uri-id-only email-id-only mail-domain-only expired-leaf \
    expired-just-now not-yet-valid valid-in-hours expired-intermediate expired-root \
    missing-intermediate very-long-chain cyclic-chain wrong-eku email-eku any-eku intermediate-eku \
    intermediate-not-ca no-basic-constraints no-key-cert-sign path-length-violated ca-leaf constraint-mismatch \
    constraint-excluded constraint-excluded-wildcard constraint-permitted-wildcard \
    constraint-other-network unknown-critical-leaf unknown-critical-intermediate duplicate-san \
    malformed-san trailing-octets version-1 long-length sha1-leaf sha1-intermediate md5-leaf \
    md5-intermediate rsa-1024-intermediate staple-revoked must-staple-missing must-staple-expired \
    must-staple-other-serial must-staple-other-signer must-staple-garbage";

const IGNORES_VALIDITY: &str =
    "expired-leaf expired-just-now not-yet-valid valid-in-hours expired-intermediate";

const IGNORES_ISSUER_VALIDITY: &str = "expired-intermediate";

const IGNORES_NAME: &str = "wrong-host no-san cn-matches-san-does-not wildcard-two-levels wildcard-apex wildcard-prefix \
    wildcard-suffix wildcard-infix wildcard-middle wildcard-bare wildcard-top-level \
    address-as-dns-name address-as-common-name no-address unicode-dns-name nul-in-dns-name \
    nul-in-common-name srv-id-only uri-id-only email-id-only mail-domain-only malformed-san";

const IGNORES_ANCHOR: &str = "self-signed unknown-root same-name-other-key-root bad-signature-leaf leaf-as-anchor expired-root \
    missing-intermediate cyclic-chain rsa-1024-intermediate";

const IGNORES_BASIC_CONSTRAINTS: &str =
    "intermediate-not-ca no-basic-constraints path-length-violated ca-leaf";

const IGNORES_KEY_USAGE: &str = "wrong-eku email-eku any-eku intermediate-eku";

const IGNORES_PROOF: &str = "rsa-512-leaf rsa-1024-leaf rsa-16384-leaf dsa-leaf p192-leaf secp256k1-leaf explicit-curve-leaf \
    wrong-key foreign-signature";

/// What is accepted beside that, and nothing more.
#[test_case(Flaw::AcceptsAnyCertificate, ACCEPTS_ANY_CERTIFICATE)]
#[test_case(Flaw::IgnoresValidity, IGNORES_VALIDITY)]
#[test_case(Flaw::IgnoresIssuerValidity, IGNORES_ISSUER_VALIDITY)]
#[test_case(Flaw::IgnoresName, IGNORES_NAME)]
#[test_case(Flaw::IgnoresAnchor, IGNORES_ANCHOR)]
#[test_case(Flaw::IgnoresBasicConstraints, IGNORES_BASIC_CONSTRAINTS)]
#[test_case(Flaw::IgnoresKeyUsage, IGNORES_KEY_USAGE)]
#[test_case(Flaw::IgnoresProof, IGNORES_PROOF)]
#[test_case(Flaw::TrustsIssuerName, "same-name-other-key-root")]
#[test_case(Flaw::SkipsLeafSignature, "bad-signature-leaf rsa-1024-intermediate")]
#[test_case(
    Flaw::SkipsUnknownSignatures,
    "sha1-leaf sha1-intermediate md5-leaf md5-intermediate"
)]
#[test_case(
    Flaw::AcceptsShortKeys,
    "rsa-512-leaf rsa-1024-leaf rsa-1024-intermediate"
)]
#[test_case(
    Flaw::GivesADayOfGrace,
    "expired-just-now not-yet-valid valid-in-hours"
)]
#[test_case(Flaw::IgnoresPathLength, "path-length-violated")]
#[test_case(Flaw::IgnoresKeyCertSign, "no-key-cert-sign")]
#[test_case(
    Flaw::IgnoresNameConstraints,
    "constraint-mismatch constraint-excluded constraint-excluded-wildcard constraint-permitted-wildcard constraint-other-network"
)]
#[test_case(
    Flaw::IgnoresWildcardsInConstraints,
    "constraint-excluded-wildcard constraint-permitted-wildcard"
)]
#[test_case(
    Flaw::IgnoresCriticalExtensions,
    "unknown-critical-leaf unknown-critical-intermediate"
)]
#[test_case(
    Flaw::FallsBackToCommonName,
    "no-san cn-matches-san-does-not malformed-san"
)]
#[test_case(Flaw::WildcardsMatchDeeply, "wildcard-two-levels")]
#[test_case(Flaw::WildcardsMatchTheApex, "wildcard-apex")]
#[test_case(
    Flaw::WildcardsMatchInPart,
    "wildcard-prefix wildcard-suffix wildcard-infix"
)]
#[test_case(Flaw::WildcardsMatchAnywhere, "wildcard-middle")]
#[test_case(Flaw::WildcardsMatchEverything, "wildcard-bare wildcard-top-level")]
#[test_case(
    Flaw::SkipsNameOfAddresses,
    "address-as-dns-name address-as-common-name no-address"
)]
#[test_case(
    Flaw::ComparesAddressesAsText,
    "address-as-dns-name address-as-common-name"
)]
#[test_case(
    Flaw::StopsAtNul,
    "no-san cn-matches-san-does-not nul-in-dns-name nul-in-common-name malformed-san"
)]
#[test_case(Flaw::BelievesAnyKindOfName, "uri-id-only email-id-only")]
#[test_case(
    Flaw::IgnoresStaple,
    "staple-revoked must-staple-missing must-staple-expired must-staple-other-serial must-staple-other-signer must-staple-garbage"
)]
#[test_case(
    Flaw::IgnoresMustStaple,
    "must-staple-missing must-staple-expired must-staple-other-serial must-staple-other-signer must-staple-garbage"
)]
#[test_case(
    Flaw::BelievesAnyStaple,
    "must-staple-expired must-staple-other-serial must-staple-other-signer must-staple-garbage"
)]
fn each_flaw_skips_one_check(flaw: Flaw, forgiven: &str) {
    let accepted = accepted_with(&[flaw]);
    let more: Vec<&str> = accepted.difference(&ACCEPTED).map(|it| it.name()).collect();
    let forgiven: Vec<&str> = forgiven.split_ascii_whitespace().collect();
    assert_eq!(more, forgiven, "{flaw}");
    let less: Vec<_> = ACCEPTED.difference(&accepted).collect();
    assert!(less.is_empty(), "{less:?}");
}

#[test_case(
    Flaw::SkipsVerificationAfterStarttls,
    Protocol::Smtp,
    Security::StarttlsRequired,
    true
)]
#[test_case(
    Flaw::SkipsVerificationAfterStarttls,
    Protocol::Smtp,
    Security::Implicit,
    false
)]
#[test_case(
    Flaw::SkipsVerificationOnSmtp,
    Protocol::Smtp,
    Security::Implicit,
    true
)]
#[test_case(
    Flaw::SkipsVerificationOnSmtp,
    Protocol::Imap,
    Security::Implicit,
    false
)]
fn skipping_by_carrier(flaw: Flaw, protocol: Protocol, security: Security, accepted: bool) {
    let fault = Fault::SelfSigned;
    assert_eq!(
        accepts(&[flaw], Trust::Ca, fault, protocol, security),
        accepted
    );
}
