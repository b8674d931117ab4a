//! The one task that owns everything of a case: doors, connections, engines, sessions, mailboxes, the log.
//!
//! Movers and watchers only send messages; what they mean is decided here, one after the other.

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
    time::Duration,
};

use mailproof_scenarios::model::{
    Canaries, Case, Endpoints, Job, Layer, PortRole, PortState, Step, Transport, What,
};
use tokio::{
    net::TcpStream,
    sync::{
        mpsc::{Receiver, Sender, UnboundedSender, unbounded_channel},
        oneshot,
    },
    time::Instant,
};

use super::{
    Place, WorldError,
    connection::{Connection, Opening, printed},
    engines::Engines,
    names,
    ports::Ports,
    shared::Shared,
};
use crate::{
    dns,
    script::Scene,
    wire::{
        dns_port::DnsPort,
        icmp::{self, Unreachable},
        mover::{self, Moved, Op, Tried},
        port::{Accepted, Door, Ends},
        witness::{Attempts, Witness},
    },
};

/// Connections that are told of in a case, where fewer are served.
const TOLD: u32 = 10_000;

/// Questions to the DNS that are told of in a case. What comes behind is answered all the same.
const QUESTIONS_TOLD: u32 = 10_000;

/// What the owner is told.
pub(crate) enum Message {
    /// There may be something to accept.
    Knocked,
    /// There may be packets to look at.
    Packets,
    /// There may be questions to the DNS.
    Asked,
    /// A question to the DNS that came on a connection, and where its answer goes.
    Question(Vec<u8>, oneshot::Sender<Option<Vec<u8>>>),
    /// Something happened on a connection.
    Moved(u32, Moved),
    /// A step begins.
    Begin(u16, oneshot::Sender<()>),
    /// Tell when nothing is open any more.
    Settle {
        /// Whether connections stay open when the time is over.
        keeps: bool,
        /// Whom.
        done: oneshot::Sender<()>,
    },
    /// Close everything.
    Finish(oneshot::Sender<()>),
}

/// The owner.
pub(crate) struct Owner {
    case: Arc<Case>,
    place: Place,
    steps: Vec<Step>,
    engines: Engines,
    shared: Shared,
    ports: Ports,
    dns: Option<DnsPort>,
    questions: u32,
    witness: Option<Arc<Witness>>,
    attempts: Attempts,
    linger: Duration,
    /// Connections that are served. What comes behind is reset.
    served: u32,
    myself: Sender<Message>,
    live: BTreeMap<u32, Live>,
    /// Connections whose clients must not hear that nobody holds them any more.
    vanished: Vec<Arc<TcpStream>>,
    /// Connections of the case, and of the running step, so far.
    connections: u32,
    ordinal: u16,
    settling: Option<Settling>,
}

struct Live {
    connection: Connection,
    stream: Arc<TcpStream>,
    ops: UnboundedSender<Op>,
}

struct Settling {
    until: Instant,
    keeps: bool,
    waiting: Vec<oneshot::Sender<()>>,
}

impl Owner {
    #[expect(clippy::too_many_arguments, reason = "it owns everything")]
    pub(crate) fn new(
        case: Arc<Case>,
        place: Place,
        steps: Vec<Step>,
        engines: Engines,
        shared: Shared,
        ports: Ports,
        dns: Option<DnsPort>,
        witness: Option<Witness>,
        linger: Duration,
        served: u32,
        myself: Sender<Message>,
    ) -> Self {
        Self {
            case,
            place,
            steps,
            engines,
            shared,
            ports,
            dns,
            questions: 0,
            witness: witness.map(Arc::new),
            attempts: Attempts::default(),
            linger,
            served,
            myself,
            live: BTreeMap::new(),
            vanished: Vec::new(),
            connections: 0,
            ordinal: 0,
            settling: None,
        }
    }

    /// Works until the world is dropped or told to finish.
    pub(crate) async fn run(mut self, mut messages: Receiver<Message>) {
        let watcher = self.watch_packets();
        let finished = loop {
            let until = self.settling.as_ref().map(|it| it.until);
            tokio::select! {
                biased;
                message = messages.recv() => match message {
                    None => break None,
                    Some(Message::Finish(done)) => break Some(done),
                    Some(message) => self.handle(message),
                },
                () = at(until) => self.linger_over(),
            }
            self.look_if_settled();
        };
        if let Some(watcher) = watcher {
            watcher.abort();
        }
        if let Some(done) = finished {
            self.drain();
            let witness = self.witness.take();
            if let Some(dns) = self.dns.take() {
                dns.close().await;
            }
            drop(self);
            let _ = done.send(());
            // The kernel takes its time over it.
            tokio::task::spawn_blocking(move || drop(witness));
        }
    }

