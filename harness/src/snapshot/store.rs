//! The folder of snapshots: reading it, comparing a run with it, and the decisions of a person.
//!
//! Must not know how a decision is asked for. Files that are no snapshots are never touched.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, File},
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use super::{
    Taken,
    diff::unified,
    file::{self, EXTENSION, Fault, LARGEST, MARK, PENDING, Snapshot, path},
};
use crate::{
    report::{
        folder::{Folder, FolderError},
        text,
    },
    results::{Change, SnapshotChange},
};

/// Lines around a change that are shown.
const CONTEXT: usize = 3;

/// The option that names the folder.
const OPTION: &str = "--snapshots";

/// A folder of snapshots, for this process alone.
#[derive(Debug)]
pub struct Store {
    folder: Folder,
    /// What was accepted, by the id of the case.
    known: BTreeMap<String, String>,
    /// Files with the name of a snapshot that are none.
    foreign: Vec<Foreign>,
}

/// A transcript that waits for a decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pending {
    /// The case.
    pub id: String,
    /// What was accepted; nothing where the case is new.
    pub old: Option<String>,
    /// What the last run saw.
    pub new: String,
}

/// The folder of snapshots is not as it must be.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// It cannot be written.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// It cannot be read.
    #[error("cannot read {}: {source}", text::line(&path.display().to_string()))]
    Unreadable {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file in it is no snapshot, or not the one that belongs there.
    #[error("{}:{}:{}: {}", text::line(&path.display().to_string()), fault.line, fault.column, fault.message)]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        fault: Fault,
    },
}

/// A file with the name of a snapshot that is none.
#[derive(Clone, Debug)]
pub(super) struct Foreign {
    /// Below the folder.
    pub(super) below: PathBuf,
    pub(super) path: PathBuf,
    pub(super) fault: Fault,
}

impl Foreign {
    pub(super) fn into_error(self) -> StoreError {
        StoreError::Malformed {
            path: self.path,
            fault: self.fault,
        }
    }
}

/// What a folder holds.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) known: BTreeMap<String, String>,
    pub(super) foreign: Vec<Foreign>,
}

impl Store {
    /// Opens a folder that may be written, and makes it where it is not there.
    ///
    /// # Errors
    /// [`StoreError`], also where a snapshot is damaged.
    pub fn open(folder: &Path) -> Result<Self, StoreError> {
        let folder = Folder::open(folder, OPTION)?;
        let Found { known, foreign } = read(folder.path())?;
        Ok(Self {
            folder,
            known,
            foreign,
        })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The ids of the cases that have a snapshot.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.known.keys().map(String::as_str)
    }

    /// Whether the files of these cases may be written: nothing else stands there.
    ///
    /// # Errors
    /// [`StoreError::Malformed`] for the first that may not.
    pub fn is_free_for<'a>(
        &self,
        ids: impl IntoIterator<Item = &'a str>,
    ) -> Result<(), StoreError> {
        if self.foreign.is_empty() {
            return Ok(());
        }
        let paths: BTreeSet<PathBuf> = ids.into_iter().map(path).collect();
        let taken = self.foreign.iter().find(|it| paths.contains(&it.below));
        taken.map_or(Ok(()), |it| Err(it.clone().into_error()))
    }

    /// Compares what a run saw with what was accepted. What differs waits for a decision from now on; what is
    /// as accepted no longer does. Cases that were not run are left alone.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn compare(&self, taken: &Taken) -> Result<Vec<SnapshotChange>, StoreError> {
        self.is_free_for(taken.texts().keys().map(String::as_str))?;
        let mut changes = Vec::new();
        for (id, new) in taken.texts() {
            let pending = path(id).with_extension(PENDING);
            let (change, diff) = match self.known.get(id) {
                Some(old) if old == new => {
                    self.remove(&pending)?;
                    continue;
                }
                Some(old) => (Change::Changed, unified(old, new, CONTEXT)),
                None => (Change::New, String::new()),
            };
            write(&self.folder, &pending, &file::render(id, new))?;
            changes.push(SnapshotChange {
                id: id.clone(),
                change,
                diff,
            });
        }
        Ok(changes)
    }

    /// What waits for a decision, in the order of the ids.
    ///
    /// # Errors
    /// [`StoreError`], also where such a file is damaged.
    pub fn pending(&self) -> Result<Vec<Pending>, StoreError> {
        let mut pending = BTreeMap::new();
        for (below, whole) in list(self.path(), PENDING)? {
            match load(&whole, &below, PENDING)? {
                Ok(Snapshot { id, text }) => {
                    let old = self.known.get(&id).cloned();
                    pending.insert(id.clone(), Pending { id, old, new: text });
                }
                Err(_) if !is_snapshot(&whole) => {}
                Err(fault) => return Err(StoreError::Malformed { path: whole, fault }),
            }
        }
        Ok(pending.into_values().collect())
    }

    /// Takes a transcript over as the snapshot of its case.
    ///
    /// # Errors
    /// [`StoreError`], where a file of somebody else stands there.
    pub fn accept(&mut self, pending: &Pending) -> Result<(), StoreError> {
        self.is_free_for([pending.id.as_str()])?;
        let name = path(&pending.id);
        write(
            &self.folder,
            &name,
            &file::render(&pending.id, &pending.new),
        )?;
        self.remove(&name.with_extension(PENDING))?;
        self.known.insert(pending.id.clone(), pending.new.clone());
        Ok(())
    }

    /// Leaves the snapshot as it is, and forgets the transcript.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn reject(&self, pending: &Pending) -> Result<(), StoreError> {
        self.remove(&path(&pending.id).with_extension(PENDING))
    }

    /// The cases with a snapshot, or one that waits, that are not among `known`.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn without_case(&self, known: &BTreeSet<&str>) -> Result<Vec<String>, StoreError> {
        let pending = self.pending()?;
        let all: BTreeSet<&str> = self
            .ids()
            .chain(pending.iter().map(|it| it.id.as_str()))
            .filter(|it| !known.contains(it))
            .collect();
        Ok(all.into_iter().map(str::to_owned).collect())
    }

    /// Removes the snapshot of a case, what waits for it, and the folders that are empty without them.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn discard(&mut self, id: &str) -> Result<(), StoreError> {
        let name = path(id);
        self.remove(&name)?;
        self.remove(&name.with_extension(PENDING))?;
        self.known.remove(id);
        for folder in name.ancestors().skip(1).filter(|it| *it != Path::new("")) {
            // Where something else is in there it stays.
            if fs::remove_dir(self.path().join(folder)).is_err() {
                break;
            }
        }
        Ok(())
    }

    fn remove(&self, below: &Path) -> Result<(), StoreError> {
        let whole = self.path().join(below);
        if !is_snapshot(&whole) {
            return Ok(());
        }
        Ok(fs::remove_file(&whole).map_err(self.folder.cannot(&whole))?)
    }
}

