//! Several connections on one store: what each is told, and when (RFC 9051 §5.2, §7.5.1).

use pretty_assertions::assert_eq;
use test_case::test_case;

use super::*;
use crate::engine::InputKind;

/// Two connections with the same mailbox of three messages open, and the store.
fn two() -> (ImapEngine, ImapEngine, Store) {
    let config = dovecot();
    let store = config.store.clone();
    let one = selected(config.clone(), &[PLAIN, PLAIN, PLAIN]);
    let other = selected(config, &[]);
    (one, other, store)
}

fn expunge(engine: &mut ImapEngine, number: u32) {
    tell(
        engine,
        &format!("x STORE {number} +FLAGS.SILENT (\\Deleted)"),
    );
    assert!(tell(engine, "x EXPUNGE").positive);
}

#[test_case("FETCH 1:3 UID", "* 1 FETCH (UID 1)\\r\\n* 3 FETCH (UID 3)\\r\\na NO [EXPUNGEISSUED] Some of the messages are no longer there\\r\\n"; "fetch")]
#[test_case("STORE 3 +FLAGS.SILENT (\\Seen)", "a OK STORE completed.\\r\\n"; "store")]
#[test_case("SEARCH ALL", "* SEARCH 1 3\\r\\na OK SEARCH completed.\\r\\n"; "search")]
#[test_case("UID FETCH 1:3 UID", "* 1 FETCH (UID 1)\\r\\n* 3 FETCH (UID 3)\\r\\na OK UID FETCH completed.\\r\\n"; "fetch by UID")]
fn numbers_stay_during_fetch_store_and_search(command: &str, expected: &str) {
    let (mut one, mut other, _) = two();
    expunge(&mut other, 2);
    assert_eq!(say(&mut one, &format!("a {command}")), expected);
    assert_eq!(
        say(&mut one, "b NOOP"),
        "* 2 EXPUNGE\\r\\nb OK NOOP completed.\\r\\n"
    );
    assert_eq!(say(&mut one, "c NOOP"), "c OK NOOP completed.\\r\\n");
    let expected = "* 2 FETCH (UID 3)\\r\\nd OK FETCH completed.\\r\\n";
    assert_eq!(say(&mut one, "d FETCH 2 UID"), expected);
}

#[test]
fn new_messages_are_told_at_any_command() {
    let (mut one, mut other, store) = two();
    store.deliver(USER, "INBOX", b"x".to_vec());
    for engine in [&mut one, &mut other] {
        let said = say(engine, "a FETCH 1 UID");
        assert_eq!(
            said,
            "* 1 FETCH (UID 1)\\r\\n* 4 EXISTS\\r\\na OK FETCH completed.\\r\\n"
        );
    }
}

#[test]
fn gone_and_new_at_once() {
    let (mut one, mut other, store) = two();
    expunge(&mut other, 1);
    expunge(&mut other, 1);
    store.deliver(USER, "INBOX", b"x".to_vec());
    let expected = "* 4 EXISTS\\r\\na OK STORE completed.\\r\\n";
    assert_eq!(say(&mut one, "a STORE 3 FLAGS.SILENT ()"), expected);
    let expected = "* 1 EXPUNGE\\r\\n* 1 EXPUNGE\\r\\nb OK NOOP completed.\\r\\n";
    assert_eq!(say(&mut one, "b NOOP"), expected);
}

#[test]
fn flags_are_told_to_others_once() {
    let (mut one, mut other, _) = two();
    tell(&mut other, "a STORE 2 +FLAGS (\\Flagged)");
    let expected = "* 2 FETCH (FLAGS (\\\\Flagged))\\r\\na OK NOOP completed.\\r\\n";
    assert_eq!(say(&mut one, "a NOOP"), expected);
    assert_eq!(say(&mut one, "b NOOP"), "b OK NOOP completed.\\r\\n");
    assert_eq!(say(&mut other, "b NOOP"), "b OK NOOP completed.\\r\\n");
}

#[test]
fn storing_silently_does_not_hide_what_others_did() {
    let (mut one, mut other, _) = two();
    tell(&mut other, "a STORE 2 +FLAGS (\\Flagged)");
    let said = say(&mut one, "a STORE 2 +FLAGS.SILENT (\\Seen)");
    let expected = "* 2 FETCH (FLAGS (\\\\Flagged \\\\Seen))\\r\\na OK STORE completed.\\r\\n";
    assert_eq!(said, expected);
}

