//! The transcript for comparison: equal behaviour gives equal text, octet for octet.
//!
//! What changes from run to run without meaning anything gets a name or is left out: times, writes, canaries,
//! the host and its ports, tags, dates, queue ids, addresses, boundaries, and who closed first. What belongs to
//! one product or version of it (the name in EHLO, the User-Agent) is hidden where the rules say so.

use std::{collections::HashMap, sync::LazyLock};

use base64::{
    Engine as _, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use mailproof_scenarios::model::{
    Action, At, Canaries, Protocol, What,
    event::{Direction, Ended, Said},
};
use regex::{Captures, Regex};

use super::{
    chance,
    dialogue::{self, Is, Talk, Turn},
    names, parallel,
    rules::{Hidden, Rules},
    text::{self, for_comparison, spoken},
};
use crate::{
    judge::leaks::{Encoding, Needles, Secret},
    results::Record,
};

/// The normalised transcript of a record, without everything that belongs to one product or version of it.
pub fn normalise(record: &Record) -> String {
    normalise_with(record, &Rules::hide_all())
}

/// The normalised transcript by the rules of an adapter, which are applied last.
pub fn normalise_with(record: &Record, rules: &Rules) -> String {
    let parts = dialogue::of(record);
    let writer = Writer {
        record,
        needles: Needles::new(&record.canaries),
        hellos: if rules.hides(Hidden::Ehlo) {
            hellos(&parts, &record.host)
        } else {
            Vec::new()
        },
        boundaries: boundaries(&parts),
        rules,
    };
    let mut out = String::new();
    for part in &parts {
        if !out.is_empty() {
            out.push('\n');
        }
        writer.part(part, &mut out);
    }
    out
}

/// Lines of a message or literal that are compared; it is for the store check to compare all of it.
const BLOCK_LINES: usize = 40;

/// Characters of a line that are compared.
const WIDTH: usize = 1000;

struct Writer<'a> {
    record: &'a Record,
    needles: Needles,
    /// Arguments of EHLO and HELO, where they are hidden.
    hellos: Vec<String>,
    boundaries: Vec<String>,
    rules: &'a Rules,
}

