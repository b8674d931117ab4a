//! What a script learns from mailproof: the exit code, and the sentence that explains it.
//!
//! Never a count. Must not know how results are shown.

use std::{fmt, process::ExitCode, str::FromStr};

use mailproof_mock_servers::world::Place;
use serde::Serialize;

use crate::{
    profile,
    report::{
        tally::{Class, Tally, decided, missed_should},
        text,
    },
    results::{Change, Results, Verdict},
    select::Glob,
};

/// The exit codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
#[repr(u8)]
pub enum Exit {
    /// Everything came out as expected.
    AsExpected = 0,
    /// A verdict that nobody expected.
    Unexpected = 1,
    /// The command line or a file is wrong.
    Usage = 2,
    /// The environment or the harness failed.
    Environment = 3,
    /// Nothing was run to a decision, or less than was required.
    TooLittle = 4,
    /// Nothing is wrong but the file of expected failures.
    Stale = 5,
    /// Nothing is wrong, but transcripts differ from their snapshots.
    SnapshotsChanged = 6,
    /// Interrupted; what had finished is kept.
    Interrupted = 130,
}

impl Exit {
    /// The number.
    pub const fn code(self) -> u8 {
        self as u8
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        ExitCode::from(exit.code())
    }
}

/// What counts as unexpected, and how much must have been run.
#[derive(Clone, Debug, Default)]
pub struct Demands {
    /// A missed SHOULD is unexpected too.
    pub should: bool,
    /// INCONCLUSIVE and REVIEW are unexpected too.
    pub inconclusive: bool,
    /// What must have been run to a decision.
    pub require: Vec<Require>,
    /// A case without a snapshot changes nothing.
    pub new_snapshots_are_fine: bool,
    /// A run that was not in the lab is too little.
    pub require_lab: bool,
    /// What a person was to do and did not come to.
    pub left_open: usize,
}

impl Demands {
    /// What the flags that several commands have ask for.
    pub fn new(fail_on: &[FailOn], require: &[Require]) -> Self {
        Self {
            should: fail_on.contains(&FailOn::Should),
            inconclusive: fail_on.contains(&FailOn::Inconclusive),
            require: require.to_vec(),
            ..Self::default()
        }
    }
}

/// One demand on how much is run.
#[derive(Clone, Debug, PartialEq)]
pub enum Require {
    /// So many cases are decided.
    AtLeast(usize),
    /// Cases with such an id are among the results, and each is decided.
    Every(Glob),
}

impl fmt::Display for Require {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Require::AtLeast(n) => n.fmt(f),
            Require::Every(glob) => f.write_str(glob.source()),
        }
    }
}

/// A number of cases, or a pattern for ids.
impl FromStr for Require {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.parse() {
            Ok(n) => Ok(Require::AtLeast(n)),
            Err(_) if text.contains(':') => {
                Err("a number or a pattern for ids, as `200` or `cert/*`".to_owned())
            }
            Err(_) => Glob::new(text).map(Require::Every),
        }
    }
}

/// What makes a run fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum FailOn {
    /// Broken MUSTs, security holes, crashes and hangs; always on
    Must,
    /// Missed SHOULDs as well
    Should,
    /// Cases without a decision (INCONCLUSIVE, REVIEW) as well
    Inconclusive,
}

impl FailOn {
    /// Every word.
    pub const ALL: &'static [FailOn] = &[FailOn::Must, FailOn::Should, FailOn::Inconclusive];

    /// The word on the command line and in files.
    pub const fn name(self) -> &'static str {
        match self {
            FailOn::Must => "must",
            FailOn::Should => "should",
            FailOn::Inconclusive => "inconclusive",
        }
    }
}

/// The exit code with the sentence that explains it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// The code.
    pub exit: Exit,
    /// Why, in a line that is safe to show.
    pub why: String,
}

/// Decides. Of several codes that apply, the first of 130, 1, 3, 4, 5, 6 wins: an interruption makes the rest
/// incomplete, and what was seen of the subject weighs more than what was not.
///
/// A control counts where the subject died or hung in it, or the harness failed; where it merely did not
/// complete, its cases are inconclusive and say so.
pub fn decide(results: &Results, demands: &Demands) -> Decision {
    let tally = Tally::of(results);
    let found = interrupted(&tally)
        .or_else(|| unexpected(results, demands))
        .or_else(|| harness(results))
        .or_else(|| too_little(results, &tally, demands))
        .or_else(|| stale(results))
        .or_else(|| snapshots(results, demands));
    let (exit, why) =
        found.unwrap_or_else(|| (Exit::AsExpected, "everything as expected".to_owned()));
    Decision { exit, why }
}

