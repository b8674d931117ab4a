//! Channel epochs: for each stretch of a connection, what it was. In clear, or TLS to a certain peer.
//!
//! Must not know what was said in it; the leak oracle and the signs read that.

use mailproof_scenarios::model::{ChainSpec, Event, Layer, PortRole, Step, What, event::SentChain};

use super::{
    trust::{self, Decision},
    view::{Connection, step_of},
};

/// One stretch of a connection within one step.
pub(crate) struct Epoch {
    pub(crate) connection: u32,
    pub(crate) decoy: bool,
    pub(crate) port: Option<PortRole>,
    pub(crate) step: u16,
    pub(crate) channel: Channel,
    /// Whether the user brought a chain along, so that nobody was told to trust who issued another one.
    pub(crate) beside_own: bool,
    /// The indices of its events.
    pub(crate) events: Vec<usize>,
    /// What the client sent, whatever the writes were.
    pub(crate) octets: Vec<u8>,
    /// Where in `octets` the octets of an event begin.
    marks: Vec<(usize, usize)>,
}

/// What a stretch was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Channel {
    Clear,
    Tls(Peer),
}

/// Who was at the other end of TLS.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Peer {
    /// What the server presented, on a resumed session at its first handshake; `None` if nobody saw it.
    pub(crate) served: Option<ChainSpec>,
    /// The step of that first handshake, where the session was resumed.
    pub(crate) resumed_from: Option<u16>,
}

impl Epoch {
    /// What a client with the settings of `step` may do in this stretch; in clear there is nobody to decide
    /// about.
    pub(crate) fn decision(&self, step: &Step, pinned: &ChainSpec) -> Option<Decision> {
        match &self.channel {
            Channel::Clear => None,
            Channel::Tls(peer) if self.beside_own => {
                Some(trust::decide_beside_own(step, peer.served.as_ref(), pinned))
            }
            Channel::Tls(peer) => Some(trust::decide_for(step, peer.served.as_ref(), pinned)),
        }
    }

    /// The event that brought the octet at `offset`.
    pub(crate) fn event_at(&self, offset: usize) -> usize {
        let behind = self.marks.partition_point(|(start, _)| *start <= offset);
        self.marks
            .get(behind.saturating_sub(1))
            .map_or_else(|| self.events.first().copied().unwrap_or(0), |(_, it)| *it)
    }

    /// The events that brought the octets from `from` up to, not including, `to`.
    pub(crate) fn events_between(&self, from: usize, to: usize) -> Vec<usize> {
        let first = self.event_at(from);
        let last = self.event_at(to.saturating_sub(1).max(from));
        self.marks
            .iter()
            .map(|(_, event)| *event)
            .filter(|event| (first..=last).contains(event))
            .collect()
    }

    /// How much the client had sent when the event `index` happened, that event not included.
    pub(crate) fn length_before(&self, index: usize) -> usize {
        self.marks
            .iter()
            .find(|(_, event)| *event >= index)
            .map_or(self.octets.len(), |(start, _)| *start)
    }

    pub(crate) fn layer(&self) -> Layer {
        match self.channel {
            Channel::Clear => Layer::Clear,
            Channel::Tls(_) => Layer::Tls,
        }
    }
}

impl Peer {
    /// What was wrong with the certificate, for a sentence.
    pub(crate) fn describe(&self) -> String {
        let what = match &self.served {
            None => "a certificate that was never seen".to_owned(),
            Some(chain) => {
                let key = match chain.variant {
                    0 => String::new(),
                    variant => format!(", key {}", variant + 1),
                };
                let name = match chain.host {
                    None => String::new(),
                    Some(_) => ", for another name".to_owned(),
                };
                format!("{}{key}{name}", chain.fault)
            }
        };
        match self.resumed_from {
            Some(step) => format!("{what}, in a session resumed from step {step}"),
            None => what,
        }
    }
}

