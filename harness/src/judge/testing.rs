//! A small language for logs: a scene is told line by line and becomes a record.
//!
//! Texts may name `{user}`, `{password}`, `{token}`, `{message-id}` and `{body}` of the first account and the
//! running step, `{password-b}` of the second account, and `{plain}` and `{xoauth2}`: the SASL messages.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use mailproof_certs::Fault;
use mailproof_scenarios::model::{
    Action, Auth, CaFile, Canaries, Case, ChainSpec, Check, Crl, Delta, Deviation, Endpoints,
    Event, Expectation, Frequency, Host, Job, Kind, Layer, Level, Log, Message, On, Party, Pattern,
    PortRole, Process, Protocol, Security, Setup, Severity, Sign, Step, Store, Trust, Vary, What,
    event::{Alert, ClientHello, Direction, Ended, Said, SentChain, VERSION},
};

use crate::results::{Judgement, Observed, Record, Verdict};

/// A record in the making.
#[derive(Clone)]
pub(crate) struct Scene {
    pub(crate) record: Record,
    step: u16,
    conn: u32,
    port: PortRole,
    layer: Layer,
    last: String,
}

impl Scene {
    /// A message to be sent over SMTP with STARTTLS demanded, and nothing told yet.
    pub(crate) fn send() -> Self {
        Self::of(step(
            Job::Send,
            Protocol::Smtp,
            Security::StarttlsRequired,
            PortRole::Submission,
        ))
    }

    /// A mailbox to be read over IMAP with implicit TLS.
    pub(crate) fn fetch() -> Self {
        Self::of(step(
            Job::Fetch,
            Protocol::Imap,
            Security::Implicit,
            PortRole::Imaps,
        ))
    }

    pub(crate) fn of(step: Step) -> Self {
        let id = "test/judge/row";
        let canaries = Canaries::derive(7, id, ["a", "b"]);
        let case = Case {
            id: id.to_owned(),
            scenario: id.to_owned(),
            variant: Vec::new(),
            title: String::new(),
            why: String::new(),
            kind: Kind::Fault,
            severity: Severity::High,
            frequency: Frequency::Common,
            refs: Vec::new(),
            covers: Vec::new(),
            tags: Vec::new(),
            steps: vec![step.clone()],
            setup: Setup::default(),
            delta: Delta::None,
            expect: Vec::new(),
            killed_by: Vec::new(),
            needs: Vec::new(),
            waits: false,
            diagnosis: None,
        };
        let mut scene = Self {
            record: Record {
                v: VERSION,
                case,
                steps: vec![step],
                canaries,
                messages: Vec::new(),
                observed: Observed {
                    decoys: true,
                    packets: true,
                    output: true,
                    process: true,
                },
                host: "mail.firma.example".to_owned(),
                hosts: Vec::new(),
                not_run: None,
                control: None,
                answers: Vec::new(),
                log: Log::default(),
                own_chain: false,
                turned_away: Vec::new(),
                took_ms: 1,
            },
            step: 0,
            conn: 0,
            port: PortRole::Submission,
            layer: Layer::Clear,
            last: String::new(),
        };
        scene.write_messages();
        scene
    }

    fn write_messages(&mut self) {
        self.record.messages = (1..=self.record.steps.len())
            .map(|number| self.message(number))
            .collect();
    }

    /// The message of a step.
    pub(crate) fn message(&self, number: usize) -> String {
        let canaries = &self.record.canaries;
        format!(
            "From: <{}>\r\nSubject: a test\r\nMessage-ID: <{}>\r\n\r\nHello\r\n{}\r\n.dot\r\n",
            canaries.accounts[0].user,
            canaries.message_id(number),
            canaries.body,
        )
    }

    // What is asked.

    pub(crate) fn set(mut self, change: impl Fn(&mut Step)) -> Self {
        if let Some(step) = self.record.case.steps.last_mut() {
            change(step);
        }
        self.record.steps = self.record.case.effective_steps();
        self
    }

