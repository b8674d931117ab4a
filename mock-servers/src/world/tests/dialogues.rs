//! What is said on connections that were accepted.

use mailproof_certs::Fault;
use mailproof_scenarios::model::{ChainSpec, Layer, Split, Then, TlsState, event::Direction};
use pretty_assertions::assert_eq;
use test_case::test_case;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::{client::*, *};

/// Submits a message as a well-behaved client does.
async fn submit(world: &World) {
    let mut clear = connect(world.port(PortRole::Submission)).await;
    reply(&mut clear).await;
    assert!(
        ask(&mut clear, "EHLO x\r\n")
            .await
            .contains("250-STARTTLS\r\n")
    );
    assert!(ask(&mut clear, "STARTTLS\r\n").await.starts_with("220 "));
    let mut tls = secure(clear, trusting()).await.unwrap();
    assert!(ask(&mut tls, "EHLO x\r\n").await.contains("AUTH PLAIN"));
    let account = canaries().accounts[0].clone();
    let plain = format!("\0{}\0{}", account.user, account.password);
    let plain = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, plain);
    assert!(
        ask(&mut tls, &format!("AUTH PLAIN {plain}\r\n"))
            .await
            .starts_with("235 ")
    );
    for command in [
        format!("MAIL FROM:<{}>\r\n", account.user),
        "RCPT TO:<kunde@example.net>\r\n".to_owned(),
    ] {
        assert!(ask(&mut tls, &command).await.starts_with("250 "));
    }
    assert!(ask(&mut tls, "DATA\r\n").await.starts_with("354 "));
    assert!(
        ask(&mut tls, "Subject: x\r\n\r\n..x\r\n.\r\n")
            .await
            .starts_with("250 ")
    );
    assert!(ask(&mut tls, "QUIT\r\n").await.starts_with("221 "));
    let mut rest = Vec::new();
    tls.read_to_end(&mut rest).await.unwrap();
    drop(tls);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_is_submitted_behind_starttls() {
    let world = world(PortRole::Submission, &[]).await;
    submit(&world).await;
    let log = end(world).await;
    assert_eq!(
        commands(&log),
        [
            "EHLO Clear",
            "STARTTLS Clear",
            "EHLO Tls",
            "AUTH Tls",
            "MAIL Tls",
            "RCPT Tls",
            "DATA Tls",
            "(data) Tls",
            "QUIT Tls"
        ]
    );
    assert!(has(
        &log,
        |it| matches!(it, What::MessageAccepted { octets, .. }
        if octets.ends_with(b"Subject: x\r\n\r\n.x\r\n"))
    ));
    assert!(has(
        &log,
        |it| matches!(it, What::ServedChain(chain) if chain.fault == Fault::Valid)
    ));
    assert!(!has(&log, |it| *it == What::LingerOver));
}

#[tokio::test]
async fn octets_injected_behind_the_go_ahead_come_in_one_read() {
    let inject = at(
        "STARTTLS",
        Action::Reply {
            text: text("220 go\r\n250-{host}\r\n250 AUTH PLAIN\r\n"),
            then: Then::Tls,
        },
    );
    let world = world(PortRole::Submission, &[inject]).await;
    let mut clear = connect(world.port(PortRole::Submission)).await;
    reply(&mut clear).await;
    say(&mut clear, "STARTTLS\r\n").await;
    let mut space = [0; 200];
    let len = clear.read(&mut space).await.unwrap();
    assert_eq!(
        String::from_utf8_lossy(&space[..len]),
        "220 go\r\n250-localhost\r\n250 AUTH PLAIN\r\n"
    );
    let mut tls = secure(clear, trusting()).await.unwrap();
    assert!(ask(&mut tls, "EHLO x\r\n").await.contains("AUTH PLAIN"));
    drop(tls);
    let log = end(world).await;
    assert!(deviated(&log));
    assert_eq!(commands(&log), ["STARTTLS Clear", "EHLO Tls"]);
}

