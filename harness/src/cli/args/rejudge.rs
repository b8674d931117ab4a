//! The arguments of `rejudge`.

use std::path::PathBuf;

use clap::{Args, ValueHint};

use super::{ProjectArgs, ReportArgs};

/// `mailproof rejudge`.
#[derive(Clone, Debug, Args)]
#[command(after_long_help = "\
The folder is one that `run --out` wrote. Its records are read and never changed; with --out the new
reports are written, into the same folder or another one.")]
pub struct RejudgeArgs {
    /// The folder with records.ndjson
    #[arg(value_hint = ValueHint::DirPath)]
    pub dir: PathBuf,
    /// Judge by this profile, by its name or its file, instead of the one that the run was for
    #[arg(long, value_name = "NAME|FILE")]
    pub profile: Option<String>,
    /// What is reported.
    #[command(flatten)]
    pub report: ReportArgs,
    /// The user's project.
    #[command(flatten)]
    pub project: ProjectArgs,
}
