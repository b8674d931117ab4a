//! A difference for people, for programs and for a comment on a pull request. Pure; everything foreign is made
//! visible first.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};

use super::{Changed, Difference};
use crate::{report::text, results::Verdict};

const BAD: Style = AnsiColor::Red.on_default().bold();
const GOOD: Style = AnsiColor::Green.on_default().bold();
const ODD: Style = AnsiColor::Yellow.on_default().bold();

/// Lines of a list in Markdown; comments have a limit.
const FOLDED: usize = 50;

struct Section<'a> {
    title: &'static str,
    style: Style,
    cases: &'a [Changed],
}

fn sections(difference: &Difference) -> [Section<'_>; 6] {
    let section = |title, style, cases| Section {
        title,
        style,
        cases,
    };
    [
        section("New failures", BAD, &difference.new_failures[..]),
        section(
            "New failures that were expected",
            ODD,
            &difference.expected_failures,
        ),
        section("No longer run", ODD, &difference.no_longer_run),
        section("Changed", ODD, &difference.changed),
        section("Fixed", GOOD, &difference.fixed),
        section("Now run", GOOD, &difference.now_run),
    ]
}

fn verdicts(it: &Changed) -> String {
    let name = |verdict: Option<Verdict>| verdict.map_or("-", Verdict::name);
    format!("{} → {}", name(it.before), name(it.after))
}

/// The first line of every form.
fn summary(difference: &Difference) -> String {
    let mut parts = vec![text::count(difference.new_failures.len(), "new failure")];
    for (n, what) in [
        (difference.fixed.len(), "fixed"),
        (difference.changed.len(), "changed"),
        (difference.no_longer_run.len(), "no longer run"),
        (difference.now_run.len(), "now run"),
    ] {
        if n > 0 {
            parts.push(format!("{n} {what}"));
        }
    }
    parts.join(", ")
}

/// For a terminal, with ANSI styles.
pub fn human(difference: &Difference) -> String {
    let mut out = format!(
        "{}\nA: {}\nB: {}\n",
        summary(difference),
        text::line(&difference.a),
        text::line(&difference.b)
    );
    for note in &difference.notes {
        let _ = writeln!(out, "{ODD}note{ODD:#}: {}", text::line(note));
    }
    for Section {
        title,
        style,
        cases,
    } in sections(difference)
    {
        if cases.is_empty() {
            continue;
        }
        let _ = writeln!(out, "\n{style}{title}: {}{style:#}", cases.len());
        for it in cases {
            let why = text::line(&it.why);
            let _ = writeln!(out, "  {} {}: {why}", verdicts(it), text::line(&it.id));
        }
    }
    match difference.transcripts.as_deref() {
        None => out.push_str("\nTranscripts were not compared: a run has none that can be.\n"),
        Some([]) => {}
        Some(ids) => {
            let _ = writeln!(
                out,
                "\n{ODD}Something else on the wire: {}{ODD:#}",
                ids.len()
            );
            for id in ids {
                let _ = writeln!(out, "  {}", text::line(id));
            }
        }
    }
    out
}

/// For programs.
///
/// # Errors
/// What the JSON writer says.
pub fn json(difference: &Difference) -> Result<String, serde_json::Error> {
    let mut text = serde_json::to_string_pretty(difference)?;
    text.push('\n');
    Ok(text)
}

/// For a comment on a pull request.
pub fn markdown(difference: &Difference) -> String {
    let mut out = format!(
        "### mailproof: {}\n\nBefore: {}  \nNow: {}\n",
        summary(difference),
        code(&difference.a),
        code(&difference.b)
    );
    for note in &difference.notes {
        let _ = writeln!(out, "\n> {}", code(note));
    }
    for Section { title, cases, .. } in sections(difference) {
        if cases.is_empty() {
            continue;
        }
        let _ = writeln!(
            out,
            "\n#### {title}: {}\n\n| case | before → now | what |\n| --- | --- | --- |",
            cases.len()
        );
        for it in cases.iter().take(FOLDED) {
            let _ = writeln!(
                out,
                "| {} | {} | {} |",
                code(&it.id),
                verdicts(it),
                code(&it.why)
            );
        }
        more(&mut out, cases.len());
    }
    if let Some(ids @ [_, ..]) = difference.transcripts.as_deref() {
        let _ = writeln!(out, "\n#### Something else on the wire: {}\n", ids.len());
        for id in ids.iter().take(FOLDED) {
            let _ = writeln!(out, "- {}", code(id));
        }
        more(&mut out, ids.len());
    }
    out
}

fn more(out: &mut String, all: usize) {
    if all > FOLDED {
        let _ = writeln!(out, "\n… and {} more", all - FOLDED);
    }
}

/// Foreign text in a code span, in which nothing is markup; also in a cell of a table.
fn code(foreign: &str) -> String {
    let shown = text::line(foreign).replace('`', "ˋ").replace('|', "¦");
    format!("`{}`", if shown.is_empty() { " " } else { &shown })
}
