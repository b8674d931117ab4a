//! The gate: the proof, from the events, that the subject met what is different in a case.
//!
//! Must not know expectations. Without the gate every case about refusing would pass with a client that
//! does nothing.

use mailproof_scenarios::model::{
    Action, At, Check, Delta, Deviation, Layer, Security, Step, Vary, What,
    event::{Direction, Ended, Said},
};

use super::{
    expectations::fails,
    patterns::step_begun,
    view::{View, step_of},
};

/// What was reached, or why that was not.
pub(crate) enum Gate {
    /// A clause: "the chain was served".
    Reached(String),
    /// A sentence: what is different was met, but in another step the client never turned up. Nothing can
    /// pass then; what the case demands of that step can still be broken.
    Absent(String),
    /// A sentence.
    NotReached(String),
}

/// Checks the gate of a case.
///
/// * Deviations: one counts as reached when it acted and the subject acted behind it on that connection
///   (octets, an alert, a close); where there is no connection (a port that refuses or swallows) when the
///   step ended. For each step that the deviations select by number one of those must be reached in that
///   step; a chain, a TLS state or a port that is different in every step must be met in every step; else
///   one of them anywhere. Not all: what a deviation early in the session turns away never meets a later
///   one, and which comes first is up to the subject. And the client must turn up in every step, or it is
///   [`Gate::Absent`]. A step that must complete is no part of the gate: who stays away there has failed.
/// * Changed input or settings: each changed step was begun and the client connected to the server in it, or
///   knocked at its port. Where a file of authorities or revocation lists is what changed, a client that says
///   how it went without connecting has met it too.
/// * No delta: the client turned up in every step. Somebody who never did can hold no promise.
pub(crate) fn check(view: &View<'_>) -> Gate {
    match &view.record.case.delta {
        Delta::None if view.record.steps.is_empty() => {
            Gate::NotReached("There was no step to run.".to_owned())
        }
        Delta::None => turned_up(view, view.step_numbers(), "the server"),
        Delta::Vary(changes) => turned_up(
            view,
            changes.iter().map(|it: &Vary| it.step),
            "the server with what is different in this case",
        ),
        Delta::Deviate(deviations) => deviated(view, deviations),
    }
}

/// The furthest point that the client got to, as a clause: "the client got as far as EHLO in clear".
pub(crate) fn progress(view: &View<'_>, step: Option<u16>) -> String {
    let mut furthest = String::from("the client never connected");
    for (_, event) in view.events_in(step) {
        match &event.what {
            What::Queried { name, .. } => {
                furthest = format!(
                    "the client asked DNS for {}",
                    crate::transcript::printable(name)
                );
            }
            What::Attempted { port, .. } => {
                furthest = format!("the client knocked at port {port}");
            }
            What::Connected { port, .. } => {
                furthest = format!("the client connected to {port} and said nothing");
            }
            What::ClientHello(_) => {
                furthest = "the client began a TLS handshake".to_owned();
            }
            What::TlsEstablished { .. } => {
                furthest = "the client completed the TLS handshake".to_owned();
            }
            What::Command { verb, layer, .. } => {
                let channel = match layer {
                    Layer::Clear => "in clear",
                    Layer::Tls => "inside TLS",
                };
                furthest = match verb.as_str() {
                    "?" => "the client sent something that is no command".to_owned(),
                    "(data)" => format!("the client got as far as the message {channel}"),
                    "(sasl)" => format!("the client got as far as the sign-in {channel}"),
                    verb => format!("the client got as far as {verb} {channel}"),
                };
            }
            What::StepEnded(ended) => furthest.push_str(said(ended)),
            _ => {}
        }
    }
    furthest
}

fn said(ended: &Ended) -> &'static str {
    match ended {
        Ended::Finished { said, .. } => match said {
            Said::Success => " and said success",
            Said::Temporary => " and said that it failed for now",
            Said::Permanent => " and said that it failed for good",
            Said::RefusedTls => " and said that it refused the connection",
            Said::Failed => " and said that it failed",
        },
        Ended::Unsupported { .. } => " and said that it cannot do this",
        Ended::Crashed { .. } => " and crashed",
        Ended::Hung { .. } => " and did not end",
        Ended::NotStarted { .. } => " because it could not be started",
        Ended::Unheard => "",
    }
}

