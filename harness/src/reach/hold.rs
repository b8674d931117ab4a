//! The fixed ports of a run, held from its beginning to its end.
//!
//! A world takes its ports for one case and lets them go again. In between another run could take them, and a
//! subject would talk to the wrong one. So each number is also bound for UDP, which nobody serves mail on, for as
//! long as the run lasts.
//!
//! Must not know worlds.

use std::{
    io,
    net::{SocketAddr, UdpSocket},
};

use mailproof_mock_servers::world::Reach;
use mailproof_scenarios::model::PortRole;
use socket2::{Domain, Socket, Type};

/// The ports of a run. Dropping it lets others have them.
#[derive(Debug)]
pub struct Hold {
    _held: Vec<UdpSocket>,
}

/// Why a port is not to be had.
#[derive(Debug, thiserror::Error)]
pub enum HoldError {
    /// Another program listens there.
    #[error(
        "port {} of {} (for {role}) is used by another program; `ss -ltnp` or `lsof -i :{}` tells which. End it, \
         or choose another port with --port-map {role}=PORT", at.port(), at.ip(), at.port()
    )]
    Used {
        /// The port's role.
        role: PortRole,
        /// Where.
        at: SocketAddr,
    },
    /// Another run has it.
    #[error(
        "port {} of {} (for {role}) is held by another run of mailproof. Wait for its end, or choose another \
         port with --port-map {role}=PORT", at.port(), at.ip()
    )]
    Held {
        /// The port's role.
        role: PortRole,
        /// Where.
        at: SocketAddr,
    },
    /// The number is for those with a privilege.
    #[error(
        "port {} of {} (for {role}) needs a privilege here; map it from a higher one: --port-map \
         {role}:{told}=PORT", at.port(), at.ip()
    )]
    Forbidden {
        /// The port's role.
        role: PortRole,
        /// Where.
        at: SocketAddr,
        /// What the subject is told.
        told: u16,
    },
    /// No address of this machine.
    #[error("{} is no address of this machine (for --bind)", at.ip())]
    NotHere {
        /// Where.
        at: SocketAddr,
    },
    /// The system says something else.
    #[error("cannot listen on port {} of {} (for {role}): {source}", at.port(), at.ip())]
    Other {
        /// The port's role.
        role: PortRole,
        /// Where.
        at: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
}

impl Hold {
    /// Tries every port, and takes it.
    ///
    /// # Errors
    /// [`HoldError`] for the first that is not to be had.
    pub fn take(reach: &Reach) -> Result<Self, HoldError> {
        let mut held = Vec::new();
        for (role, mapped) in &reach.ports {
            for ip in &reach.bind {
                let at = SocketAddr::new(*ip, mapped.listens);
                // The world leaves out IPv6 where the machine has none.
                if at.is_ipv6() && !has_ipv6() {
                    continue;
                }
                let why = |source: io::Error, used| match source.kind() {
                    io::ErrorKind::AddrInUse => used,
                    io::ErrorKind::PermissionDenied => HoldError::Forbidden {
                        role: *role,
                        at,
                        told: mapped.told,
                    },
                    io::ErrorKind::AddrNotAvailable => HoldError::NotHere { at },
                    _ => HoldError::Other {
                        role: *role,
                        at,
                        source,
                    },
                };
                let socket =
                    hold(at).map_err(|error| why(error, HoldError::Held { role: *role, at }))?;
                try_to_listen(at)
                    .map_err(|error| why(error, HoldError::Used { role: *role, at }))?;
                held.push(socket);
            }
        }
        Ok(Self { _held: held })
    }
}

fn has_ipv6() -> bool {
    UdpSocket::bind("[::1]:0").is_ok()
}

fn socket(at: SocketAddr, kind: Type) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(at), kind, None)?;
    if at.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    Ok(socket)
}

fn hold(at: SocketAddr) -> io::Result<UdpSocket> {
    let socket = socket(at, Type::DGRAM)?;
    socket.bind(&at.into())?;
    Ok(socket.into())
}

/// As a world does it: connections of the last run that are still being forgotten are no obstacle.
fn try_to_listen(at: SocketAddr) -> io::Result<()> {
    let socket = socket(at, Type::STREAM)?;
    socket.set_reuse_address(true)?;
    socket.bind(&at.into())?;
    socket.listen(1)
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, TcpListener};

    use mailproof_mock_servers::world::Mapped;

    use super::*;

    /// Only submissions, at a number that was free.
    fn reach(number: u16, ip: &str) -> Reach {
        let mapped = Mapped {
            told: 465,
            listens: number,
        };
        Reach {
            bind: vec![ip.parse().unwrap()],
            name: None,
            v4: None,
            v6: None,
            ports: [(PortRole::Submissions, mapped)].into(),
            allow: Vec::new(),
        }
    }

    fn free() -> (TcpListener, u16) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let number = listener.local_addr().unwrap().port();
        (listener, number)
    }

    #[test]
    fn a_port_in_use_is_named() {
        let (listener, number) = free();
        let reach = reach(number, "127.0.0.1");
        let error = Hold::take(&reach).unwrap_err();
        assert!(matches!(error, HoldError::Used { .. }), "{error}");
        assert!(
            error
                .to_string()
                .contains(&format!("port {number} of 127.0.0.1"))
        );
        drop(listener);
        Hold::take(&reach).unwrap();
    }

    #[test]
    fn two_runs_do_not_share_ports() {
        let (listener, number) = free();
        drop(listener);
        let reach = reach(number, "127.0.0.1");
        let first = Hold::take(&reach).unwrap();
        let error = Hold::take(&reach).unwrap_err();
        assert!(matches!(error, HoldError::Held { .. }), "{error}");
        drop(first);
        Hold::take(&reach).unwrap();
    }

    #[test]
    fn an_address_of_another_machine() {
        let error = Hold::take(&reach(2465, "192.0.2.1")).unwrap_err();
        assert!(matches!(error, HoldError::NotHere { .. }), "{error}");
    }
}
