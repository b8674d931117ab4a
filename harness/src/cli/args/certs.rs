//! The arguments of `certs`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueHint};

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
