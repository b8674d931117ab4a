//! The arguments of `run` and of its workers.

use std::{num::NonZeroUsize, time::Duration};

use clap::{Args, ValueHint};

use super::{BundleArgs, ReportArgs, SelectArgs};
use crate::{select::Shard, units};

/// `mailproof run`.
#[derive(Clone, Debug, Args)]
#[command(after_long_help = "\
Examples:
  mailproof run                                   the built-in client against everything
  mailproof run curl -i 'smtp/**' -x tag:slow     a part of the cases
  mailproof run ./crm.toml --lab                  with real ports and names
  mailproof run ./crm.toml --expect known.toml --fail-on should --require 200
  mailproof run curl --shard 2/5 --out report     one of five machines

The seed makes user names, passwords and Message-IDs; the same seed gives the same transcripts.")]
pub struct RunArgs {
    /// The client: the name of a built-in adapter, or the path of an adapter file. Without it, the client
    /// that is built into mailproof
    #[arg(value_hint = ValueHint::FilePath)]
    pub adapter: Option<String>,
    /// Which cases.
    #[command(flatten)]
    pub select: SelectArgs,
    /// Judge the subject by a profile, by its name or its file: its cases are run unless --include says
    /// otherwise, and the report says how the subject stands
    #[arg(long, value_name = "NAME|FILE", help_heading = "Which cases")]
    pub profile: Option<String>,
    /// Run one part of the cases, as `2/5`; which part a case is in depends on its id only
    #[arg(long, value_name = "I/N", help_heading = "Which cases")]
    pub shard: Option<Shard>,
    /// How many cases at once [default: as many as there are processors]
    #[arg(short, long, value_name = "N", help_heading = "How to run")]
    pub jobs: Option<NonZeroUsize>,
    /// Where the values that are fresh for each case come from [default: another one each time, shown in
    /// the report]
    #[arg(long, value_name = "N", value_parser = units::seed, help_heading = "How to run")]
    pub seed: Option<u64>,
    /// Run in namespaces of their own: registered ports, real names, and no way out (Linux); `--lab=false`
    /// does not, whatever the project's file says
    #[arg(
        long,
        value_name = "BOOL",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "true",
        help_heading = "How to run"
    )]
    pub lab: Option<bool>,
    /// How long the client is told to wait for the network, as `10s` or `500ms`, instead of what its
    /// adapter says
    #[arg(long, value_name = "TIME", value_parser = units::duration, help_heading = "How to run")]
    pub timeout: Option<Duration>,
    /// What is reported.
    #[command(flatten)]
    pub report: ReportArgs,
    /// What is packed.
    #[command(flatten)]
    pub bundle: BundleArgs,
}

/// `mailproof worker`.
#[derive(Clone, Debug, Args)]
pub struct WorkerArgs {
    /// Inside a lab.
    #[arg(long)]
    pub lab: bool,
    /// Only show that the lab can be entered.
    #[arg(long)]
    pub probe: bool,
    /// Only try everything that a lab needs, and tell it line by line.
    #[arg(long)]
    pub examine: bool,
}
