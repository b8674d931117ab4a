//! An IMAP session from the greeting to LOGOUT (RFC 9051, RFC 3501).
//!
//! What the server says unasked is taken in at any time, and counts for nothing before TLS. Must not know
//! how the connection came about, or what follows a failure.

mod command;
mod jobs;
mod response;
mod sign_in;
mod stale;

use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    time::Duration,
};

use mailproof_scenarios::model::{Job, Security, event::Said};

use super::{
    connection::{Connection, Deadline, Stream},
    failure::{Failure, Kind, Phase, quote},
    task::Task,
};
use command::Part;
use response::{Response, Status};
use stale::Stale;

/// One session.
pub(super) struct Session<'a, S> {
    connection: Connection<S>,
    task: &'a Task<'a>,
    /// How many commands were sent; their tags follow from it.
    sent: u32,
    /// When the command that runs must be done.
    until: Deadline,
    /// What the server is known to be able to do; `None` before it said anything.
    capabilities: Option<BTreeSet<String>>,
    learned: Learned,
    authenticated: bool,
    /// The line with which the server said BYE.
    bye: Option<Vec<u8>>,
    /// A flaw has led the session into the clear, and it goes on there.
    astray: bool,
    /// The first line to come began before the last command was sent, so it cannot answer that.
    stale_answer: bool,
    /// A flaw: what was told in clear.
    stale: Stale,
    /// A flaw: the port of the server that a referral named.
    referral: Option<u16>,
    /// A flaw: completions that came before their commands.
    early: BTreeMap<u32, Completion>,
    /// A flaw: a continuation request that is sure to come and was not waited for.
    not_waited_for: u32,
}

/// What untagged responses told. Everything that comes before TLS is forgotten.
#[derive(Debug, Default)]
struct Learned {
    exists: Option<u32>,
    expunged: u32,
    /// Numbers of the messages whose text came.
    read: HashSet<u32>,
    /// Texts that the user must see (RFC 9051 §7.1).
    alerts: Vec<String>,
}

/// How a command ended.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Completion {
    status: Status,
    /// Behind the status.
    text: Vec<u8>,
    line: Vec<u8>,
    /// A flaw: it came before the command, and was taken for its completion all the same.
    is_early: bool,
}

impl<'a, S: Stream> Session<'a, S> {
    pub(super) fn new(connection: Connection<S>, task: &'a Task<'a>) -> Self {
        Self {
            connection,
            task,
            sent: 0,
            until: None,
            capabilities: None,
            learned: Learned::default(),
            authenticated: false,
            bye: None,
            astray: false,
            stale_answer: false,
            stale: Stale::default(),
            referral: None,
            early: BTreeMap::new(),
            not_waited_for: 0,
        }
    }

    /// Does the job and says goodbye. The words for the user are the server's alerts. Returns the connection
    /// for those who ask for what was heard last.
    pub(super) async fn perform(mut self) -> (Result<String, Failure>, Connection<S>) {
        let mut outcome = self.work().await;
        let goodbye = outcome.as_ref().err().is_none_or(Failure::allows_goodbye);
        if goodbye && self.bye.is_none() {
            let goodbye = self.logout().await;
            if self.task.flaws.needs_goodbye() {
                outcome = outcome.and(goodbye);
            }
            if self.task.flaws.needs_close_notify() {
                let left = self.connection.await_close_notify().await;
                outcome = outcome.and(left.map_err(|cut| Phase::imap("LOGOUT").cut(&cut)));
            }
        }
        self.connection.close().await;
        let alerts = self.learned.alerts.join("\n");
        let outcome = match outcome {
            Ok(()) => Ok(alerts),
            Err(mut failure) => {
                failure.referral = self.referral;
                if !alerts.is_empty() {
                    failure.text = format!("{}\n{alerts}", failure.text);
                }
                Err(failure)
            }
        };
        (outcome, self.connection)
    }