#[test]
fn idle_tells_everything_and_done_ends_it() {
    let (mut one, mut other, store) = two();
    let response = tell(&mut one, "a IDLE");
    assert_eq!(text(&response), "+ idling\\r\\n");
    assert_eq!(kinds(&response), [Unit::Continuation]);
    assert!(one.poll().is_none());

    store.deliver(USER, "INBOX", b"x".to_vec());
    let told = one.poll().unwrap();
    assert_eq!(text(&told), "* 4 EXISTS\\r\\n");
    assert_eq!(told.facts, [What::IdleNotified]);
    assert!(one.poll().is_none());

    tell(&mut other, "b STORE 3 +FLAGS (\\Seen)");
    expunge(&mut other, 1);
    let told = one.poll().unwrap();
    assert_eq!(
        text(&told),
        "* 1 EXPUNGE\\r\\n* 2 FETCH (UID 3 FLAGS (\\\\Seen))\\r\\n"
    );
    assert_eq!(told.facts, []);

    store.deliver(USER, "INBOX", b"y".to_vec());
    let (input, response) = exchange(&mut one, b"done\r\n").remove(0);
    assert_eq!(input.kind, InputKind::Done);
    assert_eq!(input.verb, "DONE");
    assert_eq!(
        text(&response),
        "* 4 EXISTS\\r\\na OK IDLE completed.\\r\\n"
    );
    store.deliver(USER, "INBOX", b"z".to_vec());
    assert!(one.poll().is_none(), "no longer waiting");
}

#[test]
fn what_came_before_idle_is_told_at_once() {
    let (mut one, _, store) = two();
    store.deliver(USER, "INBOX", b"x".to_vec());
    let response = tell(&mut one, "a IDLE");
    assert_eq!(text(&response), "+ idling\\r\\n* 4 EXISTS\\r\\n");
    assert_eq!(response.facts, [What::IdleNotified]);
}

#[test]
fn idle_without_a_mailbox_waits_for_nothing() {
    let config = dovecot();
    let store = config.store.clone();
    let mut engine = signed_in(config);
    assert_eq!(say(&mut engine, "a IDLE"), "+ idling\\r\\n");
    store.deliver(USER, "INBOX", b"x".to_vec());
    assert!(engine.poll().is_none());
    assert!(tell(&mut engine, "DONE").positive);
}

#[test]
fn a_command_during_idle_ends_it_with_bad() {
    let (mut one, _, _) = two();
    tell(&mut one, "a IDLE");
    let (input, response) = exchange(&mut one, b"b NOOP\r\n").remove(0);
    assert_eq!((input.kind, input.verb.as_str()), (InputKind::Done, "?"));
    assert_eq!(text(&response), "a BAD Expected DONE\\r\\n");
    assert!(tell(&mut one, "c NOOP").positive);
}

#[test]
fn whoever_has_a_deleted_mailbox_open_is_sent_away() {
    let config = dovecot();
    let mut one = signed_in(config.clone());
    let mut other = signed_in(config);
    tell(&mut one, "a SELECT Trash");
    tell(&mut one, "b IDLE");
    tell(&mut other, "a DELETE Trash");
    let told = one.poll().unwrap();
    assert_eq!(text(&told), "* BYE The selected mailbox was deleted\\r\\n");
    assert_eq!(told.after, After::Close);
}

#[test]
fn a_renamed_mailbox_stays_open() {
    let config = dovecot();
    let mut one = signed_in(config.clone());
    let mut other = signed_in(config.clone());
    tell(&mut one, "a SELECT Trash");
    tell(&mut other, "a RENAME Trash Bin");
    config.store.deliver(USER, "Bin", b"x".to_vec());
    assert_eq!(
        say(&mut one, "b NOOP"),
        "* 1 EXISTS\\r\\nb OK NOOP completed.\\r\\n"
    );
}

#[test]
fn copying_what_is_gone_copies_nothing() {
    let (mut one, mut other, store) = two();
    expunge(&mut other, 2);
    let said = say(&mut one, "a COPY 1:3 Sent");
    assert!(said.ends_with("a NO [EXPUNGEISSUED] Some of the messages are no longer there\\r\\n"));
    assert!(store.messages(USER, "Sent").is_empty());
}
