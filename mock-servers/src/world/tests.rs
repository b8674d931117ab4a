//! Whole worlds with real sockets.

mod client;
mod dialogues;
mod doors;

use std::{
    collections::BTreeMap,
    sync::{Arc, OnceLock},
    time::Duration,
};

use mailproof_certs::Authority;
use mailproof_scenarios::model::{
    Action, At, Auth, CaFile, Canaries, Case, Crl, Delta, Deviation, Event, Frequency, Host, Job,
    Kind, Log, On, Party, Persona, PortRole, Process, Security, Setup, Severity, Step, Store,
    Trust, What, WireText,
};

use super::{Place, World, WorldConfig};

fn authority() -> Arc<Authority> {
    static AUTHORITY: OnceLock<Arc<Authority>> = OnceLock::new();
    AUTHORITY
        .get_or_init(|| Arc::new(Authority::fresh(time::OffsetDateTime::now_utc()).unwrap()))
        .clone()
}

fn canaries() -> Canaries {
    Canaries::derive(7, "a/b", ["a"])
}

fn personas() -> [Persona; 2] {
    ["postfix", "dovecot"].map(|name| {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../scenarios/personas");
        let file = std::fs::read_to_string(format!("{folder}/{name}.toml")).unwrap();
        toml::from_str(&file).unwrap()
    })
}

fn step(port: PortRole, job: Job) -> Step {
    Step {
        job,
        protocol: port.protocol(),
        security: Security::StarttlsRequired,
        trust: Trust::Ca,
        ca_file: CaFile::default(),
        store: Store::default(),
        crl: Crl::default(),
        host: Host::Name,
        port,
        source: 1,
        auth: Auth::Password,
        account: "a".to_owned(),
        from: Party::Own,
        to: vec![Party::Other],
        message: mailproof_scenarios::model::Message::Simple,
        mailbox: "INBOX".to_owned(),
        process: Process::New,
    }
}

fn case(steps: &[Step], deviations: &[Deviation]) -> Case {
    Case {
        id: "a/b".to_owned(),
        scenario: "a/b".to_owned(),
        variant: Vec::new(),
        title: String::new(),
        why: String::new(),
        kind: Kind::Fault,
        severity: Severity::Low,
        frequency: Frequency::Rare,
        refs: Vec::new(),
        covers: Vec::new(),
        tags: Vec::new(),
        steps: steps.to_vec(),
        setup: Setup::default(),
        delta: match deviations {
            [] => Delta::None,
            some => Delta::Deviate(some.to_vec()),
        },
        expect: Vec::new(),
        killed_by: Vec::new(),
        needs: Vec::new(),
        waits: false,
        diagnosis: None,
    }
}

async fn start(case: Case, place: Place) -> Result<World, super::WorldError> {
    let config = WorldConfig {
        case: Arc::new(case),
        personas: personas(),
        canaries: canaries(),
        authority: authority(),
        now: time::macros::datetime!(2026-11-22 08:51:30 UTC),
        place,
        numbers: BTreeMap::new(),
        linger: Duration::from_millis(200),
        served: super::SERVED,
    };
    let world = World::start(config).await?;
    world.begin_step(1).await;
    Ok(world)
}

/// A world on loopback with one step.
async fn world(port: PortRole, deviations: &[Deviation]) -> World {
    let case = case(&[step(port, Job::TestConnection)], deviations);
    start(case, Place::Loopback).await.unwrap()
}

fn everywhere(action: Action) -> Deviation {
    Deviation {
        on: On::default(),
        action,
    }
}

fn at(verb: &str, action: Action) -> Deviation {
    Deviation {
        on: On {
            at: Some(At::Command(verb.to_owned())),
            ..On::default()
        },
        action,
    }
}

fn text(source: &str) -> WireText {
    WireText::parse(source).unwrap()
}

async fn end(world: World) -> Log {
    world.settle().await;
    world.finish().await
}

fn has(log: &Log, what: impl Fn(&What) -> bool) -> bool {
    log.events.iter().any(|it| what(&it.what))
}

fn count(log: &Log, what: impl Fn(&What) -> bool) -> usize {
    log.events.iter().filter(|it| what(&it.what)).count()
}

fn deviated(log: &Log) -> bool {
    has(log, |it| *it == What::Deviated { index: 0 })
}

fn commands(log: &Log) -> Vec<String> {
    let command = |event: &Event| match &event.what {
        What::Command {
            verb, layer, early, ..
        } => Some(format!(
            "{verb} {layer:?}{}",
            if *early { " early" } else { "" }
        )),
        _ => None,
    };
    log.events.iter().filter_map(command).collect()
}
