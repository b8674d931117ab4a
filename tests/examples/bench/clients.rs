//! What mailproof costs beside the client that it runs.

use std::{
    process::{Command, Stdio},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Instant,
};

use mailproof::results::Record;
use mailproof_scenarios::{
    library::Library,
    model::{PortRole, What},
};
use mailproof_tests::program::command;

use super::{
    Outcome, median,
    mock::{CONNECTIONS, Mock, Mocks},
};

const JOBS: usize = 2;

const ROUNDS: usize = 3;

/// One start of curl: what it was told, and the port that it was to go to.
struct Start {
    arguments: Vec<String>,
    port: PortRole,
}

/// The wall time of `mailproof run curl`, by that of as many bare curls before a server that does everything
/// right.
pub(crate) fn ratio() -> Outcome {
    if mailproof::process::look_up("curl").is_none() {
        return Err("curl is not installed".to_owned());
    }
    let mocks = Mocks::new()?;
    let runtime = tokio::runtime::Runtime::new().map_err(|it| it.to_string())?;
    let mut ratios = Vec::new();
    let mut last = String::new();
    for _ in 0..ROUNDS {
        let (with, starts) = with_mailproof()?;
        let (bare, failed) = bare(&mocks, &runtime, &starts)?;
        ratios.push(with / bare);
        last = format!(
            "{with:.2} s / {bare:.2} s for {} starts of curl, {failed} bare ones failed",
            starts.len()
        );
    }
    Ok(format!(
        "{:.2}; the last of {ROUNDS}: {last}",
        median(ratios)
    ))
}

/// Seconds, and every start of curl in cases and controls.
fn with_mailproof() -> Result<(f64, Vec<Start>), String> {
    let folder = tempfile::tempdir().map_err(|it| it.to_string())?;
    let library = Library::embedded().map_err(|it| it.to_string())?;
    let waiting = library.scenarios().iter();
    let waiting = waiting.filter(|it| it.cases.iter().any(|case| case.waits));
    let excludes = waiting.flat_map(|it| ["--exclude".to_owned(), it.id.clone()]);
    let mut run = command([
        "run", "curl", "--quiet", "--seed", "1", "-i", "smtp/**", "-i", "imap/**",
    ]);
    run.args(excludes)
        .args(["--jobs", &JOBS.to_string(), "--out"])
        .arg(folder.path())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let began = Instant::now();
    run.status().map_err(|it| it.to_string())?;
    let took = began.elapsed().as_secs_f64();
    let text = std::fs::read_to_string(folder.path().join("records.ndjson"));
    let text = text.map_err(|it| it.to_string())?;
    let mut starts = Vec::new();
    for line in text.lines() {
        let record: Record = serde_json::from_str(line).map_err(|it| it.to_string())?;
        starts.extend(of(&record));
    }
    Ok((took, starts))
}

fn of(record: &Record) -> Vec<Start> {
    let started = record.log.events.iter().filter_map(|event| {
        let What::StepStarted { command } = &event.what else {
            return None;
        };
        let step = record.steps.get(usize::from(event.step).checked_sub(1)?)?;
        Some(Start {
            arguments: command.clone(),
            port: step.port,
        })
    });
    started.collect()
}

/// Seconds, and how many did not succeed.
fn bare(
    mocks: &Mocks,
    runtime: &tokio::runtime::Runtime,
    starts: &[Start],
) -> Result<(f64, usize), String> {
    let roles = [
        PortRole::Submission,
        PortRole::Submissions,
        PortRole::Imap,
        PortRole::Imaps,
    ];
    let folder = tempfile::tempdir().map_err(|it| it.to_string())?;
    let message = folder.path().join("message.eml");
    let text = format!(
        "From: a@firma.example\r\nTo: b@example.net\r\nSubject: Bench\r\n\r\n{}",
        "Hello.\r\n".repeat(20)
    );
    std::fs::write(&message, text).map_err(|it| it.to_string())?;
    let mut took = 0.0;
    let failed = AtomicUsize::new(0);
    for starts in starts.chunks(CONNECTIONS) {
        let mock = runtime.block_on(mocks.start(&roles, false))?;
        let commands: Vec<Command> = starts
            .iter()
            .map(|it| adapted(it, &mock, &mocks.ca(), &message))
            .collect();
        let next = Mutex::new(commands.into_iter());
        let began = Instant::now();
        std::thread::scope(|scope| {
            for _ in 0..JOBS {
                scope.spawn(|| {
                    loop {
                        let taken = next.lock().unwrap_or_else(PoisonError::into_inner).next();
                        let Some(mut command) = taken else { break };
                        if !command.status().is_ok_and(|it| it.success()) {
                            failed.fetch_add(1, Ordering::Relaxed);
                        }
                    }
                });
            }
        });
        took += began.elapsed().as_secs_f64();
        runtime.block_on(mock.world.finish());
    }
    Ok((took, failed.into_inner()))
}

/// The same command line for another server.
fn adapted(start: &Start, mock: &Mock, ca: &std::path::Path, message: &std::path::Path) -> Command {
    let account = mock.canaries.accounts.first();
    let (user, password, token) =
        account.map_or(("", "", ""), |it| (&it.user, &it.password, &it.token));
    let mut command = Command::new("curl");
    let mut before = "";
    for argument in start.arguments.iter().skip(1) {
        let value = match before {
            "--cacert" => ca.display().to_string(),
            "--upload-file" => message.display().to_string(),
            "--mail-from" => user.to_owned(),
            "--oauth2-bearer" => token.to_owned(),
            "--user" if argument.contains(':') => format!("{user}:{password}"),
            "--user" => user.to_owned(),
            _ => url(argument, mock.world.port(start.port)).unwrap_or_else(|| argument.clone()),
        };
        // The key to pin is another one here.
        if argument != "--pinnedpubkey" && before != "--pinnedpubkey" {
            command.arg(value);
        }
        before = argument;
    }
    command
        .env_clear()
        .envs(std::env::var_os("PATH").map(|it| ("PATH", it)))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command
}

/// `scheme://host:port/rest` with another port.
fn url(argument: &str, port: u16) -> Option<String> {
    let (scheme, rest) = argument.split_once("://")?;
    let (host, rest) = rest.split_once(':')?;
    let (_, path) = rest.split_once('/')?;
    Some(format!("{scheme}://{host}:{port}/{path}"))
}