    pub(crate) fn security(self, security: Security) -> Self {
        self.set(|it| it.security = security)
    }

    pub(crate) fn trust(self, trust: Trust) -> Self {
        self.set(|it| it.trust = trust)
    }

    /// What the client was given to verify with.
    pub(crate) fn given(self, file: CaFile, crl: Crl) -> Self {
        self.set(|it| {
            it.ca_file = file;
            it.crl = crl;
        })
    }

    pub(crate) fn job(self, job: Job) -> Self {
        self.set(|it| it.job = job)
    }

    /// Another step like the one before.
    pub(crate) fn then(mut self, change: impl Fn(&mut Step)) -> Self {
        let step = self.record.case.steps.last().cloned();
        self.record.case.steps.extend(step);
        let mut scene = self.set(change);
        scene.write_messages();
        scene
    }

    pub(crate) fn kind(mut self, kind: Kind) -> Self {
        self.record.case.kind = kind;
        self
    }

    pub(crate) fn setup(mut self, change: impl Fn(&mut Setup)) -> Self {
        change(&mut self.record.case.setup);
        self
    }

    pub(crate) fn observed(mut self, change: impl Fn(&mut Observed)) -> Self {
        change(&mut self.record.observed);
        self
    }

    pub(crate) fn deviate(self, action: Action) -> Self {
        self.deviate_on(On::default(), action)
    }

    pub(crate) fn deviate_on(mut self, on: On, action: Action) -> Self {
        let mut all = self.record.case.deviations().to_vec();
        all.push(Deviation { on, action });
        self.record.case.delta = Delta::Deviate(all);
        self
    }

    pub(crate) fn vary(mut self, number: u16, change: impl Fn(&mut Step)) -> Self {
        let mut with = self.record.case.steps[usize::from(number) - 1].clone();
        change(&mut with);
        self.record.case.delta = Delta::Vary(vec![Vary { step: number, with }]);
        self.record.steps = self.record.case.effective_steps();
        self
    }

    pub(crate) fn bad_chain(self, fault: Fault) -> Self {
        self.deviate(Action::Chain(ChainSpec::of(fault)))
    }

    pub(crate) fn must(self, check: Check) -> Self {
        self.expect(Level::Must, None, check)
    }

    pub(crate) fn never(self, sign: Sign) -> Self {
        self.must(Check::Never(Pattern::Sign(sign)))
    }

    pub(crate) fn completed(self, wanted: bool) -> Self {
        self.must(Check::Completed(wanted))
    }

    pub(crate) fn expect(mut self, level: Level, step: Option<u16>, check: Check) -> Self {
        self.record.case.expect.push(Expectation {
            level,
            step,
            check,
            clause: None,
        });
        self
    }

    // What happened.

    pub(crate) fn event(mut self, what: What) -> Self {
        self.push(None, what);
        self
    }

    pub(crate) fn on_wire(mut self, what: What) -> Self {
        self.push(Some(self.conn), what);
        self
    }

    fn push(&mut self, conn: Option<u32>, what: What) {
        let at = 1000 * (self.record.log.events.len() as u64 + 1);
        self.record.log.events.push(Event {
            at,
            step: self.step,
            conn,
            what,
        });
    }

    pub(crate) fn begin(mut self) -> Self {
        self.step += 1;
        self.event(What::StepStarted {
            command: Vec::new(),
        })
    }

    pub(crate) fn connect(self) -> Self {
        let step = usize::from(self.step.max(1)) - 1;
        let port = self.record.steps[step].port;
        self.connect_to(port)
    }

    pub(crate) fn connect_to(mut self, port: PortRole) -> Self {
        self.conn = self
            .record
            .log
            .events
            .iter()
            .filter(|it| matches!(it.what, What::Connected { .. }))
            .count() as u32
            + 1;
        self.port = port;
        self.layer = Layer::Clear;
        self.on_wire(What::Connected {
            port,
            decoy: false,
            between: Endpoints::default(),
        })
    }