impl Writer<'_> {
    fn part(&self, part: &dialogue::Part<'_>, out: &mut String) {
        out.push_str(&names::step_title(self.record, part.number));
        out.push('\n');
        let mut aside: Vec<String> = Vec::new();
        for event in &part.aside {
            let words = names::milestone(self.record, &event.what).map(|it| self.words(&it));
            if let Some(words) = words.filter(|it| !aside.contains(it)) {
                out.push_str(&format!("  -- {words}\n"));
                aside.push(words);
            }
        }
        for (number, talk) in
            parallel::in_order(self.record, part, self.rules.exact, |it| self.talk(it))
        {
            out.push_str(&format!("  connection {number}{talk}"));
        }
        if let Some(ended) = part.ended {
            let words = match ended {
                Ended::Finished { said, .. }
                    if !self.rules.exact
                        && matches!(said, Said::Failed | Said::Temporary)
                        && parallel::all_reset(part) =>
                {
                    "the client said failure, for now or not".to_owned()
                }
                ended => ended_words(ended),
            };
            let line = format!("-- {}", self.rules.replace(words));
            if !self.rules.ignores(&line) {
                out.push_str(&format!("  {line}\n"));
            }
        }
    }

    /// Whether responses come so slowly that it is up to the clocks where the client stops.
    fn drips(&self) -> bool {
        let slow = |action: &Action| matches!(action, Action::Split { gap_ms, .. } if *gap_ms > 0);
        self.record
            .case
            .deviations()
            .iter()
            .any(|it| slow(&it.action))
    }

    /// Everything of a connection but its number.
    fn talk(&self, talk: &Talk<'_>) -> String {
        let mut out = String::new();
        let port = talk
            .port
            .map_or_else(|| "an unknown port".to_owned(), |it| it.to_string());
        let decoy = if talk.decoy {
            ", which nobody configured"
        } else {
            ""
        };
        let way = names::way(talk.between);
        out.push_str(&format!(" to {port}{way}{decoy}\n"));
        let tags = tags(talk);
        let order = unasked_first(greeting_first(&talk.turns), self.record);
        let order = if self.rules.exact {
            order
        } else {
            chance::without(order, self.record)
        };
        for turn in order {
            let mut line = |text: String| {
                if !self.rules.ignores(&text) {
                    out.push_str(&format!("    {text}\n"));
                }
            };
            match &turn.is {
                Is::Client { octets, verb, .. } => {
                    line(spoken('C', &self.client(octets, *verb, &tags)));
                }
                Is::Server { octets } if self.drips() && !octets.ends_with(b"\n") => {
                    line("S: (as much of a line as came in time)".to_owned());
                }
                Is::Server { octets } => line(spoken('S', &self.server(octets, &tags))),
                Is::TlsInClear => line("C: (octets of TLS)".to_owned()),
                Is::Step(number) => line(format!("-- step {number} goes on here")),
                Is::AnswerToTls { .. } => {}
                Is::Block { client, octets } => {
                    let side = if *client { 'C' } else { 'S' };
                    for text in self.block(octets) {
                        line(spoken(side, &text));
                    }
                }
                Is::Event(event) => match &event.what {
                    What::ServerClosed { .. } | What::ClientClosed { .. } | What::LingerOver => {}
                    what => {
                        if let Some(words) = self.milestone(what) {
                            line(format!("-- {words}"));
                        }
                    }
                },
            }
        }
        if let Some(words) = closed_words(talk) {
            out.push_str(&format!("    -- {words}\n"));
        }
        out
    }

    fn milestone(&self, what: &What) -> Option<String> {
        match what {
            What::Alert(alert) if alert.description == 0 => None,
            What::Alert(alert) => {
                let who = match alert.from {
                    Direction::Client => "client",
                    Direction::Server => "server",
                };
                Some(format!(
                    "the {who} sends the alert {}",
                    names::alert(alert.description)
                ))
            }
            What::TlsFailed { .. } => Some("TLS fails".to_owned()),
            What::TlsEstablished {
                version, resumed, ..
            } => Some(format!(
                "{} begins{}",
                version.replacen("TLSv1_", "TLS 1.", 1),
                if *resumed { " (resumed)" } else { "" }
            )),
            what => names::milestone(self.record, what).map(|it| self.words(&it)),
        }
    }

    fn client(&self, octets: &[u8], verb: Option<&str>, tags: &Tags) -> String {
        let (mut text, end) = self.named(&tags.rename(octets));
        match verb {
            Some("EHLO" | "HELO") if self.rules.hides(Hidden::Ehlo) => {
                if let Some((command, _)) = text.split_once(' ') {
                    text = format!("{command} {{ehlo}}");
                }
            }
            Some("ID") if self.rules.hides(Hidden::Id) => {
                if let Some((before, _)) = text.split_once('(') {
                    text = format!("{before}{{id}}");
                }
            }
            _ => {}
        }
        self.last(text, end)
    }

    fn server(&self, octets: &[u8], tags: &Tags) -> String {
        let (mut text, end) = self.named(&tags.rename(octets));
        for hello in &self.hellos {
            text = text.replace(hello.as_str(), "{ehlo}");
        }
        self.last(text, end)
    }

    fn block(&self, octets: &[u8]) -> Vec<String> {
        let named = self.canaries(octets);
        let all: Vec<&[u8]> = named.split_inclusive(|byte| *byte == b'\n').collect();
        let mut lines: Vec<String> = all
            .iter()
            .take(BLOCK_LINES)
            .map(|line| {
                let (text, end) = for_comparison(line);
                self.last(text, end)
            })
            .collect();
        if all.len() > BLOCK_LINES {
            lines.push(format!("... ({} more lines)", all.len() - BLOCK_LINES));
        }
        lines
    }

    /// Words that came with an event.
    fn words(&self, text: &str) -> String {
        let (text, _) = self.named(text.as_bytes());
        self.last(text, "")
    }

    fn named(&self, octets: &[u8]) -> (String, &'static str) {
        for_comparison(&self.canaries(octets))
    }

    fn last(&self, mut text: String, end: &'static str) -> String {
        let host = self.record.host.as_str();
        if !host.is_empty() {
            text = text.replace(host, "{host}");
        }
        for boundary in &self.boundaries {
            text = text.replace(boundary.as_str(), "{boundary}");
        }
        for (pattern, with) in VARYING.iter() {
            if pattern.is_match(&text) {
                text = pattern.replace_all(&text, *with).into_owned();
            }
        }
        if self.rules.hides(Hidden::UserAgent)
            && let Some(pattern) = AGENT.as_ref()
        {
            text = pattern.replace_all(&text, "$1: {agent}").into_owned();
        }
        text = self.rules.replace(text);
        if let Some((at, _)) = text.char_indices().nth(WIDTH) {
            text.truncate(at);
            text.push_str(" ... (longer)");
        }
        text.push_str(end);
        text
    }

    /// The octets with the names of the canaries instead of the canaries.
    fn canaries(&self, octets: &[u8]) -> Vec<u8> {
        let canaries = &self.record.canaries;
        let mut named = text::replace(octets, &self.needles, |hit, there| {
            let name = name_of(hit.secret, canaries);
            Some(match hit.encoding {
                Encoding::Raw | Encoding::Quoted | Encoding::Percent => {
                    format!("{{{name}}}").into_bytes()
                }
                Encoding::Hex => format!("{{hex:{name}}}").into_bytes(),
                Encoding::Base64 => self.decoded(there),
            })
        });
        for step in 1..=self.record.steps.len() {
            let id = canaries.message_id(step);
            let Some(rest) = id.strip_prefix(&canaries.message) else {
                continue;
            };
            let name = match step {
                1 => "{message-id}".to_owned(),
                step => format!("{{message-id-{step}}}"),
            };
            named = replace_octets(&named, format!("{{message-id}}{rest}").as_bytes(), &name);
        }
        // Addresses of strangers are fresh by the same word.
        match canaries.message.get(..8) {
            Some(fresh) => replace_octets(&named, fresh.as_bytes(), "{fresh}"),
            None => named,
        }
    }

    /// `{base64:...}` with what is inside, named.
    fn decoded(&self, octets: &[u8]) -> Vec<u8> {
        let digits: Vec<u8> = octets
            .iter()
            .filter(|byte| !byte.is_ascii_whitespace())
            .copied()
            .collect();
        let inside = LENIENT.iter().find_map(|engine| {
            let inside = engine.decode(&digits).ok()?;
            let named = text::replace(&inside, &self.needles, |hit, _| {
                (hit.encoding != Encoding::Base64).then(|| {
                    format!("{{{}}}", name_of(hit.secret, &self.record.canaries)).into_bytes()
                })
            });
            (named != inside).then_some(named)
        });
        match inside {
            Some(mut inside) => {
                // One line stays one line.
                inside
                    .iter_mut()
                    .filter(|byte| matches!(byte, b'\r' | b'\n'))
                    .for_each(|byte| *byte = b' ');
                [b"{base64:", inside.as_slice(), b"}"].concat()
            }
            None => b"{base64}".to_vec(),
        }
    }
}

