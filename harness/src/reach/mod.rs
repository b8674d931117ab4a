//! Where a run is reached from elsewhere and whose chains it presents, from the words of a user to what a world needs.
//!
//! A [`Wish`] is what somebody wrote, on the command line or in a file; [`Wish::resolve`] makes a [`Setting`] of
//! it. Must not know clap, nor how a world uses it.

mod authority;
mod hold;
mod names;
mod port_map;
mod wish;

use std::sync::Arc;

use mailproof_mock_servers::world::{Place, Reach, TurnedAway};
use serde::{Deserialize, Serialize};

use crate::report::text;

pub use self::{
    authority::{Anchor, AnchorError, CERTIFICATE, INSTALL, KEY, store},
    hold::{Hold, HoldError},
    names::host_name,
    wish::{Wish, WishError, network},
};

/// Where a run is reached, with every default resolved.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Setting {
    /// From elsewhere, where somebody asked for that.
    pub reach: Option<Reach>,
    /// Whose chains the servers present.
    #[serde(default)]
    pub anchor: Anchor,
}

impl Setting {
    /// The place in the words of the world; `usual` is where it is without a wish.
    pub fn place(&self, usual: Place) -> Place {
        let reachable = self.reach.clone();
        reachable.map_or(usual, |it| Place::Reachable(Arc::new(it)))
    }
}

/// Adds who was turned away in one case to those of all.
pub fn add_up(all: &mut Vec<TurnedAway>, more: &[TurnedAway]) {
    for it in more {
        let same = |other: &&mut TurnedAway| (other.from, other.port) == (it.from, it.port);
        match all.iter_mut().find(same) {
            Some(there) => there.times = there.times.saturating_add(it.times),
            None => all.push(it.clone()),
        }
    }
    all.sort();
}

/// How many of those who were turned away are named.
const NAMED: usize = 10;

/// Lines about who was turned away, none where nobody was.
pub fn turned_away(all: &[TurnedAway]) -> Vec<String> {
    let one = |it: &TurnedAway| {
        let times = text::count(
            usize::try_from(it.times).unwrap_or(usize::MAX),
            "connection",
        );
        format!(
            "turned away: {times} from {} to {}, where --allow-from lets nobody come from",
            it.from, it.port
        )
    };
    let mut lines: Vec<String> = all.iter().take(NAMED).map(one).collect();
    if all.len() > NAMED {
        lines.push(format!(
            "turned away: {} more such places, listed in results.json",
            all.len() - NAMED
        ));
    }
    lines
}

/// One line about who reaches what, for the beginning of a run.
pub fn describe(reach: &Reach) -> String {
    let list = |items: Vec<String>| items.join(", ");
    let known = reach.name.iter().cloned();
    let addresses = reach.addresses().into_iter().map(|it| it.to_string());
    let ports = reach.ports.iter().map(|(role, port)| {
        if port.told == port.listens {
            format!("{role} {}", port.told)
        } else {
            format!("{role} {} (here {})", port.told, port.listens)
        }
    });
    format!(
        "the servers are known as {}, listen on {}, and take connections from {} only; ports: {}",
        list(known.chain(addresses).collect()),
        list(reach.bind.iter().map(ToString::to_string).collect()),
        list(reach.allow.iter().map(ToString::to_string).collect()),
        list(ports.collect()),
    )
}