    pub(crate) fn decoy(self, port: PortRole) -> Self {
        let mut scene = self.connect_to(port);
        if let Some(Event {
            what: What::Connected { decoy, .. },
            ..
        }) = scene.record.log.events.last_mut()
        {
            *decoy = true;
        }
        scene
    }

    /// Goes on with an earlier connection.
    pub(crate) fn back_to(mut self, conn: u32, layer: Layer) -> Self {
        self.conn = conn;
        self.layer = layer;
        self
    }

    pub(crate) fn greeting(mut self) -> Self {
        self.last = "(greeting)".to_owned();
        let text = match self.port.protocol() {
            Protocol::Smtp => "220 mail.firma.example ESMTP",
            Protocol::Imap => "* OK ready",
        };
        self.answer(text)
    }

    /// Octets of the client that are no whole command.
    pub(crate) fn octets(self, text: &str) -> Self {
        let octets = self.fill(text).into_bytes();
        let layer = self.layer;
        self.on_wire(What::Received { layer, octets })
    }

    /// A command, as it arrives and is read.
    pub(crate) fn command(self, line: &str) -> Self {
        self.read(line, false)
    }

    /// A command that came before the answer to the one before it.
    pub(crate) fn early(self, line: &str) -> Self {
        self.read(line, true)
    }

    fn read(self, line: &str, early: bool) -> Self {
        let line = format!("{}\r\n", self.fill(line));
        let mut words = line.split_ascii_whitespace();
        let verb = match self.port.protocol() {
            Protocol::Smtp => words.next(),
            Protocol::Imap => words.nth(1),
        };
        let verb = verb.unwrap_or("?").to_ascii_uppercase();
        let layer = self.layer;
        self.on_wire(What::Received {
            layer,
            octets: line.clone().into_bytes(),
        })
        .understood(&verb, line.as_bytes(), early)
    }

    /// A line of a SASL exchange.
    pub(crate) fn sasl(self, line: &str) -> Self {
        let line = format!("{}\r\n", self.fill(line));
        let layer = self.layer;
        self.on_wire(What::Received {
            layer,
            octets: line.clone().into_bytes(),
        })
        .understood("(sasl)", line.as_bytes(), false)
    }

    /// The server has read a command.
    pub(crate) fn understood(mut self, verb: &str, line: &[u8], early: bool) -> Self {
        verb.clone_into(&mut self.last);
        let (protocol, layer) = (self.port.protocol(), self.layer);
        self.on_wire(What::Command {
            protocol,
            layer,
            verb: verb.to_owned(),
            line: line.to_vec(),
            early,
        })
    }

    /// The server's answer to the last command.
    pub(crate) fn answer(self, reply: &str) -> Self {
        let verb = self.last.clone();
        self.answer_to(&verb, reply)
    }

    pub(crate) fn answer_to(self, verb: &str, reply: &str) -> Self {
        let reply = self.fill(reply);
        let positive = match reply.as_bytes().first() {
            Some(b'2' | b'3' | b'+' | b'*') => true,
            Some(b'4' | b'5') => false,
            _ => reply.split(' ').nth(1) == Some("OK"),
        };
        self.says(&format!("{reply}\r\n")).on_wire(What::Responded {
            verb: verb.to_owned(),
            last: reply.into_bytes(),
            positive,
        })
    }

    /// Octets of the server.
    pub(crate) fn says(self, text: &str) -> Self {
        let octets = self.fill(text).into_bytes();
        let layer = self.layer;
        self.on_wire(What::Sent { layer, octets })
    }

    /// A whole TLS handshake in which the server shows this chain.
    pub(crate) fn tls(self, fault: Fault) -> Self {
        self.hello().chain(fault).established(false)
    }

    pub(crate) fn hello(self) -> Self {
        self.hello_with(&[0x0304, 0x0303])
    }

