//! What a run leaves behind: records (facts), judgements (opinions with their reasons) and the results file.
//!
//! Plain data. Must not know how it came about or how it is shown.

use std::collections::BTreeMap;

use mailproof_mock_servers::world::TurnedAway;
use mailproof_scenarios::model::{
    Canaries, Case, Diagnosis, Frequency, Kind, Level, Log, Severity, Step, event::VERSION,
};
use serde::{Deserialize, Serialize};

use crate::{profile::Obligations, subject::Supports};

/// The version of `results.json` and of `records.ndjson`.
pub const RESULTS_VERSION: u32 = 1;

/// The facts of one case: enough to judge it again without the subject.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// The version of the event format, [`mailproof_scenarios::model::event::VERSION`].
    pub v: u32,
    /// The case as it was run.
    pub case: Case,
    /// The steps as they were asked, with the delta's changes.
    pub steps: Vec<Step>,
    /// What to search for where it must not be.
    pub canaries: Canaries,
    /// The messages that the steps were given, as files hold them; index is the step.
    #[serde(default)]
    pub messages: Vec<String>,
    /// What the place could show.
    pub observed: Observed,
    /// The usual name of the server.
    pub host: String,
    /// The name or address that the subject was configured with; index is the step. Where absent it was the
    /// usual name.
    #[serde(default)]
    pub hosts: Vec<String>,
    /// Why it was not run, where it was not.
    pub not_run: Option<NotRun>,
    /// The control that it is judged by, where that is not the one of its own base: a person makes one for
    /// all cases with the same settings.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub control: Option<String>,
    /// What the person who operates the client answered to the questions of a plan.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub answers: Vec<Answer>,
    /// The events.
    pub log: Log,
    /// Whether the valid chain was one that the user brought along, so that no other chain leads to an anchor
    /// that the client has.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub own_chain: bool,
    /// Who came from where nobody may come. No verdict rests on it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub turned_away: Vec<TurnedAway>,
    /// Milliseconds it took.
    pub took_ms: u64,
}

impl Record {
    /// The record of a case that was not run.
    pub fn not_run(case: &Case, seed: u64, why: NotRun) -> Self {
        Self {
            v: VERSION,
            steps: case.effective_steps(),
            canaries: Canaries::derive(seed, &case.id, case.accounts()),
            messages: Vec::new(),
            observed: Observed::default(),
            host: String::new(),
            hosts: Vec::new(),
            not_run: Some(why),
            control: None,
            answers: Vec::new(),
            log: Log::default(),
            own_chain: false,
            turned_away: Vec::new(),
            took_ms: 0,
            case: case.clone(),
        }
    }
}

impl Record {
    /// What the subject was configured with in a step, counted from 1.
    pub fn host_of(&self, step: u16) -> &str {
        let index = usize::from(step).saturating_sub(1);
        self.hosts.get(index).unwrap_or(&self.host)
    }

    /// The id of the control that it is judged by; `None` where nothing deviates.
    pub fn control_id(&self) -> Option<String> {
        let own = || self.case.has_delta().then(|| self.case.control().id);
        self.control.clone().or_else(own)
    }
}

/// What a person said when a question was asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// The id of the question: lower-case words with hyphens.
    pub question: String,
    /// The question.
    pub ask: String,
    /// The answer.
    pub answer: String,
    /// Whether the plan says that nobody needs to look at this answer.
    #[serde(default)]
    pub fine: bool,
}

/// Why a case was not run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NotRun {
    /// The subject cannot do it, as declared.
    Unsupported(String),
    /// The place cannot show it.
    Skipped(String),
    /// The harness failed.
    HarnessError(String),
}

/// What the place could show. What it could not is never counted as held.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Observed {
    /// Connections to ports that the case does not use.
    pub decoys: bool,
    /// Connection attempts that the kernel answered or dropped.
    pub packets: bool,
    /// What the subject printed.
    pub output: bool,
    /// The subject's exit, signals and time.
    pub process: bool,
}

