//! Dialogues without sockets: what goes in, what leaves, what is recorded.

use std::sync::{Arc, OnceLock};

use mailproof_certs::{Authority, Names};
use mailproof_scenarios::model::{
    Action, At, ChainSpec, Deviation, On, Split, Then, TlsState, WireText,
    event::{Direction, octets},
};
use pretty_assertions::assert_eq;
use rustls::{
    ClientConfig, ClientConnection, RootCertStore, crypto::aws_lc_rs::default_provider,
    pki_types::ServerName,
};
use test_case::test_case;

use super::*;
use crate::{
    script::Script,
    testing::Puppet,
    world::{log::Recorder, place::Place, shared::Tls},
};

fn authority() -> Arc<Authority> {
    static AUTHORITY: OnceLock<Arc<Authority>> = OnceLock::new();
    AUTHORITY
        .get_or_init(|| Arc::new(Authority::fresh(time::OffsetDateTime::now_utc()).unwrap()))
        .clone()
}

/// A connection with its world around it.
struct Bench {
    shared: Shared,
    connection: Connection,
    /// What left and was not looked at yet.
    wire: Vec<u8>,
    writes: usize,
    /// Whether waits end at once.
    patient: bool,
}

impl Bench {
    fn new(role: PortRole, deviations: &[Deviation]) -> Self {
        Self::with_port(role, PortState::Open, deviations)
    }

    fn with_port(role: PortRole, state: PortState, deviations: &[Deviation]) -> Self {
        let names = Names::dns("localhost");
        let tls = Tls::new(authority(), Place::Loopback, names, ChainSpec::default());
        let mut shared = Shared::new(
            Recorder::new(),
            Script::new(deviations),
            tls,
            Box::new(|_, _, _| {}),
        );
        shared.step = 1;
        let opening = Opening {
            id: 1,
            role,
            ordinal: Some(1),
            between: Endpoints::default(),
            state,
            proof: Some(9),
            engine: match state {
                PortState::Silent | PortState::Reset | PortState::Closed => None,
                _ => Some(Box::new(Puppet::new())),
            },
            changes: Vec::new(),
        };
        let connection = Connection::open(opening, &mut shared);
        let mut bench = Self {
            shared,
            connection,
            wire: Vec::new(),
            writes: 0,
            patient: true,
        };
        bench.pump();
        bench
    }

    fn pump(&mut self) {
        while let Some(op) = self.connection.next_op(&mut self.shared) {
            match op {
                Op::Write(octets, _) => {
                    self.writes += 1;
                    self.wire.extend_from_slice(&octets);
                }
                Op::Wait(_) if !self.patient => return,
                _ => {}
            }
            self.connection.done(true, &mut self.shared);
        }
    }

    fn say(&mut self, octets: &[u8]) -> &mut Self {
        self.connection.octets(octets, &mut self.shared);
        self.pump();
        self
    }

    fn leave(&mut self) -> &mut Self {
        self.connection.eof(&mut self.shared);
        self.pump();
        self
    }

    /// What was recorded since the last look, without raw octets, as lines a person can read.
    fn log(&mut self) -> Vec<String> {
        let events = self.shared.recorder.take().events;
        events.iter().filter_map(|it| line(&it.what)).collect()
    }

    /// Lets a TLS client talk with the server until nobody has anything to say.
    fn talk(&mut self, client: &mut ClientConnection) {
        loop {
            let mut rest = &std::mem::take(&mut self.wire)[..];
            while !rest.is_empty() {
                client.read_tls(&mut rest).unwrap();
                if client.process_new_packets().is_err() {
                    break;
                }
            }
            let mut octets = Vec::new();
            while client.wants_write() {
                client.write_tls(&mut octets).unwrap();
            }
            if octets.is_empty() {
                return;
            }
            self.say(&octets);
        }
    }
}

