//! LOGIN and AUTHENTICATE.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use pretty_assertions::assert_eq;
use test_case::test_case;

use super::*;

fn fresh(persona: ImapPersona, implicit_tls: bool) -> ImapEngine {
    ImapEngine::new(ImapConfig {
        implicit_tls,
        ..config(persona)
    })
}

fn sign_in(mechanism: &str, user: &str, accepted: bool) -> What {
    What::SignIn {
        mechanism: mechanism.to_owned(),
        user: user.to_owned(),
        accepted,
    }
}

fn plain(user: &str, password: &str) -> String {
    STANDARD.encode(format!("\0{user}\0{password}"))
}

fn xoauth2(user: &str, token: &str) -> String {
    STANDARD.encode(format!("user={user}\x01auth=Bearer {token}\x01\x01"))
}

#[test_case("a LOGIN a-1@firma.example pw-1", true; "as atoms")]
#[test_case("a LOGIN \"a-1@firma.example\" \"pw\\\\-1\"", false; "escapes count")]
#[test_case("a LOGIN \"a-1@firma.example\" \"pw-1\"", true; "as quoted strings")]
#[test_case("a LOGIN {17+}\r\na-1@firma.example {4+}\r\npw-1", true; "as literals")]
#[test_case("a login a-1@firma.example pw-2", false; "the password of somebody else")]
fn login(line: &str, accepted: bool) {
    let mut engine = fresh(persona("dovecot"), true);
    let response = tell(&mut engine, line);
    assert_eq!(response.positive, accepted);
    assert_eq!(response.facts, [sign_in("LOGIN", USER, accepted)]);
    let text = text(&response);
    if accepted {
        assert!(text.starts_with("a OK [CAPABILITY IMAP4rev1 "), "{text}");
        assert!(text.ends_with("] Logged in\\r\\n"), "{text}");
    } else {
        assert_eq!(
            text,
            "a NO [AUTHENTICATIONFAILED] Authentication failed.\\r\\n"
        );
    }
}

#[test_case("a LOGIN a-1@firma.example pw-1"; "by the command")]
#[test_case("a AUTHENTICATE PLAIN"; "by SASL")]
#[test_case("a AUTHENTICATE PLAIN AGEtMUBmaXJtYS5leGFtcGxlAHB3LTE="; "by SASL at once")]
fn in_clear_no_password_is_taken(line: &str) {
    let mut engine = fresh(persona("dovecot"), false);
    let response = tell(&mut engine, line);
    assert!(text(&response).starts_with("a NO [PRIVACYREQUIRED] "));
    assert_eq!(response.facts, []);
    assert!(!tell(&mut engine, "b SELECT INBOX").positive);
}

#[test]
fn gmail_lists_capabilities_before_it_says_yes() {
    let mut engine = fresh(persona("gmail-imap"), true);
    let response = tell(
        &mut engine,
        &format!("a AUTHENTICATE PLAIN {}", plain(USER, "pw-1")),
    );
    assert_eq!(kinds(&response), [Unit::Untagged, Unit::Final]);
    let text = text(&response);
    assert!(
        text.starts_with("* CAPABILITY IMAP4rev1 UNSELECT "),
        "{text}"
    );
    assert!(text.ends_with(&format!("\\r\\na OK {USER} authenticated (Success)\\r\\n")));
}

