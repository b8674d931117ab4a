//! Hand-written answers to a ClientHello, for what `rustls` rightly never does.

use mailproof_scenarios::model::event::{Alert, Direction};

use super::{
    Output, Seen,
    hello::{Hello, HelloReader},
    record::{ALERT, Framed, Framer, HANDSHAKE, Record},
};

/// How a server misbehaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Odd {
    /// Knows nothing newer than TLS 1.0 and presents these certificates (DER, leaf first).
    Tls10(Vec<Vec<u8>>),
    /// Answers nothing.
    Mute,
    /// Refuses with a fatal alert.
    Alert(u8),
    /// Answers with octets that are no record.
    Garbage,
}

/// The server's side of such a connection.
#[derive(Debug)]
pub(crate) struct Flight {
    odd: Odd,
    framer: Framer,
    hello: HelloReader,
    answered: bool,
    over: bool,
    output: Output,
}

const TLS10: u16 = 0x0301;
const SERVER_HELLO: u8 = 2;
const CERTIFICATE: u8 = 11;
const SERVER_HELLO_DONE: u8 = 14;
const CLIENT_KEY_EXCHANGE: u8 = 16;
const HANDSHAKE_FAILURE: u8 = 40;

/// Suites with RSA key exchange that TLS 1.0 has: the server proves nothing, so it needs no key.
const RSA_SUITES: [u16; 5] = [0x002f, 0x0035, 0x000a, 0x0005, 0x0004];

/// Nothing that a TLS record could begin with.
const GARBAGE: &[u8] = b"\x00\x01This is not TLS.\r\n\xfe\xff\x00\x00";

impl Flight {
    /// A server that waits for a ClientHello.
    pub(crate) fn new(odd: Odd) -> Self {
        Self {
            odd,
            framer: Framer::default(),
            hello: HelloReader::default(),
            answered: false,
            over: false,
            output: Output::default(),
        }
    }

    /// Takes octets of the bare connection.
    pub(crate) fn arrived(&mut self, octets: &[u8]) -> Vec<Seen> {
        let mut seen = Vec::new();
        self.framer.push(octets);
        while !self.over {
            match self.framer.next() {
                Framed::Record(record) => self.record(&record, &mut seen),
                Framed::Partial => return seen,
                Framed::NotTls => {
                    self.over = true;
                    seen.push(Seen::Failed("octets that are no TLS record".to_owned()));
                }
            }
        }
        let rest = self.framer.take_rest();
        if !rest.is_empty() {
            seen.push(Seen::Clear(rest));
        }
        seen
    }

    /// The client closed.
    pub(crate) fn ended(&mut self) -> Vec<Seen> {
        let rest = self.framer.take_rest();
        let mut seen = Vec::new();
        if !rest.is_empty() {
            seen.push(Seen::Raw(rest));
        }
        if !self.over {
            seen.push(Seen::Failed(
                "closed before the handshake was complete".to_owned(),
            ));
        }
        self.over = true;
        seen
    }

    /// What is to be sent now.
    pub(crate) fn output(&mut self) -> Output {
        std::mem::take(&mut self.output)
    }

    fn record(&mut self, record: &Record, seen: &mut Vec<Seen>) {
        seen.push(Seen::Raw(record.octets().to_vec()));
        if let Some(hello) = self.hello.read(record) {
            self.answered = true;
            self.answer(&hello, seen);
            return;
        }
        if let Some(alert) = record.alert(Direction::Client) {
            let text = format!("the client sent alert {}", alert.description);
            let ends = alert.fatal || alert.description == 0;
            seen.push(Seen::Alert(alert));
            if ends {
                self.over = true;
                seen.push(Seen::Failed(text));
            }
        } else if self.answered
            && matches!(self.odd, Odd::Tls10(_))
            && record.kind() == HANDSHAKE
            && record.payload().first() == Some(&CLIENT_KEY_EXCHANGE)
        {
            seen.push(Seen::KeyExchange);
            // Whoever waits for the rest of a handshake need not wait for long.
            self.alert(HANDSHAKE_FAILURE);
            self.over = true;
            seen.push(Seen::Failed("the client agreed to TLS 1.0".to_owned()));
        }
    }

    fn answer(&mut self, hello: &Hello, seen: &mut Vec<Seen>) {
        seen.push(Seen::Hello(hello.public.clone()));
        match &self.odd {
            Odd::Tls10(certificates) => {
                self.output.octets = tls10_flight(hello, certificates);
                self.output.certificate = true;
            }
            Odd::Mute => {}
            Odd::Garbage => self.output.octets = GARBAGE.to_vec(),
            Odd::Alert(description) => {
                self.alert(*description);
                self.over = true;
                seen.push(Seen::Failed("refused on purpose".to_owned()));
            }
        }
    }

