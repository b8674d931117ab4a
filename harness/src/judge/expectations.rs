//! The expectations of a case, checked one by one.
//!
//! Must not know the verdict: a check comes out held, broken or not observable, with what was seen.

use mailproof_scenarios::model::{
    Check, Expectation, Job, Level, Pattern, StoreCheck, What,
    event::{Ended, Said},
};

use super::{
    jobs, patterns, replies,
    signs::{self, Sighting},
    store::{self, End},
    view::{View, step_of},
};
use crate::results::{Finding, Held, Judgement};

/// A finding with what the verdict needs to know about it.
pub(crate) struct Checked {
    pub(crate) finding: Finding,
    /// Whether it rests on something that was seen on the wire, not on something that was missed there. Such
    /// evidence needs no control: a message that arrived and is denied is a lie in every case.
    pub(crate) wire: bool,
    /// Whether it holds for every case, whatever its deviation.
    pub(crate) invariant: bool,
}

/// How one check came out.
struct Outcome {
    held: Held,
    message: String,
    step: Option<u16>,
    evidence: Vec<usize>,
    wire: bool,
}

impl Outcome {
    fn held(message: impl Into<String>) -> Self {
        Self {
            held: Held::Held,
            message: message.into(),
            step: None,
            evidence: Vec::new(),
            wire: false,
        }
    }

    fn broken(message: impl Into<String>) -> Self {
        Self {
            held: Held::Broken,
            ..Self::held(message)
        }
    }

    fn unseen(message: impl Into<String>) -> Self {
        Self {
            held: Held::NotObservable,
            ..Self::held(message)
        }
    }

    fn evidence(mut self, evidence: Vec<usize>) -> Self {
        self.evidence = evidence;
        self
    }

    fn on_the_wire(mut self) -> Self {
        self.wire = true;
        self
    }

    fn in_step(mut self, step: u16) -> Self {
        self.step = Some(step);
        self
    }
}

/// Checks every expectation of the case. A `completed = true` about a message brings a finding of its own
/// about what was stored, [`STORED`].
pub(crate) fn check(view: &View<'_>) -> Vec<Checked> {
    view.record
        .case
        .expect
        .iter()
        .flat_map(|expectation| {
            let mut outcomes = vec![(name(&expectation.check), outcome(view, expectation))];
            let says_store = view
                .record
                .case
                .expect
                .iter()
                .any(|it| matches!(it.check, Check::Store(_)));
            if expectation.check == Check::Completed(true) && !says_store {
                // Without a message to compare with there is nothing that this check could add.
                let difference = stored(view, expectation.step, End::Passed)
                    .filter(|it| it.held != Held::NotObservable);
                outcomes.extend(difference.map(|it| (STORED.to_owned(), it)));
            }
            outcomes
                .into_iter()
                .map(|(name, outcome)| checked(expectation, name, outcome))
        })
        .collect()
}

/// The name of the finding about the stored message.
const STORED: &str = "store-equals-model";

/// The stable name of a check, for findings and expected-failures files.
pub(crate) fn name(check: &Check) -> String {
    match check {
        Check::Completed(true) => "completed".to_owned(),
        Check::Completed(false) => "not-completed".to_owned(),
        Check::Honest => "honest".to_owned(),
        Check::Said(_) => "said".to_owned(),
        Check::Never(pattern) => format!("never-{}", patterns::name(pattern)),
        Check::Seen(pattern) => format!("seen-{}", patterns::name(pattern)),
        Check::Order(_) => "order".to_owned(),
        Check::Accepted { .. } => "accepted".to_owned(),
        Check::Connections { .. } => "connections".to_owned(),
        Check::Store(StoreCheck::EqualsModel) => STORED.to_owned(),
        Check::Store(StoreCheck::NoLineAdded) => "store-no-line-added".to_owned(),
        Check::Tells(_) => "tells".to_owned(),
        Check::ToldApart(_) => "told-apart".to_owned(),
        Check::Quotes => "quotes".to_owned(),
        Check::Memory(_) => "memory".to_owned(),
    }
}

