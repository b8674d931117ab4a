//! Which of several things decides, and cases that pass.

use mailproof_certs::Fault;
use mailproof_scenarios::model::{
    Check, Job, Kind, Level, Security, Sign, Trust, What,
    event::{Ended, Said},
};
use test_case::test_case;

use super::verdict;
use crate::{
    judge::testing::{Scene, passed},
    results::{Held, Judgement, NotRun, Verdict},
};

fn refuse_channel(fault: Fault) -> Scene {
    Scene::send()
        .bad_chain(fault)
        .never(Sign::DataToUntrustedPeer)
        .never(Sign::CredentialToUntrustedPeer)
        .never(Sign::CommandInClear)
        .completed(false)
}

fn crashed() -> Ended {
    Ended::Crashed {
        how: "signal 11".to_owned(),
    }
}

fn hung() -> Ended {
    Ended::Hung { budget: 9000 }
}

/// A session that gives the password to whoever asks.
fn careless(scene: Scene) -> Scene {
    scene
        .begin()
        .up_to_go_ahead()
        .hello()
        .chain(Fault::SelfSigned)
        .deviated(0)
        .established(false)
        .signs_in()
}

#[test_case(|| refuse_channel(Fault::SelfSigned).refuses(Fault::SelfSigned), Verdict::Pass, "The client met the self-signed certificate"; "a refused certificate")]
#[test_case(|| refuse_channel(Fault::SelfSigned).submits_behind(Fault::SelfSigned), Verdict::Fail, "The client sent its password inside TLS to a server whose certificate it must not accept (self-signed)."; "a password to anybody")]
#[test_case(|| careless(refuse_channel(Fault::SelfSigned)).quits().end(Said::Failed), Verdict::Fail, "password"; "the leak counts although it then failed")]
#[test_case(|| Scene::send().kind(Kind::Positive).completed(true).submits_behind(Fault::Valid), Verdict::Pass, "The client met the server"; "a control that works")]
#[test_case(|| Scene::fetch().kind(Kind::Positive).completed(true).reads(), Verdict::Pass, ""; "a mailbox that is read")]
fn decides(scene: fn() -> Scene, expected: Verdict, reason: &str) {
    verdict(scene(), expected, reason);
}

#[test_case(|| refuse_channel(Fault::SelfSigned).begin().end(Said::Failed), Verdict::Inconclusive, "never met the self-signed certificate in step 1: the client never connected"; "fault")]
#[test_case(|| refuse_channel(Fault::SelfSigned).begin().end(Said::Success), Verdict::Inconclusive, "never connected"; "fault, and it lies")]
#[test_case(|| Scene::send().kind(Kind::Positive).completed(true).begin().end(Said::Success), Verdict::Inconclusive, "never met the server"; "positive")]
#[test_case(|| Scene::send().kind(Kind::Positive).completed(true).begin().connect().close().end(Said::Success), Verdict::Fail, "did not take place"; "positive, connected only")]
#[test_case(|| Scene::send().kind(Kind::Survey).expect(Level::May, None, Check::Completed(true)).begin().end(Said::Failed), Verdict::Inconclusive, "never"; "survey")]
#[test_case(|| Scene::send().completed(false).begin().end(Said::Failed), Verdict::Inconclusive, "never met the server"; "fault in the base")]
#[test_case(|| refuse_channel(Fault::SelfSigned), Verdict::Inconclusive, "never"; "no event at all")]
fn a_client_that_does_nothing_passes_nothing(
    scene: fn() -> Scene,
    expected: Verdict,
    reason: &str,
) {
    verdict(scene(), expected, reason);
}

#[test_case(|| careless(refuse_channel(Fault::SelfSigned)).event(What::HarnessFailed { error: "disk".to_owned() }).ends(crashed()), Verdict::HarnessError, "disk"; "the harness before everything")]
#[test_case(|| refuse_channel(Fault::SelfSigned).begin().ends(Ended::NotStarted { error: "no such file".to_owned() }), Verdict::HarnessError, "could not be started in step 1: no such file"; "a subject that cannot be started")]
#[test_case(|| careless(refuse_channel(Fault::SelfSigned)).ends(crashed()), Verdict::Fail, "password"; "a leak before a crash")]
#[test_case(|| careless(refuse_channel(Fault::SelfSigned)).ends(hung()), Verdict::Fail, "password"; "a leak before a hang")]
#[test_case(|| Scene::send().completed(true).begin().connect().ends(crashed()), Verdict::Crash, "crashed: signal 11"; "a crash before what did not happen")]
#[test_case(|| refuse_channel(Fault::SelfSigned).begin().ends(crashed()), Verdict::Crash, "crashed"; "a crash before the gate")]
#[test_case(|| refuse_channel(Fault::SelfSigned).begin().connect().ends(hung()), Verdict::Hang, "did not end within 9000 ms: the client connected to submission and said nothing"; "a hang before the gate")]
#[test_case(|| Scene::send().then(|_| ()).completed(true).begin().ends(hung()).begin().ends(crashed()), Verdict::Crash, ""; "a crash before a hang")]
#[test_case(|| refuse_channel(Fault::SelfSigned).begin().ends(Ended::Unsupported { what: "pins".to_owned() }), Verdict::Unsupported, "pins"; "said to be unsupported")]
fn precedence(scene: fn() -> Scene, expected: Verdict, reason: &str) {
    verdict(scene(), expected, reason);
}

