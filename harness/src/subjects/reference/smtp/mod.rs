//! An SMTP session from the greeting to QUIT (RFC 5321, RFC 6409, RFC 3207, RFC 4954).
//!
//! Policy where the documents leave a choice: capabilities are asked for again inside TLS, HELO is tried only
//! in sessions that are in clear by choice, and a message goes to all of its recipients or to none.
//! Must not know how the connection came about, or what follows a failure.

mod data;
mod reply;
mod send;
mod sign_in;

use std::{collections::BTreeMap, net::IpAddr, time::Duration};

use mailproof_scenarios::model::{Auth, Job, Security, event::Said};

use super::{
    connection::{Connection, Cut, Stream},
    failure::{Failure, Kind, Phase},
    task::Task,
};
use reply::Reply;

/// One session.
pub(super) struct Session<'a, S> {
    connection: Connection<S>,
    task: &'a Task<'a>,
    capabilities: Capabilities,
    /// A flaw has led the session into the clear, and it goes on there.
    astray: bool,
    /// HELO was said instead of EHLO: there are no extensions.
    plain_old: bool,
}

/// Keywords of the EHLO reply in capitals, with their parameters.
type Capabilities = BTreeMap<String, Vec<String>>;

impl<'a, S: Stream> Session<'a, S> {
    pub(super) fn new(connection: Connection<S>, task: &'a Task<'a>) -> Self {
        Self {
            connection,
            task,
            capabilities: Capabilities::new(),
            astray: false,
            plain_old: false,
        }
    }

    /// Does the job and says goodbye. Returns the connection for those who ask for what was heard last.
    pub(super) async fn perform(mut self) -> (Result<String, Failure>, Connection<S>) {
        let outcome = self.work().await;
        if outcome.as_ref().err().is_none_or(Failure::allows_goodbye) {
            self.quit().await;
        }
        self.connection.close().await;
        (outcome.map(|()| String::new()), self.connection)
    }

    async fn work(&mut self) -> Result<(), Failure> {
        let flaws = self.task.flaws;
        if self.task.security == Security::Implicit {
            let secured = self.secure(Phase::smtp("TLS handshake")).await?;
            self.astray = !secured;
        }
        if flaws.speaks_before_greeting() {
            let ehlo = self.introduction("EHLO");
            self.send(Phase::smtp("EHLO"), &ehlo).await?;
        }
        self.greeting().await?;
        self.hello(flaws.speaks_before_greeting()).await?;
        if flaws.auth_before_tls() && !self.connection.is_encrypted() {
            self.sign_in_too_early().await?;
        }
        if self.task.wants_starttls() && !self.plain_old {
            self.starttls().await?;
        }
        self.sign_in().await?;
        if self.task.request.job == Job::Send {
            self.send_message().await?;
        }
        Ok(())
    }

    /// RFC 5321 §3.1: 220, and nothing else is a greeting of a server that serves.
    async fn greeting(&mut self) -> Result<(), Failure> {
        let phase = Phase::smtp("greeting");
        if self.task.flaws.accepts_any_greeting() {
            let line = self.connection.line(reply::LONGEST_LINE, None).await;
            return line.map(drop).map_err(|cut| phase.cut(&cut));
        }
        let reply = self.reply(phase).await?;
        match reply.code {
            220 => Ok(()),
            _ => Err(reply.refusal(phase)),
        }
    }

    /// RFC 5321 §4.1.1.1. HELO follows only where the server does not know EHLO at all and the user has
    /// chosen a session in clear: HELO leaves no way to TLS (RFC 3207 §6).
    async fn hello(&mut self, already_sent: bool) -> Result<(), Failure> {
        let phase = Phase::smtp("EHLO");
        if !already_sent {
            let ehlo = self.introduction("EHLO");
            self.send(phase, &ehlo).await?;
        }
        let reply = self.reply(phase).await?;
        if reply.code == 250 {
            self.learn(&reply);
            return Ok(());
        }
        let by_mistake = self.task.flaws.helo_fallback_in_clear();
        let in_clear = !self.connection.is_encrypted();
        let allowed = in_clear && (self.task.security == Security::None || by_mistake);
        if !(allowed && matches!(reply.code, 500 | 502)) {
            return Err(reply.refusal(phase));
        }
        let phase = Phase::smtp("HELO");
        let helo = self.introduction("HELO");
        let reply = self.command(phase, &helo).await?;
        if reply.code != 250 {
            return Err(reply.refusal(phase));
        }
        self.capabilities.clear();
        self.plain_old = true;
        self.astray |= by_mistake && self.task.security != Security::None;
        Ok(())
    }

