//! `serve PLAN` without a browser: what a page may ask, who is let in, and what is kept.

use mailproof::results::{Record, Verdict};
use mailproof_tests::{
    program::{is_installed, mailproof, results},
    sitting::{Planned, Sitting, curl_sends, setting},
};
use serde_json::{Value, json};
use test_case::test_case;

const PLAN: &str = r#"
title = "A <b>device</b>"
subject = "device"
version = "3.1"

[[question]]
id = "shown"
ask = "What did it show?"
choices = ["nothing", "an error"]
fine = ["an error"]

[[question]]
id = "words"
ask = "In which words?"

[[scenario]]
case = "smtp/starttls/not-offered"
note = "Use the big button."

[[scenario]]
case = "smtp/starttls/injection-after-220"
"#;

fn send(planned: &Planned, view: &Value) -> bool {
    let settings = |name: &str| setting(view, name).to_owned();
    let task = view["present"]["sheet"]["task"]
        .as_str()
        .unwrap_or_default();
    curl_sends(&settings, task, &planned.out())
}

/// curl does what the page says of a stop, and says how it went.
fn done(planned: &Planned, sitting: &Sitting, stop: usize, answers: &Value) -> Value {
    let view = sitting.open(stop);
    let said = match send(planned, &view) {
        true => "worked",
        false => "failed",
    };
    sitting.tell(said, answers)
}

#[test]
fn a_plan_is_left_gone_on_with_and_finished() {
    if !is_installed("curl") {
        return;
    }
    let planned = Planned::new(PLAN);
    let sitting = planned.sit(&["--seed", "7"]);
    let first = sitting.view();
    assert_eq!(first["stops"].as_array().map(Vec::len), Some(3));
    assert_eq!(first["stops"][0]["control"], true);
    // A case has no place before its control.
    assert_eq!(sitting.ask(&json!({"do": "open", "stop": 1})).status, 422);

    let view = done(&planned, &sitting, 0, &json!([]));
    assert_eq!(view["stops"][0]["verdict"], "PASS", "{view:#}");
    let account =
        |view: &Value| ["port", "user", "password"].map(|it| setting(view, it).to_owned());
    let typed = account(&sitting.open(1));
    let view = sitting.view();
    assert_eq!(view["present"]["note"], "Use the big button.");
    let worked = send(&planned, &view);
    assert!(!worked, "curl refuses to go on in clear");
    let answers = json!([["shown", "an error"]]);
    let view = sitting.tell("failed", &answers);
    assert_eq!(view["stops"][1]["verdict"], "PASS", "{view:#}");
    sitting.interrupt();
    let ended = sitting.end();
    assert_eq!(ended.code, Some(4), "{ended:?}");
    assert!(
        ended.stdout.contains("1 stop of the plan left"),
        "{}",
        ended.stdout
    );

    let sitting = planned.sit(&["--resume"]);
    let view = sitting.view();
    assert_eq!(view["stops"][1]["verdict"], "PASS", "{view:#}");
    assert_eq!(view["resumed"], true);
    assert_eq!(account(&sitting.open(2)), typed, "nothing is typed twice");
    let password = &typed[2];
    let answers = json!([["words", format!("<i>bad</i> \u{1b}[2J {password}")]]);
    let view = done(&planned, &sitting, 2, &answers);
    let last = &view["stops"][2];
    assert_eq!(last["verdict"], "REVIEW", "{last:#}");
    assert!(!view.to_string().contains(password.as_str()));
    sitting.must(&json!({"do": "leave"}));
    let ended = sitting.end();
    assert_eq!(ended.code, Some(0), "{ended:?}");

    let results = results(&planned.out(), &ended);
    assert_eq!((results.selected, results.ran, results.seed), (2, 2, 7));
    assert!(!results.interrupted);
    assert_eq!(
        (results.controls.len(), results.subject.as_str()),
        (1, "device")
    );
    let reviewed = &results.cases[0];
    assert_eq!(reviewed.judgement.verdict, Verdict::Review);
    assert!(
        reviewed.judgement.reason.contains("<i>bad</i>"),
        "{}",
        reviewed.judgement.reason
    );
    assert_eq!(reviewed.control.as_ref(), Some(&results.controls[0].id));

    let out = planned.out();
    let again = planned.folder.path().join("again");
    let rejudged = mailproof(&[
        "rejudge",
        &out.display().to_string(),
        "--out",
        &again.display().to_string(),
    ]);
    assert_eq!(rejudged.code, Some(0), "{rejudged:?}");
    let rejudged = mailproof_tests::program::results(&again, &rejudged);
    assert_eq!(rejudged.cases, results.cases);

    let page = std::fs::read_to_string(out.join("report.html")).unwrap();
    assert!(page.contains("RFC 3207"), "the text of clauses");
    let at = |name: &str| planned.folder.path().join(name).display().to_string();
    let (out, key, bundle, adapter) = (out.display().to_string(), at("key"), at("b"), at("a.toml"));
    assert_eq!(mailproof(&["key", "new", &key]).code, Some(0));
    let pack = ["bundle", &out, "--out", &bundle, "--sign-key", &key];
    let nobody_knows = mailproof(&pack);
    assert_eq!(nobody_knows.code, Some(2), "{nobody_knows:?}");
    assert!(
        nobody_knows.stderr.contains("--adapter"),
        "{nobody_knows:?}"
    );
    let shell = "name = \"device\"\ntitle = \"A device\"\nrole = \"client\"\n[settings]\nsecurity.none = []\n\
                 trust.ca = []\nauth.none = []\n[job.send]\nrun = [\"true\"]\n[exit]\nsuccess = [0]\n";
    std::fs::write(&adapter, shell).unwrap();
    let packed = mailproof(&[&pack[..], &["--adapter", &adapter]].concat());
    assert_eq!(packed.code, Some(0), "{packed:?}");
    let verified = mailproof(&["verify", &bundle]);
    assert_eq!(verified.code, Some(0), "{verified:?}");
}

