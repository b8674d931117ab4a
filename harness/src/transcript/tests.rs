//! Whole transcripts, with CR and LF written out where they are not the end of a line.

use mailproof_certs::Fault;
use mailproof_scenarios::model::{
    Action, At, Auth, Endpoints, Job, On, PortRole, Process, Security, Then, Trust, What, WireText,
    event::{Direction, Ended, Said},
};
use test_case::test_case;

use super::{Hidden, Options, Replacement, Rules, normalise, normalise_with, render};
use crate::judge::testing::Scene;

fn refused_certificate() -> Scene {
    Scene::send()
        .bad_chain(Fault::SelfSigned)
        .refuses(Fault::SelfSigned)
}

fn submission() -> Scene {
    Scene::send().submits_behind(Fault::Valid)
}

fn injection() -> Scene {
    let at = |command: &str| On {
        at: Some(At::Command(command.to_owned())),
        ..On::default()
    };
    Scene::send()
        .deviate_on(
            at("STARTTLS"),
            Action::After {
                text: WireText::parse("250 AUTH PLAIN\r\n").unwrap(),
                then: Then::GoOn,
            },
        )
        .begin()
        .connect()
        .greeting()
        .command("EHLO client.example")
        .answer("250 STARTTLS")
        .command("STARTTLS")
        .answer("220 Go\r\n250 AUTH PLAIN")
        .deviated(0)
        .tls(Fault::Valid)
        .command("EHLO client.example")
        .early("AUTH PLAIN {plain}")
        .answer_to("EHLO", "250 AUTH PLAIN")
        .answer_to("AUTH", "235 2.7.0 Welcome")
        .quits()
        .end(Said::Success)
}

/// Everything that a hostile peer could send to whoever reads it.
fn hostile() -> Scene {
    Scene::send()
        .security(Security::None)
        .begin()
        .connect()
        .says("220 \u{1b}]0;owned\u{7}\u{202e}evil\r\n")
        .says("220 lone line feed\n")
        .says("220 lone\rcarriage return\r\n")
        .on_wire(What::Sent {
            layer: mailproof_scenarios::model::Layer::Clear,
            octets: b"220 \xff\xfe\0 not text\r\n".to_vec(),
        })
        .says(&format!("220 {}\r\n", "a".repeat(70_000)))
        .octets("QUI\u{1b}[2J")
        .close()
        .prints("\u{1b}[31mred\u{1b}[0m {password}\nsecond line")
        .ends(Ended::Crashed {
            how: "panic\r\nat \u{9b}31m".to_owned(),
        })
}

fn appended() -> Scene {
    let scene = Scene::fetch()
        .job(Job::Append)
        .begin()
        .connect()
        .tls(Fault::Valid)
        .greeting()
        .command("KHBD0 LOGIN {user} {password}")
        .accepted("LOGIN")
        .answer("KHBD0 OK welcome")
        .command("KHBD1 ID (\"name\" \"client\" \"version\" \"1.2.3\")")
        .answer("KHBD1 OK done");
    let message = scene.message(1);
    let line = format!("KHBD2 APPEND INBOX {{{}}}\r\n", message.len());
    let whole = format!("{line}{message}\r\n");
    scene
        .octets(&line)
        .says("+ go\r\n")
        .octets(&message)
        .octets("\r\n")
        .understood("APPEND", whole.as_bytes(), false)
        .on_wire(What::Appended {
            mailbox: "INBOX".to_owned(),
            octets: message.clone().into_bytes(),
        })
        .answer("KHBD2 OK [APPENDUID 1767225600 3] done")
        .command("KHBD3 FETCH 1 BODY[]")
        .says(&format!(
            "* 1 FETCH (BODY[] {{{}}}\r\n{message})\r\n",
            message.len()
        ))
        .answer("KHBD3 OK done")
        .quits()
        .end(Said::Success)
}

fn tls_to_a_server_in_clear() -> Scene {
    Scene::fetch()
        .begin()
        .connect()
        .hello()
        .on_wire(What::Raw {
            from: Direction::Client,
            octets: vec![0x16, 3, 1],
        })
        .understood("?", b"\x16\x03\x01\r\n", true)
        .greeting()
        .answer_to("?", "* BAD what")
        .close()
        .event(What::Attempted {
            port: PortRole::Imap,
            between: Endpoints::default(),
        })
        .event(What::Attempted {
            port: PortRole::Imap,
            between: Endpoints::default(),
        })
        .end(Said::RefusedTls)
}

fn two_steps() -> Scene {
    Scene::send()
        .trust(Trust::Always)
        .then(|it| {
            it.process = Process::Same;
            it.auth = Auth::Xoauth2;
        })
        .begin()
        .up_to_go_ahead()
        .tls(Fault::UnknownRoot)
        .signs_in()
        .sends()
        .end(Said::Success)
        .begin()
        .command("AUTH XOAUTH2 {xoauth2}")
        .answer("503 5.5.1 already")
        .sends()
        .decoy(PortRole::Smtp)
        .on_wire(What::LingerOver)
        .end(Said::Success)
}

