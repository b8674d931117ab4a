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

use super::{filter, watched::watched};

/// How many times a number that is free on both loopback addresses is looked for.
const TRIES: usize = 64;

/// Connections that the kernel holds before they are accepted.
const BACKLOG: i32 = 128;

/// What the kernel does with a SYN.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Door {
    /// Accepts.
    Open,
    /// Answers RST.
    Refusing,
    /// Never answers.
    Dropping,
}

/// A port that belongs to a world for as long as it lives, whether it listens or not.
pub(crate) struct Port {
    number: u16,
    /// Bound but never listening, so that nobody else gets the number while the port refuses.
    held: Vec<Socket>,
    listeners: Vec<Listener>,
    door: Door,
}

struct Listener {
    socket: Arc<AsyncFd<Socket>>,
    watcher: AbortHandle,
}

/// A connection that was accepted.
pub(crate) struct Accepted {
    /// The connection.
    pub(crate) stream: std::net::TcpStream,
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
        let v6 = bind(IpAddr::V6(Ipv6Addr::LOCALHOST), 0).is_ok();
        let mut tries = 0;
        loop {
            let first = bind(IpAddr::V4(Ipv4Addr::LOCALHOST), 0)?;
            let number = local_port(&first)?;
            let mut held = vec![first];
            if v6 {
                match bind(IpAddr::V6(Ipv6Addr::LOCALHOST), number) {
                    Ok(second) => held.push(second),
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

    /// Takes a number on every address of the machine, IPv4 and, where the machine has it, IPv6.
    ///
    /// # Errors
    /// What the system says when it is taken or not allowed.
    pub(crate) fn everywhere(number: u16) -> io::Result<Self> {
        let mut held = vec![bind(IpAddr::V4(Ipv4Addr::UNSPECIFIED), number)?];
        if bind(IpAddr::V6(Ipv6Addr::LOCALHOST), 0).is_ok() {
            held.push(bind(IpAddr::V6(Ipv6Addr::UNSPECIFIED), number)?);
        }
        Ok(Self::holding(number, held))
    }

    fn holding(number: u16, held: Vec<Socket>) -> Self {
        Self {
            number,
            held,
            listeners: Vec::new(),
            door: Door::Refusing,
        }
    }

    /// The number.
    pub(crate) fn number(&self) -> u16 {
        self.number
    }

    /// What the kernel does with a SYN now.
    pub(crate) fn door(&self) -> Door {
        self.door
    }

    /// Opens or closes the port. `stirred` is called, in a task of its own, whenever there may be
    /// something to [`Port::accept`], and says whether anybody still cares.
    ///
    /// # Errors
    /// What the system says.
    pub(crate) fn set_door<F>(
        &mut self,
        door: Door,
        stirred: impl Fn() -> F + Clone + Send + Sync + 'static,
    ) -> io::Result<()>
    where
        F: Future<Output = bool> + Send,
    {
        if door == self.door {
            return Ok(());
        }
        if door == Door::Refusing {
            self.listeners.clear();
        } else if self.listeners.is_empty() {
            for held in &self.held {
                let listener = Listener::open(held, door, stirred.clone())?;
                self.listeners.push(listener);
            }
        }
        for listener in &self.listeners {
            match door {
                Door::Dropping => filter::drop_everything(listener.socket.get_ref())?,
                _ => filter::hear_again(listener.socket.get_ref()),
            }
        }
        self.door = door;
        Ok(())
    }

    /// Accepts one connection if one waits.
    ///
    /// # Errors
    /// What the system says, but nothing that only concerns a connection that is gone again.
    pub(crate) fn accept(&self) -> io::Result<Option<Accepted>> {
        for listener in &self.listeners {
            loop {
                match listener.socket.get_ref().accept() {
                    Ok((socket, address)) => {
                        socket.set_nonblocking(true)?;
                        // Fails on a connection that was reset before it was accepted.
                        let _ = socket.set_tcp_nodelay(true);
                        let server = socket.local_addr().ok().and_then(|it| it.as_socket());
                        let ends = address
                            .as_socket()
                            .zip(server)
                            .map(|(client, server)| Ends { client, server });
                        return Ok(Some(Accepted {
                            stream: socket.into(),
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
        if door == Door::Dropping {
            filter::drop_everything(&socket)?;
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
        port.set_door(Door::Open, quiet).unwrap();
        let _client = connect(&port).unwrap();
        assert!(port.accept().unwrap().is_some());
        assert!(port.accept().unwrap().is_none());
        port.set_door(Door::Dropping, quiet).unwrap();
        assert_eq!(connect(&port).unwrap_err().kind(), io::ErrorKind::TimedOut);
        port.set_door(Door::Refusing, quiet).unwrap();
        assert_eq!(
            connect(&port).unwrap_err().kind(),
            io::ErrorKind::ConnectionRefused
        );
        port.set_door(Door::Open, quiet).unwrap();
        let _client = connect(&port).unwrap();
        assert_eq!(port.number(), number);
    }

    #[tokio::test]
    async fn both_addresses_have_the_same_number() {
        let mut port = Port::on_loopback().unwrap();
        port.set_door(Door::Open, || std::future::ready(true))
            .unwrap();
        let v6 = SocketAddr::new(IpAddr::V6(Ipv6Addr::LOCALHOST), port.number());
        if std::net::UdpSocket::bind((Ipv6Addr::LOCALHOST, 0)).is_ok() {
            let _client = TcpStream::connect(v6).unwrap();
            let accepted = port.accept().unwrap().unwrap();
            assert!(accepted.ends.unwrap().client.is_ipv6());
        }
    }
}
