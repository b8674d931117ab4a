//! The adapters that are built in, and how an adapter is found. Must not know what is in them.

use std::path::Path;

use include_dir::{Dir, include_dir};

use super::{Adapter, AdapterError, FindError, Kind, error::nearest, load};
use crate::{subjects, units};

static BUILT_IN: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/adapters");

/// The adapter of that name, or in that file.
///
/// What has a slash or ends in `.toml` is a file. Anything else is the name of a built-in adapter or of an
/// embedded subject, the reference client with its flaws behind it: `reference+ignores-name`.
///
/// # Errors
/// [`FindError`] where there is none, or where it is wrong.
pub fn find(name_or_path: &str) -> Result<Adapter, FindError> {
    if units::is_path(name_or_path) {
        return from_file(name_or_path);
    }
    if let Some(file) = BUILT_IN.get_file(format!("{name_or_path}.toml")) {
        return Ok(built_in(file)?);
    }
    embedded(name_or_path)?.ok_or_else(|| {
        let known: Vec<&str> = names().chain(subjects::names().iter().copied()).collect();
        FindError::Unknown {
            name: name_or_path.to_owned(),
            suggestion: nearest(name_or_path, &known),
        }
    })
}

/// Every built-in adapter, by name.
///
/// # Errors
/// Where one of them is wrong, which the tests rule out.
pub fn all() -> Result<Vec<Adapter>, AdapterError> {
    let mut adapters = files().map(built_in).collect::<Result<Vec<_>, _>>()?;
    adapters.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(adapters)
}

/// The text of that adapter's file, for people; an embedded subject without one of its own has that of the
/// reference client. `None` where there is none or it is no text.
pub fn source(name_or_path: &str) -> Option<String> {
    if units::is_path(name_or_path) {
        return std::fs::read_to_string(name_or_path).ok();
    }
    let own = BUILT_IN.get_file(format!("{name_or_path}.toml"));
    let file = own.or_else(|| {
        subjects::embedded(name_or_path)?;
        BUILT_IN.get_file("reference.toml")
    })?;
    file.contents_utf8().map(str::to_owned)
}

fn from_file(name: &str) -> Result<Adapter, FindError> {
    let path = Path::new(name);
    let unreadable = |reason: String| FindError::Unreadable {
        file: name.to_owned(),
        reason,
    };
    let folder = path.parent().filter(|it| !it.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new(".")).canonicalize();
    let folder = folder.map_err(|error| unreadable(error.to_string()))?;
    let file = path.file_name().map(|it| it.to_string_lossy().into_owned());
    let octets = load::read_beside(&folder, &file.unwrap_or_default()).map_err(unreadable)?;
    let source = String::from_utf8(octets).map_err(|_| unreadable("it is not UTF-8".to_owned()))?;
    Ok(Adapter::parse(&source, name, &folder)?)
}

/// An embedded subject without an adapter file of its own is run as the reference client is.
fn embedded(name: &str) -> Result<Option<Adapter>, AdapterError> {
    let (Some(file), Some((subject, supports, version))) = (
        BUILT_IN.get_file("reference.toml"),
        subjects::embedded(name),
    ) else {
        return Ok(None);
    };
    let reference = built_in(file)?;
    Ok(Some(Adapter {
        name: name.to_owned(),
        title: name.to_owned(),
        supports,
        kind: Kind::Embedded {
            name: name.to_owned(),
            subject,
            version,
        },
        ..reference
    }))
}

fn names() -> impl Iterator<Item = &'static str> {
    files().filter_map(|file| file.path().file_stem()?.to_str())
}

fn files() -> impl Iterator<Item = &'static include_dir::File<'static>> {
    let is_adapter = |path: &Path| path.extension().is_some_and(|it| it == "toml");
    BUILT_IN.files().filter(move |file| is_adapter(file.path()))
}

fn built_in(file: &include_dir::File<'_>) -> Result<Adapter, AdapterError> {
    let name = format!("adapters/{}", file.path().display());
    let read = |path: &str| {
        let found = BUILT_IN.get_file(path);
        found
            .map(|it| it.contents().to_vec())
            .ok_or_else(|| "there is no such file among the built-in ones".to_owned())
    };
    let source = file.contents_utf8().unwrap_or_default();
    load::load(source, &name, None, &read)
}
