//! The command line, as clap reads it: one file a command or a group of them. The help texts are here, and they
//! must be true.
//!
//! Must not know what a command does.

mod baseline;
mod bundle;
mod ca;
mod certs;
mod checks;
mod library;
mod page;
mod project;
mod reach;
mod rejudge;
mod report;
mod run;
mod select;
mod serve;
mod snapshot;

use clap::{Args, Parser, Subcommand, builder::styling};

pub use baseline::*;
pub use bundle::*;
pub use ca::*;
pub use certs::*;
pub use checks::*;
pub use library::*;
pub use page::*;
pub use project::*;
pub use reach::*;
pub use rejudge::*;
pub use report::*;
pub use run::*;
pub use select::*;
pub use serve::*;
pub use snapshot::*;

const STYLES: styling::Styles = styling::Styles::styled()
    .header(styling::AnsiColor::Yellow.on_default().bold())
    .usage(styling::AnsiColor::Yellow.on_default().bold())
    .literal(styling::AnsiColor::Green.on_default())
    .placeholder(styling::AnsiColor::Cyan.on_default());

/// Proves how a mail client behaves when mail goes wrong.
///
/// mailproof puts a mail client in front of SMTP and IMAP servers that do everything right except for one
/// thing, and says from what went over the wire whether the client coped.
#[derive(Debug, Parser)]
#[command(
    name = "mailproof",
    version,
    styles = STYLES,
    max_term_width = 100,
    arg_required_else_help = true,
    propagate_version = true,
    disable_help_subcommand = true,
    after_long_help = "\
Examples:
  mailproof run                              the built-in client against everything
  mailproof run curl --include 'cert/*'      curl against wrong certificates
  mailproof explain smtp/starttls/injection-after-220
  mailproof run ./my-client.toml --out report --format junit > junit.xml

Exit codes:
    0  everything came out as expected
    1  a verdict that nobody expected
    2  the command line or a file is wrong
    3  the environment or mailproof itself failed
    4  nothing was run to a decision, or less than the profile, --require or --require-lab demands
    5  nothing is wrong but entries of the expected-failures file that no longer hold
    6  nothing is wrong, but transcripts differ from their snapshots
  130  interrupted; what had finished is kept

Colours follow NO_COLOR."
)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run cases against a client and report what it did
    Run(Box<RunArgs>),
    /// List the cases
    List(ListArgs),
    /// Print the file of a scenario and the cases it expands to
    Show(ShowArgs),
    /// Tell in plain words what a case does, why, and what a good client does
    Explain(ShowArgs),
    /// Keep one misbehaving server running, for a client that a person operates
    Serve(ServeArgs),
    /// Check an adapter before its verdicts are trusted
    Doctor(DoctorArgs),
    /// Show that the cases catch what they should: run them against clients with known mistakes
    Selftest(SelftestArgs),
    /// Check scenario and persona files
    Lint(LintArgs),
    /// Tell which planned cases, requirements and clauses the scenarios cover, and what is missing
    Trace(TraceArgs),
    /// Print the JSON Schema of scenario files, for editors
    Schema,
    /// Judge a finished run again from its records, without the client
    Rejudge(RejudgeArgs),
    /// Make the page for a browser, or another report, of one or several runs that are over
    Report(PageArgs),
    /// Pack a finished run into one signed file
    Bundle(PackArgs),
    /// Check a bundle: signature, hashes, and every verdict again from its records
    Verify(VerifyArgs),
    /// Work with keys that sign bundles
    #[command(subcommand)]
    Key(KeyCommand),
    /// Keep the file of expected failures
    #[command(subcommand)]
    Baseline(BaselineCommand),
    /// Tell what is different between two runs
    Diff(DiffArgs),
    /// Keep what the client does on the wire in your repository, and decide when it changes
    #[command(subcommand)]
    Snapshot(SnapshotCommand),
    /// Work with the test certificates
    #[command(subcommand)]
    Certs(CertsCommand),
    /// Work with a test authority that stays
    #[command(subcommand)]
    Ca(CaCommand),
    /// Print completions for a shell
    Completions(CompletionsArgs),
    /// One process that runs cases for another one
    #[command(hide = true)]
    Worker(WorkerArgs),
}

/// `mailproof completions`.
#[derive(Clone, Debug, Args)]
pub struct CompletionsArgs {
    /// The shell
    pub shell: clap_complete::Shell,
}
