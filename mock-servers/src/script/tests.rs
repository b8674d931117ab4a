//! Tables: a deviation and an engine's response on one side, what leaves the server on the other.

use mailproof_scenarios::model::{
    At, Endpoints, Family, HostAddress, Layer, On, PortChange, Split, Then, Unit, When,
};
use pretty_assertions::assert_eq;
use test_case::test_case;

use super::*;
use crate::{
    engine::{After, Input, InputKind},
    testing::{Puppet, response},
};

const SCENE: Scene = Scene {
    protocol: Protocol::Smtp,
    step: 1,
    connection: 1,
    layer: Layer::Clear,
    between: Endpoints {
        address: HostAddress::Server,
        family: Some(Family::Ipv4),
        source: Some(1),
    },
};

fn text(source: &str) -> WireText {
    WireText::parse(source).unwrap()
}

fn at(verb: &str) -> On {
    On {
        at: Some(At::Command(verb.to_owned())),
        ..On::default()
    }
}

fn unit(unit: Unit) -> On {
    On {
        unit: Some(unit),
        ..at("FETCH")
    }
}

fn reply(source: &str, then: Then) -> Action {
    Action::Reply {
        text: text(source),
        then,
    }
}

fn after(source: &str, then: Then) -> Action {
    Action::After {
        text: text(source),
        then,
    }
}

fn input(verb: &str) -> Input {
    Input {
        kind: InputKind::Command,
        verb: verb.to_owned(),
        line: format!("{verb}\r\n").into_bytes(),
    }
}

/// What leaves, as a line a person can read: `write "..."`, then what it proves.
fn run(script: &mut Script, scene: &Scene, verb: &str, response: &Response) -> Vec<String> {
    let engine = Puppet::new();
    let input = input(verb);
    let considered = script.consider(scene, &Moment::Input(&input), &engine);
    let mut fill = Fill::default();
    fill.set("host", "mx.example").set("tag", "A1");
    let in_segments = scene.layer == Layer::Clear;
    let spoken = (scene.protocol, in_segments);
    let plan = script.plan(&considered, spoken, response, &fill);
    let mut lines: Vec<_> = plan
        .ops
        .iter()
        .map(|it| {
            let op = match &it.op {
                WireOp::Write(octets) => format!("write {}", octets.escape_ascii()),
                other => format!("{other:?}").to_lowercase(),
            };
            let proves: String = it.proves.iter().map(|it| format!(" #{it}")).collect();
            op + &proves
        })
        .collect();
    let answer = plan.answer.map_or("no answer".to_owned(), |it| {
        format!("answer {} {}", it.last.escape_ascii(), it.positive)
    });
    lines.push(answer);
    lines
}

fn starttls() -> Response {
    Response {
        after: After::StartTls,
        ..response(&[(Unit::Final, "220 go\r\n")])
    }
}

fn fetch() -> Response {
    response(&[
        (Unit::Untagged, "* 1 FETCH one\r\n"),
        (Unit::Untagged, "* 2 FETCH two\r\n"),
        (Unit::Final, "A1 OK done\r\n"),
    ])
}

