//! The keys of SEARCH (RFC 9051 §6.4.4, RFC 3501 §6.4.4).

use super::{Cursor, cursor::Parsed};
use crate::imap::{
    date::Day,
    flags::{ANSWERED, DELETED, DRAFT, FLAGGED, SEEN},
    sequence::{Ranges, SequenceSet},
};

/// One key of SEARCH.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::imap) enum Key {
    /// Every message.
    All,
    /// No message: what only recent ones would match.
    Nothing,
    /// The system flag is set or not.
    Flag(u8, bool),
    /// The keyword is set or not.
    Keyword(String, bool),
    /// The header field has the text; an empty text wants the field only.
    Header(Vec<u8>, Vec<u8>),
    Body(Vec<u8>),
    /// Header or body.
    Text(Vec<u8>),
    Larger(u32),
    Smaller(u32),
    Before(Day),
    On(Day),
    Since(Day),
    SentBefore(Day),
    SentOn(Day),
    SentSince(Day),
    Uid(SequenceSet),
    Sequence(SequenceSet),
    /// [`Key::Uid`] for a certain mailbox.
    Uids(Ranges),
    /// [`Key::Sequence`] for a certain mailbox.
    Numbers(Ranges),
    Not(Box<Key>),
    Or(Box<Key>, Box<Key>),
    And(Vec<Key>),
}

const MAX_DEPTH: usize = 50;
const MAX_KEYS: usize = 1000;

/// The charset, if one is named, and the keys as one.
pub(super) fn program(cursor: &mut Cursor<'_>) -> Parsed<(Option<Vec<u8>>, Key)> {
    let charset = if cursor.keyword("CHARSET") {
        cursor.sp()?;
        let charset = cursor.astring()?;
        cursor.sp()?;
        Some(charset)
    } else {
        None
    };
    let mut left = MAX_KEYS;
    let mut keys = vec![key(cursor, 0, &mut left)?];
    while cursor.eat(b' ') {
        keys.push(key(cursor, 0, &mut left)?);
    }
    Ok((charset, and(keys)))
}

fn and(mut keys: Vec<Key>) -> Key {
    match keys.pop() {
        Some(only) if keys.is_empty() => only,
        Some(last) => {
            keys.push(last);
            Key::And(keys)
        }
        None => Key::All,
    }
}

fn key(cursor: &mut Cursor<'_>, depth: usize, left: &mut usize) -> Parsed<Key> {
    if depth == MAX_DEPTH || *left == 0 {
        return cursor.fail("a simpler search");
    }
    *left -= 1;
    if cursor.eat(b'(') {
        let mut keys = vec![key(cursor, depth + 1, left)?];
        while !cursor.eat(b')') {
            cursor.sp()?;
            keys.push(key(cursor, depth + 1, left)?);
        }
        return Ok(and(keys));
    }
    if cursor
        .peek()
        .is_some_and(|octet| octet.is_ascii_digit() || octet == b'*')
    {
        return Ok(Key::Sequence(cursor.sequence_set()?));
    }
    let start = cursor.clone();
    let word = cursor.word()?;
    Ok(match word.as_str() {
        "ALL" | "OLD" => Key::All,
        "NEW" | "RECENT" => Key::Nothing,
        "ANSWERED" => Key::Flag(ANSWERED, true),
        "DELETED" => Key::Flag(DELETED, true),
        "DRAFT" => Key::Flag(DRAFT, true),
        "FLAGGED" => Key::Flag(FLAGGED, true),
        "SEEN" => Key::Flag(SEEN, true),
        "UNANSWERED" => Key::Flag(ANSWERED, false),
        "UNDELETED" => Key::Flag(DELETED, false),
        "UNDRAFT" => Key::Flag(DRAFT, false),
        "UNFLAGGED" => Key::Flag(FLAGGED, false),
        "UNSEEN" => Key::Flag(SEEN, false),
        "KEYWORD" => Key::Keyword(keyword(cursor)?, true),
        "UNKEYWORD" => Key::Keyword(keyword(cursor)?, false),
        "BCC" | "CC" | "FROM" | "SUBJECT" | "TO" => Key::Header(word.into_bytes(), text(cursor)?),
        "HEADER" => {
            let name = text(cursor)?;
            Key::Header(name, text(cursor)?)
        }
        "BODY" => Key::Body(text(cursor)?),
        "TEXT" => Key::Text(text(cursor)?),
        "LARGER" => Key::Larger(number(cursor)?),
        "SMALLER" => Key::Smaller(number(cursor)?),
        "BEFORE" => Key::Before(day(cursor)?),
        "ON" => Key::On(day(cursor)?),
        "SINCE" => Key::Since(day(cursor)?),
        "SENTBEFORE" => Key::SentBefore(day(cursor)?),
        "SENTON" => Key::SentOn(day(cursor)?),
        "SENTSINCE" => Key::SentSince(day(cursor)?),
        "UID" => {
            cursor.sp()?;
            Key::Uid(cursor.sequence_set()?)
        }
        "NOT" => {
            cursor.sp()?;
            Key::Not(Box::new(key(cursor, depth + 1, left)?))
        }
        "OR" => {
            cursor.sp()?;
            let first = key(cursor, depth + 1, left)?;
            cursor.sp()?;
            Key::Or(Box::new(first), Box::new(key(cursor, depth + 1, left)?))
        }
        _ => return start.fail("a search key"),
    })
}

fn text(cursor: &mut Cursor<'_>) -> Parsed<Vec<u8>> {
    cursor.sp()?;
    cursor.astring()
}

fn keyword(cursor: &mut Cursor<'_>) -> Parsed<String> {
    cursor.sp()?;
    Ok(String::from_utf8_lossy(cursor.atom()?).into_owned())
}

fn number(cursor: &mut Cursor<'_>) -> Parsed<u32> {
    cursor.sp()?;
    cursor.number()
}

fn day(cursor: &mut Cursor<'_>) -> Parsed<Day> {
    cursor.sp()?;
    let start = cursor.clone();
    let text = if cursor.peek() == Some(b'"') {
        cursor.string()?
    } else {
        cursor.atom()?.to_vec()
    };
    match std::str::from_utf8(&text).ok().and_then(Day::parse) {
        Some(day) => Ok(day),
        None => start.fail("a date as 1-Feb-1994"),
    }
}
