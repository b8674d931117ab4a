//! Which chains are accepted under which trust, and what single flaws make of that.

use mailproof_certs::{Fault, Names};
use mailproof_scenarios::model::{Flaw, Job, Protocol, Security, Trust, event::Said};
use pretty_assertions::assert_eq;
use rustls::{
    SupportedProtocolVersion,
    version::{TLS12, TLS13},
};
use test_case::test_case;

use super::world::run;
use crate::subject::Request;
use crate::subjects::test_server::{AUTHORITY, Server, file, request};

/// Whether a chain is accepted.
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
    let mut accepted = Vec::new();
    static NEW: &[&SupportedProtocolVersion] = &[&TLS13];
    static OLD: &[&SupportedProtocolVersion] = &[&TLS12];
    for versions in [NEW, OLD] {
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
        assert!(expected.contains(&outcome.said()), "{outcome:#?}");
        accepted.push(outcome.said() == Said::Success);
    }
    assert_eq!(accepted[0], accepted[1], "{fault} in TLS 1.3 and 1.2");
    accepted[0]
}

/// The pin is the leaf of the fault, except for the valid chain: there it is another one.
fn pin(request: &mut Request, fault: Fault) {
    let names = names(fault);
    let variant = u32::from(fault == Fault::Valid);
    let chain = AUTHORITY.chain_variant(fault, &names, variant).unwrap();
    let name = format!("pin-{fault}-{:?}.pem", std::thread::current().id());
    request.pin_file = Some(file(&name, &chain.leaf_pem()));
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
fn trust_ca_accepts_the_valid_chain_only() {
    for fault in Fault::ALL {
        let accepted = accepts(&[], Trust::Ca, *fault, Protocol::Smtp, Security::Implicit);
        assert_eq!(accepted, *fault == Fault::Valid, "{fault}");
    }
}

#[test]
fn trust_always_accepts_every_chain_whose_key_is_proved() {
    for fault in Fault::ALL {
        let accepted = accepts(
            &[],
            Trust::Always,
            *fault,
            Protocol::Imap,
            Security::Implicit,
        );
        assert_eq!(accepted, *fault != Fault::WrongKey, "{fault}");
    }
}

#[test]
fn trust_pin_accepts_its_leaf_whose_key_is_proved() {
    for fault in Fault::ALL {
        let accepted = accepts(
            &[],
            Trust::Pin,
            *fault,
            Protocol::Smtp,
            Security::StarttlsRequired,
        );
        let expected = !matches!(fault, Fault::Valid | Fault::WrongKey);
        assert_eq!(accepted, expected, "{fault}");
    }
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

/// What is accepted beside the valid chain, and nothing more.
#[test_case(Flaw::AcceptsAnyCertificate, &[Fault::SelfSigned, Fault::ExpiredLeaf, Fault::ExpiredIntermediate, Fault::NotYetValid, Fault::WrongHost, Fault::NoSan, Fault::UnknownRoot, Fault::MissingIntermediate, Fault::IntermediateNotCa, Fault::WrongEku])]
#[test_case(Flaw::IgnoresValidity, &[Fault::ExpiredLeaf, Fault::ExpiredIntermediate, Fault::NotYetValid])]
#[test_case(Flaw::IgnoresIssuerValidity, &[Fault::ExpiredIntermediate])]
#[test_case(Flaw::IgnoresName, &[Fault::WrongHost, Fault::NoSan])]
#[test_case(Flaw::IgnoresAnchor, &[Fault::SelfSigned, Fault::UnknownRoot, Fault::MissingIntermediate])]
#[test_case(Flaw::IgnoresBasicConstraints, &[Fault::IntermediateNotCa])]
#[test_case(Flaw::IgnoresKeyUsage, &[Fault::WrongEku])]
#[test_case(Flaw::IgnoresProof, &[Fault::WrongKey])]
fn each_flaw_skips_one_check(flaw: Flaw, forgiven: &[Fault]) {
    for fault in Fault::ALL {
        let accepted = accepts(
            &[flaw],
            Trust::Ca,
            *fault,
            Protocol::Smtp,
            Security::Implicit,
        );
        let expected = *fault == Fault::Valid || forgiven.contains(fault);
        assert_eq!(accepted, expected, "{flaw} {fault}");
    }
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
