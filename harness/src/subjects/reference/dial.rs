//! How a connection comes about. Must not know what it is for.

use std::{
    future::Future,
    io,
    net::{IpAddr, Ipv4Addr},
};

use tokio::{net::TcpStream, time::timeout};

use super::connection::{Patience, Stream};

/// Something that can be connected with.
pub(super) trait Dial: Send + Sync {
    /// What comes of it.
    type Stream: Stream;

    /// Connects, and says from which own address.
    ///
    /// # Errors
    /// Whatever the network has against it.
    fn dial(
        &self,
        host: &str,
        port: u16,
        patience: Patience,
    ) -> impl Future<Output = io::Result<(Self::Stream, IpAddr)>> + Send;
}

/// The network.
pub(super) struct Tcp;

impl Dial for Tcp {
    type Stream = TcpStream;

    /// Every address of the host in turn, each with its share of the patience (RFC 5321 §5.1).
    async fn dial(
        &self,
        host: &str,
        port: u16,
        patience: Patience,
    ) -> io::Result<(TcpStream, IpAddr)> {
        let addresses = within(patience, tokio::net::lookup_host((host, port))).await?;
        let addresses: Vec<_> = addresses.collect();
        let share = u32::try_from(addresses.len()).unwrap_or(u32::MAX).max(1);
        let share = Patience(patience.0.map(|patience| patience / share));
        let mut failure = io::Error::new(io::ErrorKind::NotFound, "the host has no address");
        for address in addresses {
            match within(share, TcpStream::connect(address)).await {
                Ok(stream) => {
                    stream.set_nodelay(true)?;
                    let own = stream.local_addr().map(|own| own.ip());
                    return Ok((stream, own.unwrap_or(Ipv4Addr::LOCALHOST.into())));
                }
                Err(error) => failure = error,
            }
        }
        Err(failure)
    }
}

async fn within<T>(
    patience: Patience,
    doing: impl Future<Output = io::Result<T>>,
) -> io::Result<T> {
    match patience.0 {
        None => doing.await,
        Some(patience) => timeout(patience, doing)
            .await
            .unwrap_or_else(|_| Err(io::Error::new(io::ErrorKind::TimedOut, "timed out"))),
    }
}
