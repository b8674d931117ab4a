//! One connection: lines and literals in, octets out, each wait bounded, TLS when asked for.
//!
//! Must not know SMTP, IMAP or what a certificate must be like.

use std::{
    fmt,
    future::Future,
    io,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use bytes::BytesMut;
use rustls::pki_types::CertificateDer;
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    time::{Instant, timeout_at},
};
use tokio_rustls::{TlsConnector, client::TlsStream};

use super::{
    by_hand::{self, Careless},
    tls::Tls,
    tolerant::Tolerant,
    watch::{Noticed, Watched},
};

/// What a connection can run over.
pub(super) trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

/// How long the client waits for the network; `None` is without end.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience(pub(super) Option<Duration>);

/// When a wait is over; `None` is never.
pub(super) type Deadline = Option<Instant>;

impl Patience {
    /// So many times the patience from now.
    pub(super) fn times(self, factor: u32) -> Deadline {
        let span = self.0?.saturating_mul(factor);
        Instant::now().checked_add(span)
    }

    /// The patience from now, but not beyond the deadline and not beyond `most`.
    pub(super) fn at_most(self, most: Duration) -> Patience {
        Patience(self.0.map(|span| span.min(most)))
    }
}

/// The earlier of two.
pub(super) fn earlier(one: Deadline, other: Deadline) -> Deadline {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

/// Why nothing more is to be had from a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Cut {
    /// The server closed or reset it.
    Closed,
    /// The wait was over.
    TimedOut,
    /// A line did not end within its limit.
    Overlong,
    /// TLS broke: an alert, or octets that are none of its records.
    Tls(String),
    /// Something else broke.
    Broken(String),
}

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Cut::Closed => f.write_str("the server closed the connection"),
            Cut::TimedOut => f.write_str("timed out, the server did not answer in time"),
            Cut::Overlong => f.write_str("the server sent a line without end"),
            Cut::Tls(why) => write!(f, "the secure connection broke: {why}"),
            Cut::Broken(why) => write!(f, "the connection broke: {why}"),
        }
    }
}

/// Why TLS did not come about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum TlsTrouble {
    /// The connection ended or stalled.
    Cut(Cut),
    /// The peer or its proof was not accepted.
    Certificate(String),
    /// TLS itself failed.
    Protocol(String),
}

/// One connection.
pub(super) struct Connection<S> {
    channel: Channel<S>,
    inbox: BytesMut,
    patience: Patience,
    /// The last that the server said, for the user.
    heard: Vec<u8>,
    /// The server's own certificate, inside TLS.
    peer: Option<CertificateDer<'static>>,
    reading: Reading,
    noticed: Arc<Noticed>,
}

/// Flaws of reading. By default none.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Reading {
    /// Whatever one read brings is a whole line.
    pub(super) segments_are_lines: bool,
    /// What one read brings beyond so little room is lost.
    pub(super) small_buffer: bool,
    /// Every octet may take as long as a whole line.
    pub(super) restarts_timer: bool,
    /// A line has no limit, and waiting for its end has none as long as octets come.
    pub(super) endless_lines: bool,
    /// The end of the stream is not heeded.
    pub(super) loops_at_eof: bool,
    /// Writing waits so long and no longer.
    pub(super) writing: Writing,
    /// What stands in front of the first TLS record is taken for words said inside.
    pub(super) skips_clear_in_handshake: bool,
}

/// How long a connection that takes nothing is waited for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Writing {
    /// As long as for reading.
    #[default]
    Patient,
    /// A flaw: without end.
    Forever,
    /// A flaw: a moment.
    Moment,
}

enum Channel<S> {
    Clear(S),
    Tls(Box<TlsStream<Watched<Tolerant<S>>>>),
    Gone,
}

impl<S: Stream> Connection<S> {
    pub(super) fn new(stream: S, patience: Patience, reading: Reading) -> Self {
        Self {
            channel: Channel::Clear(stream),
            inbox: BytesMut::new(),
            patience,
            heard: Vec::new(),
            peer: None,
            reading,
            noticed: Arc::default(),
        }
    }

    pub(super) fn patience(&self) -> Patience {
        self.patience
    }

    pub(super) fn set_patience(&mut self, patience: Patience) {
        self.patience = patience;
    }

    pub(super) fn is_encrypted(&self) -> bool {
        matches!(self.channel, Channel::Tls(_))
    }

    /// What was read but not yet taken.
    pub(super) fn unread(&self) -> &[u8] {
        &self.inbox
    }

