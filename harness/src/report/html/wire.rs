//! What a report keeps of a record: the case in plain words, the octets of each connection within bounds, and
//! what TLS came to.
//!
//! Secrets are masked here. Must not know how any of it is shown.

use std::{collections::BTreeMap, ops::Range};

use mailproof_scenarios::model::{
    Case, What,
    event::{Direction, Layer, octets},
};
use rustls::CipherSuite;

use crate::{
    judge::leaks::Needles,
    report::{
        explain::{self, Told},
        text,
    },
    results::Record,
    transcript,
};

/// Octets that are kept of one chunk.
const CHUNK: usize = 2 << 10;
/// Octets that are kept of one connection.
const CONNECTION: usize = 8 << 10;
/// Connections that are kept of one case.
const CONNECTIONS: usize = 12;
/// Octets of TLS records that are kept of a handshake that failed.
const HANDSHAKE: usize = 1 << 10;
/// Events of one case whose words are kept.
const EVENTS: usize = 400;

/// What is kept of every record of a run, by the id of the case or control.
#[derive(Clone, Debug, Default)]
pub struct Details {
    kept: BTreeMap<String, Detail>,
}

impl Details {
    /// Keeps what a report needs of a record.
    pub fn add(&mut self, record: &Record) {
        self.kept.insert(record.case.id.clone(), Detail::of(record));
    }

    /// What was kept of a case or control.
    pub fn get(&self, id: &str) -> Option<&Detail> {
        self.kept.get(id)
    }
}

/// What is kept of one record.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Detail {
    /// The case in plain words.
    pub told: Told,
    /// Words to select it by.
    pub tags: Vec<String>,
    /// `smtp`, `imap`, or both.
    pub protocols: Vec<String>,
    /// The connections in their order.
    pub connections: Vec<Connection>,
    /// Connections that were left out.
    pub more_connections: usize,
    /// What the events are that findings point to, by index: milliseconds with a fraction, connection, words.
    pub events: BTreeMap<usize, Moment>,
}

/// One event in words.
#[derive(Clone, Debug, PartialEq)]
pub struct Moment {
    /// Microseconds since the case began.
    pub at: u64,
    /// The connection.
    pub connection: Option<u32>,
    /// What happened, safe to show.
    pub words: String,
}

/// One connection.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Connection {
    /// Its number within the case.
    pub id: u32,
    /// Where it went, in words.
    pub to: String,
    /// The octets in their order.
    pub chunks: Vec<Chunk>,
    /// Octets that were left out.
    pub more: usize,
    /// What TLS came to, as label and value.
    pub tls: Vec<(&'static str, String)>,
}

/// Octets that were read or written in one go.
#[derive(Clone, Debug, PartialEq)]
pub struct Chunk {
    /// Microseconds since the case began.
    pub at: u64,
    /// Whether the client sent them.
    pub client: bool,
    /// How they travelled.
    pub layer: Carried,
    /// The octets, secrets masked.
    pub octets: Vec<u8>,
    /// Octets of the chunk that were left out.
    pub more: usize,
}

/// How octets travelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Carried {
    /// On the bare connection.
    Clear,
    /// Inside TLS, as they were before encryption.
    Tls,
    /// Records of TLS themselves.
    Records,
}

impl Detail {
    /// Keeps what a report needs.
    pub fn of(record: &Record) -> Self {
        let needles = Needles::new(&record.canaries);
        let hidden = hidden(record, &needles);
        let established = established(record);
        let mut connections: BTreeMap<u32, Connection> = BTreeMap::new();
        let mut events = BTreeMap::new();
        for (index, event) in record.log.events.iter().enumerate() {
            if index < EVENTS
                && let Some(words) = words(record, &event.what, &needles)
            {
                let moment = Moment {
                    at: event.at,
                    connection: event.conn,
                    words,
                };
                events.insert(index, moment);
            }
            let Some(id) = event.conn else { continue };
            let connection = connections.entry(id).or_insert_with(|| Connection {
                id,
                ..Connection::default()
            });
            let secrets = hidden.get(&index).map_or(&[][..], Vec::as_slice);
            match chunk(&event.what) {
                Some((_, Carried::Records, _)) if established.contains(&id) => {}
                Some(it) => connection.chunk(event.at, it, secrets),
                None => connection.milestone(&event.what),
            }
        }
        let more_connections = connections.len().saturating_sub(CONNECTIONS);
        Self {
            told: explain::tell(&record.case),
            tags: record.case.tags.clone(),
            protocols: protocols(&record.case),
            connections: connections.into_values().take(CONNECTIONS).collect(),
            more_connections,
            events,
        }
    }
}

/// Who sent octets, how they travelled, and the octets.
type Octets<'a> = (bool, Carried, &'a [u8]);

