//! The kill matrix: every case passes with the reference client, fails with each flaw that it names, passes
//! nothing with clients that do nothing, and fails with one that accepts everything where it must reject.
//!
//! Must not know how the outcome is shown beyond its lines.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    thread,
    time::Duration,
};

use mailproof_scenarios::model::{Case, Check, Flaw, Kind, Level, Pattern, Persona, Sign};
use time::OffsetDateTime;

use crate::{
    adapter,
    judge::INVARIANTS,
    reach::Setting,
    results::{Finding, Held, Verdict},
    runner::Cancel,
    session::{At, Session, Told},
};

/// What the reference client is told to wait for the network: long for a machine, short for a person.
const TIMEOUT: Duration = Duration::from_secs(2);

/// Subjects that are proved at the same time; most of their time they wait.
const BESIDE: usize = 8;

/// What is the same for all proofs.
#[derive(Clone, Copy, Debug)]
pub struct Bench<'a> {
    /// Who serves, by name.
    pub personas: &'a BTreeMap<String, Persona>,
    /// In labs.
    pub lab: bool,
    /// Where fresh values come from.
    pub seed: u64,
    /// How many cases at once, for each subject.
    pub jobs: usize,
}

/// One subject against some cases.
#[derive(Clone, Debug)]
pub struct Proof {
    /// The embedded subject.
    pub subject: String,
    /// What must come of it.
    pub claim: Claim,
    /// The cases.
    pub cases: Vec<Case>,
}

/// What must come of a proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Claim {
    /// Every case passes, or is recorded.
    Passes,
    /// Every case is failed.
    Killed,
    /// No case passes or is recorded.
    NeverPasses,
    /// Nothing is claimed; the matrix is filled.
    Open,
}

/// What came of a proof.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The subject.
    pub subject: String,
    /// What was claimed.
    pub claim: Claim,
    /// What came of each case, in the order of ids.
    pub verdicts: Vec<Ruled>,
}

/// What came of one case.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ruled {
    /// The id of the case.
    pub case: String,
    /// The verdict.
    pub verdict: Verdict,
    /// Why.
    pub reason: String,
    /// Whether a SHOULD of the case itself was missed: a case that recommends and does not demand can be
    /// caught by no more than that.
    pub missed: bool,
}

/// The proofs that a library owes. With `full` every flaw meets every case.
pub fn proofs(cases: &[&Case], full: bool) -> Vec<Proof> {
    let take = |fits: &dyn Fn(&Case) -> bool| -> Vec<Case> {
        cases
            .iter()
            .filter(|it| fits(it))
            .map(|it| (*it).clone())
            .collect()
    };
    let mut proofs = vec![
        Proof {
            subject: "reference".to_owned(),
            claim: Claim::Passes,
            cases: take(&|_| true),
        },
        Proof {
            subject: "do-nothing".to_owned(),
            claim: Claim::NeverPasses,
            cases: take(&|_| true),
        },
        Proof {
            subject: "do-nothing-and-fail".to_owned(),
            claim: Claim::NeverPasses,
            cases: take(&|_| true),
        },
        Proof {
            subject: "accepts-everything".to_owned(),
            claim: Claim::Killed,
            cases: take(&must_reject),
        },
    ];
    for flaw in Flaw::ALL {
        let subject = format!("reference+{flaw}");
        let named = take(&|case| case.killed_by.contains(flaw));
        if !named.is_empty() {
            proofs.push(Proof {
                subject: subject.clone(),
                claim: Claim::Killed,
                cases: named,
            });
        }
        if full {
            let others = take(&|case| !case.killed_by.contains(flaw));
            proofs.push(Proof {
                subject,
                claim: Claim::Open,
                cases: others,
            });
        }
    }
    proofs.retain(|it| !it.cases.is_empty());
    proofs
}

/// Whether a case demands that something be refused.
fn must_reject(case: &Case) -> bool {
    case.kind == Kind::Fault
        && case.expect.iter().any(|it| {
            matches!(it.level, Level::Must | Level::Security)
                && matches!(
                    it.check,
                    Check::Completed(false)
                        | Check::Never(Pattern::Sign(Sign::DataToUntrustedPeer))
                )
        })
}

