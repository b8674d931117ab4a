//! One scenario with its variants filled in: everything that a runner needs, and the control beside it.

use serde::{Deserialize, Serialize};

use super::{
    Action, Auth, CaFile, ChainSpec, Crl, Deviation, Diagnosis, Expectation, Flaw, Frequency, Host,
    Job, Kind, Message, Need, Party, PortRole, Process, Protocol, Security, Setup, Severity, Store,
    TlsAct, Trust,
};

/// One case.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Case {
    /// `area/topic/detail`, and behind `#` the variant where there is a matrix.
    pub id: String,
    /// The id of the scenario.
    pub scenario: String,
    /// Axis and name of each matrix value, in the order of the file.
    pub variant: Vec<(String, String)>,
    /// What it is, in a line.
    pub title: String,
    /// Why it matters to somebody.
    pub why: String,
    /// Fault, positive or survey.
    pub kind: Kind,
    /// How bad it is to get it wrong.
    pub severity: Severity,
    /// How often it is met.
    pub frequency: Frequency,
    /// Clauses and advisories.
    pub refs: Vec<String>,
    /// Ids of requirements, or of planned cases that it is a part of.
    pub covers: Vec<String>,
    /// Words to select it by.
    pub tags: Vec<String>,
    /// What is asked of the subject, in order.
    pub steps: Vec<Step>,
    /// The server side, without the delta.
    pub setup: Setup,
    /// The one thing that is different from the control.
    pub delta: Delta,
    /// What a conformant subject does.
    pub expect: Vec<Expectation>,
    /// Flaws that this case catches.
    pub killed_by: Vec<Flaw>,
    /// What the place must be able to show.
    pub needs: Vec<Need>,
    /// Whether somebody has to wait in this case, so that it runs in the waiting lane.
    pub waits: bool,
    /// What to tell whom.
    pub diagnosis: Option<Diagnosis>,
}

/// What is different from the control.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Delta {
    /// Nothing: this is a control, or a positive case without a deviation.
    #[default]
    None,
    /// The server's side deviates.
    Deviate(Vec<Deviation>),
    /// The subject is asked or configured otherwise.
    Vary(Vec<Vary>),
}

/// A change of one step's input or settings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vary {
    /// The step, counted from 1.
    pub step: u16,
    /// The step as it is in the case; the control has the one in [`Case::steps`].
    pub with: Step,
}

/// One thing asked of the subject, with every setting resolved.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Step {
    /// What is asked.
    pub job: Job,
    /// In which protocol.
    pub protocol: Protocol,
    /// The security setting.
    pub security: Security,
    /// The trust setting.
    pub trust: Trust,
    /// The file of authorities.
    #[serde(default, skip_serializing_if = "is_usual")]
    pub ca_file: CaFile,
    /// What the system trusts.
    #[serde(default, skip_serializing_if = "is_usual")]
    pub store: Store,
    /// Revocation lists.
    #[serde(default, skip_serializing_if = "is_usual")]
    pub crl: Crl,
    /// The configured server, by what it is called.
    #[serde(default = "usual_host")]
    pub host: Host,
    /// The configured port.
    pub port: PortRole,
    /// From which of its addresses the subject's machine connects, counted from 1.
    #[serde(default = "first_source", skip_serializing_if = "is_first_source")]
    pub source: u16,
    /// How to sign in.
    pub auth: Auth,
    /// Which account, by name.
    pub account: String,
    /// The envelope sender and From header.
    pub from: Party,
    /// The envelope recipients; the To header has the first.
    pub to: Vec<Party>,
    /// The body.
    pub message: Message,
    /// The mailbox for IMAP jobs.
    pub mailbox: String,
    /// A new process or the one before.
    pub process: Process,
}

/// Whether a setting is what it is in a step that does not mention it.
fn is_usual<Word: Default + PartialEq>(word: &Word) -> bool {
    *word == Word::default()
}

/// What steps were called by before there was a choice.
fn usual_host() -> Host {
    Host::Name
}

