//! The work folder of a case: what is in there, and nothing that outlives it. Must not know processes.

use std::{
    fs, io,
    io::Write as _,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

use tempfile::TempDir;

use crate::adapter::HOME;

/// A folder of a case's own. Only the user of mailproof can read it. It is removed with this value.
pub(super) struct WorkFolder {
    folder: TempDir,
}

impl WorkFolder {
    /// A new folder with a `HOME` in it, the certificate of the test authority, and the one to pin.
    pub(super) fn create(ca: &str, pin: &str) -> io::Result<Self> {
        let folder = tempfile::Builder::new()
            .prefix("mailproof-")
            .permissions(fs::Permissions::from_mode(0o700))
            .tempdir()?;
        let work = Self { folder };
        make_folder(&work.path().join(HOME))?;
        work.write("ca.pem", ca.as_bytes())?;
        work.write("pin.pem", pin.as_bytes())?;
        Ok(work)
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Where `HOME` is.
    pub(super) fn home(&self) -> PathBuf {
        self.path().join(HOME)
    }

    /// The file of that name in it.
    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }

    /// Makes a folder, or empties one that is there.
    pub(super) fn empty(&self, name: &str) -> io::Result<()> {
        let path = self.file(name);
        match fs::remove_dir_all(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => make_folder(&path),
        }
    }

    /// Empties `fresh` folders and writes the files of a step.
    ///
    /// # Errors
    /// In words.
    pub(super) fn lay_out(
        &self,
        fresh: &[String],
        files: &[(String, Vec<u8>)],
    ) -> Result<(), String> {
        for name in fresh {
            let emptied = self.empty(name);
            emptied.map_err(|error| format!("cannot empty {name}: {error}"))?;
        }
        for (name, octets) in files {
            let written = self.write(name, octets);
            written.map_err(|error| format!("cannot write {name}: {error}"))?;
        }
        Ok(())
    }

    /// Writes a file, over one that is there, and the folders above it. Configuration files have
    /// passwords in them, so nobody else may read any.
    pub(super) fn write(&self, name: &str, octets: &[u8]) -> io::Result<()> {
        let path = self.file(name);
        if let Some(parent) = path.parent() {
            make_folder(parent)?;
        }
        let mut file = fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(path)?;
        file.write_all(octets)
    }
}

fn make_folder(path: &Path) -> io::Result<()> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_for_nobody_else_and_go_with_the_folder() {
        let work = WorkFolder::create("ca", "pin").expect("a folder");
        work.write("a/b/conf", b"long text").expect("writes");
        work.write("a/b/conf", b"short").expect("overwrites");
        let path = work.file("a/b/conf");
        assert_eq!(fs::read(&path).ok(), Some(b"short".to_vec()));
        let mode = |path: &Path| {
            fs::metadata(path)
                .map(|it| it.permissions().mode() & 0o777)
                .ok()
        };
        assert_eq!(mode(&path), Some(0o600));
        assert_eq!(mode(&work.home()), Some(0o700));
        assert_eq!(mode(work.path()), Some(0o700));
        work.empty("a").expect("empties");
        work.empty("new").expect("makes");
        assert!(!path.exists() && work.file("a").is_dir() && work.file("new").is_dir());
        let root = work.path().to_owned();
        drop(work);
        assert!(!root.exists());
    }
}
