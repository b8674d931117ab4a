//! The file of expected failures, from a run to its exit code.

use std::{
    fs,
    io::{self, Write as _},
    path::PathBuf,
};

use mailproof_tests::program::{Ended, command};
use test_case::test_case;

/// Every finding that fails the cases, or what is left would be new.
const KNOWN: &str = r#"
[[expect]]
case = "cert/trust/self-signed"
outcome = "FAIL"
reason = [
  "never-data-to-untrusted-peer", "never-credential-to-untrusted-peer", "not-completed",
  "no-secret-outside-allowed-channel",
]
because = "it compares nothing"
"#;

fn run(file: &str, include: &str) -> (Ended, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("known.toml");
    fs::write(&path, file).unwrap();
    let ended = command([
        "run",
        "accepts-everything",
        "--include",
        include,
        "--expect",
    ])
    .arg(&path)
    .output()
    .unwrap();
    (ended.into(), path)
}

#[test_case(KNOWN, "cert/trust/self-signed" => Some(0); "all of it was expected")]
#[test_case(KNOWN, "cert/trust/*" => Some(1); "more cases failed than was expected")]
#[test_case(&KNOWN.replace(r#""not-completed","#, ""), "cert/trust/self-signed" => Some(1); "more in a case failed")]
#[test_case(KNOWN, "cert/always/accepts-untrusted" => Some(0); "nothing of it was selected")]
#[test_case(&KNOWN.replace("trust/self-signed", "always/accepts-untrusted"), "cert/always/accepts-untrusted" => Some(5); "it no longer fails")]
#[test_case(&KNOWN.replace("self-signed", "no-such-case"), "cert/always/accepts-untrusted" => Some(5); "it fits nothing")]
#[test_case("", "cert/trust/self-signed" => Some(1); "an empty file")]
fn exit_codes(file: &str, include: &str) -> Option<i32> {
    let (ended, _) = run(file, include);
    let _ = writeln!(io::stderr(), "{}{}", ended.stdout, ended.stderr);
    ended.code
}

#[test]
fn what_is_wrong_with_the_file_is_told_with_its_place() {
    let (ended, path) = run(
        &KNOWN.replace("outcome", "outcom"),
        "cert/trust/self-signed",
    );
    assert_eq!(ended.code, Some(2), "{ended:?}");
    let path = path.display().to_string();
    assert!(
        ended.stderr.contains(&path) && ended.stderr.contains("outcom"),
        "{}",
        ended.stderr
    );
}

/// A part of the cases is run; what the file says of the others is no mistake then, nor afterwards.
#[test]
fn judged_again_a_selection_makes_no_entry_stale() {
    let folder = tempfile::tempdir().unwrap();
    let (known, out) = (folder.path().join("known.toml"), folder.path().join("out"));
    fs::write(&known, KNOWN).unwrap();
    let ended: Ended = command([
        "run",
        "reference",
        "-i",
        "cert/always/accepts-untrusted",
        "--out",
    ])
    .arg(&out)
    .output()
    .unwrap()
    .into();
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let again = command(["rejudge"])
        .arg(&out)
        .arg("--expect")
        .arg(&known)
        .output();
    let again: Ended = again.unwrap().into();
    assert_eq!(again.code, Some(0), "{}{}", again.stdout, again.stderr);
}
