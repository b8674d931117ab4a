//! `mailproof diff`: what is different between two runs. Must not know what counts as different.

use std::{io::Write, path::Path};

use super::runs;
use crate::{
    cli::{
        Failure,
        args::{DiffArgs, DiffFormat},
    },
    diff::{self, Transcripts},
    exit::Exit,
    report::text,
    snapshot::{FOLDER, Taken},
};

/// Compares and shows.
///
/// # Errors
/// [`Failure`] where a run cannot be read, or the subjects differ.
pub(crate) fn execute(args: &DiffArgs, stdout: &mut dyn Write) -> Result<Exit, Failure> {
    let (a, b) = (runs::results(&args.a)?, runs::results(&args.b)?);
    if a.subject != b.subject && !args.any_subject {
        let (a, b) = (text::line(&a.subject), text::line(&b.subject));
        return Err(Failure::usage(format!(
            "these are runs of different subjects, {a} and {b}; say --any-subject to compare them"
        )));
    }
    let (old, new) = (transcripts(&args.a)?, transcripts(&args.b)?);
    let difference = diff::compare(&a, &b, old.as_ref().zip(new.as_ref()));
    let shown = match args.format {
        DiffFormat::Human => diff::human(&difference),
        DiffFormat::Markdown => diff::markdown(&difference),
        DiffFormat::Json => diff::json(&difference)
            .map_err(|error| Failure::environment(format!("cannot render: {error}")))?,
    };
    stdout.write_all(shown.as_bytes())?;
    Ok(if difference.new_failures.is_empty() {
        Exit::AsExpected
    } else {
        Exit::Unexpected
    })
}

/// What a run kept of its transcripts, if it kept them.
fn transcripts(run: &Path) -> Result<Option<Transcripts>, Failure> {
    let file = runs::file(run);
    let folder = file.parent().unwrap_or(Path::new(""));
    if !folder.join(FOLDER).is_dir() {
        return Ok(None);
    }
    Ok(Some(Taken::read(folder)?.texts().clone()))
}
