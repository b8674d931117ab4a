//! The commands about messages in the selected mailbox (RFC 9051 §6.4).

use mailproof_scenarios::model::{ImapStatus, What};

use super::{Done, Reply, Session, no};
use crate::imap::{
    flags::{DELETED, Flags, SEEN},
    name,
    parse::{Item, Key, StoreHow},
    render, search,
    sequence::{SequenceSet, write_uids},
    store::{Mailbox, Mailboxes, Message, Refused},
    view::{Named, View, flags_line},
};

const READ_ONLY: &str = "[READ-ONLY] The mailbox is read-only";
const GONE: &str = "[EXPUNGEISSUED] Some of the messages are no longer there";
const TOO_MUCH: &str = "[LIMIT] That is too much at once";
const CHARSETS: [&str; 2] = ["US-ASCII", "UTF-8"];

impl Session {
    /// CLOSE and UNSELECT.
    pub(super) fn close(&mut self, expunge: bool, reply: &mut Reply) -> Done {
        if let Some(view) = self.view.take()
            && expunge
            && !view.read_only
        {
            self.with(|mailboxes| {
                if let Some(mailbox) = mailboxes.by_id(view.id) {
                    mailbox.expunge(|message| message.flags.has(DELETED));
                }
            });
        }
        self.completed(reply)
    }

    pub(super) fn expunge(&mut self, set: Option<&SequenceSet>, reply: &mut Reply) -> Done {
        if self.is_read_only() {
            return no(READ_ONLY);
        }
        self.on_selected(|view, mailbox| {
            let largest = view.all().last().map(|named| named.uid);
            let among = set.map(|set| set.resolve(largest));
            mailbox.expunge(|message| {
                message.flags.has(DELETED)
                    && among
                        .as_ref()
                        .is_none_or(|ranges| ranges.contains(message.uid))
            });
        });
        self.completed(reply)
    }

    pub(super) fn search(
        &mut self,
        uid: bool,
        charset: Option<&[u8]>,
        key: Key,
        reply: &mut Reply,
    ) -> Done {
        let known = charset.is_none_or(|charset| {
            CHARSETS
                .iter()
                .any(|it| it.as_bytes().eq_ignore_ascii_case(charset))
        });
        if !known {
            return no(&format!(
                "[BADCHARSET ({})] Unknown charset",
                CHARSETS.join(" ")
            ));
        }
        let found = self.on_selected(|view, mailbox| {
            if !search::fits(&key, view.len()) {
                return None;
            }
            let key = search::resolved(key, view.all().last());
            let mut line = b"SEARCH".to_vec();
            for named in view.all() {
                if let Some(message) = mailbox.find(named.uid)
                    && search::matches(&key, named, message)
                {
                    let number = if uid { named.uid } else { named.number };
                    line.extend_from_slice(format!(" {number}").as_bytes());
                }
            }
            Some(line)
        });
        match found.flatten() {
            Some(line) => {
                reply.untagged(&line);
                self.completed(reply)
            }
            None => self.syntax(reply),
        }
    }

    pub(super) fn fetch(
        &mut self,
        uid: bool,
        set: &SequenceSet,
        items: &[Item],
        reply: &mut Reply,
    ) -> Done {
        let gmail = items.iter().any(|item| matches!(item, Item::Gmail(_)));
        if gmail && !self.capabilities().has("X-GM-EXT-1") {
            return self.syntax(reply);
        }
        let Some(named) = self.named(set, uid) else {
            return self.syntax(reply);
        };
        let marks = items.iter().any(Item::marks_seen) && !self.is_read_only();
        let mut gone = false;
        for named in named {
            if reply.is_full() {
                return no(TOO_MUCH);
            }
            let answered =
                self.on_selected(|view, mailbox| answer(view, mailbox, named, items, uid, marks));
            let Some((line, read)) = answered.flatten() else {
                gone = true;
                continue;
            };
            reply.untagged(&line);
            if let Some(view) = self.view.as_ref().filter(|_| read) {
                reply.facts.push(What::MessageRead {
                    mailbox: view.name.clone(),
                    uid: named.uid,
                });
            }
        }
        self.done_unless(gone && !uid, reply)
    }

    pub(super) fn store(
        &mut self,
        uid: bool,
        set: &SequenceSet,
        how: StoreHow,
        silent: bool,
        flags: &Flags,
        reply: &mut Reply,
    ) -> Done {
        let Some(named) = self.named(set, uid) else {
            return self.syntax(reply);
        };
        if self.is_read_only() {
            return no(READ_ONLY);
        }
        let mut gone = false;
        for named in named {
            let stored = self.on_selected(|view, mailbox| {
                store_one(view, mailbox, named, how, silent, flags, uid)
            });
            match stored {
                Some(Ok(Some(line))) => reply.untagged(&line),
                Some(Ok(None)) => (),
                Some(Err(Refused::Limit)) => return no("[LIMIT] Too many keywords"),
                Some(Err(_)) | None => gone = true,
            }
        }
        self.done_unless(gone && !uid, reply)
    }

