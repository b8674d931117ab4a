//! The command line, as clap reads it. The help texts are here, and they must be true.
//!
//! Must not know what a command does.

use std::{num::NonZeroUsize, path::PathBuf, time::Duration};

use clap::{Args, Parser, Subcommand, ValueEnum, ValueHint, builder::styling};

use super::values;
use crate::{
    exit::Require,
    report::reporter::Format,
    select::{Matcher, Shard},
};

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
    4  nothing was run to a decision, or less than --require demands
    5  nothing is wrong but entries of the expected-failures file that no longer hold
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
    Run(RunArgs),
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
    /// Work with the test certificates
    #[command(subcommand)]
    Certs(CertsCommand),
    /// Print completions for a shell
    Completions(CompletionsArgs),
    /// One process that runs cases for another one
    #[command(hide = true)]
    Worker(WorkerArgs),
}

/// Which cases.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Which cases")]
pub struct SelectArgs {
    /// Only cases that fit; may be given several times, one of them must fit
    ///
    /// An id or a pattern for ids: `smtp/**`, `cert/*`, `*#imap-*`, `smtp/starttls` (everything below). Or a
    /// property: `tag:NAME`, `clause:"RFC 5321"`, `severity:critical`, `covers:TLSI-1`, `kind:survey`,
    /// `needs:ports`.
    #[arg(short, long, value_name = "PATTERN")]
    pub include: Vec<Matcher>,
    /// Leave out cases that fit; same patterns
    #[arg(short = 'x', long, value_name = "PATTERN")]
    pub exclude: Vec<Matcher>,
    /// Your own scenarios and personas, beside those that are built in
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub scenarios: Option<PathBuf>,
}

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
    /// What else makes the exit code 1, beside broken MUSTs, crashes and hangs
    #[arg(
        long,
        value_enum,
        value_delimiter = ',',
        default_value = "must",
        value_name = "WHAT"
    )]
    pub fail_on: Vec<FailOn>,
    /// Exit with 4 unless so many cases, or all that fit an id pattern, were run to a decision
    #[arg(long, value_name = "N|PATTERN", value_parser = values::require)]
    pub require: Vec<Require>,
    /// No progress, and only what is needed: one line for each failure
    #[arg(short, long)]
    pub quiet: bool,
}

/// What makes a run fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum FailOn {
    /// Broken MUSTs, security holes, crashes and hangs; always on
    Must,
    /// Missed SHOULDs as well
    Should,
    /// Cases without a decision (INCONCLUSIVE, REVIEW) as well
    Inconclusive,
}

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
    /// Run one part of the cases, as `2/5`; which part a case is in depends on its id only
    #[arg(long, value_name = "I/N", help_heading = "Which cases")]
    pub shard: Option<Shard>,
    /// How many cases at once [default: as many as there are processors]
    #[arg(short, long, value_name = "N", help_heading = "How to run")]
    pub jobs: Option<NonZeroUsize>,
    /// Where the values that are fresh for each case come from [default: another one each time, shown in
    /// the report]
    #[arg(long, value_name = "N", value_parser = values::seed, help_heading = "How to run")]
    pub seed: Option<u64>,
    /// Run in namespaces of their own: registered ports, real names, and no way out (Linux)
    #[arg(long, help_heading = "How to run")]
    pub lab: bool,
    /// How long the client is told to wait for the network, as `10s` or `500ms`, instead of what its
    /// adapter says
    #[arg(long, value_name = "TIME", value_parser = values::duration, help_heading = "How to run")]
    pub timeout: Option<Duration>,
    /// What is reported.
    #[command(flatten)]
    pub report: ReportArgs,
}

/// `mailproof list`.
#[derive(Clone, Debug, Args)]
#[command(after_long_help = "\
Examples:
  mailproof list -i severity:critical
  mailproof list -i 'clause:RFC 3207' --format json")]
pub struct ListArgs {
    /// Which cases.
    #[command(flatten)]
    pub select: SelectArgs,
    /// List the personas instead: the server products that the mocks can play
    #[arg(long)]
    pub personas: bool,
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
    /// Your own scenarios and personas, beside those that are built in
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub scenarios: Option<PathBuf>,
}

/// `mailproof serve`.
#[derive(Clone, Debug, Args)]
#[command(after_long_help = "\
Examples:
  mailproof serve smtp/starttls/injection-after-220 --seed 7 --control
  mailproof serve smtp/starttls/injection-after-220 --seed 7
  mailproof serve postfix

