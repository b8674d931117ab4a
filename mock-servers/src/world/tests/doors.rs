//! Ports: open, closed, dead, and decoys.
#![expect(
    clippy::print_stderr,
    reason = "a test that proves nothing on this machine must say so"
)]

use std::{
    io::ErrorKind,
    net::{Ipv4Addr, SocketAddr, TcpStream as Plain},
};

use mailproof_scenarios::model::{Family, PortChange, PortState, Then};
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
                port: PortRole::Submission,
                ..
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

#[test_case(PortState::Unreachable)]
#[test_case(PortState::Prohibited)]
#[tokio::test]
async fn attempts_are_answered_by_icmp(state: PortState) {
    let world = world(PortRole::Submission, &[port(state)]).await;
    if !world.sees_packets() {
        eprintln!("skipped: no right to open packet sockets");
        return;
    }
    let error = try_connect(world.port(PortRole::Submission)).await;
    assert_eq!(error.unwrap_err().kind(), ErrorKind::HostUnreachable);
    let log = end(world).await;
    assert_eq!(count(&log, |it| matches!(it, What::Attempted { .. })), 1);
    assert!(deviated(&log));
}

#[tokio::test]
async fn a_port_that_is_closed_over_one_family_only() {
    let mut refused = port(PortState::Refused);
    refused.on.family = Some(Family::Ipv6);
    let world = world(PortRole::Submission, &[refused]).await;
    let number = world.port(PortRole::Submission);
    let v6 = SocketAddr::from((std::net::Ipv6Addr::LOCALHOST, number));
    assert!(Plain::connect(v6).is_err());
    drop(connect(number).await);
    let log = end(world).await;
    let between = log.events.iter().find_map(|it| match it.what {
        What::Connected { between, .. } => Some(between),
        _ => None,
    });
    assert_eq!(between.unwrap().family, Some(Family::Ipv4));
}

#[tokio::test]
async fn whoever_vanishes_acknowledges_nothing_more() {
    let vanish = at("EHLO", Action::Then(Then::Vanish));
    let world = world(PortRole::Submission, &[vanish]).await;
    let mut clear = connect(world.port(PortRole::Submission)).await;
    reply(&mut clear).await;
    assert!(ask(&mut clear, "EHLO x\r\n").await.starts_with("250-"));
    let socket = socket2::SockRef::from(&clear);
    socket
        .set_tcp_user_timeout(Some(std::time::Duration::from_millis(300)))
        .unwrap();
    clear.write_all(b"NOOP\r\n").await.unwrap();
    let error = clear.read(&mut [0]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TimedOut);
    let log = end(world).await;
    assert!(deviated(&log));
    assert!(has(&log, |it| *it == What::ServerVanished));
    assert!(!has(
        &log,
        |it| matches!(it, What::Command { verb, .. } if verb == "NOOP")
    ));
    assert!(!has(&log, |it| *it == What::LingerOver));
}

#[tokio::test]
async fn what_a_subject_leaves_open_stays_so_until_it_has_ended() {
    let steps = [PortRole::Submission; 2].map(|role| step(role, Job::TestConnection));
    let world = start(case(&steps, &[]), Place::Loopback).await.unwrap();
    world.begin_step(1).await;
    let mut kept = connect(world.port(PortRole::Submission)).await;
    assert!(reply(&mut kept).await.starts_with("220 "));
    world.pause().await;
    world.begin_step(2).await;
    say(&mut kept, "NOOP\r\n").await;
    assert!(reply(&mut kept).await.starts_with("250 "));
    world.settle().await;
    let log = world.finish().await;
    let noop = log
        .events
        .iter()
        .find(|it| matches!(&it.what, What::Command { verb, .. } if verb == "NOOP"))
        .unwrap();
    assert_eq!((noop.step, noop.conn), (2, Some(1)));
    let left = |it: &What| matches!(it, What::LingerOver);
    assert_eq!(count(&log, left), 1);
}

#[tokio::test]
async fn a_text_can_name_the_number_of_another_port() {
    let elsewhere = PortRole::Submissions;
    let mut case = case(
        &[step(PortRole::Submission, Job::TestConnection)],
        &[at(
            "NOOP",
            Action::Before(text("250-{port:submissions}\r\n")),
        )],
    );
    case.setup.ports = vec![(elsewhere, PortState::Clear)];
    let world = start(case, Place::Loopback).await.unwrap();
    let mut client = connect(world.port(PortRole::Submission)).await;
    reply(&mut client).await;
    say(&mut client, "EHLO x\r\n").await;
    reply(&mut client).await;
    say(&mut client, "NOOP\r\n").await;
    let said = reply(&mut client).await;
    let number = world.port(elsewhere);
    assert!(said.starts_with(&format!("250-{number}\r\n")), "{said}");
    let mut other = connect(number).await;
    assert!(reply(&mut other).await.starts_with("220 "));
}
