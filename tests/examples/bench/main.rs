//! Measures mailproof as ratios against peers in the same run, and says what it aims at.
//!
//! `cargo run --release --example bench -p mailproof-tests`, with a word behind `--` for the parts that have it
//! in their names. Never fails because a machine is slow: numbers
//! are for people. Must not know how what it measures is made.

mod certs;
mod clients;
mod cpu;
mod handshakes;
mod idle;
mod mock;
mod own;
mod smtp;
mod start;
mod tls;

use std::{
    io::{self, Write as _},
    path::Path,
};

type Outcome = Result<String, String>;

/// What is measured, what is aimed at, and how.
type Part = (&'static str, &'static str, fn() -> Outcome);

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [first, folder] = &arguments[..]
        && first == own::ARGUMENT
    {
        if let Err(why) = own::serve(Path::new(folder)) {
            say(&why);
        }
        return;
    }
    let parts: [Part; 9] = [
        ("curl by mailproof / bare curl", "<= 1.15", clients::ratio),
        ("CPU per case, embedded", "< 5 ms", cpu::per_case),
        ("a world from start to listening", "< 20 ms", start::world),
        (
            "the program from start to listening",
            "< 20 ms",
            start::program,
        ),
        ("messages per second / smtp-sink", "a ratio", smtp::ratio),
        (
            "all certificate chains forged",
            "once for a run",
            certs::all,
        ),
        (
            "TLS 1.3 handshakes per second / openssl s_server, one client",
            ">= 1.0",
            handshakes::one_client,
        ),
        (
            "TLS 1.3 handshakes per second / openssl s_server (serves one at a time), four clients",
            ">= 1.0",
            handshakes::four_clients,
        ),
        (
            "memory of an idle TLS connection",
            "10,000 held",
            idle::memory,
        ),
    ];
    if cfg!(debug_assertions) {
        say("This is a debug build: the numbers say nothing. Use --release.");
    }
    let wanted = |what: &str| arguments.is_empty() || arguments.iter().any(|it| what.contains(it));
    for (what, aim, measure) in parts.into_iter().filter(|it| wanted(it.0)) {
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
