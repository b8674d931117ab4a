//! `mailproof completions`: a script for a shell.

use std::io::Write;

use clap::CommandFactory as _;

use crate::{
    cli::{
        Failure,
        args::{Cli, CompletionsArgs},
    },
    exit::Exit,
};

pub(crate) fn execute(args: &CompletionsArgs, stdout: &mut dyn Write) -> Result<Exit, Failure> {
    // Into memory first: the generator panics where it cannot write.
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "mailproof", &mut script);
    stdout.write_all(&script)?;
    stdout.flush()?;
    Ok(Exit::AsExpected)
}
