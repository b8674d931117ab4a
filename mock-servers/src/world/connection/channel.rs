//! The bare connection under the dialogue: clear, or TLS, and the ways from one to the other.

use std::time::Duration;

use bytes::Bytes;
use mailproof_scenarios::model::{
    Layer, Then, What,
    event::{Direction, SentChain},
};

use super::{
    Connection, Progress,
    queue::{Act, Flight, Item},
};
use crate::{
    script::WireOp,
    wire::{
        mover::{End, Op},
        tls::{Output, Seen, Sniffer},
    },
    world::shared::{Handshake, Shared, Side},
};

const HANDSHAKE: u8 = 0x16;

/// What the octets on the connection are.
pub(super) enum Channel {
    /// In clear, with an eye on TLS that nobody asked for.
    Clear(Sniffer),
    /// The go-ahead for TLS is not out yet; these octets belong behind it.
    Upgrading(Vec<u8>),
    /// TLS.
    Tls(Box<Tls>),
}

/// TLS on a connection.
pub(super) struct Tls {
    handshake: Handshake,
    /// Whether it began with the connection.
    implicit: bool,
    established: bool,
    /// Whether the client has said anything inside.
    used: bool,
}

impl Handshake {
    /// Adds what octets of the server are evidence of.
    fn shown(&mut self, output: &Output, events: &mut Vec<What>, proves: &mut Vec<u16>) {
        if output.certificate {
            events.push(What::ServedChain(SentChain {
                fault: self.chain.fault,
                variant: self.chain.variant,
                host: self.made_for,
                leaf: self.chain.fingerprint(),
            }));
            proves.extend(self.chain_proof.take());
        }
        if output.deviates {
            proves.extend(self.tls_proof.take());
        }
    }

    /// Who does not name the host may get another chain.
    fn heard(&mut self, sni: Option<&str>) {
        let named = |host: &String| sni.is_some_and(|it| it.eq_ignore_ascii_case(host));
        if let Some(other) = self.strangers.take()
            && !self.chain.names.dns.first().is_some_and(named)
        {
            self.chain = other;
        }
    }
}

impl Channel {
    pub(super) fn layer(&self) -> Layer {
        match self {
            Channel::Tls(tls) if tls.established => Layer::Tls,
            _ => Layer::Clear,
        }
    }

    pub(super) fn is_clear(&self) -> bool {
        matches!(self, Channel::Clear(_))
    }

    pub(super) fn is_upgrading(&self) -> bool {
        matches!(self, Channel::Upgrading(_))
    }
}

impl Connection {
    /// Takes octets of the bare connection.
    pub(super) fn arrived(&mut self, octets: &[u8], shared: &mut Shared) {
        let seen = match &mut self.channel {
            Channel::Clear(sniffer) => sniffer.arrived(octets),
            Channel::Upgrading(held) => {
                if !held.is_empty() || octets.first() == Some(&HANDSHAKE) {
                    held.extend_from_slice(octets);
                } else {
                    self.discard(octets, shared);
                }
                return;
            }
            Channel::Tls(tls) => match &mut tls.handshake.side {
                Side::Session(session) => session.arrived(octets),
                Side::Flight(flight) => flight.arrived(octets),
            },
        };
        self.saw(seen, shared);
    }

    /// The client will say nothing more.
    pub(super) fn ended(&mut self, shared: &mut Shared) {
        let seen = match &mut self.channel {
            Channel::Clear(sniffer) => sniffer.ended(),
            Channel::Upgrading(held) => vec![Seen::Raw(std::mem::take(held))],
            Channel::Tls(tls) => match &mut tls.handshake.side {
                Side::Session(session) => session.ended(),
                Side::Flight(flight) => flight.ended(),
            },
        };
        for seen in seen {
            match seen {
                Seen::Raw(octets) if octets.is_empty() => {}
                Seen::Raw(octets) => self.raw(octets, shared),
                Seen::Clear(octets) => self.discard(&octets, shared),
                Seen::Failed(error) => self.record(shared, What::TlsFailed { error }),
                _ => {}
            }
        }
    }

    /// TLS begins now: everything before it has left.
    pub(super) fn start_tls(&mut self, implicit: bool, shared: &mut Shared) {
        let held = match &mut self.channel {
            Channel::Upgrading(held) => std::mem::take(held),
            _ => Vec::new(),
        };
        let scene = self.scene(shared);
        match shared.handshake(scene.as_ref()) {
            Ok(handshake) => {
                self.channel = Channel::Tls(Box::new(Tls {
                    handshake,
                    implicit,
                    established: false,
                    used: false,
                }));
                if !held.is_empty() {
                    self.arrived(&held, shared);
                }
            }
            Err(error) => {
                self.record(shared, What::HarnessFailed { error });
                self.end_with(WireOp::Fin, Vec::new());
            }
        }
    }