type Found = Option<(Exit, String)>;

fn interrupted(tally: &Tally) -> Found {
    tally.interrupted.then(|| {
        let why = "interrupted; what had finished is kept".to_owned();
        (Exit::Interrupted, why)
    })
}

fn unexpected(results: &Results, demands: &Demands) -> Found {
    let cases = || results.cases.iter();
    let mut parts = Vec::new();
    let mut add = |n: usize, what: &str| {
        if n > 0 {
            parts.push(text::count(n, what));
        }
    };
    add(
        cases().filter(|it| Class::of(it) == Class::Failed).count(),
        "unexpected failure",
    );
    let died = |it: &&crate::results::CaseResult| {
        it.expected.is_none() && matches!(it.judgement.verdict, Verdict::Crash | Verdict::Hang)
    };
    add(
        results.controls.iter().filter(died).count(),
        "crash or hang in a control",
    );
    if demands.should {
        let missed =
            |it: &&crate::results::CaseResult| Class::of(it) == Class::Good && missed_should(it);
        add(cases().filter(missed).count(), "missed SHOULD");
    }
    if demands.inconclusive {
        add(
            cases().filter(|it| Class::of(it) == Class::Open).count(),
            "case without a decision",
        );
    }
    (!parts.is_empty()).then(|| (Exit::Unexpected, parts.join(", ")))
}

fn harness(results: &Results) -> Found {
    let all = results.cases.iter().chain(&results.controls);
    let n = all.filter(|it| Class::of(it) == Class::Harness).count();
    (n > 0).then(|| {
        (
            Exit::Environment,
            text::count(n, "error of the harness or its environment"),
        )
    })
}

fn too_little(results: &Results, tally: &Tally, demands: &Demands) -> Found {
    let too_little = |why: String| Some((Exit::TooLittle, why));
    if demands.require_lab
        && let Some(why) = no_lab(results, tally)
    {
        return too_little(why);
    }
    if demands.left_open > 0 {
        let left = text::count(demands.left_open, "stop");
        return too_little(format!("{left} of the plan left; go on with --resume"));
    }
    if tally.ran == 0 {
        return too_little("nothing was run".to_owned());
    }
    if tally.decided == 0 {
        return too_little("no case says anything about the subject".to_owned());
    }
    for demand in &demands.require {
        match demand {
            Require::AtLeast(n) if tally.decided < *n => {
                let decided = text::count(tally.decided, "case");
                return too_little(format!("{decided} decided, {n} required"));
            }
            Require::AtLeast(_) => {}
            Require::Every(glob) => {
                let matching = || results.cases.iter().filter(|it| glob.matches(&it.id));
                let open = matching()
                    .filter(|it| !decided(it.judgement.verdict))
                    .count();
                if matching().next().is_none() {
                    return too_little(format!(
                        "`{}` is required and was not run",
                        text::line(glob.source())
                    ));
                }
                if open > 0 {
                    let open = text::count(open, "case");
                    let glob = text::line(glob.source());
                    return too_little(format!("{open} of the required `{glob}` not decided"));
                }
            }
        }
    }
    profile::too_little(results).and_then(too_little)
}

/// Why a run was not in the lab, where it was not.
fn no_lab(results: &Results, tally: &Tally) -> Option<String> {
    if results.place != Place::Lab.name() {
        let place = text::line(&results.place);
        return Some(format!("the lab is required, and the run was on {place}"));
    }
    let why = tally
        .not_run
        .iter()
        .find(|it| it.verdict == Verdict::Skipped)?;
    (tally.ran == 0).then(|| format!("the lab is required and not there: {}", why.reason))
}

fn stale(results: &Results) -> Found {
    let n = results.stale.len();
    (n > 0).then(|| {
        let (noun, verb) = if n == 1 {
            ("entry", "holds")
        } else {
            ("entries", "hold")
        };
        (
            Exit::Stale,
            format!("{n} {noun} of the expected-failures file no longer {verb}"),
        )
    })
}

