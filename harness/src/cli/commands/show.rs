//! `mailproof show`: the file of a scenario and the cases it expands to.

use std::{fmt::Write as _, io::Write};

use mailproof_scenarios::{
    library::Library,
    model::{Case, Scenario},
};

use crate::{
    cli::{Failure, args::ShowArgs, library},
    exit::Exit,
    report::text,
    select::suggest,
};

pub(crate) fn execute(args: &ShowArgs, stdout: &mut dyn Write) -> Result<Exit, Failure> {
    let library = library(&args.scenarios)?;
    let (scenario, _) = find(&library, &args.id)?;
    let mut page = format!("# {}\n", text::line(&scenario.file));
    if let Some(source) = library.source(&scenario.id) {
        let _ = writeln!(page, "{}", text::block(source.text.trim_end()));
    }
    let _ = writeln!(page, "\n# {}", text::count(scenario.cases.len(), "case"));
    for case in &scenario.cases {
        let _ = writeln!(page, "# {}", text::line(&case.id));
    }
    stdout.write_all(page.as_bytes())?;
    stdout.flush()?;
    Ok(Exit::AsExpected)
}

/// The scenario of an id, and the case: the one that was named, or the first.
///
/// # Errors
/// [`Failure`] with suggestions.
pub(super) fn find<'a>(
    library: &'a Library,
    id: &str,
) -> Result<(&'a Scenario, &'a Case), Failure> {
    for scenario in library.scenarios() {
        let named = scenario.cases.iter().find(|it| it.id == id);
        let first = || scenario.cases.first().filter(|_| scenario.id == id);
        if let Some(case) = named.or_else(first) {
            return Ok((scenario, case));
        }
    }
    let ids = library.scenarios().iter().map(|it| it.id.as_str());
    let known = ids.chain(library.cases().map(|it| it.id.as_str()));
    let near = suggest::did_you_mean(&suggest::nearest(id, known, 3));
    Err(Failure::usage(format!(
        "no scenario or case `{}`{near}",
        text::line(id)
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_scenarios_and_cases() {
        let library = Library::embedded().unwrap_or_else(|problems| panic!("{problems}"));
        let scenario = "cert/always/not-for-other-accounts";
        let (found, first) = find(&library, scenario).unwrap();
        assert_eq!((found.id.as_str(), &found.cases[0]), (scenario, first));
        let last = found.cases.last().unwrap();
        assert_eq!(find(&library, &last.id).unwrap().1, last);
        let failure = find(&library, "cert/always/not-for-other-acounts").unwrap_err();
        assert_eq!(failure.exit, Exit::Usage);
        assert!(
            failure
                .message
                .contains(&format!("did you mean `{scenario}`")),
            "{}",
            failure.message
        );
    }
}
