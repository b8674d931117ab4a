//! The comparison: which failures were foretold, and which entries no longer hold.

use std::collections::BTreeMap;

use time::Date;

use super::{
    file::{Entry, File},
    version::Version,
};
use crate::{
    judge::fails,
    results::{Held, Judgement, Results, Verdict},
};

/// What came of a comparison.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Applied {
    /// The cases that failed exactly as foretold, by id, each with the `because` of its entries.
    pub expected: BTreeMap<String, String>,
    /// The entries that do not hold, in the order of the file.
    pub mismatches: Vec<Mismatch>,
}

/// An entry that does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mismatch {
    /// The line of the entry.
    pub line: usize,
    /// Why it does not hold.
    pub why: Why,
    /// The same in one sentence, for the report.
    pub message: String,
}

/// Why an entry does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// Its cases were run, and none of them fails in this way any more.
    NoLongerFails,
    /// Its last day is over.
    Expired,
    /// There is no such case.
    MatchesNothing,
    /// It holds for some versions, and the subject does not say which it has.
    NoVersion,
}

impl File {
    /// Compares opinions with the file. `known` are the ids of all cases that there are, run or not, so that
    /// a selection makes no entry wrong. `version` is what the subject says of itself: entries for other versions
    /// neither hold nor are wrong. `today` is the day that expiry is measured by.
    ///
    /// A failure was foretold where the outcome is exactly that of an entry, and each finding that fails the
    /// case is named by an entry for it: a failure that is new in a case which failed before is new. An entry
    /// for several cases holds as long as one of them fails so.
    pub fn apply<'a, 'k>(
        &self,
        judged: impl IntoIterator<Item = (&'a str, &'a Judgement)>,
        known: impl IntoIterator<Item = &'k str>,
        version: Option<&str>,
        today: Date,
    ) -> Applied {
        let mut applied = Applied::default();
        let version = version.and_then(Version::in_text);
        let for_version: Vec<bool> = self
            .entries
            .iter()
            .map(|it| is_for(it, version.as_ref()))
            .collect();
        let mut use_of = vec![Use::default(); self.entries.len()];
        for id in known {
            for (entry, used) in self.entries.iter().zip(&mut use_of) {
                used.known |= entry.case.matches(id);
            }
        }
        for (id, judgement) in judged {
            let of_case: Vec<usize> = self
                .entries
                .iter()
                .enumerate()
                .filter(|(at, it)| for_version[*at] && it.case.matches(id))
                .map(|(at, _)| at)
                .collect();
            for &at in &of_case {
                use_of[at].known = true;
                use_of[at].ran |= judgement.verdict.is_run();
                use_of[at].right |= describes(&self.entries[at], judgement);
            }
            let valid: Vec<&Entry> = of_case
                .iter()
                .map(|&at| &self.entries[at])
                .filter(|it| !is_over(it, today) && describes(it, judgement))
                .collect();
            if covers(&valid, judgement) {
                let mut reasons: Vec<&str> = valid.iter().map(|it| it.because.as_str()).collect();
                reasons.dedup();
                applied.expected.insert(id.to_owned(), reasons.join("; "));
            }
        }
        applied.mismatches = self
            .entries
            .iter()
            .zip(&use_of)
            .filter_map(|(entry, used)| mismatch(entry, used, version.as_ref(), today))
            .collect();
        applied
    }

    /// Compares the cases of a run with the file, and notes the outcome in them.
    pub fn apply_to<'a>(
        &self,
        results: &mut Results,
        known: impl IntoIterator<Item = &'a str>,
        today: Date,
    ) {
        let judged = results
            .cases
            .iter()
            .map(|it| (it.id.as_str(), &it.judgement));
        let applied = self.apply(judged, known, results.subject_version.as_deref(), today);
        for case in &mut results.cases {
            case.expected = applied.expected.get(&case.id).cloned();
        }
        results.stale = applied
            .mismatches
            .into_iter()
            .map(|it| it.message)
            .collect();
    }
}

