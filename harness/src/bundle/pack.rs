//! Packs a run: records as they come, the rest at the end.
//!
//! Must not know who is run, or how.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, Read as _, Seek as _, SeekFrom, Write},
};

use serde::Deserialize;
use serde_json::Value;

use super::{
    BUNDLE_VERSION, MANIFEST, Manifest, RECORDS, RESULTS, SIGNATURE, SIGNER, STATEMENT, SUBJECT,
    SigningKey, TRANSCRIPTS, container,
    manifest::FileEntry,
    packed::{pack, packer},
};
use crate::{
    edition::{self, Hashes},
    report::{json, text, transcripts},
    results::{CaseResult, Record, Results},
};

/// What goes into a bundle beside the run.
#[derive(Clone, Debug, Default)]
pub struct About {
    /// The adapter file, secrets masked.
    pub subject: String,
    /// What the vendor says of the product.
    pub statement: Option<String>,
}

/// A run cannot be packed.
#[derive(Debug, thiserror::Error)]
pub enum PackError {
    /// A file.
    #[error("cannot write the bundle: {0}")]
    Io(#[from] io::Error),
    /// A record that is none.
    #[error("no record: {0}")]
    NoRecord(#[from] serde_json::Error),
    /// Records and results belong to different runs, or one of them is not complete.
    #[error("records and results do not belong together: {}", text::line(.0))]
    Apart(String),
}

/// Collects what goes into a bundle.
#[derive(Debug)]
pub struct Packer {
    spool: File,
    end: u64,
    lines: BTreeMap<Key, Line>,
}

/// The order of records: controls first, then by id. Text is compared by octets.
pub(super) type Key = (bool, String);

/// A record in the spool.
#[derive(Debug)]
struct Line {
    at: u64,
    len: usize,
    /// The hash of its case.
    case: String,
}

/// What has to be known of a record to pack it.
#[derive(Deserialize)]
pub(super) struct Probe {
    case: Value,
}

impl Probe {
    /// The record's place among the others.
    pub(super) fn key(&self) -> Key {
        let id = self.case["id"].as_str().unwrap_or_default();
        (!id.starts_with("control/"), id.to_owned())
    }

    /// The hash of its case, as it was written.
    pub(super) fn hash(&self) -> String {
        edition::of_json(&self.case)
    }
}

impl Packer {
    /// Collects in a temporary file.
    ///
    /// # Errors
    /// [`PackError::Io`] where there can be none.
    pub fn new() -> Result<Self, PackError> {
        Ok(Self {
            spool: tempfile::tempfile()?,
            end: 0,
            lines: BTreeMap::new(),
        })
    }

    /// Keeps the facts of a case or control.
    ///
    /// # Errors
    /// [`PackError::Io`], at once where the disk is full.
    pub fn keep(&mut self, record: &Record) -> Result<(), PackError> {
        self.keep_line(&serde_json::to_vec(record)?)
    }

    /// Keeps a line of `records.ndjson`, without its line feed.
    ///
    /// # Errors
    /// [`PackError`].
    pub fn keep_line(&mut self, line: &[u8]) -> Result<(), PackError> {
        let probe: Probe = serde_json::from_slice(line)?;
        self.spool.write_all(line)?;
        let place = Line {
            at: self.end,
            len: line.len(),
            case: probe.hash(),
        };
        self.end += line.len() as u64;
        self.lines.insert(probe.key(), place);
        Ok(())
    }

    /// Writes the bundle. The same run, key and texts always give the same octets.
    ///
    /// # Errors
    /// [`PackError`].
    pub fn finish(
        mut self,
        results: &Results,
        about: &About,
        key: &SigningKey,
        to: impl Write,
    ) -> Result<Manifest, PackError> {
        let results = without_expectations(results);
        self.belong_together(&results)?;
        let mut files: BTreeMap<String, (Vec<u8>, Option<u64>)> = BTreeMap::new();
        let (records, size) = self.records()?;
        files.insert(RECORDS.to_owned(), (records, Some(size)));
        let mut packed = |name: String, text: &str| -> io::Result<()> {
            let file = (pack(text.as_bytes())?, Some(text.len() as u64));
            files.insert(name, file);
            Ok(())
        };
        packed(RESULTS.to_owned(), &json::render(&results)?)?;
        for case in results.cases.iter().chain(&results.controls) {
            packed(transcript_name(case), &transcripts::render(&results, case))?;
        }
        files.insert(SUBJECT.to_owned(), (about.subject.clone().into(), None));
        if let Some(statement) = &about.statement {
            files.insert(STATEMENT.to_owned(), (statement.clone().into(), None));
        }
        let manifest = self.manifest(&results, key, &files);
        let signed = manifest.render()?;
        let signature = key.sign(&signed);
        let signer = key.public().to_pem();
        let head = [
            (MANIFEST, signed.as_slice()),
            (SIGNATURE, &signature),
            (SIGNER, signer.as_bytes()),
        ];
        let rest = files
            .iter()
            .map(|(name, (octets, _))| (name.as_str(), octets.as_slice()));
        container::write(head.into_iter().chain(rest), to)?;
        Ok(manifest)
    }

    /// The records in their order, compressed, and how many octets they are.
    fn records(&mut self) -> io::Result<(Vec<u8>, u64)> {
        let mut to = packer();
        let mut octets = Vec::new();
        let mut size = 0;
        for line in self.lines.values() {
            octets.resize(line.len, 0);
            self.spool.seek(SeekFrom::Start(line.at))?;
            self.spool.read_exact(&mut octets)?;
            octets.push(b'\n');
            size += octets.len() as u64;
            to.write_all(&octets)?;
        }
        Ok((to.finish()?, size))
    }

    fn belong_together(&self, results: &Results) -> Result<(), PackError> {
        let results = results.cases.iter().chain(&results.controls);
        let mut judged: Vec<&str> = results.map(|it| it.id.as_str()).collect();
        judged.sort_unstable();
        let mut recorded: Vec<&str> = self.lines.keys().map(|it| it.1.as_str()).collect();
        recorded.sort_unstable();
        let only = |these: &[&str], those: &[&str], what: &str| {
            let one = these.iter().find(|it| those.binary_search(it).is_err());
            one.map_or(Ok(()), |id| {
                Err(PackError::Apart(format!("{what} of {id} only")))
            })
        };
        only(&judged, &recorded, "there is a result")?;
        only(&recorded, &judged, "there is a record")
    }

    fn manifest(
        &self,
        results: &Results,
        key: &SigningKey,
        files: &BTreeMap<String, (Vec<u8>, Option<u64>)>,
    ) -> Manifest {
        let cases = self.lines.iter().filter(|((is_case, _), _)| *is_case);
        let cases: BTreeMap<String, String> = cases
            .map(|((_, id), line)| (id.clone(), line.case.clone()))
            .collect();
        // A run of before there were editions does not say which personas it had.
        let edition = results.edition.clone().unwrap_or_else(|| {
            let hashes = Hashes {
                cases: cases.clone(),
                personas: BTreeMap::new(),
            };
            hashes.edition(format!("mailproof-{}", results.mailproof))
        });
        Manifest {
            format: Manifest::format(),
            v: BUNDLE_VERSION,
            mailproof: results.mailproof.clone(),
            subject: results.subject.clone(),
            subject_version: results.subject_version.clone(),
            now: results.now.clone(),
            edition,
            cases,
            signer: key.public().fingerprint(),
            files: files
                .iter()
                .map(|(name, (octets, unpacked))| FileEntry::new(name, octets, *unpacked))
                .collect(),
        }
    }
}

/// The name of a case's transcript.
pub(super) fn transcript_name(case: &CaseResult) -> String {
    format!("{TRANSCRIPTS}{}.gz", transcripts::file_name(&case.id))
}

/// What the vendor expects to fail, and how transcripts differ from those in the vendor's repository, is no
/// matter of a certificate.
fn without_expectations(results: &Results) -> Results {
    let mut results = results.clone();
    results.stale.clear();
    results.snapshots.clear();
    for case in results.cases.iter_mut().chain(&mut results.controls) {
        case.expected = None;
    }
    results
}