    /// Opens and closes doors for the next connection.
    pub(crate) fn open_doors(&mut self) -> Result<(), WorldError> {
        let Self {
            ports,
            place,
            shared,
            case,
            steps,
            ordinal,
            ..
        } = self;
        let next = ordinal.saturating_add(1);
        let source = step_of(steps, shared.step).map_or(1, |it| it.source);
        ports.set_doors(|role, server| {
            let between = coming(place, server, source);
            match state(case, steps, shared, role, next, between).0 {
                PortState::Refused => Door::Refusing,
                PortState::Blackhole => Door::Dropping,
                PortState::Unreachable => Door::Answered(Unreachable::Host),
                PortState::Prohibited => Door::Answered(Unreachable::Prohibited),
                _ => Door::Open,
            }
        })
    }

    fn handle(&mut self, message: Message) {
        match message {
            Message::Knocked => self.accept_all(),
            Message::Packets => self.look_at_packets(),
            Message::Asked => self.answer_questions(),
            Message::Question(question, answer) => {
                // Whoever asked may have gone.
                let _ = answer.send(self.answer(&question, Transport::Tcp));
            }
            Message::Moved(id, moved) => self.moved(id, moved),
            Message::Begin(step, done) => {
                self.begin_step(step);
                let _ = done.send(());
            }
            Message::Settle { keeps, done } => {
                self.drain();
                // Closing with octets that nobody read is a reset.
                self.leave(Connection::is_deaf, &What::ServerClosed { reset: true });
                let until = Instant::now() + self.linger;
                let settling = self.settling.get_or_insert_with(|| Settling {
                    until,
                    keeps,
                    waiting: Vec::new(),
                });
                settling.waiting.push(done);
            }
            // Ends the loop before it comes here.
            Message::Finish(_) => {}
        }
    }

    fn begin_step(&mut self, step: u16) {
        self.drain();
        self.shared.recorder.begin_step(step);
        self.shared.step = step;
        self.ordinal = 0;
        let job = self.step().map(|it| it.job);
        self.shared.awaits_mail = job == Some(Job::Idle);
        self.renew_doors();
    }

    /// Takes everything that the kernel has for this case and nobody was told of yet.
    fn drain(&mut self) {
        self.answer_questions();
        self.look_at_packets();
        self.accept_all();
    }

    fn answer_questions(&mut self) {
        while let Some((question, from)) = self.dns.as_ref().and_then(DnsPort::take) {
            let answer = self.answer(&question, Transport::Udp);
            if let (Some(dns), Some(octets)) = (&self.dns, answer) {
                dns.send(&octets, from);
            }
        }
    }

    /// What the DNS answers.
    fn answer(&mut self, question: &[u8], over: Transport) -> Option<Vec<u8>> {
        let base = || self.case.setup.dns.iter();
        let changes = || self.shared.script.dns(self.shared.step);
        let zone = names::zone(
            &self.place,
            base().chain(changes().map(|(_, change)| change)),
        );
        let answer = dns::respond(&zone, question, over)?;
        let usual = || dns::respond(&names::zone(&self.place, base()), question, over);
        let is_changed = changes().next().is_some();
        let deviates = is_changed && usual().is_none_or(|it| it.says != answer.says);
        self.questions = self.questions.saturating_add(1);
        if self.questions <= QUESTIONS_TOLD {
            self.shared.recorder.record(What::Queried {
                name: answer.name,
                kind: answer.kind,
                over,
                answer: answer.says,
            });
            for (index, _) in changes().filter(|_| deviates) {
                self.shared.recorder.record(What::Deviated { index });
            }
        }
        Some(answer.octets)
    }

    fn accept_all(&mut self) {
        loop {
            match self.ports.accept() {
                Ok(Some((role, decoy, accepted))) => self.accepted(role, decoy, accepted),
                Ok(None) => return,
                Err(error) => {
                    self.harness_failed(&error);
                    return;
                }
            }
        }
    }

