//! A stream under TLS that looks at the records that come in. The flaws of a TLS stack that a library cannot be
//! told to have are made here.
//!
//! Must not know SMTP, IMAP or certificates.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
};

use tokio::io::{AsyncRead, ReadBuf};

use super::write_through::write_through;

/// What a flawed stack cannot cope with. By default nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Quirks {
    /// Takes a HelloRetryRequest for nonsense.
    pub(super) hello_retry: bool,
    /// Takes one record for one handshake message.
    pub(super) small_records: bool,
    /// Reads on and on after a close_notify in the handshake.
    pub(super) close_notify: bool,
    /// Waits for the new handshake after a HelloRequest.
    pub(super) hello_request: bool,
    /// Gives up where many records bring no answer.
    pub(super) many_records: bool,
}

/// What was noticed on one connection, for those who decide something by it.
#[derive(Debug, Default)]
pub(super) struct Noticed {
    /// The server warned that it does not know the name.
    pub(super) unrecognized_name: AtomicBool,
    /// The server asked for a client certificate.
    pub(super) certificate_request: AtomicBool,
    /// The flawed stack will never come back.
    pub(super) stuck: AtomicBool,
}

const ALERT: u8 = 21;
const HANDSHAKE: u8 = 22;
const APPLICATION_DATA: u8 = 23;
const HEADER: usize = 5;
const SERVER_HELLO: u8 = 2;
const CLOSE_NOTIFY: u8 = 0;
const UNRECOGNIZED_NAME: u8 = 112;
/// So many records between two of the client's own are too many for a flawed stack.
const MANY: u32 = 64;

/// The random of a ServerHello that is a HelloRetryRequest begins so (RFC 8446 §4.1.3).
const RETRY: [u8; 4] = [0xcf, 0x21, 0xad, 0x74];

/// The stream.
pub(super) struct Watched<S> {
    inner: S,
    quirks: Quirks,
    noticed: Arc<Noticed>,
    /// The beginning of the record that comes in: its header and what of its payload matters.
    head: Vec<u8>,
    /// What is still to come of that record.
    left: usize,
    handshake_begun: bool,
    inside: bool,
    records: u32,
}

/// What the flawed stack makes of a record.
enum Reaction {
    Chokes(&'static str),
    Stuck,
}

impl<S> Watched<S> {
    pub(super) fn new(inner: S, quirks: Quirks, noticed: Arc<Noticed>) -> Self {
        Self {
            inner,
            quirks,
            noticed,
            head: Vec::new(),
            left: 0,
            handshake_begun: false,
            inside: false,
            records: 0,
        }
    }

    pub(super) fn inner(&self) -> &S {
        &self.inner
    }

    pub(super) fn into_inner(self) -> S {
        self.inner
    }

    fn look(&mut self, mut octets: &[u8]) -> Option<Reaction> {
        /// A ServerHello as far as its random.
        const MATTERS: usize = HEADER + 4 + 2 + 32;
        while !octets.is_empty() {
            if self.head.len() < HEADER {
                let (now, rest) = octets.split_at(octets.len().min(HEADER - self.head.len()));
                self.head.extend(now);
                octets = rest;
                if let [_, _, _, high, low] = self.head[..] {
                    self.left = usize::from(u16::from_be_bytes([high, low]));
                }
            } else {
                let (now, rest) = octets.split_at(octets.len().min(self.left));
                let room = MATTERS.saturating_sub(self.head.len()).min(now.len());
                self.head.extend(&now[..room]);
                self.left -= now.len();
                octets = rest;
            }
            if self.head.len() >= HEADER && self.left == 0 {
                let head = std::mem::take(&mut self.head);
                let reaction = self.record(head[0], &head[HEADER..]);
                if reaction.is_some() {
                    return reaction;
                }
            }
        }
        None
    }

