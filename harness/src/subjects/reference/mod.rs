//! The reference client: a small and correct SMTP submission and IMAP client, with one switch for each
//! mistake that a case may have to catch.
//!
//! Without flaws it makes one attempt for each request, never retries and remembers nothing. The way through
//! it: `client` turns a request into an attempt, `dial` connects, `smtp` and `imap` hold the session over a
//! `connection`, `tls` and `verifier` decide whom to trust, `failure` is what the user gets to read. Flaws
//! are asked for by name through `flaws`, at the place where the mistake is made.

mod by_hand;
mod chain;
mod client;
mod connection;
mod dial;
mod failure;
mod flaws;
mod imap;
mod kept;
mod memory;
mod names;
mod ocsp;
mod path;
mod smtp;
mod strict;
mod task;
#[cfg(test)]
mod tests;
mod tls;
mod tolerant;
mod verifier;
mod watch;
mod write_through;

use std::sync::Arc;

use mailproof_scenarios::model::{Auth, Flaw, Job, Protocol, Security, Trust};
use tokio::net::TcpStream;

use crate::subject::{Embedded, Performing, Request, Session, Supports};

use client::Client;
use dial::Tcp;
use flaws::Flaws;
use kept::Kept;
use memory::Memory;

/// What the client can do.
const JOBS: &[(Protocol, Job)] = &[
    (Protocol::Smtp, Job::Send),
    (Protocol::Smtp, Job::TestConnection),
    (Protocol::Imap, Job::Fetch),
    (Protocol::Imap, Job::List),
    (Protocol::Imap, Job::Append),
    (Protocol::Imap, Job::Idle),
    (Protocol::Imap, Job::TestConnection),
];

/// The mistakes of a client that takes whatever it is given.
const ACCEPTING: &[Flaw] = &[
    Flaw::AcceptsAnyCertificate,
    Flaw::AcceptsAnyGreeting,
    Flaw::AcceptsEarlyTagged,
    Flaw::AcceptsPreauth,
    Flaw::AcceptsOldTls,
    Flaw::AcceptsUnofferedAlpn,
    Flaw::AcceptsUnofferedSuite,
    Flaw::AnswersAnyContinuation,
    Flaw::ClearRetry,
    Flaw::ContinuesInClear,
    Flaw::HeloFallbackInClear,
    Flaw::IgnoresDataReply,
    Flaw::IgnoresDowngradeSentinel,
    Flaw::IgnoresEnvelopeReplies,
    Flaw::IgnoresLoginDisabled,
    Flaw::IgnoresProof,
    Flaw::IgnoresRecordLimit,
    Flaw::KeepsClearBuffer,
    Flaw::KeepsClearCapabilities,
    Flaw::MailWithoutAuth,
    Flaw::PasswordInClearOptional,
    Flaw::ReportsSuccess,
    Flaw::StarttlsAnyReplyInClear,
];

/// The reference client.
#[derive(Clone, Debug, Default)]
pub struct Reference {
    flaws: Arc<Flaws>,
    memory: Arc<Memory>,
}

impl Reference {
    /// The client with these mistakes; perfect without any.
    pub fn new(flaws: &[Flaw]) -> Self {
        Self {
            flaws: Arc::new(Flaws::new(flaws)),
            memory: Arc::default(),
        }
    }

    /// A client that takes whatever it is given and always says success.
    pub fn accepting_everything() -> Self {
        Self::new(ACCEPTING)
    }

    /// What the client can do: every setting there is. Trust `system` has no anchors and refuses every
    /// certificate; security `automatic` is TLS or nothing.
    pub fn supports() -> Supports {
        Supports {
            protocols: Protocol::ALL.to_vec(),
            jobs: JOBS.to_vec(),
            security: Security::ALL.to_vec(),
            trust: Trust::ALL.to_vec(),
            auth: Auth::ALL.to_vec(),
            same_process: true,
            several_recipients: true,
            store: true,
            crl: true,
        }
    }
}

impl Embedded for Reference {
    fn open(&self) -> Box<dyn Session> {
        Box::new(Running {
            reference: self.clone(),
            kept: Kept::default(),
        })
    }
}

/// The client between two requests: it has nothing to keep but its flaws.
struct Running {
    reference: Reference,
    kept: Kept<TcpStream>,
}

impl Session for Running {
    fn perform<'a>(&'a mut self, request: &'a Request) -> Performing<'a> {
        let client = Client {
            dial: &Tcp,
            request,
            flaws: &self.reference.flaws,
            memory: &self.reference.memory,
            kept: &self.kept,
        };
        Box::pin(client.perform())
    }
}
