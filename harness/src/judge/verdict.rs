//! From checks to a verdict: which of several things that happened decides.
//!
//! Must not look at events again, only at what the checks found.

use mailproof_scenarios::model::{Kind, Level, Security, What, event::Ended};

use super::{
    answers,
    epochs::Channel,
    expectations::{Checked, fails, said_name},
    gate::{self, Gate},
    invariants::{ENDS, NO_CRASH},
    signs,
    trust::Decision,
    view::{View, step_of},
};
use crate::results::{Finding, Held, Judgement, NotRun, Verdict};

/// The judgement of a case that was not run.
pub(crate) fn not_run(why: &NotRun) -> Judgement {
    let (verdict, reason) = match why {
        NotRun::Unsupported(what) => (
            Verdict::Unsupported,
            format!("The subject does not support this: {}.", clause(what)),
        ),
        NotRun::Skipped(why) => (Verdict::Skipped, format!("Not run: {}.", clause(why))),
        NotRun::HarnessError(error) => (
            Verdict::HarnessError,
            format!("The harness failed: {}.", clause(error)),
        ),
    };
    Judgement {
        verdict,
        reason: one_line(&reason),
        findings: Vec::new(),
        warnings: Vec::new(),
    }
}

/// Decides. The order is: HARNESS-ERROR, FAIL with evidence from the wire, CRASH, HANG, UNSUPPORTED,
/// INCONCLUSIVE (the control failed, the gate was not reached, or a MUST could not be seen), FAIL by what did
/// not happen, REVIEW (a MUST could not be seen, and a person operates the client, or that person's answer to a question
/// wants to be looked at), then PASS or RECORDED.
///
/// Evidence from the wire decides although the control failed, because a leak needs no control. It decides
/// although the gate was not reached only for an invariant: what a case expects of its deviation means
/// nothing where there was none.
pub(crate) fn decide(
    view: &View<'_>,
    checks: Vec<Checked>,
    control: Option<&Judgement>,
) -> Judgement {
    let gate = gate::check(view);
    let (verdict, reason) = deciding(view, &checks, control, &gate);
    let mut warnings = warnings(view, &checks, verdict);
    warnings.iter_mut().for_each(|it| *it = one_line(it));
    let mut findings: Vec<Finding> = checks.into_iter().map(|it| it.finding).collect();
    findings.sort_by_key(|it| match (it.held, fails(it.level)) {
        (Held::Broken, true) => 0,
        (Held::Broken, false) => 1,
        (Held::Held, _) => 2,
        (Held::NotObservable, _) => 3,
    });
    Judgement {
        verdict,
        reason: one_line(&reason),
        findings,
        warnings,
    }
}

fn deciding(
    view: &View<'_>,
    checks: &[Checked],
    control: Option<&Judgement>,
    gate: &Gate,
) -> (Verdict, String) {
    let survey = view.record.case.kind == Kind::Survey;
    let reached = !matches!(gate, Gate::NotReached(_));
    if let Some(error) = harness_error(view) {
        return (Verdict::HarnessError, error);
    }
    let decides = |it: &&Checked| {
        it.finding.held == Held::Broken
            && fails(it.finding.level)
            && it.finding.name != NO_CRASH.name
            && it.finding.name != ENDS.name
            && (it.invariant || !survey)
    };
    let worst = |among: &mut dyn Iterator<Item = &Checked>| {
        let mut among: Vec<&Checked> = among.collect();
        among.sort_by_key(|it| (it.finding.level != Level::Security, !it.wire));
        among.first().map(|it| it.finding.message.clone())
    };
    let on_the_wire = worst(
        &mut checks
            .iter()
            .filter(decides)
            .filter(|it| it.invariant || (it.wire && reached)),
    );
    if let Some(message) = on_the_wire {
        return (Verdict::Fail, message);
    }
    for (invariant, verdict) in [(NO_CRASH, Verdict::Crash), (ENDS, Verdict::Hang)] {
        if let Some(it) = checks
            .iter()
            .find(|it| it.finding.name == invariant.name && it.finding.held == Held::Broken)
        {
            return (verdict, it.finding.message.clone());
        }
    }
    if let Some(what) = unsupported(view) {
        return (
            Verdict::Unsupported,
            format!("The subject said that it cannot do this: {}.", clause(what)),
        );
    }
    if let Some(control) = control.filter(|it| it.verdict != Verdict::Pass) {
        return (
            Verdict::Inconclusive,
            format!(
                "The same without the deviation did not pass ({}): {}",
                control.verdict.name(),
                control.reason
            ),
        );
    }
    let met = match gate {
        Gate::NotReached(why) => return (Verdict::Inconclusive, why.clone()),
        Gate::Reached(sentence) | Gate::Absent(sentence) => sentence,
    };
    if let Some(step) = unended(view) {
        return (
            Verdict::Inconclusive,
            format!("Nobody saw how step {step} ended."),
        );
    }
    if let Some(message) = worst(&mut checks.iter().filter(decides)) {
        return (Verdict::Fail, message);
    }
    if let Gate::Absent(why) = gate {
        return (Verdict::Inconclusive, why.clone());
    }
    let blind = checks.iter().find(|it| {
        !it.invariant
            && !survey
            && it.finding.held == Held::NotObservable
            && fails(it.finding.level)
    });
    if let Some(blind) = blind {
        // Where a person operates the client, that person can say what nobody here saw.
        let verdict = if view.record.observed.process {
            Verdict::Inconclusive
        } else {
            Verdict::Review
        };
        return (verdict, blind.finding.message.clone());
    }
    if let Some(why) = answers::to_look_at(view.record) {
        return (Verdict::Review, why);
    }
    if survey {
        return (Verdict::Recorded, chosen(view, checks));
    }
    if !checks.iter().any(|it| !it.invariant) {
        return (
            Verdict::Inconclusive,
            "The case expects nothing, so there is nothing to pass.".to_owned(),
        );
    }
    (Verdict::Pass, passed(met, checks))
}

