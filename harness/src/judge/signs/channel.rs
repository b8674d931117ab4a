//! Signs of something that went over the wrong channel.

use mailproof_scenarios::model::{Layer, Protocol, Security, Sign, Step, What};

use super::Sighting;
use crate::judge::{
    epochs::{Channel, Epoch},
    leaks::{Leak, Secret},
    trust::Decision,
    view::View,
};

/// Commands that come before TLS, or that give nothing away.
const BEFORE_TLS: &[&str] = &[
    "EHLO",
    "HELO",
    "STARTTLS",
    "NOOP",
    "QUIT",
    "CAPABILITY",
    "ID",
    "LOGOUT",
];

/// Commands that are no more than hello and goodbye. Some stacks verify only behind the handshake, so that
/// a hello to a peer that is then left is worth a warning, not a verdict.
const HELLO_AND_GOODBYE: &[&str] = &["EHLO", "HELO", "CAPABILITY", "NOOP", "QUIT", "LOGOUT", "ID"];

const GOODBYE: &[&str] = &["QUIT", "LOGOUT"];

pub(super) fn credential_in_clear(view: &View<'_>) -> Vec<Sighting> {
    leaks(view, |leak, epoch| {
        (leak.secret.is_credential() && epoch.channel == Channel::Clear)
            .then(|| sent_in_clear(leak, epoch))
    })
}

pub(super) fn credential_to_untrusted_peer(view: &View<'_>) -> Vec<Sighting> {
    leaks(view, |leak, epoch| {
        if !leak.secret.is_credential() {
            return None;
        }
        let step = governing_step(view, leak.secret, epoch.step)?;
        to_untrusted_peer(view, epoch, step)
            .map(|peer| sent_to_untrusted(leak.secret.name(), &peer))
    })
}

pub(super) fn message_in_clear(view: &View<'_>) -> Vec<Sighting> {
    let mut seen = leaks(view, |leak, epoch| {
        (leak.secret.is_message() && epoch.channel == Channel::Clear)
            .then(|| sent_in_clear(leak, epoch))
    });
    seen.extend(
        commands(view)
            .filter(|(_, layer, verb)| *layer == Layer::Clear && *verb == "(data)")
            .map(|(index, ..)| Sighting::at(view, index, "The client sent a message in clear.")),
    );
    seen
}

pub(super) fn command_in_clear(view: &View<'_>) -> Vec<Sighting> {
    commands(view)
        .filter_map(|(index, layer, verb)| {
            let step = view.step(super::step_of(&view.events[index]))?;
            let demanded = matches!(
                step.security,
                Security::StarttlsRequired | Security::Implicit
            );
            // `?` is no command: a ClientHello that meets a server in clear is read as such lines.
            (demanded && layer == Layer::Clear && verb != "?" && !BEFORE_TLS.contains(&verb)).then(
                || {
                    Sighting::at(
                        view,
                        index,
                        format!(
                            "The client sent {} in clear although TLS was demanded.",
                            spoken(verb)
                        ),
                    )
                },
            )
        })
        .collect()
}

pub(super) fn starttls_inside_tls(view: &View<'_>) -> Vec<Sighting> {
    commands(view)
        .filter(|(_, layer, verb)| *layer == Layer::Tls && *verb == "STARTTLS")
        .map(|(index, ..)| Sighting::at(view, index, "The client asked for STARTTLS inside TLS."))
        .collect()
}

pub(super) fn data_to_untrusted_peer(view: &View<'_>) -> Vec<Sighting> {
    said_to_untrusted_peer(view, |line| {
        (!HELLO_AND_GOODBYE.contains(&line.verb.as_str())).then(|| spoken(&line.verb))
    })
    .into_iter()
    .map(|(event, what, peer)| Sighting::at(view, event, sent_to_untrusted(&what, &peer)))
    .collect()
}

/// A hello, but nothing more, to a peer that must not be accepted: worth a warning.
pub(crate) fn greeted_untrusted_peer(view: &View<'_>) -> Vec<String> {
    if !super::sightings(view, Sign::DataToUntrustedPeer, None).is_empty() {
        return Vec::new();
    }
    let mut warnings: Vec<String> = said_to_untrusted_peer(view, |line| {
        (!GOODBYE.contains(&line.verb.as_str())).then(|| line.verb.clone())
    })
    .into_iter()
    .map(|(_, verb, peer)| {
        format!(
            "The client said {verb} inside TLS before it left a server whose certificate it must not accept ({peer})."
        )
    })
    .collect();
    warnings.dedup();
    warnings.truncate(1);
    warnings
}

/// Whether a credential or a piece of the message is outside what the declared settings allow, and the
/// sentence for it. Clear is the user's choice with security `none`; where TLS is optional (or automatic) a
/// message may go in clear, a credential never; else everything needs TLS to a peer that the declared trust
/// accepts. Ports that the step is not configured with get nothing at all.
pub(crate) fn credential_is_misplaced(view: &View<'_>, leak: &Leak) -> Option<Sighting> {
    let epoch = view.epochs.get(leak.epoch)?;
    let step = governing_step(view, leak.secret, epoch.step)?;
    let strict = match step.security {
        Security::None => false,
        Security::StarttlsOptional | Security::Automatic => leak.secret.is_credential(),
        Security::StarttlsRequired | Security::Implicit => true,
    };
    let says = if epoch.decoy {
        format!(
            "The client sent its {}{} to a port that it was not configured with{}.",
            leak.secret.name(),
            leak.encoding.aside(),
            epoch
                .port
                .map(|port| format!(" ({port})"))
                .unwrap_or_default(),
        )
    } else if !strict {
        return None;
    } else if epoch.channel == Channel::Clear {
        sent_in_clear(leak, epoch)
    } else {
        let peer = peer_against(view, epoch, step, |it| it == Decision::Reject)?;
        sent_to_untrusted(leak.secret.name(), &peer)
    };
    Some(sighting(view, leak, says))
}