#[tokio::test]
async fn a_hello_in_the_same_segment_as_starttls_is_answered() {
    let world = world(PortRole::Submission, &[]).await;
    let mut clear = connect(world.port(PortRole::Submission)).await;
    reply(&mut clear).await;
    let name = rustls::pki_types::ServerName::try_from("localhost").unwrap();
    let mut rustls = rustls::ClientConnection::new(trusting(), name).unwrap();
    let mut octets = b"STARTTLS\r\n".to_vec();
    rustls.write_tls(&mut octets).unwrap();
    clear.write_all(&octets).await.unwrap();
    assert!(reply(&mut clear).await.starts_with("220 "));
    let mut space = [0; 4096];
    while rustls.is_handshaking() {
        let len = clear.read(&mut space).await.unwrap();
        assert_ne!(len, 0);
        let mut rest = &space[..len];
        while !rest.is_empty() {
            rustls.read_tls(&mut rest).unwrap();
            rustls.process_new_packets().unwrap();
        }
    }
    drop(clear);
    let log = end(world).await;
    assert!(has(
        &log,
        |it| matches!(it, What::Received { octets, .. } if octets == b"STARTTLS\r\n")
    ));
    assert!(has(&log, |it| matches!(it, What::ServedChain(_))));
}

#[test_case(Layer::Clear; "starttls")]
#[test_case(Layer::Tls; "implicit")]
#[tokio::test]
async fn a_wrong_key_is_refused_by_who_takes_any_certificate(layer: Layer) {
    let wrong = everywhere(Action::Chain(ChainSpec::of(Fault::WrongKey)));
    let role = if layer == Layer::Tls {
        PortRole::Submissions
    } else {
        PortRole::Submission
    };
    let world = world(role, &[wrong]).await;
    let mut clear = connect(world.port(role)).await;
    if layer == Layer::Clear {
        reply(&mut clear).await;
        ask(&mut clear, "STARTTLS\r\n").await;
    }
    let error = secure(clear, credulous()).await.unwrap_err().to_string();
    assert!(error.contains("BadSignature"), "{error}");
    let log = end(world).await;
    assert!(deviated(&log));
    assert!(has(
        &log,
        |it| matches!(it, What::ServedChain(chain) if chain.fault == Fault::WrongKey)
    ));
    assert!(has(
        &log,
        |it| matches!(it, What::Alert(alert) if alert.from == Direction::Client && alert.fatal)
    ));
    assert!(!has(&log, |it| matches!(it, What::TlsEstablished { .. })));
}

#[tokio::test]
async fn a_credulous_client_takes_a_self_signed_certificate() {
    let chain = everywhere(Action::Chain(ChainSpec::of(Fault::SelfSigned)));
    let world = world(PortRole::Submissions, &[chain]).await;
    let port = world.port(PortRole::Submissions);
    assert!(secure(connect(port).await, trusting()).await.is_err());
    assert!(secure(connect(port).await, credulous()).await.is_ok());
    let log = end(world).await;
    assert_eq!(
        count(&log, |it| matches!(it, What::TlsEstablished { .. })),
        1
    );
}

#[tokio::test]
async fn a_server_of_tls_1_0_only_is_refused_with_an_alert() {
    let old = everywhere(Action::Tls(TlsState::Only10.into()));
    let world = world(PortRole::Submissions, &[old]).await;
    let stream = connect(world.port(PortRole::Submissions)).await;
    assert!(secure(stream, trusting()).await.is_err());
    let log = end(world).await;
    assert!(deviated(&log));
    assert!(has(&log, |it| matches!(it, What::Alert(alert)
        if alert.from == Direction::Client && alert.description == 70)));
    assert!(!has(&log, |it| *it == What::KeyExchange));
}

#[test_case(TlsState::Only12, "TLSv1_2")]
#[test_case(TlsState::Only13, "TLSv1_3")]
#[tokio::test]
async fn servers_of_one_version(state: TlsState, version: &str) {
    let world = world(PortRole::Imaps, &[everywhere(Action::Tls(state.into()))]).await;
    let mut tls = secure(connect(world.port(PortRole::Imaps)).await, trusting())
        .await
        .unwrap();
    assert!(until(&mut tls, "\r\n").await.starts_with("* OK"));
    drop(tls);
    let log = end(world).await;
    assert!(deviated(&log));
    assert!(has(
        &log,
        |it| matches!(it, What::TlsEstablished { version: it, .. } if it == version)
    ));
}

#[tokio::test]
async fn a_greeting_octet_by_octet() {
    let split = Deviation {
        on: On {
            at: Some(At::Greeting),
            ..On::default()
        },
        action: Action::Split {
            split: Split::Octet,
            gap_ms: 1,
        },
    };
    let world = world(PortRole::Submission, &[split]).await;
    let mut clear = connect(world.port(PortRole::Submission)).await;
    let mut first = [0; 100];
    assert_eq!(clear.read(&mut first).await.unwrap(), 1);
    let greeting = reply(&mut clear).await;
    assert!(ask(&mut clear, "QUIT\r\n").await.starts_with("221 "));
    drop(clear);
    let log = end(world).await;
    assert!(deviated(&log));
    let octets = count(
        &log,
        |it| matches!(it, What::Sent { octets, .. } if octets.len() == 1),
    );
    assert_eq!(octets, greeting.len() + 1);
}

