//! `mailproof doctor` as scripts see it.

use std::{
    io::Write as _,
    process::{Command, Output},
};

use test_case::test_case;

fn doctor(adapter: &str) -> Output {
    Command::new(env!("CARGO_BIN_EXE_mailproof"))
        .args(["doctor", adapter])
        .env("NO_COLOR", "1")
        .output()
        .unwrap()
}

fn text(octets: &[u8]) -> String {
    // Lines are wrapped where they are full.
    let words: Vec<&str> = std::str::from_utf8(octets)
        .unwrap()
        .split_whitespace()
        .collect();
    words.join(" ")
}

#[test_case("reference", 0, &["The adapter `reference` is usable.", "Undisturbed, it must work",
    "EHLO, STARTTLS, TLS 1.3, EHLO, AUTH"]; "usable")]
#[test_case("do-nothing", 1, &["NOT USABLE", "is not usable"]; "does nothing")]
#[test_case("reference+reports-success", 1, &["it says success although nothing took place"]; "lies")]
#[test_case("reference+accepts-any-certificate", 0,
    &["weak", "with trust = ca (the test authority only) the client accepted a self-signed certificate",
      "is usable; its client has weaknesses"]; "weak")]
fn verdicts(adapter: &str, code: i32, parts: &[&str]) {
    let output = doctor(adapter);
    let shown = text(&output.stdout);
    assert_eq!(output.status.code(), Some(code), "{shown}");
    for part in parts {
        assert!(shown.contains(part), "{part}: {shown}");
    }
}

#[test]
fn an_unknown_adapter_is_wrong_use() {
    let output = doctor("curll");
    assert_eq!(output.status.code(), Some(2));
    let told = text(&output.stderr);
    assert!(told.contains("did you mean `curl`?"), "{told}");
    assert_eq!(text(&output.stdout), "");
}

#[test]
fn a_program_that_is_missing_comes_with_a_hint() {
    let mut file = tempfile::Builder::new().suffix(".toml").tempfile().unwrap();
    let adapter = r#"name = "crm"
title = "A CRM"
role = "client"
program = "no-such-program-anywhere"
install = "ask the vendor"
timeout = "3s"
[settings.security]
implicit = []
[settings.trust]
ca = []
[settings.auth]
password = []
[job.send]
run = ["no-such-program-anywhere"]
[exit]
success = [0]
"#;
    file.write_all(adapter.as_bytes()).unwrap();
    let output = doctor(file.path().to_str().unwrap());
    assert_eq!(output.status.code(), Some(3));
    let told = text(&output.stderr);
    assert!(
        told.contains("`no-such-program-anywhere` is not installed; to get it: ask the vendor"),
        "{told}"
    );
}
