//! When each case is run: two lanes beside each other, one for cases that are busy and a wider one for
//! those in which somebody has to wait.
//!
//! A case is handed out behind its control, however they finish. Must not know how a case is run.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    future::Future,
    sync::Arc,
    time::{Duration, Instant},
};

use mailproof_scenarios::model::Case;
use tokio::task::{Id, JoinSet};

use super::{
    Cancel,
    plan::{Plan, Planned},
};
use crate::results::{NotRun, Record};

/// Runs one case to its record.
pub trait Executor: Send + Sync + 'static {
    /// Runs `case`. Ends soon after `cancel` is given.
    fn execute(&self, case: Arc<Case>, cancel: Cancel) -> impl Future<Output = Executed> + Send;
}

/// What came of a case.
#[derive(Clone, Debug, PartialEq)]
pub enum Executed {
    /// It was run, or it turned out that it cannot be.
    Done(Box<Record>),
    /// It was given up because the run was cancelled.
    Cancelled,
}

/// How a plan is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunOptions {
    /// How many cases are run at once, at least one.
    pub busy: usize,
    /// How many of those in which somebody waits are run beside them; 0: they stand in line with the others.
    pub waiting: usize,
    /// The seed of the canaries.
    pub seed: u64,
}

/// What happens during a run, in order.
#[derive(Clone, Debug, PartialEq)]
pub enum RunEvent {
    /// It begins.
    Started {
        /// Cases in the plan.
        selected: usize,
        /// How many of them are run.
        to_run: usize,
        /// Controls that are run beside them.
        controls: usize,
    },
    /// A case begins.
    CaseStarted {
        /// Its id.
        id: String,
    },
    /// A case is finished, or it is not run. Its control was handed out before, if the control could be
    /// finished at all.
    CaseFinished(Box<Record>),
    /// A control is finished, or it is not run.
    ControlFinished(Box<Record>),
    /// Nothing more comes.
    Finished(Summary),
}

/// How a run went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Cases that were run to their end.
    pub ran: usize,
    /// Cases that were not run, as planned.
    pub not_run: usize,
    /// Whether it was cancelled before everything was run.
    pub interrupted: bool,
    /// How long it took.
    pub took: Duration,
}

/// Runs a plan. Everything that happens goes to `sink`, records as they are finished.
///
/// When `cancel` is given no further case is started, those that run are given up, and what was finished
/// is handed out.
pub async fn run<E: Executor>(
    plan: Plan,
    executor: Arc<E>,
    options: RunOptions,
    cancel: &Cancel,
    mut sink: impl FnMut(RunEvent),
) -> Summary {
    let started = Instant::now();
    sink(RunEvent::Started {
        selected: plan.cases.len(),
        to_run: plan.to_run(),
        controls: plan
            .controls
            .iter()
            .filter(|it| it.not_run.is_none())
            .count(),
    });
    let mut queues = Queues::fill(plan, options.waiting > 0);
    let mut delivery = Delivery::new(&mut sink);
    for (item, reason) in std::mem::take(&mut queues.not_run) {
        delivery.deliver(&item, Record::not_run(&item.case, options.seed, reason));
    }

    let mut running = Running::default();
    let mut interrupted = false;
    loop {
        if cancel.is_cancelled() && !interrupted {
            interrupted = !queues.is_empty() || !running.tasks.is_empty();
            queues = Queues::default();
        }
        let mut started = Vec::new();
        started.extend(running.refill(&mut queues.busy, Lane::Busy, options.busy));
        started.extend(running.refill(&mut queues.waiting, Lane::Waiting, options.waiting));
        for (item, lane) in started {
            if !item.is_control {
                delivery.started(&item.case.id);
            }
            let (executor, cancel) = (executor.clone(), cancel.clone());
            let case = item.case.clone();
            let task = running
                .tasks
                .spawn(async move { executor.execute(case, cancel).await });
            running.items.insert(task.id(), (item, lane));
        }
        let joined = tokio::select! {
            joined = running.tasks.join_next_with_id() => joined,
            () = cancel.cancelled(), if !interrupted && !queues.is_empty() => continue,
        };
        let Some(joined) = joined else { break };
        let (id, executed) = match joined {
            Ok((id, executed)) => (id, Ok(executed)),
            Err(error) => (error.id(), Err(error.to_string())),
        };
        let Some((item, lane)) = running.items.remove(&id) else {
            continue;
        };
        *running.count(lane) -= 1;
        match executed {
            Ok(Executed::Done(record)) => delivery.deliver(&item, *record),
            Ok(Executed::Cancelled) => interrupted = true,
            Err(error) => {
                let reason = NotRun::HarnessError(error);
                delivery.deliver(&item, Record::not_run(&item.case, options.seed, reason));
            }
        }
    }
    let summary = Summary {
        interrupted,
        took: started.elapsed(),
        ..delivery.flush()
    };
    sink(RunEvent::Finished(summary));
    summary
}

