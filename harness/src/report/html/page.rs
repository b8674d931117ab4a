//! The page itself: what needs no script, and the blocks of data for what does.
//!
//! Every fixed word is there in English and in German; the style shows one of them.

use std::collections::BTreeMap;

use mailproof_scenarios::model::{Severity, Who};
use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::{
    Run, SCRIPT, STYLE,
    data::{Data, class},
    findings::{Share, Situation, situations},
    labels,
    strings::embedded,
};
use crate::{
    report::{
        facts::{self, repeat_command},
        tally::{Class, Tally},
        text,
    },
    results::{CaseResult, Conformance, Results, Verdict},
};

/// Entries of a list in the part that needs no script.
const ENTRIES: usize = 400;

/// Renders everything.
///
/// # Errors
/// What the JSON writer says.
pub(super) fn page(
    runs: &[Run<'_>],
    data: &Data,
    policy: &str,
) -> Result<String, serde_json::Error> {
    let situations = situations(runs);
    let blocks = blocks(data)?;
    let title = title(runs);
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(policy);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="generator" content=(concat!("mailproof ", env!("CARGO_PKG_VERSION")));
                link rel="icon" href="data:,";
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                a.skip href="#main" { (t("Skip to the content", "Zum Inhalt springen")) }
                (bar())
                main #main tabindex="-1" {
                    div #report {
                        (overview(runs, &situations, &title))
                        (findings(runs, &situations))
                        (who_acts(runs, &situations))
                        (not_tested(runs))
                        (other(runs))
                        (matrix())
                    }
                    article #case hidden {}
                }
                (footer(runs))
                (help())
                (blocks)
                script { (PreEscaped(SCRIPT)) }
            }
        }
    };
    Ok(page.into_string())
}

/// A fixed text in both languages.
fn t(en: &str, de: &str) -> Markup {
    html! {
        span.en lang="en" { (en) }
        span.de lang="de" { (de) }
    }
}

fn title(runs: &[Run<'_>]) -> String {
    match runs {
        [run] => format!("mailproof: {}", run.name()),
        _ => {
            let names: Vec<String> = runs.iter().map(Run::name).collect();
            format!("mailproof: {}", names.join(", "))
        }
    }
}

fn bar() -> Markup {
    html! {
        header.bar {
            span.brand { "mailproof" }
            nav aria-label="Parts of the report" {
                a href="#overview" { (t("Overview", "Überblick")) }
                a href="#findings" { (t("Findings", "Befunde")) }
                a href="#not-tested" { (t("Not tested", "Nicht geprüft")) }
                a href="#matrix" { (t("All cases", "Alle Fälle")) }
            }
            div.controls {
                button #language type="button" aria-label="Deutsch" { "DE" }
                button #theme type="button" aria-label="Dark or light" { "◐" }
                button #print type="button" { (t("Print", "Drucken")) }
                button #keys type="button" aria-label="Keys" { "?" }
            }
        }
    }
}

fn overview(runs: &[Run<'_>], situations: &[Situation<'_>], title: &str) -> Markup {
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

fn german(n: usize, one: &str, several: &str) -> String {
    format!("{n} {}", if n == 1 { one } else { several })
}

const CLASSES: [(Class, &str, &str); 6] = [
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

const SEVERITIES: [(Severity, &str, &str); 4] = [
    (
        Severity::Critical,
        "passwords or mail are exposed, forged or lost",
        "Passwörter oder Post werden preisgegeben, gefälscht oder gehen verloren",
    ),
    (
        Severity::High,
        "the account does not work, or somebody is misled",
        "das Konto funktioniert nicht, oder jemand wird in die Irre geführt",
    ),
    (
        Severity::Medium,
        "somebody is bothered",
        "jemand wird belästigt",
    ),
    (
        Severity::Low,
        "hardly anybody notices",
        "kaum jemand merkt es",
    ),
];

const fn severity_german(severity: Severity) -> &'static str {
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

fn findings(runs: &[Run<'_>], situations: &[Situation<'_>]) -> Markup {
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

fn who_acts(runs: &[Run<'_>], situations: &[Situation<'_>]) -> Markup {
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

fn not_tested(runs: &[Run<'_>]) -> Markup {
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
fn other(runs: &[Run<'_>]) -> Markup {
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

fn matrix() -> Markup {
    html! {
        section #matrix aria-labelledby="matrix-title" {
            h2 #matrix-title { (t("All cases", "Alle Fälle")) }
            noscript { p { "The table of all cases, their transcripts and octets need JavaScript. Everything above does not." } }
            div #table {}
        }
    }
}

fn footer(runs: &[Run<'_>]) -> Markup {
    html! {
        footer {
            p { (t("A case that passed was run beside its control, the same without the deviation, which completed, \
                    and the client was seen to meet the deviation. INCONCLUSIVE means that this was not so, and proves \
                    nothing.",
                   "Ein bestandener Fall lief neben seiner Kontrolle, die ohne die Abweichung dasselbe ist und gelang, und \
                    man sah den Prüfling auf die Abweichung stoßen. INCONCLUSIVE heißt, dass das nicht so war, und beweist \
                    nichts.")) }
            p { "mailproof " (env!("CARGO_PKG_VERSION")) " · " (text::count(runs.len(), "run")) }
        }
    }
}

fn help() -> Markup {
    let keys = [
        ("/", "search", "suchen"),
        ("j k ↓ ↑", "next, previous case", "nächster, voriger Fall"),
        ("Enter", "open the case", "Fall öffnen"),
        ("Esc", "back to the table", "zurück zur Tabelle"),
        ("?", "this help", "diese Hilfe"),
    ];
    html! {
        dialog #help aria-labelledby="help-title" {
            h2 #help-title { (t("Keys", "Tasten")) }
            dl {
                @for (key, en, de) in keys { dt { kbd { (key) } } dd { (t(en, de)) } }
            }
            form method="dialog" { button { (t("Close", "Schließen")) } }
        }
    }
}

fn blocks(data: &Data) -> Result<Markup, serde_json::Error> {
    let mut out = String::new();
    let mut put = |id: &str, json: String| {
        out.push_str(&format!(
            "<script type=\"application/json\" id=\"{id}\">{json}</script>\n"
        ));
    };
    put("index", embedded(&data.index)?);
    put("strings", embedded(data.strings.all())?);
    for (number, case) in data.cases.iter().enumerate() {
        put(&format!("case-{number}"), embedded(case)?);
    }
    for (number, control) in data.controls.iter().enumerate() {
        put(&format!("control-{number}"), embedded(control)?);
    }
    Ok(PreEscaped(out))
}
