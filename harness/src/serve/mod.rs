//! One world for a client that a person operates: its settings in words, what it does as it does it, and the
//! facts for the judge.
//!
//! What a person's client says cannot be heard. The person may tell; who does not leaves it open, and nothing
//! that needs it counts as held.
//!
//! Must not know the command line.

mod person;
mod settings;
mod sheet;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use mailproof_certs::Authority;
use mailproof_mock_servers::world::{Place, SERVED, World, WorldConfig};
use mailproof_scenarios::model::{
    Auth, CaFile, Canaries, Case, Crl, Delta, Event, Frequency, Host, Job, Kind, Log, Message,
    Party, Persona, PortRole, Process, Protocol, Security, Setup, Severity, Step, Store, Trust,
    What,
    event::{Ended, Said, VERSION},
};
use tempfile::TempDir;
use tokio::sync::mpsc::UnboundedReceiver;

use crate::{
    adapter::Words,
    reach::{self, Hold, Setting},
    results::{Judgement, Observed, Record, Verdict},
    runner::{self, Cancel},
    session::LINGER,
    transcript::Live,
    units,
};

pub use person::{Person, Told, Typed};
pub use sheet::{Row, Sheet};

/// How long nothing may happen until the next step begins, where nobody is there to press Enter.
pub const QUIET: Duration = Duration::from_secs(5);

/// What is served.
#[derive(Clone, Debug)]
pub struct Order {
    /// The case; that of a persona comes from [`for_persona`].
    pub case: Case,
    /// Whether it is a server that simply works, whatever is done there.
    pub free: bool,
    /// Who serves, by name.
    pub personas: BTreeMap<String, Persona>,
    /// Users and passwords. Those of a case stay the same for its control, so that a person sets an account
    /// up once.
    pub canaries: Canaries,
    /// The civil time from which dates are computed.
    pub now: time::OffsetDateTime,
    /// How the product calls its settings.
    pub words: Words,
    /// Where it is reached.
    pub reach: Setting,
    /// See [`QUIET`].
    pub quiet: Duration,
    /// What stays the same from case to case, where somebody goes through several.
    pub kept: Kept,
}

/// What a person who goes through several cases sets up only once.
#[derive(Clone, Debug, Default)]
pub struct Kept {
    /// Who forges the chains; a fresh one where there is none.
    pub authority: Option<Arc<Authority>>,
    /// The numbers of ports; any, where nothing is said of one.
    pub numbers: BTreeMap<PortRole, u16>,
    /// Where the certificates are written and stay; a folder that goes with the world where there is none.
    pub folder: Option<PathBuf>,
}

/// Whoever follows what is served.
pub trait Audience {
    /// Words for a person at a terminal, whole lines.
    fn words(&mut self, lines: &str);

    /// A step begins, counted from 1.
    fn step(&mut self, _number: u16) {}

    /// One line of the transcript, without its end.
    fn line(&mut self, line: &str) {
        self.words(&format!("{line}\n"));
    }
}

impl<Tell: FnMut(&str)> Audience for Tell {
    fn words(&mut self, lines: &str) {
        self(lines);
    }
}

/// A world that waits for its client. Its files go with it.
pub struct Serving {
    order: Order,
    world: World,
    feed: UnboundedReceiver<Event>,
    files: Files,
    record: Record,
    began: Instant,
    _held: Option<Hold>,
}

struct Files {
    _folder: Option<TempDir>,
    ca: PathBuf,
    ca_fingerprint: String,
    pin: PathBuf,
    pin_fingerprint: String,
}

/// How a step was left.
enum Left {
    /// The person goes on, or nothing happens any more.
    Next(Told),
    /// The person stops everything.
    Stopped(Told),
}

