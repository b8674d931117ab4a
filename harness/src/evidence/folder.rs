//! The folder of `--evidence`: for each case a capture and the transcript with times.

use std::{collections::HashMap, io::BufWriter, path::Path};

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
        if record.not_run.is_some() {
            return Ok(());
        }
        let id = &record.case.id;
        let name = format!("{}.pcapng", stem(id));
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
