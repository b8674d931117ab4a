//! Sees connection attempts that the kernel answers or drops by itself, on the loopback device.
//!
//! Needs the right to open packet sockets; where that is missing there is no witness, and nobody may
//! conclude anything from its silence.

use std::{
    collections::HashSet,
    io::{self, Read},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::OnceLock,
};

use socket2::Socket;
use tokio::io::unix::AsyncFd;

use super::{filter, watched::watched};

/// How many attempts are told apart; a subject that makes more is seen once too often, not unseen.
const REMEMBERED: usize = 65_536;

/// An open packet socket.
pub(crate) struct Witness {
    socket: AsyncFd<Socket>,
}

/// The attempts seen so far, so that a SYN that the kernel sends again counts once.
#[derive(Default)]
pub(crate) struct Attempts(HashSet<Syn>);

/// A SYN that was seen.
pub(crate) struct Knock {
    /// From where.
    pub(crate) from: SocketAddr,
    /// To where.
    pub(crate) to: SocketAddr,
    /// Whether it is an attempt of its own, and no SYN that the kernel sends again.
    pub(crate) is_new: bool,
    /// Its IP packet, at least the headers.
    pub(crate) packet: Vec<u8>,
}

/// What makes one attempt different from another: who, to where, with which first sequence number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Syn {
    from: SocketAddr,
    to: SocketAddr,
    sequence: u32,
}

impl Witness {
    /// Opens the socket, if this process may.
    pub(crate) fn open() -> Option<Self> {
        let socket = system::packet_socket().ok()?;
        filter::only_syns(&socket).ok()?;
        socket.set_nonblocking(true).ok()?;
        let socket = watched(socket).ok()?;
        Some(Self { socket })
    }

    /// Whether this process may open one. Found out once.
    pub(crate) fn can_be_had() -> bool {
        static CAN: OnceLock<bool> = OnceLock::new();
        *CAN.get_or_init(|| system::packet_socket().is_ok())
    }

    /// Waits until packets may be there.
    pub(crate) async fn stirred(&self) -> io::Result<()> {
        self.socket.readable().await?.clear_ready();
        Ok(())
    }

    /// What has come in, oldest first.
    pub(crate) fn take(&self, seen: &mut Attempts) -> Vec<Knock> {
        let mut knocks = Vec::new();
        let mut space = [0; 128];
        loop {
            match self.socket.get_ref().read(&mut space) {
                Ok(len) => {
                    let packet = &space[..len];
                    if let Some(syn) = Syn::parse(packet) {
                        knocks.push(Knock {
                            from: syn.from,
                            to: syn.to,
                            is_new: seen.is_new(syn),
                            packet: packet.to_vec(),
                        });
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return knocks,
            }
        }
    }
}

impl Attempts {
    fn is_new(&mut self, syn: Syn) -> bool {
        if self.0.len() >= REMEMBERED {
            self.0.clear();
        }
        self.0.insert(syn)
    }
}

impl Syn {
    /// Reads an IP packet that carries a SYN without ACK; `None` for anything else.
    fn parse(packet: &[u8]) -> Option<Self> {
        let version = packet.first()? >> 4;
        let (protocol, header) = match version {
            4 => (packet.get(9)?, usize::from(packet[0] & 0x0f) * 4),
            6 => (packet.get(6)?, 40),
            _ => return None,
        };
        let tcp = packet.get(header..)?;
        if *protocol != 6 || tcp.get(13)? & 0x12 != 0x02 {
            return None;
        }
        let address = |at: usize| address(packet.get(at..)?, version);
        let (from, to) = match version {
            4 => (address(12)?, address(16)?),
            _ => (address(8)?, address(24)?),
        };
        let number = |at: usize| Some(u16::from_be_bytes([*tcp.get(at)?, *tcp.get(at + 1)?]));
        Some(Self {
            from: SocketAddr::new(from, number(0)?),
            to: SocketAddr::new(to, number(2)?),
            sequence: u32::from(number(4)?) << 16 | u32::from(number(6)?),
        })
    }
}

fn address(octets: &[u8], version: u8) -> Option<IpAddr> {
    Some(match version {
        4 => Ipv4Addr::from(*octets.first_chunk::<4>()?).into(),
        _ => Ipv6Addr::from(*octets.first_chunk::<16>()?).into(),
    })
}

#[cfg(target_os = "linux")]
mod system {
    use std::io;

    use socket2::{Domain, Protocol, Socket, Type};

    pub(super) fn packet_socket() -> io::Result<Socket> {
        let every_protocol = u16::to_be(0x0003);
        Socket::new(
            Domain::PACKET,
            Type::DGRAM,
            Some(Protocol::from(i32::from(every_protocol))),
        )
    }
}

#[cfg(not(target_os = "linux"))]
mod system {
    use std::io;

    use socket2::Socket;

    pub(super) fn packet_socket() -> io::Result<Socket> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use test_case::test_case;

    use super::*;

    fn packet(version: u8, protocol: u8, flags: u8) -> Vec<u8> {
        let mut packet = vec![0; if version == 4 { 24 } else { 40 }];
        packet[0] = version << 4 | 6;
        packet[if version == 4 { 9 } else { 6 }] = protocol;
        packet.extend([0xb4, 0x66, 0x00, 0x19, 1, 2, 3, 4, 0, 0, 0, 0, 0xa0, flags]);
        packet
    }

    #[test_case(packet(4, 6, 0x02), Some(25); "a SYN over IPv4 with options")]
    #[test_case(packet(6, 6, 0x02), Some(25); "a SYN over IPv6")]
    #[test_case(packet(4, 6, 0x12), None; "the answer to a SYN")]
    #[test_case(packet(4, 6, 0x10), None; "an ACK")]
    #[test_case(packet(4, 17, 0x02), None; "a datagram")]
    #[test_case(packet(5, 6, 0x02), None; "no IP")]
    #[test_case(Vec::new(), None; "nothing")]
    fn reads(packet: Vec<u8>, port: Option<u16>) {
        assert_eq!(Syn::parse(&packet).map(|syn| syn.to.port()), port);
    }

    #[test]
    fn a_syn_sent_again_is_one_attempt() {
        let mut seen = Attempts::default();
        let syn = Syn::parse(&packet(4, 6, 0x02)).unwrap();
        assert!(seen.is_new(syn));
        assert!(!seen.is_new(syn));
        assert!(seen.is_new(Syn { sequence: 9, ..syn }));
    }

    proptest! {
        #[test]
        fn no_packet_is_a_panic(packet in proptest::collection::vec(any::<u8>(), 0..100)) {
            Syn::parse(&packet);
        }
    }
}
