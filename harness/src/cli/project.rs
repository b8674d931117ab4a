//! The project's file and the command line together: what is said on the command line wins, key by key.
//!
//! Must not know how the file is read.

use std::path::{Path, PathBuf};

use super::{
    Failure,
    args::{
        DoctorArgs, LintArgs, ListArgs, ProjectArgs, ReachArgs, RejudgeArgs, ReportArgs, RunArgs,
        SelectArgs, SelftestArgs, ServeArgs, ShowArgs, TraceArgs,
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
        taken.one(
            "adapter",
            &mut self.adapter,
            project.adapter.as_ref(),
            String::clone,
        );
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
        taken.one("profile", &mut self.profile, profile, String::clone);
        let lab = project.lab.as_ref();
        taken.one("lab", &mut self.lab, lab, ToString::to_string);
        let out = project.out.as_ref();
        taken.one("out", &mut self.report.out, out, |it| {
            it.display().to_string()
        });
        reach(&mut self.reach, project, taken);
        let snapshots = project.snapshots.as_ref();
        taken.one("snapshots", &mut self.snapshots, snapshots, |it| {
            it.display().to_string()
        });
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
        reach(&mut self.reach, project, taken);
        let adapter = project.adapter.as_ref();
        taken.one("adapter", &mut self.adapter, adapter, String::clone);
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
        taken.one(
            "adapter",
            &mut self.adapter,
            project.adapter.as_ref(),
            String::clone,
        );
        let timeout = project.timeout.as_ref();
        taken.one("timeout", &mut self.timeout, timeout, |it| {
            format!("{}ms", it.as_millis())
        });
        reach(&mut self.reach, project, taken);
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

/// One kind of authority takes the place of the other.
fn reach(args: &mut ReachArgs, project: &Project, taken: &mut Taken) {
    let said = args.ca.is_some() || args.chain.is_some() || args.key.is_some();
    let table = &project.reach;
    let lists = [
        ("bind", &mut args.bind, &table.bind),
        ("advertise", &mut args.advertise, &table.advertise),
        ("port-map", &mut args.port_map, &table.port_map),
        ("allow-from", &mut args.allow_from, &table.allow_from),
    ];
    for (key, to, from) in lists {
        taken.many(key, to, from.as_ref(), String::clone);
    }
    let files = [
        ("ca", &mut args.ca, &table.ca),
        ("chain", &mut args.chain, &table.chain),
        ("key", &mut args.key, &table.key),
    ];
    for (key, to, from) in files {
        if !said {
            taken.one(key, to, from.as_ref(), |it| it.display().to_string());
        }
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
    taken.many("scenarios", to, project.scenarios.as_ref(), |it| {
        it.display().to_string()
    });
}

fn report(args: &mut ReportArgs, project: &Project, taken: &mut Taken) {
    taken.one("expect", &mut args.expect, project.expect.as_ref(), |it| {
        it.display().to_string()
    });
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

#[cfg(test)]
mod tests {
    use clap::Parser as _;
    use test_case::test_case;

    use super::*;
    use crate::cli::args::{Cli, Command};

    const FILE: &str = "adapter = 'a.toml'\nprofile = 'device'\nscenarios = ['s', 't']\nexpect = 'e.toml'\n\
        out = 'o'\ninclude = ['smtp/**']\nexclude = ['tag:x']\njobs = 3\nseed = 4\ntimeout = '5s'\nlab = true\n\
        require = 7\nrequire-lab = true\nfail-on = 'should'\n";

    fn project() -> Project {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("mailproof.toml");
        std::fs::write(&file, FILE).unwrap();
        let read = project::read(&file).unwrap();
        Project {
            adapter: Some("a.toml".to_owned()),
            scenarios: Some(vec!["s".into(), "t".into()]),
            expect: Some("e.toml".into()),
            out: Some("o".into()),
            file: "mailproof.toml".into(),
            ..read
        }
    }

    fn run(arguments: &[&str]) -> (RunArgs, Option<String>) {
        let all = ["mailproof", "run"].iter().chain(arguments);
        let Ok(Cli {
            command: Command::Run(mut args),
        }) = Cli::try_parse_from(all)
        else {
            panic!("{arguments:?} is no run");
        };
        let mut taken = Taken::default();
        args.fill(&project(), &mut taken);
        (*args, taken.line(&project()))
    }

    #[test]
    fn the_file_fills_what_nobody_said() {
        let (args, line) = run(&[]);
        assert_eq!(
            line.as_deref(),
            Some(
                "mailproof.toml sets adapter a.toml, include smtp/**, exclude tag:x, scenarios s t, jobs 3, seed 4, \
                 timeout 5000ms, profile device, lab true, out o, expect e.toml, require 7, require-lab true, \
                 fail-on should"
            )
        );
        assert_eq!((args.seed, args.lab), (Some(4), Some(true)));
        assert_eq!(args.select.scenarios.len(), 2);
        assert_eq!(args.report.out.as_deref(), Some(Path::new("o")));
    }

    #[test_case(&["curl"], "adapter a.toml")]
    #[test_case(&["--profile", "mail-client"], "profile device")]
    #[test_case(&["--scenarios", "u"], "scenarios s t"; "a list replaces the list")]
    #[test_case(&["--expect", "f.toml"], "expect e.toml")]
    #[test_case(&["--out", "p"], "out o")]
    #[test_case(&["-i", "imap/**"], "include smtp/**"; "patterns")]
    #[test_case(&["-x", "imap/**"], "exclude tag:x")]
    #[test_case(&["-j", "1"], "jobs 3")]
    #[test_case(&["--seed", "9"], "seed 4")]
    #[test_case(&["--timeout", "9s"], "timeout 5000ms")]
    #[test_case(&["--lab=false"], "lab true")]
    #[test_case(&["--lab=false"], "require-lab true"; "no lab, so none is required")]
    #[test_case(&["--lab"], ", lab true"; "the same")]
    #[test_case(&["--require", "9"], "require 7")]
    #[test_case(&["--require-lab=false"], "require-lab true")]
    #[test_case(&["--fail-on", "must"], "fail-on should")]
    fn the_command_line_wins(arguments: &[&str], without: &str) {
        let (args, line) = run(arguments);
        let line = line.unwrap();
        assert!(!line.contains(without), "{line}");
        // Everything else still comes from the file.
        assert_eq!(
            args.jobs.map(|it| it.get()),
            Some(if arguments[0] == "-j" { 1 } else { 3 })
        );
    }

    #[test_case(&["doctor"], Some("mailproof.toml sets adapter a.toml, timeout 5000ms"))]
    #[test_case(&["doctor", "curl", "--timeout", "1s"], None; "said")]
    #[test_case(&["doctor", "--lab"], None; "the lab itself")]
    #[test_case(&["list"], Some("mailproof.toml sets scenarios s t"))]
    #[test_case(&["show", "x"], Some("mailproof.toml sets scenarios s t"))]
    #[test_case(&["lint", "x"], None; "paths")]
    #[test_case(&["serve", "x", "--seed", "1"], Some("mailproof.toml sets scenarios s t, adapter a.toml"))]
    #[test_case(&["rejudge", "x", "--fail-on", "must"],
        Some("mailproof.toml sets expect e.toml, require 7, require-lab true"))]
    fn each_command_takes_what_concerns_it(arguments: &[&str], expected: Option<&str>) {
        let mut taken = Taken::default();
        let all = ["mailproof"].iter().chain(arguments);
        match Cli::try_parse_from(all).unwrap().command {
            Command::Doctor(mut args) => args.fill(&project(), &mut taken),
            Command::List(mut args) => args.fill(&project(), &mut taken),
            Command::Show(mut args) => args.fill(&project(), &mut taken),
            Command::Lint(mut args) => args.fill(&project(), &mut taken),
            Command::Serve(mut args) => args.fill(&project(), &mut taken),
            Command::Rejudge(mut args) => args.fill(&project(), &mut taken),
            other => panic!("{other:?}"),
        }
        assert_eq!(taken.line(&project()).as_deref(), expected);
    }
}
