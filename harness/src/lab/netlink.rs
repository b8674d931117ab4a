//! Addresses and routes of a network namespace, by netlink (RFC 3549).
//!
//! Must not know what they are for.

use std::{io, net::IpAddr};

use netlink_packet_core::{
    NLM_F_ACK, NLM_F_CREATE, NLM_F_DUMP, NLM_F_EXCL, NLM_F_REPLACE, NLM_F_REQUEST, NetlinkMessage,
    NetlinkPayload,
};
use netlink_packet_route::{
    AddressFamily, RouteNetlinkMessage,
    address::{AddressAttribute, AddressMessage},
    link::{LinkFlags, LinkMessage},
    route::{
        RouteAddress, RouteAttribute, RouteHeader, RouteMessage, RouteProtocol, RouteScope,
        RouteType,
    },
};
use netlink_sys::{Socket, SocketAddr, protocols::NETLINK_ROUTE};

/// The loopback device is the first of every network namespace.
const LOOPBACK: u32 = 1;

/// The table of what the machine itself is.
const LOCAL: u8 = 255;

/// Where a route of ours stands among others to the same address.
const PRIORITY: u32 = 5;

/// A conversation with the kernel.
pub(super) struct Netlink {
    socket: Socket,
    sequence: u32,
}

impl Netlink {
    /// Begins one.
    ///
    /// # Errors
    /// What the kernel says.
    pub(super) fn open() -> io::Result<Self> {
        let mut socket = Socket::new(NETLINK_ROUTE)?;
        socket.bind_auto()?;
        socket.connect(&SocketAddr::new(0, 0))?;
        Ok(Self {
            socket,
            sequence: 0,
        })
    }

    /// Brings `lo` up.
    ///
    /// # Errors
    /// What the kernel says.
    pub(super) fn loopback_up(&mut self) -> io::Result<()> {
        let mut link = LinkMessage::default();
        link.header.index = LOOPBACK;
        link.header.flags = LinkFlags::Up;
        link.header.change_mask = LinkFlags::Up;
        self.change(RouteNetlinkMessage::SetLink(link), 0)
    }

    /// Gives `lo` an address.
    ///
    /// # Errors
    /// What the kernel says.
    pub(super) fn add_address(&mut self, ip: IpAddr) -> io::Result<()> {
        let mut message = AddressMessage::default();
        message.header.family = family(ip);
        message.header.prefix_len = whole(ip);
        message.header.index = LOOPBACK;
        message.attributes = vec![AddressAttribute::Local(ip), AddressAttribute::Address(ip)];
        self.change(
            RouteNetlinkMessage::NewAddress(message),
            NLM_F_CREATE | NLM_F_EXCL,
        )
    }

    /// From now on whoever connects to an address of this machine comes from `source`, unless it says otherwise.
    ///
    /// # Errors
    /// What the kernel says.
    pub(super) fn prefer_source(&mut self, to: IpAddr, source: IpAddr) -> io::Result<()> {
        let mut message = local_route(to);
        message
            .attributes
            .push(RouteAttribute::PrefSource(address(source)));
        if to.is_ipv6() {
            message.attributes.push(RouteAttribute::Priority(PRIORITY));
        }
        self.change(
            RouteNetlinkMessage::NewRoute(message),
            NLM_F_CREATE | NLM_F_REPLACE,
        )
    }

    /// Takes away the route to an own address that came with it. Only IPv6 keeps it beside another one.
    ///
    /// # Errors
    /// What the kernel says.
    pub(super) fn forget_route(&mut self, to: IpAddr) -> io::Result<()> {
        self.change(RouteNetlinkMessage::DelRoute(local_route(to)), 0)
    }