    pub(crate) fn hello_with(self, versions: &[u16]) -> Self {
        let sni = Some(self.record.host.clone());
        self.on_wire(What::ClientHello(ClientHello {
            sni,
            versions: versions.to_vec(),
            ..ClientHello::default()
        }))
    }

    pub(crate) fn chain(self, fault: Fault) -> Self {
        self.on_wire(What::ServedChain(SentChain {
            fault,
            variant: 0,
            host: None,
            leaf: "00".to_owned(),
        }))
    }

    pub(crate) fn established(mut self, resumed: bool) -> Self {
        self.layer = Layer::Tls;
        self.on_wire(What::TlsEstablished {
            version: "TLSv1_3".to_owned(),
            suite: "TLS13_AES_256_GCM_SHA384".to_owned(),
            resumed,
        })
    }

    /// The client does not like the certificate.
    pub(crate) fn alert(self) -> Self {
        self.on_wire(What::Alert(Alert {
            from: Direction::Client,
            fatal: true,
            description: 48,
        }))
    }

    pub(crate) fn deviated(self, index: u16) -> Self {
        self.on_wire(What::Deviated { index })
    }

    pub(crate) fn close(self) -> Self {
        self.on_wire(What::ClientClosed { reset: false })
    }

    pub(crate) fn accepted(self, mechanism: &str) -> Self {
        self.sign_in(mechanism, true)
    }

    pub(crate) fn sign_in(self, mechanism: &str, accepted: bool) -> Self {
        let user = self.record.canaries.accounts[0].user.clone();
        self.on_wire(What::SignIn {
            mechanism: mechanism.to_owned(),
            user,
            accepted,
        })
    }

    /// The message of the running step, taken for these.
    pub(crate) fn takes(self, to: &[&str]) -> Self {
        let octets = self.message(usize::from(self.step)).into_bytes();
        self.takes_octets(to, octets)
    }

    pub(crate) fn takes_octets(self, to: &[&str], octets: Vec<u8>) -> Self {
        let from = self.record.canaries.accounts[0].user.clone();
        self.on_wire(What::MessageAccepted {
            from,
            to: to.iter().map(|&it| it.to_owned()).collect(),
            octets,
        })
    }

    pub(crate) fn prints(self, text: &str) -> Self {
        let octets = self.fill(text).into_bytes();
        self.event(What::Output { stream: 2, octets })
    }

    pub(crate) fn took(self, peak_memory: u64, floor: u64) -> Self {
        self.event(What::Measured { peak_memory, floor })
    }

    pub(crate) fn end(self, said: Said) -> Self {
        self.ends(Ended::Finished {
            code: None,
            said,
            text: String::new(),
        })
    }

    pub(crate) fn ends(self, ended: Ended) -> Self {
        self.event(What::StepEnded(ended))
    }

    // Whole passages.

    /// From the connection to STARTTLS answered with a go-ahead.
    pub(crate) fn up_to_go_ahead(self) -> Self {
        self.connect()
            .greeting()
            .command("EHLO client.example")
            .answer("250-mail.firma.example\r\n250 STARTTLS")
            .command("STARTTLS")
            .answer("220 2.0.0 Ready")
    }

    /// EHLO and a good sign-in.
    pub(crate) fn signs_in(self) -> Self {
        self.command("EHLO client.example")
            .answer("250-mail.firma.example\r\n250-PIPELINING\r\n250 AUTH PLAIN")
            .command("AUTH PLAIN {plain}")
            .accepted("PLAIN")
            .answer("235 2.7.0 Welcome")
    }

    /// A transaction for one recipient, taken by the server.
    pub(crate) fn sends(self) -> Self {
        self.envelope()
            .content()
            .takes(&["kunde@example.net"])
            .answer("250 2.0.0 queued as ABC123")
    }

    pub(crate) fn envelope(self) -> Self {
        self.command("MAIL FROM:<{user}>")
            .answer("250 2.1.0 Ok")
            .command("RCPT TO:<kunde@example.net>")
            .answer("250 2.1.5 Ok")
            .command("DATA")
            .answer("354 Go")
    }

