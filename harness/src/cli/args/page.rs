//! The arguments of `report`.

use std::path::PathBuf;

use clap::{Args, ValueHint};

use crate::report::reporter::Format;

/// `mailproof report`.
#[derive(Clone, Debug, Args)]
#[command(after_long_help = "\
Examples:
  mailproof report run-1
  mailproof report curl-8.5 curl-8.9 msmtp --out matrix.html
  mailproof report run-1 --format sarif > mailproof.sarif

Each folder is one that `run --out` wrote; nothing in it is changed, and nothing is run or judged again. With
several folders the page has a column for each, in this order: subjects side by side, or versions of one.
Without --out a page goes to report.html in the folder, if there is but one, and other formats go to standard
output.")]
pub struct PageArgs {
    /// The folders
    #[arg(required = true, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub dirs: Vec<PathBuf>,
    /// What is made. Of several folders only html, markdown and sarif can be made
    #[arg(short, long, value_enum, default_value = "html")]
    pub format: Format,
    /// Write it into this file
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub out: Option<PathBuf>,
}
