//! One subject that runs, whatever kind it is: asked with a request, it ends in one of the ways that
//! events know. Must not know cases or worlds.

use std::{sync::Arc, time::Duration};

use mailproof_mock_servers::world::Recorder;
use mailproof_scenarios::model::event::{Ended, Said};

use super::{remote, work::WorkFolder};
use crate::{
    adapter::{Adapter, Kind, Meaning, Missing, Prepared, SHIM_UNSUPPORTED},
    process::{self, Cancel, Exit, Input, Invocation, Limits, Outcome, StartError},
    subject::{Report, Request, Session},
};

/// Longest text of a subject that goes into an event; its whole output is an event of its own.
const WORDS: usize = 16 << 10;

/// How long a program may take to say its version.
const VERSION: Duration = Duration::from_secs(20);

/// A subject, and what it keeps from one step to the next.
pub(super) struct Instance {
    adapter: Arc<Adapter>,
    session: Option<Box<dyn Session>>,
    /// Whether a remote product has been asked for something in this case.
    asked: bool,
}

/// What is about to be done.
pub(super) struct Task {
    /// Nothing for an embedded subject and a remote one.
    prepared: Option<Prepared>,
    /// What stands in the log for it.
    shown: Vec<String>,
}

/// What came of it.
#[derive(Debug)]
pub(super) struct Performance {
    /// How it ended.
    pub(super) ended: Ended,
    /// What it printed: the stream and the octets.
    pub(super) output: Vec<(u8, Vec<u8>)>,
    /// What its process took, where it had one.
    pub(super) memory: Option<Memory>,
}

/// What a process took.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Memory {
    /// The largest resident set in KiB.
    pub(super) peak: u64,
    /// Below which nothing can be told, in KiB.
    pub(super) floor: u64,
}

impl Task {
    /// The command line, or the trigger of a remote product; empty for an embedded subject.
    pub(super) fn command(&self) -> Vec<String> {
        self.shown.clone()
    }
}

impl Performance {
    /// The subject could not even be asked.
    pub(super) fn not_started(error: String) -> Self {
        Self::ended(not_started(error))
    }

    pub(super) fn ended(ended: Ended) -> Self {
        Self {
            ended,
            output: Vec::new(),
            memory: None,
        }
    }
}

impl Instance {
    pub(super) fn new(adapter: Arc<Adapter>) -> Self {
        Self {
            adapter,
            session: None,
            asked: false,
        }
    }

    /// Forgets what the subject keeps in memory: the next request meets a fresh one.
    pub(super) fn close(&mut self) {
        self.session = None;
    }

    /// Prepares a request; the error says why it cannot be asked.
    pub(super) fn prepare(&self, request: &Request) -> Result<Task, String> {
        match &self.adapter.kind {
            Kind::Embedded { .. } => Ok(Task {
                prepared: None,
                shown: Vec::new(),
            }),
            Kind::Remote(remote) => Ok(Task {
                prepared: None,
                shown: remote.shown(request.protocol, request.job),
            }),
            Kind::Template(_) | Kind::Shim { .. } => {
                let prepared = self.adapter.prepare(request).map_err(|it| it.to_string())?;
                Ok(Task {
                    shown: prepared.command.clone(),
                    prepared: Some(prepared),
                })
            }
        }
    }

    /// The case is over: what of it is still in a remote product goes.
    pub(super) async fn leave(
        &mut self,
        request: &Request,
        work: &WorkFolder,
        recorder: &Recorder,
        cancel: &Cancel,
    ) {
        if let (Kind::Remote(remote), true) = (&self.adapter.kind, self.asked) {
            let scene = remote::Scene {
                adapter: &self.adapter,
                request,
                work,
                recorder,
                cancel,
            };
            remote::forget(scene, remote).await;
        }
    }

