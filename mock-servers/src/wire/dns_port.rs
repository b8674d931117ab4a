//! The sockets of a DNS server: datagrams, and messages with their length before them on connections
//! (RFC 7766 §8).
//!
//! Must not know what a message says.

use std::{
    io,
    net::{SocketAddr, UdpSocket},
    sync::Arc,
    time::Duration,
};

use socket2::{Domain, Socket, Type};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    task::JoinHandle,
    time::timeout,
};

use super::watched::watched;

/// Connections at once.
const CONNECTIONS: usize = 16;

/// How long a connection may say nothing.
const IDLE: Duration = Duration::from_secs(5);

/// The sockets.
pub(crate) struct DnsPort {
    datagrams: UdpSocket,
    watchers: [JoinHandle<()>; 2],
}

impl DnsPort {
    /// Opens both. `stirred` is called when datagrams may be there, and says whether anybody still cares;
    /// `asked` answers a message that came on a connection.
    ///
    /// # Errors
    /// What the system says.
    pub(crate) fn open<F, G>(
        at: SocketAddr,
        stirred: impl Fn() -> F + Send + 'static,
        asked: impl Fn(Vec<u8>) -> G + Clone + Send + Sync + 'static,
    ) -> io::Result<Self>
    where
        F: Future<Output = bool> + Send,
        G: Future<Output = Option<Vec<u8>>> + Send,
    {
        let datagrams = bound(at, Type::DGRAM)?;
        let watched = watched(datagrams.try_clone()?)?;
        let listener = bound(at, Type::STREAM)?;
        listener.listen(128)?;
        let listener = TcpListener::from_std(listener.into())?;
        let for_datagrams = tokio::spawn(async move {
            while let Ok(mut ready) = watched.readable().await {
                ready.clear_ready();
                drop(ready);
                if !stirred().await {
                    return;
                }
            }
        });
        let for_connections = tokio::spawn(async move {
            let room = Arc::new(Semaphore::new(CONNECTIONS));
            while let Ok(place) = room.clone().acquire_owned().await {
                let Ok((stream, _)) = listener.accept().await else {
                    continue;
                };
                let asked = asked.clone();
                tokio::spawn(async move {
                    // A client that has gone needs no answer.
                    let _ = converse(stream, asked).await;
                    drop(place);
                });
            }
        });
        Ok(Self {
            datagrams: datagrams.into(),
            watchers: [for_datagrams, for_connections],
        })
    }

    /// Closes them, so that they are free for the next.
    pub(crate) async fn close(mut self) {
        for watcher in &mut self.watchers {
            watcher.abort();
            // It was aborted, as it says.
            let _ = watcher.await;
        }
    }

    /// The next datagram, and who sent it; `None` where none is there.
    pub(crate) fn take(&self) -> Option<(Vec<u8>, SocketAddr)> {
        let mut space = [0; 4096];
        loop {
            match self.datagrams.recv_from(&mut space) {
                Ok((len, from)) => return Some((space[..len].to_vec(), from)),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return None,
            }
        }
    }

    /// Sends a datagram. One that gets lost is asked for again.
    pub(crate) fn send(&self, octets: &[u8], to: SocketAddr) {
        let _ = self.datagrams.send_to(octets, to);
    }
}

impl Drop for DnsPort {
    fn drop(&mut self) {
        for watcher in &self.watchers {
            watcher.abort();
        }
    }
}

fn bound(at: SocketAddr, kind: Type) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(at), kind, None)?;
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&at.into())?;
    Ok(socket)
}

async fn converse<G>(mut stream: TcpStream, asked: impl Fn(Vec<u8>) -> G) -> io::Result<()>
where
    G: Future<Output = Option<Vec<u8>>>,
{
    loop {
        let message = timeout(IDLE, async {
            let mut message = vec![0; usize::from(stream.read_u16().await?)];
            stream.read_exact(&mut message).await?;
            io::Result::Ok(message)
        });
        let Some(answer) = asked(message.await??).await else {
            return Ok(());
        };
        let length = u16::try_from(answer.len()).map_err(io::Error::other)?;
        let framed = [&length.to_be_bytes()[..], &answer].concat();
        stream.write_all(&framed).await?;
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    #[tokio::test]
    async fn messages_come_and_go_both_ways() {
        let any = SocketAddr::new(Ipv4Addr::LOCALHOST.into(), 0);
        let free = UdpSocket::bind(any).unwrap().local_addr().unwrap();
        let (stirred, mut heard) = tokio::sync::mpsc::unbounded_channel();
        let port = DnsPort::open(
            free,
            move || std::future::ready(stirred.send(()).is_ok()),
            |message| async move { Some([message, b"!".to_vec()].concat()) },
        )
        .unwrap();
        let client = tokio::net::UdpSocket::bind(any).await.unwrap();
        client.send_to(b"datagram", free).await.unwrap();
        heard.recv().await.unwrap();
        let (octets, from) = port.take().unwrap();
        port.send(&octets, from);
        let mut space = [0; 16];
        let (len, _) = client.recv_from(&mut space).await.unwrap();
        assert_eq!(&space[..len], b"datagram");
        assert!(port.take().is_none());

        let mut client = TcpStream::connect(free).await.unwrap();
        client.write_all(b"\x00\x02on\x00\x03tcp").await.unwrap();
        let mut answers = [0; 11];
        client.read_exact(&mut answers).await.unwrap();
        assert_eq!(&answers, b"\x00\x03on!\x00\x04tcp!");
    }
}
