//! The first part of the page: what was tested, how much of it was run, and what it came to.

use mailproof_scenarios::model::Severity;
use maud::{Markup, html};

use super::{Run, data::class, findings::Situation, page::t};
use crate::{
    report::{
        facts,
        tally::{Class, Tally},
        text,
    },
    results::{Conformance, Results, Verdict},
};

pub(super) fn overview(runs: &[Run<'_>], situations: &[Situation<'_>], title: &str) -> Markup {
    html! {
        section #overview aria-labelledby="title" {
            h1 #title {
                @if runs.len() == 1 {
                    (t("Mail client test report", "Prüfbericht eines Mailprogramms"))
                } @else {
                    span.visually-hidden { (title) }
                    span aria-hidden="true" {
                        (t(&format!("{} subjects compared", runs.len()), &format!("{} Prüflinge im Vergleich", runs.len())))
                    }
                }
            }
            p.lead {
                (t("What happened when one thing at a time went wrong on the server's side. Judged from \
                    what went over the wire, not from what the client says.",
                   "Was geschah, wenn auf der Seite des Servers jeweils eine Sache falsch war. Beurteilt \
                    nach dem, was über die Leitung ging, nicht nach dem, was das Programm sagt."))
            }
            div.cards {
                @for (index, run) in runs.iter().enumerate() {
                    (card(run, index, situations))
                }
            }
        }
    }
}

fn card(run: &Run<'_>, index: usize, situations: &[Situation<'_>]) -> Markup {
    let results = run.results;
    let tally = Tally::of(results);
    let failed: Vec<&Situation<'_>> = situations
        .iter()
        .filter(|it| it.runs.get(index).is_some_and(|it| !it.failed.is_empty()))
        .collect();
    html! {
        section.card aria-labelledby=(format!("subject-{index}")) {
            h2 id=(format!("subject-{index}")) { (run.name()) }
            p.version { @if results.subject_version.is_some() { (run.version()) } @else { (t("version unknown", "Version unbekannt")) } }
            p.ran {
                strong { (t(&format!("Ran {} of {}.", tally.ran, text::count(tally.selected, "case")),
                    &format!("{} von {} Fällen liefen.", tally.ran, tally.selected))) }
                " "
                @if tally.ran < tally.selected {
                    (not_run(&tally))
                }
            }
            (standing(results))
            (verdict(results, &failed))
            (counts(results))
            (severities(&failed))
            dl.facts {
                @if let Some(version) = results.subject_version.as_deref().map(text::line).filter(|it| *it != run.version()) {
                    dt { "Version" }
                    dd.long { (version) }
                }
                dt { (t("Where", "Wo")) }
                dd { (place(&results.place)) }
                dt { (t("When", "Wann")) }
                dd { (when(&results.now)) " · " (text::duration(results.took_ms)) }
                dt { (t("How", "Wie")) }
                dd { "mailproof " (text::line(&results.mailproof)) " · seed " (results.seed) }
            }
        }
    }
}

/// Why some cases were not run, in a line; the whole list is in a part of its own.
fn not_run(tally: &Tally) -> Markup {
    let of = |verdict| tally.verdicts.get(&verdict).copied().unwrap_or(0);
    let mut parts = Vec::new();
    let mut add = |n: usize, en: &str, de: &str| {
        if n > 0 {
            parts.push((format!("{n} {en}"), format!("{n} {de}")));
        }
    };
    add(
        of(Verdict::Unsupported),
        "that the subject cannot do",
        "kann der Prüfling nicht",
    );
    add(
        of(Verdict::Skipped),
        "that this place cannot show",
        "kann dieser Ort nicht zeigen",
    );
    add(
        of(Verdict::HarnessError),
        "spoilt by the harness",
        "hat das Prüfwerkzeug verdorben",
    );
    add(
        tally.not_reached,
        if tally.interrupted {
            "not reached, the run was interrupted"
        } else {
            "not reached"
        },
        if tally.interrupted {
            "nicht erreicht, der Lauf wurde abgebrochen"
        } else {
            "nicht erreicht"
        },
    );
    let (en, de): (Vec<String>, Vec<String>) = parts.into_iter().unzip();
    html! {
        (t(&format!("Not run: {}.", en.join(", ")), &format!("Nicht gelaufen: {}.", de.join(", "))))
        " "
        a href="#not-tested" { (t("Why", "Warum")) }
    }
}

