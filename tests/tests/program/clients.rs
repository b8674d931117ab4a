//! Real clients: what is said of them, and what the transcript shows for it.
//!
//! Each expectation was read off a transcript by a person. Only what does not depend on the version of the
//! client stands here, or the version stands beside it.

use mailproof::results::{CaseResult, Verdict};
use mailproof_tests::program::{Report, is_installed};
use test_case::test_case;

const CARRIERS: [&str; 4] = [
    "smtp-implicit",
    "smtp-starttls",
    "imap-implicit",
    "imap-starttls",
];

/// Certificates that nobody may accept who verifies.
const WRONG: [&str; 4] = [
    "cert/trust/self-signed",
    "cert/trust/unknown-root",
    "cert/time/expired-leaf",
    "cert/name/mismatch",
];

/// The cases of [`WRONG`] on these carriers.
fn wrong(carriers: &[&str]) -> Vec<String> {
    let cases = WRONG
        .iter()
        .flat_map(|it| carriers.iter().map(move |on| format!("{it}#{on}")));
    cases.collect()
}

fn run(adapter: &str, includes: &[impl AsRef<str>]) -> Report {
    let mut arguments = vec!["run", adapter];
    for include in includes {
        arguments.extend(["--include", include.as_ref()]);
    }
    Report::of(&arguments)
}

fn refuses(case: &CaseResult) {
    let (judgement, dialogue) = (&case.judgement, &case.transcript);
    assert_eq!(
        judgement.verdict,
        Verdict::Pass,
        "{}: {}",
        case.id,
        judgement.reason
    );
    assert!(dialogue.contains("here the server deviates"), "{dialogue}");
    assert!(!dialogue.contains("said success"), "{dialogue}");
    let inside = dialogue.split("-- TLS 1.").nth(1).unwrap_or_default();
    let mut spoken = inside
        .lines()
        .filter_map(|it| it.trim().strip_prefix("C: "));
    let said = spoken.find(|it| !it.ends_with("QUIT") && !it.ends_with("LOGOUT"));
    assert_eq!(said, None, "{}: {dialogue}", case.id);
}

fn gives_all_away(case: &CaseResult) {
    let (judgement, dialogue) = (&case.judgement, &case.transcript);
    assert_eq!(
        judgement.verdict,
        Verdict::Fail,
        "{}: {}",
        case.id,
        judgement.reason
    );
    assert!(
        judgement.reason.contains("password"),
        "{}",
        judgement.reason
    );
    assert!(
        dialogue.contains("sign-in of") && dialogue.contains("said success"),
        "{dialogue}"
    );
    assert!(judgement.findings.iter().any(|it| !it.evidence.is_empty()));
}

#[test_case("curl", "curl", &CARRIERS; "curl")]
#[test_case("msmtp", "msmtp", &CARRIERS[..2]; "msmtp")]
#[test_case("mbsync", "mbsync", &CARRIERS[2..]; "mbsync")]
#[test_case("python", "python3", &CARRIERS; "python with a context")]
fn refuses_wrong_certificates(adapter: &str, program: &str, carriers: &[&str]) {
    if !is_installed(program) {
        return;
    }
    let cases = wrong(carriers);
    let report = run(adapter, &cases);
    assert_eq!(report.ended.code, Some(0), "{}", report.ended.stdout);
    assert_eq!(report.results.ran, cases.len());
    assert!(report.results.subject_version.is_some());
    cases.iter().for_each(|id| refuses(report.case(id)));
}

#[test]
fn python_without_a_context_accepts_every_certificate() {
    if !is_installed("python3") {
        return;
    }
    let cases = wrong(&CARRIERS);
    let report = run("python-default", &cases);
    assert_eq!(report.ended.code, Some(1), "{}", report.ended.stdout);
    cases.iter().for_each(|id| gives_all_away(report.case(id)));
    let unexpected = format!("{} unexpected failures", cases.len());
    assert!(
        report.ended.stdout.contains(&unexpected),
        "{}",
        report.ended.stdout
    );
}

#[test_case("curl", "curl", &["smtp", "imap"]; "curl")]
#[test_case("msmtp", "msmtp", &["smtp"]; "msmtp")]
#[test_case("mbsync", "mbsync", &["imap"]; "mbsync")]
#[test_case("python", "python3", &["smtp", "imap"]; "python")]
fn demands_starttls_where_it_was_told_to(adapter: &str, program: &str, protocols: &[&str]) {
    if !is_installed(program) {
        return;
    }
    let all = [
        "smtp/starttls/not-offered",
        "smtp/starttls/refused-454#postfix",
        "smtp/starttls/220-then-plaintext#500",
        "smtp/starttls/injection-after-220",
        "imap/starttls/not-offered-bad",
        "imap/starttls/refused-no",
        "imap/starttls/preauth-greeting",
        "imap/starttls/ok-then-plaintext",
        INJECTION,
    ];
    // isync has a test of its own for this one.
    let speaks = |id: &&&str| {
        protocols.iter().any(|it| id.starts_with(it)) && (adapter, **id) != ("mbsync", INJECTION)
    };
    let cases: Vec<&str> = all.iter().filter(speaks).copied().collect();
    let report = run(adapter, &cases);
    assert_eq!(report.ended.code, Some(0), "{}", report.ended.stdout);
    for id in cases {
        let case = report.case(id);
        assert_eq!(
            case.judgement.verdict,
            Verdict::Pass,
            "{id}: {}",
            case.judgement.reason
        );
        assert!(case.transcript.contains("here the server deviates"), "{id}");
        assert!(
            case.transcript.contains("security starttls-required"),
            "{id}"
        );
    }
}

