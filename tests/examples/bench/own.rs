//! The mock in a process of its own, so that its memory and its processor time can be told from those of
//! whoever talks to it.

use std::{
    io::{self, BufRead as _, BufReader, Read as _, Write as _},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, Stdio},
    time::Duration,
};

use mailproof_scenarios::model::PortRole;

use super::mock::Mocks;

/// The argument that makes this program the mock.
pub(crate) const ARGUMENT: &str = "--be-the-mock";

/// Connections that it serves.
const SERVED: u32 = 200_000;

/// Is the mock until nobody wants it any more: one port with TLS, whose number it prints. Its certificates
/// are in `folder`.
pub(crate) fn serve(folder: &Path) -> Result<(), String> {
    let mocks = Mocks::new()?;
    mocks.write(folder)?;
    let runtime = tokio::runtime::Runtime::new().map_err(|it| it.to_string())?;
    let mock = runtime.block_on(mocks.start_for(&[PortRole::Submissions], false, SERVED))?;
    let mut stdout = io::stdout();
    writeln!(stdout, "{}", mock.world.port(PortRole::Submissions)).map_err(|it| it.to_string())?;
    stdout.flush().map_err(|it| it.to_string())?;
    let _ = io::stdin().read(&mut [0]);
    Ok(())
}

/// That process. Dropping it ends it.
pub(crate) struct Own {
    process: Process,
    /// Open as long as it is wanted.
    _wanted: Option<ChildStdin>,
    folder: tempfile::TempDir,
    /// Its port.
    pub(crate) port: u16,
}

/// A process that is ended with its owner.
pub(crate) struct Process(pub(crate) Child);

impl Own {
    /// Starts it.
    pub(crate) fn start() -> Result<Self, String> {
        let folder = tempfile::tempdir().map_err(|it| it.to_string())?;
        let program = std::env::current_exe().map_err(|it| it.to_string())?;
        let mut child = Command::new(program)
            .arg(ARGUMENT)
            .arg(folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|it| it.to_string())?;
        let wanted = child.stdin.take();
        let stdout = child.stdout.take().ok_or("no output")?;
        let process = Process(child);
        let mut line = String::new();
        let mut reader = BufReader::new(stdout);
        reader.read_line(&mut line).map_err(|it| it.to_string())?;
        let port = line.trim().parse();
        Ok(Self {
            port: port.map_err(|_| "the mock names no port".to_owned())?,
            process,
            _wanted: wanted,
            folder,
        })
    }

    /// One of the files `ca.pem`, `chain.pem` and `key.pem`.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The process.
    pub(crate) fn process(&self) -> &Process {
        &self.process
    }
}

impl Process {
    /// Processor time that it has taken, to a hundredth of a second.
    pub(crate) fn spent(&self) -> Option<Duration> {
        let stat = self.read("stat")?;
        // The name, in brackets, may hold anything.
        let (_, rest) = stat.rsplit_once(')')?;
        let mut fields = rest.split_whitespace().skip(11);
        let user: u64 = fields.next()?.parse().ok()?;
        let system: u64 = fields.next()?.parse().ok()?;
        let per_second = rustix::param::clock_ticks_per_second();
        Some(Duration::from_millis((user + system) * 1000 / per_second))
    }

    /// Octets of memory that it holds.
    pub(crate) fn resident(&self) -> Option<u64> {
        let status = self.read("status")?;
        let line = status.lines().find_map(|it| it.strip_prefix("VmRSS:"))?;
        let kib: u64 = line.split_whitespace().next()?.parse().ok()?;
        Some(kib * 1024)
    }

    fn read(&self, name: &str) -> Option<String> {
        std::fs::read_to_string(format!("/proc/{}/{name}", self.0.id())).ok()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
