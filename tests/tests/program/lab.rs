//! The lab: registered ports, real names, and listeners where nobody should knock.

use mailproof::results::{Record, Verdict};
use mailproof_mock_servers::world::Place;
use mailproof_scenarios::model::{Action, Deviation, Host, What};
use mailproof_tests::program::{Report, is_installed, mailproof, program, skipped};

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

fn records(report: &Report) -> Vec<Record> {
    let lines = std::fs::read_to_string(report.folder.path().join("records.ndjson")).unwrap();
    let read = |line: &str| serde_json::from_str(line).unwrap();
    lines.lines().map(read).collect()
}

/// One worker, so that every case follows another one in the same namespaces.
#[test]
fn nothing_of_a_case_is_left_for_the_next() {
    if !is_to_be_had() {
        return;
    }
    let mut arguments = vec!["run", "reference", "--lab", "--jobs", "1"];
    let cases = [
        "net/allowlist/**",
        "net/multi-a/**",
        "net/ipv6/refused-v4-ok",
        "net/half-open/**",
        "net/connect/**",
        "dns/**",
        "smtp/greeting/**",
    ];
    arguments.extend(cases.iter().flat_map(|it| ["-i", it]));
    let report = Report::of(&arguments);
    assert_eq!(report.ended.code, Some(0), "{}", report.ended.stdout);
    let records = records(&report);
    assert!(records.len() > 40, "{}", records.len());
    let mut answers = 0;
    for record in &records {
        for event in &record.log.events {
            match &event.what {
                What::Connected { between, .. } | What::Attempted { between, .. } => {
                    let step = &record.steps[usize::from(event.step) - 1];
                    assert_eq!(between.source, Some(step.source), "{}", record.case.id);
                }
                What::Queried { name, answer, .. } if is_usual(record) => {
                    let usual = [Place::Lab.ipv4().to_string(), Place::Lab.ipv6().to_string()];
                    assert_eq!(*name, Place::Lab.host(Host::Name), "{}", record.case.id);
                    assert!(usual.contains(&answer[0]), "{}: {answer:?}", record.case.id);
                    answers += 1;
                }
                What::HarnessFailed { error } => panic!("{}: {error}", record.case.id),
                _ => {}
            }
        }
    }
    assert!(answers > 40, "{answers}");
}

/// Whether DNS says what it says to everybody.
fn is_usual(record: &Record) -> bool {
    let of_dns = |it: &Deviation| matches!(it.action, Action::Dns(_));
    record.case.setup.dns.is_empty() && !record.case.deviations().iter().any(of_dns)
}

/// Programs of the system find the server through the resolver of the lab.
#[test]
fn a_real_client_asks_the_dns_of_the_lab() {
    if !is_to_be_had() {
        return;
    }
    for (adapter, program) in [("curl", "curl"), ("python", "python3")] {
        if !is_installed(program) {
            skipped(&format!("no {program}"));
            continue;
        }
        let id = "net/multi-a/first-dead#smtp-implicit+refused";
        let report = Report::of(&["run", adapter, "--lab", "-i", id]);
        assert_eq!(report.verdict(id), Verdict::Pass, "{}", report.ended.stdout);
        let transcript = &report.case(id).transcript;
        let asked = "DNS: mail.firma.example A: 192.0.2.10, 192.0.2.20";
        assert!(transcript.contains(asked), "{transcript}");
        let came = "to submissions address \"second\" over IPv4";
        assert!(transcript.contains(came), "{transcript}");
    }
}

#[test]
fn the_doctor_tries_everything_that_a_lab_needs() {
    if !is_to_be_had() {
        return;
    }
    let ended = mailproof(&["doctor", "--lab"]);
    assert_eq!(ended.code, Some(0), "{}{}", ended.stdout, ended.stderr);
    let tried = ended.stdout.lines().filter(|it| it.starts_with("  ok"));
    assert_eq!(tried.count(), 11, "{}", ended.stdout);
    for what in ["witness", "sources", "dns", "no way out"] {
        assert!(ended.stdout.contains(what), "{}", ended.stdout);
    }
    assert!(ended.stdout.contains("The lab is complete."));
}

#[test]
fn the_doctor_names_the_setting_that_keeps_namespaces_away() {
    if !is_to_be_had() || !is_installed("unshare") {
        skipped("no namespaces to take away");
        return;
    }
    let script = format!(
        "echo 0 > /proc/sys/user/max_user_namespaces && exec {} doctor --lab",
        program().display()
    );
    let output = std::process::Command::new("unshare")
        .args(["--user", "--map-root-user", "sh", "-c", &script])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert!(said.contains("MISSING  namespaces"), "{said}");
    assert!(
        said.contains("/proc/sys/user/max_user_namespaces is 0"),
        "{said}"
    );
}