    /// Performs a task within `budget`; `None` where it was cancelled.
    pub(super) async fn perform(
        &mut self,
        task: Task,
        request: &Request,
        work: &WorkFolder,
        recorder: &Recorder,
        budget: Duration,
        cancel: &Cancel,
    ) -> Option<Performance> {
        match (&self.adapter.kind, task.prepared) {
            (Kind::Remote(remote), _) => {
                let afresh = !std::mem::replace(&mut self.asked, true);
                let scene = remote::Scene {
                    adapter: &self.adapter,
                    request,
                    work,
                    recorder,
                    cancel,
                };
                remote::perform(scene, remote, afresh).await
            }
            (Kind::Embedded { subject, .. }, _) => {
                let session = self.session.take().unwrap_or_else(|| subject.open());
                let (performance, session) =
                    perform_embedded(session, request.clone(), budget, cancel).await?;
                self.session = session;
                Some(performance)
            }
            (_, Some(prepared)) => {
                perform_process(&self.adapter, prepared, work, budget, cancel).await
            }
            (_, None) => Some(Performance::ended(not_started("nothing was prepared"))),
        }
    }
}

/// The version of the subject as it says itself: the first line that its version command prints.
pub async fn version(adapter: &Adapter) -> Option<String> {
    if let Kind::Embedded { version, .. } = &adapter.kind {
        return Some(version.clone());
    }
    if let Kind::Remote(remote) = &adapter.kind
        && remote.version.is_some()
    {
        return remote::version(adapter, remote).await;
    }
    let (program, arguments) = adapter.version.split_first()?;
    let folder = tempfile::TempDir::new().ok()?;
    let invocation = Invocation {
        program: program.clone(),
        arguments: arguments.to_vec(),
        environment: Vec::new(),
        folder: folder.path().to_owned(),
        home: folder.path().to_owned(),
        stdin: Input::Nothing,
        limits: Limits::default(),
        budget: VERSION,
    };
    let outcome = process::run(&invocation, &Cancel::new()).await.ok()?;
    let text = outcome.stdout.text() + "\n" + &outcome.stderr.text();
    version_line(&text).map(str::to_owned)
}

/// The first line that says anything, as much of it as is a version.
pub(super) fn version_line(text: &str) -> Option<&str> {
    let line = text.lines().map(str::trim).find(|it| !it.is_empty())?;
    let end = line.char_indices().nth(200).map_or(line.len(), |it| it.0);
    line.get(..end)
}

/// The session comes back where it is still of use.
async fn perform_embedded(
    mut session: Box<dyn Session>,
    request: Request,
    budget: Duration,
    cancel: &Cancel,
) -> Option<(Performance, Option<Box<dyn Session>>)> {
    // A task of its own: a panic ends the task and not mailproof.
    let mut task = tokio::spawn(async move {
        let report = session.perform(&request).await;
        (report, session)
    });
    let ended = tokio::select! {
        joined = &mut task => match joined {
            Ok((report, session)) => {
                let ended = from_report(report, None);
                return Some((Performance::ended(ended), Some(session)));
            }
            Err(error) => Ended::Crashed { how: panic_words(error) },
        },
        () = tokio::time::sleep(budget) => Ended::Hung { budget: millis(budget) },
        () = cancel.cancelled() => {
            task.abort();
            return None;
        }
    };
    task.abort();
    Some((Performance::ended(ended), None))
}

async fn perform_process(
    adapter: &Adapter,
    prepared: Prepared,
    work: &WorkFolder,
    budget: Duration,
    cancel: &Cancel,
) -> Option<Performance> {
    if let Err(error) = work.lay_out(&adapter.fresh, &prepared.files) {
        return Some(Performance::ended(not_started(error)));
    }
    let Some((program, arguments)) = prepared.command.split_first() else {
        return Some(Performance::ended(not_started("the command line is empty")));
    };
    let invocation = Invocation {
        program: program.clone(),
        arguments: arguments.to_vec(),
        environment: prepared.environment,
        folder: work.path().to_owned(),
        home: work.home(),
        stdin: prepared.stdin,
        limits: adapter.limits,
        budget,
    };
    match process::run(&invocation, cancel).await {
        Ok(outcome) => {
            let ended = judge_exit(adapter, &outcome, budget)?;
            let memory = Some(Memory {
                peak: outcome.peak_memory,
                floor: outcome.memory_floor,
            });
            let streams = [(1, outcome.stdout.kept), (2, outcome.stderr.kept)];
            Some(Performance {
                ended,
                memory,
                output: streams
                    .into_iter()
                    .filter(|(_, it)| !it.is_empty())
                    .collect(),
            })
        }
        Err(StartError::NotFound(program)) => {
            let install = adapter.install.clone();
            let missing = Missing { program, install };
            Some(Performance::ended(not_started(missing.to_string())))
        }
        Err(error) => Some(Performance::ended(not_started(error.to_string()))),
    }
}

