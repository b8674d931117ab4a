//! Connections that came late: a product with a queue may try a message of an earlier case again while another
//! case is run. Whose a connection is, its canaries say: the Message-ID, the body, the addresses, the login.
//!
//! Such a connection is no evidence in the case where it arrived; it is taken out there and put into the record
//! of its own case, which is judged again. There it counts for what holds in every case (no secret where none
//! may be, no attempts without end), and only where the product still had the same settings: if it had been told
//! others in the meantime, what it did is not what its own case asked for. What a case expects of its own
//! servers it never concerns, for it met others.
//!
//! A message decides before a login. A connection without any canary (it ended at the certificate), with no
//! more than the login of the case where it arrived, or with messages of several cases stays where it arrived.
//!
//! Pure. Must not know how a case is run.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
};

use aho_corasick::AhoCorasick;
use base64::{
    Engine as _, alphabet,
    engine::{
        DecodePaddingMode,
        general_purpose::{GeneralPurpose, GeneralPurposeConfig},
    },
};
use mailproof_scenarios::model::{Canaries, Case, Event, Log, Step, What};

use crate::results::Record;

/// Octets of a connection in which canaries are looked for.
const SEARCHED: usize = 1 << 20;

/// The shortest word that may be something in base64.
const ENCODED: usize = 12;

/// Who has which canary, over all cases of a run.
pub(crate) struct Owners {
    ids: Vec<String>,
    search: AhoCorasick,
    /// Of each pattern: its case, and whether it belongs to a message.
    of: Vec<(usize, bool)>,
}

/// A connection that belongs to another case than the one where it arrived.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Stray {
    /// The id of its case.
    pub(crate) owner: String,
    /// Where it arrived.
    during: String,
    /// The settings that the product had.
    settings: Option<Step>,
    events: Vec<Event>,
}

impl Owners {
    /// The canaries of `cases` under `seed`; `None` where they cannot be searched for.
    pub(crate) fn new<'a>(seed: u64, cases: impl IntoIterator<Item = &'a Case>) -> Option<Self> {
        let (mut ids, mut words, mut of) = (Vec::new(), Vec::new(), Vec::new());
        for case in cases {
            let canaries = Canaries::derive(seed, &case.id, case.accounts());
            for (word, of_message) in words_of(&canaries) {
                words.push(word);
                of.push((ids.len(), of_message));
            }
            ids.push(case.id.clone());
        }
        let search = AhoCorasick::new(words).ok()?;
        Some(Self { ids, search, of })
    }

    /// Takes the connections of other cases out of a record, and says there that they were.
    pub(crate) fn take_strays(&self, record: &mut Record) -> Vec<Stray> {
        let mut texts: BTreeMap<u32, Vec<u8>> = BTreeMap::new();
        for event in &record.log.events {
            let (Some(conn), Some(octets)) = (event.conn, said(&event.what)) else {
                continue;
            };
            let text = texts.entry(conn).or_default();
            let room = SEARCHED.saturating_sub(text.len());
            text.extend_from_slice(&octets[..octets.len().min(room)]);
        }
        let mut strays = Vec::new();
        for (conn, text) in texts {
            if let Some(owner) = self.owner(&text).filter(|it| *it != record.case.id) {
                let owner = owner.to_owned();
                strays.push(take(record, conn, owner));
            }
        }
        strays
    }

    /// The one case whose canaries are in a text. A message decides before a login: a product may send what it
    /// kept with the login that it has by then.
    fn owner(&self, text: &[u8]) -> Option<&str> {
        let mut found = self.found_in(text);
        for word in text.split(u8::is_ascii_whitespace) {
            if word.len() >= ENCODED
                && let Ok(decoded) = LENIENT.decode(word)
            {
                found.extend(self.found_in(&decoded));
            }
        }
        let by_message = found.iter().any(|(_, of_message)| *of_message);
        let owners: BTreeSet<usize> = found
            .into_iter()
            .filter(|(_, of_message)| *of_message == by_message)
            .map(|(owner, _)| owner)
            .collect();
        let mut owners = owners.into_iter();
        match (owners.next(), owners.next()) {
            (Some(one), None) => self.ids.get(one).map(String::as_str),
            _ => None,
        }
    }

    fn found_in(&self, text: &[u8]) -> BTreeSet<(usize, bool)> {
        let hits = self.search.find_iter(text);
        hits.map(|hit| self.of[hit.pattern().as_usize()]).collect()
    }
}

/// Base64 with or without its padding.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Words that are in no other case, and whether each belongs to a message.
fn words_of(canaries: &Canaries) -> Vec<(String, bool)> {
    let mut words = vec![
        (canaries.message.clone(), true),
        (canaries.body.clone(), true),
    ];
    // The addresses of strangers have the beginning of it, between a name and a domain.
    if let Some(fresh) = canaries.message.get(..8) {
        words.push((format!("-{fresh}@"), true));
    }
    for account in &canaries.accounts {
        let of_account = [&account.user, &account.password, &account.token];
        words.extend(of_account.map(|it| (it.clone(), false)));
    }
    words.retain(|(it, _)| !it.is_empty());
    words
}

