//! What a connection costs on which nothing happens.

use std::{io, net::TcpStream};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::{Outcome, own::Own, tls::Client};

const CONNECTIONS: usize = 10_000;

const CLIENTS: usize = 2;

/// Files that a process needs besides.
const OTHERS: u64 = 200;

/// Opens connections with TLS to the mock and holds them all; memory by their number.
pub(crate) fn memory() -> Outcome {
    raise(CONNECTIONS as u64 + OTHERS)?;
    let mock = Own::start()?;
    let client = Client::new(&mock.file("ca.pem"))?;
    // What the first connection makes is not the price of one.
    let _first = client.connect(mock.port)?;
    let resident = || mock.process().resident().ok_or("no /proc here");
    let before = resident()?;
    let each = CONNECTIONS / CLIENTS;
    let open = || (0..each).map(|_| client.connect(mock.port)).collect();
    let held: Vec<TcpStream> = std::thread::scope(|scope| {
        let running: Vec<_> = (0..CLIENTS).map(|_| scope.spawn(open)).collect();
        let mut held = Vec::new();
        for client in running {
            let opened: Result<Vec<TcpStream>, String> = client
                .join()
                .unwrap_or_else(|_| Err("a client panicked".to_owned()));
            held.extend(opened?);
        }
        Ok::<_, String>(held)
    })?;
    let after = resident()?;
    let alive = held.iter().filter(|it| is_open(it)).count();
    if alive != CONNECTIONS {
        return Err(format!("{alive} of {CONNECTIONS} connections were held"));
    }
    let kib = |octets: u64| octets as f64 / 1024.0;
    Ok(format!(
        "{:.1} KiB each, with the events of their handshakes; the mock alone: {:.0} MiB before, {:.0} MiB with {alive} held",
        kib(after.saturating_sub(before)) / CONNECTIONS as f64,
        kib(before) / 1024.0,
        kib(after) / 1024.0,
    ))
}

/// Whether the other end has not gone.
fn is_open(stream: &TcpStream) -> bool {
    if stream.set_nonblocking(true).is_err() {
        return false;
    }
    match stream.peek(&mut [0]) {
        Ok(len) => len > 0,
        Err(error) => error.kind() == io::ErrorKind::WouldBlock,
    }
}

/// As many open files as that, for this process and those that it starts.
fn raise(files: u64) -> Result<(), String> {
    let limit = getrlimit(Resource::Nofile);
    if limit.current.is_none_or(|it| it >= files) {
        return Ok(());
    }
    let wanted = Rlimit {
        current: Some(files),
        ..limit
    };
    setrlimit(Resource::Nofile, wanted)
        .map_err(|error| format!("{files} open files are not to be had: {error}"))
}
