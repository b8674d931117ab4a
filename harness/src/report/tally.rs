//! What results amount to: the class of each case, the counts, and the sentence that every report begins
//! with.
//!
//! Computed from the cases themselves, so that no report can claim more than was run. Must not know how it
//! is shown.

use std::collections::BTreeMap;

use mailproof_scenarios::model::Level;

use super::text;
use crate::results::{CaseResult, Held, Results, Verdict};

/// What one case means for the run as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// FAIL, CRASH or HANG that nobody expected.
    Failed,
    /// HARNESS-ERROR.
    Harness,
    /// INCONCLUSIVE or REVIEW that nobody expected: nothing is proved.
    Open,
    /// Whatever it is, an entry of the expected-failures file says so.
    Expected,
    /// UNSUPPORTED or SKIPPED.
    NotRun,
    /// PASS or RECORDED.
    Good,
}

impl Class {
    /// The class of a case.
    pub fn of(case: &CaseResult) -> Self {
        let verdict = case.judgement.verdict;
        match verdict {
            Verdict::HarnessError => Class::Harness,
            Verdict::Unsupported | Verdict::Skipped => Class::NotRun,
            _ if case.expected.is_some() => Class::Expected,
            Verdict::Fail | Verdict::Crash | Verdict::Hang => Class::Failed,
            Verdict::Inconclusive | Verdict::Review => Class::Open,
            Verdict::Pass | Verdict::Recorded => Class::Good,
        }
    }
}

/// Whether a case says anything about the subject: run, and not inconclusive.
pub fn decided(verdict: Verdict) -> bool {
    verdict.is_run() && verdict != Verdict::Inconclusive
}

/// Whether a case missed a SHOULD.
pub fn missed_should(case: &CaseResult) -> bool {
    let mut findings = case.judgement.findings.iter();
    findings.any(|it| it.held == Held::Broken && it.level == Level::Should)
}

/// The counts of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Cases that were selected.
    pub selected: usize,
    /// Cases that were run to a verdict.
    pub ran: usize,
    /// Cases that say something about the subject.
    pub decided: usize,
    /// How often each verdict was reached.
    pub verdicts: BTreeMap<Verdict, usize>,
    /// How many of these an entry of the expected-failures file covers.
    pub expected: BTreeMap<Verdict, usize>,
    /// How many cases were not run for which reason, most frequent first within a verdict.
    pub not_run: Vec<NotRun>,
    /// Selected cases that the run never came to.
    pub not_reached: usize,
    /// Whether the run was cut short.
    pub interrupted: bool,
}

/// Cases that were not run for the same reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotRun {
    /// UNSUPPORTED, SKIPPED or HARNESS-ERROR.
    pub verdict: Verdict,
    /// Why, safe to show.
    pub reason: String,
    /// How many.
    pub cases: usize,
}

/// Reasons that the first line names for each verdict; the rest is counted.
const REASONS: usize = 3;

impl Tally {
    /// Counts.
    pub fn of(results: &Results) -> Self {
        let mut tally = Tally {
            selected: results.selected.max(results.cases.len()),
            interrupted: results.interrupted,
            ..Tally::default()
        };
        let mut reasons: BTreeMap<(Verdict, String), usize> = BTreeMap::new();
        for case in &results.cases {
            let verdict = case.judgement.verdict;
            *tally.verdicts.entry(verdict).or_default() += 1;
            if Class::of(case) == Class::Expected {
                *tally.expected.entry(verdict).or_default() += 1;
            }
            tally.ran += usize::from(verdict.is_run());
            tally.decided += usize::from(decided(verdict));
            if !verdict.is_run() {
                let reason = text::cut(&text::line(&case.judgement.reason), 120);
                *reasons.entry((verdict, reason)).or_default() += 1;
            }
        }
        tally.not_reached = tally.selected - results.cases.len();
        tally.not_run = reasons
            .into_iter()
            .map(|((verdict, reason), cases)| NotRun {
                verdict,
                reason,
                cases,
            })
            .collect();
        tally
            .not_run
            .sort_by_key(|it| (it.verdict, std::cmp::Reverse(it.cases)));
        tally
    }

    /// `ran 9 of 14 cases, not run because: 3 unsupported (…), 2 not reached (interrupted)`.
    pub fn first_line(&self) -> String {
        let mut line = format!("ran {} of {}", self.ran, text::count(self.selected, "case"));
        let mut parts: Vec<String> = [
            (Verdict::Unsupported, "unsupported"),
            (Verdict::Skipped, "skipped"),
            (Verdict::HarnessError, "spoilt by the harness"),
        ]
        .into_iter()
        .filter_map(|(verdict, word)| self.because(verdict, word))
        .collect();
        if self.not_reached > 0 {
            let why = if self.interrupted {
                "interrupted"
            } else {
                "the run ended early"
            };
            parts.push(format!("{} not reached ({why})", self.not_reached));
        }
        if !parts.is_empty() {
            line.push_str(", not run because: ");
            line.push_str(&parts.join(", "));
        }
        line
    }

