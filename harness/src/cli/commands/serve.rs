//! `mailproof serve`: one misbehaving server that stays up, for a client that a person operates.
//!
//! Must not know how a world is made.

use std::{io::Write, path::PathBuf};

use super::serve_plan;
use crate::{
    adapter::Words,
    cli::{
        Failure,
        args::{PlanArgs, ServeArgs},
        library,
        signal::interrupted,
        subject, text_width, values,
    },
    exit::Exit,
    judge::judge,
    reach::Wish,
    report::text,
    results::{Held, Judgement, Verdict},
    select::suggest,
    serve::{Kept, Order, Person, QUIET, Serving, for_persona, without_control},
};
use time::OffsetDateTime;

use mailproof_scenarios::{
    library::Library,
    model::{Canaries, Case, Persona},
};

/// What the user asked for, with every default resolved.
#[derive(Clone, Debug)]
pub struct Options {
    /// A case, scenario or persona.
    pub target: String,
    /// The client whose names for settings are told.
    pub adapter: Option<String>,
    /// Without the deviation of a case.
    pub control: bool,
    /// Where the fresh values come from.
    pub seed: u64,
    /// The user's own scenarios.
    pub scenarios: Vec<PathBuf>,
    /// Where the servers are reached.
    pub reach: Wish,
    /// What only a plan has.
    pub plan: PlanArgs,
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
            adapter: args.adapter,
            control: args.control,
            seed: args.seed.unwrap_or_else(values::fresh_seed),
            scenarios: args.scenarios,
            reach: args.reach.wish(),
            plan: args.plan,
        }
    }
}

/// Serves until it is interrupted.
///
/// # Errors
/// [`Failure`] where the target is not known or the environment fails.
pub fn execute(options: &Options, stdout: &mut dyn Write) -> Result<Exit, Failure> {
    let library = library(&options.scenarios)?;
    if serve_plan::is_plan(&options.target) {
        return serve_plan::execute(options, &library, stdout);
    }
    if let Some(option) = options.plan.idle() {
        let message = format!("{option} is for plans, and a plan is a TOML file");
        return Err(Failure::usage(message));
    }
    let target = find(&library, &options.target)?;
    serve(options, &library, target, stdout)
}

/// Opens the world of `target`, prints to `stdout` how a client is set up for it, and what that client does,
/// until Ctrl-C. For a case the verdict follows.
fn serve(
    options: &Options,
    library: &Library,
    target: Target<'_>,
    stdout: &mut dyn Write,
) -> Result<Exit, Failure> {
    let order = order(options, library, target)?;
    let free = order.free;
    let stop = interrupted()?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    title(&order.case, target, options, stdout)?;
    let mut broken = None;
    let record = runtime.block_on(async {
        let serving = Serving::open(order).await.map_err(Failure::environment)?;
        let mut tell = |lines: &str| {
            let told = stdout.write_all(lines.as_bytes());
            if let Err(error) = told.and_then(|()| stdout.flush()) {
                broken.get_or_insert(error);
                stop.cancel();
            }
        };
        let mut person = Person::at_stdin();
        Ok::<_, Failure>(serving.serve(&mut person, &stop, &mut tell).await)
    });
    let record = record?;
    if let Some(error) = broken {
        return Err(error.into());
    }
    if free {
        return Ok(Exit::AsExpected);
    }
    let judgement = without_control(&record.case, judge(&record, None));
    verdict(&judgement, stdout)?;
    Ok(exit(judgement.verdict))
}

fn order(options: &Options, library: &Library, target: Target<'_>) -> Result<Order, Failure> {
    let (case, free) = match target {
        Target::Case(case) if options.control => (case.control(), false),
        Target::Case(case) => (case.clone(), false),
        Target::Persona(_) if options.control => {
            let message =
                "a persona has no deviation, so there is nothing that --control could leave out";
            return Err(Failure::usage(message));
        }
        Target::Persona(persona) => (for_persona(persona), true),
    };
    // A control has the accounts of its case: nobody wants to type them twice.
    let id = match target {
        Target::Case(case) => case.id.as_str(),
        Target::Persona(persona) => persona.name.as_str(),
    };
    Ok(Order {
        canaries: Canaries::derive(options.seed, id, case.accounts()),
        case,
        free,
        personas: library.personas().clone(),
        now: OffsetDateTime::now_utc(),
        words: match options.adapter.as_deref() {
            Some(name) => subject::read(name)?.words,
            None => Words::default(),
        },
        reach: subject::reach(&options.reach, false)?,
        quiet: QUIET,
        kept: Kept::default(),
    })
}

fn title(
    case: &Case,
    target: Target<'_>,
    options: &Options,
    stdout: &mut dyn Write,
) -> Result<(), Failure> {
    match target {
        Target::Case(it) => {
            writeln!(stdout, "{}: {}", text::line(&it.id), text::line(&it.title))?;
            if options.control {
                writeln!(stdout, "This is the control: nothing deviates.")?;
            } else if case.has_delta() {
                writeln!(
                    stdout,
                    "Serve it with --control first, to see that the client manages undisturbed."
                )?;
            }
        }
        Target::Persona(it) => {
            writeln!(
                stdout,
                "{}: {}",
                text::line(&it.name),
                text::line(&it.title)
            )?;
        }
    }
    writeln!(stdout, "Seed            {}", options.seed)?;
    Ok(())
}

fn verdict(judgement: &Judgement, stdout: &mut dyn Write) -> Result<(), Failure> {
    let width = text_width();
    let reason = format!(
        "{}: {}",
        judgement.verdict.name(),
        text::line(&judgement.reason)
    );
    writeln!(stdout, "\n{}", text::wrap(&reason, width, "", "  "))?;
    for finding in &judgement.findings {
        let held = match finding.held {
            Held::Held => "held",
            Held::Broken => "BROKEN",
            Held::NotObservable => "not seen",
        };
        let first = format!("  {held:<9} ");
        let words = format!(
            "{} {}: {}",
            finding.level,
            text::line(&finding.name),
            text::line(&finding.message)
        );
        writeln!(
            stdout,
            "{}",
            text::wrap(&words, width, &first, &" ".repeat(12))
        )?;
    }
    for warning in &judgement.warnings {
        let words = text::wrap(&text::line(warning), width, "  warning   ", &" ".repeat(12));
        writeln!(stdout, "{words}")?;
    }
    Ok(())
}

/// Ctrl-C is how this ends, so it is no interruption.
const fn exit(verdict: Verdict) -> Exit {
    match verdict {
        Verdict::Pass | Verdict::Recorded | Verdict::Review => Exit::AsExpected,
        Verdict::Inconclusive | Verdict::Unsupported | Verdict::Skipped => Exit::TooLittle,
        Verdict::HarnessError => Exit::Environment,
        Verdict::Fail | Verdict::Crash | Verdict::Hang => Exit::Unexpected,
    }
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
