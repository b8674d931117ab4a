//! The dialogue over the channel: the engine's inputs, the script's part in the answers, and what is
//! recorded of both.

use mailproof_scenarios::model::{Fill, Layer, Protocol, Unit, What};

use super::{
    Connection, Progress,
    channel::Channel,
    queue::{Act, Item},
};
use crate::{
    engine::{After, Engine, Input, InputKind, Response},
    script::{Considered, Moment, Plan, WireOp},
    world::shared::Shared,
};

/// While so much waits to be sent, no further command is answered.
const WAITING: usize = 16 * 1024 * 1024;

const HANDSHAKE: u8 = 0x16;

/// What a server that reads lines makes of a ClientHello: one line, always the same.
const HELLO_AS_LINE: &[u8] = b"\x16\x03\x01\r\n";

/// What an answer is recorded as.
struct Label<'a> {
    verb: &'a str,
    responded: bool,
    idles: bool,
}

impl Connection {
    /// Greets, and so proves what the port does otherwise.
    pub(super) fn greet(&mut self, proof: Vec<u16>, shared: &mut Shared) {
        let Some(mut engine) = self.engine.take() else {
            return;
        };
        let moment = Moment::Greeting;
        let considered = self.consider(&moment, engine.as_ref(), shared);
        let fill = engine.fill();
        let response = engine.greet(considered.refusal.as_ref(), considered.preauth.as_ref());
        self.engine = Some(engine);
        let label = Label {
            verb: "(greeting)",
            responded: true,
            idles: false,
        };
        let quiet = response.units.is_empty();
        let mut plan = self.plan(&considered, &moment, &response, &fill, shared);
        self.prove_capabilities(&mut plan, label.verb, &response);
        for index in proof {
            match plan.ops.first_mut() {
                Some(first) => first.proves.push(index),
                None => shared.deviated(self.id, &[index]),
            }
        }
        let mut facts = Vec::new();
        self.enqueue(plan, response, &label, &mut facts);
        for fact in facts {
            self.record(shared, fact);
        }
        if quiet && self.queue.is_empty() {
            // Nothing was due, so nobody can come before it.
            self.progress = Progress::Sent;
        }
        self.process(shared);
    }

    /// Takes octets in clear.
    pub(super) fn clear(&mut self, octets: &[u8], shared: &mut Shared) {
        let Some(engine) = &mut self.engine else {
            self.discard(octets, shared);
            return;
        };
        engine.feed(octets);
        let events = self.answers(shared);
        // Only now is it known where STARTTLS ends and the first octets of TLS begin.
        let mut said = octets.len();
        if let Channel::Upgrading(held) = &self.channel {
            said = said.saturating_sub(held.len());
        }
        if said > 0 {
            self.discard(&octets[..said], shared);
        }
        for what in events {
            self.record(shared, what);
        }
    }

    /// A client began TLS with a server that speaks in clear.
    pub(super) fn hello_in_clear(&mut self, shared: &mut Shared) {
        if let Some(engine) = &mut self.engine {
            engine.feed(HELLO_AS_LINE);
            self.process(shared);
        }
    }

    /// Answers what was fed, as far as that can be done now.
    pub(super) fn process(&mut self, shared: &mut Shared) {
        for what in self.answers(shared) {
            self.record(shared, what);
        }
    }

    /// A message arrives for the client that waits, once in a step that waits for one.
    pub(super) fn deliver(&mut self, shared: &mut Shared) {
        if let (true, Some(user), Some(mailbox)) = (shared.awaits_mail, &self.user, &self.mailbox) {
            (shared.deliver)(user, mailbox, shared.step);
            shared.awaits_mail = false;
            shared.mail_arrived = true;
        }
    }

    /// Says what the engine has to say unasked.
    pub(crate) fn poll(&mut self, shared: &mut Shared) {
        if self.muted {
            return;
        }
        let Some(mut engine) = self.engine.take() else {
            return;
        };
        let unasked = engine.poll().map(|response| {
            let moment = Moment::Unasked;
            let considered = self.consider(&moment, engine.as_ref(), shared);
            (
                self.plan(&considered, &moment, &response, &engine.fill(), shared),
                response,
            )
        });
        self.engine = Some(engine);
        if let Some((plan, response)) = unasked {
            self.say_unasked("IDLE", plan, response, shared);
        }
    }

