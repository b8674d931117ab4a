//! `mailproof baseline`: files of expected failures, written, checked and cleaned from a run.
//!
//! Must not know how such a file is edited.

use std::{collections::BTreeSet, fs, io, io::Write, path::Path};

use time::OffsetDateTime;

use super::runs;
use crate::{
    cli::{
        Failure,
        args::{BaselineCommand, BaselineFileArgs, BaselineWriteArgs},
        library,
    },
    exit::Exit,
    expected::{Applied, Baseline, EditError, Why, Written},
    report::{folder::Folder, text},
    results::Results,
};

/// Carries out one of the commands.
///
/// # Errors
/// [`Failure`] where a file is wrong or cannot be written.
pub(crate) fn execute(command: &BaselineCommand, stdout: &mut dyn Write) -> Result<Exit, Failure> {
    match command {
        BaselineCommand::Write(args) => write(args, stdout),
        BaselineCommand::Check(args) => check(args, stdout),
        BaselineCommand::Prune(args) => prune(args, stdout),
    }
}

fn write(args: &BaselineWriteArgs, stdout: &mut dyn Write) -> Result<Exit, Failure> {
    let results = runs::results(&args.files.run)?;
    let file = &args.files.file;
    let text = match fs::read_to_string(file) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        read => read.map_err(|error| unreadable(file, &error))?,
    };
    let mut baseline = parse(file, &text)?;
    let today = OffsetDateTime::now_utc().date();
    let words = Written {
        because: args.because.clone().unwrap_or_else(|| {
            let day = results.now.split('T').next().unwrap_or_default();
            format!("known since a run on {day}, not looked at yet")
        }),
        issue: args.issue.clone(),
        expires: args.expires,
        when: args.when.as_ref().map(|it| it.source().to_owned()),
    };
    if words.because.trim().is_empty() {
        return Err(Failure::usage(
            "`--because` is empty: say why the failures are accepted for now",
        ));
    }
    let named = baseline
        .name_failures(&results, &words, today)
        .map_err(|error| wrong(file, &error))?;
    if !named.is_empty() {
        save(file, &baseline.text())?;
    }
    for id in &named {
        writeln!(stdout, "named    {}", text::line(id))?;
    }
    writeln!(stdout, "{}", text::count(named.len(), "failure named"))?;
    let applied = apply(&baseline, &results, &args.files)?;
    tell(&applied, stdout)?;
    Ok(Exit::AsExpected)
}

fn check(args: &BaselineFileArgs, stdout: &mut dyn Write) -> Result<Exit, Failure> {
    let results = runs::results(&args.run)?;
    let baseline = read(&args.file)?;
    let applied = apply(&baseline, &results, args)?;
    let unnamed = results
        .cases
        .iter()
        .filter(|it| it.judgement.verdict.is_failure() && !applied.expected.contains_key(&it.id));
    let mut count = 0;
    for case in unnamed {
        let (verdict, id) = (case.judgement.verdict.name(), text::line(&case.id));
        writeln!(stdout, "not named  {verdict} {id}")?;
        count += 1;
    }
    tell(&applied, stdout)?;
    writeln!(
        stdout,
        "{}, {count} not named; entries that no longer hold: {}",
        text::count(applied.expected.len(), "expected failure"),
        applied.mismatches.len()
    )?;
    Ok(match (count, applied.mismatches.is_empty()) {
        (0, true) => Exit::AsExpected,
        (0, false) => Exit::Stale,
        _ => Exit::Unexpected,
    })
}

fn prune(args: &BaselineFileArgs, stdout: &mut dyn Write) -> Result<Exit, Failure> {
    let results = runs::results(&args.run)?;
    let mut baseline = read(&args.file)?;
    let applied = apply(&baseline, &results, args)?;
    tell(&applied, stdout)?;
    let lines: BTreeSet<usize> = applied
        .mismatches
        .iter()
        .filter(|it| it.why != Why::NoVersion)
        .map(|it| it.line)
        .collect();
    let removed = baseline
        .remove(&lines)
        .map_err(|error| wrong(&args.file, &error))?;
    if removed > 0 {
        save(&args.file, &baseline.text())?;
    }
    writeln!(stdout, "{removed} removed")?;
    Ok(Exit::AsExpected)
}

fn tell(applied: &Applied, stdout: &mut dyn Write) -> io::Result<()> {
    for it in &applied.mismatches {
        writeln!(stdout, "stale    {}", text::line(&it.message))?;
    }
    Ok(())
}

fn apply(
    baseline: &Baseline,
    results: &Results,
    args: &BaselineFileArgs,
) -> Result<Applied, Failure> {
    let library = library(&args.scenarios)?;
    let known = library.cases().map(|it| it.id.as_str());
    let judged = results
        .cases
        .iter()
        .map(|it| (it.id.as_str(), &it.judgement));
    let today = OffsetDateTime::now_utc().date();
    let version = results.subject_version.as_deref();
    Ok(baseline.file().apply(judged, known, version, today))
}

fn read(file: &Path) -> Result<Baseline, Failure> {
    let text = fs::read_to_string(file).map_err(|error| unreadable(file, &error))?;
    parse(file, &text)
}

fn parse(file: &Path, text: &str) -> Result<Baseline, Failure> {
    Baseline::parse(text).map_err(|error| wrong(file, &error))
}

/// Written beside and renamed, so that a kill leaves the old file or the new one.
fn save(file: &Path, text: &str) -> Result<(), Failure> {
    let parent = match file.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let folder = Folder::open(parent, "FILE")?;
    Ok(folder.write(&name, text)?)
}

fn unreadable(file: &Path, error: &io::Error) -> Failure {
    let file = text::line(&file.display().to_string());
    Failure::usage(format!("cannot read `{file}`: {error}"))
}

fn wrong(file: &Path, error: &EditError) -> Failure {
    let file = text::line(&file.display().to_string());
    let lines: Vec<String> = match error {
        EditError::Malformed(problems) => problems
            .iter()
            .map(|it| format!("{file}:{}:{}: {}", it.line, it.column, it.message))
            .collect(),
        EditError::Inline => vec![format!("{file}: {error}")],
    };
    Failure::usage(text::block(&lines.join("\n")))
}
