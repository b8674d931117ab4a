//! Decisions against an input: what is said, and what state follows.

use pretty_assertions::assert_eq;
use test_case::test_case;

use super::*;

#[test_case(
    "NO [ALERT] No, {verb}",
    "a NO [ALERT] No, NOOP\\r\\n",
    After::GoOn,
    false
)]
#[test_case("BAD No", "a BAD No\\r\\n", After::GoOn, false)]
#[test_case("OK [X] Yes and no", "a OK [X] Yes and no\\r\\n", After::GoOn, true; "a wrong kind of yes")]
#[test_case(
    "BYE {tag} going down",
    "* BYE a going down\\r\\n",
    After::Close,
    false
)]
#[test_case("550 5.7.1 No\n5.7.1 Really", "a NO 550 5.7.1 No 5.7.1 Really\\r\\n", After::GoOn, false; "as SMTP says it")]
fn texts(refusal: &str, expected: &str, after: After, positive: bool) {
    let mut engine = signed_in(dovecot());
    let response = tell_refused(&mut engine, "a NOOP", refusal);
    assert_eq!(text(&response), expected);
    assert_eq!(response.after, after);
    assert_eq!(response.positive, positive);
    engine.feed(b"b NOOP\r\n");
    assert_eq!(engine.next().is_some(), after == After::GoOn);
}

#[test_case("SELECT Sent"; "select")]
#[test_case("EXAMINE Sent"; "examine")]
fn a_refused_select_leaves_nothing_selected(command: &str) {
    let mut engine = selected(dovecot(), &[PLAIN]);
    let response = tell_refused(&mut engine, &format!("a {command}"), "NO no");
    assert_eq!(response.facts, []);
    assert!(say(&mut engine, "b FETCH 1 FLAGS").starts_with("b BAD "));
}

#[test_case("NO no"; "plainly")]
#[test_case("OK yes"; "with a yes")]
fn a_refused_sign_in_is_none(refusal: &str) {
    let mut engine = ImapEngine::new(dovecot());
    let line = format!("a LOGIN {USER} pw-1");
    let response = tell_refused(&mut engine, &line, refusal);
    let fact = |mechanism: &str| What::SignIn {
        mechanism: mechanism.to_owned(),
        user: USER.to_owned(),
        accepted: false,
    };
    assert_eq!(response.facts, [fact("LOGIN")]);
    let initial = "AGEtMUBmaXJtYS5leGFtcGxlAHB3LTE=";
    let response = tell_refused(
        &mut engine,
        &format!("b AUTHENTICATE PLAIN {initial}"),
        refusal,
    );
    assert_eq!(response.facts, [fact("PLAIN")]);
    tell(&mut engine, "c AUTHENTICATE PLAIN");
    let response = tell_refused(&mut engine, initial, refusal);
    assert!(text(&response).starts_with("c "));
    assert_eq!(response.facts, [fact("PLAIN")]);
    assert!(say(&mut engine, "d SELECT INBOX").starts_with("d BAD "));
}

#[test]
fn a_refused_literal_drops_the_command() {
    let mut engine = signed_in(dovecot());
    let response = tell_refused(&mut engine, "a APPEND INBOX {3}", "NO [OVERQUOTA] full");
    assert_eq!(text(&response), "a NO [OVERQUOTA] full\\r\\n");
    assert!(tell(&mut engine, "b NOOP").positive);
}

#[test]
fn a_refused_append_stores_nothing() {
    let config = dovecot();
    let store = config.store.clone();
    let mut engine = signed_in(config);
    tell(&mut engine, "a APPEND INBOX {3}");
    let response = tell_refused(&mut engine, "abc", "NO [OVERQUOTA] full");
    assert_eq!(text(&response), "a NO [OVERQUOTA] full\\r\\n");
    assert_eq!(response.facts, []);
    assert!(store.messages(USER, "INBOX").is_empty());
}

#[test]
fn a_refused_starttls_stays_in_clear() {
    for refusal in ["NO no", "BAD no", "OK sure"] {
        let mut engine = ImapEngine::new(ImapConfig {
            implicit_tls: false,
            ..dovecot()
        });
        let response = tell_refused(&mut engine, "a STARTTLS", refusal);
        assert_eq!(response.after, After::GoOn);
        assert!(say(&mut engine, "b CAPABILITY").contains("STARTTLS"));
    }
}

#[test]
fn a_refused_idle_does_not_wait() {
    let mut engine = selected(dovecot(), &[PLAIN]);
    tell_refused(&mut engine, "a IDLE", "NO not now");
    assert!(tell(&mut engine, "b NOOP").positive);
}

#[test]
fn without_a_tag_a_refusal_has_none() {
    let mut engine = signed_in(dovecot());
    let response = tell_refused(&mut engine, "", "BAD no");
    assert_eq!(text(&response), "* BAD no\\r\\n");
}

#[test]
fn nothing_comes_before_the_answer() {
    let mut engine = signed_in(dovecot());
    engine.feed(b"a NOOP\r\nb NOOP\r\n");
    assert!(engine.next().is_some());
    assert!(engine.next().is_none());
    engine.respond(None);
    assert!(engine.next().is_some());
}
