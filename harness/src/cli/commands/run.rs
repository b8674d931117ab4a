//! `mailproof run`: cases against a subject, and the report.
//!
//! Must not know how a case is run or judged.

use std::{
    io::Write,
    num::NonZeroUsize,
    path::{Path, PathBuf},
    thread::available_parallelism,
    time::Duration,
};

use mailproof_scenarios::{library::Library, model::Case};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use super::bundle::Packing;
use crate::{
    adapter::Adapter,
    cli::{
        Failure,
        args::{BundleArgs, ReportArgs, RunArgs, SelectArgs},
        find_profile, library, select,
        signal::interrupted,
        subject, text_width, values,
    },
    edition,
    evidence::Evidence,
    exit::{Demands, Exit},
    expected,
    profile::{self, Obligations, Profile},
    project::Project,
    reach::{Wish, add_up, describe, turned_away},
    report::{
        background::Background,
        out::Out,
        reporter::{Reporter, Reporting},
        tally::Tally,
        text,
    },
    results::{NotRun, RESULTS_VERSION, Record, Results},
    runner::{Summary, needs_lab},
    select::Shard,
    session::{Session, Told, judged},
    snapshot::{Store, Taken},
};

/// What the user asked for, with every default resolved.
#[derive(Clone, Debug)]
pub struct Options {
    /// The name of a built-in adapter or the path of an adapter file; `None` is the embedded subject.
    pub adapter: Option<String>,
    /// Which cases.
    pub select: SelectArgs,
    /// Which part of them.
    pub shard: Option<Shard>,
    /// How many cases at once.
    pub jobs: NonZeroUsize,
    /// Where the fresh values of each case come from.
    pub seed: u64,
    /// In namespaces of their own.
    pub lab: bool,
    /// Where the servers are reached.
    pub reach: Wish,
    /// What the subject is told instead of its adapter's time.
    pub timeout: Option<Duration>,
    /// The file of expected failures.
    pub expect: Option<PathBuf>,
    /// The folder for the full report.
    pub out: Option<PathBuf>,
    /// The folder for evidence.
    pub evidence: Option<PathBuf>,
    /// The signed bundle.
    pub bundle: BundleArgs,
    /// The folder of snapshots.
    pub snapshots: Option<PathBuf>,
    /// The profile, by its name or its file.
    pub profile: Option<String>,
    /// The project's file, where there is one.
    pub project: Option<PathBuf>,
    /// How it is reported.
    pub reporting: Reporting,
}

