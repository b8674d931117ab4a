//! `mailproof explain`: a case in plain words.

use std::{fmt::Write as _, io::Write};

use super::show::find;
use crate::{
    cli::{Failure, args::ShowArgs, explain, library, text_width},
    exit::Exit,
    report::text,
};

pub(crate) fn execute(args: &ShowArgs, stdout: &mut dyn Write) -> Result<Exit, Failure> {
    let library = library(&args.scenarios)?;
    let (scenario, case) = find(&library, &args.id)?;
    let mut page = explain::page(case, library.registries(), text_width());
    if case.id != args.id && scenario.cases.len() > 1 {
        let _ = writeln!(
            page,
            "\nThis is one of {}; the others",
            text::count(scenario.cases.len(), "case")
        );
        for other in scenario.cases.iter().filter(|it| it.id != case.id) {
            let _ = writeln!(page, "  - {}", text::line(&other.id));
        }
    }
    stdout.write_all(page.as_bytes())?;
    stdout.flush()?;
    Ok(Exit::AsExpected)
}
