//! One snapshot a scenario with its cases in order, in folders that follow the id.
//!
//! A line that is not marked ended in CRLF; any other end, and every octet that is not printable ASCII, is
//! written out. So nothing is lost where insta compares text.

use std::{
    collections::{BTreeMap, BTreeSet},
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
};

use insta::{Settings, assert_snapshot};

use crate::FIRST;

#[test]
fn every_scenario_has_the_transcripts_that_were_accepted() {
    let scenarios = scenarios();
    let changed: Vec<&str> = scenarios
        .iter()
        .filter(|(id, text)| !is_as_accepted(id, text))
        .map(|(id, _)| id.as_str())
        .collect();
    assert!(
        changed.is_empty(),
        "{} of {} scenarios have other transcripts than were accepted: {}\n\
         Look at the differences above; take them over with INSTA_UPDATE=always.",
        changed.len(),
        scenarios.len(),
        changed.join(", ")
    );
}

#[test]
fn every_snapshot_belongs_to_a_scenario() {
    let scenarios = scenarios();
    let expected: BTreeSet<PathBuf> = scenarios.keys().map(|id| file(id)).collect();
    let mut found = BTreeSet::new();
    walk(&folder(), &mut found);
    let unreferenced: Vec<&PathBuf> = found.difference(&expected).collect();
    assert!(
        unreferenced.is_empty(),
        "snapshots of no scenario, to be deleted: {unreferenced:#?}"
    );
}

/// The transcripts of the cases, by the id of their scenario. Controls are no scenarios: they are in
/// [`super::determinism`].
fn scenarios() -> BTreeMap<String, String> {
    let mut scenarios: BTreeMap<String, String> = BTreeMap::new();
    for (id, came) in FIRST.iter().filter(|(id, _)| !id.starts_with("control/")) {
        let scenario = id.split_once('#').map_or(id.as_str(), |(it, _)| it);
        let text = scenarios.entry(scenario.to_owned()).or_default();
        text.push_str(&format!("=== {id}\n{}\n", came.transcript));
    }
    scenarios
}

fn is_as_accepted(id: &str, text: &str) -> bool {
    let mut settings = Settings::clone_current();
    let (below, name) = id.rsplit_once('/').unwrap_or(("", id));
    settings.set_snapshot_path(folder().join(below));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    let compare = || settings.bind(|| assert_snapshot!(name, text));
    catch_unwind(AssertUnwindSafe(compare)).is_ok()
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("snapshots")
}

fn file(id: &str) -> PathBuf {
    folder().join(format!("{id}.snap"))
}

fn walk(folder: &Path, found: &mut BTreeSet<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return;
    };
    for path in entries.filter_map(|it| Some(it.ok()?.path())) {
        if path.is_dir() {
            walk(&path, found);
        } else if path.extension().is_some_and(|it| it == "snap") {
            found.insert(path);
        }
    }
}
