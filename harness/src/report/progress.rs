//! What can be seen while a run goes on: one live line on a terminal, a line for each case elsewhere.
//!
//! Goes to standard error, so that standard output has nothing but the report. An error of the terminal is
//! not worth losing results for. Must not know how cases are run.

use std::io::{IsTerminal as _, Write};

use super::{tally::Class, text};
use crate::results::CaseResult;

/// How progress is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// One line that is overwritten, of so many columns; failures stay above it.
    Live {
        /// Columns.
        width: usize,
    },
    /// A line for each case that finished.
    Plain,
    /// Not at all.
    Silent,
}

impl Style {
    /// The style for standard error: silent where `quiet`, live on a terminal, else plain.
    pub fn for_stderr(quiet: bool) -> Self {
        let dumb = std::env::var_os("TERM").is_some_and(|it| it == "dumb");
        if quiet {
            Style::Silent
        } else if std::io::stderr().is_terminal() && !dumb {
            let width = terminal_size::terminal_size_of(std::io::stderr());
            Style::Live {
                width: width.map_or(80, |(width, _)| usize::from(width.0)),
            }
        } else {
            Style::Plain
        }
    }
}

/// The progress of one run.
pub struct Progress<W: Write> {
    to: W,
    style: Style,
    total: usize,
    done: usize,
    failed: usize,
    live: bool,
}

impl<W: Write> Progress<W> {
    /// Progress over `total` cases.
    pub fn new(to: W, style: Style, total: usize) -> Self {
        Self {
            to,
            style,
            total,
            done: 0,
            failed: 0,
            live: false,
        }
    }

    /// A case begins.
    pub fn started(&mut self, id: &str) {
        self.show(id);
    }

    /// A case has a verdict. Controls are not counted.
    pub fn finished(&mut self, case: &CaseResult) {
        self.done += 1;
        let class = Class::of(case);
        let bad = matches!(class, Class::Failed | Class::Harness);
        self.failed += usize::from(class == Class::Failed);
        let stays = match self.style {
            Style::Silent => false,
            Style::Live { .. } => bad,
            Style::Plain => true,
        };
        if stays {
            self.clear();
            let line = self.line(case, bad);
            let _ = writeln!(self.to, "{line}");
        }
        self.show(&case.id);
    }

    /// Something that the user should know now, on a line of its own.
    pub fn note(&mut self, note: &str) {
        self.clear();
        if self.style != Style::Silent {
            let _ = writeln!(self.to, "{}", text::line(note));
        }
    }

    /// The run is over: the live line is taken away.
    pub fn end(&mut self) {
        self.clear();
        let _ = self.to.flush();
    }

    fn line(&self, case: &CaseResult, bad: bool) -> String {
        let verdict = case.judgement.verdict;
        let width = self.total.to_string().len();
        let mut line = format!(
            "[{:>width$}/{}] {} {}",
            self.done,
            self.total,
            verdict.name(),
            text::line(&case.id)
        );
        if bad || !verdict.is_run() {
            line.push_str(": ");
            line.push_str(&text::cut(&text::line(&case.judgement.reason), 200));
        } else {
            line.push_str(&format!(" ({})", text::duration(case.took_ms)));
        }
        line
    }

    fn show(&mut self, id: &str) {
        let Style::Live { width } = self.style else {
            return;
        };
        let failed = match self.failed {
            0 => String::new(),
            n => format!(" {n} failed ·"),
        };
        let line = format!("[{}/{}]{failed} {}", self.done, self.total, text::line(id));
        // A full line would wrap on some terminals, and a wrapped line cannot be overwritten.
        let line = text::cut(&line, width.saturating_sub(1).max(10));
        let _ = write!(self.to, "\r\x1b[2K{line}");
        let _ = self.to.flush();
        self.live = true;
    }

    fn clear(&mut self) {
        if std::mem::take(&mut self.live) {
            let _ = write!(self.to, "\r\x1b[2K");
        }
    }
}

impl<W: Write> Drop for Progress<W> {
    fn drop(&mut self) {
        self.end();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{report::sample, results::Verdict};

    fn shown(style: Style) -> String {
        let mut octets = Vec::new();
        let mut progress = Progress::new(&mut octets, style, 12);
        progress.started("smtp/a/one");
        progress.finished(&sample::case(
            "smtp/a/one",
            Verdict::Pass,
            "Everything held.",
        ));
        progress.started("smtp/a/two\x1b[2J");
        progress.note("a\x07b");
        progress.finished(&sample::case(
            "smtp/a/two",
            Verdict::Fail,
            "It \x1b[31m fell over.",
        ));
        progress.finished(&sample::case(
            "smtp/a/three",
            Verdict::Skipped,
            "needs ports",
        ));
        progress.end();
        drop(progress);
        String::from_utf8(octets).unwrap()
    }

    #[test]
    fn plain_lines() {
        assert_eq!(
            shown(Style::Plain),
            "[ 1/12] PASS smtp/a/one (120 ms)\n\
             a\\x07b\n\
             [ 2/12] FAIL smtp/a/two: It \\x1b[31m fell over.\n\
             [ 3/12] SKIPPED smtp/a/three: needs ports\n"
        );
    }

    #[test]
    fn one_live_line_and_failures_above_it() {
        let shown = shown(Style::Live { width: 24 });
        let lines: Vec<&str> = shown.split("\r\x1b[2K").collect();
        assert_eq!(
            lines,
            [
                "",
                "[0/12] smtp/a/one",
                "[1/12] smtp/a/one",
                "[1/12] smtp/a/two\\x1b[…",
                "a\\x07b\n[ 2/12] FAIL smtp/a/two: It \\x1b[31m fell over.\n",
                "[2/12] 1 failed · smtp…",
                "[3/12] 1 failed · smtp…",
                "",
            ]
        );
    }

    #[test]
    fn silence() {
        assert_eq!(shown(Style::Silent), "");
    }
}