#[test]
fn a_kill_loses_nothing_that_was_finished() {
    let planned = Planned::new(PLAN);
    let sitting = planned.sit(&[]);
    sitting.must(&json!({"do": "skip", "stop": 0, "reason": "no time"}));
    sitting
        .must(&json!({"do": "skip", "stop": 1, "reason": "no such setting", "unsupported": true}));
    sitting.open(2);
    drop(sitting);
    let records = planned.out().join("records.ndjson");
    let whole = std::fs::read_to_string(&records).unwrap();
    std::fs::write(&records, format!("{whole}{{\"v\": 1, \"cas")).unwrap();

    let sitting = planned.sit(&["--resume"]);
    let view = sitting.view();
    let verdicts = [0, 1, 2].map(|it: usize| view["stops"][it]["verdict"].clone());
    assert_eq!(
        verdicts,
        [json!("SKIPPED"), json!("UNSUPPORTED"), Value::Null]
    );
    assert!(view["stops"][0]["reason"].to_string().contains("no time"));
    // The last word on a stop counts.
    sitting.must(&json!({"do": "skip", "stop": 2, "reason": "not today"}));
    sitting.must(&json!({"do": "skip", "stop": 2, "reason": "never"}));
    sitting.must(&json!({"do": "leave"}));
    let ended = sitting.end();
    assert_eq!(ended.code, Some(4), "nothing was run: {ended:?}");
    let kept = std::fs::read_to_string(&records).unwrap();
    assert!(
        kept.lines()
            .all(|it| serde_json::from_str::<Record>(it).is_ok())
    );
    let results = results(&planned.out(), &ended);
    assert!(results.cases[0].judgement.reason.contains("never"));
}

