//! How fast the mock shakes hands, beside `openssl s_server` with the same certificate and key (P-256).

use std::{
    net::{Ipv4Addr, TcpListener, TcpStream},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use super::{
    Outcome, median,
    own::{Own, Process},
    tls::Client,
};

const ROUNDS: usize = 7;

/// Handshakes of one round with one server.
const HANDSHAKES: usize = 400;

/// Full TLS 1.3 handshakes per second of the mock, by those of `openssl s_server`: one client, one
/// connection after the other, which is all that `s_server` can serve.
pub(crate) fn one_client() -> Outcome {
    ratio(1)
}

/// The same with clients at once. They queue at `s_server`.
pub(crate) fn four_clients() -> Outcome {
    ratio(4)
}

fn ratio(clients: usize) -> Outcome {
    let mock = Own::start()?;
    let peer = Peer::start(&mock)?;
    let client = Client::new(&mock.file("ca.pem"))?;
    // Whoever is first would pay for what is made once.
    for port in [mock.port, peer.port] {
        round(&client, port, clients, HANDSHAKES / 4)?;
    }
    let spent = || Some((mock.process().spent()?, peer.process.spent()?));
    let before = spent();
    let (mut ratios, mut ours, mut theirs) = (Vec::new(), Vec::new(), Vec::new());
    for number in 0..ROUNDS {
        // Whoever is second has the warmer machine, so they take turns.
        let ours_first = number % 2 == 0;
        let (our, their) = if ours_first {
            let our = round(&client, mock.port, clients, HANDSHAKES)?;
            (our, round(&client, peer.port, clients, HANDSHAKES)?)
        } else {
            let their = round(&client, peer.port, clients, HANDSHAKES)?;
            (round(&client, mock.port, clients, HANDSHAKES)?, their)
        };
        ratios.push(our / their);
        ours.push(our);
        theirs.push(their);
    }
    let cpu = before.zip(spent()).map_or_else(String::new, |(from, to)| {
        let each = |spent: Duration| spent.as_secs_f64() * 1000.0 / ((ROUNDS * HANDSHAKES) as f64);
        format!(
            "; CPU of the server for each {:.2} / {:.2} ms",
            each(to.0.saturating_sub(from.0)),
            each(to.1.saturating_sub(from.1))
        )
    });
    Ok(format!(
        "{:.2}; medians of {ROUNDS}: {:.0} / {:.0} per second{cpu}; the mock records every octet",
        median(ratios),
        median(ours),
        median(theirs)
    ))
}

/// Handshakes per second.
fn round(client: &Client, port: u16, clients: usize, handshakes: usize) -> Result<f64, String> {
    let each = handshakes / clients;
    let began = Instant::now();
    std::thread::scope(|scope| {
        let running: Vec<_> = (0..clients)
            .map(|_| scope.spawn(|| (0..each).try_for_each(|_| client.connect(port).map(drop))))
            .collect();
        running.into_iter().try_for_each(|it| {
            it.join()
                .unwrap_or_else(|_| Err("a client panicked".to_owned()))
        })
    })?;
    Ok((each * clients) as f64 / began.elapsed().as_secs_f64())
}

/// A running `openssl s_server`.
struct Peer {
    process: Process,
    port: u16,
}

impl Peer {
    /// With the certificate and key of the mock.
    fn start(mock: &Own) -> Result<Self, String> {
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|it| it.local_addr());
        let port = free.map_err(|it| it.to_string())?.port();
        let child = Command::new("openssl")
            .args(["s_server", "-quiet", "-tls1_3", "-accept"])
            .arg(format!("127.0.0.1:{port}"))
            .arg("-cert")
            .arg(mock.file("chain.pem"))
            .arg("-cert_chain")
            .arg(mock.file("chain.pem"))
            .arg("-key")
            .arg(mock.file("key.pem"))
            // It would end with its input.
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|it| format!("openssl: {it}"))?;
        let peer = Self {
            process: Process(child),
            port,
        };
        let began = Instant::now();
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
            if began.elapsed() > Duration::from_secs(5) {
                return Err("openssl s_server does not listen".to_owned());
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(peer)
    }
}