const ANY_PADDING: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_padding_mode(DecodePaddingMode::Indifferent)
    .with_decode_allow_trailing_bits(true);

static LENIENT: [GeneralPurpose; 2] = [
    GeneralPurpose::new(&alphabet::STANDARD, ANY_PADDING),
    GeneralPurpose::new(&alphabet::URL_SAFE, ANY_PADDING),
];

/// What varies in texts, and the name for it.
static VARYING: LazyLock<Vec<(Regex, &'static str)>> = LazyLock::new(|| {
    const MONTHS: &str = "(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)";
    [
        // RFC 5322 §3.3, IMAP (RFC 9051 §9, date-time), RFC 3339.
        (
            format!(
                r"(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), )?\d{{1,2}} {MONTHS} \d{{4}} \d\d:\d\d(?::\d\d)?(?: (?:[+-]\d{{4}}|GMT|UTC|Z))?(?: \([A-Z]{{1,5}}\))?"
            ),
            "{date}",
        ),
        (
            format!(r"[ \d]?\d-{MONTHS}-\d{{4}}(?: \d\d:\d\d:\d\d(?: [+-]\d{{4}})?)?"),
            "{date}",
        ),
        (
            r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d)?".to_owned(),
            "{date}",
        ),
        // On loopback ports have numbers of chance.
        (r"\{host\}:\d{1,5}\b".to_owned(), "{host}:{port}"),
        // RFC 7628 §3.1.
        (r"\\x01port=\d{1,5}".to_owned(), r"\x01port={port}"),
        (
            r"\b127(?:\.\d{1,3}){3}\b|\b(?:192\.0\.2|198\.51\.100|203\.0\.113)\.\d{1,3}\b|(?:IPv6:)?(?:\b2001:db8:[0-9a-f:]+|::1\b)"
                .to_owned(),
            "{client}",
        ),
        (r"(?i)\b(queued as) [^\s;,)]+".to_owned(), "$1 {queue-id}"),
        (r"(?i)\b(InternalId|id)=[^\s;,\]]+".to_owned(), "$1={queue-id}"),
        (r"(?i)^(Message-ID): <[^{>][^>]*>$".to_owned(), "$1: <{other-message-id}>"),
        (r#"(?i)(boundary)=("?)[^";]+("?)"#.to_owned(), "$1=$2{boundary}$3"),
        (r"(?i)\b(UIDVALIDITY|APPENDUID) \d+".to_owned(), "$1 {uidvalidity}"),
        (r"(?i)\b(RFC822\.SIZE) \d+".to_owned(), "$1 {size}"),
        (r"(?i)\b(SIZE)=\d+".to_owned(), "$1={size}"),
        (r"\{\d{1,6}(\+?)\}$".to_owned(), "{size$1}"),
    ]
    .into_iter()
    .filter_map(|(pattern, with)| Some((Regex::new(&pattern).ok()?, with)))
    .collect()
});

