//! The items of FETCH (RFC 9051 §6.4.5).

use super::{Cursor, cursor::Parsed};

/// One item of FETCH.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::imap) enum Item {
    Flags,
    InternalDate,
    Size,
    Envelope,
    /// `BODY` without a section.
    Body,
    BodyStructure,
    Uid,
    Rfc822,
    Rfc822Header,
    Rfc822Text,
    /// `BODY[…]<…>`.
    Section {
        peek: bool,
        section: Section,
        partial: Option<(u32, u32)>,
    },
    /// `X-GM-MSGID`, `X-GM-THRID`, `X-GM-LABELS`: with X-GM-EXT-1 only.
    Gmail(&'static str),
}

/// What stands between the brackets of `BODY[…]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::imap) struct Section {
    /// The part numbers.
    pub(in crate::imap) path: Vec<u32>,
    /// What of that part.
    pub(in crate::imap) what: Where,
}

/// What of a part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::imap) enum Where {
    /// Everything: the message, or the body of a part.
    Whole,
    /// `HEADER`.
    Header,
    /// `TEXT`.
    Text,
    /// `MIME`.
    Mime,
    /// `HEADER.FIELDS (…)` and `HEADER.FIELDS.NOT (…)`.
    Fields { names: Vec<Vec<u8>>, not: bool },
}

const MAX_ITEMS: usize = 100;
const MAX_PATH: usize = 100;
const MAX_NAMES: usize = 500;
const GMAIL: [&str; 3] = ["X-GM-MSGID", "X-GM-THRID", "X-GM-LABELS"];

impl Item {
    /// Whether fetching it makes a message seen.
    pub(in crate::imap) fn marks_seen(&self) -> bool {
        match self {
            Item::Rfc822 | Item::Rfc822Text => true,
            Item::Section { peek, .. } => !peek,
            _ => false,
        }
    }
}

/// A macro, one item, or several in parentheses.
pub(super) fn items(cursor: &mut Cursor<'_>) -> Parsed<Vec<Item>> {
    for (name, items) in [
        (
            "ALL",
            &[Item::Flags, Item::InternalDate, Item::Size, Item::Envelope][..],
        ),
        ("FAST", &[Item::Flags, Item::InternalDate, Item::Size]),
        (
            "FULL",
            &[
                Item::Flags,
                Item::InternalDate,
                Item::Size,
                Item::Envelope,
                Item::Body,
            ],
        ),
    ] {
        if cursor.keyword(name) {
            return Ok(items.to_vec());
        }
    }
    if !cursor.eat(b'(') {
        return Ok(vec![item(cursor)?]);
    }
    let mut items = Vec::new();
    loop {
        items.push(item(cursor)?);
        if items.len() > MAX_ITEMS {
            return cursor.fail("fewer items");
        }
        if cursor.eat(b')') {
            return Ok(items);
        }
        cursor.sp()?;
    }
}

fn item(cursor: &mut Cursor<'_>) -> Parsed<Item> {
    for (start, peek) in [("BODY.PEEK[", true), ("BODY[", false)] {
        if cursor.prefix(start) {
            let section = section(cursor)?;
            let partial = partial(cursor)?;
            return Ok(Item::Section {
                peek,
                section,
                partial,
            });
        }
    }
    for (name, item) in [
        ("FLAGS", Item::Flags),
        ("UID", Item::Uid),
        ("INTERNALDATE", Item::InternalDate),
        ("RFC822.SIZE", Item::Size),
        ("RFC822.HEADER", Item::Rfc822Header),
        ("RFC822.TEXT", Item::Rfc822Text),
        ("RFC822", Item::Rfc822),
        ("ENVELOPE", Item::Envelope),
        ("BODYSTRUCTURE", Item::BodyStructure),
        ("BODY", Item::Body),
    ] {
        if cursor.keyword(name) {
            return Ok(item);
        }
    }
    match GMAIL.into_iter().find(|name| cursor.keyword(name)) {
        Some(name) => Ok(Item::Gmail(name)),
        None => cursor.fail("an item of FETCH"),
    }
}

fn section(cursor: &mut Cursor<'_>) -> Parsed<Section> {
    let mut section = Section {
        path: Vec::new(),
        what: Where::Whole,
    };
    if cursor.eat(b']') {
        return Ok(section);
    }
    while cursor.peek().is_some_and(|octet| octet.is_ascii_digit()) {
        section.path.push(cursor.nz_number()?);
        if section.path.len() > MAX_PATH {
            return cursor.fail("fewer part numbers");
        }
        if cursor.eat(b']') {
            return Ok(section);
        }
        cursor.expect(b'.', "`.` or `]`")?;
    }
    section.what = if cursor.prefix("HEADER.FIELDS.NOT ") {
        fields(cursor, true)?
    } else if cursor.prefix("HEADER.FIELDS ") {
        fields(cursor, false)?
    } else if cursor.prefix("HEADER") {
        Where::Header
    } else if cursor.prefix("TEXT") {
        Where::Text
    } else if !section.path.is_empty() && cursor.prefix("MIME") {
        Where::Mime
    } else {
        return cursor.fail("a section");
    };
    cursor.expect(b']', "`]`")?;
    Ok(section)
}

fn fields(cursor: &mut Cursor<'_>, not: bool) -> Parsed<Where> {
    let mut names = Vec::new();
    cursor.expect(b'(', "`(`")?;
    loop {
        names.push(cursor.astring()?);
        if names.len() > MAX_NAMES {
            return cursor.fail("fewer header fields");
        }
        if cursor.eat(b')') {
            return Ok(Where::Fields { names, not });
        }
        cursor.sp()?;
    }
}

fn partial(cursor: &mut Cursor<'_>) -> Parsed<Option<(u32, u32)>> {
    if !cursor.eat(b'<') {
        return Ok(None);
    }
    let from = cursor.number()?;
    cursor.expect(b'.', "`.`")?;
    let len = cursor.nz_number()?;
    cursor.expect(b'>', "`>`")?;
    Ok(Some((from, len)))
}
