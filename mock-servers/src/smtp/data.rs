//! Mail data as it arrives behind a 354: where it ends and what it says (RFC 5321 §4.1.1.4, §4.5.2).
//!
//! The end is CRLF `.` CRLF octet for octet and nothing that looks like it; the CRLF of the DATA command
//! counts as the first half. One leading dot is taken off each line. Nothing else is changed.

use memchr::memchr;

use super::inbox::KEPT;

/// What is kept of a message that is over the limit, so that its header can still be read.
const HEAD: usize = 64 * 1024;

/// Reads the data of one message.
pub(super) struct DataReader {
    at: At,
    message: Vec<u8>,
    size: u64,
    limit: u64,
    raw: Vec<u8>,
    ended: bool,
}

/// A message that was read to its end.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Received {
    /// The message with its dots un-stuffed; only its beginning if it is too large.
    pub(super) message: Vec<u8>,
    /// Whether it was over the limit.
    pub(super) too_large: bool,
    /// The first octets as they came.
    pub(super) raw: Vec<u8>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum At {
    LineStart,
    /// Behind a dot that began a line. It is held back: either it is the end or it was stuffed.
    Dot,
    /// Behind that dot and a CR.
    DotCr,
    Text,
    Cr,
}

impl DataReader {
    /// A reader for a message of at most `limit` octets (RFC 1870 §5 says how they are counted).
    pub(super) fn new(limit: u64) -> Self {
        Self {
            at: At::LineStart,
            message: Vec::new(),
            size: 0,
            limit,
            raw: Vec::new(),
            ended: false,
        }
    }

    /// Reads on up to the end of the data: how many of the octets were taken.
    pub(super) fn take(&mut self, octets: &[u8]) -> usize {
        let mut taken = 0;
        while taken < octets.len() && !self.ended {
            if self.at == At::Text {
                let run = memchr(b'\r', &octets[taken..]).unwrap_or(octets.len() - taken);
                self.store(&octets[taken..taken + run]);
                taken += run;
            }
            if let Some(octet) = octets.get(taken) {
                self.ended = self.step(*octet);
                taken += 1;
            }
        }
        let room = KEPT.saturating_sub(self.raw.len());
        self.raw.extend_from_slice(&octets[..taken.min(room)]);
        taken
    }

    /// Whether the end was seen.
    pub(super) fn has_ended(&self) -> bool {
        self.ended
    }

    /// How much of the message is kept.
    #[cfg(test)]
    pub(super) fn kept(&self) -> usize {
        self.message.len()
    }

    /// What was read.
    pub(super) fn finish(self) -> Received {
        Received {
            too_large: self.size > self.limit,
            message: self.message,
            raw: self.raw,
        }
    }

    fn step(&mut self, octet: u8) -> bool {
        match (self.at, octet) {
            (At::LineStart, b'.') => {
                self.at = At::Dot;
                return false;
            }
            (At::Dot, b'\r') => {
                self.at = At::DotCr;
                return false;
            }
            (At::DotCr, b'\n') => return true,
            (At::DotCr, _) => self.store(b"\r"),
            _ => {}
        }
        self.store(&[octet]);
        self.at = match (self.at, octet) {
            (_, b'\r') => At::Cr,
            (At::Cr, b'\n') => At::LineStart,
            _ => At::Text,
        };
        false
    }

