//! Servers at fixed ports and other addresses, stored authorities and own chains.

use std::{
    net::{Ipv4Addr, TcpListener},
    sync::atomic::{AtomicU8, Ordering},
};

use mailproof::results::{Results, Verdict};
use mailproof_tests::program::{Ended, is_installed, mailproof};
use test_case::test_case;

/// An address of this machine that no other test uses, in this process or another: nobody takes its ports
/// between the moment when they were free and the run.
fn address() -> Ipv4Addr {
    static NEXT: AtomicU8 = AtomicU8::new(1);
    let [.., high, low] = std::process::id().to_be_bytes();
    Ipv4Addr::new(127, high | 1, low, NEXT.fetch_add(1, Ordering::Relaxed))
}

/// Entries of a port map with numbers that are free now.
fn free_ports(at: Ipv4Addr) -> String {
    let roles = [
        "smtp",
        "submissions",
        "submission",
        "alternate",
        "imap",
        "imaps",
    ];
    let taken = roles.map(|role| {
        let listener = TcpListener::bind((at, 0)).expect("an address of this machine");
        (role, listener)
    });
    let entries = taken.each_ref().map(|(role, listener)| {
        let number = listener.local_addr().unwrap().port();
        format!("{role}={number}")
    });
    entries.join(",")
}

/// A run at an address of its own.
fn reached(subject: &str, include: &[&str], more: &[&str]) -> (Ended, Results) {
    let at = address();
    let (bind, ports) = (at.to_string(), free_ports(at));
    let place = ["--bind", &bind, "--port-map", &ports];
    run(subject, include, &[&place, more].concat())
}

