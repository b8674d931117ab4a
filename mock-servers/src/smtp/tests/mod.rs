//! Whole dialogues with the engine, driven as the wire drives it.

mod dialogues;
mod personas;
mod properties;
mod refusals;
mod sign_in;
mod transcripts;

use mailproof_scenarios::model::{Account, Persona, Refusal, SmtpPersona, What, event::octets};

use super::{SmtpConfig, SmtpEngine};
use crate::engine::{After, Engine, Input, Response};

const PERSONAS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../scenarios/personas");

const USER: &str = "a-1@firma.example";
const PASSWORD: &str = "pw-1";
const TOKEN: &str = "tok.1";

fn persona(name: &str) -> SmtpPersona {
    let text = std::fs::read_to_string(format!("{PERSONAS}/{name}.toml")).unwrap();
    let persona: Persona = toml::from_str(&text).unwrap();
    persona.smtp.unwrap()
}

/// Postfix without the wish for TLS and a sign-in, but with AUTH in clear: every command is in reach.
fn open_persona() -> SmtpPersona {
    let mut persona = persona("postfix");
    persona.requires_auth = false;
    persona.requires_tls = false;
    persona.clear.push("AUTH PLAIN LOGIN XOAUTH2".to_owned());
    persona
}

fn engine(persona: SmtpPersona) -> SmtpEngine {
    SmtpEngine::new(config(persona))
}

fn config(persona: SmtpPersona) -> SmtpConfig {
    SmtpConfig {
        persona,
        host: "mx.firma.example".to_owned(),
        accounts: vec![
            Account {
                name: "a".to_owned(),
                user: USER.to_owned(),
                password: PASSWORD.to_owned(),
                token: TOKEN.to_owned(),
            },
            Account {
                name: "b".to_owned(),
                user: "b-2@firma.example".to_owned(),
                password: "pw-2".to_owned(),
                token: "tok.2".to_owned(),
            },
        ],
        client_address: "192.0.2.7".to_owned(),
        date: "Sun, 22 Nov 2026 09:00:00 +0000".to_owned(),
        implicit_tls: false,
        queue_id_seed: "seed".to_owned(),
        recipients_of_step: vec!["Other@Other.Example".to_owned()],
    }
}

/// Feeds octets and answers everything that comes out; TLS starts where the engine asks for it.
fn exchange(engine: &mut SmtpEngine, octets: &[u8]) -> Vec<(Input, Response)> {
    engine.feed(octets);
    let mut answered = Vec::new();
    while let Some(input) = engine.next() {
        let response = engine.respond(None);
        if response.after == After::StartTls {
            engine.tls_started();
        }
        answered.push((input, response));
    }
    answered
}

/// One line to the server, one reply.
fn tell(engine: &mut SmtpEngine, line: &str) -> Response {
    let mut answered = exchange(engine, format!("{line}\r\n").as_bytes());
    assert_eq!(answered.len(), 1, "{line}");
    answered.remove(0).1
}

/// The same with a decision against it.
fn tell_refused(engine: &mut SmtpEngine, line: &str, refusal: &str) -> Response {
    engine.feed(format!("{line}\r\n").as_bytes());
    engine.next().unwrap();
    let refusal = Refusal::try_from(refusal.to_owned()).unwrap();
    engine.respond(Some(&refusal))
}

/// Sends each line, asserts that none is refused.
fn run(engine: &mut SmtpEngine, lines: &[&str]) {
    for line in lines {
        let response = tell(engine, line);
        assert!(response.positive, "{line}: {}", text(&response));
    }
}

fn code(response: &Response) -> u16 {
    text(response)[..3].parse().unwrap()
}

/// What leaves, with its line ends made visible.
fn text(response: &Response) -> String {
    let whole: Vec<u8> = response
        .units
        .iter()
        .flat_map(|unit| unit.octets.clone())
        .collect();
    octets::to_text(&whole)
}

fn accepted(facts: &[What]) -> Vec<&[u8]> {
    facts
        .iter()
        .filter_map(|fact| match fact {
            What::MessageAccepted { octets, .. } => Some(octets.as_slice()),
            _ => None,
        })
        .collect()
}
