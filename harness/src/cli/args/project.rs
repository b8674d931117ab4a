//! The user's `mailproof.toml`, as several commands ask it.

use std::path::PathBuf;

use clap::{Args, ValueHint};

/// Which file of a project counts.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Project")]
pub struct ProjectArgs {
    /// The project's file [default: mailproof.toml in this folder or the nearest one above that has it]
    ///
    /// What is said on the command line wins over the file, key by key.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, conflicts_with = "no_project")]
    pub project: Option<PathBuf>,
    /// Read no mailproof.toml
    #[arg(long)]
    pub no_project: bool,
}
