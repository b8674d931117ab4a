//! The commands that run nothing.

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _},
    process::Stdio,
};

use mailproof_tests::program::{command, mailproof};
use test_case::test_case;

fn said(arguments: &[&str]) -> String {
    let ended = mailproof(arguments);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(!ended.stdout.contains('\x1b'), "no colours into a pipe");
    ended.stdout
}

#[test]
fn list_names_every_case_and_filters() {
    let all = said(&["list"]);
    let json: serde_json::Value =
        serde_json::from_str(&said(&["list", "--format", "json"])).unwrap();
    let cases = json.as_array().unwrap();
    assert!(cases.len() >= 400, "{}", cases.len());
    assert_eq!(all.lines().count(), cases.len() + 1);
    let critical = said(&["list", "-i", "severity:critical", "-x", "imap/**"]);
    assert!(critical.lines().count() > 10);
    assert!(
        critical
            .lines()
            .skip(1)
            .all(|it| it.contains("critical") && !it.starts_with("imap/"))
    );
    assert!(said(&["list", "--personas"]).contains("gmail-imap"));
}

#[test]
fn a_reader_who_leaves_is_no_error() {
    for arguments in [
        ["list"].as_slice(),
        &["list", "--format", "json"],
        &["schema"],
    ] {
        let mut child = command(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut first = String::new();
        let mut stdout = BufReader::with_capacity(64, child.stdout.take().unwrap());
        stdout.read_line(&mut first).unwrap();
        drop(stdout);
        let mut stderr = String::new();
        child
            .stderr
            .take()
            .unwrap()
            .read_to_string(&mut stderr)
            .unwrap();
        assert_eq!(
            child.wait().unwrap().code(),
            Some(0),
            "{arguments:?}: {stderr}"
        );
        assert_eq!(stderr, "");
    }
}

#[test]
fn show_and_explain_say_what_a_case_is() {
    let shown = said(&["show", "smtp/starttls/injection-after-220"]);
    assert!(
        shown.contains("CVE-2021-22947") && shown.contains("[[deviate]]"),
        "{shown}"
    );
    let explained = said(&["explain", "smtp/starttls/injection-after-220"]);
    assert!(
        explained.contains("CVE-2021-22947") && !explained.contains("[[deviate]]"),
        "{explained}"
    );
}

#[test]
fn lint_finds_nothing_wrong_with_what_is_built_in() {
    said(&["lint"]);
}

#[test]
fn schema_is_a_json_schema_of_the_fields() {
    let schema: serde_json::Value = serde_json::from_str(&said(&["schema"])).unwrap();
    assert!(
        schema["$schema"]
            .as_str()
            .unwrap()
            .contains("json-schema.org")
    );
    for field in ["id", "title", "run", "expect", "killed_by"] {
        assert!(schema["properties"][field].is_object(), "{field}");
    }
}

#[test_case("bash", "complete "; "bash")]
#[test_case("zsh", "#compdef mailproof"; "zsh")]
#[test_case("fish", "complete -c mailproof"; "fish")]
fn completions(shell: &str, part: &str) {
    let script = said(&["completions", shell]);
    assert!(
        script.contains(part) && script.contains("selftest"),
        "{script}"
    );
    assert!(
        !script.contains("worker"),
        "hidden commands are not offered"
    );
}

#[test]
fn certificates_are_exported_as_the_index_says() {
    let folder = tempfile::tempdir().unwrap();
    let out = said(&[
        "certs",
        "export",
        folder.path().to_str().unwrap(),
        "--host",
        "mail.example",
    ]);
    assert!(out.contains("index.md"), "{out}");
    let index = fs::read_to_string(folder.path().join("index.toml")).unwrap();
    assert!(
        index.contains("mail.example") && index.contains("expired-leaf"),
        "{index}"
    );
    let root = fs::read_to_string(folder.path().join("root.pem")).unwrap();
    assert!(root.starts_with("-----BEGIN CERTIFICATE-----"), "{root}");
    assert!(!root.contains("PRIVATE KEY"));
}