fn chunk(what: &What) -> Option<Octets<'_>> {
    Some(match what {
        What::Received { layer, octets } => (true, (*layer).into(), octets),
        What::Sent { layer, octets } => (false, (*layer).into(), octets),
        What::Raw { from, octets } => (*from == Direction::Client, Carried::Records, octets),
        _ => return None,
    })
}

/// Where secrets stand in the chunks, by the index of the event. Searched for in the streams, because a secret
/// may be cut in several writes.
fn hidden(record: &Record, needles: &Needles) -> BTreeMap<usize, Vec<Range<usize>>> {
    type Stream = (Vec<u8>, Vec<(usize, Range<usize>)>);
    let mut streams: BTreeMap<(u32, bool, Carried), Stream> = BTreeMap::new();
    for (index, event) in record.log.events.iter().enumerate() {
        if let (Some(id), Some((client, layer, octets))) = (event.conn, chunk(&event.what))
            && layer != Carried::Records
        {
            let (stream, parts) = streams.entry((id, client, layer)).or_default();
            let from = stream.len();
            stream.extend_from_slice(octets);
            parts.push((index, from..stream.len()));
        }
    }
    let mut hidden: BTreeMap<usize, Vec<Range<usize>>> = BTreeMap::new();
    for (stream, parts) in streams.into_values() {
        for secret in transcript::secrets(&stream, needles) {
            for (index, part) in &parts {
                let from = secret.start.max(part.start);
                let to = secret.end.min(part.end);
                if from < to {
                    let within = from - part.start..to - part.start;
                    hidden.entry(*index).or_default().push(within);
                }
            }
        }
    }
    hidden
}

fn protocols(case: &Case) -> Vec<String> {
    let mut names: Vec<String> = case
        .steps
        .iter()
        .map(|it| it.protocol.name().to_owned())
        .collect();
    names.sort();
    names.dedup();
    names
}

/// Connections whose handshake was completed: their TLS records are of no use without the keys.
fn established(record: &Record) -> Vec<u32> {
    let events = record.log.events.iter();
    events
        .filter(|it| matches!(it.what, What::TlsEstablished { .. }))
        .filter_map(|it| it.conn)
        .collect()
}

fn words(record: &Record, what: &What, needles: &Needles) -> Option<String> {
    let said = |side: &str, octets: &[u8]| {
        let shown = String::from_utf8_lossy(&octets[..octets.len().min(CHUNK)]).into_owned();
        format!("{side}: {}", shown.trim_end())
    };
    let words = match what {
        What::Command { line, .. } => said("C", line),
        What::Received { octets, .. } => said("C", octets),
        What::Responded { last, .. } => said("S", last),
        What::Sent { octets, .. } => said("S", octets),
        What::Output { octets, .. } => said("printed", octets),
        What::Alert(alert) => transcript::alert_words(alert),
        other => transcript::milestone(record, other)?,
    };
    let mut octets = words.into_bytes();
    for secret in transcript::secrets(&octets, needles) {
        octets[secret].fill(b'*');
    }
    Some(text::cut(
        &text::line(&String::from_utf8_lossy(&octets)),
        160,
    ))
}

impl Connection {
    fn chunk(&mut self, at: u64, (client, layer, octets): Octets<'_>, secrets: &[Range<usize>]) {
        let kept: usize = self.chunks.iter().map(|it| it.octets.len()).sum();
        let limit = match layer {
            Carried::Records => HANDSHAKE,
            Carried::Clear | Carried::Tls => CONNECTION,
        };
        let room = limit.saturating_sub(kept).min(CHUNK).min(octets.len());
        let more = octets.len() - room;
        self.more += more;
        if room == 0 {
            return;
        }
        let mut octets = octets[..room].to_vec();
        for secret in secrets {
            let to = secret.end.min(room);
            if let Some(octets) = octets.get_mut(secret.start.min(to)..to) {
                octets.fill(b'*');
            }
        }
        self.chunks.push(Chunk {
            at,
            client,
            layer,
            octets,
            more,
        });
    }

