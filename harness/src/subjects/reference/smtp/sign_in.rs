//! AUTH (RFC 4954): PLAIN, LOGIN and XOAUTH2, once, and only where a password may be seen.

use mailproof_scenarios::model::event::Said;

use super::{
    super::{
        connection::Stream,
        failure::{Failure, Phase},
        task::Mechanism,
    },
    Reply, Session,
};

const PHASE: Phase = Phase::smtp("AUTH");
/// RFC 5321 §4.5.3.1.4, with the CRLF: a longer initial response goes behind the 334 (RFC 4954 §4).
const LONGEST_COMMAND: usize = 512;

impl<S: Stream> Session<'_, S> {
    /// Signs in, where that was asked for.
    pub(super) async fn sign_in(&mut self) -> Result<(), Failure> {
        if !self.wants_to_sign_in() {
            return Ok(());
        }
        let outcome = self.authenticate().await;
        // Two flaws: with HELO there is no signing in, so only who has lost the way comes here.
        let goes_on = self.task.flaws.mail_without_auth() || (self.astray && self.plain_old);
        match outcome {
            Err(failure) if failure.allows_goodbye() && goes_on => Ok(()),
            outcome => outcome,
        }
    }

    /// A flaw: shows the password before TLS, and goes on as if nothing had been.
    pub(super) async fn sign_in_too_early(&mut self) -> Result<(), Failure> {
        if !self.wants_to_sign_in() || !self.task.wants_starttls() {
            return Ok(());
        }
        self.exchange(self.blind_mechanism()).await.map(drop)
    }

    async fn authenticate(&mut self) -> Result<(), Failure> {
        if !self.may_show_password() {
            return Err(PHASE.declined(
                Said::RefusedTls,
                "the connection is not secure, and a password is not sent in clear",
            ));
        }
        let offered = self.task.mechanism(|name| self.offers("AUTH", name));
        let mechanism = match offered {
            Some(mechanism) => mechanism,
            None if self.guesses() => self.blind_mechanism(),
            None => {
                return Err(PHASE.declined(
                    Said::Permanent,
                    "the server offers no way to sign in that fits the settings",
                ));
            }
        };
        let mut reply = self.exchange(mechanism).await?;
        if self.task.flaws.repeats_password() {
            for _ in 0..3 {
                if reply.class() == 5 {
                    reply = self.exchange(mechanism).await?;
                }
            }
        }
        match reply.code {
            235 => Ok(()),
            _ => Err(reply.refusal(PHASE)),
        }
    }

    /// One SASL exchange, to the reply that ends it.
    async fn exchange(&mut self, mechanism: Mechanism) -> Result<Reply, Failure> {
        let mut answers = self.task.answers(mechanism).into_iter();
        let mut command = format!("AUTH {}", mechanism.name());
        if mechanism.speaks_first() {
            let first = answers.as_slice().first().map_or(0, String::len);
            if command.len() + 1 + first + 2 <= LONGEST_COMMAND {
                command = format!("{command} {}", answers.next().unwrap_or_default());
            }
        }
        let mut reply = self.command(PHASE, &command).await?;
        while reply.code == 334 {
            let Some(answer) = answers.next() else {
                return self.end_exchange(mechanism).await;
            };
            reply = self.command(PHASE, &answer).await?;
        }
        Ok(reply)
    }

    /// The server asks for more than there is: with XOAUTH2 that is an error text, answered by an empty line;
    /// otherwise the exchange is cancelled (RFC 4954 §4).
    async fn end_exchange(&mut self, mechanism: Mechanism) -> Result<Reply, Failure> {
        let ending = match mechanism {
            Mechanism::Xoauth2 => "",
            _ => "*",
        };
        let reply = self.command(PHASE, ending).await?;
        match reply.class() {
            4 | 5 => Ok(reply),
            _ => Err(PHASE.nonsense("an exchange without end", &reply.quote())),
        }
    }

    /// Whether a flaw has kept the client from learning what is offered, or has led it to where signing in is
    /// not meant to be possible.
    fn guesses(&self) -> bool {
        let lost = self.task.is_lost(&self.connection);
        lost || self.task.flaws.no_second_ehlo()
    }

    /// What a flawed client tries without having been offered it.
    fn blind_mechanism(&self) -> Mechanism {
        let mechanism = self.task.mechanism(|_| true);
        mechanism.unwrap_or(Mechanism::Plain)
    }
}
