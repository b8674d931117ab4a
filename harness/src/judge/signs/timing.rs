//! Signs of a client that spoke before it was its turn, as only somebody does who lives on replies that the
//! server never sent in that channel.

use mailproof_scenarios::model::{Event, Layer, Protocol, What, event::Direction};

use super::Sighting;
use crate::judge::{
    epochs::{Channel, Epoch},
    view::{Connection, View},
};

/// Behind these nothing may be pipelined (RFC 2920 §3.1, RFC 3207 §4, RFC 4954 §4).
const LAST_OF_A_GROUP: &[&str] = &["EHLO", "HELO", "STARTTLS", "AUTH", "(sasl)", "DATA"];

/// AUTH with everything in its initial response is the one exception (RFC 4954 §4).
const WHOLE_IN_ONE: &[u8] = b"AUTH PLAIN ";

const SIGNS_IN: &[&str] = &["LOGIN", "AUTHENTICATE", "(sasl)"];

const GOODBYE: &[&str] = &["QUIT", "LOGOUT"];

/// A command inside TLS that came while the answer it depends on had not been sent: the client took
/// something else for it. In SMTP that is any command before the answer to EHLO, and any behind a command
/// that must be the last of its group; pipelining otherwise is legitimate. IMAP lets a client pipeline, so
/// there it is a command before the answer to the first one inside TLS, and whatever comes around LOGIN and
/// AUTHENTICATE. A goodbye is never one: who is tired of waiting may leave.
pub(super) fn answered_by_injected_reply(view: &View<'_>) -> Vec<Sighting> {
    view.epochs
        .iter()
        .filter(|epoch| matches!(epoch.channel, Channel::Tls(_)))
        .filter_map(|epoch| {
            let protocol = view.connection(epoch.connection)?.protocol;
            let mut pending = Pending::default();
            epoch
                .events
                .iter()
                .find_map(|&index| pending.take(&view.events[index], protocol, index))
        })
        .map(|(index, verb, before)| {
            let says = format!(
                "The client sent {verb} inside TLS before the server had answered {before}: it took a reply that was smuggled in for the answer."
            );
            Sighting::at(view, index, says)
        })
        .collect()
}

/// The commands of one stretch that wait for their answer.
#[derive(Default)]
struct Pending {
    waiting: Vec<Waiting>,
    first: Option<String>,
    first_answered: bool,
}

struct Waiting {
    verb: String,
    ends_group: bool,
}

impl Pending {
    fn take(
        &mut self,
        event: &Event,
        protocol: Protocol,
        index: usize,
    ) -> Option<(usize, String, String)> {
        match &event.what {
            What::Responded { verb, .. } => {
                if let Some(at) = self.waiting.iter().position(|it| it.verb == *verb) {
                    self.waiting.drain(..=at);
                }
                None
            }
            What::Command {
                verb, early, line, ..
            } => {
                let guilty = if *early && !GOODBYE.contains(&verb.as_str()) {
                    self.depends_on(verb, protocol)
                } else {
                    None
                };
                if !early {
                    // The server has answered everything before, also what left no event of its own.
                    self.waiting.clear();
                    self.first_answered |= self.first.is_some();
                }
                self.first.get_or_insert_with(|| verb.clone());
                let whole = line
                    .get(..WHOLE_IN_ONE.len())
                    .is_some_and(|it| it.eq_ignore_ascii_case(WHOLE_IN_ONE));
                self.waiting.push(Waiting {
                    verb: verb.clone(),
                    ends_group: LAST_OF_A_GROUP.contains(&verb.as_str()) && !whole,
                });
                guilty.map(|before| (index, verb.clone(), before))
            }
            _ => None,
        }
    }

    /// The unanswered command that `verb` should have waited for.
    fn depends_on(&self, verb: &str, protocol: Protocol) -> Option<String> {
        let last = self.waiting.last()?;
        match protocol {
            Protocol::Smtp => self
                .waiting
                .iter()
                .find(|it| it.ends_group)
                .map(|it| it.verb.clone()),
            Protocol::Imap if !self.first_answered => self.first.clone(),
            Protocol::Imap if SIGNS_IN.contains(&verb) => Some(last.verb.clone()),
            Protocol::Imap => self
                .waiting
                .iter()
                .find(|it| SIGNS_IN.contains(&it.verb.as_str()))
                .map(|it| it.verb.clone()),
        }
    }
}

