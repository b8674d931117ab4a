//! A stream under TLS that a flaw can make skip what stands in front of the first record of the peer.
//!
//! Must not know what is said in clear, nor what TLS makes of it.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use tokio::io::{AsyncRead, ReadBuf};

use super::write_through::write_through;

/// Alert and handshake (RFC 8446 §5.1): with what a peer can begin.
const RECORDS: [u8; 2] = [0x15, 0x16];

/// A stream, and what was skipped on it.
#[derive(Debug)]
pub(super) struct Tolerant<S> {
    inner: S,
    skips: bool,
    skipped: Vec<u8>,
}

impl<S> Tolerant<S> {
    /// With `skips` what comes before the first record is skipped; else nothing is.
    pub(super) fn new(inner: S, skips: bool) -> Self {
        Self {
            inner,
            skips,
            skipped: Vec::new(),
        }
    }

    /// The stream itself.
    pub(super) fn into_inner(self) -> S {
        self.inner
    }

    /// What was skipped.
    pub(super) fn skipped(&self) -> &[u8] {
        &self.skipped
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Tolerant<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        loop {
            if !this.skips {
                return Pin::new(&mut this.inner).poll_read(context, buffer);
            }
            let mut portion = [0; 1024];
            let mut portion = ReadBuf::new(&mut portion[..buffer.remaining().min(1024)]);
            ready!(Pin::new(&mut this.inner).poll_read(context, &mut portion))?;
            let octets = portion.filled();
            let record = octets.iter().position(|octet| RECORDS.contains(octet));
            let (skipped, rest) = octets.split_at(record.unwrap_or(octets.len()));
            this.skipped.extend_from_slice(skipped);
            this.skips = record.is_none() && !octets.is_empty();
            if !this.skips {
                buffer.put_slice(rest);
                return Poll::Ready(Ok(()));
            }
        }
    }
}

write_through!(Tolerant, |_: &mut Self| {});

#[cfg(test)]
mod tests {
    use test_case::test_case;
    use tokio::io::AsyncReadExt as _;
    use tokio_test::io::Builder;

    use super::*;

    #[test_case(true, &[b"250 x\r\n", b"y\x16\x03rest"] => (b"\x16\x03rest".to_vec(), b"250 x\r\ny".to_vec()); "what is in front")]
    #[test_case(true, &[b"\x16\x03", b"250 x\x16"] => (b"\x16\x03250 x\x16".to_vec(), Vec::new()); "nothing behind the first record")]
    #[test_case(true, &[b"250 x\r\n"] => (Vec::new(), b"250 x\r\n".to_vec()); "the end of the stream")]
    #[test_case(false, &[b"250 x\r\n\x16"] => (b"250 x\r\n\x16".to_vec(), Vec::new()); "nothing without the flaw")]
    #[tokio::test]
    async fn skips(skips: bool, portions: &[&[u8]]) -> (Vec<u8>, Vec<u8>) {
        let mut inner = Builder::new();
        for portion in portions {
            inner.read(portion);
        }
        let mut stream = Tolerant::new(inner.build(), skips);
        let mut read = Vec::new();
        stream.read_to_end(&mut read).await.unwrap();
        (read, stream.skipped().to_vec())
    }
}
