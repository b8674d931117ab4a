//! One TCP connection, made up around the octets that were sent on it (RFC 9293): who has sent how much.
//!
//! Must not know where the octets come from.

use std::{io, net::SocketAddr};

use etherparse::{PacketBuilder, TcpOptionElement};

/// Octets in one segment, at most: what fits into a packet of either version of IP.
const LARGEST: usize = 32 * 1024;

/// Nobody was ever made to wait by a window, so it is as large as can be said: 2^16 times 2^14 octets.
const WINDOW: u16 = u16::MAX;
const WINDOW_SCALE: u8 = 14;
const TTL: u8 = 64;

/// Which end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Client,
    Server,
}

/// What a segment does besides carrying octets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Does {
    /// SYN.
    Open,
    /// SYN and ACK.
    Accept,
    /// Nothing.
    Nothing,
    /// FIN.
    Finish,
    /// RST.
    Reset,
}

/// One segment.
#[derive(Clone, Debug)]
pub(super) struct Segment<'a> {
    from: SocketAddr,
    to: SocketAddr,
    does: Does,
    sequence: u32,
    /// The first SYN has none.
    acknowledges: Option<u32>,
    octets: &'a [u8],
}

/// The state of a connection.
#[derive(Clone, Debug)]
pub(super) struct Stream {
    client: Side,
    server: Side,
}

#[derive(Clone, Debug)]
struct Side {
    address: SocketAddr,
    /// The next sequence number.
    next: u32,
    /// Whether it has ended.
    ended: bool,
}

impl Stream {
    /// A connection that does not exist yet.
    pub(super) fn new(client: SocketAddr, server: SocketAddr) -> Self {
        let side = |address, next| Side {
            address,
            next,
            ended: false,
        };
        Self {
            client: side(client, 1_000_000),
            server: side(server, 2_000_000),
        }
    }

    /// The client's SYN.
    pub(super) fn open<'a>(&mut self) -> Segment<'a> {
        self.segment(End::Client, Does::Open, &[])
    }

    /// The rest of the handshake.
    pub(super) fn accept<'a>(&mut self) -> [Segment<'a>; 2] {
        [
            self.segment(End::Server, Does::Accept, &[]),
            self.segment(End::Client, Does::Nothing, &[]),
        ]
    }

    /// A chunk, in as many segments as it takes.
    pub(super) fn say<'a>(&mut self, from: End, octets: &'a [u8]) -> Vec<Segment<'a>> {
        octets
            .chunks(LARGEST)
            .map(|it| self.segment(from, Does::Nothing, it))
            .collect()
    }

    /// An end ends: by RST, or by FIN. Nothing where it has ended before.
    pub(super) fn end<'a>(&mut self, from: End, reset: bool) -> Option<Segment<'a>> {
        let ended = std::mem::replace(&mut self.side(from).ended, true);
        let does = if reset { Does::Reset } else { Does::Finish };
        (!ended).then(|| self.segment(from, does, &[]))
    }

    fn segment<'a>(&mut self, from: End, does: Does, octets: &'a [u8]) -> Segment<'a> {
        let other = match from {
            End::Client => self.side(End::Server).clone(),
            End::Server => self.side(End::Client).clone(),
        };
        let side = self.side(from);
        let sequence = side.next;
        // SYN and FIN take a number each.
        let taken = match does {
            Does::Open | Does::Accept | Does::Finish => 1,
            Does::Nothing | Does::Reset => octets.len() as u32,
        };
        side.next = side.next.wrapping_add(taken);
        Segment {
            from: side.address,
            to: other.address,
            does,
            sequence,
            acknowledges: (does != Does::Open).then_some(other.next),
            octets,
        }
    }

    fn side(&mut self, end: End) -> &mut Side {
        match end {
            End::Client => &mut self.client,
            End::Server => &mut self.server,
        }
    }
}

impl Segment<'_> {
    /// The whole packet, IP header first.
    ///
    /// # Errors
    /// Where a header cannot be written, which the sizes here rule out.
    pub(super) fn packet(&self) -> io::Result<Vec<u8>> {
        use std::net::IpAddr::{V4, V6};
        let ip = match (self.from.ip(), self.to.ip()) {
            (V4(from), V4(to)) => PacketBuilder::ipv4(from.octets(), to.octets(), TTL),
            (V6(from), V6(to)) => PacketBuilder::ipv6(from.octets(), to.octets(), TTL),
            (V4(from), V6(to)) => {
                PacketBuilder::ipv6(from.to_ipv6_mapped().octets(), to.octets(), TTL)
            }
            (V6(from), V4(to)) => {
                PacketBuilder::ipv6(from.octets(), to.to_ipv6_mapped().octets(), TTL)
            }
        };
        let (from, to) = (self.from.port(), self.to.port());
        let mut tcp = ip.tcp(from, to, self.sequence, WINDOW);
        if let Some(number) = self.acknowledges {
            tcp = tcp.ack(number);
        }
        tcp = match self.does {
            Does::Open | Does::Accept => tcp
                .syn()
                .options(&[
                    TcpOptionElement::MaximumSegmentSize(LARGEST as u16),
                    TcpOptionElement::WindowScale(WINDOW_SCALE),
                ])
                .map_err(io::Error::other)?,
            Does::Finish => tcp.fin(),
            Does::Reset => tcp.rst(),
            Does::Nothing if self.octets.is_empty() => tcp,
            Does::Nothing => tcp.psh(),
        };
        let mut packet = Vec::with_capacity(tcp.size(self.octets.len()));
        tcp.write_to_vec(&mut packet, self.octets)
            .map_err(io::Error::other)?;
        Ok(packet)
    }
}
