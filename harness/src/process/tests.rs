use std::{
    path::Path,
    time::{Duration, Instant},
};

use tempfile::TempDir;
use test_case::test_case;

use super::*;

/// Long enough that no test reaches it by accident, short enough to notice.
const AMPLE: Duration = Duration::from_secs(60);

fn shell(folder: &TempDir, script: &str) -> Invocation {
    Invocation {
        program: "sh".to_owned(),
        arguments: vec!["-c".to_owned(), script.to_owned()],
        environment: Vec::new(),
        folder: folder.path().to_owned(),
        home: folder.path().to_owned(),
        stdin: Input::Nothing,
        limits: Limits::default(),
        budget: AMPLE,
    }
}

async fn outcome(invocation: &Invocation) -> Outcome {
    run(invocation, &Cancel::new()).await.expect("sh starts")
}

/// Whether a process with the number in that file still runs. A zombie does not.
fn runs(file: &Path) -> bool {
    let pid = std::fs::read_to_string(file).expect("the script wrote its number");
    std::fs::read_to_string(format!("/proc/{}/stat", pid.trim()))
        .is_ok_and(|stat| !stat.contains(") Z "))
}

async fn until(mut so: impl FnMut() -> bool) {
    while !so() {
        tokio::task::yield_now().await;
    }
}

#[test_case("exit 0" => Exit::Code(0))]
#[test_case("exit 77" => Exit::Code(77))]
#[test_case("kill -SEGV $$" => Exit::Signal(11); "segv")]
#[test_case("kill -KILL $$" => Exit::Signal(9); "kill")]
#[test_case("exec >&- 2>&-; exit 3" => Exit::Code(3); "closes its output")]
#[tokio::test]
async fn ends_are_told_apart(script: &str) -> Exit {
    let folder = TempDir::new().expect("a folder");
    outcome(&shell(&folder, script)).await.exit
}

#[tokio::test]
async fn a_flood_is_cut_but_does_not_block() {
    let folder = TempDir::new().expect("a folder");
    let mut flood = shell(&folder, "head -c 3000000 /dev/zero; echo done >&2");
    flood.limits.kept_output = 1000;
    let outcome = outcome(&flood).await;
    assert_eq!(outcome.exit, Exit::Code(0));
    assert_eq!(outcome.stdout.kept, [0; 1000]);
    assert_eq!(outcome.stdout.dropped, 2_999_000);
    assert_eq!(outcome.stderr.text(), "done\n");
}

#[test_case("sleep 1000"; "one that listens to SIGTERM")]
#[test_case("trap '' TERM; while :; do sleep 1000; done"; "one that does not")]
#[tokio::test]
async fn a_hanging_subject_is_ended(script: &str) {
    let folder = TempDir::new().expect("a folder");
    let mut hanging = shell(&folder, &format!("echo $$ > pid; echo alive; {script}"));
    hanging.budget = Duration::from_millis(300);
    let started = Instant::now();
    let outcome = outcome(&hanging).await;
    assert_eq!(outcome.exit, Exit::OverBudget);
    assert_eq!(outcome.stdout.text(), "alive\n");
    assert!(!runs(&folder.path().join("pid")));
    assert!(started.elapsed() < AMPLE / 2);
}

#[test_case("sleep 1000 & echo $! > pid"; "left behind in the group")]
#[test_case("setsid sh -c 'echo $$ > pid; exec sleep 1000' & while ! [ -s pid ]; do :; done"; "in a session of its own")]
#[test_case("(setsid sh -c 'trap \"\" TERM HUP; echo $$ > tmp; mv tmp pid; while :; do sleep 1000; done' >/dev/null 2>&1 </dev/null &); while ! [ -s pid ]; do :; done"; "a daemon that ignores signals")]
#[test_case("env -i /bin/sh -c 'cd /; exec sleep 1000' & echo $! > pid"; "without any trace of where it came from")]
#[tokio::test]
async fn nothing_is_left_behind(script: &str) {
    let folder = TempDir::new().expect("a folder");
    let outcome = outcome(&shell(&folder, script)).await;
    assert_eq!(outcome.exit, Exit::Code(0));
    assert!(!runs(&folder.path().join("pid")));
    assert!(outcome.took < AMPLE / 2);
}

#[tokio::test]
async fn a_cancelled_subject_is_ended() {
    let folder = TempDir::new().expect("a folder");
    let pid = folder.path().join("pid");
    let cancel = Cancel::new();
    let invocation = shell(&folder, "echo $$ > tmp; mv tmp pid; sleep 1000");
    let (outcome, ()) = tokio::join!(run(&invocation, &cancel), async {
        until(|| pid.exists()).await;
        cancel.cancel();
    });
    assert_eq!(outcome.map(|it| it.exit).ok(), Some(Exit::Cancelled));
    assert!(!runs(&pid));
}