/// The epochs of all connections.
pub(crate) fn of(events: &[Event], connections: &[Connection], beside_own: bool) -> Vec<Epoch> {
    let mut epochs = Vec::new();
    for connection in connections {
        let mut stretch = Stretch::new(connection);
        for &index in &connection.events {
            stretch.take(events, connections, index, &mut epochs);
        }
        epochs.extend(stretch.current);
    }
    for epoch in &mut epochs {
        epoch.beside_own = beside_own;
    }
    epochs
}

/// The walk along one connection.
struct Stretch<'a> {
    connection: &'a Connection,
    served: Option<ChainSpec>,
    peer: Peer,
    current: Option<Epoch>,
}

impl<'a> Stretch<'a> {
    fn new(connection: &'a Connection) -> Self {
        Self {
            connection,
            served: None,
            peer: Peer::default(),
            current: None,
        }
    }

    fn take(
        &mut self,
        events: &[Event],
        connections: &[Connection],
        index: usize,
        done: &mut Vec<Epoch>,
    ) {
        let event = &events[index];
        let step = step_of(event);
        match &event.what {
            What::ServedChain(chain) => {
                self.served = Some(presented(chain));
                self.peer = Peer {
                    served: self.served.clone(),
                    resumed_from: None,
                };
            }
            What::TlsEstablished { resumed, .. } => {
                self.peer = if *resumed {
                    resumed_peer(events, connections, self.connection, index)
                } else {
                    Peer {
                        served: self.served.clone(),
                        resumed_from: None,
                    }
                };
                self.enter(Layer::Tls, step, done, true);
            }
            What::Received { layer, .. }
            | What::Sent { layer, .. }
            | What::Command { layer, .. } => self.enter(*layer, step, done, false),
            _ => {}
        }
        if let Some(epoch) = &mut self.current {
            epoch.events.push(index);
            if let What::Received { octets, .. } = &event.what {
                epoch.marks.push((epoch.octets.len(), index));
                epoch.octets.extend_from_slice(octets);
            }
        }
    }

    fn enter(&mut self, layer: Layer, step: u16, done: &mut Vec<Epoch>, anew: bool) {
        let same = self
            .current
            .as_ref()
            .is_some_and(|it| it.layer() == layer && it.step == step);
        if same && !anew {
            return;
        }
        done.extend(self.current.take());
        self.current = Some(Epoch {
            connection: self.connection.id,
            decoy: self.connection.decoy,
            port: self.connection.port,
            step,
            channel: match layer {
                Layer::Clear => Channel::Clear,
                Layer::Tls => Channel::Tls(self.peer.clone()),
            },
            beside_own: false,
            events: Vec::new(),
            octets: Vec::new(),
            marks: Vec::new(),
        });
    }
}

/// Which chain it was, in the words of scenarios.
fn presented(chain: &SentChain) -> ChainSpec {
    ChainSpec {
        fault: chain.fault,
        variant: chain.variant,
        host: chain.host,
    }
}

/// Whom a resumed session leads to: the peer of the latest full handshake before it, on the same port if
/// there was one, else in the same protocol.
fn resumed_peer(
    events: &[Event],
    connections: &[Connection],
    resuming: &Connection,
    before: usize,
) -> Peer {
    let originals = || {
        connections.iter().filter_map(|connection| {
            let mut served = None;
            let mut original = None;
            for &index in connection.events.iter().filter(|index| **index < before) {
                match &events[index].what {
                    What::ServedChain(chain) => served = Some(presented(chain)),
                    What::TlsEstablished { resumed: false, .. } => {
                        let served = served.clone()?;
                        original = Some((index, connection, served, step_of(&events[index])));
                    }
                    _ => {}
                }
            }
            original
        })
    };
    let latest = |fits: &dyn Fn(&Connection) -> bool| {
        originals()
            .filter(|(_, connection, ..)| fits(connection))
            .max_by_key(|(index, ..)| *index)
    };
    let original = latest(&|it| it.port == resuming.port)
        .or_else(|| latest(&|it| it.protocol == resuming.protocol));
    match original {
        Some((_, _, served, step)) => Peer {
            served: Some(served),
            resumed_from: Some(step),
        },
        None => Peer::default(),
    }
}