fn line(what: &What) -> Option<String> {
    let text = octets::to_text;
    Some(match what {
        What::Raw { .. } | What::TlsSecret { .. } => return None,
        What::Received { layer, octets } => format!("C {layer:?}: {}", text(octets)),
        What::Sent { layer, octets } => format!("S {layer:?}: {}", text(octets)),
        What::Command { verb, early, .. } => {
            format!("command {verb}{}", if *early { " early" } else { "" })
        }
        What::Responded {
            verb,
            last,
            positive,
        } => format!("responded {verb}: {} {positive}", text(last)),
        What::Deviated { index } => format!("deviated {index}"),
        What::ClientHello(_) => "hello".to_owned(),
        What::ServedChain(chain) => format!("chain {:?}", chain.fault),
        What::TlsEstablished { version, .. } => format!("established {version}"),
        What::TlsFailed { .. } => "tls failed".to_owned(),
        What::Alert(alert) => format!("alert {:?} {}", alert.from, alert.description),
        What::ServerClosed { reset } => {
            format!("server closed{}", if *reset { " by reset" } else { "" })
        }
        What::ClientClosed { reset } => {
            format!("client closed{}", if *reset { " by reset" } else { "" })
        }
        other => format!("{other:?}"),
    })
}

fn at(verb: &str, action: Action) -> Deviation {
    Deviation {
        on: On {
            at: Some(At::Command(verb.to_owned())),
            ..On::default()
        },
        action,
    }
}

fn everywhere(action: Action) -> Deviation {
    Deviation {
        on: On::default(),
        action,
    }
}

fn text(source: &str) -> WireText {
    WireText::parse(source).unwrap()
}

fn client(trusting: bool) -> ClientConnection {
    let mut roots = RootCertStore::empty();
    if trusting {
        roots.add(authority().root_der()).unwrap();
    }
    let config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from("localhost").unwrap();
    ClientConnection::new(Arc::new(config), name).unwrap()
}

fn hello() -> Vec<u8> {
    let mut octets = Vec::new();
    client(true).write_tls(&mut octets).unwrap();
    octets
}

#[test]
fn a_plain_dialogue() {
    let mut bench = Bench::new(PortRole::Submission, &[]);
    bench.say(b"EHLO x\r\nQUIT\r\n").leave();
    assert_eq!(
        bench.log(),
        [
            "S Clear: 220 puppet\\r\\n",
            "responded (greeting): 220 puppet true",
            "deviated 9",
            "C Clear: EHLO x\\r\\nQUIT\\r\\n",
            "command EHLO",
            "command QUIT early",
            "S Clear: 250 EHLO\\r\\n",
            "responded EHLO: 250 EHLO true",
            "S Clear: 221 bye\\r\\n",
            "responded QUIT: 221 bye true",
            "server closed",
            "client closed",
        ]
    );
    assert!(bench.connection.is_over());
}

#[test]
fn starttls_and_a_session_inside() {
    let mut bench = Bench::new(PortRole::Submission, &[]);
    bench.say(b"STARTTLS\r\n");
    assert_eq!(std::mem::take(&mut bench.wire), b"220 puppet\r\n220 go\r\n");
    let mut client = client(true);
    bench.talk(&mut client);
    std::io::Write::write_all(&mut client.writer(), b"NOOP\r\n").unwrap();
    bench.talk(&mut client);
    client.send_close_notify();
    bench.talk(&mut client);
    bench.leave();
    let log = bench.log();
    assert_eq!(
        log[7..],
        [
            "hello",
            "chain Valid",
            "established TLSv1_3",
            "C Tls: NOOP\\r\\n",
            "command NOOP",
            "S Tls: 250 NOOP\\r\\n",
            "responded NOOP: 250 NOOP true",
            "alert Client 0",
            "alert Server 0",
            "server closed",
            "client closed",
        ]
    );
}

#[test]
fn tls_octets_pipelined_with_starttls_are_tls() {
    let mut bench = Bench::new(PortRole::Submission, &[]);
    let mut client = client(true);
    let mut octets = b"STARTTLS\r\n".to_vec();
    client.write_tls(&mut octets).unwrap();
    bench.say(&octets);
    bench.wire.drain(..b"220 puppet\r\n220 go\r\n".len());
    bench.talk(&mut client);
    let log = bench.log();
    assert!(
        log.contains(&"C Clear: STARTTLS\\r\\n".to_owned()),
        "{log:?}"
    );
    assert!(log.contains(&"established TLSv1_3".to_owned()), "{log:?}");
}