/// Runs the proofs, several beside each other, and tells each outcome as it comes. The outcomes are in the
/// order of the proofs; those that were cancelled are missing.
///
/// # Errors
/// In words, where a subject cannot be made or a run cannot be had.
pub fn run(
    bench: &Bench<'_>,
    proofs: &[Proof],
    cancel: &Cancel,
    tell: &mut dyn FnMut(&Outcome),
) -> Result<Vec<Outcome>, String> {
    let next = AtomicUsize::new(0);
    let done: Mutex<BTreeMap<usize, Outcome>> = Mutex::default();
    let (sender, receiver) = mpsc::channel();
    thread::scope(|scope| {
        for _ in 0..BESIDE {
            let (sender, next, done) = (sender.clone(), &next, &done);
            scope.spawn(move || {
                while let Some((index, proof)) = take(next, proofs) {
                    if cancel.is_cancelled() {
                        break;
                    }
                    match one(bench, proof, cancel) {
                        Ok(outcome) => {
                            let mut done = done.lock().unwrap_or_else(PoisonError::into_inner);
                            done.insert(index, outcome.clone());
                            let _ = sender.send(Ok(outcome));
                        }
                        Err(error) => {
                            cancel.cancel();
                            let _ = sender.send(Err(error));
                        }
                    }
                }
            });
        }
        drop(sender);
        let mut failure = None;
        for outcome in receiver {
            match outcome {
                Ok(outcome) => tell(&outcome),
                Err(error) => failure = failure.or(Some(error)),
            }
        }
        failure.map_or(Ok(()), Err)
    })?;
    Ok(done
        .into_inner()
        .unwrap_or_else(PoisonError::into_inner)
        .into_values()
        .collect())
}

fn take<'a>(next: &AtomicUsize, proofs: &'a [Proof]) -> Option<(usize, &'a Proof)> {
    let index = next.fetch_add(1, Ordering::SeqCst);
    proofs.get(index).map(|it| (index, it))
}

fn one(bench: &Bench<'_>, proof: &Proof, cancel: &Cancel) -> Result<Outcome, String> {
    let adapter = adapter::find(&proof.subject).map_err(|error| error.to_string())?;
    let session = Session {
        adapter: Arc::new(adapter),
        adapter_name: proof.subject.clone(),
        personas: Arc::new(bench.personas.clone()),
        at: if bench.lab { At::Lab } else { At::Here },
        seed: bench.seed,
        now: OffsetDateTime::now_utc(),
        timeout: Some(TIMEOUT),
        jobs: bench.jobs,
        reach: Setting::default(),
    };
    let mut verdicts = Vec::new();
    let tell = |told: Told<'_>| {
        if let Told::Case(_, result) = told {
            let judgement = result.judgement;
            verdicts.push(Ruled {
                case: result.id,
                missed: judgement.findings.iter().any(is_missed),
                verdict: judgement.verdict,
                reason: judgement.reason,
            });
        }
    };
    session
        .run(proof.cases.clone(), cancel, tell)
        .map_err(|error| error.to_string())?;
    verdicts.sort();
    Ok(Outcome {
        subject: proof.subject.clone(),
        claim: proof.claim,
        verdicts,
    })
}

impl Outcome {
    /// The verdicts that the claim does not allow.
    pub fn broken(&self) -> impl Iterator<Item = &Ruled> {
        self.verdicts.iter().filter(|ruled| {
            let passes = matches!(ruled.verdict, Verdict::Pass | Verdict::Recorded);
            !not_here(ruled.verdict)
                && match self.claim {
                    Claim::Passes => !passes || ruled.missed,
                    Claim::Killed => !killed(ruled),
                    Claim::NeverPasses => passes,
                    Claim::Open => false,
                }
        })
    }

    /// One line for people who wait.
    pub fn line(&self) -> String {
        let broken = self.broken().count();
        let state = match broken {
            0 => "as claimed".to_owned(),
            n => format!("{n} NOT as claimed"),
        };
        format!(
            "{} over {} cases: {state}",
            self.subject,
            self.verdicts.len()
        )
    }

