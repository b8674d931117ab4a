//! Certification bundles: a run packed into one signed file that another machine can judge again.
//!
//! ```text
//! manifest.json        what is in here, with the hash of each file
//! manifest.sig         Ed25519 over manifest.json, 64 octets
//! signer.pem           the public key that belongs to it
//! records.ndjson.gz    the facts, controls first, in the order of their ids
//! results.json.gz      the opinions; no file of expected failures has a say in it
//! statement.txt        what the vendor says of the product, if anything
//! subject.toml         how the subject was run, with secrets masked
//! transcripts/…        one file for each case
//! ```
//!
//! The container is a plain tar file, and it is canonical: of what it holds there is exactly one way to write
//! it, so no octet can be changed unseen. Must not know the command line.

mod container;
mod demanded;
mod key;
mod manifest;
mod mask;
mod open;
mod pack;
mod packed;
#[cfg(test)]
mod tests;
mod verify;

pub use container::LARGEST;
pub use demanded::{Demands, Origin};
pub use key::{KeyError, PublicKey, SigningKey};
pub use manifest::{BUNDLE_VERSION, FileEntry, Manifest};
pub use mask::masked;
pub use open::{Bundle, Damage, open};
pub use pack::{About, PackError, Packer};
pub use verify::{Again, Difference, OtherEdition, What, judge_again};

/// What is in here.
const MANIFEST: &str = "manifest.json";
/// The signature over it.
const SIGNATURE: &str = "manifest.sig";
/// The key that made it.
const SIGNER: &str = "signer.pem";
/// The facts.
const RECORDS: &str = "records.ndjson.gz";
/// The opinions.
const RESULTS: &str = "results.json.gz";
/// What the vendor says.
const STATEMENT: &str = "statement.txt";
/// How the subject was run.
const SUBJECT: &str = "subject.toml";
/// The folder of transcripts.
const TRANSCRIPTS: &str = "transcripts/";
