//! All sinks of one run behind one value: the runner tells it what happens, and it tells everybody else.
//!
//! Must not know how results come about.

use std::{
    io::{self, Stderr, Write},
    path::{Path, PathBuf},
};

use super::{
    background::Background,
    folder::FolderError,
    html, json, junit, markdown,
    out::Out,
    progress::{Progress, Style},
    sarif, terminal,
};
use crate::{
    exit::{Decision, Demands, decide},
    results::{CaseResult, Record, Results},
    snapshot::Taken,
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
    /// The page for a browser: see `mailproof report`.
    Html,
    /// SARIF 2.1.0, for code scanning.
    Sarif,
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
    background: Background,
    details: html::Details,
    snapshots: Option<PathBuf>,
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
            background: Background::default(),
            details: html::Details::default(),
            snapshots: None,
        }
    }

    /// What the reports cite beside the results. Without it they have no text of clauses and no files.
    #[must_use]
    pub fn with_background(mut self, background: Background) -> Self {
        self.background = background;
        self
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
        self.detail(record);
        self.out.as_mut().map_or(Ok(()), |out| out.record(record))
    }

    /// The facts of a case or control that are kept elsewhere already.
    pub fn detail(&mut self, record: &Record) {
        if self.wants_details() {
            self.details.add(record);
        }
    }

    /// Whether a report is to be made that needs more of the facts than the results have.
    pub fn wants_details(&self) -> bool {
        self.out.is_some() || self.reporting.format == Format::Html
    }

    /// A case has a verdict (controls are not told).
    pub fn finished(&mut self, case: &CaseResult) {
        self.progress.finished(case);
    }

    /// Something that the user should know now.
    pub fn note(&mut self, note: &str) {
        self.progress.note(note);
    }

    /// What the run saw, for comparison with other runs and with snapshots.
    ///
    /// # Errors
    /// [`FolderError`].
    pub fn keep(&self, taken: &Taken) -> Result<(), FolderError> {
        self.out.as_ref().map_or(Ok(()), |out| out.keep(taken))
    }

    /// The results tell of differences from the snapshots in this folder.
    pub fn compared_with(&mut self, snapshots: &Path) {
        self.snapshots = Some(snapshots.to_owned());
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
            out.finish(results, &decision, &self.details, &self.background)?;
        }
        let folder = self.out.as_ref().map(Out::folder);
        let report = match self.reporting.format {
            Format::Human => terminal::render(
                results,
                &terminal::View {
                    width: self.reporting.width,
                    quiet: self.reporting.quiet,
                    out: folder,
                    snapshots: self.snapshots.as_deref(),
                    decision: &decision,
                },
            ),
            Format::Json => {
                json::render(results).map_err(|error| FinishError::Render(error.to_string()))?
            }
            Format::Junit => junit::render(results, &decision).map_err(FinishError::Render)?,
            Format::Markdown => markdown::render(results, &decision),
            Format::Html => {
                let run = html::Run {
                    results,
                    details: &self.details,
                };
                html::render(&[run], &self.background)
                    .map_err(|error| FinishError::Render(error.to_string()))?
            }
            Format::Sarif => sarif::render(&[results], &self.background)
                .map_err(|error| FinishError::Render(error.to_string()))?,
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
