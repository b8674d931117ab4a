//! TLS records (RFC 8446 §5.1), cut exactly: what is behind a record is still there afterwards.

use bytes::{Buf, BytesMut};
use mailproof_scenarios::model::event::{Alert, Direction};

pub(crate) const CHANGE_CIPHER_SPEC: u8 = 20;
pub(crate) const ALERT: u8 = 21;
pub(crate) const HANDSHAKE: u8 = 22;
pub(crate) const APPLICATION_DATA: u8 = 23;

const HEADER: usize = 5;

/// The largest payload that RFC 5246 §6.2.3 allows.
pub(crate) const LARGEST: usize = (1 << 14) + 2048;

/// Cuts a stream of octets into records.
#[derive(Debug, Default)]
pub(crate) struct Framer {
    held: BytesMut,
}

/// What comes next in a stream.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Framed {
    /// A whole record.
    Record(Record),
    /// The beginning of one, or nothing.
    Partial,
    /// Something else.
    NotTls,
}

/// One record with its header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Record(Vec<u8>);

impl Framer {
    /// Takes octets.
    pub(crate) fn push(&mut self, octets: &[u8]) {
        self.held.extend_from_slice(octets);
    }

    /// The next record, if it is whole.
    pub(crate) fn next(&mut self) -> Framed {
        if !looks_like_tls(&self.held) {
            return Framed::NotTls;
        }
        let Some(length) = self.held.get(3..HEADER) else {
            return Framed::Partial;
        };
        let whole = HEADER + usize::from(u16::from_be_bytes([length[0], length[1]]));
        if self.held.len() < whole {
            return Framed::Partial;
        }
        Framed::Record(Record(self.held.split_to(whole).to_vec()))
    }

    /// Whether nothing is held.
    pub(crate) fn is_empty(&self) -> bool {
        self.held.is_empty()
    }

    /// Everything that was not cut off.
    pub(crate) fn take_rest(&mut self) -> Vec<u8> {
        let rest = self.held.to_vec();
        self.held.advance(rest.len());
        rest
    }
}

impl Record {
    /// The octets of a record with the version in its header.
    pub(crate) fn write(kind: u8, version: u16, payload: &[u8]) -> Vec<u8> {
        let mut octets = Vec::with_capacity(HEADER + payload.len());
        octets.push(kind);
        octets.extend(version.to_be_bytes());
        octets.extend(
            u16::try_from(payload.len())
                .unwrap_or(u16::MAX)
                .to_be_bytes(),
        );
        octets.extend_from_slice(payload);
        octets
    }

    /// The content type.
    pub(crate) fn kind(&self) -> u8 {
        self.0[0]
    }

    /// The version in the header.
    pub(crate) fn version(&self) -> u16 {
        u16::from_be_bytes([self.0[1], self.0[2]])
    }

    /// What is behind the header.
    pub(crate) fn payload(&self) -> &[u8] {
        &self.0[HEADER..]
    }

    /// The whole record.
    pub(crate) fn octets(&self) -> &[u8] {
        &self.0
    }

    /// The alert, where it is one in clear: encrypted ones are longer or look like application data.
    pub(crate) fn alert(&self, from: Direction) -> Option<Alert> {
        match (self.kind(), self.payload()) {
            (ALERT, &[level, description]) => Some(Alert {
                from,
                fatal: level == 2,
                description,
            }),
            _ => None,
        }
    }
}

/// Whether octets can be the beginning of a record, as far as they go.
pub(crate) fn looks_like_tls(octets: &[u8]) -> bool {
    let kind = octets.first().is_none_or(|kind| (20..=24).contains(kind));
    let version = octets.get(1).is_none_or(|major| *major == 3);
    let length = octets
        .get(3..HEADER)
        .is_none_or(|it| usize::from(u16::from_be_bytes([it[0], it[1]])) <= LARGEST);
    kind && version && length
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use test_case::test_case;

    use super::*;

    #[test]
    fn what_is_behind_a_record_stays() {
        let mut framer = Framer::default();
        framer.push(&Record::write(ALERT, 0x0303, &[1, 0]));
        framer.push(b"EHLO x\r\n");
        let Framed::Record(record) = framer.next() else {
            panic!("a record")
        };
        let alert = record.alert(Direction::Client).unwrap();
        assert_eq!((alert.fatal, alert.description), (false, 0));
        assert_eq!(framer.next(), Framed::NotTls);
        assert_eq!(framer.take_rest(), b"EHLO x\r\n");
    }

    #[test_case(b"EHLO", false; "a command")]
    #[test_case(b"\x16", true; "one octet of a handshake")]
    #[test_case(b"\x16\x03\x01\x02\x00", true; "a header")]
    #[test_case(b"\x16\x03\x01\xff\xff", false; "too long")]
    #[test_case(b"\x16\x02", false; "SSL 2")]
    #[test_case(b"", true; "nothing yet")]
    fn tells_tls_from_the_rest(octets: &[u8], tls: bool) {
        assert_eq!(looks_like_tls(octets), tls);
    }

    proptest! {
        #[test]
        fn cuts_the_same_however_it_arrives(
            payloads in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..40), 1..5),
            at in 1_usize..30,
        ) {
            let stream: Vec<u8> = payloads
                .iter()
                .flat_map(|payload| Record::write(HANDSHAKE, 0x0301, payload))
                .collect();
            let mut framer = Framer::default();
            let mut seen = Vec::new();
            for chunk in stream.chunks(at) {
                framer.push(chunk);
                while let Framed::Record(record) = framer.next() {
                    seen.push(record.payload().to_vec());
                }
            }
            prop_assert_eq!(seen, payloads);
            prop_assert!(framer.is_empty());
        }
    }
}