/// What the end of a process means; `None` where it was cancelled.
fn judge_exit(adapter: &Adapter, outcome: &Outcome, budget: Duration) -> Option<Ended> {
    let report = process::crash_report(&outcome.stderr.kept);
    let code = match outcome.exit {
        Exit::Cancelled => return None,
        Exit::OverBudget => {
            return Some(Ended::Hung {
                budget: millis(budget),
            });
        }
        Exit::Signal(signal) => {
            let name = process::signal_name(signal);
            let how = match report {
                Some(report) => format!("{name}: {report}"),
                None => name,
            };
            return Some(Ended::Crashed { how });
        }
        Exit::Code(code) => code,
    };
    if let Some(how) = report {
        return Some(Ended::Crashed { how });
    }
    Some(match adapter.kind {
        Kind::Shim { .. } => from_shim(code, outcome),
        _ => from_code(adapter, code, outcome),
    })
}

fn from_code(adapter: &Adapter, code: i32, outcome: &Outcome) -> Ended {
    let (stdout, stderr) = (&outcome.stdout.kept, &outcome.stderr.kept);
    let text = bounded(adapter.exit.words(stdout, stderr));
    let meaning = adapter.exit.meaning(code, stdout, stderr);
    match meaning.unwrap_or(Meaning::Failed).said() {
        Some(said) => Ended::Finished {
            code: Some(code),
            said,
            text,
        },
        None => Ended::Unsupported { what: text },
    }
}

/// The report is the last line of the output. A shim that gives none has failed.
fn from_shim(code: i32, outcome: &Outcome) -> Ended {
    let line = outcome.stdout.last_line();
    let report = line.and_then(|line| serde_json::from_slice::<Report>(line).ok());
    match report {
        Some(report) => from_report(report, Some(code)),
        None if code == SHIM_UNSUPPORTED => Ended::Unsupported {
            what: bounded(outcome.stderr.text().trim().to_owned()),
        },
        None => Ended::Finished {
            code: Some(code),
            said: Said::Failed,
            text: bounded(format!(
                "The shim gave no report in its last line. {}",
                outcome.stderr.text().trim()
            )),
        },
    }
}

fn from_report(report: Report, code: Option<i32>) -> Ended {
    match report {
        Report::Done { said, text } => Ended::Finished {
            code,
            said,
            text: bounded(text),
        },
        Report::Unsupported { what } => Ended::Unsupported {
            what: bounded(what),
        },
    }
}

fn panic_words(error: tokio::task::JoinError) -> String {
    let Ok(panic) = error.try_into_panic() else {
        return "the subject's task was ended".to_owned();
    };
    let words = panic.downcast_ref::<String>().map(String::as_str);
    let words = words.or_else(|| panic.downcast_ref::<&str>().copied());
    bounded(format!("panic: {}", words.unwrap_or("without words")))
}

fn not_started(error: impl Into<String>) -> Ended {
    Ended::NotStarted {
        error: error.into(),
    }
}

pub(super) fn bounded(mut text: String) -> String {
    let end = (0..=WORDS.min(text.len())).rev();
    let end = end.into_iter().find(|at| text.is_char_boundary(*at));
    text.truncate(end.unwrap_or(0));
    text
}

