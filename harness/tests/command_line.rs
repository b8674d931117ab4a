//! The binary as scripts see it: exit codes, streams, help.

use std::{
    path::Path,
    process::{Command, Output, Stdio},
};

use test_case::test_case;

fn mailproof(arguments: &[&str]) -> Output {
    command(arguments).output().unwrap()
}

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mailproof"));
    command
        .args(arguments)
        .env("NO_COLOR", "1")
        .stdin(Stdio::null());
    command
}

fn stdout(output: &Output) -> &str {
    std::str::from_utf8(&output.stdout).unwrap()
}

fn stderr(output: &Output) -> &str {
    std::str::from_utf8(&output.stderr).unwrap()
}

#[test_case(&["--help"], "Exit codes:"; "the program")]
#[test_case(&["run", "--help"], "--fail-on"; "run")]
#[test_case(&["rejudge", "--help"], "records.ndjson"; "rejudge")]
#[test_case(&["--version"], "mailproof 0."; "version")]
fn help(arguments: &[&str], says: &str) {
    let output = mailproof(arguments);
    assert_eq!(output.status.code(), Some(0));
    assert!(stdout(&output).contains(says), "{}", stdout(&output));
    assert_eq!(stderr(&output), "");
}

#[test]
fn the_worker_is_hidden() {
    assert!(!stdout(&mailproof(&["--help"])).contains("worker"));
}

#[test_case(&[], "Usage:"; "nothing")]
#[test_case(&["walk"], "unrecognized subcommand"; "unknown command")]
#[test_case(&["run", "--fast"], "unexpected argument"; "unknown flag")]
#[test_case(&["run", "--include", "severity:bad"], "is none of critical, high, medium, low"; "filter")]
#[test_case(&["run", "--shard", "3/2"], "a shard is written"; "shard")]
#[test_case(&["run", "--jobs", "0"], "invalid value"; "no jobs")]
#[test_case(&["run", "--timeout", "10"], "a time is written"; "time without unit")]
#[test_case(&["run", "--format", "yaml"], "possible values: human, json, junit, markdown"; "format")]
#[test_case(&["run", "--include", "smtp/starttls/injection-after-22"],
    "did you mean `smtp/starttls/injection-after-220`"; "no such case")]
#[test_case(&["run", "--expect", "/nowhere/expected.toml"], "cannot read `/nowhere/expected.toml`"; "no such file")]
#[test_case(&["list", "--scenarios", "/nowhere"], "`/nowhere` is no folder"; "no such folder")]
#[test_case(&["show", "smtp/starttls/injektion-after-220"],
    "did you mean `smtp/starttls/injection-after-220`"; "show")]
#[test_case(&["explain", "zzz"], "no scenario or case `zzz`"; "explain")]
#[test_case(&["serve", "zzz"], "no case, scenario or persona `zzz`"; "serve")]
#[test_case(&["rejudge", "/nowhere"], "cannot read `/nowhere/records.ndjson`"; "rejudge")]
#[test_case(&["completions", "basic"], "possible values: bash"; "shell")]
fn wrong_use_is_told_on_stderr(arguments: &[&str], says: &str) {
    let output = mailproof(arguments);
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
    assert!(stderr(&output).contains(says), "{}", stderr(&output));
    assert_eq!(stdout(&output), "");
}

#[test]
fn words_of_the_user_cannot_steer_the_terminal() {
    let output = mailproof(&["explain", "a\x1b[2J\u{202e}b"]);
    assert!(
        stderr(&output).contains(r"a\x1b[2J\u{202e}b"),
        "{}",
        stderr(&output)
    );
    assert!(!stderr(&output).contains('\x1b'));
}

#[test_case("bash", "_mailproof()")]
#[test_case("zsh", "#compdef mailproof")]
#[test_case("fish", "complete -c mailproof")]
fn completions(shell: &str, says: &str) {
    let output = mailproof(&["completions", shell]);
    assert_eq!(output.status.code(), Some(0));
    assert!(stdout(&output).contains(says));
    assert!(stdout(&output).contains("fail-on"));
}

#[test]
fn list_is_filtered_and_machine_readable() {
    let output = mailproof(&["list", "--include", "smtp/**", "--format", "json"]);
    let cases: Vec<serde_json::Value> = serde_json::from_slice(&output.stdout).unwrap();
    assert!(!cases.is_empty());
    assert!(
        cases
            .iter()
            .all(|it| it["id"].as_str().unwrap().starts_with("smtp/"))
    );
    assert_eq!(stderr(&output), "");
}

#[test]
fn show_has_the_file_and_the_cases() {
    let output = mailproof(&["show", "cert/always/not-for-other-accounts"]);
    let page = stdout(&output);
    assert!(
        page.contains("\nid = \"cert/always/not-for-other-accounts\"\n"),
        "{page}"
    );
    assert!(
        page.contains("\n# cert/always/not-for-other-accounts#imap-starttls\n"),
        "{page}"
    );
}

#[test]
fn schema_is_json() {
    let output = mailproof(&["schema"]);
    let schema: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(schema["properties"]["id"].is_object());
}

#[test]
fn lint_shows_the_place() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("x.toml");
    std::fs::write(&file, "id = \"smtp/x/y\"\ntitel = \"x\"\n").unwrap();
    let output = mailproof(&["lint", file.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        stderr(&output).contains("x.toml:2:1"),
        "{}",
        stderr(&output)
    );
    let output = mailproof(&["lint"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(stdout(&output).contains("no problems"));
}

#[test]
fn certificates_are_written() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("certs");
    let output = mailproof(&[
        "certs",
        "export",
        folder.to_str().unwrap(),
        "--host",
        "mail.example",
    ]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(folder.join("index.toml").exists());
}

#[test]
fn a_folder_that_cannot_be_written_is_told_before_anything_is_run() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    std::fs::write(&file, "").unwrap();
    let output = mailproof(&["run", "--out", Path::new(&file).to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(3));
    assert!(
        stderr(&output).contains("a file is in the way of the folder"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn a_reader_who_goes_is_no_failure() {
    let mut child = command(&["schema"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(stderr(&output), "");
}
