//! What happens to the octets of a session on their way out: cut into tiny records, broken off, or with
//! something slipped in. Works on the clear part of a handshake; what is encrypted passes as it is.
//!
//! Must not know whose octets they are.

use mailproof_scenarios::model::{
    HandshakePoint, Then, TlsSend,
    event::{Alert, Direction},
};

use super::record::{
    ALERT, APPLICATION_DATA, CHANGE_CIPHER_SPEC, Framed, Framer, HANDSHAKE, Record,
};

const SERVER_HELLO: u8 = 2;
const CERTIFICATE: u8 = 11;

/// The random of a ServerHello that is a HelloRetryRequest (RFC 8446 §4.1.3).
const RETRY: [u8; 32] = [
    0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91,
    0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
];

/// Nothing that a TLS record could begin with.
pub(crate) const GARBAGE: &[u8] = b"\x00\x01This is not TLS.\r\n\xfe\xff\x00\x00";

/// A way to change what leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// As it is.
    Whole,
    /// The clear part of the handshake in records of one octet.
    Octets,
    /// Something comes before everything else.
    Before(TlsSend),
    /// The handshake ends behind a message.
    Break {
        after: HandshakePoint,
        send: TlsSend,
        then: Then,
    },
}

/// What leaves instead.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Shaped {
    /// The octets.
    pub(crate) octets: Vec<u8>,
    /// Whether they are other than they were.
    pub(crate) changed: bool,
    /// How the connection ends, where it does.
    pub(crate) end: Option<Then>,
    /// Whether the server's certificate is in them.
    pub(crate) certificate: bool,
    /// Alerts that were slipped in.
    pub(crate) alerts: Vec<Alert>,
}

/// Changes a stream of octets.
#[derive(Debug)]
pub(crate) struct Shaper {
    shape: Shape,
    /// What follows is encrypted.
    encrypted: bool,
    /// There was a HelloRetryRequest, so that the next ChangeCipherSpec says nothing (RFC 8446 §D.4).
    retried: bool,
    /// Handshake messages that are not complete yet.
    partial: Vec<u8>,
    begun: bool,
    broken: bool,
}

impl Shaper {
    pub(crate) fn new(shape: Shape) -> Self {
        Self {
            shape,
            encrypted: false,
            retried: false,
            partial: Vec::new(),
            begun: false,
            broken: false,
        }
    }

    /// Whether nothing more leaves.
    pub(crate) fn is_broken(&self) -> bool {
        self.broken
    }

    /// Takes the next octets that are to leave.
    pub(crate) fn shape(&mut self, octets: Vec<u8>) -> Shaped {
        if self.broken || octets.is_empty() {
            return Shaped::default();
        }
        let mut shaped = Shaped::default();
        if let (Shape::Before(send), false) = (&self.shape, self.begun) {
            let send = *send;
            shaped.send(send);
            shaped.changed = true;
        }
        self.begun = true;
        if self.encrypted {
            shaped.octets.extend(octets);
            return shaped;
        }
        let mut framer = Framer::default();
        framer.push(&octets);
        while let Framed::Record(record) = framer.next() {
            self.record(&record, &mut shaped);
            if self.broken {
                return shaped;
            }
        }
        shaped.octets.extend(framer.take_rest());
        shaped
    }

    fn record(&mut self, record: &Record, shaped: &mut Shaped) {
        self.encrypted |= match record.kind() {
            CHANGE_CIPHER_SPEC => !self.retried,
            kind => kind == APPLICATION_DATA,
        };
        if self.encrypted || record.kind() != HANDSHAKE {
            shaped.octets.extend(record.octets());
            return;
        }
        self.partial.extend(record.payload());
        let version = record.version();
        if self.shape == Shape::Octets {
            shaped.changed = true;
            for octet in record.payload() {
                let one = Record::write(HANDSHAKE, version, &[*octet]);
                shaped.octets.extend(one);
            }
        } else if !matches!(self.shape, Shape::Break { .. }) {
            shaped.octets.extend(record.octets());
        }
        while let Some(message) = self.message() {
            self.handshake(&message, version, shaped);
            if self.broken {
                return;
            }
        }
    }

    /// A whole message of the clear part has left, or is to leave where the handshake may break off.
    fn handshake(&mut self, message: &[u8], version: u16, shaped: &mut Shaped) {
        let server_hello = is_server_hello(message);
        self.retried |= message.first() == Some(&SERVER_HELLO) && !server_hello;
        shaped.certificate |= server_hello;
        let Shape::Break { after, send, then } = self.shape else {
            return;
        };
        shaped
            .octets
            .extend(Record::write(HANDSHAKE, version, message));
        let reached = match after {
            HandshakePoint::ClientHello | HandshakePoint::ServerHello => server_hello,
            HandshakePoint::Certificate => message.first() == Some(&CERTIFICATE),
        };
        if reached {
            self.broken = true;
            shaped.certificate = after == HandshakePoint::Certificate;
            shaped.send(send);
            shaped.changed = true;
            shaped.end = Some(then);
        }
    }

    /// The next whole message.
    fn message(&mut self) -> Option<Vec<u8>> {
        let header = self.partial.get(..4)?;
        let length =
            usize::from(header[1]) << 16 | usize::from(header[2]) << 8 | usize::from(header[3]);
        let whole = 4 + length;
        (self.partial.len() >= whole).then(|| self.partial.drain(..whole).collect())
    }
}

