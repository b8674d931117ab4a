//! The jobs of a session that has signed in: fetch, list, append, idle.

use std::time::Duration;

use mailproof_scenarios::model::event::Said;

use super::{
    super::{
        connection::Stream,
        failure::{Failure, Kind, Phase},
        task::canonical,
    },
    Learned, Session,
    command::{Event, Part},
    response::Status,
};

/// How often IDLE is begun again when the server ends it.
const MOST_IDLES: u32 = 3;

/// What came of waiting.
enum Waiting {
    /// There is a new message.
    Over,
    /// The server has ended it.
    Ended,
    /// The server does not do it.
    Refused,
}

impl<S: Stream> Session<'_, S> {
    /// Reads every message of the mailbox, without marking it as seen.
    pub(super) async fn fetch(&mut self) -> Result<(), Failure> {
        let phase = Phase::imap("FETCH");
        self.select().await?;
        let wanted = self.learned.exists.unwrap_or_default();
        if wanted == 0 {
            return Ok(());
        }
        self.learned.expunged = 0;
        self.act_on(phase, self.stale.about_messages()).await?;
        // A flaw has settled the messages before; else it is the first.
        let first = self.stale.begins_at().unwrap_or(1);
        let command = format!("UID FETCH {first}:* (UID BODY.PEEK[])");
        let completion = match self.run(phase, &[Part::Text(command)]).await {
            // A flaw: what came until then is all there is.
            Err(failure) if failure.kind == Kind::Lost && self.task.flaws.takes_cut_for_end() => {
                return Ok(());
            }
            completion => completion?,
        };
        self.expect_ok(phase, &completion)?;
        let read = u32::try_from(self.learned.read.len()).unwrap_or(u32::MAX);
        let wanted = wanted.saturating_sub(self.learned.expunged + (first - 1));
        if read < wanted {
            let why = format!("the server gave {read} of {wanted} messages");
            return Err(phase.declined(Said::Failed, &why));
        }
        Ok(())
    }

    /// Lists all mailboxes.
    pub(super) async fn list(&mut self) -> Result<(), Failure> {
        let phase = Phase::imap("LIST");
        let completion = self.run(phase, &[Part::text("LIST \"\" \"*\"")]).await?;
        self.expect_ok(phase, &completion)?;
        self.act_on(phase, self.stale.about_mailboxes()).await
    }

    /// A flaw: asks about what was told in clear, whatever the answers are.
    async fn act_on(&mut self, phase: Phase, commands: Vec<String>) -> Result<(), Failure> {
        for command in commands {
            self.run(phase, &[Part::Text(command)]).await?;
        }
        Ok(())
    }

    /// Stores the message.
    pub(super) async fn append(&mut self) -> Result<(), Failure> {
        let phase = Phase::imap("APPEND");
        let mailbox = self.mailbox(phase)?;
        let message = canonical(&self.task.message);
        if message.contains(&0) {
            let why = "the message has NUL octets in it, which a literal cannot carry";
            return Err(phase.declined(Said::Permanent, why));
        }
        let parts = [Part::text("APPEND"), mailbox, Part::Literal(message)];
        let completion = self.run(phase, &parts).await?;
        self.expect_ok(phase, &completion)
    }

    /// Waits for a message: by IDLE (RFC 2177) where the server has it, else by asking now and then.
    pub(super) async fn idle(&mut self) -> Result<(), Failure> {
        self.select().await?;
        let known = self.learned.exists.unwrap_or_default();
        if self.can("IDLE") || self.can("IMAP4REV2") {
            for _ in 0..MOST_IDLES {
                match self.idle_once(known).await? {
                    Waiting::Over => return Ok(()),
                    Waiting::Ended => {}
                    Waiting::Refused => break,
                }
            }
        }
        self.poll(known).await
    }

    async fn idle_once(&mut self, known: u32) -> Result<Waiting, Failure> {
        let phase = Phase::imap("IDLE");
        if let Some(completion) = self.begin(phase, &[Part::text("IDLE")]).await? {
            return Ok(ended(completion.status));
        }
        if let Some(completion) = self.go_ahead(phase).await? {
            return Ok(ended(completion.status));
        }
        while !self.has_more_than(known) {
            match self.step(phase).await? {
                Event::Completed(completion) => return Ok(ended(completion.status)),
                Event::Continuation => {
                    let heard = super::quote(self.connection.heard());
                    return Err(phase.nonsense("a second continuation request", &heard));
                }
                Event::Absorbed => {}
            }
        }
        self.send_line(phase, "DONE").await?;
        let completion = self.completion(phase).await?;
        self.expect_ok(phase, &completion)?;
        Ok(Waiting::Over)
    }

    async fn poll(&mut self, known: u32) -> Result<(), Failure> {
        let phase = Phase::imap("NOOP");
        let until = self.connection.patience().times(1);
        let pause = self.connection.patience().0;
        let pause = pause.map_or(Duration::from_secs(30), |patience| patience / 10);
        loop {
            let completion = self.run(phase, &[Part::text("NOOP")]).await?;
            self.expect_ok(phase, &completion)?;
            if self.has_more_than(known) {
                return Ok(());
            }
            if until.is_some_and(|until| tokio::time::Instant::now() >= until) {
                let why = "timed out, no new message came";
                return Err(phase.failure(Kind::Declined, Said::Temporary, why));
            }
            tokio::time::sleep(pause).await;
        }
    }

    fn has_more_than(&self, known: u32) -> bool {
        self.learned.exists.is_some_and(|count| count > known)
    }

    async fn select(&mut self) -> Result<(), Failure> {
        let phase = Phase::imap("SELECT");
        let mailbox = self.mailbox(phase)?;
        let alerts = std::mem::take(&mut self.learned.alerts);
        self.learned = Learned {
            alerts,
            ..Learned::default()
        };
        let completion = self.run(phase, &[Part::text("SELECT"), mailbox]).await?;
        self.expect_ok(phase, &completion)
    }

    /// The name as a string. Beyond ASCII it would have to be encoded (RFC 3501 §5.1.3), which this client
    /// does not do.
    fn mailbox(&self, phase: Phase) -> Result<Part, Failure> {
        let name = &self.task.request.mailbox;
        let printable = name.bytes().all(|octet| (b' '..=b'~').contains(&octet));
        let part = printable.then(|| Part::string(name)).flatten();
        part.ok_or_else(|| {
            phase.declined(
                Said::Permanent,
                "the name of the mailbox is not plain ASCII",
            )
        })
    }
}

fn ended(status: Status) -> Waiting {
    match status {
        Status::Ok => Waiting::Ended,
        Status::No | Status::Bad => Waiting::Refused,
    }
}