/// Writes a file below the folder.
pub(super) fn write(folder: &Folder, below: &Path, text: &str) -> Result<(), FolderError> {
    if let Some(parent) = below.parent() {
        let parent = folder.path().join(parent);
        fs::create_dir_all(&parent).map_err(folder.cannot(&parent))?;
    }
    folder.write(&below.to_string_lossy(), text)
}

/// Reads every snapshot of a folder.
///
/// # Errors
/// Where the folder or a file cannot be read, or a snapshot is damaged.
pub(super) fn read(folder: &Path) -> Result<Found, StoreError> {
    let mut found = Found::default();
    for (below, whole) in list(folder, EXTENSION)? {
        match load(&whole, &below, EXTENSION)? {
            Ok(Snapshot { id, text }) => {
                found.known.insert(id, text);
            }
            Err(fault) if is_snapshot(&whole) => {
                return Err(StoreError::Malformed { path: whole, fault });
            }
            Err(fault) => found.foreign.push(Foreign {
                below,
                path: whole,
                fault,
            }),
        }
    }
    Ok(found)
}

/// Whether a file is one of ours, whatever is wrong with it otherwise.
pub(super) fn is_snapshot(path: &Path) -> bool {
    let mut begin = Vec::new();
    let read = File::open(path).and_then(|it| it.take(MARK.len() as u64).read_to_end(&mut begin));
    read.is_ok() && begin == MARK.as_bytes()
}

/// Files below a folder whose name ends so, each with its path below the folder, in their order. There is
/// none where there is no folder. Links are not followed.
pub(super) fn files(folder: &Path, extension: &str) -> io::Result<BTreeMap<PathBuf, PathBuf>> {
    let mut found = BTreeMap::new();
    let mut open = vec![PathBuf::new()];
    while let Some(below) = open.pop() {
        let entries = match fs::read_dir(folder.join(&below)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            entries => entries?,
        };
        for entry in entries {
            let entry = entry?;
            let kind = entry.file_type()?;
            let below = below.join(entry.file_name());
            let name = entry.file_name();
            let ends = name
                .to_string_lossy()
                .strip_suffix(extension)
                .is_some_and(|it| it.ends_with('.'));
            if kind.is_dir() {
                open.push(below);
            } else if kind.is_file() && ends {
                found.insert(below, entry.path());
            }
        }
    }
    Ok(found)
}

fn list(folder: &Path, extension: &str) -> Result<BTreeMap<PathBuf, PathBuf>, StoreError> {
    files(folder, extension).map_err(|source| StoreError::Unreadable {
        path: folder.to_owned(),
        source,
    })
}

fn load(
    whole: &Path,
    below: &Path,
    extension: &str,
) -> Result<Result<Snapshot, Fault>, StoreError> {
    let unreadable = |source| StoreError::Unreadable {
        path: whole.to_owned(),
        source,
    };
    let mut octets = Vec::new();
    File::open(whole)
        .and_then(|it| it.take(LARGEST + 1).read_to_end(&mut octets))
        .map_err(unreadable)?;
    let fault = |message: String| {
        Ok(Err(Fault {
            line: 1,
            column: 1,
            message,
        }))
    };
    if octets.len() as u64 > LARGEST {
        return fault(format!("it is larger than {} MiB", LARGEST >> 20));
    }
    let snapshot = match file::parse(&octets) {
        Ok(snapshot) => snapshot,
        Err(fault) => return Ok(Err(fault)),
    };
    let belongs = path(&snapshot.id).with_extension(extension);
    if belongs != below {
        return fault(format!(
            "this is the snapshot of {}, which stands in {}",
            text::line(&snapshot.id),
            text::line(&belongs.display().to_string())
        ));
    }
    Ok(Ok(snapshot))
}
