//! One writer for each folder: a lock that dies with the process. Must not know what is written.
//!
//! The folder itself is locked, so nothing is left behind. Where the file system has no locks there is none.

use std::{
    fs::{File, TryLockError},
    io,
    os::unix::fs::MetadataExt as _,
    path::Path,
    sync::{Arc, Mutex, PoisonError, Weak},
};

/// Held as long as a value lives.
#[derive(Debug)]
pub(crate) struct Lock {
    _folder: File,
    is: (u64, u64),
}

/// What this process holds: two options may name one folder.
static HELD: Mutex<Vec<Weak<Lock>>> = Mutex::new(Vec::new());

/// Locks a folder that is there.
///
/// # Errors
/// [`io::ErrorKind::ResourceBusy`] where another process holds it, or what opening it says.
pub(crate) fn lock(path: &Path) -> io::Result<Arc<Lock>> {
    let folder = File::open(path)?;
    let metadata = folder.metadata()?;
    let is = (metadata.dev(), metadata.ino());
    let mut held = HELD.lock().unwrap_or_else(PoisonError::into_inner);
    held.retain(|it| it.strong_count() > 0);
    if let Some(own) = held.iter().filter_map(Weak::upgrade).find(|it| it.is == is) {
        return Ok(own);
    }
    if let Err(TryLockError::WouldBlock) = folder.try_lock() {
        return Err(io::ErrorKind::ResourceBusy.into());
    }
    let lock = Arc::new(Lock {
        _folder: folder,
        is,
    });
    held.push(Arc::downgrade(&lock));
    Ok(lock)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_somebody_else_holds_is_busy_until_he_is_gone() {
        let dir = tempfile::tempdir().unwrap();
        let other = File::open(dir.path()).unwrap();
        other.try_lock().unwrap();
        let busy = lock(dir.path()).unwrap_err();
        assert_eq!(busy.kind(), io::ErrorKind::ResourceBusy);
        drop(other);
        lock(dir.path()).unwrap();
    }

    #[test]
    fn one_process_may_name_a_folder_twice() {
        let dir = tempfile::tempdir().unwrap();
        let first = lock(dir.path()).unwrap();
        let second = lock(&dir.path().join(".")).unwrap();
        drop(first);
        let others = || File::open(dir.path()).unwrap().try_lock();
        assert!(matches!(others(), Err(TryLockError::WouldBlock)));
        drop(second);
        others().unwrap();
    }
}