#[test_case(at("X"), Action::Then(Then::Fin), &["write 220 go\\r\\n", "starttls", "answer 220 go true"]; "a deviation elsewhere changes nothing")]
#[test_case(at("starttls"), reply("220 {host}\r\n250 injected\r\n", Then::GoOn), &["write 220 mx.example\\r\\n250 injected\\r\\n #0", "starttls", "answer 220 mx.example\\r\\n250 injected true"]; "another text, and on as before")]
#[test_case(at("STARTTLS"), reply("454 no\r\n", Then::Clear), &["write 454 no\\r\\n #0", "stayclear", "answer 454 no false"]; "another text, and no TLS")]
#[test_case(at("STARTTLS"), after("250 injected\r\n", Then::Tls), &["write 220 go\\r\\n250 injected\\r\\n #0", "starttls", "answer 220 go true"]; "injected behind, in the same write")]
#[test_case(at("STARTTLS"), Action::Before(text("250 injected\r\n")), &["write 250 injected\\r\\n220 go\\r\\n #0", "starttls", "answer 220 go true"]; "injected before")]
#[test_case(at("STARTTLS"), Action::Drop { then: Then::Silence }, &["withhold #0", "silence", "no answer"]; "nothing at all")]
#[test_case(at("STARTTLS"), Action::Drop { then: Then::Fin }, &["withhold #0", "fin", "no answer"]; "closed instead")]
#[test_case(at("STARTTLS"), Action::Then(Then::Clear), &["write 220 go\\r\\n", "stayclear #0", "answer 220 go true"]; "the go-ahead without TLS")]
#[test_case(at("STARTTLS"), Action::Then(Then::Reset), &["write 220 go\\r\\n", "reset #0", "answer 220 go true"]; "the go-ahead and a reset")]
#[test_case(at("STARTTLS"), Action::Hold { ms: 9 }, &["hold(9) #0", "write 220 go\\r\\n", "starttls", "answer 220 go true"]; "late")]
#[test_case(at("STARTTLS"), Action::StopReading { resume_ms: Some(9) }, &["stopreading(some(9)) #0", "write 220 go\\r\\n", "starttls", "answer 220 go true"]; "deaf before the answer leaves")]
#[test_case(at("*"), Action::Split { split: Split::InsideLine, gap_ms: 5 }, &["write 2 #0", "gap(5)", "write 20 go\\r", "gap(5)", "write \\n", "starttls", "answer 220 go true"]; "in portions")]
#[test_case(at("*"), Action::Split { split: Split::Whole, gap_ms: 5 }, &["write 220 go\\r\\n #0", "starttls", "answer 220 go true"]; "in one portion")]
#[test_case(at("*"), Action::Replace(vec![(text("go"), text("stay")), (text("220"), text("250"))]), &["write 250 stay\\r\\n #0", "starttls", "answer 250 stay true"]; "words replaced")]
#[test_case(at("*"), Action::Replace(vec![(text("nothing"), text("x"))]), &["write 220 go\\r\\n", "starttls", "answer 220 go true"]; "words that are not there prove nothing")]
#[test_case(at("STARTTLS"), Action::Reject("454 no".to_owned().try_into().unwrap()), &["write 220 go\\r\\n #0", "starttls", "answer 220 go true"]; "a refusal is proved by the write of what was decided")]
fn on_starttls(on: On, action: Action, expected: &[&str]) {
    let mut script = Script::new(&[Deviation { on, action }]);
    assert_eq!(run(&mut script, &SCENE, "STARTTLS", &starttls()), expected);
}

#[test_case(unit(Unit::Final), Action::Drop { then: Then::Fin }, &["withhold #0", "write * 1 FETCH one\\r\\n* 2 FETCH two\\r\\n", "fin", "no answer"]; "without its end")]
#[test_case(unit(Unit::Untagged), reply("* 1 FETCH (BODY[] {99}\r\n", Then::Silence), &["write * 1 FETCH (BODY[] {99}\\r\\n #0", "silence", "no answer"]; "cut inside")]
#[test_case(unit(Unit::Untagged), reply("* 9 EXISTS\r\n", Then::GoOn), &["write * 9 EXISTS\\r\\nA1 OK done\\r\\n #0", "answer A1 OK done true"]; "all units of a kind are one")]
#[test_case(unit(Unit::Untagged), Action::Before(text("* 3 EXPUNGE\r\n")), &["write * 3 EXPUNGE\\r\\n* 1 FETCH one\\r\\n* 2 FETCH two\\r\\nA1 OK done\\r\\n #0", "answer A1 OK done true"]; "before the first")]
#[test_case(unit(Unit::Untagged), after("* 3 EXISTS\r\n", Then::GoOn), &["write * 1 FETCH one\\r\\n* 2 FETCH two\\r\\n* 3 EXISTS\\r\\nA1 OK done\\r\\n #0", "answer A1 OK done true"]; "behind the last")]
#[test_case(unit(Unit::Continuation), Action::Drop { then: Then::Fin }, &["write * 1 FETCH one\\r\\n* 2 FETCH two\\r\\nA1 OK done\\r\\n", "answer A1 OK done true"]; "a unit that is not there")]
#[test_case(unit(Unit::Untagged), Action::Drop { then: Then::GoOn }, &["withhold #0", "write A1 OK done\\r\\n", "answer A1 OK done true"]; "only its end")]
#[test_case(unit(Unit::Final), reply("{tag} NO no\r\n", Then::GoOn), &["write * 1 FETCH one\\r\\n* 2 FETCH two\\r\\nA1 NO no\\r\\n #0", "answer A1 NO no false"]; "another end")]
fn on_fetch(on: On, action: Action, expected: &[&str]) {
    let mut script = Script::new(&[Deviation { on, action }]);
    let scene = Scene {
        protocol: Protocol::Imap,
        ..SCENE
    };
    assert_eq!(run(&mut script, &scene, "FETCH", &fetch()), expected);
}

