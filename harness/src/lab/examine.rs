//! What a machine can do for a lab, line by line, and what is missing.
//!
//! The outer side starts one that tries everything and tells it on standard output. Must not know how it is
//! shown.

use std::{
    fs, io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use mailproof_mock_servers::world::{Place, abilities};
use mailproof_scenarios::model::Family;
use serde::{Deserialize, Serialize};

use super::{
    INIT, addresses,
    inside::{self, Step},
    netlink::Netlink,
};

/// One thing that a lab needs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// What it is.
    pub what: String,
    /// Whether it is there.
    pub there: bool,
    /// What was seen, or what the kernel said.
    pub says: String,
}

/// Settings of kernels that keep namespaces from users, with the value that does.
const SETTINGS: &[(&str, &str)] = &[
    ("/proc/sys/user/max_user_namespaces", "0"),
    ("/proc/sys/user/max_net_namespaces", "0"),
    ("/proc/sys/kernel/unprivileged_userns_clone", "0"),
    (
        "/proc/sys/kernel/apparmor_restrict_unprivileged_userns",
        "1",
    ),
];

/// A public address that is for documentation only (RFC 5737, RFC 3849).
const OUTSIDE: [IpAddr; 2] = [
    IpAddr::V4(Ipv4Addr::new(203, 0, 113, 1)),
    IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0xffff, 0, 0, 0, 0, 1)),
];

/// Tries everything in a lab that is started for it.
///
/// # Errors
/// Where this program cannot be started again.
pub fn examine() -> io::Result<Vec<Line>> {
    let output = Command::new(std::env::current_exe()?)
        .args([INIT, "worker", "--lab", "--examine"])
        .stdin(Stdio::null())
        .output()?;
    let told = String::from_utf8_lossy(&output.stdout);
    let lines: Vec<Line> = told
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect();
    if !lines.is_empty() {
        return Ok(lines);
    }
    let words = String::from_utf8_lossy(&output.stderr);
    let why = words.lines().last().unwrap_or("it gave no reason").trim();
    let settings: Vec<String> = SETTINGS
        .iter()
        .filter(|(file, value)| fs::read_to_string(file).is_ok_and(|it| it.trim() == *value))
        .map(|(file, value)| format!("{file} is {value}"))
        .collect();
    let says = match settings.as_slice() {
        [] => why.to_owned(),
        some => format!("{why} ({})", some.join(", ")),
    };
    Ok(vec![line("namespaces", Err(says))])
}

/// The inner side: sets the lab up step by step, tries everything, and gives each line to `tell`.
pub fn examine_inside(tell: &mut dyn FnMut(&Line)) {
    tell(&line(
        "namespaces",
        Ok("user, network, mount and PID namespaces for this user".to_owned()),
    ));
    let steps: [(&str, Step, &str); 2] = [
        (
            "mounts",
            inside::mounts,
            "/proc and the files about names are its own",
        ),
        (
            "addresses",
            inside::addresses,
            "`lo` is up, hosts and client have theirs",
        ),
    ];
    for (what, step, says) in steps {
        let outcome = step().map(|()| says.to_owned());
        let failed = outcome.is_err();
        tell(&line(what, outcome.map_err(|error| error.to_string())));
        if failed {
            return;
        }
    }
    let ipv6 = addresses::families().contains(&Family::Ipv6);
    tell(&line(
        "ipv6",
        match ipv6 {
            true => Ok("the kernel has it".to_owned()),
            false => Err("the kernel does not have it".to_owned()),
        },
    ));
    tell(&line("sources", sources()));
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build();
    match runtime {
        Err(error) => tell(&line("ports", Err(error.to_string()))),
        Ok(runtime) => {
            for (what, outcome) in runtime.block_on(abilities()) {
                tell(&line(what, outcome));
            }
        }
    }
    tell(&line("no way out", no_way_out()));
}

/// Whether the client comes from the address that it is told to.
fn sources() -> Result<String, String> {
    let said = |error: io::Error| error.to_string();
    for number in [3, 2, 1] {
        addresses::come_from(number).map_err(said)?;
        for family in addresses::families() {
            let server = match family {
                Family::Ipv4 => Place::Lab.ipv4().into(),
                Family::Ipv6 => Place::Lab.ipv6().into(),
            };
            let listener = std::net::TcpListener::bind((server, 0)).map_err(said)?;
            let to = listener.local_addr().map_err(said)?;
            let client = TcpStream::connect_timeout(&to, Duration::from_secs(1)).map_err(said)?;
            let from = client.local_addr().map_err(said)?.ip();
            let between = Place::Lab.endpoints(server, from);
            if between.source != Some(number) {
                return Err(format!(
                    "a connection came from {from}, not from address {number}"
                ));
            }
        }
    }
    Ok("the client can come from each of its addresses".to_owned())
}

/// Whether nothing leaves: no route does, and whoever tries is told at once.
fn no_way_out() -> Result<String, String> {
    let ways = Netlink::open().and_then(|mut it| it.ways_out());
    let ways = ways.map_err(|error| error.to_string())?;
    if ways > 0 {
        return Err(format!("{ways} routes lead out"));
    }
    for outside in OUTSIDE {
        let began = Instant::now();
        let to = SocketAddr::new(outside, 25);
        match TcpStream::connect_timeout(&to, Duration::from_secs(1)) {
            Ok(_) => return Err(format!("{outside} answered")),
            Err(_) if began.elapsed() > Duration::from_millis(500) => {
                return Err(format!("a packet for {outside} went somewhere"));
            }
            Err(_) => {}
        }
    }
    Ok("no route leads out".to_owned())
}

fn line(what: &str, outcome: Result<String, String>) -> Line {
    Line {
        what: what.to_owned(),
        there: outcome.is_ok(),
        says: outcome.unwrap_or_else(|why| why),
    }
}