#[test]
fn clear_octets_pipelined_with_starttls_are_recorded_and_discarded() {
    let mut bench = Bench::new(PortRole::Submission, &[]);
    bench.say(b"STARTTLS\r\nNOOP\r\n");
    let mut client = client(true);
    bench.wire.clear();
    bench.talk(&mut client);
    let log = bench.log();
    assert!(log.contains(&"C Clear: STARTTLS\\r\\nNOOP\\r\\n".to_owned()));
    assert!(log.contains(&"established TLSv1_3".to_owned()));
    assert!(!log.contains(&"command NOOP early".to_owned()));
}

#[test]
fn octets_injected_behind_the_go_ahead_leave_in_its_write() {
    let reply = Action::After {
        text: text("250 injected\r\n"),
        then: Then::Tls,
    };
    let mut bench = Bench::new(PortRole::Submission, &[at("STARTTLS", reply)]);
    let before = bench.writes;
    bench.say(b"STARTTLS\r\n");
    assert_eq!(bench.writes, before + 1);
    assert!(bench.wire.ends_with(b"220 go\r\n250 injected\r\n"));
    let mut client = client(true);
    bench.wire.clear();
    bench.talk(&mut client);
    assert!(bench.log().contains(&"established TLSv1_3".to_owned()));
}

#[test]
fn a_client_that_refuses_the_chain_may_carry_on_in_clear_and_is_heard() {
    let chain = everywhere(Action::Chain(ChainSpec::of(
        mailproof_certs::Fault::ExpiredLeaf,
    )));
    let mut bench = Bench::new(PortRole::Submission, &[chain]);
    bench.say(b"STARTTLS\r\n");
    bench.wire.clear();
    bench.log();
    bench.talk(&mut client(true));
    bench.say(b"NOOP\r\n");
    assert_eq!(
        bench.log(),
        [
            "hello",
            "chain ExpiredLeaf",
            "deviated 0",
            "alert Client 45",
            "tls failed",
            "C Clear: NOOP\\r\\n",
            "command NOOP",
            "S Clear: 250 NOOP\\r\\n",
            "responded NOOP: 250 NOOP true",
        ]
    );
}

#[test]
fn behind_implicit_tls_that_failed_nothing_is_served() {
    let mut bench = Bench::new(PortRole::Submissions, &[]);
    bench.talk(&mut client(false));
    bench.say(b"NOOP\r\n");
    assert_eq!(
        bench.log(),
        [
            "deviated 9",
            "hello",
            "chain Valid",
            "alert Client 48",
            "tls failed",
            "server closed",
            "C Clear: NOOP\\r\\n",
        ]
    );
}

#[test]
fn implicit_tls_greets_inside() {
    let mut bench = Bench::new(PortRole::Imaps, &[]);
    let mut client = client(true);
    bench.talk(&mut client);
    let log = bench.log();
    assert_eq!(log[log.len() - 2], "S Tls: 220 puppet\\r\\n");
    let mut read = [0; 12];
    std::io::Read::read_exact(&mut client.reader(), &mut read).unwrap();
    assert_eq!(&read, b"220 puppet\r\n");
}

