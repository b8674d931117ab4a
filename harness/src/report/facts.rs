//! Facts about results that several reports show: the order of failures, the clause that was broken, the
//! command that repeats a case.
//!
//! Must not know formats.

use mailproof_scenarios::model::{Level, Severity, Who};

use super::{
    tally::{Class, missed_should},
    text,
};
use crate::results::{CaseResult, Finding, Held, Results, Verdict};

/// Unexpected failures, worst first: by severity, then by the strongest level that was broken, then a
/// failure seen on the wire before a crash and a hang, then by id.
pub fn failures(results: &Results) -> Vec<&CaseResult> {
    let mut failures: Vec<&CaseResult> = results
        .cases
        .iter()
        .filter(|it| Class::of(it) == Class::Failed)
        .collect();
    failures.sort_by_key(|it| (weight(it), it.id.as_str()));
    failures
}

/// What failures are ordered by: the least is the worst.
pub fn weight(case: &CaseResult) -> impl Ord + use<> {
    let level = clause_level(case).map_or(u8::MAX, rank);
    (case.severity, level, order(case.judgement.verdict))
}

/// The strongest level that was broken.
pub fn clause_level(case: &CaseResult) -> Option<Level> {
    worst(case).map(|it| it.level)
}

/// The clause that was broken: that of the worst finding, else the first that the scenario cites. Safe to
/// show.
pub fn clause(case: &CaseResult) -> Option<String> {
    let cited = worst(case).and_then(|it| it.clause.as_ref());
    cited.or(case.refs.first()).map(|it| text::line(it))
}

/// Names of the broken checks, SHOULDs included, as an expected-failures file would name them.
pub fn broken(case: &CaseResult) -> impl Iterator<Item = &Finding> {
    let findings = case.judgement.findings.iter();
    findings.filter(|it| it.held == Held::Broken)
}

/// The command that repeats one case of this run. A control is repeated with a case that shares it.
pub fn repeat_command(results: &Results, case: &CaseResult) -> String {
    let shares = |it: &&CaseResult| it.control.as_deref() == Some(case.id.as_str());
    let id = &results.cases.iter().find(shares).unwrap_or(case).id;
    let mut command = "mailproof".to_owned();
    let run = ["run".to_owned()];
    let repeat = if results.repeat.is_empty() {
        &run[..]
    } else {
        &results.repeat
    };
    for argument in repeat {
        command.push(' ');
        command.push_str(&text::shell(argument));
    }
    // A person's client is served one case; it has no filter, and knows nothing of a second time.
    let served = repeat.first().is_some_and(|it| it == "serve");
    let chosen = if served { "" } else { "--include " };
    let id = if served { first_time(id) } else { id };
    format!(
        "{command} {chosen}{} --seed {}",
        text::quoted(id),
        results.seed
    )
}

/// The id of the scenario that a case is of.
pub fn scenario(id: &str) -> &str {
    id.split_once('#').map_or(id, |(scenario, _)| scenario)
}

/// What a severity means for whom it hits.
pub const fn harm(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "passwords or mail are exposed, forged or lost",
        Severity::High => "the account does not work, or somebody is misled",
        Severity::Medium => "somebody is bothered",
        Severity::Low => "hardly anybody notices",
    }
}

/// The id of the case that a plan has done `again-2` and so on.
fn first_time(id: &str) -> &str {
    match id.rsplit_once("again-") {
        Some((before, number)) if number.bytes().all(|it| it.is_ascii_digit()) => {
            before.trim_end_matches(['#', '+'])
        }
        _ => id,
    }
}

/// Who can do something about it, in words.
pub fn who(who: Who) -> &'static str {
    match who {
        Who::User => "the user",
        Who::ClientAdmin => "whoever administers the client or device",
        Who::MailboxProviderAdmin => "whoever runs the mail server",
        Who::DnsAdmin => "whoever edits the DNS zone",
        Who::NetworkAdmin => "whoever runs the network in between",
        Who::Vendor => "the maker of the client",
        Who::Nobody => "nobody, but waiting helps",
    }
}

