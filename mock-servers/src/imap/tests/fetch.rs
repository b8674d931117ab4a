//! FETCH and SEARCH over messages of every shape.

use pretty_assertions::assert_eq;
use test_case::test_case;

use super::*;

const ALTERNATIVE: &str = "From: \"Alice \\\"Q\\\" Example\" <alice@firma.example>\r\n\
Sender: Bob B. Bobson <bob@other.example>\r\n\
Reply-To: carol@other.example (Carol C)\r\n\
To: Friends: dave@x.example, \"Eve, E\" <@route1,@route2:eve@y.example>;, frank@z.example\r\n\
Cc: Undisclosed:;\r\n\
Subject: =?utf-8?q?Alternative_=C3=A4?=\r\n\
In-Reply-To: <0@client.example>\r\n\
Message-ID: <2@client.example>\r\n\
MIME-Version: 1.0\r\n\
Content-Type: multipart/alternative; boundary=\"b 1\"\r\n\
\r\n\
preamble\r\n\
--b 1\r\n\
Content-Type: text/plain; charset=utf-8\r\n\
Content-Transfer-Encoding: quoted-printable\r\n\
\r\n\
Hall=C3=B6\r\n\
--b 1\r\n\
Content-Type: TEXT/html; charset=\"utf-8\"\r\n\
Content-Transfer-Encoding: base64\r\n\
Content-Language: de, en\r\n\
Content-ID: <html@x>\r\n\
\r\n\
PGI+SGk8L2I+\r\n\
--b 1--\r\n\
epilogue\r\n";

const ATTACHMENT: &str = "From: a@b.example\r\n\
To: c@d.example\r\n\
Subject: Attachment\r\n folded  line\r\n\ttab\r\n\
MIME-Version: 1.0\r\n\
Content-Type: multipart/mixed; boundary=zzz\r\n\
\r\n\
--zzz\r\n\
\r\n\
Just text, no headers\r\n\
--zzz\r\n\
Content-Type: application/pdf; name=\"r\\\"e.pdf\"\r\n\
Content-Disposition: attachment; filename=\"r.pdf\"; size=12\r\n\
Content-Transfer-Encoding: base64\r\n\
Content-Description: A report\r\n\
Content-MD5: Q2hlY2sgSW50ZWdyaXR5IQ==\r\n\
Content-Location: http://x.example/y\r\n\
\r\n\
AAAAAAAAAAAAAAA=\r\n\
\r\n\
--zzz--\r\n";

const NESTED: &str = "From: a@b.example\r\n\
Subject: Nested\r\n\
MIME-Version: 1.0\r\n\
Content-Type: multipart/mixed; boundary=out\r\n\
\r\n\
--out\r\n\
Content-Type: text/plain\r\n\
\r\n\
See below\r\n\
--out\r\n\
Content-Type: message/rfc822\r\n\
Content-Disposition: inline\r\n\
\r\n\
From: inner@b.example\r\n\
Subject: Inner\r\n\
MIME-Version: 1.0\r\n\
Content-Type: multipart/mixed; boundary=in\r\n\
\r\n\
--in\r\n\
\r\n\
one\r\n\
--in\r\n\
Content-Type: image/png\r\n\
\r\n\
x\r\n\
--in--\r\n\
\r\n\
--out--\r\n";

const JUNK: &str = "From: =?x\r\n\
To: j\u{f6}r@m\u{fc}ller.example, \"unterminated <a@b>\r\n\
Subject: 8-bit \u{e4}\u{f6}\u{fc} \"quoted\\\" text\r\n\
Cc: ,,, @@, <>, (comment) x, y@\r\n\
Date:\r\n\
Message-ID: \r\n\
Content-Type: text\r\n\
Content-Transfer-Encoding: \r\n\
\r\n\
\u{e4}\r\n";

