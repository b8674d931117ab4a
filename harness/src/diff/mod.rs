//! What is different between two runs: new failures, what is fixed, what changed, what ran or no longer ran.
//!
//! Pure: it compares results. Must not know where they came from.

mod show;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::{
    judge::failing_findings,
    results::{CaseResult, Held, Results, Verdict},
};

pub use show::{human, json, markdown};

/// The version of the JSON form.
pub const VERSION: u32 = 1;

/// Everything that is different.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// [`VERSION`].
    pub v: u32,
    /// The earlier run in a few words.
    pub a: String,
    /// The later one.
    pub b: String,
    /// Why the runs can be compared only in part: other versions, places, selections.
    pub notes: Vec<String>,
    /// Failures of the later run that the earlier one does not have.
    pub new_failures: Vec<Changed>,
    /// The same, but named in a file of expected failures.
    pub expected_failures: Vec<Changed>,
    /// Failures of the earlier run that the later one has decided to be none.
    pub fixed: Vec<Changed>,
    /// Other verdicts, or other findings.
    pub changed: Vec<Changed>,
    /// Cases that were run in the later run only, and did not fail.
    pub now_run: Vec<Changed>,
    /// Cases that were run in the earlier run only.
    pub no_longer_run: Vec<Changed>,
    /// Cases in which the client did something else on the wire; nothing where that is not known.
    pub transcripts: Option<Vec<String>>,
}

/// One case that is different.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Changed {
    /// The case.
    pub id: String,
    /// Its verdict in the earlier run; nothing where it was not among its cases.
    pub before: Option<Verdict>,
    /// Its verdict in the later run.
    pub after: Option<Verdict>,
    /// What came to it, in a sentence: the findings that are new or gone, or the reason.
    pub why: String,
}

/// Transcripts in a form that can be compared, by the ids of their cases.
pub type Transcripts = BTreeMap<String, String>;

/// Compares two runs.
pub fn compare(
    a: &Results,
    b: &Results,
    transcripts: Option<(&Transcripts, &Transcripts)>,
) -> Difference {
    let before: BTreeMap<&str, &CaseResult> =
        a.cases.iter().map(|it| (it.id.as_str(), it)).collect();
    let after: BTreeMap<&str, &CaseResult> =
        b.cases.iter().map(|it| (it.id.as_str(), it)).collect();
    let mut difference = Difference {
        v: VERSION,
        a: title(a),
        b: title(b),
        notes: notes(a, b),
        ..Difference::default()
    };
    let ids: BTreeSet<&str> = before.keys().chain(after.keys()).copied().collect();
    for id in ids {
        place(
            &mut difference,
            id,
            before.get(id).copied(),
            after.get(id).copied(),
        );
    }
    difference.transcripts = transcripts.map(|(a, b)| {
        let both = a.iter().filter_map(|(id, old)| Some((id, old, b.get(id)?)));
        both.filter(|(_, old, new)| old != new)
            .map(|(id, ..)| id.clone())
            .collect()
    });
    difference
}

/// Puts one case where it belongs.
fn place(all: &mut Difference, id: &str, a: Option<&CaseResult>, b: Option<&CaseResult>) {
    let changed = |why: String| Changed {
        id: id.to_owned(),
        before: a.map(|it| it.judgement.verdict),
        after: b.map(|it| it.judgement.verdict),
        why,
    };
    let old = a.filter(|it| it.judgement.verdict.is_run());
    let Some(new) = b.filter(|it| it.judgement.verdict.is_run()) else {
        if old.is_some() {
            let why = b.map_or("not among its cases", |it| it.judgement.reason.as_str());
            all.no_longer_run.push(changed(why.to_owned()));
        }
        return;
    };
    let worse: Vec<&str> = match old {
        Some(old) if old.judgement.verdict.is_failure() => {
            failing(new).difference(&failing(old)).copied().collect()
        }
        _ => Vec::new(),
    };
    if new.judgement.verdict.is_failure()
        && (!old.is_some_and(|it| it.judgement.verdict.is_failure()) || !worse.is_empty())
    {
        let mut why = new.judgement.reason.clone();
        if !worse.is_empty() {
            why = format!(
                "it failed before, and now by {} too: {why}",
                worse.join(", ")
            );
        }
        match &new.expected {
            Some(because) => {
                all.expected_failures
                    .push(changed(format!("{why} (expected: {because})")));
            }
            None => all.new_failures.push(changed(why)),
        }
        return;
    }
    let Some(old) = old else {
        all.now_run.push(changed(new.judgement.reason.clone()));
        return;
    };
    if old.judgement.verdict.is_failure()
        && matches!(new.judgement.verdict, Verdict::Pass | Verdict::Recorded)
    {
        all.fixed.push(changed(new.judgement.reason.clone()));
        return;
    }
    let (was, is) = (broken(old), broken(new));
    if old.judgement.verdict != new.judgement.verdict || was != is {
        let names = |one: &BTreeSet<&str>, other: &BTreeSet<&str>| {
            let names: Vec<&str> = one.difference(other).copied().collect();
            names.join(", ")
        };
        let parts: Vec<String> = [
            ("now broken", names(&is, &was)),
            ("no longer broken", names(&was, &is)),
        ]
        .into_iter()
        .filter(|(_, names)| !names.is_empty())
        .map(|(what, names)| format!("{what}: {names}"))
        .collect();
        let why = if parts.is_empty() {
            new.judgement.reason.clone()
        } else {
            parts.join("; ")
        };
        all.changed.push(changed(why));
    }
}

/// The names of the findings that are broken.
fn broken(case: &CaseResult) -> BTreeSet<&str> {
    let findings = case.judgement.findings.iter();
    let broken = findings.filter(|it| it.held == Held::Broken);
    broken.map(|it| it.name.as_str()).collect()
}

/// What makes a case fail: the names of its findings, and the verdict where it is no FAIL.
fn failing(case: &CaseResult) -> BTreeSet<&str> {
    let findings = failing_findings(&case.judgement);
    let mut names: BTreeSet<&str> = findings.map(|it| it.name.as_str()).collect();
    if case.judgement.verdict != Verdict::Fail {
        names.insert(case.judgement.verdict.name());
    }
    names
}

fn title(results: &Results) -> String {
    // The first words of what a program says of its version are enough to know it by.
    let version = results.subject_version.as_deref().unwrap_or_default();
    let version: Vec<&str> = version.split_whitespace().take(3).collect();
    format!(
        "{} ({}), {} of {} cases",
        results.subject,
        version.join(" "),
        results.ran,
        results.selected
    )
}

fn notes(a: &Results, b: &Results) -> Vec<String> {
    let mut notes = Vec::new();
    let mut differs = |what: &str, a: &str, b: &str| {
        if a != b {
            notes.push(format!("{what}: {a}, then {b}"));
        }
    };
    differs("other subjects", &a.subject, &b.subject);
    differs("other versions of mailproof", &a.mailproof, &b.mailproof);
    differs("other places", &a.place, &b.place);
    differs(
        "other selections of cases",
        &a.selected.to_string(),
        &b.selected.to_string(),
    );
    for (run, results) in [("the earlier run", a), ("the later run", b)] {
        if results.interrupted {
            notes.push(format!("{run} was interrupted"));
        }
    }
    notes
}
