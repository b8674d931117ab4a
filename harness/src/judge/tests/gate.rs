//! The gate: what counts as having met the deviation.

use mailproof_certs::Fault;
use mailproof_scenarios::model::{
    Action, At, ChainSpec, DnsChange, Endpoints, On, PortChange, PortRole, PortState, Refusal,
    Security, Sign, Then, Transport, Trust, What, event::Said,
};
use test_case::test_case;

use super::verdict;
use crate::{judge::testing::Scene, results::Verdict};

fn drops_starttls() -> Scene {
    Scene::send()
        .deviate_on(
            On {
                at: Some(At::Command("STARTTLS".to_owned())),
                ..On::default()
            },
            Action::Drop {
                then: Then::Silence,
            },
        )
        .never(Sign::CommandInClear)
        .begin()
        .connect()
        .greeting()
        .command("EHLO client.example")
        .answer("250 STARTTLS")
}

#[test_case(|| drops_starttls().command("STARTTLS").deviated(0).close().end(Said::Failed); "a close")]
#[test_case(|| drops_starttls().command("STARTTLS").deviated(0).command("QUIT").end(Said::Failed); "octets")]
#[test_case(|| drops_starttls().command("STARTTLS").deviated(0).alert().end(Said::Failed); "an alert")]
#[test_case(|| drops_starttls().command("STARTTLS").deviated(0).on_wire(What::LingerOver).end(Said::Failed); "left open, and the step ended")]
#[test_case(|| drops_starttls().command("STARTTLS").on_wire(What::ServerVanished).deviated(0).end(Said::Failed); "the server gone without a word, and the step ended")]
#[test_case(|| drops_starttls().command("STARTTLS").on_wire(What::ServerClosed { reset: true }).deviated(0).end(Said::Failed); "a reset, and the step ended")]
fn reached(scene: fn() -> Scene) {
    verdict(
        scene(),
        Verdict::Pass,
        "The client met what the server does at STARTTLS (drop)",
    );
}

#[test_case(|| drops_starttls().close().end(Said::Failed), "the client got as far as EHLO in clear"; "it left before")]
#[test_case(|| drops_starttls().command("STARTTLS").deviated(0).end(Said::Failed), "the server did it, but the client did nothing after that"; "it did nothing more")]
#[test_case(|| drops_starttls().command("STARTTLS").on_wire(What::LingerOver).deviated(0), "did nothing after that"; "nobody saw the end")]
#[test_case(|| drops_starttls().command("STARTTLS").close().deviated(0).end(Said::Failed), "did nothing after that"; "what it did was before")]
fn not_reached(scene: fn() -> Scene, reason: &str) {
    verdict(scene(), Verdict::Inconclusive, reason);
}

#[test]
fn a_port_that_swallows_is_met_by_who_ends() {
    let blocked = || {
        Scene::send()
            .deviate(Action::Port(PortChange {
                role: None,
                is: PortState::Blackhole,
            }))
            .completed(false)
            .begin()
            .event(What::Attempted {
                port: PortRole::Submission,
                between: Endpoints::default(),
            })
            .event(What::Deviated { index: 0 })
    };
    verdict(
        blocked().end(Said::Temporary),
        Verdict::Pass,
        "the port that is blackhole",
    );
    verdict(blocked(), Verdict::Inconclusive, "never met");
    let heard_late = Scene::send()
        .deviate(Action::Port(PortChange {
            role: None,
            is: PortState::Refused,
        }))
        .completed(false)
        .begin()
        .end(Said::Temporary)
        .event(What::Attempted {
            port: PortRole::Submission,
            between: Endpoints::default(),
        })
        .event(What::Deviated { index: 0 });
    verdict(heard_late, Verdict::Pass, "the port that is refused");
}

fn swapped_chain() -> Scene {
    Scene::send()
        .trust(Trust::Pin)
        .then(|_| ())
        .deviate_on(
            On {
                step: Some(2),
                ..On::default()
            },
            Action::Chain(ChainSpec {
                fault: Fault::SelfSigned,
                variant: 1,
                host: None,
            }),
        )
        .never(Sign::CredentialToUntrustedPeer)
}

