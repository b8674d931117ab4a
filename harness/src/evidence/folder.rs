//! The folder of `--evidence`: for each case a capture and the transcript with times.

use std::{
    collections::HashMap,
    fs,
    io::{self, BufWriter},
    path::Path,
};

use super::write;
use crate::{
    report::{
        folder::{Folder, FolderError},
        transcripts::{self, stem},
    },
    results::{CaseResult, Record, Results},
    transcript,
};

/// A folder that evidence is written to.
#[derive(Debug)]
pub struct Evidence {
    folder: Folder,
    /// Transcripts with times by the ids of their cases: what stands above one is only known at the end.
    timed: HashMap<String, String>,
}

impl Evidence {
    /// Makes the folder if it is not there, and tries whether files can be written to it.
    ///
    /// # Errors
    /// [`FolderError`] if not.
    pub fn open(folder: &Path) -> Result<Self, FolderError> {
        Ok(Self {
            folder: Folder::open(folder, "--evidence")?,
            timed: HashMap::new(),
        })
    }

    /// Writes the capture of a case that was run, `ID.pcapng`. Of one that was not there is nothing.
    ///
    /// # Errors
    /// [`FolderError`], at once where the disk is full.
    pub fn keep(&mut self, record: &Record) -> Result<(), FolderError> {
        let id = &record.case.id;
        let name = format!("{}.pcapng", stem(id));
        if record.not_run.is_some() {
            // What an earlier record of the case showed counts no more.
            self.timed.remove(id);
            return match fs::remove_file(self.folder.file(&name)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    Err(self.folder.cannot(&self.folder.file(&name))(error))
                }
                _ => Ok(()),
            };
        }
        self.folder
            .replace(&name, |file| write(record, BufWriter::new(file)))?;
        let options = transcript::Options {
            times: true,
            ..transcript::Options::default()
        };
        self.timed
            .insert(id.clone(), transcript::render(record, options));
        Ok(())
    }

    /// Writes the transcripts of what was kept, `ID.txt`.
    ///
    /// # Errors
    /// [`FolderError`].
    pub fn finish(mut self, results: &Results) -> Result<(), FolderError> {
        for case in results.cases.iter().chain(&results.controls) {
            let Some(transcript) = self.timed.remove(&case.id) else {
                continue;
            };
            let case = CaseResult {
                transcript,
                ..case.clone()
            };
            let name = transcripts::file_name(&case.id);
            let page = transcripts::render(results, &case);
            self.folder.write(&name, &page)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{judge::testing::Scene, results::NotRun};

    #[test]
    fn a_case_that_was_left_out_afterwards_has_no_evidence() {
        let dir = tempfile::tempdir().unwrap();
        let mut evidence = Evidence::open(dir.path()).unwrap();
        let mut record = Scene::send().begin().connect().close().record;
        let capture = dir.path().join(format!("{}.pcapng", stem(&record.case.id)));
        evidence.keep(&record).unwrap();
        assert!(capture.is_file());
        record.not_run = Some(NotRun::Skipped("no time".to_owned()));
        evidence.keep(&record).unwrap();
        evidence.keep(&record).unwrap();
        assert!(!capture.exists() && evidence.timed.is_empty());
    }
}