/// A case for a persona: each usual port of its protocols, nothing deviates and nothing is expected.
///
/// The steps are only there for their ports; whatever the client does is right.
pub fn for_persona(persona: &Persona) -> Case {
    let steps: Vec<Step> = PortRole::ALL
        .iter()
        .copied()
        .filter(|role| persona.speaks(role.protocol()) && *role != PortRole::Alternate)
        .map(|role| Step {
            job: Job::TestConnection,
            protocol: role.protocol(),
            security: match role.is_implicit() {
                true => Security::Implicit,
                false => Security::StarttlsRequired,
            },
            trust: Trust::Ca,
            ca_file: CaFile::default(),
            store: Store::default(),
            crl: Crl::default(),
            host: Host::Name,
            port: role,
            source: 1,
            auth: Auth::Password,
            account: "a".to_owned(),
            from: Party::Own,
            to: vec![Party::Other],
            message: Message::Simple,
            mailbox: "INBOX".to_owned(),
            process: Process::New,
        })
        .collect();
    let mut setup = Setup::default();
    for protocol in Protocol::ALL.iter().filter(|it| persona.speaks(**it)) {
        match protocol {
            Protocol::Smtp => setup.smtp.clone_from(&persona.name),
            Protocol::Imap => setup.imap.clone_from(&persona.name),
        }
    }
    let id = format!("persona/{}", persona.name);
    Case {
        scenario: id.clone(),
        id,
        variant: Vec::new(),
        title: persona.title.clone(),
        why: String::new(),
        kind: Kind::Survey,
        severity: Severity::Low,
        frequency: Frequency::Common,
        refs: Vec::new(),
        covers: Vec::new(),
        tags: Vec::new(),
        steps,
        setup,
        delta: Delta::None,
        expect: Vec::new(),
        killed_by: Vec::new(),
        needs: Vec::new(),
        waits: false,
        diagnosis: None,
    }
}

/// The judgement for people: without a control nothing passes, for nobody knows whether this client would
/// have managed undisturbed.
pub fn without_control(case: &Case, judgement: Judgement) -> Judgement {
    if case.has_delta() && judgement.verdict == Verdict::Pass {
        return Judgement {
            verdict: Verdict::Review,
            reason: format!(
                "No control was made, so somebody must see that this client manages undisturbed (serve it \
                 with --control). Else it would be PASS: {}",
                judgement.reason
            ),
            ..judgement
        };
    }
    judgement
}

impl Serving {
    /// Opens the ports and writes the certificates into a folder of their own.
    ///
    /// # Errors
    /// In words, where there is a persona missing, no port, no certificate or no folder to be had.
    pub async fn open(order: Order) -> Result<Self, String> {
        let case = Arc::new(order.case.clone());
        let place = order.reach.place(Place::Loopback);
        let authority = match &order.kept.authority {
            Some(authority) => Arc::clone(authority),
            None => {
                let authority = order.reach.anchor.authority(&place, order.now);
                Arc::new(authority.map_err(|error| error.to_string())?)
            }
        };
        if let Some(why) = runner::not_shown(&order.case, &place, &authority) {
            return Err(format!("this case cannot be shown here: it {why}"));
        }
        let own_chain = authority.has_own_chain();
        let held = order.reach.reach.as_ref().map(Hold::take).transpose();
        let held = held.map_err(|error| error.to_string())?;
        let files = Files::write(&authority, &case, &place, order.kept.folder.as_deref())?;
        let persona = |name: &str| {
            let persona = order.personas.get(name).cloned();
            persona.ok_or_else(|| format!("there is no persona `{name}`"))
        };
        let config = WorldConfig {
            case: case.clone(),
            personas: [persona(&case.setup.smtp)?, persona(&case.setup.imap)?],
            canaries: order.canaries.clone(),
            authority,
            now: order.now,
            place,
            numbers: order.kept.numbers.clone(),
            linger: LINGER,
            served: SERVED,
        };
        let world = World::start(config)
            .await
            .map_err(|error| error.to_string())?;
        let record = Record {
            v: VERSION,
            steps: case.effective_steps(),
            case: order.case.clone(),
            canaries: order.canaries.clone(),
            // A person writes the messages.
            messages: Vec::new(),
            observed: Observed {
                packets: world.sees_packets(),
                ..Observed::default()
            },
            host: world.host(Host::Name),
            hosts: case
                .effective_steps()
                .iter()
                .map(|it| world.host(it.host))
                .collect(),
            not_run: None,
            control: None,
            answers: Vec::new(),
            log: Log::default(),
            own_chain,
            turned_away: Vec::new(),
            took_ms: 0,
        };
        let feed = world.recorder().subscribe();
        Ok(Self {
            order,
            world,
            feed,
            files,
            record,
            began: Instant::now(),
            _held: held,
        })
    }