/// One thing to run.
#[derive(Clone)]
struct Item {
    case: Arc<Case>,
    control: Option<String>,
    is_control: bool,
}

#[derive(Clone, Copy)]
enum Lane {
    Busy,
    Waiting,
}

/// What is still to be started.
#[derive(Default)]
struct Queues {
    busy: VecDeque<Item>,
    waiting: VecDeque<Item>,
    not_run: Vec<(Item, NotRun)>,
}

impl Queues {
    /// Each control goes right before the first case that needs it; those of the waiting lane go first of
    /// all, so that what waited long does not wait for its control, too.
    fn fill(plan: Plan, waiting_lane: bool) -> Self {
        let mut queues = Self::default();
        let mut controls = HashMap::new();
        for planned in plan.controls {
            let id = planned.case.id.clone();
            match queues.sort_out(planned, true) {
                Some(item) => drop(controls.insert(id, item)),
                None => continue,
            }
        }
        let items = plan.cases.into_iter();
        let items: Vec<Item> = items.filter_map(|it| queues.sort_out(it, false)).collect();
        let (waiting, busy): (Vec<Item>, Vec<Item>) = items
            .into_iter()
            .partition(|item| waiting_lane && item.case.waits);
        let mut control_of = |item: &Item| controls.remove(item.control.as_ref()?);
        queues
            .busy
            .extend(waiting.iter().filter_map(&mut control_of));
        for item in busy {
            queues.busy.extend(control_of(&item));
            queues.busy.push_back(item);
        }
        queues.waiting.extend(waiting);
        queues
    }

    fn sort_out(&mut self, planned: Planned, is_control: bool) -> Option<Item> {
        let item = Item {
            case: planned.case,
            control: planned.control,
            is_control,
        };
        match planned.not_run {
            None => Some(item),
            Some(reason) => {
                self.not_run.push((item, reason));
                None
            }
        }
    }

    fn is_empty(&self) -> bool {
        self.busy.is_empty() && self.waiting.is_empty()
    }
}

/// What runs now.
#[derive(Default)]
struct Running {
    tasks: JoinSet<Executed>,
    items: HashMap<Id, (Item, Lane)>,
    busy: usize,
    waiting: usize,
}

impl Running {
    fn refill(
        &mut self,
        queue: &mut VecDeque<Item>,
        lane: Lane,
        width: usize,
    ) -> Vec<(Item, Lane)> {
        let count = self.count(lane);
        let room = width.max(1).saturating_sub(*count).min(queue.len());
        *count += room;
        queue.drain(..room).map(|item| (item, lane)).collect()
    }

    fn count(&mut self, lane: Lane) -> &mut usize {
        match lane {
            Lane::Busy => &mut self.busy,
            Lane::Waiting => &mut self.waiting,
        }
    }
}

/// Hands records out, each behind its control.
struct Delivery<'a, Sink> {
    sink: &'a mut Sink,
    controls: HashSet<String>,
    held_back: HashMap<String, Vec<Record>>,
    summary: Summary,
}

impl<'a, Sink: FnMut(RunEvent)> Delivery<'a, Sink> {
    fn new(sink: &'a mut Sink) -> Self {
        Self {
            sink,
            controls: HashSet::new(),
            held_back: HashMap::new(),
            summary: Summary::default(),
        }
    }

    fn started(&mut self, id: &str) {
        (self.sink)(RunEvent::CaseStarted { id: id.to_owned() });
    }

    fn deliver(&mut self, item: &Item, record: Record) {
        if item.is_control {
            self.controls.insert(item.case.id.clone());
            (self.sink)(RunEvent::ControlFinished(Box::new(record)));
            for record in self.held_back.remove(&item.case.id).unwrap_or_default() {
                self.hand_out(record);
            }
            return;
        }
        match &item.control {
            Some(control) if !self.controls.contains(control) => {
                let held_back = self.held_back.entry(control.clone()).or_default();
                held_back.push(record);
            }
            _ => self.hand_out(record),
        }
    }

    fn hand_out(&mut self, record: Record) {
        match record.not_run {
            None => self.summary.ran += 1,
            Some(_) => self.summary.not_run += 1,
        }
        (self.sink)(RunEvent::CaseFinished(Box::new(record)));
    }

