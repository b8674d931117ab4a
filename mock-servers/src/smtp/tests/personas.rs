//! The persona files themselves: they parse, every text is a reply, and what they say fits together.

use mailproof_scenarios::model::{SmtpTexts, WireText};
use test_case::test_case;

use super::{properties::is_reply, *};
use crate::smtp::reply::Reply;

/// Each text that is a whole reply, with the first digits that it may have.
fn replies(texts: &SmtpTexts) -> Vec<(&'static str, &WireText, &'static str)> {
    let mut replies = vec![
        ("greeting", &texts.greeting, "220"),
        ("helo", &texts.helo, "250"),
        ("starttls-ready", &texts.starttls_ready, "220"),
        ("starttls-again", &texts.starttls_again, "5"),
        ("auth-ok", &texts.auth_ok, "235"),
        ("auth-failed", &texts.auth_failed, "535"),
        ("auth-cancelled", &texts.auth_cancelled, "501"),
        ("auth-not-base64", &texts.auth_not_base64, "5"),
        ("auth-unknown-mechanism", &texts.auth_unknown_mechanism, "5"),
        ("auth-needs-tls", &texts.auth_needs_tls, "5"),
        ("auth-again", &texts.auth_again, "503"),
        ("mail-ok", &texts.mail_ok, "250"),
        ("mail-needs-auth", &texts.mail_needs_auth, "5"),
        ("needs-tls", &texts.needs_tls, "530"),
        ("mail-nested", &texts.mail_nested, "503"),
        ("unknown-parameter", &texts.unknown_parameter, "5"),
        ("too-large", &texts.too_large, "552"),
        ("rcpt-ok", &texts.rcpt_ok, "250"),
        ("too-many-recipients", &texts.too_many_recipients, "452"),
        ("rcpt-needs-mail", &texts.rcpt_needs_mail, "503"),
        ("data-go", &texts.data_go, "354"),
        ("data-needs-rcpt", &texts.data_needs_rcpt, "503"),
        ("no-valid-recipients", &texts.no_valid_recipients, "5"),
        ("queued", &texts.queued, "250"),
        ("reset", &texts.reset, "250"),
        ("noop", &texts.noop, "250"),
        ("vrfy", &texts.vrfy, "25"),
        ("help", &texts.help, ""),
        ("quit", &texts.quit, "221"),
        ("unknown-command", &texts.unknown_command, "50"),
        ("syntax", &texts.syntax, "501"),
        ("line-too-long", &texts.line_too_long, "500"),
        ("too-many-errors", &texts.too_many_errors, "421"),
    ];
    if !texts.needs_hello.is_empty() {
        replies.push(("needs-hello", &texts.needs_hello, "503"));
    }
    if let Some(text) = &texts.bearer_failed {
        replies.push(("bearer-failed", text, "535"));
    }
    replies
}

#[test_case("postfix")]
#[test_case("microsoft365-submission")]
fn every_text_is_a_reply(name: &str) {
    let persona = persona(name);
    let fill = engine(persona.clone()).fill();
    for (key, text, digits) in replies(&persona.texts) {
        let octets = Reply::from_text(text, &fill).into_unit().octets;
        assert!(is_reply(&octets), "{key}: {}", text.source());
        assert!(
            octets.starts_with(digits.as_bytes()),
            "{key}: {}",
            text.source()
        );
        assert!(
            text.source()
                .starts_with(std::str::from_utf8(&octets[..3]).unwrap()),
            "{key}"
        );
        // RFC 5321 §4.5.3.1.5.
        assert!(
            octets.split(|b| *b == b'\n').all(|line| line.len() < 512),
            "{key}"
        );
    }
}

#[test_case("postfix")]
#[test_case("microsoft365-submission")]
fn the_parts_fit_together(name: &str) {
    let text = std::fs::read_to_string(format!("{PERSONAS}/{name}.toml")).unwrap();
    let whole: Persona = toml::from_str(&text).unwrap();
    assert_eq!(whole.name, name);
    assert!(!whole.sources.is_empty());
    let persona = whole.smtp.unwrap();
    let size = format!("SIZE {}", persona.limits.message_size);
    assert!(persona.clear.contains(&size) && persona.tls.contains(&size));
    assert!(persona.clear.contains(&"STARTTLS".to_owned()));
    assert!(!persona.tls.contains(&"STARTTLS".to_owned()));
    assert!(persona.limits.recipients >= 100, "RFC 5321 §4.5.3.1.8");
    assert!(persona.limits.command_line >= 512, "RFC 5321 §4.5.3.1.4");
    let mut engine = engine(persona);
    for layer in ["EHLO c", "STARTTLS", "EHLO c"] {
        assert!(is_reply(&tell(&mut engine, layer).units[0].octets));
    }
}

/// What a persona lists works: nothing may be announced that the engine does not speak.
#[test_case("postfix")]
#[test_case("microsoft365-submission")]
fn only_what_is_spoken_is_listed(name: &str) {
    let persona = persona(name);
    for line in persona.clear.iter().chain(&persona.tls) {
        let mut words = line.split(' ');
        let keyword = words.next().unwrap();
        match keyword {
            "AUTH" => assert!(words.all(|it| ["PLAIN", "LOGIN", "XOAUTH2"].contains(&it))),
            "SIZE" => assert!(words.all(|it| it.parse::<u64>().is_ok())),
            _ => assert_eq!(words.count(), 0, "{line}"),
        }
        let spoken = [
            "PIPELINING",
            "SIZE",
            "VRFY",
            "STARTTLS",
            "AUTH",
            "ENHANCEDSTATUSCODES",
            "8BITMIME",
            "DSN",
            "SMTPUTF8",
            "HELP",
        ];
        assert!(spoken.contains(&keyword), "{line}");
    }
}
