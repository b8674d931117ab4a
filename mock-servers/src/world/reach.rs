//! What is special about a world that is reached from elsewhere: where it listens, what it is called there, and
//! who may come.
//!
//! Plain data. Must not know how a user writes it, nor sockets.

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use ipnet::IpNet;
use mailproof_scenarios::model::PortRole;
use serde::{Deserialize, Serialize};

/// Where a world is reached from other machines, and by whom.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reach {
    /// The addresses of this machine on which it listens.
    pub bind: Vec<IpAddr>,
    /// The name by which a subject finds it.
    pub name: Option<String>,
    /// The IPv4 address by which a subject finds it.
    pub v4: Option<Ipv4Addr>,
    /// The IPv6 address by which a subject finds it.
    pub v6: Option<Ipv6Addr>,
    /// The port of every role.
    pub ports: BTreeMap<PortRole, Mapped>,
    /// From where connections are taken. From elsewhere they are reset at once.
    pub allow: Vec<IpNet>,
}

/// One port, as a subject is told it and as it is here. Between them may be a NAT or a container's port map.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mapped {
    /// What the subject is told.
    pub told: u16,
    /// Where the world listens.
    pub listens: u16,
}

/// Places and ports of which it is told who was turned away there.
const TOLD: usize = 1000;

/// Connections from where nobody may come: what they wanted is not known, and no verdict rests on them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct TurnedAway {
    /// From where.
    pub from: IpAddr,
    /// The port's role.
    pub port: PortRole,
    /// How many.
    pub times: u32,
}

/// Who was turned away so far. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Doorbook(Arc<Mutex<BTreeMap<(IpAddr, PortRole), u32>>>);

impl Doorbook {
    /// One more. Of a flood from everywhere the first [`TOLD`] places are told.
    pub(crate) fn add(&self, from: IpAddr, port: PortRole) {
        let mut book = self.book();
        let key = (from.to_canonical(), port);
        if book.len() < TOLD || book.contains_key(&key) {
            let times = book.entry(key).or_default();
            *times = times.saturating_add(1);
        }
    }

    /// In the order of their addresses.
    pub fn list(&self) -> Vec<TurnedAway> {
        let book = self.book();
        let listed = book.iter().map(|((from, port), times)| TurnedAway {
            from: *from,
            port: *port,
            times: *times,
        });
        listed.collect()
    }

    /// Every statement above leaves the book consistent, also if one panics.
    fn book(&self) -> MutexGuard<'_, BTreeMap<(IpAddr, PortRole), u32>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Reach {
    /// Whether somebody from there may come.
    pub fn admits(&self, client: IpAddr) -> bool {
        let client = client.to_canonical();
        self.allow.iter().any(|it| it.contains(&client))
    }

    /// The addresses by which a subject finds it.
    pub fn addresses(&self) -> Vec<IpAddr> {
        let v4 = self.v4.map(IpAddr::V4);
        v4.into_iter().chain(self.v6.map(IpAddr::V6)).collect()
    }

    /// What a subject is told: the name, or else the address.
    pub fn advertised(&self) -> String {
        let address = || self.addresses().first().map(IpAddr::to_string);
        self.name.clone().or_else(address).unwrap_or_default()
    }

    /// Whether the subject is told the registered number of every role: only then can it be seen that it
    /// tries another one.
    pub fn has_registered_ports(&self) -> bool {
        PortRole::ALL.iter().all(|role| {
            let told = self.ports.get(role).map(|it| it.told);
            told == Some(role.number())
        })
    }
}

#[cfg(test)]
mod tests {
    use test_case::test_case;

    use super::*;

    #[test_case("192.168.7.9", "192.168.0.0/16" => true; "within")]
    #[test_case("::ffff:192.168.7.9", "192.168.0.0/16" => true; "as IPv6 has it")]
    #[test_case("192.169.0.1", "192.168.0.0/16" => false; "beside")]
    #[test_case("127.0.0.1", "192.168.0.0/16" => false; "this machine is nobody special")]
    #[test_case("2001:db8::1", "2001:db8::/64" => true; "within, of the other family")]
    #[test_case("10.0.0.1", "::/0" => false; "everybody of one family")]
    fn admits(client: &str, allow: &str) -> bool {
        let reach = Reach {
            bind: Vec::new(),
            name: None,
            v4: None,
            v6: None,
            ports: BTreeMap::new(),
            allow: vec![allow.parse().unwrap()],
        };
        reach.admits(client.parse().unwrap())
    }
}
