//! Where a world listens, and what its server is called there.
//!
//! Must not know ports or sockets.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use mailproof_certs::Names;
use mailproof_scenarios::model::{Case, Host};

/// Where a world listens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Random ports on `127.0.0.1` and `::1`; the host is `localhost`.
    Loopback,
    /// The registered ports on every address of a private network namespace, with decoys on those that the
    /// case does not use.
    Lab,
}

/// The address of the server in the lab, one for documentation (RFC 5737 §3).
pub const LAB_IPV4: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 10);

/// Its IPv6 address, one for documentation (RFC 3849).
pub const LAB_IPV6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0x10);

impl Place {
    /// What the subject is told to call the server. A place without names has only the usual one; a case
    /// that needs another is not run there.
    pub fn host(self, host: Host) -> String {
        match (self, host) {
            (_, Host::Ipv4) => self.ipv4().to_string(),
            (_, Host::Ipv6) => self.ipv6().to_string(),
            (Place::Loopback, Host::MixedCase) => "LocalHost".to_owned(),
            (Place::Loopback, _) => "localhost".to_owned(),
            (Place::Lab, host) => lab_name(host).to_owned(),
        }
    }

    /// The same as DNS and certificates have it: A-labels, no dot at the end, small letters.
    pub fn reference(self, host: Host) -> String {
        match (self, host) {
            (Place::Lab, Host::Idn) => "xn--postfach--32a.firma.example".to_owned(),
            (_, Host::MixedCase | Host::TrailingDot) => self.host(Host::Name),
            _ => self.host(host),
        }
    }

    /// The names that chains are made for: whoever needs a chain of this world (to pin it) asks the
    /// authority with these.
    pub fn names(self, case: &Case) -> Names {
        let steps = case.effective_steps();
        let hosts = || case.steps.iter().chain(&steps).map(|it| it.host);
        let mut dns: Vec<String> = Vec::new();
        for host in hosts().filter(|it| !it.is_address()) {
            let name = self.reference(host);
            if !dns.contains(&name) {
                dns.push(name);
            }
        }
        if dns.is_empty() {
            dns.push(self.reference(Host::Name));
        }
        let ip = if hosts().any(Host::is_address) {
            vec![IpAddr::V4(self.ipv4()), IpAddr::V6(self.ipv6())]
        } else {
            Vec::new()
        };
        Names { dns, ip }
    }

    /// The names of a chain for one host alone.
    pub fn names_of(self, host: Host) -> Names {
        match host {
            Host::Ipv4 | Host::Ipv6 => Names {
                dns: Vec::new(),
                ip: vec![IpAddr::V4(self.ipv4()), IpAddr::V6(self.ipv6())],
            },
            host => Names::dns(&self.reference(host)),
        }
    }

    /// The IPv4 address of the server.
    pub const fn ipv4(self) -> Ipv4Addr {
        match self {
            Place::Loopback => Ipv4Addr::LOCALHOST,
            Place::Lab => LAB_IPV4,
        }
    }

    /// The IPv6 address of the server.
    pub const fn ipv6(self) -> Ipv6Addr {
        match self {
            Place::Loopback => Ipv6Addr::LOCALHOST,
            Place::Lab => LAB_IPV6,
        }
    }
}

const fn lab_name(host: Host) -> &'static str {
    match host {
        Host::Name | Host::Ipv4 | Host::Ipv6 => "mail.firma.example",
        Host::MixedCase => "MAIL.Firma.Example",
        Host::TrailingDot => "mail.firma.example.",
        Host::Deep => "a.mail.firma.example",
        Host::Apex => "firma.example",
        Host::Idn => "postfach-ä.firma.example",
        Host::Alias => "post.firma.example",
        Host::Target => "host.anbieter.example",
    }
}

#[cfg(test)]
mod tests {
    use test_case::test_case;

    use super::*;

    #[test_case(Place::Loopback, Host::Name => "localhost"; "loopback has one name")]
    #[test_case(Place::Loopback, Host::MixedCase => "localhost"; "loopback without regard to case")]
    #[test_case(Place::Lab, Host::TrailingDot => "mail.firma.example"; "no dot at the end")]
    #[test_case(Place::Lab, Host::Ipv6 => "2001:db8::10"; "an address is itself")]
    #[test_case(Place::Lab, Host::Idn => "xn--postfach--32a.firma.example"; "labels in ASCII")]
    fn reference(place: Place, host: Host) -> String {
        place.reference(host)
    }
}
