//! Sending commands and taking in what comes back (RFC 9051 §2.2): tagged responses count only for the
//! command that runs, untagged ones at any time, continuation requests only when one is waited for.

use std::time::Duration;

use super::{
    super::{
        connection::{Patience, Stream, earlier},
        failure::{Failure, Kind, Phase, quote},
    },
    Completion, Session,
    response::{self, Line, Response, Status},
};

/// The most octets of a response apart from its literals.
const LONGEST_LINE: usize = 1024 * 1024;
/// The most octets of the literals of one response: more than providers let a message have.
const LARGEST_LITERALS: u64 = 64 * 1024 * 1024;
/// The most messages that are counted.
const MOST_MESSAGES: usize = 1_000_000;
const MOST_ALERTS: usize = 16;
/// RFC 7888 §5.
const LITERAL_MINUS: usize = 4096;

/// A piece of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Text(String),
    Literal(Vec<u8>),
}

impl Part {
    pub(super) fn text(text: &str) -> Self {
        Part::Text(text.to_owned())
    }

    /// A string as a quoted one, or as a literal where that cannot be (RFC 9051 §4.3). `None` for NUL, which
    /// neither can carry.
    pub(super) fn string(value: &str) -> Option<Self> {
        if value.contains('\0') {
            return None;
        }
        if value.bytes().any(|octet| !(b' '..=b'~').contains(&octet)) {
            return Some(Part::Literal(value.as_bytes().to_vec()));
        }
        let escaped = value.replace('\\', "\\\\").replace('"', "\\\"");
        Some(Part::Text(format!("\"{escaped}\"")))
    }
}

/// What one response brought.
pub(super) enum Event {
    /// A continuation request.
    Continuation,
    /// The end of the running command.
    Completed(Completion),
    /// Something untagged, or nothing of interest.
    Absorbed,
}

