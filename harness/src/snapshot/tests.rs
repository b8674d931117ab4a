use std::fs;

use proptest::prelude::*;
use test_case::test_case;

use super::*;
use crate::results::Change;

fn taken(cases: &[(&str, &str)]) -> Taken {
    Taken {
        texts: cases
            .iter()
            .map(|(id, text)| ((*id).to_owned(), (*text).to_owned()))
            .collect(),
    }
}

fn changes(store: &Store, cases: &[(&str, &str)]) -> Vec<(String, Change)> {
    let changes = store.compare(&taken(cases)).unwrap();
    changes.into_iter().map(|it| (it.id, it.change)).collect()
}

const STEP: &str = "step 1: send\n    C: EHLO a\n";
const OTHER: &str = "step 1: send\n    C: EHLO b\n";

#[test]
fn from_new_to_accepted_to_changed_to_rejected() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = Store::open(dir.path()).unwrap();
    let id = "a/b#c";
    assert_eq!(
        changes(&store, &[(id, STEP)]),
        [(id.to_owned(), Change::New)]
    );
    let pending = store.pending().unwrap();
    assert_eq!(pending[0].old, None);
    store.accept(&pending[0]).unwrap();
    assert_eq!(
        fs::read_to_string(dir.path().join("a/b@c.snap")).unwrap(),
        format!("# mailproof snapshot 1: a/b#c\n{STEP}")
    );

    drop(store);
    let store = Store::open(dir.path()).unwrap();
    assert_eq!(changes(&store, &[(id, STEP)]), []);
    assert_eq!(store.pending().unwrap(), []);
    let found = store.compare(&taken(&[(id, OTHER)])).unwrap();
    assert_eq!(found[0].change, Change::Changed);
    assert!(found[0].diff.contains("-    C: EHLO a\n+    C: EHLO b\n"));
    let pending = store.pending().unwrap();
    assert_eq!(pending[0].old.as_deref(), Some(STEP));
    store.reject(&pending[0]).unwrap();
    assert_eq!(store.pending().unwrap(), []);
    // What is as accepted again no longer waits.
    changes(&store, &[(id, OTHER)]);
    changes(&store, &[(id, STEP)]);
    assert_eq!(store.pending().unwrap(), []);
}

#[test]
fn cases_that_were_not_run_are_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = Store::open(dir.path()).unwrap();
    changes(&store, &[("a/b", STEP), ("a/c", STEP)]);
    for it in store.pending().unwrap() {
        store.accept(&it).unwrap();
    }
    assert_eq!(changes(&store, &[("a/c", STEP)]), []);
    assert_eq!(store.ids().collect::<Vec<_>>(), ["a/b", "a/c"]);
}

#[test]
fn only_snapshots_of_no_case_are_removed_with_their_folders() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = Store::open(dir.path()).unwrap();
    changes(
        &store,
        &[("a/b", STEP), ("old/gone", STEP), ("old/waits", STEP)],
    );
    for it in store
        .pending()
        .unwrap()
        .iter()
        .filter(|it| it.id != "old/waits")
    {
        store.accept(it).unwrap();
    }
    fs::write(dir.path().join("a/mine.snap"), "---\nsource: x\n").unwrap();
    let unknown = store.without_case(&["a/b"].into()).unwrap();
    assert_eq!(unknown, ["old/gone", "old/waits"]);
    for id in unknown {
        store.discard(&id).unwrap();
    }
    assert!(!dir.path().join("old").exists());
    assert!(dir.path().join("a/mine.snap").exists() && dir.path().join("a/b.snap").exists());
}

#[test]
fn a_file_of_somebody_else_is_not_written_over() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("mine.snap"), "<<<<<<< HEAD\n").unwrap();
    let store = Store::open(dir.path()).unwrap();
    assert_eq!(changes(&store, &[("other", STEP)]).len(), 1);
    let error = store.compare(&taken(&[("mine", STEP)])).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("mine.snap:1:1: expected `# mailproof snapshot 1: `"),
        "{error}"
    );
}

#[test_case("# mailproof snapshot 2: a\n", 1, 22, "has version 2"; "newer")]
#[test_case("# mailproof snapshot x: a\n", 1, 22, "expected version 1"; "no version")]
#[test_case("# mailproof snapshot 1\n", 1, 22, "the id of a case"; "no id")]
#[test_case("# mailproof snapshot 1: a\nstep 1\n<<<<<<< HEAD\n", 3, 1, "left of a merge"; "left of a merge")]
#[test_case("# mailproof snapshot 1: a\nhello\n", 2, 1, "expected a line of a transcript"; "another text")]
#[test_case("# mailproof snapshot 1: b\nstep 1\n", 1, 1, "the snapshot of b, which stands in b.snap"; "in a wrong place")]
fn damaged(text: &str, line: usize, column: usize, message: &str) {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("a.snap"), text).unwrap();
    let error = Store::open(dir.path()).unwrap_err().to_string();
    assert!(
        error.contains(&format!("a.snap:{line}:{column}: ")),
        "{error}"
    );
    assert!(error.contains(message), "{error}");
}

#[test]
fn no_text_is_told_with_its_place() {
    let fault = file::parse(b"# mailproof snapshot 1: a\n  \xff\n").unwrap_err();
    assert_eq!((fault.line, fault.column), (2, 3));
}

#[test]
fn line_ends_of_another_system_are_no_change() {
    let dir = tempfile::tempdir().unwrap();
    let text = format!("# mailproof snapshot 1: a\n{STEP}").replace('\n', "\r\n");
    fs::write(dir.path().join("a.snap"), text).unwrap();
    let store = Store::open(dir.path()).unwrap();
    assert_eq!(changes(&store, &[("a", STEP)]), []);
}

#[test]
fn a_run_is_read_as_it_was_written_and_the_next_replaces_it() {
    let dir = tempfile::tempdir().unwrap();
    let out = Folder::open(dir.path(), "--out").unwrap();
    let first = taken(&[("a/b", STEP), ("c", OTHER)]);
    first.write(&out).unwrap();
    assert_eq!(Taken::read(dir.path()).unwrap().texts, first.texts);
    let second = taken(&[("c", STEP)]);
    second.write(&out).unwrap();
    assert_eq!(Taken::read(dir.path()).unwrap().texts, second.texts);
}

#[test]
fn long_transcripts_are_cut() {
    let text = file::bounded(&"  x\n".repeat(5000));
    assert_eq!(text.lines().count(), 4001);
    assert!(text.ends_with("  ... (1000 more lines)\n"));
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(id in "[a-z0-9-]{1,8}(/[a-z0-9-]{1,8}){0,3}(#[a-z0-9+-]{1,8})?", lines in proptest::collection::vec("  [ -~]{0,30}", 0..8)) {
        let text: String = lines.iter().map(|it| format!("{it}\n")).collect();
        let read = file::parse(file::render(&id, &text).as_bytes()).unwrap();
        prop_assert_eq!(read, Snapshot { id, text });
    }

    #[test]
    fn different_ids_have_different_paths(a in "[a-z/#.-]{0,12}", b in "[a-z/#.-]{0,12}") {
        prop_assert!(path(&a).is_relative());
        prop_assert!(!path(&a).components().any(|it| it.as_os_str() == ".."));
        prop_assert_eq!(a == b, path(&a) == path(&b));
    }

    #[test]
    fn no_file_panics(octets in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = file::parse(&octets);
        let _ = file::parse(&[b"# mailproof snapshot 1: a\n", &octets[..]].concat());
    }
}