#[test]
fn what_the_page_shows_too_late_is_not_done() {
    let planned = Planned::new(PLAN);
    let sitting = planned.sit(&[]);
    let told = |attempt: &Value, step: u64| json!({"do": "told", "attempt": attempt, "step": step, "said": "worked", "answers": []});
    assert_eq!(sitting.ask(&told(&json!(1), 1)).status, 409);
    let first = sitting.open(0)["present"]["attempt"].clone();
    let second = sitting.open(0)["present"]["attempt"].clone();
    assert_eq!(sitting.ask(&told(&first, 1)).status, 409);
    assert_eq!(sitting.ask(&told(&second, 2)).status, 409);
    sitting.must(&json!({"do": "close"}));
    assert_eq!(sitting.ask(&told(&second, 1)).status, 409);
    assert_eq!(sitting.ask(&json!({"do": "open", "stop": 99})).status, 422);
    assert_eq!(
        sitting
            .ask(&json!({"do": "skip", "stop": 0, "reason": " "}))
            .status,
        422
    );
    let long = "x".repeat(3000);
    assert_eq!(
        sitting
            .ask(&json!({"do": "skip", "stop": 0, "reason": long}))
            .status,
        422
    );
    let huge = "x".repeat(100_000);
    assert_eq!(
        sitting
            .ask(&json!({"do": "skip", "stop": 0, "reason": huge}))
            .status,
        413
    );
    assert_eq!(sitting.ask(&json!({"do": "dance"})).status, 422);
}

#[test]
fn only_the_browser_of_the_person_is_let_in() {
    let planned = Planned::new(PLAN);
    let sitting = planned.sit(&[]);
    let (host, path) = (sitting.host().to_owned(), sitting.path());
    let own = ("Host", host.as_str());
    let status = |path: &str, headers: &[_]| sitting.raw("GET", path, headers, "").status;
    assert_eq!(status(&path, &[own]), 200);
    let wrong = format!("/{}/", "0".repeat(path.len() - 2));
    for path in ["/", "/view", "//view", wrong.as_str(), &format!("/?{path}")] {
        assert_eq!(status(path, &[own]), 403, "{path}");
    }
    let port = host.rsplit(':').next().unwrap_or_default();
    let name = format!("evil.example:{port}");
    assert_eq!(status(&path, &[("Host", name.as_str())]), 403);
    assert_eq!(status(&path, &[]), 403);
    let post = |headers: &[(&str, &str)]| {
        let mut all = vec![own, ("Content-Type", "application/json")];
        all.extend(headers);
        let path = format!("{path}do");
        sitting
            .raw("POST", &path, &all, "{\"do\": \"leave\"}")
            .status
    };
    assert_eq!(post(&[("Origin", "http://evil.example")]), 403);
    assert_eq!(post(&[("Sec-Fetch-Site", "cross-site")]), 403);
    assert_eq!(sitting.view()["ended"], Value::Null);
    // Nothing of the folder but certificates.
    assert_eq!(sitting.get("file/ca.pem").status, 200);
    for name in ["records.ndjson", "plan.json", "..%2Fplan.toml"] {
        assert_eq!(sitting.get(&format!("file/{name}")).status, 404, "{name}");
    }
    let page = sitting.get("");
    let head = page.head.to_lowercase();
    for header in [
        "content-security-policy: default-src 'none';",
        "x-content-type-options: nosniff",
        "referrer-policy: no-referrer",
        "cache-control: no-store",
    ] {
        assert!(head.contains(header), "{head}");
    }
    assert!(
        !page.body.contains("<b>"),
        "the page itself has nothing of the plan"
    );
}

#[test]
fn a_port_that_is_taken_is_told_and_tried_again() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let number = taken.local_addr().unwrap().port();
    let planned = Planned::new(&PLAN.replace(
        "[[question]]\nid = \"shown\"",
        &format!("[ports]\nsubmission = {number}\n[[question]]\nid = \"shown\""),
    ));
    let sitting = planned.sit(&[]);
    let refused = sitting.ask(&json!({"do": "open", "stop": 0}));
    assert_eq!(refused.status, 500);
    assert!(
        refused.body.contains(&number.to_string()),
        "{}",
        refused.body
    );
    drop(taken);
    let view = sitting.open(0);
    assert_eq!(setting(&view, "port"), number.to_string());
}

#[test]
fn a_plan_that_could_not_start_was_not_begun() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let planned = Planned::new(PLAN);
    let refused = planned.refused(&["--page-port", &port]);
    assert_eq!(refused.code, Some(3));
    assert!(
        refused.stderr.contains("cannot open the page"),
        "{refused:?}"
    );
    drop(taken);
    let sitting = planned.sit(&["--page-port", &port]);
    sitting.must(&json!({"do": "leave"}));
    assert_eq!(sitting.end().code, Some(4));
}