/// What became of an entry.
#[derive(Clone, Debug, Default)]
struct Use {
    /// A case that there is fits.
    known: bool,
    /// A case that was run fits.
    ran: bool,
    /// A case fails as it says.
    right: bool,
}

/// Whether a case ended as an entry says: the outcome, and one of its findings where it names any.
fn describes(entry: &Entry, judgement: &Judgement) -> bool {
    entry.outcome == judgement.verdict
        && (entry.reasons.is_empty()
            || judgement
                .findings
                .iter()
                .any(|it| it.held == Held::Broken && entry.reasons.contains(&it.name)))
}

/// Whether entries account for everything that fails a case.
fn covers(entries: &[&Entry], judgement: &Judgement) -> bool {
    if entries.is_empty() {
        return false;
    }
    if judgement.verdict != Verdict::Fail {
        return true;
    }
    judgement
        .findings
        .iter()
        .filter(|it| it.held == Held::Broken && fails(it.level))
        .all(|it| entries.iter().any(|entry| entry.reasons.contains(&it.name)))
}

pub(super) fn is_for(entry: &Entry, version: Option<&Version>) -> bool {
    entry
        .when
        .as_ref()
        .is_none_or(|range| version.is_some_and(|it| range.has(it)))
}

pub(super) fn is_over(entry: &Entry, today: Date) -> bool {
    entry.expires.is_some_and(|last| last < today)
}

fn mismatch(entry: &Entry, used: &Use, version: Option<&Version>, today: Date) -> Option<Mismatch> {
    let what = format!(
        "line {}: {} for {}",
        entry.line,
        entry.outcome.name(),
        entry.case.source()
    );
    let (why, message) = if !used.known {
        (
            Why::MatchesNothing,
            format!("{what} matches no case that there is"),
        )
    } else if used.ran && !used.right {
        let reasons = if entry.reasons.is_empty() {
            String::new()
        } else {
            format!(" by {}", entry.reasons.join(", "))
        };
        (
            Why::NoLongerFails,
            format!("{what} is out of date: nothing ends so{reasons} any more"),
        )
    } else if let Some(last) = entry.expires.filter(|_| is_over(entry, today)) {
        (Why::Expired, format!("{what} expired with {last}"))
    } else if let (Some(range), None) = (&entry.when, version) {
        let range = range.source();
        (
            Why::NoVersion,
            format!("{what} is for version {range}, and the subject does not say which it has"),
        )
    } else {
        return None;
    };
    Some(Mismatch {
        line: entry.line,
        why,
        message,
    })
}

#[cfg(test)]
mod tests {
    use mailproof_scenarios::model::Level;
    use test_case::test_case;
    use time::macros::date;

    use super::*;
    use crate::results::Finding;

    const TODAY: Date = date!(2026 - 05 - 10);

    fn judgement(verdict: Verdict, broken: &[(&str, Level)]) -> Judgement {
        Judgement {
            verdict,
            reason: String::new(),
            findings: broken
                .iter()
                .map(|(name, level)| Finding {
                    name: (*name).to_owned(),
                    level: *level,
                    held: Held::Broken,
                    message: String::new(),
                    clause: None,
                    step: None,
                    evidence: Vec::new(),
                })
                .collect(),
            warnings: Vec::new(),
        }
    }

    fn entry(case: &str, outcome: &str, reason: &str, more: &str) -> String {
        let reason = if reason.is_empty() {
            String::new()
        } else {
            format!("reason = [{reason}]\n")
        };
        format!(
            "[[expect]]\ncase = \"{case}\"\noutcome = \"{outcome}\"\n{reason}because = \"we know\"\n{more}\n"
        )
    }

    /// One case `a/b` that ended so.
    fn apply(file: &str, judgement: &Judgement) -> Applied {
        let known = ["a/b", "a/c"];
        File::parse(file)
            .unwrap()
            .apply([("a/b", judgement)], known, Some("curl 8.5.0"), TODAY)
    }

    fn failing() -> Judgement {
        judgement(
            Verdict::Fail,
            &[
                ("completed", Level::Must),
                ("last-reply-quoted", Level::Should),
            ],
        )
    }

