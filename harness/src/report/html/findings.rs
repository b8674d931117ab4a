//! Findings of several runs together: what failed, one entry for each scenario, worst first.
//!
//! Must not know how they are shown.

use std::collections::BTreeMap;

use mailproof_scenarios::model::{Diagnosis, Level, Severity};

use super::Run;
use crate::{
    report::{facts, tally::Class},
    results::CaseResult,
};

/// A scenario that some subject failed without that being expected.
pub(super) struct Situation<'a> {
    /// The id, without variants.
    pub(super) scenario: &'a str,
    pub(super) severity: Severity,
    /// The strongest level that was broken.
    pub(super) level: Option<Level>,
    /// The worst case of it.
    pub(super) worst: &'a CaseResult,
    /// For each run.
    pub(super) runs: Vec<Share<'a>>,
}

impl<'a> Situation<'a> {
    pub(super) fn diagnosis(&self) -> Option<&'a Diagnosis> {
        self.worst.diagnosis.as_ref()
    }
}

/// What one run saw of a scenario.
pub(super) struct Share<'a> {
    /// Cases that failed, worst first.
    pub(super) failed: Vec<&'a CaseResult>,
    /// How many cases it has of the scenario.
    pub(super) cases: usize,
    /// The worst class of them.
    pub(super) class: Option<Class>,
}

/// Every situation, worst first.
pub(super) fn situations<'a>(runs: &[Run<'a>]) -> Vec<Situation<'a>> {
    let mut found: BTreeMap<&str, Vec<(usize, &CaseResult)>> = BTreeMap::new();
    for (index, run) in runs.iter().enumerate() {
        for case in facts::failures(run.results) {
            let entry = found.entry(facts::scenario(&case.id)).or_default();
            entry.push((index, case));
        }
    }
    let mut shares: BTreeMap<(usize, &str), Vec<Class>> = BTreeMap::new();
    for (index, run) in runs.iter().enumerate() {
        for case in &run.results.cases {
            let key = (index, facts::scenario(&case.id));
            shares.entry(key).or_default().push(Class::of(case));
        }
    }
    let mut situations: Vec<Situation<'a>> = found
        .into_iter()
        .filter_map(|(scenario, failed)| {
            let worst = failed
                .iter()
                .map(|(_, it)| *it)
                .min_by_key(|it| facts::weight(it))?;
            let runs = (0..runs.len()).map(|run| {
                let failed = failed.iter().filter(|(index, _)| *index == run);
                let failed: Vec<&CaseResult> = failed.map(|(_, it)| *it).collect();
                let classes = shares.get(&(run, scenario)).map_or(&[][..], Vec::as_slice);
                Share {
                    failed,
                    cases: classes.len(),
                    class: classes.iter().copied().min(),
                }
            });
            Some(Situation {
                scenario,
                severity: worst.severity,
                level: facts::clause_level(worst),
                worst,
                runs: runs.collect(),
            })
        })
        .collect();
    situations.sort_by_key(|it| (facts::weight(it.worst), it.scenario));
    situations
}