#[tokio::test]
async fn who_speaks_while_an_answer_is_held_speaks_early() {
    let hold = at("EHLO", Action::Hold { ms: 50 });
    let world = world(PortRole::Submission, &[hold]).await;
    let mut clear = connect(world.port(PortRole::Submission)).await;
    reply(&mut clear).await;
    say(&mut clear, "EHLO x\r\n").await;
    say(&mut clear, "NOOP\r\n").await;
    assert!(reply(&mut clear).await.starts_with("250-"));
    assert!(reply(&mut clear).await.starts_with("250 "));
    assert!(ask(&mut clear, "QUIT\r\n").await.starts_with("221 "));
    drop(clear);
    let log = end(world).await;
    assert!(deviated(&log));
    assert_eq!(
        commands(&log),
        ["EHLO Clear", "NOOP Clear early", "QUIT Clear"]
    );
}

#[tokio::test]
async fn who_hangs_on_is_left_when_the_linger_is_over() {
    let world = world(PortRole::Submission, &[]).await;
    let mut clear = connect(world.port(PortRole::Submission)).await;
    reply(&mut clear).await;
    let log = end(world).await;
    assert_eq!(log.events.last().unwrap().what, What::LingerOver);
    assert_eq!(clear.read(&mut [0; 9]).await.unwrap_or(0), 0);
}

#[tokio::test]
async fn garbage_is_answered_and_nobody_falls_over() {
    let world = world(PortRole::Submissions, &[]).await;
    let mut clear = connect(world.port(PortRole::Submissions)).await;
    clear
        .write_all(b"\x80\x9e\x01\x03\x01 nonsense \xff\x00\r\n")
        .await
        .unwrap();
    let mut answer = Vec::new();
    clear.read_to_end(&mut answer).await.unwrap();
    assert_eq!(answer[0], 21);
    drop(clear);
    let log = end(world).await;
    assert!(has(&log, |it| matches!(it, What::TlsFailed { .. })));
    assert!(has(
        &log,
        |it| matches!(it, What::Received { layer: Layer::Clear, octets } if octets.starts_with(b"\x80\x9e"))
    ));
}

