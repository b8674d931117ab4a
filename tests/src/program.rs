//! The program, run as a user runs it.

use std::{
    ffi::OsStr,
    io::{self, Write as _},
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    sync::OnceLock,
};

use mailproof::results::{CaseResult, Results, Verdict};

/// The program of this source tree, built as these tests are.
///
/// # Panics
/// Where it cannot be built.
pub fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let own = std::env::current_exe().expect("the path of this program");
        // target/PROFILE/deps/TEST or target/PROFILE/examples/EXAMPLE
        let folder = own.ancestors().nth(2).expect("a target folder");
        build();
        folder.join("mailproof")
    })
}

/// Cargo builds the program of another package for nobody, so it is told to.
fn build() {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| env!("CARGO").into());
    let mut build = Command::new(cargo);
    build.args([
        "build",
        "--quiet",
        "--package",
        "mailproof",
        "--bin",
        "mailproof",
    ]);
    if !cfg!(debug_assertions) {
        build.arg("--release");
    }
    let done = build
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .status()
        .expect("cargo can be started");
    assert!(done.success(), "the program cannot be built");
}

/// The program with these arguments, not started yet.
pub fn command(arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Command {
    let mut command = Command::new(program());
    command
        .args(arguments)
        .env_remove("RUST_BACKTRACE")
        .env_remove("CLICOLOR_FORCE")
        .stdin(Stdio::null());
    command
}

/// How it ended, and what it said.
#[derive(Clone, Debug)]
pub struct Ended {
    /// The exit code; `None` where a signal ended it.
    pub code: Option<i32>,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl From<Output> for Ended {
    fn from(output: Output) -> Self {
        let text = |octets| String::from_utf8(octets).expect("UTF-8 and nothing else");
        Self {
            code: output.status.code(),
            stdout: text(output.stdout),
            stderr: text(output.stderr),
        }
    }
}

/// Runs it to its end.
///
/// # Panics
/// Where it cannot be started, or says something that is no text.
pub fn mailproof(arguments: &[&str]) -> Ended {
    command(arguments)
        .output()
        .expect("the program can be started")
        .into()
}

/// A folder of `--out`, and how the run ended that filled it.
#[derive(Debug)]
pub struct Report {
    /// The folder.
    pub folder: tempfile::TempDir,
    /// How it ended.
    pub ended: Ended,
    /// `results.json`.
    pub results: Results,
}

impl Report {
    /// Runs it with `--out`, a seed and no progress.
    ///
    /// # Panics
    /// Where there is no `results.json` afterwards.
    pub fn of(arguments: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let ended = command(arguments)
            .args(["--quiet", "--seed", "1", "--out"])
            .arg(folder.path())
            .output()
            .expect("the program can be started")
            .into();
        Self {
            results: results(folder.path(), &ended),
            folder,
            ended,
        }
    }

    /// A case.
    ///
    /// # Panics
    /// Where it is not among the results.
    pub fn case(&self, id: &str) -> &CaseResult {
        let found = self.results.cases.iter().find(|it| it.id == id);
        found.unwrap_or_else(|| panic!("no case {id}: {}", self.ended.stderr))
    }

    /// Its verdict.
    pub fn verdict(&self, id: &str) -> Verdict {
        self.case(id).judgement.verdict
    }
}

/// What the file says.
///
/// # Panics
/// Where there is none, or it is none.
pub fn results(folder: &Path, ended: &Ended) -> Results {
    let path = folder.join("results.json");
    let text = std::fs::read(&path).unwrap_or_else(|error| panic!("{error}: {}", ended.stderr));
    serde_json::from_slice(&text).expect("a results file")
}

/// Whether a program is installed. Where it is not, that is said past the test runner, which shows nothing
/// of tests that pass.
pub fn is_installed(program: &str) -> bool {
    let found = mailproof::process::look_up(program).is_some();
    if !found {
        skipped(&format!("{program} is not installed"));
    }
    found
}

/// Says why something was not tested.
pub fn skipped(why: &str) {
    let _ = writeln!(io::stderr(), "skipped: {why}");
}
