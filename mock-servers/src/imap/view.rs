//! What one connection knows of the mailbox that it has selected, and what it has not been told yet.
//!
//! Message numbers are positions in this picture. They change only when the client is told (RFC 9051 §5.2).

use super::{
    flags, render,
    sequence::SequenceSet,
    store::{Mailbox, Message},
};

/// A selected mailbox.
#[derive(Clone, Debug)]
pub(super) struct View {
    /// The mailbox.
    pub(super) id: u64,
    /// The name that it was selected by, in UTF-8.
    pub(super) name: String,
    /// Whether by EXAMINE.
    pub(super) read_only: bool,
    messages: Vec<Known>,
    next: u32,
    keywords: usize,
}

/// A message that the client knows of.
#[derive(Clone, Copy, Debug)]
struct Known {
    uid: u32,
    change: u64,
}

/// A message that a command names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Named {
    pub(super) number: u32,
    pub(super) uid: u32,
}

/// What may be said now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Rules {
    /// Whether EXPUNGE is allowed: not while FETCH, STORE or SEARCH is in progress (RFC 9051 §7.5.1).
    pub(super) expunge: bool,
    /// Whether FETCH carries the UID.
    pub(super) uid: bool,
}

/// What there was to be said.
#[derive(Debug, Default)]
pub(super) struct Updates {
    /// Response lines without `* ` and CRLF.
    pub(super) lines: Vec<Vec<u8>>,
    /// Whether a new message is among it.
    pub(super) arrived: bool,
}

impl View {
    pub(super) fn new(name: &str, mailbox: &Mailbox, read_only: bool) -> Self {
        Self {
            id: mailbox.id,
            name: name.to_owned(),
            read_only,
            messages: mailbox.messages.iter().map(Known::of).collect(),
            next: mailbox.uid_next,
            keywords: mailbox.keywords.len(),
        }
    }

    /// How many messages the client knows of.
    pub(super) fn len(&self) -> u32 {
        u32::try_from(self.messages.len()).unwrap_or(u32::MAX)
    }

    /// The messages of a set; `None` if it names a message number that is none.
    pub(super) fn named(&self, set: &SequenceSet, uid: bool) -> Option<Vec<Named>> {
        if !uid && !set.fits(self.len()) {
            return None;
        }
        let largest = if uid {
            self.messages.last().map(|known| known.uid)
        } else {
            Some(self.len()).filter(|len| *len > 0)
        };
        let ranges = set.resolve(largest);
        Some(
            self.all()
                .filter(|named| ranges.contains(if uid { named.uid } else { named.number }))
                .collect(),
        )
    }

    /// Every message that the client knows of.
    pub(super) fn all(&self) -> impl Iterator<Item = Named> {
        (1..).zip(&self.messages).map(|(number, known)| Named {
            number,
            uid: known.uid,
        })
    }

    /// Whether the client was told the flags of the message as they are.
    pub(super) fn is_current(&self, message: &Message) -> bool {
        self.messages
            .binary_search_by_key(&message.uid, |known| known.uid)
            .is_ok_and(|at| self.messages[at].change == message.change)
    }

    /// The client is told the flags of the message as they are now.
    pub(super) fn told(&mut self, message: &Message) {
        if let Ok(at) = self
            .messages
            .binary_search_by_key(&message.uid, |known| known.uid)
        {
            self.messages[at].change = message.change;
        }
    }

    /// Everything that the client was not told and may be told now; it is told then.
    pub(super) fn update(&mut self, mailbox: &Mailbox, rules: Rules) -> Updates {
        let mut updates = Updates::default();
        if rules.expunge {
            self.expunged(mailbox, &mut updates);
        }
        let arrived = mailbox
            .messages
            .iter()
            .filter(|message| message.uid >= self.next)
            .map(Known::of);
        let before = self.messages.len();
        self.messages.extend(arrived);
        self.next = mailbox.uid_next;
        if self.messages.len() > before {
            updates.arrived = true;
            updates.lines.push(format!("{} EXISTS", self.len()).into());
        }
        if mailbox.keywords.len() > self.keywords {
            self.keywords = mailbox.keywords.len();
            updates.lines.extend(defined_flags(mailbox, self.read_only));
        }
        for (number, known) in (1..).zip(&mut self.messages) {
            if let Some(message) = mailbox.find(known.uid)
                && message.change != known.change
            {
                known.change = message.change;
                updates.lines.push(flags_line(number, message, rules.uid));
            }
        }
        updates
    }

    fn expunged(&mut self, mailbox: &Mailbox, updates: &mut Updates) {
        let mut number = 1;
        self.messages.retain(|known| {
            let there = mailbox.find(known.uid).is_some();
            if there {
                number += 1;
            } else {
                updates.lines.push(format!("{number} EXPUNGE").into());
            }
            there
        });
    }
}

impl Known {
    fn of(message: &Message) -> Self {
        Self {
            uid: message.uid,
            change: message.change,
        }
    }
}

/// `1 FETCH (FLAGS (\Seen))`.
pub(super) fn flags_line(number: u32, message: &Message, uid: bool) -> Vec<u8> {
    let flags = render::flags(&message.flags);
    if uid {
        format!("{number} FETCH (UID {} {flags})", message.uid).into()
    } else {
        format!("{number} FETCH ({flags})").into()
    }
}

/// `FLAGS (…)` and `OK [PERMANENTFLAGS (…)]`.
pub(super) fn defined_flags(mailbox: &Mailbox, read_only: bool) -> [Vec<u8>; 2] {
    let defined = flags::write_defined(&mailbox.keywords);
    let permanent = if read_only {
        "OK [PERMANENTFLAGS ()] Read-only mailbox.".to_owned()
    } else {
        format!("OK [PERMANENTFLAGS ({defined} \\*)] Flags permitted.")
    };
    [format!("FLAGS ({defined})").into(), permanent.into()]
}
