//! From a request to a report: one attempt, except where a flaw demands more.
//!
//! Must not know what is said on a connection; the sessions know.

use std::{
    fs,
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use mailproof_scenarios::model::{Job, Protocol, Security, Trust, event::Said};

use crate::subject::{Report, Request};

use super::{
    by_hand::Careless,
    connection::{Connection, Patience, Reading, Writing},
    dial::{self, Dial, reach},
    failure::{Failure, Kind, Phase, quote},
    flaws::Flaws,
    imap,
    kept::Kept,
    memory::{Memory, State},
    smtp,
    task::Task,
    tls,
};

/// The client at work on one request.
pub(super) struct Client<'a, D: Dial> {
    pub(super) dial: &'a D,
    pub(super) request: &'a Request,
    pub(super) flaws: &'a Flaws,
    pub(super) memory: &'a Memory,
    pub(super) kept: &'a Kept<D::Stream>,
}

/// How one attempt connects.
#[derive(Clone, Copy, Debug)]
struct Plan {
    port: u16,
    security: Security,
    /// A flaw: TLS is written by hand.
    by_hand: Option<Careless>,
    /// A flaw: the address to use, whatever the host has.
    address: Option<SocketAddr>,
}

impl<D: Dial> Client<'_, D> {
    /// Does what is asked and puts it into words.
    pub(super) async fn perform(self) -> Report {
        let supports = super::Reference::supports();
        if let Some(what) = super::super::lacks(&supports, self.request) {
            return Report::Unsupported { what };
        }
        // So that what all requests share is there to be shared.
        self.memory.note(self.request, |_| ());
        let remembered = self.memory.recall(self.request);
        if self.request.trust == Trust::Always && self.flaws.always_trust_leaks() {
            let change = |state: &mut State| state.somebody_trusts_always = true;
            self.memory.note(self.request, change);
        }
        let outcome = self.outcome(&remembered).await;
        self.report(outcome)
    }

    async fn outcome(&self, remembered: &State) -> Result<String, Failure> {
        if self.flaws.gives_up_after_refusal() && remembered.was_refused {
            let why = "the account does not work, it was given up";
            return Err(self.phase("start").declined(Said::Failed, why));
        }
        let plan = Plan {
            port: self.request.port,
            security: self.request.security,
            by_hand: None,
            address: None,
        };
        if self.flaws.address_as_server_name() && self.request.host.parse::<IpAddr>().is_ok() {
            let by_hand = Careless::of(self.flaws);
            // It comes to nothing with any server of today, and then the library may try.
            let _ = self.attempt(Plan { by_hand, ..plan }, remembered).await;
        }
        let outcome = match self.request.security {
            Security::Automatic => self.automatic(plan, remembered).await,
            _ => self.attempt(plan, remembered).await,
        };
        match outcome {
            Err(failure) => self.second_chances(plan, remembered, failure).await,
            done => done,
        }
    }

    /// Automatic security is TLS or nothing: as the port's number demands, and on a port of no registered
    /// number TLS at once, then STARTTLS if the server does not know what to make of that.
    async fn automatic(&self, plan: Plan, remembered: &State) -> Result<String, Failure> {
        let with = |security| Plan { security, ..plan };
        let implicit = with(Security::Implicit);
        let starttls = with(Security::StarttlsRequired);
        match plan.port {
            465 | 993 => self.attempt(implicit, remembered).await,
            25 | 143 | 587 | 2525 => self.attempt(starttls, remembered).await,
            _ => match self.attempt(implicit, remembered).await {
                Err(failure) if failure.kind == Kind::Handshake => {
                    self.attempt(starttls, remembered).await
                }
                outcome => outcome,
            },
        }
    }

    /// One attempt on one connection.
    async fn attempt(&self, plan: Plan, remembered: &State) -> Result<String, Failure> {
        let request = self.request;
        let patience = self.patience();
        let secure = plan.security != Security::None;
        let alias = if secure && self.flaws.follows_the_alias() {
            self.dial.canonical_name(&request.host).await
        } else {
            None
        };
        let tls = secure
            .then(|| tls::prepare(request, plan.security, self.flaws, remembered, alias))
            .transpose()?;
        let message = self.message()?;
        let kept = self.kept.take(&request.host, plan.port);
        let resumed = kept.is_some();
        let (connection, own_address) = match kept {
            Some(kept) => kept,
            None => self.connect(plan, patience).await?,
        };
        let task = Task {
            request,
            flaws: self.flaws,
            security: plan.security,
            tls,
            by_hand: plan.by_hand,
            own_address,
            message,
        };
        let (outcome, connection) = match request.protocol {
            Protocol::Smtp if resumed => {
                smtp::Session::new(connection, &task)
                    .perform_behind_another()
                    .await
            }
            Protocol::Smtp => smtp::Session::new(connection, &task).perform().await,
            Protocol::Imap => imap::Session::new(connection, &task).perform().await,
        };
        self.remember(&outcome, &connection);
        let outcome = outcome.map_err(|failure| with_last_words(failure, connection.heard()));
        if outcome.is_ok() && self.flaws.reuses_clear_connections() {
            self.kept
                .keep(&request.host, plan.port, connection, own_address);
        }
        outcome
    }

    async fn connect(
        &self,
        plan: Plan,
        patience: Patience,
    ) -> Result<(Connection<D::Stream>, IpAddr), Failure> {
        let dialled = match plan.address {
            Some(address) => self.dial.connect(address, patience).await,
            None => {
                let host = dial::in_ascii(&self.request.host);
                reach(self.dial, (&host, plan.port), patience, self.flaws).await
            }
        };
        let (stream, own_address) = dialled.map_err(|error| {
            let why = format!(
                "no connection to {}:{}: {error}",
                self.request.host, plan.port
            );
            let phase = self.phase("connect");
            phase.failure(Kind::Connect, Said::Temporary, &why)
        })?;
        let reading = Reading {
            segments_are_lines: self.flaws.assumes_segments(),
            small_buffer: self.flaws.small_read_buffer(),
            restarts_timer: self.flaws.restarts_timer(),
            endless_lines: self.flaws.reads_endless_lines(),
            loops_at_eof: self.flaws.loops_at_eof(),
            writing: if self.flaws.writes_forever() {
                Writing::Forever
            } else if self.flaws.impatient_writer() {
                Writing::Moment
            } else {
                Writing::Patient
            },
            skips_clear_in_handshake: self.flaws.skips_clear_in_handshake(),
        };
        Ok((Connection::new(stream, patience, reading), own_address))
    }

    fn patience(&self) -> Patience {
        if self.flaws.waits_forever() {
            Patience(None)
        } else {
            Patience(Some(Duration::from_millis(self.request.timeout_ms)))
        }
    }

    /// A flaw: tries every address but the first, whatever came of the one before.
    async fn everywhere_else(
        &self,
        plan: Plan,
        remembered: &State,
        failure: Failure,
    ) -> Result<String, Failure> {
        let host = dial::in_ascii(&self.request.host);
        let addresses = self.dial.look_up(&host, plan.port, self.patience()).await;
        let mut outcome = Err(failure);
        for address in addresses.unwrap_or_default().into_iter().skip(1) {
            let plan = Plan {
                address: Some(address),
                ..plan
            };
            outcome = self.attempt(plan, remembered).await.or(outcome);
        }
        outcome
    }

    /// What only a flawed client does after a failure.
    async fn second_chances(
        &self,
        plan: Plan,
        remembered: &State,
        failure: Failure,
    ) -> Result<String, Failure> {
        let always = self.request.trust == Trust::Always;
        let drops_tls = self.flaws.clear_retry() || (always && self.flaws.always_trust_drops_tls());
        let mut outcome = Err(failure);
        let in_clear = Plan {
            security: Security::None,
            ..plan
        };
        let careless = Careless::of(self.flaws);
        if careless.is_some() && failed(&outcome, |it| it.kind == Kind::Handshake) {
            let by_hand = Plan {
                by_hand: careless,
                ..plan
            };
            outcome = self.attempt(by_hand, remembered).await;
        }
        if let Some(port) = outcome.as_ref().err().and_then(|it| it.referral) {
            outcome = self.attempt(Plan { port, ..in_clear }, remembered).await;
        }
        if drops_tls && failed(&outcome, Failure::is_about_tls) {
            outcome = self.attempt(in_clear, remembered).await;
        }
        if self.flaws.sends_over_every_address()
            && let Err(failure) = outcome
        {
            outcome = self.everywhere_else(plan, remembered, failure).await;
        }
        let certificate = |it: &Failure| it.kind == Kind::Certificate;
        if self.flaws.waits_for_consent() && failed(&outcome, certificate) {
            // The answer that never comes.
            std::future::pending::<()>().await;
        }
        if self.flaws.takes_silence_for_consent() && failed(&outcome, certificate) {
            let nobody_objected = State {
                anything_goes: true,
                ..remembered.clone()
            };
            outcome = self.attempt(plan, &nobody_objected).await;
        }
        for _ in 0..5 {
            if self.flaws.retries_after_certificate() && failed(&outcome, certificate) {
                outcome = self.attempt(plan, remembered).await;
            }
        }
        if self.flaws.tries_other_ports() {
            for port in [587, 465, 25, 143, 2525] {
                let elsewhere = |it: &Failure| {
                    it.is_about_tls() || matches!(it.kind, Kind::Connect | Kind::Lost)
                };
                if port != plan.port && failed(&outcome, elsewhere) {
                    outcome = self.attempt(Plan { port, ..plan }, remembered).await;
                }
            }
        }
        let lost = |it: &Failure| it.kind == Kind::Lost;
        while self.flaws.reconnects_without_end() && failed(&outcome, lost) {
            tokio::time::sleep(Duration::from_millis(50)).await;
            outcome = self.attempt(plan, remembered).await;
        }
        for _ in 0..3 {
            let lost = |it: &Failure| it.kind == Kind::LostReply;
            if self.flaws.resends_after_lost_reply() && failed(&outcome, lost) {
                outcome = self.attempt(plan, remembered).await;
            }
        }
        for _ in 0..3 {
            let permanent = |it: &Failure| it.said == Said::Permanent;
            if self.flaws.repeats_after_permanent() && failed(&outcome, permanent) {
                outcome = self.attempt(plan, remembered).await;
            }
        }
        for _ in 0..5 {
            let temporary = |it: &Failure| it.said == Said::Temporary;
            if self.flaws.retries_at_once() && failed(&outcome, temporary) {
                outcome = self.attempt(plan, remembered).await;
            }
        }
        outcome
    }

    fn remember<S: super::connection::Stream>(
        &self,
        outcome: &Result<String, Failure>,
        connection: &Connection<S>,
    ) {
        let request = self.request;
        let refused = |it: &Failure| it.kind == Kind::Refused && it.said == Said::Permanent;
        if self.flaws.gives_up_after_refusal() && failed(outcome, refused) {
            self.memory.note(request, |state| state.was_refused = true);
        }
        if self.flaws.verifies_once() && connection.peer().is_some() {
            let host = request.host.clone();
            self.memory.note(request, |state| state.verified.push(host));
        }
        let accepted = connection.peer();
        let keeps = match request.trust {
            Trust::Always => self.flaws.remembers_exceptions(),
            Trust::Pin => self.flaws.pin_leaks(),
            _ => false,
        };
        if let Some(leaf) = accepted.filter(|_| keeps) {
            self.memory
                .note(request, |state| state.exceptions.push(leaf.clone()));
        }
    }

    fn report(&self, outcome: Result<String, Failure>) -> Report {
        if self.flaws.crashes()
            && let Err(failure) = &outcome
        {
            panic!("a failure that nobody thought of: {}", failure.text);
        }
        let (said, text) = match outcome {
            Ok(words) => (Said::Success, words),
            Err(failure) => (failure.said, failure.text),
        };
        let said = match said {
            _ if self.flaws.reports_success() => Said::Success,
            _ if self.flaws.reports_failure() => Said::Failed,
            said => said,
        };
        let text = if self.flaws.prints_secrets() && said != Said::Success {
            let Request { user, password, .. } = self.request;
            format!("{text}\n(signed in as {user} with {password})")
        } else {
            masked(text, self.request)
        };
        Report::Done { said, text }
    }

    fn message(&self) -> Result<Vec<u8>, Failure> {
        let file = &self.request.message_file;
        if !matches!(self.request.job, Job::Send | Job::Append) {
            return Ok(Vec::new());
        }
        fs::read(file).map_err(|error| {
            let why = format!("cannot read the message {}: {error}", file.display());
            self.phase("settings").declined(Said::Failed, &why)
        })
    }

    fn phase(&self, step: &'static str) -> Phase {
        Phase {
            protocol: self.request.protocol,
            step,
        }
    }
}

fn failed(outcome: &Result<String, Failure>, how: impl Fn(&Failure) -> bool) -> bool {
    outcome.as_ref().err().is_some_and(how)
}

/// The user gets to read the last that the server said, also where that was not the reason.
fn with_last_words(mut failure: Failure, heard: &[u8]) -> Failure {
    let heard = quote(heard);
    if !heard.is_empty() && !failure.text.contains(&heard) {
        failure.text = format!("{} (the server's last words: {heard})", failure.text);
    }
    failure
}

/// A server may say anything, also what it was told in secret.
fn masked(mut text: String, request: &Request) -> String {
    for secret in super::task::secrets(request) {
        text = text.replace(&secret, "***");
    }
    text
}
