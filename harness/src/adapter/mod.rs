//! Adapters: how one subject is run, and how it names what it can be told.
//!
//! An adapter is a TOML file (see `adapters/` for those that are built in). It is one of four kinds: a
//! *template* has a command line for each job; a *shim* is a program that takes the request as JSON and
//! answers in JSON; *embedded* is code inside mailproof; *remote* is a product that hooks operate. An adapter is checked completely when it is read:
//! what it can get wrong afterwards is only what it says of its program.
//!
//! Nothing here runs a process; `runner` does.

mod error;
mod exit;
mod file;
mod fill;
mod library;
mod load;
mod own;
mod places;
pub mod remote;
mod supports;
mod template;

use std::{
    collections::BTreeMap,
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use mailproof_scenarios::model::{Auth, Crl, Job, Protocol, Security, Step, Trust};
use serde::Deserialize;

pub use error::{AdapterError, FindError};
pub use exit::{ExitTable, Meaning, Stream};
pub use fill::{PrepareError, Prepared};
pub use library::{all, find, source};
pub use places::BUILT_IN_PLACES;
pub use remote::Remote;
pub use template::{Argument, FillError, Template, Value, Values};

use crate::{
    process::{self, Limits},
    subject::{Embedded, Supports},
    transcript::Rules,
};

/// The exit code by which a shim says that it cannot do what was asked.
pub const SHIM_UNSUPPORTED: i32 = 89;

/// The folder below the work folder that `HOME` names.
pub const HOME: &str = "home";

/// How one subject is run.
#[derive(Debug)]
pub struct Adapter {
    /// The name on the command line.
    pub name: String,
    /// What a person calls it.
    pub title: String,
    /// Client or server.
    pub role: Role,
    /// The program that must be there, if it is a program.
    pub program: Option<String>,
    /// How to get it.
    pub install: Option<String>,
    /// A command that prints the version.
    pub version: Vec<String>,
    /// How long the subject is told to wait for the network, unless the user says otherwise.
    pub timeout: Duration,
    /// What it can be asked to do. Ask [`Adapter::lacks`], which knows what goes together.
    pub supports: Supports,
    /// How the product names each setting.
    pub words: Words,
    /// How it is run.
    pub kind: Kind,
    /// Files that are written into the work folder, by their path in there.
    pub files: BTreeMap<String, FileContent>,
    /// Folders in the work folder that are emptied, or made, before each step.
    pub fresh: Vec<String>,
    /// Variables of its environment.
    pub environment: BTreeMap<String, Template>,
    /// More of them where a step has a store in the place of the system's.
    pub system_store: BTreeMap<String, Template>,
    /// What its exit codes mean; a shim says it in words instead.
    pub exit: ExitTable,
    /// What of it is not compared in snapshots.
    pub snapshot: Rules,
    /// Bounds of its process.
    pub limits: Limits,
    /// The folder of the adapter's own file; `None` for those that are built in.
    pub folder: Option<PathBuf>,
}

/// What a subject is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// It connects.
    Client,
    /// It listens.
    Server,
}

/// How a subject is run.
pub enum Kind {
    /// A command line for each job.
    Template(Commands),
    /// A program that speaks JSON.
    Shim {
        /// Its command line.
        run: Vec<Argument>,
    },
    /// Code inside mailproof.
    Embedded {
        /// The name in the registry.
        name: String,
        /// The code.
        subject: Arc<dyn Embedded>,
        /// Its version.
        version: String,
    },
    /// A product that is operated by hooks.
    Remote(Box<Remote>),
}

/// The command lines of a template.
#[derive(Debug, Default)]
pub struct Commands {
    /// By what is asked.
    pub jobs: BTreeMap<(Protocol, Job), JobCommand>,
    /// What to add for each security setting.
    pub security: BTreeMap<(Protocol, Security), Setting>,
    /// What to add for each trust setting.
    pub trust: BTreeMap<(Protocol, Trust), Setting>,
    /// What to add for each way to sign in.
    pub auth: BTreeMap<(Protocol, Auth), Setting>,
    /// What to add with and without revocation lists; nothing where it is not there.
    pub crl: BTreeMap<(Protocol, Crl), Setting>,
    /// Values of the adapter's own places, where no setting has another.
    pub values: BTreeMap<String, Template>,
}