fn standing(results: &Results) -> Markup {
    let Some(standing) = &results.standing else {
        return html! {};
    };
    let tone = match standing.conformance {
        Conformance::Conformant => "good",
        Conformance::ConformantWithWarnings | Conformance::Partial => "open",
        Conformance::NonConformant => "failed",
    };
    html! {
        div.standing.(tone) {
            strong { (standing.conformance.name()) }
            " "
            (t("in the profile", "im Profil")) " “" (text::line(&standing.title)) "”. "
            (text::line(&standing.why)) " "
            (t(&format!("Decided: {} of {} mandatory cases.", standing.decided, standing.mandatory),
               &format!("Entschieden: {} von {} Pflichtfällen.", standing.decided, standing.mandatory)))
        }
    }
}

fn verdict(results: &Results, failed: &[&Situation<'_>]) -> Markup {
    let cases = results
        .cases
        .iter()
        .filter(|it| Class::of(it) == Class::Failed)
        .count();
    let tally = Tally::of(results);
    html! {
        p.verdict.(if cases > 0 { "failed" } else { "quiet" }) {
            @if cases > 0 {
                (t(&format!("It failed in {} ({}).", text::count(failed.len(), "situation"), text::count(cases, "case")),
                   &format!("Es versagte in {} ({}).", german(failed.len(), "Situation", "Situationen"), german(cases, "Fall", "Fälle"))))
            } @else if tally.decided == 0 {
                (t("Nothing was decided.", "Nichts wurde entschieden."))
            } @else {
                (t("No failure was seen in what was run.", "In dem, was lief, war kein Versagen zu sehen."))
            }
        }
    }
}

pub(super) fn german(n: usize, one: &str, several: &str) -> String {
    format!("{n} {}", if n == 1 { one } else { several })
}

pub(super) const CLASSES: [(Class, &str, &str); 6] = [
    (Class::Failed, "failed", "versagt"),
    (Class::Harness, "spoilt", "verdorben"),
    (Class::Open, "not decided", "nicht entschieden"),
    (Class::Expected, "failed as expected", "erwartet versagt"),
    (Class::Good, "passed or recorded", "bestanden oder vermerkt"),
    (Class::NotRun, "not run", "nicht gelaufen"),
];

fn counts(results: &Results) -> Markup {
    let n = |class: Class| {
        results
            .cases
            .iter()
            .filter(|it| Class::of(it) == class)
            .count()
    };
    let all = results.cases.len().max(1);
    let mut from = 0;
    let parts: Vec<(Class, usize, usize, &str, &str)> = CLASSES
        .into_iter()
        .map(|(class, en, de)| {
            let part = (class, from, n(class), en, de);
            from += part.2;
            part
        })
        .filter(|it| it.2 > 0)
        .collect();
    html! {
        svg.counts viewBox=(format!("0 0 {all} 10")) preserveAspectRatio="none" aria-hidden="true" {
            @for (of, from, n, _, _) in &parts {
                rect.(class(*of)) x=(from) y="0" width=(n) height="10" {}
            }
        }
        ul.legend {
            @for (of, _, n, en, de) in &parts {
                li { span.dot.(class(*of)) {} b { (n) } " " (t(en, de)) }
            }
        }
    }
}

pub(super) const SEVERITIES: [(Severity, &str, &str); 4] = [
    (
        Severity::Critical,
        facts::harm(Severity::Critical),
        "Passwörter oder Post werden preisgegeben, gefälscht oder gehen verloren",
    ),
    (
        Severity::High,
        facts::harm(Severity::High),
        "das Konto funktioniert nicht, oder jemand wird in die Irre geführt",
    ),
    (
        Severity::Medium,
        facts::harm(Severity::Medium),
        "jemand wird belästigt",
    ),
    (
        Severity::Low,
        facts::harm(Severity::Low),
        "kaum jemand merkt es",
    ),
];

pub(super) const fn severity_german(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "kritisch",
        Severity::High => "hoch",
        Severity::Medium => "mittel",
        Severity::Low => "gering",
    }
}

fn severities(failed: &[&Situation<'_>]) -> Markup {
    html! {
        @if !failed.is_empty() {
            ul.severities {
                @for (severity, _, _) in SEVERITIES {
                    @let n = failed.iter().filter(|it| it.severity == severity).count();
                    @if n > 0 {
                        li.(severity.name()) { b { (n) } " " (t(severity.name(), severity_german(severity))) }
                    }
                }
            }
        }
    }
}

fn place(place: &str) -> Markup {
    match place {
        "loopback" => t(
            "on the tester's own machine (loopback)",
            "auf dem Rechner des Prüfers (Loopback)",
        ),
        "lab" => t(
            "in a lab: a network of its own with real ports and names",
            "im Labor: ein eigenes Netz mit echten Ports und Namen",
        ),
        other => html! { (text::line(other)) },
    }
}

fn when(now: &str) -> String {
    let now = text::line(now);
    match (now.get(..10), now.get(11..16)) {
        (Some(day), Some(time)) => format!("{day} {time} UTC"),
        _ => now,
    }
}