fn run(subject: &str, include: &[&str], more: &[&str]) -> (Ended, Results) {
    let mut arguments = vec!["run", subject, "--format", "json", "--seed", "1"];
    arguments.extend(include.iter().flat_map(|it| ["--include", it]));
    arguments.extend(more);
    let ended = mailproof(&arguments);
    let results = serde_json::from_str(&ended.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", ended.stderr));
    (ended, results)
}

#[test_case("reference"; "the reference client, in a worker")]
#[test_case("curl"; "curl")]
fn cases_run_at_another_address(subject: &str) {
    if subject == "curl" && !is_installed("curl") {
        return;
    }
    let (ended, results) = reached(subject, &["smtp/starttls/injection-after-220"], &[]);
    assert_eq!(results.place, "reachable");
    assert_eq!(results.ran, 3, "{}", ended.stderr);
    let passed = |it: &&mailproof::results::CaseResult| it.judgement.verdict == Verdict::Pass;
    assert_eq!(results.controls.iter().filter(passed).count(), 3);
    assert!(results.repeat.contains(&"--bind".to_owned()));
    assert!(results.turned_away.is_empty());
}

#[test]
fn who_may_not_come_is_told_and_proves_nothing() {
    let (ended, results) = reached(
        "reference",
        &["smtp/starttls/injection-after-220"],
        &["--allow-from", "192.0.2.0/24"],
    );
    assert_eq!(ended.code, Some(4), "{}", ended.stderr);
    assert!(!results.turned_away.is_empty());
    let at = address();
    let ended = mailproof(&[
        "run",
        "reference",
        "--include",
        "smtp/starttls/injection-after-220",
        "--bind",
        &at.to_string(),
        "--port-map",
        &free_ports(at),
        "--allow-from",
        "192.0.2.0/24",
    ]);
    assert!(ended.stderr.contains("turned away"), "{}", ended.stderr);
    let met = |it: &&mailproof::results::CaseResult| it.judgement.verdict != Verdict::Inconclusive;
    assert_eq!(results.cases.iter().filter(met).count(), 0);
}

#[test_case(&["--bind", "0.0.0.0"], "--allow-from"; "everybody could come")]
#[test_case(&["--allow-from", "10.0.0.0/33"], "10.0.0.0/33"; "an impossible network")]
#[test_case(&["--port-map", "submision=2587"], "did you mean `submission`"; "no such role")]
#[test_case(&["--ca", "/no/such/folder"], "ca init"; "no authority")]
#[test_case(&["--chain", "/no/such/file"], "--key"; "a chain without its key")]
#[test_case(&["--lab", "--bind", "127.0.0.2"], "lab"; "a lab has no way in")]
fn wrong_words(more: &[&str], hint: &str) {
    let ended = mailproof(&[&["run", "reference"], more].concat());
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(ended.stderr.contains(hint), "{}", ended.stderr);
}

#[test]
fn a_port_in_use_is_named() {
    let at = address();
    let taken = TcpListener::bind((at, 0)).unwrap();
    let number = taken.local_addr().unwrap().port();
    let ports = free_ports(at);
    let others = ports.split(',').filter(|it| !it.starts_with("submission="));
    let map: Vec<String> = others
        .map(str::to_owned)
        .chain([format!("submission={number}")])
        .collect();
    let ended = mailproof(&[
        "run",
        "reference",
        "-i",
        "smtp/starttls/injection-after-220",
        "--bind",
        &at.to_string(),
        "--port-map",
        &map.join(","),
    ]);
    assert_eq!(ended.code, Some(3), "{ended:?}");
    assert!(
        ended.stderr.contains(&number.to_string()),
        "{}",
        ended.stderr
    );
}

#[test]
fn a_stored_authority_serves_and_its_limits_decide_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().join("ca");
    let folder = folder.to_str().unwrap();
    let made = mailproof(&["ca", "init", folder]);
    assert_eq!(made.code, Some(0), "{made:?}");
    assert_eq!(mailproof(&["ca", "init", folder]).code, Some(2));
    let include = ["cert/name/*", "cert/trust/*", "cert/ext/*"];
    let more = ["--ca", folder];
    let (ended, results) = run("reference", &include, &more);
    let odd = |it: &&mailproof::results::CaseResult| {
        !matches!(
            it.judgement.verdict,
            Verdict::Pass | Verdict::Recorded | Verdict::Skipped | Verdict::Unsupported
        )
    };
    let odd: Vec<_> = results.cases.iter().filter(odd).map(|it| &it.id).collect();
    assert!(odd.is_empty(), "{odd:?}: {}", ended.stderr);
    // A client that checks no names must still be found out, and never pass by the limits.
    let include = ["cert/name/*", "cert/ext/*"];
    let (_, free) = run("reference+ignores-name", &include, &[]);
    let (_, limited) = run("reference+ignores-name", &include, &more);
    let pairs = || free.cases.iter().zip(&limited.cases);
    let found = |a: Verdict, b: Verdict| {
        let same = pairs().filter(|(x, y)| x.judgement.verdict == a && y.judgement.verdict == b);
        same.map(|(x, _)| x.id.clone()).collect::<Vec<_>>()
    };
    assert!(found(Verdict::Fail, Verdict::Fail).len() > 10);
    assert_eq!(found(Verdict::Fail, Verdict::Pass), [] as [String; 0]);
    let (ended, far) = reached("reference", &["cert/trust/*"], &more);
    let passed = |it: &&mailproof::results::CaseResult| it.judgement.verdict == Verdict::Pass;
    assert!(
        far.cases.iter().filter(passed).count() > 10,
        "{}",
        ended.stderr
    );
}

#[test]
fn an_own_chain_is_authentic_and_a_forged_one_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let exported = folder.path().join("certs");
    let exported = exported.to_str().unwrap();
    let done = mailproof(&["certs", "export", exported]);
    assert_eq!(done.code, Some(0), "{done:?}");
    let file = |it: &str| std::fs::read_to_string(format!("{exported}/{it}")).unwrap();
    let own = folder.path().join("own.pem");
    std::fs::write(&own, file("valid.chain.pem") + &file("root.pem")).unwrap();
    let own = own.to_str().unwrap();
    let key = format!("{exported}/valid.key.pem");
    let more = ["--chain", own, "--key", &key];
    let include = ["cert/trust/self-signed", "cert/trust/unknown-root"];
    let (ended, results) = run("reference", &include, &more);
    assert!(results.ran > 0, "{}", ended.stderr);
    for case in &results.cases {
        assert_eq!(
            case.judgement.verdict,
            Verdict::Pass,
            "{}: {}",
            case.id,
            case.judgement.reason
        );
    }
    let expired = format!("{exported}/expired-leaf.chain.pem");
    let key = format!("{exported}/expired-leaf.key.pem");
    let ended = mailproof(&["run", "reference", "--chain", &expired, "--key", &key]);
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(ended.stderr.contains("was valid until"), "{}", ended.stderr);
}