    /// Octets that a server must not heed (RFC 3207 §4.2), but that were said.
    pub(super) fn discard(&self, octets: &[u8], shared: &Shared) {
        self.record(
            shared,
            What::Received {
                layer: Layer::Clear,
                octets: octets.to_vec(),
            },
        );
    }

    /// Begins with the next item; the operation, if it takes one.
    pub(super) fn begin(&mut self, item: Item, shared: &mut Shared) -> Option<Op> {
        let mut flight = Flight {
            events: item.events,
            proves: item.proves,
            answers: item.answers,
            idles: item.idles,
            ..Flight::default()
        };
        let op = match item.act {
            Act::Wire(WireOp::Write(octets)) => self.write(octets, &mut flight),
            Act::Clear(octets) => write_clear(octets, &mut flight),
            Act::Tls => {
                let mut output = self.tls_output();
                if let Some(then) = output.end.take() {
                    self.break_off(then, &output, shared);
                }
                self.ready(output, None, &mut flight)?
            }
            Act::Ready(output, said) => self.ready(output, said, &mut flight)?,
            Act::Wire(WireOp::Gap(ms)) => {
                flight.waits = true;
                Op::Wait(Duration::from_millis(ms))
            }
            Act::Wire(WireOp::Hold(ms)) => {
                shared.deviated(self.id, &std::mem::take(&mut flight.proves));
                flight.waits = true;
                Op::Wait(Duration::from_millis(ms))
            }
            Act::Wire(WireOp::StopReading(resume)) => {
                self.deaf |= resume.is_none();
                Op::StopReading(resume.map(Duration::from_millis))
            }
            Act::Wire(WireOp::Fin) => Op::End(ends(&mut flight, End::Fin)),
            Act::Wire(WireOp::Reset) => Op::End(ends(&mut flight, End::Reset)),
            Act::Wire(WireOp::Vanish) => {
                if !self.vanished {
                    self.vanishes(&mut flight);
                }
                flight.resets = true;
                Op::End(End::Vanish)
            }
            Act::Wire(other) => {
                shared.deviated(self.id, &flight.proves);
                self.at_once(&other, shared);
                return None;
            }
        };
        let op = match op {
            Op::Write(octets, None) => Op::Write(octets, self.ends_at_once(&mut flight)),
            op => op,
        };
        self.queue.fly(flight);
        Some(op)
    }

    /// An end right behind a write is a part of it, so that nobody can answer in between.
    fn ends_at_once(&mut self, flight: &mut Flight) -> Option<End> {
        let end = match self.queue.next()? {
            Act::Wire(WireOp::Fin) => End::Fin,
            Act::Wire(WireOp::Reset) => End::Reset,
            Act::Wire(WireOp::Vanish) => {
                // It takes a while, but begins now.
                let item = self.queue.pop()?;
                flight.proves.extend(item.proves);
                self.vanishes(flight);
                self.queue
                    .push_front(Item::wire(WireOp::Vanish, Vec::new()));
                return Some(End::Deaf);
            }
            _ => return None,
        };
        let item = self.queue.pop()?;
        flight.proves.extend(item.proves);
        Some(ends(flight, end))
    }

    /// The handshake ends here, or behind the octets that are about to leave.
    fn break_off(&mut self, then: Then, output: &Output, shared: &mut Shared) {
        let mut proves = Vec::new();
        if output.octets.is_empty()
            && let Channel::Tls(tls) = &mut self.channel
        {
            proves.extend(tls.handshake.tls_proof.take());
        }
        let op = match then {
            Then::Fin => WireOp::Fin,
            Then::Reset => WireOp::Reset,
            Then::Vanish => WireOp::Vanish,
            _ => {
                shared.deviated(self.id, &proves);
                return;
            }
        };
        self.muted = true;
        self.progress = Progress::Unsent;
        self.queue.push_front(Item::wire(op, proves));
    }

    fn vanishes(&mut self, flight: &mut Flight) {
        self.vanished = true;
        flight.events.push(What::ServerVanished);
    }

