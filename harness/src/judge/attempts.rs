//! Attempts to sign in: which credentials were tried where, and what the server said to it.
//!
//! Must not judge; the signs and the invariants count them.

use mailproof_scenarios::model::{Event, What};

use super::{
    leaks::{Needles, Secret},
    view::{Connection, step_of},
};

/// One AUTH, AUTHENTICATE or LOGIN with everything up to its outcome.
pub(crate) struct Attempt {
    pub(crate) step: u16,
    /// The command.
    pub(crate) event: usize,
    /// The credential that left the client, if one did.
    pub(crate) credential: Option<Secret>,
    /// The reply that refused it, if one did.
    pub(crate) refused: Option<usize>,
}

/// The commands that begin an attempt.
pub(crate) const BEGINS: &[&str] = &["AUTH", "AUTHENTICATE", "LOGIN"];

/// A line of a SASL exchange.
pub(crate) const SASL: &str = "(sasl)";

/// All attempts in the order of their commands.
pub(crate) fn of(needles: &Needles, events: &[Event], connections: &[Connection]) -> Vec<Attempt> {
    let mut attempts = Vec::new();
    for connection in connections {
        let mut open: Option<Attempt> = None;
        for &index in &connection.events {
            match &events[index].what {
                What::Command { verb, line, .. } if BEGINS.contains(&verb.as_str()) => {
                    attempts.extend(open.take());
                    open = Some(Attempt {
                        step: step_of(&events[index]),
                        event: index,
                        credential: credential(needles, line),
                        refused: None,
                    });
                }
                What::Command { verb, line, .. } if verb == SASL => {
                    if let Some(attempt) = &mut open {
                        attempt.credential = attempt.credential.or(credential(needles, line));
                    }
                }
                What::Responded {
                    verb,
                    positive: false,
                    ..
                } if verb == SASL || BEGINS.contains(&verb.as_str()) => {
                    if let Some(attempt) = &mut open {
                        attempt.refused = attempt.refused.or(Some(index));
                    }
                }
                _ => {}
            }
        }
        attempts.extend(open);
    }
    attempts.sort_by_key(|it| it.event);
    attempts
}

fn credential(needles: &Needles, line: &[u8]) -> Option<Secret> {
    needles
        .find(line)
        .into_iter()
        .map(|hit| hit.secret)
        .find(|secret| secret.is_credential())
}
