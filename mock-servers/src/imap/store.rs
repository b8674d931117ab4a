//! The mailboxes of all accounts: what every connection of a server sees and changes.
//!
//! It knows no protocol state. A connection's picture of a mailbox is its view.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use mailproof_scenarios::model::{Account, ImapPersona};

use super::{
    date::InternalDate,
    flags::Flags,
    name::{self, INBOX},
};

/// The mailboxes of every account; shared by all connections, cheap to clone.
#[derive(Clone, Debug)]
pub struct Store(Arc<Mutex<Inner>>);

#[derive(Debug)]
struct Inner {
    accounts: BTreeMap<String, Mailboxes>,
    date: InternalDate,
    /// At least what all messages have together: those that are gone still count until somebody counts.
    octets: usize,
}

/// The mailboxes of one account.
#[derive(Debug)]
pub(super) struct Mailboxes {
    by_name: BTreeMap<String, Mailbox>,
    subscribed: BTreeSet<String>,
    delimiter: Option<char>,
    next_id: u64,
    next_validity: u32,
}

/// One mailbox.
#[derive(Debug)]
pub(super) struct Mailbox {
    /// Its own for ever, whatever it is renamed to.
    pub(super) id: u64,
    pub(super) uid_validity: u32,
    pub(super) uid_next: u32,
    /// By ascending UID.
    pub(super) messages: Vec<Message>,
    /// Attributes as `\Sent`.
    pub(super) attributes: Vec<String>,
    /// Keywords that were ever set in it, as they are spelled.
    pub(super) keywords: Vec<String>,
    changes: u64,
}

/// One message of a mailbox.
#[derive(Clone, Debug)]
pub(super) struct Message {
    pub(super) uid: u32,
    pub(super) flags: Flags,
    pub(super) date: InternalDate,
    pub(super) octets: Arc<[u8]>,
    /// Grows with every change of the flags.
    pub(super) change: u64,
}

/// Why a change is not made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// There is no such mailbox.
    Missing,
    /// There is one already.
    Exists,
    /// The name cannot be used, or not for this.
    Cannot,
    /// Something would be too much.
    Limit,
}

const MOST_OCTETS: usize = 512 * 1024 * 1024;
const MOST_MESSAGES: usize = 100_000;
const MOST_MAILBOXES: usize = 1000;
const MOST_KEYWORDS: usize = 200;
const MOST_LEVELS: usize = 20;

impl Store {
    /// Empty mailboxes as the persona has them for every account, all subscribed. One with `\Noselect` is not
    /// made: it is listed when there is something below it. `date` is the internal
    /// date of messages that are delivered, as RFC 3501 writes it (`22-Nov-2026 08:51:30 +0000`); UID
    /// validities come from it too. One that is no date is 1 January 1970.
    pub fn new(accounts: &[Account], persona: &ImapPersona, date: &str) -> Store {
        let date = InternalDate::parse(date).unwrap_or_default();
        let delimiter = persona.delimiter.chars().next();
        let accounts = accounts
            .iter()
            .map(|account| {
                let mut mailboxes = Mailboxes {
                    by_name: BTreeMap::new(),
                    subscribed: BTreeSet::new(),
                    delimiter,
                    next_id: 1,
                    next_validity: date.stamp().max(1),
                };
                mailboxes.add(INBOX, Vec::new());
                for spec in &persona.mailboxes {
                    let leads_only = spec
                        .attributes
                        .iter()
                        .any(|it| it.eq_ignore_ascii_case("\\Noselect"));
                    if leads_only {
                        continue;
                    }
                    if spec.name.eq_ignore_ascii_case(INBOX) {
                        mailboxes.add(INBOX, spec.attributes.clone());
                    } else {
                        mailboxes.add(&spec.name, spec.attributes.clone());
                    }
                }
                mailboxes.subscribed = mailboxes.by_name.keys().cloned().collect();
                (account.user.clone(), mailboxes)
            })
            .collect();
        Store(Arc::new(Mutex::new(Inner {
            accounts,
            date,
            octets: 0,
        })))
    }

    /// Puts a message into a mailbox, as new. Whether it is there then: not for a user or mailbox that
    /// does not exist, and not beyond the bounds on memory.
    pub fn deliver(&self, user: &str, mailbox: &str, message: Vec<u8>) -> bool {
        let date = self.lock().date.clone();
        self.append(user, mailbox, message, Flags::default(), Some(date))
            .is_ok()
    }