/// The step whose settings govern a secret: a credential belongs to its account, so that a client which keeps
/// several accounts in one process is judged by the settings of the account, the latest that were declared.
fn governing_step<'a>(view: &View<'a>, secret: Secret, running: u16) -> Option<&'a Step> {
    let own = secret
        .account()
        .and_then(|account| view.record.canaries.accounts.get(account))
        .and_then(|account| {
            (1..=running)
                .rev()
                .filter_map(|number| view.step(number))
                .find(|step| step.account == account.name)
        });
    own.or_else(|| view.step(running))
}

/// The peer of a stretch, described, where the settings of `step` do not accept it, be it by a rule or by a
/// recommendation.
fn to_untrusted_peer(view: &View<'_>, epoch: &Epoch, step: &Step) -> Option<String> {
    peer_against(view, epoch, step, |decision| !decision.accepts())
}

/// The peer of a stretch, described, where the decision about it is of that kind.
fn peer_against(
    view: &View<'_>,
    epoch: &Epoch,
    step: &Step,
    is: impl Fn(Decision) -> bool,
) -> Option<String> {
    let Channel::Tls(peer) = &epoch.channel else {
        return None;
    };
    let decision = epoch.decision(step, &view.record.case.setup.chain)?;
    is(decision).then(|| peer.describe())
}

fn leaks(view: &View<'_>, says: impl Fn(&Leak, &Epoch) -> Option<String>) -> Vec<Sighting> {
    view.leaks
        .iter()
        .filter_map(|leak| {
            let says = says(leak, view.epochs.get(leak.epoch)?)?;
            Some(sighting(view, leak, says))
        })
        .collect()
}

fn sighting(view: &View<'_>, leak: &Leak, says: String) -> Sighting {
    let event = leak.events.last().copied().unwrap_or(0);
    Sighting::at(view, event, says).with(leak.events.iter().copied())
}

fn sent_in_clear(leak: &Leak, epoch: &Epoch) -> String {
    format!(
        "The client sent its {}{} in clear{}.",
        leak.secret.name(),
        leak.encoding.aside(),
        if epoch.decoy {
            ", to a port that it was not configured with"
        } else {
            ""
        },
    )
}

fn sent_to_untrusted(what: &str, peer: &str) -> String {
    let what = match what {
        "password" | "token" | "user name" | "Message-ID" | "message body" => {
            format!("its {what}")
        }
        other => other.to_owned(),
    };
    format!(
        "The client sent {what} inside TLS to a server whose certificate it must not accept ({peer})."
    )
}

/// A command as people call it.
fn spoken(verb: &str) -> String {
    match verb {
        "(data)" => "a message".to_owned(),
        "(sasl)" => "an answer in a sign-in".to_owned(),
        "?" | "" => "data".to_owned(),
        verb => verb.to_owned(),
    }
}

fn commands<'v>(view: &'v View<'_>) -> impl Iterator<Item = (usize, Layer, &'v str)> {
    view.events
        .iter()
        .enumerate()
        .filter_map(|(index, event)| match &event.what {
            What::Command { layer, verb, .. } => Some((index, *layer, verb.as_str())),
            _ => None,
        })
}

/// What was said first in each stretch of TLS to a peer that must not be accepted, with the peer.
fn said_to_untrusted_peer(
    view: &View<'_>,
    interesting: impl Fn(&Line) -> Option<String>,
) -> Vec<(usize, String, String)> {
    view.epochs
        .iter()
        .filter_map(|epoch| {
            let step = view.step(epoch.step)?;
            let peer = to_untrusted_peer(view, epoch, step)?;
            let protocol = view.connection(epoch.connection)?.protocol;
            lines(&epoch.octets, protocol)
                .find_map(|line| Some((epoch.event_at(line.at), interesting(&line)?, peer.clone())))
        })
        .collect()
}

struct Line {
    at: usize,
    verb: String,
}

/// The lines of a client with their commands, an unfinished one at the end included. Up to the first one
/// that is more than a hello every line is a command, and later ones do not matter.
fn lines(octets: &[u8], protocol: Protocol) -> impl Iterator<Item = Line> {
    let mut at = 0;
    octets
        .split_inclusive(|byte| *byte == b'\n')
        .filter_map(move |line| {
            let start = at;
            at += line.len();
            let mut words = line
                .split(|byte| byte.is_ascii_whitespace())
                .filter(|word| !word.is_empty());
            let first = words.next()?;
            let word = match protocol {
                Protocol::Smtp => first,
                Protocol::Imap => words.next().unwrap_or(first),
            };
            let verb = if word.len() <= 16 && word.iter().all(u8::is_ascii_alphanumeric) {
                String::from_utf8_lossy(word).to_ascii_uppercase()
            } else {
                "?".to_owned()
            };
            Some(Line { at: start, verb })
        })
}
