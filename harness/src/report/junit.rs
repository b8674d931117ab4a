//! JUnit XML for CI systems.
//!
//! FAIL, CRASH and HANG are failures, HARNESS-ERROR, INCONCLUSIVE and REVIEW errors, UNSUPPORTED and SKIPPED
//! skipped with the reason, and so are failures that were expected. Pure; must not know where the file goes.

use std::time::Duration;

use quick_junit::{
    NonSuccessKind, Property, Report, TestCase, TestCaseStatus, TestSuite, XmlString,
};

use super::{
    facts::{broken, clause, repeat_command},
    tally::{Class, Tally},
    text, transcripts,
};
use crate::{
    exit::{Decision, Exit},
    profile,
    results::{CaseResult, Results, Verdict},
};

/// Octets of a transcript that go into the file; CI systems refuse files that are too large.
const TRANSCRIPT: usize = 64 * 1024;

/// Renders the file.
///
/// # Errors
/// A sentence, where the XML writer fails.
pub fn render(results: &Results, decision: &Decision) -> Result<String, String> {
    let mut report = Report::new("mailproof");
    report.set_time(Duration::from_millis(results.took_ms));
    report.add_test_suite(cases(results));
    let controls = results
        .controls
        .iter()
        .filter(|it| it.judgement.verdict != Verdict::Pass);
    let mut suite = TestSuite::new("mailproof controls");
    suite.add_test_cases(controls.map(|it| test_case(results, it, control_status(it))));
    if !suite.test_cases.is_empty() {
        report.add_test_suite(suite);
    }
    if !results.stale.is_empty() {
        report.add_test_suite(stale(results));
    }
    let told = report.failures + report.errors > 0;
    let elsewhere = matches!(
        decision.exit,
        Exit::Unexpected | Exit::Environment | Exit::Stale
    );
    if decision.exit != Exit::AsExpected && !(told && elsewhere) {
        report.add_test_suite(whole(results, decision));
    }
    report.to_string().map_err(|error| error.to_string())
}

fn cases(results: &Results) -> TestSuite {
    let mut suite = TestSuite::new(xml("mailproof"));
    suite.set_time(Duration::from_millis(results.took_ms));
    let tally = Tally::of(results);
    for (name, value) in [
        ("summary", tally.first_line()),
        ("mailproof", results.mailproof.clone()),
        ("subject", results.subject.clone()),
        (
            "subject-version",
            results.subject_version.clone().unwrap_or_default(),
        ),
        ("place", results.place.clone()),
        ("seed", results.seed.to_string()),
        ("now", results.now.clone()),
        ("selected", tally.selected.to_string()),
        ("ran", tally.ran.to_string()),
    ] {
        suite.add_property(property(name, &value));
    }
    if let Some(line) = profile::line(results) {
        suite.add_property(property("profile", &line));
    }
    if let Some(standing) = &results.standing {
        suite.add_property(property("standing", standing.conformance.name()));
    }
    suite.add_test_cases(
        results
            .cases
            .iter()
            .map(|it| test_case(results, it, status(it))),
    );
    suite
}

fn test_case(results: &Results, case: &CaseResult, status: TestCaseStatus) -> TestCase {
    let mut test = TestCase::new(xml(&case.id), status);
    let folder = case.id.rsplit_once('/').map_or("", |(folder, _)| folder);
    test.set_classname(xml(&folder.replace('/', ".")));
    test.set_time(Duration::from_millis(case.took_ms));
    let mut put = |name: &str, value: &str| {
        if !value.is_empty() {
            test.add_property(property(name, value));
        }
    };
    put("title", &case.title);
    put("verdict", case.judgement.verdict.name());
    put("kind", case.kind.name());
    put("severity", case.severity.name());
    put("frequency", case.frequency.name());
    put("refs", &case.refs.join(", "));
    put("covers", &case.covers.join(", "));
    for warning in &case.judgement.warnings {
        put("warning", warning);
    }
    put(
        "transcript",
        &format!(
            "{}/{}",
            transcripts::FOLDER,
            transcripts::file_name(&case.id)
        ),
    );
    put("repeat", &repeat_command(results, case));
    if !case.transcript.is_empty() {
        test.set_system_out(XmlString::new(transcript(&case.transcript)));
    }
    test
}

