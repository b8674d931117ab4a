//! One process of a subject: started in a place of its own, bounded in time and memory, and ended with
//! everything that it started.
//!
//! Linux only. Must not know adapters, requests or mail.
//!
//! Between mailproof and the subject stands a *keeper* (`keeper.rs`): a fork of mailproof that never
//! executes anything, adopts whatever the subject leaves behind and ends it. It does the same when
//! mailproof itself dies, however that happens.

mod cancel;
mod capture;
mod crash;
mod keeper;

use std::{
    io,
    os::fd::{AsFd, AsRawFd},
    path::{Path, PathBuf},
    process::Stdio,
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::UnixStream,
    process::Command,
    time::timeout,
};

pub use cancel::Cancel;
pub use capture::Captured;
pub use crash::{crash_report, signal_name};

/// What is to be run, where, and how far it may go.
#[derive(Clone, Debug)]
pub struct Invocation {
    /// The program, looked up in `PATH` if it has no slash.
    pub program: String,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// Variables beside the few that every subject gets.
    pub environment: Vec<(String, String)>,
    /// The working folder.
    pub folder: PathBuf,
    /// What `HOME` says.
    pub home: PathBuf,
    /// Where standard input comes from.
    pub stdin: Input,
    /// Bounds.
    pub limits: Limits,
    /// Wall-clock time until it is told to end.
    pub budget: Duration,
}

/// Where standard input comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// Nowhere: it is at its end at once.
    Nothing,
    /// A file.
    File(PathBuf),
    /// These octets.
    Octets(Vec<u8>),
}

/// Bounds of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Octets of address space; `None` leaves it as it is (sanitizers and some runtimes need a lot).
    pub address_space: Option<u64>,
    /// Octets of the largest file that it may write.
    pub file_size: u64,
    /// Octets of each output stream that are kept. What comes beyond is read, counted and dropped.
    pub kept_output: usize,
    /// Time between being told to end (SIGTERM) and being ended (SIGKILL).
    pub grace: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            address_space: None,
            file_size: 256 << 20,
            kept_output: 1 << 20,
            grace: Duration::from_millis(500),
        }
    }
}

/// How a process ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Exit {
    /// With this code.
    Code(i32),
    /// By this signal, which mailproof did not send.
    Signal(i32),
    /// It was ended because its budget was over.
    OverBudget,
    /// It was ended because the run was cancelled.
    Cancelled,
}

/// What is known of a process that has ended, together with everything that it started.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// How it ended.
    pub exit: Exit,
    /// What it printed.
    pub stdout: Captured,
    /// What it complained about.
    pub stderr: Captured,
    /// The largest resident set of it or of a child that it waited for, in KiB.
    pub peak_memory: u64,
    /// What it began with as a copy of mailproof, in KiB. A peak that is not above it only says that it took
    /// no more.
    pub memory_floor: u64,
    /// How long it took.
    pub took: Duration,
}

/// Why a process could not be started or watched.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// There is no such program.
    #[error("there is no program `{0}`")]
    NotFound(String),
    /// Its input cannot be read.
    #[error("cannot read {file}, which is to be the input: {source}", file = .file.display())]
    Input {
        /// The file.
        file: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// Something else of the operating system.
    #[error("cannot start `{program}`: {source}")]
    Start {
        /// The program.
        program: String,
        /// Why not.
        source: io::Error,
    },
    /// The keeper ended without a word.
    #[error("lost sight of `{0}`")]
    Lost(String),
}

