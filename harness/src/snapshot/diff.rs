//! What is different between two transcripts, as a unified diff. Pure.

use std::time::Duration;

use similar::{Algorithm, TextDiff};

use crate::report::text;

/// Lines of a diff that are kept.
const LINES: usize = 400;

/// After so long the diff is as short as it is.
const PATIENCE: Duration = Duration::from_secs(2);

/// The lines that differ with `context` lines around them, without names of files. Safe to show.
pub fn unified(old: &str, new: &str, context: usize) -> String {
    let diff = TextDiff::configure()
        .algorithm(Algorithm::Patience)
        .timeout(PATIENCE)
        .diff_lines(old, new);
    let mut unified = diff.unified_diff();
    let shown = text::block(&unified.context_radius(context).to_string());
    let all = shown.lines().count();
    if all <= LINES {
        return shown;
    }
    let kept: Vec<&str> = shown.lines().take(LINES).collect();
    format!("{}\n ... ({} more lines)\n", kept.join("\n"), all - LINES)
}
