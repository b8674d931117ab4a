//! `mailproof report`: reports of runs that are over, from what `run --out` left behind.
//!
//! Must not judge.

use std::{
    ffi::OsStr,
    io::Write,
    path::{Path, PathBuf},
};

use super::{
    rejudge::{each, library_of},
    runs,
};
use crate::{
    cli::{Failure, args::PageArgs, remark, text_width},
    exit::{Demands, Exit, decide},
    report::{
        background::Background, folder::Folder, html, json, junit, markdown, out, reporter::Format,
        sarif, terminal, text,
    },
    results::Results,
};

/// Makes the report.
///
/// # Errors
/// [`Failure`] where a folder holds no run, the format does not take so many, or the file cannot be written.
pub(crate) fn execute(args: &PageArgs, stdout: &mut dyn Write) -> Result<Exit, Failure> {
    if let [_, _, ..] = args.dirs[..]
        && matches!(args.format, Format::Human | Format::Json | Format::Junit)
    {
        return Err(Failure::usage(
            "only html, markdown and sarif can be made of several folders; give one",
        ));
    }
    let to = destination(args)?;
    let runs: Vec<Results> = args
        .dirs
        .iter()
        .map(|it| results(it))
        .collect::<Result<_, _>>()?;
    let background = Background::of(&library_of(&runs)?);
    let page = match args.format {
        Format::Html => page(&args.dirs, &runs, &background)?,
        other => render(other, &runs, &background)?,
    };
    match to {
        Some((folder, name)) => {
            folder.write(&name, &page)?;
            let path = text::line(&folder.file(&name).display().to_string());
            remark(&format!("written: {path} ({} octets)", page.len()));
        }
        None => {
            stdout.write_all(page.as_bytes())?;
            stdout.flush()?;
        }
    }
    Ok(Exit::AsExpected)
}

/// The folder and name of the file to write, tried; `None` is standard output.
fn destination(args: &PageArgs) -> Result<Option<(Folder, String)>, Failure> {
    let file = match (&args.out, &args.dirs[..]) {
        (Some(file), _) => file.clone(),
        // A folder that is not there is no run, and is not made for the page.
        (None, [dir]) if args.format == Format::Html && !dir.is_dir() => {
            return Err(no_run(&dir.join(out::RESULTS)));
        }
        (None, [dir]) if args.format == Format::Html => dir.join(out::PAGE),
        (None, _) => return Ok(None),
    };
    let shown = text::line(&file.display().to_string());
    let name = file.file_name().and_then(OsStr::to_str);
    let Some(name) = name.filter(|_| !file.is_dir()) else {
        return Err(Failure::usage(format!(
            "`{shown}` is a folder; name a file with --out"
        )));
    };
    let parent = file.parent().filter(|it| !it.as_os_str().is_empty());
    let folder = Folder::open(parent.unwrap_or(Path::new(".")), "--out")?;
    Ok(Some((folder, name.to_owned())))
}

fn no_run(results: &Path) -> Failure {
    let shown = text::line(&results.display().to_string());
    Failure::usage(format!(
        "there is no `{shown}`; give a folder that `mailproof run --out` wrote"
    ))
}

fn results(folder: &Path) -> Result<Results, Failure> {
    let path = folder.join(out::RESULTS);
    if !path.exists() {
        return Err(no_run(&path));
    }
    let results = runs::results(&path)?;
    if results.interrupted && results.cases.is_empty() {
        let folder = text::line(&folder.display().to_string());
        remark(&format!(
            "{folder}: the run was killed before its results were written; \
             `mailproof rejudge {folder} --out {folder}` makes them from its records"
        ));
    }
    Ok(results)
}

fn page(dirs: &[PathBuf], runs: &[Results], background: &Background) -> Result<String, Failure> {
    let details: Vec<html::Details> = dirs
        .iter()
        .map(|it| details(it))
        .collect::<Result<_, _>>()?;
    let runs: Vec<html::Run<'_>> = runs
        .iter()
        .zip(&details)
        .map(|(results, details)| html::Run { results, details })
        .collect();
    html::render(&runs, background).map_err(|error| Failure::environment(error.to_string()))
}

/// What the page needs of the records; where there are none it has no octets, and says so.
fn details(folder: &Path) -> Result<html::Details, Failure> {
    let mut details = html::Details::default();
    if folder.join(out::RECORDS).exists() {
        each(folder, |record| details.add(&record))?;
    } else {
        let folder = text::line(&folder.display().to_string());
        remark(&format!(
            "{folder} has no {}: the page will have no octets and no TLS details",
            out::RECORDS
        ));
    }
    Ok(details)
}

fn render(format: Format, runs: &[Results], background: &Background) -> Result<String, Failure> {
    let mut text = String::new();
    let failed = |error: String| Failure::environment(format!("cannot render the report: {error}"));
    if format == Format::Sarif {
        let runs: Vec<&Results> = runs.iter().collect();
        return sarif::render(&runs, background).map_err(|error| failed(error.to_string()));
    }
    for results in runs {
        let decision = decide(results, &Demands::default());
        text.push_str(&match format {
            Format::Json => json::render(results).map_err(|error| failed(error.to_string()))?,
            Format::Junit => junit::render(results, &decision).map_err(failed)?,
            Format::Markdown => markdown::render(results, &decision),
            _ => terminal::render(
                results,
                &terminal::View {
                    width: text_width(),
                    quiet: false,
                    out: None,
                    snapshots: None,
                    decision: &decision,
                },
            ),
        });
    }
    Ok(text)
}
