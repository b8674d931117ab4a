//! One port of a world: its number, its sockets on every address, and whether the kernel lets anybody in.
//!
//! Must not know what is spoken behind it.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, Shutdown, SocketAddr},
    sync::Arc,
    time::Duration,
};

use socket2::{Domain, Socket, Type};
use tokio::{io::unix::AsyncFd, task::AbortHandle};

use super::{filter, icmp::Unreachable, watched::watched};

/// How many times a number that is free on both loopback addresses is looked for.
const TRIES: usize = 64;

/// Connections that the kernel holds before they are accepted.
const BACKLOG: i32 = 128;

/// Octets that the kernel takes in for a narrow port before somebody reads them (it doubles the number).
const NARROW: usize = 8 * 1024;

/// The largest segment to a narrow port. The client's kernel makes its own buffer after it: with the
/// segments of loopback a whole message would fit in there.
const NARROW_SEGMENT: u32 = 1220;

/// What becomes of a SYN.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Door {
    /// The kernel accepts.
    Open,
    /// The kernel answers RST.
    Refusing,
    /// Nobody answers.
    Dropping,
    /// The kernel is silent; whoever sees the SYN answers it by ICMP in this way.
    Answered(Unreachable),
}

/// A port that belongs to a world for as long as it lives, whether it listens or not.
pub(crate) struct Port {
    number: u16,
    sides: Vec<Side>,
}

/// The port at one address.
struct Side {
    ip: IpAddr,
    /// Bound but never listening, so that nobody else gets the number while the port refuses.
    held: Socket,
    listener: Option<Listener>,
    door: Door,
    narrow: bool,
}

struct Listener {
    socket: Arc<AsyncFd<Socket>>,
    watcher: AbortHandle,
}

/// A connection that was accepted.
pub(crate) struct Accepted {
    /// The connection.
    pub(crate) stream: std::net::TcpStream,
    /// The address that the client came from; unspecified where the system does not say.
    pub(crate) client: IpAddr,
    /// The address that the client came to.
    pub(crate) server: IpAddr,
    /// Both ends; unknown of a connection that was reset before it was accepted.
    pub(crate) ends: Option<Ends>,
}

/// Both ends of a connection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ends {
    pub(crate) client: SocketAddr,
    pub(crate) server: SocketAddr,
}

impl Port {
    /// Takes a free number on `127.0.0.1` and, where the machine has it, `::1`.
    ///
    /// # Errors
    /// What the system says when there is none.
    pub(crate) fn on_loopback() -> io::Result<Self> {
        let v6 = has_ipv6();
        let mut tries = 0;
        loop {
            let first = bind(IpAddr::V4(Ipv4Addr::LOCALHOST), 0)?;
            let number = local_port(&first)?;
            let mut held = vec![(IpAddr::V4(Ipv4Addr::LOCALHOST), first)];
            if v6 {
                let ip = IpAddr::V6(Ipv6Addr::LOCALHOST);
                match bind(ip, number) {
                    Ok(second) => held.push((ip, second)),
                    Err(error) if tries >= TRIES => return Err(error),
                    Err(_) => {
                        tries += 1;
                        continue;
                    }
                }
            }
            return Ok(Self::holding(number, held));
        }
    }

    /// Takes a number on each of these addresses; IPv6 only where the machine has it.
    ///
    /// # Errors
    /// What the system says when it is taken or not allowed.
    pub(crate) fn on(addresses: &[IpAddr], number: u16) -> io::Result<Self> {
        let v6 = has_ipv6();
        let held: io::Result<_> = addresses
            .iter()
            .filter(|ip| v6 || ip.is_ipv4())
            .map(|ip| Ok((*ip, bind(*ip, number)?)))
            .collect();
        Ok(Self::holding(number, held?))
    }

    /// Takes a number on every address of the machine at once.
    ///
    /// # Errors
    /// As [`Port::on`].
    pub(crate) fn everywhere(number: u16) -> io::Result<Self> {
        let all = [Ipv4Addr::UNSPECIFIED.into(), Ipv6Addr::UNSPECIFIED.into()];
        Self::on(&all, number)
    }

    fn holding(number: u16, held: Vec<(IpAddr, Socket)>) -> Self {
        let side = |(ip, held)| Side {
            ip,
            held,
            listener: None,
            door: Door::Refusing,
            narrow: false,
        };
        Self {
            number,
            sides: held.into_iter().map(side).collect(),
        }
    }

    /// From the next opening on little is in flight to this port: who stops reading stops the peer.
    pub(crate) fn make_narrow(&mut self) {
        for side in &mut self.sides {
            side.narrow = true;
        }
    }