/// Whether a level can fail a case; the others warn at most.
pub const fn fails(level: Level) -> bool {
    matches!(level, Level::Must | Level::Security)
}

/// What fails a case, where it is a FAIL.
pub fn failing_findings(judgement: &Judgement) -> impl Iterator<Item = &Finding> {
    let findings = judgement.findings.iter();
    findings.filter(|it| it.held == Held::Broken && fails(it.level))
}

fn checked(expectation: &Expectation, name: String, outcome: Outcome) -> Checked {
    Checked {
        wire: outcome.wire && outcome.held == Held::Broken,
        invariant: false,
        finding: Finding {
            name,
            level: expectation.level,
            held: outcome.held,
            message: outcome.message,
            clause: expectation.clause.clone(),
            step: outcome.step.or(expectation.step),
            evidence: outcome.evidence,
        },
    }
}

fn outcome(view: &View<'_>, expectation: &Expectation) -> Outcome {
    let step = expectation.step;
    match &expectation.check {
        Check::Completed(wanted) => completed(view, step, *wanted),
        Check::Honest => honest(view, step),
        Check::Said(words) => said(view, step, words),
        Check::Never(pattern) => never(view, step, pattern),
        Check::Seen(pattern) => seen(view, step, pattern),
        Check::Order(patterns) => order(view, step, patterns),
        Check::Accepted { min, max } => {
            count("messages were accepted", accepted(view, step), (*min, *max))
        }
        Check::Connections { min, max } => count(
            "connections were opened",
            connections(view, step),
            (*min, *max),
        ),
        Check::Store(check) => {
            let end = match check {
                StoreCheck::EqualsModel => End::Passed,
                StoreCheck::NoLineAdded => End::Counts,
            };
            stored(view, step, end).unwrap_or_else(|| {
                Outcome::broken("The server stored no message that could be compared.")
            })
        }
        Check::Tells(text) => tells(view, step, text),
        Check::ToldApart(steps) => told_apart(view, steps),
        Check::Quotes => quotes(view, step),
        Check::Memory(limit) => memory(view, step, *limit),
    }
}

fn completed(view: &View<'_>, step: Option<u16>, wanted: bool) -> Outcome {
    let steps = view.steps_of(step);
    if steps.is_empty() {
        return Outcome::unseen("There was no step to look at.");
    }
    let mut evidence = Vec::new();
    let mut said_so = Vec::new();
    for number in steps {
        let outcome = if wanted {
            took_place(view, number)
        } else {
            stayed_away(view, number)
        };
        match outcome {
            Ok(events) => evidence.extend(events),
            Err(outcome) => return outcome.in_step(number),
        }
        said_so.extend(view.end_of(number).map(|it| it.event));
    }
    evidence.extend(said_so);
    Outcome::held(if wanted {
        "It took place, once, and the client said so."
    } else {
        "It did not take place, and the client did not claim that it had."
    })
    .evidence(evidence)
}

/// Success and all of it, or no success and none of it.
fn honest(view: &View<'_>, step: Option<u16>) -> Outcome {
    let mut evidence = Vec::new();
    let steps = view.steps_of(step);
    if steps.is_empty() {
        return Outcome::unseen("There was no step to look at.");
    }
    for number in steps {
        let outcome = match jobs::books(view, number).any {
            true => took_place(view, number),
            false => stayed_away(view, number),
        };
        match outcome {
            Ok(events) => evidence.extend(events),
            Err(outcome) => return outcome.in_step(number),
        }
        evidence.extend(view.end_of(number).map(|it| it.event));
    }
    Outcome::held("What the client said is what took place.").evidence(evidence)
}

