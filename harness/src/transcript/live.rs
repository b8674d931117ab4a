//! The transcript while it happens: each event as the lines that a person gets to read at once.
//!
//! Must not judge, and must not wait: what belongs together stands together only in the transcript that is
//! rendered at the end.

use std::collections::BTreeMap;

use mailproof_scenarios::model::{Event, What};

use super::{
    names,
    people::alert_words,
    text::{for_people, mask_octets, printable, spoken},
};
use crate::{judge::leaks::Needles, results::Record};

/// Lines that one event may have; a message is longer.
const LINES: usize = 24;

/// Characters of a line that are shown.
const WIDTH: usize = 200;

/// Octets of an unfinished line of the server that are kept.
const KEPT: usize = 64 << 10;

/// Writes events as they come. Passwords and tokens are masked in every encoding, and nothing of the wire can
/// make a terminal do anything.
pub struct Live {
    record: Record,
    needles: Needles,
    talks: BTreeMap<u32, Talk>,
}

/// One open connection.
#[derive(Default)]
struct Talk {
    /// What the server sent of an unfinished line.
    said: Vec<u8>,
    /// Whether it was told that the client speaks TLS where the server does not.
    tls_in_clear: bool,
}

impl Live {
    /// For the events of a record that has none yet.
    pub fn new(record: &Record) -> Self {
        Self {
            record: record.clone(),
            needles: Needles::new(&record.canaries),
            talks: BTreeMap::new(),
        }
    }

    /// The lines of an event, each with the number of its connection; often none.
    pub fn lines(&mut self, event: &Event) -> Vec<String> {
        let Some(id) = event.conn else {
            let words = names::milestone(&self.record, &event.what);
            return words
                .map(|it| format!("-- {}", self.text(it.as_bytes())))
                .into_iter()
                .collect();
        };
        let mut lines = self.on_connection(id, &event.what);
        let over = matches!(
            event.what,
            What::ClientClosed { .. } | What::ServerClosed { .. } | What::LingerOver
        );
        if over {
            self.talks.remove(&id);
        }
        for line in &mut lines {
            line.insert_str(0, &format!("[{id}] "));
        }
        lines
    }

    fn on_connection(&mut self, id: u32, what: &What) -> Vec<String> {
        let talk = self.talks.entry(id).or_default();
        match what {
            What::Connected { port, between, .. } => {
                vec![format!(
                    "-- the client connects to {port}{}",
                    names::way(*between)
                )]
            }
            What::Command {
                verb, line, early, ..
            } => {
                if verb == "?" && line.starts_with(&[0x16, 3]) {
                    let told = std::mem::replace(&mut talk.tls_in_clear, true);
                    return (!told)
                        .then(|| "C: (octets of TLS)".to_owned())
                        .into_iter()
                        .collect();
                }
                if verb == "(data)" {
                    return vec!["C: (the message)".to_owned()];
                }
                let mut lines = self.spoken('C', line);
                if let (true, Some(first)) = (*early, lines.first_mut()) {
                    first.push_str("  [before the answer]");
                }
                lines
            }
            What::Sent { octets, .. } => {
                talk.said.extend_from_slice(octets);
                let whole = match memchr::memrchr(b'\n', &talk.said) {
                    Some(end) => end + 1,
                    None if talk.said.len() > KEPT => talk.said.len(),
                    None => return Vec::new(),
                };
                let said: Vec<u8> = talk.said.drain(..whole).collect();
                self.spoken('S', &said)
            }
            what => {
                let words = match what {
                    What::Alert(alert) => Some(alert_words(alert)),
                    what => names::milestone(&self.record, what),
                };
                let Some(words) = words else {
                    return Vec::new();
                };
                let said = std::mem::take(&mut talk.said);
                let mut lines = self.spoken('S', &said);
                lines.push(format!("-- {}", self.text(words.as_bytes())));
                lines
            }
        }
    }

    /// The lines of one side. Masked before they are cut apart, for a secret may be in a literal.
    fn spoken(&self, side: char, octets: &[u8]) -> Vec<String> {
        let masked = mask_octets(octets, &self.needles);
        let all: Vec<&[u8]> = masked.split_inclusive(|byte| *byte == b'\n').collect();
        let mut lines: Vec<String> = all
            .iter()
            .take(LINES)
            .map(|line| spoken(side, &for_people(line, WIDTH)))
            .collect();
        if all.len() > LINES {
            lines.push(format!("{side}: … ({} more lines)", all.len() - LINES));
        }
        lines
    }

    fn text(&self, octets: &[u8]) -> String {
        let masked = mask_octets(octets, &self.needles);
        printable(&String::from_utf8_lossy(&masked))
    }
}

#[cfg(test)]
mod tests {
    use mailproof_scenarios::model::{Endpoints, Layer, PortRole, Protocol};
    use pretty_assertions::assert_eq;

    use super::*;
    use crate::{judge::testing, results::NotRun};

    fn live() -> (Live, String) {
        let case = testing::Scene::send().record.case;
        let record = Record::not_run(&case, 1, NotRun::Skipped(String::new()));
        let password = record.canaries.accounts[0].password.clone();
        (Live::new(&record), password)
    }

    fn lines(live: &mut Live, what: What) -> Vec<String> {
        live.lines(&Event {
            at: 0,
            step: 1,
            conn: Some(3),
            what,
        })
    }

    fn sent(octets: &[u8]) -> What {
        What::Sent {
            layer: Layer::Clear,
            octets: octets.to_vec(),
        }
    }

    fn command(verb: &str, line: &[u8]) -> What {
        What::Command {
            protocol: Protocol::Imap,
            layer: Layer::Clear,
            verb: verb.to_owned(),
            line: line.to_vec(),
            early: false,
        }
    }

    #[test]
    fn lines_come_when_they_are_whole() {
        let (mut live, _) = live();
        let connected = What::Connected {
            port: PortRole::Imap,
            decoy: false,
            between: Endpoints::default(),
        };
        assert_eq!(
            lines(&mut live, connected),
            ["[3] -- the client connects to imap"]
        );
        assert!(lines(&mut live, sent(b"* OK he")).is_empty());
        assert_eq!(
            lines(&mut live, sent(b"llo\r\n* BAD\x1b[2J\n* un")),
            ["[3] S: * OK hello", "[3] S: * BAD\\u{1b}[2J\\n"]
        );
        assert_eq!(
            lines(&mut live, What::ServerClosed { reset: false }),
            ["[3] S: * un [no line end]", "[3] -- the server closes"]
        );
    }

    #[test]
    fn secrets_are_masked_in_lines_and_literals() {
        let (mut live, password) = live();
        let line = format!("a LOGIN x {{20}}\r\n{password}\r\n");
        assert_eq!(
            lines(&mut live, command("LOGIN", line.as_bytes())),
            ["[3] C: a LOGIN x {20}", "[3] C: ********"]
        );
    }

    #[test]
    fn tls_on_a_clear_port_is_told_once_and_long_texts_are_cut() {
        let (mut live, _) = live();
        let hello = command("?", &[0x16, 3, 1, 0]);
        assert_eq!(lines(&mut live, hello.clone()), ["[3] C: (octets of TLS)"]);
        assert!(lines(&mut live, hello).is_empty());
        let long = b"* 1 EXISTS\r\n".repeat(100);
        let shown = lines(&mut live, sent(&long));
        assert_eq!(shown.len(), LINES + 1);
        assert_eq!(shown[LINES], "[3] S: … (76 more lines)");
    }
}
