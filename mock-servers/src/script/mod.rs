//! Lays deviations over an engine: which of them act at a moment, what they make of the engine's
//! response, and which writes come of it.
//!
//! Pure: no sockets, no clock. Three seams, in this order: decide (before the engine answers), reply (the
//! units of its response), wire (how the octets leave).

mod edit;
mod persona;
mod plan;
mod select;

use mailproof_scenarios::model::{
    Action, ChainSpec, Deviation, DnsChange, Fill, PortRole, PortState, Protocol, Refusal, Split,
    TlsChange, WireText,
};

use crate::engine::{Engine, Response};

pub(crate) use self::{
    edit::Edited,
    persona::{CapabilityChange, imap_persona, smtp_persona},
    plan::{Plan, WireOp},
    select::{Moment, Scene},
};

/// The deviations of a case, with how often each has found its moment.
#[derive(Debug)]
pub(crate) struct Script {
    rules: Vec<Rule>,
    /// In which portions everything in clear leaves that no deviation splits.
    segments: Option<Split>,
}

#[derive(Debug)]
struct Rule {
    deviation: Deviation,
    /// How often everything but `nth` was fitting.
    met: u16,
}

/// What acts on an input, found before the engine answers it.
#[derive(Debug, Default)]
pub(crate) struct Considered {
    /// What the server is made to decide.
    pub(crate) refusal: Option<Refusal>,
    /// The text of a greeting that lets the client in at once.
    pub(crate) preauth: Option<WireText>,
    /// The deviations behind those two.
    decided: Vec<u16>,
    /// Deviations of the reply and wire seams for which everything fits but perhaps unit and count.
    candidates: Vec<u16>,
}

impl Script {
    /// The deviations in the order of the file.
    pub(crate) fn new(deviations: &[Deviation]) -> Self {
        let rules = deviations
            .iter()
            .cloned()
            .map(|deviation| Rule { deviation, met: 0 });
        Self {
            rules: rules.collect(),
            segments: None,
        }
    }

    /// The same, and what is said in clear leaves in these portions.
    pub(crate) fn in_segments(mut self, segments: Option<Split>) -> Self {
        self.segments = segments;
        self
    }

    /// The chain for a handshake that begins, where it is not the one of the base.
    pub(crate) fn chain(&mut self, scene: &Scene) -> Option<(u16, ChainSpec)> {
        self.of_the_world(scene, |action| match action {
            Action::Chain(spec) => Some(spec.clone()),
            _ => None,
        })
    }

    /// The behaviour of a handshake that begins, where it is not the normal one.
    pub(crate) fn tls(&mut self, scene: &Scene) -> Option<(u16, TlsChange)> {
        self.of_the_world(scene, |action| match action {
            Action::Tls(change) => Some(change.clone()),
            _ => None,
        })
    }

    /// What DNS says otherwise in a step, and the deviations that say so.
    pub(crate) fn dns(&self, step: u16) -> impl Iterator<Item = (u16, &DnsChange)> {
        self.rules.iter().zip(0..).filter_map(move |(rule, index)| {
            let Deviation { on, action } = &rule.deviation;
            match action {
                Action::Dns(change) if on.step.is_none_or(|it| it == step) => Some((index, change)),
                _ => None,
            }
        })
    }

    /// What is said in clear in a handshake that begins, between its ClientHello and its ServerHello, and how
    /// many milliseconds pass then.
    pub(crate) fn before_server_hello(&mut self, scene: &Scene) -> Option<(u16, (WireText, u64))> {
        self.of_the_world(scene, |action| match action {
            Action::BeforeServerHello { text, hold_ms } => Some((text.clone(), *hold_ms)),
            _ => None,
        })
    }

    /// How the port behaves to the connection of the scene. `configured` says whether it is the port
    /// that the step is told to use. Only [`Script::arrived_at`] counts.
    pub(crate) fn port(
        &self,
        scene: &Scene,
        role: PortRole,
        configured: bool,
    ) -> Option<(u16, PortState)> {
        self.rules.iter().zip(0..).find_map(|(rule, index)| {
            let state = rule.port(scene, role, configured)?;
            rule.is_due(rule.met + 1).then_some((index, state))
        })
    }

