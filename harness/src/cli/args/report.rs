//! What is reported and what counts, as several commands ask it.

use std::path::PathBuf;

use clap::{Args, ValueHint};

use crate::{
    exit::{FailOn, Require},
    report::reporter::Format,
};

/// What is reported, and what counts.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Report")]
pub struct ReportArgs {
    /// What goes to standard output
    #[arg(short, long, value_enum, default_value_t)]
    pub format: Format,
    /// Write everything into this folder: results.json, records.ndjson, junit.xml, summary.md, transcripts
    #[arg(short, long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub out: Option<PathBuf>,
    /// Write evidence of each case into this folder: a pcapng file with the TLS keys in it, and the transcript
    ///
    /// Wireshark opens the pcapng files and shows what was said inside TLS. The packets are made from the
    /// chunks that the mock recorded, not captured. They hold the test account's passwords as they went over
    /// the wire: that cannot be masked.
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub evidence: Option<PathBuf>,
    /// Failures that are known: a TOML file with the exact outcome of each, and why
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub expect: Option<PathBuf>,
    /// What else makes the exit code 1, beside broken MUSTs, crashes and hangs [default: must]
    #[arg(long, value_enum, value_delimiter = ',', value_name = "WHAT")]
    pub fail_on: Vec<FailOn>,
    /// Exit with 4 unless so many cases, or all that fit an id pattern, were run to a decision
    #[arg(long, value_name = "N|PATTERN")]
    pub require: Vec<Require>,
    /// Exit with 4 unless the run was in the lab, and say what it lacks; `run` goes into the lab then
    #[arg(
        long,
        value_name = "BOOL",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "true"
    )]
    pub require_lab: Option<bool>,
    /// No progress, and only what is needed: one line for each failure
    #[arg(short, long)]
    pub quiet: bool,
}