/// Runs a process to its end, or ends it when its budget is over or `cancel` says so. Nothing that it
/// started is left behind, also not what left its process group or its session.
///
/// The environment has `PATH`, `HOME`, `LANG`, `TERM`, `USER`, `LOGNAME` and [`Invocation::environment`].
/// Dropping the future ends the process, too.
///
/// # Errors
/// [`StartError`] where it did not even start.
pub async fn run(invocation: &Invocation, cancel: &Cancel) -> Result<Outcome, StartError> {
    let failed = |source| StartError::Start {
        program: invocation.program.clone(),
        source,
    };
    let started = Instant::now();
    let (ours, theirs) = std::os::unix::net::UnixStream::pair().map_err(failed)?;
    ours.set_nonblocking(true).map_err(failed)?;
    let mut control = UnixStream::from_std(ours).map_err(failed)?;

    let mut command = Command::new(&invocation.program);
    command
        .args(&invocation.arguments)
        .env_clear()
        .envs(scrubbed(&invocation.home))
        .envs(
            invocation
                .environment
                .iter()
                .map(|(name, value)| (name, value)),
        )
        .current_dir(&invocation.folder)
        .stdin(open(&invocation.stdin)?)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let limits = invocation.limits;
    let descriptor = theirs.as_fd().as_raw_fd();
    // SAFETY: what runs between fork and exec makes system calls only: it allocates nothing, takes no lock
    // and touches no state of the parent. `theirs` is open in the child, whose descriptors are a copy.
    unsafe { command.pre_exec(move || keeper::part(descriptor, &limits)) };
    let mut child = command.spawn().map_err(|source| match source.kind() {
        io::ErrorKind::NotFound => StartError::NotFound(invocation.program.clone()),
        _ => failed(source),
    })?;
    drop(theirs);

    if let (Some(mut pipe), Input::Octets(octets)) = (child.stdin.take(), &invocation.stdin) {
        let octets = octets.clone();
        // A subject may end without reading its input; that is for the outcome to say.
        tokio::spawn(async move { pipe.write_all(&octets).await });
    }
    let stdout = capture::start(child.stdout.take(), limits.kept_output);
    let stderr = capture::start(child.stderr.take(), limits.kept_output);

    let (ended_by_us, report) = watch(&mut control, invocation, cancel).await;
    let report = report.ok_or_else(|| StartError::Lost(invocation.program.clone()));
    drop(control);
    // The keeper has reported, so it is about to exit; the time is only against a kernel that is stuck.
    let _ = timeout(Duration::from_secs(5), child.wait()).await;
    let (stdout, stderr) = (stdout.finish().await, stderr.finish().await);
    let report = report?;
    Ok(Outcome {
        exit: ended_by_us.unwrap_or(match report.signal {
            Some(signal) => Exit::Signal(signal),
            None => Exit::Code(report.code),
        }),
        stdout,
        stderr,
        peak_memory: report.peak_memory,
        memory_floor: report.floor,
        took: started.elapsed(),
    })
}

/// Where a program is, as a shell would find it.
pub fn look_up(program: &str) -> Option<PathBuf> {
    if program.contains('/') {
        return Some(PathBuf::from(program)).filter(|path| is_executable(path));
    }
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|folder| folder.join(program))
        .find(|path| is_executable(path))
}

fn is_executable(path: &Path) -> bool {
    path.is_file() && rustix::fs::access(path, rustix::fs::Access::EXEC_OK).is_ok()
}

/// Waits for the keeper's report; ends the subject where its time is over. The first value says that and
/// why it was ended.
async fn watch(
    control: &mut UnixStream,
    invocation: &Invocation,
    cancel: &Cancel,
) -> (Option<Exit>, Option<keeper::Report>) {
    let why = tokio::select! {
        report = read_report(control) => return (None, report),
        () = tokio::time::sleep(invocation.budget) => Exit::OverBudget,
        () = cancel.cancelled() => Exit::Cancelled,
    };
    // A keeper that is gone cannot be told anything, and has ended everything before it went.
    let _ = control.write_all(&[keeper::TERMINATE]).await;
    if let Ok(report) = timeout(invocation.limits.grace, read_report(control)).await {
        return (Some(why), report);
    }
    let _ = control.shutdown().await;
    let report = timeout(Duration::from_secs(5), read_report(control)).await;
    (Some(why), report.ok().flatten())
}

async fn read_report(control: &mut UnixStream) -> Option<keeper::Report> {
    let mut octets = [0; keeper::REPORT_LEN];
    control.read_exact(&mut octets).await.ok()?;
    Some(keeper::Report::decode(octets))
}

fn open(input: &Input) -> Result<Stdio, StartError> {
    match input {
        Input::Nothing => Ok(Stdio::null()),
        Input::Octets(_) => Ok(Stdio::piped()),
        Input::File(file) => std::fs::File::open(file)
            .map(Stdio::from)
            .map_err(|source| StartError::Input {
                file: file.clone(),
                source,
            }),
    }
}

/// What every subject gets. Anything else of mailproof's own environment could change a verdict silently:
/// a `SSL_CERT_FILE`, an `OPENSSL_CONF`, a proxy.
fn scrubbed(home: &Path) -> Vec<(&'static str, std::ffi::OsString)> {
    let inherited = |name: &'static str, otherwise: &str| {
        let value = std::env::var_os(name).unwrap_or_else(|| otherwise.into());
        (name, value)
    };
    vec![
        inherited("PATH", "/usr/local/bin:/usr/bin:/bin"),
        ("HOME", home.into()),
        ("LANG", "C.UTF-8".into()),
        ("TERM", "dumb".into()),
        inherited("USER", "mailproof"),
        inherited("LOGNAME", "mailproof"),
    ]
}

#[cfg(test)]
mod tests;
