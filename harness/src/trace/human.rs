//! A trace in a few lines: the numbers, and what is missing.

use std::fmt::Write as _;

use super::{Group, Trace};
use crate::report::text;

/// The numbers of each group, and what is missing, with its reason. Lines are `width` columns long.
pub fn human(trace: &Trace, width: usize) -> String {
    let mut out = format!(
        "{}, {}, {}\n",
        text::count(trace.scenarios, "scenario"),
        text::count(trace.cases, "case"),
        text::count(trace.clauses.len(), "citation"),
    );
    for (title, groups) in [
        ("Planned cases", &trace.planned),
        ("Requirements", &trace.requirements),
    ] {
        let _ = writeln!(out, "\n{title}");
        for group in groups {
            let _ = writeln!(
                out,
                "  {:>4} of {:<4} {}",
                group.there(),
                group.items.len(),
                group.title
            );
        }
    }
    out.push_str(&missing(
        trace.planned.iter().chain(&trace.requirements),
        width,
    ));
    out
}

/// Reasons in full; what only waits is counted, in one line a group.
fn missing<'a>(groups: impl Iterator<Item = &'a Group> + Clone, width: usize) -> String {
    let wrapped = |words: String| text::wrap(&words, width, "  ", "    ") + "\n";
    let mut out = String::new();
    let with_reason = groups
        .clone()
        .flat_map(Group::missing)
        .filter_map(|(what, why)| Some((what, why?)));
    for (index, (what, why)) in with_reason.enumerate() {
        if index == 0 {
            out.push_str("\nNot there, and why\n");
        }
        out.push_str(&wrapped(format!("{what}: {why}")));
    }
    let mut first = true;
    for group in groups {
        let waiting: Vec<String> = group
            .missing()
            .filter(|(_, why)| why.is_none())
            .map(|(what, _)| what)
            .collect();
        if waiting.is_empty() {
            continue;
        }
        if std::mem::take(&mut first) {
            out.push_str("\nNot yet\n");
        }
        out.push_str(&wrapped(format!("{}: {}", group.title, waiting.join(" "))));
    }
    out
}
