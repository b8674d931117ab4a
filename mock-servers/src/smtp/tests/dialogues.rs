//! A table of dialogues: what the client says in one go, the codes that come back, and what became true.

use mailproof_scenarios::model::What;
use pretty_assertions::assert_eq;
use test_case::test_case;

use super::*;

/// `>` separates lines; the client sends all of it at once.
fn codes(engine: &mut SmtpEngine, dialogue: &str) -> (Vec<u16>, Vec<What>) {
    let stream: String = dialogue
        .split('>')
        .map(|line| format!("{line}\r\n"))
        .collect();
    let stream = stream.replace('{', "<").replace('}', ">");
    let answered = exchange(engine, stream.as_bytes());
    let codes = answered.iter().map(|(_, it)| code(it)).collect();
    let facts = answered.into_iter().flat_map(|(_, it)| it.facts).collect();
    (codes, facts)
}

#[test_case("EHLO c.example", &[250]; "ehlo")]
#[test_case("HELO c.example>EHLO c.example", &[250, 250]; "helo, then ehlo")]
#[test_case("EHLO>HELO", &[501, 501]; "no name")]
#[test_case("NOOP>NOOP x>RSET>VRFY a>HELP>FOO>QUIT", &[250, 250, 250, 252, 500, 500, 221]; "before ehlo")]
#[test_case("MAIL FROM:{a@x.example}", &[503]; "mail before ehlo")]
#[test_case("EHLO c>RCPT TO:{a@x.example}>DATA", &[250, 503, 503]; "rcpt and data before mail")]
#[test_case("EHLO c>MAIL FROM:{a@x.example}>DATA", &[250, 250, 503]; "data before rcpt")]
#[test_case("EHLO c>MAIL FROM:{a@x.example}>RCPT TO:{a}>DATA", &[250, 250, 501, 554]; "data with no valid recipient")]
#[test_case("EHLO c>MAIL FROM:{a@x.example}>MAIL FROM:{a@x.example}", &[250, 250, 503]; "mail twice")]
#[test_case("EHLO c>MAIL FROM:{a@x.example}>RSET>RCPT TO:{b@x.example}", &[250, 250, 250, 503]; "rset resets")]
#[test_case("EHLO c>MAIL FROM:{a@x.example}>EHLO c>RCPT TO:{b@x.example}", &[250, 250, 250, 503]; "ehlo resets")]
#[test_case("EHLO c>MAIL FROM:{a@x.example}>HELO c>RCPT TO:{b@x.example}", &[250, 250, 250, 503]; "helo resets")]
#[test_case("EHLO c>MAIL FROM:{a@x.example}>NOOP>VRFY x>RCPT TO:{b@x.example}", &[250, 250, 250, 252, 250]; "noop and vrfy do not")]
#[test_case("EHLO c>mail from:{}>rcpt to:{Postmaster}>data>.>quit", &[250, 250, 250, 354, 250, 221]; "small letters, null sender, postmaster")]
#[test_case("EHLO c>MAIL FROM:{a@x.example} FOO=1>MAIL FROM:{a@x.example} BODY=BINARYMIME", &[250, 555, 555]; "unknown parameters")]
#[test_case("EHLO c>MAIL FROM:{a@x.example} SIZE=x>MAIL FROM:{a@x.example} SIZE=10240001>MAIL FROM:{a@x.example} SIZE=10240000", &[250, 501, 552, 250]; "size")]
#[test_case("EHLO c>MAIL FROM:{a@x.example} BODY=8BITMIME AUTH={} RET=HDRS>RCPT TO:{b@x.example} NOTIFY=NEVER", &[250, 250, 250]; "parameters of extensions")]
#[test_case("EHLO c>MAIL FROM:{ä@x.example}>MAIL FROM:{ä@x.example} SMTPUTF8>RCPT TO:{ö@x.example}", &[250, 550, 250, 250]; "other letters")]
#[test_case("EHLO c>MAIL FROM:{a@x.example}>RCPT TO:{ö@x.example}>DATA", &[250, 250, 553, 554]; "other letters unannounced")]
#[test_case("EHLO c>DATA x>RSET x>STARTTLS x>NOOP", &[250, 501, 501, 501, 250]; "arguments where none belong")]
#[test_case("EHLO c>BDAT 3 LAST>ETRN x>EXPN x>XCLIENT A=1", &[250, 500, 500, 500, 500]; "commands of extensions that are not listed")]
#[test_case("EHLO c>STARTTLS>EHLO c>STARTTLS", &[250, 220]; "what stands behind starttls is lost")]
#[test_case("QUIT>NOOP", &[221]; "nothing after quit")]
fn answers(dialogue: &str, expected: &[u16]) {
    // `{}` in a dialogue stands for angle brackets.
    let (codes, _) = codes(&mut engine(open_persona()), dialogue);
    assert_eq!(codes, expected);
}

