//! One snapshot file: where it stands, its first line, and what else may be in it. Pure.

use std::path::PathBuf;

use crate::report::{text, transcripts::stem};

/// The version of the format, in the first line of each file.
pub const VERSION: u32 = 1;

/// What the name of a snapshot ends in.
pub const EXTENSION: &str = "snap";

/// What the name of a transcript ends in that nobody has accepted yet.
pub const PENDING: &str = "snap.new";

/// What every snapshot begins with.
pub(super) const MARK: &str = "# mailproof snapshot ";

/// The largest file that is read.
pub(super) const LARGEST: u64 = 4 << 20;

/// Lines of a transcript that are kept.
const LINES: usize = 4000;

/// What a file says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// The case.
    pub id: String,
    /// Its transcript.
    pub text: String,
}

/// Why a file is no snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Counted from 1.
    pub line: usize,
    /// Counted from 1.
    pub column: usize,
    /// What was expected, in one sentence without its full stop.
    pub message: String,
}

/// Where the snapshot of a case stands below the folder: the id as a path. Different ids have different paths.
pub fn path(id: &str) -> PathBuf {
    let mut parts: Vec<String> = id.split('/').map(stem).collect();
    let last = parts.pop().unwrap_or_default();
    parts.push(format!("{last}.{EXTENSION}"));
    parts.iter().collect()
}

/// The file of a case.
pub(super) fn render(id: &str, text: &str) -> String {
    format!("{MARK}{VERSION}: {}\n{text}", text::line(id))
}

/// A transcript with no more lines than are kept.
pub(super) fn bounded(text: &str) -> String {
    let all = text.lines().count();
    if all <= LINES {
        return text.to_owned();
    }
    let kept: Vec<&str> = text.lines().take(LINES).collect();
    format!("{}\n  ... ({} more lines)\n", kept.join("\n"), all - LINES)
}

/// Reads a file. Line ends may be those of another system.
///
/// # Errors
/// The first line that no snapshot has.
pub(super) fn parse(octets: &[u8]) -> Result<Snapshot, Fault> {
    let whole = std::str::from_utf8(octets).map_err(|error| {
        let before = &octets[..error.valid_up_to()];
        let line = before.iter().filter(|it| **it == b'\n').count() + 1;
        let column = before.iter().rev().take_while(|it| **it != b'\n').count() + 1;
        fault(line, column, "this is no text in UTF-8")
    })?;
    let whole = whole.replace("\r\n", "\n");
    let (head, text) = whole.split_once('\n').unwrap_or((&whole, ""));
    let Some(head) = head.strip_prefix(MARK) else {
        let message = format!("expected `{MARK}{VERSION}: ` and the id of a case");
        return Err(fault(1, 1, message));
    };
    let column = MARK.len() + 1;
    let Some((version, id)) = head.split_once(": ") else {
        let message = "expected the version of the format, a colon, and the id of a case";
        return Err(fault(1, column, message));
    };
    match version.parse::<u32>() {
        Ok(VERSION) => {}
        Ok(newer) if newer > VERSION => {
            let message =
                format!("the format has version {newer}, and this mailproof reads {VERSION}");
            return Err(fault(1, column, message));
        }
        _ => return Err(fault(1, column, format!("expected version {VERSION}"))),
    }
    for (at, line) in text.lines().enumerate() {
        let fits = line.is_empty() || line.starts_with("  ") || line.starts_with("step ");
        if !fits {
            let shown = text::cut(&text::line(line), 40);
            let message = if ["<<<<<<<", "=======", ">>>>>>>", "|||||||"]
                .iter()
                .any(|it| line.starts_with(it))
            {
                format!("`{shown}` is left of a merge; accept the case again")
            } else {
                format!("expected a line of a transcript, not `{shown}`")
            };
            return Err(fault(at + 2, 1, message));
        }
    }
    Ok(Snapshot {
        id: id.to_owned(),
        text: text.to_owned(),
    })
}

fn fault(line: usize, column: usize, message: impl Into<String>) -> Fault {
    Fault {
        line,
        column,
        message: message.into(),
    }
}
