//! What the lab's kernel lets the mocks do, one thing after the other, each tried and not only asked for.
//!
//! Must not know who wants to know.

use std::{
    io,
    net::{IpAddr, SocketAddr, TcpStream},
    time::Duration,
};

use mailproof_scenarios::model::{Host, PortRole, Transport};
use tokio::{net::lookup_host, sync::mpsc, time::timeout};

use super::{Place, RESOLVER, names};
use crate::{
    dns,
    wire::{
        dns_port::DnsPort,
        icmp::{self, Unreachable},
        port::{Door, Port},
        witness::{Attempts, Knock, Witness},
    },
};

/// How long something that comes at once may take.
const AT_ONCE: Duration = Duration::from_secs(2);

/// How long nothing has to happen before it counts as never.
const NEVER: Duration = Duration::from_millis(200);

/// One thing, and what is wrong with it where it cannot be done.
pub type Tried = (&'static str, Result<String, String>);

/// Tries everything that a case in the lab may need.
pub async fn abilities() -> Vec<Tried> {
    vec![
        ("ports", ports().map_err(|error| error.to_string())),
        ("filters", filters().await),
        ("witness", witness().await.map(|_| seen())),
        ("icmp", answered().await),
        ("dns", dns_round_trip().await),
    ]
}

fn seen() -> String {
    "connection attempts are seen that nobody answers".to_owned()
}

fn addresses() -> Vec<IpAddr> {
    let all = Place::Lab.addresses();
    all.into_iter().map(|(_, ip)| ip).collect()
}

fn ports() -> io::Result<String> {
    let mut numbers = Vec::new();
    for role in PortRole::ALL {
        Port::on(&addresses(), role.number())?;
        numbers.push(role.number().to_string());
    }
    Ok(format!("{} on every address", numbers.join(", ")))
}

/// A port at which nothing is answered, and its address.
fn dead_port(door: Door) -> io::Result<(Port, SocketAddr)> {
    let number = PortRole::Alternate.number();
    let mut port = Port::on(&addresses(), number)?;
    port.set_doors(|_| door, || std::future::ready(true))?;
    let server = SocketAddr::new(Place::Lab.ipv4().into(), number);
    Ok((port, server))
}

async fn connect(to: SocketAddr, patience: Duration) -> io::Result<TcpStream> {
    tokio::task::spawn_blocking(move || TcpStream::connect_timeout(&to, patience))
        .await
        .map_err(io::Error::other)?
}

async fn filters() -> Result<String, String> {
    let (_port, server) = dead_port(Door::Dropping).map_err(|error| error.to_string())?;
    match connect(server, NEVER).await {
        Err(error) if error.kind() == io::ErrorKind::TimedOut => {
            Ok("sockets can be made deaf".to_owned())
        }
        Err(error) => Err(format!("a deaf socket answers: {error}")),
        Ok(_) => Err("a deaf socket lets in".to_owned()),
    }
}

/// A SYN that nobody answered, as the witness saw it, and the port that it came to.
async fn witness() -> Result<(Knock, Port, Option<io::Error>), String> {
    let witness = Witness::open().ok_or("no right to open packet sockets")?;
    let (port, server) = dead_port(Door::Dropping).map_err(|error| error.to_string())?;
    let connecting = tokio::spawn(connect(server, AT_ONCE));
    let mut seen = Attempts::default();
    let knock = timeout(AT_ONCE, async {
        loop {
            let knocks = witness.take(&mut seen);
            if let Some(knock) = knocks.into_iter().find(|it| it.to == server) {
                return Ok(knock);
            }
            witness.stirred().await?;
        }
    });
    let knock: io::Result<Knock> = knock
        .await
        .map_err(|_| "a connection attempt was made and not seen")?;
    let knock = knock.map_err(|error| error.to_string())?;
    let (server, client) = (knock.to.ip(), knock.from.ip());
    let told = icmp::answer(&knock.packet, client, server, Unreachable::Prohibited);
    let failed = match told {
        Err(error) => Some(error),
        Ok(()) => connecting.await.ok().and_then(Result::err),
    };
    Ok((knock, port, failed))
}

async fn answered() -> Result<String, String> {
    match witness().await?.2 {
        Some(error) if error.kind() == io::ErrorKind::HostUnreachable => {
            Ok("attempts can be answered as a firewall does".to_owned())
        }
        Some(error) => Err(error.to_string()),
        None => Err("the client did not hear the answer".to_owned()),
    }
}

async fn dns_round_trip() -> Result<String, String> {
    let (stirred, mut knocked) = mpsc::channel(1);
    let knock = move || {
        let stirred = stirred.clone();
        async move { stirred.send(()).await.is_ok() }
    };
    let port = DnsPort::open(RESOLVER, knock, |_| std::future::ready(None));
    let port = port.map_err(|error| error.to_string())?;
    let name = Place::Lab.reference(Host::Name);
    let serve = async {
        let zone = names::zone(&Place::Lab, std::iter::empty());
        while knocked.recv().await.is_some() {
            while let Some((question, from)) = port.take() {
                if let Some(answer) = dns::respond(&zone, &question, Transport::Udp) {
                    port.send(&answer.octets, from);
                }
            }
        }
    };
    let looked_up = tokio::select! {
        found = timeout(AT_ONCE * 2, lookup_host((name.as_str(), 25))) => {
            found.map_err(|_| format!("no answer for {name}"))
        }
        () = serve => Err("the server ended".to_owned()),
    };
    let found = looked_up.map(|found| found.map(|it| it.map(|at| at.ip()).collect::<Vec<_>>()));
    port.close().await;
    let found = found?.map_err(|error| format!("{name}: {error}"))?;
    let wanted: [IpAddr; 2] = [Place::Lab.ipv4().into(), Place::Lab.ipv6().into()];
    if found.is_empty() || found.iter().any(|ip| !wanted.contains(ip)) {
        return Err(format!("{name} is {found:?}"));
    }
    let words: Vec<String> = found.iter().map(IpAddr::to_string).collect();
    Ok(format!("{name} is {}", words.join(", ")))
}
