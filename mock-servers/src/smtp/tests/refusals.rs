//! Decisions against an input: the reply is the scenario's, the state follows the decision.

use mailproof_scenarios::model::{Fill, Unit, What, When, WireText};
use pretty_assertions::assert_eq;
use test_case::test_case;

use super::*;

const PLAIN: &str = "AUTH PLAIN AGEtMUBmaXJtYS5leGFtcGxlAHB3LTE=";

fn ready(lines: &[&str]) -> SmtpEngine {
    let mut engine = engine(open_persona());
    run(&mut engine, lines);
    engine
}

#[test_case("MAIL FROM:<a@x.example>", "550 5.7.1 No", "RCPT TO:<b@x.example>", 503; "mail")]
#[test_case("MAIL FROM:<a@x.example>", "250 2.1.0 Ok", "RCPT TO:<b@x.example>", 503; "mail with a wrong yes")]
#[test_case("STARTTLS", "250 2.0.0 Ok", "NOOP", 250; "starttls with a wrong yes")]
#[test_case("STARTTLS", "220 2.0.0 Go", "NOOP", 250; "starttls with the right yes")]
#[test_case("STARTTLS", "354 Go", "NOOP", 250; "starttls with a strange yes")]
#[test_case("QUIT", "500 5.5.1 No", "NOOP", 250; "quit")]
#[test_case("AUTH PLAIN", "334 ", "NOOP", 250; "auth with a wrong yes")]
#[test_case("EHLO d", "500 5.5.1 No", "MAIL FROM:<a@x.example>", 250; "a second ehlo")]
fn changes_nothing(line: &str, refusal: &str, then: &str, expected: u16) {
    let mut engine = ready(&["EHLO c"]);
    let response = tell_refused(&mut engine, line, refusal);
    assert_eq!(code(&response), refusal[..3].parse::<u16>().unwrap());
    assert_eq!(response.after, After::GoOn);
    assert_eq!(response.positive, !refusal.starts_with('5'));
    assert_eq!(code(&tell(&mut engine, then)), expected);
}

#[test]
fn a_refused_ehlo_greets_nobody() {
    let mut engine = engine(open_persona());
    tell_refused(&mut engine, "EHLO c", "250 Hello");
    assert_eq!(code(&tell(&mut engine, "MAIL FROM:<a@x.example>")), 503);
}

#[test]
fn a_refused_recipient_is_none() {
    let mut engine = ready(&["EHLO c", "MAIL FROM:<a@x.example>"]);
    tell_refused(&mut engine, "RCPT TO:<b@x.example>", "450 4.2.0 Later");
    assert_eq!(code(&tell(&mut engine, "DATA")), 554);
    run(&mut engine, &["RCPT TO:<c@x.example>", "DATA"]);
    let response = tell(&mut engine, ".");
    assert!(
        matches!(&response.facts[..], [What::MessageAccepted { to, .. }] if to == &["c@x.example"])
    );
}

#[test_case("354 Go"; "with a wrong yes")]
#[test_case("451 4.3.0 Later"; "with a no")]
fn a_refused_data_command_reads_no_data(refusal: &str) {
    let mut engine = ready(&["EHLO c", "MAIL FROM:<a@x.example>", "RCPT TO:<b@x.example>"]);
    let response = tell_refused(&mut engine, "DATA", refusal);
    assert_eq!(
        response.units[0].kind == Unit::Continuation,
        refusal.starts_with('3')
    );
    let answered = exchange(&mut engine, b"Subject: x\r\n.\r\n");
    assert_eq!(
        answered.iter().map(|(_, it)| code(it)).collect::<Vec<_>>(),
        [500, 500]
    );
    // The transaction goes on.
    assert_eq!(code(&tell(&mut engine, "DATA")), 354);
}

#[test_case("554 5.7.1 No"; "with a no")]
#[test_case("250 2.0.0 Ok"; "with a wrong yes")]
fn a_refused_message_is_dropped(refusal: &str) {
    let envelope = [
        "EHLO c",
        "MAIL FROM:<a@x.example>",
        "RCPT TO:<b@x.example>",
        "DATA",
    ];
    let mut engine = ready(&envelope);
    let response = tell_refused(&mut engine, "x\r\n.", refusal);
    assert_eq!(
        response.facts,
        [What::MessageRefused {
            from: "a@x.example".to_owned(),
            to: vec!["b@x.example".to_owned()],
        }]
    );
    assert_eq!(code(&tell(&mut engine, "RCPT TO:<b@x.example>")), 503);
    run(&mut engine, &envelope[1..]);
}

#[test]
fn a_refused_sign_in_is_a_fact_where_credentials_were_given() {
    let mut engine = ready(&["EHLO c"]);
    let response = tell_refused(&mut engine, PLAIN, "454 4.7.0 Later");
    let refused = [What::SignIn {
        mechanism: "PLAIN".to_owned(),
        user: USER.to_owned(),
        accepted: false,
    }];
    assert_eq!(response.facts, refused);
    assert_eq!(tell_refused(&mut engine, "AUTH PLAIN", "535 No").facts, []);
    run(&mut engine, &["AUTH PLAIN"]);
    let response = tell_refused(&mut engine, PLAIN.split_at(11).1, "235 2.7.0 Yes");
    assert_eq!(response.facts, refused);
    assert!(engine.holds(When::NotSignedIn));
    run(&mut engine, &["AUTH LOGIN"]);
    assert_eq!(tell_refused(&mut engine, "YQ==", "535 No").facts, []);
    run(&mut engine, &["NOOP", PLAIN]);
}

