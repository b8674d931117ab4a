//! Proves an adapter before its verdicts are trusted, and shows on the wire what its settings do.
//!
//! An adapter is *usable* when the undisturbed base completes with every setting that it declares, and when
//! the subject never says success where nothing happened. That a client is *weak* (it accepts a certificate
//! that it should not) is no fault of the adapter: such a client is what mailproof is for.
//!
//! Must not know how a probe is run, nor how a report is shown.

pub mod labels;
pub mod probes;
mod wire;

use std::collections::BTreeMap;

use mailproof_scenarios::model::{
    Level, Security, Step, Trust, What,
    event::{Ended, Said},
};

use crate::{
    adapter::{ExitTable, Kind},
    judge::took_place,
    results::{Held, Judgement, NotRun, Record, Verdict},
    runner::Cancel,
    session::{Session, Told},
};
use labels::Label;
use mailproof_scenarios::language::Problems;
use probes::{About, Probe};

/// What was found out about an adapter.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// What was tried, in order.
    pub rows: Vec<Row>,
    /// What each setting really does.
    pub labels: Vec<Label>,
    /// Whether it was cut short.
    pub interrupted: bool,
}

/// One thing that was tried.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// What it was about.
    pub about: About,
    /// What was asked: `send over smtp, implicit, trust ca, sign-in password`.
    pub asked: String,
    /// What was seen on the wire and said: `TLS 1.3, EHLO, MAIL -> success, exit 0`.
    pub seen: String,
    /// What is to be said about it.
    pub findings: Vec<Finding>,
}

/// One thing to be said about an adapter or its client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// How much it matters.
    pub grade: Grade,
    /// A sentence without its full stop.
    pub says: String,
}

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Grade {
    /// Nothing that this adapter says can be trusted.
    Unusable,
    /// A setting does something else than the adapter declares.
    Contradiction,
    /// The client does what it should not; the adapter shows it rightly.
    Weak,
    /// Worth knowing.
    Warning,
}

