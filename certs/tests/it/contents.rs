//! What stands in the certificates, read back with a parser that did not write them.

use crate::{AUTHORITY, HOST, NOW, chain};
use mailproof_certs::{Chain, Fault, Names};
use std::collections::{HashMap, HashSet};
use test_case::test_case;
use x509_parser::prelude::*;

fn parse(der: &[u8]) -> X509Certificate<'_> {
    let (rest, certificate) = X509Certificate::from_der(der).unwrap();
    assert!(rest.is_empty());
    certificate
}

fn parse_sent(chain: &Chain) -> Vec<X509Certificate<'_>> {
    chain.sent.iter().map(|der| parse(der)).collect()
}

/// The subject alternative names, in the spelling of the parser.
fn alternative_names(leaf: &X509Certificate<'_>) -> Vec<String> {
    let extension = leaf.subject_alternative_name().unwrap();
    extension.map_or_else(Vec::new, |extension| {
        let names = extension.value.general_names.iter();
        names.map(ToString::to_string).collect()
    })
}

fn common_name<'a>(certificate: &'a X509Certificate<'_>) -> &'a str {
    let mut names = certificate.subject().iter_common_name();
    names.next().unwrap().as_str().unwrap()
}

#[test]
fn every_certificate_has_a_name_of_its_own_issuer_and_says_that_it_is_a_test() {
    for &fault in Fault::ALL {
        let chain = chain(fault);
        for certificate in parse_sent(&chain) {
            let subject = certificate.subject().to_string();
            assert!(subject.contains("mailproof test"), "{subject}");
            let own_issuer = certificate.subject() == certificate.issuer();
            assert_eq!(own_issuer, fault == Fault::SelfSigned, "{subject}");
        }
    }
}

#[test]
fn a_serial_number_names_one_certificate() {
    let mut seen = HashMap::new();
    for &fault in Fault::ALL {
        let chain = chain(fault);
        for (certificate, der) in parse_sent(&chain).iter().zip(&chain.sent) {
            let serial = format!(
                "{} {}",
                certificate.issuer(),
                certificate.raw_serial_as_string()
            );
            let other = seen.insert(serial, der.clone());
            assert!(other.is_none_or(|other| other == *der), "{fault}");
        }
    }
}

#[test]
fn the_serial_and_the_fingerprint_are_those_of_the_leaf() {
    let chain = chain(Fault::Valid);
    let leaf = &parse_sent(&chain)[0];
    assert_eq!(chain.serial, leaf.raw_serial_as_string().replace(':', ""));
    assert_eq!(chain.serial.len(), 32);
    assert_eq!(chain.fingerprint().len(), 64);
}

#[test_case(Fault::Valid => 2)]
#[test_case(Fault::SelfSigned => 1)]
#[test_case(Fault::UnknownRoot => 2)]
#[test_case(Fault::MissingIntermediate => 1)]
fn the_root_is_never_sent(fault: Fault) -> usize {
    chain(fault).sent.len()
}

/// A subject that remembers intermediates could repair the chain with one it has seen.
#[test_case(Fault::ExpiredIntermediate)]
#[test_case(Fault::IntermediateNotCa)]
#[test_case(Fault::MissingIntermediate)]
#[test_case(Fault::UnknownRoot)]
fn a_faulty_or_withheld_intermediate_shares_no_name_with_a_sound_one(fault: Fault) {
    let valid = chain(Fault::Valid);
    let faulty = chain(fault);
    let sound = parse_sent(&valid)[0].issuer().to_string();
    let issuer = parse_sent(&faulty)[0].issuer().to_string();
    assert_ne!(issuer, sound);
}

#[test]
fn faults_of_the_leaf_share_the_sound_intermediate() {
    let sound = chain(Fault::Valid).sent[1].clone();
    for fault in [
        Fault::ExpiredLeaf,
        Fault::NotYetValid,
        Fault::WrongHost,
        Fault::NoSan,
        Fault::WrongEku,
        Fault::WrongKey,
    ] {
        assert_eq!(chain(fault).sent[1], sound, "{fault}");
    }
}

#[test]
fn a_leaf_is_no_authority() {
    for &fault in Fault::ALL {
        let chain = chain(fault);
        let leaf = &parse_sent(&chain)[0];
        let constraints = leaf.basic_constraints().unwrap().unwrap();
        assert!(!constraints.value.ca, "{fault}");
    }
}

#[test]
fn only_the_flag_of_an_intermediate_that_is_no_authority_is_wrong() {
    let chain = chain(Fault::IntermediateNotCa);
    let intermediate = &parse_sent(&chain)[1];
    assert!(!intermediate.basic_constraints().unwrap().unwrap().value.ca);
    assert!(
        intermediate
            .key_usage()
            .unwrap()
            .unwrap()
            .value
            .key_cert_sign()
    );
}

