//! LOGIN and AUTHENTICATE (RFC 9051 §6.2.2, §6.2.3): once, and only where a password may be seen.

use mailproof_scenarios::model::{Auth, Job, event::Said};

use super::{
    super::{
        connection::Stream,
        failure::{Failure, Phase},
        task::Mechanism,
    },
    Completion, Session,
    command::Part,
    response::Status,
};

const LOGIN: Phase = Phase::imap("LOGIN");
const AUTHENTICATE: Phase = Phase::imap("AUTHENTICATE");

/// A way to sign in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Login,
    Sasl(Mechanism),
}

impl Way {
    fn phase(self) -> Phase {
        match self {
            Way::Login => LOGIN,
            Way::Sasl(_) => AUTHENTICATE,
        }
    }
}

impl<S: Stream> Session<'_, S> {
    /// Signs in, where that was asked for and is still to be done.
    pub(super) async fn sign_in(&mut self) -> Result<(), Failure> {
        let request = self.task.request;
        if self.authenticated {
            return Ok(());
        }
        if request.auth == Auth::None {
            return match request.job {
                Job::TestConnection => Ok(()),
                _ => Err(LOGIN.declined(Said::Permanent, "the settings name no way to sign in")),
            };
        }
        if !self.may_show_password() {
            return Err(LOGIN.declined(
                Said::RefusedTls,
                "the connection is not secure, and a password is not sent in clear",
            ));
        }
        let Some(way) = self.way() else {
            return Err(LOGIN.declined(
                Said::Permanent,
                "the server offers no way to sign in that fits the settings",
            ));
        };
        let before = self.capabilities.clone();
        let mut completion = self.attempt(way).await?;
        if self.task.flaws.repeats_password() {
            for _ in 0..3 {
                if completion.status == Status::No {
                    completion = self.attempt(way).await?;
                }
            }
        }
        self.expect_ok(way.phase(), &completion)?;
        self.authenticated = true;
        // What the server can do may be more, or less, for one who has signed in (RFC 9051 §6.1.1).
        let matters = matches!(request.job, Job::Append | Job::Idle);
        if matters && self.capabilities == before && !self.astray {
            self.ask_capabilities().await?;
        }
        Ok(())
    }

    /// A flaw: shows the password before TLS.
    pub(super) async fn sign_in_too_early(&mut self) -> Result<(), Failure> {
        if self.task.request.auth != Auth::None {
            let completion = self.login().await?;
            self.authenticated = completion.status == Status::Ok;
        }
        Ok(())
    }

    /// LOGIN for a password, unless the server forbids it (RFC 9051 §6.2.3): then PLAIN. The others by name.
    fn way(&self) -> Option<Way> {
        // A client that has lost its way tries the door, whatever is written on it.
        let lost = self.task.is_lost(&self.connection);
        let heeds = !(lost || self.task.flaws.ignores_login_disabled());
        let forbidden = heeds && self.can("LOGINDISABLED");
        if self.task.request.auth == Auth::Password && !forbidden {
            return Some(Way::Login);
        }
        let guesses = lost || self.task.flaws.no_second_ehlo();
        let offers = |name: &str| guesses || self.can(&format!("AUTH={name}"));
        self.task.mechanism(offers).map(Way::Sasl)
    }

    async fn attempt(&mut self, way: Way) -> Result<Completion, Failure> {
        match way {
            Way::Login => self.login().await,
            Way::Sasl(mechanism) => self.authenticate(mechanism).await,
        }
    }

    async fn login(&mut self) -> Result<Completion, Failure> {
        let request = self.task.request;
        let (Some(user), Some(password)) =
            (Part::string(&request.user), Part::string(&request.password))
        else {
            let why = "user or password has a NUL in it, which cannot be sent";
            return Err(LOGIN.declined(Said::Permanent, why));
        };
        self.run(LOGIN, &[Part::text("LOGIN"), user, password])
            .await
    }

    /// One SASL exchange. The initial response goes along where that is offered (RFC 4959).
    async fn authenticate(&mut self, mechanism: Mechanism) -> Result<Completion, Failure> {
        let phase = AUTHENTICATE;
        let mut answers = self.task.answers(mechanism).into_iter();
        let mut command = format!("AUTHENTICATE {}", mechanism.name());
        if mechanism.speaks_first() && self.can("SASL-IR") {
            command = format!("{command} {}", answers.next().unwrap_or_default());
        }
        let mut completed = self.begin(phase, &[Part::Text(command)]).await?;
        let mut ending = 0;
        loop {
            if let Some(completion) = completed {
                return Ok(completion);
            }
            if let Some(completion) = self.go_ahead(phase).await? {
                return Ok(completion);
            }
            match answers.next() {
                Some(answer) => self.send_line(phase, &answer).await?,
                // An error text comes first (XOAUTH2): an empty line asks for the refusal itself.
                None if mechanism == Mechanism::Xoauth2 && ending == 0 => {
                    self.send_line(phase, "").await?;
                    ending += 1;
                }
                None if ending < 2 => {
                    self.send_line(phase, "*").await?;
                    ending += 2;
                }
                None => {
                    let heard = super::quote(self.connection.heard());
                    return Err(phase.nonsense("an exchange without end", &heard));
                }
            }
            completed = None;
        }
    }
}
