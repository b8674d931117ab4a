//! One line, one answer: what each command says, in which state, and what is not listed.

use pretty_assertions::assert_eq;
use test_case::test_case;

use super::*;

/// Dovecot with two messages in INBOX, signed in, and these lines before.
fn after(lines: &[&str]) -> ImapEngine {
    let config = dovecot();
    for message in [PLAIN, "Subject: second\r\n\r\nx\r\n"] {
        config.store.deliver(USER, "INBOX", message.into());
    }
    let mut engine = signed_in(config);
    for line in lines {
        let response = tell(&mut engine, line);
        assert!(response.positive, "{line}: {}", text(&response));
    }
    engine
}

fn validity(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find("305213") {
        let end = rest[at..]
            .find([' ', ']', ')'])
            .map_or(rest.len(), |end| at + end);
        out.push_str(&rest[..at]);
        out.push('V');
        rest = &rest[end..];
    }
    out + rest
}

#[test_case(&[], "a ID NIL", "* ID (\"name\" \"Dovecot\")\\r\\na OK ID completed.\\r\\n")]
#[test_case(&[], "a ID (\"name\" \"x\" \"version\" NIL)", "* ID (\"name\" \"Dovecot\")\\r\\na OK ID completed.\\r\\n"; "id with fields")]
#[test_case(&[], "a ENABLE CONDSTORE X", "* ENABLED\\r\\na OK ENABLE completed.\\r\\n"; "enable enables nothing")]
#[test_case(&[], "a NAMESPACE", "* NAMESPACE ((\"\" \".\")) NIL NIL\\r\\na OK NAMESPACE completed.\\r\\n")]
#[test_case(&[], "a LIST \"\" \"\"", "* LIST (\\\\Noselect) \".\" \"\"\\r\\na OK LIST completed.\\r\\n"; "the delimiter")]
#[test_case(&[], "a LIST \"\" s%t", "a OK LIST completed.\\r\\n"; "names have a case")]
#[test_case(&[], "a LIST \"\" S%t", "* LIST (\\\\HasNoChildren \\\\Sent) \".\" Sent\\r\\na OK LIST completed.\\r\\n"; "a pattern")]
#[test_case(&[], "a LIST In box", "* LIST (\\\\HasNoChildren) \".\" INBOX\\r\\na OK LIST completed.\\r\\n"; "a reference, inbox in any case")]
#[test_case(&["c CREATE p.q"], "a LIST \"\" p*", "* LIST (\\\\Noselect \\\\HasChildren) \".\" p\\r\\n* LIST (\\\\HasNoChildren) \".\" p.q\\r\\na OK LIST completed.\\r\\n"; "what only leads somewhere")]
#[test_case(&["c CREATE p.q"], "a LIST \"\" p%", "* LIST (\\\\Noselect \\\\HasChildren) \".\" p\\r\\na OK LIST completed.\\r\\n"; "one level")]
#[test_case(&["c CREATE p.q", "c SUBSCRIBE p.q"], "a LSUB \"\" p%", "* LSUB (\\\\Noselect) \".\" p\\r\\na OK LSUB completed.\\r\\n"; "lsub of one level")]
#[test_case(&["c UNSUBSCRIBE Sent"], "a LSUB \"\" S*", "a OK LSUB completed.\\r\\n"; "no longer subscribed")]
#[test_case(&[], "a SUBSCRIBE nope", "a NO Mailbox doesn't exist: nope.\\r\\n"; "subscribe to nothing")]
#[test_case(&[], "a STATUS INBOX (UIDNEXT MESSAGES UNSEEN RECENT SIZE)", "* STATUS INBOX (UIDNEXT 3 MESSAGES 2 UNSEEN 2 RECENT 0 SIZE 175)\\r\\na OK STATUS completed.\\r\\n")]
#[test_case(&[], "a STATUS INBOX (DELETED)", "a BAD Error in IMAP command STATUS: Invalid arguments.\\r\\n"; "an item of IMAP4rev2")]
#[test_case(&[], "a STATUS nope (MESSAGES)", "a NO Mailbox doesn't exist: nope.\\r\\n"; "status of nothing")]
#[test_case(&[], "a CREATE inbox", "a NO [ALREADYEXISTS] Mailbox already exists.\\r\\n"; "create inbox")]
#[test_case(&[], "a CREATE Sent", "a NO [ALREADYEXISTS] Mailbox already exists.\\r\\n"; "create what is there")]
#[test_case(&[], "a CREATE foo.", "a OK CREATE completed.\\r\\n"; "create with a delimiter at the end")]
#[test_case(&[], "a CREATE \"x*\"", "a NO [CANNOT] This cannot be done with that name\\r\\n"; "create a pattern")]
#[test_case(&[], "a CREATE \"\u{e4}\"", "a NO [CANNOT] This cannot be done with that name\\r\\n"; "create with UTF-8")]
#[test_case(&[], "a CREATE Entw&APw-rfe", "a OK CREATE completed.\\r\\n"; "create with modified UTF-7")]
#[test_case(&[], "a DELETE INBOX", "a NO [CANNOT] This cannot be done with that name\\r\\n"; "delete inbox")]
#[test_case(&[], "a DELETE nope", "a NO Mailbox doesn't exist: nope.\\r\\n"; "delete nothing")]
#[test_case(&["c CREATE p.q"], "a DELETE p", "a NO [CANNOT] This cannot be done with that name\\r\\n"; "delete what only leads somewhere")]
#[test_case(&["c CREATE p", "c CREATE p.q", "c DELETE p"], "a LIST \"\" p*", "* LIST (\\\\Noselect \\\\HasChildren) \".\" p\\r\\n* LIST (\\\\HasNoChildren) \".\" p.q\\r\\na OK LIST completed.\\r\\n"; "deleted with something below")]
#[test_case(&["c CREATE p.q", "c RENAME p r"], "a LIST \"\" r%q", "a OK LIST completed.\\r\\n"; "renamed, one level")]
#[test_case(&["c CREATE p.q", "c RENAME p r"], "a LIST \"\" r.q", "* LIST (\\\\HasNoChildren) \".\" r.q\\r\\na OK LIST completed.\\r\\n"; "renamed with what is below")]
#[test_case(&[], "a RENAME Sent Trash", "a NO [ALREADYEXISTS] Mailbox already exists.\\r\\n"; "rename to what is there")]
#[test_case(&[], "a RENAME Sent Sent.old", "a NO [CANNOT] This cannot be done with that name\\r\\n"; "rename into itself")]
#[test_case(&["c RENAME INBOX old"], "a STATUS old (MESSAGES)", "* STATUS old (MESSAGES 2)\\r\\na OK STATUS completed.\\r\\n"; "inbox gives its messages away")]
#[test_case(&["c RENAME INBOX old"], "a STATUS INBOX (MESSAGES)", "* STATUS INBOX (MESSAGES 0)\\r\\na OK STATUS completed.\\r\\n"; "and stays")]
#[test_case(&[], "a SELECT nope", "a NO Mailbox doesn't exist: nope.\\r\\n"; "select nothing")]
#[test_case(&[], "a SELECT \"a\\\"b\"", "a NO Mailbox doesn't exist: a\"b.\\r\\n"; "a quote in a name")]
#[test_case(&["c EXAMINE INBOX"], "a STORE 1 +FLAGS (\\Seen)", "a NO [READ-ONLY] The mailbox is read-only\\r\\n"; "store where it is read-only")]
#[test_case(&["c EXAMINE INBOX"], "a EXPUNGE", "a NO [READ-ONLY] The mailbox is read-only\\r\\n"; "expunge where it is read-only")]
#[test_case(&["c EXAMINE INBOX"], "a MOVE 1 Sent", "a NO [READ-ONLY] The mailbox is read-only\\r\\n"; "move where it is read-only")]
#[test_case(&["c SELECT INBOX"], "a STORE 1 +FLAGS (\\Seen $Junk)", "* 1 FETCH (FLAGS (\\\\Seen $Junk))\\r\\n* FLAGS (\\\\Answered \\\\Flagged \\\\Deleted \\\\Seen \\\\Draft $Junk)\\r\\n* OK [PERMANENTFLAGS (\\\\Answered \\\\Flagged \\\\Deleted \\\\Seen \\\\Draft $Junk \\\\*)] Flags permitted.\\r\\na OK STORE completed.\\r\\n"; "store with a new keyword")]
#[test_case(&["c SELECT INBOX", "c STORE 1 FLAGS (\\Seen \\Flagged)"], "a UID STORE 1 -FLAGS \\Seen", "* 1 FETCH (UID 1 FLAGS (\\\\Flagged))\\r\\na OK UID STORE completed.\\r\\n"; "take a flag away by UID")]
#[test_case(&["c SELECT INBOX"], "a STORE 1:2 FLAGS.SILENT \\Seen \\Draft", "a OK STORE completed.\\r\\n"; "store silently")]
#[test_case(&["c SELECT INBOX"], "a STORE 3 +FLAGS (\\Seen)", "a BAD Error in IMAP command STORE: Invalid arguments.\\r\\n"; "store on a message that is none")]
#[test_case(&["c SELECT INBOX"], "a UID STORE 30 +FLAGS (\\Seen)", "a OK UID STORE completed.\\r\\n"; "store on a UID that is none")]
#[test_case(&["c SELECT INBOX", "c STORE 1 +FLAGS (\\Deleted)"], "a EXPUNGE", "* 1 EXPUNGE\\r\\na OK EXPUNGE completed.\\r\\n")]
#[test_case(&["c SELECT INBOX", "c STORE 1:2 +FLAGS (\\Deleted)"], "a EXPUNGE", "* 1 EXPUNGE\\r\\n* 1 EXPUNGE\\r\\na OK EXPUNGE completed.\\r\\n"; "numbers move up at each line")]
#[test_case(&["c SELECT INBOX", "c STORE 1:2 +FLAGS (\\Deleted)"], "a UID EXPUNGE 2:*", "* 2 EXPUNGE\\r\\na OK UID EXPUNGE completed.\\r\\n"; "expunge some")]
#[test_case(&["c SELECT INBOX", "c STORE 1:2 +FLAGS (\\Deleted)", "c CLOSE"], "a STATUS INBOX (MESSAGES)", "* STATUS INBOX (MESSAGES 0)\\r\\na OK STATUS completed.\\r\\n"; "close expunges")]
#[test_case(&["c SELECT INBOX", "c STORE 1:2 +FLAGS (\\Deleted)", "c UNSELECT"], "a STATUS INBOX (MESSAGES)", "* STATUS INBOX (MESSAGES 2)\\r\\na OK STATUS completed.\\r\\n"; "unselect does not")]
#[test_case(&["c SELECT INBOX", "c STORE 1:2 +FLAGS (\\Deleted)", "c EXAMINE INBOX", "c CLOSE"], "a STATUS INBOX (MESSAGES)", "* STATUS INBOX (MESSAGES 2)\\r\\na OK STATUS completed.\\r\\n"; "nor close after examine")]
#[test_case(&["c SELECT INBOX"], "a COPY 1:2 Sent", "a OK [COPYUID V 1:2 1:2] COPY completed.\\r\\n")]
#[test_case(&["c SELECT INBOX"], "a UID COPY 9 Sent", "a OK UID COPY completed.\\r\\n"; "copy nothing")]
#[test_case(&["c SELECT INBOX"], "a COPY 1 nope", "a NO [TRYCREATE] Mailbox doesn't exist: nope.\\r\\n"; "copy to nowhere")]
#[test_case(&["c SELECT INBOX"], "a MOVE 1 Sent", "* OK [COPYUID V 1 1] Moved UIDs.\\r\\n* 1 EXPUNGE\\r\\na OK MOVE completed.\\r\\n")]
#[test_case(&["c SELECT INBOX"], "a UID MOVE 2 INBOX", "* OK [COPYUID V 2 3] Moved UIDs.\\r\\n* 2 EXPUNGE\\r\\n* 2 EXISTS\\r\\na OK UID MOVE completed.\\r\\n"; "move to where it is")]
#[test_case(&["c SELECT INBOX"], "a APPEND INBOX (\\Seen x) \" 1-Feb-2026 01:02:03 +0100\" {3+}\r\nabc", "* 3 EXISTS\\r\\n* FLAGS (\\\\Answered \\\\Flagged \\\\Deleted \\\\Seen \\\\Draft x)\\r\\n* OK [PERMANENTFLAGS (\\\\Answered \\\\Flagged \\\\Deleted \\\\Seen \\\\Draft x \\\\*)] Flags permitted.\\r\\na OK [APPENDUID V 3] APPEND completed.\\r\\n")]
#[test_case(&["c SELECT Sent", "c APPEND Sent (\\Seen x) \" 1-Feb-2026 01:02:03 +0100\" {3+}\r\nabc"], "a FETCH 1 FAST", "* 1 FETCH (FLAGS (\\\\Seen x) INTERNALDATE \"01-Feb-2026 01:02:03 +0100\" RFC822.SIZE 3)\\r\\na OK FETCH completed.\\r\\n"; "what was appended")]
#[test_case(&[], "a APPEND INBOX {0+}\r\n", "a NO [CANNOT] A message of no octets cannot be stored\\r\\n"; "append nothing")]
#[test_case(&["c SELECT INBOX"], "a SEARCH ALL", "* SEARCH 1 2\\r\\na OK SEARCH completed.\\r\\n")]
#[test_case(&["c SELECT INBOX"], "a SEARCH RECENT", "* SEARCH\\r\\na OK SEARCH completed.\\r\\n"; "nothing is recent")]
#[test_case(&["c SELECT INBOX"], "a SEARCH 3", "a BAD Error in IMAP command SEARCH: Invalid arguments.\\r\\n"; "search a message that is none")]
#[test_case(&["c SELECT INBOX"], "a SEARCH CHARSET KOI8-R ALL", "a NO [BADCHARSET (US-ASCII UTF-8)] Unknown charset\\r\\n"; "a charset")]
#[test_case(&["c SELECT INBOX"], "a CHECK", "a OK CHECK completed.\\r\\n")]
#[test_case(&["c SELECT INBOX"], "a ENABLE X", "a BAD Error in IMAP command received by server.\\r\\n"; "enable comes before select")]
#[test_case(&["c SELECT INBOX"], "a SELECT nope", "* OK [CLOSED] Previous mailbox closed.\\r\\na NO Mailbox doesn't exist: nope.\\r\\n"; "a failed select closes")]
#[test_case(&["c SELECT INBOX", "c CREATE t", "c SELECT t", "c DELETE t"], "a CHECK", "a BAD Error in IMAP command received by server.\\r\\n"; "nothing is selected after its deletion")]
#[test_case(&["c SELECT Sent"], "a FETCH 1:* FLAGS", "a BAD Error in IMAP command FETCH: Invalid arguments.\\r\\n"; "a star in an empty mailbox")]
#[test_case(&["c SELECT Sent"], "a UID FETCH 1:* FLAGS", "a OK UID FETCH completed.\\r\\n"; "and by UID")]
#[test_case(&[], "a FETCH 1 FLAGS", "a BAD Error in IMAP command received by server.\\r\\n"; "fetch without select")]
#[test_case(&[], "a XLIST \"\" *", "a BAD Error in IMAP command XLIST: Unknown command.\\r\\n"; "xlist is not listed")]
#[test_case(&[], "a IDLE x", "a BAD Error in IMAP command IDLE: Invalid arguments.\\r\\n"; "idle has no arguments")]
#[test_case(&[], "a UID NOOP", "a BAD Error in IMAP command UID NOOP: Unknown command.\\r\\n"; "uid of what has none")]
fn answers(before: &[&str], line: &str, expected: &str) {
    let mut engine = after(before);
    assert_eq!(validity(&say(&mut engine, line)), expected);
}

