//! Which addresses a lab has, and from which of its own its client comes.
//!
//! Must not know how the kernel is told.

use std::{
    io,
    net::IpAddr,
    sync::Mutex,
    thread,
    time::{Duration, Instant},
};

use mailproof_mock_servers::world::Place;
use mailproof_scenarios::model::Family;

use super::netlink::Netlink;

/// The address that the client comes from: one for the whole lab, and known so that it is changed only where
/// it has to be.
static SOURCE: Mutex<u16> = Mutex::new(0);

/// How long the kernel may take over an address.
const PATIENCE: Duration = Duration::from_secs(5);

/// How often it is asked meanwhile.
const LOOK_AGAIN: Duration = Duration::from_millis(1);

/// Gives the lab everything that it has. IPv6 only where the kernel has it.
///
/// # Errors
/// What the kernel says.
pub(super) fn give() -> io::Result<()> {
    let mut netlink = Netlink::open()?;
    netlink.loopback_up()?;
    let families = families();
    let servers = Place::Lab.addresses().into_iter().map(|(_, ip)| ip);
    let servers: Vec<IpAddr> = servers
        .filter(|ip| families.contains(&Family::of(*ip)))
        .collect();
    let sources = families.iter().flat_map(|it| Place::Lab.sources(*it));
    for ip in servers.iter().copied().chain(sources) {
        netlink.add_address(ip)?;
    }
    for ip in servers.into_iter().filter(IpAddr::is_ipv6) {
        patiently(|| netlink.forget_route(ip))?;
    }
    patiently(|| come_from(1))
}

/// The kernel takes up IPv6 addresses in its own time and tells nobody; before that, what rests on them is
/// refused.
fn patiently(mut ask: impl FnMut() -> io::Result<()>) -> io::Result<()> {
    let until = Instant::now() + PATIENCE;
    loop {
        match ask() {
            Err(error) if not_yet(&error) && Instant::now() < until => thread::sleep(LOOK_AGAIN),
            outcome => return outcome,
        }
    }
}

fn not_yet(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::ESRCH | libc::EINVAL))
}

/// From now on the client comes from its address of that number, counted from 1.
///
/// # Errors
/// What the kernel says.
pub fn come_from(number: u16) -> io::Result<()> {
    let mut current = SOURCE.lock().unwrap_or_else(|it| it.into_inner());
    if *current == number {
        return Ok(());
    }
    let mut netlink = Netlink::open()?;
    let families = families();
    for (_, server) in Place::Lab.addresses() {
        let family = Family::of(server);
        let sources = Place::Lab.sources(family);
        let source = usize::from(number)
            .checked_sub(1)
            .and_then(|at| sources.get(at));
        match source {
            Some(source) if families.contains(&family) => {
                netlink.prefer_source(server, *source)?;
            }
            Some(_) => {}
            None => return Err(io::ErrorKind::AddrNotAvailable.into()),
        }
    }
    *current = number;
    Ok(())
}

/// What the kernel has.
pub(super) fn families() -> Vec<Family> {
    let v6 = std::net::TcpListener::bind((std::net::Ipv6Addr::LOCALHOST, 0));
    match v6 {
        Ok(_) => vec![Family::Ipv4, Family::Ipv6],
        Err(_) => vec![Family::Ipv4],
    }
}
