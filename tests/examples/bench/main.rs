//! Measures mailproof as ratios against peers in the same run, and says what it aims at.
//!
//! `cargo run --release --example bench -p mailproof-tests`. Never fails because a machine is slow: numbers
//! are for people. Must not know how what it measures is made.

mod clients;
mod cpu;
mod mock;
mod smtp;
mod start;

use std::io::{self, Write as _};

type Outcome = Result<String, String>;

/// What is measured, what is aimed at, and how.
type Part = (&'static str, &'static str, fn() -> Outcome);

fn main() {
    let parts: [Part; 5] = [
        ("curl by mailproof / bare curl", "<= 1.15", clients::ratio),
        ("CPU per case, embedded", "< 5 ms", cpu::per_case),
        ("a world from start to listening", "< 20 ms", start::world),
        (
            "the program from start to listening",
            "< 20 ms",
            start::program,
        ),
        ("messages per second / smtp-sink", "a ratio", smtp::ratio),
    ];
    if cfg!(debug_assertions) {
        say("This is a debug build: the numbers say nothing. Use --release.");
    }
    for (what, aim, measure) in parts {
        match measure() {
            Ok(found) => say(&format!("{what} (aim {aim}): {found}")),
            Err(why) => say(&format!("{what}: skipped: {why}")),
        }
    }
}

fn say(line: &str) {
    let _ = writeln!(io::stdout(), "{line}");
}

/// The one in the middle.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
