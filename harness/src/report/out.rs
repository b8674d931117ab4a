//! The folder of `--out`: made and tried at once, filled as the run goes.
//!
//! ```text
//! results.json      everything, for programs      records.ndjson    the facts, for `rejudge`
//! junit.xml         for CI systems                summary.md        for a job page
//! transcripts/      one file for each case
//! ```
//!
//! Must not know how a format is made beyond calling it.

use std::{
    fs::{self, File},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use super::{json, junit, markdown, records, text, transcripts};
use crate::{
    exit::Decision,
    results::{CaseResult, Record, Results},
};

/// The facts.
pub const RECORDS: &str = "records.ndjson";
/// Everything, for programs.
pub const RESULTS: &str = "results.json";
const JUNIT: &str = "junit.xml";
const SUMMARY: &str = "summary.md";
const PROBE: &str = ".mailproof-probe";

/// A folder that can be written to.
#[derive(Debug)]
pub struct Out {
    folder: PathBuf,
    records: Option<records::Writer<File>>,
}

/// The folder or a file in it cannot be written. An error of the environment.
#[derive(Debug, thiserror::Error)]
#[error("cannot write {}: {}", text::line(&path.display().to_string()), explain(source))]
pub struct OutError {
    path: PathBuf,
    source: io::Error,
}

impl Out {
    /// Makes the folder if it is not there, and tries whether files can be written to it.
    ///
    /// # Errors
    /// [`OutError`] if not.
    pub fn open(folder: &Path) -> Result<Self, OutError> {
        fs::create_dir_all(folder.join(transcripts::FOLDER)).map_err(at(folder))?;
        let probe = folder.join(PROBE);
        let tried = File::create(&probe).and_then(|mut file| {
            file.write_all(&[b'.'; 4096])?;
            file.sync_all()
        });
        // Left behind only where it cannot be removed either; the first error says more.
        let removed = fs::remove_file(&probe);
        tried.and(removed).map_err(at(folder))?;
        Ok(Self {
            folder: folder.to_owned(),
            records: None,
        })
    }

    /// Where it is.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Begins a run: what an earlier one left is replaced, and `results.json` says of `head` (no cases yet)
    /// that it was interrupted, which is what it is until [`Out::finish`].
    ///
    /// # Errors
    /// [`OutError`].
    pub fn begin(&mut self, head: &Results) -> Result<(), OutError> {
        self.remove_earlier()?;
        let path = self.folder.join(RECORDS);
        let file = File::create(&path).map_err(at(&path))?;
        self.records = Some(records::Writer::new(file));
        let head = Results {
            interrupted: true,
            cases: Vec::new(),
            controls: Vec::new(),
            ..head.clone()
        };
        self.write_json(&head)
    }

    /// Appends the facts of a case. [`Out::begin`] must have been called; else nothing is kept.
    ///
    /// # Errors
    /// [`OutError`], at once where the disk is full.
    pub fn record(&mut self, record: &Record) -> Result<(), OutError> {
        match &mut self.records {
            Some(records) => records
                .append(record)
                .map_err(at(&self.folder.join(RECORDS))),
            None => Ok(()),
        }
    }

    /// Writes every report of a run that is over. The records are left as they are.
    ///
    /// # Errors
    /// [`OutError`].
    pub fn finish(&mut self, results: &Results, decision: &Decision) -> Result<(), OutError> {
        self.write_json(results)?;
        let xml = junit::render(results, decision).map_err(|error| OutError {
            path: self.folder.join(JUNIT),
            source: io::Error::other(error),
        })?;
        self.write(JUNIT, &xml)?;
        self.write(SUMMARY, &markdown::render(results, decision))?;
        for case in results.cases.iter().chain(&results.controls) {
            self.transcript(results, case)?;
        }
        Ok(())
    }

    fn transcript(&self, results: &Results, case: &CaseResult) -> Result<(), OutError> {
        let name = format!(
            "{}/{}",
            transcripts::FOLDER,
            transcripts::file_name(&case.id)
        );
        self.write(&name, &transcripts::render(results, case))
    }

    fn write_json(&self, results: &Results) -> Result<(), OutError> {
        let text = json::render(results).map_err(|error| OutError {
            path: self.folder.join(RESULTS),
            source: io::Error::other(error),
        })?;
        self.write(RESULTS, &text)
    }

    /// Writes beside and renames, so that a kill leaves the old file or the new one.
    fn write(&self, name: &str, text: &str) -> Result<(), OutError> {
        let path = self.folder.join(name);
        let beside = path.with_added_extension("part");
        let written = fs::write(&beside, text).and_then(|()| fs::rename(&beside, &path));
        written.map_err(|error| {
            let _ = fs::remove_file(&beside);
            at(&path)(error)
        })
    }

    /// Transcripts of an earlier run, if this folder was one's: of cases that are not run now they would be
    /// taken for new.
    fn remove_earlier(&self) -> Result<(), OutError> {
        if !self.folder.join(RECORDS).exists() {
            return Ok(());
        }
        let folder = self.folder.join(transcripts::FOLDER);
        for entry in fs::read_dir(&folder).map_err(at(&folder))? {
            let path = entry.map_err(at(&folder))?.path();
            if path.extension().is_some_and(|it| it == "txt") {
                fs::remove_file(&path).map_err(at(&path))?;
            }
        }
        for name in [JUNIT, SUMMARY] {
            match fs::remove_file(self.folder.join(name)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(at(&self.folder.join(name))(error));
                }
                _ => {}
            }
        }
        Ok(())
    }
}

