//! A full session per persona, as people would read it.

use test_case::test_case;

use super::*;

const SESSION: &[&str] = &[
    "EHLO c.example",
    "HELP",
    "MAIL FROM:<a-1@firma.example>",
    "AUTH LOGIN",
    "STARTTLS",
    "MAIL FROM:<a-1@firma.example>",
    "EHLO c.example",
    "STARTTLS",
    "AUTH PLAIN AGEtMUBmaXJtYS5leGFtcGxlAHdyb25n",
    "AUTH NTLM",
    "AUTH XOAUTH2 dXNlcj1hAWF1dGg9QmVhcmVyIGIBAQ==",
    "",
    "MAIL FROM:<a-1@firma.example>",
    "AUTH LOGIN",
    "*",
    "AUTH LOGIN",
    "YS0xQGZpcm1hLmV4YW1wbGU=",
    "cHctMQ==",
    "AUTH LOGIN",
    "RCPT TO:<b@x.example>",
    "DATA",
    "VRFY b@x.example",
    "NOOP",
    "FOO",
    "MAIL FROM:b@x.example",
    "MAIL FROM:<a-1@firma.example> FOO=1",
    "MAIL FROM:<a-1@firma.example> SIZE=999999999999",
    "MAIL FROM:<a-1@firma.example> SIZE=40",
    "MAIL FROM:<a-1@firma.example>",
    "RCPT TO:<\u{e4}@x.example>",
    "DATA",
    "RCPT TO:<b@x.example>",
    "DATA",
    "Message-ID: <1.1@client.example>\r\n\r\n..\r\n.",
    "RSET",
    "HELO c.example",
    "QUIT",
];

#[test_case("postfix")]
#[test_case("microsoft365-submission")]
fn a_session(name: &str) {
    let mut persona = persona(name);
    persona.limits.errors = 0;
    let mut engine = engine(persona);
    let mut transcript = format!("S: {}\n", text(&engine.greet(None, None)));
    for line in SESSION {
        let stream = format!("{line}\r\n");
        for (input, response) in exchange(&mut engine, stream.as_bytes()) {
            transcript += &format!("C: {}\n", octets::to_text(&input.line));
            for line in text(&response).split_inclusive("\\r\\n") {
                transcript += &format!("S: {line}\n");
            }
            for fact in &response.facts {
                transcript += &format!("   {}\n", told(fact));
            }
            if response.after != After::GoOn {
                transcript += &format!("   {:?}\n", response.after);
            }
        }
    }
    insta::assert_snapshot!(format!("session-{name}"), transcript);
}

fn told(fact: &What) -> String {
    match fact {
        What::MessageAccepted { from, to, octets } => {
            let octets = octets::to_text(octets);
            format!("MessageAccepted from {from:?} to {to:?}: {octets}")
        }
        fact => format!("{fact:?}"),
    }
}