#[test]
fn a_421_closes() {
    let mut engine = ready(&["EHLO c"]);
    let response = tell_refused(&mut engine, "NOOP", "421 4.3.2 Bye");
    assert_eq!(response.after, After::Close);
    assert!(exchange(&mut engine, b"NOOP\r\n").is_empty());
}

#[test]
fn several_lines_are_one_unit() {
    let mut engine = ready(&["EHLO c"]);
    let response = tell_refused(
        &mut engine,
        "MAIL FROM:<a@x.example>",
        "550 5.7.1 {from}\n5.7.1 no",
    );
    assert_eq!(response.units.len(), 1);
    assert_eq!(
        text(&response),
        "550-5.7.1 a@x.example\\r\\n550 5.7.1 no\\r\\n"
    );
}

#[test]
fn a_refused_greeting_serves_nobody() {
    let mut engine = engine(open_persona());
    let refusal = Refusal::try_from("554 {host} No service".to_owned()).unwrap();
    let response = engine.greet(Some(&refusal), None);
    assert_eq!(text(&response), "554 mx.firma.example No service\\r\\n");
    assert_eq!(response.after, After::GoOn);
    for line in [
        "EHLO c",
        "STARTTLS",
        PLAIN,
        "MAIL FROM:<a@x.example>",
        "DATA",
        "FOO",
    ] {
        assert_eq!(code(&tell(&mut engine, line)), 503, "{line}");
    }
    let response = tell(&mut engine, "QUIT");
    assert_eq!((code(&response), response.after), (221, After::Close));
}

#[test]
fn a_421_greeting_closes() {
    let mut engine = engine(open_persona());
    let refusal = Refusal::try_from("421 4.7.0 Too many".to_owned()).unwrap();
    assert_eq!(engine.greet(Some(&refusal), None).after, After::Close);
    assert!(exchange(&mut engine, b"EHLO c\r\n").is_empty());
}

/// Feeds a line and leaves it unanswered.
fn ask(engine: &mut SmtpEngine, line: &str) {
    engine.feed(format!("{line}\r\n").as_bytes());
    engine.next().unwrap();
}

#[test]
fn holds_where_sender_and_recipient_are_the_same() {
    let mut engine = ready(&["EHLO c"]);
    let when = When::RecipientIsSender;
    ask(&mut engine, "MAIL FROM:<A@X.example>");
    assert!(!engine.holds(when));
    engine.respond(None);
    ask(&mut engine, "RCPT TO:<b@x.example>");
    assert!(!engine.holds(when));
    engine.respond(None);
    ask(&mut engine, "RCPT TO:<a@x.EXAMPLE>");
    assert!(engine.holds(when));
    engine.respond(None);
    run(&mut engine, &["DATA"]);
    ask(&mut engine, ".");
    assert!(engine.holds(when));
    engine.respond(None);
    assert!(!engine.holds(when));
    ask(&mut engine, "MAIL FROM:<other@other.example>");
    assert!(engine.holds(when));
}

#[test_case("From: A <a@x.example>\r\nTo:\r\n A@x.example\r\n\r\n.", true; "the same")]
#[test_case("From: a@x.example\r\nTo: b@x.example\r\n\r\n.", false; "not the same")]
fn holds_where_the_header_names_one_address(message: &str, expected: bool) {
    let mut engine = ready(&[
        "EHLO c",
        "MAIL FROM:<a@x.example>",
        "RCPT TO:<b@x.example>",
        "DATA",
    ]);
    ask(&mut engine, message);
    assert_eq!(engine.holds(When::HeaderFromIsTo), expected);
}

#[test]
fn every_place_that_makes_sense_is_filled() {
    let places =
        "{client}|{date}|{ehlo}|{from}|{host}|{mechanism}|{message-id}|{rcpt}|{size}|{user}|{verb}";
    let places = WireText::parse(places).unwrap();
    let rendered = |fill: Fill| String::from_utf8(places.render(&fill)).unwrap();
    let mut engine = ready(&["EHLO c", PLAIN]);
    ask(&mut engine, "MAIL FROM:<a@x.example>");
    assert_eq!(
        rendered(engine.fill()),
        "192.0.2.7|Sun, 22 Nov 2026 09:00:00 +0000|c|a@x.example|mx.firma.example|PLAIN|||10240000|a-1@firma.example|MAIL"
    );
    engine.respond(None);
    run(&mut engine, &["RCPT TO:<b@x.example>", "DATA"]);
    ask(&mut engine, "Message-ID: <1.1@c.example>\r\n.");
    assert_eq!(
        rendered(engine.fill()),
        "192.0.2.7|Sun, 22 Nov 2026 09:00:00 +0000|c|a@x.example|mx.firma.example|PLAIN|1.1@c.example|b@x.example|10240000|a-1@firma.example|(data)"
    );
    let id = engine.fill().get("queue-id").to_vec();
    assert!(text(&engine.respond(None)).contains(std::str::from_utf8(&id).unwrap()));
}

#[test]
fn queue_ids_repeat_with_the_seed_and_not_within_a_connection() {
    let message = ["MAIL FROM:<a@x.example>", "RCPT TO:<b@x.example>", "DATA"];
    let ids = || {
        let mut engine = ready(&["EHLO c"]);
        [(); 2].map(|()| {
            run(&mut engine, &message);
            text(&tell(&mut engine, "."))
        })
    };
    assert_eq!(ids(), ids());
    let [one, two] = ids();
    assert_ne!(one, two);
}
