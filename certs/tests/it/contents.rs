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

/// The faults whose certificates are certificates.
fn readable() -> impl Iterator<Item = Fault> {
    let faults = Fault::ALL.iter().copied();
    faults.filter(|fault| {
        let octets = [Fault::TrailingOctets, Fault::CutShort, Fault::LongLength];
        !octets.contains(fault)
    })
}

/// The faults with a certificate that signs itself.
const SELF_SIGNED: [Fault; 5] = [
    Fault::SelfSigned,
    Fault::LeafAsAnchor,
    Fault::CaLeafAsAnchor,
    Fault::ShuffledChain,
    Fault::ChainWithRoot,
];

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
    for fault in readable() {
        let chain = chain(fault);
        let certificates = parse_sent(&chain);
        for certificate in &certificates {
            let subject = certificate.subject().to_string();
            assert!(subject.contains("mailproof test"), "{subject}");
        }
        let own_issuer = certificates.iter().any(|it| it.subject() == it.issuer());
        assert_eq!(own_issuer, SELF_SIGNED.contains(&fault), "{fault}");
    }
}

#[test]
fn a_serial_number_names_one_certificate() {
    let mut seen = HashMap::new();
    for fault in readable() {
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
fn a_leaf_is_no_authority_unless_that_is_the_fault() {
    for fault in readable() {
        let chain = chain(fault);
        let constraints = parse(&chain.leaf)
            .basic_constraints()
            .unwrap()
            .map(|it| it.value.ca);
        let expected = match fault {
            Fault::CaLeaf | Fault::CaLeafAsAnchor => Some(true),
            Fault::Version1 => None,
            _ => Some(false),
        };
        assert_eq!(constraints, expected, "{fault}");
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
fn validity_nests_unless_the_fault_is_the_validity() {
    let other = AUTHORITY.other_root_pem();
    let other = Pem::iter_from_buffer(other.as_bytes())
        .next()
        .unwrap()
        .unwrap();
    let exempt = [
        Fault::ExpiredIntermediate,
        Fault::ExpiredRoot,
        Fault::CrossSignedOneExpired,
        Fault::EndsAfter2050,
        Fault::NoEndDate,
        // Not one path.
        Fault::ShuffledChain,
    ];
    for fault in readable().filter(|fault| !exempt.contains(fault)) {
        let chain = chain(fault);
        let mut path = parse_sent(&chain);
        path.push(match fault {
            Fault::UnknownRoot => other.parse_x509().unwrap(),
            _ => parse(&chain.anchor),
        });
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
    for fault in readable() {
        let chain = chain(fault);
        let invalid: Vec<usize> = parse_sent(&chain)
            .iter()
            .enumerate()
            .filter(|(_, certificate)| !certificate.validity().is_valid_at(now))
            .map(|(place, _)| place)
            .collect();
        let expected: &[usize] = match fault {
            Fault::ExpiredLeaf
            | Fault::ExpiredJustNow
            | Fault::NotYetValid
            | Fault::ValidInHours => &[0],
            Fault::ExpiredIntermediate | Fault::CrossSignedOneExpired => &[1],
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
    for fault in readable() {
        let chain = chain(fault);
        let leaf = parse(&chain.leaf);
        let matches = chain.key.public_key().unwrap().as_ref() == leaf.public_key().raw;
        let expected = match fault {
            Fault::WrongKey | Fault::DsaLeaf | Fault::P192Leaf | Fault::Secp256k1Leaf => false,
            // The same point; only the certificate spells out the curve.
            Fault::ExplicitCurveLeaf => false,
            _ => true,
        };
        assert_eq!(matches, expected, "{fault}");
    }
}

#[test]
fn explicit_parameters_are_those_of_the_key() {
    let chain = chain(Fault::ExplicitCurveLeaf);
    let proven = chain.key.public_key().unwrap();
    let (_, proven) = SubjectPublicKeyInfo::from_der(proven.as_ref()).unwrap();
    let leaf = parse(&chain.leaf);
    let shown = &leaf.public_key().subject_public_key;
    assert_eq!(proven.subject_public_key, *shown);
}

/// DSA, say, is a property of the key in the certificate, whoever signs.
#[test_case(Fault::Rsa512Leaf, 512)]
#[test_case(Fault::Rsa1024Leaf, 1024)]
#[test_case(Fault::Rsa2048Leaf, 2048)]
#[test_case(Fault::Rsa3072Leaf, 3072)]
#[test_case(Fault::Rsa4096Leaf, 4096)]
#[test_case(Fault::Rsa16384Leaf, 16384)]
#[test_case(Fault::RsaPssLeaf, 2048)]
#[test_case(Fault::P192Leaf, 192)]
#[test_case(Fault::Secp256k1Leaf, 256)]
#[test_case(Fault::P384Leaf, 384)]
#[test_case(Fault::P521Leaf, 528; "P-521 in whole octets")]
fn a_key_has_its_size(fault: Fault, bits: usize) {
    let chain = chain(fault);
    let key = parse(&chain.leaf);
    let key = key.public_key();
    let octets = &key.subject_public_key.data;
    let size = match key.algorithm.algorithm.to_id_string().as_str() {
        "1.2.840.10045.2.1" => (octets.len() - 1) / 2 * 8,
        _ => {
            let (_, rsa) = x509_parser::public_key::RSAPublicKey::from_der(octets).unwrap();
            rsa.key_size()
        }
    };
    assert_eq!(size, bits);
}

#[test_case(Fault::Sha1Leaf, 0, "1.2.840.113549.1.1.5")]
#[test_case(Fault::Sha1Intermediate, 1, "1.2.840.113549.1.1.5")]
#[test_case(Fault::Md5Leaf, 0, "1.2.840.113549.1.1.4")]
#[test_case(Fault::Md5Intermediate, 1, "1.2.840.113549.1.1.4")]
fn an_outdated_hash_is_at_its_place_only(fault: Fault, place: usize, algorithm: &str) {
    let chain = chain(fault);
    for (at, certificate) in parse_sent(&chain).iter().enumerate() {
        let outer = certificate.signature_algorithm.algorithm.to_id_string();
        let inner = certificate
            .tbs_certificate
            .signature
            .algorithm
            .to_id_string();
        assert_eq!(outer, inner);
        assert_eq!(outer == algorithm, at == place, "{outer} at {at}");
    }
}

#[test_case(Fault::SerialZero => "00".to_owned())]
#[test_case(Fault::SerialTooLong => "21 octets".to_owned())]
#[test_case(Fault::SerialNegative => "negative".to_owned())]
#[test_case(Fault::Valid => "16 octets".to_owned())]
fn a_serial_number_has_its_form(fault: Fault) -> String {
    let chain = chain(fault);
    let leaf = parse(&chain.leaf);
    let octets = leaf.raw_serial();
    assert_eq!(leaf.raw_serial_as_string().replace(':', ""), chain.serial);
    match octets {
        [0] => chain.serial.clone(),
        [first, ..] if first & 0x80 != 0 => "negative".to_owned(),
        _ => format!("{} octets", octets.len()),
    }
}

#[test_case(Fault::EndsAfter2050)]
#[test_case(Fault::NoEndDate)]
fn late_dates_are_generalized_time(fault: Fault) {
    let leaf = chain(fault).leaf.clone();
    let until = match fault {
        Fault::NoEndDate => &b"99991231235959Z"[..],
        _ => b"20510101000000Z",
    };
    let written = [&[0x18, 15], until].concat();
    assert!(leaf.windows(written.len()).any(|it| it == written));
}

#[test_case(Fault::Valid, &[])]
#[test_case(Fault::NulInDnsName, &[b"mail.example.test\0.other.example"])]
#[test_case(Fault::UnicodeDnsName, &["bücher.mail.example.test".as_bytes()])]
#[test_case(Fault::SrvIdOnly, &[b"_imaps.example.test", b"_submissions.example.test"])]
#[test_case(Fault::UriIdOnly, &[b"imap://mail.example.test"])]
#[test_case(Fault::EmailIdOnly, &[b"postmaster@mail.example.test"])]
#[test_case(Fault::MixedCaseName, &[b"mAiL.ExAmPlE.TeSt"])]
#[test_case(Fault::TenThousandNames, &[b"h9999.other.example", b"mail.example.test"])]
#[test_case(Fault::AddressAsDnsName, &[b"127.0.0.1"])]
fn names_are_written_octet_for_octet(fault: Fault, names: &[&[u8]]) {
    let leaf = chain(fault).leaf.clone();
    for name in names {
        let mut written = vec![u8::try_from(name.len()).unwrap()];
        written.extend_from_slice(name);
        assert!(
            leaf.windows(written.len()).any(|it| it == written),
            "{fault}"
        );
    }
}

#[test]
fn damaged_certificates_are_otherwise_whole() {
    let chain = chain(Fault::TrailingOctets);
    let (rest, _) = X509Certificate::from_der(&chain.leaf).unwrap();
    assert_eq!(rest, b"trailing octets");
    let chain = self::chain(Fault::LongLength);
    assert_eq!(chain.leaf[..2], [0x30, 0x83]);
    let chain = self::chain(Fault::CutShort);
    assert!(X509Certificate::from_der(&chain.leaf).is_err());
}

#[test]
fn anchors_lists_and_staples_come_with_the_faults_that_need_them() {
    let trusted = AUTHORITY.root_der();
    for &fault in Fault::ALL {
        let chain = chain(fault);
        let own_anchor = matches!(
            fault,
            Fault::LeafAsAnchor | Fault::CaLeafAsAnchor | Fault::ExpiredRoot
        );
        assert_eq!(chain.anchor != trusted, own_anchor, "{fault}");
        let name = fault.name();
        assert_eq!(!chain.crls.is_empty(), name.starts_with("crl-"), "{fault}");
        let stapled = name.contains("staple-") && fault != Fault::MustStapleMissing;
        assert_eq!(chain.staple.is_some(), stapled, "{fault}");
        assert_eq!(chain.certified_key().ocsp, chain.staple, "{fault}");
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
