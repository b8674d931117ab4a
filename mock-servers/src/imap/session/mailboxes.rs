//! The commands about mailboxes as wholes (RFC 9051 §6.3).

use std::collections::BTreeMap;

use mailproof_scenarios::model::{ImapStatus, What};

use super::{Done, Reply, Session, no, without_code};
use crate::imap::{
    date::InternalDate,
    flags::{DELETED, Flags, SEEN},
    name::{self, INBOX},
    parse::{ListCommand, Selection, StatusItem},
    render,
    store::{Mailbox, Mailboxes, Refused},
    view::{View, defined_flags},
};

/// One line of a listing.
#[derive(Debug, Default)]
struct Listed {
    attributes: Vec<String>,
    selectable: bool,
    /// Whether something below matches the selection (CHILDINFO of RFC 5258).
    has_selected: bool,
}

impl Session {
    pub(super) fn select(&mut self, mailbox: &[u8], read_only: bool, reply: &mut Reply) -> Done {
        if self.view.take().is_some() {
            reply.untagged(b"OK [CLOSED] Previous mailbox closed.");
        }
        let name = name::decode(mailbox);
        let view = self.with(|mailboxes| {
            let name = name?;
            let mailbox = mailboxes.get(&name)?;
            opened(mailbox, read_only, reply);
            Some(View::new(&name, mailbox, read_only))
        });
        let Some(view) = view.flatten() else {
            return self.no_such_mailbox(reply);
        };
        reply.facts.push(What::Selected {
            mailbox: view.name.clone(),
            messages: view.len(),
        });
        self.view = Some(view);
        self.completed_code(if read_only { "READ-ONLY" } else { "READ-WRITE" }, reply)
    }

    pub(super) fn create(&mut self, mailbox: &[u8], reply: &mut Reply) -> Done {
        let made = self.change(|mailboxes| {
            let name = name::decode(mailbox).ok_or(Refused::Cannot)?;
            mailboxes.create(&name)
        });
        self.changed(made, reply)
    }

    pub(super) fn delete(&mut self, mailbox: &[u8], reply: &mut Reply) -> Done {
        let Some(name) = name::decode(mailbox) else {
            return self.no_such_mailbox(reply);
        };
        let gone = self.change(|mailboxes| {
            let id = mailboxes.get(&name).map(|mailbox| mailbox.id);
            mailboxes.delete(&name).map(|()| id)
        });
        if let Ok(id) = &gone
            && self.view.as_ref().map(|view| view.id) == *id
        {
            self.view = None;
        }
        self.changed(gone.map(|_| ()), reply)
    }

    pub(super) fn rename(&mut self, from: &[u8], to: &[u8], reply: &mut Reply) -> Done {
        let renamed = self.change(|mailboxes| {
            let from = name::decode(from).ok_or(Refused::Missing)?;
            let to = name::decode(to).ok_or(Refused::Cannot)?;
            mailboxes.rename(&from, &to)
        });
        self.changed(renamed, reply)
    }

    pub(super) fn subscribe(&mut self, mailbox: &[u8], reply: &mut Reply) -> Done {
        let subscribed = self.change(|mailboxes| {
            let name = name::decode(mailbox).ok_or(Refused::Missing)?;
            mailboxes.subscribe(&name)
        });
        self.changed(subscribed, reply)
    }

    pub(super) fn unsubscribe(&mut self, mailbox: &[u8], reply: &mut Reply) -> Done {
        if let Some(name) = name::decode(mailbox) {
            self.with(|mailboxes| mailboxes.unsubscribe(&name));
        }
        self.completed(reply)
    }

