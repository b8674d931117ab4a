//! One run from cases to judged results: the runner gives facts, the judge opinions, the caller is told as
//! they come.
//!
//! Must not know the command line, nor how anything is shown.

use std::{
    collections::{BTreeMap, HashMap},
    io,
    sync::Arc,
    time::Duration,
};

use mailproof_certs::Authority;
use mailproof_mock_servers::world::Place;
use mailproof_scenarios::model::{Case, Persona};

use crate::{
    adapter::{Adapter, Kind},
    judge::judge,
    late::{Owners, Stray},
    reach::{Hold, Setting},
    results::{CaseResult, Judgement, Record},
    runner::{
        Cancel, Executor, Local, LocalOptions, Plan, RunEvent, RunOptions, Summary, Workers, run,
    },
    transcript,
};

/// How long a connection is read on after the subject has ended, when it does not close it.
pub const LINGER: Duration = Duration::from_millis(500);

const VERSION_PATIENCE: Duration = Duration::from_secs(10);

/// What a run is made of.
#[derive(Clone, Debug)]
pub struct Session {
    /// How the subject is run.
    pub adapter: Arc<Adapter>,
    /// The name or path by which another process finds the adapter.
    pub adapter_name: String,
    /// Who serves, by name.
    pub personas: Arc<BTreeMap<String, Persona>>,
    /// Where.
    pub at: At,
    /// Where fresh values come from.
    pub seed: u64,
    /// The civil time from which dates are computed.
    pub now: time::OffsetDateTime,
    /// What the subject is told to wait for the network, where the user says so.
    pub timeout: Option<Duration>,
    /// How many cases at once; where it is reached from elsewhere, one after the other all the same.
    pub jobs: usize,
    /// Where it is reached.
    pub reach: Setting,
}

/// Where cases are run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum At {
    /// On loopback, in this process.
    Here,
    /// On loopback, in worker processes: an embedded subject that takes its process down takes a worker.
    Workers,
    /// In labs, one worker each.
    Lab,
}

impl At {
    /// The place in the words of the world.
    const fn place(self) -> Place {
        match self {
            At::Here | At::Workers => Place::Loopback,
            At::Lab => Place::Lab,
        }
    }
}

