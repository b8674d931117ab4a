//! The messages that subjects are given to send. Pure: the same head gives the same octets.
//!
//! Lines end in CRLF (RFC 5322 §2.1), but for what a message is about.

use std::fmt::Write as _;

use mailproof_scenarios::model::Message;
use time::{OffsetDateTime, format_description::well_known::Rfc2822};

/// Octets of a large message, about.
const LARGE: usize = 1 << 20;

/// Octet sequences that end a message for some server although they must not (RFC 5321 §4.1.1.4): only
/// CRLF . CRLF does. Those with NUL are left out: many programs read a message as text and stop there.
const EARLY_ENDS: &[&str] = &[
    "\n.\n",
    "\n.\r\n",
    "\r\n.\n",
    "\r.\r",
    "\r.\r\n",
    "\r\n.\r",
    "\n.\r",
    "\r\n.\r\r\n",
    "\r\r\n.\r\r\n",
];

/// What is in the header of a message, and the word to find its body by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head<'a> {
    /// The From field, an address.
    pub from: &'a str,
    /// The To field, an address.
    pub to: &'a str,
    /// The Subject field.
    pub subject: &'a str,
    /// The Date field.
    pub date: OffsetDateTime,
    /// The Message-ID field, without angle brackets.
    pub message_id: &'a str,
    /// A word in the body.
    pub body: &'a str,
}

/// The message as a file holds it.
pub fn render(message: Message, head: &Head<'_>) -> String {
    let to = match message {
        Message::SelfAddressed => head.from,
        _ => head.to,
    };
    let (charset, encoding) = match message {
        Message::EightBit => ("utf-8", "8bit"),
        _ => ("us-ascii", "7bit"),
    };
    // RFC 5322 §3.3 knows no year before 1900; no clock that is worth a run says so.
    let date = head.date.format(&Rfc2822).unwrap_or_default();
    let mut text = format!(
        "From: {from}\r\nTo: {to}\r\nSubject: {subject}\r\nDate: {date}\r\nMessage-ID: <{id}>\r\n\
         MIME-Version: 1.0\r\nContent-Type: text/plain; charset={charset}\r\n\
         Content-Transfer-Encoding: {encoding}\r\n\r\n",
        from = head.from,
        subject = head.subject,
        id = head.message_id,
    );
    body(message, head.body, &mut text);
    text
}

fn body(message: Message, word: &str, text: &mut String) {
    match message {
        Message::Simple | Message::SelfAddressed => {
            push(text, &["Hello,", "", word, "", "Goodbye."]);
        }
        Message::Dots => push(
            text,
            &[
                ".", "..", "...", ".x", word, ".QUIT", " .", "x.", "", ".", ".x.", ".",
            ],
        ),
        Message::EightBit => push(
            text,
            &[
                "Grüße aus Köln: 12 € für Łódź und Αθήνα.",
                "",
                word,
                "",
                "日本語 🙂",
            ],
        ),
        Message::Smuggling => {
            push(text, &[word]);
            for (number, end) in EARLY_ENDS.iter().enumerate() {
                let number = number + 1;
                let _ = write!(text, "Before end {number}{end}");
                push(
                    text,
                    &[
                        "MAIL FROM:<attacker@attacker.example>",
                        "RCPT TO:<victim@victim.example>",
                        "DATA",
                        "Subject: smuggled",
                        "",
                        &format!("Behind end {number}"),
                    ],
                );
            }
        }
        Message::Large => {
            push(text, &[word]);
            let mut line = 0_u32;
            while text.len() < LARGE {
                line += 1;
                let _ = write!(text, "{line:06} {}\r\n", "0123456789".repeat(6));
            }
            push(text, &[word]);
        }
    }
}

fn push(text: &mut String, lines: &[&str]) {
    for line in lines {
        text.push_str(line);
        text.push_str("\r\n");
    }
}

#[cfg(test)]
mod tests {
    use test_case::test_case;
    use time::macros::datetime;

    use super::*;

    fn head() -> Head<'static> {
        Head {
            from: "a@firma.example",
            to: "kunde@example.net",
            subject: "Test",
            date: datetime!(2026-11-22 09:10:58 UTC),
            message_id: "m.1@client.example",
            body: "body-word",
        }
    }

    #[test]
    fn a_simple_message_is_what_people_send() {
        let text = render(Message::Simple, &head());
        insta::assert_snapshot!(text.replace("\r\n", "\\r\\n\n"), @r"
        From: a@firma.example\r\n
        To: kunde@example.net\r\n
        Subject: Test\r\n
        Date: Sun, 22 Nov 2026 09:10:58 +0000\r\n
        Message-ID: <m.1@client.example>\r\n
        MIME-Version: 1.0\r\n
        Content-Type: text/plain; charset=us-ascii\r\n
        Content-Transfer-Encoding: 7bit\r\n
        \r\n
        Hello,\r\n
        \r\n
        body-word\r\n
        \r\n
        Goodbye.\r\n
        ");
    }

    #[test_case(Message::Simple, true, true)]
    #[test_case(Message::Dots, true, true)]
    #[test_case(Message::EightBit, true, false)]
    #[test_case(Message::Large, true, true)]
    #[test_case(Message::SelfAddressed, true, true)]
    #[test_case(Message::Smuggling, false, true)]
    fn line_ends_and_octets(message: Message, only_crlf: bool, seven_bit: bool) {
        let text = render(message, &head());
        let rest = text.replace("\r\n", "");
        assert_eq!(!rest.contains(['\r', '\n']), only_crlf);
        assert_eq!(text.is_ascii(), seven_bit);
        assert!(text.ends_with("\r\n"));
        assert!(text.contains("body-word") && text.contains("<m.1@client.example>"));
        assert!(!text.contains('\0'));
        let longest = text.split("\r\n").map(str::len).max();
        assert!(longest <= Some(998), "RFC 5322 §2.1.1");
    }

    #[test]
    fn every_kind_is_about_something() {
        let body = |message| {
            let text = render(message, &head());
            let (header, body) = text.split_once("\r\n\r\n").expect("a header");
            (header.to_owned(), body.to_owned())
        };
        let (header, _) = body(Message::SelfAddressed);
        assert!(header.contains("From: a@firma.example\r\nTo: a@firma.example\r\n"));
        let (_, dots) = body(Message::Dots);
        assert!(dots.starts_with(".\r\n") && dots.ends_with("\r\n.\r\n"));
        let (_, large) = body(Message::Large);
        assert!((LARGE - 1000..LARGE + 1000).contains(&large.len()));
        let (_, smuggling) = body(Message::Smuggling);
        for end in EARLY_ENDS {
            assert!(smuggling.contains(&format!("{end}MAIL FROM:")), "{end:?}");
        }
        assert!(
            !smuggling.contains("\r\n.\r\n"),
            "the real end is for the subject to write"
        );
    }
}
