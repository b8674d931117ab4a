//! Where the file is: in the current folder or the nearest one above it that has one. Must not know keys.

use std::{
    fs::File,
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use mailproof_scenarios::language::{Problems, Source};

use super::{Project, file};

/// The name of the file.
pub const NAME: &str = "mailproof.toml";

/// The longest file that is read.
const LONGEST: u64 = 1 << 20;

/// Why there is no project to work with.
#[derive(Debug, thiserror::Error)]
pub enum FindError {
    /// The file cannot be read.
    #[error("cannot read `{}`: {reason}", file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// Why not.
        reason: String,
    },
    /// The file is wrong.
    #[error(transparent)]
    Wrong(#[from] Problems),
}

/// The file that is nearest to `folder`: in it, or in one that it is in. `None` where there is none.
///
/// For the current folder (the empty path) the file is named without a folder, so that what is printed can be
/// typed.
///
/// # Errors
/// [`FindError`] where there is a file and it is wrong.
pub fn find(folder: &Path) -> Result<Option<Project>, FindError> {
    let here = folder.join(NAME);
    if is_there(&here) {
        return read(&here).map(Some);
    }
    let Ok(absolute) = std::path::absolute(if folder.as_os_str().is_empty() {
        Path::new(".")
    } else {
        folder
    }) else {
        return Ok(None);
    };
    let above = absolute.ancestors().skip(1).map(|it| it.join(NAME));
    match above.into_iter().find(|it| is_there(it)) {
        Some(file) => read(&file).map(Some),
        None => Ok(None),
    }
}

/// Reads and checks one file.
///
/// # Errors
/// [`FindError`].
pub fn read(path: &Path) -> Result<Project, FindError> {
    let text = text(path).map_err(|error| FindError::Unreadable {
        file: path.to_owned(),
        reason: error.to_string(),
    })?;
    let source = Source::new(path.display().to_string(), text);
    Ok(file::project(&source, path)?)
}

/// A broken link is there too: it is told, not passed over.
fn is_there(path: &Path) -> bool {
    path.symlink_metadata().is_ok_and(|it| !it.is_dir())
}

fn text(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    File::open(path)?
        .take(LONGEST + 1)
        .read_to_string(&mut text)?;
    if text.len() as u64 > LONGEST {
        let message = format!("it is larger than {} KiB", LONGEST >> 10);
        return Err(io::Error::other(message));
    }
    Ok(text)
}