    fn accepted(&mut self, role: PortRole, decoy: bool, accepted: Accepted) {
        self.connections = self.connections.saturating_add(1);
        let id = self.connections;
        let client = accepted
            .ends
            .map_or(IpAddr::V4(Ipv4Addr::LOCALHOST), |it| it.client.ip());
        let between = self.place.endpoints(accepted.server, client);
        let told = id <= TOLD.max(self.served);
        if told {
            let what = What::Connected {
                port: role,
                decoy,
                between,
            };
            self.shared.recorder.record_on(id, what);
        }
        if id > self.served {
            if told {
                let what = What::ServerClosed { reset: true };
                self.shared.recorder.record_on(id, what);
            }
            accepted.reset();
            return;
        }
        let (mut port, mut proof, mut changes, mut ordinal) =
            (PortState::Open, None, Vec::new(), None);
        if !decoy {
            self.ordinal = self.ordinal.saturating_add(1);
            ordinal = Some(self.ordinal);
            (port, proof) = self.state(role, self.ordinal, between);
            // The kernel was faster than the door.
            port = match port {
                PortState::Refused => PortState::Reset,
                PortState::Blackhole | PortState::Unreachable | PortState::Prohibited => {
                    PortState::Silent
                }
                other => other,
            };
            let scene = scene(&self.shared, role, self.ordinal, between);
            changes = self.shared.script.capabilities(&scene);
            self.came(role, between);
        }
        if let Some(Ends { client, server }) = accepted.ends {
            let what = What::Endpoints { client, server };
            self.shared.recorder.record_on(id, what);
        }
        let client = printed(client);
        let recipients = self.recipients();
        let engine = self
            .engines
            .make(role, port, id, &client, &changes, &recipients);
        let stream = match TcpStream::from_std(accepted.stream) {
            Ok(stream) => Arc::new(stream),
            Err(source) => {
                let error = WorldError::Listen {
                    role,
                    port: 0,
                    source,
                };
                self.harness_failed(&error);
                return;
            }
        };
        let (ops, orders) = unbounded_channel();
        let wrap = move |moved| Message::Moved(id, moved);
        let reports = self.myself.clone();
        tokio::spawn(mover::run(stream.clone(), orders, reports, wrap));
        let opening = Opening {
            id,
            role,
            ordinal,
            between,
            state: port,
            proof,
            engine,
            changes,
        };
        let connection = Connection::open(opening, &mut self.shared);
        let live = Live {
            connection,
            stream,
            ops,
        };
        self.live.insert(id, live);
        self.go_on(id);
    }

    fn moved(&mut self, id: u32, moved: Moved) {
        let Some(live) = self.live.get_mut(&id) else {
            return;
        };
        let connection = &mut live.connection;
        match moved {
            Moved::Octets(octets) => connection.octets(&octets, &mut self.shared),
            Moved::Eof => connection.eof(&mut self.shared),
            Moved::Broken { reset } => connection.broken(reset, &mut self.shared),
            Moved::Done { ok } => connection.done(ok, &mut self.shared),
        }
        self.go_on(id);
        if std::mem::take(&mut self.shared.mail_arrived) {
            let all: Vec<u32> = self.live.keys().copied().collect();
            for id in all {
                if let Some(live) = self.live.get_mut(&id) {
                    live.connection.poll(&mut self.shared);
                }
                self.go_on(id);
            }
        }
    }

    /// Lets a connection do what it can do now, and forgets it when it is over.
    fn go_on(&mut self, id: u32) {
        let Some(live) = self.live.get_mut(&id) else {
            return;
        };
        // Nobody else records anything between the moment when octets leave and the event that says so.
        let recorder = self.shared.recorder.clone();
        let alone = recorder.alone();
        while let Some(op) = live.connection.next_op(&mut self.shared) {
            match mover::now(&live.stream, op) {
                Tried::Done { ok } => live.connection.done(ok, &mut self.shared),
                Tried::Later(rest) => {
                    if live.ops.send(rest).is_err() {
                        live.connection.done(false, &mut self.shared);
                    }
                }
            }
        }
        drop(alone);
        if live.connection.is_over()
            && let Some(live) = self.live.remove(&id)
            && live.connection.has_vanished()
        {
            self.vanished.push(live.stream);
        }
    }

    fn look_at_packets(&mut self) {
        let Some(witness) = &self.witness else {
            return;
        };
        for knock in witness.take(&mut self.attempts) {
            let Some((role, door)) = self.ports.closed(knock.to) else {
                continue;
            };
            let (server, client) = (knock.to.ip(), knock.from.ip());
            if knock.is_new {
                self.attempted(role, self.place.endpoints(server, client));
            }
            if let Door::Answered(why) = door
                && let Err(error) = icmp::answer(&knock.packet, client, server, why)
            {
                let error = format!("cannot answer by ICMP: {error}");
                self.shared.recorder.record(What::HarnessFailed { error });
            }
        }
    }

