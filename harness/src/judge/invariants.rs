//! What must hold in every case, whatever it is about.
//!
//! Each is held, broken or not observable. What nobody could see is never held.

use std::collections::BTreeSet;

use mailproof_scenarios::model::{Level, Sign, What, event::Ended};

use super::{
    attempts::Attempt,
    expectations::{Checked, quoted},
    replies::{self, About},
    signs::{self, Sighting},
    view::{View, step_of},
};
use crate::results::{Finding, Held};

/// An expectation that every case has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Invariant {
    /// The stable name of its finding.
    pub name: &'static str,
    /// How strongly it is demanded.
    pub level: Level,
    /// What must hold, in a sentence.
    pub rule: &'static str,
    /// The clause that it rests on, where there is one.
    pub clause: Option<&'static str>,
}

/// Every invariant, in the order of their weight.
pub const INVARIANTS: &[Invariant] = &[
    NO_SECRET,
    NO_WEAKER_RETRY,
    NO_DECOY,
    NO_SECRET_IN_OUTPUT,
    NO_CRASH,
    ENDS,
    ONE_ATTEMPT,
    LAST_REPLY,
];

/// Passwords, tokens and mail stay in channels that the declared settings allow: clear is the user's choice
/// with security `none`; with optional TLS a message may go in clear, a password or token never; else
/// everything needs TLS to a server that the declared trust accepts.
pub(crate) const NO_SECRET: Invariant = Invariant {
    name: "no-secret-outside-allowed-channel",
    level: Level::Security,
    rule: "Passwords, tokens and mail go only where the declared settings allow.",
    clause: Some("RFC 8314 §5.2"),
};

/// Where TLS is demanded, no later connection is weaker than one before it.
pub(crate) const NO_WEAKER_RETRY: Invariant = Invariant {
    name: "no-weaker-retry",
    level: Level::Security,
    rule: "After TLS failed, nothing is tried again with less security.",
    clause: Some("RFC 8314 §5.2"),
};

/// The subject connects to the port that it was configured with and to no other.
pub(crate) const NO_DECOY: Invariant = Invariant {
    name: "no-decoy-touched",
    level: Level::Security,
    rule: "No port is tried that was not configured.",
    clause: None,
};

/// No password and no token in what the subject prints or says.
pub(crate) const NO_SECRET_IN_OUTPUT: Invariant = Invariant {
    name: "no-secret-in-output",
    level: Level::Security,
    rule: "No password and no token is printed.",
    clause: None,
};

/// The subject does not die.
pub(crate) const NO_CRASH: Invariant = Invariant {
    name: "no-crash",
    level: Level::Must,
    rule: "The subject does not crash.",
    clause: None,
};

/// The subject ends by itself within the budget of each step.
pub(crate) const ENDS: Invariant = Invariant {
    name: "ends-within-budget",
    level: Level::Must,
    rule: "The subject ends within its budget.",
    clause: None,
};

/// After a refusal for good the step tries at most once more. RFC 5321 §4.2.1 says SHOULD NOT repeat; one
/// repetition (another mechanism, another address of the host) is tolerated here, and a series locks accounts
/// and fills logs, so more than one breaks the rule of this house.
pub(crate) const ONE_ATTEMPT: Invariant = Invariant {
    name: "one-attempt-after-permanent",
    level: Level::Must,
    rule: "After a refusal for good there is at most one more attempt.",
    clause: Some("RFC 5321 §4.2.1"),
};

/// Who failed because the server refused tells the user what the server said.
pub(crate) const LAST_REPLY: Invariant = Invariant {
    name: "last-reply-quoted",
    level: Level::Should,
    rule: "The server's last refusal is passed on to the user.",
    clause: None,
};

/// Checks all of them.
pub(crate) fn check(view: &View<'_>) -> Vec<Checked> {
    vec![
        from_sightings(
            NO_SECRET,
            view.leaks
                .iter()
                .filter_map(|leak| signs::credential_is_misplaced(view, leak))
                .chain(secrets_in_dns(view)),
            view,
            "Every secret that was seen was where it may be.",
        ),
        from_sightings(
            NO_WEAKER_RETRY,
            signs::forbidden_weaker_retry(view),
            view,
            "No connection was weaker than one before it.",
        ),
        no_decoy(view),
        no_secret_in_output(view),
        no_crash(view),
        ends(view),
        one_attempt(view),
        last_reply(view),
    ]
}

