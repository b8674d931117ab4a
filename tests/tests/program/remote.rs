//! Products that hooks operate: a small one over HTTP, and Postfix by its queue and its log.

use std::{
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use mailproof::results::{Results, Verdict};
use mailproof_tests::program::{Ended, command, is_installed, results, skipped};
use test_case::test_case;

pub(crate) const TOKEN: &str = "outbox-\"token\"";

pub(crate) fn products() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("products")
}

/// The HTTP product, until it is dropped.
pub(crate) struct Outbox {
    child: Child,
    pub(crate) url: String,
}

impl Outbox {
    pub(crate) fn start(switches: &[&str]) -> Self {
        let mut child = Command::new("python3")
            .arg(products().join("outbox/outbox.py"))
            .args(["--port", "0"])
            .args(switches)
            .env("OUTBOX_TOKEN", TOKEN)
            .stdout(Stdio::piped())
            .spawn()
            .expect("python3 can be started");
        let mut line = String::new();
        let stdout = child.stdout.take().expect("a pipe");
        BufReader::new(stdout).read_line(&mut line).expect("a line");
        let url = line
            .trim()
            .rsplit(' ')
            .next()
            .unwrap_or_default()
            .to_owned();
        Self { child, url }
    }
}

impl Drop for Outbox {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A run of an adapter with `--out`.
struct Run {
    folder: tempfile::TempDir,
    ended: Ended,
}

impl Run {
    fn of(adapter: &Path, environment: &[(&str, &str)], arguments: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let ended = command(["run"])
            .arg(adapter)
            .args(arguments)
            .args(["--quiet", "--seed", "1", "--out"])
            .arg(folder.path())
            .envs(environment.iter().copied())
            .output()
            .unwrap()
            .into();
        Self { folder, ended }
    }

    fn results(&self) -> Results {
        results(self.folder.path(), &self.ended)
    }

    fn records(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("records.ndjson")).unwrap()
    }
}

fn outbox(switches: &[&str], arguments: &[&str]) -> Run {
    let product = Outbox::start(switches);
    let adapter = products().join("outbox/outbox.toml");
    let environment = [
        ("OUTBOX_URL", product.url.as_str()),
        ("OUTBOX_TOKEN", TOKEN),
    ];
    Run::of(&adapter, &environment, arguments)
}

/// Every verdict that is about the subject, by id.
fn verdicts(results: &Results) -> Vec<(&str, Verdict)> {
    let run = results
        .cases
        .iter()
        .map(|it| (it.id.as_str(), it.judgement.verdict));
    run.filter(|(_, it)| *it != Verdict::Unsupported).collect()
}

const CASES: [&str; 6] = [
    "-i",
    "cert/time/expired-*#smtp-*",
    "-i",
    "smtp/starttls/not-offered*",
    "-i",
    "cert/trust/self-signed#smtp-*",
];

#[test]
fn a_product_over_http_is_judged_and_its_token_shows_nowhere() {
    if !is_installed("python3") {
        return;
    }
    let run = outbox(&[], &CASES);
    let results = run.results();
    assert_eq!(run.ended.code, Some(0), "{:?}", verdicts(&results));
    assert_eq!(results.subject_version.as_deref(), Some("1.4.0"));
    let passed = verdicts(&results)
        .iter()
        .filter(|(_, it)| *it == Verdict::Pass)
        .count();
    assert!(passed >= 5, "{:?}", verdicts(&results));
    let said = format!("{}{}{}", run.records(), run.ended.stdout, run.ended.stderr);
    assert!(!said.contains("outbox-"), "the token");
}

