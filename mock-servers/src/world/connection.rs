//! One connection, without its socket: octets, ends and finished writes go in, operations and events come
//! out. Lays the script over the engine and TLS under it.
//!
//! Everything that is to be sent goes through one queue, and only one operation is under way at a time:
//! what an event says has left, has left.

mod channel;
mod queue;
mod talk;
#[cfg(test)]
mod tests;

use std::net::IpAddr;

use mailproof_scenarios::model::{Endpoints, Layer, PortRole, PortState, Protocol, What};

use self::{
    channel::Channel,
    queue::{Item, Queue},
};
use super::shared::Shared;
use crate::{
    engine::Engine,
    script::{CapabilityChange, Scene, WireOp},
    wire::{mover::Op, tls::Sniffer},
};

/// Octets that are taken from one connection.
const TAKEN: usize = 64 * 1024 * 1024;

/// A connection of a case.
pub(crate) struct Connection {
    id: u32,
    role: PortRole,
    /// Its number in its step; `None` where the script does not act: a decoy.
    ordinal: Option<u16>,
    between: Endpoints,
    engine: Option<Box<dyn Engine>>,
    changes: Vec<CapabilityChange>,
    channel: Channel,
    queue: Queue,
    /// Nothing more is answered, but everything is still read.
    muted: bool,
    /// Nothing more is read.
    deaf: bool,
    progress: Progress,
    answers: u64,
    /// Who signed in, and the mailbox that is open.
    user: Option<String>,
    mailbox: Option<String>,
    taken: usize,
    client_gone: bool,
    vanished: bool,
    over: bool,
}

/// How far the answer to the input before has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Progress {
    /// It was sent.
    Sent,
    /// It is under way, by its number.
    Pending(u64),
    /// It will not be sent.
    Unsent,
}

/// What a connection begins with.
pub(crate) struct Opening {
    /// Counted from 1 over the case.
    pub(crate) id: u32,
    /// The port.
    pub(crate) role: PortRole,
    /// Its number in its step; `None` for a decoy.
    pub(crate) ordinal: Option<u16>,
    /// To and from where.
    pub(crate) between: Endpoints,
    /// How the port behaves.
    pub(crate) state: PortState,
    /// The deviation that says so.
    pub(crate) proof: Option<u16>,
    /// Who speaks; `None` for a port that never does.
    pub(crate) engine: Option<Box<dyn Engine>>,
    /// What is different about its capabilities.
    pub(crate) changes: Vec<CapabilityChange>,
}

impl Connection {
    /// Begins: greets, or waits for TLS, or does what the port does.
    pub(crate) fn open(opening: Opening, shared: &mut Shared) -> Self {
        let Opening {
            id,
            role,
            ordinal,
            between,
            state,
            proof,
            engine,
            changes,
        } = opening;
        let mut connection = Self {
            id,
            role,
            ordinal,
            between,
            engine,
            changes,
            channel: Channel::Clear(Sniffer::default()),
            queue: Queue::default(),
            muted: false,
            deaf: false,
            progress: Progress::Sent,
            answers: 0,
            user: None,
            mailbox: None,
            taken: 0,
            client_gone: false,
            vanished: false,
            over: false,
        };
        let proof: Vec<u16> = proof.into_iter().collect();
        let implicit = begins_with_tls(role, state);
        match state {
            PortState::Reset => connection.end_with(WireOp::Reset, proof),
            PortState::Closed => connection.end_with(WireOp::Fin, proof),
            PortState::Silent
            | PortState::Blackhole
            | PortState::Refused
            | PortState::Unreachable
            | PortState::Prohibited => {
                shared.deviated(id, &proof);
                connection.muted = true;
                connection.progress = Progress::Unsent;
            }
            _ if implicit => {
                shared.deviated(id, &proof);
                connection.start_tls(true, shared);
            }
            PortState::Http => {
                shared.deviated(id, &proof);
                connection.greet(Vec::new(), shared);
            }
            _ => connection.greet(proof, shared),
        }
        connection
    }

