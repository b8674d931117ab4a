//! A user's repository: a product of their own is certified from `mailproof.toml`, and a regression is noticed.

use std::path::Path;

use mailproof::results::{Change, Conformance, Results, Verdict};
use mailproof_tests::program::{Ended, command, is_installed, results};
use tempfile::TempDir;
use test_case::test_case;

use crate::remote::{Outbox, TOKEN, products};

/// What the repository demands: enough to meet each regression, little enough for a test.
const PROFILE: &str = r#"
name      = "outbox"
title     = "What Outbox promises"
as_of     = "2026-11"
purpose   = "A product that sends."
protocols = ["smtp"]
mandatory = ["cert/time/expired-leaf", "cert/trust/self-signed", "smtp/starttls/not-offered*"]
[needs]
jobs     = ["send over smtp"]
security = ["implicit", "starttls-required"]
"#;

const PROJECT: &str = r#"
adapter   = "mail/outbox.toml"
profile   = "mail/profile.toml"
snapshots = "mail/snapshots"
out       = "report"
"#;

/// A repository with an adapter, a profile and accepted snapshots of the product as it is.
fn repository() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let mail = folder.path().join("mail");
    std::fs::create_dir(&mail).unwrap();
    let adapter = products().join("outbox/outbox.toml");
    std::fs::copy(adapter, mail.join("outbox.toml")).unwrap();
    std::fs::write(mail.join("profile.toml"), PROFILE).unwrap();
    std::fs::write(folder.path().join("mailproof.toml"), PROJECT).unwrap();
    let (first, _) = run(folder.path(), &[]);
    assert_eq!(first.code, Some(6), "nothing is accepted yet: {first:?}");
    let accepted = in_folder(folder.path(), &["snapshot", "accept", "--all"]);
    assert_eq!(accepted.code, Some(0), "{}", accepted.stderr);
    folder
}

fn in_folder(folder: &Path, arguments: &[&str]) -> Ended {
    let ended = command(arguments).current_dir(folder).output();
    ended.unwrap().into()
}

/// `mailproof run` and nothing else, as CI says it, with a product that has these switches.
fn run(folder: &Path, switches: &[&str]) -> (Ended, Results) {
    let product = Outbox::start(switches);
    let ended: Ended = command(["run"])
        .current_dir(folder)
        .env("OUTBOX_URL", &product.url)
        .env("OUTBOX_TOKEN", TOKEN)
        .output()
        .unwrap()
        .into();
    let results = results(&folder.join("report"), &ended);
    (ended, results)
}

fn failed(results: &Results) -> Vec<&str> {
    let mut failed: Vec<&str> = results
        .cases
        .iter()
        .filter(|it| it.judgement.verdict == Verdict::Fail)
        .map(|it| it.id.split('#').next().unwrap_or_default())
        .collect();
    failed.dedup();
    failed
}

#[test]
fn the_product_as_it_is_conforms_again_and_again() {
    if !is_installed("python3") {
        return;
    }
    let repository = repository();
    let (ended, results) = run(repository.path(), &[]);
    assert_eq!(ended.code, Some(0), "{}{}", ended.stdout, ended.stderr);
    let standing = results.standing.unwrap();
    assert!(
        matches!(
            standing.conformance,
            Conformance::Conformant | Conformance::ConformantWithWarnings
        ),
        "{standing:?}"
    );
    assert!(standing.decided >= 6, "{standing:?}");
    assert!(repository.path().join("report/report.html").is_file());
}

#[test_case("--accept-expired", "cert/time/expired-leaf"; "an expired certificate")]
#[test_case("--auth-before-starttls", "smtp/starttls/not-offered"; "a password before STARTTLS")]
fn a_regression_is_a_failure(switch: &str, meets: &str) {
    if !is_installed("python3") {
        return;
    }
    let repository = repository();
    let (ended, results) = run(repository.path(), &[switch]);
    assert_eq!(ended.code, Some(1), "{}", ended.stdout);
    assert!(failed(&results).contains(&meets), "{:?}", failed(&results));
    let standing = results.standing.unwrap();
    assert_eq!(standing.conformance, Conformance::NonConformant);
}

#[test]
fn another_name_in_ehlo_is_a_change_and_no_failure() {
    if !is_installed("python3") {
        return;
    }
    let repository = repository();
    let (ended, results) = run(repository.path(), &["--ehlo", "new-name.example"]);
    assert_eq!(ended.code, Some(6), "{}{}", ended.stdout, ended.stderr);
    assert_eq!(failed(&results), [] as [&str; 0]);
    assert!(!results.snapshots.is_empty());
    for it in &results.snapshots {
        assert_eq!(it.change, Change::Changed, "{}", it.id);
        assert!(it.diff.contains("new-name.example"), "{}", it.diff);
    }
}