fn smuggled() -> Vec<Deviation> {
    vec![Deviation {
        on: at("STARTTLS"),
        action: after("250 injected\r\n", Then::GoOn),
    }]
}

#[test_case(Vec::new(), Split::Octet, Layer::Clear, &["write 2", "write 2", "write 0", "write  ", "write g", "write o", "write \\r", "write \\n", "starttls", "answer 220 go true"]; "octet by octet")]
#[test_case(Vec::new(), Split::InsideLine, Layer::Clear, &["write 2", "write 20 go\\r", "write \\n", "starttls", "answer 220 go true"]; "between CR and LF")]
#[test_case(smuggled(), Split::InsideLine, Layer::Clear, &["write 2", "write 20 go\\r", "write \\n250 injected\\r\\n #0", "starttls", "answer 220 go true"]; "what is put behind leaves with the last octet of the reply")]
#[test_case(vec![Deviation { on: at("STARTTLS"), action: Action::Before(text("X\r\n")) }], Split::Octet, Layer::Clear, &["write X #0", "write \\r", "write \\n", "write 2", "write 2", "write 0", "write  ", "write g", "write o", "write \\r", "write \\n", "starttls", "answer 220 go true"]; "the first octet of a deviation proves it")]
#[test_case(smuggled(), Split::InsideLine, Layer::Tls, &["write 220 go\\r\\n250 injected\\r\\n #0", "starttls", "answer 220 go true"]; "nowhere else")]
#[test_case(vec![Deviation { on: at("STARTTLS"), action: Action::Split { split: Split::Whole, gap_ms: 0 } }], Split::Octet, Layer::Clear, &["write 220 go\\r\\n #0", "starttls", "answer 220 go true"]; "a deviation goes first")]
#[test_case(vec![Deviation { on: at("STARTTLS"), action: Action::Drop { then: Then::Clear } }], Split::Octet, Layer::Clear, &["withhold #0", "stayclear", "no answer"]; "nothing is not cut")]
fn segments_of_the_base(deviations: Vec<Deviation>, split: Split, layer: Layer, expected: &[&str]) {
    let mut script = Script::new(&deviations).in_segments(Some(split));
    let scene = Scene { layer, ..SCENE };
    assert_eq!(run(&mut script, &scene, "STARTTLS", &starttls()), expected);
}

#[test]
fn several_deviations_act_on_one_response() {
    let deviations = [
        Deviation {
            on: at("STARTTLS"),
            action: Action::Replace(vec![(text("go"), text("no"))]),
        },
        Deviation {
            on: at("STARTTLS"),
            action: Action::Split {
                split: Split::InsideLine,
                gap_ms: 0,
            },
        },
        Deviation {
            on: at("STARTTLS"),
            action: Action::Then(Then::Fin),
        },
    ];
    assert_eq!(
        run(
            &mut Script::new(&deviations),
            &SCENE,
            "STARTTLS",
            &starttls()
        ),
        [
            "write 2 #1",
            "write 20 no\\r",
            "write \\n #0",
            "fin #2",
            "answer 220 no true"
        ]
    );
}

#[test]
fn nth_counts_over_the_case_and_only_what_fits() {
    let deviation = Deviation {
        on: On {
            nth: Some(2),
            step: Some(1),
            ..at("NOOP")
        },
        action: Action::Drop {
            then: Then::Silence,
        },
    };
    let mut script = Script::new(&[deviation]);
    let answer = response(&[(Unit::Final, "250 ok\r\n")]);
    let mut acts = |scene: &Scene, verb: &str| {
        run(&mut script, scene, verb, &answer)[0].starts_with("withhold")
    };
    let later = Scene { step: 2, ..SCENE };
    let other_connection = Scene {
        connection: 7,
        ..SCENE
    };
    assert!(!acts(&SCENE, "NOOP"));
    assert!(!acts(&SCENE, "RSET"));
    assert!(!acts(&later, "NOOP"));
    assert!(acts(&other_connection, "NOOP"));
    assert!(!acts(&SCENE, "NOOP"));
}

