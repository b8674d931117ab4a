//! A product that hooks operate: one step from its settings to what a user would have been told, and how it is
//! found out that the product is there.
//!
//! A hook that fails is the harness's trouble and never the product's verdict. What nobody could observe is
//! [`Ended::Unheard`].

mod hooks;
mod http;
mod quiet;
mod secrets;
#[cfg(test)]
mod tests;

use std::{
    fs::File,
    io::{Read as _, Seek as _, SeekFrom},
    path::PathBuf,
    time::Duration,
};

use mailproof_mock_servers::world::Recorder;
use mailproof_scenarios::model::event::{Ended, Said};
use regex::bytes::Regex;

use self::{
    hooks::{Answer, Operator, Trouble, at, taken},
    http::Caller,
    quiet::Quiet,
    secrets::Secrets,
};
use super::{
    subject::{Performance, bounded, millis},
    work::WorkFolder,
};
use crate::{
    adapter::{
        Adapter, Kind, Meaning, Remote, Value, Values,
        remote::{Await, Call, Observe, Poll},
    },
    process::Cancel,
    subject::Request,
};

/// What of a log is read.
const LOG: u64 = 4 << 20;

/// How long a connection that only shows that the product is there may take.
const KNOCK: Duration = Duration::from_secs(10);

/// A step of a case with everything around it.
pub(super) struct Scene<'a> {
    pub(super) adapter: &'a Adapter,
    pub(super) request: &'a Request,
    pub(super) work: &'a WorkFolder,
    pub(super) recorder: &'a Recorder,
    pub(super) cancel: &'a Cancel,
}

/// Whether the product is there, before anything is run. The error is for the user, without secrets.
pub async fn is_there(adapter: &Adapter) -> Result<(), String> {
    let Kind::Remote(remote) = &adapter.kind else {
        return Ok(());
    };
    let folder = tempfile::TempDir::new().map_err(|error| error.to_string())?;
    let mut operator = outside_of_cases(adapter, remote, folder.path().to_owned())?;
    if let Some(hook) = remote.ready.as_ref().or(remote.version.as_ref()) {
        return match operator.perform(hook).await {
            Ok(_) => Ok(()),
            Err(Trouble::Failed(why) | Trouble::Unsupported(why) | Trouble::Refused(why)) => {
                Err(not_there(adapter, &why))
            }
        };
    }
    let Some(address) = remote.address.as_ref().and_then(|it| it.value()) else {
        return Ok(());
    };
    let (host, port) = http::place_of(&address).map_err(|error| error.to_string())?;
    let knock = tokio::net::TcpStream::connect((host.as_str(), port));
    match tokio::time::timeout(KNOCK, knock).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) => Err(not_there(
            adapter,
            &format!("cannot connect to {host}:{port}: {error}"),
        )),
        Err(_) => Err(not_there(
            adapter,
            &format!("{host}:{port} does not answer"),
        )),
    }
}

fn not_there(adapter: &Adapter, why: &str) -> String {
    let how = adapter
        .install
        .as_ref()
        .map(|it| format!("; to get it: {it}"));
    format!(
        "{} is not there: {why}{}",
        adapter.title,
        how.unwrap_or_default()
    )
}

/// What the product says of its version.
pub(super) async fn version(adapter: &Adapter, remote: &Remote) -> Option<String> {
    let hook = remote.version.as_ref()?;
    let folder = tempfile::TempDir::new().ok()?;
    let mut operator = outside_of_cases(adapter, remote, folder.path().to_owned()).ok()?;
    let answer = operator.perform(hook).await.ok()?;
    let text = match operator.values.get("version") {
        Some(Value::One(text)) => text.clone(),
        _ => String::from_utf8_lossy(&answer.stdout).into_owned(),
    };
    super::subject::version_line(&operator.secrets.mask(&text)).map(str::to_owned)
}

fn outside_of_cases<'a>(
    adapter: &'a Adapter,
    remote: &'a Remote,
    folder: PathBuf,
) -> Result<Operator<'a>, String> {
    let secrets = Secrets::of(remote)?;
    let mut values = Values::new();
    secrets.add_to(&mut values, remote);
    if let Some(own) = &adapter.folder {
        let own = own.to_string_lossy().into_owned();
        values.insert("folder".to_owned(), Value::One(own));
    }
    Ok(Operator {
        adapter,
        remote,
        values,
        secrets,
        environment: Vec::new(),
        home: folder.clone(),
        folder,
        cancel: Cancel::new(),
        caller: Caller::new(remote.authorities.as_deref()),
    })
}

