//! What the server answered: refusals, which of them are for good, and what a user should get to read.
//!
//! Must not judge what the client made of it.

use mailproof_scenarios::model::{Security, What, event::Direction};

use super::{
    trust,
    view::{View, step_of},
};

/// One answer with "no".
pub(crate) struct Refused<'a> {
    pub(crate) event: usize,
    pub(crate) verb: &'a str,
    /// The reply without its last CRLF.
    pub(crate) reply: &'a [u8],
}

/// What a refusal for good was about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum About {
    SignIn,
    Message,
    Mailbox,
    Connection,
}

/// Commands whose refusal nobody needs to hear of.
const ASIDE: &[&str] = &[
    "?", "QUIT", "LOGOUT", "RSET", "NOOP", "ID", "ENABLE", "HELP", "VRFY",
];

/// The refusals of a step, in order.
pub(crate) fn refusals<'v>(view: &'v View<'_>, step: u16) -> impl Iterator<Item = Refused<'v>> {
    view.events
        .iter()
        .enumerate()
        .filter_map(move |(event, it)| match &it.what {
            What::Responded {
                verb,
                last,
                positive: false,
            } if step_of(it) == step => Some(Refused {
                event,
                verb,
                reply: last,
            }),
            _ => None,
        })
}

/// The last refusal of a step that a user should get to read.
pub(crate) fn last_refusal<'v>(view: &'v View<'_>, step: u16) -> Option<Refused<'v>> {
    refusals(view, step)
        .filter(|it| !ASIDE.contains(&it.verb) && !it.reply.is_empty())
        .last()
}

/// The first point in a step from which on trying again is useless, and what it was about: 5yz to a sign-in,
/// a message or the connection, NO or BAD (but for the codes of RFC 5530 §3 that say "later"), STARTTLS
/// refused where it is demanded, or TLS that the client itself refused where it is demanded. A refused
/// recipient counts only where no recipient was taken. A refused EHLO leads to HELO and counts as nothing.
pub(crate) fn first_for_good(view: &View<'_>, step: u16) -> Option<(usize, About)> {
    let demanded = view
        .step(step)
        .is_some_and(|it| matches!(it.security, Security::StarttlsRequired | Security::Implicit));
    let somebody_taken = view.events_in(Some(step)).any(|(_, it)| {
        matches!(&it.what, What::Responded { verb, positive: true, .. } if verb == "RCPT")
    });
    let by_reply = refusals(view, step).find_map(|it| {
        if it.verb == "STARTTLS" {
            return demanded.then_some((it.event, About::Connection));
        }
        if !is_for_good(it.reply) {
            return None;
        }
        let about = match it.verb {
            "AUTH" | "AUTHENTICATE" | "LOGIN" | "(sasl)" => About::SignIn,
            "RCPT" if somebody_taken => return None,
            "MAIL" | "RCPT" | "DATA" | "(data)" | "APPEND" => About::Message,
            "SELECT" | "EXAMINE" | "LIST" => About::Mailbox,
            "(greeting)" => About::Connection,
            _ => return None,
        };
        Some((it.event, about))
    });
    let by_client = view
        .events_in(Some(step))
        .find(|(index, it)| {
            demanded && is_refused_tls(view, step, &it.what) && !is_established(view, *index)
        })
        .map(|(event, _)| (event, About::Connection));
    by_reply.into_iter().chain(by_client).min_by_key(|it| it.0)
}

/// A fatal alert of the client, or a chain that it has to refuse.
fn is_refused_tls(view: &View<'_>, step: u16, what: &What) -> bool {
    match what {
        What::Alert(alert) => alert.fatal && alert.from == Direction::Client,
        What::ServedChain(chain) => view.step(step).is_some_and(|it| {
            let served = Some((chain.fault, chain.variant));
            let pinned = &view.record.case.setup.chain;
            !trust::decide(it.trust, it.security, served, pinned).accepts()
        }),
        _ => false,
    }
}

/// Whether the handshake of an event's connection was complete before it: an alert behind that refuses
/// nothing.
fn is_established(view: &View<'_>, index: usize) -> bool {
    let conn = view.events.get(index).and_then(|it| it.conn);
    let mut before = view.events.iter().take(index);
    before.any(|it| it.conn == conn && matches!(it.what, What::TlsEstablished { .. }))
}

/// Whether a refusal says that trying again will not help.
pub(crate) fn is_for_good(reply: &[u8]) -> bool {
    const LATER: &[&str] = &["[UNAVAILABLE]", "[INUSE]"];
    let text = String::from_utf8_lossy(reply);
    let last = text.lines().last().unwrap_or_default();
    match last.as_bytes().first() {
        Some(b'5') => true,
        Some(b'2'..=b'4') => false,
        _ => {
            let mut words = last.split_ascii_whitespace().skip(1);
            let status = words.next().unwrap_or_default();
            let code = words.next().unwrap_or_default().to_ascii_uppercase();
            matches!(status, "NO" | "BAD") && !LATER.contains(&code.as_str())
        }
    }
}

