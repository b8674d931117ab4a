//! Hand-written flights, octet by octet.

use test_case::test_case;

use std::sync::OnceLock;

use mailproof_certs::{Authority, Fault, Names};
use mailproof_scenarios::model::AlertName;

use super::{super::hello::tests::client_hello, *};

const TLS_1_0: u16 = 0x0301;
const ALERT: u8 = 21;
const MUTE: Odd = Odd::Break(TlsSend::Nothing, Then::Silence);

fn alert(name: AlertName) -> Odd {
    Odd::Break(TlsSend::Alert { name, fatal: true }, Then::Fin)
}

fn failed(seen: &[Seen]) -> bool {
    seen.iter().any(|it| matches!(it, Seen::Failed(_)))
}

#[test_case(alert(AlertName::ProtocolVersion), b"\x15\x03\x03\x00\x02\x02\x46"; "protocol_version")]
#[test_case(alert(AlertName::HandshakeFailure), b"\x15\x03\x03\x00\x02\x02\x28"; "handshake_failure")]
#[test_case(Odd::Break(TlsSend::Garbage, Then::Silence), GARBAGE; "garbage")]
#[test_case(MUTE, b""; "nothing")]
fn answers_a_hello(odd: Odd, expected: &[u8]) {
    let mut flight = Flight::new(odd);
    let seen = flight.arrived(&client_hello(&[], &[0x1301], &[]));
    assert!(matches!(seen[1], Seen::Hello(_)));
    assert_eq!(flight.output().octets, expected);
}

#[test]
fn the_tls_1_0_flight_picks_an_rsa_suite_and_echoes_renegotiation() {
    let mut flight = Flight::new(Odd::Old(TLS_1_0, vec![vec![1, 2, 3]]));
    flight.arrived(&client_hello(
        &[5; 32],
        &[0x1301, 0x0035],
        &[(0xff01, b"\0")],
    ));
    let output = flight.output();
    assert!(output.certificate);
    let body = &output.octets[9..];
    assert_eq!(&body[..2], b"\x03\x01");
    assert_eq!(
        &body[34..],
        [
            &b"\x00\x00\x35\x00\x00\x05\xff\x01\x00\x01\x00"[..],
            b"\x16\x03\x01\x00\x0d\x0b\x00\x00\x09\x00\x00\x06\x00\x00\x03\x01\x02\x03",
            b"\x16\x03\x01\x00\x04\x0e\x00\x00\x00",
        ]
        .concat()
    );
}

#[test]
fn a_client_that_goes_on_has_agreed() {
    let mut flight = Flight::new(Odd::Old(TLS_1_0, Vec::new()));
    flight.arrived(&client_hello(&[], &[0x002f], &[]));
    flight.output();
    let seen = flight.arrived(&Record::write(
        HANDSHAKE,
        TLS_1_0,
        &message(CLIENT_KEY_EXCHANGE, b"x"),
    ));
    assert!(seen.contains(&Seen::KeyExchange));
    assert_eq!(flight.output().alerts[0].description, HANDSHAKE_FAILURE);
}

#[test]
fn a_client_that_refuses_says_so_and_what_follows_is_clear() {
    let mut flight = Flight::new(Odd::Old(TLS_1_0, Vec::new()));
    flight.arrived(&client_hello(&[], &[0x002f], &[]));
    let mut octets = Record::write(ALERT, TLS_1_0, &[2, 70]);
    octets.extend(b"QUIT\r\n");
    let seen = flight.arrived(&octets);
    assert!(failed(&seen) && !seen.contains(&Seen::KeyExchange));
    assert_eq!(seen.last(), Some(&Seen::Clear(b"QUIT\r\n".to_vec())));
}

#[test]
fn clear_octets_where_a_hello_is_due_are_no_tls() {
    let mut flight = Flight::new(MUTE);
    let seen = flight.arrived(b"EHLO x\r\n");
    assert!(failed(&seen));
    assert_eq!(seen.last(), Some(&Seen::Clear(b"EHLO x\r\n".to_vec())));
}

// Answers in TLS 1.2 with something wrong about them.

const RENEGOTIATION: (u16, &[u8]) = (0xff01, b"\0");
const GROUPS: (u16, &[u8]) = (10, b"\0\x04\0\x17\0\x1d");
const SCHEMES: (u16, &[u8]) = (13, b"\0\x02\x04\x03");
const KNOWS_TLS_1_3: (u16, &[u8]) = (43, b"\x04\x03\x04\x03\x03");

fn wrong(wrong: Wrong) -> Flight {
    static AUTHORITY: OnceLock<Authority> = OnceLock::new();
    let authority =
        AUTHORITY.get_or_init(|| Authority::fresh(time::OffsetDateTime::now_utc()).unwrap());
    let chain = authority.chain(Fault::Valid, &Names::dns("localhost"));
    Flight::new(Odd::Wrong(wrong, chain.unwrap()))
}

