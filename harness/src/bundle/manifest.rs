//! The manifest: what is in a bundle, with the hash of each file.
//!
//! Its octets are signed, so there is one way only to write it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Damage, RECORDS, RESULTS, STATEMENT, SUBJECT, TRANSCRIPTS};
use crate::{edition::hex, results::Edition};

/// The version of the bundle format.
pub const BUNDLE_VERSION: u32 = 1;

const FORMAT: &str = "mailproof-bundle";

/// What is in a bundle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// `mailproof-bundle`.
    pub(super) format: String,
    /// [`BUNDLE_VERSION`].
    pub v: u32,
    /// The version of the mailproof that judged.
    pub mailproof: String,
    /// The subject's name.
    pub subject: String,
    /// The subject's version as it says itself.
    pub subject_version: Option<String>,
    /// The civil time of the run, RFC 3339.
    pub now: String,
    /// The set of cases.
    pub edition: Edition,
    /// The hash of each case, by id.
    pub cases: BTreeMap<String, String>,
    /// The fingerprint of the key that signed.
    pub signer: String,
    /// The files in the order of their names.
    pub files: Vec<FileEntry>,
}

/// One file of a bundle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileEntry {
    /// Its name.
    pub name: String,
    /// Its octets as they are stored.
    pub size: u64,
    /// SHA-256 over these, in hexadecimal.
    pub sha256: String,
    /// How many octets are in it, where it is compressed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unpacked: Option<u64>,
}

impl FileEntry {
    /// The entry of a file as it is stored.
    pub(super) fn new(name: &str, octets: &[u8], unpacked: Option<u64>) -> Self {
        Self {
            name: name.to_owned(),
            size: octets.len() as u64,
            sha256: hex(octets),
            unpacked,
        }
    }

    /// Whether a bundle of this version may hold such a file.
    fn is_known(&self) -> bool {
        let is_packed = self.unpacked.is_some();
        match self.name.as_str() {
            RECORDS | RESULTS => is_packed,
            STATEMENT | SUBJECT => !is_packed,
            name => {
                let stem = name
                    .strip_prefix(TRANSCRIPTS)
                    .and_then(|it| it.strip_suffix(".txt.gz"));
                is_packed
                    && stem.is_some_and(|it| !it.is_empty() && !it.contains(['/', '\\', '\0']))
            }
        }
    }
}

impl Manifest {
    /// The word in `format`.
    pub(super) fn format() -> String {
        FORMAT.to_owned()
    }

    /// The octets that are signed.
    pub(super) fn render(&self) -> Result<Vec<u8>, serde_json::Error> {
        let mut octets = serde_json::to_vec_pretty(self)?;
        octets.push(b'\n');
        Ok(octets)
    }

    /// Reads what [`Manifest::render`] wrote, and nothing that is written otherwise.
    pub(super) fn read(octets: &[u8]) -> Result<Self, Damage> {
        #[derive(Deserialize)]
        struct Version {
            format: String,
            v: u32,
        }
        let malformed = |error: serde_json::Error| Damage::Manifest(error.to_string());
        let Version { format, v } = serde_json::from_slice(octets).map_err(malformed)?;
        if format != FORMAT {
            return Err(Damage::Manifest(format!("its format is `{format}`")));
        }
        if v > BUNDLE_VERSION {
            return Err(Damage::Newer(v));
        }
        let manifest: Self = serde_json::from_slice(octets).map_err(malformed)?;
        if manifest.render().map_err(malformed)? != octets {
            return Err(Damage::Manifest("it is not in its usual form".to_owned()));
        }
        manifest.check()?;
        Ok(manifest)
    }

    fn check(&self) -> Result<(), Damage> {
        if !self.files.is_sorted_by(|a, b| a.name < b.name) {
            return Err(Damage::Manifest(
                "its files are not in the order of their names, each once".to_owned(),
            ));
        }
        if let Some(entry) = self.files.iter().find(|it| !it.is_known()) {
            return Err(Damage::Unknown {
                name: entry.name.clone(),
            });
        }
        let has = |name: &str| self.files.iter().any(|it| it.name == name);
        if let Some(name) = [RECORDS, RESULTS, SUBJECT].into_iter().find(|it| !has(it)) {
            return Err(Damage::Missing {
                name: name.to_owned(),
            });
        }
        Ok(())
    }

    /// What is said of a file.
    pub(super) fn file(&self, name: &str) -> Option<&FileEntry> {
        self.files.iter().find(|it| it.name == name)
    }
}
