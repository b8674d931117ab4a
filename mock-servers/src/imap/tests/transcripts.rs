//! A full session per persona, as people would read it.

use test_case::test_case;

use super::*;

const SESSION: &[&str] = &[
    "A001 CAPABILITY",
    "A002 LOGIN a-1@firma.example pw-1",
    "A003 STARTTLS",
    "A004 CAPABILITY",
    "A005 SELECT INBOX",
    "A006 FOO",
    "A007 ID (\"name\" \"client\")",
    "A008 AUTHENTICATE XOAUTH2 dXNlcj1hAWF1dGg9QmVhcmVyIGIBAQ==",
    "",
    "A009 AUTHENTICATE NTLM",
    "A010 AUTHENTICATE PLAIN",
    "*",
    "A011 LOGIN a-1@firma.example wrong",
    "A012 LOGIN a-1@firma.example pw-1",
    "A013 CAPABILITY",
    "A014 NAMESPACE",
    "A015 LIST \"\" \"*\"",
    "A016 LSUB \"\" \"%\"",
    "A017 STATUS INBOX (MESSAGES UIDNEXT UIDVALIDITY UNSEEN)",
    "A018 SELECT nope",
    "A019 CREATE INBOX",
    "A020 SELECT INBOX",
    "A021 FETCH 1:* (UID FLAGS RFC822.SIZE INTERNALDATE ENVELOPE)",
    "A022 UID FETCH 1 (BODY[])",
    "A023 FETCH 2 (BODY.PEEK[HEADER.FIELDS (SUBJECT)] BODYSTRUCTURE)",
    "A024 UID SEARCH UNSEEN",
    "A025 STORE 2 +FLAGS (\\Deleted)",
    "A026 COPY 1 nope",
    "A027 EXPUNGE",
    "A028 APPEND INBOX (\\Seen) {22}",
    "Subject: three\r\n\r\nText",
    "A029 IDLE",
    "DONE",
    "A030 FETCH 9 FLAGS",
    "A031 CLOSE",
    "A032 LOGOUT",
];

#[test_case("dovecot")]
#[test_case("gmail-imap")]
fn a_session(name: &str) {
    let config = ImapConfig {
        implicit_tls: false,
        ..config(persona(name))
    };
    for message in [PLAIN, "Subject: two\r\n\r\nText\r\n"] {
        config.store.deliver(USER, "INBOX", message.into());
    }
    let mut engine = ImapEngine::new(config);
    let mut transcript = String::new();
    show(&mut transcript, &engine.greet(None, None));
    for line in SESSION {
        let stream = format!("{line}\r\n");
        for (input, response) in exchange(&mut engine, stream.as_bytes()) {
            transcript += &format!("C: {}\n", octets::to_text(&input.line));
            show(&mut transcript, &response);
        }
    }
    insta::assert_snapshot!(format!("session-{name}"), transcript);
}

fn show(transcript: &mut String, response: &Response) {
    for unit in &response.units {
        *transcript += &format!("S: {}\n", octets::to_text(&unit.octets));
    }
    for fact in &response.facts {
        *transcript += &format!("   {fact:?}\n");
    }
    if response.after != After::GoOn {
        *transcript += &format!("   {:?}\n", response.after);
    }
}
