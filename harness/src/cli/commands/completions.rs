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
    clap_complete::generate(args.shell, &mut for_people(), "mailproof", &mut script);
    stdout.write_all(&script)?;
    stdout.flush()?;
    Ok(Exit::AsExpected)
}

/// The command line without what is hidden: completions would offer it all the same.
fn for_people() -> clap::Command {
    let whole = Cli::command();
    let shown = whole.get_subcommands().filter(|it| !it.is_hide_set());
    clap::Command::new("mailproof")
        .version(env!("CARGO_PKG_VERSION"))
        .propagate_version(true)
        .disable_help_subcommand(true)
        .args(whole.get_arguments().cloned())
        .subcommands(shown.cloned())
}