#[test_case(TlsState::Silent, &["hello", "deviated 0", "tls failed", "client closed"]; "silent")]
#[test_case(TlsState::Closed, &["hello", "server closed", "deviated 0", "tls failed", "client closed"]; "closed")]
#[test_case(TlsState::Reset, &["hello", "server closed by reset", "deviated 0", "tls failed", "client closed"]; "reset")]
#[test_case(TlsState::AlertHandshakeFailure, &["hello", "tls failed", "alert Server 40", "server closed", "deviated 0", "client closed"]; "handshake failure")]
#[test_case(TlsState::AlertProtocolVersion, &["hello", "tls failed", "alert Server 70", "server closed", "deviated 0", "client closed"]; "protocol version")]
#[test_case(TlsState::Garbage, &["hello", "deviated 0", "tls failed", "client closed"]; "garbage")]
#[test_case(TlsState::Only10, &["hello", "chain Valid", "deviated 0", "tls failed", "client closed"]; "only 1.0")]
fn tls_that_goes_wrong(state: TlsState, expected: &[&str]) {
    let mut bench = Bench::new(
        PortRole::Submissions,
        &[everywhere(Action::Tls(state.into()))],
    );
    bench.log();
    bench.say(&hello()).leave();
    assert_eq!(bench.log(), expected);
}

#[test]
fn a_client_refuses_tls_1_0_by_alert() {
    let mut bench = Bench::new(
        PortRole::Submission,
        &[everywhere(Action::Tls(TlsState::Only10.into()))],
    );
    bench.say(b"STARTTLS\r\n");
    bench.wire.clear();
    bench.talk(&mut client(true));
    let log = bench.log();
    assert!(log.contains(&"alert Client 70".to_owned()), "{log:?}");
    assert!(!log.iter().any(|it| it == "KeyExchange"));
}

#[test]
fn a_held_answer_makes_the_next_command_early() {
    let mut bench = Bench::new(
        PortRole::Submission,
        &[at("EHLO", Action::Hold { ms: 60_000 })],
    );
    bench.patient = false;
    bench.log();
    bench.say(b"EHLO x\r\n").say(b"NOOP\r\n");
    assert_eq!(
        bench.log(),
        [
            "C Clear: EHLO x\\r\\n",
            "command EHLO",
            "deviated 0",
            "C Clear: NOOP\\r\\n",
            "command NOOP early",
        ]
    );
    bench.leave();
    assert!(bench.connection.is_over());
}

#[test_case(Action::Drop { then: Then::Silence }, &["C Clear: EHLO x\\r\\n", "command EHLO", "deviated 0", "C Clear: NOOP\\r\\n", "command NOOP early"]; "silence")]
#[test_case(Action::Drop { then: Then::GoOn }, &["C Clear: EHLO x\\r\\n", "command EHLO", "deviated 0", "C Clear: NOOP\\r\\n", "command NOOP early", "S Clear: 250 NOOP\\r\\n", "responded NOOP: 250 NOOP true"]; "one answer missing")]
#[test_case(Action::Then(Then::Fin), &["C Clear: EHLO x\\r\\n", "command EHLO", "S Clear: 250 EHLO\\r\\n", "responded EHLO: 250 EHLO true", "server closed", "deviated 0", "C Clear: NOOP\\r\\n", "command NOOP"]; "fin")]
#[test_case(Action::Then(Then::Reset), &["C Clear: EHLO x\\r\\n", "command EHLO", "S Clear: 250 EHLO\\r\\n", "responded EHLO: 250 EHLO true", "server closed by reset", "deviated 0"]; "reset")]
fn the_end_of_answers(action: Action, expected: &[&str]) {
    let mut bench = Bench::new(PortRole::Submission, &[at("EHLO", action)]);
    bench.log();
    bench.say(b"EHLO x\r\n").say(b"NOOP\r\n");
    assert_eq!(bench.log(), expected);
}

#[test]
fn the_go_ahead_without_tls_carries_on_in_clear() {
    let mut bench = Bench::new(
        PortRole::Submission,
        &[at("STARTTLS", Action::Then(Then::Clear))],
    );
    bench.log();
    bench.say(b"STARTTLS\r\nEHLO x\r\n");
    assert_eq!(
        bench.log(),
        [
            "C Clear: STARTTLS\\r\\nEHLO x\\r\\n",
            "command STARTTLS",
            "S Clear: 220 go\\r\\n",
            "responded STARTTLS: 220 go true",
            "deviated 0",
            "command EHLO",
            "S Clear: 250 EHLO\\r\\n",
            "responded EHLO: 250 EHLO true",
        ]
    );
    bench.say(&hello());
    assert_eq!(
        bench.log(),
        [
            "hello",
            "command \u{16}\u{3}\u{1}",
            "S Clear: 250 \\x16\\x03\\x01\\r\\n",
            "responded \u{16}\u{3}\u{1}: 250 \\x16\\x03\\x01 true"
        ]
    );
}

