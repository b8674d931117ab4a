//! What the mock DNS knows: names and their records.
//!
//! Must not know messages.

use std::{
    collections::BTreeMap,
    fmt,
    net::{Ipv4Addr, Ipv6Addr},
};

/// Everything that is known. Names are written without the dot of the root and compared without regard to
/// case (RFC 4343).
#[derive(Clone, Debug, Default)]
pub(crate) struct Zone {
    names: BTreeMap<String, Vec<Record>>,
}

/// A record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Record {
    /// An IPv4 address.
    V4(Ipv4Addr),
    /// An IPv6 address.
    V6(Ipv6Addr),
    /// The name is another's (CNAME).
    Alias(String),
    /// Who takes mail, with a preference.
    Mx(u16, String),
}

/// A record that answers a question.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Found<'a> {
    /// Whose it is; `None` where it is the name that was asked for.
    pub(crate) owner: Option<&'a str>,
    /// The record.
    pub(crate) record: &'a Record,
}

/// Aliases that are followed, so that a circle of them has an end.
const ALIASES: usize = 8;

impl Zone {
    /// Adds records; with none, the name is known to exist.
    pub(crate) fn add(&mut self, name: &str, records: impl IntoIterator<Item = Record>) {
        let known = self.names.entry(name.to_ascii_lowercase()).or_default();
        known.extend(records);
    }

    /// The records of a name that are wanted, behind the aliases that lead to them, and whether what they lead
    /// to exists.
    pub(crate) fn look_up(
        &self,
        name: &str,
        wanted: impl Fn(&Record) -> bool,
    ) -> (Vec<Found<'_>>, bool) {
        let mut found = Vec::new();
        let mut owner = None;
        let mut asked = name.to_ascii_lowercase();
        for _ in 0..ALIASES {
            let Some(records) = self.names.get(&asked) else {
                return (found, self.has_below(&asked));
            };
            let here = |record| Found { owner, record };
            if let Some(alias @ Record::Alias(target)) = records.first() {
                found.push(here(alias));
                owner = Some(target.as_str());
                asked = target.to_ascii_lowercase();
                if wanted(alias) {
                    break;
                }
                continue;
            }
            found.extend(records.iter().filter(|it| wanted(it)).map(here));
            break;
        }
        (found, true)
    }

    /// The domain under `.example` that a name is in, or else the root.
    pub(crate) fn apex<'a>(&self, name: &'a str) -> &'a str {
        let lower = name.to_ascii_lowercase();
        if lower != "example" && !lower.ends_with(".example") {
            return ".";
        }
        let dots: Vec<usize> = name.match_indices('.').map(|(at, _)| at).collect();
        match dots.as_slice() {
            [.., before, _] => &name[before + 1..],
            _ => name,
        }
    }

    fn has_below(&self, name: &str) -> bool {
        self.names.keys().any(|known| {
            known
                .strip_suffix(name)
                .is_some_and(|rest| rest.ends_with('.'))
        })
    }
}

impl fmt::Display for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Record::V4(ip) => ip.fmt(f),
            Record::V6(ip) => ip.fmt(f),
            Record::Alias(target) => write!(f, "alias of {target}"),
            Record::Mx(preference, exchange) => write!(f, "{preference} {exchange}"),
        }
    }
}