#[test]
fn takes_messages_one_after_the_other() {
    let mut engine = engine(open_persona());
    let one =
        "MAIL FROM:{a@x.example} SIZE=9>RCPT TO:{b@x.example}>RCPT TO:{c@x.example}>DATA>..one>.";
    let two = "MAIL FROM:{}>RCPT TO:{d@x.example}>DATA>two>.";
    let (codes, facts) = codes(&mut engine, &format!("EHLO c>{one}>{two}>QUIT"));
    assert_eq!(
        codes,
        [250, 250, 250, 250, 354, 250, 250, 250, 354, 250, 221]
    );
    let message = |from: &str, to: &[&str], octets: &str| What::MessageAccepted {
        from: from.to_owned(),
        to: to.iter().map(|it| (*it).to_owned()).collect(),
        octets: octets.as_bytes().to_vec(),
    };
    assert_eq!(
        facts,
        [
            message("a@x.example", &["b@x.example", "c@x.example"], ".one\r\n"),
            message("", &["d@x.example"], "two\r\n"),
        ]
    );
}

#[test]
fn keeps_every_octet() {
    let mut engine = engine(open_persona());
    run(
        &mut engine,
        &[
            "EHLO c",
            "MAIL FROM:<a@x.example>",
            "RCPT TO:<b@x.example>",
            "DATA",
        ],
    );
    let body: Vec<u8> = (0..=255).chain(*b"\n.\n\r.\r\n").collect();
    let answered = exchange(&mut engine, &[&body[..], b".\r\n"].concat());
    assert_eq!(accepted(&answered[0].1.facts), [&body[..]]);
}

#[test_case(10, true; "at the limit")]
#[test_case(11, false; "one octet over it")]
fn limits_what_arrives(octets: usize, fits: bool) {
    let mut persona = open_persona();
    persona.limits.message_size = 10;
    let mut engine = engine(persona);
    let envelope = [
        "EHLO c",
        "MAIL FROM:<a@x.example> SIZE=1",
        "RCPT TO:<b@x.example>",
        "DATA",
    ];
    run(&mut engine, &envelope);
    let line = format!("{}\r\n.", "x".repeat(octets - 2));
    let response = tell(&mut engine, &line);
    assert_eq!(code(&response), if fits { 250 } else { 552 });
    let refused = What::MessageRefused {
        from: "a@x.example".to_owned(),
        to: vec!["b@x.example".to_owned()],
    };
    assert_eq!(response.facts.contains(&refused), !fits);
    // The transaction is over either way (RFC 5321 §4.1.1.4).
    assert_eq!(code(&tell(&mut engine, "RCPT TO:<b@x.example>")), 503);
}

#[test]
fn limits_recipients_and_takes_the_rest() {
    let mut persona = open_persona();
    persona.limits.recipients = 2;
    let (codes, facts) = codes(
        &mut engine(persona),
        "EHLO c>MAIL FROM:{}>RCPT TO:{b@x.example}>RCPT TO:{c@x.example}>RCPT TO:{d@x.example}>DATA>.",
    );
    assert_eq!(codes, [250, 250, 250, 250, 452, 354, 250]);
    assert!(matches!(&facts[..], [What::MessageAccepted { to, .. }] if to.len() == 2));
}

#[test]
fn limits_lines() {
    let mut persona = open_persona();
    persona.limits.command_line = 512;
    let mut engine = engine(persona);
    let longest = format!("NOOP {}", "x".repeat(505));
    assert_eq!(code(&tell(&mut engine, &longest)), 250);
    assert_eq!(code(&tell(&mut engine, &format!("{longest}x"))), 500);
    let huge = format!("NOOP {}", "x".repeat(1_000_000));
    let answered = exchange(&mut engine, format!("{huge}\r\nNOOP\r\n").as_bytes());
    assert_eq!(
        answered.iter().map(|(_, it)| code(it)).collect::<Vec<_>>(),
        [500, 250]
    );
    assert_eq!(answered[0].0.verb, "NOOP");
    assert_eq!(answered[0].0.line.len(), 4096);
    // Parameters of extensions lengthen MAIL.
    run(&mut engine, &["EHLO c"]);
    let auth = format!("MAIL FROM:<a@x.example> AUTH={}", "x".repeat(490));
    assert_eq!(code(&tell(&mut engine, &auth)), 250);
}

#[test]
fn hangs_up_after_too_many_errors() {
    let mut persona = open_persona();
    persona.limits.errors = 3;
    let mut engine = engine(persona);
    for _ in 0..3 {
        assert_eq!(code(&tell(&mut engine, "FOO")), 500);
    }
    let response = tell(&mut engine, "NOOP");
    assert_eq!(code(&response), 421);
    assert_eq!(response.after, After::Close);
    assert!(exchange(&mut engine, b"NOOP\r\n").is_empty());
}

