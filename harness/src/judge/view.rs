//! The log of a record, indexed: which connection an event belongs to, and in which step.
//!
//! Must not judge. It only puts together what the log has in order of time.

use std::collections::BTreeMap;

use mailproof_scenarios::model::{
    Event, PortRole, Protocol, Step, What,
    event::{Ended, Said},
};

use super::{
    attempts::{self, Attempt},
    epochs::{self, Epoch},
    leaks::{self, Leak, Needles, OutputLeak},
};
use crate::results::Record;

/// Everything that the checks look at.
pub(crate) struct View<'a> {
    pub(crate) record: &'a Record,
    pub(crate) events: &'a [Event],
    /// In the order in which they were opened.
    pub(crate) connections: Vec<Connection>,
    /// By connection, then by time.
    pub(crate) epochs: Vec<Epoch>,
    pub(crate) leaks: Vec<Leak>,
    pub(crate) output_leaks: Vec<OutputLeak>,
    pub(crate) dns_leaks: Vec<OutputLeak>,
    pub(crate) attempts: Vec<Attempt>,
}

/// One connection that was accepted.
pub(crate) struct Connection {
    pub(crate) id: u32,
    /// The step in which it was opened.
    pub(crate) step: u16,
    /// The index of its first event.
    pub(crate) opened: usize,
    pub(crate) port: Option<PortRole>,
    pub(crate) decoy: bool,
    pub(crate) protocol: Protocol,
    /// The indices of its events.
    pub(crate) events: Vec<usize>,
}

/// How a step ended, as far as anybody saw.
pub(crate) struct StepEnd<'a> {
    pub(crate) event: usize,
    pub(crate) ended: &'a Ended,
}

impl<'a> View<'a> {
    pub(crate) fn new(record: &'a Record) -> Self {
        let events = record.log.events.as_slice();
        let connections = connections(record, events);
        let epochs = epochs::of(events, &connections, record.own_chain);
        let needles = Needles::new(&record.canaries);
        let leaks = leaks::on_the_wire(&needles, &epochs);
        let output_leaks = leaks::in_output(&needles, events);
        let dns_leaks = leaks::in_dns(&needles, events);
        let attempts = attempts::of(&needles, events, &connections);
        Self {
            record,
            events,
            connections,
            epochs,
            leaks,
            output_leaks,
            dns_leaks,
            attempts,
        }
    }

    /// The step of that number, counted from 1.
    pub(crate) fn step(&self, number: u16) -> Option<&'a Step> {
        self.record.steps.get(usize::from(number).checked_sub(1)?)
    }

    /// The numbers of all steps, from 1.
    pub(crate) fn step_numbers(&self) -> impl Iterator<Item = u16> + use<> {
        (1..=self.record.steps.len()).filter_map(|n| u16::try_from(n).ok())
    }

    /// The steps that an expectation is about: one, or all.
    pub(crate) fn steps_of(&self, step: Option<u16>) -> Vec<u16> {
        step.map_or_else(|| self.step_numbers().collect(), |step| vec![step])
    }

    /// The events of a step (of all where absent) with their indices.
    pub(crate) fn events_in(
        &self,
        step: Option<u16>,
    ) -> impl Iterator<Item = (usize, &'a Event)> + use<'a> {
        self.events
            .iter()
            .enumerate()
            .filter(move |(_, event)| step.is_none_or(|step| step_of(event) == step))
    }

    pub(crate) fn connection(&self, id: u32) -> Option<&Connection> {
        self.connections.iter().find(|it| it.id == id)
    }

    /// The events of a connection, in order, with their indices.
    pub(crate) fn events_on<'v>(
        &'v self,
        connection: &'v Connection,
    ) -> impl Iterator<Item = (usize, &'a Event)> + use<'a, 'v> {
        connection.events.iter().map(|&i| (i, &self.events[i]))
    }

    /// How a step ended.
    pub(crate) fn end_of(&self, step: u16) -> Option<StepEnd<'a>> {
        self.events_in(Some(step))
            .filter_map(|(event, it)| match &it.what {
                What::StepEnded(ended) => Some(StepEnd { event, ended }),
                _ => None,
            })
            .last()
    }

    /// What the subject said of a step.
    pub(crate) fn said(&self, step: u16) -> Option<Said> {
        match self.end_of(step)?.ended {
            Ended::Finished { said, .. } => Some(*said),
            _ => None,
        }
    }

    /// Everything that the subject told its user in a step: its words and what it printed.
    pub(crate) fn words(&self, step: u16) -> String {
        let mut printed = Vec::new();
        let mut words = String::new();
        for (_, event) in self.events_in(Some(step)) {
            match &event.what {
                What::Output { octets, .. } => printed.extend_from_slice(octets),
                What::StepEnded(Ended::Finished { text, .. }) => {
                    words.push_str(text);
                    words.push('\n');
                }
                _ => {}
            }
        }
        words.push_str(&String::from_utf8_lossy(&printed));
        words
    }
}

/// The step in which an event happened; what comes before the first belongs to the first.
pub(crate) fn step_of(event: &Event) -> u16 {
    event.step.max(1)
}

fn connections(record: &Record, events: &[Event]) -> Vec<Connection> {
    let mut found: BTreeMap<u32, Connection> = BTreeMap::new();
    for (index, event) in events.iter().enumerate() {
        let Some(id) = event.conn else { continue };
        let connection = found.entry(id).or_insert_with(|| {
            let step = step_of(event);
            Connection {
                id,
                step,
                opened: index,
                port: None,
                decoy: false,
                protocol: record
                    .steps
                    .get(usize::from(step) - 1)
                    .map_or(Protocol::Smtp, |step| step.protocol),
                events: Vec::new(),
            }
        });
        connection.events.push(index);
        if let What::Connected { port, decoy, .. } = &event.what
            && connection.port.is_none()
        {
            connection.port = Some(*port);
            connection.decoy = *decoy;
            connection.protocol = port.protocol();
        }
    }
    let mut connections: Vec<_> = found.into_values().collect();
    connections.sort_by_key(|it| it.opened);
    connections
}
