//! Replies of an SMTP server (RFC 5321 §4.2): read, bounded, and turned into failures.

use mailproof_scenarios::model::event::Said;

use super::super::{
    connection::{Connection, Stream},
    failure::{Failure, Kind, Phase, quote},
};

/// RFC 5321 §4.5.3.1.5 has 512; nobody keeps to it.
pub(super) const LONGEST_LINE: usize = 64 * 1024;
const MOST_LINES: usize = 1024;
const MOST_OCTETS: usize = 1024 * 1024;

/// One reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reply {
    pub(super) code: u16,
    lines: Vec<Vec<u8>>,
}

impl Reply {
    /// Reads a whole reply. Every line must carry the same code (RFC 5321 §4.2.1).
    pub(super) async fn read<S: Stream>(
        connection: &mut Connection<S>,
        phase: Phase,
    ) -> Result<Self, Failure> {
        Self::read_until(connection, phase, |_| false).await
    }

    /// A flaw: takes the first line for the whole.
    pub(super) async fn read_one_line<S: Stream>(
        connection: &mut Connection<S>,
        phase: Phase,
    ) -> Result<Self, Failure> {
        Self::read_until(connection, phase, |_| true).await
    }

    /// A flaw: takes for the end of a reply what is only the end of a segment.
    pub(super) async fn read_segment<S: Stream>(
        connection: &mut Connection<S>,
        phase: Phase,
    ) -> Result<Self, Failure> {
        Self::read_until(connection, phase, |connection| {
            connection.unread().is_empty()
        })
        .await
    }

    async fn read_until<S: Stream>(
        connection: &mut Connection<S>,
        phase: Phase,
        ends: impl Fn(&Connection<S>) -> bool,
    ) -> Result<Self, Failure> {
        let until = connection.patience().times(2);
        let mut reply: Option<Reply> = None;
        let mut octets = 0;
        loop {
            let line = connection.line(LONGEST_LINE, until).await;
            let line = line.map_err(|cut| phase.cut(&cut))?;
            let Some((code, is_last)) = parse(&line) else {
                return Err(phase.nonsense("this is no SMTP reply", &quote(&line)));
            };
            let reply = reply.get_or_insert_with(|| Reply {
                code,
                lines: Vec::new(),
            });
            octets += line.len();
            reply.lines.push(line);
            if reply.code != code {
                return Err(phase.nonsense("the lines of a reply contradict", &reply.quote()));
            }
            if reply.lines.len() > MOST_LINES || octets > MOST_OCTETS {
                return Err(phase.nonsense("a reply without end", &format!("{code}-…")));
            }
            if is_last || ends(connection) {
                connection.set_heard(reply.lines.join(&b'\n'));
                return Ok(reply.clone());
            }
        }
    }

    /// The first digit, which decides (RFC 5321 §4.2.1).
    pub(super) fn class(&self) -> u16 {
        self.code / 100
    }

    /// The lines without their codes.
    pub(super) fn texts(&self) -> impl Iterator<Item = String> {
        self.lines
            .iter()
            .map(|line| String::from_utf8_lossy(line.get(4..).unwrap_or_default()).into_owned())
    }

    /// Whether there is nothing but the code.
    pub(super) fn has_no_text(&self) -> bool {
        self.texts().all(|text| text.trim().is_empty())
    }

    /// Whether the words, not the code, are those of a refusal.
    pub(super) fn sounds_refusing(&self) -> bool {
        self.texts().any(|text| {
            let enhanced = text.starts_with("4.") || text.starts_with("5.");
            enhanced || text.to_ascii_lowercase().contains("error")
        })
    }

    /// The reply for the user.
    pub(super) fn quote(&self) -> String {
        quote(&self.lines.join(&b'\n'))
    }

    /// The failure that a reply means where another was needed.
    pub(super) fn refusal(&self, phase: Phase) -> Failure {
        match (self.code, self.class()) {
            (421, _) => phase.dismissed(&self.quote()),
            (_, 4) => phase.refused(Said::Temporary, &self.quote()),
            (_, 5) => phase.refused(Said::Permanent, &self.quote()),
            _ => phase.failure(
                Kind::Nonsense,
                Said::Failed,
                &format!("this is no answer to that: {}", self.quote()),
            ),
        }
    }
}

/// Code and whether the line is the last of its reply; `None` for what is no line of a reply.
fn parse(line: &[u8]) -> Option<(u16, bool)> {
    let (digits, rest) = line.split_at_checked(3)?;
    let is_last = match rest.first() {
        None | Some(b' ') => true,
        Some(b'-') => false,
        Some(_) => return None,
    };
    let digits = std::str::from_utf8(digits).ok()?;
    if !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let code = digits.parse().ok()?;
    (200..600).contains(&code).then_some((code, is_last))
}

#[cfg(test)]
mod tests {
    use test_case::test_case;

    use super::parse;

    #[test_case(b"250 ok" => Some((250, true)))]
    #[test_case(b"250-more" => Some((250, false)))]
    #[test_case(b"250" => Some((250, true)); "without a text")]
    #[test_case(b"299 odd" => Some((299, true)); "an unknown code of a known class")]
    #[test_case(b"150 wait" => None; "a class that SMTP has not")]
    #[test_case(b"620 x" => None; "a class that nobody has")]
    #[test_case(b"2200 x" => None; "four digits")]
    #[test_case(b"22 x" => None; "two digits")]
    #[test_case(b"+50 x" => None; "a sign is no digit")]
    #[test_case(b"abc" => None)]
    #[test_case(b"" => None)]
    fn lines(line: &[u8]) -> Option<(u16, bool)> {
        parse(line)
    }
}