fn snapshots(results: &Results, demands: &Demands) -> Found {
    let are = |change: Change| {
        let all = results.snapshots.iter();
        all.filter(|it| it.change == change).count()
    };
    let changed = are(Change::Changed);
    let new = if demands.new_snapshots_are_fine {
        0
    } else {
        are(Change::New)
    };
    let mut parts = Vec::new();
    if changed > 0 {
        let changed = text::count(changed, "transcript");
        parts.push(format!("{changed} not as in the snapshots"));
    }
    if new > 0 {
        parts.push(format!("{} without a snapshot", text::count(new, "case")));
    }
    (!parts.is_empty()).then(|| (Exit::SnapshotsChanged, parts.join(", ")))
}

#[cfg(test)]
mod tests {
    use test_case::test_case;

    use super::*;
    use crate::report::sample;
    use crate::results::CaseResult;
    use mailproof_scenarios::model::Level;

    const STRICT: fn() -> Demands = || Demands {
        should: true,
        inconclusive: true,
        ..Demands::default()
    };
    const LAX: fn() -> Demands = Demands::default;

    fn require(demands: &[&str]) -> Demands {
        Demands {
            require: demands
                .iter()
                .map(|it| match it.parse() {
                    Ok(n) => Require::AtLeast(n),
                    Err(_) => Require::Every(Glob::new(it).unwrap()),
                })
                .collect(),
            ..Demands::default()
        }
    }

    fn run(verdicts: &[Verdict]) -> Results {
        let id = |n: usize| format!("a/b/{n}");
        Results {
            selected: verdicts.len(),
            cases: verdicts
                .iter()
                .enumerate()
                .map(|(n, it)| sample::case(&id(n), *it, "because"))
                .collect(),
            ..sample::empty()
        }
    }

    use Verdict::*;

    #[test_case(&[Pass, Recorded], LAX() => 0; "good")]
    #[test_case(&[Pass, Unsupported, Skipped], LAX() => 0; "some not run")]
    #[test_case(&[Pass, Fail], LAX() => 1; "fail")]
    #[test_case(&[Pass, Crash], LAX() => 1; "crash")]
    #[test_case(&[Pass, Hang], LAX() => 1; "hang")]
    #[test_case(&[Pass, Inconclusive, Review], LAX() => 0; "open and nobody minds")]
    #[test_case(&[Pass, Inconclusive], STRICT() => 1; "inconclusive and somebody minds")]
    #[test_case(&[Pass, Review], STRICT() => 1; "review and somebody minds")]
    #[test_case(&[Pass, HarnessError], LAX() => 3; "harness")]
    #[test_case(&[HarnessError], LAX() => 3; "harness only")]
    #[test_case(&[Fail, HarnessError], LAX() => 1; "a failure weighs more than the harness")]
    #[test_case(&[], LAX() => 4; "nothing selected")]
    #[test_case(&[Unsupported, Skipped], LAX() => 4; "nothing run")]
    #[test_case(&[Inconclusive, Skipped], LAX() => 4; "nothing decided")]
    #[test_case(&[Pass, Pass, Skipped], require(&["2"]) => 0; "enough")]
    #[test_case(&[Pass, Inconclusive, Skipped], require(&["2"]) => 4; "inconclusive is not enough")]
    #[test_case(&[Pass, Skipped], require(&["a/b/0"]) => 0; "the required one")]
    #[test_case(&[Pass, Skipped], require(&["1", "a/b/*"]) => 4; "one of the required ones skipped")]
    #[test_case(&[Pass], require(&["c/**"]) => 4; "the required one is not there")]
    fn decides(verdicts: &[Verdict], demands: Demands) -> u8 {
        decide(&run(verdicts), &demands).exit.code()
    }

    #[test_case(&[Pass], 0 => 0; "nothing")]
    #[test_case(&[Pass], 2 => 4; "something")]
    #[test_case(&[Fail], 2 => 1; "a failure weighs more")]
    fn left_open(verdicts: &[Verdict], left_open: usize) -> u8 {
        let demands = Demands {
            left_open,
            ..Demands::default()
        };
        decide(&run(verdicts), &demands).exit.code()
    }

    #[test_case(false, &[Pass, Fail] => 0; "expected failure")]
    #[test_case(true, &[Pass, Fail] => 5; "and a stale entry")]
    #[test_case(true, &[Fail, Fail] => 1; "a stale entry and an unexpected failure")]
    #[test_case(true, &[Skipped, Fail] => 5; "an expected failure is a decision")]
    fn expectations(stale: bool, verdicts: &[Verdict]) -> u8 {
        let mut results = run(verdicts);
        results.cases.last_mut().unwrap().expected = Some("known".to_owned());
        results.stale.extend(stale.then(|| "old".to_owned()));
        decide(&results, &LAX()).exit.code()
    }

