//! The arguments of LIST in its plain and its extended form (RFC 5258 §6), and the items of STATUS.

use super::{Cursor, cursor::Parsed};

/// The arguments of LIST.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::imap) struct ListCommand {
    /// Selection options, if there are any parentheses for them.
    pub(in crate::imap) selection: Option<Selection>,
    /// The reference, as it came.
    pub(in crate::imap) reference: Vec<u8>,
    /// The patterns, as they came; one in the plain form.
    pub(in crate::imap) patterns: Vec<Vec<u8>>,
    /// Whether the patterns stood in parentheses.
    pub(in crate::imap) many: bool,
    /// Return options, if there is a RETURN.
    pub(in crate::imap) returns: Option<Return>,
}

/// What narrows a listing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::imap) struct Selection {
    /// `SUBSCRIBED`.
    pub(in crate::imap) subscribed: bool,
    /// `RECURSIVEMATCH`.
    pub(in crate::imap) recursive: bool,
    /// `SPECIAL-USE`.
    pub(in crate::imap) special_use: bool,
}

/// What a listing tells about each mailbox.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::imap) struct Return {
    /// `SUBSCRIBED`.
    pub(in crate::imap) subscribed: bool,
    /// `SPECIAL-USE`.
    pub(in crate::imap) special_use: bool,
    /// `STATUS (…)` (RFC 5819).
    pub(in crate::imap) status: Option<Vec<StatusItem>>,
}

/// One item of STATUS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::imap) enum StatusItem {
    Messages,
    Recent,
    UidNext,
    UidValidity,
    Unseen,
    Deleted,
    Size,
}

impl StatusItem {
    const ALL: [(StatusItem, &'static str); 7] = [
        (StatusItem::Messages, "MESSAGES"),
        (StatusItem::Recent, "RECENT"),
        (StatusItem::UidNext, "UIDNEXT"),
        (StatusItem::UidValidity, "UIDVALIDITY"),
        (StatusItem::Unseen, "UNSEEN"),
        (StatusItem::Deleted, "DELETED"),
        (StatusItem::Size, "SIZE"),
    ];

    /// The word on the wire.
    pub(in crate::imap) fn name(self) -> &'static str {
        Self::ALL
            .iter()
            .find(|(item, _)| *item == self)
            .map_or("", |(_, name)| name)
    }
}

/// Patterns of one LIST.
const MAX_PATTERNS: usize = 20;

pub(super) fn list(cursor: &mut Cursor<'_>) -> Parsed<ListCommand> {
    let mut command = ListCommand::default();
    if cursor.peek() == Some(b'(') {
        command.selection = Some(selection(cursor)?);
        cursor.sp()?;
    }
    command.reference = cursor.astring()?;
    cursor.sp()?;
    if cursor.eat(b'(') {
        command.many = true;
        loop {
            command.patterns.push(cursor.list_mailbox()?);
            if command.patterns.len() > MAX_PATTERNS {
                return cursor.fail("fewer patterns");
            }
            if cursor.eat(b')') {
                break;
            }
            cursor.sp()?;
        }
    } else {
        command.patterns.push(cursor.list_mailbox()?);
    }
    if cursor.eat(b' ') {
        if !cursor.keyword("RETURN") {
            return cursor.fail("RETURN");
        }
        cursor.sp()?;
        command.returns = Some(returns(cursor)?);
    }
    Ok(command)
}

/// `(MESSAGES UNSEEN)`.
pub(super) fn status_items(cursor: &mut Cursor<'_>) -> Parsed<Vec<StatusItem>> {
    let mut items = Vec::new();
    cursor.expect(b'(', "`(`")?;
    loop {
        let found = StatusItem::ALL
            .iter()
            .find(|(_, name)| cursor.keyword(name));
        let Some((item, _)) = found else {
            return cursor.fail("a status item");
        };
        if !items.contains(item) {
            items.push(*item);
        }
        if cursor.eat(b')') {
            return Ok(items);
        }
        cursor.sp()?;
    }
}

fn selection(cursor: &mut Cursor<'_>) -> Parsed<Selection> {
    let mut selection = Selection::default();
    options(cursor, |cursor| {
        match cursor.word()?.as_str() {
            "SUBSCRIBED" => selection.subscribed = true,
            "RECURSIVEMATCH" => selection.recursive = true,
            "SPECIAL-USE" => selection.special_use = true,
            "REMOTE" => (),
            _ => return cursor.fail("a selection option"),
        }
        Ok(())
    })?;
    if selection.recursive && !selection.subscribed && !selection.special_use {
        return cursor.fail("another option beside RECURSIVEMATCH");
    }
    Ok(selection)
}

fn returns(cursor: &mut Cursor<'_>) -> Parsed<Return> {
    let mut returns = Return::default();
    options(cursor, |cursor| {
        match cursor.word()?.as_str() {
            "SUBSCRIBED" => returns.subscribed = true,
            "SPECIAL-USE" => returns.special_use = true,
            "CHILDREN" => (),
            "STATUS" => {
                cursor.sp()?;
                returns.status = Some(status_items(cursor)?);
            }
            _ => return cursor.fail("a return option"),
        }
        Ok(())
    })?;
    Ok(returns)
}

fn options(
    cursor: &mut Cursor<'_>,
    mut one: impl FnMut(&mut Cursor<'_>) -> Parsed<()>,
) -> Parsed<()> {
    cursor.expect(b'(', "`(`")?;
    if cursor.eat(b')') {
        return Ok(());
    }
    loop {
        one(cursor)?;
        if cursor.eat(b')') {
            return Ok(());
        }
        cursor.sp()?;
    }
}
