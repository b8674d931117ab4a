//! Ports: open, closed, dead, and decoys.
#![expect(
    clippy::print_stderr,
    reason = "a test that proves nothing on this machine must say so"
)]

use std::{
    io::ErrorKind,
    net::{Ipv4Addr, SocketAddr, TcpStream as Plain},
};

use mailproof_scenarios::model::{PortChange, PortState};
use pretty_assertions::assert_eq;
use test_case::test_case;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::{client::*, *};

fn port(is: PortState) -> Deviation {
    everywhere(Action::Port(PortChange { role: None, is }))
}

/// Connects as far as the kernel gets in a moment.
async fn try_connect(number: u16) -> std::io::Result<Plain> {
    tokio::task::spawn_blocking(move || {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, number));
        Plain::connect_timeout(&address, Duration::from_millis(200))
    })
    .await
    .unwrap()
}

#[tokio::test]
async fn the_log_says_when_and_where() {
    let world = world(PortRole::Submission, &[]).await;
    let number = world.port(PortRole::Submission);
    let stream = try_connect(number).await.unwrap();
    let client = stream.local_addr().unwrap();
    drop(stream);
    let log = end(world).await;
    let What::WorldStarted { civil, ports } = &log.events[0].what else {
        panic!("{:?}", log.events[0]);
    };
    let year_2020 = 1_577_836_800_000_000;
    assert!(*civil > year_2020);
    assert_eq!(ports[&PortRole::Submission], number);
    let server = SocketAddr::from((Ipv4Addr::LOCALHOST, number));
    assert!(has(&log, |it| *it == What::Endpoints { client, server }));
}

#[test_case(PortState::Refused, ErrorKind::ConnectionRefused)]
#[test_case(PortState::Blackhole, ErrorKind::TimedOut)]
#[tokio::test]
async fn attempts_on_closed_ports_are_witnessed(state: PortState, kind: ErrorKind) {
    let world = world(PortRole::Submission, &[port(state)]).await;
    let number = world.port(PortRole::Submission);
    assert_eq!(try_connect(number).await.unwrap_err().kind(), kind);
    if !world.sees_packets() {
        eprintln!("skipped: no right to open packet sockets");
        return;
    }
    let log = end(world).await;
    assert_eq!(
        count(&log, |it| matches!(
            it,
            What::Attempted {
                port: PortRole::Submission
            }
        )),
        1
    );
    assert!(deviated(&log));
    assert!(!has(&log, |it| matches!(it, What::Connected { .. })));
}

#[tokio::test]
async fn a_port_that_is_closed_for_one_step_is_open_in_the_next() {
    let steps = [PortRole::Submission; 2].map(|role| step(role, Job::TestConnection));
    let mut refused = port(PortState::Refused);
    refused.on.step = Some(1);
    let world = start(case(&steps, &[refused]), Place::Loopback)
        .await
        .unwrap();
    let number = world.port(PortRole::Submission);
    assert!(try_connect(number).await.is_err());
    world.settle().await;
    world.begin_step(2).await;
    let mut clear = connect(number).await;
    assert!(reply(&mut clear).await.starts_with("220 "));
    drop(clear);
    let log = end(world).await;
    let connected = log
        .events
        .iter()
        .find(|it| matches!(it.what, What::Connected { .. }))
        .unwrap();
    assert_eq!(connected.step, 2);
}

#[tokio::test]
async fn a_port_that_resets() {
    let world = world(PortRole::Submission, &[port(PortState::Reset)]).await;
    let mut clear = connect(world.port(PortRole::Submission)).await;
    let error = clear.read(&mut [0]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    let log = end(world).await;
    assert!(deviated(&log));
    assert!(has(&log, |it| *it == What::ServerClosed { reset: true }));
}

#[tokio::test]
async fn a_port_that_closes_still_hears() {
    let world = world(PortRole::Submission, &[port(PortState::Closed)]).await;
    let mut clear = connect(world.port(PortRole::Submission)).await;
    assert_eq!(clear.read(&mut [0]).await.unwrap(), 0);
    clear.write_all(b"EHLO x\r\n").await.unwrap();
    drop(clear);
    let log = end(world).await;
    assert!(deviated(&log));
    assert!(has(
        &log,
        |it| matches!(it, What::Received { octets, .. } if octets == b"EHLO x\r\n")
    ));
    assert_eq!(
        log.events.last().unwrap().what,
        What::ClientClosed { reset: false }
    );
}

#[tokio::test]
async fn a_connection_that_nobody_has_looked_at_yet_is_not_lost() {
    let world = world(PortRole::Submission, &[]).await;
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, world.port(PortRole::Submission)));
    // Without giving the world a chance to run in between.
    drop(Plain::connect(address).unwrap());
    let log = end(world).await;
    assert!(has(&log, |it| matches!(it, What::Connected { .. })));
    assert!(has(&log, |it| matches!(it, What::ClientClosed { .. })));
}

#[tokio::test]
async fn too_many_connections_are_reset() {
    let world = world(PortRole::Submission, &[]).await;
    let number = world.port(PortRole::Submission);
    let mut open = Vec::new();
    for _ in 0..200 {
        let mut stream = connect(number).await;
        reply(&mut stream).await;
        open.push(stream);
    }
    let mut one_more = connect(number).await;
    assert!(one_more.read(&mut [0]).await.is_err());
    drop(open);
    let log = end(world).await;
    assert_eq!(count(&log, |it| matches!(it, What::Connected { .. })), 201);
}

#[tokio::test]
async fn decoys_take_mail_on_every_other_port() {
    let case = case(&[step(PortRole::Submission, Job::Send)], &[]);
    let place = Place::Lab {
        host: "mail.firma.example".to_owned(),
    };
    let world = match start(case, place).await {
        Ok(world) => world,
        Err(error) => {
            eprintln!("skipped: {error}");
            return;
        }
    };
    assert_eq!(world.host(), "mail.firma.example");
    let mut decoy = connect(25).await;
    assert!(reply(&mut decoy).await.starts_with("220 "));
    assert!(ask(&mut decoy, "EHLO x\r\n").await.starts_with("250-"));
    let mut configured = connect(world.port(PortRole::Submission)).await;
    reply(&mut configured).await;
    drop((decoy, configured));
    let log = end(world).await;
    let connected: Vec<_> = log
        .events
        .iter()
        .filter_map(|it| match it.what {
            What::Connected { port, decoy } => Some((port, decoy)),
            _ => None,
        })
        .collect();
    assert_eq!(
        connected,
        [(PortRole::Smtp, true), (PortRole::Submission, false)]
    );
}
