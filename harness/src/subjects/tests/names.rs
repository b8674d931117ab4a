//! Subjects by name.

use pretty_assertions::assert_eq;
use test_case::test_case;

use mailproof_scenarios::model::Flaw;

use super::super::{async_imap, embedded, flaws, lettre, names};

#[test]
fn every_name_is_known() {
    for name in names() {
        let (_, supports, version) = embedded(name).unwrap();
        assert!(!supports.jobs.is_empty(), "{name}");
        assert!(!version.is_empty(), "{name}");
    }
}

#[test_case("reference", Some(&[]))]
#[test_case("reference+crashes", Some(&[Flaw::Crashes]))]
#[test_case("reference+crashes+ignores-name", Some(&[Flaw::Crashes, Flaw::IgnoresName]))]
#[test_case("reference+nonsense", None)]
#[test_case("reference+", None)]
#[test_case("referenc", None)]
#[test_case("", None)]
fn flaws_by_name(name: &str, expected: Option<&[Flaw]>) {
    assert_eq!(flaws(name).as_deref(), expected);
    assert_eq!(embedded(name).is_some(), expected.is_some());
}

#[test]
fn every_flaw_can_be_named() {
    for flaw in Flaw::ALL {
        assert!(embedded(&format!("reference+{flaw}")).is_some(), "{flaw}");
    }
}

/// The versions are those that are built in.
#[test_case("lettre", lettre::Lettre::VERSION)]
#[test_case("async-imap", async_imap::AsyncImap::VERSION)]
fn versions(package: &str, version: &str) {
    let lock = include_str!("../../../../Cargo.lock");
    let entry = format!("name = \"{package}\"\nversion = \"{version}\"\n");
    assert!(lock.contains(&entry), "{package} is not {version}");
}
