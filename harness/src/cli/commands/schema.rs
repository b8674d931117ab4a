//! `mailproof schema`: the JSON Schema of scenario files, for editors.

use std::io::Write;

use mailproof_scenarios::language;

use crate::{cli::Failure, exit::Exit};

pub(crate) fn execute(stdout: &mut dyn Write) -> Result<Exit, Failure> {
    writeln!(stdout, "{:#}", language::schema())?;
    stdout.flush()?;
    Ok(Exit::AsExpected)
}
