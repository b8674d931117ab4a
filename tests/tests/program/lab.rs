//! The lab: registered ports, real names, and listeners where nobody should knock.

use mailproof::results::Verdict;
use mailproof_mock_servers::world::Place;
use mailproof_scenarios::model::Host;
use mailproof_tests::program::{Report, skipped};

/// Whether there can be a lab on this machine. The program itself is asked, as it starts itself again.
fn is_to_be_had() -> bool {
    let report = Report::of(&["run", "reference", "--lab", "-i", "smtp/greeting/554"]);
    let skip = |it: &mailproof::results::CaseResult| it.judgement.verdict == Verdict::Skipped;
    if let Some(case) = report.results.cases.iter().find(|it| skip(it)) {
        assert_eq!(report.ended.code, Some(4), "a missing lab is no success");
        skipped(&case.judgement.reason);
        return false;
    }
    true
}

#[test]
fn the_reference_client_keeps_to_its_ports() {
    if !is_to_be_had() {
        return;
    }
    let report = Report::of(&["run", "reference", "--lab", "-i", "net/port25/**"]);
    assert_eq!(report.ended.code, Some(0), "{}", report.ended.stdout);
    assert!(report.results.ran >= 8, "{}", report.results.ran);
    assert_eq!(report.results.place, "lab");
    for case in &report.results.cases {
        let verdict = case.judgement.verdict;
        assert!(
            matches!(verdict, Verdict::Pass | Verdict::Recorded),
            "{}",
            case.id
        );
    }
    let dialogue = &report.case("net/port25/blocked-reject#starttls").transcript;
    assert!(!dialogue.contains("which nobody configured"), "{dialogue}");
    let names = report
        .results
        .cases
        .iter()
        .any(|it| it.transcript.contains(&Place::Lab.host(Host::Name)));
    assert!(names, "real names");
}

#[test]
fn a_client_that_tries_other_ports_is_seen_on_them() {
    if !is_to_be_had() {
        return;
    }
    let flawed = "reference+tries-other-ports";
    let report = Report::of(&["run", flawed, "--lab", "-i", "net/port25/blocked-reject"]);
    assert_eq!(report.ended.code, Some(1), "{}", report.ended.stdout);
    let id = "net/port25/blocked-reject#starttls";
    let case = report.case(id);
    assert_eq!(case.judgement.verdict, Verdict::Fail);
    assert!(
        case.transcript.contains("which nobody configured"),
        "{}",
        case.transcript
    );
}
