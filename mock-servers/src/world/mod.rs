//! Everything that a case needs on the server side, started and owned together.
//!
//! The world knows the case and lays its deviations over the engines. It emits events and judges nothing.

mod abilities;
mod connection;
mod engines;
mod log;
mod mail;
mod names;
mod owner;
mod place;
mod plain;
mod ports;
mod reach;
mod shared;
#[cfg(test)]
mod tests;

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::Arc,
    time::{Duration, SystemTime},
};

use mailproof_certs::{Authority, Fault};
use mailproof_scenarios::model::{
    Canaries, Case, Deviation, Host, Log, Persona, PortRole, Protocol, What,
};
use time::OffsetDateTime;
use tokio::{
    sync::{mpsc, oneshot},
    task::JoinHandle,
};

pub use self::{
    abilities::{Tried, abilities},
    log::Recorder,
    place::Place,
    reach::{Doorbook, Mapped, Reach, TurnedAway},
};
use self::{
    engines::Engines,
    owner::{Message, Owner},
    ports::Ports,
    shared::{Shared, Tls},
};
use crate::{
    script::Script,
    wire::{dns_port::DnsPort, witness::Witness},
};

/// Where the DNS of the lab is asked.
pub const RESOLVER: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 53);

/// Messages to the owner of a case that wait at most: enough that movers seldom wait, little enough that a
/// flood does not fill the memory.
const WAITING: usize = 256;

/// Connections that a case is served, where nothing needs more.
pub const SERVED: u32 = 200;

/// What a world is made from.
pub struct WorldConfig {
    /// The case, with its deviations (a control has none).
    pub case: Arc<Case>,
    /// The personas that the case's setup names, SMTP first.
    pub personas: [Persona; 2],
    /// Users, passwords and what else is fresh for the case.
    pub canaries: Canaries,
    /// Who forges the chains; what it has forged once costs nothing.
    pub authority: Arc<Authority>,
    /// The civil time that texts name.
    pub now: OffsetDateTime,
    /// Where it runs.
    pub place: Place,
    /// The numbers that ports have on loopback; any, where nothing is said of one.
    pub numbers: BTreeMap<PortRole, u16>,
    /// How long a connection is read on after the subject has ended, when it does not close it.
    pub linger: Duration,
    /// How many connections are served, [`SERVED`] as a rule; what comes behind is reset. Everything that
    /// is said on them is kept in memory.
    pub served: u32,
}

/// A running world. Dropping it closes everything.
pub struct World {
    place: Place,
    numbers: BTreeMap<PortRole, u16>,
    recorder: Recorder,
    turned_away: Doorbook,
    sees_packets: bool,
    owner: mpsc::Sender<Message>,
    task: JoinHandle<()>,
}

/// Why a world cannot start.
#[derive(Debug, thiserror::Error)]
pub enum WorldError {
    /// A port could not be opened.
    #[error("cannot listen on {role} ({port}): {source}")]
    Listen {
        /// The port's role.
        role: PortRole,
        /// The number; 0 where any would have done.
        port: u16,
        /// Why not.
        source: std::io::Error,
    },
    /// DNS cannot be answered.
    #[error("cannot answer DNS: {0}")]
    Dns(std::io::Error),
    /// A chain could not be forged.
    #[error("cannot forge the chain {fault:?}: {reason}")]
    Chain {
        /// Which.
        fault: Fault,
        /// Why not.
        reason: String,
    },
    /// A persona does not speak the protocol that it is there for.
    #[error("the persona `{persona}` has no {protocol} side")]
    Persona {
        /// Its name.
        persona: String,
        /// The protocol.
        protocol: Protocol,
    },
}