/// Why an adapter cannot be examined.
#[derive(Debug, thiserror::Error)]
pub enum ExamineError {
    /// The probes are wrong, which a test rules out for a build that passed it.
    #[error("{0}")]
    Probes(#[from] Problems),
    /// There is no runtime or no test authority.
    #[error("{0}")]
    Environment(#[from] std::io::Error),
}

/// Tries everything that the session's adapter declares. Each row goes to `tell` as it comes; the report has
/// them in order.
///
/// # Errors
/// [`ExamineError`] where nothing can be run.
pub fn examine(
    session: &Session,
    cancel: &Cancel,
    tell: &mut dyn FnMut(&Row),
) -> Result<Report, ExamineError> {
    let probes = probes::all(&session.adapter, &session.personas)?;
    let by_id: BTreeMap<&str, (usize, &Probe)> = probes
        .iter()
        .enumerate()
        .map(|(at, probe)| (probe.case.id.as_str(), (at, probe)))
        .collect();
    let exit = match &session.adapter.kind {
        Kind::Template(_) => Some(&session.adapter.exit),
        _ => None,
    };
    let undisturbed = probes.iter().find(|it| it.about == About::Undisturbed);
    let trials = undisturbed
        .map(|it| labels::trials(&it.case, &session.adapter))
        .unwrap_or_default();
    let mut rows: BTreeMap<usize, Row> = BTreeMap::new();
    let mut tried: BTreeMap<String, Record> = BTreeMap::new();
    let cases = probes.iter().map(|it| &it.case);
    let cases = cases.chain(trials.iter().map(|it| &it.case)).cloned();
    let summary = session.run(cases.collect(), cancel, |told| {
        let (Told::Case(record, result) | Told::Again(record, result)) = told else {
            return;
        };
        match by_id.get(record.case.id.as_str()) {
            Some((at, probe)) => {
                let row = row(probe.about, record, &result.judgement, exit);
                tell(&row);
                rows.insert(*at, row);
            }
            None => {
                tried.insert(record.case.id.clone(), record.clone());
            }
        }
    })?;
    Ok(Report {
        rows: rows.into_values().collect(),
        labels: labels::read(&trials, &session.adapter, &tried),
        interrupted: summary.interrupted,
    })
}

impl Report {
    /// Whether the adapter can be trusted: something was tried, and nothing speaks against it.
    pub fn usable(&self) -> bool {
        let mut findings = self.rows.iter().flat_map(|it| &it.findings);
        self.rows.iter().any(|it| it.about == About::Undisturbed)
            && !findings.any(|it| it.grade == Grade::Unusable)
    }

    /// Each finding once, the gravest first, with how often it was made.
    pub fn findings(&self) -> Vec<(&Finding, usize)> {
        let mut found: Vec<(&Finding, usize)> = Vec::new();
        for finding in self.rows.iter().flat_map(|it| &it.findings) {
            match found.iter_mut().find(|(it, _)| *it == finding) {
                Some((_, times)) => *times += 1,
                None => found.push((finding, 1)),
            }
        }
        found.sort_by_key(|(it, _)| it.grade);
        found
    }
}

impl Row {
    /// The gravest grade of its findings; `None` where there is nothing to say.
    pub fn grade(&self) -> Option<Grade> {
        self.findings.iter().map(|it| it.grade).min()
    }
}

fn row(about: About, record: &Record, judgement: &Judgement, exit: Option<&ExitTable>) -> Row {
    let ended = record
        .log
        .events
        .iter()
        .rev()
        .find_map(|it| match &it.what {
            What::StepEnded(ended) => Some(ended),
            _ => None,
        });
    let Some(step) = record.steps.first() else {
        return Row {
            about,
            asked: String::new(),
            seen: String::new(),
            findings: Vec::new(),
        };
    };
    let mut findings = match &record.not_run {
        Some(why) => vec![not_run(why)],
        None => verdict_on(about, step, record, judgement, ended),
    };
    if let (
        Some(Ended::Finished {
            code: Some(code),
            said,
            ..
        }),
        Some(exit),
    ) = (ended, exit)
        && !exit.knows(*code)
        && *said == Said::Failed
    {
        findings.push(Finding {
            grade: Grade::Warning,
            says: format!(
                "exit code {code} is not mapped; it counts as a failure of no known kind"
            ),
        });
    }
    Row {
        about,
        asked: asked(about, step),
        seen: format!("{} -> {}", wire::line(&record.log.events), wire::end(ended)),
        findings,
    }
}

fn asked(about: About, step: &Step) -> String {
    let trust = match step.security {
        Security::None => String::new(),
        _ => format!(", trust {}", step.trust),
    };
    let asked = format!(
        "{} over {}, {}{trust}, sign-in {}",
        step.job, step.protocol, step.security, step.auth
    );
    match about {
        About::Undisturbed => asked,
        About::WrongPassword => format!("wrong password: {asked}"),
        About::ClosedPort => format!("closed port: {asked}"),
        About::UntrustedCertificate => format!("self-signed certificate: {asked}"),
        About::NoStarttls => format!("STARTTLS not offered: {asked}"),
    }
}

fn not_run(why: &NotRun) -> Finding {
    let (grade, says) = match why {
        NotRun::HarnessError(error) => (Grade::Unusable, format!("the harness failed: {error}")),
        NotRun::Unsupported(what) => (Grade::Warning, format!("not tried: {what}")),
        NotRun::Skipped(why) => (Grade::Warning, format!("not tried: {why}")),
    };
    Finding { grade, says }
}

fn verdict_on(
    about: About,
    step: &Step,
    record: &Record,
    judgement: &Judgement,
    ended: Option<&Ended>,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut find = |grade, says: String| findings.push(Finding { grade, says });
    let took_place = took_place(record, 1);
    match ended {
        Some(Ended::Unsupported { what }) => {
            let what = crate::transcript::printable(what.trim());
            find(
                Grade::Warning,
                format!("it is declared, but the client says that it cannot do it: {what}"),
            );
            return findings;
        }
        Some(Ended::NotStarted { .. }) => {
            find(Grade::Unusable, clause(&judgement.reason));
            return findings;
        }
        Some(Ended::Finished {
            said: Said::Success,
            ..
        }) if !took_place => find(
            Grade::Unusable,
            "what the adapter reports cannot be trusted: it says success although nothing took place"
                .to_owned(),
        ),
        _ => {}
    }
    if about == About::Undisturbed {
        for says in wire::contradictions(step, &record.log.events) {
            find(Grade::Contradiction, says);
        }
        if judgement.verdict != Verdict::Pass {
            find(
                Grade::Unusable,
                format!(
                    "the undisturbed base does not pass: {}",
                    clause(&judgement.reason)
                ),
            );
        }
        return findings;
    }
    if let Some(Ended::Crashed { .. } | Ended::Hung { .. }) = ended {
        find(Grade::Weak, clause(&judgement.reason));
    }
    let leak = judgement
        .findings
        .iter()
        .find(|it| it.held == Held::Broken && it.level == Level::Security);
    match (about, took_place, leak) {
        (About::UntrustedCertificate, true, _) => find(
            Grade::Weak,
            format!(
                "with {} the client accepted a self-signed certificate",
                trust(step)
            ),
        ),
        (About::NoStarttls, true, _) => find(
            Grade::Weak,
            format!(
                "with security {} the client went on in clear where STARTTLS was not offered",
                step.security
            ),
        ),
        (_, true, _) => find(
            Grade::Weak,
            "it took place although the server refused".to_owned(),
        ),
        (_, false, Some(leak)) => find(Grade::Weak, clause(&leak.message)),
        (_, false, None) => {}
    }
    findings
}

fn trust(step: &Step) -> String {
    let meaning = match step.trust {
        Trust::Ca => " (the test authority only)",
        Trust::System => " (what the operating system trusts)",
        _ => "",
    };
    format!("trust = {}{meaning}", step.trust)
}

fn clause(sentence: &str) -> String {
    sentence.trim().trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests;
