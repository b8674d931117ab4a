//! What a subject is asked and what it says, whatever kind of subject it is.
//!
//! Must not know how a particular subject is run; the adapters know.

use std::{future::Future, path::PathBuf, pin::Pin};

use mailproof_scenarios::model::{Auth, Crl, Job, Protocol, Security, Store, Trust, event::Said};
use serde::{Deserialize, Serialize};

/// The version of the request, which is also the contract with shims.
pub const REQUEST_VERSION: u32 = 1;

/// One step as a subject gets it. A shim gets it as JSON on standard input.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// [`REQUEST_VERSION`].
    pub v: u32,
    /// The case, for the subject's own log.
    pub case: String,
    /// What is asked.
    pub job: Job,
    /// In which protocol.
    pub protocol: Protocol,
    /// The configured host name.
    pub host: String,
    /// The configured port.
    pub port: u16,
    /// The security setting.
    pub security: Security,
    /// The trust setting.
    pub trust: Trust,
    /// The authorities for trust `ca`, PEM of the test authority unless a case is about the file itself; the
    /// file is there for every trust setting.
    pub ca_file: PathBuf,
    /// PEM of the authorities that the system is to trust, for trust `system` and `default`; absent where that
    /// is left to the system.
    #[serde(default)]
    pub store_file: Option<PathBuf>,
    /// PEM of the certificate revocation lists to check against; absent where there is nothing to check.
    #[serde(default)]
    pub crl_file: Option<PathBuf>,
    /// PEM of the pinned leaf, for trust `pin`.
    pub pin_file: Option<PathBuf>,
    /// How to sign in.
    pub auth: Auth,
    /// Which account, for clients that keep several.
    pub account: String,
    /// The login name.
    pub user: String,
    /// The password.
    pub password: String,
    /// The bearer token.
    pub token: String,
    /// The envelope sender.
    pub from: String,
    /// The envelope recipients.
    pub to: Vec<String>,
    /// The message to send or append, lines ended by CRLF.
    pub message_file: PathBuf,
    /// The mailbox.
    pub mailbox: String,
    /// How long the subject should wait for the network, in milliseconds.
    pub timeout_ms: u64,
    /// A folder of the case's own.
    pub work_dir: PathBuf,
}

/// What a subject says about a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Report {
    /// It tried, and this came of it.
    Done {
        /// How it went.
        said: Said,
        /// The words for the user.
        text: String,
    },
    /// It cannot do what was asked.
    Unsupported {
        /// What it cannot do.
        what: String,
    },
}

impl Report {
    /// Success without words.
    pub fn success() -> Self {
        Report::Done {
            said: Said::Success,
            text: String::new(),
        }
    }

    /// A failure with the words for the user.
    pub fn failure(said: Said, text: impl Into<String>) -> Self {
        Report::Done {
            said,
            text: text.into(),
        }
    }
}

/// A future that a subject's session returns.
pub type Performing<'a> = Pin<Box<dyn Future<Output = Report> + Send + 'a>>;

/// A subject that lives inside mailproof.
pub trait Embedded: Send + Sync {
    /// A fresh process, so to speak: what it remembers ends with it (unless it is flawed).
    fn open(&self) -> Box<dyn Session>;
}

/// One run of an embedded subject; steps with `process = "same"` share one.
pub trait Session: Send {
    /// Does what is asked. Connects to the network by itself and keeps `request.timeout_ms` for each wait.
    fn perform<'a>(&'a mut self, request: &'a Request) -> Performing<'a>;
}

/// What a subject can be asked to do, as its adapter declares it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Supports {
    /// Protocols.
    pub protocols: Vec<Protocol>,
    /// Jobs with their protocol.
    pub jobs: Vec<(Protocol, Job)>,
    /// Security settings.
    pub security: Vec<Security>,
    /// Trust settings.
    pub trust: Vec<Trust>,
    /// Ways to sign in.
    pub auth: Vec<Auth>,
    /// Whether one process can do several steps.
    pub same_process: bool,
    /// Whether one message can go to several recipients.
    pub several_recipients: bool,
    /// Whether it can be given a store of authorities in the place of the system's.
    #[serde(default)]
    pub store: bool,
    /// Whether it can be given certificate revocation lists.
    #[serde(default)]
    pub crl: bool,
}

impl Supports {
    /// Why a step cannot be asked of the subject; `None` where it can.
    pub fn lacks(&self, step: &mailproof_scenarios::model::Step) -> Option<String> {
        if !self.jobs.contains(&(step.protocol, step.job)) {
            return Some(format!("job {} over {}", step.job, step.protocol));
        }
        if !self.security.contains(&step.security) {
            return Some(format!("security {}", step.security));
        }
        if step.security != Security::None && !self.trust.contains(&step.trust) {
            return Some(format!("trust {}", step.trust));
        }
        if !self.auth.contains(&step.auth) {
            return Some(format!("auth {}", step.auth));
        }
        if step.to.len() > 1 && !self.several_recipients {
            return Some("several recipients".to_owned());
        }
        if step.process == mailproof_scenarios::model::Process::Same && !self.same_process {
            return Some("several steps in one process".to_owned());
        }
        if step.store != Store::Own && !self.store {
            return Some("a system store of the case's own".to_owned());
        }
        if step.crl != Crl::None && !self.crl {
            return Some("certificate revocation lists".to_owned());
        }
        None
    }
}
