//! One command with its arguments.

use super::{
    Cursor, Item, Key, ListCommand, StatusItem,
    cursor::{ParseError, Parsed},
    fetch, list, search,
};
use crate::imap::{date::InternalDate, flags::Flags, sequence::SequenceSet};

/// A command. Mailbox names are as they came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::imap) enum Command {
    Capability,
    Noop,
    Logout,
    Id,
    StartTls,
    Login {
        user: Vec<u8>,
        password: Vec<u8>,
    },
    Authenticate {
        mechanism: String,
        initial: Option<Vec<u8>>,
    },
    Enable,
    Select {
        mailbox: Vec<u8>,
        read_only: bool,
    },
    Create(Vec<u8>),
    Delete(Vec<u8>),
    Rename(Vec<u8>, Vec<u8>),
    Subscribe(Vec<u8>),
    Unsubscribe(Vec<u8>),
    List(ListCommand),
    Xlist(ListCommand),
    Lsub {
        reference: Vec<u8>,
        pattern: Vec<u8>,
    },
    Namespace,
    Status {
        mailbox: Vec<u8>,
        items: Vec<StatusItem>,
    },
    Append {
        mailbox: Vec<u8>,
        flags: Flags,
        date: Option<InternalDate>,
        message: Vec<u8>,
    },
    Idle,
    Check,
    Close,
    Unselect,
    Expunge(Option<SequenceSet>),
    Search {
        uid: bool,
        charset: Option<Vec<u8>>,
        key: Key,
    },
    Fetch {
        uid: bool,
        set: SequenceSet,
        items: Vec<Item>,
    },
    Store {
        uid: bool,
        set: SequenceSet,
        how: StoreHow,
        silent: bool,
        flags: Flags,
    },
    Copy {
        uid: bool,
        set: SequenceSet,
        mailbox: Vec<u8>,
    },
    Move {
        uid: bool,
        set: SequenceSet,
        mailbox: Vec<u8>,
    },
}

impl Command {
    /// The mailbox that it names, the first if there are two.
    pub(in crate::imap) fn mailbox(&self) -> Option<&[u8]> {
        match self {
            Command::Select { mailbox, .. }
            | Command::Create(mailbox)
            | Command::Delete(mailbox)
            | Command::Rename(mailbox, _)
            | Command::Subscribe(mailbox)
            | Command::Unsubscribe(mailbox)
            | Command::Status { mailbox, .. }
            | Command::Append { mailbox, .. }
            | Command::Copy { mailbox, .. }
            | Command::Move { mailbox, .. } => Some(mailbox),
            _ => None,
        }
    }
}

/// What STORE does to flags.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::imap) enum StoreHow {
    Replace,
    Add,
    Remove,
}

/// The beginning of a command.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::imap) struct Head {
    /// The tag, if the line begins with one.
    pub(in crate::imap) tag: Option<Vec<u8>>,
    /// The command in capitals, with a second word behind `UID`; `?` if there is none.
    pub(in crate::imap) verb: String,
    arguments: usize,
}

/// A word that is longer than this is no command.
const MAX_VERB: usize = 32;

impl Head {
    /// Reads as much of the beginning as there is.
    pub(in crate::imap) fn read(octets: &[u8]) -> Self {
        let mut cursor = Cursor::new(octets);
        let mut head = Head {
            verb: "?".to_owned(),
            ..Head::default()
        };
        let Ok(tag) = cursor.tag() else {
            return head;
        };
        if !matches!(cursor.peek(), Some(b' ' | b'\r')) {
            return head;
        }
        head.tag = Some(tag.to_vec());
        if !cursor.eat(b' ') {
            return head;
        }
        let Ok(mut verb) = cursor.word() else {
            return head;
        };
        if verb == "UID" && cursor.peek() == Some(b' ') {
            let mut ahead = cursor.clone();
            ahead.eat(b' ');
            if let Ok(word) = ahead.word() {
                verb = format!("UID {word}");
                cursor = ahead;
            }
        }
        if verb.len() <= MAX_VERB {
            head.verb = verb;
            head.arguments = octets.len() - cursor.rest().len();
        }
        head
    }

