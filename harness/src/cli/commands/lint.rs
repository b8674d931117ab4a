//! `mailproof lint`: scenario and persona files, checked.

use std::io::Write;

use mailproof_scenarios::{language, library::Library};

use crate::{
    cli::{Failure, args::LintArgs},
    exit::Exit,
    report::text,
};

pub(crate) fn execute(args: &LintArgs, stdout: &mut dyn Write) -> Result<Exit, Failure> {
    let library = Library::with_files(&args.paths)?;
    let problems = language::lint(&library);
    if !problems.is_empty() {
        return Err(problems.into());
    }
    writeln!(
        stdout,
        "{}, {}, {}: no problems",
        text::count(library.scenarios().len(), "scenario"),
        text::count(library.cases().count(), "case"),
        text::count(library.personas().len(), "persona"),
    )?;
    stdout.flush()?;
    Ok(Exit::AsExpected)
}