#[test]
fn what_is_said_after_a_withheld_go_ahead_is_still_a_command() {
    let silence = Action::Drop {
        then: Then::Silence,
    };
    let mut bench = Bench::new(PortRole::Submission, &[at("STARTTLS", silence)]);
    bench.log();
    bench.say(b"STARTTLS\r\n").say(b"MAIL x\r\n");
    let log = bench.log();
    assert_eq!(log.last().unwrap(), "command MAIL early");
    assert!(!log.iter().any(|it| it.starts_with("SignIn")), "{log:?}");
}

#[test]
fn octet_by_octet() {
    let split = everywhere(Action::Split {
        split: Split::Octet,
        gap_ms: 1,
    });
    let mut bench = Bench::new(PortRole::Submission, &[split]);
    assert_eq!(bench.writes, b"220 puppet\r\n".len());
    assert_eq!(bench.wire, b"220 puppet\r\n");
    let log = bench.log();
    assert_eq!(log[0..2], ["S Clear: 2", "deviated 0"]);
    bench.say(b"NOOP\r\n");
    assert!(bench.log().contains(&"command NOOP".to_owned()));
}

#[test_case(PortState::Silent, &["deviated 9", "C Clear: QUIT\\r\\n", "client closed"]; "silent")]
#[test_case(PortState::Closed, &["server closed", "deviated 9", "C Clear: QUIT\\r\\n", "client closed"]; "closed")]
#[test_case(PortState::Reset, &["server closed by reset", "deviated 9"]; "reset")]
fn ports_without_a_server(state: PortState, expected: &[&str]) {
    let mut bench = Bench::with_port(PortRole::Submission, state, &[]);
    bench.say(b"QUIT\r\n");
    if !bench.connection.is_over() {
        bench.leave();
    }
    assert_eq!(bench.log(), expected);
}

#[test_case(PortRole::Submissions, PortState::Clear, false; "clear on the implicit port")]
#[test_case(PortRole::Submission, PortState::Implicit, true; "implicit on the clear port")]
fn ports_that_are_the_other_kind(role: PortRole, state: PortState, tls: bool) {
    let mut bench = Bench::with_port(role, state, &[]);
    assert_eq!(
        bench.log()[0],
        if tls {
            "deviated 9"
        } else {
            "S Clear: 220 puppet\\r\\n"
        }
    );
    bench.say(&hello());
    let log = bench.log();
    assert_eq!(log[0], "hello");
    assert_eq!(log.contains(&"chain Valid".to_owned()), tls);
}

#[test]
fn a_decoy_is_served_without_the_script() {
    let mut shared = Bench::new(PortRole::Submission, &[]).shared;
    shared.script = Script::new(&[everywhere(Action::Then(Then::Fin))]);
    let opening = Opening {
        id: 2,
        role: PortRole::Smtp,
        ordinal: None,
        between: Endpoints::default(),
        state: PortState::Open,
        proof: None,
        engine: Some(Box::new(Puppet::new())),
        changes: Vec::new(),
    };
    let mut connection = Connection::open(opening, &mut shared);
    assert!(matches!(
        connection.next_op(&mut shared),
        Some(Op::Write(..))
    ));
    connection.done(true, &mut shared);
    assert!(connection.next_op(&mut shared).is_none());
    assert!(!connection.is_over());
}

#[test]
fn a_flood_is_reset() {
    let mut bench = Bench::with_port(PortRole::Submission, PortState::Silent, &[]);
    let chunk = vec![b'x'; 1 << 20];
    for _ in 0..=64 {
        bench.say(&chunk);
    }
    assert_eq!(bench.log().last().unwrap(), "server closed by reset");
    assert!(bench.connection.is_over());
}

