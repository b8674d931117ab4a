//! Ctrl-C in the middle of a run.

use std::{
    io::{BufRead as _, BufReader, Read as _},
    process::Stdio,
    thread,
};

use mailproof::results::Record;
use mailproof_tests::program::{Ended, command, results};
use rustix::process::{Pid, Signal, kill_process};

#[test]
fn what_had_finished_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let mut child = command(["run", "reference", "--jobs", "1", "--seed", "1", "--out"])
        .arg(folder.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    // Each line is a case with a verdict; skipped ones come first.
    let mut seen = 0;
    while seen < 3 {
        let line = lines.next().unwrap().unwrap();
        seen += usize::from(line.contains("] PASS "));
    }
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    let rest = thread::spawn(move || lines.map_while(Result::ok).collect::<Vec<_>>().join("\n"));
    let mut stdout = String::new();
    child
        .stdout
        .take()
        .unwrap()
        .read_to_string(&mut stdout)
        .unwrap();
    let ended = Ended {
        code: child.wait().unwrap().code(),
        stdout,
        stderr: rest.join().unwrap(),
    };
    assert_eq!(ended.code, Some(130), "{ended:?}");
    assert!(ended.stdout.contains("interrupted"), "{}", ended.stdout);

    let results = results(folder.path(), &ended);
    assert!(results.interrupted);
    assert!(
        results.ran >= 3 && results.ran < results.selected,
        "{}",
        results.ran
    );
    let records = std::fs::read_to_string(folder.path().join("records.ndjson")).unwrap();
    let records: Vec<Record> = records
        .lines()
        .map(|line| serde_json::from_str(line).expect("whole lines"))
        .collect();
    for case in results.cases.iter().chain(&results.controls) {
        assert!(
            records.iter().any(|it| it.case.id == case.id),
            "{}",
            case.id
        );
    }
    assert_eq!(records.len(), results.cases.len() + results.controls.len());
}
