//! A trace as a page: every item with the scenarios that show it.

use std::fmt::Write as _;

use super::{Group, Trace};
use crate::report::text;

/// The page.
pub fn markdown(trace: &Trace) -> String {
    let mut out = format!(
        "# What is covered\n\nMade by `mailproof trace --format markdown`; a test compares. {}, {}, {}.\n",
        text::count(trace.scenarios, "scenario"),
        text::count(trace.cases, "case"),
        text::count(trace.clauses.len(), "citation"),
    );
    section(&mut out, "Planned cases", &trace.planned);
    section(
        &mut out,
        "Requirements of the source documents",
        &trace.requirements,
    );
    out.push_str("\n## Clauses\n\n| clause | scenarios |\n| --- | --- |\n");
    for cited in &trace.clauses {
        let scenarios = cited.scenarios.len();
        let _ = writeln!(out, "| {} | {scenarios} |", cell(&cited.citation));
    }
    out
}

fn section(out: &mut String, title: &str, groups: &[Group]) {
    let _ = writeln!(
        out,
        "\n## {title}\n\n| group | there | of |\n| --- | --- | --- |"
    );
    for group in groups {
        let _ = writeln!(
            out,
            "| {} | {} | {} |",
            cell(&group.title),
            group.there(),
            group.items.len()
        );
    }
    let mut missing = groups.iter().flat_map(Group::missing).peekable();
    if missing.peek().is_some() {
        out.push_str("\n### Not there\n\n| what | why |\n| --- | --- |\n");
        for (what, why) in missing {
            let _ = writeln!(
                out,
                "| {} | {} |",
                cell(&what),
                cell(why.unwrap_or("not yet"))
            );
        }
    }
    for group in groups {
        let _ = writeln!(
            out,
            "\n### {}\n\n| id | cases | scenarios |\n| --- | --- | --- |",
            cell(&group.title)
        );
        for item in group.items.iter().filter(|it| it.is_there()) {
            let scenarios: Vec<String> =
                item.scenarios.iter().map(|it| format!("`{it}`")).collect();
            let scenarios = match &scenarios[..] {
                // A planned case is shown by the scenario of its own name.
                [one] if *one == format!("`{}`", item.id) => String::new(),
                several => several.join(", "),
            };
            let _ = writeln!(out, "| {} | {} | {scenarios} |", cell(&item.id), item.cases);
        }
    }
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}
