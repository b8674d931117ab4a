//! Where a world listens, and what its server is called there.
//!
//! Must not know ports or sockets.

use std::{
    borrow::Cow,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    sync::Arc,
};

use mailproof_certs::Names;
use mailproof_scenarios::model::{Case, ChainSpec, Endpoints, Family, Host, HostAddress};

use super::reach::Reach;

/// Where a world listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// Random ports on `127.0.0.1` and `::1`; the host is `localhost`.
    Loopback,
    /// The registered ports on every address of a private network namespace, with decoys on those that the
    /// case does not use.
    Lab,
    /// Fixed ports on addresses that others reach, under the name that they know.
    Reachable(Arc<Reach>),
}

/// The address of the server in the lab, one for documentation (RFC 5737 §3).
const LAB_IPV4: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 10);

/// Its IPv6 address, one for documentation (RFC 3849).
const LAB_IPV6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0x10);

impl Place {
    /// The word in reports.
    pub const fn name(&self) -> &'static str {
        match self {
            Place::Loopback => "loopback",
            Place::Lab => "lab",
            Place::Reachable(_) => "reachable",
        }
    }

    /// What the subject is told to call the server. A place without names has only the usual one; a case
    /// that needs another is not run there ([`Place::knows`]).
    pub fn host(&self, host: Host) -> String {
        match (self, host) {
            (_, Host::Ipv4) => self.ipv4().to_string(),
            (_, Host::Ipv6) => self.ipv6().to_string(),
            (Place::Loopback, Host::MixedCase) => "LocalHost".to_owned(),
            (Place::Loopback, _) => "localhost".to_owned(),
            (Place::Lab, host) => lab_name(host).to_owned(),
            (Place::Reachable(reach), Host::MixedCase) => mixed_case(&reach.advertised()),
            (Place::Reachable(reach), Host::TrailingDot) => format!("{}.", reach.advertised()),
            (Place::Reachable(reach), _) => reach.advertised(),
        }
    }

    /// The same as DNS and certificates have it: A-labels, no dot at the end, small letters.
    pub fn reference(&self, host: Host) -> String {
        match (self, host) {
            (Place::Lab, Host::Idn) => "xn--postfach--32a.firma.example".to_owned(),
            (_, Host::MixedCase | Host::TrailingDot) => self.host(Host::Name),
            _ => self.host(host),
        }
    }

    /// Whether the server can be called so here.
    pub fn knows(&self, host: Host) -> bool {
        match self {
            Place::Lab => true,
            Place::Loopback => !host.needs_names(),
            Place::Reachable(reach) => match host {
                Host::Name => true,
                Host::MixedCase => reach.name.is_some(),
                // No DNS has a name of one label.
                Host::TrailingDot => reach.name.as_ref().is_some_and(|it| it.contains('.')),
                Host::Ipv4 => reach.v4.is_some(),
                Host::Ipv6 => reach.v6.is_some(),
                Host::Deep | Host::Apex | Host::Idn | Host::Alias | Host::Target => false,
            },
        }
    }

    /// The names that chains are made for: whoever needs a chain of this world (to pin it) asks the
    /// authority with these.
    pub fn names(&self, case: &Case) -> Names {
        let steps = case.effective_steps();
        let mut names = Names {
            dns: Vec::new(),
            ip: Vec::new(),
        };
        for step in case.steps.iter().chain(&steps) {
            add(&mut names, self.names_of(step.host));
        }
        if names.dns.is_empty() {
            add(&mut names, self.names_of(Host::Name));
        }
        names
    }

    /// The names that one chain of a case is made for; `usual` are those of the case ([`Place::names`]).
    pub fn names_for<'a>(&self, spec: &ChainSpec, usual: &'a Names) -> Cow<'a, Names> {
        spec.host
            .map_or(Cow::Borrowed(usual), |host| Cow::Owned(self.names_of(host)))
    }

    /// Every address of servers here, by its part.
    pub fn addresses(&self) -> Vec<(HostAddress, IpAddr)> {
        let parts = match self {
            Place::Reachable(reach) => {
                let bound = reach.bind.iter();
                return bound.map(|ip| (HostAddress::Server, *ip)).collect();
            }
            Place::Loopback => &[HostAddress::Server],
            Place::Lab => HostAddress::ALL,
        };
        let both = |part| [self.v4(part).into(), self.v6(part).into()].map(|ip| (part, ip));
        parts.iter().copied().flat_map(both).collect()
    }

    /// The IPv4 address that plays a part.
    pub fn v4(&self, part: HostAddress) -> Ipv4Addr {
        let [a, b, c, d] = self.ipv4().octets();
        Ipv4Addr::new(a, b, c, d + offset(self, part))
    }

    /// The IPv6 address that plays a part.
    pub fn v6(&self, part: HostAddress) -> Ipv6Addr {
        let bits = self.ipv6().to_bits() + u128::from(offset(self, part));
        Ipv6Addr::from_bits(bits)
    }

    /// The addresses that the client of the lab has, in the order of their numbers.
    pub fn sources(&self, family: Family) -> Vec<IpAddr> {
        if *self != Place::Lab {
            return Vec::new();
        }
        let numbers = 1..=SOURCES;
        match family {
            Family::Ipv4 => numbers
                .map(|it| Ipv4Addr::new(198, 51, 100, it).into())
                .collect(),
            Family::Ipv6 => numbers
                .map(|it| Ipv6Addr::new(0x2001, 0xdb8, 1, 0, 0, 0, 0, u16::from(it)).into())
                .collect(),
        }
    }

    /// What part the two ends of a connection play.
    pub fn endpoints(&self, server: IpAddr, client: IpAddr) -> Endpoints {
        let server = server.to_canonical();
        let family = Family::of(server);
        let part = self.addresses().into_iter().find(|(_, ip)| *ip == server);
        let client = client.to_canonical();
        let mut sources = self.sources(family).into_iter().zip(1..);
        let source = sources.find(|(ip, _)| *ip == client);
        Endpoints {
            address: part.map(|(part, _)| part).unwrap_or_default(),
            family: Some(family),
            source: source.map(|(_, number)| number),
        }
    }

    /// The names of a chain for one host alone.
    pub fn names_of(&self, host: Host) -> Names {
        let ip = |ip| Names {
            dns: Vec::new(),
            ip,
        };
        match (self, host) {
            (Place::Reachable(reach), Host::Ipv4 | Host::Ipv6) => ip(reach.addresses()),
            (Place::Reachable(reach), _) if reach.name.is_none() => ip(reach.addresses()),
            (_, Host::Ipv4 | Host::Ipv6) => {
                ip(vec![IpAddr::V4(self.ipv4()), IpAddr::V6(self.ipv6())])
            }
            (_, host) => Names::dns(&self.reference(host)),
        }
    }

    /// Whether a connection from there is taken.
    pub fn admits(&self, client: IpAddr) -> bool {
        match self {
            Place::Loopback | Place::Lab => true,
            Place::Reachable(reach) => reach.admits(client),
        }
    }

    /// Whether ports that a case does not use are watched.
    pub fn has_decoys(&self) -> bool {
        match self {
            Place::Loopback => false,
            Place::Lab => true,
            Place::Reachable(reach) => reach.has_registered_ports(),
        }
    }

    /// The IPv4 address of the server.
    pub fn ipv4(&self) -> Ipv4Addr {
        match self {
            Place::Loopback => Ipv4Addr::LOCALHOST,
            Place::Lab => LAB_IPV4,
            Place::Reachable(reach) => reach.v4.unwrap_or(Ipv4Addr::UNSPECIFIED),
        }
    }

    /// The IPv6 address of the server.
    pub fn ipv6(&self) -> Ipv6Addr {
        match self {
            Place::Loopback => Ipv6Addr::LOCALHOST,
            Place::Lab => LAB_IPV6,
            Place::Reachable(reach) => reach.v6.unwrap_or(Ipv6Addr::UNSPECIFIED),
        }
    }
}

