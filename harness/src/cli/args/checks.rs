//! The arguments of the commands that check mailproof and its adapters.

use std::{num::NonZeroUsize, time::Duration};

use clap::{Args, ValueHint};

use super::{ProjectArgs, SelectArgs};
use crate::units;

/// `mailproof doctor`.
#[derive(Clone, Debug, Args)]
#[command(after_long_help = "\
Examples:
  mailproof doctor curl
  mailproof doctor ./crm.toml --timeout 5s
  mailproof doctor --lab

An adapter is usable when the client completes every declared job with every declared setting while nothing
is wrong, and never says success where nothing happened. That a client is weak is told as well, and makes
no adapter unusable. The exit code is 0 for a usable adapter, 1 for another one, 3 where the program is
missing. With --lab alone every thing that a lab needs is tried on this machine: 0 where the lab is
complete, 3 where something is missing.")]
pub struct DoctorArgs {
    /// The name of a built-in adapter, or the path of an adapter file. Without it the adapter of the project's
    /// file is checked; without it and with --lab, the lab itself
    #[arg(value_hint = ValueHint::FilePath)]
    pub adapter: Option<String>,
    /// How long the client is told to wait for the network, as `10s`
    #[arg(long, value_name = "TIME", value_parser = units::duration)]
    pub timeout: Option<Duration>,
    /// Check it in namespaces of its own, as `run --lab` does (Linux)
    #[arg(long)]
    pub lab: bool,
    /// The user's project.
    #[command(flatten)]
    pub project: ProjectArgs,
}

/// `mailproof selftest`.
#[derive(Clone, Debug, Args)]
pub struct SelftestArgs {
    /// Which cases.
    #[command(flatten)]
    pub select: SelectArgs,
    /// Every mistake against every case, not only those that a case must catch
    #[arg(long)]
    pub full: bool,
    /// How many cases at once [default: as many as there are processors]
    #[arg(short, long, value_name = "N")]
    pub jobs: Option<NonZeroUsize>,
    /// Where the values that are fresh for each case come from [default: another one each time]
    #[arg(long, value_name = "N", value_parser = units::seed)]
    pub seed: Option<u64>,
    /// Run in namespaces of their own: registered ports, real names, and no way out (Linux)
    #[arg(long)]
    pub lab: bool,
    /// No progress, and only what is wrong
    #[arg(short, long)]
    pub quiet: bool,
}