/// What is to be run: the cases in the order of their ids, and everything about how.
#[derive(Clone, Copy, Debug)]
pub struct Plan<'a> {
    /// What the user asked for.
    pub options: &'a Options,
    /// Scenarios and personas.
    pub library: &'a Library,
    /// The selected cases of this shard.
    pub cases: &'a [&'a Case],
    /// The profile, with the cases that it names.
    pub profile: Option<(&'a Profile, &'a [&'a Case])>,
}

impl Options {
    /// Resolves the command line.
    pub fn new(args: RunArgs) -> Self {
        Self {
            adapter: args.adapter,
            select: args.select,
            shard: args.shard,
            jobs: args.jobs.unwrap_or_else(processors),
            seed: args.seed.unwrap_or_else(values::fresh_seed),
            lab: args
                .lab
                .unwrap_or_else(|| args.report.require_lab.unwrap_or_default()),
            reach: args.reach.wish(),
            timeout: args.timeout,
            expect: args.report.expect.clone(),
            out: args.report.out.clone(),
            evidence: args.report.evidence.clone(),
            bundle: args.bundle,
            snapshots: args.snapshots,
            profile: args.profile,
            project: None,
            reporting: {
                let mut reporting = reporting(&args.report);
                reporting.demands.new_snapshots_are_fine = args.allow_new_snapshots;
                reporting
            },
        }
    }

    /// The same for a run whose project has been read: its repetition must not read the project again, which
    /// may have changed what is selected and what counts.
    #[must_use]
    pub fn in_project(self, project: Option<&Project>) -> Self {
        Self {
            project: project.map(|it| it.file.clone()),
            ..self
        }
    }

    /// The arguments that a repetition needs as well: see [`Results::repeat`].
    pub fn repeat(&self) -> Vec<String> {
        let mut arguments = vec!["run".to_owned()];
        arguments.extend(self.adapter.clone());
        if self.project.is_some() {
            arguments.push("--no-project".to_owned());
        }
        if self.lab {
            arguments.push("--lab".to_owned());
        }
        for folder in &self.select.scenarios {
            arguments.extend(["--scenarios".to_owned(), folder.display().to_string()]);
        }
        if let Some(timeout) = self.timeout {
            arguments.extend(["--timeout".to_owned(), format!("{}ms", timeout.as_millis())]);
        }
        arguments.extend(self.reach.arguments());
        arguments
    }
}

/// Runs and reports.
///
/// # Errors
/// [`Failure`] where a file is wrong, nothing fits the filter, or the environment fails.
pub fn execute(options: &Options, stdout: &mut dyn Write) -> Result<Exit, Failure> {
    let library = library(&options.select.scenarios)?;
    let profile = options.profile.as_deref().map(find_profile).transpose()?;
    let named = match &profile {
        Some(profile) => profile.cases(library.cases())?,
        None => Vec::new(),
    };
    // What the user includes is run although the profile does not name it.
    let mut cases = match &profile {
        Some(_) if options.select.include.is_empty() => {
            select(named.iter().copied(), &options.select)?.cases
        }
        _ => select(library.cases(), &options.select)?.cases,
    };
    cases.retain(|it| options.shard.is_none_or(|shard| shard.has(&it.id)));
    cases.sort_by(|a, b| a.id.cmp(&b.id));
    let expected = expected(options.expect.as_deref())?;
    let out = options.out.as_deref().map(Out::open).transpose()?;
    let mut evidence = evidence(options.evidence.as_deref())?;
    let mut packing = Packing::open(&options.bundle, options.adapter.as_deref())?;
    let mut reporter = Reporter::new(options.reporting.clone(), out, cases.len())
        .with_background(Background::of(&library));
    let store = snapshots(options.snapshots.as_deref(), &cases)?;
    let mut taken = Taken::default();
    let plan = Plan {
        options,
        library: &library,
        cases: &cases,
        profile: profile.as_ref().map(|it| (it, &named[..])),
    };
    let mut results = run_cases(
        plan,
        evidence.as_mut(),
        packing.as_mut(),
        &mut taken,
        &mut reporter,
    )?;
    if let Some(expected) = expected {
        let known = library.cases().map(|it| it.id.as_str());
        expected.apply_to(&mut results, known, OffsetDateTime::now_utc().date());
    }
    profile::stand(&mut results);
    if let Some(evidence) = evidence {
        evidence.finish(&results)?;
    }
    if let Some(packing) = packing {
        packing.finish(&results)?;
    }
    reporter.keep(&taken)?;
    if let Some(store) = store {
        results.snapshots = store.compare(&taken)?;
        reporter.compared_with(store.path());
    }
    Ok(reporter.finish(&results, stdout)?.exit)
}

/// Runs the cases of a plan and judges them, telling the reporter as they come. What had finished when the
/// user interrupts is returned, marked as interrupted.
fn run_cases(
    plan: Plan<'_>,
    mut evidence: Option<&mut Evidence>,
    mut packing: Option<&mut Packing>,
    taken: &mut Taken,
    reporter: &mut Reporter,
) -> Result<Results, Failure> {
    let options = plan.options;
    let name = options.adapter.as_deref();
    let adapter = subject::find(name)?;
    let reach = subject::reach(&options.reach, options.lab)?;
    let no_lab = subject::no_lab_for(options.lab, &adapter);
    let rules = adapter.snapshot.clone();
    let session = Session {
        timeout: options.timeout,
        jobs: options.jobs.get(),
        reach,
        ..subject::session(
            name,
            adapter.clone(),
            plan.library,
            options.lab,
            options.seed,
        )
    };
    let mut results = head(&session, options, plan.cases.len());
    results.obligations = obligations(plan, &adapter);
    reporter.begin(&results)?;
    if let Some(why) = &no_lab {
        reporter.note(why);
    }
    if let Some(reach) = &session.reach.reach {
        reporter.note(&describe(reach));
        reporter.note("the ports are fixed, so the cases are run one after the other");
    }
    if let Some(lack) = without_lab(plan) {
        reporter.note(&lack);
    }
    let cancel = interrupted()?;
    let mut trouble: Option<Failure> = None;
    let cases = plan.cases.iter().map(|it| (*it).clone()).collect();
    let tell = |told: Told<'_>| {
        let facts = match &told {
            Told::Started(_) => None,
            Told::Case(record, _) | Told::Control(record, _) | Told::Again(record, _) => {
                Some(*record)
            }
        };
        let kept = match (facts, &mut evidence) {
            (Some(record), Some(evidence)) => evidence.keep(record),
            _ => Ok(()),
        };
        let packed = match (facts, &mut packing) {
            (Some(record), Some(packing)) => packing.keep(record),
            _ => Ok(()),
        };
        if let Told::Case(record, _) | Told::Control(record, _) = &told {
            add_up(&mut results.turned_away, &record.turned_away);
        }
        let recorded = match told {
            Told::Started(id) => {
                reporter.started(id);
                Ok(())
            }
            Told::Control(record, result) => {
                results.controls.push(*result);
                reporter.record(record)
            }
            Told::Case(record, result) => {
                taken.take(record, &rules);
                reporter.finished(&result);
                results.cases.push(*result);
                reporter.record(record)
            }
            Told::Again(record, result) => {
                let mut all = results.cases.iter_mut().chain(&mut results.controls);
                if let Some(told) = all.find(|it| it.id == result.id) {
                    *told = *result;
                }
                reporter.record(record)
            }
        };
        let kept = kept.and(recorded).map_err(Failure::from);
        if let Err(failure) = kept.and(packed) {
            trouble.get_or_insert(failure);
            cancel.cancel();
        }
    };
    let summary = match no_lab {
        Some(why) => skip(&session, cases, &why, tell),
        None => session
            .run(cases, &cancel, tell)
            .map_err(|error| Failure::environment(error.to_string()))?,
    };
    if let Some(trouble) = trouble {
        return Err(trouble);
    }
    results.cases.sort_by(|a, b| a.id.cmp(&b.id));
    results.controls.sort_by(|a, b| a.id.cmp(&b.id));
    results.interrupted = summary.interrupted;
    for line in turned_away(&results.turned_away) {
        reporter.note(&line);
    }
    results.took_ms = u64::try_from(summary.took.as_millis()).unwrap_or(u64::MAX);
    results.ran = Tally::of(&results).ran;
    let ran = |it: &&&Case| {
        results
            .cases
            .binary_search_by(|result| result.id.cmp(&it.id))
            .is_ok()
    };
    let ran = plan.cases.iter().filter(ran).copied();
    results.edition = Some(edition::edition(plan.library, ran));
    Ok(results)
}

