use std::io::Write as _;

use mailproof_scenarios::model::Level;
use test_case::test_case;

use super::*;
use crate::report::sample;

use Verdict::*;

fn run(cases: Vec<CaseResult>) -> Results {
    Results {
        selected: cases.len(),
        ran: cases.len(),
        cases,
        ..sample::empty()
    }
}

fn case(verdict: Verdict, broken: &[&str]) -> CaseResult {
    let mut case = sample::case("a/b", verdict, "because");
    let finding = |name: &&str| crate::results::Finding {
        name: (*name).to_owned(),
        ..sample::broken(Level::Must, None)
    };
    case.judgement.findings = broken.iter().map(finding).collect();
    case
}

fn of(a: Option<CaseResult>, b: Option<CaseResult>) -> Difference {
    compare(
        &run(a.into_iter().collect()),
        &run(b.into_iter().collect()),
        None,
    )
}

/// Where the only case stands.
fn places(it: &Difference) -> String {
    let all = [
        ("new", &it.new_failures),
        ("expected", &it.expected_failures),
        ("fixed", &it.fixed),
        ("changed", &it.changed),
        ("now", &it.now_run),
        ("gone", &it.no_longer_run),
    ];
    let there = all.iter().filter(|(_, cases)| !cases.is_empty());
    there.map(|(name, _)| *name).collect::<Vec<_>>().join(" ")
}

#[test_case(Some((Pass, &[])), Some((Pass, &[])) => ""; "nothing")]
#[test_case(Some((Pass, &[])), Some((Fail, &["x"])) => "new"; "a new failure")]
#[test_case(Some((Pass, &[])), Some((Hang, &[])) => "new"; "a new hang")]
#[test_case(Some((Inconclusive, &[])), Some((Fail, &["x"])) => "new"; "not decided before")]
#[test_case(Some((Skipped, &[])), Some((Fail, &["x"])) => "new"; "not run before, and fails")]
#[test_case(None, Some((Fail, &["x"])) => "new"; "a new case that fails")]
#[test_case(Some((Fail, &["x"])), Some((Fail, &["x", "y"])) => "new"; "one more finding")]
#[test_case(Some((Fail, &["x"])), Some((Crash, &["x"])) => "new"; "from bad to worse")]
#[test_case(Some((Fail, &["x", "y"])), Some((Fail, &["x"])) => "changed"; "one finding less")]
#[test_case(Some((Fail, &["x"])), Some((Pass, &[])) => "fixed"; "fixed")]
#[test_case(Some((Fail, &["x"])), Some((Inconclusive, &[])) => "changed"; "not decided is not fixed")]
#[test_case(Some((Fail, &["x"])), Some((Skipped, &[])) => "gone"; "not run is not fixed")]
#[test_case(Some((Pass, &[])), None => "gone"; "a case that is gone")]
#[test_case(None, Some((Pass, &[])) => "now"; "a new case that passes")]
#[test_case(Some((Unsupported, &[])), Some((Skipped, &[])) => ""; "neither was run")]
fn verdicts(a: Option<(Verdict, &[&str])>, b: Option<(Verdict, &[&str])>) -> String {
    let made = |it: Option<(Verdict, &[&str])>| it.map(|(verdict, broken)| case(verdict, broken));
    places(&of(made(a), made(b)))
}

#[test]
fn what_was_expected_is_no_new_failure() {
    let mut after = case(Fail, &["x"]);
    after.expected = Some("we know".to_owned());
    assert_eq!(places(&of(Some(case(Pass, &[])), Some(after))), "expected");
}

fn hostile() -> Difference {
    let mut a = run(vec![case(Pass, &[])]);
    a.place = "lab".to_owned();
    let mut b = sample::hostile();
    b.mailproof = "9".to_owned();
    let old = Transcripts::from([("a/b".to_owned(), "x".to_owned())]);
    let new = Transcripts::from([("a/b".to_owned(), "y".to_owned())]);
    compare(&a, &b, Some((&old, &new)))
}

#[test]
fn for_people() {
    let mut plain = anstream::StripStream::new(Vec::new());
    plain.write_all(human(&hostile()).as_bytes()).unwrap();
    insta::assert_snapshot!(String::from_utf8(plain.into_inner()).unwrap());
}

#[test]
fn for_a_pull_request() {
    let text = markdown(&hostile());
    assert!(text.chars().all(|c| c == '\n' || !c.is_control()));
    insta::assert_snapshot!(text);
}