    /// RFC 3207 §4: only 220 starts TLS, what came behind it in clear is not looked at, and everything
    /// learned before is forgotten.
    async fn starttls(&mut self) -> Result<(), Failure> {
        let phase = Phase::smtp("STARTTLS");
        let flaws = self.task.flaws;
        if !self.capabilities.contains_key("STARTTLS") {
            return self.without_tls(phase.failure(
                Kind::Declined,
                Said::RefusedTls,
                "the server does not offer it, and the settings demand a secure connection",
            ));
        }
        let reply = self.command(phase, "STARTTLS").await?;
        if reply.code != 220 {
            if flaws.starttls_any_reply_in_clear() && matches!(reply.class(), 2 | 3) {
                self.astray = true;
                return Ok(());
            }
            let mut refusal = reply.refusal(phase);
            if refusal.said == Said::Permanent {
                refusal.said = Said::RefusedTls;
            }
            return self.without_tls(refusal);
        }
        if !self.connection.unread().is_empty() && !flaws.keeps_clear_buffer() {
            return Err(phase.failure(
                Kind::Nonsense,
                Said::RefusedTls,
                "more than the go-ahead came in clear, which may be an attack",
            ));
        }
        if !self.secure(Phase::smtp("TLS handshake")).await? {
            self.astray = true;
            return Ok(());
        }
        if flaws.no_second_ehlo() {
            return Ok(());
        }
        let known = std::mem::take(&mut self.capabilities);
        self.hello(false).await?;
        if flaws.keeps_clear_capabilities() {
            for (keyword, parameters) in known {
                self.capabilities
                    .entry(keyword)
                    .or_default()
                    .extend(parameters);
            }
        }
        Ok(())
    }

    /// TLS is not to be had. With optional TLS the session goes on without a password.
    fn without_tls(&self, failure: Failure) -> Result<(), Failure> {
        let ended = failure.kind != Kind::Refused && failure.kind != Kind::Declined;
        if ended || !self.task.may_stay_in_clear() {
            return Err(failure);
        }
        Ok(())
    }

    /// Whether the channel is one for passwords.
    fn may_show_password(&self) -> bool {
        self.connection.is_encrypted() || self.task.may_show_password() || self.astray
    }

    /// RFC 5321 §4.1.1.10. However it ends, the work was done before.
    async fn quit(&mut self) {
        let patience = self.connection.patience().at_most(Duration::from_secs(2));
        self.connection.set_patience(patience);
        if self.connection.send(b"QUIT\r\n").await.is_ok() {
            let _ = Reply::read(&mut self.connection, Phase::smtp("QUIT")).await;
        }
    }

    /// Sends a command and reads its reply.
    async fn command(&mut self, phase: Phase, line: &str) -> Result<Reply, Failure> {
        self.send(phase, line).await?;
        self.reply(phase).await
    }

    /// Sends a command. A reply that is already there answers nothing: it came too early.
    async fn send(&mut self, phase: Phase, line: &str) -> Result<(), Failure> {
        if !self.connection.unread().is_empty() && !self.task.flaws.keeps_clear_buffer() {
            let early = self.reply(phase).await?;
            return Err(match early.code {
                421 => early.refusal(phase),
                _ => phase.nonsense("the server answered before it was asked", &early.quote()),
            });
        }
        let sent = self.connection.send(format!("{line}\r\n").as_bytes()).await;
        match sent {
            Ok(()) => Ok(()),
            Err(cut) => Err(self.last_words(phase, &cut).await),
        }
    }

    /// Sending failed: perhaps the server has said why.
    async fn last_words(&mut self, phase: Phase, cut: &Cut) -> Failure {
        let patience = self.connection.patience().at_most(Duration::from_secs(1));
        self.connection.set_patience(patience);
        match Reply::read(&mut self.connection, phase).await {
            Ok(reply) if reply.class() >= 4 => {
                let mut refusal = reply.refusal(phase);
                refusal.kind = Kind::Lost;
                refusal
            }
            _ => phase.cut(cut),
        }
    }

    async fn reply(&mut self, phase: Phase) -> Result<Reply, Failure> {
        if self.task.flaws.assumes_segments() {
            return Reply::read_segment(&mut self.connection, phase).await;
        }
        Reply::read(&mut self.connection, phase).await
    }

    async fn secure(&mut self, phase: Phase) -> Result<bool, Failure> {
        self.task.secure(&mut self.connection, phase).await
    }

    /// EHLO or HELO with an address literal (RFC 5321 §4.1.3): the client has no name of its own.
    fn introduction(&self, verb: &str) -> String {
        match self.task.own_address {
            IpAddr::V4(address) => format!("{verb} [{address}]"),
            IpAddr::V6(address) => format!("{verb} [IPv6:{address}]"),
        }
    }

    fn learn(&mut self, reply: &Reply) {
        self.capabilities.clear();
        for line in reply.texts().skip(1) {
            // `AUTH=LOGIN` is an old spelling of `AUTH LOGIN`.
            let line = line.replace('=', " ").to_ascii_uppercase();
            let mut words = line.split_ascii_whitespace().map(str::to_owned);
            if let Some(keyword) = words.next() {
                self.capabilities.entry(keyword).or_default().extend(words);
            }
        }
    }

    fn offers(&self, keyword: &str, parameter: &str) -> bool {
        let parameters = self.capabilities.get(keyword);
        parameters.is_some_and(|them| them.iter().any(|it| it == parameter))
    }

    fn wants_to_sign_in(&self) -> bool {
        self.task.request.auth != Auth::None
    }
}
