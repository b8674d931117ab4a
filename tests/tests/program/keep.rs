//! Snapshots, baselines and differences between runs, as a user has them.

use std::{
    fs,
    io::{Read as _, Write as _},
    path::Path,
    process::Stdio,
};

use mailproof_tests::program::{Ended, command, mailproof};

const CASES: &str = "cert/trust/self-signed*";

/// Runs a client in a folder of its own.
fn run(folder: &Path, subject: &str, seed: &str, more: &[&str]) -> Ended {
    command([
        "run",
        subject,
        "--include",
        CASES,
        "--quiet",
        "--seed",
        seed,
    ])
    .args(more)
    .current_dir(folder)
    .output()
    .expect("the program can be started")
    .into()
}

fn keep(folder: &Path, arguments: &[&str]) -> Ended {
    command(arguments)
        .current_dir(folder)
        .output()
        .expect("the program can be started")
        .into()
}

fn some_snapshot(folder: &Path) -> std::path::PathBuf {
    let entries = fs::read_dir(folder.join("snaps/cert/trust")).unwrap();
    let mut paths: Vec<_> = entries.map(|it| it.unwrap().path()).collect();
    paths.sort();
    paths.retain(|it| it.extension().is_some_and(|it| it == "snap"));
    paths.remove(0)
}

#[test]
fn snapshots_from_the_first_run_to_a_change() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path();
    let snapshots = ["--snapshots", "snaps", "--out", "out"];
    let first = run(folder, "reference", "1", &snapshots);
    assert_eq!(first.code, Some(6), "{first:?}");
    let allowed = run(
        folder,
        "reference",
        "1",
        &["--snapshots", "snaps", "--allow-new-snapshots"],
    );
    assert_eq!(allowed.code, Some(0), "{allowed:?}");
    let accepted = keep(
        folder,
        &["snapshot", "accept", "--snapshots", "snaps", "--all"],
    );
    assert_eq!(accepted.code, Some(0), "{accepted:?}");
    // Another seed and another number of jobs are no change.
    let again = run(
        folder,
        "reference",
        "99",
        &["--snapshots", "snaps", "--jobs", "7"],
    );
    assert_eq!(again.code, Some(0), "{again:?}");

    let snapshot = some_snapshot(folder);
    let text = fs::read_to_string(&snapshot).unwrap();
    fs::write(&snapshot, text.replace("ClientHello", "Hello")).unwrap();
    let changed = run(
        folder,
        "reference",
        "1",
        &["--snapshots", "snaps", "--format", "json"],
    );
    assert_eq!(changed.code, Some(6), "{changed:?}");
    assert!(changed.stdout.contains(r#""change": "changed""#));
    let checked = keep(
        folder,
        &["snapshot", "check", "out", "--snapshots", "snaps"],
    );
    assert_eq!(checked.code, Some(6), "{checked:?}");
    assert!(checked.stdout.contains("snapshot review --snapshots snaps"));
    let restored = keep(
        folder,
        &["snapshot", "accept", "--snapshots", "snaps", "cert/**"],
    );
    assert_eq!(restored.code, Some(0), "{restored:?}");
    assert_eq!(fs::read_to_string(&snapshot).unwrap(), text);
    let checked = keep(
        folder,
        &[
            "snapshot",
            "check",
            "out/results.json",
            "--snapshots",
            "snaps",
        ],
    );
    assert_eq!(checked.code, Some(0), "{checked:?}");

    // Of a case that is no more.
    fs::write(
        folder.join("snaps/gone.snap"),
        "# mailproof snapshot 1: gone\n",
    )
    .unwrap();
    let asked = keep(folder, &["snapshot", "prune", "--snapshots", "snaps"]);
    assert_eq!(asked.code, Some(2), "{asked:?}");
    let pruned = keep(
        folder,
        &["snapshot", "prune", "--snapshots", "snaps", "--yes"],
    );
    assert!(pruned.stdout.contains("1 snapshot removed"), "{pruned:?}");
    assert!(!folder.join("snaps/gone.snap").exists() && snapshot.exists());

    // Left of a merge: told before anything is run.
    fs::write(&snapshot, text.replace("step 1", "<<<<<<< HEAD\nstep 1")).unwrap();
    let damaged = run(folder, "reference", "1", &["--snapshots", "snaps"]);
    assert_eq!(damaged.code, Some(2), "{damaged:?}");
    assert!(damaged.stderr.contains(".snap:2:1: "), "{damaged:?}");
}

#[test]
fn one_folder_is_for_one_run() {
    let dir = tempfile::tempdir().unwrap();
    let lock = fs::File::open(dir.path()).unwrap();
    lock.try_lock().unwrap();
    for option in ["--out", "--evidence", "--snapshots"] {
        let busy = run(dir.path(), "reference", "1", &[option, "."]);
        assert_eq!(busy.code, Some(3), "{busy:?}");
        let told = "another mailproof is writing there";
        assert!(
            busy.stderr.contains(told) && busy.stderr.contains(option),
            "{busy:?}"
        );
    }
    drop(lock);
    let free = run(dir.path(), "reference", "1", &["--out", "."]);
    assert_eq!(free.code, Some(0), "{free:?}");
}

#[test]
fn a_baseline_from_a_run_and_the_difference_to_the_next() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path();
    let bad = run(folder, "accepts-everything", "1", &["--out", "bad"]);
    assert_eq!(bad.code, Some(1), "{bad:?}");
    let written = keep(
        folder,
        &["baseline", "write", "bad", "known.toml", "--because", "old"],
    );
    assert_eq!(written.code, Some(0), "{written:?}");
    let checked = keep(folder, &["baseline", "check", "bad", "known.toml"]);
    assert_eq!(checked.code, Some(0), "{checked:?}");
    let known = run(
        folder,
        "accepts-everything",
        "2",
        &["--expect", "known.toml"],
    );
    assert_eq!(known.code, Some(0), "{known:?}");

    let good = run(folder, "reference", "1", &["--out", "good"]);
    assert_eq!(good.code, Some(0), "{good:?}");
    let stale = keep(folder, &["baseline", "check", "good", "known.toml"]);
    assert_eq!(stale.code, Some(5), "{stale:?}");
    let text = fs::read_to_string(folder.join("known.toml")).unwrap();
    fs::write(folder.join("known.toml"), format!("# ours\n\n{text}")).unwrap();
    let pruned = keep(folder, &["baseline", "prune", "good", "known.toml"]);
    assert_eq!(pruned.code, Some(0), "{pruned:?}");
    let left = fs::read_to_string(folder.join("known.toml")).unwrap();
    assert!(
        left.starts_with("# ours\n") && !left.contains("[[expect]]"),
        "{left}"
    );

    let refused = keep(folder, &["diff", "good", "bad"]);
    assert_eq!(refused.code, Some(2), "{refused:?}");
    for (a, b, code) in [("good", "bad", 1), ("bad", "good", 0), ("bad", "bad", 0)] {
        for format in ["human", "json", "markdown"] {
            let told = keep(folder, &["diff", a, b, "--any-subject", "--format", format]);
            assert_eq!(told.code, Some(code), "{told:?}");
        }
    }
    let nothing = mailproof(&["diff", "no-such-run", "no-such-run"]);
    assert_eq!(nothing.code, Some(2), "{nothing:?}");
}

