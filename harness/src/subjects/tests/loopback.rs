//! Over TCP: our own client, and what the built-in libraries do by themselves.

use std::{path::PathBuf, sync::Arc, time::Duration};

use mailproof_certs::Fault;
use mailproof_scenarios::model::{Auth, Job, Protocol, Security, Trust, event::Said};
use pretty_assertions::assert_eq;
use test_case::{test_case, test_matrix};
use tokio::net::TcpListener;

use super::super::{
    embedded,
    test_server::{Log, Server, Then, request, serve},
};
use crate::subject::{Report, Request};
use Job::{Append, Fetch, Idle, List, Send, TestConnection};
use Protocol::{Imap, Smtp};
use Security::{Implicit, None as Clear, StarttlsOptional, StarttlsRequired};

/// Asks a subject, and says what it said and what its server saw. Nobody waits longer than a minute.
fn ask(subject: &str, mut request: Request, server: Server) -> (Report, Vec<String>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let log = Log::default();
    request.timeout_ms = 20_000;
    let report = runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        request.port = listener.local_addr().unwrap().port();
        let (server, seen) = (Arc::new(server), log.clone());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                seen.note("connect".to_owned());
                tokio::spawn(serve(stream, server.clone(), seen.clone()));
            }
        });
        let (subject, ..) = embedded(subject).unwrap();
        let mut session = subject.open();
        let minute = Duration::from_secs(60);
        tokio::time::timeout(minute, session.perform(&request))
            .await
            .unwrap()
    });
    (report, log.lines())
}

fn said(report: &Report) -> Said {
    match report {
        Report::Done { said, .. } => *said,
        Report::Unsupported { what } => panic!("unsupported: {what}"),
    }
}

#[test_matrix(
    ["embedded", "reference"],
    [Send, TestConnection],
    [Clear, StarttlsOptional, StarttlsRequired, Implicit],
    [Trust::Ca, Trust::Always]
)]
fn smtp(subject: &str, job: Job, security: Security, trust: Trust) {
    let mut request = request(Smtp, job, security);
    request.trust = trust;
    let (report, log) = ask(subject, request, Server::new(Smtp, security));
    assert_eq!(said(&report), Said::Success, "{report:?} {log:#?}");
    let sent = log.iter().any(|line| line.contains("(message)"));
    assert_eq!(sent, job == Send, "{log:#?}");
    let secured = log.iter().any(|line| line.starts_with("handshake Some"));
    assert_eq!(secured, security != Clear, "{log:#?}");
}

#[test_matrix(
    ["embedded", "reference"],
    [Fetch, List, Append, Idle, TestConnection],
    [Clear, StarttlsRequired, Implicit]
)]
fn imap(subject: &str, job: Job, security: Security) {
    let request = request(Imap, job, security);
    let (report, log) = ask(subject, request, Server::new(Imap, security));
    assert_eq!(said(&report), Said::Success, "{report:?} {log:#?}");
}

#[test_matrix(["embedded", "reference"], [(Smtp, Send), (Imap, List)], [Auth::Plain, Auth::Xoauth2])]
fn signing_in(subject: &str, (protocol, job): (Protocol, Job), auth: Auth) {
    let mut request = request(protocol, job, Implicit);
    request.auth = auth;
    let (report, log) = ask(subject, request, Server::new(protocol, Implicit));
    assert_eq!(said(&report), Said::Success, "{report:?} {log:#?}");
    let name = auth.name().to_uppercase();
    assert!(log.iter().any(|line| line.contains(&name)), "{log:#?}");
}

#[test_matrix(
    ["embedded", "reference"],
    [(Smtp, Send), (Imap, List)],
    [Implicit, StarttlsRequired],
    [Trust::System, Trust::Ca, Trust::Always]
)]
fn certificates(subject: &str, (protocol, job): (Protocol, Job), security: Security, trust: Trust) {
    for fault in [Fault::SelfSigned, Fault::WrongHost, Fault::WrongKey] {
        let mut request = request(protocol, job, security);
        request.trust = trust;
        let server = Server::new(protocol, security).with(|it| it.fault = fault);
        let (report, log) = ask(subject, request, server);
        let fine = trust == Trust::Always && fault != Fault::WrongKey;
        let expected = if fine {
            Said::Success
        } else {
            Said::RefusedTls
        };
        assert_eq!(said(&report), expected, "{fault} {report:?} {log:#?}");
    }
}