/// Checks all of them where `all` has more connections than `prompt`: those that came late. The user had no word
/// about these any more.
pub(crate) fn with_late(prompt: &View<'_>, all: &View<'_>) -> Vec<Checked> {
    let mut checks = check(all);
    checks.retain(|it| it.finding.name != LAST_REPLY.name);
    checks.push(last_reply(prompt));
    checks
}

/// Whoever asks DNS tells everybody on the way.
fn secrets_in_dns(view: &View<'_>) -> impl Iterator<Item = Sighting> {
    let leaks = view.dns_leaks.iter();
    leaks
        .filter(|it| it.secret.is_credential() || it.secret.is_message())
        .filter_map(|leak| {
            let says = format!(
                "The client asked DNS for a name that contains its {}{}.",
                leak.secret.name(),
                leak.encoding.aside()
            );
            Some(Sighting::at(view, *leak.events.first()?, says))
        })
}

fn checked(
    invariant: Invariant,
    held: Held,
    message: impl Into<String>,
    evidence: Vec<usize>,
    view: &View<'_>,
) -> Checked {
    let step = match (held, evidence.first()) {
        (Held::Broken, Some(&first)) => view.events.get(first).map(step_of),
        _ => None,
    };
    Checked {
        wire: false,
        invariant: true,
        finding: Finding {
            name: invariant.name.to_owned(),
            level: invariant.level,
            held,
            message: message.into(),
            clause: invariant.clause.map(str::to_owned),
            step,
            evidence,
        },
    }
}

fn from_sightings(
    invariant: Invariant,
    sightings: impl IntoIterator<Item = Sighting>,
    view: &View<'_>,
    held: &str,
) -> Checked {
    // A password matters more than the name that goes with it.
    let weight = |says: &str| !(says.contains("password") || says.contains("token"));
    let worst = sightings
        .into_iter()
        .min_by_key(|it| (weight(&it.says), it.event));
    match worst {
        None => checked(invariant, Held::Held, held, Vec::new(), view),
        Some(it) => Checked {
            wire: true,
            ..checked(invariant, Held::Broken, it.says, it.evidence, view)
        },
    }
}

fn no_decoy(view: &View<'_>) -> Checked {
    let touched = signs::sightings(view, Sign::DecoyTouched, None);
    if touched.is_empty() && !view.record.observed.decoys {
        let message = "Connections to other ports could not be seen here.";
        return checked(NO_DECOY, Held::NotObservable, message, Vec::new(), view);
    }
    from_sightings(NO_DECOY, touched, view, "No other port was tried.")
}

fn no_secret_in_output(view: &View<'_>) -> Checked {
    let leak = view
        .output_leaks
        .iter()
        .find(|leak| leak.secret.is_credential());
    match leak {
        Some(leak) => checked(
            NO_SECRET_IN_OUTPUT,
            Held::Broken,
            format!(
                "The client printed its {}{} in step {}.",
                leak.secret.name(),
                leak.encoding.aside(),
                leak.step
            ),
            leak.events.clone(),
            view,
        ),
        None if view.record.observed.output => checked(
            NO_SECRET_IN_OUTPUT,
            Held::Held,
            "No password and no token was printed.",
            Vec::new(),
            view,
        ),
        None => checked(
            NO_SECRET_IN_OUTPUT,
            Held::NotObservable,
            "What the client prints could not be seen here.",
            Vec::new(),
            view,
        ),
    }
}

/// The first end of a step that `fits`.
fn end_that<'a>(view: &View<'a>, fits: impl Fn(&Ended) -> bool) -> Option<(usize, &'a Ended)> {
    view.events
        .iter()
        .enumerate()
        .find_map(|(index, event)| match &event.what {
            What::StepEnded(ended) if fits(ended) => Some((index, ended)),
            _ => None,
        })
}

