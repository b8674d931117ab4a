//! Profiles as files, what they demand, and the roll-up.

use mailproof_scenarios::{
    language::{Problems, Source},
    library::Library,
    model::{Case, Level},
};
use proptest::{prelude::*, sample::select};
use test_case::test_case;

use super::*;
use crate::{
    adapter,
    report::sample,
    results::{CaseResult, Conformance, Results, Standing, Verdict},
};

const MINI: &str = r#"name = "mini"
title = "A small profile"
as_of = "2026-11"
purpose = "A test."
protocols = ["smtp"]
mandatory = ["smtp/starttls/refused-454", "smtp/data/dot-stuffing"]
"#;

fn parse(text: &str) -> Result<Profile, Problems> {
    file::profile(&Source::new("mini.toml", text))
}

fn library() -> Library {
    Library::embedded().unwrap_or_else(|problems| panic!("{problems}"))
}

#[test]
fn every_built_in_profile_is_read_and_each_of_its_patterns_fits() {
    let library = library();
    let profiles = all().unwrap_or_else(|problems| panic!("{problems}"));
    assert!(profiles.len() >= 7);
    for profile in profiles {
        let cases = profile
            .cases(library.cases())
            .unwrap_or_else(|problems| panic!("{problems}"));
        assert!(cases.len() > 100, "{}: {}", profile.name, cases.len());
        assert_eq!(
            profile.source().name,
            format!("profiles/{}.toml", profile.name)
        );
        assert_eq!(find(&profile.name).unwrap().title, profile.title);
        let told = cases.iter().filter(|it| it.id.contains("starttls")).count();
        assert_eq!(told == 0, profile.name.ends_with("without-starttls"));
        assert!(profile.needs.iter().all(|it| !it.is_empty()));
    }
}

#[test_case("mandatory = ['smtp/**']" => "7:1: duplicate key | "; "twice")]
#[test_case("needed = 1" => "7:1: unknown field `needed` | did you mean `needs`?"; "key")]
#[test_case("[needs]\njobs = ['send']" => "8:9: `send` is none of send over smtp | "; "half a job")]
#[test_case("[needs]\nsecurity = [['implict']]"
    => "8:14: `implict` is none of none | did you mean `implicit`?"; "security")]
#[test_case("[needs]\nauth = [[]]" => "8:9: of no words none is enough | "; "no word")]
#[test_case("[[excluded]]\ncases = []\nbecause = 'x'" => "8:9: a pattern is missing | "; "no pattern")]
#[test_case("[[excluded]]\ncases = ['*']\nbecause = ''" => "9:11: an empty text says nothing | "; "no reason")]
#[test_case("[[excluded]]\ncases = ['severity:bad']\nbecause = 'x'"
    => "8:10: `bad` is none of critical | "; "pattern")]
fn what_is_wrong_is_told_with_its_place(more: &str) -> String {
    let problems = parse(&format!("{MINI}{more}")).unwrap_err();
    let problem = problems.iter().next().unwrap();
    let (line, column) = problem.position();
    let message = problem.message().lines().next().unwrap();
    let message = message.split(", ").next().unwrap();
    format!(
        "{line}:{column}: {message} | {}",
        problem.suggestion().unwrap_or_default()
    )
}

#[test]
fn a_pattern_that_fits_nothing_is_told_with_its_place() {
    let profile = parse(&MINI.replace("refused-454", "refused-455")).unwrap();
    let problems = profile.cases(library().cases()).unwrap_err().to_string();
    assert!(
        problems.contains("no case fits `smtp/starttls/refused-455`"),
        "{problems}"
    );
    assert!(problems.contains("mini.toml:6:14"), "{problems}");
    assert!(
        problems.contains("did you mean `smtp/starttls/refused-454`?"),
        "{problems}"
    );
}

#[test_case("devise" => "there is no profile `devise`, did you mean `device`?"; "a letter")]
#[test_case("./none.toml" => "cannot read the profile `./none.toml`: No such file or directory (os error 2)"; "no file")]
fn is_not_found(name: &str) -> String {
    find(name).unwrap_err().to_string()
}