    /// The message of the running step on the wire.
    pub(crate) fn content(self) -> Self {
        let text = self
            .message(usize::from(self.step))
            .replace("\r\n.", "\r\n..")
            + ".\r\n";
        self.octets(&text).understood("(data)", b"", false)
    }

    pub(crate) fn quits(self) -> Self {
        let (line, answer) = match self.port.protocol() {
            Protocol::Smtp => ("QUIT", "221 2.0.0 Bye"),
            Protocol::Imap => ("z9 LOGOUT", "z9 OK done"),
        };
        self.command(line).answer(answer).close()
    }

    /// A whole step that works: a message sent over STARTTLS behind this chain.
    pub(crate) fn submits_behind(self, fault: Fault) -> Self {
        self.begin()
            .up_to_go_ahead()
            .tls(fault)
            .signs_in()
            .sends()
            .quits()
            .end(Said::Success)
    }

    /// A whole step in which the client does not like this chain.
    pub(crate) fn refuses(self, fault: Fault) -> Self {
        self.begin()
            .up_to_go_ahead()
            .hello()
            .chain(fault)
            .deviated(0)
            .alert()
            .close()
            .end(Said::RefusedTls)
    }

    /// A whole step that reads two messages over implicit TLS.
    pub(crate) fn reads(self) -> Self {
        self.begin()
            .connect()
            .tls(Fault::Valid)
            .greeting()
            .command("a1 LOGIN {user} {password}")
            .accepted("LOGIN")
            .answer("a1 OK welcome")
            .command("a2 SELECT INBOX")
            .on_wire(What::Selected {
                mailbox: "INBOX".to_owned(),
                messages: 2,
            })
            .answer("a2 OK done")
            .command("a3 FETCH 1:2 BODY[]")
            .read_message(1)
            .read_message(2)
            .answer("a3 OK done")
            .quits()
            .end(Said::Success)
    }

    pub(crate) fn read_message(self, uid: u32) -> Self {
        self.on_wire(What::MessageRead {
            mailbox: "INBOX".to_owned(),
            uid,
        })
    }

    pub(crate) fn fill(&self, text: &str) -> String {
        let canaries = &self.record.canaries;
        let account = &canaries.accounts[0];
        let plain = STANDARD.encode(format!("\0{}\0{}", account.user, account.password));
        text.replace("{user}", &account.user)
            .replace("{password}", &account.password)
            .replace("{password-b}", &canaries.accounts[1].password)
            .replace("{token}", &account.token)
            .replace("{body}", &canaries.body)
            .replace(
                "{message-id}",
                &canaries.message_id(usize::from(self.step.max(1))),
            )
            .replace("{plain}", &plain)
            .replace("{xoauth2}", &Canaries::xoauth2(account))
    }

    // What the judge makes of it.

    pub(crate) fn judge(&self) -> Judgement {
        super::judge(&self.record, Some(&passed()))
    }

    pub(crate) fn judge_with(&self, control: Option<&Judgement>) -> Judgement {
        super::judge(&self.record, control)
    }
}

/// The judgement of a control that is all right.
pub(crate) fn passed() -> Judgement {
    Judgement {
        verdict: Verdict::Pass,
        reason: "fine".to_owned(),
        findings: Vec::new(),
        warnings: Vec::new(),
    }
}

pub(crate) fn step(job: Job, protocol: Protocol, security: Security, port: PortRole) -> Step {
    Step {
        job,
        protocol,
        security,
        trust: Trust::Ca,
        ca_file: CaFile::default(),
        store: Store::default(),
        crl: Crl::default(),
        host: Host::Name,
        source: 1,
        port,
        auth: Auth::Password,
        account: "a".to_owned(),
        from: Party::Own,
        to: vec![Party::Other],
        message: Message::Simple,
        mailbox: "INBOX".to_owned(),
        process: Process::New,
    }
}