const DIGEST: &str = "From: a@b.example\r\n\
Content-Type: multipart/digest; boundary=d\r\n\
\r\n\
--d\r\n\
\r\n\
From: i@i.example\r\n\
Subject: D1\r\n\
\r\n\
t1\r\n\
--d\r\n\
Content-Type: text/plain; format=flowed; x*0=a; x*1=\"b c\"\r\n\
\r\n\
t2\r\n\
--d--\r\n";

#[test_case("plain", PLAIN)]
#[test_case("alternative", ALTERNATIVE)]
#[test_case("attachment", ATTACHMENT)]
#[test_case("nested", NESTED)]
#[test_case("junk", JUNK)]
#[test_case("digest", DIGEST)]
#[test_case(
    "empty-multipart",
    "Content-Type: multipart/mixed; boundary=never\r\n\r\nno boundary here\r\n"
)]
#[test_case("no-header", "\r\njust body\r\n")]
#[test_case("no-body", "Subject: header only")]
fn structures(name: &str, message: &str) {
    let mut engine = selected(dovecot(), &[message]);
    let mut shown = String::new();
    for item in ["ENVELOPE", "BODY", "BODYSTRUCTURE"] {
        let response = tell(&mut engine, &format!("a FETCH 1 {item}"));
        let line = octets::to_text(&response.units[0].octets);
        shown += &format!("{line}\n");
    }
    insta::assert_snapshot!(format!("structure-{name}"), shown);
}

#[test_case(PLAIN, "BODY.PEEK[TEXT]", "BODY[TEXT] {14}\\r\\nHello\\r\\nWorld\\r\\n"; "the text")]
#[test_case(PLAIN, "BODY.PEEK[1]", "BODY[1] {14}\\r\\nHello\\r\\nWorld\\r\\n"; "part 1 of a message without parts")]
#[test_case(PLAIN, "BODY.PEEK[2]", "BODY[2] NIL"; "a part that is none")]
#[test_case(PLAIN, "BODY.PEEK[1.TEXT]", "BODY[1.TEXT] NIL"; "the text of a part that is no message")]
#[test_case(PLAIN, "BODY.PEEK[TEXT]<6.4>", "BODY[TEXT]<6> {4}\\r\\n\\nWor"; "a piece")]
#[test_case(PLAIN, "BODY.PEEK[]<9999.5>", "BODY[]<9999> {0}\\r\\n"; "a piece behind the end")]
#[test_case(PLAIN, "BODY.PEEK[header.fields (to \"x y\" nope)]", "BODY[HEADER.FIELDS (to \"x y\" nope)] {21}\\r\\nTo: bob@y.example\\r\\n\\r\\n"; "some fields")]
#[test_case(PLAIN, "BODY.PEEK[HEADER.FIELDS.NOT (from date subject message-id)]", "BODY[HEADER.FIELDS.NOT (from date subject message-id)] {21}\\r\\nTo: bob@y.example\\r\\n\\r\\n"; "other fields")]
#[test_case("Subject: x", "BODY.PEEK[HEADER.FIELDS (subject)]", "BODY[HEADER.FIELDS (subject)] {10}\\r\\nSubject: x"; "no empty line where there is none")]
#[test_case(ATTACHMENT, "BODY.PEEK[1]", "BODY[1] {21}\\r\\nJust text, no headers"; "the line end before a boundary is no content")]
#[test_case(ATTACHMENT, "BODY.PEEK[1.MIME]", "BODY[1.MIME] {2}\\r\\n\\r\\n"; "the header of a part without one")]
#[test_case(ATTACHMENT, "BODY.PEEK[2]", "BODY[2] {18}\\r\\nAAAAAAAAAAAAAAA=\\r\\n"; "the second part")]
#[test_case(NESTED, "BODY.PEEK[2.MIME]", "BODY[2.MIME] {61}\\r\\nContent-Type: message/rfc822\\r\\nContent-Disposition: inline\\r\\n\\r\\n"; "the header of the part")]
#[test_case(NESTED, "BODY.PEEK[2.HEADER.FIELDS (subject)]", "BODY[2.HEADER.FIELDS (subject)] {18}\\r\\nSubject: Inner\\r\\n\\r\\n"; "the header of the message in it")]
#[test_case(NESTED, "BODY.PEEK[2.TEXT]", "BODY[2.TEXT] {57}\\r\\n--in\\r\\n\\r\\none\\r\\n--in\\r\\nContent-Type: image/png\\r\\n\\r\\nx\\r\\n--in--\\r\\n"; "and its text")]
#[test_case(NESTED, "BODY.PEEK[2.2]", "BODY[2.2] {1}\\r\\nx"; "a part of the message in it")]
#[test_case(NESTED, "BODY.PEEK[2.1.MIME]", "BODY[2.1.MIME] {2}\\r\\n\\r\\n"; "and its header")]
#[test_case(NESTED, "RFC822.HEADER", "RFC822.HEADER {102}\\r\\nFrom: a@b.example\\r\\nSubject: Nested\\r\\nMIME-Version: 1.0\\r\\nContent-Type: multipart/mixed; boundary=out\\r\\n\\r\\n"; "the header by its old name")]
#[test_case("a: \0\r\n\r\n\0", "BODY.PEEK[]", "BODY[] {9}\\r\\na: \\x80\\r\\n\\r\\n\\x80"; "NUL is never sent")]
fn sections(message: &str, item: &str, expected: &str) {
    let mut engine = selected(dovecot(), &[message]);
    let expected = format!("* 1 FETCH ({expected})\\r\\na OK FETCH completed.\\r\\n");
    assert_eq!(say(&mut engine, &format!("a FETCH 1 {item}")), expected);
}

