//! What the page about coverage says is what the scenarios cover.

use std::{fs, path::Path};

use mailproof_tests::program::mailproof;

#[test]
fn the_page_is_as_trace_writes_it() {
    let ended = mailproof(&["trace", "--format", "markdown"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/coverage.md");
    let written = fs::read_to_string(page).unwrap_or_default();
    assert!(
        written == ended.stdout,
        "docs/coverage.md is old: mailproof trace --format markdown > docs/coverage.md"
    );
}

#[test]
fn every_planned_case_of_transport_and_tls_is_there() {
    let ended = mailproof(&["trace", "--format", "json"]);
    let trace: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
    for group in trace["planned"].as_array().unwrap() {
        for item in group["items"].as_array().unwrap() {
            let there = item["cases"].as_u64().unwrap() > 0;
            assert!(there || item["absent"].is_string(), "{}", item["id"]);
        }
    }
}