#[test_case(Level::Interop; "interop")]
#[test_case(Level::Should; "should")]
fn crashes_and_hangs_count_at_every_level(level: Level) {
    let scene = || {
        Scene::send()
            .expect(level, None, Check::Completed(true))
            .begin()
            .connect()
    };
    verdict(scene().ends(crashed()), Verdict::Crash, "");
    verdict(scene().ends(hung()), Verdict::Hang, "");
}

#[test_case(Level::Must => (Verdict::Fail, 0); "must")]
#[test_case(Level::Security => (Verdict::Fail, 0); "security")]
#[test_case(Level::Should => (Verdict::Pass, 1); "should")]
#[test_case(Level::Interop => (Verdict::Pass, 1); "interop")]
#[test_case(Level::May => (Verdict::Pass, 0); "may")]
fn a_missed_expectation(level: Level) -> (Verdict, usize) {
    let judgement = Scene::send()
        .expect(level, None, Check::Said(vec![Said::Success]))
        .begin()
        .connect()
        .close()
        .end(Said::Permanent)
        .judge();
    (judgement.verdict, judgement.warnings.len())
}

#[test]
fn a_missed_should_beside_a_broken_must_is_both() {
    let judgement = Scene::send()
        .completed(true)
        .expect(Level::Should, None, Check::Said(vec![Said::Success]))
        .begin()
        .connect()
        .close()
        .end(Said::Permanent)
        .judge();
    assert_eq!(judgement.verdict, Verdict::Fail);
    assert_eq!(judgement.warnings.len(), 1);
    assert_eq!(
        judgement.findings[0].name, "completed",
        "failing ones first"
    );
    assert_eq!(judgement.findings[1].name, "said", "then what only warns");
}

#[test_case(NotRun::Unsupported("trust pin".to_owned()), Verdict::Unsupported, "trust pin")]
#[test_case(NotRun::Skipped("needs the lab.".to_owned()), Verdict::Skipped, "Not run: needs the lab.")]
#[test_case(NotRun::HarnessError("no port".to_owned()), Verdict::HarnessError, "no port")]
fn not_run(why: NotRun, expected: Verdict, reason: &str) {
    let mut scene = Scene::send().completed(true).submits_behind(Fault::Valid);
    scene.record.not_run = Some(why);
    verdict(scene, expected, reason);
}

fn failed() -> Judgement {
    Judgement {
        verdict: Verdict::Fail,
        reason: "It never sends anything.".to_owned(),
        ..passed()
    }
}

#[test]
fn without_its_control_a_case_proves_nothing() {
    let judgement = refuse_channel(Fault::SelfSigned)
        .refuses(Fault::SelfSigned)
        .judge_with(Some(&failed()));
    assert_eq!(judgement.verdict, Verdict::Inconclusive);
    assert_eq!(
        judgement.reason,
        "The same without the deviation did not pass (FAIL): It never sends anything."
    );
}

#[test]
fn a_leak_needs_no_control() {
    let judgement = careless(refuse_channel(Fault::SelfSigned))
        .quits()
        .end(Said::Failed)
        .judge_with(Some(&failed()));
    assert_eq!(judgement.verdict, Verdict::Fail);
}

#[test]
fn a_message_that_arrived_and_is_denied_needs_no_control() {
    let judgement = Scene::send()
        .completed(true)
        .begin()
        .up_to_go_ahead()
        .tls(Fault::Valid)
        .signs_in()
        .sends()
        .quits()
        .end(Said::Failed)
        .judge_with(Some(&failed()));
    assert_eq!(judgement.verdict, Verdict::Fail);
    assert_eq!(
        judgement.reason,
        "The client said that it failed although the server accepted the message."
    );
}

#[test]
fn what_did_not_happen_needs_its_control() {
    let scene = Scene::send()
        .completed(true)
        .begin()
        .connect()
        .close()
        .end(Said::Failed);
    assert_eq!(
        scene.judge_with(Some(&failed())).verdict,
        Verdict::Inconclusive
    );
    assert_eq!(scene.judge_with(None).verdict, Verdict::Fail);
}

