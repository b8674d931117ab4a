//! The arguments of `ca`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueHint};

/// `mailproof ca`.
#[derive(Debug, Subcommand)]
pub enum CaCommand {
    /// Make a test authority that stays, for clients in which a person has to install one
    ///
    /// Its key is random and stays in the folder. It may name only what --for says, localhost and the addresses
    /// of loopback. INSTALL.md in the folder says how it is installed, and removed again.
    Init(CaInitArgs),
}

/// `mailproof ca init`.
#[derive(Clone, Debug, Args)]
#[command(after_long_help = "\
Examples:
  mailproof ca init ./test-ca --for firma.test
  mailproof run ./crm.toml --ca ./test-ca --bind 0.0.0.0 --advertise mail.firma.test --allow-from 172.16.0.0/12

Give the domain above the server's name (firma.test for mail.firma.test): cases about wildcards and about
other names of the domain need it.")]
pub struct CaInitArgs {
    /// The folder; it is made if it is not there, and nothing in it is overwritten
    #[arg(value_hint = ValueHint::DirPath)]
    pub dir: PathBuf,
    /// A domain, an address or a network that it may name; may be given several times
    #[arg(long = "for", value_name = "NAME", value_hint = ValueHint::Hostname)]
    pub names: Vec<String>,
    /// How many days it is valid, from 1 to 3650
    #[arg(long, value_name = "N", default_value_t = 365, value_parser = clap::value_parser!(u16).range(1..=3650))]
    pub days: u16,
}
