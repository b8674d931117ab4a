//! Patterns: what a scenario says must never, or must, be seen.
//!
//! Must not know levels or verdicts.

use std::collections::BTreeMap;

use mailproof_scenarios::model::{
    AlertName, Layer, Pattern, What,
    event::{Direction, octets},
};

use super::{
    replies,
    signs::{self, Sighting},
    view::{View, step_of},
};

/// Where a pattern is seen in a step (in all of them where absent), in order of time.
pub(crate) fn sightings(view: &View<'_>, pattern: &Pattern, step: Option<u16>) -> Vec<Sighting> {
    match pattern {
        Pattern::Command {
            commands,
            channel,
            times,
        } => repeated(command(view, commands, *channel, step), *times),
        Pattern::Told { text } => told(view, text, step),
        Pattern::Octets { text, channel } => text_in_stream(view, text, *channel, step),
        Pattern::Alert(names) => alert(view, names, step),
        Pattern::Sign(sign) => signs::sightings(view, *sign, step),
    }
}

/// The stable name of a pattern, for findings.
pub(crate) fn name(pattern: &Pattern) -> String {
    match pattern {
        Pattern::Command {
            commands, channel, ..
        } => {
            let mut words: Vec<String> = commands
                .iter()
                .map(|it| {
                    it.to_lowercase()
                        .split(|c: char| !c.is_ascii_alphanumeric())
                        .filter(|word| !word.is_empty())
                        .collect::<Vec<_>>()
                        .join("-")
                })
                .filter(|it| !it.is_empty())
                .collect();
            if words.is_empty() {
                words.push("command".to_owned());
            }
            format!("{}{}", words.join("-"), channel_suffix(*channel))
        }
        Pattern::Octets { channel, .. } => format!("octets{}", channel_suffix(*channel)),
        Pattern::Alert(names) => {
            let names: Vec<String> = names.iter().map(|it| it.name().replace('_', "-")).collect();
            format!("alert-{}", names.join("-or-"))
        }
        Pattern::Told { .. } => "told".to_owned(),
        Pattern::Sign(sign) => sign.name().to_owned(),
    }
}

/// The pattern for a sentence.
pub(crate) fn describe(pattern: &Pattern) -> String {
    match pattern {
        Pattern::Command {
            commands,
            channel,
            times,
        } => {
            let times = times.map_or_else(String::new, |it| format!(", {it} times"));
            format!(
                "{}{}{times}",
                commands.join(" or "),
                channel_words(*channel)
            )
        }
        Pattern::Told { text } => format!("\"{text}\" in what the client told its user"),
        Pattern::Octets { text, channel } => {
            format!("the octets \"{text}\"{}", channel_words(*channel))
        }
        Pattern::Alert(names) => {
            let names: Vec<&str> = names.iter().map(|it| it.name()).collect();
            format!("the alert {}", names.join(" or "))
        }
        Pattern::Sign(sign) => sign.name().replace('-', " "),
    }
}

fn channel_suffix(channel: Option<Layer>) -> &'static str {
    match channel {
        None => "",
        Some(Layer::Clear) => "-in-clear",
        Some(Layer::Tls) => "-inside-tls",
    }
}

fn channel_words(channel: Option<Layer>) -> &'static str {
    match channel {
        None => "",
        Some(Layer::Clear) => " in clear",
        Some(Layer::Tls) => " inside TLS",
    }
}

/// Of commands that must come so often on one connection: those from that time on.
fn repeated(seen: Vec<Sighting>, times: Option<u16>) -> Vec<Sighting> {
    let Some(times) = times else {
        return seen;
    };
    let mut counts: BTreeMap<Option<u32>, (u16, Vec<usize>)> = BTreeMap::new();
    seen.into_iter()
        .filter_map(|it| {
            let (count, before) = counts.entry(it.connection).or_default();
            *count = count.saturating_add(1);
            before.push(it.event);
            (*count >= times).then(|| Sighting {
                says: format!("{} It was the time number {count}.", it.says),
                ..it.with(before.iter().copied())
            })
        })
        .collect()
}