/// The message of RFC 9051 §6.4.5.1; every leaf says its own part number.
fn numbered() -> String {
    let leaf = |media: &str, number: &str| format!("Content-Type: {media}\r\n\r\n{number}");
    let parts = |kind: &str, boundary: &str, parts: &[String]| {
        let body: String = parts
            .iter()
            .map(|part| format!("--{boundary}\r\n{part}\r\n"))
            .collect();
        format!(
            "Content-Type: multipart/{kind}; boundary={boundary}\r\n\r\n{body}--{boundary}--\r\n"
        )
    };
    let message = |subject: &str, inner: String| {
        format!("Content-Type: message/rfc822\r\n\r\nSubject: {subject}\r\n{inner}")
    };
    let three = parts(
        "mixed",
        "c",
        &[
            leaf("text/plain", "3.1"),
            leaf("application/octet-stream", "3.2"),
        ],
    );
    let alternative = parts(
        "alternative",
        "f",
        &[
            leaf("text/plain", "4.2.2.1"),
            leaf("text/richtext", "4.2.2.2"),
        ],
    );
    let inner = parts("mixed", "e", &[leaf("text/plain", "4.2.1"), alternative]);
    let four = parts(
        "mixed",
        "d",
        &[leaf("image/gif", "4.1"), message("4.2", inner)],
    );
    let whole = parts(
        "mixed",
        "b",
        &[
            leaf("text/plain", "1"),
            leaf("application/octet-stream", "2"),
            message("3", three),
            four,
        ],
    );
    format!("Subject: 0\r\n{whole}")
}

#[test_case("1"; "text")]
#[test_case("2"; "octets")]
#[test_case("3.1"; "in a message")]
#[test_case("3.2"; "the second in a message")]
#[test_case("4.1"; "in a multipart")]
#[test_case("4.2.1"; "in a message in a multipart")]
#[test_case("4.2.2.1"; "in a multipart in it")]
#[test_case("4.2.2.2"; "the second there")]
fn part_numbers(number: &str) {
    let mut engine = selected(dovecot(), &[&numbered()]);
    let said = say(&mut engine, &format!("a FETCH 1 BODY.PEEK[{number}]"));
    let expected = format!(
        "* 1 FETCH (BODY[{number}] {{{}}}\\r\\n{number})",
        number.len()
    );
    assert!(said.starts_with(&expected), "{said}");
}

