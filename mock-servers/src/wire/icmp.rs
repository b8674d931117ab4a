//! Answers a SYN by ICMP, as a router or a firewall on the way does (RFC 792, RFC 4443).
//!
//! Needs the right to open raw sockets. Must not know why anybody is told off.

use std::{
    io,
    net::{IpAddr, SocketAddr},
};

use socket2::{Domain, Protocol, Socket, Type};

/// Why a packet did not get there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unreachable {
    /// There is no such host.
    Host,
    /// The administrator of the network does not want it.
    Prohibited,
}

/// Octets of the packet that go back with the answer: its headers.
const QUOTED: usize = 80;

/// Tells the sender of a packet from `from` to `to` that it did not get there. The address that it was sent to
/// says so, as a firewall on that host would.
///
/// # Errors
/// What the system says, above all where this process may not open raw sockets.
pub(crate) fn answer(packet: &[u8], from: IpAddr, to: IpAddr, why: Unreachable) -> io::Result<()> {
    let (domain, protocol) = match to {
        IpAddr::V4(_) => (Domain::IPV4, Protocol::ICMPV4),
        IpAddr::V6(_) => (Domain::IPV6, Protocol::ICMPV6),
    };
    let socket = Socket::new(domain, Type::RAW, Some(protocol))?;
    socket.bind(&SocketAddr::new(to, 0).into())?;
    let message = message(packet, to.is_ipv6(), why);
    socket.send_to(&message, &SocketAddr::new(from, 0).into())?;
    Ok(())
}

/// The message. The kernel fills in the checksum of ICMPv6, which covers addresses too.
fn message(packet: &[u8], v6: bool, why: Unreachable) -> Vec<u8> {
    let (kind, code) = match (v6, why) {
        (false, Unreachable::Host) => (3, 1),
        (false, Unreachable::Prohibited) => (3, 13),
        (true, Unreachable::Host) => (1, 3),
        (true, Unreachable::Prohibited) => (1, 1),
    };
    let mut message = vec![kind, code, 0, 0, 0, 0, 0, 0];
    message.extend(packet.iter().take(QUOTED));
    if !v6 {
        let sum = checksum(&message).to_be_bytes();
        message[2..4].copy_from_slice(&sum);
    }
    message
}

/// RFC 1071.
fn checksum(octets: &[u8]) -> u16 {
    let mut sum = 0_u32;
    for pair in octets.chunks(2) {
        let low = pair.get(1).copied().unwrap_or(0);
        sum += u32::from(u16::from_be_bytes([pair[0], low]));
    }
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !u16::try_from(sum).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use test_case::test_case;

    use super::*;

    #[test_case(false, Unreachable::Host => (3, 1); "host unreachable over IPv4")]
    #[test_case(false, Unreachable::Prohibited => (3, 13); "prohibited over IPv4")]
    #[test_case(true, Unreachable::Host => (1, 3); "address unreachable over IPv6")]
    #[test_case(true, Unreachable::Prohibited => (1, 1); "prohibited over IPv6")]
    fn says(v6: bool, why: Unreachable) -> (u8, u8) {
        let message = message(b"packet", v6, why);
        assert_eq!(&message[8..], b"packet");
        (message[0], message[1])
    }

    proptest! {
        #[test]
        fn what_carries_its_checksum_sums_up_to_nothing(packet in proptest::collection::vec(any::<u8>(), 0..200)) {
            let message = message(&packet, false, Unreachable::Host);
            prop_assert!(message.len() <= 8 + QUOTED);
            prop_assert_eq!(checksum(&message), 0);
        }
    }
}
