//! The adapters that are built in, and how an adapter is found. Must not know what is in them.

use std::path::Path;

use include_dir::{Dir, include_dir};

use super::{Adapter, AdapterError, FindError, Registry, error::nearest, load};

static BUILT_IN: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/adapters");

/// The adapter of that name, or in that file.
///
/// What has a slash or ends in `.toml` is a file, anything else a built-in name.
///
/// # Errors
/// [`FindError`] where there is none, or where it is wrong.
pub fn find(name_or_path: &str, registry: Registry<'_>) -> Result<Adapter, FindError> {
    if name_or_path.contains('/') || name_or_path.ends_with(".toml") {
        let path = Path::new(name_or_path);
        let unreadable = |reason: String| FindError::Unreadable {
            file: name_or_path.to_owned(),
            reason,
        };
        let here = Path::new(".");
        let folder = path.parent().filter(|it| !it.as_os_str().is_empty());
        let folder = folder.unwrap_or(here).canonicalize();
        let folder = folder.map_err(|error| unreadable(error.to_string()))?;
        let file = path.file_name().map(|it| it.to_string_lossy().into_owned());
        let octets = load::read_beside(&folder, &file.unwrap_or_default()).map_err(unreadable)?;
        let source =
            String::from_utf8(octets).map_err(|_| unreadable("it is not UTF-8".to_owned()))?;
        return Ok(Adapter::parse(&source, name_or_path, &folder, registry)?);
    }
    match BUILT_IN.get_file(format!("{name_or_path}.toml")) {
        Some(file) => Ok(built_in(file, registry)?),
        None => Err(FindError::Unknown {
            name: name_or_path.to_owned(),
            suggestion: nearest(name_or_path, &names()),
        }),
    }
}

/// Every built-in adapter, by name.
///
/// # Errors
/// Where one of them is wrong, which the tests rule out.
pub fn all(registry: Registry<'_>) -> Result<Vec<Adapter>, AdapterError> {
    let mut files: Vec<_> = BUILT_IN.files().collect();
    files.sort_by_key(|file| file.path());
    files
        .into_iter()
        .map(|file| built_in(file, registry))
        .collect()
}

fn names() -> Vec<&'static str> {
    BUILT_IN
        .files()
        .filter_map(|file| file.path().file_stem()?.to_str())
        .collect()
}

fn built_in(file: &include_dir::File<'_>, registry: Registry<'_>) -> Result<Adapter, AdapterError> {
    let name = format!("adapters/{}", file.path().display());
    let read = |path: &str| {
        let found = BUILT_IN.get_file(path);
        found
            .map(|it| it.contents().to_vec())
            .ok_or_else(|| "there is no such file among the built-in ones".to_owned())
    };
    let source = file.contents_utf8().unwrap_or_default();
    load::load(source, &name, None, &read, registry)
}
