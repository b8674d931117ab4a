//! `mailproof doctor`: proves an adapter before its verdicts are trusted.
//!
//! Must not know how an adapter is run.

use std::{io::Write, time::Duration};

use crate::{
    cli::{Failure, args::DoctorArgs},
    exit::Exit,
};

/// What the user asked for.
#[derive(Clone, Debug)]
pub struct Options {
    /// The name of a built-in adapter or the path of an adapter file.
    pub adapter: String,
    /// What the subject is told instead of its adapter's time.
    pub timeout: Option<Duration>,
    /// In namespaces of its own.
    pub lab: bool,
}

impl Options {
    /// Resolves the command line.
    pub fn new(args: DoctorArgs) -> Self {
        Self {
            adapter: args.adapter,
            timeout: args.timeout,
            lab: args.lab,
        }
    }
}

/// Examines the adapter and prints what was found.
///
/// # Errors
/// [`Failure`] where the adapter file is wrong or the environment fails.
pub fn execute(options: &Options, stdout: &mut dyn Write) -> Result<Exit, Failure> {
    let _ = (options, stdout);
    Err(Failure::environment(
        "this build cannot examine adapters yet",
    ))
}
