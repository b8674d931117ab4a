//! One case, run in this process: its world, its work folder, its subject, step by step.
//!
//! Must not know other cases, nor what the facts mean.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use mailproof_certs::{Authority, Chain, ForgeError};
use mailproof_mock_servers::world::{Place, Recorder, SERVED, World, WorldConfig};
use mailproof_scenarios::model::{
    Canaries, Case, Host, Log, Persona, Process, Step, What,
    event::{Ended, VERSION},
};
use tokio::sync::Semaphore;

use super::{
    Cancel, Executed, Executor,
    message::{Head, render},
    subject::{Instance, Performance},
    trust_files,
    work::WorkFolder,
};
use crate::{
    adapter::{Adapter, Kind},
    lab,
    results::{NotRun, Observed, Record},
    subject::{REQUEST_VERSION, Request},
};

/// What a subject gets beyond twice the time that it was told to wait: to start, to resolve names, to leave.
const EXTRA: Duration = Duration::from_secs(5);

/// What is the same for every case of a run.
#[derive(Clone, Debug)]
pub struct LocalOptions {
    /// Where the worlds are.
    pub place: Place,
    /// The seed of the canaries.
    pub seed: u64,
    /// The civil time from which dates are computed.
    pub now: time::OffsetDateTime,
    /// What the subject is told to wait for the network, where the user says so.
    pub timeout: Option<Duration>,
    /// How long a connection is read on after the subject has ended.
    pub linger: Duration,
}

/// Runs cases in this process.
pub struct Local {
    adapter: Arc<Adapter>,
    personas: Arc<BTreeMap<String, Persona>>,
    authority: Arc<Authority>,
    options: LocalOptions,
    /// As many as the subject stands cases at once.
    turns: Semaphore,
}

impl Local {
    /// Runs cases with the subject of `adapter`, in front of `personas` with chains of `authority`.
    pub fn new(
        adapter: Arc<Adapter>,
        personas: Arc<BTreeMap<String, Persona>>,
        authority: Arc<Authority>,
        options: LocalOptions,
    ) -> Self {
        let turns = match &adapter.kind {
            Kind::Remote(remote) => remote.parallel.get(),
            _ => Semaphore::MAX_PERMITS,
        };
        Self {
            adapter,
            personas,
            authority,
            options,
            turns: Semaphore::new(turns),
        }
    }

    /// What the subject is told to wait for the network.
    pub fn timeout(&self) -> Duration {
        self.options.timeout.unwrap_or(self.adapter.timeout)
    }

    /// What it may take in all, before it hangs.
    pub fn budget(&self) -> Duration {
        self.timeout() * 2 + EXTRA
    }

    fn persona(&self, name: &str) -> Result<Persona, String> {
        let persona = self.personas.get(name).cloned();
        persona.ok_or_else(|| format!("there is no persona `{name}`"))
    }

    async fn start(&self, case: &Arc<Case>, canaries: &Canaries) -> Result<World, String> {
        let config = WorldConfig {
            case: case.clone(),
            personas: [
                self.persona(&case.setup.smtp)?,
                self.persona(&case.setup.imap)?,
            ],
            canaries: canaries.clone(),
            authority: self.authority.clone(),
            now: self.options.now,
            place: self.options.place.clone(),
            numbers: BTreeMap::new(),
            linger: self.options.linger,
            served: SERVED,
        };
        World::start(config)
            .await
            .map_err(|error| error.to_string())
    }

    /// The work folder, with the leaf of the chain that the base serves to pin.
    fn work_folder(&self, case: &Case) -> Result<WorkFolder, String> {
        let chains = self
            .chains(case)
            .map_err(|error| format!("cannot forge the chains: {error}"))?;
        let pin = chains.first().map(|it| it.leaf_pem()).unwrap_or_default();
        let work = WorkFolder::create(self.authority.root_pem(), &pin)
            .map_err(|error| format!("cannot make a work folder: {error}"))?;
        for step in case.effective_steps() {
            for (name, octets) in trust_files::of(&step, &self.authority, &chains) {
                work.write(&name, &octets)
                    .map_err(|error| format!("cannot write {name}: {error}"))?;
            }
        }
        Ok(work)
    }

    /// Every chain of the case, that of the base first.
    fn chains(&self, case: &Case) -> Result<Vec<Arc<Chain>>, ForgeError> {
        let place = &self.options.place;
        let usual = place.names(case);
        case.chains()
            .map(|spec| {
                let names = place.names_for(spec, &usual);
                self.authority
                    .chain_variant(spec.fault, &names, spec.variant)
            })
            .collect()
    }

    fn message(&self, case: &Case, number: usize, step: &Step, canaries: &Canaries) -> String {
        let account = canaries.account(&step.account);
        let from = canaries.address(step.from, account);
        let to = step.to.first().copied().unwrap_or(step.from);
        render(
            step.message,
            &Head {
                from: &from,
                to: &canaries.address(to, account),
                subject: &format!("Test of {}, step {number}", case.id),
                date: self.options.now,
                message_id: &canaries.message_id(number),
                body: &canaries.body,
            },
        )
    }

    fn request(&self, run: &CaseRun<'_>, number: usize, step: &Step) -> Request {
        let account = run.canaries.account(&step.account);
        let party = |party| run.canaries.address(party, account);
        Request {
            v: REQUEST_VERSION,
            case: run.case.id.clone(),
            job: step.job,
            protocol: step.protocol,
            host: run.world.host(step.host),
            port: run.world.port(step.port),
            security: step.security,
            trust: step.trust,
            ca_file: run.work.file(&trust_files::ca_name(step)),
            store_file: trust_files::store_name(step).map(|name| run.work.file(&name)),
            crl_file: trust_files::crl_name(step).map(|name| run.work.file(&name)),
            pin_file: Some(run.work.file("pin.pem")),
            auth: step.auth,
            account: step.account.clone(),
            user: account.user.clone(),
            password: account.password.clone(),
            token: account.token.clone(),
            from: party(step.from),
            to: step.to.iter().map(|it| party(*it)).collect(),
            message_file: run.work.file(&message_file(number)),
            mailbox: step.mailbox.clone(),
            timeout_ms: u64::try_from(self.timeout().as_millis()).unwrap_or(u64::MAX),
            work_dir: run.work.path().to_owned(),
        }
    }

