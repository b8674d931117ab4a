//! Cases run by other processes, which this program starts from itself: an embedded subject can take only
//! its worker down, and a lab needs a process of its own.
//!
//! A worker gets an [`Order`] and then one case a line, and answers each with one record a line. Must not
//! know what is in a record.

use std::{
    collections::BTreeMap,
    process::Stdio,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use mailproof_mock_servers::world::Place;
use mailproof_scenarios::model::{Case, Event, Log, Persona, What, event::Ended};
use serde::{Deserialize, Serialize};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    process::{Child, ChildStdin, ChildStdout, Command},
};

use super::{Cancel, Executed, Executor, Local, LocalOptions};
use crate::{
    adapter, lab,
    reach::Setting,
    results::{NotRun, Observed, Record},
    session::LINGER,
};

/// What a worker is told first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Order {
    /// The name or path of the adapter.
    pub adapter: String,
    /// Who serves, by name.
    pub personas: BTreeMap<String, Persona>,
    /// The seed of the canaries.
    pub seed: u64,
    /// The civil time from which dates are computed, in seconds since 1970.
    pub now: i64,
    /// What the subject is told to wait for the network, where the user says so.
    pub timeout_ms: Option<u64>,
    /// Where it is reached.
    #[serde(default)]
    pub reach: Setting,
}

/// Runs each case in a worker that has nothing else to do.
pub struct Workers {
    order: Order,
    lab: bool,
    idle: Mutex<Vec<Worker>>,
}

struct Worker {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

/// Longest record line that is taken from a worker.
const MAX_LINE: u64 = 512 * 1024 * 1024;

impl Workers {
    /// Workers for a run, each in a lab of its own if asked. They are started when they are needed.
    pub fn new(order: Order, lab: bool) -> Self {
        Self {
            order,
            lab,
            idle: Mutex::default(),
        }
    }

    async fn worker(&self) -> Result<Worker, String> {
        let waiting = self
            .idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop();
        if let Some(worker) = waiting {
            return Ok(worker);
        }
        let wrong = |error: std::io::Error| format!("a worker cannot be started: {error}");
        let mut command = Command::new(std::env::current_exe().map_err(wrong)?);
        if self.lab {
            command.args([lab::INIT, "worker", "--lab"]);
        } else {
            command.arg("worker");
        }
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit());
        // Ctrl-C is for the run, which tells its workers itself.
        command.process_group(0).kill_on_drop(true);
        let mut child = command.spawn().map_err(wrong)?;
        let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err("a worker has no streams".to_owned());
        };
        let mut worker = Worker {
            child,
            input,
            output: BufReader::new(output),
        };
        let order = serde_json::to_vec(&self.order).map_err(|error| error.to_string())?;
        worker.send(order).await.map_err(wrong)?;
        Ok(worker)
    }
}

impl Worker {
    async fn send(&mut self, mut line: Vec<u8>) -> std::io::Result<()> {
        line.push(b'\n');
        self.input.write_all(&line).await?;
        self.input.flush().await
    }

    async fn ask(&mut self, case: &Case) -> Result<Record, String> {
        let line = serde_json::to_vec(case).map_err(|error| error.to_string())?;
        self.send(line).await.map_err(|error| error.to_string())?;
        let mut answer = Vec::new();
        let read = (&mut self.output)
            .take(MAX_LINE)
            .read_until(b'\n', &mut answer)
            .await;
        read.map_err(|error| error.to_string())?;
        if !answer.ends_with(b"\n") {
            return Err("it ended".to_owned());
        }
        serde_json::from_slice(&answer).map_err(|error| error.to_string())
    }
}

