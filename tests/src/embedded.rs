//! The reference client against cases, in this process.

use std::{collections::BTreeMap, sync::Arc};

use mailproof::{
    adapter,
    results::{NotRun, Record, Verdict},
    runner::Cancel,
    session::{At, Session, Told},
    transcript::normalise,
};
use mailproof_scenarios::{library::Library, model::Case};
use time::{Duration, OffsetDateTime};

/// What came of one case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Came {
    /// The verdict with its reason.
    pub verdict: Verdict,
    /// The names of the findings that were broken, in order.
    pub broken: Vec<String>,
    /// The normalised transcript, or why the case was not run.
    pub transcript: String,
}

/// A whole run: what came of each case, by its id.
pub type Run = BTreeMap<String, Came>;

/// Runs every case of the library with the reference client, in this process and with this seed.
///
/// # Panics
/// Where the library, the adapter or the test authority cannot be had: every test is void then.
pub fn everything(seed: u64) -> Run {
    let library = Library::embedded().expect("the library is sound");
    run(library.cases().cloned().collect(), seed)
}

/// The same with some cases.
///
/// # Panics
/// As [`everything`].
pub fn run(cases: Vec<Case>, seed: u64) -> Run {
    run_subject("reference", cases, seed)
}

/// Some cases with another embedded subject.
///
/// # Panics
/// As [`everything`].
pub fn run_with(subject: &str, cases: Vec<Case>) -> Run {
    run_subject(subject, cases, 1)
}

fn run_subject(subject: &str, cases: Vec<Case>, seed: u64) -> Run {
    let library = Library::embedded().expect("the library is sound");
    let session = Session {
        adapter: Arc::new(adapter::find(subject).expect("the subject is built in")),
        adapter_name: subject.to_owned(),
        personas: Arc::new(library.personas().clone()),
        at: At::Here,
        seed,
        now: now(),
        timeout: None,
        jobs: std::thread::available_parallelism().map_or(1, usize::from),
        reach: mailproof::reach::Setting::default(),
    };
    let mut run = Run::new();
    let tell = |told: Told<'_>| {
        if let Told::Case(record, result) | Told::Control(record, result) = told {
            let broken = result.judgement.findings.iter();
            let came = Came {
                verdict: result.judgement.verdict,
                broken: broken
                    .filter(|it| it.held == mailproof::results::Held::Broken)
                    .map(|it| it.name.clone())
                    .collect(),
                transcript: transcript(record),
            };
            run.insert(record.case.id.clone(), came);
        }
    };
    let summary = session
        .run(cases, &Cancel::new(), tell)
        .expect("a runtime and a test authority");
    assert!(!summary.interrupted, "nobody interrupted it");
    run
}

/// The civil time from which dates are computed: certificates must be valid today, so it is today, but not
/// the same moment in each run.
fn now() -> OffsetDateTime {
    OffsetDateTime::now_utc() - Duration::seconds(1)
}

fn transcript(record: &Record) -> String {
    match &record.not_run {
        None => normalise(record),
        Some(NotRun::Unsupported(why) | NotRun::Skipped(why)) => format!("not run: {why}\n"),
        Some(NotRun::HarnessError(error)) => panic!("{}: {error}", record.case.id),
    }
}