/// The command line of one job.
#[derive(Clone, Debug)]
pub struct JobCommand {
    /// Program and arguments.
    pub run: Vec<Argument>,
    /// The file that is its standard input.
    pub stdin: Option<Template>,
}

/// What one setting adds.
#[derive(Clone, Debug, Default)]
pub struct Setting {
    /// Arguments, in the place of `{settings}`.
    pub args: Vec<Argument>,
    /// Values of the adapter's own places.
    pub values: BTreeMap<String, Template>,
}

/// A file in the work folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileContent {
    /// Filled for each step.
    Template(Template),
    /// As it is.
    Verbatim(Vec<u8>),
}

/// How the product names each setting, for people who have to find it in there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Words {
    /// Security settings.
    pub security: BTreeMap<Security, String>,
    /// Trust settings.
    pub trust: BTreeMap<Trust, String>,
    /// Ways to sign in.
    pub auth: BTreeMap<Auth, String>,
}

/// A program that is not there.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{program}` is not installed{}", install.as_ref().map(|it| format!("; to get it: {it}")).unwrap_or_default())]
pub struct Missing {
    /// The program.
    pub program: String,
    /// How to get it.
    pub install: Option<String>,
}

impl Adapter {
    /// Reads an adapter from text. `file` is what the user knows it by; `folder` is where it lies, for
    /// files beside it.
    ///
    /// # Errors
    /// The first thing that is wrong, with its place.
    pub fn parse(source: &str, file: &str, folder: &Path) -> Result<Self, AdapterError> {
        let read = |path: &str| load::read_beside(folder, path);
        load::load(source, file, Some(folder), &read)
    }

    /// Why a step cannot be asked of the subject; `None` where it can.
    pub fn lacks(&self, step: &Step) -> Option<String> {
        if let Some(lack) = self.supports.lacks(step) {
            return Some(lack);
        }
        let commands = match &self.kind {
            Kind::Template(commands) => commands,
            Kind::Remote(remote) => &remote.settings,
            Kind::Shim { .. } | Kind::Embedded { .. } => return None,
        };
        let protocol = step.protocol;
        if !commands.security.contains_key(&(protocol, step.security)) {
            return Some(format!("security {} over {protocol}", step.security));
        }
        if step.security != Security::None && !commands.trust.contains_key(&(protocol, step.trust))
        {
            return Some(format!("trust {} over {protocol}", step.trust));
        }
        if !commands.auth.contains_key(&(protocol, step.auth)) {
            return Some(format!("auth {} over {protocol}", step.auth));
        }
        if step.crl != Crl::None && !commands.crl.contains_key(&(protocol, step.crl)) {
            return Some(format!("certificate revocation lists over {protocol}"));
        }
        None
    }

    /// Whether somebody hears what the subject says in every one of `steps`.
    pub fn is_heard(&self, steps: &[Step]) -> bool {
        let Kind::Remote(remote) = &self.kind else {
            return true;
        };
        steps.iter().all(|step| {
            let job = remote.jobs.get(&(step.protocol, step.job));
            job.is_some_and(|it| it.observe.is_some())
        })
    }

    /// Whether the subject runs in a process of its own, so that a crash is seen.
    pub fn has_process(&self) -> bool {
        !matches!(self.kind, Kind::Remote(_))
    }

    /// Whether the program is installed.
    ///
    /// # Errors
    /// [`Missing`] where it is not, with the way to get it.
    pub fn check_program(&self) -> Result<(), Missing> {
        match &self.program {
            Some(program) if process::look_up(program).is_none() => Err(Missing {
                program: program.clone(),
                install: self.install.clone(),
            }),
            _ => Ok(()),
        }
    }
}

impl fmt::Debug for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Kind::Template(commands) => f.debug_tuple("Template").field(commands).finish(),
            Kind::Shim { run } => f.debug_struct("Shim").field("run", run).finish(),
            Kind::Embedded { name, version, .. } => f
                .debug_struct("Embedded")
                .field("name", name)
                .field("version", version)
                .finish_non_exhaustive(),
            Kind::Remote(remote) => f.debug_tuple("Remote").field(remote).finish(),
        }
    }
}

#[cfg(test)]
mod tests;