/// What the client said in an event.
fn said(what: &What) -> Option<&[u8]> {
    match what {
        What::Received { octets, .. } => Some(octets),
        _ => None,
    }
}

fn take(record: &mut Record, conn: u32, owner: String) -> Stray {
    let first = record
        .log
        .events
        .iter()
        .position(|it| it.conn == Some(conn));
    let events = std::mem::take(&mut record.log.events);
    let (moved, mut kept): (Vec<Event>, Vec<Event>) =
        events.into_iter().partition(|it| it.conn == Some(conn));
    let step = moved.first().map_or(1, |it| it.step.max(1));
    let settings = record.steps.get(usize::from(step) - 1).cloned();
    if let (Some(first), Some(event)) = (first, moved.first()) {
        let mark = Event {
            at: event.at,
            step: event.step,
            conn: None,
            what: What::Elsewhere {
                case: owner.clone(),
            },
        };
        kept.insert(first.min(kept.len()), mark);
    }
    record.log.events = kept;
    Stray {
        owner,
        during: record.case.id.clone(),
        settings,
        events: moved,
    }
}

impl Stray {
    /// Adds it to the record of its own case.
    pub(crate) fn put_into(self, record: &mut Record) {
        let events = &record.log.events;
        let conn = events.iter().filter_map(|it| it.conn).max().unwrap_or(0) + 1;
        let (began, from) = (
            events.last().map_or(0, |it| it.at),
            self.events.first().map_or(0, |it| it.at),
        );
        let step = step_of(record, &self.events);
        let own = record.steps.get(usize::from(step) - 1);
        let same_settings = match (own, &self.settings) {
            (Some(own), Some(then)) => same(own, then),
            _ => false,
        };
        let mark = What::CameLate {
            during: self.during,
            same_settings,
        };
        // What is not judged stays at the end, so that what is judged keeps its place in the log.
        let end = record.log.events.len();
        let not_judged = |event: &Event| {
            let what = &event.what;
            matches!(what, What::CameLate { same_settings, .. } if !same_settings)
        };
        let at = match record.log.events.iter().position(not_judged) {
            Some(at) if same_settings => at,
            _ => end,
        };
        let event = |at, what| Event {
            at,
            step,
            conn: Some(conn),
            what,
        };
        let moved = self.events.into_iter().map(|it| {
            let after = it.at.saturating_sub(from);
            event(began + after, it.what)
        });
        let all: Vec<Event> = std::iter::once(event(began, mark)).chain(moved).collect();
        record.log.events.splice(at..at, all);
    }
}

/// The step whose message it was, or the last.
fn step_of(record: &Record, events: &[Event]) -> u16 {
    let text: Vec<u8> = events
        .iter()
        .filter_map(|it| said(&it.what))
        .flatten()
        .copied()
        .collect();
    let steps = 1..=record.steps.len();
    let found = steps.rev().find(|number| {
        let id = record.canaries.message_id(*number);
        memchr::memmem::find(&text, id.as_bytes()).is_some()
    });
    let step = found.unwrap_or(record.steps.len()).max(1);
    u16::try_from(step).unwrap_or(u16::MAX)
}

/// Whether two steps tell a product the same about how it may talk.
fn same(one: &Step, other: &Step) -> bool {
    use mailproof_scenarios::model::Trust;
    one.trust != Trust::Pin
        && (one.protocol, one.security, one.trust, one.host, one.auth)
            == (
                other.protocol,
                other.security,
                other.trust,
                other.host,
                other.auth,
            )
        && (one.ca_file, one.store, one.crl) == (other.ca_file, other.store, other.crl)
}

/// A record as it was before anything came late; `None` where nothing did.
pub(crate) fn without(record: &Record) -> Option<Record> {
    keep(record, |_| false)
}

/// A record as it would be had nothing come late, neither to it nor to others while it was run.
pub(crate) fn undisturbed(record: &Record) -> Cow<'_, Record> {
    let mut own = without(record).map_or(Cow::Borrowed(record), Cow::Owned);
    let elsewhere = |event: &Event| matches!(event.what, What::Elsewhere { .. });
    if own.log.events.iter().any(elsewhere) {
        own.to_mut().log.events.retain(|it| !elsewhere(it));
    }
    own
}

/// A record with what came late under the same settings; `None` where nothing did.
pub(crate) fn comparable(record: &Record) -> Option<Record> {
    keep(record, |same_settings| same_settings)
}

fn keep(record: &Record, keeps: impl Fn(bool) -> bool) -> Option<Record> {
    let events = record.log.events.iter();
    let late: BTreeMap<u32, bool> = events
        .filter_map(|it| match it.what {
            What::CameLate { same_settings, .. } => Some((it.conn?, same_settings)),
            _ => None,
        })
        .collect();
    if late.is_empty() {
        return None;
    }
    let stays = |event: &&Event| {
        let late = event.conn.and_then(|it| late.get(&it).copied());
        late.is_none_or(&keeps)
    };
    Some(Record {
        log: Log {
            events: record.log.events.iter().filter(stays).cloned().collect(),
        },
        ..record.clone()
    })
}

#[cfg(test)]
mod tests;