#[test]
fn select_tells_the_mailbox() {
    let mut engine = after(&["c SELECT INBOX", "c STORE 1 FLAGS (\\Seen x)"]);
    let response = tell(&mut engine, "a EXAMINE inbox");
    let expected = [
        "* OK [CLOSED] Previous mailbox closed.",
        "* FLAGS (\\\\Answered \\\\Flagged \\\\Deleted \\\\Seen \\\\Draft x)",
        "* OK [PERMANENTFLAGS ()] Read-only mailbox.",
        "* 2 EXISTS",
        "* 0 RECENT",
        "* OK [UNSEEN 2] First unseen.",
        "* OK [UIDVALIDITY V] UIDs valid",
        "* OK [UIDNEXT 3] Predicted next UID",
        "a OK [READ-ONLY] EXAMINE completed.",
        "",
    ];
    assert_eq!(validity(&text(&response)), expected.join("\\r\\n"));
    let selected = What::Selected {
        mailbox: "INBOX".to_owned(),
        messages: 2,
    };
    assert_eq!(response.facts, [selected]);
}

#[test_case("IDLE", "IDLE")]
#[test_case("ID", "ID NIL")]
#[test_case("ENABLE", "ENABLE X")]
#[test_case("NAMESPACE", "NAMESPACE")]
fn what_is_not_listed_does_not_exist(capability: &str, command: &str) {
    let mut engine = signed_in(config(without(persona("dovecot"), capability)));
    let verb = command.split(' ').next().unwrap();
    let expected = format!("a BAD Error in IMAP command {verb}: Unknown command.\\r\\n");
    assert_eq!(say(&mut engine, &format!("a {command}")), expected);
}