    /// The number.
    pub(crate) fn number(&self) -> u16 {
        self.number
    }

    /// What becomes of a SYN to that address now; `None` where the port is not there.
    pub(crate) fn door(&self, to: IpAddr) -> Option<Door> {
        let side = self.sides.iter().find(|it| it.ip == to);
        side.map(|it| it.door)
    }

    /// Opens or closes the port at each address. `stirred` is called, in a task of its own, whenever there
    /// may be something to [`Port::accept`], and says whether anybody still cares.
    ///
    /// # Errors
    /// What the system says.
    pub(crate) fn set_doors<F>(
        &mut self,
        door: impl Fn(IpAddr) -> Door,
        stirred: impl Fn() -> F + Clone + Send + Sync + 'static,
    ) -> io::Result<()>
    where
        F: Future<Output = bool> + Send,
    {
        for side in &mut self.sides {
            side.set_door(door(side.ip), &stirred)?;
        }
        Ok(())
    }

    /// Accepts one connection if one waits.
    ///
    /// # Errors
    /// What the system says, but nothing that only concerns a connection that is gone again.
    pub(crate) fn accept(&self) -> io::Result<Option<Accepted>> {
        for side in &self.sides {
            let Some(listener) = &side.listener else {
                continue;
            };
            loop {
                match listener.socket.get_ref().accept() {
                    Ok((socket, address)) => {
                        socket.set_nonblocking(true)?;
                        // Fails on a connection that was reset before it was accepted.
                        let _ = socket.set_tcp_nodelay(true);
                        let server = socket.local_addr().ok().and_then(|it| it.as_socket());
                        let client = address.as_socket();
                        let ends = client
                            .zip(server)
                            .map(|(client, server)| Ends { client, server });
                        return Ok(Some(Accepted {
                            stream: socket.into(),
                            client: client.map_or(Ipv4Addr::UNSPECIFIED.into(), |it| it.ip()),
                            server: server.map_or(side.ip, |it| it.ip()),
                            ends,
                        }));
                    }
                    Err(error) => match error.kind() {
                        io::ErrorKind::WouldBlock => break,
                        io::ErrorKind::Interrupted | io::ErrorKind::ConnectionAborted => {}
                        _ => return Err(error),
                    },
                }
            }
        }
        Ok(None)
    }
}

impl Side {
    fn set_door<F>(
        &mut self,
        door: Door,
        stirred: &(impl Fn() -> F + Clone + Send + Sync + 'static),
    ) -> io::Result<()>
    where
        F: Future<Output = bool> + Send,
    {
        if door == self.door {
            return Ok(());
        }
        self.door = door;
        if door == Door::Refusing {
            self.listener = None;
            return Ok(());
        }
        let Some(listener) = &self.listener else {
            let listener = Listener::open(&self.held, door, self.narrow, stirred.clone())?;
            self.listener = Some(listener);
            return Ok(());
        };
        match door {
            Door::Open => filter::hear_again(listener.socket.get_ref()),
            _ => filter::drop_everything(listener.socket.get_ref())?,
        }
        Ok(())
    }
}

impl Accepted {
    /// Resets the connection before a single octet.
    pub(crate) fn reset(self) {
        let _ = Socket::from(self.stream).set_linger(Some(Duration::ZERO));
    }
}

impl Listener {
    fn open<F>(
        held: &Socket,
        door: Door,
        narrow: bool,
        stirred: impl Fn() -> F + Send + Sync + 'static,
    ) -> io::Result<Self>
    where
        F: Future<Output = bool> + Send,
    {
        let address = held
            .local_addr()?
            .as_socket()
            .ok_or(io::ErrorKind::AddrNotAvailable)?;
        let socket = bind(address.ip(), address.port())?;
        if door != Door::Open {
            filter::drop_everything(&socket)?;
        }
        if narrow {
            // Before there are connections: they begin with what the listener has.
            socket.set_recv_buffer_size(NARROW)?;
            socket.set_tcp_mss(NARROW_SEGMENT)?;
        }
        socket.listen(BACKLOG)?;
        let socket = Arc::new(watched(socket)?);
        let watched = socket.clone();
        let watcher = tokio::spawn(async move {
            while let Ok(mut ready) = watched.readable().await {
                // A socket that no longer listens stays ready for ever.
                let closed = ready.ready().is_read_closed();
                ready.clear_ready();
                drop(ready);
                if !stirred().await || closed {
                    return;
                }
            }
        })
        .abort_handle();
        Ok(Self { socket, watcher })
    }
}

/// Stops listening at once; the watcher may hold the socket a moment longer.
impl Drop for Listener {
    fn drop(&mut self) {
        let _ = self.socket.get_ref().shutdown(Shutdown::Read);
        self.watcher.abort();
    }
}

fn has_ipv6() -> bool {
    bind(IpAddr::V6(Ipv6Addr::LOCALHOST), 0).is_ok()
}

/// Several sockets may be bound to one number as long as only one listens.
fn bind(ip: IpAddr, port: u16) -> io::Result<Socket> {
    let address = SocketAddr::new(ip, port);
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    Ok(socket)
}

fn local_port(socket: &Socket) -> io::Result<u16> {
    let address = socket.local_addr()?.as_socket();
    Ok(address.ok_or(io::ErrorKind::AddrNotAvailable)?.port())
}

#[cfg(test)]
mod tests {
    use std::net::TcpStream;

