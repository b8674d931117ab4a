//! The lists of the page that need no script: findings, who must act, what was not tested, and what else a reader
//! must know.

use std::collections::BTreeMap;

use mailproof_scenarios::model::Who;
use maud::{Markup, html};

use super::{
    Run,
    data::class,
    findings::{Share, Situation},
    labels,
    overview::{CLASSES, SEVERITIES, german, severity_german},
    page::t,
};
use crate::{
    report::{
        facts::{self, repeat_command},
        tally::{Class, Tally},
        text,
    },
    results::CaseResult,
};

/// Entries of a list in the part that needs no script.
const ENTRIES: usize = 400;

pub(super) fn findings(runs: &[Run<'_>], situations: &[Situation<'_>]) -> Markup {
    let labels = labels(runs);
    html! {
        section #findings aria-labelledby="findings-title" {
            h2 #findings-title { (t("Findings, worst first", "Befunde, das Schlimmste zuerst")) }
            @if situations.is_empty() {
                p { (t("None.", "Keine.")) }
            }
            @for (severity, en, de) in SEVERITIES {
                @let of: Vec<_> = situations.iter().filter(|it| it.severity == severity).collect();
                @if !of.is_empty() {
                    h3.severity.(severity.name()) {
                        span.badge { (t(severity.name(), severity_german(severity))) }
                        " " small { (t(en, de)) }
                    }
                    ol.findings {
                        @for situation in of.iter().take(ENTRIES) {
                            li { (finding(runs, &labels, situation)) }
                        }
                    }
                    @if of.len() > ENTRIES {
                        p { (t(&format!("… and {} more, below.", of.len() - ENTRIES), &format!("… und {} weitere, siehe unten.", of.len() - ENTRIES))) }
                    }
                }
            }
        }
    }
}

fn finding(runs: &[Run<'_>], labels: &[String], situation: &Situation<'_>) -> Markup {
    let worst = situation.worst;
    html! {
        details.finding {
            summary {
                span.sentence { (text::line(&worst.judgement.reason)) }
                span.about { (text::line(&worst.title)) }
                span.chips {
                    @for (label, share) in labels.iter().zip(&situation.runs) {
                        (share_chip(label, labels.len() > 1, share))
                    }
                }
            }
            div.body {
                p { b { (t("Why it matters.", "Warum es wichtig ist.")) } " " (text::line(&worst.why)) }
                @if let Some(level) = situation.level {
                    p { b { (t("Rule.", "Regel.")) } " " (level.name()) " " (facts::clause(worst).unwrap_or_default()) }
                }
                @if let Some(diagnosis) = situation.diagnosis() {
                    p { b { (t("What its user should be told.", "Was dem Benutzer zu sagen ist.")) } " "
                        q { (t(&text::line(&diagnosis.en), &text::line(&diagnosis.de))) } " "
                        (t(&format!("Who can act then: {}.", facts::who(diagnosis.who)),
                           &format!("Wer dann handeln kann: {}.", facts::who_german(diagnosis.who)))) }
                }
                @for (run, share) in runs.iter().zip(&situation.runs) {
                    @if let Some(first) = share.failed.first() {
                        (who_failed(run, runs, first, &share.failed))
                    }
                }
            }
        }
    }
}

/// How a scenario went with one subject.
fn share_chip(name: &str, several: bool, share: &Share<'_>) -> Markup {
    let Some(of) = share.class else {
        return html! {};
    };
    let words = CLASSES.into_iter().find(|(it, _, _)| *it == of);
    html! {
        span.chip.(class(of)) {
            @if several { (name) " " }
            @if let Some(first) = share.failed.first() {
                (first.judgement.verdict.name())
                @if share.cases > 1 { " " (share.failed.len()) "/" (share.cases) }
            } @else if let Some((_, en, de)) = words {
                (t(en, de))
            }
        }
    }
}

fn who_failed(
    run: &Run<'_>,
    runs: &[Run<'_>],
    first: &CaseResult,
    failed: &[&CaseResult],
) -> Markup {
    html! {
        div.who-failed {
            @if runs.len() > 1 { h4 { (run.name()) " " (run.version()) } }
            ul {
                @for case in failed.iter().take(40) {
                    li {
                        span.chip.failed { (case.judgement.verdict.name()) } " "
                        a.case href=(address(&case.id)) { (text::line(&case.id)) }
                        @if case.judgement.reason != first.judgement.reason {
                            ": " (text::line(&case.judgement.reason))
                        }
                    }
                }
                @if failed.len() > 40 { li { "… " (failed.len() - 40) } }
            }
            p { (t("See it again:", "Noch einmal ansehen:")) " " code { (text::line(&repeat_command(run.results, first))) } }
        }
    }
}

/// The address of a case within the page.
fn address(id: &str) -> String {
    let mut address = String::from("#case=");
    for byte in id.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'/' => {
                address.push(char::from(byte));
            }
            byte => address.push_str(&format!("%{byte:02X}")),
        }
    }
    address
}

