//! All sinks of one run behind one value: the runner tells it what happens, and it tells everybody else.
//!
//! Must not know how results come about.

use std::io::{self, Stderr, Write};

use super::{
    folder::FolderError,
    json, junit, markdown,
    out::Out,
    progress::{Progress, Style},
    terminal,
};
use crate::{
    exit::{Decision, Demands, decide},
    results::{CaseResult, Record, Results},
};

/// What goes to standard output at the end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// A summary for people.
    #[default]
    Human,
    /// The whole of `results.json`.
    Json,
    /// JUnit XML.
    Junit,
    /// A short page for a CI job.
    Markdown,
}

/// How a run is reported.
#[derive(Clone, Debug)]
pub struct Reporting {
    /// What goes to standard output.
    pub format: Format,
    /// Whether to say no more than needed.
    pub quiet: bool,
    /// Columns of the terminal.
    pub width: usize,
    /// What counts as unexpected.
    pub demands: Demands,
}

/// The sinks of one run.
pub struct Reporter {
    reporting: Reporting,
    out: Option<Out>,
    progress: Progress<Stderr>,
}

impl Reporter {
    /// Sinks for a run over `total` cases. Progress is shown for people only: with other formats nothing but
    /// errors goes to standard error.
    pub fn new(reporting: Reporting, out: Option<Out>, total: usize) -> Self {
        let silent = reporting.quiet || reporting.format != Format::Human;
        Self {
            progress: Progress::new(io::stderr(), Style::for_stderr(silent), total),
            reporting,
            out,
        }
    }

    /// The run begins. `head` has no cases, but the subject, the seed and how many cases were selected.
    ///
    /// # Errors
    /// [`FolderError`].
    pub fn begin(&mut self, head: &Results) -> Result<(), FolderError> {
        self.out.as_mut().map_or(Ok(()), |out| out.begin(head))
    }

    /// A run that an earlier process began goes on.
    ///
    /// # Errors
    /// [`FolderError`].
    pub fn resume(&mut self) -> Result<(), FolderError> {
        self.out.as_mut().map_or(Ok(()), Out::resume)
    }

    /// So many stops of a plan are open: less was run than is demanded.
    pub fn left_open(&mut self, open: usize) {
        self.reporting.demands.left_open = open;
    }

    /// A case begins.
    pub fn started(&mut self, id: &str) {
        self.progress.started(id);
    }

    /// The facts of a case or control are there.
    ///
    /// # Errors
    /// [`FolderError`], at once where the disk is full.
    pub fn record(&mut self, record: &Record) -> Result<(), FolderError> {
        self.out.as_mut().map_or(Ok(()), |out| out.record(record))
    }

    /// A case has a verdict (controls are not told).
    pub fn finished(&mut self, case: &CaseResult) {
        self.progress.finished(case);
    }

    /// Something that the user should know now.
    pub fn note(&mut self, note: &str) {
        self.progress.note(note);
    }

    /// The run is over: files first, then the report to `stdout`, so that a reader who has gone costs nothing.
    ///
    /// # Errors
    /// [`FinishError`], but not for a reader of `stdout` who has gone.
    pub fn finish(
        mut self,
        results: &Results,
        stdout: &mut dyn Write,
    ) -> Result<Decision, FinishError> {
        self.progress.end();
        let decision = decide(results, &self.reporting.demands);
        if let Some(out) = &mut self.out {
            out.finish(results, &decision)?;
        }
        let folder = self.out.as_ref().map(Out::folder);
        let report = match self.reporting.format {
            Format::Human => terminal::render(
                results,
                &terminal::View {
                    width: self.reporting.width,
                    quiet: self.reporting.quiet,
                    out: folder,
                    decision: &decision,
                },
            ),
            Format::Json => {
                json::render(results).map_err(|error| FinishError::Render(error.to_string()))?
            }
            Format::Junit => junit::render(results, &decision).map_err(FinishError::Render)?,
            Format::Markdown => markdown::render(results, &decision),
        };
        match stdout
            .write_all(report.as_bytes())
            .and_then(|()| stdout.flush())
        {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
            _ => Ok(decision),
        }
    }
}

/// The report could not be delivered.
#[derive(Debug, thiserror::Error)]
pub enum FinishError {
    /// The folder.
    #[error(transparent)]
    Out(#[from] FolderError),
    /// Standard output.
    #[error("cannot write the report: {0}")]
    Stdout(#[from] io::Error),
    /// The format.
    #[error("cannot render the report: {0}")]
    Render(String),
}
