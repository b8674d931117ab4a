//! The messages that are in a mailbox at the start, and the one that arrives for a client that waits.
//! Nothing in them is left to chance.

use mailproof_scenarios::model::Canaries;

/// Message number `number` for `user`, counted from 1: plain, of two parts, or with octets above 127.
pub(crate) fn initial(
    canaries: &Canaries,
    host: &str,
    user: &str,
    date: &str,
    number: u32,
) -> Vec<u8> {
    let subject = format!("Message {number}");
    let head = head(
        canaries,
        host,
        user,
        date,
        &subject,
        &format!("start{number}"),
    );
    let body = &canaries.body;
    let text = match number % 3 {
        1 => format!(
            "{head}MIME-Version: 1.0\r\nContent-Type: text/plain; charset=us-ascii\r\n\r\n\
             Good morning,\r\n\r\nthe figures are attached to the next message.\r\n{body}\r\n"
        ),
        2 => format!(
            "{head}MIME-Version: 1.0\r\nContent-Type: multipart/alternative; boundary=\"part-{number}\"\r\n\r\n\
             --part-{number}\r\nContent-Type: text/plain; charset=us-ascii\r\n\r\n\
             Here are the figures.\r\n{body}\r\n\
             --part-{number}\r\nContent-Type: text/html; charset=us-ascii\r\n\r\n\
             <p>Here are the <b>figures</b>.</p>\r\n<p>{body}</p>\r\n\
             --part-{number}--\r\n"
        ),
        _ => format!(
            "{head}MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n\
             Sch\u{f6}ne Gr\u{fc}\u{df}e aus K\u{f6}ln \u{2013} 3,50 \u{20ac}.\r\n{body}\r\n"
        ),
    };
    text.into_bytes()
}

/// The message that arrives while step `step` waits.
pub(crate) fn arriving(
    canaries: &Canaries,
    host: &str,
    user: &str,
    date: &str,
    step: u16,
) -> Vec<u8> {
    let head = head(
        canaries,
        host,
        user,
        date,
        "New message",
        &format!("new{step}"),
    );
    let body = &canaries.body;
    format!(
        "{head}MIME-Version: 1.0\r\nContent-Type: text/plain; charset=us-ascii\r\n\r\n\
         You have waited for this.\r\n{body}\r\n"
    )
    .into_bytes()
}

fn head(
    canaries: &Canaries,
    host: &str,
    user: &str,
    date: &str,
    subject: &str,
    id: &str,
) -> String {
    format!(
        "Return-Path: <kunde@example.net>\r\nDate: {date}\r\nFrom: Erika Mustermann <kunde@example.net>\r\n\
         To: <{user}>\r\nSubject: {subject}\r\nMessage-ID: <{}.{id}@{host}>\r\n",
        canaries.message
    )
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn messages_are_varied_and_the_same_every_time() {
        let canaries = Canaries::derive(1, "a/b", ["a"]);
        let message = |number| initial(&canaries, "localhost", "a@b", "now", number);
        let kinds: HashSet<_> = (1..=3).map(message).collect();
        assert_eq!(kinds.len(), 3);
        assert_eq!(message(4), message(4));
        for number in 1..=6 {
            let text = String::from_utf8(message(number)).unwrap();
            assert!(text.contains(&canaries.body));
            assert!(text.contains(&format!("{}.start{number}@", canaries.message)));
            assert_eq!(text.matches('\n').count(), text.matches("\r\n").count());
            assert_eq!(!text.is_ascii(), number % 3 == 0);
        }
    }
}