/// How a case ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING-KEBAB-CASE")]
pub enum Verdict {
    /// Everything that must hold was seen to hold.
    Pass,
    /// Something that must hold was seen broken.
    Fail,
    /// A survey: the choice was recorded.
    Recorded,
    /// The subject cannot do it, as declared.
    Unsupported,
    /// The place cannot show it.
    Skipped,
    /// It could not be decided: the control failed or the gate was not reached.
    Inconclusive,
    /// The subject died.
    Crash,
    /// The subject did not end within its budget.
    Hang,
    /// A person must look.
    Review,
    /// The harness failed.
    HarnessError,
}

impl Verdict {
    /// Whether the subject failed: what must hold was broken, it died, or it did not end.
    pub const fn is_failure(self) -> bool {
        matches!(self, Verdict::Fail | Verdict::Crash | Verdict::Hang)
    }

    /// Whether a case was run to a verdict: not unsupported, not skipped, not spoilt by the harness.
    pub const fn is_run(self) -> bool {
        !matches!(
            self,
            Verdict::Unsupported | Verdict::Skipped | Verdict::HarnessError
        )
    }

    /// The word in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Verdict::Pass => "PASS",
            Verdict::Fail => "FAIL",
            Verdict::Recorded => "RECORDED",
            Verdict::Unsupported => "UNSUPPORTED",
            Verdict::Skipped => "SKIPPED",
            Verdict::Inconclusive => "INCONCLUSIVE",
            Verdict::Crash => "CRASH",
            Verdict::Hang => "HANG",
            Verdict::Review => "REVIEW",
            Verdict::HarnessError => "HARNESS-ERROR",
        }
    }
}

/// How one check came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Held {
    /// It was seen to hold.
    Held,
    /// It was seen broken.
    Broken,
    /// Nobody could see it here.
    NotObservable,
}

/// The result of one check.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// The name of the expectation or invariant, stable for expected-failures files.
    pub name: String,
    /// How strongly it is demanded.
    pub level: Level,
    /// How it came out.
    pub held: Held,
    /// One plain sentence: what was seen.
    pub message: String,
    /// The clause it rests on.
    pub clause: Option<String>,
    /// The step, where it belongs to one.
    pub step: Option<u16>,
    /// Indices into the events that show it.
    pub evidence: Vec<usize>,
}

/// The opinion on one case.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Judgement {
    /// The verdict.
    pub verdict: Verdict,
    /// Why, in one plain sentence.
    pub reason: String,
    /// Every check, broken ones first.
    pub findings: Vec<Finding>,
    /// Risks that were taken by choice (always-trust that did what it is for) and SHOULDs that were missed.
    pub warnings: Vec<String>,
}

/// One case in the results.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CaseResult {
    /// The id with its variant.
    pub id: String,
    /// The title.
    pub title: String,
    /// Why it matters.
    pub why: String,
    /// Fault, positive or survey.
    pub kind: Kind,
    /// How bad it is.
    pub severity: Severity,
    /// How often it is met.
    pub frequency: Frequency,
    /// Clauses and advisories.
    pub refs: Vec<String>,
    /// Requirement ids.
    pub covers: Vec<String>,
    /// What to tell whom when a user meets the situation.
    #[serde(default)]
    pub diagnosis: Option<Diagnosis>,
    /// The opinion.
    pub judgement: Judgement,
    /// Whether an entry of the expected-failures file covers it, and its `because`.
    pub expected: Option<String>,
    /// The id of the control that it shares.
    pub control: Option<String>,
    /// Milliseconds it took.
    pub took_ms: u64,
    /// The normalised transcript with its secrets masked.
    pub transcript: String,
}

impl CaseResult {
    /// Facts and opinion together. Nothing is expected to fail yet.
    pub fn new(record: &Record, judgement: Judgement, transcript: String) -> Self {
        let case = &record.case;
        Self {
            id: case.id.clone(),
            title: case.title.clone(),
            why: case.why.clone(),
            kind: case.kind,
            severity: case.severity,
            frequency: case.frequency,
            refs: case.refs.clone(),
            covers: case.covers.clone(),
            diagnosis: case.diagnosis.clone(),
            judgement,
            expected: None,
            control: record.control_id(),
            took_ms: record.took_ms,
            transcript,
        }
    }
}