    async fn work(&mut self) -> Result<(), Failure> {
        if self.task.security == Security::Implicit {
            let secured = self.secure().await?;
            self.astray = !secured;
        }
        self.greeting().await?;
        if self.task.wants_starttls() && !self.astray {
            self.starttls().await?;
        }
        if self.capabilities.is_none() && !self.astray {
            self.ask_capabilities().await?;
        }
        let inside = self.connection.is_encrypted() && self.can("STARTTLS");
        if inside && self.task.flaws.starttls_inside_tls() {
            self.starttls().await?;
        }
        self.sign_in().await?;
        match self.task.request.job {
            Job::Fetch => self.fetch().await,
            Job::List => self.list().await,
            Job::Append => self.append().await,
            Job::Idle => self.idle().await,
            Job::TestConnection | Job::Send => Ok(()),
        }
    }

    /// RFC 9051 §7.1: OK, PREAUTH or BYE, untagged. PREAUTH in clear leaves no way to TLS (§6.2.1), so it is
    /// accepted only where that is not wanted.
    async fn greeting(&mut self) -> Result<(), Failure> {
        let phase = Phase::imap("greeting");
        let flaws = self.task.flaws;
        self.until = self.connection.patience().times(2);
        let line = self.read(phase).await?;
        self.note_referral(&line.octets);
        match response::parse(&line) {
            Ok(Response::Status {
                status: Status::Ok,
                text,
            }) => {
                if self.referral.is_some() {
                    return Err(phase.declined(Said::Failed, "the account is elsewhere"));
                }
                self.note_alert(&text);
                self.learn_code(phase, &text)
            }
            Ok(Response::Preauth { text }) => {
                let fine = self.connection.is_encrypted() || self.task.security == Security::None;
                if !fine && !flaws.accepts_preauth() {
                    return Err(phase.failure(
                        Kind::Nonsense,
                        Said::RefusedTls,
                        &format!(
                            "the server skips signing in and with it TLS: {}",
                            quote(&line.octets)
                        ),
                    ));
                }
                self.learn_code(phase, &text)?;
                self.authenticated = true;
                self.astray |= !fine;
                Ok(())
            }
            _ if flaws.bad_greeting_skips_tls() => {
                self.astray = true;
                Ok(())
            }
            _ if flaws.accepts_any_greeting() => Ok(()),
            Ok(Response::Bye) => Err(phase.dismissed(&self.unverified(&line.octets))),
            _ => Err(phase.nonsense("this is no IMAP greeting", &quote(&line.octets))),
        }
    }

    /// RFC 9051 §6.2.1: everything learned before is forgotten, and what came behind the go-ahead in clear
    /// is not looked at.
    async fn starttls(&mut self) -> Result<(), Failure> {
        let phase = Phase::imap("STARTTLS");
        let flaws = self.task.flaws;
        if self.authenticated {
            return Ok(());
        }
        match self.ask_capabilities().await {
            // A flaw: who will not say whether it has TLS, is taken for one that has not.
            Err(failure) if failure.kind == Kind::Refused && flaws.continues_in_clear() => {
                self.astray = true;
                return self.without_tls(failure);
            }
            outcome => outcome?,
        }
        if flaws.auth_before_tls() {
            self.sign_in_too_early().await?;
            if self.authenticated {
                return Ok(());
            }
        }
        if !self.can("STARTTLS") && !flaws.starttls_blindly() {
            return self.without_tls(phase.failure(
                Kind::Declined,
                Said::RefusedTls,
                "the server does not offer it, and the settings demand a secure connection",
            ));
        }
        let completion = if flaws.starttls_any_reply_in_clear() {
            self.run_to_any_reply(phase, &[Part::text("STARTTLS")])
                .await?
        } else {
            Some(self.run(phase, &[Part::text("STARTTLS")]).await?)
        };
        let Some(completion) = completion.filter(|it| !it.is_early) else {
            // A flaw: takes the promise, or whatever it was, for the deed.
            self.astray = true;
            return Ok(());
        };
        if completion.status != Status::Ok {
            if flaws.repeats_starttls() {
                for _ in 0..4 {
                    self.run(phase, &[Part::text("STARTTLS")]).await?;
                }
            }
            if flaws.starttls_blindly() && completion.status == Status::Bad {
                self.astray = true;
                return Ok(());
            }
            let mut refusal = self.refusal(phase, &completion);
            if refusal.said == Said::Permanent {
                refusal.said = Said::RefusedTls;
            }
            return self.without_tls(refusal);
        }
        if !self.connection.unread().is_empty() && !self.task.keeps_clear() {
            return Err(phase.failure(
                Kind::Nonsense,
                Said::RefusedTls,
                "more than the go-ahead came in clear, which may be an attack",
            ));
        }
        let mut known = self.capabilities.take().unwrap_or_default();
        let shown = std::mem::take(&mut self.learned.alerts);
        self.learned = Learned::default();
        if flaws.shows_clear_alerts() {
            self.learned.alerts = shown;
        }
        self.early.clear();
        if !self.secure().await? {
            self.astray = true;
            self.capabilities = Some(known);
            return Ok(());
        }
        // What is kept by mistake is what the client would use.
        known.remove("LOGINDISABLED");
        if flaws.no_second_ehlo() {
            self.capabilities = Some(known);
        } else if flaws.keeps_clear_capabilities() {
            self.ask_capabilities().await?;
            self.capabilities.get_or_insert_default().extend(known);
        }
        Ok(())
    }