    fn attempted(&mut self, role: PortRole, between: Endpoints) {
        let recorder = self.shared.recorder.clone();
        recorder.record(What::Attempted {
            port: role,
            between,
        });
        self.ordinal = self.ordinal.saturating_add(1);
        if let (_, Some(index)) = self.state(role, self.ordinal, between) {
            recorder.record(What::Deviated { index });
        }
        self.came(role, between);
    }

    /// A connection or an attempt came; the next may find another door.
    fn came(&mut self, role: PortRole, between: Endpoints) {
        let scene = scene(&self.shared, role, self.ordinal, between);
        let configured = self.step().is_some_and(|it| it.port == role);
        self.shared.script.arrived_at(&scene, role, configured);
        self.renew_doors();
    }

    fn renew_doors(&mut self) {
        if let Err(error) = self.open_doors() {
            self.harness_failed(&error);
        }
    }

    fn harness_failed(&self, error: &WorldError) {
        let error = error.to_string();
        self.shared.recorder.record(What::HarnessFailed { error });
    }

    fn linger_over(&mut self) {
        self.drain();
        if let Some(settling) = self.settling.take_if(|it| it.keeps) {
            for done in settling.waiting {
                let _ = done.send(());
            }
            return;
        }
        self.leave(|_| true, &What::LingerOver);
    }

    /// Stops listening to connections.
    fn leave(&mut self, which: impl Fn(&Connection) -> bool, what: &What) {
        let recorder = &self.shared.recorder;
        self.live.retain(|id, live| {
            let stays = !which(&live.connection);
            if !stays {
                recorder.record_on(*id, what.clone());
            }
            stays
        });
    }

    fn look_if_settled(&mut self) {
        if self.settling.is_none() || !self.live.is_empty() {
            return;
        }
        self.drain();
        if self.live.is_empty()
            && let Some(settling) = self.settling.take()
        {
            for done in settling.waiting {
                let _ = done.send(());
            }
        }
    }

    fn watch_packets(&self) -> Option<tokio::task::AbortHandle> {
        let witness = self.witness.clone()?;
        let owner = self.myself.clone();
        let watcher = tokio::spawn(async move {
            while witness.stirred().await.is_ok() {
                if owner.send(Message::Packets).await.is_err() {
                    return;
                }
            }
        });
        Some(watcher.abort_handle())
    }

    fn step(&self) -> Option<&Step> {
        step_of(&self.steps, self.shared.step)
    }

    fn state(&self, role: PortRole, ordinal: u16, between: Endpoints) -> (PortState, Option<u16>) {
        state(
            &self.case,
            &self.steps,
            &self.shared,
            role,
            ordinal,
            between,
        )
    }

    /// The addresses that the running step is to write to.
    fn recipients(&self) -> Vec<String> {
        let canaries: &Canaries = &self.engines.canaries;
        let Some(step) = self.step() else {
            return Vec::new();
        };
        let account = canaries.account(&step.account);
        step.to
            .iter()
            .map(|party| canaries.address(*party, account))
            .collect()
    }
}

/// How a port behaves to the connection of that number in the running step, and the deviation that says so.
fn state(
    case: &Case,
    steps: &[Step],
    shared: &Shared,
    role: PortRole,
    ordinal: u16,
    between: Endpoints,
) -> (PortState, Option<u16>) {
    let configured = step_of(steps, shared.step).is_some_and(|it| it.port == role);
    let scene = scene(shared, role, ordinal, between);
    if let Some((index, state)) = shared.script.port(&scene, role, configured) {
        return (state, Some(index));
    }
    let base = case.setup.ports.iter().find(|(it, _)| *it == role);
    (base.map_or(PortState::Open, |(_, state)| *state), None)
}

/// A connection that has said nothing yet.
fn scene(shared: &Shared, role: PortRole, ordinal: u16, between: Endpoints) -> Scene {
    Scene {
        protocol: role.protocol(),
        step: shared.step,
        connection: ordinal,
        layer: Layer::Clear,
        between,
    }
}

/// The ends of a connection that is to come to `server` from the address of that number.
fn coming(place: &Place, server: IpAddr, source: u16) -> Endpoints {
    let mut between = place.endpoints(server, server);
    if *place == Place::Lab {
        between.source = Some(source);
    }
    between
}

/// Before the first step the ports are as in the first.
fn step_of(steps: &[Step], number: u16) -> Option<&Step> {
    steps.get(usize::from(number).saturating_sub(1))
}

/// Never, where there is no time to wait for.
async fn at(until: Option<Instant>) {
    match until {
        Some(until) => tokio::time::sleep_until(until).await,
        None => std::future::pending().await,
    }
}
