//! The client and the small server in one process, joined by pipes, over a clock that nobody waits for.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use mailproof_scenarios::model::{Flaw, event::Said};
use tokio::io::DuplexStream;

use super::super::{
    client::Client, connection::Patience, dial::Dial, flaws::Flaws, kept::Kept, memory::Memory,
};
use crate::{
    subject::{Report, Request},
    subjects::test_server::{Log, PASSWORD, Server, serve},
};

/// What came of it.
#[derive(Debug)]
pub(super) struct Outcome {
    pub(super) reports: Vec<Report>,
    pub(super) log: Vec<String>,
}

impl Outcome {
    pub(super) fn said(&self) -> Said {
        self.said_at(self.reports.len() - 1)
    }

    pub(super) fn said_at(&self, index: usize) -> Said {
        match &self.reports[index] {
            Report::Done { said, .. } => *said,
            Report::Unsupported { what } => panic!("unsupported: {what}"),
        }
    }

    pub(super) fn text(&self) -> &str {
        match self.reports.last().unwrap() {
            Report::Done { text, .. } => text,
            Report::Unsupported { what } => what,
        }
    }

    /// Whether a line of the log has this in it.
    pub(super) fn saw(&self, what: &str) -> bool {
        self.count(what) > 0
    }

    pub(super) fn count(&self, what: &str) -> usize {
        self.log.iter().filter(|line| line.contains(what)).count()
    }

    /// Whether the password was seen in clear, in whatever form.
    pub(super) fn leaked(&self) -> bool {
        let plain = BASE64.encode(format!("\0anna\0{PASSWORD}"));
        let login = BASE64.encode(PASSWORD);
        self.log.iter().any(|line| {
            line.starts_with("clear")
                && [PASSWORD, &plain, &login]
                    .iter()
                    .any(|secret| line.contains(*secret))
        })
    }
}

/// Puts one request to a client.
pub(super) fn run(flaws: &[Flaw], request: Request, server: Server) -> Outcome {
    run_all(flaws, vec![(request, server)])
}

/// Puts requests to a client, one after another, each before its own server.
pub(super) fn run_all(flaws: &[Flaw], steps: Vec<(Request, Server)>) -> Outcome {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    let flaws = Flaws::new(flaws);
    let memory = Memory::default();
    let kept = Kept::default();
    let log = Log::default();
    let reports = runtime.block_on(async {
        let mut reports = Vec::new();
        for (request, server) in steps {
            let world = World {
                server: Arc::new(server),
                log: log.clone(),
            };
            let client = Client {
                dial: &world,
                request: &request,
                flaws: &flaws,
                memory: &memory,
                kept: &kept,
            };
            let limit = Duration::from_secs(3600);
            let report = tokio::time::timeout(limit, client.perform()).await;
            reports.push(report.unwrap_or_else(|_| Report::failure(Said::Failed, "HANG")));
        }
        // Let the servers see the end.
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        reports
    });
    drop(runtime);
    let log = log.lines();
    Outcome { reports, log }
}

/// What every name is an alias of.
pub(super) const CANONICAL_NAME: &str = "host.elsewhere.example";

struct World {
    server: Arc<Server>,
    log: Log,
}

impl Dial for World {
    type Stream = DuplexStream;

    async fn look_up(
        &self,
        _host: &str,
        port: u16,
        _patience: Patience,
    ) -> io::Result<Vec<SocketAddr>> {
        let addresses = self.server.addresses.iter();
        Ok(addresses
            .map(|(ip, _)| SocketAddr::new(*ip, port))
            .collect())
    }

    async fn connect(
        &self,
        address: SocketAddr,
        patience: Patience,
    ) -> io::Result<(DuplexStream, IpAddr)> {
        self.log.note(format!("connect {}", address.port()));
        let mut known = self.server.addresses.iter();
        let answers = known.find(|(ip, _)| *ip == address.ip());
        let answers = answers.and_then(|(_, answers)| *answers);
        if answers.is_none() {
            let patience = patience.0.unwrap_or(Duration::MAX);
            tokio::time::sleep(patience).await;
            return Err(io::ErrorKind::TimedOut.into());
        }
        if answers == Some(false) || self.server.closed_port == Some(address.port()) {
            return Err(io::ErrorKind::ConnectionRefused.into());
        }
        let (ours, theirs) = tokio::io::duplex(1 << 20);
        tokio::spawn(serve(theirs, self.server.clone(), self.log.clone()));
        Ok((ours, Ipv4Addr::LOCALHOST.into()))
    }

    async fn canonical_name(&self, _host: &str) -> Option<String> {
        Some(CANONICAL_NAME.to_owned())
    }
}
