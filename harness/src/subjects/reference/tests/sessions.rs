//! The right way: every job, every security setting, every way to sign in, and what the client does about
//! servers that are not right.

use mailproof_certs::Fault;
use mailproof_scenarios::model::{Auth, Job, Protocol, Security, Trust, event::Said};
use pretty_assertions::assert_eq;
use test_case::{test_case, test_matrix};

use super::world::run;
use crate::subjects::test_server::{MESSAGE, PASSWORD, Server, TOKEN, Then, file, request};
use Job::{Append, Fetch, Idle, List, Send, TestConnection};
use Protocol::{Imap, Smtp};
use Security::{Automatic, Implicit, None as Clear, StarttlsOptional, StarttlsRequired};

#[test_matrix(
    [Send, TestConnection],
    [Clear, StarttlsOptional, StarttlsRequired, Implicit],
    [Auth::None, Auth::Password, Auth::Plain, Auth::Login, Auth::Xoauth2]
)]
fn smtp(job: Job, security: Security, auth: Auth) {
    let mut request = request(Smtp, job, security);
    request.auth = auth;
    let outcome = run(&[], request, Server::new(Smtp, security));
    assert_eq!(outcome.said(), Said::Success, "{outcome:#?}");
    assert_eq!(outcome.count("connect"), 1);
    assert_eq!(outcome.count("(message)"), usize::from(job == Send));
    assert_eq!(outcome.count("QUIT"), 1);
    assert_eq!(
        outcome.count("handshake Some(\"localhost\")"),
        usize::from(security != Clear)
    );
    assert_eq!(
        outcome.leaked(),
        security == Clear && !matches!(auth, Auth::None | Auth::Xoauth2)
    );
}

#[test_matrix(
    [Fetch, List, Append, Idle, TestConnection],
    [Clear, StarttlsOptional, StarttlsRequired, Implicit],
    [Auth::Password, Auth::Plain, Auth::Login, Auth::Xoauth2]
)]
fn imap(job: Job, security: Security, auth: Auth) {
    let mut request = request(Imap, job, security);
    request.auth = auth;
    let outcome = run(&[], request, Server::new(Imap, security));
    assert_eq!(outcome.said(), Said::Success, "{outcome:#?}");
    assert_eq!(outcome.count("connect"), 1);
    assert_eq!(outcome.count("LOGOUT"), 1);
    let done = match job {
        Fetch => "UID FETCH 1:* (UID BODY.PEEK[])",
        List => "LIST \"\" \"*\"",
        Append => "APPEND \"INBOX\"",
        Idle => "DONE",
        _ => "CAPABILITY",
    };
    assert!(outcome.saw(done), "{outcome:#?}");
    assert_eq!(outcome.leaked(), security == Clear && auth != Auth::Xoauth2);
}

#[test]
fn dots_are_doubled_and_the_size_is_told() {
    let outcome = run(
        &[],
        request(Smtp, Send, Implicit),
        Server::new(Smtp, Implicit),
    );
    let stuffed = MESSAGE.replace("\n.", "\n..");
    assert!(outcome.saw(&format!("(message) {}", stuffed.escape_debug())));
    let mail = format!("MAIL FROM:<anna@firma.example> SIZE={}", MESSAGE.len());
    assert!(outcome.log.contains(&format!("tls {mail}")), "{outcome:#?}");
}

#[test]
fn the_order_with_starttls_is_that_of_the_rfc() {
    let request = request(Smtp, Send, StarttlsRequired);
    let outcome = run(&[], request, Server::new(Smtp, StarttlsRequired));
    let verbs: Vec<&str> = outcome
        .log
        .iter()
        .map(|line| line.split(' ').nth(1).unwrap_or_default())
        .collect();
    let expected = [
        "4711",
        "EHLO",
        "STARTTLS",
        "Some(\"localhost\")",
        "EHLO",
        "AUTH",
        "MAIL",
        "RCPT",
        "DATA",
        "(message)",
        "QUIT",
        "end",
    ];
    assert_eq!(verbs, expected);
    assert!(outcome.saw("clear EHLO [127.0.0.1]"));
}

