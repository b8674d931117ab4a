//! What a page is told: plain data, without anything that is not shown. Must not know how it is drawn.

use std::collections::HashMap;

use mailproof_scenarios::model::{Security, Step, Trust};
use serde::Serialize;

use super::{Course, LINES};
use crate::{
    plan::{Question, Stop},
    results::{CaseResult, Held, Verdict},
    serve::Sheet,
};

/// Everything.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct View {
    /// The title of the plan.
    pub title: String,
    /// Its introduction.
    pub intro: String,
    /// Where the results are.
    pub folder: String,
    /// Whether some of it was done in an earlier sitting.
    pub resumed: bool,
    /// The fingerprint of the test authority.
    pub authority: String,
    /// Every stop, in order.
    pub stops: Vec<StopView>,
    /// The one that has its world.
    pub present: Option<Present>,
    /// The one that has just got its verdict.
    pub finished: Option<usize>,
    /// The sitting is over, and so many stops are open.
    pub ended: Option<usize>,
}

/// One stop.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StopView {
    /// Its id.
    pub id: String,
    /// What it is.
    pub title: String,
    /// Whether it is a control.
    pub control: bool,
    /// Which stops have the same settings, from 1.
    pub group: usize,
    /// What these settings are, in a line.
    pub settings: String,
    /// The verdict, where there is one.
    pub verdict: Option<Verdict>,
    /// Why.
    pub reason: String,
    /// What was found, worst first.
    pub findings: Vec<Found>,
    /// Risks and missed recommendations.
    pub warnings: Vec<String>,
    /// Whether nobody can do it here.
    pub barred: bool,
    /// The stop that must be done first, where one must.
    pub after: Option<usize>,
}

/// One finding.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Found {
    /// How it came out.
    pub held: Held,
    /// How strongly it is demanded.
    pub level: &'static str,
    /// What was seen.
    pub message: String,
}

/// The stop that has its world.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Present {
    /// Its number, from 0.
    pub stop: usize,
    /// Which opening.
    pub attempt: u64,
    /// The step, from 1.
    pub step: u16,
    /// How many there are.
    pub steps: usize,
    /// What to set and do.
    pub sheet: Option<Sheet>,
    /// What is going on.
    pub phase: Phase,
    /// What the plan says about it.
    pub note: Option<String>,
    /// What is asked afterwards.
    pub questions: Vec<Question>,
    /// The transcript as far as it is shown.
    pub lines: Vec<Line>,
    /// The number of the next line.
    pub next_line: u64,
}

/// What is going on in the present stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// The person is to do something.
    Running,
    /// The next step is being made ready.
    Between,
    /// The connections are being closed, and the verdict comes.
    Closing,
}

/// One line of the transcript.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Line {
    /// Its number, from 0.
    pub n: u64,
    /// What it says, safe to show.
    pub text: String,
}

impl View {
    pub(super) fn new(
        course: &Course,
        results: &HashMap<String, CaseResult>,
        present: Option<Present>,
        finished: Option<usize>,
    ) -> Self {
        let all = &course.stops.all;
        let number = |id: &String| all.iter().position(|it| it.case.id == *id);
        let stops = all.iter().map(|stop| {
            let control = stop.control.as_ref();
            let missing = control.filter(|it| !results.contains_key(*it));
            StopView::new(stop, results.get(&stop.case.id), missing.and_then(number))
        });
        Self {
            title: course.plan.title.clone(),
            intro: course.plan.intro.clone(),
            folder: course.folder.display().to_string(),
            resumed: course.resumed,
            authority: course.fingerprint(),
            stops: stops.collect(),
            present,
            finished,
            ended: None,
        }
    }

    /// One more line.
    pub(super) fn add(&mut self, attempt: u64, line: &Line) {
        let present = self.present.as_mut().filter(|it| it.attempt == attempt);
        let Some(present) = present else { return };
        if present.lines.len() >= LINES {
            present.lines.remove(0);
        }
        present.lines.push(line.clone());
        present.next_line = line.n + 1;
    }
}

impl StopView {
    fn new(stop: &Stop, result: Option<&CaseResult>, after: Option<usize>) -> Self {
        let judgement = result.map(|it| &it.judgement);
        let findings = judgement.into_iter().flat_map(|it| &it.findings);
        let told = findings.filter(|it| it.held == Held::Broken || it.name.starts_with("answer-"));
        Self {
            id: stop.case.id.clone(),
            title: stop.case.title.clone(),
            control: stop.is_control(),
            group: stop.group,
            settings: settings(&stop.case.steps),
            verdict: judgement.map(|it| it.verdict),
            reason: judgement.map(|it| it.reason.clone()).unwrap_or_default(),
            findings: told
                .map(|it| Found {
                    held: it.held,
                    level: it.level.name(),
                    message: it.message.clone(),
                })
                .collect(),
            warnings: judgement.map(|it| it.warnings.clone()).unwrap_or_default(),
            barred: stop.not_run.is_some(),
            after,
        }
    }
}

/// The settings of a case in a line, those of its first step.
fn settings(steps: &[Step]) -> String {
    let Some(step) = steps.first() else {
        return String::new();
    };
    let security = match step.security {
        Security::None => "no encryption",
        Security::StarttlsOptional => "STARTTLS if there is any",
        Security::StarttlsRequired => "STARTTLS",
        Security::Implicit => "TLS from the start",
        Security::Automatic => "automatic encryption",
    };
    let trust = match (step.security, step.trust) {
        (Security::None, _) | (_, Trust::Default) => "",
        (_, Trust::System) => ", only the system's authorities",
        (_, Trust::Ca) => ", test authority imported",
        (_, Trust::Pin) => ", one certificate accepted",
        (_, Trust::Always) => ", any certificate accepted",
    };
    let steps = match steps.len() {
        1 => String::new(),
        n => format!(", {n} steps"),
    };
    let protocol = step.protocol.name().to_uppercase();
    format!("{protocol} {}: {security}{trust}{steps}", step.job)
}