/// The handshake messages of the answer to a client of TLS 1.2 and 1.3 with these suites.
fn answer(kind: Wrong, suites: &[u16]) -> (Output, Vec<(u8, Vec<u8>)>) {
    let mut flight = wrong(kind);
    let extensions = [RENEGOTIATION, GROUPS, SCHEMES, KNOWS_TLS_1_3];
    flight.arrived(&client_hello(&[], suites, &extensions));
    let output = flight.output();
    let (mut framer, mut payload) = (Framer::default(), Vec::new());
    framer.push(&output.octets);
    while let Framed::Record(record) = framer.next() {
        payload.extend(record.payload().to_vec());
    }
    let mut messages = Vec::new();
    let mut rest = &payload[..];
    while rest.len() >= 4 {
        let length = usize::from(rest[2]) << 8 | usize::from(rest[3]);
        messages.push((rest[0], rest[4..4 + length].to_vec()));
        rest = &rest[4 + length..];
    }
    (output, messages)
}

fn suite_of(messages: &[(u8, Vec<u8>)]) -> u16 {
    u16::from_be_bytes([messages[0].1[35], messages[0].1[36]])
}

fn kinds(messages: &[(u8, Vec<u8>)]) -> Vec<u8> {
    messages.iter().map(|(kind, _)| *kind).collect()
}

#[test_case(Wrong::Suite(SuiteChoice::Unoffered), &[0xc02b], 0xc006, &[2, 11, 12, 14]; "unoffered")]
#[test_case(Wrong::Suite(SuiteChoice::Unoffered), &[0xc02b, 0xc006], 0xc007, &[2, 11, 12, 14]; "unoffered, though null was")]
#[test_case(Wrong::Suite(SuiteChoice::Anonymous), &[0xc02b], 0xc018, &[2, 12, 14]; "anonymous has no certificate")]
#[test_case(Wrong::Suite(SuiteChoice::Weak), &[0xc02b, 0xc008], 0xc008, &[2, 11, 12, 14]; "a weak one with a good key exchange")]
#[test_case(Wrong::Suite(SuiteChoice::Weak), &[0xc02b, 0x0005], 0x0005, &[2, 11, 14]; "a weak one with static RSA")]
#[test_case(Wrong::DowngradeSentinel, &[0x1301, 0xc02b], 0xc02b, &[2, 11, 12, 14]; "sentinel")]
#[test_case(Wrong::UnofferedAlpn, &[0xc02c], 0xc02c, &[2, 11, 12, 14]; "application protocol")]
fn selects(kind: Wrong, offered: &[u16], suite: u16, flight: &[u8]) {
    let (output, messages) = answer(kind, offered);
    assert_eq!(
        (suite_of(&messages), &kinds(&messages)[..]),
        (suite, flight)
    );
    assert_eq!(output.certificate, flight.contains(&CERTIFICATE));
    assert!(output.deviates);
}

#[test]
fn the_sentinel_is_at_the_end_of_the_random() {
    let (_, messages) = answer(Wrong::DowngradeSentinel, &[0xc02b]);
    assert_eq!(&messages[0].1[26..34], SENTINEL);
}

#[test]
fn a_client_without_tls_1_3_meets_no_downgrade() {
    let mut flight = wrong(Wrong::DowngradeSentinel);
    flight.arrived(&client_hello(&[], &[0xc02b], &[GROUPS, SCHEMES]));
    let output = flight.output();
    assert!(!output.deviates);
    assert_eq!(output.alerts, [our_alert(true, HANDSHAKE_FAILURE)]);
}

#[test]
fn a_client_that_offers_nothing_weak_is_refused_and_has_met_it() {
    let (output, _) = answer(Wrong::Suite(SuiteChoice::Weak), &[0xc02b]);
    assert!(output.deviates);
    assert_eq!(output.alerts, [our_alert(true, HANDSHAKE_FAILURE)]);
}

#[test]
fn the_protocol_is_one_that_was_not_offered() {
    let offered = ["h2".to_owned()];
    assert_eq!(unoffered_protocol(&offered), "http/1.1");
    let (_, messages) = answer(Wrong::UnofferedAlpn, &[0xc02b]);
    assert!(messages[0].1.ends_with(b"\0\x10\0\x05\0\x03\x02h2"));
}

#[test]
fn the_oversized_record_holds_a_whole_certificate_message() {
    let mut flight = wrong(Wrong::OversizedRecord);
    flight.arrived(&client_hello(&[], &[0xc02b], &[GROUPS, SCHEMES]));
    let octets = flight.output().octets;
    let second = 5 + usize::from(u16::from_be_bytes([octets[3], octets[4]]));
    let length = usize::from(u16::from_be_bytes([octets[second + 3], octets[second + 4]]));
    assert!(length >= OVERSIZED);
    let message = &octets[second + 5..second + 5 + length];
    assert_eq!(message[0], CERTIFICATE);
    assert_eq!(
        length,
        4 + (usize::from(message[1]) << 16
            | usize::from(message[2]) << 8
            | usize::from(message[3]))
    );
}

#[test]
fn a_key_exchange_with_any_of_these_is_an_agreement() {
    let mut flight = wrong(Wrong::Suite(SuiteChoice::Unoffered));
    flight.arrived(&client_hello(&[], &[0xc02b], &[GROUPS, SCHEMES]));
    flight.output();
    let octets = Record::write(HANDSHAKE, TLS_1_2, &message(CLIENT_KEY_EXCHANGE, b"x"));
    assert!(flight.arrived(&octets).contains(&Seen::KeyExchange));
}