The ports, the user, the password and the test authority to trust are printed when the server is up, then
everything that the client does. It listens on this machine only. Ctrl-C ends it, and for a case the verdict
follows: 0 for PASS, RECORDED and REVIEW, 4 where nothing can be said, 1 for everything worse.

What the client tells its user cannot be heard, so the person who operates it is asked. Serve a case with
--control first: a client that does not manage undisturbed proves nothing. The same seed keeps the account;
ports and certificates are fresh each time.")]
pub struct ServeArgs {
    /// A case or scenario id, or the name of a persona that simply works
    pub target: String,
    /// Serve the case without its deviation, to see that the client manages undisturbed
    #[arg(long)]
    pub control: bool,
    /// Where user, password and Message-ID come from [default: another one each time]
    #[arg(long, value_name = "N", value_parser = values::seed)]
    pub seed: Option<u64>,
    /// Your own scenarios and personas, beside those that are built in
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub scenarios: Option<PathBuf>,
}

/// `mailproof doctor`.
#[derive(Clone, Debug, Args)]
#[command(after_long_help = "\
Examples:
  mailproof doctor curl
  mailproof doctor ./crm.toml --timeout 5s

An adapter is usable when the client completes every declared job with every declared setting while nothing
is wrong, and never says success where nothing happened. That a client is weak is told as well, and makes
no adapter unusable. The exit code is 0 for a usable adapter, 1 for another one, 3 where the program is
missing.")]
pub struct DoctorArgs {
    /// The name of a built-in adapter, or the path of an adapter file
    #[arg(value_hint = ValueHint::FilePath)]
    pub adapter: String,
    /// How long the client is told to wait for the network, as `10s`
    #[arg(long, value_name = "TIME", value_parser = values::duration)]
    pub timeout: Option<Duration>,
    /// Check it in namespaces of its own, as `run --lab` does (Linux)
    #[arg(long)]
    pub lab: bool,
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
    #[arg(long, value_name = "N", value_parser = values::seed)]
    pub seed: Option<u64>,
    /// Run in namespaces of their own: registered ports, real names, and no way out (Linux)
    #[arg(long)]
    pub lab: bool,
    /// No progress, and only what is wrong
    #[arg(short, long)]
    pub quiet: bool,
}

/// `mailproof lint`.
#[derive(Clone, Debug, Args)]
pub struct LintArgs {
    /// Files and folders; without any, what is built in
    #[arg(value_hint = ValueHint::AnyPath)]
    pub paths: Vec<PathBuf>,
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
    /// Your own scenarios and personas, beside those that are built in
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub scenarios: Option<PathBuf>,
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

/// `mailproof rejudge`.
#[derive(Clone, Debug, Args)]
#[command(after_long_help = "\
The folder is one that `run --out` wrote. Its records are read and never changed; with --out the new
reports are written, into the same folder or another one.")]
pub struct RejudgeArgs {
    /// The folder with records.ndjson
    #[arg(value_hint = ValueHint::DirPath)]
    pub dir: PathBuf,
    /// What is reported.
    #[command(flatten)]
    pub report: ReportArgs,
}

/// `mailproof certs`.
#[derive(Debug, Subcommand)]
pub enum CertsCommand {
    /// Write a fresh test authority's root and every chain, right and wrong, with keys and an index
    ///
    /// Some chains need more than a plain host name (a name of more labels, an address); they are made for the
    /// nearest names that do, and the index says which. Keys of RSA take some seconds to make.
    Export(ExportArgs),
}

/// `mailproof certs export`.
#[derive(Clone, Debug, Args)]
pub struct ExportArgs {
    /// The folder; it is made if it is not there, and files of an earlier export are replaced
    #[arg(value_hint = ValueHint::DirPath)]
    pub dir: PathBuf,
    /// A host name or address of the server; may be given several times [default: localhost, 127.0.0.1
    /// and ::1]
    #[arg(long, value_name = "NAME", value_hint = ValueHint::Hostname)]
    pub host: Vec<String>,
}

/// `mailproof completions`.
#[derive(Clone, Debug, Args)]
pub struct CompletionsArgs {
    /// The shell
    pub shell: clap_complete::Shell,
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
}