const INJECTION: &str = "imap/starttls/injection-tagged-replies";

/// isync 1.4.4 keeps what came in clear behind the OK, but reads it while TLS begins, before it has sent the
/// commands that are answered there. That saves it, however its reads fall.
#[test]
fn isync_and_tagged_replies_in_clear() {
    if !is_installed("mbsync") {
        return;
    }
    let report = run("mbsync", &[INJECTION]);
    for id in ["", "#octet", "#inside-line"] {
        let case = report.case(&format!("{INJECTION}{id}"));
        assert_eq!(case.judgement.verdict, Verdict::Pass, "{}", case.transcript);
    }
}

#[test_case("curl", "curl", &["smtp/auth", "imap/login"]; "curl")]
#[test_case("python", "python3", &["smtp/auth", "imap/login"]; "python")]
fn sends_the_password_in_clear_where_starttls_is_optional(
    adapter: &str,
    program: &str,
    below: &[&str],
) {
    if !is_installed(program) {
        return;
    }
    let id = |it: &&str| format!("{it}/no-plaintext-without-tls#not-offered");
    let cases: Vec<String> = below.iter().map(id).collect();
    let report = run(adapter, &cases);
    assert_eq!(report.ended.code, Some(1), "{}", report.ended.stdout);
    for id in &cases {
        let case = report.case(id);
        gives_all_away(case);
        assert!(
            !case.transcript.contains("ClientHello"),
            "{}",
            case.transcript
        );
    }
}

#[test_case("curl", "curl", &[
    "smtp/rcpt/550-unknown-user", "smtp/data/dot-stuffing", "imap/login/authenticationfailed", "imap/select/no",
]; "curl")]
#[test_case("msmtp", "msmtp", &["smtp/rcpt/550-unknown-user", "smtp/data/dot-stuffing"]; "msmtp")]
#[test_case("mbsync", "mbsync", &["imap/login/authenticationfailed"]; "mbsync")]
#[test_case("python", "python3", &["smtp/rcpt/550-unknown-user", "imap/login/authenticationfailed"]; "python")]
fn copes_with_refusals(adapter: &str, program: &str, scenarios: &[&str]) {
    if !is_installed(program) {
        return;
    }
    let report = run(adapter, scenarios);
    assert_eq!(report.ended.code, Some(0), "{}", report.ended.stdout);
    assert!(report.results.ran >= scenarios.len());
    for case in report
        .results
        .cases
        .iter()
        .filter(|it| it.judgement.verdict != Verdict::Unsupported)
    {
        assert_eq!(
            case.judgement.verdict,
            Verdict::Pass,
            "{}: {}",
            case.id,
            case.judgement.reason
        );
    }
}

#[test]
fn what_a_client_cannot_do_is_unsupported_and_never_passed() {
    if !is_installed("mbsync") {
        return;
    }
    let report = run(
        "mbsync",
        &["cert/trust/self-signed", "cert/always/accepts-untrusted"],
    );
    assert_eq!(
        report.verdict("cert/trust/self-signed#smtp-implicit"),
        Verdict::Unsupported
    );
    assert_eq!(
        report.verdict("cert/always/accepts-untrusted#self-signed+imap-implicit"),
        Verdict::Unsupported
    );
    assert_eq!((report.results.ran, report.results.selected), (2, 16));
    assert!(
        report.ended.stdout.contains("ran 2 of 16"),
        "{}",
        report.ended.stdout
    );
}

/// Where the fault is one of this version, as distributions ship it.
#[test]
fn curl_7_and_keywords_in_small_letters() {
    if !is_installed("curl") {
        return;
    }
    let report = run("curl", &["smtp/starttls/keyword-case-and-order"]);
    let version = report.results.subject_version.clone().unwrap_or_default();
    let case = report.case("smtp/starttls/keyword-case-and-order#first");
    assert!(
        case.transcript.contains("S: 250-starttls"),
        "{}",
        case.transcript
    );
    let begins_tls = case.transcript.contains("C: STARTTLS");
    let expected = if begins_tls {
        Verdict::Pass
    } else {
        Verdict::Fail
    };
    assert_eq!(
        case.judgement.verdict, expected,
        "{}",
        case.judgement.reason
    );
    if version.starts_with("curl 7.") {
        assert_eq!(case.judgement.verdict, Verdict::Fail, "{version}");
    }
}

#[test]
fn the_embedded_client_is_run_where_nobody_names_one() {
    let cases = wrong(&CARRIERS);
    let mut arguments = vec!["run"];
    cases
        .iter()
        .for_each(|it| arguments.extend(["--include", it]));
    let report = Report::of(&arguments);
    assert_eq!(report.results.subject, "embedded");
    assert_eq!(report.ended.code, Some(0), "{}", report.ended.stdout);
    // lettre and async-imap on top of rustls.
    cases.iter().for_each(|id| refuses(report.case(id)));
}