#[test_case(On { step: Some(2), ..On::default() }, false; "another step")]
#[test_case(On { connection: Some(2), ..On::default() }, false; "another connection")]
#[test_case(On { protocol: Some(Protocol::Imap), ..On::default() }, false; "another protocol")]
#[test_case(On { channel: Some(Layer::Tls), ..On::default() }, false; "another channel")]
#[test_case(On { address: Some(HostAddress::Second), ..On::default() }, false; "another address")]
#[test_case(On { family: Some(Family::Ipv6), ..On::default() }, false; "another family")]
#[test_case(On { source: Some(2), ..On::default() }, false; "another source")]
#[test_case(On { when: Some(When::SignedIn), ..On::default() }, false; "another state")]
#[test_case(On { at: Some(At::EndOfData), ..On::default() }, false; "another moment")]
#[test_case(On { when: Some(When::NotSignedIn), channel: Some(Layer::Clear), step: Some(1), address: Some(HostAddress::Server), family: Some(Family::Ipv4), source: Some(1), ..On::default() }, true; "everything fits")]
#[test_case(On::default(), true; "everywhere")]
fn selects(on: On, acts: bool) {
    let mut script = Script::new(&[Deviation {
        on,
        action: Action::Then(Then::Fin),
    }]);
    let ops = run(
        &mut script,
        &SCENE,
        "NOOP",
        &response(&[(Unit::Final, "250\r\n")]),
    );
    assert_eq!(ops[1] == "fin #0", acts);
}

#[test_case(InputKind::Data, &At::EndOfData)]
#[test_case(InputKind::Sasl, &At::AuthResponse)]
#[test_case(InputKind::Literal, &At::Literal)]
fn moments_that_are_no_commands(kind: InputKind, moment: &At) {
    let input = Input {
        kind,
        ..input("APPEND")
    };
    let matches = |at: At| {
        let on = On {
            at: Some(at),
            ..On::default()
        };
        select::moment(&on, &SCENE, &Moment::Input(&input), &Puppet::new())
    };
    assert!(matches(moment.clone()));
    assert!(!matches(At::Command("APPEND".to_owned())));
    assert!(!matches(At::Command("*".to_owned())));
    assert!(!matches(At::Greeting));
}

#[test]
fn the_second_of_two_refusals_waits_for_its_turn() {
    let refuse = |nth, text: &str| Deviation {
        on: On {
            nth: Some(nth),
            ..at("RCPT")
        },
        action: Action::Reject(text.to_owned().try_into().unwrap()),
    };
    let mut script = Script::new(&[refuse(1, "450 later"), refuse(2, "550 never")]);
    let mut refused = || {
        let input = input("RCPT");
        let engine = Puppet::new();
        script
            .consider(&SCENE, &Moment::Input(&input), &engine)
            .refusal
            .map(String::from)
    };
    assert_eq!(refused().as_deref(), Some("450 later"));
    assert_eq!(refused().as_deref(), Some("550 never"));
    assert_eq!(refused(), None);
}

#[test]
fn a_port_changes_for_a_step_and_counts_only_what_arrives() {
    let mut script = Script::new(&[Deviation {
        on: On {
            nth: Some(2),
            ..On::default()
        },
        action: Action::Port(PortChange {
            role: None,
            is: PortState::Refused,
        }),
    }]);
    let port = PortRole::Submission;
    assert_eq!(script.port(&SCENE, port, true), None);
    script.arrived_at(&SCENE, port, false);
    assert_eq!(script.port(&SCENE, port, true), None);
    script.arrived_at(&SCENE, port, true);
    assert_eq!(
        script.port(&SCENE, port, true),
        Some((0, PortState::Refused))
    );
    assert_eq!(script.port(&SCENE, port, false), None);
}
