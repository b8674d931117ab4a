//! The events of a record as a dialogue: lines in the order in which they make sense, whatever the writes were.
//!
//! A client's line stands where the server read it as a command, so that commands which were sent together
//! stand before their own answers in every run. Must not know how a line is written down.

use std::collections::{BTreeMap, VecDeque};

use mailproof_scenarios::model::{Endpoints, Event, Layer, PortRole, Protocol, What, event::Ended};

use crate::results::Record;

/// One step with its connections.
pub(super) struct Part<'a> {
    pub(super) number: u16,
    pub(super) command: Option<&'a [String]>,
    pub(super) talks: Vec<Talk<'a>>,
    /// What the subject printed, by stream.
    pub(super) output: BTreeMap<u8, Vec<u8>>,
    pub(super) ended: Option<&'a Ended>,
    /// Attempts that reached no server, and what else belongs to no connection.
    pub(super) aside: Vec<&'a Event>,
}

/// One connection.
pub(super) struct Talk<'a> {
    pub(super) id: u32,
    pub(super) port: Option<PortRole>,
    pub(super) decoy: bool,
    pub(super) between: Endpoints,
    pub(super) turns: Vec<Turn<'a>>,
}

/// One line of one side, or one thing that happened.
pub(super) struct Turn<'a> {
    /// Microseconds since the case began.
    pub(super) at: u64,
    pub(super) is: Is<'a>,
}

pub(super) enum Is<'a> {
    /// A line with its end. `verb` where it begins a command, `early` where the server had not answered
    /// everything before.
    Client {
        octets: Vec<u8>,
        verb: Option<&'a str>,
        early: bool,
    },
    /// A line with its end.
    Server { octets: Vec<u8> },
    /// A message or a literal.
    Block { client: bool, octets: Vec<u8> },
    /// Octets of TLS that a server in clear read as lines.
    TlsInClear,
    /// An answer to a line of [`Is::TlsInClear`]; how many there are is chance.
    AnswerToTls { octets: Vec<u8> },
    /// From here on the connection serves this step.
    Step(u16),
    /// A milestone.
    Event(&'a Event),
}

/// The dialogue of a record, by step.
pub(super) fn of(record: &Record) -> Vec<Part<'_>> {
    let mut parts: BTreeMap<u16, Part<'_>> = BTreeMap::new();
    let mut home: BTreeMap<u32, u16> = BTreeMap::new();
    let mut talkers: BTreeMap<u32, Talker<'_>> = BTreeMap::new();
    for event in &record.log.events {
        if matches!(event.what, What::WorldStarted { .. }) {
            continue;
        }
        let number = event.step.max(1);
        let part = parts.entry(number).or_insert_with(|| Part {
            number,
            command: None,
            talks: Vec::new(),
            output: BTreeMap::new(),
            ended: None,
            aside: Vec::new(),
        });
        if let Some(id) = event.conn {
            home.entry(id).or_insert(number);
            let protocol = record
                .steps
                .get(usize::from(number) - 1)
                .map_or(Protocol::Smtp, |it| it.protocol);
            talkers
                .entry(id)
                .or_insert_with(|| Talker::new(id, number, protocol))
                .take(event);
            continue;
        }
        match &event.what {
            What::StepStarted { command } => part.command = Some(command),
            What::Output { stream, octets } => part
                .output
                .entry(*stream)
                .or_default()
                .extend_from_slice(octets),
            What::StepEnded(ended) => part.ended = Some(ended),
            _ => part.aside.push(event),
        }
    }
    for (id, talker) in talkers {
        if let Some(part) = home.get(&id).and_then(|step| parts.get_mut(step)) {
            part.talks.push(talker.finish());
        }
    }
    parts.into_values().collect()
}

/// Puts one connection together.
struct Talker<'a> {
    talk: Talk<'a>,
    protocol: Protocol,
    step: u16,
    layer: Layer,
    now: u64,
    /// What the client sent and no turn has yet.
    heard: Vec<u8>,
    /// The beginning of a command that stands in a turn already: it waited for a continuation request.
    told: Vec<u8>,
    /// What the server sent of an unfinished line.
    said: Vec<u8>,
    /// Octets of a literal that the server still owes.
    literal: usize,
    tls_in_clear: bool,
    /// Commands without their answer, so that each can be put before its own.
    asked: VecDeque<Asked<'a>>,
    /// What came after them.
    answering: Vec<Turn<'a>>,
}

/// A command and what it led to.
struct Asked<'a> {
    verb: &'a str,
    turns: Vec<Turn<'a>>,
}

