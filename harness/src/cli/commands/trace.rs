//! `mailproof trace`: what the scenarios cover, and what is missing.

use std::io::Write;

use crate::{
    cli::{
        Failure,
        args::{TraceArgs, TraceFormat},
        library, text_width,
    },
    exit::Exit,
    trace::{self, Trace},
};

pub(crate) fn execute(args: &TraceArgs, stdout: &mut dyn Write) -> Result<Exit, Failure> {
    let trace = Trace::of(&library(&args.scenarios)?);
    let text = match args.format {
        TraceFormat::Human => trace::human(&trace, text_width()),
        TraceFormat::Markdown => trace::markdown(&trace),
        TraceFormat::Json => {
            let text = serde_json::to_string_pretty(&trace)
                .map_err(|error| Failure::environment(error.to_string()))?;
            text + "\n"
        }
    };
    stdout.write_all(text.as_bytes())?;
    stdout.flush()?;
    Ok(Exit::AsExpected)
}
