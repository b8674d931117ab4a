//! TCP may cut a stream anywhere, so no verdict may depend on where: the cases that run in several
//! segmentations come out alike in each, with the perfect client, with flawed ones and with one that does
//! nothing.

use std::collections::BTreeMap;

use mailproof::results::Verdict;
use mailproof_scenarios::{
    library::Library,
    model::{Case, Flaw},
};
use mailproof_tests::embedded::{Came, Run, run_with};

use crate::FIRST;

/// What came of a case: the verdict and the names of the findings.
type Outcome = (Verdict, Vec<String>);

#[test]
fn the_reference_client_comes_out_alike_in_every_segmentation() {
    let cases = segmented();
    assert!(cases.len() > 100, "{} cases", cases.len());
    let outcomes = of(&FIRST, &cases);
    alike("reference", &outcomes);
    let passes = |it: &BTreeMap<String, Outcome>| it.values().all(|it| it.0 == Verdict::Pass);
    assert!(outcomes.values().filter(|it| passes(it)).count() > 30);
}

#[test]
fn a_client_that_does_nothing_comes_out_alike_in_every_segmentation() {
    let cases = segmented();
    for subject in ["do-nothing", "do-nothing-and-fail"] {
        alike(subject, &of(&run_with(subject, cases.clone()), &cases));
    }
}

/// Those whose mistake is about what was read and when.
#[test]
fn flawed_clients_are_caught_in_every_segmentation() {
    for flaw in [
        Flaw::KeepsClearBuffer,
        Flaw::KeepsClearData,
        Flaw::PairsRepliesByCount,
        Flaw::SkipsClearInHandshake,
        Flaw::AcceptsEarlyTagged,
        Flaw::ContinuesInClear,
    ] {
        let subject = format!("reference+{flaw}");
        let mut cases = segmented();
        cases.retain(|it| it.killed_by.contains(&flaw));
        assert!(cases.len() >= 3, "{flaw}");
        let outcomes = of(&run_with(&subject, cases.clone()), &cases);
        alike(&subject, &outcomes);
        let failed = |it: &Outcome| matches!(it.0, Verdict::Fail | Verdict::Hang);
        assert!(outcomes.values().flat_map(BTreeMap::values).all(failed));
    }
}

/// The cases that differ from others in their segments only, and those others.
fn segmented() -> Vec<Case> {
    let library = Library::embedded().expect("the library is sound");
    let several: Vec<String> = library
        .cases()
        .filter(|it| it.setup.segments.is_some())
        .map(stem)
        .collect();
    let cases = library.cases().filter(|it| several.contains(&stem(it)));
    cases.cloned().collect()
}

/// The id without the segmentation.
fn stem(case: &Case) -> String {
    case.setup.segments.map_or_else(
        || case.id.clone(),
        |split| {
            let end = format!("+{split}");
            let end = case.id.strip_suffix(&end).unwrap_or(&case.id);
            let end = end.strip_suffix(&format!("#{split}")).unwrap_or(end);
            end.to_owned()
        },
    )
}

/// What came of each, by stem and id.
fn of(run: &Run, cases: &[Case]) -> BTreeMap<String, BTreeMap<String, Outcome>> {
    let mut outcomes: BTreeMap<String, BTreeMap<String, Outcome>> = BTreeMap::new();
    for case in cases {
        let Came {
            verdict, broken, ..
        } = &run[&case.id];
        let outcome = (*verdict, broken.clone());
        let alike = outcomes.entry(stem(case)).or_default();
        alike.insert(case.id.clone(), outcome);
    }
    outcomes
}

fn alike(subject: &str, outcomes: &BTreeMap<String, BTreeMap<String, Outcome>>) {
    for (stem, outcomes) in outcomes {
        assert!(outcomes.len() >= 3, "{stem} runs in {}", outcomes.len());
        let first = outcomes.values().next();
        let differs = outcomes.values().any(|it| Some(it) != first);
        assert!(!differs, "{subject}: {stem}: {outcomes:#?}");
    }
}
