//! The project's file and the command line together: what is said on the command line wins, key by key.
//!
//! Must not know how the file is read.

use std::path::{Path, PathBuf};

use super::{
    Failure,
    args::{
        DoctorArgs, LintArgs, ListArgs, ProjectArgs, RejudgeArgs, ReportArgs, RunArgs, SelectArgs,
        SelftestArgs, ServeArgs, ShowArgs, TraceArgs,
    },
};
use crate::{
    project::{self, FindError, Project},
    report::{reporter::Format, text},
};

/// The project that a command works in, if there is one.
///
/// # Errors
/// [`Failure`] of usage, where its file is wrong or the one that was named is not there.
pub(super) fn of(args: &ProjectArgs) -> Result<Option<Project>, Failure> {
    if args.no_project {
        return Ok(None);
    }
    let found = match &args.project {
        Some(file) => project::read(file).map(Some),
        None => project::find(Path::new("")),
    };
    found.map_err(|error| match error {
        FindError::Wrong(problems) => problems.into(),
        FindError::Unreadable { .. } => Failure::usage(text::line(&error.to_string())),
    })
}

/// What a file set that the command line did not say: `adapter ./crm.toml`, `jobs 2`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Taken(Vec<String>);

impl Taken {
    /// One line for the user, safe to show; `None` where the file set nothing.
    pub(super) fn line(&self, project: &Project) -> Option<String> {
        let file = text::line(&project.file.display().to_string());
        let parts: Vec<String> = self.0.iter().map(|it| text::line(it)).collect();
        (!parts.is_empty()).then(|| format!("{file} sets {}", parts.join(", ")))
    }

    fn add(&mut self, key: &str, value: &str) {
        self.0.push(if value.is_empty() {
            key.to_owned()
        } else {
            format!("{key} {value}")
        });
    }

    /// Takes a value of the file where the command line has none.
    fn one<T: Clone>(
        &mut self,
        key: &str,
        to: &mut Option<T>,
        from: Option<&T>,
        show: impl Fn(&T) -> String,
    ) {
        if let (None, Some(value)) = (&to, from) {
            self.add(key, &show(value));
            *to = Some(value.clone());
        }
    }

    /// Takes a list of the file where the command line has none.
    fn many<T: Clone>(
        &mut self,
        key: &str,
        to: &mut Vec<T>,
        from: Option<&Vec<T>>,
        show: impl Fn(&T) -> String,
    ) {
        if let (true, Some(values)) = (to.is_empty(), from)
            && !values.is_empty()
        {
            let shown: Vec<String> = values.iter().map(show).collect();
            self.add(key, &shown.join(" "));
            to.clone_from(values);
        }
    }
}

/// Arguments that a project's file can fill.
pub(super) trait Fill {
    /// Which file counts.
    fn project(&self) -> &ProjectArgs;

    /// Whether the user reads along: not where a program reads the output, nor where less was asked for.
    fn is_read_along(&self) -> bool {
        true
    }

    /// Takes from the file what the command line does not say and what concerns the command.
    fn fill(&mut self, project: &Project, taken: &mut Taken);
}

/// The arguments with what the project's file adds, and the project. What the file set is told in one line.
///
/// # Errors
/// [`Failure`] of usage where the file is wrong.
pub(super) fn filled<A: Fill>(mut args: A) -> Result<(A, Option<Project>), Failure> {
    let project = of(args.project())?;
    if let Some(project) = &project {
        let mut taken = Taken::default();
        args.fill(project, &mut taken);
        if let (true, Some(line)) = (args.is_read_along(), taken.line(project)) {
            super::remark(&line);
        }
    }
    Ok((args, project))
}

impl Fill for RunArgs {
    fn project(&self) -> &ProjectArgs {
        &self.select.project
    }

    fn is_read_along(&self) -> bool {
        !self.report.quiet && self.report.format == Format::Human
    }

    fn fill(&mut self, project: &Project, taken: &mut Taken) {
        taken.one("adapter", &mut self.adapter, project.adapter.as_ref(), same);
        select(&mut self.select, project, taken);
        let jobs = project.jobs.as_ref();
        taken.one("jobs", &mut self.jobs, jobs, ToString::to_string);
        let seed = project.seed.as_ref();
        taken.one("seed", &mut self.seed, seed, ToString::to_string);
        let timeout = project.timeout.as_ref();
        taken.one("timeout", &mut self.timeout, timeout, |it| {
            format!("{}ms", it.as_millis())
        });
        let profile = project.profile.as_ref();
        taken.one("profile", &mut self.profile, profile, same);
        let lab = project.lab.as_ref();
        taken.one("lab", &mut self.lab, lab, ToString::to_string);
        let out = project.out.as_ref();
        taken.one("out", &mut self.report.out, out, shown);
        // Who wants no lab on the command line does not want it required by the file.
        if self.lab == Some(false) {
            self.report.require_lab.get_or_insert(false);
        }
        report(&mut self.report, project, taken);
    }
}