impl Shaped {
    fn send(&mut self, send: TlsSend) {
        match send {
            TlsSend::Nothing => {}
            TlsSend::Alert { name, fatal } => {
                let alert = our_alert(fatal, name.number());
                self.octets.extend(alert_record(&alert, 0x0303));
                self.alerts.push(alert);
            }
            TlsSend::Garbage => self.octets.extend(GARBAGE),
            TlsSend::GarbageRecord => self.octets.extend(garbage_record()),
        }
    }
}

/// An alert of ours.
pub(crate) fn our_alert(fatal: bool, description: u8) -> Alert {
    Alert {
        from: Direction::Server,
        fatal,
        description,
    }
}

/// An alert in clear.
pub(crate) fn alert_record(alert: &Alert, version: u16) -> Vec<u8> {
    let level = if alert.fatal { 2 } else { 1 };
    Record::write(ALERT, version, &[level, alert.description])
}

/// Application data that no key has made. Always the same octets, so that a transcript can be compared.
pub(crate) fn garbage_record() -> Vec<u8> {
    let octets: Vec<u8> = (0_u8..100)
        .map(|it| it.wrapping_mul(167).wrapping_add(89))
        .collect();
    Record::write(APPLICATION_DATA, 0x0303, &octets)
}

/// Whether a handshake message is a ServerHello and no HelloRetryRequest.
fn is_server_hello(message: &[u8]) -> bool {
    message.first() == Some(&SERVER_HELLO)
        && message.get(6..38).is_some_and(|random| random != RETRY)
}

#[cfg(test)]
mod tests {
    use mailproof_scenarios::model::AlertName;
    use pretty_assertions::assert_eq;
    use proptest::prelude::*;

    use super::*;

    fn hello(last: u8) -> Vec<u8> {
        let mut message = vec![SERVER_HELLO, 0, 0, 36, 3, 3];
        message.extend([7; 32]);
        message.extend([0, last]);
        message
    }

    fn flight() -> Vec<u8> {
        let mut messages = hello(1);
        messages.extend([CERTIFICATE, 0, 0, 2, 8, 9]);
        messages.extend([14, 0, 0, 0]);
        Record::write(HANDSHAKE, 0x0303, &messages)
    }

    fn broken(after: HandshakePoint, send: TlsSend, then: Then) -> Shaped {
        Shaper::new(Shape::Break { after, send, then }).shape(flight())
    }

    #[test]
    fn a_handshake_in_octets_is_the_same_handshake() {
        let mut shaper = Shaper::new(Shape::Octets);
        let shaped = shaper.shape(flight());
        let mut framer = Framer::default();
        framer.push(&shaped.octets);
        let mut payload: Vec<u8> = Vec::new();
        while let Framed::Record(record) = framer.next() {
            assert_eq!(record.payload().len(), 1);
            payload.extend(record.payload());
        }
        assert_eq!(payload, flight()[5..].to_vec());
        assert!(shaped.changed && shaped.certificate);
        let secret = [
            Record::write(CHANGE_CIPHER_SPEC, 0x0303, &[1]),
            Record::write(HANDSHAKE, 0x0303, &[3; 40]),
        ]
        .concat();
        let passed = shaper.shape(secret.clone());
        assert_eq!((passed.octets, passed.changed), (secret, false));
    }

    #[test]
    fn a_break_ends_behind_its_message() {
        let shaped = broken(HandshakePoint::ServerHello, TlsSend::Nothing, Then::Silence);
        assert_eq!(shaped.octets, Record::write(HANDSHAKE, 0x0303, &hello(1)));
        assert!(!shaped.certificate && shaped.changed);
        assert_eq!(shaped.end, Some(Then::Silence));
        let shaped = broken(
            HandshakePoint::Certificate,
            TlsSend::GarbageRecord,
            Then::Fin,
        );
        assert!(shaped.certificate);
        assert!(shaped.octets.ends_with(&garbage_record()));
    }

    #[test]
    fn the_certificate_comes_with_the_second_server_hello_behind_a_retry() {
        let mut retry = hello(1);
        retry[6..38].copy_from_slice(&RETRY);
        let mut first = Record::write(HANDSHAKE, 0x0303, &retry);
        first.extend(Record::write(CHANGE_CIPHER_SPEC, 0x0303, &[1]));
        let mut shaper = Shaper::new(Shape::Whole);
        assert!(!shaper.shape(first).certificate);
        let small: Vec<u8> = hello(1)
            .chunks(20)
            .flat_map(|it| Record::write(HANDSHAKE, 0x0303, it))
            .collect();
        assert!(shaper.shape(small).certificate);
    }

    #[test]
    fn nothing_leaves_behind_a_break() {
        let mut shaper = Shaper::new(Shape::Break {
            after: HandshakePoint::ServerHello,
            send: TlsSend::Nothing,
            then: Then::Silence,
        });
        shaper.shape(flight());
        assert_eq!(shaper.shape(flight()), Shaped::default());
    }

    #[test]
    fn a_warning_comes_first_and_once() {
        let send = TlsSend::Alert {
            name: AlertName::UnrecognizedName,
            fatal: false,
        };
        let mut shaper = Shaper::new(Shape::Before(send));
        let first = shaper.shape(flight());
        assert_eq!(
            first.octets,
            [&b"\x15\x03\x03\x00\x02\x01\x70"[..], &flight()].concat()
        );
        assert_eq!(first.alerts, [our_alert(false, 112)]);
        assert_eq!(shaper.shape(flight()).octets, flight());
    }

    proptest! {
        #[test]
        fn whatever_leaves_leaves_whole(octets in proptest::collection::vec(any::<u8>(), 0..200)) {
            let mut shaper = Shaper::new(Shape::Whole);
            prop_assert_eq!(shaper.shape(octets.clone()).octets, octets);
        }
    }
}