    pub(super) fn list(&mut self, list: &ListCommand, word: &str, reply: &mut Reply) -> Done {
        let extended = list.selection.is_some() || list.many || list.returns.is_some();
        let capabilities = self.capabilities();
        let special_use = capabilities.has("SPECIAL-USE") || capabilities.has("XLIST");
        let children = capabilities.has("CHILDREN") || capabilities.has("LIST-EXTENDED");
        let returns = list.returns.clone().unwrap_or_default();
        let selection = list.selection.clone().unwrap_or_default();
        if (extended && (!capabilities.has("LIST-EXTENDED") || word != "LIST"))
            || ((selection.special_use || returns.special_use) && !capabilities.has("SPECIAL-USE"))
            || (returns.status.is_some() && !capabilities.has("LIST-STATUS"))
            || returns
                .status
                .as_ref()
                .is_some_and(|items| !self.has_items(items))
        {
            return self.syntax(reply);
        }
        let delimiter = self.with(|mailboxes| mailboxes.delimiter()).flatten();
        if !extended && list.patterns.iter().all(Vec::is_empty) {
            reply.untagged(&listed(word, "\\Noselect", delimiter, b""));
            return self.completed(reply);
        }
        let wanted: Vec<String> = list
            .patterns
            .iter()
            .filter(|pattern| !pattern.is_empty())
            .filter_map(|pattern| pattern_of(&list.reference, pattern))
            .collect();
        let found = self
            .with(|mailboxes| {
                let missing = if extended {
                    "\\NonExistent"
                } else {
                    "\\Noselect"
                };
                let mut all = names(mailboxes, special_use, children, missing);
                select(&mut all, mailboxes, &selection, returns.subscribed);
                all.retain(|name, _| {
                    wanted
                        .iter()
                        .any(|pattern| name::matches(pattern, name, delimiter))
                });
                all
            })
            .unwrap_or_default();
        reply.facts.push(What::Listed {
            mailboxes: u32::try_from(found.len()).unwrap_or(u32::MAX),
        });
        for (name, mut entry) in found {
            if word == "XLIST" && name == INBOX {
                entry.attributes.push("\\Inbox".to_owned());
            }
            let encoded = name::encode(&name);
            let mut line = listed(word, &entry.attributes.join(" "), delimiter, &encoded);
            if entry.has_selected && selection.recursive {
                line.extend_from_slice(b" (\"CHILDINFO\" (\"");
                line.extend_from_slice(if selection.subscribed {
                    b"SUBSCRIBED"
                } else {
                    b"SPECIAL-USE"
                });
                line.extend_from_slice(b"\"))");
            }
            reply.untagged(&line);
            if let Some(items) = returns.status.as_ref().filter(|_| entry.selectable) {
                let status = self.with(|mailboxes| {
                    let mailbox = mailboxes.get(&name)?;
                    Some(status_line(&encoded, mailbox, items))
                });
                if let Some(line) = status.flatten() {
                    reply.untagged(&line);
                }
            }
        }
        self.completed(reply)
    }

    /// RFC 3501 §6.3.9: also names that are not subscribed but lead to one that is, if the pattern stops
    /// there.
    pub(super) fn lsub(&mut self, reference: &[u8], pattern: &[u8], reply: &mut Reply) -> Done {
        let delimiter = self.with(|mailboxes| mailboxes.delimiter()).flatten();
        let wanted = pattern_of(reference, pattern).unwrap_or_default();
        let matches = |name: &str| name::matches(&wanted, name, delimiter);
        let found = self.with(|mailboxes| {
            let mut found: BTreeMap<String, &str> = BTreeMap::new();
            for name in mailboxes.subscriptions() {
                if matches(name) {
                    found.insert(name.to_owned(), "");
                } else if let Some(above) = name::superiors(name, delimiter).find(|it| matches(it))
                {
                    found.entry(above.to_owned()).or_insert("\\Noselect");
                }
            }
            found
        });
        let found = found.unwrap_or_default();
        reply.facts.push(What::Listed {
            mailboxes: u32::try_from(found.len()).unwrap_or(u32::MAX),
        });
        for (name, attributes) in found {
            reply.untagged(&listed("LSUB", attributes, delimiter, &name::encode(&name)));
        }
        self.completed(reply)
    }

    pub(super) fn namespace(&mut self, reply: &mut Reply) -> Done {
        let delimiter = self.with(|mailboxes| mailboxes.delimiter()).flatten();
        let mut line = b"NAMESPACE ((\"\" ".to_vec();
        line.extend(quoted_delimiter(delimiter));
        line.extend_from_slice(b")) NIL NIL");
        reply.untagged(&line);
        self.completed(reply)
    }

    pub(super) fn status(
        &mut self,
        mailbox: &[u8],
        items: &[StatusItem],
        reply: &mut Reply,
    ) -> Done {
        if !self.has_items(items) {
            return self.syntax(reply);
        }
        let line = self.with(|mailboxes| {
            let name = name::decode(mailbox)?;
            let mailbox = mailboxes.get(&name)?;
            Some(status_line(&name::encode(&name), mailbox, items))
        });
        match line.flatten() {
            Some(line) => {
                reply.untagged(&line);
                self.completed(reply)
            }
            None => self.no_such_mailbox(reply),
        }
    }

