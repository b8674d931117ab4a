//! The command line: from arguments to a command, and from its outcome to an exit code.
//!
//! Nothing in here knows mail; each command is a file in `commands`.

pub mod args;
pub mod commands;
mod explain;
mod failure;
pub mod signal;
mod subject;
mod values;

use std::{
    ffi::OsString,
    io::{self, IsTerminal as _, Write},
    process::ExitCode,
};

use clap::Parser as _;

pub use failure::Failure;

use crate::{
    exit::Exit,
    lab,
    report::text,
    select::{Filter, Selection},
};
use args::{CaCommand, CertsCommand, Cli, Command, SelectArgs};
use mailproof_scenarios::library::Library;

/// The whole program.
pub fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().collect();
    // Before anything can start a thread: entering namespaces needs a process with one.
    if arguments.get(1).is_some_and(|it| it == lab::INIT) {
        return commands::worker::detach(&arguments[2..]);
    }
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version come this way too, with code 0. A reader who has gone is no failure.
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(Exit::Usage.code()));
        }
    };
    // Not locked: a worker writes its records from another thread.
    let mut stdout = anstream::stdout();
    match dispatch(cli.command, &mut stdout) {
        Ok(exit) => exit.into(),
        Err(failure) => {
            let _ = stdout.flush();
            tell(&failure);
            failure.exit.into()
        }
    }
}

fn dispatch(command: Command, stdout: &mut dyn Write) -> Result<Exit, Failure> {
    match command {
        Command::Run(args) => commands::run::execute(&commands::run::Options::new(*args), stdout),
        Command::List(args) => commands::list::execute(&args, stdout),
        Command::Show(args) => commands::show::execute(&args, stdout),
        Command::Explain(args) => commands::explain::execute(&args, stdout),
        Command::Serve(args) => {
            commands::serve::execute(&commands::serve::Options::new(args), stdout)
        }
        Command::Doctor(args) => {
            commands::doctor::execute(&commands::doctor::Options::new(args), stdout)
        }
        Command::Selftest(args) => {
            commands::selftest::execute(&commands::selftest::Options::new(args), stdout)
        }
        Command::Lint(args) => commands::lint::execute(&args, stdout),
        Command::Trace(args) => commands::trace::execute(&args, stdout),
        Command::Schema => commands::schema::execute(stdout),
        Command::Rejudge(args) => commands::rejudge::execute(&args, stdout),
        Command::Certs(CertsCommand::Export(args)) => commands::certs::execute(&args, stdout),
        Command::Ca(CaCommand::Init(args)) => commands::ca::init(&args, stdout),
        Command::Completions(args) => commands::completions::execute(&args, stdout),
        Command::Worker(args) => commands::worker::execute(&args),
    }
}

/// Problems in files begin with the word themselves.
fn tell(failure: &Failure) {
    let mut stderr = anstream::stderr().lock();
    let style = anstyle::AnsiColor::Red.on_default().bold();
    let _ = match failure.message.as_str() {
        "" => Ok(()),
        message if message.starts_with("error") => writeln!(stderr, "{message}"),
        message => writeln!(stderr, "{style}error{style:#}: {message}"),
    };
}

/// A remark beside the output.
fn remark(message: &str) {
    let style = anstyle::AnsiColor::Yellow.on_default().bold();
    let _ = writeln!(anstream::stderr().lock(), "{style}note{style:#}: {message}");
}

/// What is built in, with the user's folder beside it.
fn library(folder: Option<&std::path::Path>) -> Result<Library, Failure> {
    match folder {
        Some(folder) if !folder.is_dir() => {
            let folder = text::line(&folder.display().to_string());
            Err(Failure::usage(format!(
                "`{folder}` is no folder (for --scenarios)"
            )))
        }
        Some(folder) => Ok(Library::with_folder(folder)?),
        None => Ok(Library::embedded()?),
    }
}

/// Applies the filter of the command line, and remarks on exclusions without effect.
fn select<'a>(library: &'a Library, select: &SelectArgs) -> Result<Selection<'a>, Failure> {
    let filter = Filter {
        include: select.include.clone(),
        exclude: select.exclude.clone(),
    };
    let selection = filter
        .apply(library.cases())
        .map_err(|error| Failure::usage(text::line(&error.to_string())))?;
    for pattern in &selection.idle_excludes {
        remark(&format!("nothing is left out by `{}`", text::line(pattern)));
    }
    Ok(selection)
}

/// Columns of standard output, if it is a terminal.
fn terminal_width() -> Option<usize> {
    let stdout = io::stdout();
    let width = stdout
        .is_terminal()
        .then(|| terminal_size::terminal_size_of(&stdout));
    width.flatten().map(|(width, _)| usize::from(width.0))
}

/// Columns for text that is read, wherever it goes.
fn text_width() -> usize {
    terminal_width().unwrap_or(100)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_example_in_the_help_is_read() {
        fn examples(command: &clap::Command, found: &mut Vec<String>) {
            let help = command
                .get_after_long_help()
                .map(ToString::to_string)
                .unwrap_or_default();
            let lines = help
                .lines()
                .map(str::trim)
                .filter(|it| it.starts_with("mailproof "));
            found.extend(lines.map(|it| it.split("  ").next().unwrap_or(it).to_owned()));
            command.get_subcommands().for_each(|it| examples(it, found));
        }
        let mut found = Vec::new();
        examples(&Cli::command(), &mut found);
        assert!(found.len() >= 10, "{found:?}");
        for example in found {
            let example = example.split(" > ").next().unwrap_or_default();
            let arguments = example.split_whitespace().map(|it| it.trim_matches('\''));
            // `'clause:RFC 3207'` falls apart here; the shell keeps it together.
            let arguments: Vec<&str> = arguments.filter(|it| *it != "3207").collect();
            if let Err(error) = Cli::try_parse_from(arguments) {
                panic!("{example}: {error}");
            }
        }
    }
}
