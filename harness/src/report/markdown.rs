//! The short summary for the job page of a CI system, in GitHub's flavour of Markdown.
//!
//! Pure. Must not know where the page goes.

use std::fmt::Write as _;

use super::{
    facts::{clause, clause_level, failures, repeat_command, warned},
    tally::{Class, Tally},
    text,
};
use crate::{
    exit::Decision,
    profile,
    results::{CaseResult, Results},
};

/// Rows of a table; CI systems cut long pages off without a word.
const ROWS: usize = 50;

/// Renders the page.
pub fn render(results: &Results, decision: &Decision) -> String {
    let tally = Tally::of(results);
    let mut page = String::new();
    let _ = writeln!(page, "{}\n", escape(&tally.first_line()));
    let _ = writeln!(
        page,
        "**{}** (exit code {}) · {} · {} · seed {}\n",
        escape(&decision.why),
        decision.exit.code(),
        escape(
            results
                .subject_version
                .as_deref()
                .unwrap_or(&results.subject)
        ),
        escape(&results.place),
        results.seed,
    );
    if let Some(line) = profile::line(results) {
        let _ = writeln!(page, "{}\n", escape(&line));
    }
    failures_table(&mut page, results);
    let class = |class: Class| -> Vec<&CaseResult> {
        results
            .cases
            .iter()
            .filter(|it| Class::of(it) == class)
            .collect()
    };
    reasons_table(
        &mut page,
        "Spoilt by the harness",
        &class(Class::Harness),
        reason,
    );
    reasons_table(&mut page, "Not decided", &class(Class::Open), reason);
    reasons_table(
        &mut page,
        "Failed as expected",
        &class(Class::Expected),
        because,
    );
    if !results.stale.is_empty() {
        let _ = writeln!(page, "### Expected failures that no longer hold\n");
        for entry in results.stale.iter().take(ROWS) {
            let _ = writeln!(page, "- {}", escape(entry));
        }
        page.push('\n');
    }
    let counts = tally.counts();
    if !counts.is_empty() {
        let _ = writeln!(page, "{counts}");
    }
    let warned = warned(results);
    if warned > 0 {
        let _ = writeln!(
            page,
            "\n{} passed but missed a SHOULD.",
            text::count(warned, "case")
        );
    }
    page
}

fn failures_table(page: &mut String, results: &Results) {
    let failures = failures(results);
    if failures.is_empty() {
        return;
    }
    let _ = writeln!(page, "### {} failed\n", failures.len());
    let _ = writeln!(page, "| verdict | severity | case | what happened | rule |");
    let _ = writeln!(page, "| --- | --- | --- | --- | --- |");
    for case in failures.iter().take(ROWS) {
        let level = clause_level(case).map_or("", |it| it.name());
        let clause = clause(case).unwrap_or_default();
        let _ = writeln!(
            page,
            "| {} | {} | {} | {} | {} |",
            case.judgement.verdict.name(),
            case.severity,
            code(&case.id),
            escape(&case.judgement.reason),
            escape(format!("{level} {clause}").trim()),
        );
    }
    page.push('\n');
    more(page, failures.len());
    if let Some(first) = failures.first() {
        let command = text::line(&repeat_command(results, first));
        let _ = writeln!(page, "To see the first again:\n\n{}\n", fenced(&command));
    }
}

fn reasons_table(
    page: &mut String,
    title: &str,
    cases: &[&CaseResult],
    why: fn(&CaseResult) -> &str,
) {
    if cases.is_empty() {
        return;
    }
    let _ = writeln!(
        page,
        "<details><summary>{title}: {}</summary>\n",
        cases.len()
    );
    let _ = writeln!(page, "| verdict | case | why |\n| --- | --- | --- |");
    for case in cases.iter().take(ROWS) {
        let verdict = case.judgement.verdict.name();
        let _ = writeln!(
            page,
            "| {verdict} | {} | {} |",
            code(&case.id),
            escape(why(case))
        );
    }
    page.push('\n');
    more(page, cases.len());
    let _ = writeln!(page, "</details>\n");
}

fn reason(case: &CaseResult) -> &str {
    &case.judgement.reason
}

fn because(case: &CaseResult) -> &str {
    case.expected.as_deref().unwrap_or_default()
}

fn more(page: &mut String, all: usize) {
    if all > ROWS {
        let _ = writeln!(page, "… and {} more\n", all - ROWS);
    }
}

/// Foreign text as text: no markup, no links, no mentions, no end of a table's cell.
fn escape(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    for c in text::line(value).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '@' => out.push_str("&#64;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' | '#' | '!' => {
                out.push('\\');
                out.push(c);
            }
            _ => out.push(c),
        }
    }
    // Bare addresses become links by themselves.
    out.replace("://", "&#58;//")
}

/// Foreign text as code within a table. Entities work inside the element, but not inside backticks.
fn code(value: &str) -> String {
    format!("<code>{}</code>", escape(value))
}

/// A block of code whose fence the text cannot close.
fn fenced(value: &str) -> String {
    let longest = value.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat((longest + 1).max(3));
    format!("{fence}sh\n{value}\n{fence}")
}

#[cfg(test)]
mod tests {
    use test_case::test_case;

    use super::*;
    use crate::{
        exit::{Demands, decide},
        report::sample,
    };

    #[test]
    fn everything_at_once() {
        let results = sample::hostile();
        let decision = decide(&results, &Demands::default());
        insta::assert_snapshot!(render(&results, &decision));
    }

    #[test_case("a|b" => r"a\|b"; "cell")]
    #[test_case("<img src=x> @team" => "&lt;img src=x&gt; &#64;team"; "html and mentions")]
    #[test_case("[x](http://y)" => r"\[x\](http&#58;//y)"; "link")]
    #[test_case("a\n\n# b" => r"a\\n\\n\# b"; "line feeds")]
    fn is_text(value: &str) -> String {
        escape(value)
    }

    #[test]
    fn no_fence_is_closed_from_within() {
        assert_eq!(fenced("a ```` b"), "`````sh\na ```` b\n`````");
    }
}