/// The cases that count for curl, and those that do not, with what the profile needs and curl has not.
#[test_case("", "starttls-required" => (false, 0); "it can")]
#[test_case("[needs]\nsecurity = ['implicit']", "starttls-required" => (false, 0); "it can what is needed")]
#[test_case("", "" => (true, 0); "it cannot, and need not")]
#[test_case("[needs]\nsecurity = ['starttls-required']", "" => (false, 1); "it cannot what is needed")]
#[test_case("[needs]\nsecurity = [['implicit', 'starttls-required']]", "" => (true, 0); "it can the other")]
fn what_a_subject_need_not_do_does_not_count(needs: &str, security: &str) -> (bool, usize) {
    let library = library();
    let profile = parse(&format!("{MINI}{needs}")).unwrap();
    let mut supports = adapter::find("curl").unwrap().supports;
    supports
        .security
        .retain(|it| it.name() != "starttls-required" || it.name() == security);
    let named = profile.cases(library.cases()).unwrap();
    let lack = |case: &Case| {
        let steps = case.effective_steps();
        steps.iter().find_map(|it| supports.lacks(it))
    };
    let obligations = profile.obligations(named, &supports, lack);
    let of = |id: &str| {
        let mut cases = obligations.cases.iter();
        cases.find(|it| it.id.starts_with(id)).unwrap()
    };
    let refused = of("smtp/starttls/refused-454");
    (refused.beyond.is_some(), obligations.lacks.len())
}

#[test]
fn only_what_the_product_speaks_and_the_place_shows_is_named() {
    let library = library();
    let named = |text: &str| {
        let profile = parse(text).unwrap();
        let cases = profile.cases(library.cases()).unwrap();
        cases.iter().map(|it| it.id.clone()).collect::<Vec<_>>()
    };
    let all = MINI.replace("\"smtp/data/dot-stuffing\"", "\"cert/**\", \"net/port25\"");
    let smtp = named(&all);
    assert!(smtp.iter().any(|it| it.starts_with("cert/")));
    assert!(smtp.iter().all(|it| !it.contains("imap")));
    let lab = named(&format!("{all}lab = true"));
    assert!(lab.len() > smtp.len());
    let fewer = named(&format!(
        "{all}[[excluded]]\ncases = ['cert/**']\nbecause = 'it has no TLS'"
    ));
    assert!(fewer.iter().all(|it| !it.starts_with("cert/")));
}

#[test]
fn obligations_carry_their_profile() {
    let profile = parse(MINI).unwrap();
    let supports = crate::subject::Supports::default();
    let obligations = profile.obligations(library().cases().take(3), &supports, |_| None);
    let text = serde_json::to_string(&obligations).unwrap();
    let read: Obligations = serde_json::from_str(&text).unwrap();
    assert_eq!(read, obligations);
    assert_eq!(read.profile().unwrap().purpose, "A test.");
}

fn results(verdicts: &[Verdict]) -> Vec<CaseResult> {
    verdicts
        .iter()
        .enumerate()
        .map(|(n, verdict)| sample::case(&format!("a/b/{n}"), *verdict, "because"))
        .collect()
}

fn obligations(n: usize) -> Obligations {
    let ids: Vec<String> = (0..n).map(|n| format!("a/b/{n}")).collect();
    sample::obligations(&ids.iter().map(String::as_str).collect::<Vec<_>>())
}

fn rolled(verdicts: &[Verdict]) -> Standing {
    standing::standing(&obligations(verdicts.len()), &results(verdicts))
}

use Verdict::*;

#[test_case(&[Pass, Recorded] => "CONFORMANT: 2 mandatory cases passed"; "all")]
#[test_case(&[Pass, Fail] => "NON-CONFORMANT: 1 of 2 mandatory cases failed (a/b/1)"; "failed")]
#[test_case(&[Hang, Crash] => "NON-CONFORMANT: 2 of 2 mandatory cases failed (a/b/0, a/b/1)"; "died")]
#[test_case(&[Pass, Skipped] => "PARTIAL: 1 of 2 mandatory cases not run to a decision (a/b/1)"; "skipped")]
#[test_case(&[Fail, Skipped]
    => "NON-CONFORMANT: 1 of 2 mandatory cases failed (a/b/0); 1 of 2 mandatory cases not run to a decision (a/b/1)";
    "failed and skipped")]
#[test_case(&[Review, Inconclusive, Unsupported, Skipped, HarnessError]
    => "PARTIAL: 5 of 5 mandatory cases not run to a decision (a/b/0, a/b/1, a/b/2 and 2 more)"; "nothing decided")]
#[test_case(&[] => "PARTIAL: no case of the profile applies to the subject"; "nothing")]
fn rolls_up(verdicts: &[Verdict]) -> String {
    let standing = rolled(verdicts);
    format!("{}: {}", standing.conformance.name(), standing.why)
}

#[test_case(true; "a missed should")]
#[test_case(false; "a risk")]
fn warnings_are_told(should: bool) {
    let mut cases = results(&[Pass, Pass]);
    if should {
        cases[1].judgement.findings = vec![sample::broken(Level::Should, None)];
    } else {
        cases[1].judgement.warnings = vec!["any certificate was accepted".to_owned()];
    }
    let standing = standing::standing(&obligations(2), &cases);
    assert_eq!(standing.conformance, Conformance::ConformantWithWarnings);
    assert_eq!(standing.warned, ["a/b/1"]);
}