    fn record(&mut self, kind: u8, payload: &[u8]) -> Option<Reaction> {
        let quirks = self.quirks;
        self.records += 1;
        if quirks.many_records && self.records > MANY {
            return Some(Reaction::Chokes("the server says much and nothing"));
        }
        match (kind, payload) {
            (APPLICATION_DATA, _) => self.inside = true,
            (ALERT, [_, UNRECOGNIZED_NAME]) => {
                self.noticed
                    .unrecognized_name
                    .store(true, Ordering::Relaxed);
            }
            (ALERT, [_, CLOSE_NOTIFY]) if quirks.close_notify => return Some(Reaction::Stuck),
            (HANDSHAKE, _) if self.inside && quirks.hello_request => {
                return Some(Reaction::Stuck);
            }
            (HANDSHAKE, message) if !self.handshake_begun => {
                self.handshake_begun = true;
                let retry = message.first() == Some(&SERVER_HELLO)
                    && message.get(6..10).is_some_and(|random| random == RETRY);
                if quirks.hello_retry && retry {
                    return Some(Reaction::Chokes("this is no ServerHello"));
                }
                if quirks.small_records && message.len() < 4 {
                    return Some(Reaction::Chokes("half a handshake message"));
                }
            }
            _ => {}
        }
        None
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.noticed.stuck.load(Ordering::Relaxed) {
            return Poll::Pending;
        }
        let before = buffer.filled().len();
        match Pin::new(&mut this.inner).poll_read(context, buffer) {
            Poll::Ready(Ok(())) => {}
            other => return other,
        }
        let arrived = buffer.filled()[before..].to_vec();
        match this.look(&arrived) {
            None => Poll::Ready(Ok(())),
            Some(Reaction::Chokes(why)) => Poll::Ready(Err(io::Error::other(why))),
            Some(Reaction::Stuck) => {
                this.noticed.stuck.store(true, Ordering::Relaxed);
                Poll::Pending
            }
        }
    }
}

write_through!(Watched, |this: &mut Self| this.records = 0);

#[cfg(test)]
mod tests {
    use test_case::test_case;

    use super::*;

    fn watched(quirks: Quirks) -> Watched<()> {
        Watched::new((), quirks, Arc::default())
    }

    fn record(kind: u8, payload: &[u8]) -> Vec<u8> {
        let mut octets = vec![kind, 3, 3, 0, u8::try_from(payload.len()).unwrap()];
        octets.extend(payload);
        octets
    }

    fn retry() -> Vec<u8> {
        let mut payload = vec![SERVER_HELLO, 0, 0, 80, 3, 3];
        payload.extend(RETRY);
        payload.extend([0; 60]);
        record(HANDSHAKE, &payload)
    }

    #[test_case(&retry(), Quirks { hello_retry: true, ..Quirks::default() }; "retry")]
    #[test_case(&record(HANDSHAKE, &[2]), Quirks { small_records: true, ..Quirks::default() }; "small record")]
    #[test_case(&record(ALERT, &[1, 0]), Quirks { close_notify: true, ..Quirks::default() }; "close notify")]
    #[test_case(&[record(APPLICATION_DATA, b"x"), record(HANDSHAKE, b"y")].concat(), Quirks { hello_request: true, ..Quirks::default() }; "hello request")]
    #[test_case(&record(APPLICATION_DATA, b"x").repeat(65), Quirks { many_records: true, ..Quirks::default() }; "many records")]
    fn reacts_to_one_thing_in_any_portions(octets: &[u8], quirks: Quirks) {
        for portion in [1, 3, octets.len()] {
            let mut flawed = watched(quirks);
            assert!(octets.chunks(portion).any(|it| flawed.look(it).is_some()));
            let mut right = watched(Quirks::default());
            assert!(octets.chunks(portion).all(|it| right.look(it).is_none()));
        }
    }

    #[test]
    fn notices_the_warning_about_the_name() {
        let mut watched = watched(Quirks::default());
        watched.look(&record(ALERT, &[1, 112]));
        assert!(watched.noticed.unrecognized_name.load(Ordering::Relaxed));
    }
}