static AGENT: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"(?i)^(User-Agent|X-Mailer): .*$").ok());

fn name_of(secret: Secret, canaries: &Canaries) -> String {
    let kind = match secret {
        Secret::User(_) => "user",
        Secret::Password(_) => "password",
        Secret::Token(_) => "token",
        Secret::MessageId => "message-id",
        Secret::Body => "body",
    };
    match secret.account() {
        Some(0) | None => kind.to_owned(),
        Some(account) => match canaries.accounts.get(account) {
            Some(account) => format!("{kind}-{}", account.name),
            None => kind.to_owned(),
        },
    }
}

fn replace_octets(octets: &[u8], what: &[u8], with: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(octets.len());
    let mut at = 0;
    for found in memchr::memmem::find_iter(octets, what) {
        out.extend_from_slice(&octets[at..found]);
        out.extend_from_slice(with.as_bytes());
        at = found + what.len();
    }
    out.extend_from_slice(&octets[at..]);
    out
}

fn hellos(parts: &[dialogue::Part<'_>], host: &str) -> Vec<String> {
    let mut hellos = Vec::new();
    for (octets, verb) in client_lines(parts) {
        if matches!(verb, Some("EHLO" | "HELO"))
            && let Ok(line) = std::str::from_utf8(octets)
            && let Some((_, name)) = line.trim_end().split_once(' ')
            && name.len() >= 4
            && name != host
            && !hellos.iter().any(|it| it == name)
        {
            hellos.push(name.to_owned());
        }
    }
    hellos
}

fn client_lines<'a>(
    parts: &'a [dialogue::Part<'_>],
) -> impl Iterator<Item = (&'a [u8], Option<&'a str>)> {
    parts
        .iter()
        .flat_map(|part| &part.talks)
        .flat_map(|talk| &talk.turns)
        .filter_map(|turn| match &turn.is {
            Is::Client { octets, verb, .. } => Some((octets.as_slice(), *verb)),
            _ => None,
        })
}