    /// What needs no operation.
    fn at_once(&mut self, op: &WireOp, shared: &mut Shared) {
        match op {
            WireOp::StartTls => self.start_tls(false, shared),
            WireOp::StayClear => self.stay_clear(shared),
            WireOp::Close => {
                self.queue.push_front(Item::wire(WireOp::Fin, Vec::new()));
                if let Channel::Tls(tls) = &mut self.channel
                    && let Side::Session(session) = &mut tls.handshake.side
                {
                    session.close();
                    self.queue.push_front(Item::new(Act::Tls));
                }
            }
            _ => {}
        }
    }

    fn write(&mut self, octets: Vec<u8>, flight: &mut Flight) -> Op {
        if let Channel::Tls(tls) = &mut self.channel
            && let Side::Session(session) = &mut tls.handshake.side
        {
            session.say(&octets);
            if matches!(self.queue.next(), Some(Act::Wire(WireOp::Close))) {
                // The goodbye goes with the last words.
                self.queue.pop();
                session.close();
                self.queue.push_front(Item::wire(WireOp::Fin, Vec::new()));
            }
            let output = session.output();
            return self.sealed(output, Some(octets), flight);
        }
        if matches!(self.queue.next(), Some(Act::Wire(WireOp::Close))) {
            self.queue.pop();
            self.queue.push_front(Item::wire(WireOp::Fin, Vec::new()));
        }
        write_clear(octets, flight)
    }

    fn ready(&mut self, output: Output, said: Option<Vec<u8>>, flight: &mut Flight) -> Option<Op> {
        (!output.octets.is_empty()).then(|| self.sealed(output, said, flight))
    }

    /// Octets of TLS leave: what they are evidence of.
    fn sealed(&mut self, output: Output, said: Option<Vec<u8>>, flight: &mut Flight) -> Op {
        let mut events = vec![What::Raw {
            from: Direction::Server,
            octets: output.octets.clone(),
        }];
        flight.octets = output.octets.len() + said.as_ref().map_or(0, Vec::len);
        if let Some(octets) = said {
            events.push(What::Sent {
                layer: Layer::Tls,
                octets,
            });
        }
        if let Channel::Tls(tls) = &mut self.channel {
            tls.handshake
                .shown(&output, &mut events, &mut flight.proves);
        }
        events.extend(output.alerts.into_iter().map(What::Alert));
        events.append(&mut flight.events);
        flight.events = events;
        Op::Write(Bytes::from(output.octets), None)
    }

    fn tls_output(&mut self) -> Output {
        match &mut self.channel {
            Channel::Tls(tls) => match &mut tls.handshake.side {
                Side::Session(session) => session.output(),
                Side::Flight(flight) => flight.output(),
            },
            _ => Output::default(),
        }
    }

    fn saw(&mut self, all: Vec<Seen>, shared: &mut Shared) {
        let was_tls = matches!(self.channel, Channel::Tls(_));
        for seen in all {
            match seen {
                Seen::Raw(octets) => self.raw(octets, shared),
                Seen::Alert(alert) => self.record(shared, What::Alert(alert)),
                Seen::Secret(line) => self.record(shared, What::TlsSecret { line }),
                Seen::KeyExchange => self.record(shared, What::KeyExchange),
                Seen::Hello(hello) => {
                    let sni = hello.sni.clone();
                    self.record(shared, What::ClientHello(hello));
                    self.answer_hello(sni.as_deref(), shared);
                }
                Seen::Early(octets) => self.record(shared, What::EarlyData { octets }),
                Seen::Established {
                    version,
                    suite,
                    resumed,
                } => {
                    self.record(
                        shared,
                        What::TlsEstablished {
                            version,
                            suite,
                            resumed,
                        },
                    );
                    self.established(shared);
                }
                Seen::Application(octets) => self.inside(&octets, shared),
                Seen::Failed(error) => {
                    self.record(shared, What::TlsFailed { error });
                    self.tls_failed(shared);
                }
                Seen::CloseNotify => self.tls_closed(shared),
                // Behind the end of TLS there may be more of it: an alert, say.
                Seen::Clear(octets) if was_tls => self.arrived(&octets, shared),
                Seen::Clear(octets) => self.clear(&octets, shared),
            }
        }
        if matches!(self.channel, Channel::Tls(_)) {
            self.queue.push(Item::new(Act::Tls));
        }
    }

    fn raw(&self, octets: Vec<u8>, shared: &Shared) {
        self.record(
            shared,
            What::Raw {
                from: Direction::Client,
                octets,
            },
        );
    }

