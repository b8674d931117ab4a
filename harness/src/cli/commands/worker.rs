//! `mailproof worker`: one process that runs cases for another one, and the way into the lab.
//!
//! Its messages are read by the process that started it, so they are plain.

use std::{
    ffi::OsString, io::Write as _, os::unix::process::ExitStatusExt as _, process::ExitCode,
};

use crate::{
    cli::{Failure, args::WorkerArgs},
    exit::Exit,
    lab,
};

/// The first process of a lab: goes into namespaces of its own and starts the second one there. The calling
/// process must have one thread.
pub(crate) fn detach(arguments: &[OsString]) -> ExitCode {
    let arguments: Option<Vec<String>> = arguments
        .iter()
        .map(|it| it.to_str().map(str::to_owned))
        .collect();
    let outcome = match arguments {
        Some(arguments) => lab::detach(&arguments).map_err(|error| error.to_string()),
        None => Err("an argument is no text".to_owned()),
    };
    match outcome {
        Ok(status) => {
            let signal = status
                .signal()
                .and_then(|it| u8::try_from(it).ok())
                .map(|it| it.saturating_add(128));
            let code = status.code().and_then(|it| u8::try_from(it).ok());
            ExitCode::from(code.or(signal).unwrap_or(Exit::Environment.code()))
        }
        Err(error) => {
            let _ = writeln!(anstream::stderr().lock(), "{error}");
            Exit::Environment.into()
        }
    }
}

/// Enters the lab if asked to, then works.
///
/// # Errors
/// [`Failure`] where the lab cannot be entered.
pub fn execute(args: &WorkerArgs) -> Result<Exit, Failure> {
    if args.examine {
        return examine();
    }
    let _inside = match args.lab.then(lab::enter).transpose() {
        Ok(inside) => inside,
        Err(error) => return Err(plain(error.to_string())),
    };
    if args.probe {
        return Ok(Exit::AsExpected);
    }
    crate::runner::work(args.lab).map_err(plain)?;
    Ok(Exit::AsExpected)
}

fn examine() -> Result<Exit, Failure> {
    lab::examine_inside(&mut |line| {
        if let Ok(text) = serde_json::to_string(line) {
            let _ = writeln!(anstream::stdout().lock(), "{text}");
        }
    });
    Ok(Exit::AsExpected)
}

/// Told here, because the caller would put a word before it.
fn plain(message: String) -> Failure {
    let _ = writeln!(anstream::stderr().lock(), "{message}");
    Failure::environment("")
}