#[test]
fn to_leave_out_another_one_does_nothing_to_the_one_that_is_open() {
    let planned = Planned::new(PLAN);
    let sitting = planned.sit(&[]);
    let attempt = sitting.open(0)["present"]["attempt"].clone();
    sitting.must(&json!({"do": "skip", "stop": 2, "reason": "no time"}));
    let view = sitting.view();
    assert_eq!(view["present"]["attempt"], attempt);
    assert_eq!(view["stops"][2]["verdict"], "SKIPPED");
    sitting.must(&json!({"do": "skip", "stop": 0, "reason": "no time"}));
    assert_eq!(sitting.view()["present"], Value::Null);
}

#[test]
fn ports_of_a_plan_are_for_this_machine() {
    let planned = Planned::new(&format!("{PLAN}[ports]\nsubmission = 2587\n"));
    let refused = planned.refused(&["--bind", "127.0.0.1"]);
    assert_eq!(refused.code, Some(2));
    assert!(refused.stderr.contains("--port-map says"), "{refused:?}");
}

#[test]
fn one_server_for_one_folder() {
    let planned = Planned::new(PLAN);
    let nothing = planned.refused(&["--resume"]);
    assert_eq!(nothing.code, Some(2));
    assert!(nothing.stderr.contains("no plan was begun"), "{nothing:?}");
    let sitting = planned.sit(&[]);
    let second = planned.refused(&["--resume"]);
    assert_eq!(second.code, Some(3));
    assert!(
        second.stderr.contains("another mailproof serves the plan"),
        "{second:?}"
    );
    sitting.interrupt();
    assert_eq!(sitting.end().code, Some(4));
    let begun = planned.refused(&[]);
    assert_eq!(begun.code, Some(2));
    assert!(begun.stderr.contains("go on with --resume"), "{begun:?}");
    let control = planned.refused(&["--resume", "--control"]);
    assert_eq!(control.code, Some(2));

    std::fs::write(planned.plan(), PLAN.replace("3.1", "3.2")).unwrap();
    let changed = planned.refused(&["--resume"]);
    assert_eq!(changed.code, Some(2));
    assert!(
        changed.stderr.contains("the plan has changed"),
        "{changed:?}"
    );
    std::fs::write(planned.plan(), PLAN).unwrap();
    let state = planned.out().join("plan.json");
    let own = format!("\"mailproof\": \"{}\"", env!("CARGO_PKG_VERSION"));
    let other = std::fs::read_to_string(&state).unwrap();
    std::fs::write(&state, other.replace(&own, "\"mailproof\": \"0.0.9\"")).unwrap();
    let version = planned.refused(&["--resume"]);
    assert_eq!(version.code, Some(2));
    assert!(
        version.stderr.contains("begun with mailproof 0.0.9"),
        "{version:?}"
    );
}

#[test_case("title = \"x\"\n[[scenario]]\ncase = \"smtp/starttls/not-ofered\"", &["plan.toml:3:8", "did you mean `smtp/starttls/not-offered`?"]; "a case")]
#[test_case("title = \"x\"\n[[scenarios]]\ncase = \"smtp/*\"", &["plan.toml:2:3", "did you mean `scenario`?"]; "a key")]
#[test_case("title = \"x\"\nadapter = \"crul\"\n[[scenario]]\ncase = \"smtp/**\"", &["did you mean `curl`?"]; "an adapter")]
#[test_case("title = ", &["plan.toml:1:9"]; "no toml")]
fn a_mistake_is_shown_with_its_place(plan: &str, told: &[&str]) {
    let planned = Planned::new(plan);
    let ended = planned.refused(&[]);
    assert_eq!(ended.code, Some(2), "{ended:?}");
    for it in told {
        assert!(ended.stderr.contains(it), "{it}: {}", ended.stderr);
    }
    assert!(!planned.out().exists(), "nothing is begun");
}

#[test]
fn what_is_for_plans_is_not_for_others() {
    let ended = mailproof(&["serve", "postfix", "--resume"]);
    assert_eq!(ended.code, Some(2));
    assert!(ended.stderr.contains("--resume is for plans"), "{ended:?}");
    let ended = mailproof(&["serve", "nothing-there.toml"]);
    assert_eq!(ended.code, Some(2));
    assert!(ended.stderr.contains("cannot read the plan"), "{ended:?}");
}
