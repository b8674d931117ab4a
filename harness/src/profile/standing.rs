//! The roll-up: how a subject stands in a profile. Files of expected failures have no say in it.
//!
//! Pure: obligations and verdicts in, a word and its reason out. What was not decided never counts as passed.

use std::collections::BTreeMap;

use super::Obligations;
use crate::{
    report::text,
    results::{CaseResult, Conformance, Results, Standing, Verdict},
};

/// Ids that a sentence names; the rest is counted.
const NAMED: usize = 3;

/// What the verdict on a mandatory case is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Worth {
    Passed,
    Warned,
    Failed,
    Open,
}

/// Notes in `results` how the subject stands in the profile that they carry. Without one, and for a part of a
/// run, there is nothing to say.
pub fn stand(results: &mut Results) {
    let whole = results.obligations.as_ref().filter(|it| it.shard.is_none());
    results.standing = whole.map(|it| standing(it, &results.cases));
}

/// One line for reports, safe to show: the profile with the roll-up and its reason. `None` without a profile.
pub fn line(results: &Results) -> Option<String> {
    let line = match (&results.standing, &results.obligations) {
        (Some(standing), _) => format!(
            "profile {}: {}: {}",
            standing.profile,
            standing.conformance.name(),
            standing.why
        ),
        (None, Some(obligations)) => {
            let shard = obligations.shard.as_deref().unwrap_or("1/1");
            format!(
                "profile {}: not judged: this is part {shard} of a run, and a part alone cannot be",
                obligations.profile
            )
        }
        (None, None) => return None,
    };
    Some(text::line(&line))
}

/// Rolls up. Results of cases that the profile does not name have no say.
pub(super) fn standing(obligations: &Obligations, results: &[CaseResult]) -> Standing {
    let results: BTreeMap<&str, &CaseResult> =
        results.iter().map(|it| (it.id.as_str(), it)).collect();
    let mut open = Vec::new();
    let mut failed = Vec::new();
    let mut warned = Vec::new();
    let mut decided = 0;
    let mut beyond: BTreeMap<&str, usize> = BTreeMap::new();
    let mut mandatory = 0;
    for case in &obligations.cases {
        let result = results.get(case.id.as_str());
        let worth = result.map_or(Worth::Open, |it| worth(it));
        if let (Worth::Open, Some(what)) = (worth, &case.beyond)
            && result.is_none_or(|it| it.judgement.verdict == Verdict::Unsupported)
        {
            *beyond.entry(what).or_default() += 1;
            continue;
        }
        mandatory += 1;
        decided += usize::from(worth != Worth::Open);
        match worth {
            Worth::Passed => {}
            Worth::Warned => warned.push(case.id.clone()),
            Worth::Failed => failed.push(case.id.clone()),
            Worth::Open => open.push(case.id.clone()),
        }
    }
    let is_whole = open.is_empty() && obligations.lacks.is_empty() && decided > 0;
    let conformance = match (failed.is_empty(), is_whole, warned.is_empty()) {
        (false, _, _) => Conformance::NonConformant,
        (true, false, _) => Conformance::Partial,
        (true, true, false) => Conformance::ConformantWithWarnings,
        (true, true, true) => Conformance::Conformant,
    };
    let mut standing = Standing {
        profile: obligations.profile.clone(),
        title: obligations.title.clone(),
        conformance,
        why: String::new(),
        mandatory,
        decided,
        open,
        failed,
        warned,
    };
    standing.why = why(&standing, &obligations.lacks, &beyond);
    standing
}

fn worth(case: &CaseResult) -> Worth {
    match case.judgement.verdict {
        Verdict::Fail | Verdict::Crash | Verdict::Hang => Worth::Failed,
        Verdict::Unsupported
        | Verdict::Skipped
        | Verdict::Inconclusive
        | Verdict::Review
        | Verdict::HarnessError => Worth::Open,
        Verdict::Pass | Verdict::Recorded => {
            let missed = crate::report::tally::missed_should(case);
            if missed || !case.judgement.warnings.is_empty() {
                Worth::Warned
            } else {
                Worth::Passed
            }
        }
    }
}

fn why(standing: &Standing, lacks: &[String], beyond: &BTreeMap<&str, usize>) -> String {
    let of = text::count(standing.mandatory, "mandatory case");
    let mut parts = Vec::new();
    if !standing.failed.is_empty() {
        let n = standing.failed.len();
        parts.push(format!("{n} of {of} failed ({})", some(&standing.failed)));
    }
    if !lacks.is_empty() {
        parts.push(format!(
            "the subject does not declare what the profile needs: {}",
            lacks.join("; ")
        ));
    }
    if !standing.open.is_empty() {
        let n = standing.open.len();
        parts.push(format!(
            "{n} of {of} not run to a decision ({})",
            some(&standing.open)
        ));
    }
    if standing.mandatory == 0 {
        parts.push("no case of the profile applies to the subject".to_owned());
    }
    if parts.is_empty() {
        let warned = standing.warned.len();
        parts.push(match warned {
            0 => format!("{of} passed"),
            _ => format!(
                "{of} passed, {warned} of them with a missed SHOULD or a risk ({})",
                some(&standing.warned)
            ),
        });
    }
    if !beyond.is_empty() {
        let total: usize = beyond.values().sum();
        let mut most: Vec<(&str, usize)> = beyond.iter().map(|(what, n)| (*what, *n)).collect();
        most.sort_by_key(|(what, n)| (std::cmp::Reverse(*n), *what));
        let mut named: Vec<String> = most
            .iter()
            .take(NAMED)
            .map(|(what, n)| format!("{n} × {what}"))
            .collect();
        if most.len() > NAMED {
            named.push("other reasons".to_owned());
        }
        parts.push(format!(
            "{} not counted, for what the subject need not offer and does not ({})",
            text::count(total, "case"),
            named.join(", ")
        ));
    }
    parts.join("; ")
}

/// The first few ids.
pub(crate) fn some(ids: &[String]) -> String {
    let mut named: Vec<&str> = ids.iter().take(NAMED).map(String::as_str).collect();
    let more = format!("and {} more", ids.len().saturating_sub(NAMED));
    if ids.len() > NAMED {
        named.push(&more);
    }
    named.join(", ")
}