/// What the profile demands of the subject.
fn obligations(plan: Plan<'_>, adapter: &Adapter) -> Option<Obligations> {
    let (profile, named) = plan.profile?;
    let lack = |case: &Case| case.every_step().find_map(|it| adapter.lacks(&it));
    let named = named.iter().copied();
    Some(Obligations {
        shard: plan.options.shard.map(|it| it.to_string()),
        ..profile.obligations(named, &adapter.supports, lack)
    })
}

/// What the user should know at the beginning: that the profile demands more than loopback shows.
fn without_lab(plan: Plan<'_>) -> Option<String> {
    let (profile, named) = plan.profile.filter(|_| !plan.options.lab)?;
    let unseen = named.iter().filter(|it| needs_lab(it)).count();
    (unseen > 0).then(|| {
        format!(
            "the profile {} demands {} that only the lab shows: run with --lab",
            profile.name,
            text::count(unseen, "case")
        )
    })
}

/// What is known before the first case.
fn head(session: &Session, options: &Options, selected: usize) -> Results {
    Results {
        v: RESULTS_VERSION,
        mailproof: env!("CARGO_PKG_VERSION").to_owned(),
        subject: session.adapter.name.clone(),
        subject_title: session.adapter.title.clone(),
        subject_version: session.version(),
        place: session.place().name().to_owned(),
        seed: session.seed,
        repeat: options.repeat(),
        now: session.now.format(&Rfc3339).unwrap_or_default(),
        selected,
        supports: Some(session.adapter.supports.clone()),
        ..Results::default()
    }
}

