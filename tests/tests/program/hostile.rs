//! Clients that do not end, do not stop talking, will not go, leave others behind, or die.

use std::fs;

use mailproof::results::Verdict;
use mailproof_tests::program::Report;
use test_case::test_case;

use crate::own_adapter::{CASE, script};

/// `MARK` stands for a number of seconds by which the process is found.
#[test_case("hangs", "exec sleep MARK", Verdict::Hang; "hangs")]
#[test_case("floods", "sleep MARK & exec yes flood", Verdict::Hang; "floods")]
#[test_case("stays", "trap '' TERM INT HUP; while :; do sleep MARK; done", Verdict::Hang; "ignores SIGTERM")]
#[test_case("escapes", "setsid sh -c 'trap \"\" TERM; sleep MARK' & exit 0", Verdict::Inconclusive; "forks away")]
#[test_case("dies", "sleep MARK & kill -SEGV $$", Verdict::Crash; "dies by a signal")]
fn the_run_goes_on_and_nothing_is_left(name: &str, body: &str, expected: Verdict) {
    let folder = tempfile::tempdir().unwrap();
    // Unlike any other process, of another test run beside this one too.
    let mark = format!("98765.{}{}", std::process::id(), name.len());
    let adapter = script(folder.path(), name, &body.replace("MARK", &mark));
    let other = CASE.replace("self-signed", "unknown-root");
    let report = Report::of(&[
        "run",
        adapter.to_str().unwrap(),
        "--include",
        CASE,
        "--include",
        &other,
    ]);
    for id in [CASE, &other] {
        let judgement = &report.case(id).judgement;
        assert_eq!(judgement.verdict, expected, "{id}: {}", judgement.reason);
    }
    assert_eq!(report.results.cases.len(), 2);
    assert!(!report.results.interrupted);
    let unexpected = expected != Verdict::Inconclusive;
    assert_eq!(report.ended.code, Some(if unexpected { 1 } else { 4 }));
    assert_eq!(survivors(&mark), Vec::<String>::new());
}

/// Processes with this among their arguments.
fn survivors(mark: &str) -> Vec<String> {
    let entries = fs::read_dir("/proc").unwrap().filter_map(Result::ok);
    entries
        .filter_map(|entry| fs::read(entry.path().join("cmdline")).ok())
        .map(|octets| String::from_utf8_lossy(&octets).replace('\0', " "))
        .filter(|line| line.contains(mark))
        .collect()
}