    /// The messages of a mailbox in the order of their UIDs; none for what does not exist.
    pub fn messages(&self, user: &str, mailbox: &str) -> Vec<Vec<u8>> {
        self.with(user, |mailboxes| {
            let found = mailboxes.get(mailbox)?;
            Some(
                found
                    .messages
                    .iter()
                    .map(|message| message.octets.to_vec())
                    .collect(),
            )
        })
        .flatten()
        .unwrap_or_default()
    }

    /// The names of an account's mailboxes, in UTF-8.
    pub fn mailboxes(&self, user: &str) -> Vec<String> {
        self.with(user, |mailboxes| {
            mailboxes.by_name.keys().cloned().collect()
        })
        .unwrap_or_default()
    }

    /// Stores a message and says its UID validity and UID.
    pub(super) fn append(
        &self,
        user: &str,
        mailbox: &str,
        message: Vec<u8>,
        flags: Flags,
        date: Option<InternalDate>,
    ) -> Result<(u32, u32), Refused> {
        let mut inner = self.lock();
        if inner.octets.saturating_add(message.len()) > MOST_OCTETS {
            inner.octets = inner.count();
            if inner.octets.saturating_add(message.len()) > MOST_OCTETS {
                return Err(Refused::Limit);
            }
        }
        let date = date.unwrap_or_else(|| inner.date.clone());
        let len = message.len();
        let mailbox = inner
            .accounts
            .get_mut(user)
            .and_then(|mailboxes| mailboxes.get_mut(mailbox))
            .ok_or(Refused::Missing)?;
        let uid = mailbox.add(flags, date, message.into())?;
        let validity = mailbox.uid_validity;
        inner.octets += len;
        Ok((validity, uid))
    }

    /// Works on the mailboxes of an account; `None` if there is no such account.
    pub(super) fn with<T>(&self, user: &str, work: impl FnOnce(&mut Mailboxes) -> T) -> Option<T> {
        self.lock().accounts.get_mut(user).map(work)
    }

    /// A panic elsewhere leaves the mailboxes as they are: every change is made in one step.
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn count(&self) -> usize {
        self.accounts
            .values()
            .flat_map(|mailboxes| mailboxes.by_name.values())
            .flat_map(|mailbox| &mailbox.messages)
            .map(|message| message.octets.len())
            .sum()
    }
}

impl Mailboxes {
    pub(super) fn delimiter(&self) -> Option<char> {
        self.delimiter
    }

    pub(super) fn get(&self, name: &str) -> Option<&Mailbox> {
        self.by_name.get(name)
    }

    pub(super) fn get_mut(&mut self, name: &str) -> Option<&mut Mailbox> {
        self.by_name.get_mut(name)
    }

    pub(super) fn by_id(&mut self, id: u64) -> Option<&mut Mailbox> {
        self.by_name.values_mut().find(|mailbox| mailbox.id == id)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &Mailbox)> {
        self.by_name
            .iter()
            .map(|(name, mailbox)| (name.as_str(), mailbox))
    }

    pub(super) fn has_children(&self, name: &str) -> bool {
        self.by_name
            .keys()
            .any(|other| name::is_inferior(other, name, self.delimiter))
    }

    pub(super) fn is_subscribed(&self, name: &str) -> bool {
        self.subscribed.contains(name)
    }

    pub(super) fn subscriptions(&self) -> impl Iterator<Item = &str> {
        self.subscribed.iter().map(String::as_str)
    }

    pub(super) fn subscribe(&mut self, name: &str) -> Result<(), Refused> {
        if !self.by_name.contains_key(name) {
            return Err(Refused::Missing);
        }
        self.subscribed.insert(name.to_owned());
        Ok(())
    }

    pub(super) fn unsubscribe(&mut self, name: &str) {
        self.subscribed.remove(name);
    }

    /// RFC 9051 §6.3.4; a trailing delimiter only announces that names below will follow. What is above
    /// need not be made: it is listed as not selectable.
    pub(super) fn create(&mut self, name: &str) -> Result<(), Refused> {
        let name = match self.delimiter {
            Some(delimiter) => name.strip_suffix(delimiter).unwrap_or(name),
            None => name,
        };
        if self.by_name.contains_key(name) || name.eq_ignore_ascii_case(INBOX) {
            return Err(Refused::Exists);
        }
        self.check(name)?;
        self.add(name, Vec::new());
        Ok(())
    }

    /// RFC 9051 §6.3.5. What is below stays.
    pub(super) fn delete(&mut self, name: &str) -> Result<(), Refused> {
        if name == INBOX {
            return Err(Refused::Cannot);
        }
        match self.by_name.remove(name) {
            Some(_) => Ok(()),
            None if self.has_children(name) => Err(Refused::Cannot),
            None => Err(Refused::Missing),
        }
    }