#[test]
fn a_bare_line_feed_ends_no_command() {
    let mut engine = engine(open_persona());
    assert!(exchange(&mut engine, b"NOOP\n").is_empty());
    let answered = exchange(&mut engine, b"NOOP\r\n");
    assert_eq!(answered[0].0.line, b"NOOP\nNOOP\r\n");
}

#[test]
fn starttls_forgets_everything() {
    let mut engine = engine(open_persona());
    run(
        &mut engine,
        &[
            "EHLO c",
            "AUTH PLAIN AGEtMUBmaXJtYS5leGFtcGxlAHB3LTE=",
            "MAIL FROM:<a@x.example>",
        ],
    );
    engine.feed(b"STARTTLS\r\nNOOP\r\n");
    engine.next().unwrap();
    let response = engine.respond(None);
    assert_eq!((code(&response), response.after), (220, After::StartTls));
    assert!(engine.next().is_none());
    assert_eq!(engine.take_unread(), b"NOOP\r\n");
    engine.feed(b"EHLO injected\r\n");
    engine.tls_started();
    assert!(engine.next().is_none());
    assert!(engine.holds(mailproof_scenarios::model::When::NotSignedIn));
    assert_eq!(code(&tell(&mut engine, "MAIL FROM:<a@x.example>")), 503);
    let capabilities = text(&tell(&mut engine, "EHLO c"));
    assert!(capabilities.contains("AUTH PLAIN") && !capabilities.contains("STARTTLS"));
    assert_eq!(code(&tell(&mut engine, "STARTTLS")), 554);
}

#[test]
fn an_abandoned_starttls_changes_nothing() {
    let mut engine = engine(open_persona());
    run(&mut engine, &["EHLO c", "MAIL FROM:<a@x.example>"]);
    engine.feed(b"STARTTLS\r\nRCPT TO:<b@x.example>\r\n");
    engine.next().unwrap();
    engine.respond(None);
    engine.tls_abandoned();
    let answered = exchange(&mut engine, b"");
    assert_eq!(code(&answered[0].1), 250);
    assert!(text(&tell(&mut engine, "EHLO c")).contains("STARTTLS"));
}

#[test]
fn before_tls_only_four_commands_are_served() {
    let mut engine = engine(persona("postfix"));
    let expected = [
        ("NOOP", 250),
        ("EHLO c", 250),
        ("MAIL FROM:<a@x.example>", 530),
        ("MAIL", 530),
        ("RCPT TO:<a@x.example>", 530),
        ("DATA", 530),
        ("RSET", 530),
        ("VRFY a", 530),
        ("HELP", 530),
        ("AUTH PLAIN", 530),
        ("FOO", 500),
        ("STARTTLS", 220),
    ];
    for (line, expected) in expected {
        assert_eq!(code(&tell(&mut engine, line)), expected, "{line}");
    }
}

#[test_case("STARTTLS", "STARTTLS", 500; "starttls")]
#[test_case("AUTH", "AUTH PLAIN", 500; "auth")]
#[test_case("SIZE", "MAIL FROM:<a@x.example> SIZE=1", 555; "size")]
#[test_case("8BITMIME", "MAIL FROM:<a@x.example> BODY=8BITMIME", 555; "eight bit")]
#[test_case("SMTPUTF8", "MAIL FROM:<ä@x.example>", 501; "other letters")]
#[test_case("DSN", "MAIL FROM:<a@x.example> RET=FULL", 555; "dsn")]
fn what_is_not_listed_is_refused(keyword: &str, line: &str, expected: u16) {
    let mut persona = open_persona();
    for list in [&mut persona.clear, &mut persona.tls] {
        list.retain(|it| !it.starts_with(keyword));
    }
    let mut engine = engine(persona);
    assert!(!text(&tell(&mut engine, "EHLO c")).contains(keyword));
    assert_eq!(code(&tell(&mut engine, line)), expected);
}

#[test]
fn a_persona_may_do_without_ehlo() {
    let mut persona = open_persona();
    persona.texts.needs_hello = mailproof_scenarios::model::WireText::parse("").unwrap();
    assert_eq!(
        code(&tell(&mut engine(persona), "MAIL FROM:<a@x.example>")),
        250
    );
}

#[test]
fn implicit_tls_is_tls_from_the_start() {
    let mut config = config(persona("postfix"));
    config.implicit_tls = true;
    let mut engine = SmtpEngine::new(config);
    assert!(text(&tell(&mut engine, "EHLO c")).contains("AUTH PLAIN LOGIN XOAUTH2"));
    assert_eq!(code(&tell(&mut engine, "STARTTLS")), 554);
    assert_eq!(code(&tell(&mut engine, "MAIL FROM:<a@x.example>")), 554);
    run(
        &mut engine,
        &[
            "AUTH PLAIN AGEtMUBmaXJtYS5leGFtcGxlAHB3LTE=",
            "MAIL FROM:<a@x.example>",
        ],
    );
}
