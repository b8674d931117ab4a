//! Where the servers are reached, as several commands ask it.

use std::path::PathBuf;

use clap::{Args, ValueHint};

use crate::reach::Wish;

/// Where the servers are reached.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Reached from elsewhere")]
pub struct ReachArgs {
    /// Listen on this address; may be given several times [default: 127.0.0.1 and ::1]
    ///
    /// Any of the first four options makes the servers reachable at fixed ports, one case after the other. Beyond
    /// loopback they listen only with --allow-from.
    #[arg(long, value_name = "ADDRESS")]
    pub bind: Vec<String>,
    /// The name that the client is told and that certificates are made for; may be given again with an
    /// address of each family [default: the addresses of --bind]
    #[arg(long, value_name = "NAME", value_hint = ValueHint::Hostname)]
    pub advertise: Vec<String>,
    /// Which port the client is told and which one is listened on, as `465=2465`
    ///
    /// `465=2465` tells 465 and listens on 2465; `submissions=2465` tells 2465 as well;
    /// `submissions:12465=2465` tells 12465. What is not mapped is told and listened on at 2025 (smtp), 2465
    /// (submissions), 2587 (submission), 2525 (alternate), 2143 (imap), 2993 (imaps).
    #[arg(long, value_name = "PORT=PORT", value_delimiter = ',')]
    pub port_map: Vec<String>,
    /// Take connections from this network or address only; may be given several times
    #[arg(long, value_name = "CIDR")]
    pub allow_from: Vec<String>,
    /// Present chains of the authority in this folder, which `mailproof ca init` made, instead of one that is
    /// made for this run alone
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub ca: Option<PathBuf>,
    /// Present this chain where nothing is wrong: PEM, the server's own certificate first, the root last if
    /// clients are to be given one. For clients that know only public roots
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub chain: Option<PathBuf>,
    /// The private key of --chain
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub key: Option<PathBuf>,
}

impl ReachArgs {
    /// The words of the user.
    pub fn wish(&self) -> Wish {
        Wish {
            bind: self.bind.clone(),
            advertise: self.advertise.clone(),
            port_map: self.port_map.clone(),
            allow_from: self.allow_from.clone(),
            ca: self.ca.clone(),
            chain: self.chain.clone(),
            key: self.key.clone(),
        }
    }
}