    fn answer_hello(&mut self, sni: Option<&str>, shared: &mut Shared) {
        let Channel::Tls(tls) = &mut self.channel else {
            self.hello_in_clear(shared);
            return;
        };
        tls.handshake.heard(sni);
        if let Some((index, (text, hold_ms))) = tls.handshake.before_hello.take() {
            let mut proves = vec![index];
            if !text.is_empty() {
                let fill = self.engine.as_ref().map(|it| it.fill());
                self.queue.push(Item {
                    proves: std::mem::take(&mut proves),
                    ..Item::new(Act::Clear(text.render(&fill.unwrap_or_default())))
                });
            }
            if hold_ms > 0 {
                self.queue.push(Item::wire(WireOp::Hold(hold_ms), proves));
            }
        }
    }

    fn established(&mut self, shared: &mut Shared) {
        let Channel::Tls(tls) = &mut self.channel else {
            return;
        };
        tls.established = true;
        let implicit = tls.implicit;
        // What TLS still has to say (tickets) goes first, in a write of its own.
        self.queue.push(Item::new(Act::Tls));
        if implicit {
            self.greet(Vec::new(), shared);
        } else {
            self.say_at_tls_start(shared);
        }
    }

    fn inside(&mut self, octets: &[u8], shared: &mut Shared) {
        if let Channel::Tls(tls) = &mut self.channel
            && !std::mem::replace(&mut tls.used, true)
            && !tls.implicit
            && let Some(engine) = &mut self.engine
        {
            // Only now: a client that leaves without a word inside has not used TLS.
            engine.tls_started();
        }
        self.record(
            shared,
            What::Received {
                layer: Layer::Tls,
                octets: octets.to_vec(),
            },
        );
        if let Some(engine) = &mut self.engine {
            engine.feed(octets);
        }
        self.process(shared);
    }

    /// An error ended TLS. Behind STARTTLS the server is in clear again, as if it had never been asked, so
    /// that a client that carries on is heard; elsewhere it closes.
    fn tls_failed(&mut self, shared: &mut Shared) {
        let mut output = self.tls_output();
        let Channel::Tls(tls) = &mut self.channel else {
            return;
        };
        let end = output.end.take();
        let back = !tls.implicit && !tls.established && end.is_none();
        let (mut events, mut proves) = (Vec::new(), Vec::new());
        tls.handshake.shown(&output, &mut events, &mut proves);
        let item = Item {
            events,
            proves,
            ..Item::new(Act::Ready(output, None))
        };
        // What was to be said inside can no longer be said.
        self.queue.clear();
        self.queue.push(item);
        self.channel = Channel::Clear(Sniffer::default());
        if back {
            self.stay_clear(shared);
        } else {
            self.engine = None;
            match end {
                Some(Then::Silence) => self.muted = true,
                Some(Then::Reset) => self.end_with(WireOp::Reset, Vec::new()),
                _ => self.end_with(WireOp::Fin, Vec::new()),
            }
        }
    }

    /// The client said goodbye to TLS.
    fn tls_closed(&mut self, shared: &mut Shared) {
        let Channel::Tls(tls) = &mut self.channel else {
            return;
        };
        let back = !tls.implicit && !tls.used;
        if let Side::Session(session) = &mut tls.handshake.side {
            for mut item in self.queue.take() {
                // What is still to be said was meant for inside.
                if let Act::Wire(WireOp::Write(octets)) = item.act {
                    session.say(&octets);
                    item.act = Act::Ready(session.output(), Some(octets));
                }
                self.queue.push(item);
            }
            session.close();
            let goodbye = session.output();
            self.queue.push(Item::new(Act::Ready(goodbye, None)));
        }
        self.channel = Channel::Clear(Sniffer::default());
        if back {
            self.stay_clear(shared);
        } else {
            self.engine = None;
            if !self.muted {
                self.end_with(WireOp::Fin, Vec::new());
            }
        }
    }

    fn stay_clear(&mut self, shared: &mut Shared) {
        if !matches!(self.channel, Channel::Clear(_)) {
            self.channel = Channel::Clear(Sniffer::default());
        }
        if let Some(engine) = &mut self.engine {
            engine.tls_abandoned();
        }
        self.process(shared);
    }
}

fn write_clear(octets: Vec<u8>, flight: &mut Flight) -> Op {
    flight.octets = octets.len();
    flight.events.insert(
        0,
        What::Sent {
            layer: Layer::Clear,
            octets: octets.clone(),
        },
    );
    Op::Write(Bytes::from(octets), None)
}

fn ends(flight: &mut Flight, end: End) -> End {
    let reset = end == End::Reset;
    flight.events.push(What::ServerClosed { reset });
    flight.resets |= reset;
    end
}