#[test_case(465, true, &["handshake Some"]; "a number that stands for implicit TLS")]
#[test_case(587, false, &["clear EHLO", "handshake Some"]; "a number that stands for STARTTLS")]
#[test_case(4711, true, &["handshake Some"]; "an unknown port with implicit TLS")]
#[test_case(4711, false, &["handshake failed", "clear EHLO", "handshake Some"]; "an unknown port with STARTTLS")]
fn automatic_is_tls(port: u16, implicit: bool, steps: &[&str]) {
    let mut request = request(Smtp, Send, Automatic);
    request.port = port;
    let served = if implicit { Implicit } else { StarttlsRequired };
    let mut server = Server::new(Smtp, served);
    if !implicit && port == 4711 {
        // A clear greeting is no TLS record: the client finds out by itself.
        server = server.with(|it| it.clear = "STARTTLS");
    }
    let outcome = run(&[], request, server);
    assert_eq!(outcome.said(), Said::Success, "{outcome:#?}");
    for step in steps.iter().filter(|step| **step != "handshake failed") {
        assert!(outcome.saw(step), "{step}: {outcome:#?}");
    }
    assert!(!outcome.leaked());
}

#[test]
fn automatic_never_ends_in_clear() {
    let server = Server::new(Smtp, StarttlsRequired).with(|it| it.clear = "AUTH=PLAIN");
    let outcome = run(&[], request(Smtp, Send, Automatic), server);
    assert_eq!(outcome.said(), Said::RefusedTls, "{outcome:#?}");
    assert!(!outcome.leaked() && !outcome.saw("MAIL"));
}

/// Everything that must end in a failure, what kind of failure, and what the user gets to read.
#[test_case(
    "greeting",
    "554 mx.test No service\r\n",
    Said::Permanent,
    "SMTP, greeting: the server refused: 554 mx.test No service"
)]
#[test_case(
    "greeting",
    "421 4.7.0 too many\r\n",
    Said::Temporary,
    "421 4.7.0 too many"
)]
#[test_case("greeting", "250 hi\r\n", Said::Failed, "250 hi")]
#[test_case("greeting", "HTTP/1.1 400 Bad Request\r\n", Said::Failed, "HTTP/1.1 400"; "another service")]
#[test_case("clear:EHLO", "250 mx.test\r\n", Said::RefusedTls, "STARTTLS"; "no starttls")]
#[test_case("clear:EHLO", "502 5.5.1 what\r\n", Said::Permanent, "502 5.5.1 what"; "no helo where tls is wanted")]
#[test_case(
    "STARTTLS",
    "454 4.7.0 not now\r\n",
    Said::Temporary,
    "454 4.7.0 not now"
)]
#[test_case("STARTTLS", "502 5.5.1 no\r\n", Said::RefusedTls, "502 5.5.1 no")]
#[test_case("STARTTLS", "250 ok\r\n", Said::Failed, "250 ok")]
#[test_case("STARTTLS", "220 go\r\n250 AUTH PLAIN\r\n", Said::RefusedTls, "in clear"; "injection")]
#[test_case("AUTH", "535 5.7.8 wrong\r\n", Said::Permanent, "535 5.7.8 wrong")]
#[test_case("AUTH", "454 4.7.0 later\r\n", Said::Temporary, "454 4.7.0 later")]
#[test_case(
    "MAIL",
    "550-5.7.1 first\r\n550 5.7.1 second\r\n",
    Said::Permanent,
    "550-5.7.1 first\n550 5.7.1 second"
)]
#[test_case(
    "RCPT",
    "450 4.2.0 greylisted\r\n",
    Said::Temporary,
    "SMTP, RCPT TO: the server refused: 450"
)]
#[test_case("RCPT", "421 4.3.2 bye\r\n", Said::Temporary, "421 4.3.2 bye")]
#[test_case("RCPT", "354 go ahead\r\n", Said::Failed, "354 go ahead")]
#[test_case("RCPT", "250-a\r\n550 b\r\n", Said::Failed, "contradict")]
#[test_case("MAIL", "250 ok\r\n250 ok\r\n", Said::Failed, "before it was asked")]
#[test_case("AUTH", "235 ok\r\n421 4.4.2 idle\r\n", Said::Temporary, "421 4.4.2 idle"; "an unasked 421")]
#[test_case("DATA", "250 ok\r\n", Said::Failed, "250 ok"; "data without a go-ahead")]
#[test_case(
    "data",
    "554 5.7.1 rejected\r\n",
    Said::Permanent,
    "SMTP, end of data: the server refused: 554"
)]
fn smtp_failures(place: &'static str, reply: &str, said: Said, text: &str) {
    let server = Server::new(Smtp, StarttlsRequired).instead(place, reply, Then::Clear);
    let outcome = run(&[], request(Smtp, Send, StarttlsRequired), server);
    assert_eq!(outcome.said(), said, "{outcome:#?}");
    assert!(outcome.text().contains(text), "{outcome:#?}");
    assert_eq!(outcome.count("connect"), 1);
    assert!(!outcome.leaked());
    assert_eq!(outcome.count("(message)"), usize::from(place == "data"));
}

