//! Every cell of the trust table, judged as a whole case: the client that accepts, and the one that refuses.

use mailproof_certs::Fault;
use mailproof_scenarios::model::{
    CaFile, ChainSpec, Check, Crl, Level, Pattern, Process, Security, Sign, Trust, event::Said,
};
use test_case::{test_case, test_matrix};

use super::verdict;
use crate::{
    judge::{testing::Scene, trust::decide},
    results::Verdict,
};

/// Whether a client that signs in behind the chain breaks what the scenario says.
fn rejects(trust: Trust, fault: Fault) -> bool {
    let served = Some((fault, 0));
    !decide(trust, Security::Implicit, served, &ChainSpec::default()).accepts()
}

/// A client that was given what the chains bring along.
fn implicit(trust: Trust) -> Scene {
    Scene::fetch()
        .trust(trust)
        .given(CaFile::Anchors, Crl::Given)
        .never(Sign::CredentialToUntrustedPeer)
        .never(Sign::DataToUntrustedPeer)
}

#[test_matrix([Trust::System, Trust::Ca, Trust::Pin, Trust::Always, Trust::Default])]
fn who_signs_in_behind_each_chain(trust: Trust) {
    for &fault in Fault::ALL {
        let scene = implicit(trust)
            .bad_chain(fault)
            .begin()
            .connect()
            .hello()
            .chain(fault)
            .deviated(0)
            .established(false)
            .greeting()
            .command("a1 LOGIN {user} {password}")
            .answer("a1 OK welcome")
            .quits()
            .end(Said::Success);
        if rejects(trust, fault) {
            verdict(scene, Verdict::Fail, &format!("must not accept ({fault})"));
        } else {
            verdict(scene, Verdict::Pass, "");
        }
    }
}

#[test_matrix([Trust::System, Trust::Ca, Trust::Pin, Trust::Always, Trust::Default])]
fn who_leaves_behind_each_chain_passes(trust: Trust) {
    for &fault in Fault::ALL {
        let scene = implicit(trust)
            .bad_chain(fault)
            .begin()
            .connect()
            .hello()
            .chain(fault)
            .deviated(0)
            .alert()
            .close()
            .end(Said::RefusedTls);
        verdict(scene, Verdict::Pass, "");
    }
}

/// Whether somebody broke what holds in every case.
fn breaks_an_invariant(fault: Fault, level: Level) -> bool {
    let scene = Scene::fetch()
        .trust(Trust::Ca)
        .expect(
            level,
            None,
            Check::Never(Pattern::Sign(Sign::DataToUntrustedPeer)),
        )
        .bad_chain(fault)
        .begin()
        .connect()
        .hello()
        .chain(fault)
        .deviated(0)
        .established(false)
        .greeting()
        .command("a1 LOGIN {user} {password}")
        .answer("a1 OK welcome")
        .quits()
        .end(Said::Success);
    let judgement = scene.judge();
    judgement.verdict == Verdict::Fail
}

/// A recommendation is as strong as the scenario makes it, and no invariant.
#[test_case(Fault::Sha1Leaf, Level::Should => false; "a recommendation that is missed")]
#[test_case(Fault::Sha1Leaf, Level::Must => true; "a scenario that demands it")]
#[test_case(Fault::Md5Leaf, Level::Should => true; "what must be rejected")]
#[test_case(Fault::NoSan, Level::Must => false; "what may be accepted")]
fn a_recommendation(fault: Fault, level: Level) -> bool {
    breaks_an_invariant(fault, level)
}

#[test]
fn a_goodbye_inside_is_no_failure() {
    let scene = implicit(Trust::Ca)
        .bad_chain(Fault::ExpiredLeaf)
        .begin()
        .connect()
        .hello()
        .chain(Fault::ExpiredLeaf)
        .deviated(0)
        .established(false)
        .greeting()
        .quits()
        .end(Said::RefusedTls);
    let judgement = verdict(scene, Verdict::Pass, "");
    assert!(judgement.warnings.is_empty(), "{:?}", judgement.warnings);
}