fn at(path: &Path) -> impl Fn(io::Error) -> OutError {
    let path = path.to_owned();
    move |source| OutError {
        path: path.clone(),
        source,
    }
}

fn explain(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            "the disk is full; free some space or give another folder with --out".to_owned()
        }
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            "it is not writable for you; give another folder with --out".to_owned()
        }
        io::ErrorKind::AlreadyExists | io::ErrorKind::NotADirectory => {
            "a file is in the way of the folder; give another one with --out".to_owned()
        }
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        exit::{Demands, decide},
        report::{records::tests::record, sample},
    };

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(folder)
            .unwrap()
            .map(|it| it.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_run_fills_the_folder_and_the_next_replaces_it() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("a/b");
        let results = sample::hostile();
        let decision = decide(&results, &Demands::default());
        let mut out = Out::open(&folder).unwrap();
        out.begin(&results).unwrap();
        out.record(&record(b"QUIT\r\n")).unwrap();
        out.finish(&results, &decision).unwrap();
        let all = [
            "junit.xml",
            "records.ndjson",
            "results.json",
            "summary.md",
            "transcripts",
        ];
        assert_eq!(names(&folder), all);
        assert_eq!(
            names(&folder.join("transcripts")).len(),
            results.cases.len() + results.controls.len()
        );

        let mut out = Out::open(&folder).unwrap();
        out.begin(&results).unwrap();
        assert_eq!(
            names(&folder),
            ["records.ndjson", "results.json", "transcripts"]
        );
        assert!(names(&folder.join("transcripts")).is_empty());
    }

    #[test]
    fn a_run_that_is_killed_says_so() {
        let dir = tempfile::tempdir().unwrap();
        let mut out = Out::open(dir.path()).unwrap();
        out.begin(&sample::hostile()).unwrap();
        out.record(&record(b"QUIT\r\n")).unwrap();
        let head = json::read(File::open(dir.path().join(RESULTS)).unwrap()).unwrap();
        assert!(head.interrupted && head.cases.is_empty());
        assert_eq!(head.selected, 12);
        let facts = fs::read_to_string(dir.path().join(RECORDS)).unwrap();
        assert_eq!(facts.lines().count(), 1);
    }

    #[test]
    fn files_of_others_stay() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("transcripts")).unwrap();
        fs::write(dir.path().join("transcripts/mine.txt"), "mine").unwrap();
        Out::open(dir.path())
            .unwrap()
            .begin(&sample::empty())
            .unwrap();
        assert_eq!(names(&dir.path().join("transcripts")), ["mine.txt"]);
    }

    #[test]
    fn a_file_in_the_way_is_told_at_once() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("file");
        fs::write(&file, "").unwrap();
        let error = Out::open(&file).unwrap_err().to_string();
        assert!(error.contains("a file is in the way"), "{error}");
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_full_disk_is_told_at_once() {
        let mut out = Out {
            folder: PathBuf::from("/dev"),
            records: Some(records::Writer::new(
                File::options().write(true).open("/dev/full").unwrap(),
            )),
        };
        let error = out.record(&record(b"QUIT\r\n")).unwrap_err().to_string();
        assert!(error.contains("the disk is full"), "{error}");
    }
}