#[test]
fn what_was_not_run_is_open_and_what_was_not_asked_has_no_say() {
    let standing = standing::standing(&obligations(3), &results(&[Pass, Pass]));
    assert_eq!(standing.conformance, Conformance::Partial);
    assert_eq!(standing.open, ["a/b/2"]);
    let standing = standing::standing(&obligations(1), &results(&[Pass, Fail]));
    assert_eq!(standing.conformance, Conformance::Conformant);
    assert_eq!((standing.mandatory, standing.decided), (1, 1));
}

#[test]
fn what_the_subject_need_not_do_is_told_and_not_counted() {
    let mut demanded = obligations(3);
    demanded.cases[1].beyond = Some("trust pin".to_owned());
    demanded.cases[2].beyond = Some("trust pin".to_owned());
    let standing = standing::standing(&demanded, &results(&[Pass, Unsupported, Fail]));
    assert_eq!(standing.conformance, Conformance::NonConformant);
    let standing = standing::standing(&demanded, &results(&[Pass, Unsupported]));
    assert_eq!(standing.conformance, Conformance::Conformant);
    assert_eq!(standing.mandatory, 1);
    assert!(standing.why.contains("2 × trust pin"), "{}", standing.why);
}

#[test]
fn what_the_profile_needs_and_the_subject_lacks_is_never_conformant() {
    let mut demanded = obligations(1);
    demanded.lacks = vec!["security implicit".to_owned()];
    let standing = standing::standing(&demanded, &results(&[Pass]));
    assert_eq!(standing.conformance, Conformance::Partial);
    assert!(
        standing.why.contains("security implicit"),
        "{}",
        standing.why
    );
}

#[test]
fn a_part_of_a_run_is_not_judged_and_says_so() {
    let mut part = Results {
        cases: results(&[Pass]),
        obligations: Some(Obligations {
            shard: Some("2/5".to_owned()),
            ..obligations(2)
        }),
        ..sample::empty()
    };
    stand(&mut part);
    assert_eq!(part.standing, None);
    assert_eq!(too_little(&part), None);
    assert!(
        line(&part)
            .unwrap()
            .contains("not judged: this is part 2/5")
    );
    assert_eq!(line(&sample::empty()), None);
}

/// How good a standing is.
fn rank(standing: &Standing) -> u8 {
    match standing.conformance {
        Conformance::Conformant => 3,
        Conformance::ConformantWithWarnings => 2,
        Conformance::Partial => 1,
        Conformance::NonConformant => 0,
    }
}

fn verdicts() -> impl Strategy<Value = Vec<Verdict>> {
    let all = vec![
        Pass,
        Fail,
        Recorded,
        Unsupported,
        Skipped,
        Inconclusive,
        Crash,
        Hang,
        Review,
        HarnessError,
    ];
    proptest::collection::vec(select(all), 0..12)
}

proptest! {
    #[test]
    fn a_worse_verdict_never_improves_a_standing(
        before in verdicts(),
        at in any::<proptest::sample::Index>(),
        worse in select(vec![Fail, Crash, Hang]),
    ) {
        prop_assume!(!before.is_empty());
        let mut after = before.clone();
        after[at.index(before.len())] = worse;
        prop_assert!(rank(&rolled(&after)) <= rank(&rolled(&before)));
        prop_assert_eq!(rolled(&after).conformance, Conformance::NonConformant);
    }

    #[test]
    fn whatever_is_undecided_is_never_conformant(before in verdicts(), open in select(vec![
        Unsupported, Skipped, Inconclusive, Review, HarnessError,
    ])) {
        let mut all = before;
        all.push(open);
        let standing = rolled(&all);
        prop_assert!(rank(&standing) <= 1);
        prop_assert_eq!(standing.decided + standing.open.len(), standing.mandatory);
        // Nor where it was not run at all.
        all.pop();
        let left_out = standing::standing(&obligations(all.len() + 1), &results(&all));
        prop_assert!(rank(&left_out) <= 1);
    }

    #[test]
    fn expected_failures_have_no_say(verdicts in verdicts()) {
        let mut cases = results(&verdicts);
        let before = standing::standing(&obligations(verdicts.len()), &cases);
        for case in &mut cases {
            case.expected = Some("known".to_owned());
        }
        prop_assert_eq!(standing::standing(&obligations(verdicts.len()), &cases), before);
    }
}