    /// How many ways lead out: routes that are not to the machine itself.
    ///
    /// # Errors
    /// What the kernel says.
    pub(super) fn ways_out(&mut self) -> io::Result<usize> {
        let mut ways = 0;
        for family in [AddressFamily::Inet, AddressFamily::Inet6] {
            let mut message = RouteMessage::default();
            message.header.address_family = family;
            self.send(RouteNetlinkMessage::GetRoute(message), NLM_F_DUMP)?;
            ways += self.count(|route| {
                let device = |it: &RouteAttribute| matches!(it, RouteAttribute::Oif(LOOPBACK));
                route.header.kind == RouteType::Unicast && !route.attributes.iter().any(device)
            })?;
        }
        Ok(ways)
    }

    fn change(&mut self, message: RouteNetlinkMessage, flags: u16) -> io::Result<()> {
        self.send(message, NLM_F_ACK | flags)?;
        loop {
            for answer in self.receive()? {
                if let NetlinkPayload::Error(error) = answer.payload {
                    return match error.code {
                        None => Ok(()),
                        Some(_) => Err(error.to_io()),
                    };
                }
            }
        }
    }

    fn count(&mut self, counts: impl Fn(&RouteMessage) -> bool) -> io::Result<usize> {
        let mut found = 0;
        loop {
            for answer in self.receive()? {
                match answer.payload {
                    NetlinkPayload::Done(_) => return Ok(found),
                    NetlinkPayload::Error(error) => return Err(error.to_io()),
                    NetlinkPayload::InnerMessage(RouteNetlinkMessage::NewRoute(route)) => {
                        found += usize::from(counts(&route));
                    }
                    _ => {}
                }
            }
        }
    }

    fn send(&mut self, message: RouteNetlinkMessage, flags: u16) -> io::Result<()> {
        self.sequence += 1;
        let mut packet = NetlinkMessage::from(message);
        packet.header.flags = NLM_F_REQUEST | flags;
        packet.header.sequence_number = self.sequence;
        packet.finalize();
        let mut octets = vec![0; packet.buffer_len()];
        packet.serialize(&mut octets);
        self.socket.send(&octets, 0)?;
        Ok(())
    }

    fn receive(&mut self) -> io::Result<Vec<NetlinkMessage<RouteNetlinkMessage>>> {
        let (octets, _) = self.socket.recv_from_full()?;
        let mut rest = octets.as_slice();
        let mut messages = Vec::new();
        while !rest.is_empty() {
            let message = NetlinkMessage::<RouteNetlinkMessage>::deserialize(rest)
                .map_err(io::Error::other)?;
            // Messages begin at multiples of four.
            let length = usize::try_from(message.header.length).unwrap_or(rest.len());
            rest = rest
                .get(length.max(1).next_multiple_of(4)..)
                .unwrap_or_default();
            if message.header.sequence_number == self.sequence {
                messages.push(message);
            }
        }
        Ok(messages)
    }
}

fn local_route(to: IpAddr) -> RouteMessage {
    let mut message = RouteMessage::default();
    message.header = RouteHeader {
        address_family: family(to),
        destination_prefix_length: whole(to),
        table: LOCAL,
        protocol: RouteProtocol::Kernel,
        scope: RouteScope::Host,
        kind: RouteType::Local,
        ..RouteHeader::default()
    };
    if to.is_ipv6() {
        message.header.scope = RouteScope::Universe;
    }
    message.attributes = vec![
        RouteAttribute::Destination(address(to)),
        RouteAttribute::Oif(LOOPBACK),
    ];
    message
}

fn family(ip: IpAddr) -> AddressFamily {
    match ip {
        IpAddr::V4(_) => AddressFamily::Inet,
        IpAddr::V6(_) => AddressFamily::Inet6,
    }
}

fn whole(ip: IpAddr) -> u8 {
    match ip {
        IpAddr::V4(_) => 32,
        IpAddr::V6(_) => 128,
    }
}

fn address(ip: IpAddr) -> RouteAddress {
    match ip {
        IpAddr::V4(ip) => RouteAddress::Inet(ip),
        IpAddr::V6(ip) => RouteAddress::Inet6(ip),
    }
}