    /// The steps one after the other. False where it was cancelled.
    async fn perform(&self, run: &CaseRun<'_>, steps: &[Step], cancel: &Cancel) -> bool {
        let mut instance = Instance::new(self.adapter.clone());
        for (index, step) in steps.iter().enumerate() {
            let number = index + 1;
            if self.options.place == Place::Lab
                && let Err(error) = lab::come_from(step.source)
            {
                let error = format!("the client cannot come from its address: {error}");
                run.recorder.record(What::HarnessFailed { error });
            }
            run.world
                .begin_step(u16::try_from(number).unwrap_or(u16::MAX))
                .await;
            let request = self.request(run, number, step);
            let Some(ended) = self.ask(&mut instance, run, &request, cancel).await else {
                return false;
            };
            let next = steps.get(number).map(|next| next.process);
            if next == Some(Process::Same) {
                run.world.pause().await;
            } else {
                instance.close();
                run.world.settle().await;
            }
            // Whoever could not be started or had to be ended tells nothing new in the steps behind.
            let is_last = number == steps.len();
            if is_last || matches!(ended, Ended::NotStarted { .. } | Ended::Hung { .. }) {
                instance
                    .leave(&request, run.work, &run.recorder, cancel)
                    .await;
                break;
            }
        }
        true
    }

    async fn ask(
        &self,
        instance: &mut Instance,
        run: &CaseRun<'_>,
        request: &Request,
        cancel: &Cancel,
    ) -> Option<Ended> {
        let performance = match instance.prepare(request) {
            Err(error) => {
                run.recorder.record(What::StepStarted {
                    command: Vec::new(),
                });
                Performance::not_started(error)
            }
            Ok(task) => {
                run.recorder.record(What::StepStarted {
                    command: task.command(),
                });
                let performing = instance.perform(
                    task,
                    request,
                    run.work,
                    &run.recorder,
                    self.budget(),
                    cancel,
                );
                performing.await?
            }
        };
        for (stream, octets) in performance.output {
            run.recorder.record(What::Output { stream, octets });
        }
        if let Some(memory) = performance.memory {
            run.recorder.record(What::Measured {
                peak_memory: memory.peak,
                floor: memory.floor,
            });
        }
        run.recorder
            .record(What::StepEnded(performance.ended.clone()));
        Some(performance.ended)
    }
}

/// What the steps of a case share.
struct CaseRun<'a> {
    case: &'a Case,
    canaries: &'a Canaries,
    world: &'a World,
    recorder: Recorder,
    work: &'a WorkFolder,
}

impl Executor for Local {
    async fn execute(&self, case: Arc<Case>, cancel: Cancel) -> Executed {
        let _turn = tokio::select! {
            turn = self.turns.acquire() => turn,
            () = cancel.cancelled() => return Executed::Cancelled,
        };
        let started = Instant::now();
        let canaries = Canaries::derive(self.options.seed, &case.id, case.accounts());
        let steps = case.effective_steps();
        let numbered = steps.iter().enumerate();
        let messages: Vec<String> = numbered
            .map(|(index, step)| self.message(&case, index + 1, step, &canaries))
            .collect();
        let mut record = Record {
            v: VERSION,
            case: (*case).clone(),
            steps,
            canaries,
            messages,
            observed: Observed::default(),
            host: String::new(),
            hosts: Vec::new(),
            not_run: None,
            control: None,
            answers: Vec::new(),
            log: Log::default(),
            own_chain: self.authority.has_own_chain(),
            turned_away: Vec::new(),
            took_ms: 0,
        };
        let failed = |mut record: Record, error| {
            record.not_run = Some(NotRun::HarnessError(error));
            Executed::Done(Box::new(record))
        };
        let world = match self.start(&case, &record.canaries).await {
            Ok(world) => world,
            Err(error) => return failed(record, error),
        };
        record.host = world.host(Host::Name);
        record.hosts = record.steps.iter().map(|it| world.host(it.host)).collect();
        record.observed = Observed {
            decoys: self.options.place.has_decoys(),
            packets: world.sees_packets(),
            output: self.adapter.is_heard(&record.steps),
            process: self.adapter.has_process(),
        };
        let work = self.work_folder(&case).and_then(|work| {
            for (index, message) in record.messages.iter().enumerate() {
                let name = message_file(index + 1);
                let written = work.write(&name, message.as_bytes());
                written.map_err(|error| format!("cannot write {name}: {error}"))?;
            }
            Ok(work)
        });
        let work = match work {
            Ok(work) => work,
            Err(error) => {
                record.log = world.finish().await;
                return failed(record, error);
            }
        };
        let run = CaseRun {
            case: &case,
            canaries: &record.canaries,
            world: &world,
            recorder: world.recorder(),
            work: &work,
        };
        let finished = self.perform(&run, &record.steps, &cancel).await;
        let turned_away = world.turned_away();
        record.log = world.finish().await;
        record.turned_away = turned_away.list();
        if !finished {
            return Executed::Cancelled;
        }
        record.took_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        Executed::Done(Box::new(record))
    }
}

fn message_file(number: usize) -> String {
    format!("message-{number}.eml")
}
