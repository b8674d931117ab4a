//! A folder that the user named for files of a run: tried before anything is run, files written whole.

use std::{
    fs::{self, File},
    io::{self, Write as _},
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{
    lock::{Lock, lock},
    text,
};

const PROBE: &str = ".mailproof-probe";

/// A folder that can be written to.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    /// The option that named it.
    option: &'static str,
    /// Nobody else writes here meanwhile.
    _lock: Option<Arc<Lock>>,
}

/// The folder or a file in it cannot be written. An error of the environment.
#[derive(Debug, thiserror::Error)]
#[error("cannot write {}: {}", text::line(&path.display().to_string()), explain(source, option))]
pub struct FolderError {
    path: PathBuf,
    option: &'static str,
    source: io::Error,
}

impl Folder {
    /// Makes the folder if it is not there, tries whether files can be written to it, and keeps other
    /// processes from it as long as the value lives. `option` is the option that named it.
    ///
    /// # Errors
    /// [`FolderError`] if not.
    pub fn open(path: &Path, option: &'static str) -> Result<Self, FolderError> {
        let mut folder = Self {
            path: path.to_owned(),
            option,
            _lock: None,
        };
        fs::create_dir_all(path).map_err(folder.cannot(path))?;
        folder._lock = Some(lock(path).map_err(folder.cannot(path))?);
        let probe = folder.file(PROBE);
        let tried = File::create(&probe).and_then(|mut file| {
            file.write_all(&[b'.'; 4096])?;
            file.sync_all()
        });
        // Left behind only where it cannot be removed either; the first error says more.
        let removed = fs::remove_file(&probe);
        tried.and(removed).map_err(folder.cannot(path))?;
        Ok(folder)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The path of a file in it.
    pub fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Writes a text file in one go: see [`Folder::replace`].
    ///
    /// # Errors
    /// [`FolderError`].
    pub fn write(&self, name: &str, text: &str) -> Result<(), FolderError> {
        self.replace(name, |file| file.write_all(text.as_bytes()))
    }

    /// Writes beside and renames, so that a kill leaves the old file or the new one.
    ///
    /// # Errors
    /// [`FolderError`].
    pub fn replace(
        &self,
        name: &str,
        fill: impl FnOnce(&mut File) -> io::Result<()>,
    ) -> Result<(), FolderError> {
        let path = self.file(name);
        let beside = path.with_added_extension("part");
        let written = File::create(&beside)
            .and_then(|mut file| fill(&mut file))
            .and_then(|()| fs::rename(&beside, &path));
        written.map_err(|error| {
            let _ = fs::remove_file(&beside);
            self.cannot(&path)(error)
        })
    }

    /// What to make of an error about a path in it.
    pub fn cannot(&self, path: &Path) -> impl Fn(io::Error) -> FolderError + use<> {
        let (path, option) = (path.to_owned(), self.option);
        move |source| FolderError {
            path: path.clone(),
            option,
            source,
        }
    }
}

fn explain(error: &io::Error, option: &str) -> String {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            format!("the disk is full; free some space or give another folder with {option}")
        }
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            format!("it is not writable for you; give another folder with {option}")
        }
        io::ErrorKind::ResourceBusy => {
            format!(
                "another mailproof is writing there; wait for it or give another folder with {option}"
            )
        }
        io::ErrorKind::AlreadyExists | io::ErrorKind::NotADirectory => {
            format!("a file is in the way of the folder; give another one with {option}")
        }
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_in_the_way_is_told_at_once_with_the_option() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("file");
        fs::write(&file, "").unwrap();
        let error = Folder::open(&file, "--evidence").unwrap_err().to_string();
        assert!(error.contains("a file is in the way"), "{error}");
        assert!(
            error.ends_with("give another one with --evidence"),
            "{error}"
        );
    }

    #[test]
    fn a_file_that_could_not_be_filled_leaves_the_old_one() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::open(dir.path(), "--out").unwrap();
        folder.write("a.txt", "old").unwrap();
        let full = |_: &mut File| Err(io::ErrorKind::StorageFull.into());
        let error = folder.replace("a.txt", full).unwrap_err().to_string();
        assert!(error.contains("the disk is full"), "{error}");
        assert_eq!(fs::read_to_string(folder.file("a.txt")).unwrap(), "old");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }
}
