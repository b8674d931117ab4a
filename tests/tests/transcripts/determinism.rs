//! Same cases, same transcripts, same verdicts: from run to run and from seed to seed.

use std::io::{self, Write as _};

use mailproof_tests::embedded::{Came, Run, everything};

use crate::{FIRST, SEED};

/// How many runs are compared in all. `MAILPROOF_REPEATS=20` for a long look.
const REPEATS: &str = "MAILPROOF_REPEATS";

#[test]
fn runs_with_the_same_seed_are_equal() {
    let repeats: usize = match std::env::var(REPEATS) {
        Ok(text) => text.parse().expect("a number"),
        Err(_) => 2,
    };
    let mut all = Vec::new();
    for repeat in 2..=repeats {
        let differences = differences(&FIRST, &everything(SEED));
        let found = differences.len();
        let _ = writeln!(
            io::stderr(),
            "run {repeat} of {repeats}: {found} differences"
        );
        all.extend(
            differences
                .into_iter()
                .map(|it| format!("run {repeat}: {it}")),
        );
    }
    assert!(all.is_empty(), "{}", all.join("\n"));
}

#[test]
fn a_run_with_another_seed_is_equal_but_for_what_is_fresh() {
    let differences = differences(&FIRST, &everything(0xdead_beef));
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

fn differences(one: &Run, other: &Run) -> Vec<String> {
    let ids = |run: &Run| run.keys().cloned().collect::<Vec<_>>();
    let mut found = Vec::new();
    if ids(one) != ids(other) {
        found.push("the cases are others".to_owned());
    }
    for (id, came) in one {
        if let Some(second) = other.get(id).filter(|it| *it != came) {
            found.push(difference(id, came, second));
        }
    }
    found
}

fn difference(id: &str, one: &Came, other: &Came) -> String {
    let verdict = |came: &Came| format!("{} {:?}", came.verdict.name(), came.broken);
    let mut text = format!("{id}: {}", verdict(one));
    if verdict(one) != verdict(other) {
        text.push_str(&format!(", then {}", verdict(other)));
    }
    if one.transcript != other.transcript {
        let lines = pretty_assertions::StrComparison::new(&one.transcript, &other.transcript);
        text.push_str(&format!("\n{lines}"));
    }
    text
}