    /// TLS is not to be had. With optional TLS the session goes on, without a password.
    fn without_tls(&self, failure: Failure) -> Result<(), Failure> {
        if failure.allows_goodbye() && self.task.may_stay_in_clear() {
            return Ok(());
        }
        Err(failure)
    }

    async fn secure(&mut self) -> Result<bool, Failure> {
        let phase = Phase::imap("TLS handshake");
        self.task.secure(&mut self.connection, phase).await
    }

    async fn ask_capabilities(&mut self) -> Result<(), Failure> {
        let phase = Phase::imap("CAPABILITY");
        self.capabilities = None;
        let completion = self.run(phase, &[Part::text("CAPABILITY")]).await?;
        self.expect_ok(phase, &completion)?;
        if self.capabilities.is_none() {
            let what = quote(&completion.line);
            return Err(phase.nonsense("the server named no capabilities", &what));
        }
        Ok(())
    }

    /// RFC 9051 §6.1.3. However it ends, the work was done before.
    ///
    /// # Errors
    /// Where the server does not answer OK; that is a failure only for a flawed client.
    async fn logout(&mut self) -> Result<(), Failure> {
        let patience = self.connection.patience().at_most(Duration::from_secs(2));
        self.connection.set_patience(patience);
        let phase = Phase::imap("LOGOUT");
        let heard = self.connection.heard().to_vec();
        let outcome = self.run(phase, &[Part::text("LOGOUT")]).await;
        self.connection.set_heard(heard);
        self.expect_ok(phase, &outcome?)
    }

    fn can(&self, capability: &str) -> bool {
        let capabilities = self.capabilities.as_ref();
        capabilities.is_some_and(|them| them.contains(capability))
    }

    /// Whether the channel is one for passwords.
    fn may_show_password(&self) -> bool {
        self.connection.is_encrypted() || self.task.may_show_password() || self.astray
    }

    fn expect_ok(&self, phase: Phase, completion: &Completion) -> Result<(), Failure> {
        match completion.status {
            Status::Ok => Ok(()),
            _ => Err(self.refusal(phase, completion)),
        }
    }

    /// A NO or BAD for the user (RFC 9051 §7.1, RFC 5530 §3).
    fn refusal(&self, phase: Phase, completion: &Completion) -> Failure {
        let passing = ["UNAVAILABLE", "INUSE", "LIMIT", "SERVERBUG", "THROTTLED"];
        let code = response::code_name(&completion.text);
        let said = match code.as_deref() {
            Some(code) if passing.contains(&code) => Said::Temporary,
            _ => Said::Permanent,
        };
        let mut words = self.unverified(&completion.line);
        if let Some(bye) = &self.bye {
            words = format!("{}\n{words}", self.unverified(bye));
        }
        let mut refusal = phase.refused(said, &words);
        if self.bye.is_some() {
            refusal.kind = Kind::Lost;
        }
        refusal
    }

    /// A quote, marked where anybody on the way could have written it although TLS is wanted.
    fn unverified(&self, octets: &[u8]) -> String {
        let words = quote(octets);
        if self.trusts_words() {
            words
        } else {
            format!("{words} (not verified, it came in clear)")
        }
    }

    fn trusts_words(&self) -> bool {
        self.connection.is_encrypted() || self.task.security == Security::None
    }
}