    /// The mailbox that an APPEND names, as far as the command has come.
    pub(in crate::imap) fn append_target(&self, octets: &[u8]) -> Option<Vec<u8>> {
        if self.verb != "APPEND" {
            return None;
        }
        let mut cursor = Cursor::new(octets.get(self.arguments..)?);
        cursor.sp().ok()?;
        let mailbox = cursor.astring().ok()?;
        cursor.sp().ok()?;
        Some(mailbox)
    }
}

/// Reads the arguments of a whole command.
pub(in crate::imap) fn parse(head: &Head, octets: &[u8]) -> Result<Command, ParseError> {
    let mut cursor = Cursor::new(octets.get(head.arguments..).unwrap_or_default());
    let command = arguments(&head.verb, &mut cursor).and_then(|command| {
        cursor.end()?;
        Ok(command)
    });
    command.map_err(|error| ParseError {
        at: error.at + head.arguments,
        ..error
    })
}

fn arguments(verb: &str, cursor: &mut Cursor<'_>) -> Parsed<Command> {
    let (uid, verb) = match verb.strip_prefix("UID ") {
        Some(verb) => (true, verb),
        None => (false, verb),
    };
    Ok(match verb {
        "CAPABILITY" => Command::Capability,
        "NOOP" | "XYZZY" => Command::Noop,
        "LOGOUT" => Command::Logout,
        "STARTTLS" => Command::StartTls,
        "NAMESPACE" => Command::Namespace,
        "IDLE" => Command::Idle,
        "CHECK" => Command::Check,
        "CLOSE" => Command::Close,
        "UNSELECT" => Command::Unselect,
        "EXPUNGE" if uid => {
            cursor.sp()?;
            Command::Expunge(Some(cursor.sequence_set()?))
        }
        "EXPUNGE" => Command::Expunge(None),
        "ID" => id(cursor)?,
        "ENABLE" => enable(cursor)?,
        "LOGIN" => {
            let user = next(cursor)?;
            let password = next(cursor)?;
            Command::Login { user, password }
        }
        "AUTHENTICATE" => {
            cursor.sp()?;
            let mechanism = cursor.word()?;
            let initial = if cursor.eat(b' ') {
                Some(cursor.base64()?.to_vec())
            } else {
                None
            };
            Command::Authenticate { mechanism, initial }
        }
        "SELECT" | "EXAMINE" => Command::Select {
            mailbox: next(cursor)?,
            read_only: verb == "EXAMINE",
        },
        "CREATE" => Command::Create(next(cursor)?),
        "DELETE" => Command::Delete(next(cursor)?),
        "RENAME" => {
            let from = next(cursor)?;
            Command::Rename(from, next(cursor)?)
        }
        "SUBSCRIBE" => Command::Subscribe(next(cursor)?),
        "UNSUBSCRIBE" => Command::Unsubscribe(next(cursor)?),
        "LIST" | "XLIST" => {
            cursor.sp()?;
            let list = list::list(cursor)?;
            if verb == "LIST" {
                Command::List(list)
            } else {
                Command::Xlist(list)
            }
        }
        "LSUB" => {
            let reference = next(cursor)?;
            cursor.sp()?;
            Command::Lsub {
                reference,
                pattern: cursor.list_mailbox()?,
            }
        }
        "STATUS" => {
            let mailbox = next(cursor)?;
            cursor.sp()?;
            let items = list::status_items(cursor)?;
            Command::Status { mailbox, items }
        }
        "APPEND" => append(cursor)?,
        "SEARCH" => {
            cursor.sp()?;
            let (charset, key) = search::program(cursor)?;
            Command::Search { uid, charset, key }
        }
        "FETCH" => {
            let set = set(cursor)?;
            let items = fetch::items(cursor)?;
            Command::Fetch { uid, set, items }
        }
        "STORE" => store(cursor, uid)?,
        "COPY" | "MOVE" => {
            let set = set(cursor)?;
            let mailbox = cursor.astring()?;
            if verb == "COPY" {
                Command::Copy { uid, set, mailbox }
            } else {
                Command::Move { uid, set, mailbox }
            }
        }
        _ => return cursor.fail("a command"),
    })
}

