//! The arguments of `baseline` and of `diff`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum, ValueHint};
use time::Date;

use crate::{cli::values, expected::Range};

/// `mailproof baseline`.
#[derive(Clone, Debug, Subcommand)]
pub enum BaselineCommand {
    /// Name the failures of a run in a file of expected failures
    Write(BaselineWriteArgs),
    /// Tell whether a file of expected failures still holds for a run
    Check(BaselineFileArgs),
    /// Remove entries that no longer hold
    Prune(BaselineFileArgs),
}

/// A run and a file.
#[derive(Clone, Debug, Args)]
#[command(after_long_help = "\
`check` exits with 1 where a failure is not named in the file, and with 5 where nothing is wrong but entries
that are stale, expired or fit no case. `prune` removes those entries, and keeps the comments of the others.")]
pub struct BaselineFileArgs {
    /// The folder of a finished run, or its results.json
    #[arg(value_name = "RUN", value_hint = ValueHint::AnyPath)]
    pub run: PathBuf,
    /// The file of expected failures
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub file: PathBuf,
    /// A folder with scenarios and personas of your own, whose cases exist as well; may be given several times
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub scenarios: Vec<PathBuf>,
}

/// `mailproof baseline write`.
#[derive(Clone, Debug, Args)]
#[command(after_long_help = "\
Examples:
  mailproof baseline write report known.toml --because planned --expires 2027-01-31

Each failure that the file does not name yet gets an entry with its exact outcome and findings. What is in the
file stays: entries, order, comments, reasons.")]
pub struct BaselineWriteArgs {
    /// The run and the file.
    #[command(flatten)]
    pub files: BaselineFileArgs,
    /// Why the new entries are accepted for now [default: which run they are from]
    #[arg(long, value_name = "TEXT")]
    pub because: Option<String>,
    /// Where they are tracked
    #[arg(long, value_name = "URL")]
    pub issue: Option<String>,
    /// The last day on which they hold, as 2027-01-31
    #[arg(long, value_name = "DAY", value_parser = values::day)]
    pub expires: Option<Date>,
    /// The versions of the subject for which they hold, as '>=8.0, <9'
    #[arg(long, value_name = "RANGE", value_parser = Range::parse)]
    pub when: Option<Range>,
}

/// `mailproof diff`.
#[derive(Clone, Debug, Args)]
#[command(after_long_help = "\
Examples:
  mailproof diff main-report report
  mailproof diff main-report report --format markdown > comment.md

Exit code 1 where B fails in a way in which A did not, and which no entry of a file of expected failures named.")]
pub struct DiffArgs {
    /// The earlier run: a folder that `run --out` wrote, or a results.json
    #[arg(value_name = "A", value_hint = ValueHint::AnyPath)]
    pub a: PathBuf,
    /// The later run
    #[arg(value_name = "B", value_hint = ValueHint::AnyPath)]
    pub b: PathBuf,
    /// How the differences are shown
    #[arg(short, long, value_enum, default_value_t)]
    pub format: DiffFormat,
    /// Compare runs of different subjects too
    #[arg(long)]
    pub any_subject: bool,
}

/// How differences are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum DiffFormat {
    /// For people at a terminal.
    #[default]
    Human,
    /// For programs.
    Json,
    /// For a comment on a pull request.
    Markdown,
}
