//! Runs that are over, read again: the folder of `--out`, or the results file in it.

use std::{
    fs::File,
    io::BufReader,
    path::{Path, PathBuf},
};

use crate::{
    cli::Failure,
    report::{json, out, text},
    results::Results,
};

/// The results file of what the user named.
pub(super) fn file(run: &Path) -> PathBuf {
    if run.is_dir() {
        run.join(out::RESULTS)
    } else {
        run.to_owned()
    }
}

/// Reads the results of a run.
///
/// # Errors
/// [`Failure`] of usage where there are none.
pub(super) fn results(run: &Path) -> Result<Results, Failure> {
    let path = file(run);
    let shown = text::line(&path.display().to_string());
    let file = File::open(&path)
        .map_err(|error| Failure::usage(format!("cannot read `{shown}`: {error}")))?;
    json::read(BufReader::new(file))
        .map_err(|error| Failure::usage(format!("{shown} {}", text::line(&error.to_string()))))
}