    /// TLS has begun behind STARTTLS. A server has nothing to say then; a deviation may.
    pub(super) fn say_at_tls_start(&mut self, shared: &mut Shared) {
        let Some(engine) = self.engine.take() else {
            return;
        };
        let moment = Moment::TlsStart;
        let considered = self.consider(&moment, engine.as_ref(), shared);
        let response = Response::default();
        let plan = self.plan(&considered, &moment, &response, &engine.fill(), shared);
        self.engine = Some(engine);
        self.say_unasked("(tls)", plan, response, shared);
    }

    /// Nobody asked, so nobody is answered, and nobody waits for it.
    fn say_unasked(&mut self, verb: &str, plan: Plan, response: Response, shared: &mut Shared) {
        let before = self.progress;
        let label = Label {
            verb,
            responded: false,
            idles: false,
        };
        let plan = Plan {
            answer: None,
            ..plan
        };
        let mut facts = Vec::new();
        self.enqueue(plan, response, &label, &mut facts);
        self.progress = before;
        for fact in facts {
            self.record(shared, fact);
        }
    }

    fn answers(&mut self, shared: &mut Shared) -> Vec<What> {
        let mut events = Vec::new();
        let Some(mut engine) = self.engine.take() else {
            return events;
        };
        while !self.channel.is_upgrading()
            && self.queue.octets() < WAITING
            && let Some(input) = engine.next()
        {
            self.answer(engine.as_mut(), &input, shared, &mut events);
        }
        self.engine = Some(engine);
        events
    }

    fn answer(
        &mut self,
        engine: &mut dyn Engine,
        input: &Input,
        shared: &mut Shared,
        events: &mut Vec<What>,
    ) {
        let command = What::Command {
            protocol: self.protocol(),
            layer: self.layer(),
            verb: input.verb.clone(),
            line: input.line.clone(),
            early: self.progress != Progress::Sent,
        };
        if self.muted {
            engine.respond(None);
            self.progress = Progress::Unsent;
            if input.kind != InputKind::Literal {
                events.push(command);
            }
            return;
        }
        let moment = Moment::Input(input);
        let considered = self.consider(&moment, engine, shared);
        let fill = engine.fill();
        let response = engine.respond(considered.refusal.as_ref());
        let mut plan = self.plan(&considered, &moment, &response, &fill, shared);
        self.prove_capabilities(&mut plan, &input.verb, &response);
        // A literal that is asked for is not a command yet; one that is refused ends it.
        let asked_for = plan
            .answer
            .as_ref()
            .is_none_or(|it| it.last.starts_with(b"+"));
        let whole = input.kind != InputKind::Literal || !asked_for;
        if whole {
            events.push(command);
        }
        let waits = response
            .units
            .iter()
            .any(|it| it.kind == Unit::Continuation);
        let label = Label {
            verb: &input.verb,
            responded: whole,
            idles: input.verb == "IDLE" && waits,
        };
        if !self.channel.is_clear() {
            plan.ops.retain(|it| it.op != WireOp::StartTls);
        }
        let has = |op: &WireOp| plan.ops.iter().any(|it| it.op == *op);
        shared.mail_arrived |= response
            .facts
            .iter()
            .any(|it| matches!(it, What::Appended { .. }));
        let starts_tls = has(&WireOp::StartTls);
        if response.after == After::StartTls && !starts_tls && !has(&WireOp::StayClear) {
            // Whatever is said from now on is not answered, but it is read.
            engine.tls_abandoned();
        }
        self.enqueue(plan, response, &label, events);
        if starts_tls {
            let unread = engine.take_unread();
            let tls = unread.first() == Some(&HANDSHAKE);
            // Anything else is discarded; that it came is recorded with the command.
            self.channel = Channel::Upgrading(if tls { unread } else { Vec::new() });
        }
    }

