//! The page itself: what needs no script, and the blocks of data for what does.
//!
//! Every fixed word is there in English and in German; the style shows one of them.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::{
    Run, SCRIPT, STYLE,
    data::Data,
    findings::situations,
    lists::{findings, not_tested, other, who_acts},
    overview::overview,
    strings::embedded,
};
use crate::report::text;

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
pub(super) fn t(en: &str, de: &str) -> Markup {
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