fn turned_up(view: &View<'_>, steps: impl IntoIterator<Item = u16>, whom: &str) -> Gate {
    for step in steps {
        if !step_begun(view, step) {
            return Gate::NotReached(format!("Step {step} was never begun."));
        }
        let met = has_read_settings(view, step)
            || view.events_in(Some(step)).any(|(_, event)| {
                is_act_of_client(&event.what)
                    || matches!(
                        event.what,
                        What::Attempted { .. } | What::Connected { decoy: false, .. }
                    )
            });
        if !met {
            return Gate::NotReached(format!(
                "In step {step} the client never met {whom}: {}.",
                progress(view, Some(step))
            ));
        }
    }
    Gate::Reached(format!("the client met {whom}"))
}

/// Whether a step was given a file to trust by that the control has not, and the subject said how it went: what
/// it read of the file is all that there is to meet, and it need not have connected.
fn has_read_settings(view: &View<'_>, step: u16) -> bool {
    let case = &view.record.case;
    let base = case.steps.get(usize::from(step).saturating_sub(1));
    let files = |it: &Step| (it.ca_file, it.store, it.crl);
    let differs = base
        .zip(view.step(step))
        .is_some_and(|(base, step)| files(base) != files(step));
    case.has_delta() && differs && view.said(step).is_some()
}

/// Whether a step fails the case when nothing happens in it.
fn must_complete(view: &View<'_>, number: u16) -> bool {
    view.record.case.expect.iter().any(|it| {
        it.check == Check::Completed(true)
            && fails(it.level)
            && it.step.is_none_or(|step| step == number)
    })
}

fn deviated(view: &View<'_>, deviations: &[Deviation]) -> Gate {
    let mut selected: Vec<u16> = deviations.iter().filter_map(|it| it.on.step).collect();
    selected.sort_unstable();
    selected.dedup();
    let everywhere: Vec<u16> = view
        .step_numbers()
        .filter(|number| !must_complete(view, *number))
        .filter(|number| deviations.iter().any(|it| is_met_by(view, it, *number)))
        .collect();
    let reached: Vec<(usize, u16)> = view
        .events
        .iter()
        .enumerate()
        .filter_map(|(at, event)| match event.what {
            What::Deviated { index } if acted_behind(view, at) => {
                Some((usize::from(index), step_of(event)))
            }
            _ => None,
        })
        .collect();
    for step in &selected {
        let there = reached.iter().any(|(index, in_step)| {
            in_step == step
                && deviations
                    .get(*index)
                    .is_some_and(|it| it.on.step == Some(*step))
        });
        if !there {
            let wanted = deviations
                .iter()
                .find(|it| it.on.step == Some(*step))
                .map_or_else(String::new, describe);
            return Gate::NotReached(not_reached(view, &wanted, Some(*step)));
        }
    }
    for step in everywhere {
        let there = reached.iter().any(|(index, in_step)| {
            *in_step == step
                && deviations
                    .get(*index)
                    .is_some_and(|it| is_met_by(view, it, step))
        });
        if !there {
            let wanted = deviations
                .iter()
                .find(|it| is_met_by(view, it, step))
                .map_or_else(String::new, describe);
            return Gate::NotReached(not_reached(view, &wanted, Some(step)));
        }
    }
    let first = reached
        .iter()
        .filter_map(|(index, _)| deviations.get(*index))
        .next();
    match first {
        Some(deviation) => match turned_up(view, view.step_numbers(), "the server") {
            Gate::NotReached(why) => Gate::Absent(why),
            _ => Gate::Reached(format!("the client met {}", describe(deviation))),
        },
        None => {
            let wanted = deviations
                .iter()
                .map(describe)
                .collect::<Vec<_>>()
                .join(" or ");
            Gate::NotReached(not_reached(view, &wanted, None))
        }
    }
}

