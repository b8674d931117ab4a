//! Everything that a case needs on the server side, started and owned together.
//!
//! The world knows the case and lays its deviations over the engines. It emits events and judges nothing.

mod connection;
mod log;
mod shared;

use std::{sync::Arc, time::Duration};

use mailproof_certs::{Authority, Fault};
use mailproof_scenarios::model::{Canaries, Case, Log, Persona, PortRole, What};

/// What a world is made from.
pub struct WorldConfig {
    /// The case, with its deviations (a control has none).
    pub case: Arc<Case>,
    /// The personas that the case's setup names, SMTP first.
    pub personas: [Persona; 2],
    /// Users, passwords and what else is fresh for the case.
    pub canaries: Canaries,
    /// Who forges its chains.
    pub authority: Arc<Authority>,
    /// The civil time from which dates are computed.
    pub now: time::OffsetDateTime,
    /// Where it runs.
    pub place: Place,
    /// How long a connection is read on after the subject has ended, when it does not close it.
    pub linger: Duration,
}

/// Where a world listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// Random ports on `127.0.0.1` and `::1`; the host is `localhost`.
    Loopback,
    /// The registered ports on every address of a private network namespace, with decoys on those that the
    /// case does not use.
    Lab {
        /// The name that the subject is configured with.
        host: String,
    },
}

/// A running world.
pub struct World {}

/// Adds events of others (the runner) to the same total order. Cheap to clone.
#[derive(Clone)]
pub struct Recorder {}

/// Why a world cannot start.
#[derive(Debug, thiserror::Error)]
pub enum WorldError {
    /// A port could not be opened.
    #[error("cannot listen on {role} ({port}): {source}")]
    Listen {
        /// The port's role.
        role: PortRole,
        /// The number.
        port: u16,
        /// Why not.
        source: std::io::Error,
    },
    /// A chain could not be forged.
    #[error("cannot forge the chain {fault:?}: {reason}")]
    Chain {
        /// Which.
        fault: Fault,
        /// Why not.
        reason: String,
    },
}

#[expect(
    clippy::unused_async,
    clippy::todo,
    reason = "signatures only, the world branch has the bodies"
)]
impl World {
    /// Opens the ports and waits for connections.
    ///
    /// # Errors
    /// [`WorldError`] where a port or a chain is not to be had.
    pub async fn start(_config: WorldConfig) -> Result<World, WorldError> {
        todo!()
    }

    /// The number of a port that the case uses.
    pub fn port(&self, _role: PortRole) -> u16 {
        todo!()
    }

    /// The name that the subject is configured with.
    pub fn host(&self) -> &str {
        todo!()
    }

    /// For events that others see.
    pub fn recorder(&self) -> Recorder {
        todo!()
    }

    /// From now on connections belong to this step, counted from 1.
    pub async fn begin_step(&self, _step: u16) {
        todo!()
    }

    /// Waits until every accepted connection is at its end or out of its linger budget. Call it when the
    /// subject of a step has ended.
    pub async fn settle(&self) {
        todo!()
    }

    /// Whether attempts on refused and dropped ports are witnessed here.
    pub fn sees_packets(&self) -> bool {
        todo!()
    }

    /// Closes everything and hands out what was seen.
    pub async fn finish(self) -> Log {
        todo!()
    }
}

#[expect(
    clippy::todo,
    reason = "signatures only, the world branch has the bodies"
)]
impl Recorder {
    /// Appends an event of the running step, now.
    pub fn record(&self, _what: What) {
        todo!()
    }

    /// A live feed of events as they are appended, for `serve`.
    pub fn subscribe(
        &self,
    ) -> tokio::sync::mpsc::UnboundedReceiver<mailproof_scenarios::model::Event> {
        todo!()
    }
}
