//! `mailproof.toml` and profiles as scripts see them: with the built-in client, over real sockets.

use std::{
    fs,
    path::Path,
    process::{Command, Output, Stdio},
};

use test_case::test_case;

const MINI: &str = "name = 'mini'\ntitle = 'A small profile'\nas_of = '2026-11'\npurpose = 'A test.'\n\
    protocols = ['smtp']\nmandatory = ['smtp/starttls/refused-454', 'smtp/starttls/baseline']\n";

/// The reference client with a mistake that one of the cases catches.
const FLAWED: &str = "reference+continues-in-clear";

fn mailproof(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_mailproof"))
        .args(arguments)
        .current_dir(folder)
        .env("NO_COLOR", "1")
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

fn stdout(output: &Output) -> &str {
    std::str::from_utf8(&output.stdout).unwrap()
}

fn stderr(output: &Output) -> &str {
    std::str::from_utf8(&output.stderr).unwrap()
}

/// A repository with a profile of its own and the reference client, which passes everything.
fn repository(more: &str) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("mini.toml"), MINI).unwrap();
    let file = format!("adapter = 'reference'\nprofile = 'mini.toml'\nseed = 7\n{more}");
    fs::write(dir.path().join("mailproof.toml"), file).unwrap();
    dir
}

fn results(folder: &Path) -> serde_json::Value {
    serde_json::from_slice(&fs::read(folder.join("results.json")).unwrap()).unwrap()
}

#[test]
fn run_alone_certifies_from_any_folder_of_the_repository() {
    let dir = repository("out = 'report'\n");
    let inner = dir.path().join("src/mail");
    fs::create_dir_all(&inner).unwrap();
    let output = mailproof(&inner, &["run"]);
    assert_eq!(output.status.code(), Some(0), "{}", stdout(&output));
    assert!(stdout(&output).starts_with("ran 9 of 9 cases\n"));
    assert!(stdout(&output).contains("profile mini: CONFORMANT: 9 mandatory cases passed"));
    let told = stderr(&output).lines().next().unwrap();
    assert!(
        told.contains("mailproof.toml sets adapter reference"),
        "{told}"
    );
    let report = dir.path().join("report");
    let found = results(&report);
    assert_eq!(found["standing"]["conformance"], "CONFORMANT");
    assert_eq!(found["obligations"]["text"], MINI);
    assert_eq!(
        found["repeat"],
        serde_json::json!(["run", "reference", "--no-project"])
    );
    let junit = fs::read_to_string(report.join("junit.xml")).unwrap();
    assert!(junit.contains("name=\"standing\" value=\"CONFORMANT\""));
    let page = fs::read_to_string(report.join("summary.md")).unwrap();
    assert!(page.contains("CONFORMANT: 9 mandatory"), "{page}");
}

#[test]
fn a_program_reads_nothing_but_the_report() {
    let dir = repository("");
    let output = mailproof(dir.path(), &["run", "--format", "json"]);
    assert_eq!(stderr(&output), "");
    let read: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(read["standing"]["decided"], 9);
    let output = mailproof(dir.path(), &["run", "--quiet"]);
    assert_eq!(stderr(&output), "");
}

#[test]
fn less_than_the_profile_demands_is_4_and_says_what() {
    let dir = repository("");
    let output = mailproof(dir.path(), &["run", "-i", "smtp/starttls/baseline", "-q"]);
    assert_eq!(output.status.code(), Some(4));
    let page = stdout(&output)
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ");
    let why = "less was run than the profile mini demands: 6 of 9 mandatory cases not run to a decision \
               (smtp/starttls/refused-454#postfix,";
    assert!(page.contains(why), "{page}");
}

#[test]
fn what_the_profile_needs_and_the_subject_lacks_is_4() {
    let dir = repository("");
    let needs = format!("{MINI}[needs]\nsecurity = ['automatic']\n");
    fs::write(dir.path().join("mini.toml"), needs).unwrap();
    let output = mailproof(dir.path(), &["run", "embedded", "-q"]);
    assert_eq!(output.status.code(), Some(4), "{}", stdout(&output));
    assert!(
        stdout(&output).contains("does not declare"),
        "{}",
        stdout(&output)
    );
}

