//! `mailproof snapshot review`: one difference after the other, and a key for each.

use std::io::{self, IsTerminal as _, Write};

use anstyle::{AnsiColor, Style};

use super::{keys::Keys, open};
use crate::{
    cli::{Failure, args::SnapshotReviewArgs},
    exit::Exit,
    report::text,
    snapshot::{Pending, Store, unified},
};

/// Lines around a change.
const CONTEXT: usize = 6;

const REMOVED: Style = AnsiColor::Red.on_default();
const ADDED: Style = AnsiColor::Green.on_default();
const PLACE: Style = AnsiColor::Cyan.on_default();
const STRONG: Style = Style::new().bold();

/// Shows and asks.
///
/// # Errors
/// [`Failure`] where nobody can be asked, or a file cannot be written.
pub(super) fn execute(args: &SnapshotReviewArgs, stdout: &mut dyn Write) -> Result<Exit, Failure> {
    let mut store = open(&args.folder)?;
    let pending = store.pending()?;
    if pending.is_empty() {
        writeln!(stdout, "nothing waits for a decision")?;
        return Ok(Exit::AsExpected);
    }
    if !io::stdin().is_terminal() {
        return Err(Failure::usage(
            "a review needs a terminal; without one there is `mailproof snapshot accept`",
        ));
    }
    let mut keys =
        Keys::open().map_err(|error| Failure::environment(format!("cannot read keys: {error}")))?;
    let counts = ask(&mut store, &pending, &mut || keys.next(), stdout)?;
    drop(keys);
    let left = pending.len() - counts.accepted - counts.rejected;
    writeln!(
        stdout,
        "{} accepted, {} rejected, {left} left to decide",
        counts.accepted, counts.rejected
    )?;
    Ok(Exit::AsExpected)
}

/// What was decided.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) accepted: usize,
    pub(super) rejected: usize,
}

/// Each decision is carried out at once: whoever quits loses none.
pub(super) fn ask(
    store: &mut Store,
    pending: &[Pending],
    key: &mut dyn FnMut() -> io::Result<Option<char>>,
    stdout: &mut dyn Write,
) -> Result<Counts, Failure> {
    let mut counts = Counts::default();
    for (at, it) in pending.iter().enumerate() {
        let id = text::line(&it.id);
        let what = if it.old.is_some() { "changed" } else { "new" };
        writeln!(
            stdout,
            "\n{STRONG}{id}{STRONG:#} ({what}, {} of {})",
            at + 1,
            pending.len()
        )?;
        let old = it.old.as_deref().unwrap_or_default();
        coloured(&unified(old, &it.new, CONTEXT), stdout)?;
        write!(
            stdout,
            "{STRONG}a{STRONG:#}ccept, {STRONG}r{STRONG:#}eject, {STRONG}s{STRONG:#}kip or {STRONG}q{STRONG:#}uit? "
        )?;
        stdout.flush()?;
        let word = loop {
            match key()? {
                Some('a' | 'A') => {
                    store.accept(it)?;
                    counts.accepted += 1;
                    break "accepted";
                }
                Some('r' | 'R') => {
                    store.reject(it)?;
                    counts.rejected += 1;
                    break "rejected";
                }
                Some('s' | 'S') => break "skipped",
                Some('q' | 'Q') | None => {
                    writeln!(stdout)?;
                    return Ok(counts);
                }
                Some(_) => {}
            }
        };
        writeln!(stdout, "{word}")?;
    }
    Ok(counts)
}

/// A unified diff in colours.
pub(super) fn coloured(diff: &str, stdout: &mut dyn Write) -> io::Result<()> {
    for line in diff.lines() {
        let style = match line.as_bytes().first() {
            Some(b'+') => ADDED,
            Some(b'-') => REMOVED,
            Some(b'@') => PLACE,
            _ => Style::new(),
        };
        writeln!(stdout, "  {style}{line}{style:#}")?;
    }
    Ok(())
}