    /// Lets go what was read but not yet taken.
    pub(super) fn let_go_unread(&mut self) {
        self.inbox.clear();
    }

    pub(super) fn heard(&self) -> &[u8] {
        &self.heard
    }

    pub(super) fn set_heard(&mut self, octets: Vec<u8>) {
        self.heard = octets;
    }

    /// The next line, without its end. LF alone ends a line too, CR alone does not.
    pub(super) async fn line(&mut self, limit: usize, until: Deadline) -> Result<Vec<u8>, Cut> {
        let mut until = earlier(until, self.patience.times(1));
        let limit = if self.reading.endless_lines {
            usize::MAX
        } else {
            limit
        };
        let mut searched = 0;
        loop {
            if let Some(at) = memchr::memchr(b'\n', &self.inbox[searched..]) {
                let mut line = self.inbox.split_to(searched + at + 1);
                line.truncate(searched + at);
                if line.ends_with(b"\r") {
                    line.truncate(line.len() - 1);
                }
                return if line.len() > limit {
                    Err(Cut::Overlong)
                } else {
                    Ok(line.to_vec())
                };
            }
            searched = self.inbox.len();
            if searched > limit {
                return Err(Cut::Overlong);
            }
            if self.reading.segments_are_lines && searched > 0 {
                return Ok(self.inbox.split().to_vec());
            }
            if self.reading.restarts_timer || self.reading.endless_lines {
                until = self.patience.times(1);
            }
            self.fill(until).await?;
        }
    }

    /// Reads so many octets and lets them go: never more than one read's worth is held.
    pub(super) async fn skip(&mut self, mut octets: u64, until: Deadline) -> Result<(), Cut> {
        let until = earlier(until, self.patience.times(1));
        while octets > 0 {
            if self.inbox.is_empty() {
                self.fill(until).await?;
            }
            let here = self
                .inbox
                .len()
                .min(usize::try_from(octets).unwrap_or(usize::MAX));
            let _ = self.inbox.split_to(here);
            octets -= here as u64;
        }
        Ok(())
    }

    /// Sends octets, and waits at each portion no longer than the patience.
    pub(super) async fn send(&mut self, octets: &[u8]) -> Result<(), Cut> {
        const PORTION: usize = 64 * 1024;
        for portion in octets.chunks(PORTION) {
            let patience = match self.reading.writing {
                Writing::Patient => self.patience,
                Writing::Forever => Patience(None),
                Writing::Moment => self.patience.at_most(Duration::from_millis(200)),
            };
            let until = patience.times(1);
            let sending = async {
                match &mut self.channel {
                    Channel::Clear(stream) => {
                        stream.write_all(portion).await?;
                        stream.flush().await
                    }
                    Channel::Tls(stream) => {
                        stream.write_all(portion).await?;
                        stream.flush().await
                    }
                    Channel::Gone => Err(io::ErrorKind::NotConnected.into()),
                }
            };
            within(until, sending).await?;
        }
        Ok(())
    }

    /// Starts TLS. What was read in clear stays in the inbox: it is the caller who must not have it there.
    ///
    /// After a failed handshake the connection is in clear again if the peer left it usable.
    pub(super) async fn start_tls(&mut self, tls: Tls) -> Result<(), TlsTrouble> {
        let stream = self.take_clear()?;
        let stream = Tolerant::new(stream, self.reading.skips_clear_in_handshake);
        let stream = Watched::new(stream, tls.quirks, tls.noticed.clone());
        self.noticed = tls.noticed.clone();
        let early = tls.early.unwrap_or_default();
        let handshake = TlsConnector::from(tls.config)
            .connect_with(tls.name, stream, |session| {
                if let Some(mut writer) = session.early_data() {
                    // What does not fit is said later, as everybody says it.
                    let _ = io::Write::write_all(&mut writer, &early);
                }
            })
            .into_fallible();
        let outcome = timed(self.patience.times(1), handshake).await;
        self.stay_if_stuck().await;
        match outcome {
            None => Err(TlsTrouble::Cut(Cut::TimedOut)),
            Some(Ok(stream)) => {
                if self.noticed.certificate_request.load(Ordering::Relaxed) {
                    let why = "the server asks for a certificate, and there is none".to_owned();
                    return Err(TlsTrouble::Protocol(why));
                }
                self.inbox
                    .extend_from_slice(stream.get_ref().0.inner().skipped());
                let chain = stream.get_ref().1.peer_certificates();
                self.peer = chain.and_then(|chain| chain.first()).cloned();
                self.channel = Channel::Tls(Box::new(stream));
                Ok(())
            }
            Some(Err((error, stream))) => {
                self.channel = Channel::Clear(stream.into_inner().into_inner());
                Err(trouble(&error))
            }
        }
    }

