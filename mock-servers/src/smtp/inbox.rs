//! Octets that arrived and are not yet consumed, cut into lines at CRLF and nowhere else (RFC 5321 §2.3.8).
//!
//! Bounded whatever comes: a line over its limit is read to its end and only its beginning is kept, and
//! what is fed beyond [`UNREAD`] without being consumed is dropped and marked as a flood.

use bytes::{Buf, BytesMut};
use memchr::memmem;

use super::data::DataReader;

/// Octets that wait unconsumed at most. A client that streams a whole message ahead of its turn fits in.
pub(super) const UNREAD: usize = 8 * 1024 * 1024;

/// What is kept of a line that is too long, and of the raw form of data.
pub(super) const KEPT: usize = 4096;

/// Unconsumed octets.
#[derive(Default)]
pub(super) struct Inbox {
    buffer: BytesMut,
    searched: usize,
    overlong: Option<Vec<u8>>,
    flooded: bool,
}

/// One line.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// With its CRLF.
    Whole(Vec<u8>),
    /// The first [`KEPT`] octets of one that was over the limit.
    TooLong(Vec<u8>),
}

impl Inbox {
    /// Takes octets in.
    pub(super) fn push(&mut self, octets: &[u8]) {
        if self.flooded {
            return;
        }
        let room = UNREAD.saturating_sub(self.buffer.len());
        self.flooded = octets.len() > room;
        self.buffer
            .extend_from_slice(&octets[..octets.len().min(room)]);
    }

    /// The next line if it is there. `limit` says for the beginning of a line, of at least 64 octets where
    /// it matters, how many octets the line may have with its CRLF.
    pub(super) fn line(&mut self, limit: impl Fn(&[u8]) -> usize) -> Option<Line> {
        let from = self.searched.saturating_sub(1);
        let end = memmem::find(&self.buffer[from..], b"\r\n").map(|at| from + at + 2);
        let seen = end.unwrap_or(self.buffer.len());
        if self.overlong.is_none() && seen > limit(&self.buffer[..seen]).max(64) {
            self.overlong = Some(Vec::new());
        }
        if let Some(mut kept) = self.overlong.take() {
            // A CR at the very end may be half of a line end.
            let done = end.unwrap_or(seen - usize::from(self.buffer.ends_with(b"\r")));
            let room = KEPT.saturating_sub(kept.len());
            kept.extend_from_slice(&self.buffer[..done.min(room)]);
            self.consume(done);
            if end.is_some() {
                return Some(Line::TooLong(kept));
            }
            self.overlong = Some(kept);
            return None;
        }
        if end.is_none() {
            self.searched = seen;
            return None;
        }
        let line = self.buffer[..seen].to_vec();
        self.consume(seen);
        Some(Line::Whole(line))
    }

    /// Lets a reader have what belongs to the data.
    pub(super) fn read_data(&mut self, reader: &mut DataReader) {
        let taken = reader.take(&self.buffer);
        self.consume(taken);
    }

    /// Whether octets were dropped, so that nothing behind the rest can be understood.
    pub(super) fn is_flooded(&self) -> bool {
        self.flooded
    }

    /// Hands out everything and starts anew.
    pub(super) fn drain(&mut self) -> Vec<u8> {
        std::mem::take(self).buffer.to_vec()
    }

    /// How many octets wait.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.buffer.len()
    }

    fn consume(&mut self, octets: usize) {
        self.buffer.advance(octets);
        self.searched = 0;
    }
}

#[cfg(test)]
mod tests {
    use test_case::test_case;

    use super::*;

    fn lines(input: &[u8], chunk: usize, limit: usize) -> Vec<Line> {
        let mut inbox = Inbox::default();
        let mut lines = Vec::new();
        for octets in input.chunks(chunk) {
            inbox.push(octets);
            while let Some(line) = inbox.line(|_| limit) {
                lines.push(line);
            }
        }
        lines
    }

    #[test_case(1; "octet by octet")]
    #[test_case(7; "in sevens")]
    #[test_case(100_000; "at once")]
    fn cuts_at_crlf_only(chunk: usize) {
        let whole = |line: &str| Line::Whole(line.as_bytes().to_vec());
        assert_eq!(
            lines(b"a\r\nb\nc\rd\r\r\n\r\nrest", chunk, 512),
            [whole("a\r\n"), whole("b\nc\rd\r\r\n"), whole("\r\n")]
        );
    }

    #[test_case(1; "octet by octet")]
    #[test_case(64; "in pieces of the limit")]
    #[test_case(100_000; "at once")]
    fn reads_overlong_lines_to_their_end(chunk: usize) {
        let mut input = [b"x".repeat(62), b"\r\n".to_vec()].concat();
        input.extend([b"y".repeat(63), b"\r\n".to_vec()].concat());
        input.extend([b"z".repeat(9000), b"\r\r\nNOOP\r\n".to_vec()].concat());
        assert_eq!(
            lines(&input, chunk, 64),
            [
                Line::Whole(input[..64].to_vec()),
                Line::TooLong(input[64..129].to_vec()),
                Line::TooLong(b"z".repeat(KEPT)),
                Line::Whole(b"NOOP\r\n".to_vec()),
            ]
        );
    }

    #[test]
    fn an_endless_line_does_not_grow() {
        let mut inbox = Inbox::default();
        for _ in 0..100 {
            inbox.push(&[b'a'; 10_000]);
            assert_eq!(inbox.line(|_| 512), None);
            assert!(inbox.len() < 2);
        }
    }

    #[test]
    fn a_flood_is_dropped_and_marked() {
        let mut inbox = Inbox::default();
        for _ in 0..20 {
            inbox.push(&vec![b'a'; 1024 * 1024]);
        }
        assert!(inbox.is_flooded());
        assert_eq!(inbox.len(), UNREAD);
        inbox.drain();
        assert!(!inbox.is_flooded());
    }
}