#[test_case(
    "greeting",
    "* BYE too many\r\n",
    Said::Temporary,
    "IMAP, greeting: the server ended the session: * BYE too many"
)]
#[test_case("greeting", "* NO busy\r\n", Said::Failed, "* NO busy")]
#[test_case("greeting", "A0001 OK ready\r\n", Said::Failed, "A0001 OK ready")]
#[test_case("greeting", "+OK POP3 ready\r\n", Said::Failed, "+OK POP3")]
#[test_case("greeting", "* PREAUTH hi\r\n", Said::RefusedTls, "* PREAUTH hi")]
#[test_case("clear:CAPABILITY", "* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\n{tag} OK\r\n", Said::RefusedTls, "does not offer"; "no starttls")]
#[test_case("clear:CAPABILITY", "* CAPABILITY IMAP4rev1 STARTTLS\r\n{tag} OK\r\nA0002 OK begin\r\n", Said::Failed, "not sent"; "a completion before its command")]
#[test_case("CAPABILITY", "{tag} BAD what\r\n", Said::Permanent, "BAD what")]
#[test_case("STARTTLS", "{tag} NO not now\r\n", Said::RefusedTls, "NO not now")]
#[test_case("STARTTLS", "+ go on\r\n", Said::Failed, "+ go on")]
#[test_case("STARTTLS", "{tag} OK go\r\n* BYE closing\r\n", Said::RefusedTls, "in clear"; "injection")]
#[test_case(
    "tls:CAPABILITY",
    "* CAPABILITY IMAP4rev1 LOGINDISABLED\r\n{tag} OK\r\n",
    Said::Permanent,
    "no way to sign in"
)]
#[test_case(
    "LOGIN",
    "{tag} NO [AUTHENTICATIONFAILED] wrong\r\n",
    Said::Permanent,
    "IMAP, LOGIN: the server refused: A0004 NO [AUTHENTICATIONFAILED] wrong"
)]
#[test_case(
    "LOGIN",
    "{tag} NO [UNAVAILABLE] later\r\n",
    Said::Temporary,
    "[UNAVAILABLE]"
)]
#[test_case("LOGIN", "+ more\r\n", Said::Failed, "+ more"; "a continuation request that nothing asked for")]
#[test_case(
    "SELECT",
    "{tag} NO no such mailbox\r\n",
    Said::Permanent,
    "no such mailbox"
)]
#[test_case("UID", "{tag} OK done\r\n", Said::Failed, "0 of 2 messages")]
#[test_case("UID", "* 1 FETCH (BODY[] {4294967295}\r\nx", Said::Failed, "64 MiB"; "a literal beyond any limit")]
#[test_case("UID", "* 1 FETCH (BODY[] {99999999999999999999999}\r\nx", Said::Failed, "64 MiB"; "a literal beyond any number")]
#[test_case("UID", "* 1 FETCH (BODY[] {-1}\r\nx\r\n", Said::Failed, "cannot be read"; "a literal without a size")]
#[test_case("UID", "* BYE going down\r\n", Said::Temporary, "* BYE going down")]
#[test_case(
    "LOGIN",
    "* BYE bad guy\r\n{tag} NO wrong\r\n",
    Said::Permanent,
    "* BYE bad guy\nA0004 NO wrong"
)]
fn imap_failures(place: &'static str, reply: &str, said: Said, text: &str) {
    let server = Server::new(Imap, StarttlsRequired).instead(place, reply, Then::Clear);
    let outcome = run(&[], request(Imap, Fetch, StarttlsRequired), server);
    assert_eq!(outcome.said(), said, "{outcome:#?}");
    assert!(outcome.text().contains(text), "{outcome:#?}");
    assert_eq!(outcome.count("connect"), 1);
    assert!(!outcome.leaked());
}

