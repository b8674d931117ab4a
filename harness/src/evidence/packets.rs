//! The events of a record as packets: connections, chunks, ends, attempts, and where deviations acted.

use std::{
    collections::{BTreeMap, HashMap},
    io,
    net::{IpAddr, Ipv4Addr, SocketAddr},
};

use mailproof_scenarios::model::{
    Action, Event, Layer, PortRole, PortState, What, event::Direction,
};

use super::stream::{End, Segment, Stream};
use crate::{judge::describe_deviation, report::text, results::Record};

/// The first port that nobody has registered (RFC 6335 §6).
const FIRST_FREE: u16 = 49152;

/// One packet.
pub(super) struct Packet<'a> {
    /// Microseconds since 1970-01-01T00:00:00Z.
    pub(super) at: u64,
    segment: Segment<'a>,
    /// What people should know of it.
    pub(super) comments: Vec<String>,
}

impl Packet<'_> {
    /// Its octets, IP header first.
    ///
    /// # Errors
    /// As [`Segment::packet`].
    pub(super) fn octets(&self) -> io::Result<Vec<u8>> {
        self.segment.packet()
    }
}

/// All packets of a record, in the order of its events.
pub(super) fn of(record: &Record) -> Vec<Packet<'_>> {
    let events = &record.log.events;
    let mut maker = Maker {
        record,
        began: 0,
        ends: events.iter().filter_map(ends).collect(),
        streams: BTreeMap::new(),
        last: HashMap::new(),
        attempts: 0,
        packets: Vec::new(),
    };
    for (index, event) in events.iter().enumerate() {
        maker.take(event, &events[index + 1..]);
    }
    maker.packets
}

fn ends(event: &Event) -> Option<(u32, (SocketAddr, SocketAddr))> {
    match &event.what {
        What::Endpoints { client, server } => Some((event.conn?, (*client, *server))),
        _ => None,
    }
}

struct Maker<'a> {
    record: &'a Record,
    /// The civil time at which the clock of the events began.
    began: u64,
    ends: HashMap<u32, (SocketAddr, SocketAddr)>,
    streams: BTreeMap<u32, Stream>,
    /// The last packet of each connection; of attempts under `None`.
    last: HashMap<Option<u32>, usize>,
    attempts: u16,
    packets: Vec<Packet<'a>>,
}

impl<'a> Maker<'a> {
    fn take(&mut self, event: &'a Event, later: &[Event]) {
        match &event.what {
            What::WorldStarted { civil, .. } => self.began = civil.saturating_sub(event.at),
            What::Attempted { port, .. } => self.attempted(event, *port, later),
            What::Connected { port, .. } => self.connected(event, *port),
            What::Received {
                layer: Layer::Clear,
                octets,
            }
            | What::Raw {
                from: Direction::Client,
                octets,
            } => self.said(event, End::Client, octets),
            What::Sent {
                layer: Layer::Clear,
                octets,
            }
            | What::Raw {
                from: Direction::Server,
                octets,
            } => self.said(event, End::Server, octets),
            What::ClientClosed { reset } => self.ended(event, End::Client, *reset),
            What::ServerClosed { reset } => self.ended(event, End::Server, *reset),
            What::Deviated { index } => self.deviated(event, *index),
            What::LingerOver => {
                self.remark(
                    event.conn,
                    "Behind this, the mock stopped listening.".to_owned(),
                );
            }
            _ => {}
        }
    }

    fn connected(&mut self, event: &Event, port: PortRole) {
        let Some(conn) = event.conn else { return };
        let known = self.ends.get(&conn).copied();
        let (client, server) = known.unwrap_or_else(|| {
            let offset = u16::try_from(conn % 16_000).unwrap_or(0);
            made_up(FIRST_FREE + offset, port)
        });
        let mut stream = Stream::new(client, SocketAddr::new(server.ip(), port.number()));
        let first = stream.open();
        self.push(event, first);
        let here = match known {
            Some((_, server)) => format!("the port was {} in the test", server.port()),
            None => "the addresses were not recorded and are made up".to_owned(),
        };
        self.remark(event.conn, format!("Connection {conn} to {port}; {here}."));
        for segment in stream.accept() {
            self.push(event, segment);
        }
        self.streams.insert(conn, stream);
    }

