//! The arguments of bundles and keys, and those of `verify`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueHint};

use super::ListFormat;
use crate::cli::values;

/// What `run` packs.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Certification")]
pub struct BundleArgs {
    /// Pack everything that proves the run into one signed file, for `mailproof verify`
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, requires = "sign_key")]
    pub bundle: Option<PathBuf>,
    /// The private key that signs the bundle: Ed25519, PEM
    #[arg(long, value_name = "KEY", value_hint = ValueHint::FilePath, requires = "bundle")]
    pub sign_key: Option<PathBuf>,
    /// A text about the product that goes into the bundle as it is
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, requires = "bundle")]
    pub statement: Option<PathBuf>,
}

/// `mailproof bundle`.
#[derive(Clone, Debug, Args)]
#[command(after_long_help = "\
Examples:
  mailproof bundle report --out crm-3.1.bundle --sign-key vendor.pem

The folder is one that `run --out` wrote. The verdicts are packed as they are in there; with
`mailproof rejudge report --out report` they are found anew before.")]
pub struct PackArgs {
    /// The folder with records.ndjson and results.json
    #[arg(value_hint = ValueHint::DirPath)]
    pub dir: PathBuf,
    /// The bundle that is written
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub out: PathBuf,
    /// The private key that signs it: Ed25519, PEM
    #[arg(long, value_name = "KEY", value_hint = ValueHint::FilePath)]
    pub sign_key: PathBuf,
    /// The adapter that the run was made with [default: the one that the run says it had]
    #[arg(long, value_name = "ADAPTER", value_hint = ValueHint::FilePath)]
    pub adapter: Option<String>,
    /// A text about the product that goes into the bundle as it is
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub statement: Option<PathBuf>,
}

/// `mailproof verify`.
#[derive(Clone, Debug, Args)]
#[command(after_long_help = "\
Examples:
  mailproof verify crm-3.1.bundle --key vendor.pem.pub
  mailproof verify crm-3.1.bundle --format json

The key in the bundle proves only that nothing was changed since somebody signed. That it was the vendor is
proved by --key or --fingerprint, with a value that came to you another way.

Exit codes:
  0  as it was signed, and judged again with the same outcome
  1  as it was signed, but judged again with another outcome
  2  damaged, changed, signed by another key, or no bundle
  3  the environment or mailproof itself failed")]
pub struct VerifyArgs {
    /// The bundle
    #[arg(value_hint = ValueHint::FilePath)]
    pub file: PathBuf,
    /// The vendor's public key, PEM
    #[arg(long, value_name = "PUB", value_hint = ValueHint::FilePath, conflicts_with = "fingerprint")]
    pub key: Option<PathBuf>,
    /// The fingerprint of the vendor's key: SHA-256 of its DER, in hexadecimal
    #[arg(long, value_name = "HEX", value_parser = values::fingerprint)]
    pub fingerprint: Option<String>,
    /// Text for people, or JSON
    #[arg(short, long, value_enum, default_value_t)]
    pub format: ListFormat,
}

/// `mailproof key`.
#[derive(Debug, Subcommand)]
pub enum KeyCommand {
    /// Make a key that signs bundles: FILE, readable for you only, and its public part FILE.pub
    ///
    /// It is the same as `openssl genpkey -algorithm ed25519 -out FILE` and `openssl pkey -in FILE -pubout -out
    /// FILE.pub`. Nothing is overwritten.
    New(NewKeyArgs),
    /// Print the fingerprint of a key, public or private
    Show(ShowKeyArgs),
}

/// `mailproof key new`.
#[derive(Clone, Debug, Args)]
pub struct NewKeyArgs {
    /// The file of the private key
    #[arg(value_hint = ValueHint::FilePath)]
    pub file: PathBuf,
}

/// `mailproof key show`.
#[derive(Clone, Debug, Args)]
pub struct ShowKeyArgs {
    /// The file of a private or public key
    #[arg(value_hint = ValueHint::FilePath)]
    pub file: PathBuf,
}