impl Executor for Workers {
    async fn execute(&self, case: Arc<Case>, cancel: Cancel) -> Executed {
        let mut worker = match self.worker().await {
            Ok(worker) => worker,
            Err(error) => {
                return Executed::Done(Box::new(lost(&case, &self.order, Lost::Harness(error))));
            }
        };
        let answer = tokio::select! {
            answer = worker.ask(&case) => answer,
            () = cancel.cancelled() => return Executed::Cancelled,
        };
        match answer {
            Ok(record) => {
                self.idle
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .push(worker);
                Executed::Done(Box::new(record))
            }
            Err(error) => {
                let ended = tokio::time::timeout(Duration::from_secs(2), worker.child.wait()).await;
                let lost_how = match ended {
                    Ok(Ok(status)) if signal(status).is_some() && !self.lab => {
                        let number = signal(status).unwrap_or_default();
                        Lost::Subject(format!("it took its process down by signal {number}"))
                    }
                    Ok(Ok(status)) => Lost::Harness(format!("the worker ended: {status}")),
                    _ => Lost::Harness(format!("the worker gave no record: {error}")),
                };
                Executed::Done(Box::new(lost(&case, &self.order, lost_how)))
            }
        }
    }
}

fn signal(status: std::process::ExitStatus) -> Option<i32> {
    use std::os::unix::process::ExitStatusExt as _;
    status.signal()
}

enum Lost {
    Subject(String),
    Harness(String),
}

/// What is known of a case whose worker is gone.
fn lost(case: &Case, order: &Order, how: Lost) -> Record {
    let event = |what| Event {
        at: 0,
        step: 1,
        conn: None,
        what,
    };
    match how {
        Lost::Harness(error) => Record::not_run(case, order.seed, NotRun::HarnessError(error)),
        Lost::Subject(how) => {
            let started = event(What::StepStarted {
                command: Vec::new(),
            });
            let ended = event(What::StepEnded(Ended::Crashed { how }));
            Record {
                observed: Observed {
                    process: true,
                    ..Observed::default()
                },
                not_run: None,
                control: None,
                answers: Vec::new(),
                log: Log {
                    events: vec![started, ended],
                },
                ..Record::not_run(case, order.seed, NotRun::HarnessError(String::new()))
            }
        }
    }
}

/// The worker's side: reads an order and then cases from standard input, writes records to standard output,
/// until the input ends.
///
/// # Errors
/// In words, where the order cannot be followed.
pub fn work(in_lab: bool) -> Result<(), String> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| error.to_string())?;
    runtime.block_on(serve(in_lab))
}

async fn serve(in_lab: bool) -> Result<(), String> {
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    let read = |error: std::io::Error| format!("the order cannot be read: {error}");
    let Some(order) = lines.next_line().await.map_err(read)? else {
        return Ok(());
    };
    let order: Order = serde_json::from_str(&order).map_err(|error| error.to_string())?;
    let local = local(&order, in_lab)?;
    let mut stdout = tokio::io::stdout();
    while let Some(line) = lines.next_line().await.map_err(read)? {
        let case: Case = serde_json::from_str(&line).map_err(|error| error.to_string())?;
        if let Executed::Done(record) = local.execute(Arc::new(case), Cancel::new()).await {
            let mut answer = serde_json::to_vec(&record).map_err(|error| error.to_string())?;
            answer.push(b'\n');
            stdout
                .write_all(&answer)
                .await
                .map_err(|error| error.to_string())?;
            stdout.flush().await.map_err(|error| error.to_string())?;
        }
    }
    Ok(())
}

fn local(order: &Order, in_lab: bool) -> Result<Local, String> {
    let now =
        time::OffsetDateTime::from_unix_timestamp(order.now).map_err(|error| error.to_string())?;
    let adapter = adapter::find(&order.adapter).map_err(|error| error.to_string())?;
    let usual = if in_lab { Place::Lab } else { Place::Loopback };
    let place = order.reach.place(usual);
    let authority = order.reach.anchor.authority(&place, now);
    let authority = authority.map_err(|error| error.to_string())?;
    let options = LocalOptions {
        place,
        seed: order.seed,
        now,
        timeout: order.timeout_ms.map(Duration::from_millis),
        linger: LINGER,
    };
    Ok(Local::new(
        Arc::new(adapter),
        Arc::new(order.personas.clone()),
        Arc::new(authority),
        options,
    ))
}