#[tokio::test]
async fn a_dropped_run_ends_its_subject() {
    let folder = TempDir::new().expect("a folder");
    let pid = folder.path().join("pid");
    let script = "trap '' TERM; echo $$ > tmp; mv tmp pid; while :; do sleep 1000; done";
    let invocation = shell(&folder, script);
    let running = tokio::spawn(async move { run(&invocation, &Cancel::new()).await });
    until(|| pid.exists()).await;
    running.abort();
    until(|| !runs(&pid)).await;
}

#[tokio::test]
async fn the_environment_is_scrubbed() {
    let folder = TempDir::new().expect("a folder");
    let mut env = shell(&folder, "env | cut -d= -f1; echo $HOME; pwd -P; ulimit -c");
    env.program = "/bin/sh".to_owned();
    env.environment = vec![("OWN".to_owned(), "value".to_owned())];
    let text = outcome(&env).await.stdout.text();
    let mut lines: Vec<&str> = text.lines().collect();
    let core = lines.pop();
    let here = lines.pop().map(Path::new);
    let home = lines.pop().map(Path::new);
    // What the shell sets by itself.
    lines.retain(|name| !["PWD", "OLDPWD", "SHLVL", "_"].contains(name));
    lines.sort_unstable();
    let expected = ["HOME", "LANG", "LOGNAME", "OWN", "PATH", "TERM", "USER"];
    assert_eq!(lines, expected);
    assert_eq!(core, Some("0"));
    assert_eq!(home, Some(folder.path()));
    assert_eq!(here, folder.path().canonicalize().ok().as_deref());
}

#[test_case(Input::Nothing => ""; "nothing")]
#[test_case(Input::Octets(b"octets\r\n".to_vec()) => "octets\r\n"; "octets")]
#[test_case(Input::Octets(vec![b'x'; 200_000]) => "x".repeat(200_000); "more than a pipe holds")]
#[tokio::test]
async fn input_arrives(input: Input) -> String {
    let folder = TempDir::new().expect("a folder");
    let mut cat = shell(&folder, "cat");
    cat.stdin = input;
    outcome(&cat).await.stdout.text()
}

#[tokio::test]
async fn input_comes_from_a_file() {
    let folder = TempDir::new().expect("a folder");
    let file = folder.path().join("in");
    std::fs::write(&file, "from the file").expect("writes");
    let mut cat = shell(&folder, "cat");
    cat.stdin = Input::File(file);
    assert_eq!(outcome(&cat).await.stdout.text(), "from the file");

    cat.stdin = Input::File(folder.path().join("absent"));
    let error = run(&cat, &Cancel::new()).await.err();
    assert!(matches!(error, Some(StartError::Input { .. })), "{error:?}");
}

#[tokio::test]
async fn limits_hold() {
    let folder = TempDir::new().expect("a folder");
    let mut greedy = shell(&folder, "head -c 20000 /dev/zero > big");
    greedy.limits.file_size = 10_000;
    greedy.limits.address_space = Some(1 << 30);
    let outcome = outcome(&greedy).await;
    assert_ne!(outcome.exit, Exit::Code(0));
    let written = std::fs::metadata(folder.path().join("big")).map(|it| it.len());
    assert!(written.is_ok_and(|len| len <= 10_000));
    assert!(outcome.peak_memory > 0);
}

/// What it takes counts, and what mailproof itself takes is known.
#[tokio::test]
async fn memory_is_measured() {
    let folder = TempDir::new().expect("a folder");
    let script = "x=$(head -c 150000000 /dev/zero | tr '\\0' x); : \"$x\"";
    let large = outcome(&shell(&folder, script)).await;
    assert!(large.peak_memory > 140_000, "{} KiB", large.peak_memory);
    assert!(large.peak_memory > large.memory_floor);
    let small = outcome(&shell(&folder, ":")).await;
    let least = small.memory_floor + 10_000;
    assert!(
        small.peak_memory < least,
        "{} KiB, {least}",
        small.peak_memory
    );
}

#[tokio::test]
async fn a_missing_program_is_named() {
    let folder = TempDir::new().expect("a folder");
    let mut missing = shell(&folder, "");
    missing.program = "no-such-mail-client".to_owned();
    let error = run(&missing, &Cancel::new()).await.err();
    assert_eq!(
        error.map(|it| it.to_string()).as_deref(),
        Some("there is no program `no-such-mail-client`")
    );
    assert_eq!(look_up("no-such-mail-client"), None);
    assert!(look_up("sh").is_some());
    assert!(look_up("/bin/sh").is_some());
    assert_eq!(look_up("/etc/passwd"), None, "not executable");
}

#[tokio::test]
async fn many_at_once_do_not_disturb_each_other() {
    let mut running = tokio::task::JoinSet::new();
    for number in 0..24 {
        running.spawn(async move {
            let folder = TempDir::new().expect("a folder");
            let script = format!("setsid sleep 1000 & echo {number}; exit {number}");
            let outcome = outcome(&shell(&folder, &script)).await;
            assert_eq!(outcome.exit, Exit::Code(number));
            assert_eq!(outcome.stdout.text(), format!("{number}\n"));
        });
    }
    while let Some(done) = running.join_next().await {
        done.expect("no panic");
    }
}
