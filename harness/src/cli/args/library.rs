//! The arguments of the commands that only read scenarios.

use std::path::PathBuf;

use clap::{Args, ValueEnum, ValueHint};

use super::{ProjectArgs, SelectArgs};

/// `mailproof list`.
#[derive(Clone, Debug, Args)]
#[command(after_long_help = "\
Examples:
  mailproof list -i severity:critical
  mailproof list -i 'clause:RFC 3207' --format json
  mailproof list --edition                     the hash of the frozen set
  mailproof list --profile submission-client")]
pub struct ListArgs {
    /// Which cases.
    #[command(flatten)]
    pub select: SelectArgs,
    /// List the cases that a profile names, by its name or its file
    #[arg(long, value_name = "NAME|FILE", conflicts_with_all = ["personas", "profiles"])]
    pub profile: Option<String>,
    /// List the profiles instead: what is mandatory for which sort of product
    #[arg(long, conflicts_with = "personas")]
    pub profiles: bool,
    /// List the personas instead: the server products that the mocks can play
    #[arg(long)]
    pub personas: bool,
    /// Print the edition of the cases instead: a name for the set, and a hash that is the same wherever the
    /// same cases are
    #[arg(long, conflicts_with = "personas")]
    pub edition: bool,
    /// A table, or a JSON array with everything about each case
    #[arg(short, long, value_enum, default_value_t)]
    pub format: ListFormat,
}

/// How a list is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum ListFormat {
    /// A table for people
    #[default]
    Human,
    /// A JSON array
    Json,
}

/// `mailproof show` and `mailproof explain`.
#[derive(Clone, Debug, Args)]
pub struct ShowArgs {
    /// The id of a scenario, or of one of its cases: `cert/trust/self-signed`, `…#imap-implicit`
    pub id: String,
    /// Your own scenarios and personas, beside those that are built in; may be given several times
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub scenarios: Vec<PathBuf>,
    /// The user's project.
    #[command(flatten)]
    pub project: ProjectArgs,
}

/// `mailproof lint`.
#[derive(Clone, Debug, Args)]
pub struct LintArgs {
    /// Files and folders; without any, what is built in
    #[arg(value_hint = ValueHint::AnyPath)]
    pub paths: Vec<PathBuf>,
    /// The user's project.
    #[command(flatten)]
    pub project: ProjectArgs,
}

/// `mailproof trace`.
#[derive(Clone, Debug, Args)]
#[command(after_long_help = "\
Examples:
  mailproof trace
  mailproof trace --format markdown > docs/coverage.md")]
pub struct TraceArgs {
    /// Numbers and what is missing, a page with everything, or JSON with everything
    #[arg(short, long, value_enum, default_value_t)]
    pub format: TraceFormat,
    /// Your own scenarios and personas, beside those that are built in; may be given several times
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub scenarios: Vec<PathBuf>,
    /// The user's project.
    #[command(flatten)]
    pub project: ProjectArgs,
}

/// How a trace is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum TraceFormat {
    /// Numbers, and what is missing
    #[default]
    Human,
    /// A page: every item with its scenarios
    Markdown,
    /// The same as JSON
    Json,
}