    /// Cases whose control was given up were finished all the same.
    fn flush(mut self) -> Summary {
        let mut left: Vec<Record> = self.held_back.drain().flat_map(|(_, it)| it).collect();
        left.sort_by(|a, b| a.case.id.cmp(&b.case.id));
        for record in left {
            self.hand_out(record);
        }
        self.summary
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use mailproof_mock_servers::world::Place;
    use mailproof_scenarios::model::{Action, Delta, Deviation, Job, On, Protocol, TlsState};
    use pretty_assertions::assert_eq;
    use tokio::sync::Semaphore;

    use super::*;
    use crate::runner::samples;

    const OPTIONS: RunOptions = RunOptions {
        busy: 2,
        waiting: 3,
        seed: 1,
    };

    /// Runs nothing; ends each case when the test allows it.
    struct Fake {
        /// Ids with a gate of their own; all others end at once.
        gates: HashMap<String, Semaphore>,
        state: Mutex<State>,
    }

    #[derive(Default)]
    struct State {
        running: Vec<String>,
        most_busy: usize,
        most_waiting: usize,
    }

    impl Fake {
        fn new(gated: &[&str]) -> Arc<Self> {
            let gates = gated.iter().map(|id| ((*id).to_owned(), Semaphore::new(0)));
            Arc::new(Self {
                gates: gates.collect(),
                state: Mutex::default(),
            })
        }

        fn open(&self, id: &str) {
            self.gates[id].add_permits(1);
        }
    }

    impl Executor for Fake {
        async fn execute(&self, case: Arc<Case>, cancel: Cancel) -> Executed {
            assert_ne!(case.id, "panics", "as asked");
            {
                let mut state = self.state.lock().expect("no panic");
                state.running.push(case.id.clone());
                let waiting = state
                    .running
                    .iter()
                    .filter(|id| id.starts_with('w'))
                    .count();
                state.most_waiting = state.most_waiting.max(waiting);
                state.most_busy = state.most_busy.max(state.running.len() - waiting);
            }
            let executed = match self.gates.get(&case.id) {
                None => {
                    for _ in 0..5 {
                        tokio::task::yield_now().await;
                    }
                    true
                }
                Some(gate) => tokio::select! {
                    _ = gate.acquire() => true,
                    () = cancel.cancelled() => false,
                },
            };
            let mut state = self.state.lock().expect("no panic");
            state.running.retain(|id| *id != case.id);
            if !executed {
                return Executed::Cancelled;
            }
            let mut record = Record::not_run(&case, 1, NotRun::Skipped(String::new()));
            record.not_run = None;
            Executed::Done(Box::new(record))
        }
    }

    fn deviating(id: &str, messages: u32) -> Case {
        let mut case = samples::case(id);
        case.setup.messages = messages;
        case.delta = Delta::Deviate(vec![Deviation {
            on: On::default(),
            action: Action::Tls(TlsState::Silent.into()),
        }]);
        case
    }

    fn waiting(mut case: Case) -> Case {
        case.waits = true;
        case
    }

    fn plan(cases: impl IntoIterator<Item = Case>) -> Plan {
        let adapter = samples::adapter("[\"true\"]");
        Plan::new(cases, &adapter, &Place::Loopback)
    }

    /// The events as words: `>` starts, `c` is a control, `-` is not run.
    fn word(event: &RunEvent) -> Option<String> {
        match event {
            RunEvent::Started {
                selected,
                to_run,
                controls,
            } => Some(format!("{to_run}/{selected}+{controls}")),
            RunEvent::CaseStarted { id } => Some(format!(">{id}")),
            RunEvent::CaseFinished(record) => {
                let mark = if record.not_run.is_some() { "-" } else { "" };
                Some(format!("{mark}{}", record.case.id))
            }
            RunEvent::ControlFinished(record) => Some(format!("c{}", record.case.setup.messages)),
            RunEvent::Finished(_) => None,
        }
    }

    #[tokio::test]
    async fn everything_is_run_once_and_controls_come_first() {
        let cases = [
            deviating("one", 1),
            deviating("two", 1),
            samples::case("three"),
            waiting(deviating("wait", 9)),
        ];
        let mut words = Vec::new();
        let one_at_a_time = RunOptions {
            busy: 1,
            waiting: 1,
            seed: 1,
        };
        let fake = Fake::new(&[]);
        let summary = run(plan(cases), fake, one_at_a_time, &Cancel::new(), |event| {
            words.extend(word(&event));
        })
        .await;
        assert_eq!(
            (summary.ran, summary.not_run, summary.interrupted),
            (4, 0, false)
        );
        let at = |word: &str| words.iter().position(|it| it == word);
        assert_eq!(words[0], "4/4+2");
        assert!(at("c9") < at("wait") && at("c1") < at("one") && at("one") < at("two"));
        assert!(
            at(">wait") < at("c1"),
            "the waiting lane does not wait for the busy one"
        );
        assert_eq!(words.len(), 1 + 4 + 4 + 2);
    }

    #[tokio::test]
    async fn a_case_is_held_back_until_its_control_is_there() {
        let cases = [
            deviating("one", 1),
            samples::case("two"),
            deviating("three", 1),
        ];
        let plan = plan(cases);
        let control = plan.controls[0].case.id.clone();
        let fake = Fake::new(&[&control]);
        let opener = fake.clone();
        let mut words = Vec::new();
        run(plan, fake, OPTIONS, &Cancel::new(), |event| {
            // The case without a control is through while the control still runs.
            if word(&event).as_deref() == Some(">three") {
                opener.open(&control);
            }
            words.extend(word(&event));
        })
        .await;
        let at = |word: &str| words.iter().position(|it| it == word);
        assert!(at("two") < at("c1") && at("c1") < at("one") && at("c1") < at("three"));
        assert_eq!(words.len(), 1 + 3 + 3 + 1);
    }

    #[tokio::test]
    async fn lanes_are_as_wide_as_asked() {
        let busy = (0..20).map(|number| samples::case(&format!("b{number}")));
        let waits = (0..20).map(|number| waiting(samples::case(&format!("w{number}"))));
        let fake = Fake::new(&[]);
        let plan = plan(busy.chain(waits));
        let summary = run(plan, fake.clone(), OPTIONS, &Cancel::new(), |_| {}).await;
        let state = fake.state.lock().expect("no panic");
        assert_eq!((state.most_busy, state.most_waiting), (2, 3));
        assert_eq!(summary.ran, 40);
    }

    #[tokio::test]
    async fn cancelling_keeps_what_was_finished() {
        let first = deviating("first", 1);
        let plan = plan([first, samples::case("stuck"), samples::case("never")]);
        let control = plan.controls[0].case.id.clone();
        let fake = Fake::new(&[&control, "stuck"]);
        let cancel = Cancel::new();
        let wish = cancel.clone();
        let mut words = Vec::new();
        let summary = run(plan, fake, OPTIONS, &cancel, |event| {
            if word(&event).as_deref() == Some(">stuck") {
                wish.cancel();
            }
            words.extend(word(&event));
        })
        .await;
        assert_eq!(words, ["3/3+1", ">first", ">stuck", "first"]);
        assert_eq!((summary.ran, summary.interrupted), (1, true));
    }

    #[tokio::test]
    async fn a_cancelled_run_starts_nothing() {
        let cancel = Cancel::new();
        cancel.cancel();
        let mut words = Vec::new();
        let plan = plan([samples::case("one")]);
        let summary = run(plan, Fake::new(&[]), OPTIONS, &cancel, |event| {
            words.extend(word(&event));
        })
        .await;
        assert_eq!(words, ["1/1+0"]);
        assert!(summary.interrupted);
    }

    #[tokio::test]
    async fn a_cancel_when_all_is_done_interrupts_nothing() {
        let cancel = Cancel::new();
        let wish = cancel.clone();
        let plan = plan([samples::case("one")]);
        let summary = run(plan, Fake::new(&[]), OPTIONS, &cancel, |event| {
            if matches!(event, RunEvent::CaseFinished(_)) {
                wish.cancel();
            }
        })
        .await;
        assert_eq!((summary.ran, summary.interrupted), (1, false));
    }

    #[tokio::test]
    async fn what_is_not_run_is_said_at_once_and_a_panic_is_the_harness_failing() {
        let mut idle = samples::case("idle");
        idle.steps[0].job = Job::Idle;
        idle.steps[0].protocol = Protocol::Imap;
        let mut records = Vec::new();
        let plan = plan([samples::case("panics"), idle, samples::case("ok")]);
        let summary = run(plan, Fake::new(&[]), OPTIONS, &Cancel::new(), |event| {
            if let RunEvent::CaseFinished(record) = event {
                records.push((record.case.id.clone(), record.not_run.clone()));
            }
        })
        .await;
        assert_eq!((summary.ran, summary.not_run), (1, 2));
        let unsupported = NotRun::Unsupported("job idle over imap".to_owned());
        assert_eq!(records[0], ("idle".to_owned(), Some(unsupported)));
        let panicked = records.iter().find(|(id, _)| id == "panics");
        let Some((_, Some(NotRun::HarnessError(error)))) = panicked else {
            panic!("{panicked:?}");
        };
        assert!(error.contains("panicked"), "{error}");
    }
}
