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

const EHLO: Phase = Phase::smtp("EHLO");

/// The keywords that a flawed client takes for all there are.
const KEYWORDS: &[&str] = &[
    "8BITMIME",
    "AUTH",
    "BINARYMIME",
    "CHUNKING",
    "DSN",
    "ENHANCEDSTATUSCODES",
    "ETRN",
    "EXPN",
    "HELP",
    "PIPELINING",
    "SIZE",
    "SMTPUTF8",
    "STARTTLS",
    "VRFY",
];

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
        let mut outcome = self.work().await;
        if outcome.is_ok() && self.task.flaws.reuses_clear_connections() {
            return (Ok(String::new()), self.connection);
        }
        if outcome.as_ref().err().is_none_or(Failure::allows_goodbye) {
            let goodbye = self.quit().await;
            if self.task.flaws.needs_goodbye() {
                outcome = outcome.and(goodbye);
            }
            if self.task.flaws.needs_close_notify() {
                let left = self.connection.await_close_notify().await;
                outcome = outcome.and(left.map_err(|cut| Phase::smtp("QUIT").cut(&cut)));
            }
        }
        self.connection.close().await;
        (outcome.map(|()| String::new()), self.connection)
    }

    /// A flaw: does the job on a connection that another job has left, as that has left it.
    pub(super) async fn perform_behind_another(
        mut self,
    ) -> (Result<String, Failure>, Connection<S>) {
        let outcome = self.send_message().await;
        (outcome.map(|()| String::new()), self.connection)
    }

    async fn work(&mut self) -> Result<(), Failure> {
        let flaws = self.task.flaws;
        if self.task.security == Security::Implicit {
            let secured = self.secure(Phase::smtp("TLS handshake")).await?;
            self.astray = !secured;
        }
        self.greeting().await?;
        self.hello().await?;
        if flaws.auth_before_tls() && !self.connection.is_encrypted() {
            self.sign_in_too_early().await?;
        }
        if self.task.wants_starttls() && !self.plain_old {
            self.starttls().await?;
        }
        let inside = self.connection.is_encrypted() && self.capabilities.contains_key("STARTTLS");
        if inside && flaws.starttls_inside_tls() {
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
    async fn hello(&mut self) -> Result<(), Failure> {
        let phase = EHLO;
        let ehlo = self.introduction("EHLO");
        let reply = self.command(phase, &ehlo).await?;
        let any = self.task.flaws.any_reply_is_hello() && reply.class() == 2;
        if reply.code == 250 || any {
            return self.learn(&reply);
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
        if !self.capabilities.contains_key("STARTTLS") && !flaws.starttls_blindly() {
            return self.without_tls(phase.failure(
                Kind::Declined,
                Said::RefusedTls,
                "the server does not offer it, and the settings demand a secure connection",
            ));
        }
        self.send(phase, "STARTTLS").await?;
        let reply = self.go_ahead(phase).await.transpose()?;
        if let Some(reply) = reply.filter(|it| it.code != 220) {
            if flaws.starttls_any_reply_in_clear() && matches!(reply.class(), 2 | 3) {
                self.astray = true;
                return Ok(());
            }
            if flaws.pairs_replies_by_count() && !self.connection.unread().is_empty() {
                self.astray = true;
                return Ok(());
            }
            if flaws.repeats_starttls() {
                for _ in 0..4 {
                    self.command(phase, "STARTTLS").await?;
                }
            }
            if flaws.starttls_blindly() && matches!(reply.code, 500 | 502 | 503) {
                self.astray = true;
                return Ok(());
            }
            let mut refusal = reply.refusal(phase);
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
        if !self.secure(Phase::smtp("TLS handshake")).await? {
            self.astray = true;
            return Ok(());
        }
        if flaws.no_second_ehlo() {
            return Ok(());
        }
        let known = std::mem::take(&mut self.capabilities);
        self.hello().await?;
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

    /// The reply to STARTTLS. `None` is a flaw: it was not waited for.
    async fn go_ahead(&mut self, phase: Phase) -> Option<Result<Reply, Failure>> {
        const MOMENT: Duration = Duration::from_millis(150);
        if self.task.flaws.ignores_go_ahead() {
            return tokio::time::timeout(MOMENT, self.reply(phase)).await.ok();
        }
        Some(self.reply(phase).await)
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
    ///
    /// # Errors
    /// Where the server does not answer with 221; that is a failure only for a flawed client.
    async fn quit(&mut self) -> Result<(), Failure> {
        let phase = Phase::smtp("QUIT");
        let patience = self.connection.patience().at_most(Duration::from_secs(2));
        self.connection.set_patience(patience);
        // What has come before does not answer it.
        self.connection.let_go_unread();
        let sent = self.connection.send(b"QUIT\r\n").await;
        sent.map_err(|cut| phase.cut(&cut))?;
        let reply = Reply::read(&mut self.connection, phase).await?;
        match reply.code {
            221 => Ok(()),
            _ => Err(reply.refusal(phase)),
        }
    }

    /// Sends a command and reads its reply.
    async fn command(&mut self, phase: Phase, line: &str) -> Result<Reply, Failure> {
        self.send(phase, line).await?;
        self.reply(phase).await
    }

    /// Sends a command. A reply that is already there answers nothing: it came too early.
    async fn send(&mut self, phase: Phase, line: &str) -> Result<(), Failure> {
        let counts = self.task.keeps_clear() || self.task.flaws.pairs_replies_by_count();
        if !self.connection.unread().is_empty() && !counts {
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

    /// Reads a reply, and misreads it as the flaws will have it.
    async fn reply(&mut self, phase: Phase) -> Result<Reply, Failure> {
        let flaws = self.task.flaws;
        let connection = &mut self.connection;
        let mut reply = if flaws.assumes_segments() {
            Reply::read_segment(connection, phase).await?
        } else if flaws.one_line_replies() && phase != EHLO {
            Reply::read_one_line(connection, phase).await?
        } else {
            Reply::read(connection, phase).await?
        };
        // What stands behind a 334 is a challenge, not a text.
        if flaws.needs_reply_text() && reply.code != 334 && reply.has_no_text() {
            return Err(phase.nonsense("a reply without a text", &reply.quote()));
        }
        if flaws.reads_text_for_codes() && reply.class() == 2 && reply.sounds_refusing() {
            reply.code = 550;
        }
        Ok(reply)
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

    /// Takes in the reply to EHLO.
    ///
    /// # Errors
    /// Only for a flawed client, at a keyword that it does not know.
    fn learn(&mut self, reply: &Reply) -> Result<(), Failure> {
        let flaws = self.task.flaws;
        self.capabilities.clear();
        let last = if flaws.misses_last_keyword() { 1 } else { 0 };
        let texts: Vec<String> = reply.texts().collect();
        for line in texts.iter().take(texts.len() - last).skip(1) {
            // `AUTH=LOGIN` is an old spelling of `AUTH LOGIN`.
            let mut line = line.replace('=', " ");
            if !flaws.case_sensitive_keywords() {
                line.make_ascii_uppercase();
            }
            let mut words = line.split_ascii_whitespace().map(str::to_owned);
            if let Some(keyword) = words.next() {
                if flaws.chokes_on_unknown_capability() && !KEYWORDS.contains(&&keyword[..]) {
                    return Err(EHLO.nonsense("an extension that nobody knows", &keyword));
                }
                self.capabilities.entry(keyword).or_default().extend(words);
            }
        }
        Ok(())
    }

    fn offers(&self, keyword: &str, parameter: &str) -> bool {
        let parameters = self.capabilities.get(keyword);
        parameters.is_some_and(|them| them.iter().any(|it| it == parameter))
    }

    fn wants_to_sign_in(&self) -> bool {
        self.task.request.auth != Auth::None
    }
}