fn took_place(view: &View<'_>, number: u16) -> Result<Vec<usize>, Outcome> {
    let books = jobs::books(view, number);
    if !books.done {
        return Err(Outcome::broken(format!(
            "The job did not take place: {}; {}.",
            books.detail,
            super::gate::progress(view, Some(number))
        ))
        .evidence(books.evidence));
    }
    let twice = signs::sightings(
        view,
        mailproof_scenarios::model::Sign::DuplicateDelivery,
        Some(number),
    );
    if let Some(twice) = twice.into_iter().next() {
        return Err(Outcome::broken(twice.says)
            .evidence(twice.evidence)
            .on_the_wire());
    }
    match view.said(number) {
        Some(Said::Success) => Ok(books.evidence),
        Some(_) => Err(Outcome::broken(format!(
            "The client said that it failed although {}.",
            books.detail
        ))
        .evidence(books.evidence)
        .on_the_wire()),
        None => Err(no_word(view, number, "It took place")),
    }
}

fn stayed_away(view: &View<'_>, number: u16) -> Result<Vec<usize>, Outcome> {
    let books = jobs::books(view, number);
    if books.any {
        return Err(Outcome::broken(format!(
            "It took place although it must not: {}.",
            books.detail
        ))
        .evidence(books.evidence)
        .on_the_wire());
    }
    match view.said(number) {
        Some(Said::Success) => Err(Outcome::broken(format!(
            "The client said success although {}.",
            books.detail
        ))),
        Some(_) => Ok(books.evidence),
        None => Err(no_word(view, number, "It did not take place")),
    }
}

/// A step whose subject said nothing: it died, hung, or nobody saw its end.
fn no_word(view: &View<'_>, number: u16, but: &str) -> Outcome {
    match view.end_of(number).map(|it| it.ended) {
        Some(Ended::Hung { .. }) => Outcome::broken(format!("{but}, but the client did not end.")),
        Some(Ended::Crashed { .. }) => Outcome::broken(format!("{but}, but the client crashed.")),
        _ => Outcome::unseen(format!("{but}, but nobody saw what the client said of it.")),
    }
}

/// Whether the subject claims nothing that did not take place. What it denies is another matter.
fn said(view: &View<'_>, step: Option<u16>, words: &[Said]) -> Outcome {
    let mut evidence = Vec::new();
    for number in view.steps_of(step) {
        let Some(said) = view.said(number) else {
            return no_word(view, number, "The client should have said how it went")
                .in_step(number);
        };
        evidence.extend(view.end_of(number).map(|it| it.event));
        if words.contains(&said) {
            continue;
        }
        let wanted = words
            .iter()
            .map(|it| said_name(*it))
            .collect::<Vec<_>>()
            .join(" or ");
        // "Failed" says no more than that, so it does not contradict a kind of failure.
        let vague = said == Said::Failed && !words.contains(&Said::Success) && !words.is_empty();
        return if vague {
            Outcome::unseen(format!(
                "The client said only that it failed, so whether it meant {wanted} cannot be seen."
            ))
        } else {
            Outcome::broken(format!(
                "The client said {}, not {wanted}.",
                said_name(said)
            ))
        }
        .evidence(evidence)
        .in_step(number);
    }
    if evidence.is_empty() {
        return Outcome::unseen("There was no step to look at.");
    }
    Outcome::held("The client said what it should.").evidence(evidence)
}

pub(crate) const fn said_name(said: Said) -> &'static str {
    match said {
        Said::Success => "success",
        Said::Temporary => "a temporary failure",
        Said::Permanent => "a permanent failure",
        Said::RefusedTls => "that it refused TLS",
        Said::Failed => "a failure",
    }
}

fn never(view: &View<'_>, step: Option<u16>, pattern: &Pattern) -> Outcome {
    let heard = || view.steps_of(step).iter().any(|&it| can_be_heard(view, it));
    if matches!(pattern, Pattern::Told { .. }) && !heard() {
        return Outcome::unseen("What the client told its user could not be seen here.");
    }
    match patterns::sightings(view, pattern, step).into_iter().next() {
        None => Outcome::held(format!(
            "Nowhere to be seen: {}.",
            patterns::describe(pattern)
        )),
        Some(sighting) => from_sighting(view, sighting),
    }
}

