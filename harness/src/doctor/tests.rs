//! The doctor against clients whose mistakes are known.

use std::sync::Arc;

use mailproof_scenarios::library::Library;
use test_case::test_case;
use time::OffsetDateTime;

use super::*;
use crate::{adapter, reach::Setting, session::At};

fn examined(name: &str) -> Report {
    let library = Library::embedded().unwrap_or_else(|problems| panic!("{problems}"));
    let adapter = adapter::find(name).unwrap_or_else(|error| panic!("{error}"));
    let session = Session {
        adapter: Arc::new(adapter),
        adapter_name: name.to_owned(),
        personas: Arc::new(library.personas().clone()),
        at: At::Here,
        seed: 1,
        now: OffsetDateTime::now_utc(),
        timeout: None,
        jobs: 8,
        reach: Setting::default(),
    };
    examine(&session, &Cancel::new(), &mut |_| ()).unwrap_or_else(|error| panic!("{error}"))
}

fn says(report: &Report, grade: Grade, part: &str) -> bool {
    let mut findings = report.rows.iter().flat_map(|it| &it.findings);
    findings.any(|it| it.grade == grade && it.says.contains(part))
}

#[test]
fn the_reference_client_is_usable_and_nothing_is_to_be_said() {
    let report = examined("reference");
    assert!(report.usable());
    assert_eq!(report.findings(), []);
    for about in About::ALL {
        assert!(report.rows.iter().any(|it| it.about == about), "{about:?}");
    }
    let starttls = report.rows.iter().find(|it| {
        it.about == About::Undisturbed && it.asked.starts_with("send over smtp, starttls-required")
    });
    let seen = starttls.map(|it| it.seen.as_str()).unwrap_or_default();
    assert!(
        seen.starts_with("EHLO, STARTTLS, TLS 1.3, EHLO, AUTH "),
        "{seen}"
    );
    assert!(seen.ends_with(" -> success"), "{seen}");
}

/// The label of a setting, as `smtp implicit` or `imap ca`.
fn label<'a>(report: &'a Report, named: &str) -> &'a labels::Label {
    let found = report.labels.iter().find(|it| {
        let axis = match it.axis {
            labels::Axis::Security(it) => it.to_string(),
            labels::Axis::Trust(it) => it.to_string(),
        };
        format!("{} {axis}", it.protocol) == named
    });
    found.unwrap_or_else(|| panic!("{named}: {:#?}", report.labels))
}

#[test]
fn the_settings_of_the_reference_client_do_what_they_say() {
    let report = examined("reference");
    for label in &report.labels {
        // It asks for STARTTLS at first and goes on in clear where it is not offered; that is what
        // automatic is there.
        if label.axis != labels::Axis::Security(Security::Automatic) {
            assert_eq!(label.wrong, [] as [&str; 0], "{label:#?}");
        }
    }
    let implicit = label(&report, "smtp implicit");
    assert_eq!(
        implicit.does,
        ["TLS from the first octet where the server has it"]
    );
    let always = label(&report, "imap always");
    assert!(always.does[0].starts_with("accepts one of the test authority, a self-signed one, an"));
}

#[test_case("reference+accepts-any-certificate", "smtp ca", "it accepts an expired certificate"; "any certificate")]
#[test_case("reference+continues-in-clear", "smtp starttls-required", "it goes on in clear without STARTTLS"; "in clear")]
#[test_case("do-nothing", "imap implicit", "it does not speak TLS from the first octet"; "nothing")]
fn a_label_that_does_not_do_what_it_says(name: &str, of: &str, part: &str) {
    let report = examined(name);
    let label = label(&report, of);
    assert!(label.wrong.iter().any(|it| it.contains(part)), "{label:#?}");
}

#[test_case("do-nothing", "the undisturbed base does not pass"; "nothing")]
#[test_case("do-nothing", "it says success although nothing took place"; "nothing, and lies")]
#[test_case("do-nothing-and-fail", "the undisturbed base does not pass"; "nothing, honestly")]
#[test_case("reference+reports-success", "it says success although nothing took place"; "success whatever happened")]
#[test_case("reference+reports-failure", "the undisturbed base does not pass"; "failure whatever happened")]
fn unusable(name: &str, part: &str) {
    let report = examined(name);
    assert!(!report.usable());
    assert!(
        says(&report, Grade::Unusable, part),
        "{:#?}",
        report.findings()
    );
}

#[test_case("reference+accepts-any-certificate", &["with trust = ca", "with trust = system"]; "any certificate")]
#[test_case("reference+continues-in-clear", &["went on in clear where STARTTLS was not offered"]; "in clear")]
fn usable_but_weak(name: &str, parts: &[&str]) {
    let report = examined(name);
    assert!(report.usable(), "{:#?}", report.findings());
    for part in parts {
        assert!(
            says(&report, Grade::Weak, part),
            "{part}: {:#?}",
            report.findings()
        );
    }
}

/// An adapter for a shell that ends with `code`.
fn shell(code: i32) -> tempfile::NamedTempFile {
    let file = tempfile::Builder::new().suffix(".toml").tempfile().unwrap();
    let text = format!(
        r#"name = "shell"
title = "A shell"
role = "client"
program = "sh"
timeout = "3s"
[settings.security]
implicit = []
[settings.trust]
ca = []
[settings.auth]
password = []
[job.send]
run = ["sh", "-c", "exit {code}"]
[exit]
success = [0]
"#
    );
    std::fs::write(file.path(), text).unwrap();
    file
}

#[test]
fn an_exit_code_that_nobody_mapped_is_told_once() {
    let file = shell(7);
    let report = examined(file.path().to_str().unwrap());
    let told: Vec<_> = report
        .findings()
        .into_iter()
        .filter(|(it, _)| it.grade == Grade::Warning)
        .collect();
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].0.says.contains("exit code 7 is not mapped"));
    assert!(told[0].1 > 1);
    assert!(!report.usable());
}

#[test]
fn nobody_is_usable_by_having_been_asked_nothing() {
    assert!(!Report::default().usable());
}