    fn store(&mut self, octets: &[u8]) {
        let room = usize::try_from(self.limit.saturating_sub(self.size)).unwrap_or(usize::MAX);
        self.message
            .extend_from_slice(&octets[..octets.len().min(room)]);
        self.size = self.size.saturating_add(octets.len() as u64);
        if self.size > self.limit && self.message.len() > HEAD {
            self.message.truncate(HEAD);
            self.message.shrink_to_fit();
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use test_case::test_case;

    use super::*;

    fn read(stream: &[u8], chunk: usize, limit: u64) -> Option<(Received, usize)> {
        let mut reader = DataReader::new(limit);
        let mut total = 0;
        for octets in stream.chunks(chunk) {
            let taken = reader.take(octets);
            total += taken;
            if reader.has_ended() {
                return Some((reader.finish(), total));
            }
            assert_eq!(taken, octets.len());
        }
        None
    }

    #[test_case(b".\r\n", b""; "nothing")]
    #[test_case(b"a\r\n.\r\n", b"a\r\n"; "a line")]
    #[test_case(b"..\r\n...\r\n..x\r\n.\r\n", b".\r\n..\r\n.x\r\n"; "stuffed dots")]
    #[test_case(b".x\r\n.\r\n", b"x\r\n"; "a dot that should have been stuffed")]
    #[test_case(b".\rx\r\n.\r\n", b"\rx\r\n"; "dot and bare CR")]
    #[test_case(b".\r\r\n.\r\n", b"\r\r\n"; "dot, bare CR, line end")]
    #[test_case(b"a.\r\n\r\n.\r\n", b"a.\r\n\r\n"; "a dot that ends a line")]
    #[test_case(b"\xff\0\r\n.\r\n", b"\xff\0\r\n"; "any octet")]
    fn reads(stream: &[u8], message: &[u8]) {
        for chunk in 1..=stream.len() {
            let (received, taken) = read(stream, chunk, 1000).unwrap();
            assert_eq!(received.message, message);
            assert_eq!(taken, stream.len());
            assert_eq!(received.raw, stream);
        }
    }

    #[test_case(b"a\n.\n"; "LF dot LF")]
    #[test_case(b"a\n.\r\n"; "LF dot CRLF")]
    #[test_case(b"a\r\n.\n"; "CRLF dot LF")]
    #[test_case(b"a\r.\r"; "CR dot CR")]
    #[test_case(b"a\r.\n"; "CR dot LF")]
    #[test_case(b"a\n.\r"; "LF dot CR")]
    #[test_case(b"a\r.\r\n"; "CR dot CRLF")]
    #[test_case(b"a\r\n.\r"; "CRLF dot CR")]
    #[test_case(b"a\r\n\0.\r\n"; "NUL before the dot")]
    #[test_case(b"a\r\n.\0\r\n"; "NUL behind the dot")]
    #[test_case(b"a\r\n.\r\r\n"; "CR twice")]
    fn is_not_ended_by(sequence: &[u8]) {
        let stream = [sequence, b"MAIL FROM:<x@y.example>\r\n.\r\nNOOP\r\n"].concat();
        let (_, taken) = read(&stream, 1, 1000).unwrap();
        assert_eq!(taken, stream.len() - b"NOOP\r\n".len());
    }

    #[test]
    fn a_message_over_the_limit_is_read_but_not_kept() {
        let line = [vec![b'x'; 1000], b"\r\n".to_vec()].concat();
        let stream = [line.repeat(300), b".\r\n".to_vec()].concat();
        let (received, _) = read(&stream, 333, 200_000).unwrap();
        assert!(received.too_large);
        assert_eq!(received.message.len(), HEAD);
        assert_eq!(received.raw.len(), KEPT);
        let exactly = line.len() as u64 * 300;
        assert!(!read(&stream, 333, exactly).unwrap().0.too_large);
        assert!(read(&stream, 333, exactly - 1).unwrap().0.too_large);
    }

    /// What a client does (RFC 5321 §4.5.2).
    fn stuff(message: &[u8]) -> Vec<u8> {
        let mut stream = Vec::new();
        let mut starts = true;
        for (index, octet) in message.iter().enumerate() {
            if starts && *octet == b'.' {
                stream.push(b'.');
            }
            stream.push(*octet);
            starts = message[..=index].ends_with(b"\r\n");
        }
        stream.extend_from_slice(b".\r\n");
        stream
    }

    proptest! {
        #[test]
        fn gives_back_what_was_stuffed(
            pieces in proptest::collection::vec(
                prop_oneof![
                    Just(&b"."[..]), Just(&b"\r"[..]), Just(&b"\n"[..]), Just(&b"\r\n"[..]),
                    Just(&b"\r\n.\r\n"[..]), Just(&b"a"[..]), Just(&b"\xe4\0"[..]),
                ],
                0..40,
            ),
            chunk in 1_usize..20,
        ) {
            let mut message = pieces.concat();
            if !message.is_empty() {
                message.extend_from_slice(b"\r\n");
            }
            let (received, _) = read(&stuff(&message), chunk, 10_000).unwrap();
            prop_assert_eq!(received.message, message);
        }
    }
}
