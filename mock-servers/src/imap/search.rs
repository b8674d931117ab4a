//! Whether a message matches the keys of SEARCH.

use super::{
    date::Day,
    message::{Part, header_text, part_text},
    parse::Key,
    store::Message,
    view::Named,
};

/// The key with every set resolved for a mailbox: `*` is the last message of the view.
pub(super) fn resolved(key: Key, last: Option<Named>) -> Key {
    let each = |key: Box<Key>| Box::new(resolved(*key, last));
    match key {
        Key::Sequence(set) => Key::Numbers(set.resolve(last.map(|last| last.number))),
        Key::Uid(set) => Key::Uids(set.resolve(last.map(|last| last.uid))),
        Key::Not(inner) => Key::Not(each(inner)),
        Key::Or(one, other) => Key::Or(each(one), each(other)),
        Key::And(keys) => Key::And(keys.into_iter().map(|key| resolved(key, last)).collect()),
        key => key,
    }
}

/// Whether every message number of the key is one (RFC 9051 §9, seq-number).
pub(super) fn fits(key: &Key, messages: u32) -> bool {
    match key {
        Key::Sequence(set) => set.fits(messages),
        Key::Not(inner) => fits(inner, messages),
        Key::Or(one, other) => fits(one, messages) && fits(other, messages),
        Key::And(keys) => keys.iter().all(|key| fits(key, messages)),
        _ => true,
    }
}

/// Whether the message matches a key that is [`resolved`].
pub(super) fn matches(key: &Key, named: Named, message: &Message) -> bool {
    let mut subject = Subject {
        named,
        message,
        part: None,
    };
    subject.matches(key)
}

struct Subject<'a> {
    named: Named,
    message: &'a Message,
    part: Option<Part>,
}

impl Subject<'_> {
    fn matches(&mut self, key: &Key) -> bool {
        let flags = &self.message.flags;
        let day = self.message.date.day();
        let size = self.message.octets.len() as u64;
        match key {
            Key::All => true,
            Key::Nothing => false,
            Key::Flag(mask, set) => flags.has(*mask) == *set,
            Key::Keyword(keyword, set) => flags.has_keyword(keyword) == *set,
            Key::Larger(than) => size > u64::from(*than),
            Key::Smaller(than) => size < u64::from(*than),
            Key::Before(than) => day < *than,
            Key::On(than) => day == *than,
            Key::Since(than) => day >= *than,
            Key::SentBefore(than) => self.sent().is_some_and(|day| day < *than),
            Key::SentOn(than) => self.sent().is_some_and(|day| day == *than),
            Key::SentSince(than) => self.sent().is_some_and(|day| day >= *than),
            Key::Numbers(ranges) => ranges.contains(self.named.number),
            Key::Uids(ranges) => ranges.contains(self.named.uid),
            Key::Sequence(set) => set.resolve(None).contains(self.named.number),
            Key::Uid(set) => set.resolve(None).contains(self.named.uid),
            Key::Not(inner) => !self.matches(inner),
            Key::Or(one, other) => self.matches(one) || self.matches(other),
            Key::And(keys) => keys.iter().all(|key| self.matches(key)),
            Key::Header(name, text) => self.header_has(name, text),
            Key::Body(text) => self.body_has(text),
            Key::Text(text) => {
                let header = header_text(&self.message.octets[self.part().header.clone()]);
                contains(&header, text) || self.body_has(text)
            }
        }
    }

    fn part(&mut self) -> &Part {
        let message = self.message;
        self.part
            .get_or_insert_with(|| Part::of_message(&message.octets))
    }

    fn sent(&mut self) -> Option<Day> {
        let octets = &self.message.octets;
        let field = self.part().field(octets, "Date")?;
        Day::of_header(&String::from_utf8_lossy(&field.unfolded()))
    }

    fn header_has(&mut self, name: &[u8], text: &[u8]) -> bool {
        let octets = &self.message.octets;
        self.part()
            .fields(octets)
            .filter(|field| field.is(name))
            .any(|field| contains(&header_text(field.value), text))
    }

    fn body_has(&mut self, text: &[u8]) -> bool {
        let octets = &self.message.octets;
        let body = part_text(octets, self.part());
        contains(&body, text)
    }
}

/// Without regard to case.
fn contains(text: &str, wanted: &[u8]) -> bool {
    let wanted = String::from_utf8_lossy(wanted).to_lowercase();
    text.to_lowercase().contains(&wanted)
}
