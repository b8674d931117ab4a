//! The records alone give every verdict again.

use mailproof::results::Results;
use mailproof_tests::program::{Report, mailproof};

#[test]
fn the_records_give_the_same_results() {
    let report = Report::of(&[
        "run",
        "accepts-everything",
        "-i",
        "cert/trust/**",
        "-i",
        "smtp/greeting/**",
    ]);
    assert_eq!(report.ended.code, Some(1), "{}", report.ended.stderr);
    let folder = report.folder.path().to_str().unwrap();
    let again = mailproof(&["rejudge", folder, "--format", "json", "--quiet"]);
    assert_eq!(again.code, Some(1), "{}", again.stderr);
    let again: Results = serde_json::from_str(&again.stdout).unwrap();
    assert!(again.cases.len() > 10);
    assert_eq!(again, report.results);
}
