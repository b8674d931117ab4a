//! The folder of `--out`: made and tried at once, filled as the run goes.
//!
//! ```text
//! results.json      everything, for programs      records.ndjson    the facts, for `rejudge`
//! junit.xml         for CI systems                summary.md        for a job page
//! report.html       for a browser                 transcripts/      one file for each case
//! snapshots/        transcripts in a form that can be compared
//! ```
//!
//! Must not know how a format is made beyond calling it.

use std::{
    fs::{self, File},
    io,
    path::Path,
};

use super::{
    background::Background,
    folder::{Folder, FolderError},
    html, json, junit, markdown, records, transcripts,
};
use crate::{
    exit::Decision,
    results::{CaseResult, Record, Results},
    snapshot::{self, Taken},
};

/// The facts.
pub const RECORDS: &str = "records.ndjson";
/// Everything, for programs.
pub const RESULTS: &str = "results.json";
const JUNIT: &str = "junit.xml";
const SUMMARY: &str = "summary.md";
/// The page for a browser.
pub const PAGE: &str = "report.html";

/// A folder that can be written to.
#[derive(Debug)]
pub struct Out {
    folder: Folder,
    records: Option<records::Writer<File>>,
}

impl Out {
    /// Makes the folder if it is not there, and tries whether files can be written to it.
    ///
    /// # Errors
    /// [`FolderError`] if not.
    pub fn open(folder: &Path) -> Result<Self, FolderError> {
        let folder = Folder::open(folder, "--out")?;
        let transcripts = folder.file(transcripts::FOLDER);
        fs::create_dir_all(&transcripts).map_err(folder.cannot(&transcripts))?;
        Ok(Self {
            folder,
            records: None,
        })
    }

    /// Where it is.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Begins a run: what an earlier one left is replaced, and `results.json` says of `head` (no cases yet)
    /// that it was interrupted, which is what it is until [`Out::finish`].
    ///
    /// # Errors
    /// [`FolderError`].
    pub fn begin(&mut self, head: &Results) -> Result<(), FolderError> {
        self.remove_earlier()?;
        let path = self.folder.file(RECORDS);
        let file = File::create(&path).map_err(self.folder.cannot(&path))?;
        self.records = Some(records::Writer::new(file));
        let head = Results {
            interrupted: true,
            cases: Vec::new(),
            controls: Vec::new(),
            ..head.clone()
        };
        self.write_json(&head)
    }

    /// Goes on with a run that an earlier process began here. What was cut off in the middle of a line is
    /// removed, so that the next line is whole.
    ///
    /// # Errors
    /// [`FolderError`].
    pub fn resume(&mut self) -> Result<(), FolderError> {
        let path = self.folder.file(RECORDS);
        let file = records::open_to_append(&path).map_err(self.folder.cannot(&path))?;
        self.records = Some(records::Writer::new(file));
        Ok(())
    }

    /// Appends the facts of a case. [`Out::begin`] must have been called; else nothing is kept.
    ///
    /// # Errors
    /// [`FolderError`], at once where the disk is full.
    pub fn record(&mut self, record: &Record) -> Result<(), FolderError> {
        match &mut self.records {
            Some(records) => records
                .append(record)
                .map_err(self.folder.cannot(&self.folder.file(RECORDS))),
            None => Ok(()),
        }
    }

    /// Writes what the run saw in a form that can be compared.
    ///
    /// # Errors
    /// [`FolderError`].
    pub fn keep(&self, taken: &Taken) -> Result<(), FolderError> {
        taken.write(&self.folder)
    }

    /// Writes every report of a run that is over. The records are left as they are.
    ///
    /// # Errors
    /// [`FolderError`].
    pub fn finish(
        &mut self,
        results: &Results,
        decision: &Decision,
        details: &html::Details,
        background: &Background,
    ) -> Result<(), FolderError> {
        self.write_json(results)?;
        let xml = junit::render(results, decision).map_err(|error| {
            let path = self.folder.file(JUNIT);
            self.folder.cannot(&path)(io::Error::other(error))
        })?;
        self.folder.write(JUNIT, &xml)?;
        self.folder
            .write(SUMMARY, &markdown::render(results, decision))?;
        let page = html::render(&[html::Run { results, details }], background);
        let page = page.map_err(|error| {
            let path = self.folder.file(PAGE);
            self.folder.cannot(&path)(io::Error::other(error))
        })?;
        self.folder.write(PAGE, &page)?;
        for case in results.cases.iter().chain(&results.controls) {
            self.transcript(results, case)?;
        }
        Ok(())
    }

    fn transcript(&self, results: &Results, case: &CaseResult) -> Result<(), FolderError> {
        let name = format!(
            "{}/{}",
            transcripts::FOLDER,
            transcripts::file_name(&case.id)
        );
        self.folder
            .write(&name, &transcripts::render(results, case))
    }

    fn write_json(&self, results: &Results) -> Result<(), FolderError> {
        let text = json::render(results).map_err(|error| {
            let path = self.folder.file(RESULTS);
            self.folder.cannot(&path)(io::Error::other(error))
        })?;
        self.folder.write(RESULTS, &text)
    }

    /// Transcripts of an earlier run, if this folder was one's: of cases that are not run now they would be
    /// taken for new.
    fn remove_earlier(&self) -> Result<(), FolderError> {
        if !self.folder.file(RECORDS).exists() {
            return Ok(());
        }
        snapshot::remove_earlier(&self.folder)?;
        let cannot = |path: &Path| self.folder.cannot(path);
        let folder = self.folder.file(transcripts::FOLDER);
        for entry in fs::read_dir(&folder).map_err(cannot(&folder))? {
            let path = entry.map_err(cannot(&folder))?.path();
            if path.extension().is_some_and(|it| it == "txt") {
                fs::remove_file(&path).map_err(cannot(&path))?;
            }
        }
        for name in [JUNIT, SUMMARY, PAGE] {
            let path = self.folder.file(name);
            match fs::remove_file(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(cannot(&path)(error));
                }
                _ => {}
            }
        }
        Ok(())
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
        out.finish(
            &results,
            &decision,
            &html::Details::default(),
            &Background::default(),
        )
        .unwrap();
        let all = [
            "junit.xml",
            "records.ndjson",
            "report.html",
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
    #[cfg(target_os = "linux")]
    fn a_full_disk_is_told_at_once() {
        let dir = tempfile::tempdir().unwrap();
        let mut out = Out {
            folder: Folder::open(dir.path(), "--out").unwrap(),
            records: Some(records::Writer::new(
                File::options().write(true).open("/dev/full").unwrap(),
            )),
        };
        let error = out.record(&record(b"QUIT\r\n")).unwrap_err().to_string();
        assert!(error.contains("the disk is full"), "{error}");
    }
}
