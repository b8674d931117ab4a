//! From a request to a report: one attempt, except where a flaw demands more.
//!
//! Must not know what is said on a connection; the sessions know.

use std::{fs, time::Duration};

use mailproof_scenarios::model::{Job, Protocol, Security, Trust, event::Said};

use crate::subject::{Report, Request};

use super::{
    connection::{Connection, Patience, Reading},
    dial::{self, Dial},
    failure::{Failure, Kind, Phase, quote},
    flaws::Flaws,
    imap,
    memory::{Memory, State},
    smtp,
    task::Task,
    tls,
};

/// The client at work on one request.
pub(super) struct Client<'a, D> {
    pub(super) dial: &'a D,
    pub(super) request: &'a Request,
    pub(super) flaws: &'a Flaws,
    pub(super) memory: &'a Memory,
}

/// How one attempt connects.
#[derive(Clone, Copy, Debug)]
struct Plan {
    port: u16,
    security: Security,
    old_tls: bool,
}

impl<D: Dial> Client<'_, D> {
    /// Does what is asked and puts it into words.
    pub(super) async fn perform(self) -> Report {
        let supports = super::Reference::supports();
        if let Some(what) = super::super::lacks(&supports, self.request) {
            return Report::Unsupported { what };
        }
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
            old_tls: false,
        };
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
        let patience = if self.flaws.waits_forever() {
            Patience(None)
        } else {
            Patience(Some(Duration::from_millis(request.timeout_ms)))
        };
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
        let host = dial::in_ascii(&request.host);
        let dialled = self.dial.dial(&host, plan.port, patience).await;
        let (stream, own_address) = dialled.map_err(|error| {
            let why = format!("no connection to {}:{}: {error}", request.host, plan.port);
            let phase = self.phase("connect");
            phase.failure(Kind::Connect, Said::Temporary, &why)
        })?;
        let reading = Reading {
            segments_are_lines: self.flaws.assumes_segments(),
            small_buffer: self.flaws.small_read_buffer(),
        };
        let connection = Connection::new(stream, patience, reading);
        let task = Task {
            request,
            flaws: self.flaws,
            security: plan.security,
            tls,
            old_tls: plan.old_tls,
            own_address,
            message,
        };
        let (outcome, connection) = match request.protocol {
            Protocol::Smtp => smtp::Session::new(connection, &task).perform().await,
            Protocol::Imap => imap::Session::new(connection, &task).perform().await,
        };
        self.remember(&outcome, &connection);
        outcome.map_err(|failure| with_last_words(failure, connection.heard()))
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
        let old_tls = Plan {
            old_tls: true,
            ..plan
        };
        if self.flaws.accepts_tls10() && failed(&outcome, |it| it.kind == Kind::Handshake) {
            outcome = self.attempt(old_tls, remembered).await;
        }
        if drops_tls && failed(&outcome, Failure::is_about_tls) {
            outcome = self.attempt(in_clear, remembered).await;
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