impl Fill for RejudgeArgs {
    fn project(&self) -> &ProjectArgs {
        &self.project
    }

    fn is_read_along(&self) -> bool {
        !self.report.quiet && self.report.format == Format::Human
    }

    fn fill(&mut self, project: &Project, taken: &mut Taken) {
        report(&mut self.report, project, taken);
    }
}

impl Fill for ListArgs {
    fn project(&self) -> &ProjectArgs {
        &self.select.project
    }

    fn is_read_along(&self) -> bool {
        self.format == super::args::ListFormat::Human
    }

    fn fill(&mut self, project: &Project, taken: &mut Taken) {
        scenarios(&mut self.select.scenarios, project, taken);
    }
}

impl Fill for SelftestArgs {
    fn project(&self) -> &ProjectArgs {
        &self.select.project
    }

    fn is_read_along(&self) -> bool {
        !self.quiet
    }

    fn fill(&mut self, project: &Project, taken: &mut Taken) {
        scenarios(&mut self.select.scenarios, project, taken);
    }
}

impl Fill for ShowArgs {
    fn project(&self) -> &ProjectArgs {
        &self.project
    }

    fn fill(&mut self, project: &Project, taken: &mut Taken) {
        scenarios(&mut self.scenarios, project, taken);
    }
}

impl Fill for TraceArgs {
    fn project(&self) -> &ProjectArgs {
        &self.project
    }

    fn is_read_along(&self) -> bool {
        self.format == super::args::TraceFormat::Human
    }

    fn fill(&mut self, project: &Project, taken: &mut Taken) {
        scenarios(&mut self.scenarios, project, taken);
    }
}

impl Fill for ServeArgs {
    fn project(&self) -> &ProjectArgs {
        &self.project
    }

    fn fill(&mut self, project: &Project, taken: &mut Taken) {
        scenarios(&mut self.scenarios, project, taken);
        let seed = project.seed.as_ref();
        taken.one("seed", &mut self.seed, seed, ToString::to_string);
    }
}

impl Fill for DoctorArgs {
    fn project(&self) -> &ProjectArgs {
        &self.project
    }

    /// `doctor --lab` alone checks the lab, whatever the file says.
    fn fill(&mut self, project: &Project, taken: &mut Taken) {
        if self.adapter.is_none() && self.lab {
            return;
        }
        taken.one("adapter", &mut self.adapter, project.adapter.as_ref(), same);
        let timeout = project.timeout.as_ref();
        taken.one("timeout", &mut self.timeout, timeout, |it| {
            format!("{}ms", it.as_millis())
        });
    }
}

impl Fill for LintArgs {
    fn project(&self) -> &ProjectArgs {
        &self.project
    }

    fn fill(&mut self, project: &Project, taken: &mut Taken) {
        scenarios(&mut self.paths, project, taken);
    }
}

fn select(args: &mut SelectArgs, project: &Project, taken: &mut Taken) {
    let include = project.include.as_ref();
    taken.many("include", &mut args.include, include, ToString::to_string);
    let exclude = project.exclude.as_ref();
    taken.many("exclude", &mut args.exclude, exclude, ToString::to_string);
    scenarios(&mut args.scenarios, project, taken);
}

fn scenarios(to: &mut Vec<PathBuf>, project: &Project, taken: &mut Taken) {
    taken.many("scenarios", to, project.scenarios.as_ref(), shown);
}

fn report(args: &mut ReportArgs, project: &Project, taken: &mut Taken) {
    taken.one("expect", &mut args.expect, project.expect.as_ref(), shown);
    let require = project.require.as_ref();
    taken.many("require", &mut args.require, require, ToString::to_string);
    let require_lab = project.require_lab.as_ref();
    taken.one("require-lab", &mut args.require_lab, require_lab, |it| {
        it.to_string()
    });
    let fail_on = project.fail_on.as_ref();
    taken.many("fail-on", &mut args.fail_on, fail_on, |it| {
        it.name().to_owned()
    });
}

fn same(text: &String) -> String {
    text.clone()
}

fn shown(path: &PathBuf) -> String {
    path.display().to_string()
}