/// Adds what is not there yet.
fn add(names: &mut Names, more: Names) {
    for name in more.dns {
        if !names.dns.contains(&name) {
            names.dns.push(name);
        }
    }
    for ip in more.ip {
        if !names.ip.contains(&ip) {
            names.ip.push(ip);
        }
    }
}

/// The first letter of each label in the other case.
fn mixed_case(name: &str) -> String {
    let mut first = true;
    let letters = name.chars().map(|letter| {
        let begins = std::mem::replace(&mut first, letter == '.');
        match letter {
            _ if !begins => letter,
            _ if letter.is_ascii_uppercase() => letter.to_ascii_lowercase(),
            _ => letter.to_ascii_uppercase(),
        }
    });
    letters.collect()
}

/// How many addresses of each family the client of the lab has.
const SOURCES: u8 = 3;

/// How far from the first address one is. Only the lab has others.
const fn offset(place: &Place, part: HostAddress) -> u8 {
    match (place, part) {
        (Place::Loopback | Place::Reachable(_), _) | (_, HostAddress::Server) => 0,
        (Place::Lab, HostAddress::Second) => 10,
        (Place::Lab, HostAddress::Third) => 20,
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

    fn reachable(name: Option<&str>, v4: Option<&str>) -> Place {
        Place::Reachable(Arc::new(Reach {
            bind: Vec::new(),
            name: name.map(str::to_owned),
            v4: v4.map(|it| it.parse().unwrap()),
            v6: None,
            ports: std::collections::BTreeMap::new(),
            allow: Vec::new(),
        }))
    }

    #[test_case(Host::Name => "mail.firma.test"; "its name")]
    #[test_case(Host::MixedCase => "Mail.Firma.Test"; "its name in both cases")]
    #[test_case(Host::TrailingDot => "mail.firma.test."; "its name to the root")]
    #[test_case(Host::Ipv4 => "10.0.0.7"; "its address")]
    fn a_reachable_server_is_called(host: Host) -> String {
        let place = reachable(Some("mail.firma.test"), Some("10.0.0.7"));
        assert!(place.knows(host));
        place.host(host)
    }

    #[test]
    fn chains_are_made_for_what_is_advertised() {
        let both = reachable(Some("mail.firma.test"), Some("10.0.0.7"));
        assert_eq!(both.names_of(Host::MixedCase).dns, ["mail.firma.test"]);
        assert!(!both.knows(Host::Deep) && !both.knows(Host::Ipv6));
        let address = reachable(None, Some("10.0.0.7"));
        let names = address.names_of(Host::Name);
        assert!(names.dns.is_empty());
        assert_eq!(names.ip, ["10.0.0.7".parse::<IpAddr>().unwrap()]);
        assert_eq!(address.host(Host::Name), "10.0.0.7");
        assert!(!address.knows(Host::MixedCase));
    }

    #[test]
    fn every_end_has_its_part() {
        for (part, server) in Place::Lab.addresses() {
            let family = Family::of(server);
            for (client, number) in Place::Lab.sources(family).into_iter().zip(1..) {
                let between = Endpoints {
                    address: part,
                    family: Some(family),
                    source: Some(number),
                };
                assert_eq!(Place::Lab.endpoints(server, client), between);
            }
        }
    }

    #[test]
    fn loopback_has_one_address_of_each_family_and_no_numbers() {
        let ip = IpAddr::V6(Ipv6Addr::LOCALHOST);
        let between = Place::Loopback.endpoints(ip, ip);
        assert_eq!(between.family, Some(Family::Ipv6));
        assert_eq!(
            (between.address, between.source),
            (HostAddress::Server, None)
        );
        assert_eq!(Place::Loopback.addresses().len(), 2);
    }
}
