//! What holds for any octets and any way in which they arrive.

use proptest::prelude::*;
use test_case::test_case;

use super::*;
use crate::smtp::inbox::UNREAD;

/// Lines and pieces of lines that get somewhere, among octets that do not.
fn piece() -> impl Strategy<Value = Vec<u8>> {
    let known = prop::sample::select(vec![
        "EHLO c\r\n",
        "HELO c\r\n",
        "MAIL FROM:<a@x.example> SIZE=20 SMTPUTF8\r\n",
        "RCPT TO:<b@x.example>\r\n",
        "RCPT TO:<\u{e4}@x.example>\r\n",
        "DATA\r\n",
        "From: a\r\n",
        "..x\r\n",
        ".\r\n",
        "\r\n.\r\n",
        "\n.\n",
        "AUTH PLAIN\r\n",
        "AUTH LOGIN YQ==\r\n",
        "AUTH XOAUTH2 dXNlcj1h\r\n",
        "AGEtMUBmaXJtYS5leGFtcGxlAHB3LTE=\r\n",
        "*\r\n",
        "STARTTLS\r\n",
        "RSET\r\n",
        "VRFY \r\n",
        "QUIT\r",
        "\n",
    ]);
    prop_oneof![
        8 => known.prop_map(|it| it.as_bytes().to_vec()),
        1 => proptest::collection::vec(any::<u8>(), 0..40),
        1 => (1_usize..5000).prop_map(|length| vec![b'x'; length]),
    ]
}

/// Answers everything, never starting TLS, so that what stands behind STARTTLS is the same in any split.
fn responses(chunks: &[&[u8]]) -> Vec<(Input, String, Vec<What>)> {
    let mut persona = open_persona();
    persona.limits.errors = 50;
    let mut engine = engine(persona);
    let mut answered = Vec::new();
    for chunk in chunks {
        engine.feed(chunk);
        while let Some(input) = engine.next() {
            let response = engine.respond(None);
            assert_eq!(response.units.len(), 1);
            assert!(is_reply(&response.units[0].octets));
            if response.after == After::StartTls {
                engine.tls_abandoned();
            }
            answered.push((input, text(&response), response.facts));
        }
    }
    answered
}

/// RFC 5321 §4.2: one code on every line, a hyphen on all but the last, nothing but printable text.
pub(super) fn is_reply(octets: &[u8]) -> bool {
    let Some(body) = octets.strip_suffix(b"\r\n") else {
        return false;
    };
    let text = String::from_utf8_lossy(body);
    let lines: Vec<&str> = text.split("\r\n").collect();
    lines.iter().enumerate().all(|(index, line)| {
        let separator = line.as_bytes().get(3);
        let last = index + 1 == lines.len();
        line.get(..3) == lines[0].get(..3)
            && line.get(..3).is_some_and(|code| {
                code.bytes().all(|b| b.is_ascii_digit())
                    && matches!(code.as_bytes()[0], b'2'..=b'5')
            })
            && match last {
                true => matches!(separator, Some(b' ') | None),
                false => separator == Some(&b'-'),
            }
            && !line.chars().any(|c| c.is_control() && c != '\t')
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn any_split_gives_the_same_responses(
        pieces in proptest::collection::vec(piece(), 0..30),
        sizes in proptest::collection::vec(1_usize..40, 1..20),
    ) {
        let stream = pieces.concat();
        let whole = responses(&[&stream]);
        let single: Vec<&[u8]> = stream.chunks(1).collect();
        prop_assert_eq!(&responses(&single), &whole);
        let mut rest = &stream[..];
        let mut portions = Vec::new();
        for size in sizes.iter().cycle() {
            if rest.is_empty() {
                break;
            }
            let (portion, behind) = rest.split_at((*size).min(rest.len()));
            portions.push(portion);
            rest = behind;
        }
        prop_assert_eq!(&responses(&portions), &whole);
    }

    #[test]
    fn arbitrary_octets_are_survived(
        chunks in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..300), 0..20),
    ) {
        let chunks: Vec<&[u8]> = chunks.iter().map(Vec::as_slice).collect();
        responses(&chunks);
    }

    #[test]
    fn a_message_comes_out_as_it_went_in(
        lines in proptest::collection::vec("[.a\u{e4}]{0,6}", 0..12),
        chunk in 1_usize..30,
    ) {
        let message: String = lines.iter().map(|it| format!("{it}\r\n")).collect();
        let stuffed: String = lines
            .iter()
            .map(|it| format!("{}{it}\r\n", if it.starts_with('.') { "." } else { "" }))
            .collect();
        let stream = format!(
            "EHLO c\r\nMAIL FROM:<>\r\nRCPT TO:<b@x.example>\r\nDATA\r\n{stuffed}.\r\n"
        );
        let chunks: Vec<&[u8]> = stream.as_bytes().chunks(chunk).collect();
        let facts: Vec<What> = responses(&chunks).into_iter().flat_map(|it| it.2).collect();
        prop_assert_eq!(accepted(&facts), [message.as_bytes()]);
    }
}

#[test]
fn memory_is_bounded_whatever_comes() {
    let mut persona = open_persona();
    persona.limits.message_size = 100_000;
    let mut engine = engine(persona);
    let megabyte = vec![b'x'; 1024 * 1024];
    for _ in 0..20 {
        assert!(exchange(&mut engine, &megabyte).is_empty());
        assert!(engine.inbox.len() < 10);
    }
    assert_eq!(code(&exchange(&mut engine, b"\r\n")[0].1), 500);
    run(
        &mut engine,
        &["EHLO c", "MAIL FROM:<>", "RCPT TO:<b@x.example>", "DATA"],
    );
    for _ in 0..20 {
        assert!(exchange(&mut engine, &megabyte).is_empty());
        assert!(engine.inbox.len() < 10);
        assert!(engine.collecting.as_ref().unwrap().kept() <= 100_000);
    }
    assert_eq!(code(&exchange(&mut engine, b"\r\n.\r\n")[0].1), 552);
}

#[test_case(None; "by the persona")]
#[test_case(Some("250 Ok"); "even where a scenario says yes")]
fn who_floods_is_left(refusal: Option<&str>) {
    let mut engine = engine(open_persona());
    engine.feed(b"NOOP\r\n");
    engine.next().unwrap();
    for _ in 0..20 {
        engine.feed(&vec![b'x'; 1024 * 1024]);
        assert!(engine.inbox.len() <= UNREAD);
    }
    assert_eq!(code(&engine.respond(None)), 250);
    assert_eq!(engine.next().unwrap().verb, "?");
    let refusal = refusal.map(|it| Refusal::try_from(it.to_owned()).unwrap());
    let response = engine.respond(refusal.as_ref());
    assert_eq!(code(&response), if refusal.is_some() { 250 } else { 421 });
    assert_eq!(response.after, After::Close);
    assert!(engine.next().is_none());
}

#[test]
fn one_big_write_is_no_flood_while_data_is_read() {
    let mut engine = engine(open_persona());
    run(
        &mut engine,
        &["EHLO c", "MAIL FROM:<>", "RCPT TO:<b@x.example>", "DATA"],
    );
    let mut data = b"x\r\n".repeat(3_200_000);
    data.extend_from_slice(b".\r\nNOOP\r\n");
    let answered = exchange(&mut engine, &data);
    assert_eq!(
        answered.iter().map(|(_, it)| code(it)).collect::<Vec<_>>(),
        [250, 250]
    );
    assert_eq!(accepted(&answered[0].1.facts)[0].len(), 9_600_000);
}
