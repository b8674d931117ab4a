//! A flaw: what untagged responses told in clear, kept for the session inside TLS (RFC 9051 §11.3 wants it
//! ignored), and what a client does that takes it for its own knowledge.
//!
//! Must not know where it is kept, nor how commands are sent.

use std::collections::BTreeSet;

use super::response::Response;

/// The most of each kind that is kept.
const MOST: usize = 64;

/// What is kept.
#[derive(Debug, Default)]
pub(super) struct Stale {
    /// Names of mailboxes as they were listed.
    mailboxes: Vec<String>,
    /// Numbers of messages that were spoken of.
    numbers: BTreeSet<u32>,
    /// Messages that are there no more, or whose text is there already.
    settled: BTreeSet<u32>,
}

impl Stale {
    /// Keeps what a response told.
    pub(super) fn keep(&mut self, response: &Response) {
        match response {
            Response::Listed { name } if self.mailboxes.len() < MOST => {
                self.mailboxes.push(name.clone());
            }
            Response::Exists(number) => self.speak_of(*number),
            Response::Expunge(number)
            | Response::Fetch {
                number,
                has_body: true,
            } => {
                self.settled.insert(*number);
            }
            Response::Numbers { numbers, .. } => numbers.iter().for_each(|it| self.speak_of(*it)),
            _ => {}
        }
    }

    /// What it asks about the mailboxes that it heard of.
    pub(super) fn about_mailboxes(&self) -> Vec<String> {
        let ask = |name: &String| format!("STATUS {name} (MESSAGES)");
        self.mailboxes.iter().map(ask).collect()
    }

    /// What it asks about the messages that it heard of.
    pub(super) fn about_messages(&self) -> Vec<String> {
        let ask = |number: &u32| format!("FETCH {number} (FLAGS)");
        self.numbers.iter().map(ask).collect()
    }

    /// The first message that it has not settled, where it has settled any.
    pub(super) fn begins_at(&self) -> Option<u32> {
        let unsettled = |number: &u32| !self.settled.contains(number);
        (!self.settled.is_empty()).then(|| (1..).find(unsettled).unwrap_or(1))
    }

    fn speak_of(&mut self, number: u32) {
        if self.numbers.len() < MOST {
            self.numbers.insert(number);
        }
    }
}

#[cfg(test)]
mod tests {
    use pretty_assertions::assert_eq;

    use super::{
        super::response::{Line, parse},
        *,
    };

    fn kept(lines: &[&str]) -> Stale {
        let mut stale = Stale::default();
        for line in lines {
            let line = Line {
                octets: line.as_bytes().to_vec(),
                ..Line::default()
            };
            stale.keep(&parse(&line).unwrap());
        }
        stale
    }

    #[test]
    fn what_was_told_is_acted_on() {
        let stale = kept(&[
            "* LIST () \"/\" Injected",
            "* LSUB () \".\" \"In jected\"",
            "* 54321 EXISTS",
            "* SEARCH 71801 71802",
            "* 12345 RECENT",
            "* STATUS INBOX (MESSAGES 718001 UIDNEXT 718003)",
            "* 1 FETCH (BODY[] NIL)",
            "* 2 EXPUNGE",
        ]);
        assert_eq!(
            stale.about_mailboxes(),
            [
                "STATUS Injected (MESSAGES)",
                "STATUS \"In jected\" (MESSAGES)"
            ]
        );
        assert_eq!(
            stale.about_messages(),
            [
                "FETCH 12345 (FLAGS)",
                "FETCH 54321 (FLAGS)",
                "FETCH 71801 (FLAGS)",
                "FETCH 71802 (FLAGS)",
                "FETCH 718001 (FLAGS)",
            ]
        );
        assert_eq!(stale.begins_at(), Some(3));
        assert_eq!(Stale::default().begins_at(), None);
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let lines: Vec<String> = (1..1000).map(|it| format!("* {it} EXISTS")).collect();
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        assert_eq!(kept(&lines).about_messages().len(), MOST);
    }
}