    /// A flaw: TLS by hand, as far as the key exchange. There is no session behind it.
    pub(super) async fn start_tls_by_hand(
        &mut self,
        host: &str,
        careless: Careless,
    ) -> Result<(), TlsTrouble> {
        let mut stream = self.take_clear()?;
        let exchange = by_hand::exchange(&mut stream, host, careless);
        match timed(self.patience.times(1), exchange).await {
            None => Err(TlsTrouble::Cut(Cut::TimedOut)),
            Some(Err(error)) => Err(trouble(&error)),
            Some(Ok(what)) => Err(TlsTrouble::Protocol(what.to_owned())),
        }
    }

    /// A flaw: waits until the server leaves, and wants it to say so (RFC 8446 §6.1).
    pub(super) async fn await_close_notify(&mut self) -> Result<(), Cut> {
        let until = self.patience.times(1);
        loop {
            self.inbox.clear();
            let reading = async {
                match &mut self.channel {
                    Channel::Tls(stream) => stream.read_buf(&mut self.inbox).await,
                    _ => Ok(0),
                }
            };
            match timed(until, reading).await {
                Some(Ok(0)) | None => return Ok(()),
                Some(Ok(_)) => {}
                Some(Err(error)) => {
                    return Err(Cut::Tls(format!("it was cut off: {error}")));
                }
            }
        }
    }

    /// Only a flawed client is ever stuck, and then for good.
    async fn stay_if_stuck(&self) {
        if self.noticed.stuck.load(Ordering::Relaxed) {
            std::future::pending::<()>().await;
        }
    }

    /// The server's own certificate; stays when the connection is closed.
    pub(super) fn peer(&self) -> Option<&CertificateDer<'static>> {
        self.peer.as_ref()
    }

    /// Closes without waiting for more than a moment.
    pub(super) async fn close(&mut self) {
        let until = self.patience.at_most(Duration::from_secs(1)).times(1);
        let closing = async {
            match &mut self.channel {
                Channel::Clear(stream) => stream.shutdown().await,
                Channel::Tls(stream) => stream.shutdown().await,
                Channel::Gone => Ok(()),
            }
        };
        // Whether the peer takes notice of the goodbye changes nothing any more.
        let _ = timed(until, closing).await;
        self.channel = Channel::Gone;
    }

    fn take_clear(&mut self) -> Result<S, TlsTrouble> {
        match std::mem::replace(&mut self.channel, Channel::Gone) {
            Channel::Clear(stream) => Ok(stream),
            other => {
                self.channel = other;
                Err(TlsTrouble::Protocol("TLS inside TLS".to_owned()))
            }
        }
    }

    async fn fill(&mut self, until: Deadline) -> Result<(), Cut> {
        const PORTION: usize = 16 * 1024;
        const SMALL: usize = 4096;
        let most = self.inbox.len() + SMALL;
        self.inbox.reserve(PORTION);
        let inbox = &mut self.inbox;
        let reading = async {
            match &mut self.channel {
                Channel::Clear(stream) => stream.read_buf(inbox).await,
                Channel::Tls(stream) => stream.read_buf(inbox).await,
                Channel::Gone => Ok(0),
            }
        };
        let outcome = within(until, reading).await;
        self.stay_if_stuck().await;
        match outcome {
            Ok(0) | Err(Cut::Closed) if self.reading.loops_at_eof => {
                // Reading returns at once, so no timer ever fires.
                tokio::time::sleep(Duration::from_millis(50)).await;
                Ok(())
            }
            Err(cut) => Err(cut),
            Ok(0) => Err(Cut::Closed),
            Ok(_) => {
                if self.reading.small_buffer {
                    self.inbox.truncate(most);
                }
                Ok(())
            }
        }
    }
}

async fn within<T>(until: Deadline, doing: impl Future<Output = io::Result<T>>) -> Result<T, Cut> {
    match timed(until, doing).await {
        None => Err(Cut::TimedOut),
        Some(Ok(done)) => Ok(done),
        Some(Err(error)) => Err(cut(&error)),
    }
}