    fn milestone(&mut self, what: &What) {
        if let What::Connected {
            port,
            decoy,
            between,
        } = what
        {
            let decoy = if *decoy {
                ", which nobody configured"
            } else {
                ""
            };
            self.to = format!("{port}{}{decoy}", transcript::way(*between));
            return;
        }
        let mut put = |label, value: String| self.tls.push((label, text::line(&value)));
        match what {
            What::ClientHello(hello) => {
                put(
                    "name (SNI)",
                    hello.sni.clone().unwrap_or_else(|| "none".to_owned()),
                );
                put("versions offered", names(&hello.versions, version));
                put("cipher suites offered", names(&hello.suites, suite));
                if !hello.alpn.is_empty() {
                    put("ALPN", hello.alpn.join(", "));
                }
                if hello.resumes {
                    put("resumption", "a session is offered".to_owned());
                }
                if hello.early_data {
                    put("early data", "announced".to_owned());
                }
            }
            What::ServedChain(chain) => {
                let described = format!("{}: {}", chain.fault, chain.fault.describe());
                put("chain served", described);
                put("leaf, SHA-256", chain.leaf.clone());
            }
            What::TlsEstablished {
                version,
                suite,
                resumed,
            } => {
                let version = version.replacen("TLSv1_", "TLS 1.", 1);
                let resumed = if *resumed { ", resumed" } else { "" };
                put("agreed", format!("{version}, {suite}{resumed}"));
            }
            What::TlsFailed { error } => put("failed", error.clone()),
            What::Alert(alert) => put("alert", transcript::alert_words(alert)),
            What::EarlyData { octets } => put("early data", text::count(octets.len(), "octet")),
            _ => {}
        }
    }
}

impl From<Layer> for Carried {
    fn from(layer: Layer) -> Self {
        match layer {
            Layer::Clear => Carried::Clear,
            Layer::Tls => Carried::Tls,
        }
    }
}

impl Chunk {
    /// The octets as lines that can be shared: printable ASCII as it is, a backslash doubled, the rest
    /// escaped. Each line ends behind its line feed.
    pub fn lines(&self) -> Vec<String> {
        self.octets
            .split_inclusive(|it| *it == b'\n')
            .map(octets::to_text)
            .collect()
    }
}

fn names(numbers: &[u16], name: fn(u16) -> String) -> String {
    let names: Vec<String> = numbers.iter().map(|it| name(*it)).collect();
    names.join(", ")
}

fn version(number: u16) -> String {
    transcript::tls_version(number).map_or_else(|| unnamed(number), str::to_owned)
}

fn suite(number: u16) -> String {
    match CipherSuite::from(number) {
        CipherSuite::Unknown(_) => unnamed(number),
        known => format!("{known:?}"),
    }
}

fn unnamed(number: u16) -> String {
    let grease = number & 0x0f0f == 0x0a0a && number >> 8 == number & 0xff;
    if grease {
        "GREASE".to_owned()
    } else {
        format!("0x{number:04x}")
    }
}

#[cfg(test)]
mod tests {
    use mailproof_scenarios::model::Event;

    use super::*;
    use crate::report::records::tests::record;

    fn received(octets: &[u8]) -> Event {
        Event {
            at: 5,
            step: 1,
            conn: Some(1),
            what: What::Received {
                layer: Layer::Tls,
                octets: octets.to_vec(),
            },
        }
    }

    #[test]
    fn a_secret_is_hidden_wherever_it_is_cut() {
        let mut record = record(b"");
        let password = record.canaries.accounts[0].password.clone();
        let line = format!("a LOGIN x {password}\r\n").into_bytes();
        for cut in 0..line.len() {
            record.log.events = vec![received(&line[..cut]), received(&line[cut..])];
            let detail = Detail::of(&record);
            let octets: Vec<u8> = detail.connections[0]
                .chunks
                .iter()
                .flat_map(|it| it.octets.clone())
                .collect();
            let hidden = format!("a LOGIN x {}\r\n", "*".repeat(password.len()));
            assert_eq!(String::from_utf8(octets).unwrap(), hidden, "cut at {cut}");
        }
        record.log.events = vec![received(&line)];
        assert!(!format!("{:?}", Detail::of(&record)).contains(&password));
    }

    #[test]
    fn much_is_bounded() {
        let mut record = record(b"");
        record.log.events = (0..40).map(|_| received(&[b'x'; 5000])).collect();
        record.log.events.extend((2..40).map(|id| Event {
            conn: Some(id),
            ..received(b"NOOP\r\n")
        }));
        let detail = Detail::of(&record);
        let kept: usize = detail.connections[0]
            .chunks
            .iter()
            .map(|it| it.octets.len())
            .sum();
        assert_eq!(
            (kept, detail.connections[0].more),
            (CONNECTION, 40 * 5000 - CONNECTION)
        );
        assert_eq!(
            (detail.connections.len(), detail.more_connections),
            (CONNECTIONS, 27)
        );
    }

    #[test]
    fn numbers_have_names() {
        assert_eq!(
            names(&[0x1301, 0xc02f, 0x2a2a, 0x00ff], suite),
            "TLS13_AES_128_GCM_SHA256, TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, GREASE, TLS_EMPTY_RENEGOTIATION_INFO_SCSV"
        );
        assert_eq!(names(&[0x0304, 0x7f12], version), "TLS 1.3, 0x7f12");
    }
}