    /// COPY, and MOVE where `moves` (RFC 6851).
    pub(super) fn copy(
        &mut self,
        uid: bool,
        set: &SequenceSet,
        target: &[u8],
        moves: bool,
        reply: &mut Reply,
    ) -> Done {
        let Some(named) = self.named(set, uid) else {
            return self.syntax(reply);
        };
        if moves && self.is_read_only() {
            return no(READ_ONLY);
        }
        let Some(source) = self.view.as_ref().map(|view| view.id) else {
            return self.syntax(reply);
        };
        let copied = self.with(|mailboxes| {
            let target = name::decode(target).ok_or(Refused::Missing)?;
            copy_all(mailboxes, source, &target, &named, uid, moves)
        });
        let (validity, uids) = match copied.unwrap_or(Err(Refused::Missing)) {
            Ok(copied) => copied,
            Err(Refused::Limit) => return no(TOO_MUCH),
            Err(Refused::Cannot) => return no(GONE),
            Err(_) => return self.try_create(reply),
        };
        if uids.is_empty() || !self.capabilities().has("UIDPLUS") {
            return self.completed(reply);
        }
        let (from, to): (Vec<u32>, Vec<u32>) = uids.into_iter().unzip();
        let code = format!(
            "COPYUID {validity} {} {}",
            write_uids(&from),
            write_uids(&to)
        );
        if moves {
            reply.untagged(format!("OK [{code}] Moved UIDs.").as_bytes());
            self.completed(reply)
        } else {
            self.completed_code(&code, reply)
        }
    }

    fn named(&self, set: &SequenceSet, uid: bool) -> Option<Vec<Named>> {
        self.view.as_ref()?.named(set, uid)
    }

    fn is_read_only(&self) -> bool {
        self.view.as_ref().is_some_and(|view| view.read_only)
    }

    fn on_selected<T>(&mut self, work: impl FnOnce(&mut View, &mut Mailbox) -> T) -> Option<T> {
        let (user, view) = (self.user.as_ref()?, self.view.as_mut()?);
        self.config
            .store
            .with(user, |mailboxes| {
                let mailbox = mailboxes.by_id(view.id)?;
                Some(work(view, mailbox))
            })
            .flatten()
    }

    /// Messages that the client still numbers but that are gone make a NO (EXPUNGEISSUED of RFC 9051 §7.1).
    fn done_unless(&self, gone: bool, reply: &Reply) -> Done {
        if gone {
            Done::Status(ImapStatus::No, GONE.into())
        } else {
            self.completed(reply)
        }
    }
}

/// The FETCH response for one message, and whether its whole text is in it; `None` if it is gone.
fn answer(
    view: &mut View,
    mailbox: &mut Mailbox,
    named: Named,
    items: &[Item],
    uid: bool,
    marks: bool,
) -> Option<(Vec<u8>, bool)> {
    let message = mailbox.find(named.uid)?;
    let mut flags_changed = false;
    if marks && !message.flags.has(SEEN) {
        let mut flags = message.flags.clone();
        flags.set(SEEN);
        mailbox.set_flags(named.uid, flags).ok()?;
        flags_changed = true;
    }
    let message = mailbox.find(named.uid)?;
    if flags_changed || items.contains(&Item::Flags) {
        view.told(message);
    }
    Some(render::fetch(&render::Answer {
        number: named.number,
        message,
        uid_validity: mailbox.uid_validity,
        items,
        uid,
        flags: flags_changed,
    }))
}

fn store_one(
    view: &mut View,
    mailbox: &mut Mailbox,
    named: Named,
    how: StoreHow,
    silent: bool,
    flags: &Flags,
    uid: bool,
) -> Result<Option<Vec<u8>>, Refused> {
    let before = mailbox.find(named.uid).ok_or(Refused::Missing)?;
    let was_current = view.is_current(before);
    let flags = match how {
        StoreHow::Replace => flags.clone(),
        StoreHow::Add => before.flags.with(flags),
        StoreHow::Remove => before.flags.without(flags),
    };
    mailbox.set_flags(named.uid, flags)?;
    let after = mailbox.find(named.uid).ok_or(Refused::Missing)?;
    // Whoever stores silently knows the result only if nobody else has changed the flags before.
    if !silent || was_current {
        view.told(after);
    }
    Ok((!silent).then(|| flags_line(named.number, after, uid)))
}

/// Copies all or none, and says the UID validity of the target and the pairs of UIDs.
fn copy_all(
    mailboxes: &mut Mailboxes,
    source: u64,
    target: &str,
    named: &[Named],
    uid: bool,
    moves: bool,
) -> Result<(u32, Vec<(u32, u32)>), Refused> {
    let from = mailboxes.by_id(source).ok_or(Refused::Missing)?;
    let messages: Vec<Message> = named
        .iter()
        .filter_map(|named| from.find(named.uid))
        .cloned()
        .collect();
    if messages.len() < named.len() && !uid {
        return Err(Refused::Cannot);
    }
    let to = mailboxes.get_mut(target).ok_or(Refused::Missing)?;
    let validity = to.uid_validity;
    let first = to.uid_next;
    let mut uids = Vec::with_capacity(messages.len());
    for message in messages {
        match to.add(message.flags, message.date, message.octets) {
            Ok(new) => uids.push((message.uid, new)),
            Err(refused) => {
                to.expunge(|message| message.uid >= first);
                return Err(refused);
            }
        }
    }
    if moves && let Some(from) = mailboxes.by_id(source) {
        from.expunge(|message| {
            uids.binary_search_by_key(&message.uid, |(old, _)| *old)
                .is_ok()
        });
    }
    Ok((validity, uids))
}