impl<S: Stream> Session<'_, S> {
    /// Sends a command and waits for its completion.
    pub(super) async fn run(
        &mut self,
        phase: Phase,
        parts: &[Part],
    ) -> Result<Completion, Failure> {
        match self.begin(phase, parts).await? {
            Some(completion) => Ok(completion),
            None => self.completion(phase).await,
        }
    }

    /// A flaw: sends a command and takes whatever comes for its completion. `None` if that is none.
    pub(super) async fn run_to_any_reply(
        &mut self,
        phase: Phase,
        parts: &[Part],
    ) -> Result<Option<Completion>, Failure> {
        if let Some(completion) = self.begin(phase, parts).await? {
            return Ok(Some(completion));
        }
        Ok(match self.step(phase).await? {
            Event::Completed(completion) => Some(completion),
            Event::Continuation | Event::Absorbed => None,
        })
    }

    /// Sends a command with its literals. Returns its completion if it came before the command was whole.
    pub(super) async fn begin(
        &mut self,
        phase: Phase,
        parts: &[Part],
    ) -> Result<Option<Completion>, Failure> {
        self.take_in_before(phase).await?;
        self.until = self.connection.patience().times(2);
        let tag = self.next_tag();
        if let Some(mut completion) = self.early.remove(&self.sent) {
            self.send(phase, &whole(&tag, parts)).await?;
            completion.is_early = true;
            return Ok(Some(completion));
        }
        self.stale_answer = !self.connection.unread().is_empty() && !self.keeps_clear();
        let mut out = tag.into_bytes();
        for part in parts {
            out.push(b' ');
            let Part::Literal(literal) = part else {
                if let Part::Text(text) = part {
                    out.extend_from_slice(text.as_bytes());
                }
                continue;
            };
            let nonsynchronising =
                self.can("LITERAL+") || (self.can("LITERAL-") && literal.len() <= LITERAL_MINUS);
            if nonsynchronising {
                out.extend_from_slice(format!("{{{}+}}\r\n", literal.len()).as_bytes());
            } else {
                out.extend_from_slice(format!("{{{}}}\r\n", literal.len()).as_bytes());
                if self.task.flaws.literal_without_waiting() {
                    self.not_waited_for += 1;
                } else {
                    self.send(phase, &out).await?;
                    out.clear();
                    if let Some(completion) = self.go_ahead(phase).await? {
                        return Ok(Some(completion));
                    }
                }
            }
            out.extend_from_slice(literal);
        }
        out.extend_from_slice(b"\r\n");
        self.send(phase, &out).await?;
        Ok(None)
    }

    /// Waits for a continuation request. Returns the completion if the server ends the command instead.
    pub(super) async fn go_ahead(&mut self, phase: Phase) -> Result<Option<Completion>, Failure> {
        loop {
            match self.step(phase).await? {
                Event::Continuation => return Ok(None),
                Event::Completed(completion) => return Ok(Some(completion)),
                Event::Absorbed => {}
            }
        }
    }

    /// Waits for the completion of the running command.
    pub(super) async fn completion(&mut self, phase: Phase) -> Result<Completion, Failure> {
        loop {
            match self.step(phase).await? {
                Event::Completed(completion) => return Ok(completion),
                Event::Continuation => self.unasked_continuation(phase).await?,
                Event::Absorbed if self.takes_segment_for_answer() => {
                    let heard = quote(self.connection.heard());
                    return Err(phase.nonsense("an answer without a status", &heard));
                }
                Event::Absorbed => {}
            }
        }
    }

    /// A line of the client's own inside a command: an answer to a challenge, DONE.
    pub(super) async fn send_line(&mut self, phase: Phase, line: &str) -> Result<(), Failure> {
        self.send(phase, format!("{line}\r\n").as_bytes()).await
    }

    pub(super) fn next_tag(&mut self) -> String {
        self.sent += 1;
        format!("A{:04}", self.sent)
    }

    /// Reads one response with its literals, which are let go.
    pub(super) async fn read(&mut self, phase: Phase) -> Result<Line, Failure> {
        let mut line = Line::default();
        let mut literals = 0_u64;
        loop {
            let rest = self.connection.line(LONGEST_LINE, self.until).await;
            let rest = match rest {
                Ok(rest) => rest,
                Err(_) if self.bye.is_some() => return Err(self.dismissed(phase)),
                Err(cut) => return Err(phase.cut(&cut)),
            };
            let is_text = line.octets.is_empty() && response::is_text(&rest);
            let announced = response::announced(&rest).filter(|_| !is_text);
            let before = line.octets.len();
            line.octets.extend_from_slice(&rest);
            if line.octets.len() > LONGEST_LINE {
                return Err(phase.nonsense("a response without end", &quote(&rest)));
            }
            let Some((open, size)) = announced else {
                self.connection.set_heard(line.octets.clone());
                return Ok(line);
            };
            literals = literals.saturating_add(size);
            if literals > LARGEST_LITERALS {
                let what = format!("a literal of {size} octets is more than 64 MiB");
                return Err(phase.nonsense(&what, &quote(&rest)));
            }
            line.literals.push((before + open, line.octets.len()));
            let skipped = self.connection.skip(size, self.until).await;
            skipped.map_err(|cut| phase.cut(&cut))?;
        }
    }

    /// Reads and takes in one response.
    pub(super) async fn step(&mut self, phase: Phase) -> Result<Event, Failure> {
        let stale = std::mem::take(&mut self.stale_answer);
        let line = self.read(phase).await?;
        let parsed = response::parse(&line);
        let parsed = parsed
            .map_err(|_| phase.nonsense("a response that cannot be read", &quote(&line.octets)))?;
        if let Response::Tagged { tag, status, text } = parsed {
            let completion = Completion {
                status,
                text,
                line: line.octets,
                is_early: false,
            };
            return self.tagged(phase, &tag, completion, stale);
        }
        if parsed == Response::Continuation {
            if let Some(fewer) = self.not_waited_for.checked_sub(1) {
                self.not_waited_for = fewer;
                return Ok(Event::Absorbed);
            }
            return Ok(Event::Continuation);
        }
        self.absorb(phase, parsed, &line.octets)?;
        Ok(Event::Absorbed)
    }

    /// A completion counts for the command that runs. That of an earlier one or with a foreign tag is
    /// nothing; that of a command which was not sent yet is a forgery.
    fn tagged(
        &mut self,
        phase: Phase,
        tag: &[u8],
        completion: Completion,
        stale: bool,
    ) -> Result<Event, Failure> {
        let number = std::str::from_utf8(tag)
            .ok()
            .and_then(|tag| tag.strip_prefix('A')?.parse::<u32>().ok());
        let Some(number) = number else {
            return Ok(Event::Absorbed);
        };
        if number > self.sent || (number == self.sent && stale) {
            if self.task.flaws.accepts_early_tagged() {
                self.early.insert(number, completion);
                return Ok(Event::Absorbed);
            }
            let what = quote(&completion.line);
            return Err(phase.nonsense("the answer to a command that was not sent", &what));
        }
        if number < self.sent {
            return Ok(Event::Absorbed);
        }
        if completion.status == Status::Ok {
            self.learn_code(phase, &completion.text)?;
        }
        self.note_alert(&completion.text);
        self.note_referral(&completion.line);
        let is_goodbye = phase.step == "LOGOUT";
        if self.bye.is_some() && completion.status == Status::Ok && !is_goodbye {
            return Err(self.dismissed(phase));
        }
        Ok(Event::Completed(completion))
    }

    fn absorb(&mut self, phase: Phase, response: Response, line: &[u8]) -> Result<(), Failure> {
        if self.task.flaws.chokes_on_untagged() && !is_asked_for(phase, &response) {
            return Err(phase.nonsense("nobody asked for this", &quote(line)));
        }
        if self.task.flaws.keeps_clear_data() && !self.connection.is_encrypted() {
            self.stale.keep(&response);
        }
        self.note_referral(line);
        match response {
            Response::Status { status, text } => {
                if status == Status::Ok {
                    self.learn_code(phase, &text)?;
                }
                self.note_alert(&text);
            }
            Response::Capability(capabilities) => {
                self.learn(phase, capabilities)?;
            }
            Response::Exists(count) => self.learned.exists = Some(count),
            Response::Expunge(_) => {
                self.learned.expunged = self.learned.expunged.saturating_add(1);
                let exists = &mut self.learned.exists;
                *exists = exists.map(|count| count.saturating_sub(1));
            }
            Response::Fetch {
                number,
                has_body: true,
            } => {
                if self.learned.read.len() < MOST_MESSAGES {
                    self.learned.read.insert(number);
                }
                // A message more is progress.
                self.until = self.connection.patience().times(2);
            }
            Response::Bye => {
                self.bye = Some(line.to_vec());
                let moment = Duration::from_secs(1);
                let soon = self.connection.patience().at_most(moment).times(1);
                self.until = earlier(self.until, soon);
            }
            _ => {}
        }
        Ok(())
    }

    /// Takes in the capabilities in a response code, if there are any.
    ///
    /// # Errors
    /// As with [`Session::learn`].
    pub(super) fn learn_code(&mut self, phase: Phase, text: &[u8]) -> Result<(), Failure> {
        match response::capability_code(text) {
            Some(capabilities) => self.learn(phase, capabilities),
            None => Ok(()),
        }
    }

    /// Takes in capabilities.
    ///
    /// # Errors
    /// Only for a flawed client, at one that it does not know.
    fn learn(&mut self, phase: Phase, capabilities: Vec<String>) -> Result<(), Failure> {
        let unknown = capabilities.iter().find(|it| !is_known(it));
        if let Some(unknown) = unknown
            && self.task.flaws.chokes_on_unknown_capability()
        {
            return Err(phase.nonsense("a capability that nobody knows", unknown));
        }
        let known = self.capabilities.take();
        let kept = known.filter(|_| self.task.flaws.keeps_clear_capabilities());
        let kept = kept.into_iter().flatten();
        self.capabilities = Some(capabilities.into_iter().chain(kept).collect());
        Ok(())
    }

    /// A flaw: remembers where a referral points.
    pub(super) fn note_referral(&mut self, line: &[u8]) {
        if self.task.flaws.follows_referrals() {
            self.referral = self.referral.or_else(|| response::referral(line));
        }
    }

    /// An alert is shown only if nobody on the way could have written it.
    pub(super) fn note_alert(&mut self, text: &[u8]) {
        let is_alert = response::code_name(text).is_some_and(|code| code == "ALERT");
        let shown = self.trusts_words() || self.task.flaws.shows_clear_alerts();
        if !is_alert || !shown {
            return;
        }
        let (alert, alerts) = (quote(text), &mut self.learned.alerts);
        if alerts.len() < MOST_ALERTS && !alerts.contains(&alert) {
            alerts.push(alert);
        }
    }

    fn dismissed(&self, phase: Phase) -> Failure {
        let words = self.bye.as_deref().unwrap_or_default();
        phase.dismissed(&self.unverified(words))
    }

    /// A `+` that nothing asked for. There is nothing to send, so the server is not to be understood.
    async fn unasked_continuation(&mut self, phase: Phase) -> Result<(), Failure> {
        if self.task.flaws.answers_any_continuation() {
            let mechanism = self.task.mechanism(|_| true);
            let answers = mechanism.map(|mechanism| self.task.answers(mechanism));
            for answer in answers.unwrap_or_default() {
                self.send_line(phase, &answer).await?;
            }
            return Ok(());
        }
        let heard = quote(self.connection.heard());
        Err(phase.nonsense("the server asks for more where there is no more", &heard))
    }

    /// Takes in what has already come before a command is sent: none of it can be its answer.
    async fn take_in_before(&mut self, phase: Phase) -> Result<(), Failure> {
        if self.keeps_clear() || self.not_waited_for > 0 {
            return Ok(());
        }
        while self.connection.unread().contains(&b'\n') {
            self.until = self.connection.patience().times(2);
            if let Event::Continuation = self.step(phase).await? {
                self.unasked_continuation(phase).await?;
            }
        }
        match &self.bye {
            Some(_) if phase.step != "LOGOUT" => Err(self.dismissed(phase)),
            _ => Ok(()),
        }
    }

    fn keeps_clear(&self) -> bool {
        self.task.keeps_clear()
    }

    /// A flaw: whether what was read last counts for the end of the answer.
    fn takes_segment_for_answer(&self) -> bool {
        self.task.flaws.assumes_segments() && self.connection.unread().is_empty()
    }

    async fn send(&mut self, phase: Phase, octets: &[u8]) -> Result<(), Failure> {
        let Err(cut) = self.connection.send(octets).await else {
            return Ok(());
        };
        // Perhaps the server has said why.
        let moment = Duration::from_secs(1);
        let patience: Patience = self.connection.patience().at_most(moment);
        self.connection.set_patience(patience);
        self.until = patience.times(1);
        while let Ok(event) = self.step(phase).await {
            if let Event::Completed(completion) = event {
                let mut refusal = self.refusal(phase, &completion);
                refusal.kind = Kind::Lost;
                return Err(refusal);
            }
        }
        match &self.bye {
            Some(_) => Err(self.dismissed(phase)),
            None => Err(phase.cut(&cut)),
        }
    }
}

