//! Whole dialogues with the engine, driven as the wire drives it.

mod dialogues;
mod extended_list;
mod fetch;
mod greeting;
mod literals;
mod properties;
mod refusals;
mod sharing;
mod sign_in;
mod transcripts;

use mailproof_scenarios::model::{
    Account, ImapPersona, Persona, Refusal, Unit, What, event::octets,
};

use super::{ImapConfig, ImapEngine, Store};
use crate::engine::{After, Engine, Input, Response};

const PERSONAS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../scenarios/personas");
const DATE: &str = "22-Nov-2026 09:00:00 +0000";

const USER: &str = "a-1@firma.example";
const OTHER: &str = "b-2@firma.example";

const PLAIN: &str = "From: Alice <alice@x.example>\r\nTo: bob@y.example\r\nSubject: Plain\r\n\
    Date: Sun, 22 Nov 2026 08:51:30 +0000\r\nMessage-ID: <1@client.example>\r\n\r\nHello\r\nWorld\r\n";

fn persona(name: &str) -> ImapPersona {
    let text = std::fs::read_to_string(format!("{PERSONAS}/{name}.toml")).unwrap();
    let persona: Persona = toml::from_str(&text).unwrap();
    persona.imap.unwrap()
}

fn accounts() -> Vec<Account> {
    [("a", USER, "1"), ("b", OTHER, "2")]
        .map(|(name, user, number)| Account {
            name: name.to_owned(),
            user: user.to_owned(),
            password: format!("pw-{number}"),
            token: format!("tok.{number}"),
        })
        .to_vec()
}

fn config(persona: ImapPersona) -> ImapConfig {
    ImapConfig {
        store: Store::new(&accounts(), &persona, DATE),
        persona,
        host: "imap.firma.example".to_owned(),
        accounts: accounts(),
        client_address: "192.0.2.7".to_owned(),
        date: "Sun, 22 Nov 2026 09:00:00 +0000".to_owned(),
        implicit_tls: true,
    }
}

/// Dovecot inside TLS.
fn dovecot() -> ImapConfig {
    config(persona("dovecot"))
}

/// A connection of the first account with INBOX selected, in which these messages are.
fn selected(config: ImapConfig, messages: &[&str]) -> ImapEngine {
    for message in messages {
        assert!(
            config
                .store
                .deliver(USER, "INBOX", message.as_bytes().to_vec())
        );
    }
    let mut engine = signed_in(config);
    tell(&mut engine, "s SELECT INBOX");
    engine
}

fn signed_in(config: ImapConfig) -> ImapEngine {
    let mut engine = ImapEngine::new(config);
    engine.greet(None, None);
    let response = tell(&mut engine, &format!("l LOGIN {USER} pw-1"));
    assert!(response.positive, "{}", text(&response));
    engine
}

/// Feeds octets and answers everything that comes out; TLS starts where the engine asks for it.
fn exchange(engine: &mut ImapEngine, octets: &[u8]) -> Vec<(Input, Response)> {
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

/// One line to the server, one response.
fn tell(engine: &mut ImapEngine, line: &str) -> Response {
    let mut answered = exchange(engine, format!("{line}\r\n").as_bytes());
    assert_eq!(answered.len(), 1, "{line}");
    answered.remove(0).1
}

/// One line to the server, and what it says to it.
fn say(engine: &mut ImapEngine, line: &str) -> String {
    text(&tell(engine, line))
}

/// The same with a decision against it.
fn tell_refused(engine: &mut ImapEngine, line: &str, refusal: &str) -> Response {
    engine.feed(format!("{line}\r\n").as_bytes());
    engine.next().unwrap();
    let refusal = Refusal::try_from(refusal.to_owned()).unwrap();
    engine.respond(Some(&refusal))
}

/// What leaves, with its line ends made visible; Dovecot's times are left out.
fn text(response: &Response) -> String {
    let whole: Vec<u8> = response
        .units
        .iter()
        .flat_map(|unit| unit.octets.clone())
        .collect();
    octets::to_text(&whole).replace(" (0.001 + 0.000 secs)", "")
}

fn kinds(response: &Response) -> Vec<Unit> {
    response.units.iter().map(|unit| unit.kind).collect()
}

/// Takes a capability out of every list.
fn without(mut persona: ImapPersona, capability: &str) -> ImapPersona {
    for list in [
        &mut persona.clear,
        &mut persona.tls,
        &mut persona.authenticated,
    ] {
        list.retain(|it| it != capability);
    }
    persona
}