/// The address that steps connected from before there was a choice.
fn first_source() -> u16 {
    1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde demands it")]
fn is_first_source(source: &u16) -> bool {
    *source == first_source()
}

impl Delta {
    /// The deviations of the server's side.
    pub fn deviations(&self) -> &[Deviation] {
        match self {
            Delta::Deviate(deviations) => deviations,
            _ => &[],
        }
    }

    /// The chains that take the place of the base's.
    pub fn chains(&self) -> impl Iterator<Item = &ChainSpec> {
        self.deviations().iter().filter_map(|it| match &it.action {
            Action::Chain(spec) => Some(spec),
            _ => None,
        })
    }
}

impl Case {
    /// The steps as they are run: the base with the delta's changes.
    pub fn effective_steps(&self) -> Vec<Step> {
        let mut steps = self.steps.clone();
        if let Delta::Vary(changes) = &self.delta {
            for change in changes {
                if let Some(step) = steps.get_mut(usize::from(change.step).saturating_sub(1)) {
                    *step = change.with.clone();
                }
            }
        }
        steps
    }

    /// Every step that somebody is asked for: as it is run, and behind those the base's for the control.
    pub fn every_step(&self) -> impl Iterator<Item = Step> {
        self.effective_steps().into_iter().chain(self.steps.clone())
    }

    /// The deviations of the server's side, none in a control.
    pub fn deviations(&self) -> &[Deviation] {
        self.delta.deviations()
    }

    /// Every chain that the server of a name has at some time, that of the base first.
    pub fn chains(&self) -> impl Iterator<Item = &ChainSpec> {
        std::iter::once(&self.setup.chain).chain(self.delta.chains())
    }

    /// What those get who do not say whom they want: no subject is told to trust these.
    pub fn default_chains(&self) -> impl Iterator<Item = &ChainSpec> {
        self.deviations().iter().filter_map(|it| match &it.action {
            Action::Tls(change) => match &change.act {
                TlsAct::DefaultChain(spec) => Some(spec),
                _ => None,
            },
            _ => None,
        })
    }

    /// Whether the case has this port: one of its steps, its setup or its delta names it.
    pub fn has_port(&self, role: PortRole) -> bool {
        let changed = self.deviations().iter().filter_map(|it| match &it.action {
            Action::Port(change) => change.role,
            _ => None,
        });
        self.every_step()
            .map(|it| it.port)
            .chain(self.setup.ports.iter().map(|(role, _)| *role))
            .chain(changed)
            .any(|it| it == role)
    }

    /// Whether it is the control of others.
    pub fn is_control(&self) -> bool {
        self.id.starts_with("control/")
    }

    /// Whether the case differs from its control at all.
    pub fn has_delta(&self) -> bool {
        self.delta != Delta::None
    }

    /// A name for the base: cases with equal keys share one control.
    pub fn base_key(&self) -> String {
        let base = serde_json::to_vec(&(&self.steps, &self.setup)).unwrap_or_default();
        let mut hash = 0xcbf2_9ce4_8422_2325_u64;
        for byte in base {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        format!("{hash:016x}")
    }

    /// The base alone. It must complete.
    pub fn control(&self) -> Case {
        let key = self.base_key();
        Case {
            id: format!("control/{key}"),
            scenario: format!("control/{key}"),
            variant: Vec::new(),
            title: "The same without the deviation".to_owned(),
            why: "Whoever cannot do it undisturbed proves nothing when disturbed.".to_owned(),
            kind: Kind::Positive,
            refs: Vec::new(),
            covers: Vec::new(),
            tags: Vec::new(),
            delta: Delta::None,
            expect: vec![Expectation::completed()],
            killed_by: Vec::new(),
            needs: self
                .needs
                .iter()
                .copied()
                .filter(|need| matches!(need, Need::Names | Need::Addresses))
                .collect(),
            waits: false,
            diagnosis: None,
            ..self.clone()
        }
    }

    /// The names of the accounts that the steps use, each once, `a` first if there is none.
    pub fn accounts(&self) -> Vec<&str> {
        let mut names: Vec<&str> = Vec::new();
        for step in &self.steps {
            if !names.contains(&step.account.as_str()) {
                names.push(&step.account);
            }
        }
        if names.is_empty() {
            names.push("a");
        }
        names
    }
}
