//! The arguments of `snapshot`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueHint};

use super::ProjectArgs;
use crate::{cli::values, select::Glob};

/// `mailproof snapshot`.
#[derive(Clone, Debug, Subcommand)]
pub enum SnapshotCommand {
    /// Compare what a finished run saw with the snapshots
    Check(SnapshotCheckArgs),
    /// Look at each difference and decide
    Review(SnapshotReviewArgs),
    /// Take over what a run saw as the new snapshots
    Accept(SnapshotAcceptArgs),
    /// Remove snapshots of cases that do not exist any more
    Prune(SnapshotPruneArgs),
}

/// Where the snapshots are.
#[derive(Clone, Debug, Args)]
pub struct SnapshotFolder {
    /// The folder of snapshots, in the repository of the client [default: `snapshots` of mailproof.toml]
    #[arg(short, long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub snapshots: Option<PathBuf>,
    /// The user's project.
    #[command(flatten)]
    pub project: ProjectArgs,
}

/// `mailproof snapshot check`.
#[derive(Clone, Debug, Args)]
#[command(after_long_help = "\
Examples:
  mailproof snapshot check report --snapshots tests/mail

The folder is one that `run --out` wrote. What differs is left beside the snapshots as `*.snap.new`, for
`snapshot review` and `snapshot accept`. Exit code 6 where anything differs.")]
pub struct SnapshotCheckArgs {
    /// The folder of a finished run, or the results.json in it
    #[arg(value_name = "RUN", value_hint = ValueHint::AnyPath)]
    pub run: PathBuf,
    /// Where the snapshots are.
    #[command(flatten)]
    pub folder: SnapshotFolder,
    /// Cases without a snapshot are shown, but do not make the exit code 6
    #[arg(long)]
    pub allow_new: bool,
}

/// `mailproof snapshot review`.
#[derive(Clone, Debug, Args)]
#[command(after_long_help = "\
Shows what differs, case by case, and asks. Nothing is decided for a case that is skipped.

Keys:
  a  accept: this is the snapshot from now on
  r  reject: keep the snapshot and forget what the run saw
  s  skip: decide later
  q  quit")]
pub struct SnapshotReviewArgs {
    /// Where the snapshots are.
    #[command(flatten)]
    pub folder: SnapshotFolder,
}

/// `mailproof snapshot accept`.
#[derive(Clone, Debug, Args)]
#[command(after_long_help = "\
Examples:
  mailproof snapshot accept --snapshots tests/mail --all
  mailproof snapshot accept --snapshots tests/mail --new
  mailproof snapshot accept --snapshots tests/mail 'cert/name/*'")]
#[group(id = "what", required = true, multiple = true)]
pub struct SnapshotAcceptArgs {
    /// Cases, as ids, folders or patterns
    #[arg(value_name = "ID", value_parser = values::glob, group = "what")]
    pub ids: Vec<Glob>,
    /// Everything that waits
    #[arg(long, group = "what", conflicts_with_all = ["ids", "new"])]
    pub all: bool,
    /// Only cases without a snapshot
    #[arg(long, group = "what")]
    pub new: bool,
    /// Where the snapshots are.
    #[command(flatten)]
    pub folder: SnapshotFolder,
}

/// `mailproof snapshot prune`.
#[derive(Clone, Debug, Args)]
pub struct SnapshotPruneArgs {
    /// Where the snapshots are.
    #[command(flatten)]
    pub folder: SnapshotFolder,
    /// A folder with scenarios and personas of your own, whose cases exist as well; may be given several times
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub scenarios: Vec<PathBuf>,
    /// Do not ask
    #[arg(short, long)]
    pub yes: bool,
}
