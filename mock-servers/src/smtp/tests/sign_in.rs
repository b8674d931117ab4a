//! AUTH with all three mechanisms, right and wrong (RFC 4954, RFC 4616).

use base64::{Engine as _, engine::general_purpose::STANDARD};
use mailproof_scenarios::model::{Unit, What, When};
use pretty_assertions::assert_eq;
use test_case::test_case;

use super::*;

fn base64(clear: &str) -> String {
    STANDARD.encode(clear)
}

fn bearer(user: &str, token: &str) -> String {
    base64(&format!("user={user}\x01auth=Bearer {token}\x01\x01"))
}

/// Inside TLS, greeted.
fn inside(name: &str) -> SmtpEngine {
    let mut config = config(persona(name));
    config.implicit_tls = true;
    let mut engine = SmtpEngine::new(config);
    run(&mut engine, &["EHLO c.example"]);
    engine
}

/// Sends the lines, collects codes and sign-ins.
fn attempt(engine: &mut SmtpEngine, lines: &[String]) -> (Vec<u16>, Vec<(String, String, bool)>) {
    let mut codes = Vec::new();
    let mut attempts = Vec::new();
    for line in lines {
        let response = tell(engine, line);
        codes.push(code(&response));
        for fact in response.facts {
            let What::SignIn {
                mechanism,
                user,
                accepted,
            } = fact
            else {
                panic!("{fact:?}")
            };
            attempts.push((mechanism, user, accepted));
        }
    }
    (codes, attempts)
}

fn fact(mechanism: &str, accepted: bool) -> Vec<(String, String, bool)> {
    vec![(mechanism.to_owned(), USER.to_owned(), accepted)]
}

#[test_case(true, PASSWORD; "with an initial response")]
#[test_case(false, PASSWORD; "after a challenge")]
#[test_case(true, "wrong"; "wrong, with an initial response")]
#[test_case(false, "wrong"; "wrong, after a challenge")]
fn plain(initial: bool, password: &str) {
    let right = password == PASSWORD;
    let mut engine = inside("postfix");
    let message = base64(&format!("\0{USER}\0{password}"));
    let lines = match initial {
        true => vec![format!("AUTH PLAIN {message}")],
        false => vec!["auth plain".to_owned(), message],
    };
    let (codes, facts) = attempt(&mut engine, &lines);
    assert_eq!(codes.last(), Some(&if right { 235 } else { 535 }));
    assert_eq!(codes[..codes.len() - 1], [334][..lines.len() - 1]);
    assert_eq!(facts, fact("PLAIN", right));
    assert_eq!(engine.holds(When::SignedIn), right);
    let mail = if right { 250 } else { 554 };
    assert_eq!(code(&tell(&mut engine, "MAIL FROM:<a@x.example>")), mail);
}

#[test_case(true, PASSWORD; "with an initial response")]
#[test_case(false, PASSWORD; "after a challenge")]
#[test_case(true, "wrong"; "wrong, with an initial response")]
#[test_case(false, "wrong"; "wrong, after a challenge")]
fn login(initial: bool, password: &str) {
    let right = password == PASSWORD;
    let mut engine = inside("microsoft365-submission");
    let mut lines = match initial {
        true => vec![format!("AUTH LOGIN {}", base64(USER))],
        false => vec!["AUTH LOGIN".to_owned(), base64(USER)],
    };
    lines.push(base64(password));
    let (codes, facts) = attempt(&mut engine, &lines);
    assert_eq!(codes.last(), Some(&if right { 235 } else { 535 }));
    assert!(codes[..codes.len() - 1].iter().all(|it| *it == 334));
    assert_eq!(facts, fact("LOGIN", right));
}

#[test]
fn login_asks_in_the_words_of_the_persona() {
    let mut engine = inside("postfix");
    let first = tell(&mut engine, "AUTH LOGIN");
    assert_eq!(text(&first), "334 VXNlcm5hbWU6\\r\\n");
    assert_eq!(first.units[0].kind, Unit::Continuation);
    assert!(first.positive);
    let second = tell(&mut engine, &base64(USER));
    assert_eq!(text(&second), "334 UGFzc3dvcmQ6\\r\\n");
}

#[test_case(true; "with an initial response")]
#[test_case(false; "after a challenge")]
fn xoauth2(initial: bool) {
    let mut engine = inside("microsoft365-submission");
    let lines = match initial {
        true => vec![format!("AUTH XOAUTH2 {}", bearer(USER, TOKEN))],
        false => vec!["AUTH XOAUTH2".to_owned(), bearer(USER, TOKEN)],
    };
    let (codes, facts) = attempt(&mut engine, &lines);
    assert_eq!(codes.last(), Some(&235));
    assert_eq!(facts, fact("XOAUTH2", true));
}