/// A command in one piece, as a flawed client sends it that does not wait.
fn whole(tag: &str, parts: &[Part]) -> Vec<u8> {
    let mut out = tag.as_bytes().to_vec();
    for part in parts {
        out.push(b' ');
        match part {
            Part::Text(text) => out.extend_from_slice(text.as_bytes()),
            Part::Literal(literal) => {
                out.extend_from_slice(format!("{{{}}}\r\n", literal.len()).as_bytes());
                out.extend_from_slice(literal);
            }
        }
    }
    out.extend_from_slice(b"\r\n");
    out
}

/// What a flawed client takes for all capabilities that there are.
fn is_known(capability: &str) -> bool {
    const KNOWN: &[&str] = &[
        "CHILDREN",
        "CONDSTORE",
        "ENABLE",
        "ID",
        "IDLE",
        "IMAP4REV1",
        "IMAP4REV2",
        "LIST-EXTENDED",
        "LIST-STATUS",
        "LITERAL+",
        "LITERAL-",
        "LOGIN-REFERRALS",
        "LOGINDISABLED",
        "MOVE",
        "NAMESPACE",
        "SASL-IR",
        "SPECIAL-USE",
        "STARTTLS",
        "STATUS=SIZE",
        "UIDPLUS",
        "UNSELECT",
    ];
    KNOWN.contains(&capability) || capability.starts_with("AUTH=")
}

