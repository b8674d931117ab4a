//! What can go wrong while forging and writing. The wrongness that is asked for is not an
//! error: that is a [`Fault`](crate::Fault).

use crate::{Fault, Names, Needs};
use std::path::PathBuf;
use time::OffsetDateTime;

/// A chain could not be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ForgeError {
    /// Neither a host name nor an address was given.
    #[error("a server certificate needs at least one host name or address")]
    NoNames,
    /// A host name has characters that do not fit a `dNSName`, which is an IA5String
    /// (RFC 5280 §4.2.1.6). Internationalised names must be given as A-labels.
    #[error("`{name}` cannot stand in a certificate as a host name (use the xn-- form)")]
    BadName {
        /// The name as it was given.
        name: String,
    },
    /// The names are not of a kind that can show the fault: a wildcard, say, takes the place of
    /// a label that the name does not have.
    #[error("{} cannot be named in this way: that needs {needs}", shown(names))]
    UnfitNames {
        /// What the fault needs.
        needs: Needs,
        /// The names as they were given.
        names: Names,
    },
    /// The fault needs the name in the common name, which holds 64 characters
    /// (RFC 5280 appendix A.1, `ub-common-name`).
    #[error("`{name}` is longer than the 64 characters a common name may have")]
    LongCommonName {
        /// The name as it was given.
        name: String,
    },
    /// The clock is so far off that the dates around it cannot be written.
    #[error("no certificate dates can be written around {now}")]
    BadClock {
        /// The time the authority was given.
        now: OffsetDateTime,
    },
    /// No key could be generated.
    #[error("cannot generate a key")]
    Key {
        /// What the key generator said.
        source: rcgen::Error,
    },
    /// There are no random numbers.
    #[error("the system has no random numbers")]
    Random,
    /// The RSA library failed.
    #[error("cannot make or use an RSA key")]
    Rsa {
        /// What the library said.
        #[from]
        source: rsa::Error,
    },
    /// The octets of a finished certificate are not laid out as expected.
    #[error("cannot change a finished certificate")]
    Edit,
    /// A certificate could not be written or signed.
    #[error("cannot issue the {what}")]
    Issue {
        /// Which certificate.
        what: &'static str,
        /// What the certificate writer said.
        source: rcgen::Error,
    },
    /// The TLS library does not take the key of the chain.
    #[error("the TLS library refuses the key of the chain")]
    ServeKey {
        /// What the TLS library said.
        source: rustls::Error,
    },
}

fn shown(names: &Names) -> String {
    let addresses = names.ip.iter().map(ToString::to_string);
    let names = names.dns.iter().cloned().chain(addresses);
    let quoted: Vec<String> = names.map(|name| format!("`{name}`")).collect();
    quoted.join(", ")
}

/// The set of chains could not be written to disk.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExportError {
    /// One of the chains could not be made.
    #[error("cannot forge the `{fault}` chain")]
    Forge {
        /// The fault of that chain.
        fault: Fault,
        /// Why not.
        source: ForgeError,
    },
    /// A file or folder could not be written.
    #[error("cannot write {}", path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// The index could not be put into TOML.
    #[error("cannot write the index as TOML")]
    Index {
        /// What the TOML writer said.
        source: toml::ser::Error,
    },
}