    #[test_case(&entry("a/b", "FAIL", "\"completed\"", ""), true; "by its id")]
    #[test_case(&entry("a/*", "FAIL", "\"completed\"", ""), true; "by a pattern")]
    #[test_case(&entry("a/b", "FAIL", "\"said\", \"completed\"", ""), true; "one of several findings")]
    #[test_case(&entry("a/b", "FAIL", "\"completed\"", "expires = 2026-05-10"), true; "on its last day")]
    #[test_case(&entry("a/b", "FAIL", "\"said\"", ""), false; "another finding")]
    #[test_case(&entry("a/b", "HANG", "", ""), false; "another outcome")]
    #[test_case(&entry("a/c", "FAIL", "\"completed\"", ""), false; "another case")]
    #[test_case(&entry("a/b", "FAIL", "\"completed\"", "expires = 2026-05-09"), false; "over since yesterday")]
    #[test_case("", false; "nothing was foretold")]
    fn foretold(file: &str, expected: bool) {
        let applied = apply(file, &failing());
        assert_eq!(
            applied.expected.contains_key("a/b"),
            expected,
            "{applied:?}"
        );
    }

    #[test]
    fn a_new_failure_of_a_known_case_is_new() {
        let worse = judgement(
            Verdict::Fail,
            &[
                ("completed", Level::Must),
                ("no-secret-outside-allowed-channel", Level::Security),
            ],
        );
        let known = entry("a/b", "FAIL", "\"completed\"", "");
        assert!(apply(&known, &worse).expected.is_empty());
        let both = known + &entry("a/*", "FAIL", "\"no-secret-outside-allowed-channel\"", "");
        let applied = apply(&both, &worse);
        assert_eq!(applied.expected["a/b"], "we know");
        assert!(applied.mismatches.is_empty());
    }

    #[test_case(&entry("a/b", "FAIL", "\"completed\"", ""), Verdict::Pass, &[Why::NoLongerFails]; "it passes now")]
    #[test_case(&entry("a/b", "HANG", "", ""), Verdict::Crash, &[Why::NoLongerFails]; "it fails otherwise")]
    #[test_case(&entry("a/b", "CRASH", "", "expires = 2026-01-01"), Verdict::Crash, &[Why::Expired]; "its time is over")]
    #[test_case(&entry("x/y", "HANG", "", ""), Verdict::Pass, &[Why::MatchesNothing]; "no such case")]
    #[test_case(&entry("a/c", "HANG", "", ""), Verdict::Pass, &[]; "a case that was not selected")]
    #[test_case(&entry("a/b", "HANG", "", ""), Verdict::Skipped, &[]; "a case that was skipped")]
    #[test_case(&entry("a/b", "HANG", "", ""), Verdict::Unsupported, &[]; "a case that is not supported")]
    #[test_case(&entry("a/b", "HANG", "", ""), Verdict::HarnessError, &[]; "a case that the harness failed")]
    #[test_case(&entry("a/b", "HANG", "", ""), Verdict::Hang, &[]; "as foretold")]
    fn mismatches(file: &str, verdict: Verdict, expected: &[Why]) {
        let applied = apply(file, &judgement(verdict, &[]));
        let whys: Vec<Why> = applied.mismatches.iter().map(|it| it.why).collect();
        assert_eq!(whys, expected, "{applied:?}");
        assert!(
            applied
                .mismatches
                .iter()
                .all(|it| it.message.contains("line 1: "))
        );
    }

    #[test]
    fn a_pattern_holds_as_long_as_one_of_its_cases_fails_so() {
        let file = File::parse(&entry("a/*", "FAIL", "\"completed\"", "")).unwrap();
        let (failed, passed) = (failing(), judgement(Verdict::Pass, &[]));
        let applied = file.apply([("a/b", &failed), ("a/c", &passed)], [], None, TODAY);
        assert_eq!(applied.expected.len(), 1);
        assert!(applied.mismatches.is_empty());
    }
}
