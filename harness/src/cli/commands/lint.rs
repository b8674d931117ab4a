//! `mailproof lint`: scenario and persona files, checked.

use std::{
    io::Write,
    path::{Path, PathBuf},
};

use mailproof_scenarios::{language, library::Library};

use crate::{
    cli::{Failure, args::LintArgs, find_profile},
    exit::Exit,
    profile,
    report::text,
};

pub(crate) fn execute(args: &LintArgs, stdout: &mut dyn Write) -> Result<Exit, Failure> {
    let (profiles, files): (Vec<PathBuf>, Vec<PathBuf>) =
        args.paths.iter().cloned().partition(|it| is_profile(it));
    let library = Library::with_files(&files)?;
    let mut problems = language::lint(&library);
    let mut all = profile::all()?;
    for path in profiles {
        // A name without a slash would be that of a built-in one.
        all.push(find_profile(
            &Path::new(".").join(path).display().to_string(),
        )?);
    }
    for profile in &all {
        if let Err(found) = profile.cases(library.cases()) {
            problems.merge(found);
        }
    }
    if !problems.is_empty() {
        return Err(problems.into());
    }
    writeln!(
        stdout,
        "{}, {}, {}, {}: no problems",
        text::count(library.scenarios().len(), "scenario"),
        text::count(library.cases().count(), "case"),
        text::count(library.personas().len(), "persona"),
        text::count(all.len(), "profile"),
    )?;
    stdout.flush()?;
    Ok(Exit::AsExpected)
}

/// Whether a file is a profile: it says what is mandatory. Whatever cannot be told is no profile, and is told
/// about as what it seems to be.
fn is_profile(path: &Path) -> bool {
    let is_file = path.is_file();
    let text = is_file
        .then(|| std::fs::read_to_string(path).ok())
        .flatten();
    text.and_then(|it| it.parse::<toml::Table>().ok())
        .is_some_and(|it| it.contains_key("mandatory"))
}