#[test_case("HEADER", "Subject: 0\\r\\nContent-Type: multipart/mixed; boundary=b\\r\\n\\r\\n"; "of the message")]
#[test_case("3.HEADER", "Subject: 3\\r\\nContent-Type: multipart/mixed; boundary=c\\r\\n\\r\\n"; "of a message inside")]
#[test_case("4.MIME", "Content-Type: multipart/mixed; boundary=d\\r\\n\\r\\n"; "of a multipart")]
#[test_case("4.1.MIME", "Content-Type: image/gif\\r\\n\\r\\n"; "of a part")]
#[test_case("4.2.HEADER", "Subject: 4.2\\r\\nContent-Type: multipart/mixed; boundary=e\\r\\n\\r\\n"; "of a message in a multipart")]
fn part_headers(section: &str, expected: &str) {
    let mut engine = selected(dovecot(), &[&numbered()]);
    let said = say(&mut engine, &format!("a FETCH 1 BODY.PEEK[{section}]"));
    let (_, behind_size) = said.split_once("}\\r\\n").unwrap();
    assert!(behind_size.starts_with(&format!("{expected})")), "{said}");
}

#[test_case("BODY[]", "FLAGS (\\\\Seen) BODY[] ", true, true)]
#[test_case("BODY.PEEK[]", "BODY[] ", false, true)]
#[test_case("RFC822", "FLAGS (\\\\Seen) RFC822 ", true, true)]
#[test_case("BODY[TEXT]", "FLAGS (\\\\Seen) BODY[TEXT] ", true, false; "the text alone")]
#[test_case("(RFC822.HEADER BODY[TEXT])", "FLAGS (\\\\Seen) RFC822.HEADER ", true, true; "header and text")]
#[test_case("(BODY.PEEK[HEADER] RFC822.SIZE)", "BODY[HEADER] ", false, false; "the header")]
#[test_case("(FLAGS BODY[1])", "FLAGS (\\\\Seen) BODY[1] ", true, false; "flags are asked for")]
#[test_case("BODY.PEEK[]<0.10>", "BODY[]<0> ", false, false; "the beginning")]
#[test_case("BODY.PEEK[]<0.10000>", "BODY[]<0> ", false, true; "all of it as a piece")]
fn reading(item: &str, expected: &str, seen: bool, read: bool) {
    let mut engine = selected(dovecot(), &[PLAIN]);
    let response = tell(&mut engine, &format!("a FETCH 1 {item}"));
    let said = text(&response);
    assert!(
        said.starts_with(&format!("* 1 FETCH ({expected}")),
        "{said}"
    );
    let fact = What::MessageRead {
        mailbox: "INBOX".to_owned(),
        uid: 1,
    };
    assert_eq!(
        response.facts,
        read.then_some(fact).into_iter().collect::<Vec<_>>()
    );
    let flags = say(&mut engine, "b FETCH 1 FLAGS");
    assert_eq!(flags.contains("\\\\Seen"), seen, "{flags}");
}

#[test]
fn under_examine_nothing_becomes_seen() {
    let mut engine = selected(dovecot(), &[PLAIN]);
    tell(&mut engine, "a EXAMINE INBOX");
    assert!(say(&mut engine, "b FETCH 1 BODY[]").starts_with("* 1 FETCH (BODY[] "));
    assert!(say(&mut engine, "c FETCH 1 FLAGS").contains("FLAGS ()"));
}

#[test]
fn a_response_with_its_literal_is_one_unit() {
    let mut engine = selected(dovecot(), &[PLAIN, NESTED]);
    let response = tell(&mut engine, "a UID FETCH 1:* (BODY.PEEK[] UID)");
    assert_eq!(
        kinds(&response),
        [Unit::Untagged, Unit::Untagged, Unit::Final]
    );
    let first = octets::to_text(&response.units[0].octets);
    assert!(first.starts_with("* 1 FETCH (BODY[] {"), "{first}");
    assert!(first.ends_with(" UID 1)\\r\\n"), "{first}");
}