fn told(view: &View<'_>, text: &str, step: Option<u16>) -> Vec<Sighting> {
    view.steps_of(step)
        .into_iter()
        .filter(|number| replies::tells(&view.words(*number), text))
        .filter_map(|number| {
            let (last, _) = view
                .events_in(Some(number))
                .filter(|(_, it)| matches!(it.what, What::Output { .. } | What::StepEnded(_)))
                .last()?;
            let says = format!("The client told its user \"{text}\".");
            Some(Sighting::at(view, last, says))
        })
        .collect()
}

fn command(
    view: &View<'_>,
    commands: &[String],
    channel: Option<Layer>,
    step: Option<u16>,
) -> Vec<Sighting> {
    view.events_in(step)
        .filter_map(|(index, event)| match &event.what {
            What::Command { layer, verb, .. }
                if channel.is_none_or(|it| it == *layer)
                    && commands.iter().any(|it| it.eq_ignore_ascii_case(verb)) =>
            {
                let says = format!("The client sent {verb}{}.", channel_words(Some(*layer)));
                Some(Sighting::at(view, index, says))
            }
            _ => None,
        })
        .collect()
}

fn alert(view: &View<'_>, names: &[AlertName], step: Option<u16>) -> Vec<Sighting> {
    view.events_in(step)
        .filter_map(|(index, event)| match &event.what {
            What::Alert(alert) if alert.from == Direction::Client => {
                let name = names.iter().find(|it| it.number() == alert.description)?;
                let says = format!("The client sent the alert {name}.");
                Some(Sighting::at(view, index, says))
            }
            _ => None,
        })
        .collect()
}

fn text_in_stream(
    view: &View<'_>,
    text: &str,
    channel: Option<Layer>,
    step: Option<u16>,
) -> Vec<Sighting> {
    let needle = octets::from_text(text).unwrap_or_else(|| text.as_bytes().to_vec());
    if needle.is_empty() {
        return Vec::new();
    }
    let finder = memchr::memmem::Finder::new(&needle);
    let mut seen: Vec<Sighting> = view
        .epochs
        .iter()
        .filter(|epoch| channel.is_none_or(|it| it == epoch.layer()))
        .filter(|epoch| step.is_none_or(|it| it == epoch.step))
        .flat_map(|epoch| {
            finder.find_iter(&epoch.octets).map(|at| {
                let events = epoch.events_between(at, at + needle.len());
                let event = events.last().copied().unwrap_or(0);
                let says = format!(
                    "The client sent \"{}\"{}.",
                    octets::to_text(&needle),
                    channel_words(Some(epoch.layer()))
                );
                Sighting::at(view, event, says).with(events)
            })
        })
        .collect();
    seen.sort_by_key(|it| it.event);
    seen
}

/// The patterns in this order on one connection: the events that show it, or how far it got at best.
pub(crate) fn in_order(
    view: &View<'_>,
    patterns: &[Pattern],
    step: Option<u16>,
) -> Result<Vec<usize>, usize> {
    let seen: Vec<Vec<Sighting>> = patterns
        .iter()
        .map(|pattern| sightings(view, pattern, step))
        .collect();
    let mut best = 0;
    for connection in &view.connections {
        let mut path: Vec<usize> = Vec::new();
        for places in &seen {
            let next = places.iter().find(|place| {
                place.connection == Some(connection.id)
                    && path.last().is_none_or(|last| place.event > *last)
            });
            match next {
                Some(place) => path.push(place.event),
                None => break,
            }
        }
        if path.len() == patterns.len() {
            return Ok(path);
        }
        best = best.max(path.len());
    }
    Err(best)
}

/// Whether a step was begun at all.
pub(crate) fn step_begun(view: &View<'_>, step: u16) -> bool {
    view.events
        .iter()
        .any(|event| matches!(event.what, What::StepStarted { .. }) && step_of(event) == step)
}