pub(super) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use std::{path::PathBuf, sync::Arc};

    use mailproof_scenarios::model::{Auth, Job, Protocol, Security, Trust};
    use test_case::test_case;

    use super::*;
    use crate::{
        runner::samples,
        subject::{Embedded, Performing, REQUEST_VERSION},
    };

    const BUDGET: Duration = Duration::from_secs(60);

    fn request(work: &WorkFolder) -> Request {
        Request {
            v: REQUEST_VERSION,
            case: "a/b".to_owned(),
            job: Job::Send,
            protocol: Protocol::Smtp,
            host: "localhost".to_owned(),
            port: 25,
            security: Security::None,
            trust: Trust::Ca,
            ca_file: PathBuf::from("ca.pem"),
            store_file: None,
            crl_file: None,
            pin_file: None,
            auth: Auth::None,
            account: "a".to_owned(),
            user: String::new(),
            password: String::new(),
            token: String::new(),
            from: String::new(),
            to: Vec::new(),
            message_file: PathBuf::from("message.eml"),
            mailbox: String::new(),
            timeout_ms: 1000,
            work_dir: work.path().to_owned(),
        }
    }

    async fn performed(adapter: Adapter, budget: Duration) -> Performance {
        let work = WorkFolder::create("", "").expect("a folder");
        let mut instance = Instance::new(Arc::new(adapter));
        let request = request(&work);
        let task = instance.prepare(&request).expect("prepared");
        let cancel = Cancel::new();
        let recorder = Recorder::new();
        let performance = instance.perform(task, &request, &work, &recorder, budget, &cancel);
        performance.await.expect("not cancelled")
    }

    fn finished(code: i32, said: Said, text: &str) -> Ended {
        Ended::Finished {
            code: Some(code),
            said,
            text: text.to_owned(),
        }
    }

    #[test_case("exit 0" => finished(0, Said::Success, ""))]
    #[test_case("echo out; echo err >&2; exit 7" => finished(7, Said::Temporary, "err"); "mapped")]
    #[test_case("echo odd >&2; exit 99" => finished(99, Said::Failed, "odd"); "unmapped")]
    #[test_case("echo cannot >&2; exit 89" => Ended::Unsupported { what: "cannot".to_owned() }; "unsupported")]
    #[test_case("kill -SEGV $$" => Ended::Crashed { how: "SIGSEGV (segmentation fault)".to_owned() }; "signal")]
    #[test_case("echo \"thread 'main' panicked at x.rs:1:1:\" >&2; exit 101" => Ended::Crashed { how: "thread 'main' panicked at x.rs:1:1:".to_owned() }; "panic")]
    #[test_case("echo '==1==ERROR: AddressSanitizer: x' >&2; kill -ABRT $$" => Ended::Crashed { how: "SIGABRT (abort): ==1==ERROR: AddressSanitizer: x".to_owned() }; "sanitizer")]
    #[tokio::test]
    async fn a_template_ends(script: &str) -> Ended {
        let adapter = samples::adapter(&format!("[\"sh\", \"-c\", {script:?}]"));
        performed(adapter, BUDGET).await.ended
    }

    #[test_case("cat >/dev/null; echo noise; echo '{\"done\":{\"said\":\"refused-tls\",\"text\":\"no\"}}'; exit 1" => finished(1, Said::RefusedTls, "no"); "report")]
    #[test_case("echo '{\"unsupported\":{\"what\":\"idle\"}}'; exit 89" => Ended::Unsupported { what: "idle".to_owned() }; "unsupported")]
    #[test_case("echo no idle >&2; exit 89" => Ended::Unsupported { what: "no idle".to_owned() }; "unsupported by code alone")]
    #[test_case("echo '{\"done\":{\"said\":\"success\",\"text\":\"\"}}'; echo; exit 0" => finished(0, Said::Success, ""); "blank line behind")]
    #[test_case("head -c 3000000 /dev/zero; echo; echo '{\"done\":{\"said\":\"success\",\"text\":\"\"}}'" => finished(0, Said::Success, ""); "behind a flood")]
    #[test_case("echo '{\"done\":{}}'; echo lost >&2; exit 0" => finished(0, Said::Failed, "The shim gave no report in its last line. lost"); "no report")]
    #[tokio::test]
    async fn a_shim_ends(script: &str) -> Ended {
        let script = script.replace('{', "{{").replace('}', "}}");
        let mut adapter = samples::adapter(&format!("[\"sh\", \"-c\", {script:?}]"));
        let Kind::Template(commands) = adapter.kind else {
            panic!("a template");
        };
        let mut jobs = commands.jobs.into_values();
        let run = jobs.next().expect("a job").run;
        adapter.kind = Kind::Shim { run };
        performed(adapter, BUDGET).await.ended
    }

    #[tokio::test]
    async fn a_subject_that_waits_for_ever_hangs() {
        let adapter = samples::adapter("[\"sleep\", \"1000\"]");
        let performance = performed(adapter, Duration::from_millis(200)).await;
        assert_eq!(performance.ended, Ended::Hung { budget: 200 });
    }

    #[tokio::test]
    async fn a_missing_program_says_how_to_get_it() {
        let adapter = samples::adapter("[\"no-such-mail-client\"]");
        let Ended::NotStarted { error } = performed(adapter, BUDGET).await.ended else {
            panic!("it cannot start");
        };
        assert_eq!(
            error,
            "`no-such-mail-client` is not installed; to get it: apt install sample"
        );
    }

    #[tokio::test]
    async fn what_it_printed_is_kept_by_stream() {
        let adapter = samples::adapter("[\"sh\", \"-c\", \"printf out; printf err >&2\"]");
        let performance = performed(adapter, BUDGET).await;
        let expected = [(1, b"out".to_vec()), (2, b"err".to_vec())];
        assert_eq!(performance.output, expected);
    }

    /// Counts the requests of a session and does what the number says.
    struct Odd(fn(u32) -> Report);
    struct OddSession(fn(u32) -> Report, u32);

    impl Embedded for Odd {
        fn open(&self) -> Box<dyn Session> {
            Box::new(OddSession(self.0, 0))
        }
    }

    impl Session for OddSession {
        fn perform<'a>(&'a mut self, _: &'a Request) -> Performing<'a> {
            self.1 += 1;
            Box::pin(async move {
                if self.1 == 3 {
                    std::future::pending::<()>().await;
                }
                (self.0)(self.1)
            })
        }
    }

    fn embedded(does: fn(u32) -> Report) -> Instance {
        let mut adapter = samples::adapter("[\"true\"]");
        adapter.kind = Kind::Embedded {
            name: "odd".to_owned(),
            subject: Arc::new(Odd(does)),
            version: "1".to_owned(),
        };
        Instance::new(Arc::new(adapter))
    }

    async fn ask(instance: &mut Instance, budget: Duration) -> Ended {
        let work = WorkFolder::create("", "").expect("a folder");
        let request = request(&work);
        let task = instance.prepare(&request).expect("prepared");
        assert!(task.command().is_empty());
        let cancel = Cancel::new();
        let recorder = Recorder::new();
        let performed = instance.perform(task, &request, &work, &recorder, budget, &cancel);
        performed.await.expect("not cancelled").ended
    }

    #[tokio::test]
    async fn an_embedded_subject_keeps_its_session_until_it_is_closed() {
        let mut instance = embedded(|count| Report::failure(Said::Failed, count.to_string()));
        let said = |count: &str| Ended::Finished {
            code: None,
            said: Said::Failed,
            text: count.to_owned(),
        };
        assert_eq!(ask(&mut instance, BUDGET).await, said("1"));
        assert_eq!(ask(&mut instance, BUDGET).await, said("2"));
        instance.close();
        assert_eq!(ask(&mut instance, BUDGET).await, said("1"));
        assert_eq!(ask(&mut instance, BUDGET).await, said("2"));
        let hung = Ended::Hung { budget: 50 };
        assert_eq!(ask(&mut instance, Duration::from_millis(50)).await, hung);
        assert_eq!(ask(&mut instance, BUDGET).await, said("1"), "a fresh one");
    }

    #[tokio::test]
    async fn a_panic_is_a_crash_of_the_subject_only() {
        let mut instance = embedded(|count| panic!("boom {count}"));
        let crashed = Ended::Crashed {
            how: "panic: boom 1".to_owned(),
        };
        assert_eq!(ask(&mut instance, BUDGET).await, crashed);
    }

    #[tokio::test]
    async fn versions_are_the_first_line() {
        let mut adapter = samples::adapter("[\"true\"]");
        let shell = |script: &str| ["sh", "-c", script].map(str::to_owned).to_vec();
        adapter.version = shell("echo; echo ' 1.2 '; echo more");
        assert_eq!(version(&adapter).await.as_deref(), Some("1.2"));
        adapter.version = shell("echo err >&2");
        assert_eq!(version(&adapter).await.as_deref(), Some("err"));
        adapter.version = shell("exit 1");
        assert_eq!(version(&adapter).await, None);
        adapter.version = vec!["no-such-mail-client".to_owned()];
        assert_eq!(version(&adapter).await, None);
    }
}