#[test_case(Smtp, Send, &["greeting", "EHLO", "STARTTLS", "AUTH", "MAIL", "RCPT", "DATA", "data"])]
#[test_case(Imap, Fetch, &["greeting", "CAPABILITY", "STARTTLS", "LOGIN", "SELECT", "UID"])]
fn whoever_waits_or_is_left_alone_comes_to_an_end(
    protocol: Protocol,
    job: Job,
    places: &[&'static str],
) {
    for place in places {
        for (then, what) in [
            (Then::Silence, "timed out"),
            (Then::Close, "closed the connection"),
        ] {
            let server = Server::new(protocol, StarttlsRequired).instead(place, "", then);
            let outcome = run(&[], request(protocol, job, StarttlsRequired), server);
            assert_eq!(
                outcome.said(),
                Said::Temporary,
                "{place} {then:?} {outcome:#?}"
            );
            assert!(
                outcome.text().contains(what),
                "{place} {then:?} {outcome:#?}"
            );
            assert_eq!(outcome.count("connect"), 1, "{place}");
        }
    }
}

#[test]
fn a_refused_recipient_stops_the_message_for_all() {
    let mut request = request(Smtp, Send, Implicit);
    request.to.push("carl@other.example".to_owned());
    let server = Server::new(Smtp, Implicit).reply("RCPT", "550 5.1.1 no\r\n");
    let outcome = run(&[], request, server);
    assert_eq!(outcome.said(), Said::Permanent);
    assert_eq!(outcome.count("RCPT"), 2);
    assert!(outcome.saw("RSET") && outcome.saw("QUIT") && !outcome.saw("DATA"));
}

#[test]
fn helo_follows_only_in_clear_by_choice() {
    let mut request = request(Smtp, Send, Clear);
    request.auth = Auth::None;
    let server = Server::new(Smtp, Clear).reply("EHLO", "502 5.5.1 what\r\n");
    let outcome = run(&[], request, server);
    assert_eq!(outcome.said(), Said::Success, "{outcome:#?}");
    assert!(
        outcome
            .log
            .contains(&"clear MAIL FROM:<anna@firma.example>".to_owned())
    );
}

#[test_case(Smtp, Send)]
#[test_case(Imap, Fetch)]
fn optional_tls_never_shows_the_password_in_clear(protocol: Protocol, job: Job) {
    let server = Server::new(protocol, StarttlsOptional).with(|it| {
        it.clear = match protocol {
            Smtp => "AUTH=PLAIN",
            Imap => "IMAP4rev1 AUTH=PLAIN",
        }
    });
    let outcome = run(&[], request(protocol, job, StarttlsOptional), server);
    assert_eq!(outcome.said(), Said::RefusedTls);
    assert!(!outcome.leaked());
}

#[test_case(Smtp, Send)]
#[test_case(Imap, Fetch)]
fn a_wrong_token_is_a_refusal_after_its_explanation(protocol: Protocol, job: Job) {
    let mut request = request(protocol, job, Implicit);
    request.auth = Auth::Xoauth2;
    request.token = "another".to_owned();
    let outcome = run(&[], request, Server::new(protocol, Implicit));
    assert_eq!(outcome.said(), Said::Permanent, "{outcome:#?}");
    assert!(
        outcome.log.contains(&"tls (sasl) ".to_owned()),
        "an empty line"
    );
}

#[test]
fn a_long_token_goes_behind_the_go_ahead() {
    let mut request = request(Smtp, Send, Implicit);
    request.auth = Auth::Xoauth2;
    request.token = "t".repeat(3000);
    let outcome = run(&[], request, Server::new(Smtp, Implicit));
    assert!(
        outcome.log.contains(&"tls AUTH XOAUTH2".to_owned()),
        "{outcome:#?}"
    );
}

#[test]
fn whatever_comes_unasked_is_borne() {
    let junk = "* 12 EXISTS\r\n* OK still here\r\n* 3 FETCH (FLAGS ())\r\n* FOO bar\r\n\r\n*\r\n\
                X99 OK done\r\nA0000 NO old\r\n* SEARCH\r\n* LIST () NIL {3}\r\nabc\r\n";
    let mut server = Server::new(Imap, Implicit);
    for place in ["CAPABILITY", "LOGIN", "SELECT", "UID", "LOGOUT"] {
        server = server.before(place, junk);
    }
    let outcome = run(&[], request(Imap, Fetch, Implicit), server);
    assert_eq!(outcome.said(), Said::Success, "{outcome:#?}");
}

#[test_case(Smtp, Send)]
#[test_case(Imap, Fetch)]
#[test_case(Imap, Idle)]
fn octet_by_octet_is_the_same(protocol: Protocol, job: Job) {
    let server = Server::new(protocol, StarttlsRequired)
        .with(|it| it.dribbles = Some(std::time::Duration::from_millis(1)));
    let outcome = run(&[], request(protocol, job, StarttlsRequired), server);
    assert_eq!(outcome.said(), Said::Success, "{outcome:#?}");
}

#[test_case(Implicit, true; "inside TLS")]
#[test_case(StarttlsRequired, false; "in clear before it")]
fn alerts_are_shown_only_where_they_are_the_servers(security: Security, shown: bool) {
    let place = if shown {
        "tls:CAPABILITY"
    } else {
        "clear:CAPABILITY"
    };
    let server = Server::new(Imap, security).before(place, "* OK [ALERT] Call 0900\r\n");
    let outcome = run(&[], request(Imap, Fetch, security), server);
    assert_eq!(outcome.said(), Said::Success);
    assert_eq!(outcome.text().contains("Call 0900"), shown, "{outcome:#?}");
}

#[test]
fn what_was_learned_in_clear_is_forgotten() {
    let lies = "* 99 EXISTS\r\n* 1 FETCH (BODY[] {2}\r\nhi)\r\n* 2 FETCH (BODY[] {2}\r\nhi)\r\n";
    let server = Server::new(Imap, StarttlsRequired)
        .before("clear:CAPABILITY", lies)
        .reply("UID", "{tag} OK done\r\n");
    let outcome = run(&[], request(Imap, Fetch, StarttlsRequired), server);
    assert!(outcome.text().contains("0 of 2 messages"), "{outcome:#?}");
}

#[test]
fn a_literal_waits_for_its_go_ahead_and_is_not_sent_without() {
    let server = Server::new(Imap, Implicit).reply("literal", "{tag} NO [TRYCREATE] no\r\n");
    let outcome = run(&[], request(Imap, Append, Implicit), server);
    assert_eq!(outcome.said(), Said::Permanent, "{outcome:#?}");
    assert!(!outcome.saw("Hello"));
}

#[test_case("IMAP4rev1 LITERAL+", true)]
#[test_case("IMAP4rev1 LITERAL-", true)]
#[test_case("IMAP4rev1", false)]
fn a_literal_goes_along_where_that_is_offered(capabilities: &'static str, along: bool) {
    let server = Server::new(Imap, Implicit).with(|it| it.secure = capabilities);
    let outcome = run(&[], request(Imap, Append, Implicit), server);
    assert_eq!(outcome.said(), Said::Success, "{outcome:#?}");
    assert_eq!(outcome.saw("{27+}"), along, "{outcome:#?}");
}

#[test]
fn an_odd_password_is_a_literal() {
    let mut request = request(Imap, List, Implicit);
    request.password = "x\r\nA9 DELETE INBOX".to_owned();
    let outcome = run(&[], request, Server::new(Imap, Implicit));
    assert!(
        outcome.saw("LOGIN \"anna\" {18}|x\\r\\nA9 DELETE INBOX|"),
        "{outcome:#?}"
    );
    assert!(!outcome.saw("tls A9"));
}

#[test]
fn without_idle_the_client_asks_now_and_then() {
    let server = Server::new(Imap, Implicit)
        .with(|it| it.secure = "IMAP4rev1")
        .before("NOOP", "* 3 EXISTS\r\n");
    let outcome = run(&[], request(Imap, Idle, Implicit), server);
    assert_eq!(outcome.said(), Said::Success, "{outcome:#?}");
    assert_eq!(outcome.count("NOOP"), 1);
}

#[test_case("IDLE", "{tag} NO not now\r\n"; "refused")]
#[test_case("IDLE", "+ idling\r\n{tag} OK enough\r\n"; "ended by the server")]
fn idle_without_success_is_no_loop(place: &'static str, reply: &str) {
    let server = Server::new(Imap, Implicit).reply(place, reply);
    let outcome = run(&[], request(Imap, Idle, Implicit), server);
    assert_eq!(outcome.said(), Said::Temporary, "{outcome:#?}");
    assert!(outcome.count("IDLE") <= 3 && outcome.count("NOOP") <= 12);
    assert!(!outcome.saw("DONE"));
}

#[test_case("a@b.test>\r\nRCPT TO:<evil@c.test")]
#[test_case("a\0@b.test")]
fn an_address_cannot_end_its_command(address: &str) {
    let mut request = request(Smtp, Send, Implicit);
    request.to = vec![address.to_owned()];
    let outcome = run(&[], request, Server::new(Smtp, Implicit));
    assert_eq!(outcome.said(), Said::Permanent);
    assert!(!outcome.saw("RCPT"));
}

#[test]
fn eight_bits_need_8bitmime() {
    let mut request = request(Smtp, Send, Implicit);
    request.message_file = file("eight.eml", "Subject: x\r\n\r\nGrüße\r\n");
    let with = run(&[], request.clone(), Server::new(Smtp, Implicit));
    assert!(with.saw("BODY=8BITMIME") && with.said() == Said::Success);
    let server = Server::new(Smtp, Implicit).with(|it| it.secure = "AUTH=PLAIN");
    let without = run(&[], request, server);
    assert_eq!(without.said(), Said::Permanent);
    assert!(!without.saw("MAIL"));
}

#[test]
fn a_server_that_repeats_secrets_is_not_repeated() {
    let reply = format!("535 5.7.8 {PASSWORD} and {TOKEN} are wrong\r\n");
    let server = Server::new(Smtp, Implicit).reply("AUTH", &reply);
    let outcome = run(&[], request(Smtp, Send, Implicit), server);
    assert!(
        outcome.text().contains("535 5.7.8 *** and *** are wrong"),
        "{outcome:#?}"
    );
}

#[test]
fn a_lost_connection_behind_the_dot_is_no_success_and_no_second_message() {
    let server = Server::new(Smtp, Implicit).instead("data", "", Then::Close);
    let outcome = run(&[], request(Smtp, Send, Implicit), server);
    assert_eq!(outcome.said(), Said::Temporary);
    assert_eq!(outcome.count("(message)"), 1);
}

#[test]
fn the_end_of_the_session_changes_nothing() {
    for (protocol, job, place) in [(Smtp, Send, "QUIT"), (Imap, Fetch, "LOGOUT")] {
        for (what, then) in [
            ("500 what\r\n", Then::GoOn),
            ("", Then::Close),
            ("", Then::Silence),
        ] {
            let server = Server::new(protocol, Implicit).instead(place, what, then);
            let outcome = run(&[], request(protocol, job, Implicit), server);
            assert_eq!(outcome.said(), Said::Success, "{outcome:#?}");
        }
    }
}

#[test]
fn the_first_failure_is_also_quoted_when_the_connection_ends() {
    let server = Server::new(Smtp, Implicit).instead("RCPT", "", Then::Close);
    let outcome = run(&[], request(Smtp, Send, Implicit), server);
    assert!(outcome.text().contains("250 2.0.0 Ok"), "{outcome:#?}");
}

#[test]
fn files_that_are_not_there_are_a_failure() {
    let mut request = request(Smtp, Send, Implicit);
    request.ca_file = "/nowhere/ca.pem".into();
    let outcome = run(&[], request, Server::new(Smtp, Implicit));
    assert_eq!(outcome.said(), Said::Failed);
    assert!(!outcome.saw("connect"));
}

#[test]
fn a_wrong_certificate_ends_the_session_before_it_begins() {
    for security in [Implicit, StarttlsRequired] {
        let server = Server::new(Smtp, security).with(|it| it.fault = Fault::SelfSigned);
        let mut request = request(Smtp, Send, security);
        request.trust = Trust::Ca;
        let outcome = run(&[], request, server);
        assert_eq!(outcome.said(), Said::RefusedTls);
        assert!(!outcome.saw("tls ") && !outcome.leaked() && !outcome.saw("QUIT"));
    }
}

#[test]
fn addresses_beyond_ascii_need_smtputf8() {
    let mut request = request(Smtp, Send, Implicit);
    request.to = vec!["björn@other.example".to_owned()];
    let with = Server::new(Smtp, Implicit).with(|it| it.secure = "AUTH=PLAIN SMTPUTF8");
    let with = run(&[], request.clone(), with);
    assert!(
        with.saw("SMTPUTF8") && with.said() == Said::Success,
        "{with:#?}"
    );
    let without = run(&[], request, Server::new(Smtp, Implicit));
    assert_eq!(without.said(), Said::Permanent);
    assert!(!without.saw("MAIL"));
}

#[test_case(&"250-x\r\n".repeat(5000); "lines")]
#[test_case(&format!("250 {}\r\n", "x".repeat(200_000)); "octets")]
fn a_reply_without_end_is_not_read_to_its_end(reply: &str) {
    let server = Server::new(Smtp, Implicit).reply("EHLO", reply);
    let outcome = run(&[], request(Smtp, Send, Implicit), server);
    assert_ne!(outcome.said(), Said::Success);
    assert!(outcome.text().contains("without end"), "{outcome:#?}");
    assert!(!outcome.saw("MAIL"));
}