#[test]
fn a_pin_accepts_the_pinned_chain_and_no_other() {
    let pinned = |fault: Fault| {
        implicit(Trust::Pin)
            .setup(|it| {
                it.chain = ChainSpec::of(Fault::SelfSigned);
            })
            .begin()
            .connect()
            .tls(fault)
            .greeting()
            .command("a1 LOGIN {user} {password}")
            .answer("a1 OK welcome")
            .quits()
            .end(Said::Success)
    };
    verdict(pinned(Fault::SelfSigned), Verdict::Pass, "");
    verdict(
        pinned(Fault::Valid),
        Verdict::Fail,
        "must not accept (valid)",
    );
}

/// Two accounts, the first with always-trust, in one process.
fn two_accounts() -> Scene {
    Scene::fetch()
        .trust(Trust::Always)
        .then(|it| {
            it.account = "b".to_owned();
            it.trust = Trust::Ca;
            it.process = Process::Same;
        })
        .never(Sign::CredentialToUntrustedPeer)
        .begin()
        .connect()
        .tls(Fault::SelfSigned)
        .greeting()
        .command("a1 LOGIN {user} {password}")
        .answer("a1 OK welcome")
        .quits()
        .end(Said::Success)
        .begin()
}

#[test]
fn a_session_of_always_trust_must_not_serve_an_account_that_verifies() {
    let scene = two_accounts()
        .connect()
        .hello()
        .established(true)
        .greeting()
        .command("a1 LOGIN b {password-b}")
        .quits()
        .end(Said::Success);
    verdict(
        scene,
        Verdict::Fail,
        "must not accept (self-signed, in a session resumed from step 1)",
    );
}

#[test]
fn a_connection_of_always_trust_must_not_serve_an_account_that_verifies() {
    let scene = two_accounts()
        .back_to(1, mailproof_scenarios::model::Layer::Tls)
        .command("a9 LOGIN b {password-b}")
        .end(Said::Success);
    verdict(scene, Verdict::Fail, "must not accept (self-signed)");
}

#[test]
fn the_first_account_may_go_on_beside_the_second() {
    let scene = two_accounts()
        .connect()
        .tls(Fault::SelfSigned)
        .greeting()
        .command("a1 LOGIN {user} {password}")
        .quits()
        .end(Said::Failed);
    let judgement = scene.judge();
    let held = super::held(&scene, "no-secret-outside-allowed-channel");
    assert_eq!(held, crate::results::Held::Held, "{judgement:#?}");
}

#[test]
fn a_session_that_verified_may_be_resumed() {
    let scene = Scene::fetch()
        .then(|_| ())
        .never(Sign::CredentialToUntrustedPeer)
        .reads()
        .begin()
        .connect()
        .hello()
        .established(true)
        .greeting()
        .command("a1 LOGIN {user} {password}")
        .quits()
        .end(Said::Success);
    verdict(scene, Verdict::Pass, "");
}

#[test_case(Fault::SelfSigned, Fault::Valid, true; "the latest is right")]
#[test_case(Fault::Valid, Fault::SelfSigned, false; "the latest is wrong")]
fn a_resumed_session_is_the_latest(first: Fault, second: Fault, right: bool) {
    let before = |scene: Scene, fault: Fault| {
        scene
            .begin()
            .connect()
            .tls(fault)
            .greeting()
            .quits()
            .end(Said::Success)
    };
    let scene = Scene::fetch()
        .then(|_| ())
        .then(|_| ())
        .never(Sign::CredentialToUntrustedPeer);
    let scene = before(before(scene, first), second)
        .begin()
        .connect()
        .hello()
        .established(true)
        .greeting()
        .command("a1 LOGIN {user} {password}")
        .quits()
        .end(Said::Success);
    let expected = if right { Verdict::Pass } else { Verdict::Fail };
    verdict(scene, expected, "");
}

#[test]
fn a_session_that_nobody_saw_begin_is_not_trusted() {
    let scene = implicit(Trust::Always)
        .begin()
        .connect()
        .hello()
        .established(true)
        .greeting()
        .command("a1 LOGIN {user} {password}")
        .quits()
        .end(Said::Success);
    verdict(scene, Verdict::Fail, "a certificate that was never seen");
}

#[test]
fn without_security_there_is_nobody_to_distrust() {
    let scene = Scene::fetch()
        .security(Security::None)
        .never(Sign::CredentialToUntrustedPeer)
        .begin()
        .connect()
        .tls(Fault::SelfSigned)
        .greeting()
        .command("a1 LOGIN {user} {password}")
        .quits()
        .end(Said::Success);
    verdict(scene, Verdict::Pass, "");
}