    /// RFC 9051 §6.3.6: what is below moves too; INBOX stays and gives its messages away.
    pub(super) fn rename(&mut self, from: &str, to: &str) -> Result<(), Refused> {
        if self.by_name.contains_key(to) {
            return Err(Refused::Exists);
        }
        self.check(to)?;
        if from == INBOX {
            self.add(to, Vec::new());
            let messages = match self.by_name.get_mut(INBOX) {
                Some(inbox) => std::mem::take(&mut inbox.messages),
                None => Vec::new(),
            };
            if let Some(target) = self.by_name.get_mut(to) {
                for message in messages {
                    target.add(message.flags, message.date, message.octets)?;
                }
            }
            return Ok(());
        }
        let moved: Vec<String> = self
            .by_name
            .keys()
            .filter(|name| *name == from || name::is_inferior(name, from, self.delimiter))
            .cloned()
            .collect();
        if moved.is_empty() {
            return Err(Refused::Missing);
        }
        if name::is_inferior(to, from, self.delimiter) {
            return Err(Refused::Cannot);
        }
        let target = |name: &str| format!("{to}{}", &name[from.len()..]);
        if moved
            .iter()
            .any(|name| self.by_name.contains_key(&target(name)))
        {
            return Err(Refused::Exists);
        }
        for name in moved {
            if let Some(mailbox) = self.by_name.remove(&name) {
                self.by_name.insert(target(&name), mailbox);
            }
        }
        Ok(())
    }

    fn check(&self, name: &str) -> Result<(), Refused> {
        let levels = |delimiter: char| name.split(delimiter).count();
        let empty_level = |delimiter: char| {
            name.split(delimiter).any(str::is_empty) || levels(delimiter) > MOST_LEVELS
        };
        if name.is_empty()
            || name.contains(['%', '*'])
            || name.chars().any(char::is_control)
            || self.delimiter.is_some_and(empty_level)
        {
            return Err(Refused::Cannot);
        }
        if self.by_name.len() >= MOST_MAILBOXES {
            return Err(Refused::Limit);
        }
        Ok(())
    }

    fn add(&mut self, name: &str, attributes: Vec<String>) {
        let mailbox = Mailbox {
            id: self.next_id,
            uid_validity: self.next_validity,
            uid_next: 1,
            messages: Vec::new(),
            attributes,
            keywords: Vec::new(),
            changes: 0,
        };
        self.next_id += 1;
        self.next_validity = self.next_validity.wrapping_add(1).max(1);
        self.by_name.insert(name.to_owned(), mailbox);
    }
}

impl Mailbox {
    /// Adds a message and says its UID.
    pub(super) fn add(
        &mut self,
        flags: Flags,
        date: InternalDate,
        octets: Arc<[u8]>,
    ) -> Result<u32, Refused> {
        if self.messages.len() >= MOST_MESSAGES || self.uid_next == u32::MAX {
            return Err(Refused::Limit);
        }
        self.define(&flags)?;
        let uid = self.uid_next;
        self.uid_next += 1;
        self.messages.push(Message {
            uid,
            flags,
            date,
            octets,
            change: self.changes,
        });
        Ok(uid)
    }

    pub(super) fn find(&self, uid: u32) -> Option<&Message> {
        let at = self.position(uid)?;
        self.messages.get(at)
    }

    /// Gives a message these flags; its change if they are other ones than before.
    pub(super) fn set_flags(&mut self, uid: u32, flags: Flags) -> Result<(), Refused> {
        self.define(&flags)?;
        let Some(at) = self.position(uid) else {
            return Ok(());
        };
        let message = &mut self.messages[at];
        if message.flags != flags {
            self.changes += 1;
            message.flags = flags;
            message.change = self.changes;
        }
        Ok(())
    }

    /// Takes out those messages for which it is true.
    pub(super) fn expunge(&mut self, mut gone: impl FnMut(&Message) -> bool) {
        self.messages.retain(|message| !gone(message));
    }

    fn position(&self, uid: u32) -> Option<usize> {
        self.messages
            .binary_search_by_key(&uid, |message| message.uid)
            .ok()
    }

    /// Remembers the keywords.
    fn define(&mut self, flags: &Flags) -> Result<(), Refused> {
        let new: Vec<String> = flags
            .keywords()
            .filter(|keyword| {
                !self
                    .keywords
                    .iter()
                    .any(|known| known.eq_ignore_ascii_case(keyword))
            })
            .map(str::to_owned)
            .collect();
        if self.keywords.len() + new.len() > MOST_KEYWORDS {
            return Err(Refused::Limit);
        }
        self.keywords.extend(new);
        Ok(())
    }
}