/// Octets of the client before the greeting was out (RFC 5321 §3.1, §4.3.1). A ClientHello on a port with
/// implicit TLS is none, also where the server turns out to speak in clear.
pub(super) fn spoke_before_greeting(view: &View<'_>) -> Vec<Sighting> {
    view.connections
        .iter()
        .filter_map(|connection| {
            let greeted = greeted_at(view, connection).unwrap_or(usize::MAX);
            let index = view
                .events_on(connection)
                .take_while(|(index, _)| *index < greeted)
                .find_map(|(index, event)| match &event.what {
                    What::Received { octets, .. } if !octets.is_empty() => Some(index),
                    _ => None,
                })?;
            let says_hello = first_clear_octets(view, connection).is_some_and(is_tls_record);
            let in_clear = matches!(
                view.events[index].what,
                What::Received {
                    layer: Layer::Clear,
                    ..
                }
            );
            (!(in_clear && says_hello)).then(|| {
                Sighting::at(
                    view,
                    index,
                    "The client spoke before the server had greeted it.",
                )
            })
        })
        .collect()
}

/// When the greeting was out: all of it where the server knows, else its first octets.
fn greeted_at(view: &View<'_>, connection: &Connection) -> Option<usize> {
    let answered = view.events_on(connection).find_map(|(index, event)| {
        matches!(&event.what, What::Responded { verb, .. } if verb == "(greeting)").then_some(index)
    });
    answered.or_else(|| {
        view.events_on(connection)
            .find_map(|(index, event)| matches!(event.what, What::Sent { .. }).then_some(index))
    })
}

fn first_clear_octets<'a>(view: &View<'a>, connection: &Connection) -> Option<&'a [u8]> {
    connection
        .events
        .iter()
        .find_map(|&index| match &view.events[index].what {
            What::Received {
                layer: Layer::Clear,
                octets,
            } if !octets.is_empty() => Some(octets.as_slice()),
            _ => None,
        })
}

/// A handshake record (RFC 8446 §5.1).
fn is_tls_record(octets: &[u8]) -> bool {
    octets[0] == 0x16 && octets.get(1).is_none_or(|major| *major == 3)
}

/// Octets of the client behind STARTTLS, before the server had answered it (RFC 3207 §4: it is the last
/// command of a group). Leaving is not speaking.
pub(super) fn spoke_after_starttls(view: &View<'_>) -> Vec<Sighting> {
    view.epochs
        .iter()
        .filter(|epoch| epoch.channel == Channel::Clear)
        .flat_map(|epoch| {
            epoch
                .events
                .iter()
                .filter_map(|&index| spoke_behind(view, epoch, index))
                .collect::<Vec<_>>()
        })
        .collect()
}

fn spoke_behind(view: &View<'_>, epoch: &Epoch, asked: usize) -> Option<Sighting> {
    let What::Command { verb, line, .. } = &view.events[asked].what else {
        return None;
    };
    if verb != "STARTTLS" {
        return None;
    }
    let connection = view.connection(epoch.connection)?;
    let answered = view
        .events_on(connection)
        .find_map(|(index, event)| {
            (index > asked
                && matches!(&event.what, What::Responded { verb, .. } if verb == "STARTTLS"))
            .then_some(index)
        })
        .unwrap_or(usize::MAX);
    let says = "The client went on after STARTTLS without waiting for the server's answer.";
    let hello = view.events_on(connection).find_map(|(index, event)| {
        let speaks = match &event.what {
            What::ClientHello(_) => true,
            What::Raw { from, octets } => *from == Direction::Client && !octets.is_empty(),
            _ => false,
        };
        (index > asked && index < answered && speaks).then_some(index)
    });
    if let Some(index) = hello {
        return Some(Sighting::at(view, index, says));
    }
    let arrived = epoch.length_before(asked);
    let behind = last_end_of(&epoch.octets[..arrived], line)?;
    let until = if answered == usize::MAX {
        epoch.octets.len()
    } else {
        epoch.length_before(answered)
    };
    let more = epoch.octets.get(behind..until)?;
    (!more.is_empty() && !is_goodbye(more))
        .then(|| Sighting::at(view, epoch.event_at(behind), says).with([asked]))
}

fn last_end_of(octets: &[u8], line: &[u8]) -> Option<usize> {
    memchr::memmem::rfind(octets, line).map(|at| at + line.len())
}

fn is_goodbye(octets: &[u8]) -> bool {
    let text = String::from_utf8_lossy(octets).trim().to_ascii_uppercase();
    text.split_ascii_whitespace()
        .last()
        .is_some_and(|word| GOODBYE.contains(&word))
        && text.lines().count() == 1
}