#[test_case("refused_certificate", refused_certificate)]
#[test_case("submission", submission)]
#[test_case("injection", injection)]
#[test_case("hostile", hostile)]
#[test_case("appended", appended)]
#[test_case("tls_to_a_server_in_clear", tls_to_a_server_in_clear)]
#[test_case("two_steps", two_steps)]
fn transcripts(name: &str, scene: fn() -> Scene) {
    let record = scene().record;
    let text = format!(
        "{}\n{}\n{}",
        render(&record, Options::default()),
        "=".repeat(20),
        normalise(&record)
    );
    for secret in record.canaries.secrets() {
        assert!(!text.contains(secret), "{text}");
    }
    assert!(text.chars().all(|c| c == '\n' || !c.is_control()));
    insta::assert_snapshot!(name, text);
}

#[test]
fn times_are_shown_where_they_are_wanted() {
    let options = Options {
        times: true,
        ..Options::default()
    };
    let text = render(&refused_certificate().record, options);
    assert!(
        text.contains("     3.0 ms  S: 220 mail.firma.example"),
        "{text}"
    );
}

#[test]
fn an_answer_that_left_no_event_stays_with_its_command() {
    let scene = Scene::send()
        .begin()
        .connect()
        .command("NOOP")
        .says("250 one\r\n")
        .command("RSET")
        .answer("250 two");
    let text = normalise(&scene.record);
    let lines: Vec<&str> = text.lines().skip(2).map(str::trim).collect();
    assert_eq!(lines, ["C: NOOP", "S: 250 one", "C: RSET", "S: 250 two"]);
}

#[test]
fn addresses_of_strangers_are_the_same_in_every_case() {
    let scene = Scene::send().begin().connect().greeting();
    let fresh = scene.record.canaries.message[..8].to_owned();
    let scene = scene.command(&format!("RCPT TO:<kunde-{fresh}@example.net>"));
    assert!(normalise(&scene.record).contains("C: RCPT TO:<kunde-{fresh}@example.net>"));
}

#[test]
fn long_data_is_folded() {
    let options = Options {
        block_lines: 2,
        ..Options::default()
    };
    let text = render(&submission().record, options);
    assert!(text.contains("more lines, "), "{text}");
}

/// The same dialogue with other writes, times, canaries, tags and closes.
#[test_case(|mut it| { for event in &mut it.record.log.events { event.at += 12345; } it }; "times")]
#[test_case(in_small_writes; "writes")]
#[test_case(pipelined; "commands that were sent together")]
#[test_case(|mut it| { if let Some(at) = it.record.log.events.iter().position(|it| matches!(it.what, What::ClientClosed { .. })) { it.record.log.events[at].what = What::ServerClosed { reset: false }; } it }; "who closed behind a goodbye")]
fn makes_no_difference(change: fn(Scene) -> Scene) {
    assert_eq!(
        normalise(&change(submission()).record),
        normalise(&submission().record)
    );
}

fn in_small_writes(mut scene: Scene) -> Scene {
    let mut events = Vec::new();
    for event in scene.record.log.events {
        match event.what {
            What::Received { layer, octets } => {
                events.extend(
                    octets
                        .chunks(3)
                        .map(|it| mailproof_scenarios::model::Event {
                            what: What::Received {
                                layer,
                                octets: it.to_vec(),
                            },
                            ..event
                        }),
                );
            }
            What::Sent { layer, octets } => {
                events.extend(
                    octets
                        .chunks(5)
                        .map(|it| mailproof_scenarios::model::Event {
                            what: What::Sent {
                                layer,
                                octets: it.to_vec(),
                            },
                            ..event
                        }),
                );
            }
            what => events.push(mailproof_scenarios::model::Event { what, ..event }),
        }
    }
    scene.record.log.events = events;
    scene
}

/// MAIL, RCPT and DATA in one write, answered afterwards.
fn pipelined(_: Scene) -> Scene {
    Scene::send()
        .begin()
        .up_to_go_ahead()
        .tls(Fault::Valid)
        .signs_in()
        .octets("MAIL FROM:<{user}>\r\nRCPT TO:<kunde@example.net>\r\nDATA\r\n")
        .reads_line("MAIL FROM:<{user}>", false)
        .reads_line("RCPT TO:<kunde@example.net>", true)
        .reads_line("DATA", true)
        .answer_to("MAIL", "250 2.1.0 Ok")
        .answer_to("RCPT", "250 2.1.5 Ok")
        .answer_to("DATA", "354 Go")
        .content()
        .takes(&["kunde@example.net"])
        .answer("250 2.0.0 queued as XYZ789")
        .quits()
        .end(Said::Success)
}