/// Performs a step; `None` where it was cancelled. With `afresh` the product forgets first what was before.
pub(super) async fn perform(
    scene: Scene<'_>,
    remote: &Remote,
    afresh: bool,
) -> Option<Performance> {
    let cancel = scene.cancel;
    let performance = async {
        match operate(&scene, remote, afresh).await {
            Ok(performance) => performance,
            Err(Trouble::Failed(why)) => Performance::not_started(bounded(why)),
            Err(Trouble::Unsupported(what)) => Performance::ended(Ended::Unsupported { what }),
            Err(Trouble::Refused(text)) => Performance::ended(Ended::Finished {
                code: None,
                said: Said::Failed,
                text: bounded(text),
            }),
        }
    };
    tokio::select! {
        performance = performance => (!cancel.is_cancelled()).then_some(performance),
        () = cancel.cancelled() => None,
    }
}

/// Makes the product forget a case that is over. The next case does it again and says so if that fails.
pub(super) async fn forget(scene: Scene<'_>, remote: &Remote) {
    let Ok(mut operator) = operator(&scene, remote) else {
        return;
    };
    for hook in &remote.reset {
        if operator.perform(hook).await.is_err() {
            return;
        }
    }
}

fn operator<'a>(scene: &Scene<'a>, remote: &'a Remote) -> Result<Operator<'a>, String> {
    let adapter = scene.adapter;
    let mut values = adapter
        .hook_values(scene.request)
        .map_err(|error| error.to_string())?;
    let environment = adapter
        .environment_of(scene.request, &values)
        .map_err(|error| error.to_string())?;
    let secrets = Secrets::of(remote)?;
    secrets.add_to(&mut values, remote);
    Ok(Operator {
        adapter,
        remote,
        values,
        secrets,
        environment,
        folder: scene.work.path().to_owned(),
        home: scene.work.home(),
        cancel: scene.cancel.clone(),
        caller: Caller::new(remote.authorities.as_deref()),
    })
}

async fn operate(scene: &Scene<'_>, remote: &Remote, afresh: bool) -> Result<Performance, Trouble> {
    let (adapter, request) = (scene.adapter, scene.request);
    let key = (request.protocol, request.job);
    let job = remote.jobs.get(&key).ok_or_else(|| {
        format!(
            "the adapter has nothing for job {} over {}",
            request.job, request.protocol
        )
    })?;
    let mut operator = operator(scene, remote)?;
    let files = adapter.files_of(&operator.values);
    let files = files.map_err(|error| error.to_string())?;
    scene.work.lay_out(&adapter.fresh, &files)?;
    if afresh {
        for hook in &remote.reset {
            operator.perform(hook).await?;
        }
    }
    for hook in &remote.configure {
        operator.perform(hook).await?;
    }
    let log = match &job.observe {
        Some(Observe::Log { file, lines }) => {
            let path = file.fill(&operator.values);
            let path = PathBuf::from(path.map_err(|error| error.to_string())?);
            Some(LogFile::at_its_end(path, lines.as_ref()))
        }
        _ => None,
    };
    let mut quiet = Quiet::new(scene.recorder.subscribe());
    let mut triggered = Answer::default();
    for hook in &job.trigger {
        triggered = operator.perform(hook).await?;
    }
    let over = match &job.wait {
        Some(wait) => wait_for(&mut operator, wait, &mut quiet).await?,
        None => Over::Done,
    };
    if let Over::Deadline(deadline) = over {
        let budget = millis(deadline);
        return Ok(Performance::ended(Ended::Hung { budget }));
    }
    let mut performance = match (&job.observe, log) {
        (None, _) => Performance::ended(Ended::Unheard),
        (Some(Observe::Log { .. }), Some(log)) => from_log(&operator, &log)?,
        (Some(observe), _) => from_answer(&operator, observe, triggered).await?,
    };
    if let (Over::Failed, Some(failed)) = (over, failed(&performance.ended)) {
        performance.ended = failed;
    }
    Ok(performance)
}

/// How waiting ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Over {
    Done,
    Failed,
    Deadline(Duration),
}

/// Who says by `failed-when` that the job failed has said so, also if nobody observed more.
fn failed(ended: &Ended) -> Option<Ended> {
    let text = match ended {
        Ended::Unheard => String::new(),
        Ended::Finished {
            said: Said::Success,
            text,
            ..
        } => text.clone(),
        _ => return None,
    };
    Some(Ended::Finished {
        code: None,
        said: Said::Failed,
        text,
    })
}