    fn consider(
        &self,
        moment: &Moment<'_>,
        engine: &dyn Engine,
        shared: &mut Shared,
    ) -> Considered {
        match self.scene(shared) {
            Some(scene) => shared.script.consider(&scene, moment, engine),
            None => Considered::default(),
        }
    }

    fn plan(
        &self,
        considered: &Considered,
        moment: &Moment<'_>,
        response: &Response,
        fill: &Fill,
        shared: &mut Shared,
    ) -> Plan {
        // What reads lines inside TLS gets records, and what awaits TLS goes with the first octet that is none.
        let is_hello = matches!(moment, Moment::Input(input) if input.verb == "?");
        let in_segments = self.layer() == Layer::Clear && !is_hello;
        shared
            .script
            .plan(considered, (self.protocol(), in_segments), response, fill)
    }

    /// Puts a plan into the queue. What is true by the decision goes to `events`; what is true when it was
    /// said goes with the write.
    fn enqueue(
        &mut self,
        plan: Plan,
        response: Response,
        label: &Label<'_>,
        events: &mut Vec<What>,
    ) {
        let mut said = Vec::new();
        for fact in response.facts {
            self.note(&fact);
            if is_said(&fact) {
                said.push(fact);
            } else {
                events.push(fact);
            }
        }
        self.answers += 1;
        self.progress = match plan.answer {
            Some(_) => Progress::Pending(self.answers),
            None => Progress::Unsent,
        };
        let last_write = plan
            .ops
            .iter()
            .rposition(|it| matches!(it.op, WireOp::Write(_)));
        for (at, planned) in plan.ops.into_iter().enumerate() {
            self.muted |= matches!(
                planned.op,
                WireOp::Silence | WireOp::Close | WireOp::Fin | WireOp::Reset | WireOp::Vanish
            );
            let mut item = Item {
                proves: planned.proves,
                ..Item::new(Act::Wire(planned.op))
            };
            if Some(at) == last_write {
                item.events.append(&mut said);
                if let Some(answer) = &plan.answer {
                    item.answers = Some(self.answers);
                    item.idles = label.idles && answer.positive;
                    if label.responded {
                        item.events.push(What::Responded {
                            verb: label.verb.to_owned(),
                            last: answer.last.clone(),
                            positive: answer.positive,
                        });
                    }
                }
            }
            self.queue.push(item);
        }
    }

    fn note(&mut self, fact: &What) {
        match fact {
            What::SignIn {
                user,
                accepted: true,
                ..
            } => self.user = Some(user.clone()),
            What::Selected { mailbox, .. } => self.mailbox = Some(mailbox.clone()),
            _ => {}
        }
    }

    /// A changed list of capabilities is proved by the list that leaves, or by the refusal of a command that
    /// was taken away.
    fn prove_capabilities(&self, plan: &mut Plan, verb: &str, response: &Response) {
        let layer = self.layer();
        let listed = lists_capabilities(self.protocol(), verb, response);
        for change in self.changes.iter().filter(|it| it.concerns(layer)) {
            let refused = !response.positive && change.takes_away(verb);
            if (listed || refused)
                && let Some(last) = plan
                    .ops
                    .iter_mut()
                    .rfind(|it| matches!(it.op, WireOp::Write(_)))
                && !last.proves.contains(&change.index)
            {
                last.proves.push(change.index);
            }
        }
    }
}

/// Whether a fact is about what was said rather than about what was decided.
fn is_said(fact: &What) -> bool {
    matches!(
        fact,
        What::MessageRead { .. } | What::Listed { .. } | What::Selected { .. } | What::IdleNotified
    )
}

fn lists_capabilities(protocol: Protocol, verb: &str, response: &Response) -> bool {
    match protocol {
        Protocol::Smtp => verb == "EHLO" && response.positive,
        Protocol::Imap => response
            .units
            .iter()
            .any(|it| names_capabilities(&it.octets)),
    }
}

/// `* CAPABILITY …` or `… [CAPABILITY …]`.
fn names_capabilities(octets: &[u8]) -> bool {
    octets.starts_with(b"* CAPABILITY") || memchr::memmem::find(octets, b"[CAPABILITY ").is_some()
}