    #[test_case(Fail => 0; "not completed: its cases are inconclusive")]
    #[test_case(Crash => 1; "died")]
    #[test_case(Hang => 1; "hung")]
    #[test_case(HarnessError => 3; "harness")]
    fn controls(verdict: Verdict) -> u8 {
        let mut results = run(&[Pass]);
        results.controls = vec![sample::case("control/1", verdict, "because")];
        decide(&results, &LAX()).exit.code()
    }

    #[test_case(&[Pass, Pass], "lab" => 0; "in the lab")]
    #[test_case(&[Pass, Pass], "loopback" => 4; "not in the lab")]
    #[test_case(&[Skipped, Skipped], "lab" => 4; "the lab was not there")]
    #[test_case(&[Pass, Fail], "loopback" => 1; "what was seen weighs more than where")]
    fn the_lab_is_required(verdicts: &[Verdict], place: &str) -> u8 {
        let results = Results {
            place: place.to_owned(),
            ..run(verdicts)
        };
        let demands = Demands {
            require_lab: true,
            ..LAX()
        };
        decide(&results, &demands).exit.code()
    }

    #[test_case(&[Pass, Recorded], false => 0; "all of the profile")]
    #[test_case(&[Pass, Inconclusive], false => 4; "inconclusive")]
    #[test_case(&[Pass, Skipped], false => 4; "skipped")]
    #[test_case(&[Pass, Unsupported], false => 4; "unsupported")]
    #[test_case(&[Pass, Review], false => 4; "review")]
    #[test_case(&[Pass, HarnessError], false => 3; "the harness weighs more")]
    #[test_case(&[Fail, Skipped], false => 1; "a failure weighs more")]
    #[test_case(&[Pass, Inconclusive], true => 4; "that it was expected has no say")]
    #[test_case(&[Pass, Fail], true => 0; "an expected failure is a decision, and as expected")]
    fn profiles(verdicts: &[Verdict], expected: bool) -> u8 {
        let mut results = run(verdicts);
        results.cases.last_mut().unwrap().expected = expected.then(|| "known".to_owned());
        results.obligations = Some(sample::obligations(&["a/b/0", "a/b/1"]));
        profile::stand(&mut results);
        decide(&results, &LAX()).exit.code()
    }

    #[test_case(&[Pass], false => 6; "a snapshot changed")]
    #[test_case(&[Pass], true => 5; "a stale entry weighs more")]
    #[test_case(&[Fail], false => 1; "a failure weighs more")]
    fn snapshots(verdicts: &[Verdict], stale: bool) -> u8 {
        let mut results = run(verdicts);
        results.snapshots.push(crate::results::SnapshotChange {
            id: "a/b/0".to_owned(),
            change: crate::results::Change::Changed,
            diff: String::new(),
        });
        results.stale.extend(stale.then(|| "old".to_owned()));
        decide(&results, &LAX()).exit.code()
    }

    #[test_case(LAX(), false => 0; "a missed SHOULD is a warning")]
    #[test_case(STRICT(), false => 1; "unless it is not")]
    #[test_case(STRICT(), true => 0; "or expected")]
    fn should(demands: Demands, expected: bool) -> u8 {
        let mut results = run(&[Pass]);
        let case: &mut CaseResult = &mut results.cases[0];
        case.judgement.findings = vec![sample::broken(Level::Should, None)];
        case.expected = expected.then(|| "known".to_owned());
        decide(&results, &demands).exit.code()
    }

    #[test]
    fn demands_are_read() {
        assert_eq!("200".parse(), Ok(Require::AtLeast(200)));
        assert!(matches!("cert/*".parse(), Ok(Require::Every(_))));
        assert!("tag:x".parse::<Require>().is_err());
        assert!("".parse::<Require>().is_err());
    }

    #[test]
    fn an_interruption_comes_first_and_says_so() {
        let mut results = run(&[Fail]);
        results.interrupted = true;
        let decision = decide(&results, &LAX());
        assert_eq!(decision.exit, Exit::Interrupted);
        assert!(decision.why.contains("interrupted"));
    }
}