/// Everything about a run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Results {
    /// [`RESULTS_VERSION`].
    pub v: u32,
    /// The version of mailproof.
    pub mailproof: String,
    /// The subject's name.
    pub subject: String,
    /// What a person calls the subject.
    #[serde(default)]
    pub subject_title: String,
    /// The subject's version as it says itself.
    pub subject_version: Option<String>,
    /// `loopback`, `lab` or `reachable`.
    pub place: String,
    /// The seed.
    pub seed: u64,
    /// The arguments that a repetition of the run needs as well, without the program's name: `run`, the
    /// adapter, `--lab`, `--scenarios DIR`.
    #[serde(default)]
    pub repeat: Vec<String>,
    /// The civil time from which dates were computed, RFC 3339.
    pub now: String,
    /// Cases that were selected.
    pub selected: usize,
    /// Cases that were run to a verdict.
    pub ran: usize,
    /// Whether the run was cut short.
    pub interrupted: bool,
    /// Milliseconds it took.
    pub took_ms: u64,
    /// The cases in the order of their ids.
    pub cases: Vec<CaseResult>,
    /// The controls.
    pub controls: Vec<CaseResult>,
    /// Entries of the expected-failures file that did not hold, and why.
    pub stale: Vec<String>,
    /// Who came from where nobody may come and was turned away, over all cases.
    #[serde(default)]
    pub turned_away: Vec<TurnedAway>,
    /// What the subject declared that it can do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub supports: Option<Supports>,
    /// What the profile that the run was for demands of the subject, with the profile itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub obligations: Option<Obligations>,
    /// How the subject stands in the profile that the run was for.
    #[serde(default)]
    pub standing: Option<Standing>,
    /// Transcripts that differ from the snapshots of the user's repository.
    #[serde(default)]
    pub snapshots: Vec<SnapshotChange>,
    /// The set of cases that was run, as a name and a hash.
    #[serde(default)]
    pub edition: Option<Edition>,
}

/// A frozen set of cases: who has the same hash had the same cases.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Edition {
    /// What a person calls it: `mailproof-0.1.0`, with `+own` behind it where a case is not built in.
    pub name: String,
    /// The hash over all cases and personas, in hexadecimal: see [`crate::edition`].
    pub sha256: String,
    /// How many cases.
    pub cases: usize,
    /// The hash of each persona that serves in them, by name.
    pub personas: BTreeMap<String, String>,
}

/// How a subject stands in a profile. Files of expected failures have no say in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// The name of the profile.
    pub profile: String,
    /// What a person calls it.
    pub title: String,
    /// The roll-up.
    pub conformance: Conformance,
    /// Why, in one plain sentence.
    pub why: String,
    /// How many cases the profile demands.
    pub mandatory: usize,
    /// How many of them were run to a decision.
    pub decided: usize,
    /// The mandatory cases that were not decided, by id.
    pub open: Vec<String>,
    /// The mandatory cases that failed, by id.
    pub failed: Vec<String>,
    /// The mandatory cases that passed with a missed SHOULD or a risk, by id.
    pub warned: Vec<String>,
}

/// The roll-up of a profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING-KEBAB-CASE")]
pub enum Conformance {
    /// Every mandatory case was decided and passed.
    Conformant,
    /// The same, with missed SHOULDs or risks.
    ConformantWithWarnings,
    /// Nothing mandatory failed, but not everything was decided.
    Partial,
    /// Something mandatory failed.
    NonConformant,
}

impl Conformance {
    /// The words in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Conformance::Conformant => "CONFORMANT",
            Conformance::ConformantWithWarnings => "CONFORMANT WITH WARNINGS",
            Conformance::Partial => "PARTIAL",
            Conformance::NonConformant => "NON-CONFORMANT",
        }
    }
}

/// One transcript that differs from its snapshot. It never changes a verdict.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SnapshotChange {
    /// The case.
    pub id: String,
    /// What is different about it.
    pub change: Change,
    /// A unified diff, safe to show.
    pub diff: String,
}

/// How a transcript differs from its snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Change {
    /// There is no snapshot yet.
    New,
    /// The snapshot says something else.
    Changed,
}