/// What a client that expects nothing else than the answer to its command would let pass.
fn is_asked_for(phase: Phase, response: &Response) -> bool {
    match response {
        Response::Capability(_) => {
            matches!(phase.step, "CAPABILITY" | "LOGIN" | "AUTHENTICATE")
        }
        Response::Exists(_) => matches!(phase.step, "SELECT" | "IDLE" | "NOOP"),
        Response::Fetch { has_body, .. } => phase.step == "FETCH" && *has_body,
        Response::Listed { .. } => phase.step == "LIST",
        Response::Bye => phase.step == "LOGOUT",
        Response::Status { .. } => phase.step == "SELECT",
        Response::Other(name) => name == "FLAGS" && phase.step == "SELECT",
        Response::Numbers { name, .. } => {
            name == "RECENT" && matches!(phase.step, "SELECT" | "IDLE" | "NOOP")
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use pretty_assertions::assert_eq;
    use test_case::test_case;

    use super::*;

    #[test_case("user", "\"user\""; "plain")]
    #[test_case("a \"b\" \\c", "\"a \\\"b\\\" \\\\c\""; "quotes and backslashes are escaped")]
    #[test_case("", "\"\""; "empty")]
    fn quoted(value: &str, expected: &str) {
        assert_eq!(Part::string(value), Some(Part::text(expected)));
    }

    #[test_case("pass\r\nA9 DELETE INBOX"; "line ends")]
    #[test_case("pässword"; "beyond ASCII")]
    fn literal(value: &str) {
        let literal = Part::Literal(value.as_bytes().to_vec());
        assert_eq!(Part::string(value), Some(literal));
    }

    #[test]
    fn nul_cannot_be_said() {
        assert_eq!(Part::string("a\0b"), None);
    }
}