    fn decided(&self) -> usize {
        self.verdicts
            .iter()
            .filter(|ruled| !not_here(ruled.verdict))
            .count()
    }
}

fn killed(ruled: &Ruled) -> bool {
    ruled.verdict.is_failure() || ruled.verdict == Verdict::Pass && ruled.missed
}

/// Whether a finding is a SHOULD that was not kept, and not one of those that every case has.
fn is_missed(finding: &Finding) -> bool {
    let of_every_case = INVARIANTS.iter().any(|it| it.name == finding.name);
    finding.held == Held::Broken && finding.level == Level::Should && !of_every_case
}

fn not_here(verdict: Verdict) -> bool {
    matches!(verdict, Verdict::Skipped | Verdict::Unsupported)
}

/// All outcomes together.
#[derive(Clone, Debug, Default)]
pub struct Summary {
    /// Verdicts that say something.
    pub decided: usize,
    lines: Vec<String>,
    broken: Vec<String>,
    caught: BTreeMap<String, BTreeSet<String>>,
    skipped: BTreeMap<String, usize>,
}

impl Summary {
    /// Sums up.
    pub fn of(outcomes: &[Outcome]) -> Self {
        let mut summary = Self::default();
        let (mut kills, mut flaws) = (0, 0);
        for outcome in outcomes {
            summary.decided += outcome.decided();
            for ruled in outcome.broken() {
                let Ruled {
                    case,
                    verdict,
                    reason,
                    ..
                } = ruled;
                let expected = match outcome.claim {
                    Claim::Passes => "should pass",
                    Claim::Killed => "should be failed",
                    Claim::NeverPasses => "should not pass",
                    Claim::Open => "",
                };
                let line = format!(
                    "{case}: {} {expected}, but: {} ({reason})",
                    outcome.subject,
                    verdict.name()
                );
                summary.broken.push(line);
            }
            let right = outcome.decided() - outcome.broken().count();
            match outcome.claim {
                Claim::Passes => {
                    for ruled in outcome.verdicts.iter().filter(|it| not_here(it.verdict)) {
                        *summary.skipped.entry(ruled.reason.clone()).or_default() += 1;
                    }
                    summary.lines.push(format!(
                        "the reference client passes {right} of {} cases",
                        outcome.decided()
                    ));
                }
                Claim::NeverPasses => {
                    summary.lines.push(format!(
                        "{} passes {} of {} cases",
                        outcome.subject,
                        outcome.broken().count(),
                        outcome.decided()
                    ));
                }
                Claim::Killed if outcome.subject.starts_with("reference+") => {
                    kills += right;
                    flaws += 1;
                }
                Claim::Killed => {
                    summary.lines.push(format!(
                        "{} fails {right} of {} cases that must reject",
                        outcome.subject,
                        outcome.decided()
                    ));
                }
                Claim::Open => {}
            }
            if outcome.claim == Claim::Open || outcome.claim == Claim::Killed {
                let failed = outcome
                    .verdicts
                    .iter()
                    .filter(|ruled| killed(ruled))
                    .map(|ruled| ruled.case.clone());
                summary
                    .caught
                    .entry(outcome.subject.clone())
                    .or_default()
                    .extend(failed);
            }
        }
        if outcomes.iter().all(|it| it.claim != Claim::Open) {
            summary.caught.clear();
        }
        summary
            .lines
            .push(format!("{flaws} flaws are caught {kills} times"));
        summary
    }

    /// Whether everything is as claimed.
    pub fn holds(&self) -> bool {
        self.broken.is_empty()
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for line in &self.lines {
            writeln!(f, "{line}")?;
        }
        for (reason, count) in &self.skipped {
            writeln!(f, "not run, {count} cases: {reason}")?;
        }
        for (subject, cases) in &self.caught {
            writeln!(f, "{subject}: caught by {} cases", cases.len())?;
        }
        for line in &self.broken {
            writeln!(f, "WRONG {line}")?;
        }
        match self.broken.len() {
            0 => write!(f, "the selftest holds"),
            n => write!(f, "the selftest does not hold: {n} wrong"),
        }
    }
}