#[tokio::test]
async fn a_flood_is_reset_and_bounded() {
    let silent = everywhere(Action::Port(mailproof_scenarios::model::PortChange {
        role: None,
        is: mailproof_scenarios::model::PortState::Silent,
    }));
    let world = world(PortRole::Submission, &[silent]).await;
    let mut clear = connect(world.port(PortRole::Submission)).await;
    let chunk = vec![b'x'; 1 << 20];
    let mut sent = 0_u32;
    while clear.write_all(&chunk).await.is_ok() {
        sent += 1;
        assert!(sent < 200, "nobody stops it");
    }
    let log = end(world).await;
    assert!(has(&log, |it| *it == What::ServerClosed { reset: true }));
    let kept: usize = log
        .events
        .iter()
        .map(|it| match &it.what {
            What::Received { octets, .. } => octets.len(),
            _ => 0,
        })
        .sum();
    assert!(kept <= 65 << 20, "{kept}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_waiting_client_is_told_of_one_message() {
    let case = case(&[step(PortRole::Imap, Job::Idle)], &[]);
    let world = start(case, Place::Loopback).await.unwrap();
    let mut clear = connect(world.port(PortRole::Imap)).await;
    until(&mut clear, "\r\n").await;
    let account = canaries().accounts[0].clone();
    say(&mut clear, "a STARTTLS\r\n").await;
    assert!(until(&mut clear, "\r\n").await.starts_with("a OK"));
    let mut tls = secure(clear, trusting()).await.unwrap();
    say(
        &mut tls,
        &format!("b LOGIN {} {}\r\n", account.user, account.password),
    )
    .await;
    assert!(until(&mut tls, "\r\n").await.starts_with("b OK"));
    say(&mut tls, "c SELECT INBOX\r\n").await;
    let mut selected = String::new();
    while !selected.contains("\r\nc ") {
        selected.push_str(&until(&mut tls, "\r\n").await);
    }
    assert!(selected.contains("* 2 EXISTS\r\n"), "{selected}");
    say(&mut tls, "d IDLE\r\n").await;
    assert!(until(&mut tls, "\r\n").await.starts_with('+'));
    assert!(until(&mut tls, "\r\n").await.starts_with("* 3 EXISTS"));
    say(&mut tls, "DONE\r\n").await;
    while !until(&mut tls, "\r\n").await.starts_with("d OK") {}
    say(&mut tls, "e LOGOUT\r\n").await;
    while !until(&mut tls, "\r\n").await.starts_with("e OK") {}
    drop(tls);
    let log = end(world).await;
    assert_eq!(count(&log, |it| *it == What::IdleNotified), 1);
}

#[test_case(mailproof_scenarios::model::PortState::Pop3, "+OK"; "pop3")]
#[test_case(mailproof_scenarios::model::PortState::Http, "HTTP/1.1 400"; "http")]
#[tokio::test]
async fn another_service(state: mailproof_scenarios::model::PortState, answer: &str) {
    let change = mailproof_scenarios::model::PortChange {
        role: Some(PortRole::Submission),
        is: state,
    };
    let world = world(PortRole::Submission, &[everywhere(Action::Port(change))]).await;
    let mut clear = connect(world.port(PortRole::Submission)).await;
    if !answer.starts_with('+') {
        say(&mut clear, "EHLO x\r\n").await;
    }
    assert!(until(&mut clear, "\r\n").await.starts_with(answer));
    drop(clear);
    assert!(deviated(&end(world).await));
}

#[tokio::test]
async fn a_server_without_starttls_says_so_and_refuses_it() {
    let without = everywhere(Action::Without(vec!["STARTTLS".to_owned()]));
    let world = world(PortRole::Submission, &[without]).await;
    let mut clear = connect(world.port(PortRole::Submission)).await;
    reply(&mut clear).await;
    assert!(!ask(&mut clear, "EHLO x\r\n").await.contains("STARTTLS"));
    assert!(ask(&mut clear, "STARTTLS\r\n").await.starts_with('5'));
    drop(clear);
    let log = end(world).await;
    assert_eq!(count(&log, |it| *it == What::Deviated { index: 0 }), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_same_dialogue_again_is_the_same_log() {
    let mut logs = Vec::new();
    for _ in 0..20 {
        let world = world(PortRole::Submission, &[]).await;
        submit(&world).await;
        let log = end(world).await;
        let logical = |it: &What| {
            !matches!(
                it,
                What::WorldStarted { .. }
                    | What::Endpoints { .. }
                    | What::TlsSecret { .. }
                    | What::Raw { .. }
            )
        };
        let events = log.events.into_iter().map(|it| it.what);
        logs.push(events.filter(logical).collect::<Vec<_>>());
    }
    assert!(logs[0].contains(&What::ServerClosed { reset: false }));
    for log in &logs {
        assert_eq!(logs[0], *log);
    }
}

#[tokio::test]
async fn who_writes_to_a_server_that_stopped_reading_comes_to_a_stop() {
    let deaf = at("EHLO", Action::StopReading { resume_ms: None });
    let world = world(PortRole::Submission, &[deaf]).await;
    let mut clear = connect(world.port(PortRole::Submission)).await;
    reply(&mut clear).await;
    assert!(ask(&mut clear, "EHLO x\r\n").await.starts_with("250-"));
    let message = vec![b'x'; 1 << 20];
    let writing = clear.write_all(&message);
    let written = tokio::time::timeout(std::time::Duration::from_millis(200), writing).await;
    assert!(written.is_err(), "{written:?}");
    let log = end(world).await;
    assert!(deviated(&log));
    assert_eq!(commands(&log), ["EHLO Clear"]);
    let last = &log.events.last().unwrap().what;
    assert_eq!(*last, What::ServerClosed { reset: true });
}

#[tokio::test]
async fn a_server_that_paused_reads_on() {
    let pause = at(
        "EHLO",
        Action::StopReading {
            resume_ms: Some(50),
        },
    );
    let world = world(PortRole::Submission, &[pause]).await;
    let mut clear = connect(world.port(PortRole::Submission)).await;
    reply(&mut clear).await;
    assert!(ask(&mut clear, "EHLO x\r\n").await.starts_with("250-"));
    assert!(ask(&mut clear, "QUIT\r\n").await.starts_with("221 "));
    drop(clear);
    let log = end(world).await;
    assert_eq!(commands(&log), ["EHLO Clear", "QUIT Clear"]);
    let when = |fits: fn(&What) -> bool| log.events.iter().find(|it| fits(&it.what)).unwrap().at;
    let paused = when(|it| *it == What::Deviated { index: 0 });
    let heard = when(|it| matches!(it, What::Command { verb, .. } if verb == "QUIT"));
    assert!(heard - paused >= 50_000, "{paused} {heard}");
}