impl<'a> Talker<'a> {
    fn new(id: u32, step: u16, protocol: Protocol) -> Self {
        Self {
            talk: Talk {
                id,
                port: None,
                decoy: false,
                between: Endpoints::default(),
                turns: Vec::new(),
            },
            protocol,
            step,
            layer: Layer::Clear,
            now: 0,
            heard: Vec::new(),
            told: Vec::new(),
            said: Vec::new(),
            literal: 0,
            tls_in_clear: false,
            asked: VecDeque::new(),
            answering: Vec::new(),
        }
    }

    fn take(&mut self, event: &'a Event) {
        self.now = event.at;
        let speaks = matches!(
            event.what,
            What::Received { .. } | What::Sent { .. } | What::Command { .. }
        );
        if speaks && self.step != event.step.max(1) {
            self.flush();
            self.step = event.step.max(1);
            self.push(Is::Step(self.step));
        }
        match &event.what {
            What::Connected {
                port,
                decoy,
                between,
            } => {
                self.talk.port = Some(*port);
                self.talk.decoy = *decoy;
                self.talk.between = *between;
                self.protocol = port.protocol();
            }
            What::Received { layer, octets } => {
                self.enter(*layer);
                self.heard.extend_from_slice(octets);
                if *layer == Layer::Clear && self.heard.starts_with(&[0x16, 3]) {
                    self.begin_tls_in_clear();
                }
            }
            What::Command {
                verb, line, early, ..
            } => self.command(verb, line, *early),
            What::Sent { layer, octets } => {
                self.enter(*layer);
                self.sent(octets);
            }
            What::Responded { verb, .. } => self.answered(verb),
            What::SignIn { .. }
            | What::MessageAccepted { .. }
            | What::MessageRefused { .. }
            | What::Appended { .. } => {
                let turn = self.turn(Is::Event(event));
                match self.asked.back_mut() {
                    Some(asked) => asked.turns.push(turn),
                    None => self.talk.turns.push(turn),
                }
            }
            What::Raw { .. }
            | What::Endpoints { .. }
            | What::TlsSecret { .. }
            | What::Listed { .. }
            | What::Selected { .. }
            | What::MessageRead { .. } => {}
            What::TlsEstablished { .. } => {
                self.flush();
                self.layer = Layer::Tls;
                self.push(Is::Event(event));
            }
            What::ClientClosed { .. } | What::ServerClosed { .. } | What::LingerOver => {
                self.flush();
                self.push(Is::Event(event));
            }
            _ => self.push(Is::Event(event)),
        }
    }

