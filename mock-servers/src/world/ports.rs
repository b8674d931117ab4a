//! The ports of a case by their roles: which numbers, which are decoys, and which doors are open.

use std::{
    collections::BTreeMap,
    net::{IpAddr, SocketAddr},
};

use mailproof_scenarios::model::{Action, Case, PortRole};
use tokio::sync::mpsc::Sender;

use super::{Place, WorldError, owner::Message, reach::Doorbook};
use crate::wire::port::{Accepted, Door, Port};

/// The ports of a case.
pub(crate) struct Ports {
    place: Place,
    open: Vec<Open>,
    turned_away: Doorbook,
    owner: Sender<Message>,
}

struct Open {
    role: PortRole,
    decoy: bool,
    /// The number that the subject is told.
    told: u16,
    port: Port,
}

impl Ports {
    /// Takes the numbers, on loopback those of `wanted`. Nothing listens yet.
    pub(crate) fn reserve(
        case: &Case,
        place: &Place,
        wanted: &BTreeMap<PortRole, u16>,
        owner: Sender<Message>,
    ) -> Result<Self, WorldError> {
        let addresses: Vec<IpAddr> = place.addresses().into_iter().map(|(_, ip)| ip).collect();
        let narrow = stops_reading(case);
        let mut open = Vec::new();
        for role in PortRole::ALL.iter().copied() {
            let decoy = !case.has_port(role);
            let (number, port) = match place {
                Place::Loopback if decoy => continue,
                Place::Loopback => match wanted.get(&role).copied() {
                    Some(number) => (number, Port::on(&addresses, number)),
                    None => (0, Port::on_loopback()),
                },
                Place::Lab if decoy => (role.number(), Port::everywhere(role.number())),
                Place::Lab => (role.number(), Port::on(&addresses, role.number())),
                Place::Reachable(_) if decoy && !place.has_decoys() => continue,
                Place::Reachable(reach) => {
                    let number = reach.ports.get(&role).map_or(0, |it| it.listens);
                    (number, Port::on(&addresses, number))
                }
            };
            let mut port = port.map_err(|source| WorldError::Listen {
                role,
                port: number,
                source,
            })?;
            if narrow {
                port.make_narrow();
            }
            let told = match place {
                Place::Loopback | Place::Lab => port.number(),
                Place::Reachable(reach) => reach.ports.get(&role).map_or(0, |it| it.told),
            };
            open.push(Open {
                role,
                decoy,
                told,
                port,
            });
        }
        Ok(Self {
            place: place.clone(),
            open,
            turned_away: Doorbook::default(),
            owner,
        })
    }

    /// The numbers by role, as the subject is told them.
    pub(crate) fn numbers(&self) -> BTreeMap<PortRole, u16> {
        self.open.iter().map(|it| (it.role, it.told)).collect()
    }

    /// Who was turned away, now and later.
    pub(crate) fn turned_away(&self) -> Doorbook {
        self.turned_away.clone()
    }

    /// Opens and closes doors as `door` says for each address of each port that is no decoy.
    pub(crate) fn set_doors(
        &mut self,
        door: impl Fn(PortRole, IpAddr) -> Door,
    ) -> Result<(), WorldError> {
        for it in &mut self.open {
            let (role, decoy) = (it.role, it.decoy);
            let door = |ip| if decoy { Door::Open } else { door(role, ip) };
            let owner = self.owner.clone();
            let stirred = move || {
                let owner = owner.clone();
                async move { owner.send(Message::Knocked).await.is_ok() }
            };
            it.port
                .set_doors(door, stirred)
                .map_err(|source| WorldError::Listen {
                    role,
                    port: it.port.number(),
                    source,
                })?;
        }
        Ok(())
    }

    /// The next connection that waits, if one does. Whoever may not come is reset before that.
    pub(crate) fn accept(&self) -> Result<Option<(PortRole, bool, Accepted)>, WorldError> {
        for it in &self.open {
            loop {
                let accepted = it.port.accept().map_err(|source| WorldError::Listen {
                    role: it.role,
                    port: it.port.number(),
                    source,
                })?;
                let Some(accepted) = accepted else { break };
                if self.place.admits(accepted.client) {
                    return Ok(Some((it.role, it.decoy, accepted)));
                }
                self.turned_away.add(accepted.client, it.role);
                accepted.reset();
            }
        }
        Ok(None)
    }

    /// The role of the port there, and its door, where the kernel lets nobody in.
    pub(crate) fn closed(&self, at: SocketAddr) -> Option<(PortRole, Door)> {
        let it = self.open.iter().find(|it| it.port.number() == at.port())?;
        let door = it.port.door(at.ip())?;
        (door != Door::Open).then_some((it.role, door))
    }
}

/// Whether the case has a port, at some time, that lets nobody in.
pub(crate) fn can_be_closed(case: &Case) -> bool {
    let by_setup = case
        .setup
        .ports
        .iter()
        .any(|(_, state)| state.lets_nobody_in());
    by_setup
        || case
            .deviations()
            .iter()
            .any(|it| matches!(&it.action, Action::Port(change) if change.is.lets_nobody_in()))
}

/// Whether the case has a server that stops reading.
fn stops_reading(case: &Case) -> bool {
    let stops = |action: &Action| matches!(action, Action::StopReading { .. });
    case.deviations().iter().any(|it| stops(&it.action))
}