fn next(cursor: &mut Cursor<'_>) -> Parsed<Vec<u8>> {
    cursor.sp()?;
    cursor.astring()
}

fn set(cursor: &mut Cursor<'_>) -> Parsed<SequenceSet> {
    cursor.sp()?;
    let set = cursor.sequence_set()?;
    cursor.sp()?;
    Ok(set)
}

fn id(cursor: &mut Cursor<'_>) -> Parsed<Command> {
    cursor.sp()?;
    if cursor.keyword("NIL") {
        return Ok(Command::Id);
    }
    cursor.expect(b'(', "NIL or `(`")?;
    if cursor.eat(b')') {
        return Ok(Command::Id);
    }
    loop {
        cursor.string()?;
        cursor.sp()?;
        cursor.nstring()?;
        if cursor.eat(b')') {
            return Ok(Command::Id);
        }
        cursor.sp()?;
    }
}

fn enable(cursor: &mut Cursor<'_>) -> Parsed<Command> {
    cursor.sp()?;
    cursor.atom()?;
    while cursor.eat(b' ') {
        cursor.atom()?;
    }
    Ok(Command::Enable)
}

fn append(cursor: &mut Cursor<'_>) -> Parsed<Command> {
    let mailbox = next(cursor)?;
    cursor.sp()?;
    let mut flags = Flags::default();
    if cursor.peek() == Some(b'(') {
        flags = cursor.flag_list()?;
        cursor.sp()?;
    }
    let mut date = None;
    if cursor.peek() == Some(b'"') {
        let start = cursor.clone();
        let text = cursor.string()?;
        date = std::str::from_utf8(&text)
            .ok()
            .and_then(InternalDate::parse);
        if date.is_none() {
            return start.fail("a date and time");
        }
        cursor.sp()?;
    }
    Ok(Command::Append {
        mailbox,
        flags,
        date,
        message: cursor.literal()?,
    })
}

fn store(cursor: &mut Cursor<'_>, uid: bool) -> Parsed<Command> {
    let set = set(cursor)?;
    let how = if cursor.eat(b'+') {
        StoreHow::Add
    } else if cursor.eat(b'-') {
        StoreHow::Remove
    } else {
        StoreHow::Replace
    };
    let silent = if cursor.keyword("FLAGS.SILENT") {
        true
    } else if cursor.keyword("FLAGS") {
        false
    } else {
        return cursor.fail("FLAGS or FLAGS.SILENT");
    };
    cursor.sp()?;
    let flags = if cursor.peek() == Some(b'(') {
        cursor.flag_list()?
    } else {
        let mut flags = Flags::default();
        cursor.flag(&mut flags)?;
        while cursor.eat(b' ') {
            cursor.flag(&mut flags)?;
        }
        flags
    };
    Ok(Command::Store {
        uid,
        set,
        how,
        silent,
        flags,
    })
}

#[cfg(test)]
mod tests {
    use test_case::test_case;

    use super::*;

    fn error(line: &[u8]) -> ParseError {
        parse(&Head::read(line), line).expect_err("must be refused")
    }