    /// What a person has to type in, and to do, for each step.
    pub fn sheets(&self, words: &Words) -> Vec<Sheet> {
        let steps = self.record.steps.iter().zip(1..);
        let sheet = |(step, number): (&Step, u16)| {
            let place = self.settings_place(number);
            let port = self.world.port(step.port);
            Sheet::new(step, port, &self.record.canaries, &place, words)
        };
        steps.map(sheet).collect()
    }

    /// Serves until every step is done or `stop` is given, and hands out what was seen. Everything that the
    /// person is to read goes to `tell`, whole lines.
    pub async fn serve(
        mut self,
        person: &mut Person,
        stop: &Cancel,
        tell: &mut (impl Audience + ?Sized),
    ) -> Record {
        tell.words(&self.place());
        let mut live = Live::new(&self.record);
        let steps = match self.order.free {
            true => 1,
            false => self.record.steps.len(),
        };
        for number in 1..=steps {
            self.world
                .begin_step(u16::try_from(number).unwrap_or(u16::MAX))
                .await;
            let recorder = self.world.recorder();
            recorder.record(What::StepStarted {
                command: Vec::new(),
            });
            tell.step(u16::try_from(number).unwrap_or(u16::MAX));
            tell.words(&self.instructions(number, steps, person));
            let left = self
                .watch(number < steps, person, stop, &mut live, tell)
                .await;
            let (told, stopped) = match left {
                Left::Next(told) => (told, false),
                Left::Stopped(told) => (told, true),
            };
            recorder.record(What::StepEnded(ended(told)));
            self.world.settle().await;
            while let Ok(event) = self.feed.try_recv() {
                show(&mut live, &event, tell);
            }
            if stopped {
                break;
            }
        }
        let turned_away = self.world.turned_away();
        let log = self.world.finish().await;
        while let Ok(event) = self.feed.try_recv() {
            show(&mut live, &event, tell);
        }
        let turned_away = turned_away.list();
        for line in reach::turned_away(&turned_away) {
            tell.line(&line);
        }
        Record {
            log,
            turned_away,
            took_ms: u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX),
            ..self.record
        }
    }

    /// Shows what happens until the step is over.
    async fn watch(
        &mut self,
        more: bool,
        person: &mut Person,
        stop: &Cancel,
        live: &mut Live,
        tell: &mut (impl Audience + ?Sized),
    ) -> Left {
        let mut met = false;
        let mut open: BTreeSet<u32> = BTreeSet::new();
        loop {
            let nobody = person.is_gone();
            tokio::select! {
                // A flood of events must not keep anybody from stopping it.
                biased;
                () = stop.cancelled() => {
                    let told = if person.is_asked && !self.order.free {
                        ask(person, tell).await
                    } else {
                        Told::Unknown
                    };
                    return Left::Stopped(told);
                }
                Some(event) = self.feed.recv() => {
                    if let Some(id) = event.conn {
                        met = true;
                        follow(&mut open, id, &event.what);
                    }
                    show(live, &event, tell);
                }
                typed = person.line(), if !nobody => match typed {
                    _ if self.order.free => {}
                    Some(Typed::Told(told)) => return Left::Next(told),
                    Some(Typed::Enter) if person.is_asked => {
                        return Left::Next(ask(person, tell).await);
                    }
                    Some(Typed::Enter) => return Left::Next(Told::Unknown),
                    Some(Typed::Other) => tell.words("Type y, n, ? or only Enter.\n"),
                    None => {}
                },
                () = tokio::time::sleep(self.order.quiet), if nobody && more && met && open.is_empty() => {
                    return Left::Next(Told::Unknown);
                }
            }
        }
    }

    fn place(&self) -> String {
        let mut out = settings::place(&self.settings_place(1));
        if self.order.free {
            out.push_str("Ports\n");
            for step in &self.record.steps {
                out.push_str(&settings::port(step.port, self.world.port(step.port)));
            }
            out.push_str("Account\n");
            for account in &self.record.canaries.accounts {
                out.push_str(&settings::account(
                    &account.name,
                    &self.record.canaries,
                    true,
                ));
            }
        }
        out
    }

    fn instructions(&self, number: usize, of: usize, person: &Person) -> String {
        if self.order.free {
            return "\nDo whatever you like with it. Ctrl-C ends it.\n\n".to_owned();
        }
        let Some(step) = self.record.steps.get(number - 1) else {
            return String::new();
        };
        let title = match of {
            1 => "What to set, and what to do".to_owned(),
            _ => format!("Step {number} of {of}: what to set, and what to do"),
        };
        let settings = settings::step(
            step,
            self.world.port(step.port),
            &self.record.canaries,
            &self.settings_place(u16::try_from(number).unwrap_or(1)),
            &self.order.words,
        );
        let end = match (person.is_asked, number < of) {
            (true, _) => {
                "  Then type y if the client said that it worked, n if it said that it failed, ? if it did not \
                 say,\n  and Enter. Ctrl-C ends it all."
            }
            (false, true) => {
                "  When nothing happens any more, the next step begins by itself. Ctrl-C ends it all."
            }
            (false, false) => "  Ctrl-C ends it.",
        };
        format!("\n{title}\n{settings}{end}\n\n")
    }

    fn settings_place(&self, step: u16) -> settings::Place<'_> {
        settings::Place {
            host: self.record.host_of(step),
            reach: self.order.reach.reach.as_ref(),
            ca: &self.files.ca,
            ca_fingerprint: &self.files.ca_fingerprint,
            pin: &self.files.pin,
            pin_fingerprint: &self.files.pin_fingerprint,
        }
    }
}