#[test]
fn a_client_that_agrees_to_tls_1_0_is_seen_to_agree() {
    let mut bench = Bench::new(
        PortRole::Imaps,
        &[everywhere(Action::Tls(TlsState::Only10.into()))],
    );
    bench.say(&hello());
    // A handshake record with a ClientKeyExchange of two octets.
    bench.say(b"\x16\x03\x01\x00\x06\x10\x00\x00\x02\x00\x00");
    let log = bench.log();
    assert!(log.contains(&"KeyExchange".to_owned()), "{log:?}");
    assert!(log.contains(&format!("alert {:?} 40", Direction::Server)));
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(64))]

    /// Whatever arrives, in whatever portions, nothing falls over and everything ends with the client.
    #[test]
    fn no_octets_are_a_panic(
        start in proptest::sample::select(vec![
            &b""[..], b"STARTTLS\r\n", b"STARTTLS\r\n\x16\x03\x01", b"\x16\x03\x01\x00\x05\x01",
        ]),
        octets in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..300),
        portion in 1_usize..80,
        role in proptest::sample::select(PortRole::ALL),
        state in proptest::sample::select(TlsState::ALL),
    ) {
        let mut bench = Bench::new(role, &[everywhere(Action::Tls(state.into()))]);
        let all = [start, &octets[..]].concat();
        for chunk in all.chunks(portion) {
            bench.say(chunk);
        }
        bench.leave();
        proptest::prop_assert!(bench.connection.is_over());
    }
}

fn starttls_with(deviation: Deviation) -> Bench {
    let mut bench = Bench::new(PortRole::Submission, &[deviation]);
    bench.say(b"STARTTLS\r\n");
    bench.wire.clear();
    bench.log();
    bench
}

#[test]
fn octets_in_clear_stand_between_the_two_hellos() {
    let text = WireText::parse("250 {host} AUTH LOGIN\r\n").unwrap();
    let mut bench = starttls_with(everywhere(Action::BeforeServerHello { text, hold_ms: 0 }));
    bench.say(&hello());
    assert_eq!(
        bench.log(),
        [
            "hello",
            "S Clear: 250 puppet AUTH LOGIN\\r\\n",
            "deviated 0",
            "chain Valid",
        ]
    );
    assert!(bench.wire.starts_with(b"250 puppet AUTH LOGIN\r\n\x16\x03"));
    assert!(bench.writes >= 4, "a write of its own");
}

#[test]
fn a_server_hello_can_be_late() {
    let late = Action::BeforeServerHello {
        text: WireText::parse("").unwrap(),
        hold_ms: 60_000,
    };
    let mut bench = starttls_with(everywhere(late));
    bench.patient = false;
    bench.say(&hello());
    assert_eq!(bench.log(), ["hello", "deviated 0"]);
    assert!(bench.wire.is_empty());
    bench.patient = true;
    bench.connection.done(true, &mut bench.shared);
    bench.pump();
    assert_eq!(bench.log(), ["chain Valid"]);
}

#[test]
fn something_is_said_where_tls_begins() {
    let text = WireText::parse("220 other.test ESMTP\r\n").unwrap();
    let mut bench = starttls_with(Deviation {
        on: On {
            at: Some(At::TlsStart),
            ..On::default()
        },
        action: Action::Reply {
            text,
            then: Then::GoOn,
        },
    });
    let mut client = client(true);
    bench.talk(&mut client);
    std::io::Write::write_all(&mut client.writer(), b"EHLO x\r\n").unwrap();
    bench.talk(&mut client);
    let log = bench.log();
    assert_eq!(
        log[log.len() - 6..],
        [
            "S Tls: 220 other.test ESMTP\\r\\n",
            "deviated 0",
            "C Tls: EHLO x\\r\\n",
            "command EHLO",
            "S Tls: 250 EHLO\\r\\n",
            "responded EHLO: 250 EHLO true",
        ],
        "{log:?}"
    );
}