pub(super) fn who_acts(runs: &[Run<'_>], situations: &[Situation<'_>]) -> Markup {
    let mut by_who: BTreeMap<Who, Vec<&Situation<'_>>> = BTreeMap::new();
    for situation in situations {
        if let Some(diagnosis) = situation.diagnosis() {
            by_who.entry(diagnosis.who).or_default().push(situation);
        }
    }
    let mut groups: Vec<(Who, Vec<&Situation<'_>>)> = by_who.into_iter().collect();
    groups.sort_by_key(|(_, of)| std::cmp::Reverse(of.len()));
    html! {
        @if !situations.is_empty() {
            section #who aria-labelledby="who-title" {
                h2 #who-title { (t("Who must act", "Wer handeln muss")) }
                p {
                    (t("The failures themselves are for the maker of the client to mend:", "Das Versagen selbst behebt der Hersteller des Programms:"))
                    " "
                    @for (index, run) in runs.iter().enumerate() {
                        @let n = situations.iter().filter(|it| it.runs.get(index).is_some_and(|it| !it.failed.is_empty())).count();
                        @if index > 0 { ", " }
                        (run.name()) " (" (n) ")"
                    }
                    "."
                }
                @if !groups.is_empty() {
                    p { (t("Until then, where somebody meets such a situation, these can do something about it:",
                           "Bis dahin können, wo jemand in eine solche Situation gerät, diese etwas tun:")) }
                    ul.who {
                        @for (who, of) in &groups {
                            li {
                                b { (t(facts::who(*who), facts::who_german(*who))) }
                                " "
                                (t(&format!("in {}: ", text::count(of.len(), "situation")), &format!("in {}: ", german(of.len(), "Situation", "Situationen"))))
                                @for (index, it) in of.iter().take(3).enumerate() {
                                    @if index > 0 { "; " }
                                    (text::line(&it.worst.title))
                                }
                                @if of.len() > 3 { "; …" }
                            }
                        }
                    }
                }
            }
        }
    }
}

pub(super) fn not_tested(runs: &[Run<'_>]) -> Markup {
    html! {
        section #not-tested aria-labelledby="not-tested-title" {
            h2 #not-tested-title { (t("What was not tested, and why", "Was nicht geprüft wurde, und warum")) }
            @for run in runs {
                @let tally = Tally::of(run.results);
                @if runs.len() > 1 { h3 { (run.name()) } }
                @if tally.ran == tally.selected {
                    p { (t("Everything that was selected was run.", "Alles, was ausgewählt war, lief.")) }
                } @else {
                    table.reasons {
                        thead { tr {
                            th scope="col" { (t("Cases", "Fälle")) }
                            th scope="col" { (t("Verdict", "Urteil")) }
                            th scope="col" { (t("Reason", "Grund")) }
                        } }
                        tbody {
                            @for reason in tally.not_run.iter().take(ENTRIES) {
                                tr { td.number { (reason.cases) } td { (reason.verdict.name()) } td { (reason.reason) } }
                            }
                            @if tally.not_reached > 0 {
                                tr { td.number { (tally.not_reached) } td { "—" }
                                    td { (t("not reached: the run was cut short", "nicht erreicht: der Lauf endete vorzeitig")) } }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// What else a reader must know: cases without a decision, failures that were expected, stale entries.
pub(super) fn other(runs: &[Run<'_>]) -> Markup {
    let of = |run: &Run<'_>, class: Class| -> Vec<String> {
        let cases = run.results.cases.iter().filter(|it| Class::of(it) == class);
        let why = |it: &CaseResult| {
            it.expected
                .clone()
                .unwrap_or_else(|| it.judgement.reason.clone())
        };
        cases
            .map(|it| format!("{} {}: {}", it.judgement.verdict.name(), it.id, why(it)))
            .collect()
    };
    let mut parts: Vec<(&str, &str, Vec<Vec<String>>)> = [
        ("Not decided", "Nicht entschieden", Class::Open),
        (
            "Spoilt by the harness",
            "Vom Prüfwerkzeug verdorben",
            Class::Harness,
        ),
        (
            "Failed as expected",
            "Wie erwartet versagt",
            Class::Expected,
        ),
    ]
    .into_iter()
    .map(|(en, de, class)| (en, de, runs.iter().map(|run| of(run, class)).collect()))
    .collect();
    parts.push((
        "Expected failures that no longer hold",
        "Erwartetes Versagen, das nicht mehr eintritt",
        runs.iter().map(|run| run.results.stale.clone()).collect(),
    ));
    html! {
        @for (en, de, lists) in parts {
            @let all: usize = lists.iter().map(Vec::len).sum();
            @if all > 0 {
                details.other {
                    summary { (t(en, de)) ": " (all) }
                    @for (run, of) in runs.iter().zip(&lists) {
                        @if !of.is_empty() {
                            @if runs.len() > 1 { h3 { (run.name()) } }
                            ul {
                                @for line in of.iter().take(ENTRIES) { li { (text::line(line)) } }
                                @if of.len() > ENTRIES { li { "… " (of.len() - ENTRIES) } }
                            }
                        }
                    }
                }
            }
        }
    }
}