    pub(super) fn append(
        &mut self,
        mailbox: &[u8],
        flags: Flags,
        date: Option<InternalDate>,
        message: Vec<u8>,
        reply: &mut Reply,
    ) -> Done {
        if message.is_empty() {
            return no("[CANNOT] A message of no octets cannot be stored");
        }
        let (Some(user), Some(name)) = (&self.user, name::decode(mailbox)) else {
            return self.try_create(reply);
        };
        let fact = What::Appended {
            mailbox: name.clone(),
            octets: message.clone(),
        };
        match self.config.store.append(user, &name, message, flags, date) {
            Ok((validity, uid)) => {
                reply.facts.push(fact);
                if self.capabilities().has("UIDPLUS") {
                    self.completed_code(&format!("APPENDUID {validity} {uid}"), reply)
                } else {
                    self.completed(reply)
                }
            }
            Err(Refused::Limit) => no("[OVERQUOTA] The mailbox is full"),
            Err(_) => self.try_create(reply),
        }
    }

    /// Whether the mailbox that an APPEND names can take a message.
    pub(in crate::imap) fn has_mailbox(&self, mailbox: &[u8]) -> bool {
        let name = name::decode(mailbox);
        self.with(|mailboxes| name.is_some_and(|name| mailboxes.get(&name).is_some()))
            .unwrap_or(false)
    }

    /// NO with TRYCREATE (RFC 9051 §6.3.12).
    pub(in crate::imap) fn try_create(&self, reply: &Reply) -> Done {
        let text = self.text(|texts| &texts.no_such_mailbox, reply);
        Done::Status(
            ImapStatus::No,
            [b"[TRYCREATE] ", without_code(&text)].concat(),
        )
    }

    pub(super) fn no_such_mailbox(&self, reply: &Reply) -> Done {
        self.no_with(|texts| &texts.no_such_mailbox, reply)
    }

    /// Works on the mailboxes of whoever has signed in.
    pub(super) fn with<T>(&self, work: impl FnOnce(&mut Mailboxes) -> T) -> Option<T> {
        let user = self.user.as_ref()?;
        self.config.store.with(user, work)
    }

    fn change<T>(
        &self,
        work: impl FnOnce(&mut Mailboxes) -> Result<T, Refused>,
    ) -> Result<T, Refused> {
        self.with(work).unwrap_or(Err(Refused::Missing))
    }

    fn changed(&self, result: Result<(), Refused>, reply: &Reply) -> Done {
        match result {
            Ok(()) => self.completed(reply),
            Err(Refused::Missing) => self.no_such_mailbox(reply),
            Err(Refused::Exists) => self.no_with(|texts| &texts.mailbox_exists, reply),
            Err(Refused::Cannot) => no("[CANNOT] This cannot be done with that name"),
            Err(Refused::Limit) => no("[LIMIT] Too many mailboxes"),
        }
    }

    /// DELETED and SIZE came later than RFC 3501.
    fn has_items(&self, items: &[StatusItem]) -> bool {
        let capabilities = self.capabilities();
        items.iter().all(|item| match item {
            StatusItem::Size => capabilities.has("STATUS=SIZE"),
            StatusItem::Deleted => capabilities.has("IMAP4rev2"),
            _ => true,
        })
    }
}

/// What SELECT tells before it is done.
fn opened(mailbox: &Mailbox, read_only: bool, reply: &mut Reply) {
    for line in defined_flags(mailbox, read_only) {
        reply.untagged(&line);
    }
    reply.untagged(format!("{} EXISTS", mailbox.messages.len()).as_bytes());
    reply.untagged(b"0 RECENT");
    let unseen = mailbox
        .messages
        .iter()
        .position(|message| !message.flags.has(SEEN));
    if let Some(index) = unseen {
        reply.untagged(format!("OK [UNSEEN {}] First unseen.", index + 1).as_bytes());
    }
    reply.untagged(format!("OK [UIDVALIDITY {}] UIDs valid", mailbox.uid_validity).as_bytes());
    reply.untagged(format!("OK [UIDNEXT {}] Predicted next UID", mailbox.uid_next).as_bytes());
}