    fn alert(&mut self, description: u8) {
        let version = if matches!(self.odd, Odd::Tls10(_)) {
            TLS10
        } else {
            0x0303
        };
        self.output
            .octets
            .extend(Record::write(ALERT, version, &[2, description]));
        self.output.alerts.push(Alert {
            from: Direction::Server,
            fatal: true,
            description,
        });
    }
}

/// ServerHello, Certificate and ServerHelloDone (RFC 2246 §7.4).
fn tls10_flight(hello: &Hello, certificates: &[Vec<u8>]) -> Vec<u8> {
    let offered = &hello.public.suites;
    let suite = RSA_SUITES
        .into_iter()
        .find(|suite| offered.contains(suite))
        .unwrap_or(RSA_SUITES[0]);
    let mut server_hello = TLS10.to_be_bytes().to_vec();
    server_hello.extend(b"mailproof speaks only TLS 1.0 :-");
    // No session id: nothing can be resumed, and echoing the client's would say that it is.
    server_hello.push(0);
    server_hello.extend(suite.to_be_bytes());
    server_hello.push(0);
    if hello.renegotiation {
        // Without it modern clients would refuse for another reason (RFC 5746 §3.6).
        server_hello.extend([0x00, 0x05, 0xff, 0x01, 0x00, 0x01, 0x00]);
    }
    let chain: Vec<u8> = certificates
        .iter()
        .flat_map(|der| with_length(der))
        .collect();
    let mut flight = Vec::new();
    for message in [
        message(SERVER_HELLO, &server_hello),
        message(CERTIFICATE, &with_length(&chain)),
        message(SERVER_HELLO_DONE, &[]),
    ] {
        for fragment in message.chunks(1 << 14) {
            flight.extend(Record::write(HANDSHAKE, TLS10, fragment));
        }
    }
    flight
}

fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let mut octets = vec![kind];
    octets.extend(with_length(body));
    octets
}

/// A vector with a length of three octets.
fn with_length(octets: &[u8]) -> Vec<u8> {
    let length = u32::try_from(octets.len())
        .unwrap_or(u32::MAX)
        .to_be_bytes();
    let mut all = length[1..].to_vec();
    all.extend_from_slice(octets);
    all
}

#[cfg(test)]
mod tests {
    use test_case::test_case;

    use super::{super::hello::tests::client_hello, *};

    fn failed(seen: &[Seen]) -> bool {
        seen.iter().any(|it| matches!(it, Seen::Failed(_)))
    }

    #[test_case(Odd::Alert(70), b"\x15\x03\x03\x00\x02\x02\x46"; "protocol_version")]
    #[test_case(Odd::Alert(40), b"\x15\x03\x03\x00\x02\x02\x28"; "handshake_failure")]
    #[test_case(Odd::Garbage, GARBAGE; "garbage")]
    #[test_case(Odd::Mute, b""; "nothing")]
    fn answers_a_hello(odd: Odd, expected: &[u8]) {
        let mut flight = Flight::new(odd);
        let seen = flight.arrived(&client_hello(&[], &[0x1301], &[]));
        assert!(matches!(seen[1], Seen::Hello(_)));
        assert_eq!(flight.output().octets, expected);
    }

    #[test]
    fn the_tls_1_0_flight_picks_an_rsa_suite_and_echoes_renegotiation() {
        let mut flight = Flight::new(Odd::Tls10(vec![vec![1, 2, 3]]));
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
        let mut flight = Flight::new(Odd::Tls10(Vec::new()));
        flight.arrived(&client_hello(&[], &[0x002f], &[]));
        flight.output();
        let seen = flight.arrived(&Record::write(
            HANDSHAKE,
            TLS10,
            &message(CLIENT_KEY_EXCHANGE, b"x"),
        ));
        assert!(seen.contains(&Seen::KeyExchange));
        assert_eq!(flight.output().alerts[0].description, HANDSHAKE_FAILURE);
    }

    #[test]
    fn a_client_that_refuses_says_so_and_what_follows_is_clear() {
        let mut flight = Flight::new(Odd::Tls10(Vec::new()));
        flight.arrived(&client_hello(&[], &[0x002f], &[]));
        let mut octets = Record::write(ALERT, TLS10, &[2, 70]);
        octets.extend(b"QUIT\r\n");
        let seen = flight.arrived(&octets);
        assert!(failed(&seen) && !seen.contains(&Seen::KeyExchange));
        assert_eq!(seen.last(), Some(&Seen::Clear(b"QUIT\r\n".to_vec())));
    }

    #[test]
    fn clear_octets_where_a_hello_is_due_are_no_tls() {
        let mut flight = Flight::new(Odd::Mute);
        let seen = flight.arrived(b"EHLO x\r\n");
        assert!(failed(&seen));
        assert_eq!(seen.last(), Some(&Seen::Clear(b"EHLO x\r\n".to_vec())));
    }
}