#[test]
fn an_expected_failure_changes_the_exit_code_and_not_the_standing() {
    let dir = repository("out = 'report'\nexpect = 'known.toml'\n");
    let reasons: Vec<String> = {
        fs::write(dir.path().join("known.toml"), "").unwrap();
        mailproof(dir.path(), &["run", FLAWED]);
        let found = results(&dir.path().join("report"));
        let mut reasons: Vec<String> = found["cases"]
            .as_array()
            .unwrap()
            .iter()
            .flat_map(|it| it["judgement"]["findings"].as_array().unwrap().clone())
            .filter(|it| it["held"] == "broken")
            .map(|it| it["name"].as_str().unwrap().to_owned())
            .collect();
        reasons.sort();
        reasons.dedup();
        reasons
    };
    let known = format!(
        "[[expect]]\ncase = '*'\noutcome = 'FAIL'\nreason = {reasons:?}\nbecause = 'we know'\n"
    );
    fs::write(dir.path().join("known.toml"), known).unwrap();
    let output = mailproof(dir.path(), &["run", FLAWED, "-q"]);
    assert_eq!(output.status.code(), Some(0), "{}", stdout(&output));
    assert!(stdout(&output).contains("profile mini: NON-CONFORMANT"));
}

#[test]
fn a_flaw_is_not_conformant() {
    let dir = repository("out = 'report'\n");
    let output = mailproof(dir.path(), &["run", FLAWED]);
    assert_eq!(
        output.status.code(),
        Some(1),
        "{}{}",
        stdout(&output),
        stderr(&output)
    );
    let found = results(&dir.path().join("report"));
    assert_eq!(found["standing"]["conformance"], "NON-CONFORMANT");
    assert!(!found["standing"]["failed"].as_array().unwrap().is_empty());
}

#[test]
fn a_standing_is_computed_again_also_by_a_profile_that_changed() {
    let dir = repository("out = 'report'\n");
    mailproof(dir.path(), &["run", "-q"]);
    let again = mailproof(dir.path(), &["rejudge", "report", "-q"]);
    assert_eq!(again.status.code(), Some(0), "{}", stderr(&again));
    assert!(stdout(&again).contains("profile mini: CONFORMANT"));
    let more = MINI.replace(
        "['smtp/starttls/refused-454'",
        "['smtp/starttls/refused-502'",
    );
    fs::write(dir.path().join("mini.toml"), more).unwrap();
    let stored = mailproof(dir.path(), &["rejudge", "report", "-q"]);
    assert_eq!(stored.status.code(), Some(0));
    let changed = mailproof(
        dir.path(),
        &["rejudge", "report", "-q", "--profile", "mini.toml"],
    );
    assert_eq!(changed.status.code(), Some(4), "{}", stdout(&changed));
    assert!(
        stdout(&changed).contains("profile mini: PARTIAL"),
        "{}",
        stdout(&changed)
    );
}

#[test]
fn a_part_alone_is_not_judged() {
    let dir = repository("");
    let output = mailproof(dir.path(), &["run", "--shard", "1/2", "-q"]);
    assert_eq!(output.status.code(), Some(0), "{}", stdout(&output));
    assert!(stdout(&output).contains("not judged: this is part 1/2"));
}

#[test_case("", &["run", "--project", "none.toml"], "cannot read `none.toml`"; "no such file")]
#[test_case("", &["run", "--project", "mailproof.toml", "--no-project"], "cannot be used with"; "both")]
#[test_case("jobz = 2\n", &["run"], "did you mean `jobs`?"; "key")]
#[test_case("jobz = 2\n", &["list"], "mailproof.toml:4:1"; "any command")]
#[test_case("scenarios = ['nowhere']\n", &["run"], "`nowhere` is no folder"; "no folder")]
#[test_case("", &["run", "--profile", "devise"], "did you mean `device`?"; "no such profile")]
#[test_case("", &["lint", "bad.toml"], "no case fits `smtp/starttls/refused-455`"; "lint of a profile")]
fn wrong_files_are_told(more: &str, arguments: &[&str], says: &str) {
    let dir = repository(more);
    let bad = MINI.replace("refused-454", "refused-455");
    fs::write(dir.path().join("bad.toml"), bad).unwrap();
    let output = mailproof(dir.path(), arguments);
    assert_eq!(output.status.code(), Some(2), "{}", stdout(&output));
    assert!(stderr(&output).contains(says), "{}", stderr(&output));
}

#[test]
fn no_project_reads_none() {
    let dir = repository("jobz = 2\n");
    let output = mailproof(dir.path(), &["lint", "--no-project", "mini.toml"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(stdout(&output).contains("profiles: no problems"));
}

#[test]
fn profiles_are_listed_with_their_counts() {
    let dir = repository("");
    let output = mailproof(dir.path(), &["list", "--profiles", "--format", "json"]);
    let rows: Vec<serde_json::Value> = serde_json::from_slice(&output.stdout).unwrap();
    let device = rows.iter().find(|it| it["name"] == "device").unwrap();
    assert_eq!(device["lab"], 0);
    let output = mailproof(
        dir.path(),
        &["list", "--profile", "device", "--format", "json"],
    );
    let cases: Vec<serde_json::Value> = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(device["cases"], cases.len());
    let table = mailproof(dir.path(), &["list", "--profiles"]);
    assert!(stdout(&table).contains("hosted-product-without-starttls"));
}
