//! What holds for any octets and any way in which they arrive.

use pretty_assertions::assert_eq;
use proptest::prelude::*;

use super::*;

/// Lines and pieces of lines that get somewhere, among octets that do not.
fn piece() -> impl Strategy<Value = Vec<u8>> {
    let known = prop::sample::select(vec![
        "a LOGIN a-1@firma.example pw-1\r\n",
        "a LOGIN {17}\r\na-1@firma.example {4+}\r\npw-1\r\n",
        "b SELECT INBOX\r\n",
        "b EXAMINE \"Sent\"\r\n",
        "c UID FETCH 1:* (FLAGS BODY[] ENVELOPE BODYSTRUCTURE)\r\n",
        "c FETCH 1 (BODY[HEADER.FIELDS (From)]<0.5> RFC822)\r\n",
        "c STORE 1:* +FLAGS (\\Deleted kw)\r\n",
        "c EXPUNGE\r\n",
        "c MOVE 1 Sent\r\n",
        "c SEARCH OR TEXT x NOT (SEEN FROM {1+}\r\na)\r\n",
        "d APPEND INBOX (\\Seen) {10}\r\n",
        "d APPEND INBOX {5+}\r\na\r\n\r\nb\r\n",
        "0123456789\r\n",
        "e IDLE\r\n",
        "DONE\r\n",
        "f AUTHENTICATE PLAIN\r\n",
        "AGEtMUBmaXJtYS5leGFtcGxlAHB3LTE=\r\n",
        "f AUTHENTICATE XOAUTH2 AAAA\r\n",
        "*\r\n",
        "g LIST \"\" \"*\" RETURN (STATUS (MESSAGES))\r\n",
        "g CREATE x.y\r\n",
        "g RENAME INBOX z\r\n",
        "g DELETE INBOX\r\n",
        "h STARTTLS\r\n",
        "i LOGOUT\r",
        "\n",
        "j X {4097+}\r\n",
        "UID ",
    ]);
    prop_oneof![
        10 => known.prop_map(|it| it.as_bytes().to_vec()),
        1 => proptest::collection::vec(any::<u8>(), 0..40),
        1 => (1_usize..5000).prop_map(|length| vec![b'x'; length]),
    ]
}

fn fresh() -> ImapEngine {
    let mut persona = persona("dovecot");
    persona.command_line = 1000;
    persona.clear = persona.tls.clone();
    persona.clear.push("STARTTLS".to_owned());
    let config = ImapConfig {
        implicit_tls: false,
        ..config(persona)
    };
    config.store.deliver(USER, "INBOX", PLAIN.into());
    ImapEngine::new(config)
}

/// Answers everything, never starting TLS, so that what stands behind STARTTLS is the same in any split.
fn responses(chunks: &[&[u8]]) -> Vec<(Input, String, Vec<What>)> {
    let mut engine = fresh();
    let mut answered = Vec::new();
    for chunk in chunks {
        engine.feed(chunk);
        while let Some(input) = engine.next() {
            let response = engine.respond(None);
            assert!(!response.units.is_empty());
            for unit in &response.units {
                check(unit.kind, &unit.octets);
            }
            if response.after == After::StartTls {
                engine.tls_abandoned();
            }
            answered.push((input, text(&response), response.facts));
        }
    }
    answered
}

/// A unit is one response: line ends only at its end and in literals, no NUL.
fn check(kind: Unit, octets: &[u8]) {
    assert!(!octets.contains(&0));
    let mut rest = octets;
    loop {
        let end = memchr::memmem::find(rest, b"\r\n").expect("a line end");
        let line = &rest[..end];
        rest = &rest[end + 2..];
        assert!(!line.contains(&b'\n') && !line.contains(&b'\r'), "{line:?}");
        let announced = line.strip_suffix(b"}").and_then(|line| {
            let open = line.iter().rposition(|octet| *octet == b'{')?;
            std::str::from_utf8(&line[open + 1..])
                .ok()?
                .parse::<usize>()
                .ok()
        });
        match announced {
            Some(size) => rest = &rest[size..],
            None => break,
        }
    }
    assert!(rest.is_empty(), "{rest:?}");
    match kind {
        Unit::Untagged => assert!(octets.starts_with(b"* ")),
        Unit::Continuation => assert!(octets.starts_with(b"+ ")),
        Unit::Final => assert!(!octets.starts_with(b"*") && !octets.starts_with(b"+")),
    }
}

proptest! {
    #[test]
    fn any_split_gives_the_same_responses(
        pieces in proptest::collection::vec(piece(), 0..25),
        cuts in proptest::collection::vec(any::<prop::sample::Index>(), 0..40),
    ) {
        let stream = pieces.concat();
        let mut at: Vec<usize> = cuts.iter().map(|cut| cut.index(stream.len() + 1)).collect();
        at.extend([0, stream.len()]);
        at.sort_unstable();
        let chunks: Vec<&[u8]> = at.windows(2).map(|pair| &stream[pair[0]..pair[1]]).collect();
        let octet_by_octet: Vec<&[u8]> = stream.chunks(1).collect();
        let whole = responses(&[&stream]);
        assert_eq!(&responses(&chunks), &whole);
        assert_eq!(&responses(&octet_by_octet), &whole);
    }

    #[test]
    fn arbitrary_octets_never_panic(octets in proptest::collection::vec(any::<u8>(), 0..2000)) {
        responses(&[&octets]);
    }

    #[test]
    fn any_message_gives_responses_in_the_grammar(
        octets in proptest::collection::vec(any::<u8>(), 1..300),
        header in "((From|To|Subject|Content-Type|Content-Disposition|Content-Language):[ a-z<>@,;:\"\\\\()=/\t\u{e4}]{0,30}\r?\n){0,6}",
        multipart in any::<bool>(),
    ) {
        let mut message = header.into_bytes();
        if multipart {
            message.extend_from_slice(b"Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n");
        }
        message.extend_from_slice(&octets);
        let config = dovecot();
        config.store.deliver(USER, "INBOX", message);
        let mut engine = signed_in(config);
        tell(&mut engine, "a SELECT INBOX");
        for items in ["FULL", "(BODYSTRUCTURE RFC822.HEADER BODY[TEXT])", "(BODY[1.MIME] BODY[1] BODY[HEADER.FIELDS (To)])"] {
            let response = tell(&mut engine, &format!("a FETCH 1 {items}"));
            prop_assert_eq!(response.units.len(), 2);
            for unit in &response.units {
                check(unit.kind, &unit.octets);
            }
        }
        let response = tell(&mut engine, "a SEARCH TEXT x BODY y FROM z");
        prop_assert!(response.positive);
    }

    #[test]
    fn refusals_never_panic(
        pieces in proptest::collection::vec(piece(), 0..25),
        refused in proptest::collection::vec(any::<bool>(), 25),
    ) {
        let refusal = Refusal::try_from("NO {mailbox} {next-tag-2}".to_owned()).unwrap();
        let mut engine = fresh();
        engine.feed(&pieces.concat());
        let mut refused = refused.into_iter().cycle();
        while engine.next().is_some() {
            let refuse = refused.next().unwrap_or(false);
            let response = engine.respond(refuse.then_some(&refusal));
            for unit in &response.units {
                check(unit.kind, &unit.octets);
            }
            if response.after == After::StartTls {
                engine.tls_started();
            }
        }
    }
}