fn from_sighting(view: &View<'_>, sighting: Sighting) -> Outcome {
    let step = view.events.get(sighting.event).map(step_of);
    let outcome = Outcome::broken(sighting.says)
        .evidence(sighting.evidence)
        .on_the_wire();
    match step {
        Some(step) => outcome.in_step(step),
        None => outcome,
    }
}

fn seen(view: &View<'_>, step: Option<u16>, pattern: &Pattern) -> Outcome {
    match patterns::sightings(view, pattern, step).into_iter().next() {
        Some(sighting) => Outcome::held(sighting.says).evidence(sighting.evidence),
        None => Outcome::broken(format!(
            "This should be seen and was not: {}; {}.",
            patterns::describe(pattern),
            super::gate::progress(view, step)
        )),
    }
}

fn order(view: &View<'_>, step: Option<u16>, wanted: &[Pattern]) -> Outcome {
    match patterns::in_order(view, wanted, step) {
        Ok(evidence) => {
            Outcome::held("Everything came in the order that it should.").evidence(evidence)
        }
        Err(at) => Outcome::broken(format!(
            "In the order that was expected, this did not come (number {}): {}.",
            at + 1,
            wanted.get(at).map(patterns::describe).unwrap_or_default()
        )),
    }
}

fn count(what: &str, events: Vec<usize>, (min, max): (u32, u32)) -> Outcome {
    let number = u32::try_from(events.len()).unwrap_or(u32::MAX);
    let message = format!("{number} {what}, {min} to {max} were right.");
    if number < min {
        Outcome::broken(message).evidence(events)
    } else if number > max {
        Outcome::broken(message).evidence(events).on_the_wire()
    } else {
        Outcome::held(message).evidence(events)
    }
}

fn accepted(view: &View<'_>, step: Option<u16>) -> Vec<usize> {
    positions(view, step, |what| {
        matches!(what, What::MessageAccepted { .. } | What::Appended { .. })
    })
}

fn connections(view: &View<'_>, step: Option<u16>) -> Vec<usize> {
    positions(view, step, |what| matches!(what, What::Connected { .. }))
}

fn positions(view: &View<'_>, step: Option<u16>, fits: impl Fn(&What) -> bool) -> Vec<usize> {
    view.events_in(step)
        .filter(|(_, event)| fits(&event.what))
        .map(|(index, _)| index)
        .collect()
}

/// Compares what was stored with what the steps were given; `None` where nothing was stored that belongs to
/// a message of the case.
fn stored(view: &View<'_>, step: Option<u16>, end: End) -> Option<Outcome> {
    let mut evidence = Vec::new();
    for number in view.steps_of(step) {
        let job = view.step(number).map(|it| it.job);
        if !matches!(job, Some(Job::Send | Job::Append)) {
            continue;
        }
        let model = view.record.messages.get(usize::from(number) - 1);
        for (index, event) in view.events_in(Some(number)) {
            let (What::MessageAccepted { octets, .. } | What::Appended { octets, .. }) =
                &event.what
            else {
                continue;
            };
            let Some(model) = model else {
                return Some(
                    Outcome::unseen("What the step was given is not in the record.")
                        .in_step(number),
                );
            };
            evidence.push(index);
            if let Some(difference) = store::difference(octets, model.as_bytes(), end) {
                return Some(
                    Outcome::broken(difference)
                        .evidence(vec![index])
                        .on_the_wire()
                        .in_step(number),
                );
            }
        }
    }
    (!evidence.is_empty())
        .then(|| Outcome::held("What was stored is what the client was given.").evidence(evidence))
}

