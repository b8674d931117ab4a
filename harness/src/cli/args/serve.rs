//! The arguments of `serve`.

use std::path::PathBuf;

use clap::{Args, ValueHint};

use super::ProjectArgs;
use crate::units;

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
    #[arg(long, value_name = "N", value_parser = units::seed)]
    pub seed: Option<u64>,
    /// Your own scenarios and personas, beside those that are built in; may be given several times
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub scenarios: Vec<PathBuf>,
    /// The user's project.
    #[command(flatten)]
    pub project: ProjectArgs,
}