    fn finish(mut self) -> Talk<'a> {
        self.flush();
        self.talk
    }

    fn turn(&self, is: Is<'a>) -> Turn<'a> {
        Turn { at: self.now, is }
    }

    fn push(&mut self, is: Is<'a>) {
        let turn = self.turn(is);
        if self.asked.is_empty() {
            self.talk.turns.push(turn);
        } else {
            self.answering.push(turn);
        }
    }

    /// A command has its answer: both, and whatever was asked before, stand now.
    fn answered(&mut self, verb: &str) {
        if let Some(at) = self.asked.iter().position(|it| it.verb == verb) {
            for asked in self.asked.drain(..=at) {
                self.talk.turns.extend(asked.turns);
            }
            self.talk.turns.append(&mut self.answering);
        }
    }

    /// Whatever was asked will not be answered.
    fn settle(&mut self) {
        for asked in self.asked.drain(..) {
            self.talk.turns.extend(asked.turns);
        }
        self.talk.turns.append(&mut self.answering);
    }

    fn enter(&mut self, layer: Layer) {
        if self.layer != layer {
            self.flush();
            self.layer = layer;
        }
    }

    fn begin_tls_in_clear(&mut self) {
        if !self.tls_in_clear {
            self.tls_in_clear = true;
            self.push(Is::TlsInClear);
        }
        self.heard.clear();
    }

    fn command(&mut self, verb: &'a str, line: &[u8], early: bool) {
        if !early {
            self.settle();
        }
        if verb == "?" && line.starts_with(&[0x16, 3]) {
            self.begin_tls_in_clear();
            return;
        }
        if self.tls_in_clear {
            if verb == "?" {
                self.heard.clear();
                return;
            }
            self.tls_in_clear = false;
        }
        let told = std::mem::take(&mut self.told);
        let fresh = if told.is_empty() {
            line
        } else {
            line.strip_prefix(told.as_slice()).unwrap_or(line)
        };
        let begins = fresh.len() == line.len();
        let octets = self.consume(verb, fresh);
        let turns = if verb == "(data)" {
            vec![self.turn(Is::Block {
                client: true,
                octets,
            })]
        } else {
            self.client_lines(&octets, begins.then_some(verb), early)
        };
        self.asked.push_back(Asked { verb, turns });
    }

    /// Takes the octets of a command out of what was heard, and gives them back whole: an event holds long
    /// data and literals only in part.
    fn consume(&mut self, verb: &str, line: &[u8]) -> Vec<u8> {
        if verb == "(data)" {
            let end = if self.heard.starts_with(b".\r\n") {
                Some(3)
            } else {
                memchr::memmem::find(&self.heard, b"\r\n.\r\n").map(|at| at + 5)
            };
            if let Some(end) = end {
                return self.heard.drain(..end).collect();
            }
            self.heard.clear();
        } else if self.heard.starts_with(line) {
            self.heard.drain(..line.len());
        } else {
            self.heard.clear();
        }
        line.to_vec()
    }

    fn client_lines(&self, octets: &[u8], mut verb: Option<&'a str>, early: bool) -> Vec<Turn<'a>> {
        pieces(self.protocol, octets)
            .into_iter()
            .map(|piece| {
                self.turn(match piece {
                    Piece::Line(line) => Is::Client {
                        octets: line.to_vec(),
                        early: early && verb.is_some(),
                        verb: verb.take(),
                    },
                    Piece::Literal(literal) => Is::Block {
                        client: true,
                        octets: literal.to_vec(),
                    },
                })
            })
            .collect()
    }

    fn sent(&mut self, octets: &[u8]) {
        let asks_for_literal = self.protocol == Protocol::Imap
            && octets.starts_with(b"+")
            && literal_size(&self.heard).is_some();
        if asks_for_literal {
            self.settle();
            let heard = std::mem::take(&mut self.heard);
            let begins = self.told.is_empty().then_some("*");
            let turns = self.client_lines(&heard, begins, false);
            self.talk.turns.extend(turns);
            self.told.extend(heard);
        }
        self.said.extend_from_slice(octets);
        loop {
            if self.literal > 0 {
                if self.said.len() < self.literal {
                    return;
                }
                let literal: Vec<u8> = self.said.drain(..self.literal).collect();
                self.literal = 0;
                self.push(Is::Block {
                    client: false,
                    octets: literal,
                });
            }
            let Some(end) = memchr::memchr(b'\n', &self.said) else {
                return;
            };
            let line: Vec<u8> = self.said.drain(..=end).collect();
            if self.protocol == Protocol::Imap {
                self.literal = literal_size(&line).unwrap_or(0);
            }
            self.server_line(line);
        }
    }

    fn server_line(&mut self, octets: Vec<u8>) {
        if self.tls_in_clear && !is_greeting(&octets) {
            self.push(Is::AnswerToTls { octets });
        } else {
            self.push(Is::Server { octets });
        }
    }

    /// What is left of either side stands where the connection changes or ends.
    fn flush(&mut self) {
        let said = std::mem::take(&mut self.said);
        if !said.is_empty() {
            if std::mem::take(&mut self.literal) > 0 {
                self.push(Is::Block {
                    client: false,
                    octets: said,
                });
            } else {
                self.server_line(said);
            }
        }
        self.settle();
        self.told.clear();
        let heard = std::mem::take(&mut self.heard);
        if !heard.is_empty() {
            let turns = self.client_lines(&heard, None, false);
            self.talk.turns.extend(turns);
        }
    }
}

fn is_greeting(line: &[u8]) -> bool {
    line.starts_with(b"220") || line.starts_with(b"* OK") || line.starts_with(b"* PREAUTH")
}

enum Piece<'a> {
    Line(&'a [u8]),
    Literal(&'a [u8]),
}

/// Lines, and in IMAP the literals between them.
fn pieces(protocol: Protocol, octets: &[u8]) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut rest = octets;
    while !rest.is_empty() {
        let end = memchr::memchr(b'\n', rest).map_or(rest.len(), |at| at + 1);
        let (line, behind) = rest.split_at(end);
        pieces.push(Piece::Line(line));
        rest = behind;
        if protocol == Protocol::Imap
            && let Some(size) = literal_size(line)
        {
            let (literal, behind) = rest.split_at(size.min(rest.len()));
            if !literal.is_empty() {
                pieces.push(Piece::Literal(literal));
            }
            rest = behind;
        }
    }
    pieces
}

/// The size that a line announces at its end (RFC 9051 §4.3).
fn literal_size(line: &[u8]) -> Option<usize> {
    let line = line.strip_suffix(b"\r\n")?.strip_suffix(b"}")?;
    let open = memchr::memrchr(b'{', line)?;
    let digits = std::str::from_utf8(&line[open + 1..]).ok()?;
    digits
        .strip_suffix(['+', '-'])
        .unwrap_or(digits)
        .parse()
        .ok()
}