/// A pseudo-terminal is made by Python.
#[test]
fn a_review_in_a_terminal() {
    if !mailproof_tests::program::is_installed("python3") {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let snaps = dir.path().join("snaps");
    fs::create_dir(&snaps).unwrap();
    for name in ["a", "b", "c"] {
        let file = |end: &str, text: &str| {
            let text = format!("# mailproof snapshot 1: {name}\nstep 1\n  {text}\n");
            fs::write(snaps.join(format!("{name}.{end}")), text).unwrap();
        };
        file("snap", "old");
        file("snap.new", "new");
    }
    let no_terminal = keep(dir.path(), &["snapshot", "review", "--snapshots", "snaps"]);
    assert_eq!(no_terminal.code, Some(2), "{no_terminal:?}");

    let mut review = std::process::Command::new("python3")
        .args([
            "-c",
            "import pty, sys, os; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))",
        ])
        .arg(mailproof_tests::program::program())
        .args(["snapshot", "review", "--snapshots", "snaps"])
        .current_dir(dir.path())
        .env("TERM", "xterm")
        .env_remove("NO_COLOR")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut keys = review.stdin.take().unwrap();
    let mut screen = review.stdout.take().unwrap();
    let mut shown = String::new();
    for key in [&b"a"[..], b"xr", b"q"] {
        while !shown.ends_with("uit? ") {
            let mut octets = [0; 512];
            let n = screen.read(&mut octets).unwrap();
            assert!(n > 0, "it ended: {shown}");
            shown.push_str(&String::from_utf8_lossy(&octets[..n]));
        }
        shown.push('\n');
        keys.write_all(key).unwrap();
    }
    screen.read_to_string(&mut shown).unwrap();
    assert!(review.wait().unwrap().success(), "{shown}");
    assert!(
        shown.contains("1 accepted, 1 rejected, 1 left to decide"),
        "{shown}"
    );
    assert!(shown.contains("\u{1b}[31m-  old"), "{shown:?}");
    let is = |name: &str| fs::read_to_string(snaps.join(name)).unwrap_or_default();
    assert!(is("a.snap").contains("new") && is("b.snap").contains("old"));
    assert!(is("a.snap.new").is_empty() && is("b.snap.new").is_empty());
    assert!(is("c.snap").contains("old") && is("c.snap.new").contains("new"));
}
