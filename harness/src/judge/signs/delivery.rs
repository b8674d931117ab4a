//! Signs in the messages themselves: one that arrives twice, and octets that end it early for somebody.

use std::collections::BTreeSet;

use mailproof_scenarios::model::{Protocol, What};

use super::Sighting;
use crate::judge::{store, view::View};

/// The same message accepted twice for the same recipient. Who sends one transaction to each recipient
/// duplicates nothing.
pub(super) fn duplicate(view: &View<'_>) -> Vec<Sighting> {
    let mut accepted: Vec<(Vec<u8>, BTreeSet<String>, usize)> = Vec::new();
    let mut seen = Vec::new();
    for (index, event) in view.events.iter().enumerate() {
        let What::MessageAccepted { to, octets, .. } = &event.what else {
            continue;
        };
        let identity = identity(octets);
        let to: BTreeSet<String> = to.iter().map(|it| it.to_lowercase()).collect();
        let before = accepted.iter().find(|(other, recipients, _)| {
            *other == identity && (!recipients.is_disjoint(&to) || recipients == &to)
        });
        if let Some((_, _, before)) = before {
            let says = "The server accepted the same message twice for the same recipient.";
            seen.push(Sighting::at(view, index, says).with([*before]));
        }
        accepted.push((identity, to, index));
    }
    seen
}

/// The Message-ID (RFC 5322 §3.6.4), or all of a message that has none.
fn identity(message: &[u8]) -> Vec<u8> {
    store::header(message)
        .into_iter()
        .find(|(name, _)| name.eq_ignore_ascii_case("message-id"))
        .map_or_else(|| message.to_vec(), |(_, value)| value.into_bytes())
}

/// A dot alone on a line for some servers but not for all: any mixture of CR, LF and CRLF around it other
/// than CRLF on both sides (RFC 5321 §2.3.8, §4.1.1.4; CVE-2023-51764).
pub(super) fn smuggling_sequence(view: &View<'_>) -> Vec<Sighting> {
    let in_chunks = |connection: u32| {
        view.events.iter().any(|event| {
            event.conn == Some(connection)
                && matches!(&event.what, What::Command { verb, .. } if verb == "BDAT")
        })
    };
    view.epochs
        .iter()
        .filter(|epoch| {
            view.connection(epoch.connection)
                .is_some_and(|it| it.protocol == Protocol::Smtp)
                && !in_chunks(epoch.connection)
        })
        .filter_map(|epoch| {
            let at = ambiguous_end(&epoch.octets)?;
            let says = "The client sent octets that end the message early for some servers (a dot between bare line ends).";
            Some(Sighting::at(view, epoch.event_at(at), says))
        })
        .collect()
}

fn ambiguous_end(octets: &[u8]) -> Option<usize> {
    memchr::memchr_iter(b'.', octets).find(|&at| {
        let (before, behind) = (&octets[..at], &octets[at + 1..]);
        let is_end = |byte: Option<&u8>| byte.is_some_and(|it| matches!(it, b'\r' | b'\n'));
        if !is_end(before.last()) || !is_end(behind.first()) {
            return false;
        }
        // A CR at the very end may get its LF yet.
        let clean_behind = behind.starts_with(b"\r\n") || behind == b"\r";
        !(before.ends_with(b"\r\n") && clean_behind)
    })
}

#[cfg(test)]
mod tests {
    use test_case::test_case;

    use super::*;

    #[test_case(b"a\r\n.\r\n", false; "the end of data")]
    #[test_case(b"a\r\n..\r\n", false; "a dot that was doubled")]
    #[test_case(b"a\n..\n", false; "two dots between bare ends")]
    #[test_case(b"a\r\n.\r", false; "cut between CR and LF")]
    #[test_case(b"a.\r\nb.c", false; "dots elsewhere")]
    #[test_case(b"a\n.\n", true; "LF . LF")]
    #[test_case(b"a\n.\r\n", true; "LF . CRLF")]
    #[test_case(b"a\r\n.\n", true; "CRLF . LF")]
    #[test_case(b"a\r.\r", true; "CR . CR")]
    #[test_case(b"a\r.\r\n", true; "CR . CRLF")]
    #[test_case(b"a\r\n.\rb", true; "CRLF . CR")]
    #[test_case(b"a\n.\rb", true; "LF . CR")]
    #[test_case(b"a\r.\n", true; "CR . LF")]
    fn ends(octets: &[u8], expected: bool) {
        assert_eq!(ambiguous_end(octets).is_some(), expected);
    }
}
