//! `mailproof serve`: one misbehaving server that stays up, for a client that a person operates.
//!
//! Must not know how a world is made.

use std::{io::Write, path::PathBuf};

use crate::{
    cli::{Failure, args::ServeArgs, library, values},
    exit::Exit,
    report::text,
    select::suggest,
};

use mailproof_scenarios::{
    library::Library,
    model::{Case, Persona},
};

/// What the user asked for, with every default resolved.
#[derive(Clone, Debug)]
pub struct Options {
    /// A case, scenario or persona.
    pub target: String,
    /// Where the fresh values come from.
    pub seed: u64,
    /// The user's own scenarios.
    pub scenarios: Option<PathBuf>,
}

/// What is served.
#[derive(Clone, Copy, Debug)]
pub enum Target<'a> {
    /// A case with its deviation.
    Case(&'a Case),
    /// A server that simply works.
    Persona(&'a Persona),
}

impl Options {
    /// Resolves the command line.
    pub fn new(args: ServeArgs) -> Self {
        Self {
            target: args.target,
            seed: args.seed.unwrap_or_else(values::fresh_seed),
            scenarios: args.scenarios,
        }
    }
}

/// Serves until it is interrupted.
///
/// # Errors
/// [`Failure`] where the target is not known or the environment fails.
pub fn execute(options: &Options, stdout: &mut dyn Write) -> Result<Exit, Failure> {
    let library = library(options.scenarios.as_deref())?;
    let target = find(&library, &options.target)?;
    serve(options, &library, target, stdout)
}

/// Opens the world of `target`, prints to `stdout` how a client is set up for it, and what that client does,
/// until Ctrl-C.
fn serve(
    options: &Options,
    library: &Library,
    target: Target<'_>,
    stdout: &mut dyn Write,
) -> Result<Exit, Failure> {
    let _ = (options, library, target, stdout);
    Err(Failure::environment("this build cannot serve yet"))
}

/// A case by its id, the first case of a scenario, or a persona.
fn find<'a>(library: &'a Library, target: &str) -> Result<Target<'a>, Failure> {
    let scenario = || library.scenarios().iter().find(|it| it.id == target);
    if let Some(case) = library.case(target).or_else(|| scenario()?.cases.first()) {
        return Ok(Target::Case(case));
    }
    if let Some(persona) = library.persona(target) {
        return Ok(Target::Persona(persona));
    }
    let cases = library.cases().map(|it| it.id.as_str());
    let known = cases.chain(library.personas().keys().map(String::as_str));
    let near = suggest::did_you_mean(&suggest::nearest(target, known, 3));
    let target = text::line(target);
    Err(Failure::usage(format!(
        "no case, scenario or persona `{target}`{near}"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets() {
        let library = Library::embedded().unwrap_or_else(|problems| panic!("{problems}"));
        let found = |it| find(&library, it);
        assert!(matches!(
            found("smtp/starttls/injection-after-220"),
            Ok(Target::Case(_))
        ));
        assert!(matches!(
            found("cert/always/not-for-other-accounts"),
            Ok(Target::Case(_))
        ));
        for name in library.personas().keys() {
            assert!(matches!(found(name), Ok(Target::Persona(_))));
        }
        let failure = found("smtp/starttls/injection-after-22").unwrap_err();
        assert_eq!(failure.exit, Exit::Usage);
        let near = "did you mean `smtp/starttls/injection-after-220`";
        assert!(failure.message.contains(near), "{}", failure.message);
    }
}