#[test_case(&["+ \\r\\n"], &[plain(USER, "pw-1")], "PLAIN", true; "plain")]
#[test_case(&["+ \\r\\n"], &[plain(USER, "x")], "PLAIN", false; "plain with a wrong password")]
#[test_case(&["+ VXNlcm5hbWU6\\r\\n", "+ UGFzc3dvcmQ6\\r\\n"], &[STANDARD.encode(USER), STANDARD.encode("pw-1")], "LOGIN", true; "login")]
#[test_case(&["+ \\r\\n"], &[xoauth2(USER, "tok.1")], "XOAUTH2", true; "xoauth2")]
#[test_case(&["+ \\r\\n", "+ eyJzdGF0dXMiOiI0MDEiLCJzY2hlbWVzIjoiYmVhcmVyIiwic2NvcGUiOiJtYWlsIn0=\\r\\n"], &[xoauth2(USER, "tok.2"), String::new()], "XOAUTH2", false; "xoauth2 with a wrong token")]
fn exchanges(challenges: &[&str], messages: &[String], mechanism: &str, accepted: bool) {
    let mut engine = fresh(persona("dovecot"), true);
    let mut facts = Vec::new();
    let mut response = tell(&mut engine, &format!("a AUTHENTICATE {mechanism}"));
    for (challenge, message) in challenges.iter().zip(messages) {
        assert_eq!(text(&response), *challenge);
        assert_eq!(kinds(&response), [Unit::Continuation]);
        assert!(response.positive);
        facts.extend(response.facts);
        response = tell(&mut engine, message);
    }
    assert_eq!(response.positive, accepted);
    assert_eq!(kinds(&response), [Unit::Final]);
    facts.extend(response.facts);
    assert_eq!(facts, [sign_in(mechanism, USER, accepted)]);
    assert_eq!(tell(&mut engine, "b SELECT INBOX").positive, accepted);
}

#[test]
fn a_line_of_an_exchange_is_an_input_of_its_own() {
    let mut engine = fresh(persona("dovecot"), true);
    tell(&mut engine, "a AUTHENTICATE PLAIN");
    let (input, _) = exchange(&mut engine, b"AAAA\r\n").remove(0);
    assert_eq!(input.kind, crate::engine::InputKind::Sasl);
    assert_eq!(
        (input.verb.as_str(), input.line.as_slice()),
        ("(sasl)", &b"AAAA\r\n"[..])
    );
}

#[test_case("*", "a BAD Authentication aborted by client.\\r\\n"; "cancelled")]
#[test_case("AAAA=", "a BAD Error in IMAP command AUTHENTICATE: Invalid arguments.\\r\\n"; "not base64")]
#[test_case("AAAA", "a NO [AUTHENTICATIONFAILED] Authentication failed.\\r\\n"; "no message of PLAIN")]
fn ends_of_an_exchange(line: &str, expected: &str) {
    let mut engine = fresh(persona("dovecot"), true);
    tell(&mut engine, "a AUTHENTICATE PLAIN");
    assert_eq!(say(&mut engine, line), expected);
    assert!(tell(&mut engine, "b NOOP").positive, "commands again");
}

#[test]
fn an_empty_initial_response_is_an_equals_sign() {
    let mut engine = fresh(persona("dovecot"), true);
    let response = tell(&mut engine, "a AUTHENTICATE LOGIN =");
    assert_eq!(text(&response), "+ UGFzc3dvcmQ6\\r\\n");
}

#[test_case("AUTHENTICATE CRAM-MD5", "dovecot", "NO [ALERT] Unsupported authentication mechanism."; "one that nobody has")]
#[test_case("AUTHENTICATE LOGIN", "gmail-imap", "NO [CANNOT] Unsupported authentication mechanism (Failure)"; "one that is not listed")]
fn mechanisms(line: &str, name: &str, expected: &str) {
    let mut engine = fresh(persona(name), true);
    assert_eq!(
        say(&mut engine, &format!("a {line}")),
        format!("a {expected}\\r\\n")
    );
}

#[test]
fn no_initial_response_without_sasl_ir() {
    let mut engine = fresh(without(persona("dovecot"), "SASL-IR"), true);
    let line = format!("a AUTHENTICATE PLAIN {}", plain(USER, "pw-1"));
    let response = tell(&mut engine, &line);
    assert!(text(&response).starts_with("a BAD "));
    assert_eq!(response.facts, []);
}

#[test]
fn nobody_signs_in_twice() {
    let mut engine = signed_in(dovecot());
    for line in ["a LOGIN x y", "a AUTHENTICATE PLAIN", "a STARTTLS"] {
        assert!(say(&mut engine, line).starts_with("a BAD "), "{line}");
    }
}