    #[test_case(b"A NOOP \r\n", 6, "CRLF"; "a trailing space")]
    #[test_case(b"A LOGIN  a b\r\n", 8, "an atom or a string"; "two spaces")]
    #[test_case(b"A LOGIN a\r\n", 9, "one space"; "a missing argument")]
    #[test_case(b"A LOGIN \"a b\r\n", 12, "a closing quote"; "an open quote")]
    #[test_case(b"A LOGIN \"a\\n\" b\r\n", 11, "`\"` or `\\` behind a backslash"; "a bad escape")]
    #[test_case(b"A LOGIN {3+}\r\na\0b x\r\n", 15, "an octet other than NUL"; "NUL in a literal")]
    #[test_case(b"A LOGIN a b\n", 11, "CRLF"; "a bare LF")]
    #[test_case(b"A SELECT a\x80\r\n", 10, "CRLF"; "an eighth bit in an atom")]
    #[test_case(b"A SELECT \"a\xff\"\r\n", 10, "ASCII or UTF-8 in a quoted string"; "no UTF-8")]
    #[test_case(b"A FETCH 0 FLAGS\r\n", 8, "a sequence set"; "message zero")]
    #[test_case(b"A FETCH 1 BODY[0]\r\n", 15, "a number other than 0"; "part zero")]
    #[test_case(b"A FETCH 1 BODY[MIME]\r\n", 15, "a section"; "MIME without a part")]
    #[test_case(b"A FETCH 1 BODY[1.]\r\n", 17, "a section"; "a dot at the end")]
    #[test_case(b"A FETCH 1 BODY[]<1.0>\r\n", 19, "a number other than 0"; "a partial of nothing")]
    #[test_case(b"A FETCH 1 ()\r\n", 11, "an item of FETCH"; "no items")]
    #[test_case(b"A FETCH 1 (ALL)\r\n", 11, "an item of FETCH"; "a macro in parentheses")]
    #[test_case(b"A STORE 1 FLAGS (\\Recent)\r\n", 17, "a flag that can be set"; "recent")]
    #[test_case(b"A SEARCH FROM\r\n", 13, "one space"; "a key without its text")]
    #[test_case(b"A SEARCH NEWS\r\n", 9, "a search key"; "no key")]
    #[test_case(b"A SEARCH ON 1-Foo-2000\r\n", 12, "a date as 1-Feb-1994"; "no date")]
    #[test_case(b"A APPEND x \"yesterday\" {1+}\r\na\r\n", 11, "a date and time"; "no date and time")]
    #[test_case(b"A APPEND x abc\r\n", 11, "a literal"; "a message that is no literal")]
    #[test_case(b"A STATUS x (FOO)\r\n", 12, "a status item"; "no status item")]
    #[test_case(b"A UID NOPE 1\r\n", 10, "a command"; "no command behind UID")]
    fn says_where_it_stops(line: &[u8], at: usize, wanted: &str) {
        let found = error(line);
        assert_eq!((found.at, found.wanted), (at, wanted));
    }

    #[test_case(b"A1 uid Fetch 1 FLAGS\r\n", Some("A1"), "UID FETCH")]
    #[test_case(b"a.b NOOP\r\n", Some("a.b"), "NOOP")]
    #[test_case(b"a\r\n", Some("a"), "?"; "a tag alone")]
    #[test_case(b"a  NOOP\r\n", Some("a"), "?"; "two spaces")]
    #[test_case(b"+ NOOP\r\n", None, "?"; "no tag")]
    #[test_case(b"* NOOP\r\n", None, "?"; "a star for a tag")]
    #[test_case(b"\r\n", None, "?"; "an empty line")]
    #[test_case(b"a UID\r\n", Some("a"), "UID"; "UID alone")]
    fn heads(line: &[u8], tag: Option<&str>, verb: &str) {
        let head = Head::read(line);
        assert_eq!(head.tag.as_deref(), tag.map(str::as_bytes));
        assert_eq!(head.verb, verb);
    }

    #[test]
    fn nesting_has_an_end() {
        let deep = format!("A SEARCH {}ALL\r\n", "NOT ".repeat(60));
        assert_eq!(error(deep.as_bytes()).wanted, "a simpler search");
    }
}