#[test]
fn a_selected_step_must_be_met_in_that_step() {
    verdict(
        swapped_chain()
            .submits_behind(Fault::Valid)
            .refuses(Fault::SelfSigned),
        Verdict::Pass,
        "",
    );
    verdict(
        swapped_chain()
            .submits_behind(Fault::Valid)
            .begin()
            .end(Said::Failed),
        Verdict::Inconclusive,
        "never met the self-signed certificate in step 2: the client never connected and said that it failed",
    );
}

#[test]
fn a_chain_that_is_there_for_everybody_must_be_met_in_every_step() {
    let scene = Scene::send()
        .trust(Trust::Always)
        .then(|it| it.trust = Trust::Ca)
        .bad_chain(Fault::SelfSigned)
        .never(Sign::CredentialToUntrustedPeer)
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
    verdict(
        scene.clone().begin().connect().close().end(Said::Failed),
        Verdict::Inconclusive,
        "in step 2",
    );
    verdict(scene.refuses(Fault::SelfSigned), Verdict::Pass, "");
}

#[test]
fn one_of_several_is_enough_but_every_step_must_turn_up() {
    let refusal = || Refusal::try_from("550 5.7.1 No".to_owned()).unwrap();
    let scene = || {
        Scene::send()
            .then(|_| ())
            .deviate_on(
                On {
                    at: Some(At::Command("MAIL".to_owned())),
                    ..On::default()
                },
                Action::Reject(refusal()),
            )
            .deviate_on(
                On {
                    at: Some(At::Command("RCPT".to_owned())),
                    ..On::default()
                },
                Action::Reject(refusal()),
            )
            .expect(
                mailproof_scenarios::model::Level::Must,
                Some(1),
                mailproof_scenarios::model::Check::Completed(false),
            )
            .begin()
            .up_to_go_ahead()
            .tls(Fault::Valid)
            .signs_in()
            .command("MAIL FROM:<{user}>")
            .answer("550 5.7.1 No")
            .deviated(0)
            .quits()
            .end(Said::Permanent)
    };
    verdict(scene().submits_behind(Fault::Valid), Verdict::Pass, "");
    verdict(
        scene().begin().end(Said::Failed),
        Verdict::Inconclusive,
        "In step 2 the client never met the server",
    );
}

#[test]
fn who_stays_away_from_a_step_that_must_complete_has_failed() {
    let scene = Scene::send()
        .trust(Trust::Always)
        .then(|_| ())
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
        .end(Said::Success)
        .begin()
        .end(Said::Failed);
    verdict(
        scene,
        Verdict::Fail,
        "The job did not take place: the server accepted no message; the client never connected",
    );
}

#[test]
fn a_changed_step_must_reach_the_server() {
    let scene = || {
        Scene::send()
            .vary(1, |it| it.security = Security::Implicit)
            .completed(false)
            .begin()
    };
    verdict(
        scene()
            .connect()
            .hello()
            .alert()
            .close()
            .end(Said::RefusedTls),
        Verdict::Pass,
        "The client met the server with what is different in this case",
    );
    verdict(
        scene().end(Said::Failed),
        Verdict::Inconclusive,
        "never met the server with what is different in this case",
    );
    let unbegun = Scene::send()
        .vary(1, |it| it.security = Security::Implicit)
        .completed(false);
    verdict(unbegun, Verdict::Inconclusive, "Step 1 was never begun");
}

#[test]
fn whoever_ends_with_an_answer_of_dns_has_met_it() {
    let change = DnsChange {
        a: Some(Vec::new()),
        ..DnsChange::default()
    };
    let asked = Scene::send()
        .deviate(Action::Dns(change))
        .completed(false)
        .begin()
        .event(What::Queried {
            name: "mail.firma.example".to_owned(),
            kind: "A".to_owned(),
            over: Transport::Udp,
            answer: vec!["NODATA".to_owned()],
        })
        .event(What::Deviated { index: 0 });
    let nobody = asked.clone().end(Said::Failed);
    verdict(
        nobody,
        Verdict::Inconclusive,
        "the client asked DNS for mail.firma.example",
    );
    verdict(
        asked.connect().greeting().close().end(Said::Failed),
        Verdict::Pass,
        "The client met what DNS says otherwise",
    );
}