    /// `FAIL 2 (1 expected) · PASS 7`, worst first.
    pub fn counts(&self) -> String {
        const ORDER: [Verdict; 10] = [
            Verdict::Fail,
            Verdict::Crash,
            Verdict::Hang,
            Verdict::HarnessError,
            Verdict::Inconclusive,
            Verdict::Review,
            Verdict::Unsupported,
            Verdict::Skipped,
            Verdict::Recorded,
            Verdict::Pass,
        ];
        let counts = ORDER.iter().filter_map(|verdict| {
            let n = self.verdicts.get(verdict)?;
            Some(match self.expected.get(verdict) {
                Some(expected) => format!("{} {n} ({expected} expected)", verdict.name()),
                None => format!("{} {n}", verdict.name()),
            })
        });
        counts.collect::<Vec<_>>().join(" · ")
    }

    fn because(&self, verdict: Verdict, word: &str) -> Option<String> {
        let reasons: Vec<&NotRun> = self
            .not_run
            .iter()
            .filter(|it| it.verdict == verdict)
            .collect();
        let total: usize = reasons.iter().map(|it| it.cases).sum();
        if total == 0 {
            return None;
        }
        let mut named: Vec<String> = reasons
            .iter()
            .take(REASONS)
            .map(|it| match reasons.len() {
                1 => it.reason.clone(),
                _ => format!("{} × {}", it.cases, it.reason),
            })
            .collect();
        if reasons.len() > REASONS {
            let rest = text::count(reasons.len() - REASONS, "other reason");
            named.push(rest);
        }
        Some(format!("{total} {word} ({})", named.join("; ")))
    }
}

#[cfg(test)]
mod tests {
    use test_case::test_case;

    use super::*;
    use crate::report::sample;

    #[test_case(&[], 0 => "ran 0 of 0 cases"; "nothing at all")]
    #[test_case(&[(Verdict::Pass, "")], 1 => "ran 1 of 1 case"; "everything")]
    #[test_case(&[(Verdict::Pass, "")], 4
        => "ran 1 of 4 cases, not run because: 3 not reached (the run ended early)"; "cut short")]
    #[test_case(&[(Verdict::Unsupported, "job idle")], 1
        => "ran 0 of 1 case, not run because: 1 unsupported (job idle)"; "one reason")]
    #[test_case(&[(Verdict::Skipped, "b"), (Verdict::Skipped, "a"), (Verdict::Skipped, "b"),
        (Verdict::HarnessError, "no port"), (Verdict::Inconclusive, "")], 5
        => "ran 1 of 5 cases, not run because: 3 skipped (2 × b; 1 × a), 1 spoilt by the harness (no port)";
        "several reasons")]
    #[test_case(&[(Verdict::Skipped, "a"), (Verdict::Skipped, "b"), (Verdict::Skipped, "c"),
        (Verdict::Skipped, "d"), (Verdict::Skipped, "e")], 5
        => "ran 0 of 5 cases, not run because: 5 skipped (1 × a; 1 × b; 1 × c; 2 other reasons)"; "many reasons")]
    fn begins_with(verdicts: &[(Verdict, &str)], selected: usize) -> String {
        let results = Results {
            selected,
            cases: verdicts
                .iter()
                .map(|(verdict, reason)| sample::case("a/b/c", *verdict, reason))
                .collect(),
            ..sample::empty()
        };
        Tally::of(&results).first_line()
    }

    #[test]
    fn counts_worst_first() {
        let results = Results {
            cases: vec![
                sample::case("a/b/c", Verdict::Pass, ""),
                sample::case("a/b/d", Verdict::Fail, ""),
                sample::case("a/b/e", Verdict::Pass, ""),
            ],
            ..sample::empty()
        };
        assert_eq!(Tally::of(&results).counts(), "FAIL 1 · PASS 2");
        let mut results = results;
        results.cases[1].expected = Some("known".to_owned());
        assert_eq!(Tally::of(&results).counts(), "FAIL 1 (1 expected) · PASS 2");
    }

    #[test]
    fn an_expected_failure_is_not_a_failure_but_a_harness_error_stays_one() {
        let mut case = sample::case("a/b/c", Verdict::Fail, "");
        assert_eq!(Class::of(&case), Class::Failed);
        case.expected = Some("known".to_owned());
        assert_eq!(Class::of(&case), Class::Expected);
        case.judgement.verdict = Verdict::HarnessError;
        assert_eq!(Class::of(&case), Class::Harness);
    }
}
