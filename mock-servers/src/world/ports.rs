//! The ports of a case by their roles: which numbers, which are decoys, and which doors are open.

use std::collections::BTreeMap;

use mailproof_scenarios::model::{Action, Case, PortRole, PortState};
use tokio::sync::mpsc::Sender;

use super::{Place, WorldError, owner::Message};
use crate::wire::port::{Accepted, Door, Port};

/// The ports of a case.
pub(crate) struct Ports {
    open: Vec<Open>,
    owner: Sender<Message>,
}

struct Open {
    role: PortRole,
    decoy: bool,
    port: Port,
}

impl Ports {
    /// Takes the numbers. Nothing listens yet.
    pub(crate) fn reserve(
        case: &Case,
        place: &Place,
        owner: Sender<Message>,
    ) -> Result<Self, WorldError> {
        let mut open = Vec::new();
        for role in PortRole::ALL.iter().copied() {
            let decoy = !case.has_port(role);
            let (number, port) = match place {
                Place::Loopback if decoy => continue,
                Place::Loopback => (0, Port::on_loopback()),
                Place::Lab { .. } => (role.number(), Port::everywhere(role.number())),
            };
            let port = port.map_err(|source| WorldError::Listen {
                role,
                port: number,
                source,
            })?;
            open.push(Open { role, decoy, port });
        }
        Ok(Self { open, owner })
    }

    /// The numbers by role.
    pub(crate) fn numbers(&self) -> BTreeMap<PortRole, u16> {
        self.open
            .iter()
            .map(|it| (it.role, it.port.number()))
            .collect()
    }

    /// Opens and closes doors as `door` says for each port that is no decoy.
    pub(crate) fn set_doors(&mut self, door: impl Fn(PortRole) -> Door) -> Result<(), WorldError> {
        for it in &mut self.open {
            let door = if it.decoy { Door::Open } else { door(it.role) };
            let owner = self.owner.clone();
            let stirred = move || {
                let owner = owner.clone();
                async move { owner.send(Message::Knocked).await.is_ok() }
            };
            it.port
                .set_door(door, stirred)
                .map_err(|source| WorldError::Listen {
                    role: it.role,
                    port: it.port.number(),
                    source,
                })?;
        }
        Ok(())
    }

    /// The next connection that waits, if one does.
    pub(crate) fn accept(&self) -> Result<Option<(PortRole, bool, Accepted)>, WorldError> {
        for it in &self.open {
            let accepted = it.port.accept().map_err(|source| WorldError::Listen {
                role: it.role,
                port: it.port.number(),
                source,
            })?;
            if let Some(accepted) = accepted {
                return Ok(Some((it.role, it.decoy, accepted)));
            }
        }
        Ok(None)
    }

    /// The role of the port with that number, where the kernel lets nobody in.
    pub(crate) fn closed(&self, number: u16) -> Option<PortRole> {
        self.open
            .iter()
            .find(|it| it.port.number() == number && it.port.door() != Door::Open)
            .map(|it| it.role)
    }
}

/// Whether the case has a port, at some time, that lets nobody in.
pub(crate) fn can_be_closed(case: &Case) -> bool {
    let closed = |state: PortState| matches!(state, PortState::Refused | PortState::Blackhole);
    let by_setup = case.setup.ports.iter().any(|(_, state)| closed(*state));
    by_setup
        || case
            .deviations()
            .iter()
            .any(|it| matches!(&it.action, Action::Port(change) if closed(change.is)))
}