fn tells(view: &View<'_>, step: Option<u16>, text: &str) -> Outcome {
    let steps = view.steps_of(step);
    if steps
        .iter()
        .any(|&it| replies::tells(&view.words(it), text))
    {
        return Outcome::held(format!("The client told its user \"{text}\"."));
    }
    if !steps.iter().any(|&it| can_be_heard(view, it)) {
        return Outcome::unseen("What the client told its user could not be seen here.");
    }
    Outcome::broken(format!("The client did not tell its user \"{text}\"."))
}

/// Steps about which the subject says the same cannot be told apart by its user.
fn told_apart(view: &View<'_>, steps: &[u16]) -> Outcome {
    let mut told: Vec<(u16, String)> = Vec::new();
    for &step in steps {
        if !can_be_heard(view, step) {
            return Outcome::unseen("What the client told its user could not be seen here.");
        }
        let words = replies::without_numbers(&view.words(step));
        if let Some((other, _)) = told.iter().find(|(_, it)| *it == words) {
            return Outcome::broken(format!(
                "The client said the same about the steps {other} and {step}."
            ))
            .in_step(step);
        }
        told.push((step, words));
    }
    Outcome::held("The client told its user what is different about each step.")
}

/// A peak that is not above what the process began with does not count against the subject.
fn memory(view: &View<'_>, step: Option<u16>, limit: u32) -> Outcome {
    let limit_kib = u64::from(limit) * 1024;
    let mut evidence = Vec::new();
    for (index, event) in view.events_in(step) {
        let What::Measured { peak_memory, floor } = event.what else {
            continue;
        };
        if peak_memory > limit_kib {
            let mebibytes = peak_memory.div_ceil(1024);
            return if peak_memory > floor {
                Outcome::broken(format!(
                    "The client took {mebibytes} MiB of memory, {limit} MiB were right."
                ))
            } else {
                Outcome::unseen(format!(
                    "The client took {mebibytes} MiB of memory or less; less could not be seen here."
                ))
            }
            .evidence(vec![index])
            .in_step(step_of(event));
        }
        evidence.push(index);
    }
    if evidence.is_empty() {
        return Outcome::unseen(format!(
            "Whether the client stayed under {limit} MiB could not be seen here."
        ));
    }
    Outcome::held(format!("The client stayed under {limit} MiB of memory.")).evidence(evidence)
}

/// Whether anything that the subject says can be had in a step.
fn can_be_heard(view: &View<'_>, step: u16) -> bool {
    view.record.observed.output || !view.words(step).trim().is_empty()
}

fn quotes(view: &View<'_>, step: Option<u16>) -> Outcome {
    let (held, message, evidence) = quoted(view, &view.steps_of(step));
    Outcome {
        held,
        message,
        step: None,
        evidence,
        wire: false,
    }
}

/// Whether the user got to read the last refusal of each of these steps that ended in a failure.
pub(crate) fn quoted(view: &View<'_>, steps: &[u16]) -> (Held, String, Vec<usize>) {
    let mut evidence = Vec::new();
    let mut deaf = false;
    for &number in steps {
        let failed = view.said(number).is_some_and(|it| it != Said::Success);
        let Some(refusal) = replies::last_refusal(view, number).filter(|_| failed) else {
            continue;
        };
        if replies::is_quoted(&view.words(number), refusal.reply) {
            evidence.push(refusal.event);
        } else if can_be_heard(view, number) {
            let reply = mailproof_scenarios::model::event::octets::to_text(
                &refusal.reply[..refusal.reply.len().min(160)],
            );
            return (
                Held::Broken,
                format!(
                    "The client did not pass on what the server said to {}: \"{reply}\".",
                    refusal.verb
                ),
                vec![refusal.event],
            );
        } else {
            deaf = true;
        }
    }
    if deaf {
        let message = "What the client told its user could not be seen here.";
        (Held::NotObservable, message.to_owned(), Vec::new())
    } else if evidence.is_empty() {
        let message = "No job failed by a refusal of the server.";
        (Held::NotObservable, message.to_owned(), Vec::new())
    } else {
        let message = "The client passed on what the server had said.";
        (Held::Held, message.to_owned(), evidence)
    }
}