/// Nothing can be run, and every case says why.
fn skip(session: &Session, cases: Vec<Case>, why: &str, mut tell: impl FnMut(Told<'_>)) -> Summary {
    let not_run = cases.len();
    for case in cases {
        let record = Record::not_run(&case, session.seed, NotRun::Skipped(why.to_owned()));
        tell(Told::Case(&record, Box::new(judged(&record, None))));
    }
    Summary {
        not_run,
        ..Summary::default()
    }
}

/// How many cases at once where nobody said.
pub(super) fn processors() -> NonZeroUsize {
    available_parallelism().unwrap_or(NonZeroUsize::MIN)
}

/// The folder of `--evidence`, tried.
pub(super) fn evidence(folder: Option<&Path>) -> Result<Option<Evidence>, Failure> {
    Ok(folder.map(Evidence::open).transpose()?)
}

/// The folder of `--snapshots`, read and tried.
fn snapshots(folder: Option<&Path>, cases: &[&Case]) -> Result<Option<Store>, Failure> {
    let Some(folder) = folder else {
        return Ok(None);
    };
    let store = Store::open(folder)?;
    store.is_free_for(cases.iter().map(|it| it.id.as_str()))?;
    Ok(Some(store))
}

pub(super) fn reporting(args: &ReportArgs) -> Reporting {
    Reporting {
        format: args.format,
        quiet: args.quiet,
        width: text_width(),
        demands: Demands {
            require_lab: args.require_lab.unwrap_or_default(),
            ..Demands::new(&args.fail_on, &args.require)
        },
    }
}

/// The file of expected failures, which is only needed at the end, is read at the beginning.
pub(super) fn expected(file: Option<&Path>) -> Result<Option<expected::File>, Failure> {
    let Some(file) = file else {
        return Ok(None);
    };
    readable(Some(file))?;
    let shown = text::line(&file.display().to_string());
    let content = std::fs::read_to_string(file)
        .map_err(|error| Failure::usage(format!("cannot read `{shown}`: {error}")))?;
    let parsed = expected::File::parse(&content).map_err(|errors| {
        let lines: Vec<String> = errors
            .iter()
            .map(|it| format!("{shown}:{}:{}: {}", it.line, it.column, it.message))
            .collect();
        Failure::usage(text::block(&lines.join("\n")))
    })?;
    Ok(Some(parsed))
}

/// A file that is only needed at the end is tried at the beginning.
pub(super) fn readable(file: Option<&Path>) -> Result<(), Failure> {
    let Some(file) = file else {
        return Ok(());
    };
    std::fs::File::open(file).map(drop).map_err(|error| {
        let file = text::line(&file.display().to_string());
        Failure::usage(format!("cannot read `{file}`: {error}"))
    })
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::{
        cli::args::{Cli, Command},
        exit::Require,
        report::reporter::Format,
    };

    fn options(arguments: &[&str]) -> Options {
        let all = ["mailproof", "run"].iter().chain(arguments);
        match Cli::try_parse_from(all)
            .unwrap_or_else(|error| panic!("{error}"))
            .command
        {
            Command::Run(args) => Options::new(*args),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn defaults() {
        let options = options(&[]);
        assert_eq!(options.adapter, None);
        assert_eq!(options.reporting.format, Format::Human);
        assert!(!options.reporting.demands.should && !options.reporting.demands.inconclusive);
        assert!(u32::try_from(options.seed).is_ok());
        assert_eq!(options.repeat(), ["run"]);
    }

    #[test]
    fn everything() {
        let options = options(&[
            "curl",
            "-i",
            "smtp/**",
            "--include",
            "tag:x",
            "-x",
            "needs:ports",
            "--shard",
            "2/5",
            "-j",
            "3",
            "--seed",
            "0x10",
            "--lab",
            "--timeout",
            "500ms",
            "--format",
            "json",
            "--out",
            "o",
            "--expect",
            "e.toml",
            "--fail-on",
            "should,inconclusive",
            "--require",
            "7",
            "--require",
            "cert/*",
            "--scenarios",
            "my dir",
            "--quiet",
        ]);
        assert_eq!(
            (options.seed, options.jobs.get(), options.lab),
            (16, 3, true)
        );
        assert_eq!(options.select.include.len(), 2);
        assert_eq!(
            options.shard.map(|it| it.to_string()).as_deref(),
            Some("2/5")
        );
        let demands = &options.reporting.demands;
        assert!(demands.should && demands.inconclusive);
        assert!(matches!(
            demands.require[..],
            [Require::AtLeast(7), Require::Every(_)]
        ));
        assert_eq!(
            options.repeat(),
            [
                "run",
                "curl",
                "--lab",
                "--scenarios",
                "my dir",
                "--timeout",
                "500ms"
            ]
        );
    }
}
