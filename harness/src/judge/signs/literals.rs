//! The sign of an IMAP client that does not wait for the continuation request (RFC 9051 §4.3, RFC 7888 §3).

use mailproof_scenarios::model::{Protocol, What};

use super::Sighting;
use crate::judge::{epochs::Epoch, view::View};

/// Up to this size LITERAL- lets a client go on without waiting (RFC 7888 §5).
const LITERAL_MINUS: u64 = 4096;

/// Octets of a literal that left before the continuation request, without an announced LITERAL+ or LITERAL-.
pub(super) fn before_continuation(view: &View<'_>) -> Vec<Sighting> {
    view.epochs
        .iter()
        .filter(|epoch| {
            view.connection(epoch.connection)
                .is_some_and(|it| it.protocol == Protocol::Imap)
        })
        .filter_map(|epoch| first_impatience(view, epoch))
        .map(|index| {
            let says = "The client sent a literal before the server had asked for it.";
            Sighting::at(view, index, says)
        })
        .collect()
}

fn first_impatience(view: &View<'_>, epoch: &Epoch) -> Option<usize> {
    let octets = &epoch.octets;
    let mut at = 0;
    while let Some(length) = memchr::memchr(b'\n', octets.get(at..)?) {
        let line = &octets[at..=at + length];
        let announced = epoch.event_at(at + length);
        at += length + 1;
        let Some(literal) = announcement(line) else {
            continue;
        };
        let size = usize::try_from(literal.size).unwrap_or(usize::MAX);
        if at >= octets.len() {
            return None;
        }
        let came = epoch.event_at(at);
        if literal.waits {
            match between(view, epoch, announced, came) {
                Answer::Continue => {}
                Answer::Refused => continue,
                Answer::None => return Some(came),
            }
        } else if !may_go_on(view, epoch, announced, literal.size) {
            return Some(came);
        }
        at = at.saturating_add(size);
    }
    None
}

struct Announcement {
    size: u64,
    waits: bool,
}

/// `{12}` or `{12+}` at the end of a line.
fn announcement(line: &[u8]) -> Option<Announcement> {
    let line = line.strip_suffix(b"\n")?;
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let line = line.strip_suffix(b"}")?;
    let open = memchr::memrchr(b'{', line)?;
    let inner = std::str::from_utf8(&line[open + 1..]).ok()?;
    let (digits, waits) = match inner.strip_suffix('+') {
        Some(digits) => (digits, false),
        None => (inner, true),
    };
    Some(Announcement {
        size: digits.parse().ok()?,
        waits,
    })
}

enum Answer {
    Continue,
    Refused,
    None,
}

/// What the server said between the announcement and what came next.
fn between(view: &View<'_>, epoch: &Epoch, announced: usize, came: usize) -> Answer {
    let mut answer = Answer::None;
    for &index in epoch
        .events
        .iter()
        .filter(|index| (announced + 1..came).contains(*index))
    {
        let What::Sent { octets, .. } = &view.events[index].what else {
            continue;
        };
        for line in octets.split(|byte| *byte == b'\n') {
            if line.starts_with(b"+") {
                return Answer::Continue;
            }
            if !line.is_empty() && !line.starts_with(b"* ") {
                answer = Answer::Refused;
            }
        }
    }
    answer
}

/// Whether the server had announced, in this channel, that a client need not wait.
fn may_go_on(view: &View<'_>, epoch: &Epoch, announced: usize, size: u64) -> bool {
    epoch
        .events
        .iter()
        .filter(|index| **index < announced)
        .any(|&index| match &view.events[index].what {
            What::Sent { octets, .. } => {
                let has = |word: &[u8]| memchr::memmem::find(octets, word).is_some();
                has(b"LITERAL+")
                    || (size <= LITERAL_MINUS && (has(b"LITERAL-") || has(b"IMAP4rev2")))
            }
            _ => false,
        })
}