    use super::*;

    fn connect(port: &Port) -> io::Result<TcpStream> {
        let address = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port.number());
        TcpStream::connect_timeout(&address, Duration::from_millis(150))
    }

    #[tokio::test]
    async fn a_port_opens_refuses_and_goes_dead_and_keeps_its_number() {
        let mut port = Port::on_loopback().unwrap();
        let number = port.number();
        let quiet = || std::future::ready(true);
        assert_eq!(
            connect(&port).unwrap_err().kind(),
            io::ErrorKind::ConnectionRefused
        );
        port.set_doors(|_| Door::Open, quiet).unwrap();
        let _client = connect(&port).unwrap();
        assert!(port.accept().unwrap().is_some());
        assert!(port.accept().unwrap().is_none());
        port.set_doors(|_| Door::Dropping, quiet).unwrap();
        assert_eq!(connect(&port).unwrap_err().kind(), io::ErrorKind::TimedOut);
        port.set_doors(|_| Door::Refusing, quiet).unwrap();
        assert_eq!(
            connect(&port).unwrap_err().kind(),
            io::ErrorKind::ConnectionRefused
        );
        port.set_doors(|_| Door::Open, quiet).unwrap();
        let _client = connect(&port).unwrap();
        assert_eq!(port.number(), number);
    }

    #[tokio::test]
    async fn a_narrow_port_takes_little_from_somebody_whom_nobody_reads() {
        use std::io::Write;

        let mut port = Port::on_loopback().unwrap();
        port.make_narrow();
        port.set_doors(|_| Door::Open, || std::future::ready(true))
            .unwrap();
        let mut client = connect(&port).unwrap();
        let _server = port.accept().unwrap().unwrap();
        client
            .set_write_timeout(Some(Duration::from_millis(100)))
            .unwrap();
        let mut taken = 0;
        while let Ok(count) = client.write(&[b'x'; 1024]) {
            taken += count;
            assert!(taken < 512 * 1024, "the kernels take it all");
        }
        assert!(taken > 0);
    }

    #[tokio::test]
    async fn both_addresses_have_the_same_number() {
        let mut port = Port::on_loopback().unwrap();
        port.set_doors(|_| Door::Open, || std::future::ready(true))
            .unwrap();
        let v6 = SocketAddr::new(IpAddr::V6(Ipv6Addr::LOCALHOST), port.number());
        if std::net::UdpSocket::bind((Ipv6Addr::LOCALHOST, 0)).is_ok() {
            let _client = TcpStream::connect(v6).unwrap();
            let accepted = port.accept().unwrap().unwrap();
            assert!(accepted.ends.unwrap().client.is_ipv6());
        }
    }

    #[tokio::test]
    async fn each_address_has_a_door_of_its_own() {
        let mut port = Port::on_loopback().unwrap();
        let open_to_v4 = |ip: IpAddr| match ip {
            IpAddr::V4(_) => Door::Open,
            IpAddr::V6(_) => Door::Refusing,
        };
        port.set_doors(open_to_v4, || std::future::ready(true))
            .unwrap();
        let _client = connect(&port).unwrap();
        let accepted = port.accept().unwrap().unwrap();
        assert_eq!(accepted.server, IpAddr::V4(Ipv4Addr::LOCALHOST));
        if has_ipv6() {
            let v6 = SocketAddr::new(IpAddr::V6(Ipv6Addr::LOCALHOST), port.number());
            let refused = TcpStream::connect(v6).unwrap_err();
            assert_eq!(refused.kind(), io::ErrorKind::ConnectionRefused);
        }
    }
}