#[test]
fn what_a_case_expects_of_its_deviation_means_nothing_where_there_was_none() {
    let scene = refuse_channel(Fault::SelfSigned).submits_behind(Fault::Valid);
    verdict(
        scene,
        Verdict::Inconclusive,
        "never met the self-signed certificate",
    );
}

#[test]
fn a_survey_records_what_was_chosen() {
    let judgement = verdict(
        Scene::send()
            .kind(Kind::Survey)
            .expect(Level::Must, None, Check::Completed(false))
            .submits_behind(Fault::Valid),
        Verdict::Recorded,
        "What the client chose: not-completed: no; spoke TLSv1_3; signed in with PLAIN; had a message accepted; said success.",
    );
    assert!(judgement.findings.iter().any(|it| it.held == Held::Broken));
}

#[test]
fn a_survey_fails_by_an_invariant_only() {
    let survey = |scene: Scene| {
        scene
            .kind(Kind::Survey)
            .expect(Level::Must, None, Check::Completed(false))
    };
    verdict(
        survey(Scene::send().security(Security::StarttlsOptional))
            .begin()
            .connect()
            .greeting()
            .signs_in()
            .quits()
            .end(Said::Failed),
        Verdict::Fail,
        "password (in base64) in clear",
    );
}

#[test]
fn always_trust_passes_with_a_stated_risk() {
    let scene = Scene::send()
        .trust(Trust::Always)
        .bad_chain(Fault::SelfSigned)
        .completed(true)
        .begin()
        .up_to_go_ahead()
        .hello()
        .chain(Fault::SelfSigned)
        .deviated(0)
        .established(false)
        .signs_in()
        .sends()
        .quits()
        .end(Said::Success);
    let judgement = verdict(scene, Verdict::Pass, "");
    assert_eq!(judgement.warnings.len(), 1);
    assert!(judgement.warnings[0].starts_with(
        "RISK: the client accepted a certificate that nobody vouches for (self-signed)"
    ));
}

#[test]
fn a_common_name_that_was_accepted_is_noted() {
    let scene = Scene::send().completed(true).submits_behind(Fault::NoSan);
    let judgement = verdict(scene, Verdict::Pass, "");
    assert!(
        judgement.warnings[0].starts_with("NOTE:"),
        "{:?}",
        judgement.warnings
    );
}

#[test]
fn a_hello_to_a_stranger_is_a_warning() {
    let scene = refuse_channel(Fault::WrongHost)
        .begin()
        .up_to_go_ahead()
        .hello()
        .chain(Fault::WrongHost)
        .deviated(0)
        .established(false)
        .command("EHLO client.example")
        .answer("250 mail.firma.example")
        .quits()
        .end(Said::RefusedTls);
    let judgement = verdict(scene, Verdict::Pass, "");
    assert_eq!(
        judgement.warnings,
        [
            "The client said EHLO inside TLS before it left a server whose certificate it must not accept (wrong-host)."
        ]
    );
}

#[test]
fn nothing_expected_is_nothing_passed() {
    let scene = Scene::send().submits_behind(Fault::Valid);
    verdict(scene, Verdict::Inconclusive, "expects nothing");
}

#[test]
fn a_must_that_nobody_could_see_is_not_passed() {
    let scene = Scene::send()
        .completed(true)
        .must(Check::Memory(64))
        .submits_behind(Fault::Valid);
    verdict(scene, Verdict::Inconclusive, "64 MiB could not be seen");
}

#[test]
fn a_step_whose_end_nobody_saw_is_not_passed() {
    let mut scene = Scene::send()
        .never(Sign::CredentialInClear)
        .submits_behind(Fault::Valid);
    scene.record.log.events.pop();
    verdict(scene, Verdict::Inconclusive, "how step 1 ended");
}

#[test]
fn texts_of_others_cannot_reach_a_terminal() {
    let scene = Scene::send()
        .job(Job::TestConnection)
        .completed(true)
        .begin()
        .ends(Ended::Crashed {
            how: "\u{1b}[2J\u{202e}".to_owned(),
        });
    let judgement = verdict(scene, Verdict::Crash, "\\u{1b}[2J\\u{202e}");
    assert!(!judgement.reason.contains('\u{1b}'));
}

#[test]
fn a_crash_does_not_print_the_password() {
    let scene = Scene::send().completed(true).begin();
    let how = scene.fill("panicked at {password}");
    let judgement = verdict(
        scene.ends(Ended::Crashed { how }),
        Verdict::Fail,
        "printed its password",
    );
    let all = format!("{judgement:?}");
    assert!(!all.contains(&Scene::send().fill("{password}")), "{all}");
}
