//! Which cases, as several commands ask it.

use std::path::PathBuf;

use clap::{Args, ValueHint};

use super::ProjectArgs;
use crate::select::Matcher;

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
    /// Your own scenarios and personas, beside those that are built in; may be given several times
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub scenarios: Vec<PathBuf>,
    /// The user's project.
    #[command(flatten)]
    pub project: ProjectArgs,
}