#[test_case("", 535; "the empty answer")]
#[test_case("AQ==", 535; "the answer of RFC 7628")]
#[test_case("!", 535; "no base64")]
#[test_case("*", 501; "a cancel")]
fn a_refused_token_is_explained_first(answer: &str, expected: u16) {
    let mut engine = inside("postfix");
    let response = tell(
        &mut engine,
        &format!("AUTH XOAUTH2 {}", bearer(USER, "old")),
    );
    let challenge = STANDARD.encode(r#"{"status":"401","schemes":"bearer","scope":"mail"}"#);
    assert_eq!(text(&response), format!("334 {challenge}\\r\\n"));
    assert!(matches!(
        &response.facts[..],
        [What::SignIn {
            accepted: false,
            ..
        }]
    ));
    let (codes, facts) = attempt(&mut engine, &[answer.to_owned()]);
    assert_eq!((codes, facts.len()), (vec![expected], 0));
    assert_eq!(code(&tell(&mut engine, "NOOP")), 250);
}

#[test]
fn a_persona_without_explanation_refuses_a_token_at_once() {
    let mut engine = inside("microsoft365-submission");
    let line = format!("AUTH XOAUTH2 {}", bearer(USER, "old"));
    let response = tell(&mut engine, &line);
    assert_eq!(
        text(&response),
        "535 5.7.3 Authentication unsuccessful [mx.firma.example]\\r\\n"
    );
    let (codes, facts) = attempt(&mut engine, &[line]);
    assert_eq!((codes, facts), (vec![535], fact("XOAUTH2", false)));
}

#[test]
fn a_persona_may_word_a_refused_token_otherwise() {
    let mut persona = open_persona();
    persona.texts.bearer_challenge = None;
    let text = mailproof_scenarios::model::WireText::parse("535 5.7.8 Token").unwrap();
    persona.texts.bearer_failed = Some(text);
    let mut engine = engine(persona);
    run(&mut engine, &["EHLO c"]);
    let response = tell(
        &mut engine,
        &format!("AUTH XOAUTH2 {}", bearer(USER, "old")),
    );
    assert_eq!(super::text(&response), "535 5.7.8 Token\\r\\n");
    let response = tell(&mut engine, "AUTH PLAIN AAA=");
    assert!(!super::text(&response).contains("Token"));
}

#[test_case("microsoft365-submission", "AUTH PLAIN AAAA", 504; "plain where it is not offered")]
#[test_case("microsoft365-submission", "AUTH LOGIN =AAA", 501; "padding first")]
#[test_case("microsoft365-submission", "AUTH LOGIN AAA=BBB", 501; "padding in the middle")]
#[test_case("microsoft365-submission", "AUTH CRAM-MD5", 504; "a mechanism that is not offered")]
#[test_case("postfix", "AUTH CRAM-MD5", 535; "the same at another product")]
#[test_case("postfix", "AUTH", 501; "no mechanism")]
#[test_case("postfix", "AUTH PLAIN =", 535; "an empty initial response")]
fn is_refused(name: &str, line: &str, expected: u16) {
    assert_eq!(code(&tell(&mut inside(name), line)), expected);
}

#[test]
fn an_exchange_can_be_cancelled_and_begun_anew() {
    let mut engine = inside("postfix");
    let lines = [
        "AUTH LOGIN",
        "*",
        "AUTH LOGIN",
        &base64(USER),
        "*",
        "AUTH PLAIN",
        "!!!",
        "AUTH PLAIN",
    ];
    let (codes, facts) = attempt(&mut engine, &lines.map(str::to_owned));
    assert_eq!(codes, [334, 501, 334, 334, 501, 334, 535, 334]);
    assert_eq!(facts, []);
    assert_eq!(
        code(&tell(
            &mut engine,
            &base64(&format!("\0{USER}\0{PASSWORD}"))
        )),
        235
    );
}

#[test]
fn a_line_of_an_exchange_may_be_longer_than_a_command() {
    let mut engine = inside("postfix");
    run(&mut engine, &["AUTH PLAIN"]);
    let (codes, facts) = attempt(&mut engine, &["A".repeat(12_284)]);
    assert_eq!((codes, facts.len()), (vec![535], 1));
    run(&mut engine, &["AUTH PLAIN"]);
    let (codes, facts) = attempt(&mut engine, &["A".repeat(12_288)]);
    assert_eq!((codes, facts.len()), (vec![500], 0));
    assert_eq!(code(&tell(&mut engine, "NOOP")), 250);
}

#[test]
fn only_one_sign_in_and_none_in_a_transaction() {
    let mut engine = engine(open_persona());
    let auth = format!("AUTH PLAIN {}", base64(&format!("\0{USER}\0{PASSWORD}")));
    run(&mut engine, &["EHLO c", "MAIL FROM:<a@x.example>"]);
    assert_eq!(code(&tell(&mut engine, &auth)), 503);
    run(&mut engine, &["RSET", &auth]);
    assert_eq!(code(&tell(&mut engine, &auth)), 503);
    run(&mut engine, &["EHLO c"]);
    assert!(engine.holds(When::SignedIn));
}

#[test]
fn every_account_may_sign_in_but_only_with_its_own_password() {
    let b = base64("\0b-2@firma.example\0pw-2");
    assert_eq!(
        code(&tell(&mut inside("postfix"), &format!("AUTH PLAIN {b}"))),
        235
    );
    let mixed = base64("\0b-2@firma.example\0pw-1");
    assert_eq!(
        code(&tell(
            &mut inside("postfix"),
            &format!("AUTH PLAIN {mixed}")
        )),
        535
    );
}

#[test]
fn a_mechanism_may_be_offered_inside_tls_only() {
    let mut persona = open_persona();
    persona.clear.retain(|it| !it.starts_with("AUTH"));
    persona.clear.push("AUTH LOGIN".to_owned());
    let mut engine = engine(persona);
    run(&mut engine, &["EHLO c"]);
    assert_eq!(code(&tell(&mut engine, "AUTH PLAIN")), 530);
    assert_eq!(code(&tell(&mut engine, "AUTH CRAM-MD5")), 535);
    assert_eq!(code(&tell(&mut engine, "AUTH LOGIN")), 334);
}
