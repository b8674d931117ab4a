//! `mailproof selftest`: shows that the cases catch what they should.
//!
//! Must not know how a case is run or judged.

use std::{io::Write, num::NonZeroUsize};

use mailproof_scenarios::{library::Library, model::Case};

use super::run;
use crate::{
    cli::{
        Failure,
        args::{SelectArgs, SelftestArgs},
        library, remark, select,
        signal::Interrupt,
        subject, values,
    },
    exit::Exit,
    runner::Cancel,
    selftest,
};

/// What the user asked for, with every default resolved.
#[derive(Clone, Debug)]
pub struct Options {
    /// Which cases.
    pub select: SelectArgs,
    /// Every flaw against every case.
    pub full: bool,
    /// How many cases at once.
    pub jobs: NonZeroUsize,
    /// Where the fresh values of each case come from.
    pub seed: u64,
    /// In namespaces of their own.
    pub lab: bool,
    /// Only what is wrong.
    pub quiet: bool,
}

impl Options {
    /// Resolves the command line.
    pub fn new(args: SelftestArgs) -> Self {
        Self {
            select: args.select,
            full: args.full,
            jobs: args.jobs.unwrap_or_else(run::processors),
            seed: args.seed.unwrap_or_else(values::fresh_seed),
            lab: args.lab,
            quiet: args.quiet,
        }
    }
}

/// Runs the kill matrix and prints it.
///
/// # Errors
/// [`Failure`] where a file is wrong, nothing fits the filter, or the environment fails.
pub fn execute(options: &Options, stdout: &mut dyn Write) -> Result<Exit, Failure> {
    let library = library(&options.select.scenarios)?;
    let cases = select(library.cases(), &options.select)?.cases;
    prove(options, &library, &cases, stdout)
}

/// Runs each case against the reference client, against the client with each of its flaws (with `full`, all
/// flaws), against one that does nothing and one that accepts everything, and prints what does not fit.
fn prove(
    options: &Options,
    library: &Library,
    cases: &[&Case],
    stdout: &mut dyn Write,
) -> Result<Exit, Failure> {
    if let Some(why) = subject::no_lab(options.lab) {
        return Err(Failure::environment(why));
    }
    let cancel = Cancel::new();
    let interrupt = Interrupt::default();
    interrupt.watch({
        let cancel = cancel.clone();
        move || cancel.cancel()
    })?;
    let proofs = selftest::proofs(cases, options.full);
    let bench = selftest::Bench {
        personas: library.personas(),
        lab: options.lab,
        seed: options.seed,
        jobs: options.jobs.get(),
    };
    let mut told = 0;
    let outcomes = selftest::run(&bench, &proofs, &cancel, &mut |outcome| {
        told += 1;
        if !options.quiet {
            remark(&format!("{told} of {}: {}", proofs.len(), outcome.line()));
        }
    })
    .map_err(Failure::environment)?;
    if interrupt.is_set() {
        return Ok(Exit::Interrupted);
    }
    let summary = selftest::Summary::of(&outcomes);
    writeln!(stdout, "{summary}")?;
    if summary.decided == 0 {
        return Ok(Exit::TooLittle);
    }
    Ok(if summary.holds() {
        Exit::AsExpected
    } else {
        Exit::Unexpected
    })
}