    /// Takes octets that arrived.
    pub(crate) fn octets(&mut self, octets: &[u8], shared: &mut Shared) {
        self.taken = self.taken.saturating_add(octets.len());
        if self.over {
            return;
        }
        if self.taken > TAKEN || !shared.keep(octets.len()) {
            self.flooded();
            return;
        }
        self.arrived(octets, shared);
    }

    /// The client closed its sending side.
    pub(crate) fn eof(&mut self, shared: &mut Shared) {
        self.ended(shared);
        self.record(shared, What::ClientClosed { reset: false });
        self.client_gone = true;
        // Nobody waits any more; what can be said at once is still said.
        self.queue.cut_at_first_wait();
    }

    /// The connection broke.
    pub(crate) fn broken(&mut self, reset: bool, shared: &mut Shared) {
        self.ended(shared);
        self.record(shared, What::ClientClosed { reset });
        self.client_gone = true;
        self.over = true;
    }

    /// The operation under way is done, or failed because nobody takes what is sent.
    pub(crate) fn done(&mut self, ok: bool, shared: &mut Shared) {
        let Some(flight) = self.queue.landed() else {
            return;
        };
        if !ok {
            self.queue.clear();
            return;
        }
        if !shared.keep(flight.octets) {
            self.flooded();
        }
        for what in flight.events {
            self.record(shared, what);
        }
        shared.deviated(self.id, &flight.proves);
        if flight
            .answers
            .is_some_and(|number| self.progress == Progress::Pending(number))
        {
            self.progress = Progress::Sent;
        }
        self.over |= flight.resets;
        if flight.idles {
            self.deliver(shared);
        }
        self.process(shared);
    }

    /// The next operation, if one can begin. Ask again after every call.
    pub(crate) fn next_op(&mut self, shared: &mut Shared) -> Option<Op> {
        while !self.over && !self.queue.is_flying() {
            let item = self.queue.pop()?;
            if let Some(op) = self.begin(item, shared) {
                return Some(op);
            }
        }
        None
    }

    /// Whether the client is never to hear of its end.
    pub(crate) fn has_vanished(&self) -> bool {
        self.vanished
    }

    /// Whether nothing more will come and nothing is left to send.
    pub(crate) fn is_over(&self) -> bool {
        self.over || (self.client_gone && self.queue.is_empty())
    }

    /// Whether nothing more can be seen of it, whatever the client does.
    pub(crate) fn is_deaf(&self) -> bool {
        self.deaf
    }

    fn scene(&self, shared: &Shared) -> Option<Scene> {
        Some(Scene {
            protocol: self.protocol(),
            step: shared.step,
            connection: self.ordinal?,
            layer: self.layer(),
            between: self.between,
        })
    }

    fn protocol(&self) -> Protocol {
        self.role.protocol()
    }

    fn layer(&self) -> Layer {
        self.channel.layer()
    }

    fn record(&self, shared: &Shared, what: What) {
        shared.recorder.record_on(self.id, what);
    }

    fn end_with(&mut self, op: WireOp, proves: Vec<u16>) {
        self.muted = true;
        self.progress = Progress::Unsent;
        self.queue.push(Item::wire(op, proves));
    }

    /// Too much is too much: the one case in which what the client says is no longer read.
    fn flooded(&mut self) {
        self.queue.clear();
        self.queue.abandon_flight();
        self.end_with(WireOp::Reset, Vec::new());
    }
}

/// Whether the first octets on a port are TLS.
pub(crate) fn begins_with_tls(role: PortRole, state: PortState) -> bool {
    match state {
        PortState::Clear => false,
        PortState::Implicit => true,
        _ => role.is_implicit(),
    }
}

/// The address of a client as servers print it.
pub(crate) fn printed(client: IpAddr) -> String {
    client.to_canonical().to_string()
}