/// Whether `words` hold the essential part of a reply: the text of one of its lines without code and tag, or
/// the code where there is no text. Case, punctuation and line breaks do not matter, for clients reformat.
pub(crate) fn is_quoted(words: &str, reply: &[u8]) -> bool {
    let words = essence(words);
    let text = String::from_utf8_lossy(reply);
    let lines: Vec<String> = text.lines().map(|line| essence(&text_of(line))).collect();
    let has = |part: &str| !part.is_empty() && format!(" {words} ").contains(&format!(" {part} "));
    if lines.iter().all(String::is_empty) {
        let code: String = text.chars().take_while(char::is_ascii_digit).collect();
        return has(&code);
    }
    lines.iter().any(|line| has(line))
}

/// A reply line without code, enhanced code, tag, status and response code.
fn text_of(line: &str) -> String {
    let is_code = |word: &str| {
        word.len() >= 5
            && word.split('.').count() == 3
            && word.bytes().all(|b| b.is_ascii_digit() || b == b'.')
    };
    let bytes = line.as_bytes();
    if bytes.len() >= 3 && bytes[..3].iter().all(u8::is_ascii_digit) {
        let rest = line[3..].trim_start_matches(['-', ' ']);
        return match rest.split_once(' ') {
            Some((code, text)) if is_code(code) => text.to_owned(),
            None if is_code(rest) => String::new(),
            _ => rest.to_owned(),
        };
    }
    let rest = line.split_once(' ').map_or("", |(_, rest)| rest);
    let rest = ["NO", "BAD", "BYE", "OK"]
        .iter()
        .find_map(|status| rest.strip_prefix(status))
        .unwrap_or(rest)
        .trim_start();
    match rest.strip_prefix('[').and_then(|it| it.split_once(']')) {
        Some((_, text)) => text.trim().to_owned(),
        None => rest.to_owned(),
    }
}

/// Letters and digits in lower case, everything else one blank.
fn essence(text: &str) -> String {
    text.split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect::<Vec<_>>()
        .join(" ")
}

/// Words as they are compared, without those that have digits in them: ports, times and the like.
pub(crate) fn without_numbers(words: &str) -> String {
    essence(words)
        .split(' ')
        .filter(|word| !word.contains(|c: char| c.is_ascii_digit()))
        .collect::<Vec<_>>()
        .join(" ")
}

/// Whether `words` contain `text`, by the same measure.
pub(crate) fn tells(words: &str, text: &str) -> bool {
    essence(words).contains(&essence(text))
}

#[cfg(test)]
mod tests {
    use test_case::test_case;

    use super::*;

    #[test_case("error: 550 5.7.60 SMTP; Client does not have permissions to send", "550 5.7.60 SMTP; Client does not have permissions to send", true; "verbatim")]
    #[test_case("smtp client does NOT have\npermissions to send!", "550 5.7.60 SMTP; Client does not have permissions to send", true; "reformatted")]
    #[test_case("the server said no (550)", "550 5.7.60 SMTP; Client does not have permissions to send", false; "only the code")]
    #[test_case("rejected: 550", "550", true; "a code without a text")]
    #[test_case("rejected", "550 5.1.1", false; "a code that is not quoted")]
    #[test_case("Login failed: Invalid credentials", "a3 NO [AUTHENTICATIONFAILED] Invalid credentials", true; "imap")]
    #[test_case("second line said", "535-5.7.8 first line\r\n535 5.7.8 second line said", true; "one line of several")]
    #[test_case("", "550 no", false; "silence")]
    #[test_case("know", "550 no", false; "a part of a word")]
    fn quoted(words: &str, reply: &str, expected: bool) {
        assert_eq!(is_quoted(words, reply.as_bytes()), expected);
    }

    #[test_case("Port 4711: refused after 3 ms" => "port refused after ms")]
    #[test_case("587" => "")]
    fn numbers_do_not_count(words: &str) -> String {
        without_numbers(words)
    }

    #[test_case("550 5.1.1 no", true; "5yz")]
    #[test_case("451 4.3.0 later", false; "4yz")]
    #[test_case("550-a\r\n550 b", true; "several lines")]
    #[test_case("a1 NO [AUTHENTICATIONFAILED] no", true; "no")]
    #[test_case("a1 BAD what", true; "bad")]
    #[test_case("a1 NO [UNAVAILABLE] later", false; "no for now")]
    #[test_case("* BYE shutting down", false; "bye")]
    #[test_case("", false; "nothing")]
    #[test_case("\u{e4}\u{f6}", false; "not ascii")]
    fn for_good(reply: &str, expected: bool) {
        assert_eq!(is_for_good(reply.as_bytes()), expected);
    }
}