/// Every mailbox, and with the attribute `missing` what only leads to one.
fn names(
    mailboxes: &Mailboxes,
    special_use: bool,
    children: bool,
    missing: &str,
) -> BTreeMap<String, Listed> {
    let mut all: BTreeMap<String, Listed> = BTreeMap::new();
    for (name, mailbox) in mailboxes.iter() {
        let entry = all.entry(name.to_owned()).or_default();
        entry.selectable = true;
        if special_use {
            entry.attributes.extend(mailbox.attributes.iter().cloned());
        }
    }
    let above: Vec<String> = all
        .keys()
        .flat_map(|name| name::superiors(name, mailboxes.delimiter()))
        .map(str::to_owned)
        .collect();
    for name in above {
        all.entry(name).or_default();
    }
    for (name, entry) in &mut all {
        if children {
            let attribute = if mailboxes.has_children(name) {
                "\\HasChildren"
            } else {
                "\\HasNoChildren"
            };
            entry.attributes.insert(0, attribute.to_owned());
        }
        if !entry.selectable {
            entry.attributes.insert(0, missing.to_owned());
        }
    }
    all
}

/// Narrows a listing (RFC 5258 §3.1, RFC 6154 §2).
fn select(
    all: &mut BTreeMap<String, Listed>,
    mailboxes: &Mailboxes,
    selection: &Selection,
    tell_subscribed: bool,
) {
    if selection.subscribed {
        for name in mailboxes.subscriptions() {
            all.entry(name.to_owned()).or_insert_with(|| Listed {
                attributes: vec!["\\NonExistent".to_owned()],
                ..Listed::default()
            });
        }
    }
    let selected = |name: &str| {
        let subscribed = !selection.subscribed || mailboxes.is_subscribed(name);
        let special = !selection.special_use
            || mailboxes
                .get(name)
                .is_some_and(|mailbox| !mailbox.attributes.is_empty());
        subscribed && special
    };
    let chosen: Vec<String> = all.keys().filter(|name| selected(name)).cloned().collect();
    if selection.recursive {
        for name in &chosen {
            for above in name::superiors(name, mailboxes.delimiter()) {
                all.entry(above.to_owned()).or_default().has_selected = true;
            }
        }
    }
    all.retain(|name, entry| selected(name) || entry.has_selected);
    if selection.subscribed || tell_subscribed {
        for (name, entry) in all {
            if mailboxes.is_subscribed(name) {
                entry.attributes.push("\\Subscribed".to_owned());
            }
        }
    }
}

/// The reference and the pattern together; `None` for octets that are no name.
fn pattern_of(reference: &[u8], pattern: &[u8]) -> Option<String> {
    name::decode(&[reference, pattern].concat())
}

/// `LIST (\Sent) "/" Sent`.
fn listed(word: &str, attributes: &str, delimiter: Option<char>, name: &[u8]) -> Vec<u8> {
    let mut line = format!("{word} ({attributes}) ").into_bytes();
    line.extend(quoted_delimiter(delimiter));
    line.push(b' ');
    render::astring(name, &mut line);
    line
}

fn quoted_delimiter(delimiter: Option<char>) -> Vec<u8> {
    delimiter.map_or_else(
        || b"NIL".to_vec(),
        |delimiter| render::quoted(&delimiter.to_string()),
    )
}

fn status_line(name: &[u8], mailbox: &Mailbox, items: &[StatusItem]) -> Vec<u8> {
    let count = |flag: u8, set: bool| {
        let messages = mailbox.messages.iter();
        messages
            .filter(|message| message.flags.has(flag) == set)
            .count() as u64
    };
    let values: Vec<String> = items
        .iter()
        .map(|item| {
            let value = match item {
                StatusItem::Messages => mailbox.messages.len() as u64,
                StatusItem::Recent => 0,
                StatusItem::UidNext => mailbox.uid_next.into(),
                StatusItem::UidValidity => mailbox.uid_validity.into(),
                StatusItem::Unseen => count(SEEN, false),
                StatusItem::Deleted => count(DELETED, true),
                StatusItem::Size => mailbox
                    .messages
                    .iter()
                    .map(|message| message.octets.len() as u64)
                    .sum(),
            };
            format!("{} {value}", item.name())
        })
        .collect();
    let mut line = b"STATUS ".to_vec();
    render::astring(name, &mut line);
    line.extend_from_slice(format!(" ({})", values.join(" ")).as_bytes());
    line
}