#[test_case("UNSELECT", "UNSELECT")]
#[test_case("MOVE", "UID MOVE 1 Sent")]
#[test_case("UIDPLUS", "UID EXPUNGE 1")]
fn nor_with_a_mailbox_selected(capability: &str, command: &str) {
    let persona = without(persona("dovecot"), capability);
    let mut engine = selected(config(persona), &[PLAIN]);
    assert!(say(&mut engine, &format!("a {command}")).contains("Unknown command"));
}

#[test]
fn without_uidplus_there_are_no_uids_in_codes() {
    let mut engine = selected(config(without(persona("dovecot"), "UIDPLUS")), &[PLAIN]);
    assert_eq!(
        say(&mut engine, "a COPY 1 Sent"),
        "a OK COPY completed.\\r\\n"
    );
    assert_eq!(
        say(&mut engine, "a APPEND Sent {1+}\r\nx"),
        "a OK APPEND completed.\\r\\n"
    );
}

#[test]
fn facts_of_listing_and_appending() {
    let mut engine = signed_in(dovecot());
    let listed = tell(&mut engine, "a LIST \"\" *");
    assert_eq!(listed.facts, [What::Listed { mailboxes: 5 }]);
    let appended = tell(&mut engine, "a APPEND sent {3+}\r\nabc");
    assert_eq!(appended.facts, []);
    let appended = tell(&mut engine, "a APPEND Sent {3+}\r\nabc");
    let fact = What::Appended {
        mailbox: "Sent".to_owned(),
        octets: b"abc".to_vec(),
    };
    assert_eq!(appended.facts, [fact]);
}

#[test]
fn each_account_has_its_own_mailboxes() {
    let config = dovecot();
    assert!(config.store.deliver(OTHER, "INBOX", b"x".to_vec()));
    assert!(!config.store.deliver("nobody", "INBOX", b"x".to_vec()));
    assert!(!config.store.deliver(USER, "nope", b"x".to_vec()));
    assert_eq!(config.store.messages(OTHER, "INBOX"), [b"x"]);
    let mut engine = signed_in(config);
    assert!(say(&mut engine, "a STATUS INBOX (MESSAGES)").contains("(MESSAGES 0)"));
}

#[test]
fn a_mailbox_that_is_made_again_has_another_validity() {
    let mut engine = signed_in(dovecot());
    tell(&mut engine, "a CREATE x");
    let first = say(&mut engine, "b STATUS x (UIDVALIDITY)");
    tell(&mut engine, "a DELETE x");
    tell(&mut engine, "a CREATE x");
    assert_ne!(say(&mut engine, "b STATUS x (UIDVALIDITY)"), first);
}
