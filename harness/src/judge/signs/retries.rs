//! Signs of a client that does not take no for an answer: weaker, elsewhere, or again.

use mailproof_scenarios::model::{Process, Sign, Step, What};

use super::Sighting;
use crate::judge::{
    leaks::Secret,
    view::{Connection, View, step_of},
};

/// A later connection with weaker security than one before it, in the same step or in one with the same
/// settings: commands in clear where TLS was tried before, or a lower highest TLS version.
pub(super) fn weaker_retry(view: &View<'_>) -> Vec<Sighting> {
    let mut seen = Vec::new();
    for (at, later) in view.connections.iter().enumerate() {
        let before = || {
            view.connections[..at]
                .iter()
                .filter(|earlier| same_settings(view, earlier, later))
        };
        let in_clear = spoke_in_clear(view, later).filter(|_| !tried_tls(view, later));
        if let Some(index) = in_clear
            && let Some(earlier) = before().find(|earlier| tried_tls(view, earlier))
        {
            let says = "The client went on in clear on a new connection after it had tried TLS.";
            seen.push(Sighting::at(view, index, says).with([earlier.opened]));
        } else if let Some((index, version)) = highest_version(view, later)
            && let Some((earlier, stronger)) = before()
                .filter_map(|earlier| highest_version(view, earlier))
                .find(|(_, stronger)| *stronger > version)
        {
            let says = format!(
                "The client offered {} at most on a new connection, {} before.",
                version_name(version),
                version_name(stronger)
            );
            seen.push(Sighting::at(view, index, says).with([earlier]));
        }
    }
    seen
}

fn same_settings(view: &View<'_>, one: &Connection, other: &Connection) -> bool {
    if one.step == other.step {
        return true;
    }
    match (view.step(one.step), view.step(other.step)) {
        (Some(one), Some(other)) => {
            (one.protocol, one.security, &one.account)
                == (other.protocol, other.security, &other.account)
        }
        _ => false,
    }
}

fn tried_tls(view: &View<'_>, connection: &Connection) -> bool {
    view.events_on(connection).any(|(_, event)| {
        matches!(&event.what, What::ClientHello(_) | What::TlsEstablished { .. })
            || matches!(&event.what, What::Command { verb, .. } if verb == "STARTTLS")
            || matches!(&event.what, What::Received { octets, .. } if octets.starts_with(&[0x16, 3]))
    })
}

/// The first command in clear that is more than what comes before TLS.
fn spoke_in_clear(view: &View<'_>, connection: &Connection) -> Option<usize> {
    use mailproof_scenarios::model::Layer;
    const HARMLESS: &[&str] = &[
        "EHLO",
        "HELO",
        "NOOP",
        "QUIT",
        "CAPABILITY",
        "ID",
        "LOGOUT",
        "?",
    ];
    view.events_on(connection)
        .find_map(|(index, event)| match &event.what {
            What::Command {
                layer: Layer::Clear,
                verb,
                ..
            } if !HARMLESS.contains(&verb.as_str()) => Some(index),
            _ => None,
        })
}

fn highest_version(view: &View<'_>, connection: &Connection) -> Option<(usize, u16)> {
    view.events_on(connection)
        .find_map(|(index, event)| match &event.what {
            What::ClientHello(hello) => {
                let highest = hello.versions.iter().copied().filter(is_version).max()?;
                Some((index, highest))
            }
            _ => None,
        })
}

/// SSL 3 to TLS 1.3: others are grease.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "for filter")]
fn is_version(version: &u16) -> bool {
    (0x0300..=0x0304).contains(version)
}

fn version_name(version: u16) -> &'static str {
    match version {
        0x0304 => "TLS 1.3",
        0x0303 => "TLS 1.2",
        0x0302 => "TLS 1.1",
        0x0301 => "TLS 1.0",
        _ => "SSL",
    }
}

/// A connection, or an attempt at one, to a port that the subject was not configured with.
pub(super) fn decoy_touched(view: &View<'_>) -> Vec<Sighting> {
    view.events
        .iter()
        .enumerate()
        .filter_map(|(index, event)| {
            let (port, decoy) = match &event.what {
                What::Connected { port, decoy, .. } => (*port, *decoy),
                What::Attempted { port, .. } => (*port, false),
                _ => return None,
            };
            let step = step_of(event);
            let configured =
                steps_in_process(view, step).any(|it| it.port == port) || view.step(step).is_none();
            (decoy || !configured).then(|| {
                let says = format!(
                    "The client went to port {port} ({}), which it was not configured with.",
                    port.number()
                );
                Sighting::at(view, index, says)
            })
        })
        .collect()
}

/// The step and those before it that ran in the same process: a process may keep several accounts.
fn steps_in_process<'a>(view: &View<'a>, step: u16) -> impl Iterator<Item = &'a Step> {
    let mut steps = Vec::new();
    for number in (1..=step).rev() {
        let Some(it) = view.step(number) else {
            continue;
        };
        steps.push(it);
        if it.process == Process::New {
            break;
        }
    }
    steps.into_iter()
}

/// Another attempt with a credential that was refused in the same step, whatever the mechanism.
pub(super) fn repeated_sign_in(view: &View<'_>) -> Vec<Sighting> {
    let mut refused: Vec<(u16, Secret, usize)> = Vec::new();
    let mut seen = Vec::new();
    for attempt in &view.attempts {
        let Some(credential) = attempt.credential else {
            continue;
        };
        let before = refused.iter().find(|(step, it, answered)| {
            (*step, *it) == (attempt.step, credential) && *answered < attempt.event
        });
        if let Some((_, _, answered)) = before {
            let says = format!(
                "The client tried a {} again that the server had refused.",
                credential.name()
            );
            seen.push(Sighting::at(view, attempt.event, says).with([*answered]));
        }
        if let Some(answered) = attempt.refused {
            refused.push((attempt.step, credential, answered));
        }
    }
    seen
}

/// Weaker retries that the declared settings forbid: where TLS is demanded.
pub(crate) fn forbidden_weaker_retry(view: &View<'_>) -> Vec<Sighting> {
    use mailproof_scenarios::model::Security::{Implicit, StarttlsRequired};
    super::sightings(view, Sign::WeakerRetry, None)
        .into_iter()
        .filter(|it| {
            view.step(step_of(&view.events[it.event]))
                .is_some_and(|step| matches!(step.security, StarttlsRequired | Implicit))
        })
        .collect()
}
