//! The file of expected failures, from a run to its exit code.

use std::{fs, path::PathBuf};

use mailproof_tests::program::{Ended, command};
use test_case::test_case;

const KNOWN: &str = "[[expect]]\ncase = \"cert/trust/self-signed\"\noutcome = \"FAIL\"\n\
                     reason = \"never-credential-to-untrusted-peer\"\nbecause = \"it compares nothing\"\n";

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
#[test_case(KNOWN, "cert/trust/*" => Some(1); "more failed than was expected")]
#[test_case(KNOWN, "cert/always/accepts-untrusted" => Some(5); "nothing of it was run")]
#[test_case("", "cert/trust/self-signed" => Some(1); "an empty file")]
fn exit_codes(file: &str, include: &str) -> Option<i32> {
    let (ended, _) = run(file, include);
    println!("{}{}", ended.stdout, ended.stderr);
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