/// The same in German.
pub fn who_german(who: Who) -> &'static str {
    match who {
        Who::User => "der Benutzer",
        Who::ClientAdmin => "wer das Programm oder Gerät betreut",
        Who::MailboxProviderAdmin => "wer den Mailserver betreibt",
        Who::DnsAdmin => "wer die DNS-Zone pflegt",
        Who::NetworkAdmin => "wer das Netz dazwischen betreibt",
        Who::Vendor => "der Hersteller des Programms",
        Who::Nobody => "niemand, aber Abwarten hilft",
    }
}

/// Cases that passed although they missed a SHOULD.
pub fn warned(results: &Results) -> usize {
    let good = |it: &&CaseResult| Class::of(it) == Class::Good && missed_should(it);
    results.cases.iter().filter(good).count()
}

fn worst(case: &CaseResult) -> Option<&Finding> {
    broken(case).min_by_key(|it| rank(it.level))
}

fn rank(level: Level) -> u8 {
    match level {
        Level::Must => 0,
        Level::Security => 1,
        Level::Interop => 2,
        Level::Should => 3,
        Level::May => 4,
    }
}

fn order(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Fail => 0,
        Verdict::Crash => 1,
        _ => 2,
    }
}

#[cfg(test)]
mod tests {
    use mailproof_scenarios::model::Severity;
    use test_case::test_case;

    use super::*;
    use crate::report::sample;

    #[test]
    fn worst_first() {
        let case = |id: &str, verdict, severity, level| {
            let mut case = sample::case(id, verdict, "");
            case.severity = severity;
            case.judgement.findings = vec![sample::broken(level, None)];
            case
        };
        let results = Results {
            cases: vec![
                case("e", Verdict::Hang, Severity::High, Level::Must),
                case("d", Verdict::Fail, Severity::High, Level::Interop),
                case("c", Verdict::Crash, Severity::High, Level::Must),
                case("b", Verdict::Fail, Severity::High, Level::Must),
                case("a", Verdict::Fail, Severity::Low, Level::Must),
                case("f", Verdict::Fail, Severity::Critical, Level::Should),
                case("g", Verdict::Pass, Severity::Critical, Level::Should),
            ],
            ..sample::empty()
        };
        let order: String = failures(&results).iter().map(|it| it.id.as_str()).collect();
        assert_eq!(order, "fbceda");
    }

    #[test]
    fn the_clause_of_the_worst_finding() {
        let mut case = sample::case("a", Verdict::Fail, "");
        assert_eq!(clause(&case).as_deref(), Some("RFC 5321 §4.2"));
        case.judgement.findings = vec![
            sample::broken(Level::Should, Some("RFC 1")),
            sample::broken(Level::Must, Some("RFC 2")),
        ];
        assert_eq!(clause(&case).as_deref(), Some("RFC 2"));
        assert_eq!(clause_level(&case), Some(Level::Must));
    }

    #[test_case(&[] => "mailproof run --include 'a#b' --seed 7"; "embedded subject")]
    #[test_case(&["run", "my adapters/curl.toml", "--lab"]
        => "mailproof run 'my adapters/curl.toml' --lab --include 'a#b' --seed 7"; "adapter with a blank")]
    fn repeats(repeat: &[&str]) -> String {
        let results = Results {
            repeat: repeat.iter().map(|it| (*it).to_owned()).collect(),
            ..sample::empty()
        };
        repeat_command(&results, &sample::case("a#b", Verdict::Fail, ""))
    }

    #[test]
    fn what_a_person_met_is_served_again() {
        let mut results = sample::empty();
        results.repeat = vec!["serve".to_owned()];
        for (id, base) in [("a#b", "a#b"), ("a#b+again-2", "a#b"), ("a#again-10", "a")] {
            let command = repeat_command(&results, &sample::case(id, Verdict::Fail, ""));
            assert_eq!(command, format!("mailproof serve '{base}' --seed 7"));
        }
    }

    #[test]
    fn a_control_is_repeated_with_a_case_that_shares_it() {
        let mut results = sample::empty();
        let control = sample::case("control/1", Verdict::Fail, "");
        results.cases = vec![
            sample::case("a", Verdict::Pass, ""),
            sample::case("b", Verdict::Pass, ""),
        ];
        results.cases[1].control = Some("control/1".to_owned());
        assert!(repeat_command(&results, &control).contains("--include 'b'"));
    }
}
