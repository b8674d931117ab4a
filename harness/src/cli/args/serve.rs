//! The arguments of `serve`.

use std::{net::IpAddr, path::PathBuf};

use clap::{Args, ValueHint};

use super::{ProjectArgs, ReachArgs};
use crate::{
    exit::{FailOn, Require},
    units,
};

/// `mailproof serve`.
#[derive(Clone, Debug, Args)]
#[command(after_long_help = "\
Examples:
  mailproof serve smtp/starttls/injection-after-220 --seed 7 --control
  mailproof serve smtp/starttls/injection-after-220 --seed 7
  mailproof serve postfix
  mailproof serve gmail --bind 192.168.1.20 --allow-from 192.168.1.0/24
  mailproof serve printer.toml --out printer
  mailproof serve printer.toml --out printer --resume

The ports, the user, the password and the test authority to trust are printed when the server is up, then
everything that the client does. It listens on this machine only, unless --bind and --allow-from say more. Ctrl-C ends it, and for a case the verdict
follows: 0 for PASS, RECORDED and REVIEW, 4 where nothing can be said, 1 for everything worse.

What the client tells its user cannot be heard, so the person who operates it is asked. Serve a case with
--control first: a client that does not manage undisturbed proves nothing. The same seed keeps the account;
ports and certificates are fresh each time.

A plan is a TOML file with a list of cases. A page shows one after the other: what to set, what to do, what the
client does, the verdict. It is on this machine only and its address has a token in it; whoever has the address
may do everything there. Each case that is done is kept at once, in --out or in `PLAN-results`. The exit code is
that of `run`, and 4 where something of the plan is left; --resume goes on with it.")]
pub struct ServeArgs {
    /// A case or scenario id, the name of a persona that simply works, or a plan: a TOML file
    pub target: String,
    /// The client, by the name of a built-in adapter or its file: settings are told by their names in it
    #[arg(long, value_name = "ADAPTER", value_hint = ValueHint::FilePath)]
    pub adapter: Option<String>,
    /// Serve the case without its deviation, to see that the client manages undisturbed
    #[arg(long)]
    pub control: bool,
    /// Where user, password and Message-ID come from [default: another one each time]
    #[arg(long, value_name = "N", value_parser = units::seed)]
    pub seed: Option<u64>,
    /// Your own scenarios and personas, beside those that are built in; may be given several times
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub scenarios: Vec<PathBuf>,
    /// Where the servers are reached.
    #[command(flatten)]
    pub reach: ReachArgs,
    /// The user's project.
    #[command(flatten)]
    pub project: ProjectArgs,
    /// Goes through a plan.
    #[command(flatten)]
    pub plan: PlanArgs,
}

/// What only a plan has.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Plans")]
pub struct PlanArgs {
    /// Write everything into this folder: the state of the plan, and what `run --out` writes
    #[arg(short, long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub out: Option<PathBuf>,
    /// Go on with the plan that was begun in the folder
    #[arg(long)]
    pub resume: bool,
    /// The port of the page [default: any]
    #[arg(long, value_name = "PORT")]
    pub page_port: Option<u16>,
    /// The address of the page; beyond this machine everybody on the way can read what it shows
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1")]
    pub page_bind: IpAddr,
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
    #[arg(long, value_name = "N|PATTERN")]
    pub require: Vec<Require>,
}

impl PlanArgs {
    /// The first of these that was given, where there is no plan that it could be for.
    pub fn idle(&self) -> Option<&'static str> {
        let given = [
            (self.out.is_some(), "--out"),
            (self.resume, "--resume"),
            (self.page_port.is_some(), "--page-port"),
            (!self.page_bind.is_loopback(), "--page-bind"),
            (self.expect.is_some(), "--expect"),
            (self.fail_on != [FailOn::Must], "--fail-on"),
            (!self.require.is_empty(), "--require"),
        ];
        given.into_iter().find(|(is, _)| *is).map(|(_, name)| name)
    }
}