#[test]
fn validity_nests_unless_the_fault_is_the_validity_of_the_issuer() {
    let pem = |pem: &str| {
        Pem::iter_from_buffer(pem.as_bytes())
            .next()
            .unwrap()
            .unwrap()
    };
    let trusted = pem(AUTHORITY.root_pem());
    let other = pem(AUTHORITY.other_root_pem());
    for &fault in Fault::ALL {
        if fault == Fault::ExpiredIntermediate {
            continue;
        }
        let root = match fault {
            Fault::UnknownRoot => &other,
            _ => &trusted,
        };
        let chain = chain(fault);
        let mut path = parse_sent(&chain);
        path.push(root.parse_x509().unwrap());
        for pair in path.windows(2) {
            let (inner, outer) = (pair[0].validity(), pair[1].validity());
            assert!(outer.not_before <= inner.not_before, "{fault}");
            assert!(inner.not_after <= outer.not_after, "{fault}");
        }
    }
}

#[test]
fn certificates_are_valid_now_unless_the_fault_says_otherwise() {
    let now = ASN1Time::from_timestamp(NOW.unix_timestamp()).unwrap();
    for &fault in Fault::ALL {
        let chain = chain(fault);
        let invalid: Vec<usize> = parse_sent(&chain)
            .iter()
            .enumerate()
            .filter(|(_, certificate)| !certificate.validity().is_valid_at(now))
            .map(|(place, _)| place)
            .collect();
        let expected: &[usize] = match fault {
            Fault::ExpiredLeaf | Fault::NotYetValid => &[0],
            Fault::ExpiredIntermediate => &[1],
            _ => &[],
        };
        assert_eq!(invalid, expected, "{fault}");
    }
}

#[test]
fn all_names_stand_in_the_leaf() {
    let names = Names {
        dns: vec![HOST.to_owned(), "*.example.test".to_owned()],
        ip: vec!["127.0.0.1".parse().unwrap(), "::1".parse().unwrap()],
    };
    let chain = AUTHORITY.chain(Fault::Valid, &names).unwrap();
    let leaf = &parse_sent(&chain)[0];
    assert_eq!(common_name(leaf), HOST);
    let san = alternative_names(leaf);
    assert_eq!(san.len(), 4, "{san:?}");
}

#[test]
fn the_common_name_is_all_there_is_without_an_alternative_name() {
    let chain = chain(Fault::NoSan);
    let leaf = &parse_sent(&chain)[0];
    assert_eq!(common_name(leaf), HOST);
    assert_eq!(alternative_names(leaf), Vec::<String>::new());
}

#[test]
fn a_wrong_host_is_not_named_anywhere() {
    let names = Names {
        dns: vec![HOST.to_owned(), "other.example".to_owned()],
        ip: vec!["127.0.0.1".parse().unwrap()],
    };
    let chain = AUTHORITY.chain(Fault::WrongHost, &names).unwrap();
    let leaf = &parse_sent(&chain)[0];
    assert_eq!(common_name(leaf), "other.host1.example");
    assert_eq!(alternative_names(leaf), ["DNSName(other.host1.example)"]);
}

#[test]
fn the_wrong_key_is_of_the_same_algorithm() {
    let chain = chain(Fault::WrongKey);
    let proven = chain.key.public_key().unwrap();
    let leaf = &parse_sent(&chain)[0];
    let (_, proven) = SubjectPublicKeyInfo::from_der(proven.as_ref()).unwrap();
    assert_eq!(proven.algorithm, leaf.public_key().algorithm);
    assert_ne!(
        proven.subject_public_key,
        leaf.public_key().subject_public_key,
    );
}

#[test]
fn every_other_key_is_the_one_of_the_leaf() {
    for &fault in Fault::ALL {
        let chain = chain(fault);
        let matches = chain.certified_key().keys_match().is_ok();
        assert_eq!(matches, fault != Fault::WrongKey, "{fault}");
    }
}

#[test]
fn pem_and_der_are_the_same_certificates() {
    let lines: HashSet<usize> = chain(Fault::Valid)
        .sent_pem()
        .lines()
        .map(str::len)
        .collect();
    assert!(lines.iter().all(|&length| length <= 64), "{lines:?}");
    for &fault in Fault::ALL {
        let chain = chain(fault);
        let pem = chain.sent_pem();
        let read: Vec<Vec<u8>> = Pem::iter_from_buffer(pem.as_bytes())
            .map(|block| block.unwrap().contents)
            .collect();
        let sent: Vec<&[u8]> = chain.sent.iter().map(AsRef::as_ref).collect();
        assert_eq!(read, sent, "{fault}");
    }
}