    /// A connection, or an attempt at one, came to the port.
    pub(crate) fn arrived_at(&mut self, scene: &Scene, role: PortRole, configured: bool) {
        for rule in &mut self.rules {
            if rule.port(scene, role, configured).is_some() {
                rule.met = rule.met.saturating_add(1);
            }
        }
    }

    /// What the server of a connection lacks or announces otherwise than its persona.
    pub(crate) fn capabilities(&mut self, scene: &Scene) -> Vec<CapabilityChange> {
        let mut changes = Vec::new();
        for (rule, index) in self.rules.iter_mut().zip(0..) {
            let (remove, words) = match &rule.deviation.action {
                Action::Without(words) => (true, words.clone()),
                Action::Announce(words) => (false, words.clone()),
                _ => continue,
            };
            if select::world(&rule.deviation.on, scene) && rule.count() {
                changes.push(CapabilityChange {
                    index,
                    remove,
                    words,
                    channel: rule.deviation.on.channel,
                });
            }
        }
        changes
    }

    /// What acts at a moment. Call it once, before the engine answers.
    pub(crate) fn consider(
        &mut self,
        scene: &Scene,
        moment: &Moment<'_>,
        engine: &dyn Engine,
    ) -> Considered {
        let mut considered = Considered::default();
        for (rule, index) in self.rules.iter_mut().zip(0..) {
            if !select::moment(&rule.deviation.on, scene, moment, engine) {
                continue;
            }
            match &rule.deviation.action {
                Action::Reject(refusal) => {
                    let refusal = refusal.clone();
                    if rule.count() && considered.refusal.is_none() {
                        considered.refusal = Some(refusal);
                        considered.decided.push(index);
                    }
                }
                Action::Preauth(text) => {
                    let text = text.clone();
                    if rule.count() && considered.preauth.is_none() {
                        considered.preauth = Some(text);
                        considered.decided.push(index);
                    }
                }
                Action::Chain(_)
                | Action::Port(_)
                | Action::Dns(_)
                | Action::Tls(_)
                | Action::BeforeServerHello { .. }
                | Action::Without(_)
                | Action::Announce(_) => {}
                _ => considered.candidates.push(index),
            }
        }
        considered
    }

    /// What leaves the server instead of `response`. `in_segments` says whether it leaves in those of the base.
    pub(crate) fn plan(
        &mut self,
        considered: &Considered,
        (protocol, in_segments): (Protocol, bool),
        response: &Response,
        fill: &Fill,
    ) -> Plan {
        let mut acting = considered.candidates.clone();
        acting.retain(|index| {
            self.rules.get_mut(usize::from(*index)).is_some_and(|rule| {
                edit::has_unit(&response.units, rule.deviation.on.unit) && rule.count()
            })
        });
        let acting: Vec<_> = acting
            .into_iter()
            .filter_map(|index| Some((index, &self.rules.get(usize::from(index))?.deviation)))
            .collect();
        let edited = Edited::new(response, &acting, fill);
        let segments = self.segments.filter(|_| in_segments);
        plan::plan(
            edited,
            &considered.decided,
            &acting,
            (protocol, segments),
            response,
        )
    }

    fn of_the_world<T>(
        &mut self,
        scene: &Scene,
        of: impl Fn(&Action) -> Option<T>,
    ) -> Option<(u16, T)> {
        let mut found = None;
        for (rule, index) in self.rules.iter_mut().zip(0..) {
            if let Some(it) = of(&rule.deviation.action)
                && select::world(&rule.deviation.on, scene)
                && rule.count()
                && found.is_none()
            {
                found = Some((index, it));
            }
        }
        found
    }
}

impl Rule {
    /// Counts one more fitting moment; whether it is the one that is asked for.
    fn count(&mut self) -> bool {
        self.met = self.met.saturating_add(1);
        self.is_due(self.met)
    }

    fn is_due(&self, met: u16) -> bool {
        self.deviation.on.nth.is_none_or(|nth| nth == met)
    }

    fn port(&self, scene: &Scene, role: PortRole, configured: bool) -> Option<PortState> {
        let Action::Port(change) = &self.deviation.action else {
            return None;
        };
        let here = change.role.map_or(configured, |it| it == role);
        (here && select::world(&self.deviation.on, scene)).then_some(change.is)
    }
}

#[cfg(test)]
mod tests;
