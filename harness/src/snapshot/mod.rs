//! Snapshots of the user's client: the normalised transcript of each case in a file of the user's repository.
//!
//! A snapshot says what the client did on the wire, one connection after the other, and nothing else: no
//! verdict, no title, no seed. Whether it changed never changes a verdict. Must not know the command line.
//!
//! ```text
//! cert/trust/self-signed@smtp-implicit.snap        what was accepted
//! cert/trust/self-signed@smtp-implicit.snap.new    what the last run saw instead, until somebody decides
//! ```

mod diff;
mod file;
mod store;
#[cfg(test)]
mod tests;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

pub use diff::unified;
pub use file::{EXTENSION, Fault, PENDING, Snapshot, VERSION, path};
pub use store::{Pending, Store, StoreError};

use crate::{
    late,
    report::folder::{Folder, FolderError},
    results::Record,
    transcript::{Rules, normalise_with},
};

/// The folder below `--out` that holds what a run saw.
pub const FOLDER: &str = "snapshots";

/// What one run saw, by the id of the case.
#[derive(Clone, Debug, Default)]
pub struct Taken {
    texts: BTreeMap<String, String>,
}

impl Taken {
    /// Takes the transcript of a case that was run. Which retry comes late, and where it arrives, is chance and is
    /// left out.
    pub fn take(&mut self, record: &Record, rules: &Rules) {
        if record.not_run.is_none() {
            let text = file::bounded(&normalise_with(&late::undisturbed(record), rules));
            self.texts.insert(record.case.id.clone(), text);
        }
    }

    /// The transcripts by the ids of their cases.
    pub fn texts(&self) -> &BTreeMap<String, String> {
        &self.texts
    }

    /// Writes what was seen below the folder of `--out`, in the place of what an earlier run wrote there.
    ///
    /// # Errors
    /// [`FolderError`].
    pub fn write(&self, out: &Folder) -> Result<(), FolderError> {
        remove_earlier(out)?;
        for (id, text) in &self.texts {
            let name = Path::new(FOLDER).join(path(id));
            store::write(out, &name, &file::render(id, text))?;
        }
        Ok(())
    }

    /// Reads what [`Taken::write`] wrote.
    ///
    /// # Errors
    /// Where the folder cannot be read, or a file in it is no snapshot.
    pub fn read(out: &Path) -> Result<Self, StoreError> {
        let found = store::read(&out.join(FOLDER))?;
        match found.foreign.into_iter().next() {
            Some(foreign) => Err(foreign.into_error()),
            None => Ok(Self { texts: found.known }),
        }
    }
}

/// Removes what an earlier run wrote below the folder of `--out`.
///
/// # Errors
/// [`FolderError`].
pub fn remove_earlier(out: &Folder) -> Result<(), FolderError> {
    let folder = out.file(FOLDER);
    for (path, _) in store::files(&folder, EXTENSION).map_err(out.cannot(&folder))? {
        let whole: PathBuf = folder.join(&path);
        if store::is_snapshot(&whole) {
            std::fs::remove_file(&whole).map_err(out.cannot(&whole))?;
        }
    }
    Ok(())
}
