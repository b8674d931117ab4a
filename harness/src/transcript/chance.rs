//! Lines of a connection that are there or not by chance: a client that leaves does so while the server speaks.
//! Must not know how a line is written.

use mailproof_scenarios::model::{Action, What};

use super::dialogue::{Is, Turn};
use crate::results::Record;

/// The turns without those of which nobody can tell why they are there.
pub(super) fn without<'t, 'a>(order: Vec<&'t Turn<'a>>, record: &Record) -> Vec<&'t Turn<'a>> {
    let tls_in_clear = order.iter().any(|it| matches!(it.is, Is::TlsInClear));
    let fails = order
        .iter()
        .any(|it| is(it, |what| matches!(what, What::TlsFailed { .. })));
    let interrupted = order
        .iter()
        .position(|it| is(it, |what| before_server_hello(what, record)));
    let unheard = order
        .iter()
        .rposition(|it| is(it, |what| matches!(what, What::TlsEstablished { .. })))
        .filter(|at| !order[*at..].iter().any(|it| is_client(it)));
    let unasked = last_unasked(&order);
    let last = last_of_client(&order);
    let cut = record.case.setup.segments.is_some();
    let leaves = last.is_some_and(|at| is_goodbye(order[at]));
    let by_chance = |at: usize, turn: &Turn<'_>| {
        // What a server says to a client that leaves without a word when TLS has begun.
        let greeting =
            unheard.is_some_and(|begin| at > begin) && matches!(turn.is, Is::Server { .. });
        // Whether all of a ClientHello that no server asked for was read.
        let hello = tls_in_clear && is(turn, |what| matches!(what, What::ClientHello(_)));
        // Whether a client that was told nonsense before the ServerHello leaves before or behind it.
        let chain = fails
            && interrupted.is_some_and(|it| at > it)
            && is(turn, |what| matches!(what, What::ServedChain(_)));
        // How many of the answers it still hears to what it said without waiting.
        let answer =
            unasked.is_some_and(|first| at > first) && matches!(turn.is, Is::Server { .. });
        // What a client that says goodbye waits for, and what it hears of a server that sends in pieces.
        let behind = (cut || leaves)
            && last.is_none_or(|it| at > it)
            && matches!(turn.is, Is::Server { .. });
        behind || greeting || hello || chain || answer
    };
    order
        .iter()
        .enumerate()
        .filter(|(at, turn)| !by_chance(*at, turn))
        .map(|(_, turn)| *turn)
        .collect()
}

fn last_of_client(order: &[&Turn<'_>]) -> Option<usize> {
    order.iter().rposition(|it| is_client(it))
}

fn is_goodbye(turn: &Turn<'_>) -> bool {
    matches!(
        turn.is,
        Is::Client {
            verb: Some("QUIT" | "LOGOUT"),
            ..
        }
    )
}

/// The first of the lines that a client says at its end, before its goodbye, without waiting for answers.
fn last_unasked(order: &[&Turn<'_>]) -> Option<usize> {
    let clients = order
        .iter()
        .enumerate()
        .rev()
        .filter(|(_, it)| is_client(it));
    let goodbye = |it: &(usize, &&Turn<'_>)| is_goodbye(it.1);
    clients
        .skip_while(goodbye)
        .take_while(|(_, it)| matches!(it.is, Is::Client { early: true, .. }))
        .last()
        .map(|(at, _)| at)
}

fn is(turn: &Turn<'_>, fits: impl Fn(&What) -> bool) -> bool {
    matches!(turn.is, Is::Event(event) if fits(&event.what))
}

const fn is_client(turn: &Turn<'_>) -> bool {
    matches!(
        turn.is,
        Is::Client { .. } | Is::Block { client: true, .. } | Is::Step(_)
    )
}

fn before_server_hello(what: &What, record: &Record) -> bool {
    let What::Deviated { index } = what else {
        return false;
    };
    let deviation = record.case.deviations().get(usize::from(*index)).cloned();
    deviation.is_some_and(|it| matches!(it.action, Action::BeforeServerHello { .. }))
}