#[test]
fn by_uid_the_uid_is_told_unasked() {
    let mut engine = selected(dovecot(), &[PLAIN, NESTED]);
    let expected = "* 2 FETCH (UID 2 FLAGS ())\\r\\na OK UID FETCH completed.\\r\\n";
    assert_eq!(say(&mut engine, "a UID FETCH 2:9 FLAGS"), expected);
}

#[test]
fn gmail_numbers_only_where_they_are_listed() {
    let mut engine = selected(config(persona("gmail-imap")), &[PLAIN]);
    let said = say(&mut engine, "a FETCH 1 (X-GM-MSGID X-GM-LABELS)");
    assert!(said.starts_with("* 1 FETCH (X-GM-MSGID "), "{said}");
    let mut engine = selected(dovecot(), &[PLAIN]);
    assert!(say(&mut engine, "a FETCH 1 X-GM-MSGID").starts_with("a BAD "));
}

#[test_case("FROM alice@x", &[1])]
#[test_case("FROM ALICE", &[1, 2]; "in any case")]
#[test_case("SUBJECT {2+}\r\n\u{e4}", &[2, 4]; "encoded words are decoded")]
#[test_case("CHARSET UTF-8 SUBJECT {2+}\r\n\u{c4}", &[2, 4]; "capital letters beyond ASCII")]
#[test_case("BODY hall\u{f6}", &[]; "raw octets are no atom")]
#[test_case("BODY \"Hall\u{f6}\"", &[2]; "quoted-printable is decoded")]
#[test_case("BODY \"<b>Hi\"", &[2]; "base64 is decoded")]
#[test_case("BODY Inner", &[3]; "the header of a message inside is body")]
#[test_case("TEXT Message-ID", &[1, 2, 4]; "the header is text")]
#[test_case("HEADER In-Reply-To \"\"", &[2]; "a field that is there")]
#[test_case("OR FROM a@b TO bob", &[1, 3])]
#[test_case("NOT OR FROM a@b TO bob", &[2, 4])]
#[test_case("(1:3 NOT 2) UNSEEN", &[1, 3]; "numbers and parentheses")]
#[test_case("UID 3:*", &[3, 4])]
#[test_case("*", &[4]; "the last")]
#[test_case("LARGER 300 SMALLER 600", &[3])]
#[test_case("SENTON 22-Nov-2026", &[1])]
#[test_case("SENTBEFORE 1-Jan-2030 SENTSINCE \"22-Nov-2026\"", &[1])]
#[test_case("ON 22-Nov-2026", &[1, 2, 3, 4])]
#[test_case("BEFORE 22-Nov-2026", &[]; "before the day")]
#[test_case("FLAGGED", &[2])]
#[test_case("UNFLAGGED KEYWORD $x", &[3])]
#[test_case("UNKEYWORD $X", &[1, 2, 4])]
#[test_case("NEW", &[])]
#[test_case("OLD UNANSWERED UNDELETED UNDRAFT", &[1, 2, 3, 4])]
fn searches(keys: &str, expected: &[u32]) {
    let mut engine = selected(dovecot(), &[PLAIN, ALTERNATIVE, NESTED, JUNK]);
    tell(&mut engine, "a STORE 2 +FLAGS (\\Flagged)");
    tell(&mut engine, "a STORE 3 +FLAGS ($x)");
    let said = say(&mut engine, &format!("a SEARCH {keys}"));
    if keys.contains("hall\u{f6}") && !keys.contains('"') {
        assert!(said.starts_with("a BAD "), "{said}");
        return;
    }
    let numbers: String = expected.iter().map(|number| format!(" {number}")).collect();
    assert_eq!(
        said,
        format!("* SEARCH{numbers}\\r\\na OK SEARCH completed.\\r\\n")
    );
}
