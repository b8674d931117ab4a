//! Reports of runs that are over.

use std::fs;

use mailproof_tests::program::{Report, mailproof};
use serde_json::Value;
use test_case::test_case;

fn run() -> Report {
    Report::of(&["run", "accepts-everything", "-i", "cert/trust/self-signed"])
}

#[test]
fn every_format_comes_from_what_is_stored() {
    let report = run();
    let folder = report.folder.path().to_str().unwrap();
    assert!(report.folder.path().join("report.html").exists());
    let made = |format: &str| {
        let ended = mailproof(&["report", folder, "--format", format]);
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        ended.stdout
    };
    let kept = |name: &str| fs::read_to_string(report.folder.path().join(name)).unwrap();
    assert_eq!(made("json"), kept("results.json"));
    assert_eq!(made("junit"), kept("junit.xml"));
    assert_eq!(made("markdown"), kept("summary.md"));
    let page = kept("report.html");
    assert_eq!(made("html"), "", "a page goes into the folder");
    assert_eq!(kept("report.html"), page);

    let sarif: Value = serde_json::from_str(&made("sarif")).unwrap();
    let result = &sarif["runs"][0]["results"][0];
    assert_eq!(result["ruleId"], "cert/trust/self-signed");
    let place = &result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"];
    assert_eq!(
        place,
        "scenarios/library/client/cert/trust/self-signed.toml"
    );
}

#[test]
fn without_records_there_is_a_page_and_a_word_about_it() {
    let report = run();
    let folder = report.folder.path();
    fs::remove_file(folder.join("records.ndjson")).unwrap();
    let ended = mailproof(&["report", folder.to_str().unwrap()]);
    assert_eq!(ended.code, Some(0));
    assert!(ended.stderr.contains("no octets"), "{}", ended.stderr);
    let page = fs::read_to_string(folder.join("report.html")).unwrap();
    assert!(page.contains("cert/trust/self-signed"));
}

#[test_case(&["report", "/nowhere"], 2, "give a folder that `mailproof run --out` wrote"; "no folder")]
#[test_case(&["report"], 2, "required"; "nothing")]
#[test_case(&["report", "a", "b", "--format", "junit"], 2, "only html, markdown and sarif"; "several for one")]
#[test_case(&["report", "a", "--out", "/"], 2, "name a file with --out"; "a folder as the file")]
#[test_case(&["report", "a", "b", "--out", "/proc/none/page.html"], 3, "cannot write"; "not writable")]
fn bad_input_is_told(arguments: &[&str], code: i32, words: &str) {
    let ended = mailproof(arguments);
    assert_eq!(ended.code, Some(code), "{}", ended.stderr);
    assert!(ended.stderr.contains(words), "{}", ended.stderr);
}

#[test_case("{", "is no results file"; "cut")]
#[test_case("{\"v\": 99}", "reads 1 and older"; "newer")]
fn a_damaged_file_is_named(text: &str, words: &str) {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("results.json"), text).unwrap();
    let ended = mailproof(&["report", dir.path().to_str().unwrap()]);
    assert_eq!(ended.code, Some(2));
    assert!(
        ended.stderr.contains("results.json") && ended.stderr.contains(words),
        "{}",
        ended.stderr
    );
    assert!(!dir.path().join("report.html").exists());
}