#[test_case("--accept-expired", "cert/time/expired-leaf#smtp-implicit", "cert/trust/self-signed#smtp-implicit"; "an expired certificate")]
#[test_case("--auth-before-starttls", "cert/time/expired-leaf#smtp-starttls", "cert/time/expired-leaf#smtp-implicit"; "a password in clear")]
fn a_planted_regression_fails_and_nothing_else(switch: &str, fails: &str, passes: &str) {
    if !is_installed("python3") {
        return;
    }
    let run = outbox(&[switch], &["-i", fails, "-i", passes]);
    assert_eq!(run.ended.code, Some(1), "{}", run.ended.stderr);
    let results = run.results();
    assert_eq!(verdicts(&results).len(), 2);
    for (id, verdict) in verdicts(&results) {
        let expected = if id == fails {
            Verdict::Fail
        } else {
            Verdict::Pass
        };
        assert_eq!(verdict, expected, "{id}");
    }
}

#[test]
fn another_greeting_is_no_failure() {
    if !is_installed("python3") {
        return;
    }
    let run = outbox(&["--ehlo", "new-name.example"], &CASES);
    assert_eq!(run.ended.code, Some(0), "{:?}", verdicts(&run.results()));
    assert!(run.records().contains("ehlo new-name.example"));
}

#[test]
fn what_nobody_observes_is_never_held() {
    if !is_installed("python3") {
        return;
    }
    let product = Outbox::start(&[]);
    let text = std::fs::read_to_string(products().join("outbox/outbox.toml")).unwrap();
    let (before, _) = text.split_once("[remote.observe.send]").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let adapter = folder.path().join("blind.toml");
    std::fs::write(&adapter, before).unwrap();
    let environment = [
        ("OUTBOX_URL", product.url.as_str()),
        ("OUTBOX_TOKEN", TOKEN),
    ];
    let run = Run::of(
        &adapter,
        &environment,
        &["-i", "cert/trust/self-signed#smtp-implicit"],
    );
    let results = run.results();
    let findings = results.cases.iter().flat_map(|it| &it.judgement.findings);
    let quoted = findings
        .filter(|it| it.name == "no-secret-in-output")
        .map(|it| it.held)
        .collect::<Vec<_>>();
    assert_eq!(quoted, [mailproof::results::Held::NotObservable]);
    assert!(
        results.cases[0].transcript.contains("nobody heard"),
        "{:?}",
        results.cases[0]
    );
}

#[test]
fn a_retry_that_comes_late_is_told_in_its_own_case() {
    if !is_installed("python3") {
        return;
    }
    let product = Outbox::start(&["--attempts", "1000", "--retry-after", "0.3"]);
    let text = std::fs::read_to_string(products().join("outbox/outbox.toml")).unwrap();
    let text = text
        .replace("[remote.reset]\npost = \"/reset\"\n", "")
        .replace(
            "\"sent\", \"failed\"]",
            "\"sent\", \"failed\", \"waiting\"]",
        );
    assert!(!text.contains("/reset") && text.contains("waiting"));
    let folder = tempfile::tempdir().unwrap();
    let adapter = folder.path().join("forgetful.toml");
    std::fs::write(&adapter, text).unwrap();
    let environment = [
        ("OUTBOX_URL", product.url.as_str()),
        ("OUTBOX_TOKEN", TOKEN),
    ];
    // What is waiting goes out while the cases behind it run.
    let put_off = "smtp/auth/454-temporary#smtp-implicit";
    let (key, bundle) = (
        folder.path().join("key.pem"),
        folder.path().join("a.bundle"),
    );
    let made = command(["key", "new"]).arg(&key).status();
    assert!(made.unwrap().success());
    let (key, bundle) = (key.display().to_string(), bundle.display().to_string());
    let arguments = [
        "-i",
        put_off,
        "-i",
        "tls/**#smtp-implicit",
        "-j",
        "1",
        "--bundle",
        &bundle,
        "--sign-key",
        &key,
    ];
    let run = Run::of(&adapter, &environment, &arguments);
    let results = run.results();
    let told = |words: &str| {
        let all = results.cases.iter().chain(&results.controls);
        all.filter(|it| it.transcript.contains(words))
            .map(|it| it.id.clone())
            .collect::<Vec<_>>()
    };
    let owners = told("this connection came late");
    assert!(!owners.is_empty(), "{}", run.ended.stdout);
    assert!(!told("a connection arrived that belongs to").is_empty());
    let again = command(["rejudge"])
        .arg(run.folder.path())
        .args(["--quiet", "--format", "json"])
        .output()
        .unwrap();
    let again: Results = serde_json::from_slice(&again.stdout).unwrap();
    assert_eq!(
        verdicts(&again),
        verdicts(&results),
        "from the records alone"
    );
    let verified: Ended = command(["verify", &bundle]).output().unwrap().into();
    assert_eq!(
        verified.code,
        Some(0),
        "{}{}",
        verified.stdout,
        verified.stderr
    );
}

