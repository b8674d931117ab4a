//! Greetings, capabilities, and the life of a connection around STARTTLS and LOGOUT.

use pretty_assertions::assert_eq;
use test_case::test_case;

use super::*;

fn greet(refusal: Option<&str>, preauth: Option<&str>) -> (ImapEngine, Response) {
    let mut engine = ImapEngine::new(dovecot());
    let refusal = refusal.map(|text| Refusal::try_from(text.to_owned()).unwrap());
    let preauth = preauth.map(|text| text.to_owned().try_into().unwrap());
    let response = engine.greet(refusal.as_ref(), preauth.as_ref());
    (engine, response)
}

#[test_case("dovecot", true, "* OK [CAPABILITY IMAP4rev1 SASL-IR LOGIN-REFERRALS ID ENABLE IDLE LITERAL+ AUTH=PLAIN AUTH=LOGIN AUTH=XOAUTH2 AUTH=OAUTHBEARER] Dovecot (Debian) ready.\\r\\n"; "with capabilities")]
#[test_case("dovecot", false, "* OK [CAPABILITY IMAP4rev1 SASL-IR LOGIN-REFERRALS ID ENABLE IDLE LITERAL+ STARTTLS LOGINDISABLED] Dovecot (Debian) ready.\\r\\n"; "in clear")]
#[test_case("gmail-imap", true, "* OK Gimap ready for requests from 192.0.2.7 q13mb189540682pjq\\r\\n"; "without, and with the address of the client")]
fn greetings(name: &str, implicit_tls: bool, expected: &str) {
    let mut engine = ImapEngine::new(ImapConfig {
        implicit_tls,
        ..config(persona(name))
    });
    let response = engine.greet(None, None);
    assert_eq!(text(&response), expected);
    assert_eq!(kinds(&response), [Unit::Untagged]);
    assert!(response.positive);
}

#[test_case(
    "BYE Too many connections.",
    "* BYE Too many connections.\\r\\n",
    After::Close
)]
#[test_case("NO busy", "* NO busy\\r\\n", After::GoOn)]
#[test_case("BAD huh", "* BAD huh\\r\\n", After::GoOn)]
#[test_case("421 4.3.2 No", "* NO 421 4.3.2 No\\r\\n", After::GoOn; "as SMTP says it")]
fn refusing_greetings(refusal: &str, expected: &str, after: After) {
    let (mut engine, response) = greet(Some(refusal), None);
    assert_eq!(text(&response), expected);
    assert_eq!(response.after, after);
    assert!(!response.positive);
    engine.feed(b"a CAPABILITY\r\n");
    if after == After::Close {
        assert_eq!(engine.next(), None);
        return;
    }
    engine.next().unwrap();
    let expected = "a BAD Error in IMAP command received by server.\\r\\n";
    assert_eq!(text(&engine.respond(None)), expected);
    let login = format!("b LOGIN {USER} pw-1");
    assert!(!tell(&mut engine, &login).positive);
    let literal = tell(&mut engine, "c LOGIN {3}");
    assert!(!literal.positive);
    assert_eq!(tell(&mut engine, "d LOGOUT").after, After::Close);
}

#[test]
fn preauth_is_signed_in_as_the_first_account() {
    let (mut engine, response) = greet(None, Some("[CAPABILITY IMAP4rev1] hello {user}"));
    let expected = format!("* PREAUTH [CAPABILITY IMAP4rev1] hello {USER}\\r\\n");
    assert_eq!(text(&response), expected);
    assert!(engine.holds(mailproof_scenarios::model::When::SignedIn));
    assert!(tell(&mut engine, "a SELECT INBOX").positive);
    assert!(!tell(&mut engine, "b STARTTLS").positive);
}

#[test]
fn starttls_forgets_everything() {
    let mut engine = ImapEngine::new(ImapConfig {
        implicit_tls: false,
        ..dovecot()
    });
    engine.greet(None, None);
    engine.feed(b"a STARTTLS\r\nb NOOP\r\n");
    engine.next().unwrap();
    let response = engine.respond(None);
    assert_eq!(text(&response), "a OK Begin TLS negotiation now.\\r\\n");
    assert_eq!(response.after, After::StartTls);
    assert_eq!(engine.next(), None, "nothing is read before TLS");
    assert_eq!(engine.take_unread(), b"b NOOP\r\n");
    engine.tls_started();
    assert_eq!(engine.next(), None);
    assert!(say(&mut engine, "c CAPABILITY").contains("AUTH=PLAIN"));
    let expected = "d BAD TLS is already active.\\r\\n";
    assert_eq!(say(&mut engine, "d STARTTLS"), expected);
}

#[test]
fn what_was_injected_before_tls_is_gone_even_if_nobody_takes_it() {
    let mut engine = ImapEngine::new(ImapConfig {
        implicit_tls: false,
        ..dovecot()
    });
    engine.feed(b"a STARTTLS\r\nb NOOP\r\n");
    engine.next().unwrap();
    engine.respond(None);
    engine.tls_started();
    assert_eq!(engine.next(), None);
}

#[test]
fn without_tls_everything_goes_on_in_clear() {
    let mut engine = ImapEngine::new(ImapConfig {
        implicit_tls: false,
        ..dovecot()
    });
    engine.feed(b"a STARTTLS\r\nb CAPABILITY\r\n");
    engine.next().unwrap();
    engine.respond(None);
    engine.tls_abandoned();
    engine.next().unwrap();
    assert!(text(&engine.respond(None)).contains("STARTTLS LOGINDISABLED"));
}

#[test]
fn logout_says_bye_and_closes() {
    let mut engine = signed_in(dovecot());
    let response = tell(&mut engine, "a LOGOUT");
    let expected = "* BYE Logging out\\r\\na OK LOGOUT completed.\\r\\n";
    assert_eq!(text(&response), expected);
    assert_eq!(kinds(&response), [Unit::Untagged, Unit::Final]);
    assert_eq!(response.after, After::Close);
    engine.feed(b"b NOOP\r\n");
    assert_eq!(engine.next(), None);
}

#[test]
fn places_are_filled_for_the_input_at_hand() {
    let mut engine = signed_in(dovecot());
    engine.feed(b"A099 STATUS \"Se\xc3\xa4nt\" (MESSAGES)\r\n");
    engine.next().unwrap();
    let fill = engine.fill();
    for (place, expected) in [
        ("tag", "A099"),
        ("next-tag", "A100"),
        ("next-tag-2", "A101"),
        ("verb", "STATUS"),
        ("mailbox", "Se??nt"),
        ("user", USER),
        ("host", "imap.firma.example"),
        ("client", "192.0.2.7"),
        ("date", "Sun, 22 Nov 2026 09:00:00 +0000"),
        ("size", "67108864"),
        ("mechanism", ""),
    ] {
        assert_eq!(
            String::from_utf8_lossy(fill.get(place)),
            expected,
            "{place}"
        );
    }
    engine.respond(None);
    assert!(engine.fill().get("tag").is_empty());
}
