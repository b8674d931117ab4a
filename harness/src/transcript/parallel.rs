//! What is chance about connections: the order of those that a client has open at the same time, and how often
//! it comes to a server that resets at once. Must not know how a line is written.

use mailproof_scenarios::model::What;

use super::dialogue::{Is, Part, Talk};
use crate::results::Record;

/// The connections of a step with their numbers, each as `write` writes it. Those that follow each other stay
/// as they came. Those that speak in turns with each other are ordered by their text.
///
/// A client that is reset before it said a word learns of it while it connects or after that, by chance, and
/// tries another address or not. So only the first of several such connections is among them.
pub(super) fn in_order(
    record: &Record,
    part: &Part<'_>,
    exact: bool,
    write: impl Fn(&Talk<'_>) -> String,
) -> Vec<(u32, String)> {
    let mut talks: Vec<(u32, String)> = Vec::with_capacity(part.talks.len());
    for talk in &part.talks {
        let text = write(talk);
        let again = talks.last().is_some_and(|(_, last)| *last == text);
        if !(!exact && again && reset_unheard(talk)) {
            talks.push((talk.id, text));
        }
    }
    let mut from = 0;
    while from < talks.len() {
        let mut to = from + 1;
        while to < talks.len() && (from..to).any(|at| together(record, talks[at].0, talks[to].0)) {
            to += 1;
        }
        let mut texts: Vec<String> = talks[from..to]
            .iter_mut()
            .map(|it| std::mem::take(&mut it.1))
            .collect();
        texts.sort();
        for (talk, text) in talks[from..to].iter_mut().zip(texts) {
            talk.1 = text;
        }
        from = to;
    }
    talks
}

/// Whether the client reached only servers that reset at once: what it makes of that is chance too.
pub(super) fn all_reset(part: &Part<'_>) -> bool {
    !part.talks.is_empty() && part.talks.iter().all(reset_unheard)
}

fn reset_unheard(talk: &Talk<'_>) -> bool {
    let mut reset = false;
    for turn in &talk.turns {
        match &turn.is {
            Is::Client { .. } | Is::Server { .. } | Is::Block { .. } | Is::TlsInClear => {
                return false;
            }
            Is::Event(event) => match event.what {
                What::ServerClosed { reset: true } => reset = true,
                What::ClientHello(_) => return false,
                _ => {}
            },
            Is::AnswerToTls { .. } | Is::Step(_) => {}
        }
    }
    reset
}

/// Whether the client still answered the server on the first connection after it had opened the second. That
/// it closes the first or says a last word there proves nothing: those may be read late.
fn together(record: &Record, first: u32, second: u32) -> bool {
    let mut opened = false;
    let mut asked = false;
    for event in &record.log.events {
        match (&event.what, event.conn) {
            (What::Connected { .. }, Some(conn)) if conn == second => opened = true,
            (What::Sent { .. }, Some(conn)) if conn == first => asked = opened,
            (What::Received { .. }, Some(conn)) if conn == first && asked => return true,
            _ => {}
        }
    }
    false
}
