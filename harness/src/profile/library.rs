//! The profiles that are built in, and how one is found. Must not know what is in them.

use std::{fs::File, io::Read as _, path::Path, sync::Arc};

use include_dir::{Dir, include_dir};
use mailproof_scenarios::language::{Problems, Source};

use super::{Profile, file};
use crate::{
    select::suggest::{did_you_mean, nearest},
    units,
};

static BUILT_IN: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/profiles");

/// The longest file that is read.
const LONGEST: u64 = 1 << 20;

/// Why there is no profile to work with.
#[derive(Debug, thiserror::Error)]
pub enum FindError {
    /// No built-in profile has that name, and it is no file.
    #[error("there is no profile `{name}`{suggestion}")]
    Unknown {
        /// The name.
        name: String,
        /// `, did you mean …?` or which there are.
        suggestion: String,
    },
    /// The file cannot be read.
    #[error("cannot read the profile `{file}`: {reason}")]
    Unreadable {
        /// The file.
        file: String,
        /// Why not.
        reason: String,
    },
    /// The file is wrong.
    #[error(transparent)]
    Wrong(#[from] Problems),
}

/// The profile of that name, or in that file: what has a slash or ends in `.toml` is a file.
///
/// # Errors
/// [`FindError`] where there is none, or where it is wrong.
pub fn find(name_or_path: &str) -> Result<Profile, FindError> {
    if units::is_path(name_or_path) {
        return from_file(name_or_path);
    }
    let built_in = BUILT_IN.get_file(format!("{name_or_path}.toml"));
    if let Some(source) = built_in.and_then(source) {
        return Ok(file::profile(&source)?);
    }
    let known: Vec<&str> = BUILT_IN
        .files()
        .filter_map(|it| it.path().file_stem()?.to_str())
        .collect();
    let near = nearest(name_or_path, known.iter().copied(), 2);
    Err(FindError::Unknown {
        name: name_or_path.to_owned(),
        suggestion: match near.is_empty() {
            true => format!("; there are {}", known.join(", ")),
            false => did_you_mean(&near),
        },
    })
}

/// Every built-in profile, by name.
///
/// # Errors
/// Where one of them is wrong, which the tests rule out.
pub fn all() -> Result<Vec<Profile>, Problems> {
    let mut profiles = BUILT_IN
        .files()
        .filter_map(source)
        .map(|it| file::profile(&it))
        .collect::<Result<Vec<_>, _>>()?;
    profiles.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(profiles)
}

/// A profile that results carry, read again.
///
/// # Errors
/// Where this mailproof does not understand it any more.
pub(super) fn from_text(name: &str, text: &str) -> Result<Profile, Problems> {
    file::profile(&Source::new(name, text))
}

fn from_file(name: &str) -> Result<Profile, FindError> {
    let unreadable = |reason: String| FindError::Unreadable {
        file: name.to_owned(),
        reason,
    };
    let mut text = String::new();
    let file = File::open(Path::new(name)).map_err(|error| unreadable(error.to_string()))?;
    file.take(LONGEST + 1)
        .read_to_string(&mut text)
        .map_err(|error| unreadable(error.to_string()))?;
    if text.len() as u64 > LONGEST {
        let why = format!("it is larger than {} KiB", LONGEST >> 10);
        return Err(unreadable(why));
    }
    Ok(file::profile(&Source::new(name, text))?)
}

fn source(file: &include_dir::File<'_>) -> Option<Arc<Source>> {
    let is_profile = file.path().extension().is_some_and(|it| it == "toml");
    let name = format!("profiles/{}", file.path().display());
    let text = file.contents_utf8().filter(|_| is_profile)?;
    Some(Source::new(name, text))
}