#[test_case(Smtp, Send, "AUTH", "535 5.7.8 wrong\r\n", Said::Permanent)]
#[test_case(Smtp, Send, "RCPT", "450 4.2.0 later\r\n", Said::Temporary)]
#[test_case(Smtp, Send, "data", "554 5.7.1 no\r\n", Said::Permanent)]
#[test_case(Imap, List, "LOGIN", "{tag} NO wrong\r\n", Said::Permanent)]
#[test_case(Imap, Fetch, "SELECT", "{tag} NO nothing here\r\n", Said::Permanent)]
fn refusals(protocol: Protocol, job: Job, place: &'static str, reply: &str, expected: Said) {
    for subject in ["embedded", "reference"] {
        let server = Server::new(protocol, Implicit).instead(place, reply, Then::GoOn);
        let (report, log) = ask(subject, request(protocol, job, Implicit), server);
        assert_eq!(said(&report), expected, "{subject} {report:?} {log:#?}");
        let Report::Done { text, .. } = report else {
            unreachable!("was looked at above");
        };
        let words = reply.trim_end().rsplit_once(' ').unwrap().1;
        assert!(text.contains(words), "{subject}: {text}");
    }
}

#[test_case(
    "embedded",
    Smtp,
    Send,
    Security::Automatic,
    Trust::Ca,
    "security automatic"
)]
#[test_case("embedded", Smtp, Send, Implicit, Trust::Pin, "trust pin")]
#[test_case(
    "embedded",
    Imap,
    List,
    StarttlsOptional,
    Trust::Ca,
    "security starttls-optional"
)]
#[test_case("embedded", Imap, Send, Implicit, Trust::Ca, "job send over imap")]
#[test_case("reference", Smtp, Fetch, Implicit, Trust::Ca, "job fetch over smtp")]
fn what_cannot_be_done_is_said(
    subject: &str,
    protocol: Protocol,
    job: Job,
    security: Security,
    trust: Trust,
    what: &str,
) {
    let mut request = request(protocol, job, security);
    request.trust = trust;
    request.pin_file = Some(PathBuf::from("/nowhere"));
    let (report, log) = ask(subject, request, Server::new(protocol, security));
    let what = what.to_owned();
    assert_eq!(report, Report::Unsupported { what });
    assert!(log.is_empty());
}

#[test_case("do-nothing", Said::Success)]
#[test_case("do-nothing-and-fail", Said::Failed)]
fn whoever_does_nothing_connects_to_nobody(subject: &str, expected: Said) {
    let (report, log) = ask(
        subject,
        request(Smtp, Send, Clear),
        Server::new(Smtp, Clear),
    );
    assert_eq!(said(&report), expected);
    assert!(log.is_empty());
}

/// Whatever must be refused, this client takes it and says success.
#[test_case(Smtp, Send, Server::new(Smtp, Implicit).with(|it| it.fault = Fault::WrongKey); "a certificate without proof")]
#[test_case(Smtp, Send, Server::new(Smtp, Implicit).with(|it| it.fault = Fault::SelfSigned); "a certificate of nobody")]
#[test_case(Smtp, Send, Server::new(Smtp, StarttlsRequired).with(|it| it.clear = "AUTH=PLAIN"); "no starttls")]
#[test_case(Imap, List, Server::new(Imap, StarttlsRequired).reply("greeting", "* PREAUTH hi\r\n"); "preauth")]
fn accepts_everything(protocol: Protocol, job: Job, server: Server) {
    let security = if server.implicit {
        Implicit
    } else {
        StarttlsRequired
    };
    let asked = request(protocol, job, security);
    let (report, log) = ask("accepts-everything", asked, server);
    assert_eq!(said(&report), Said::Success, "{report:?} {log:#?}");
    let done = |line: &String| line.contains("(message)") || line.contains("LIST");
    assert!(log.iter().any(done), "{log:#?}");
}

#[test]
fn a_port_where_nobody_listens_is_a_failure_with_words() {
    for subject in ["embedded", "reference"] {
        for (protocol, job) in [(Smtp, Send), (Imap, List)] {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            let mut request = request(protocol, job, Implicit);
            let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
            request.port = free.local_addr().unwrap().port();
            drop(free);
            let (subject, ..) = embedded(subject).unwrap();
            let report = runtime.block_on(subject.open().perform(&request));
            assert_ne!(said(&report), Said::Success);
        }
    }
}