#[test_case(None, "http://127.0.0.1:1", 3, "the environment has no value for OUTBOX_TOKEN"; "no token")]
#[test_case(Some("abc"), "http://127.0.0.1:1", 3, "fewer than 4 octets"; "short token")]
#[test_case(Some(TOKEN), "http://127.0.0.1:1", 3, "Outbox is not there: ready: cannot connect to 127.0.0.1:1"; "nobody there")]
#[test_case(Some(TOKEN), "ftp://127.0.0.1", 3, "expected http:// or https://"; "no web address")]
fn before_anything_is_run(token: Option<&str>, url: &str, code: i32, says: &str) {
    let mut mailproof = command(["run"]);
    mailproof
        .arg(products().join("outbox/outbox.toml"))
        .env("OUTBOX_URL", url);
    match token {
        Some(token) => mailproof.env("OUTBOX_TOKEN", token),
        None => mailproof.env_remove("OUTBOX_TOKEN"),
    };
    let ended: Ended = mailproof.output().unwrap().into();
    assert_eq!(ended.code, Some(code), "{}", ended.stderr);
    assert!(ended.stderr.contains(says), "{}", ended.stderr);
    assert_eq!(ended.stdout, "");
}

/// A Postfix of its own, until it is dropped.
struct Postfix(tempfile::TempDir);

impl Postfix {
    fn start() -> Self {
        let folder = tempfile::Builder::new()
            .prefix("mailproof-postfix-")
            .tempdir()
            .unwrap();
        let postfix = Self(folder);
        assert!(postfix.does("start"), "Postfix starts");
        postfix
    }

    fn does(&self, what: &str) -> bool {
        let mut script = Command::new(products().join("postfix/postfix.sh"));
        let status = script
            .arg(what)
            .arg(self.0.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        status.status().is_ok_and(|it| it.success())
    }
}

impl Drop for Postfix {
    fn drop(&mut self) {
        self.does("stop");
    }
}

#[test]
fn postfix_is_judged_by_its_log() {
    if !is_installed("postfix") {
        return;
    }
    if !rustix::process::geteuid().is_root() {
        skipped("a private Postfix needs root");
        return;
    }
    let postfix = Postfix::start();
    let folder = postfix.0.path().display().to_string();
    let environment = [("MAILPROOF_POSTFIX", folder.as_str())];
    let adapter = products().join("postfix/postfix.toml");
    let cases = [
        "-i",
        "cert/trust/self-signed#smtp-*",
        "-i",
        "cert/time/expired-leaf#smtp-*",
    ];
    let run = Run::of(&adapter, &environment, &cases);
    let results = run.results();
    let verdicts = verdicts(&results);
    assert_eq!(
        run.ended.code,
        Some(0),
        "{verdicts:?}: {}",
        run.ended.stdout
    );
    assert_eq!(verdicts.len(), 4);
    assert!(
        verdicts.iter().all(|(_, it)| *it == Verdict::Pass),
        "{verdicts:?}"
    );
    assert!(
        results
            .cases
            .iter()
            .any(|it| it.transcript.contains("TLS refused"))
    );
}
