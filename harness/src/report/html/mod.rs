//! `report.html`: one file with everything about one or several runs, which opens without a network.
//!
//! The first part is plain HTML and needs no script: what was tested, the findings, who must act, what was
//! not tested and why. The matrix and the cases are drawn by a small script of our own from JSON inside the page,
//! and foreign text only ever becomes text. A content security policy lets nothing else run or load. Pure.

mod data;
mod findings;
mod lists;
mod overview;
mod page;
mod strings;
pub mod wire;

use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine as _, engine::general_purpose::STANDARD};

pub use wire::Details;

use super::{background::Background, text};
use crate::results::Results;
use data::Data;

const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("script.js");

/// One run in a report.
#[derive(Clone, Copy, Debug)]
pub struct Run<'a> {
    /// What it came to.
    pub results: &'a Results,
    /// What was kept of its records; empty where they are not at hand.
    pub details: &'a Details,
}

impl Run<'_> {
    /// What a person calls the subject, safe to show.
    fn name(&self) -> String {
        let results = self.results;
        let name = if results.subject_title.is_empty() {
            &results.subject
        } else {
            &results.subject_title
        };
        text::line(name)
    }

    /// The subject's version without what it was built with, safe to show.
    fn version(&self) -> String {
        let said = self.results.subject_version.as_deref().unwrap_or_default();
        let line = said.lines().next().unwrap_or_default();
        let short = line.split(" (").next().unwrap_or_default();
        text::cut(&text::line(short), 60)
    }
}

/// What each run is called where there is little room: the subject, and where that is not enough to tell runs
/// apart its version, and then when it was.
fn labels(runs: &[Run<'_>]) -> Vec<String> {
    let ways: [fn(&Run<'_>) -> String; 3] = [
        |run| text::line(&run.results.subject),
        |run| {
            let (subject, version) = (text::line(&run.results.subject), run.version());
            if version.starts_with(&subject) {
                version
            } else {
                format!("{subject} {version}").trim_end().to_owned()
            }
        },
        |run| {
            let when = text::cut(&text::line(&run.results.now), 17);
            format!("{} {}", run.version(), when.trim_end_matches('…'))
        },
    ];
    let all: Vec<Vec<String>> = ways
        .iter()
        .map(|way| runs.iter().map(way).collect())
        .collect();
    (0..runs.len())
        .map(|run| {
            let alone =
                |labels: &&Vec<String>| labels.iter().filter(|it| **it == labels[run]).count() == 1;
            let labels = all.iter().find(alone).or(all.last());
            labels.map_or_else(String::new, |it| it[run].clone())
        })
        .collect()
}

/// Renders the page for the runs, in their order.
///
/// # Errors
/// What the JSON writer says.
pub fn render(runs: &[Run<'_>], background: &Background) -> Result<String, serde_json::Error> {
    let data = Data::of(runs, background);
    let policy = format!(
        "default-src 'none'; script-src '{}'; style-src '{}'; img-src data:; base-uri 'none'; form-action 'none'",
        fingerprint(SCRIPT),
        fingerprint(STYLE)
    );
    page::page(runs, &data, &policy)
}

/// What a policy calls an inline script or style by.
fn fingerprint(text: &str) -> String {
    format!(
        "sha256-{}",
        STANDARD.encode(digest(&SHA256, text.as_bytes()))
    )
}

#[cfg(test)]
mod tests;