/// Whether a deviation of the world is there for whoever connects in a step.
fn is_met_by(view: &View<'_>, deviation: &Deviation, number: u16) -> bool {
    let Some(step) = view.step(number) else {
        return false;
    };
    let on = &deviation.on;
    let unnarrowed = on.step.is_none()
        && on.connection.is_none()
        && on.nth.is_none()
        && on.address.is_none()
        && on.family.is_none()
        && on.source.is_none()
        && on.protocol.is_none_or(|it| it == step.protocol);
    unnarrowed
        && match &deviation.action {
            Action::Chain(_) | Action::Tls(_) => step.security != Security::None,
            Action::Port(change) => change.role.is_none_or(|it| it == step.port),
            _ => false,
        }
}

fn not_reached(view: &View<'_>, wanted: &str, step: Option<u16>) -> String {
    let where_ = step.map_or_else(String::new, |step| format!(" in step {step}"));
    let acted = view
        .events_in(step)
        .any(|(_, it)| matches!(it.what, What::Deviated { .. }));
    let why = if acted {
        "the server did it, but the client did nothing after that: "
    } else {
        ""
    };
    format!(
        "The client never met {wanted}{where_}: {why}{}.",
        progress(view, step)
    )
}

/// A deviation for a sentence: "the chain self-signed", "the reply to STARTTLS".
pub(crate) fn describe(deviation: &Deviation) -> String {
    let at = deviation.on.at.as_ref().map(|at| match at {
        At::Command(command) if command == "*" => "a command".to_owned(),
        At::Command(command) => command.clone(),
        At::Greeting => "the greeting".to_owned(),
        At::EndOfData => "the end of the data".to_owned(),
        At::AuthResponse => "an answer in the sign-in".to_owned(),
        At::Literal => "a literal".to_owned(),
        At::TlsStart => "the beginning of TLS".to_owned(),
    });
    match (&deviation.action, at) {
        (Action::Chain(chain), _) => format!("the {} certificate", chain.fault),
        (Action::Port(change), _) => format!("the port that is {}", change.is),
        (Action::Dns(_), _) => "what DNS says otherwise".to_owned(),
        (Action::Tls(change), _) => format!("the server that {}", change.describe()),
        (Action::BeforeServerHello { .. }, _) => "what comes before the ServerHello".to_owned(),
        (action, Some(at)) => format!("what the server does at {at} ({})", action.name()),
        (action, None) => format!("what the server does otherwise ({})", action.name()),
    }
}

/// Whether the subject did something on the connection behind the event at `at`. Where nothing more can be
/// seen of it (no connection, a reset by the server, one that the client just leaves open) the end of the
/// step is what it did.
fn acted_behind(view: &View<'_>, at: usize) -> bool {
    let event = &view.events[at];
    let step = step_of(event);
    let later = &view.events[at + 1..];
    let ended = || {
        later
            .iter()
            .any(|it| matches!(it.what, What::StepEnded(_)) && step_of(it) == step)
    };
    let Some(conn) = event.conn else {
        // The kernel answered. Its witness may be heard only when the step is over.
        return view.end_of(step).is_some();
    };
    let on_it = || later.iter().filter(|it| it.conn == Some(conn));
    let unseen = view.events.iter().any(|it| {
        it.conn == Some(conn)
            && matches!(
                it.what,
                What::ServerClosed { reset: true } | What::ServerVanished | What::LingerOver
            )
    });
    on_it().any(|it| is_act_of_client(&it.what)) || (unseen && ended())
}

fn is_act_of_client(what: &What) -> bool {
    match what {
        What::Received { octets, .. } => !octets.is_empty(),
        What::Raw { from, .. } => *from == Direction::Client,
        What::Alert(alert) => alert.from == Direction::Client,
        What::ClientHello(_)
        | What::TlsEstablished { .. }
        | What::KeyExchange
        | What::Command { .. }
        | What::ClientClosed { .. } => true,
        _ => false,
    }
}
