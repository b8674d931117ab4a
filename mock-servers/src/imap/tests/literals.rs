//! Literals, limits and lines that are none.

use pretty_assertions::assert_eq;
use test_case::test_case;

use super::*;
use crate::engine::InputKind;

#[test]
fn synchronising_literals_ask_first() {
    let mut engine = ImapEngine::new(dovecot());
    let (input, response) = exchange(&mut engine, b"a LOGIN {17}\r\n").remove(0);
    assert_eq!(input.kind, InputKind::Literal);
    assert_eq!(input.verb, "LOGIN");
    assert_eq!(input.line, b"a LOGIN {17}\r\n");
    assert_eq!(text(&response), "+ OK\\r\\n");
    assert_eq!(kinds(&response), [Unit::Continuation]);
    let (input, _) = exchange(&mut engine, b"a-1@firma.example {4}\r\n").remove(0);
    assert_eq!(input.kind, InputKind::Literal);
    let (input, response) = exchange(&mut engine, b"pw-1\r\n").remove(0);
    assert_eq!(input.kind, InputKind::Command);
    assert_eq!(
        input.line,
        b"a LOGIN {17}\r\na-1@firma.example {4}\r\npw-1\r\n"
    );
    assert!(response.positive);
}

#[test]
fn a_command_line_inside_a_literal_is_no_command() {
    let mut engine = ImapEngine::new(dovecot());
    let answered = exchange(
        &mut engine,
        b"a LOGIN x {20+}\r\nx\r\nA9 DELETE INBOX\r\n\r\n",
    );
    let verbs: Vec<_> = answered
        .iter()
        .map(|(input, _)| input.verb.as_str())
        .collect();
    assert_eq!(verbs, ["LOGIN"]);
}

#[test_case("FOO {3}"; "an unknown command")]
#[test_case("APPEND INBOX {3}"; "before the sign-in")]
fn a_literal_that_cannot_help_is_refused_and_forgotten(command: &str) {
    let mut engine = ImapEngine::new(dovecot());
    let response = tell(&mut engine, &format!("a {command}"));
    assert!(text(&response).starts_with("a BAD "));
    assert!(tell(&mut engine, "b NOOP").positive);
}

#[test]
fn append_to_nowhere_is_refused_before_the_message() {
    let mut engine = signed_in(dovecot());
    let expected = "a NO [TRYCREATE] Mailbox doesn't exist: nope.\\r\\n";
    assert_eq!(say(&mut engine, "a APPEND nope {3}"), expected);
    assert_eq!(say(&mut engine, "a APPEND nope {3+}\r\nabc"), expected);
}

#[test_case("a APPEND INBOX {67108865}", "a NO [TOOBIG] Literal size too large\\r\\n"; "over the limit")]
#[test_case("a APPEND INBOX {99999999999999999999}", "a BAD Error in IMAP command APPEND: Invalid arguments.\\r\\n"; "no number")]
#[test_case("a APPEND INBOX ~{3}", "a BAD Error in IMAP command APPEND: Invalid arguments.\\r\\n"; "a literal of RFC 3516")]
fn literals_that_are_not_taken(line: &str, expected: &str) {
    let mut engine = signed_in(dovecot());
    assert_eq!(say(&mut engine, line), expected);
    assert!(tell(&mut engine, "b NOOP").positive);
}

#[test]
fn a_literal_that_nobody_would_wait_for_ends_the_connection() {
    let mut engine = signed_in(dovecot());
    let response = tell(&mut engine, "a APPEND INBOX {999999999999+}");
    assert_eq!(
        text(&response),
        "* BYE [TOOBIG] The literal is too large\\r\\n"
    );
    assert_eq!(response.after, After::Close);
}

#[test]
fn a_large_literal_without_waiting_is_read_and_refused() {
    let mut persona = persona("dovecot");
    persona.literal = 10;
    let mut engine = signed_in(config(persona));
    let answered = exchange(
        &mut engine,
        b"a APPEND INBOX {11+}\r\n12345678901\r\nb NOOP\r\n",
    );
    assert_eq!(
        text(&answered[0].1),
        "a NO [TOOBIG] Literal size too large\\r\\n"
    );
    assert_eq!(answered[1].0.verb, "NOOP");
}

#[test_case(4096, true; "as many as LITERAL- allows")]
#[test_case(4097, false; "one more")]
fn literal_minus(size: usize, taken: bool) {
    let mut engine = signed_in(config(persona("gmail-imap")));
    let line = format!(
        "a APPEND INBOX {{{size}+}}\r\n{}\r\nb NOOP\r\n",
        "x".repeat(size)
    );
    let answered = exchange(&mut engine, line.as_bytes());
    assert_eq!(answered.len(), 2);
    assert_eq!(answered[0].1.positive, taken);
    assert_eq!(text(&answered[0].1).contains("[TOOBIG]"), !taken);
}

#[test]
fn without_the_extension_a_plus_is_a_mistake_and_what_follows_is_a_command() {
    let mut engine = ImapEngine::new(config(without(persona("dovecot"), "LITERAL+")));
    let answered = exchange(&mut engine, b"a LOGIN {6+}\r\nb NOOP\r\n");
    assert!(text(&answered[0].1).starts_with("a BAD "));
    assert_eq!(text(&answered[1].1), "b OK NOOP completed.\\r\\n");
}

#[test]
fn a_message_with_nul_is_refused() {
    let mut engine = signed_in(dovecot());
    let response = tell(&mut engine, "a APPEND INBOX {3+}\r\na\0b");
    assert!(text(&response).starts_with("a BAD "));
    assert_eq!(response.facts, []);
}

#[test_case(b"\r\n"; "an empty line")]
#[test_case(b"* NOOP\r\n"; "a star")]
#[test_case(b"+ NOOP\r\n"; "a plus")]
#[test_case(b"\x16\x03\x01\x02\x00\r\n"; "a ClientHello")]
fn without_a_tag_the_answer_has_none(line: &[u8]) {
    let mut engine = ImapEngine::new(dovecot());
    let (input, response) = exchange(&mut engine, line).remove(0);
    assert_eq!(input.verb, "?");
    assert!(text(&response).starts_with("* BAD "));
    assert_eq!(kinds(&response), [Unit::Untagged]);
}

#[test_case("a NOOP \r\n"; "a space at the end")]
#[test_case("a NOOP\n"; "a bare LF")]
#[test_case("a NOOP x\r\n"; "an argument")]
fn mistakes(line: &str) {
    let mut engine = ImapEngine::new(dovecot());
    let (input, response) = exchange(&mut engine, line.as_bytes()).remove(0);
    assert_eq!(input.verb, "NOOP");
    assert!(text(&response).starts_with("a BAD "));
}

#[test]
fn a_line_over_the_limit_is_refused_by_its_tag() {
    let mut engine = ImapEngine::new(dovecot());
    let line = format!("a LOGIN x {}\r\nb NOOP\r\n", "y".repeat(70_000));
    let answered = exchange(&mut engine, line.as_bytes());
    assert!(text(&answered[0].1).starts_with("a BAD "));
    assert_eq!(answered[0].0.line.len(), 65_536);
    assert!(answered[1].1.positive);
}

#[test]
fn a_flood_ends_the_connection() {
    let mut persona = persona("dovecot");
    persona.literal = 10;
    let mut engine = ImapEngine::new(config(persona));
    engine.feed(&vec![b'x'; 2 * 1024 * 1024]);
    engine.next().unwrap();
    assert_eq!(engine.respond(None).after, After::Close);
}