fn passed(met: &str, checks: &[Checked]) -> String {
    let missed = checks
        .iter()
        .filter(|it| it.finding.held == Held::Broken && !fails(it.finding.level))
        .count();
    let met = capital(met);
    match missed {
        0 => format!("{met}, and everything that it must do was seen."),
        1 => format!(
            "{met}, and everything that it must do was seen; one recommendation was missed."
        ),
        n => format!(
            "{met}, and everything that it must do was seen; {n} recommendations were missed."
        ),
    }
}

/// What a survey records: what was asked of it, and what the subject did.
fn chosen(view: &View<'_>, checks: &[Checked]) -> String {
    let mut parts: Vec<String> = checks
        .iter()
        .filter(|it| !it.invariant)
        .map(|it| {
            let answer = match it.finding.held {
                Held::Held => "yes",
                Held::Broken => "no",
                Held::NotObservable => "could not be seen",
            };
            format!("{}: {answer}", it.finding.name)
        })
        .collect();
    for (_, event) in view.events_in(None) {
        let part = match &event.what {
            What::TlsEstablished { version, .. } => format!("spoke {version}"),
            What::SignIn {
                mechanism,
                accepted: true,
                ..
            } => format!("signed in with {mechanism}"),
            What::MessageAccepted { .. } => "had a message accepted".to_owned(),
            What::StepEnded(Ended::Finished { said, .. }) => format!("said {}", said_name(*said)),
            _ => continue,
        };
        if !parts.contains(&part) {
            parts.push(part);
        }
    }
    format!("What the client chose: {}.", parts.join("; "))
}

fn harness_error(view: &View<'_>) -> Option<String> {
    view.events.iter().find_map(|event| match &event.what {
        What::HarnessFailed { error } => Some(format!("The harness failed: {}.", clause(error))),
        What::StepEnded(Ended::NotStarted { error }) => Some(format!(
            "The subject could not be started in step {}: {}.",
            step_of(event),
            clause(error)
        )),
        _ => None,
    })
}

fn unsupported<'a>(view: &View<'a>) -> Option<&'a str> {
    view.events.iter().find_map(|event| match &event.what {
        What::StepEnded(Ended::Unsupported { what }) => Some(what.as_str()),
        _ => None,
    })
}

fn unended(view: &View<'_>) -> Option<u16> {
    view.step_numbers().find(|it| view.end_of(*it).is_none())
}

fn warnings(view: &View<'_>, checks: &[Checked], verdict: Verdict) -> Vec<String> {
    let mut warnings: Vec<String> = checks
        .iter()
        .filter(|it| {
            it.finding.held == Held::Broken
                && matches!(it.finding.level, Level::Should | Level::Interop)
        })
        .map(|it| format!("{}: {}", it.finding.level, it.finding.message))
        .collect();
    warnings.extend(signs::greeted_untrusted_peer(view));
    if matches!(verdict, Verdict::Pass | Verdict::Recorded) {
        warnings.extend(risks(view));
    }
    warnings
}

/// What the user's own choice exposes: servers that were accepted although nobody vouches for them.
fn risks(view: &View<'_>) -> Vec<String> {
    let mut risks: Vec<String> = Vec::new();
    for epoch in view.epochs.iter().filter(|it| !it.octets.is_empty()) {
        let (Channel::Tls(peer), Some(step)) = (&epoch.channel, view.step(epoch.step)) else {
            continue;
        };
        let risk = match epoch.decision(step, &view.record.case.setup.chain) {
            Some(Decision::AcceptWithRisk) => format!(
                "RISK: the client accepted a certificate that nobody vouches for ({}), as \"always trust\" asks.",
                peer.describe()
            ),
            Some(Decision::MayAccept) if step.security != Security::None => format!(
                "NOTE: the client accepted a certificate that others reject ({}); both is permitted.",
                peer.describe()
            ),
            Some(Decision::ShouldReject) => format!(
                "RISK: the client accepted a certificate that it should reject ({}).",
                peer.describe()
            ),
            _ => continue,
        };
        if !risks.contains(&risk) {
            risks.push(risk);
        }
    }
    risks
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(chars).collect()
    })
}

/// Texts of others may be in a sentence: nothing of them reaches a terminal raw.
fn one_line(text: &str) -> String {
    crate::transcript::printable(text.trim())
}

/// A text of somebody else that a sentence goes on behind.
fn clause(text: &str) -> &str {
    text.trim().trim_end_matches('.')
}
