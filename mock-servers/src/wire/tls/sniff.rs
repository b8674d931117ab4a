//! Notices TLS where the server speaks in clear: a client that starts TLS unasked, or says goodbye after
//! a handshake that failed.

use mailproof_scenarios::model::event::Direction;

use super::{
    Seen,
    hello::HelloReader,
    record::{Framed, Framer, looks_like_tls},
};

/// Tells the two apart on one connection.
#[derive(Debug, Default)]
pub(crate) struct Sniffer {
    framer: Framer,
    hello: HelloReader,
    within_line: bool,
}

impl Sniffer {
    /// Takes octets. TLS is only looked for where a line could begin.
    pub(crate) fn arrived(&mut self, octets: &[u8]) -> Vec<Seen> {
        if octets.is_empty() {
            return Vec::new();
        }
        if self.framer.is_empty() && (self.within_line || !looks_like_tls(octets)) {
            self.within_line = !octets.ends_with(b"\n");
            return vec![Seen::Clear(octets.to_vec())];
        }
        let mut seen = Vec::new();
        self.framer.push(octets);
        loop {
            match self.framer.next() {
                Framed::Record(record) => {
                    seen.push(Seen::Raw(record.octets().to_vec()));
                    seen.extend(record.alert(Direction::Client).map(Seen::Alert));
                    seen.extend(self.hello.read(&record).map(|it| Seen::Hello(it.public)));
                }
                Framed::Partial => return seen,
                Framed::NotTls => {
                    let rest = self.framer.take_rest();
                    self.within_line = !rest.ends_with(b"\n");
                    seen.push(Seen::Clear(rest));
                    return seen;
                }
            }
        }
    }

    /// The client closed.
    pub(crate) fn ended(&mut self) -> Vec<Seen> {
        let rest = self.framer.take_rest();
        if rest.is_empty() {
            Vec::new()
        } else {
            vec![Seen::Clear(rest)]
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{super::hello::tests::client_hello, *};

    #[test]
    fn lines_are_lines_and_a_hello_is_a_hello() {
        let mut sniffer = Sniffer::default();
        assert_eq!(
            sniffer.arrived(b"EHLO x\r\n"),
            [Seen::Clear(b"EHLO x\r\n".to_vec())]
        );
        let hello = client_hello(&[], &[0x1301], &[]);
        let (one, two) = hello.split_at(20);
        assert_eq!(sniffer.arrived(one), []);
        let seen = sniffer.arrived(two);
        assert!(
            matches!(&seen[..], [Seen::Raw(_), Seen::Hello(_)]),
            "{seen:?}"
        );
    }

    #[test]
    fn an_octet_of_a_record_in_the_middle_of_a_line_is_a_part_of_the_line() {
        let mut sniffer = Sniffer::default();
        sniffer.arrived(b"NOOP ");
        assert_eq!(
            sniffer.arrived(b"\x16\x03\x01"),
            [Seen::Clear(b"\x16\x03\x01".to_vec())]
        );
    }
}