async fn timed<T>(until: Deadline, doing: impl Future<Output = T>) -> Option<T> {
    match until {
        Some(until) => timeout_at(until, doing).await.ok(),
        None => Some(doing.await),
    }
}

fn cut(error: &io::Error) -> Cut {
    use io::ErrorKind::{
        BrokenPipe, ConnectionAborted, ConnectionReset, NotConnected, UnexpectedEof,
    };
    if let Some(error) = tls_error(error) {
        return Cut::Tls(error.to_string());
    }
    match error.kind() {
        BrokenPipe | ConnectionAborted | ConnectionReset | NotConnected | UnexpectedEof => {
            Cut::Closed
        }
        _ => Cut::Broken(error.to_string()),
    }
}

fn trouble(error: &io::Error) -> TlsTrouble {
    match tls_error(error) {
        Some(rustls::Error::InvalidCertificate(why)) => TlsTrouble::Certificate(why.to_string()),
        Some(other) => TlsTrouble::Protocol(other.to_string()),
        None => TlsTrouble::Cut(cut(error)),
    }
}

fn tls_error(error: &io::Error) -> Option<&rustls::Error> {
    error.get_ref()?.downcast_ref()
}

#[cfg(test)]
mod tests {
    use pretty_assertions::assert_eq;
    use proptest::prelude::*;
    use test_case::test_case;
    use tokio::io::DuplexStream;

    use super::*;

    fn connected(octets: &[u8]) -> Connection<DuplexStream> {
        let (client, server) = tokio::io::duplex(octets.len().max(1));
        let octets = octets.to_vec();
        tokio::spawn(async move {
            let mut server = server;
            // A client that has heard enough has gone.
            let _ = server.write_all(&octets).await;
        });
        Connection::new(client, Patience(None), Reading::default())
    }

    fn run<T>(doing: impl Future<Output = T>) -> T {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .unwrap();
        runtime.block_on(doing)
    }

    #[test_case(b"a\r\nb\n", &[b"a", b"b"]; "both line ends")]
    #[test_case(b"a\rb\r\r\n", &[b"a\rb\r"]; "a bare CR ends nothing")]
    #[test_case(b"\r\n\n", &[b"", b""]; "empty lines")]
    fn lines(octets: &[u8], expected: &[&[u8]]) {
        run(async {
            let mut connection = connected(octets);
            for line in expected {
                assert_eq!(connection.line(10, None).await.as_deref(), Ok(*line));
            }
            assert_eq!(connection.line(10, None).await, Err(Cut::Closed));
        });
    }

    #[test]
    fn a_line_without_end_is_not_read_to_its_end() {
        run(async {
            let mut connection = connected(&[b'a'; 1_000_000]);
            assert_eq!(connection.line(1000, None).await, Err(Cut::Overlong));
            assert!(connection.unread().len() < 100_000);
        });
    }

    #[test]
    fn what_is_skipped_is_not_kept() {
        run(async {
            let mut octets = vec![b'a'; 1_000_000];
            octets.extend_from_slice(b"end\r\n");
            let mut connection = connected(&octets);
            assert_eq!(connection.skip(1_000_000, None).await, Ok(()));
            assert!(connection.inbox.capacity() < 100_000);
            assert_eq!(connection.line(10, None).await.as_deref(), Ok(&b"end"[..]));
            assert_eq!(connection.skip(1, None).await, Err(Cut::Closed));
        });
    }

    #[test]
    fn an_alert_inside_the_session_is_about_tls() {
        let alert = rustls::Error::AlertReceived(rustls::AlertDescription::CertificateRequired);
        let error = io::Error::new(io::ErrorKind::InvalidData, alert);
        assert!(matches!(cut(&error), Cut::Tls(_)));
    }

    proptest! {
        #[test]
        fn lines_and_their_ends_are_all_there_is(octets in proptest::collection::vec(prop_oneof![Just(b'\r'), Just(b'\n'), any::<u8>()], 0..100)) {
            let lines = run(async {
                let mut connection = connected(&octets);
                let mut lines = Vec::new();
                while let Ok(line) = connection.line(1000, None).await {
                    lines.push(line);
                }
                lines
            });
            let mut expected: Vec<&[u8]> = octets.split(|it| *it == b'\n').collect();
            // What has no end is no line.
            expected.pop();
            let expected: Vec<&[u8]> = expected.iter().map(|it| it.strip_suffix(b"\r").unwrap_or(it)).collect();
            prop_assert_eq!(lines, expected);
        }
    }
}