    /// A SYN to a port that refuses (RST) or drops (nothing).
    fn attempted(&mut self, event: &Event, port: PortRole, later: &[Event]) {
        self.attempts = self.attempts.wrapping_add(1);
        let (client, server) = made_up(FIRST_FREE.wrapping_sub(self.attempts), port);
        let mut stream = Stream::new(client, server);
        let first = stream.open();
        self.push(event, first);
        let answer = match self.state(port, later) {
            Some(PortState::Refused) => "refused by the kernel",
            Some(PortState::Blackhole) => "dropped by the kernel",
            _ => "not let in by the kernel",
        };
        self.remark(
            None,
            format!(
                "An attempt to {port}, {answer}; the client's address was not recorded and is made up."
            ),
        );
        if self.state(port, later) == Some(PortState::Refused)
            && let Some(reset) = stream.end(End::Server, true)
        {
            let syn = self.last.get(&None).copied();
            self.push(event, reset);
            // What is said of the attempt is said of its SYN.
            self.last.extend(syn.map(|it| (None, it)));
        }
    }

    /// How a closed port behaved: as the deviation says whose proof the attempt is, or as the base.
    fn state(&self, port: PortRole, later: &[Event]) -> Option<PortState> {
        let next = later.iter().find(|it| it.conn.is_none());
        if let Some(What::Deviated { index }) = next.map(|it| &it.what)
            && let Some(deviation) = self.record.case.deviations().get(usize::from(*index))
            && let Action::Port(change) = &deviation.action
        {
            return Some(change.is);
        }
        let mut ports = self.record.case.setup.ports.iter();
        ports.find(|(role, _)| *role == port).map(|(_, is)| *is)
    }

    fn said(&mut self, event: &Event, from: End, octets: &'a [u8]) {
        for segment in self.stream(event, |it| it.say(from, octets)) {
            self.push(event, segment);
        }
    }

    fn ended(&mut self, event: &Event, end: End, reset: bool) {
        if let Some(segment) = self.stream(event, |it| it.end(end, reset)) {
            self.push(event, segment);
        }
    }

    fn deviated(&mut self, event: &Event, index: u16) {
        let deviation = self.record.case.deviations().get(usize::from(index));
        let what = deviation.map_or_else(|| "unknown".to_owned(), describe_deviation);
        let remark = format!("deviation {index}: {}", text::line(&what));
        self.remark(event.conn, remark);
    }

    /// Asks the connection of an event; nothing where the record does not say that it came to be.
    fn stream<T: Default>(&mut self, event: &Event, ask: impl FnOnce(&mut Stream) -> T) -> T {
        let stream = event.conn.and_then(|conn| self.streams.get_mut(&conn));
        stream.map(ask).unwrap_or_default()
    }

    fn push(&mut self, event: &Event, segment: Segment<'a>) {
        self.last.insert(event.conn, self.packets.len());
        self.packets.push(Packet {
            at: self.began.saturating_add(event.at),
            segment,
            comments: Vec::new(),
        });
    }

    /// Says something of the last packet of a connection.
    fn remark(&mut self, conn: Option<u32>, remark: String) {
        let last = self.last.get(&conn).copied();
        if let Some(packet) = last.and_then(|it| self.packets.get_mut(it)) {
            packet.comments.push(remark);
        }
    }
}

/// Addresses where none were recorded.
fn made_up(client: u16, server: PortRole) -> (SocketAddr, SocketAddr) {
    let here = IpAddr::V4(Ipv4Addr::LOCALHOST);
    (
        SocketAddr::new(here, client),
        SocketAddr::new(here, server.number()),
    )
}