/// The MIME boundaries in messages of the client (RFC 2046 §5.1.1).
fn boundaries(parts: &[dialogue::Part<'_>]) -> Vec<String> {
    static BOUNDARY: LazyLock<Option<Regex>> =
        LazyLock::new(|| Regex::new(r#"(?i)boundary="?([^";\r\n]{4,70})"#).ok());
    let Some(pattern) = BOUNDARY.as_ref() else {
        return Vec::new();
    };
    let mut found: Vec<String> = Vec::new();
    for turn in parts
        .iter()
        .flat_map(|part| &part.talks)
        .flat_map(|talk| &talk.turns)
    {
        if let Is::Block {
            client: true,
            octets,
        } = &turn.is
        {
            let text = String::from_utf8_lossy(octets);
            found.extend(
                pattern
                    .captures_iter(&text)
                    .filter_map(|it: Captures<'_>| Some(it.get(1)?.as_str().to_owned())),
            );
        }
    }
    found.sort_by_key(|it| usize::MAX - it.len());
    found.dedup();
    found
}

/// The tags of a client in the order in which it used them.
struct Tags(HashMap<Vec<u8>, usize>);

fn tags(talk: &Talk<'_>) -> Tags {
    let mut tags = HashMap::new();
    if talk.port.is_some_and(|it| it.protocol() == Protocol::Imap) {
        for turn in &talk.turns {
            if let Is::Client {
                octets,
                verb: Some(verb),
                ..
            } = &turn.is
                && !matches!(*verb, "(sasl)" | "DONE" | "?")
                && let Some(end) = memchr::memchr(b' ', octets)
            {
                let next = tags.len() + 1;
                tags.entry(octets[..end].to_vec()).or_insert(next);
            }
        }
    }
    Tags(tags)
}

impl Tags {
    fn rename(&self, octets: &[u8]) -> Vec<u8> {
        let end = memchr::memchr(b' ', octets).unwrap_or(0);
        match self.0.get(&octets[..end]) {
            Some(number) if end > 0 => {
                let mut renamed = format!("t{number}").into_bytes();
                renamed.extend_from_slice(&octets[end..]);
                renamed
            }
            _ => octets.to_vec(),
        }
    }
}

/// The greeting stands before a ClientHello that crossed it: which comes first is chance.
fn greeting_first<'t, 'a>(turns: &'t [Turn<'a>]) -> Vec<&'t Turn<'a>> {
    let mut order: Vec<&Turn<'_>> = turns.iter().collect();
    if let Some(at) = order.iter().position(|it| matches!(it.is, Is::TlsInClear)) {
        let greetings = order[at + 1..]
            .iter()
            .take_while(|it| matches!(it.is, Is::Server { .. } | Is::AnswerToTls { .. }))
            .count();
        order[at..=at + greetings].rotate_left(1);
    }
    order
}

/// What the server says of itself when TLS begins stands before the first words of the client inside: which
/// comes first is chance.
fn unasked_first<'t, 'a>(mut order: Vec<&'t Turn<'a>>, record: &Record) -> Vec<&'t Turn<'a>> {
    let is_unasked = |turn: &Turn<'_>| {
        let Is::Event(event) = turn.is else {
            return false;
        };
        let What::Deviated { index } = event.what else {
            return false;
        };
        let deviation = record.case.deviations().get(usize::from(index));
        deviation.is_some_and(|it| it.on.at == Some(At::TlsStart))
    };
    let begins = |turn: &&Turn<'_>| matches!(turn.is, Is::Event(event) if matches!(event.what, What::TlsEstablished { .. }));
    if let Some(end) = order.iter().position(|it| is_unasked(it))
        && let Some(begin) = order[..end].iter().rposition(begins)
    {
        let said = order[..end]
            .iter()
            .rev()
            .take_while(|it| matches!(it.is, Is::Server { .. }))
            .count();
        order[begin + 1..=end].rotate_right(said + 1);
    }
    order
}

/// How a connection ended. Who closed first is chance wherever both had a reason to.
fn closed_words(talk: &Talk<'_>) -> Option<&'static str> {
    let any = |fits: fn(&What) -> bool| {
        talk.turns
            .iter()
            .any(|turn| matches!(turn.is, Is::Event(event) if fits(&event.what)))
    };
    if any(|it| matches!(it, What::ServerClosed { reset: true })) {
        Some("the server resets")
    } else if any(|it| matches!(it, What::ServerClosed { .. } | What::ClientClosed { .. })) {
        Some("closed")
    } else if any(|it| matches!(it, What::LingerOver)) {
        Some("the client leaves it open")
    } else {
        None
    }
}

fn ended_words(ended: &Ended) -> String {
    match ended {
        Ended::Finished { code, said, .. } => {
            let code = code.map_or_else(String::new, |it| format!(", exit {it}"));
            format!("the client said {}{code}", names::said(*said))
        }
        Ended::Unsupported { .. } => "the client said that it cannot do this".to_owned(),
        Ended::Crashed { .. } => "the client crashed".to_owned(),
        Ended::Hung { .. } => "the client did not end".to_owned(),
        Ended::NotStarted { .. } => "the client could not be started".to_owned(),
        Ended::Unheard => "nobody heard what the client says of it".to_owned(),
    }
}