async fn wait_for(
    operator: &mut Operator<'_>,
    wait: &Await,
    quiet: &mut Quiet,
) -> Result<Over, Trouble> {
    let said = async {
        match &wait.poll {
            Some(poll) => asked_again(operator, poll).await,
            None => std::future::pending().await,
        }
    };
    let calm = async {
        match wait.quiet {
            Some(long) => quiet.wait(long).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        over = said => over,
        () = calm => Ok(Over::Done),
        () = tokio::time::sleep(wait.deadline) => Ok(Over::Deadline(wait.deadline)),
    }
}

async fn asked_again(operator: &mut Operator<'_>, poll: &Poll) -> Result<Over, Trouble> {
    let hook = &poll.hook;
    loop {
        let answer = operator.ask(hook).await?;
        let failed = operator.any(hook, &hook.failed_when, &answer)?;
        if failed || operator.any(hook, &poll.done_when, &answer)? {
            // What is taken is there when the product is done, and perhaps not before.
            operator.keep(hook, &answer)?;
            return Ok(if failed { Over::Failed } else { Over::Done });
        }
        operator.expected(hook, &answer)?;
        tokio::time::sleep(poll.every).await;
    }
}

async fn from_answer(
    operator: &Operator<'_>,
    observe: &Observe,
    triggered: Answer,
) -> Result<Performance, Trouble> {
    let Observe::Answer {
        hook,
        state,
        means,
        shown,
    } = observe
    else {
        return Ok(Performance::ended(Ended::Unheard));
    };
    let exit = &operator.adapter.exit;
    let (answer, code) = match hook.as_ref().map(|hook| (hook, &hook.call)) {
        None => (triggered, None),
        Some((hook, Call::Http(_))) => {
            let answer = operator.ask(hook).await?;
            operator.expected(hook, &answer)?;
            (answer, None)
        }
        Some((hook, Call::Command(call))) => {
            let answer = operator.command(hook, call).await?;
            let code = answer.code;
            (answer, Some(code))
        }
    };
    let name = hook.as_ref().map_or("observe", |it| it.name.as_str());
    let trouble = |why: String| operator.secrets.mask(&format!("{name}: {why}"));
    let state = match state {
        Some(path) => at(path, &answer).map_err(trouble)?,
        None => None,
    };
    let by_state = state.and_then(|it| means.get(&it).copied());
    let text = match (shown, code) {
        (Some(take), _) => taken(take, &answer).map_err(trouble)?.unwrap_or_default(),
        (None, Some(_)) => exit.words(&answer.stdout, &answer.stderr),
        (None, None) => String::from_utf8_lossy(&answer.stdout).trim().to_owned(),
    };
    let meaning = match code {
        Some(code) => {
            let known = by_state.or_else(|| exit.of_code(code));
            let meaning = exit.meaning_beside(known, code, &answer.stdout, &answer.stderr);
            Some(meaning.unwrap_or(Meaning::Failed))
        }
        // Words are what the user reads; the whole answer can be asked for with `on = "stdout"`.
        None => exit.meaning_beside(by_state, answer.code, &answer.stdout, text.as_bytes()),
    };
    Ok(performance(operator, meaning, code, &text, answer))
}

fn from_log(operator: &Operator<'_>, log: &LogFile<'_>) -> Result<Performance, String> {
    let octets = log.read().map_err(|error| {
        let path = log.path.display();
        operator
            .secrets
            .mask(&format!("observe: cannot read {path}: {error}"))
    })?;
    let meaning = operator
        .adapter
        .exit
        .meaning_beside(None, 0, &octets, &octets);
    let text = String::from_utf8_lossy(&octets).trim().to_owned();
    let answer = operator.answer(0, octets, Vec::new());
    Ok(performance(operator, meaning, None, &text, answer))
}

fn performance(
    operator: &Operator<'_>,
    meaning: Option<Meaning>,
    code: Option<i32>,
    text: &str,
    answer: Answer,
) -> Performance {
    let text = bounded(operator.secrets.mask(text));
    let ended = match meaning {
        None => Ended::Unheard,
        Some(meaning) => match meaning.said() {
            Some(said) => Ended::Finished { code, said, text },
            None => Ended::Unsupported { what: text },
        },
    };
    let streams = [(1, answer.stdout), (2, answer.stderr)];
    let streams = streams.into_iter().filter(|(_, it)| !it.is_empty());
    Performance {
        output: streams
            .map(|(stream, octets)| (stream, operator.secrets.mask_octets(&octets)))
            .collect(),
        ..Performance::ended(ended)
    }
}

/// A log file, from where it ended when the step began.
struct LogFile<'a> {
    path: PathBuf,
    from: u64,
    lines: Option<&'a Regex>,
}

impl<'a> LogFile<'a> {
    /// A file that is not there yet begins with the step.
    fn at_its_end(path: PathBuf, lines: Option<&'a Regex>) -> Self {
        let from = std::fs::metadata(&path).map_or(0, |it| it.len());
        Self { path, from, lines }
    }

    /// What came since, only the lines that count. A file that is shorter now was begun anew.
    fn read(&self) -> std::io::Result<Vec<u8>> {
        let mut file = File::open(&self.path)?;
        let from = if file.metadata()?.len() < self.from {
            0
        } else {
            self.from
        };
        file.seek(SeekFrom::Start(from))?;
        let mut octets = Vec::new();
        file.take(LOG).read_to_end(&mut octets)?;
        let Some(pattern) = self.lines else {
            return Ok(octets);
        };
        let lines = octets.split_inclusive(|it| *it == b'\n');
        Ok(lines
            .filter(|it| pattern.is_match(it))
            .flatten()
            .copied()
            .collect())
    }
}