/// What the caller is told.
#[derive(Debug)]
pub enum Told<'a> {
    /// A case begins.
    Started(&'a str),
    /// A case has a verdict.
    Case(&'a Record, Box<CaseResult>),
    /// A control has a verdict.
    Control(&'a Record, Box<CaseResult>),
    /// A case or a control that was told already has more evidence, or its control has, and may have another
    /// verdict.
    Again(&'a Record, Box<CaseResult>),
}

impl Session {
    /// Where the worlds are.
    pub fn place(&self) -> Place {
        self.reach.place(self.at.place())
    }

    /// Runs and judges `cases`. Everything that happens goes to `tell`; whoever wants to stop cancels.
    ///
    /// # Errors
    /// Where this process has no runtime, no test authority can be made, or a fixed port is not to be had.
    pub fn run(
        &self,
        cases: Vec<Case>,
        cancel: &Cancel,
        tell: impl FnMut(Told<'_>),
    ) -> io::Result<Summary> {
        let hold = self.reach.reach.as_ref().map(Hold::take);
        let _held = hold.transpose().map_err(io::Error::other)?;
        let authority = self.authority()?;
        let plan = Plan::under(&authority, cases, &self.adapter, &self.place());
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()?;
        match self.at {
            At::Here => {
                let executor = self.local(authority);
                Ok(runtime.block_on(self.drive(plan, executor, cancel, tell)))
            }
            At::Workers | At::Lab => {
                let executor = Workers::new(self.order(), self.at == At::Lab);
                Ok(runtime.block_on(self.drive(plan, executor, cancel, tell)))
            }
        }
    }

    /// What the subject says of its version, if it says anything soon.
    pub fn version(&self) -> Option<String> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .ok()?;
        runtime.block_on(async {
            let asked = crate::runner::version(&self.adapter);
            tokio::time::timeout(VERSION_PATIENCE, asked)
                .await
                .ok()
                .flatten()
        })
    }

    /// What a worker is told of this run.
    fn order(&self) -> crate::runner::Order {
        crate::runner::Order {
            adapter: self.adapter_name.clone(),
            personas: (*self.personas).clone(),
            seed: self.seed,
            now: self.now.unix_timestamp(),
            timeout_ms: self
                .timeout
                .map(|it| u64::try_from(it.as_millis()).unwrap_or(u64::MAX)),
            reach: self.reach.clone(),
        }
    }

    fn authority(&self) -> io::Result<Authority> {
        let authority = self.reach.anchor.authority(&self.place(), self.now);
        authority.map_err(io::Error::other)
    }

    fn local(&self, authority: Authority) -> Local {
        let options = LocalOptions {
            place: self.place(),
            seed: self.seed,
            now: self.now,
            timeout: self.timeout,
            linger: LINGER,
        };
        Local::new(
            self.adapter.clone(),
            self.personas.clone(),
            Arc::new(authority),
            options,
        )
    }

    async fn drive<E: Executor>(
        &self,
        plan: Plan,
        executor: E,
        cancel: &Cancel,
        mut tell: impl FnMut(Told<'_>),
    ) -> Summary {
        let (busy, waiting) = match self.reach.reach {
            None => (self.jobs.max(1), (self.jobs * 4).max(8)),
            // There is one set of ports.
            Some(_) => (1, 0),
        };
        let options = RunOptions {
            busy,
            waiting,
            seed: self.seed,
        };
        let mut book = Book::of(self, &plan);
        let sink = |event: RunEvent| match event {
            RunEvent::CaseStarted { id } => tell(Told::Started(&id)),
            RunEvent::ControlFinished(record) => book.enter(*record, true, &mut tell),
            RunEvent::CaseFinished(record) => book.enter(*record, false, &mut tell),
            RunEvent::Started { .. } | RunEvent::Finished(_) => {}
        };
        run(plan, Arc::new(executor), options, cancel, sink).await
    }
}

/// The verdicts of a run so far, and for a subject with a memory of its own also the records: what comes late
/// belongs to one of them.
#[derive(Default)]
struct Book {
    controls: HashMap<String, Judgement>,
    /// Nothing where each case has a subject of its own.
    owners: Option<Owners>,
    records: BTreeMap<String, Entry>,
    /// What belongs to cases that are not finished yet.
    waiting: HashMap<String, Vec<Stray>>,
}

struct Entry {
    record: Record,
    is_control: bool,
}

impl Book {
    fn of(session: &Session, plan: &Plan) -> Self {
        let owners = match session.adapter.kind {
            Kind::Remote(_) => {
                let planned = plan.cases.iter().chain(&plan.controls);
                let planned = planned.filter(|it| it.not_run.is_none());
                Owners::new(session.seed, planned.map(|it| &*it.case))
            }
            _ => None,
        };
        Self {
            owners,
            ..Self::default()
        }
    }

    fn enter(&mut self, mut record: Record, is_control: bool, tell: &mut impl FnMut(Told<'_>)) {
        let id = record.case.id.clone();
        let strays = match &self.owners {
            Some(owners) => owners.take_strays(&mut record),
            None => Vec::new(),
        };
        for stray in self.waiting.remove(&id).unwrap_or_default() {
            stray.put_into(&mut record);
        }
        let result = Box::new(self.judge(&record, is_control));
        if is_control {
            tell(Told::Control(&record, result));
        } else {
            tell(Told::Case(&record, result));
        }
        if self.owners.is_some() {
            self.records.insert(id, Entry { record, is_control });
        }
        let mut by_owner: BTreeMap<String, Vec<Stray>> = BTreeMap::new();
        for stray in strays {
            by_owner.entry(stray.owner.clone()).or_default().push(stray);
        }
        for (owner, strays) in by_owner {
            self.give(owner, strays, tell);
        }
    }

    fn judge(&mut self, record: &Record, is_control: bool) -> CaseResult {
        if is_control {
            let result = judged(record, None);
            self.controls
                .insert(record.case.id.clone(), result.judgement.clone());
            return result;
        }
        let control = record.control_id();
        judged(record, control.and_then(|id| self.controls.get(&id)))
    }

    /// Gives connections to their own case, and judges again what that concerns.
    fn give(&mut self, owner: String, strays: Vec<Stray>, tell: &mut impl FnMut(Told<'_>)) {
        let Some(mut entry) = self.records.remove(&owner) else {
            self.waiting.entry(owner).or_default().extend(strays);
            return;
        };
        for stray in strays {
            stray.put_into(&mut entry.record);
        }
        let before = self.controls.get(&owner).map(|it| it.verdict);
        let result = self.judge(&entry.record, entry.is_control);
        let changed = entry.is_control && before != Some(result.judgement.verdict);
        tell(Told::Again(&entry.record, Box::new(result)));
        self.records.insert(owner.clone(), entry);
        if changed {
            let depends = |it: &&Entry| {
                !it.is_control && it.record.control_id().as_deref() == Some(owner.as_str())
            };
            for entry in self.records.values().filter(depends) {
                let result = judged(&entry.record, self.controls.get(&owner));
                tell(Told::Again(&entry.record, Box::new(result)));
            }
        }
    }
}

/// A record with the opinion on it and its transcript.
pub fn judged(record: &Record, control: Option<&Judgement>) -> CaseResult {
    CaseResult::new(record, judge(record, control), shown(record))
}

/// What a person gets to read of a record.
pub fn shown(record: &Record) -> String {
    transcript::render(record, transcript::Options::default())
}
