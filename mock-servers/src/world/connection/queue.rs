//! What a connection is going to do, in order, and what is under way.

use std::collections::VecDeque;

use mailproof_scenarios::model::What;

use crate::{script::WireOp, wire::tls::Output};

/// One thing to do.
pub(super) struct Item {
    pub(super) act: Act,
    /// Deviations that are proved when it is done.
    pub(super) proves: Vec<u16>,
    /// Events that are true when it is done.
    pub(super) events: Vec<What>,
    /// The number of the answer that is complete then.
    pub(super) answers: Option<u64>,
    /// Whether the client waits in IDLE then.
    pub(super) idles: bool,
}

/// Kinds of things.
pub(super) enum Act {
    /// As planned.
    Wire(WireOp),
    /// Whatever TLS has to say for itself.
    Tls,
    /// Octets that leave as they are, whatever the channel is.
    Clear(Vec<u8>),
    /// Octets of TLS that are ready to leave, and what they carry.
    Ready(Output, Option<Vec<u8>>),
}

/// What becomes true when the operation under way is done.
#[derive(Default)]
pub(super) struct Flight {
    pub(super) events: Vec<What>,
    pub(super) proves: Vec<u16>,
    pub(super) answers: Option<u64>,
    pub(super) idles: bool,
    /// How much of it is kept for the log.
    pub(super) octets: usize,
    pub(super) resets: bool,
    pub(super) waits: bool,
}

/// The queue and what is under way.
#[derive(Default)]
pub(super) struct Queue {
    items: VecDeque<Item>,
    flight: Option<Flight>,
    octets: usize,
}

impl Item {
    pub(super) fn new(act: Act) -> Self {
        Self {
            act,
            proves: Vec::new(),
            events: Vec::new(),
            answers: None,
            idles: false,
        }
    }

    pub(super) fn wire(op: WireOp, proves: Vec<u16>) -> Self {
        Self {
            proves,
            ..Self::new(Act::Wire(op))
        }
    }

    fn waits(&self) -> bool {
        matches!(self.act, Act::Wire(WireOp::Gap(_) | WireOp::Hold(_)))
    }

    fn len(&self) -> usize {
        match &self.act {
            Act::Wire(WireOp::Write(octets)) | Act::Clear(octets) => octets.len(),
            _ => 0,
        }
    }
}

impl Queue {
    pub(super) fn push(&mut self, item: Item) {
        self.octets += item.len();
        self.items.push_back(item);
    }

    /// Before everything else.
    pub(super) fn push_front(&mut self, item: Item) {
        self.octets += item.len();
        self.items.push_front(item);
    }

    /// What comes next.
    pub(super) fn next(&self) -> Option<&Act> {
        self.items.front().map(|it| &it.act)
    }

    pub(super) fn pop(&mut self) -> Option<Item> {
        let item = self.items.pop_front()?;
        self.octets -= item.len();
        Some(item)
    }

    /// Everything that waits, to be put back changed.
    pub(super) fn take(&mut self) -> VecDeque<Item> {
        self.octets = 0;
        std::mem::take(&mut self.items)
    }

    pub(super) fn clear(&mut self) {
        self.take();
    }

    /// Octets that wait.
    pub(super) fn octets(&self) -> usize {
        self.octets
    }

    pub(super) fn is_flying(&self) -> bool {
        self.flight.is_some()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.items.is_empty() && self.flight.is_none()
    }

    pub(super) fn fly(&mut self, flight: Flight) {
        self.flight = Some(flight);
    }

    pub(super) fn landed(&mut self) -> Option<Flight> {
        self.flight.take()
    }

    /// Whatever is under way no longer matters.
    pub(super) fn abandon_flight(&mut self) {
        self.flight = None;
    }

    /// Forgets the first wait and everything behind it.
    pub(super) fn cut_at_first_wait(&mut self) {
        if self.flight.as_ref().is_some_and(|it| it.waits) {
            self.flight = None;
            self.clear();
        }
        if let Some(at) = self.items.iter().position(Item::waits) {
            for item in self.items.drain(at..) {
                self.octets -= item.len();
            }
        }
    }
}