fn status(case: &CaseResult) -> TestCaseStatus {
    let mut status = match Class::of(case) {
        Class::Good => return TestCaseStatus::success(),
        Class::Failed => TestCaseStatus::non_success(NonSuccessKind::Failure),
        Class::Harness | Class::Open => TestCaseStatus::non_success(NonSuccessKind::Error),
        Class::NotRun | Class::Expected => TestCaseStatus::skipped(),
    };
    let message = match &case.expected {
        Some(because) if Class::of(case) == Class::Expected => {
            format!("expected {}: {because}", case.judgement.verdict.name())
        }
        _ => case.judgement.reason.clone(),
    };
    status
        .set_message(xml(&message))
        .set_type(case.judgement.verdict.name());
    let description = description(case);
    if !description.is_empty() {
        status.set_description(XmlString::new(description));
    }
    status
}

/// A control that fails makes its cases inconclusive; it is no verdict of its own.
fn control_status(case: &CaseResult) -> TestCaseStatus {
    match case.judgement.verdict {
        Verdict::Fail => {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
            status
                .set_message(xml(&case.judgement.reason))
                .set_type("CONTROL");
            status
        }
        _ => status(case),
    }
}

fn description(case: &CaseResult) -> String {
    let mut lines: Vec<String> = broken(case)
        .map(|it| text::line(&format!("{} {}: {}", it.level, it.name, it.message)))
        .collect();
    if !lines.is_empty() {
        lines.extend(clause(case));
        lines.push(text::line(&case.why));
    }
    lines.join("\n")
}

/// What no single case tells: that too little was run, that it was interrupted.
fn whole(results: &Results, decision: &Decision) -> TestSuite {
    let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
    let message = format!("{} (exit code {})", decision.why, decision.exit.code());
    status.set_message(xml(&message)).set_type("RUN");
    let mut suite = TestSuite::new("mailproof run");
    let name = Tally::of(results).first_line();
    suite.add_test_case(TestCase::new(xml(&name), status));
    suite
}

fn stale(results: &Results) -> TestSuite {
    let mut suite = TestSuite::new("mailproof expected failures");
    suite.add_test_cases(results.stale.iter().map(|entry| {
        let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
        status.set_message(xml(entry)).set_type("STALE");
        TestCase::new(xml(entry), status)
    }));
    suite
}

fn property(name: &str, value: &str) -> Property {
    Property::new(name, xml(value))
}

fn xml(value: &str) -> XmlString {
    XmlString::new(text::line(value))
}

fn transcript(whole: &str) -> String {
    let mut end = whole.len().min(TRANSCRIPT);
    while !whole.is_char_boundary(end) {
        end -= 1;
    }
    let mut shown = text::block(&whole[..end]);
    if end < whole.len() {
        shown.push_str("\n… cut here, the whole is in the file\n");
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        exit::{Demands, decide},
        report::sample,
    };

    fn rendered(results: &Results) -> String {
        render(results, &decide(results, &Demands::default())).unwrap()
    }

    #[test]
    fn an_empty_or_interrupted_run_is_not_green() {
        assert!(rendered(&sample::empty()).contains("nothing was run (exit code 4)"));
        let results = Results {
            interrupted: true,
            selected: 2,
            cases: vec![sample::case("a/b/c", Verdict::Pass, "")],
            ..sample::empty()
        };
        let xml = rendered(&results);
        assert!(
            xml.contains("ran 1 of 2 cases") && xml.contains("(exit code 130)"),
            "{xml}"
        );
    }

    #[test]
    fn everything_at_once() {
        insta::assert_snapshot!(rendered(&sample::hostile()));
    }

    #[test]
    fn nothing_that_xml_forbids() {
        let xml = rendered(&sample::hostile());
        assert!(xml.chars().all(|c| c == '\n' || !c.is_control()), "{xml}");
        assert!(!xml.contains("]]>") && !xml.contains("<script"), "{xml}");
    }

    #[test]
    fn a_long_transcript_is_cut_between_characters() {
        let mut case = sample::case("a/b/c", Verdict::Pass, "");
        case.transcript = "ü".repeat(TRANSCRIPT);
        let results = Results {
            cases: vec![case],
            ..sample::empty()
        };
        let xml = rendered(&results);
        assert!(xml.len() < 2 * TRANSCRIPT && xml.contains("… cut here"));
    }
}
