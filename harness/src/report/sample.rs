//! Results made by hand, for the tests of reports and exit codes.

use mailproof_scenarios::model::{Diagnosis, Frequency, Kind, Level, Severity, Who};

use crate::profile::{Demanded, Obligations};
use crate::results::{CaseResult, Finding, Held, Judgement, RESULTS_VERSION, Results, Verdict};

/// A run without cases.
pub(crate) fn empty() -> Results {
    Results {
        v: RESULTS_VERSION,
        mailproof: "0.1.0".to_owned(),
        subject: "curl".to_owned(),
        subject_title: String::new(),
        subject_version: Some("curl 8.5.0".to_owned()),
        place: "loopback".to_owned(),
        seed: 7,
        repeat: vec!["run".to_owned(), "my adapters/curl.toml".to_owned()],
        now: "2026-11-22T08:00:00Z".to_owned(),
        took_ms: 12_449,
        ..Results::default()
    }
}

/// A case with a verdict and its reason.
pub(crate) fn case(id: &str, verdict: Verdict, reason: &str) -> CaseResult {
    CaseResult {
        id: id.to_owned(),
        title: format!("The title of {id}"),
        why: "Somebody is bothered.".to_owned(),
        kind: Kind::Fault,
        severity: Severity::High,
        frequency: Frequency::Common,
        refs: vec!["RFC 5321 §4.2".to_owned()],
        covers: vec!["TLSI-1".to_owned()],
        diagnosis: None,
        judgement: Judgement {
            verdict,
            reason: reason.to_owned(),
            findings: Vec::new(),
            warnings: Vec::new(),
        },
        expected: None,
        control: None,
        took_ms: 120,
        transcript: "C: QUIT\nS: 221 Bye\n".to_owned(),
    }
}

/// What a profile `mini` demands.
pub(crate) fn obligations(ids: &[&str]) -> Obligations {
    Obligations {
        profile: "mini".to_owned(),
        title: "A small profile".to_owned(),
        file: "mini.toml".to_owned(),
        text: String::new(),
        cases: ids
            .iter()
            .map(|id| Demanded {
                id: (*id).to_owned(),
                beyond: None,
            })
            .collect(),
        lacks: Vec::new(),
        shard: None,
    }
}

/// A broken check.
pub(crate) fn broken(level: Level, clause: Option<&str>) -> Finding {
    Finding {
        name: "never-credential-in-clear".to_owned(),
        level,
        held: Held::Broken,
        message: "The password was sent in clear.".to_owned(),
        clause: clause.map(str::to_owned),
        step: Some(1),
        evidence: vec![3],
    }
}

/// A run with one case of everything, and text that wants to do harm.
pub(crate) fn hostile() -> Results {
    let mut low = case(
        "smtp/reply/odd",
        Verdict::Fail,
        "The reply \x1b[2J\x1b]0;owned\x07 was shown as it came.",
    );
    low.severity = Severity::Low;
    low.judgement.findings = vec![broken(Level::Interop, None)];
    low.transcript =
        "S: 220 \x1b[31m]]>\u{202e}<script>alert(1)</script>\x00\nC: QUIT\n".to_owned();

    let mut critical = case(
        "smtp/starttls/injection-after-220#smtp-starttls",
        Verdict::Fail,
        "A command inside TLS was answered by a reply that had come in clear: `250-evil | <b>\r\n`.",
    );
    critical.severity = Severity::Critical;
    critical.title = "Replies smuggled in clear behind the 220 to STARTTLS".to_owned();
    critical.judgement.findings = vec![broken(Level::Security, Some("RFC 3207 §4.2"))];
    critical.diagnosis = Some(Diagnosis {
        who: Who::NetworkAdmin,
        en: "Extra unencrypted data followed the STARTTLS reply; the connection was dropped for safety.".to_owned(),
        de: "Nach STARTTLS kamen unverschlüsselte Daten; die Verbindung wurde getrennt.".to_owned(),
    });

    let mut crash = case(
        "imap/literal/huge",
        Verdict::Crash,
        "The subject died: signal 11.",
    );
    crash.judgement.findings = vec![broken(Level::Must, Some("RFC 9051 §4.3"))];

    let mut expected = case(
        "smtp/auth/known",
        Verdict::Fail,
        "It repeated the password.",
    );
    expected.expected = Some("fixed in the next version | promised".to_owned());

    let mut pass = case("smtp/base/plain", Verdict::Pass, "Everything held.");
    pass.judgement.warnings = vec!["any certificate was accepted, as was chosen".to_owned()];
    let mut pass_too = case("smtp/base/dots", Verdict::Pass, "Everything held.");
    pass_too.judgement.warnings = vec![
        "any certificate was accepted, as was chosen".to_owned(),
        "the last reply was not quoted \x1b[5m".to_owned(),
    ];
    pass_too.judgement.findings = vec![broken(Level::Should, None)];

    let mut control = case("control/00ff", Verdict::Fail, "Nothing was sent.");
    control.title = "The same without the deviation".to_owned();

    Results {
        selected: 12,
        ran: 8,
        cases: vec![
            crash,
            case("imap/idle/drop", Verdict::Unsupported, "job idle over imap"),
            case(
                "net/blackhole",
                Verdict::Skipped,
                "needs ports: run with --lab",
            ),
            case(
                "smtp/auth/gone",
                Verdict::Inconclusive,
                "The control did not complete.",
            ),
            expected,
            pass_too,
            pass,
            case(
                "smtp/base/survey",
                Verdict::Recorded,
                "It prefers CRAM-MD5.",
            ),
            case(
                "smtp/harness/broken",
                Verdict::HarnessError,
                "cannot listen on smtp",
            ),
            low,
            critical,
        ],
        controls: vec![control],
        stale: vec!["smtp/old/entry: it passes now \x1b[1m".to_owned()],
        ..empty()
    }
}
