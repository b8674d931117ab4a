use crate::{HOST, NOW, names};
use mailproof_certs::{Authority, Fault, ForgeError, Names};
use std::{collections::HashSet, sync::Arc, thread};
use test_case::test_case;
use time::macros::datetime;

#[test]
fn a_chain_is_forged_once() {
    let authority = Authority::fresh(NOW).unwrap();
    for &fault in Fault::ALL {
        let names = names(fault);
        let first = authority.chain(fault, &names).unwrap();
        let again = authority.chain_variant(fault, &names, 0).unwrap();
        assert!(Arc::ptr_eq(&first, &again), "{fault}");
    }
}

#[test]
fn a_chain_is_forged_once_for_all_threads() {
    let authority = Authority::fresh(NOW).unwrap();
    let ask = || authority.chain(Fault::Valid, &Names::dns(HOST)).unwrap();
    let chains = thread::scope(|scope| {
        let askers = [(); 8].map(|()| scope.spawn(ask));
        askers.map(|asker| asker.join().unwrap())
    });
    assert!(chains.iter().all(|chain| Arc::ptr_eq(chain, &chains[0])));
}

/// A key that takes long to make holds up nobody who asks for another chain.
#[test]
fn a_slow_chain_is_forged_beside_the_others() {
    let authority = Authority::fresh(NOW).unwrap();
    let names = Names::dns(HOST);
    thread::scope(|scope| {
        let slow = scope.spawn(|| authority.chain(Fault::Rsa16384Leaf, &names).unwrap());
        for variant in 0.. {
            authority
                .chain_variant(Fault::Valid, &names, variant)
                .unwrap();
            if slow.is_finished() {
                break;
            }
        }
        slow.join().unwrap();
    });
}

#[test]
fn faults_names_and_variants_have_leaves_of_their_own() {
    let authority = Authority::fresh(NOW).unwrap();
    let mut fingerprints = HashSet::new();
    let mut keys = HashSet::new();
    for &fault in Fault::ALL {
        for host in [HOST, "imap.example.test"] {
            let names = Names::dns(host).fitting(fault.needs());
            for variant in 0..3 {
                let chain = authority.chain_variant(fault, &names, variant).unwrap();
                assert_eq!((chain.fault, chain.variant), (fault, variant));
                assert!(fingerprints.insert(chain.fingerprint()), "{chain:?}");
                let new = keys.insert(chain.key_pem.clone());
                // RSA keys take long to make.
                assert!(new || fault.name().starts_with("rsa-"), "{chain:?}");
            }
        }
    }
}

#[test]
fn no_two_authorities_share_anything() {
    let one = Authority::fresh(NOW).unwrap();
    let two = Authority::fresh(NOW).unwrap();
    assert_ne!(one.root_pem(), two.root_pem());
    assert_ne!(one.root_pem(), one.other_root_pem());
}

#[test]
fn the_clock_is_kept_in_utc() {
    let authority = Authority::fresh(datetime!(2041-02-28 23:30:00 -5)).unwrap();
    assert_eq!(
        authority.now().to_string(),
        "2041-03-01 4:30:00.0 +00:00:00"
    );
}

#[test]
fn debug_output_holds_no_private_key() {
    let authority = Authority::fresh(NOW).unwrap();
    let chain = authority.chain(Fault::Valid, &Names::dns(HOST)).unwrap();
    let shown = format!("{authority:?} {chain:?}");
    assert!(shown.len() < 400, "{shown}");
    assert!(!shown.contains("PRIVATE"), "{shown}");
}

const LONG: &str =
    "a-host-name-that-is-longer-than-the-64-characters-of-a-common-name.example.test";

#[test_case(Fault::Valid, "postfach-ä.test" => "`postfach-ä.test` cannot stand in a certificate as a host name (use the xn-- form)"; "u-label")]
#[test_case(Fault::Valid, LONG => "fine"; "long name in the alternative name")]
#[test_case(Fault::NoSan, LONG => format!("`{LONG}` is longer than the 64 characters a common name may have"); "long name in the common name")]
fn names_that_do_not_fit_are_refused(fault: Fault, name: &str) -> String {
    let authority = Authority::fresh(NOW).unwrap();
    match authority.chain(fault, &Names::dns(name)) {
        Ok(_) => "fine".to_owned(),
        Err(error) => error.to_string(),
    }
}

#[test_case(Fault::Wildcard, "localhost" => "`localhost` cannot be named in this way: that needs a host name of 3 labels or more")]
#[test_case(Fault::WildcardPrefix, "mx.example.test" => "`mx.example.test` cannot be named in this way: that needs a host name of 3 labels or more, the first of 3 characters or more")]
#[test_case(Fault::NoAddress, "localhost" => "`localhost` cannot be named in this way: that needs an address")]
#[test_case(Fault::UnicodeDnsName, "localhost" => "`localhost` cannot be named in this way: that needs a host name with an xn-- label")]
fn names_that_cannot_show_the_fault_are_refused(fault: Fault, name: &str) -> String {
    let authority = Authority::fresh(NOW).unwrap();
    let refusal = authority.chain(fault, &Names::dns(name)).unwrap_err();
    assert!(!fault.needs().met_by(&Names::dns(name)));
    refusal.to_string()
}

/// What every fault needs is enough for it.
#[test]
fn fitting_names_are_never_refused() {
    let authority = Authority::fresh(NOW).unwrap();
    for &fault in Fault::ALL {
        for names in [
            Names::dns("localhost"),
            Names {
                dns: vec![],
                ip: vec![[127, 0, 0, 1].into()],
            },
        ] {
            let names = names.fitting(fault.needs());
            authority.chain(fault, &names).unwrap();
        }
    }
}

#[test]
fn a_server_without_a_name_is_refused() {
    let authority = Authority::fresh(NOW).unwrap();
    let nobody = Names {
        dns: vec![],
        ip: vec![],
    };
    let refusal = authority.chain(Fault::Valid, &nobody).unwrap_err();
    assert!(matches!(refusal, ForgeError::NoNames));
}

#[test_case(datetime!(1900-01-01 0:00 UTC))]
#[test_case(datetime!(9999-12-31 0:00 UTC))]
fn a_clock_that_certificates_cannot_follow_is_refused(now: time::OffsetDateTime) {
    let refusal = Authority::fresh(now).unwrap_err();
    assert!(matches!(refusal, ForgeError::BadClock { now: shown } if shown == now));
}

#[test]
fn an_authority_can_be_shared() {
    fn shareable<T: Send + Sync + 'static>() {}
    shareable::<Authority>();
    shareable::<mailproof_certs::Chain>();
}
