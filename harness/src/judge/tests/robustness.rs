//! Whatever a log holds, the judge gives an opinion and never passes what it did not see.

use mailproof_certs::Fault;
use mailproof_scenarios::model::{
    Endpoints, Event, Kind, Layer, PortRole, Protocol, Sign, What,
    event::{Alert, ClientHello, Direction, Ended, Said, SentChain},
};
use proptest::{prelude::*, sample::select};

use crate::{
    judge::testing::Scene,
    results::{Judgement, Verdict},
};

fn octets() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..40),
        select(vec![
            "EHLO x\r\n",
            "STARTTLS\r\n",
            "a1 LOGIN {3}\r\n",
            "a {999999999999999999999}\r\n",
            "AUTH PLAIN ",
            "\r\n.\r\n",
            "550",
            "a NO",
            "\u{16}\u{3}",
        ])
        .prop_map(|it| it.as_bytes().to_vec()),
    ]
}

fn layer() -> impl Strategy<Value = Layer> {
    select(vec![Layer::Clear, Layer::Tls])
}

fn verb() -> impl Strategy<Value = String> {
    select(vec![
        "EHLO",
        "STARTTLS",
        "AUTH",
        "(sasl)",
        "(data)",
        "?",
        "",
        "LOGIN",
        "RCPT",
        "QUIT",
        "(greeting)",
        "MAIL",
    ])
    .prop_map(str::to_owned)
}

fn said() -> impl Strategy<Value = Said> {
    select(vec![Said::Success, Said::Failed, Said::RefusedTls])
}

fn what() -> impl Strategy<Value = What> {
    prop_oneof![
        Just(What::StepStarted {
            command: Vec::new()
        }),
        (any::<u8>(), octets()).prop_map(|(stream, octets)| What::Output { stream, octets }),
        said().prop_map(|said| What::StepEnded(Ended::Finished {
            code: None,
            said,
            text: "x\u{1b}".to_owned()
        })),
        Just(What::StepEnded(Ended::Hung { budget: 1 })),
        (0..u64::MAX, 0..u64::MAX)
            .prop_map(|(peak_memory, floor)| What::Measured { peak_memory, floor }),
        (select(PortRole::ALL), any::<bool>()).prop_map(|(port, decoy)| What::Connected {
            port,
            decoy,
            between: Endpoints::default()
        }),
        select(PortRole::ALL).prop_map(|port| What::Attempted {
            port,
            between: Endpoints::default()
        }),
        (layer(), octets()).prop_map(|(layer, octets)| What::Received { layer, octets }),
        (layer(), octets()).prop_map(|(layer, octets)| What::Sent { layer, octets }),
        octets().prop_map(|octets| What::Raw {
            from: Direction::Client,
            octets
        }),
        proptest::collection::vec(any::<u16>(), 0..3).prop_map(|versions| {
            What::ClientHello(ClientHello {
                versions,
                ..ClientHello::default()
            })
        }),
        select(Fault::ALL).prop_map(|fault| What::ServedChain(SentChain {
            fault,
            variant: 0,
            host: None,
            leaf: String::new()
        })),
        any::<bool>().prop_map(|resumed| What::TlsEstablished {
            version: "TLSv1_3".to_owned(),
            suite: String::new(),
            resumed
        }),
        any::<u8>().prop_map(|description| What::Alert(Alert {
            from: Direction::Client,
            fatal: true,
            description
        })),
        Just(What::KeyExchange),
        (layer(), verb(), octets(), any::<bool>()).prop_map(|(layer, verb, line, early)| {
            What::Command {
                protocol: Protocol::Smtp,
                layer,
                verb,
                line,
                early,
            }
        }),
        (verb(), octets(), any::<bool>()).prop_map(|(verb, last, positive)| What::Responded {
            verb,
            last,
            positive
        }),
        octets().prop_map(|octets| What::MessageAccepted {
            from: String::new(),
            to: vec!["a@b".to_owned()],
            octets
        }),
        (0..3_u16).prop_map(|index| What::Deviated { index }),
        any::<bool>().prop_map(|reset| What::ServerClosed { reset }),
        any::<bool>().prop_map(|reset| What::ClientClosed { reset }),
        Just(What::LingerOver),
        Just(What::IdleNotified),
    ]
}

fn event() -> impl Strategy<Value = Event> {
    (0..4_u16, proptest::option::of(0..4_u32), what()).prop_map(|(step, conn, what)| Event {
        at: 0,
        step,
        conn,
        what,
    })
}

fn scenes() -> Vec<Scene> {
    let signs = |scene: Scene| Sign::ALL.iter().fold(scene, |it, sign| it.never(*sign));
    vec![
        signs(Scene::send().bad_chain(Fault::SelfSigned).completed(false)),
        signs(Scene::fetch().then(|_| ()).completed(true)),
        signs(Scene::send().kind(Kind::Survey)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn any_order_of_events_gets_an_opinion(
        events in proptest::collection::vec(event(), 0..60),
        which in 0..3_usize,
    ) {
        let mut scene = scenes().remove(which);
        scene.record.log.events = events;
        let judgement: Judgement = scene.judge();
        prop_assert!(!judgement.reason.is_empty());
        prop_assert!(judgement.reason.chars().all(|c| !c.is_control()));
        let count = scene.record.log.events.len();
        for finding in &judgement.findings {
            prop_assert!(finding.evidence.iter().all(|it| *it < count), "{finding:?}");
        }
        crate::transcript::render(&scene.record, crate::transcript::Options::default());
        let text = crate::transcript::normalise(&scene.record);
        prop_assert!(text.chars().all(|c| c == '\n' || !c.is_control()), "{text:?}");
    }

    /// Without its deviation a fault case never passes, whatever else is in the log.
    #[test]
    fn nothing_passes_without_the_deviation(mut events in proptest::collection::vec(event(), 0..60)) {
        events.retain(|it| !matches!(it.what, What::Deviated { .. }));
        let mut scene = scenes().remove(0);
        scene.record.log.events = events;
        prop_assert_ne!(scene.judge().verdict, Verdict::Pass);
    }

    /// A password in clear is found wherever the writes cut it, and whatever stands around it.
    #[test]
    fn no_cut_hides_a_password(
        cuts in proptest::collection::vec(0..60_usize, 0..6),
        before in "[a-zA-Z0-9 ]{0,20}",
        encode in any::<bool>(),
    ) {
        let mut scene = Scene::send().never(Sign::CredentialInClear).begin().connect().greeting();
        let mut line = scene.fill(&format!("{before}{{password}}"));
        if encode {
            use base64::Engine as _;
            line = base64::engine::general_purpose::STANDARD.encode(line);
        }
        let mut cuts: Vec<usize> = cuts.into_iter().map(|it| it % (line.len() + 1)).collect();
        cuts.extend([0, line.len()]);
        cuts.sort_unstable();
        for pair in cuts.windows(2) {
            scene = scene.octets(&line[pair[0]..pair[1]]);
        }
        prop_assert_eq!(scene.end(Said::Failed).judge().verdict, Verdict::Fail);
    }
}

#[test]
fn judging_twice_gives_the_same() {
    let scene = Scene::send().completed(true).submits_behind(Fault::Valid);
    assert_eq!(scene.judge(), scene.judge());
    let stored = serde_json::to_string(&scene.record).unwrap();
    let read: crate::results::Record = serde_json::from_str(&stored).unwrap();
    assert_eq!(
        crate::judge::judge(&read, Some(&crate::judge::testing::passed())),
        scene.judge()
    );
}