impl Files {
    fn write(
        authority: &Authority,
        case: &Case,
        place: &Place,
        kept: Option<&Path>,
    ) -> Result<Self, String> {
        let spec = &case.setup.chain;
        let names = place.names(case);
        let chain = authority
            .chain_variant(spec.fault, &place.names_for(spec, &names), spec.variant)
            .map_err(|error| format!("cannot forge the chain of the server: {error}"))?;
        let temporary = || {
            let folder = tempfile::Builder::new()
                .prefix("mailproof-serve-")
                .tempdir();
            folder.map_err(|error| format!("cannot make a folder: {error}"))
        };
        let own = kept.is_none().then(temporary).transpose()?;
        let folder = kept
            .or(own.as_ref().map(TempDir::path))
            .unwrap_or(Path::new("."));
        let write = |name: &str, text: &str| -> Result<PathBuf, String> {
            let path = folder.join(name);
            fs::write(&path, text).map_err(|error| format!("cannot write {name}: {error}"))?;
            Ok(path)
        };
        Ok(Self {
            ca: write("ca.pem", authority.root_pem())?,
            ca_fingerprint: units::fingerprint(&authority.root_der()),
            pin: write("server.pem", &chain.sent_pem())?,
            pin_fingerprint: units::pairs(&chain.leaf_sha256),
            _folder: own,
        })
    }
}

async fn ask(person: &mut Person, tell: &mut (impl Audience + ?Sized)) -> Told {
    loop {
        tell.words("Did the client say that it worked? [y/n/?]\n");
        match person.line().await {
            Some(Typed::Told(told)) => return told,
            Some(Typed::Enter) | None => return Told::Unknown,
            Some(Typed::Other) => {}
        }
    }
}

fn ended(told: Told) -> Ended {
    let said = match told {
        Told::Worked => Said::Success,
        Told::Failed => Said::Failed,
        Told::Unknown => return Ended::Unheard,
    };
    Ended::Finished {
        code: None,
        said,
        text: String::new(),
    }
}

fn follow(open: &mut BTreeSet<u32>, id: u32, what: &What) {
    match what {
        What::Connected { .. } => {
            open.insert(id);
        }
        What::ClientClosed { .. } | What::ServerClosed { .. } | What::LingerOver => {
            open.remove(&id);
        }
        _ => {}
    }
}

fn show(live: &mut Live, event: &Event, tell: &mut (impl Audience + ?Sized)) {
    for line in live.lines(event) {
        tell.line(&line);
    }
}

#[cfg(test)]
mod tests;