impl Scene {
    fn reads_line(self, line: &str, early: bool) -> Self {
        let line = format!("{}\r\n", self.fill(line));
        let verb = line.split([' ', '\r']).next().unwrap_or("").to_owned();
        self.understood(&verb, line.as_bytes(), early)
    }
}

#[test]
fn other_canaries_make_no_difference() {
    let mut other = submission();
    let text = serde_json::to_string(&other.record).unwrap();
    let canaries = other.record.canaries.clone();
    let changed = mailproof_scenarios::model::Canaries::derive(99, "other", ["a", "b"]);
    let base64 = |it: &str| {
        use base64::Engine as _;
        base64::engine::general_purpose::STANDARD.encode(it)
    };
    let plain = |it: &mailproof_scenarios::model::Account| {
        base64(&format!("\0{}\0{}", it.user, it.password))
    };
    let text = text
        .replace(&plain(&canaries.accounts[0]), &plain(&changed.accounts[0]))
        .replace(&canaries.accounts[0].user, &changed.accounts[0].user)
        .replace(
            &canaries.accounts[0].password,
            &changed.accounts[0].password,
        )
        .replace(&canaries.accounts[0].token, &changed.accounts[0].token)
        .replace(&canaries.message, &changed.message)
        .replace(&canaries.body, &changed.body);
    other.record = serde_json::from_str(&text).unwrap();
    assert_eq!(normalise(&other.record), normalise(&submission().record));
}

#[test]
fn an_adapter_names_what_else_varies() {
    let scene = || {
        Scene::send()
            .begin()
            .connect()
            .greeting()
            .command("NOOP 4711")
    };
    let numbers = Replacement::new(r"\b\d{4}\b", "{number}").unwrap();
    assert!(normalise(&scene().record).contains("C: NOOP 4711"));
    let rules = Rules {
        replace: vec![numbers],
        ..Rules::default()
    };
    assert!(normalise_with(&scene().record, &rules).contains("C: NOOP {number}"));
    assert!(Replacement::new("(", "").is_err());
}

#[test_case("Date: Thu, 13 Feb 2025 09:07:11 +0100 (CET)", "Date: {date}"; "rfc 5322")]
#[test_case("* 1 FETCH (INTERNALDATE \" 3-Feb-2025 09:07:11 +0100\")", "* 1 FETCH (INTERNALDATE \"{date}\")"; "imap")]
#[test_case("250 at 2025-02-13T09:07:11.123Z", "250 at {date}"; "rfc 3339")]
#[test_case("250 2.0.0 Ok: queued as 4Yv2Qk1XzPz9", "250 2.0.0 Ok: queued as {queue-id}"; "postfix")]
#[test_case("250 2.0.0 OK [InternalId=123, Hostname=x] done", "250 2.0.0 OK [InternalId={queue-id}, Hostname=x] done"; "exchange")]
#[test_case("250-mx Hello x [127.0.0.1]", "250-mx Hello x [{client}]"; "an address")]
#[test_case("250-mx Hello x [IPv6:::1]", "250-mx Hello x [{client}]"; "an address of six")]
#[test_case("250-mx [203.0.113.7]", "250-mx [{client}]"; "an address of the lab")]
#[test_case("User-Agent: Mailer/1.2.3", "User-Agent: {agent}"; "a product")]
#[test_case("Content-Type: multipart/mixed; boundary=\"=_a1b2\"", "Content-Type: multipart/mixed; boundary=\"{boundary}\""; "a boundary")]
#[test_case("* OK [UIDVALIDITY 1767225600] ok", "* OK [UIDVALIDITY {uidvalidity}] ok"; "uidvalidity")]
#[test_case("250 SIZE 10240000", "250 SIZE 10240000"; "a limit stays")]
#[test_case("550 5.7.1 No", "550 5.7.1 No"; "a code stays")]
fn varying(line: &str, expected: &str) {
    let scene = Scene::send().begin().connect().says(&format!("{line}\r\n"));
    let text = normalise(&scene.record);
    assert!(text.contains(&format!("S: {expected}\n")), "{text}");
}

#[test]
fn a_user_sees_the_name_in_ehlo_unless_the_adapter_hides_it() {
    let shown = |hide: &[Hidden]| {
        let rules = Rules {
            hide: hide.iter().copied().collect(),
            ..Rules::default()
        };
        normalise_with(&submission().record, &rules)
    };
    assert!(!shown(&[]).contains("{ehlo}"), "{}", shown(&[]));
    assert!(shown(&[Hidden::Ehlo]).contains("C: EHLO {ehlo}"));
    assert!(!shown(&[Hidden::Id, Hidden::UserAgent]).contains("{ehlo}"));
}
