//! Opens a bundle: container, manifest, signature and hashes. What comes out is what was signed.
//!
//! Must not know verdicts.

use std::collections::BTreeMap;

use super::{
    MANIFEST, Manifest, PublicKey, SIGNATURE, SIGNER, container, key::SIGNATURE_LEN,
    manifest::FileEntry, packed::Unpacker,
};
use crate::{edition::hex, report::text};

/// A bundle whose signature and hashes are right.
#[derive(Debug)]
pub struct Bundle<'a> {
    /// What is in it.
    pub manifest: Manifest,
    /// The key that signed it. That it is the vendor's has to be known from elsewhere.
    pub signer: PublicKey,
    files: BTreeMap<String, &'a [u8]>,
}

/// What is wrong with a bundle.
#[derive(Debug, thiserror::Error)]
pub enum Damage {
    /// The file is larger than any bundle.
    #[error("it has more than {} octets, and a bundle has not", container::LARGEST)]
    TooLarge,
    /// It holds too many files.
    #[error("it holds more than {most} files")]
    TooMany {
        /// The limit.
        most: usize,
    },
    /// It is no tar file.
    #[error("it is no bundle, or its container is damaged: {}", text::line(.0))]
    Container(String),
    /// A link, a device or the like.
    #[error("it holds `{}`, which is no plain file", text::line(name))]
    NoPlainFile {
        /// Its name.
        name: String,
    },
    /// A file that is longer than the container.
    #[error("it ends within `{}`", text::line(name))]
    Cut {
        /// Its name.
        name: String,
    },
    /// Octets that belong to no file.
    #[error("the octets around its files are not as they were written, first at offset {at}")]
    BetweenFiles {
        /// Where.
        at: usize,
    },
    /// A file that is not there.
    #[error("`{}` is missing", text::line(name))]
    Missing {
        /// Its name.
        name: String,
    },
    /// A file that does not belong there, or is there twice.
    #[error("`{}` does not belong into it, or not at its place", text::line(name))]
    Unknown {
        /// Its name.
        name: String,
    },
    /// The manifest cannot be read.
    #[error("`manifest.json` is no manifest: {}", text::line(.0))]
    Manifest(String),
    /// A newer format.
    #[error("it has format version {0}, and this mailproof reads {known} and older", known = super::BUNDLE_VERSION)]
    Newer(u32),
    /// The key cannot be read.
    #[error("`signer.pem` {}", text::line(.0))]
    Signer(String),
    /// The manifest names another key.
    #[error(
        "`signer.pem` is not the key of the manifest: expected SHA256:{}, found SHA256:{found}",
        text::line(expected)
    )]
    OtherKey {
        /// The fingerprint in the manifest.
        expected: String,
        /// That of the key.
        found: String,
    },
    /// The signature is wrong.
    #[error(
        "the signature is wrong: `manifest.json` or `manifest.sig` was changed after SHA256:{signer} signed"
    )]
    Signature {
        /// The fingerprint of the key in the bundle.
        signer: String,
    },
    /// A file was changed.
    #[error(
        "`{}` was changed: its SHA-256 should be {}, and is {found}",
        text::line(name),
        text::line(expected)
    )]
    Hash {
        /// Its name.
        name: String,
        /// The hash in the manifest.
        expected: String,
        /// That of the file.
        found: String,
    },
    /// A file that was signed as it is, and is wrong in itself.
    #[error("`{}` is wrong in itself: {}", text::line(name), text::line(reason))]
    Content {
        /// Its name.
        name: String,
        /// Why.
        reason: String,
    },
}

/// Opens a bundle.
///
/// # Errors
/// [`Damage`] at the first thing that is not as it was packed.
pub fn open(octets: &[u8]) -> Result<Bundle<'_>, Damage> {
    if octets.len() as u64 > container::LARGEST {
        return Err(Damage::TooLarge);
    }
    let files = container::read(octets)?;
    let head = |index: usize, name: &str| match files.get(index) {
        Some((found, octets)) if found == name => Ok(*octets),
        Some((found, _)) if files.iter().any(|it| it.0 == name) => Err(Damage::Unknown {
            name: found.clone(),
        }),
        _ => Err(Damage::Missing {
            name: name.to_owned(),
        }),
    };
    let (signed, signature, signer) = (head(0, MANIFEST)?, head(1, SIGNATURE)?, head(2, SIGNER)?);
    let manifest = Manifest::read(signed)?;
    let signer = key(&manifest, signer)?;
    if signature.len() != SIGNATURE_LEN || !signer.has_signed(signed, signature) {
        return Err(Damage::Signature {
            signer: signer.fingerprint(),
        });
    }
    let listed = files.get(3..).unwrap_or_default();
    same_names(&manifest.files, listed)?;
    for (entry, (name, octets)) in manifest.files.iter().zip(listed) {
        let found = hex(octets);
        if entry.sha256 != found || entry.size != octets.len() as u64 {
            return Err(Damage::Hash {
                name: name.clone(),
                expected: entry.sha256.clone(),
                found,
            });
        }
    }
    container::check(files.iter().map(|(name, it)| (name.as_str(), *it)), octets)?;
    Ok(Bundle {
        manifest,
        signer,
        files: files.into_iter().collect(),
    })
}

fn key(manifest: &Manifest, pem: &[u8]) -> Result<PublicKey, Damage> {
    let key = PublicKey::from_pem(pem).map_err(|error| Damage::Signer(error.to_string()))?;
    if key.fingerprint() != manifest.signer {
        return Err(Damage::OtherKey {
            expected: manifest.signer.clone(),
            found: key.fingerprint(),
        });
    }
    if key.to_pem().as_bytes() != pem {
        return Err(Damage::Signer("is not in its usual form".to_owned()));
    }
    Ok(key)
}

/// The files of the container are those of the manifest, in its order.
fn same_names(listed: &[FileEntry], found: &[(String, &[u8])]) -> Result<(), Damage> {
    for (entry, (name, _)) in listed.iter().zip(found) {
        if entry.name != *name {
            let is_there = found.iter().any(|it| it.0 == entry.name);
            return Err(if is_there {
                Damage::Unknown { name: name.clone() }
            } else {
                Damage::Missing {
                    name: entry.name.clone(),
                }
            });
        }
    }
    if let Some(entry) = listed.get(found.len()) {
        return Err(Damage::Missing {
            name: entry.name.clone(),
        });
    }
    if let Some((name, _)) = found.get(listed.len()) {
        return Err(Damage::Unknown { name: name.clone() });
    }
    Ok(())
}

impl<'a> Bundle<'a> {
    /// A file as it is stored.
    pub fn file(&self, name: &str) -> Option<&'a [u8]> {
        self.files.get(name).copied()
    }

    /// A compressed file, to be read.
    pub(super) fn unpack(&self, name: &str) -> Result<Unpacker<'a>, Damage> {
        let missing = || Damage::Missing {
            name: name.to_owned(),
        };
        let entry = self.manifest.file(name).ok_or_else(missing)?;
        let octets = self.file(name).ok_or_else(missing)?;
        Ok(Unpacker::new(octets, entry.unpacked.unwrap_or_default()))
    }
}
