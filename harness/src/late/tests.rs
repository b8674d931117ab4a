use base64::engine::general_purpose::STANDARD;
use mailproof_scenarios::model::{Security, event::Said};
use pretty_assertions::assert_eq;
use test_case::test_case;

use super::*;
use crate::{
    judge::{judge, testing::Scene},
    results::Held,
};

const SEED: u64 = 7;

/// The record of a case in which `lines` are what an own client said on one connection.
fn record(id: &str, lines: &[&str]) -> Record {
    let mut scene = Scene::send();
    scene.record.case.id = id.to_owned();
    scene.record.canaries = Canaries::derive(SEED, id, ["a", "b"]);
    let mut scene = scene.begin().connect();
    for line in lines {
        scene = scene.octets(line);
    }
    scene.close().end(Said::Success).record
}

fn owners(ids: &[&str]) -> Owners {
    let cases: Vec<Case> = ids.iter().map(|id| record(id, &[]).case).collect();
    Owners::new(SEED, &cases).expect("patterns")
}

fn canaries(id: &str) -> Canaries {
    Canaries::derive(SEED, id, ["a"])
}

/// What is said by the canaries of `x/one`, in a case `x/two`.
fn strays(says: impl Fn(&Canaries) -> String) -> Vec<String> {
    let line = says(&canaries("x/one"));
    let mut record = record("x/two", &[&line]);
    let strays = owners(&["x/one", "x/two"]).take_strays(&mut record);
    strays.into_iter().map(|it| it.owner).collect()
}

#[test_case(|it| format!("Message-ID: <{}>\r\n", it.message_id(1)), true; "message id")]
#[test_case(|it| format!("RCPT TO:<kunde-{}@example.net>\r\n", &it.message[..8]), true; "address")]
#[test_case(|it| format!("AUTH PLAIN {}\r\n", STANDARD.encode(format!("\0{}\0x", it.accounts[0].user))), true; "login in base64")]
#[test_case(|it| format!("{}\r\n", it.body), true; "body")]
#[test_case(|_| "EHLO client.example\r\n".to_owned(), false; "nothing")]
#[test_case(|it| format!("{} {}\r\n", it.body, canaries("x/two").body), false; "both")]
#[test_case(|it| format!("{} {}\r\n", it.body, canaries("x/two").accounts[0].user), true; "a message with the login of now")]
fn whose_it_is(says: fn(&Canaries) -> String, moved: bool) {
    let expected: Vec<String> = moved.then(|| "x/one".to_owned()).into_iter().collect();
    assert_eq!(strays(says), expected);
}

#[test]
fn a_late_connection_is_no_evidence_where_it_arrived_and_some_where_it_belongs() {
    let one = canaries("x/one");
    let leak = format!(
        "AUTH PLAIN {}\r\n",
        STANDARD.encode(format!(
            "\0{}\0{}",
            one.accounts[0].user, one.accounts[0].password
        ))
    );
    let mut later = record("x/two", &[&leak]);
    let mut strays = owners(&["x/one", "x/two"]).take_strays(&mut later);
    assert!(later.log.events.iter().all(|it| it.conn.is_none()));
    let told = |it: &Event| matches!(&it.what, What::Elsewhere { case } if case == "x/one");
    assert_eq!(later.log.events.iter().filter(|it| told(it)).count(), 1);

    let mut earlier = record("x/one", &["EHLO client.example\r\n"]);
    let prompt = earlier.clone();
    strays.remove(0).put_into(&mut earlier);
    assert_eq!(without(&earlier), Some(prompt.clone()));
    let no_secret = |record: &Record| {
        let judgement = judge(record, None);
        let name = "no-secret-outside-allowed-channel";
        judgement
            .findings
            .into_iter()
            .find(|it| it.name == name)
            .map(|it| it.held)
    };
    assert_eq!(no_secret(&prompt), Some(Held::Held));
    assert_eq!(
        no_secret(&earlier),
        Some(Held::Broken),
        "a password in clear"
    );
}

#[test]
fn what_comes_late_changes_no_snapshot() {
    let one = canaries("x/one");
    let (own, stray) = ("EHLO client.example\r\n", format!("{}\r\n", one.body));
    let mut later = record("x/two", &[&stray]);
    let strays = owners(&["x/one", "x/two"]).take_strays(&mut later);
    assert_ne!(later.log, undisturbed(&later).log, "a mark is left");

    let mut earlier = record("x/one", &[own]);
    let prompt = earlier.clone();
    for stray in strays {
        stray.put_into(&mut earlier);
    }
    assert_eq!(undisturbed(&earlier).log, prompt.log);
    assert_eq!(undisturbed(&prompt).log, prompt.log);
    let marks = |it: &Event| matches!(it.what, What::Elsewhere { .. });
    assert!(!undisturbed(&later).log.events.iter().any(marks));
}

#[test]
fn under_other_settings_it_is_told_and_not_judged() {
    let one = canaries("x/one");
    let leak = format!("{}\r\n", one.accounts[0].password);
    let mut later = record("x/two", &[&leak]);
    later.steps[0].security = Security::None;
    let strays = owners(&["x/one", "x/two"]).take_strays(&mut later);
    let mut earlier = record("x/one", &[]);
    let prompt = earlier.clone();
    for stray in strays {
        stray.put_into(&mut earlier);
    }
    assert_ne!(earlier, prompt);
    assert_eq!(comparable(&earlier), Some(prompt.clone()));
    assert_eq!(
        judge(&earlier, None).findings,
        judge(&prompt, None).findings
    );
}
