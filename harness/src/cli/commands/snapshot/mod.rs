//! `mailproof snapshot`: what a person decides about transcripts that are not as in the snapshots.
//!
//! Must not know how snapshots are stored.

mod keys;
mod review;

use std::{
    collections::BTreeSet,
    io::{self, BufRead as _, IsTerminal as _, Write},
    path::{Path, PathBuf},
};

use crate::{
    cli::{
        Failure,
        args::{
            SnapshotAcceptArgs, SnapshotCheckArgs, SnapshotCommand, SnapshotFolder,
            SnapshotPruneArgs,
        },
        library, project, remark,
    },
    exit::Exit,
    report::{out, text},
    results::{Change, SnapshotChange},
    snapshot::{FOLDER, Pending, Store, Taken},
};

/// Carries out one of the commands.
///
/// # Errors
/// [`Failure`] where a file is wrong or cannot be written.
pub(crate) fn execute(command: &SnapshotCommand, stdout: &mut dyn Write) -> Result<Exit, Failure> {
    match command {
        SnapshotCommand::Check(args) => check(args, stdout),
        SnapshotCommand::Review(args) => review::execute(args, stdout),
        SnapshotCommand::Accept(args) => accept(args, stdout),
        SnapshotCommand::Prune(args) => prune(args, stdout),
    }
}

/// The folder that was named, or that of the project.
fn named(args: &SnapshotFolder) -> Result<PathBuf, Failure> {
    let folder = match &args.snapshots {
        Some(folder) => Some(folder.clone()),
        None => project::of(&args.project)?.and_then(|it| it.snapshots),
    };
    folder.ok_or_else(|| {
        Failure::usage(
            "where are the snapshots? Give --snapshots DIR, or `snapshots` in mailproof.toml",
        )
    })
}

/// A folder that must be there: a mistyped one is not made.
fn open(args: &SnapshotFolder) -> Result<Store, Failure> {
    let folder = &named(args)?;
    if !folder.is_dir() {
        let folder = text::line(&folder.display().to_string());
        return Err(Failure::usage(format!(
            "there is no folder `{folder}` (for --snapshots)"
        )));
    }
    Ok(Store::open(folder)?)
}

fn check(args: &SnapshotCheckArgs, stdout: &mut dyn Write) -> Result<Exit, Failure> {
    let taken = Taken::read(&run_folder(&args.run)?)?;
    if taken.texts().is_empty() {
        return Err(Failure {
            exit: Exit::TooLittle,
            message: "no case of this run was run, so there is nothing to compare".to_owned(),
        });
    }
    let folder = named(&args.folder)?;
    let store = Store::open(&folder)?;
    let changes = store.compare(&taken)?;
    let of = |change: Change| changes.iter().filter(|it| it.change == change).count();
    let (changed, new) = (of(Change::Changed), of(Change::New));
    for it in &changes {
        show(it, stdout)?;
    }
    let alike = taken.texts().len() - changes.len();
    writeln!(
        stdout,
        "{alike} as in the snapshots, {changed} changed, {new} new"
    )?;
    let counts = changed > 0 || (new > 0 && !args.allow_new);
    if !changes.is_empty() {
        let folder = folder.display().to_string();
        let command = format!(
            "mailproof snapshot review --snapshots {}",
            text::shell(&folder)
        );
        writeln!(stdout, "to decide: {}", text::line(&command))?;
    }
    Ok(if counts {
        Exit::SnapshotsChanged
    } else {
        Exit::AsExpected
    })
}

/// The folder of a finished run.
fn run_folder(run: &Path) -> Result<PathBuf, Failure> {
    let folder = match run.file_name() {
        Some(name) if name == out::RESULTS && run.is_file() => {
            run.parent().unwrap_or(Path::new("")).to_owned()
        }
        _ => run.to_owned(),
    };
    if folder.join(FOLDER).is_dir() {
        return Ok(folder);
    }
    let shown = text::line(&run.display().to_string());
    Err(Failure::usage(format!(
        "`{shown}` is no folder that `run --out` wrote: there is no `{FOLDER}` in it"
    )))
}

fn show(change: &SnapshotChange, stdout: &mut dyn Write) -> io::Result<()> {
    let id = text::line(&change.id);
    match change.change {
        Change::New => writeln!(stdout, "new      {id}"),
        Change::Changed => {
            writeln!(stdout, "changed  {id}")?;
            review::coloured(&change.diff, stdout)
        }
    }
}

fn accept(args: &SnapshotAcceptArgs, stdout: &mut dyn Write) -> Result<Exit, Failure> {
    let mut store = open(&args.folder)?;
    let pending = store.pending()?;
    for glob in &args.ids {
        if !pending.iter().any(|it| glob.matches(&it.id)) {
            remark(&format!(
                "nothing waits for a decision that fits `{}`",
                text::line(glob.source())
            ));
        }
    }
    let named = |it: &Pending| args.ids.is_empty() || args.ids.iter().any(|id| id.matches(&it.id));
    let fits = |it: &&Pending| named(it) && (!args.new || it.old.is_none());
    let mut accepted = 0;
    for it in pending.iter().filter(fits) {
        store.accept(it)?;
        writeln!(stdout, "accepted {}", text::line(&it.id))?;
        accepted += 1;
    }
    let left = pending.len() - accepted;
    writeln!(stdout, "{accepted} accepted, {left} left to decide")?;
    Ok(Exit::AsExpected)
}

fn prune(args: &SnapshotPruneArgs, stdout: &mut dyn Write) -> Result<Exit, Failure> {
    let mut folders = args.scenarios.clone();
    if folders.is_empty() {
        let project = project::of(&args.folder.project)?;
        folders = project.and_then(|it| it.scenarios).unwrap_or_default();
    }
    let library = library(&folders)?;
    let known: BTreeSet<&str> = library.cases().map(|it| it.id.as_str()).collect();
    let mut store = open(&args.folder)?;
    let unknown = store.without_case(&known)?;
    if unknown.is_empty() {
        writeln!(stdout, "every snapshot belongs to a case")?;
        return Ok(Exit::AsExpected);
    }
    for id in &unknown {
        writeln!(stdout, "{}", text::line(id))?;
    }
    let what = text::count(unknown.len(), "snapshot");
    if !args.yes && !confirmed(&format!("remove {what} of no case?"), stdout)? {
        writeln!(stdout, "nothing was removed")?;
        return Ok(Exit::AsExpected);
    }
    for id in &unknown {
        store.discard(id)?;
    }
    writeln!(stdout, "{what} removed")?;
    Ok(Exit::AsExpected)
}

fn confirmed(question: &str, stdout: &mut dyn Write) -> Result<bool, Failure> {
    if !io::stdin().is_terminal() {
        return Err(Failure::usage(
            "nobody can be asked here; say --yes to remove them",
        ));
    }
    write!(stdout, "{question} [y/N] ")?;
    stdout.flush()?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}
