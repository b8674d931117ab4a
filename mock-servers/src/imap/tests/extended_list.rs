//! LIST with options (RFC 5258, RFC 5819, RFC 6154) and XLIST.

use pretty_assertions::assert_eq;
use test_case::test_case;

use super::*;

/// `p.q` is subscribed and `p` only leads there, `gone` was deleted but is still subscribed, Junk is not
/// subscribed.
fn prepared() -> ImapEngine {
    let mut engine = signed_in(dovecot());
    for line in [
        "c CREATE p.q",
        "c SUBSCRIBE p.q",
        "c CREATE gone",
        "c SUBSCRIBE gone",
        "c DELETE gone",
        "c UNSUBSCRIBE Junk",
    ] {
        assert!(tell(&mut engine, line).positive, "{line}");
    }
    engine
}

#[test_case("(SPECIAL-USE) \"\" *", &["(\\\\HasNoChildren \\\\Drafts) \".\" Drafts", "(\\\\HasNoChildren \\\\Junk) \".\" Junk", "(\\\\HasNoChildren \\\\Sent) \".\" Sent", "(\\\\HasNoChildren \\\\Trash) \".\" Trash"]; "special use")]
#[test_case("(SUBSCRIBED) \"\" (g* p* J*)", &["(\\\\NonExistent \\\\Subscribed) \".\" gone", "(\\\\HasNoChildren \\\\Subscribed) \".\" p.q"]; "subscribed, several patterns")]
#[test_case("\"\" p* RETURN (SUBSCRIBED CHILDREN)", &["(\\\\NonExistent \\\\HasChildren) \".\" p", "(\\\\HasNoChildren \\\\Subscribed) \".\" p.q"]; "told whether subscribed")]
#[test_case("(SUBSCRIBED RECURSIVEMATCH) \"\" p%", &["(\\\\NonExistent \\\\HasChildren) \".\" p (\"CHILDINFO\" (\"SUBSCRIBED\"))"]; "what leads to a subscribed one")]
#[test_case("\"\" (J* p*) RETURN (STATUS (MESSAGES))", &["(\\\\HasNoChildren \\\\Junk) \".\" Junk", "STATUS Junk (MESSAGES 0)", "(\\\\NonExistent \\\\HasChildren) \".\" p", "(\\\\HasNoChildren) \".\" p.q", "STATUS p.q (MESSAGES 0)"]; "with the status of what can be opened")]
fn lists(arguments: &str, expected: &[&str]) {
    let mut engine = prepared();
    let said = say(&mut engine, &format!("a LIST {arguments}"));
    let mut lines: Vec<&str> = said.split_terminator("\\r\\n").collect();
    assert_eq!(lines.pop(), Some("a OK LIST completed."));
    let found: Vec<_> = lines
        .iter()
        .map(|line| line.trim_start_matches("* ").trim_start_matches("LIST "))
        .collect();
    assert_eq!(found, expected);
}

#[test_case("(RECURSIVEMATCH) \"\" *", ""; "recursive match alone")]
#[test_case("(FOO) \"\" *", ""; "an unknown selection")]
#[test_case("\"\" * RETURN (FOO)", ""; "an unknown return option")]
#[test_case("(SUBSCRIBED) \"\" *", "LIST-EXTENDED"; "selection, not listed")]
#[test_case("\"\" (a b)", "LIST-EXTENDED"; "patterns, not listed")]
#[test_case("\"\" * RETURN (CHILDREN)", "LIST-EXTENDED"; "return, not listed")]
#[test_case("\"\" * RETURN (SPECIAL-USE)", "SPECIAL-USE"; "special use, not listed")]
#[test_case("\"\" * RETURN (STATUS (MESSAGES))", "LIST-STATUS"; "status, not listed")]
fn refuses(arguments: &str, missing: &str) {
    let mut engine = signed_in(config(without(persona("dovecot"), missing)));
    assert!(say(&mut engine, &format!("a LIST {arguments}")).starts_with("a BAD "));
}

#[test]
fn without_special_use_no_such_attribute_is_shown() {
    let mut engine = signed_in(config(without(persona("dovecot"), "SPECIAL-USE")));
    let said = say(&mut engine, "a LIST \"\" Sent");
    assert!(
        said.starts_with("* LIST (\\\\HasNoChildren) \".\" Sent"),
        "{said}"
    );
}

#[test]
fn gmail_lists_its_container_and_knows_xlist() {
    let mut engine = signed_in(config(persona("gmail-imap")));
    assert_eq!(
        say(&mut engine, "a LIST \"\" %"),
        "* LIST (\\\\HasNoChildren) \"/\" INBOX\\r\\n\
         * LIST (\\\\Noselect \\\\HasChildren) \"/\" \"[Gmail]\"\\r\\na OK Success\\r\\n"
    );
    let said = say(&mut engine, "a XLIST \"\" INBOX");
    assert_eq!(
        said,
        "* XLIST (\\\\HasNoChildren \\\\Inbox) \"/\" INBOX\\r\\na OK Success\\r\\n"
    );
}