impl World {
    /// Opens the ports and waits for connections. Must be called within a tokio runtime.
    ///
    /// # Errors
    /// [`WorldError`] where a port or a chain is not to be had, or a persona does not fit.
    pub async fn start(config: WorldConfig) -> Result<World, WorldError> {
        let WorldConfig {
            case,
            personas: [smtp, imap],
            canaries,
            authority,
            now,
            place,
            numbers,
            linger,
            served,
        } = config;
        let lacks = |persona: &Persona, protocol| WorldError::Persona {
            persona: persona.name.clone(),
            protocol,
        };
        let sides = (
            smtp.smtp
                .clone()
                .ok_or_else(|| lacks(&smtp, Protocol::Smtp))?,
            imap.imap
                .clone()
                .ok_or_else(|| lacks(&imap, Protocol::Imap))?,
        );
        let tls = Tls::new(
            authority,
            place.clone(),
            place.names(&case),
            case.setup.chain.clone(),
        );
        for spec in case.chains().chain(case.default_chains()) {
            tls.chain(spec).map_err(|error| WorldError::Chain {
                fault: spec.fault,
                reason: error.to_string(),
            })?;
        }
        let steps = case.effective_steps();
        let host = place.host(Host::Name);
        let engines = Engines::new(sides, &case.setup, &canaries, &host, now, &steps);
        let (owner, messages) = mpsc::channel(WAITING);
        // Closing one takes the kernel a while, so there is one only where there is something to see.
        let witness = ports::can_be_closed(&case).then(Witness::open);
        let sees_packets = witness
            .as_ref()
            .map_or_else(Witness::can_be_had, Option::is_some);
        let ports = Ports::reserve(&case, &place, &numbers, owner.clone())?;
        let numbers = ports.numbers();
        let turned_away = ports.turned_away();
        let dns = match place {
            Place::Loopback | Place::Reachable(_) => None,
            Place::Lab => Some(open_dns(&owner).map_err(WorldError::Dns)?),
        };
        let recorder = Recorder::new();
        recorder.record(What::WorldStarted {
            civil: civil_micros(),
            ports: numbers.clone(),
        });
        let script = Script::new(&deviations(&case, &numbers)).in_segments(case.setup.segments);
        let shared = Shared::new(recorder.clone(), script, tls, engines.delivery());
        let mut owner_of_all = Owner::new(
            case,
            place.clone(),
            steps,
            engines,
            shared,
            ports,
            dns,
            witness.flatten(),
            linger,
            served,
            owner.clone(),
        );
        owner_of_all.open_doors()?;
        let task = tokio::spawn(owner_of_all.run(messages));
        Ok(World {
            place,
            numbers,
            recorder,
            turned_away,
            sees_packets,
            owner,
            task,
        })
    }

    /// The number of a port as the subject is told it; 0 for one that the case does not use.
    pub fn port(&self, role: PortRole) -> u16 {
        self.numbers.get(&role).copied().unwrap_or(0)
    }

    /// The name that the subject is configured with.
    pub fn host(&self, host: Host) -> String {
        self.place.host(host)
    }

    /// Who was turned away, now and later.
    pub fn turned_away(&self) -> Doorbook {
        self.turned_away.clone()
    }

    /// For events that others see.
    pub fn recorder(&self) -> Recorder {
        self.recorder.clone()
    }

    /// From now on connections belong to this step, counted from 1.
    pub async fn begin_step(&self, step: u16) {
        self.ask(|done| Message::Begin(step, done)).await;
    }

    /// Waits until every accepted connection is at its end or out of its linger budget, and lets those go
    /// that still are not. Call it when the subject of a step has ended.
    pub async fn settle(&self) {
        self.ask(|done| Message::Settle { keeps: false, done })
            .await;
    }

    /// The same where the subject goes on in the next step: what it leaves open stays so.
    pub async fn pause(&self) {
        self.ask(|done| Message::Settle { keeps: true, done }).await;
    }

    /// Whether attempts on refused and dropped ports are witnessed here.
    pub fn sees_packets(&self) -> bool {
        self.sees_packets
    }

    /// Closes everything and hands out what was seen.
    pub async fn finish(self) -> Log {
        self.ask(Message::Finish).await;
        self.recorder.take()
    }

    /// Returns when the owner has done it, or is no more.
    async fn ask(&self, message: impl FnOnce(oneshot::Sender<()>) -> Message) {
        let (done, answer) = oneshot::channel();
        if self.owner.send(message(done)).await.is_ok() {
            let _ = answer.await;
        }
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// The sockets of the DNS, which tell the owner of every question.
fn open_dns(owner: &mpsc::Sender<Message>) -> std::io::Result<DnsPort> {
    let (stirred, asked) = (owner.clone(), owner.clone());
    DnsPort::open(
        RESOLVER,
        move || {
            let owner = stirred.clone();
            async move { owner.send(Message::Asked).await.is_ok() }
        },
        move |question| {
            let owner = asked.clone();
            async move {
                let (answer, answered) = oneshot::channel();
                let message = Message::Question(question, answer);
                owner.send(message).await.ok()?;
                answered.await.ok().flatten()
            }
        },
    )
}

/// Now, by the civil clock of the machine; 0 where that is before 1970.
fn civil_micros() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.map_or(0, |it| u64::try_from(it.as_micros()).unwrap_or(u64::MAX))
}

/// The deviations of a case with the numbers of the ports that their texts name.
fn deviations(case: &Case, numbers: &BTreeMap<PortRole, u16>) -> Vec<Deviation> {
    let mut deviations = case.deviations().to_vec();
    for text in deviations.iter_mut().flat_map(|it| it.action.texts_mut()) {
        text.fill_ports(|role| numbers.get(&role).copied().unwrap_or(0));
    }
    deviations
}