fn no_crash(view: &View<'_>) -> Checked {
    let crashed = end_that(view, |it| matches!(it, Ended::Crashed { .. }));
    if let Some((index, Ended::Crashed { how })) = crashed {
        let how = crate::transcript::mask(how, &view.record.canaries);
        let message = format!("The client crashed: {}.", first_line(&how));
        return checked(NO_CRASH, Held::Broken, message, vec![index], view);
    }
    process_watched(view, NO_CRASH, "The client did not crash.")
}

fn ends(view: &View<'_>) -> Checked {
    let hung = end_that(view, |it| matches!(it, Ended::Hung { .. }));
    if let Some((index, Ended::Hung { budget })) = hung {
        let message = format!(
            "The client did not end within {budget} ms: {}.",
            super::gate::progress(view, view.events.get(index).map(step_of))
        );
        return checked(ENDS, Held::Broken, message, vec![index], view);
    }
    process_watched(view, ENDS, "The client ended by itself.")
}

fn process_watched(view: &View<'_>, invariant: Invariant, held: &str) -> Checked {
    let ended =
        view.step_numbers().all(|it| view.end_of(it).is_some()) && !view.record.steps.is_empty();
    if view.record.observed.process && ended {
        checked(invariant, Held::Held, held, Vec::new(), view)
    } else {
        let message = "How the client ended could not be seen here.";
        checked(invariant, Held::NotObservable, message, Vec::new(), view)
    }
}

fn one_attempt(view: &View<'_>) -> Checked {
    let mut refused = Vec::new();
    for step in view.step_numbers() {
        let Some((at, about)) = replies::first_for_good(view, step) else {
            continue;
        };
        refused.push(at);
        if let Some((message, evidence)) = too_many(view, step, at, about) {
            return Checked {
                wire: true,
                ..checked(ONE_ATTEMPT, Held::Broken, message, evidence, view)
            };
        }
    }
    if refused.is_empty() {
        let message = "Nothing was refused for good.";
        return checked(ONE_ATTEMPT, Held::NotObservable, message, refused, view);
    }
    let message = "After the refusal there was at most one more attempt.";
    checked(ONE_ATTEMPT, Held::Held, message, refused, view)
}

/// What was tried too often behind the refusal at `at`. A message to several recipients may take a
/// transaction, or a connection, for each.
fn too_many(view: &View<'_>, step: u16, at: usize, about: About) -> Option<(String, Vec<usize>)> {
    let recipients = view
        .step(step)
        .map_or(1, |it| it.to.iter().collect::<BTreeSet<_>>().len().max(1));
    let behind = |fits: &dyn Fn(&What) -> bool| -> Vec<usize> {
        view.events_in(Some(step))
            .filter(|(index, event)| *index > at && fits(&event.what))
            .map(|(index, _)| index)
            .collect()
    };
    let connections = behind(&|it| matches!(it, What::Connected { .. }));
    let tries = match about {
        About::SignIn => view
            .attempts
            .iter()
            .filter(|it: &&Attempt| it.step == step && it.event > at && it.credential.is_some())
            .map(|it| it.event)
            .collect(),
        About::Message => behind(
            &|it| matches!(it, What::Command { verb, .. } if verb == "MAIL" || verb == "APPEND"),
        ),
        About::Mailbox | About::Connection => Vec::new(),
    };
    let allowed = recipients;
    let report = |what: &str, events: Vec<usize>| {
        let number = events.len();
        (
            format!("The client {what} {number} more times after it had been refused for good."),
            std::iter::once(at).chain(events).collect::<Vec<_>>(),
        )
    };
    if tries.len() > allowed {
        let what = match about {
            About::SignIn => "tried to sign in",
            About::Message => "tried to send the message",
            About::Mailbox | About::Connection => "connected",
        };
        return Some(report(what, tries));
    }
    (connections.len() > allowed).then(|| report("connected", connections))
}

fn last_reply(view: &View<'_>) -> Checked {
    let steps: Vec<u16> = view.step_numbers().collect();
    let (held, message, evidence) = quoted(view, &steps);
    checked(LAST_REPLY, held, message, evidence, view)
}

fn first_line(text: &str) -> String {
    let line = text.lines().find(|it| !it.trim().is_empty()).unwrap_or("");
    line.trim()
        .trim_end_matches('.')
        .chars()
        .take(200)
        .collect()
}
