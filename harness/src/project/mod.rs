//! `mailproof.toml`: what a user's repository says about its runs, so that CI says just `mailproof run`.
//!
//! Every key is optional. Paths in the file are relative to it; here they are ready to be opened. Must not know
//! commands, nor that a command line exists.

mod file;
mod find;
#[cfg(test)]
mod tests;

use std::{
    num::NonZeroUsize,
    path::{Path, PathBuf},
    time::Duration,
};

pub use find::{FindError, NAME, find, read};

use crate::{
    exit::{FailOn, Require},
    select::Matcher,
};

/// What a project's file says. What it does not mention is `None`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Project {
    /// The file, as the user would name it.
    pub file: PathBuf,
    /// The name of a built-in adapter, or the path of an adapter file.
    pub adapter: Option<String>,
    /// The name of a built-in profile, or the path of a profile file.
    pub profile: Option<String>,
    /// Folders with own scenarios and personas.
    pub scenarios: Option<Vec<PathBuf>>,
    /// The file of expected failures.
    pub expect: Option<PathBuf>,
    /// The folder with the snapshots of the user's client.
    pub snapshots: Option<PathBuf>,
    /// The folder for the full report.
    pub out: Option<PathBuf>,
    /// Which cases.
    pub include: Option<Vec<Matcher>>,
    /// Which cases not.
    pub exclude: Option<Vec<Matcher>>,
    /// How many cases at once.
    pub jobs: Option<NonZeroUsize>,
    /// Where the fresh values of each case come from.
    pub seed: Option<u64>,
    /// What the subject is told to wait for the network.
    pub timeout: Option<Duration>,
    /// In namespaces of their own.
    pub lab: Option<bool>,
    /// What must have been run to a decision.
    pub require: Option<Vec<Require>>,
    /// Whether a run without the lab is too little.
    pub require_lab: Option<bool>,
    /// What else is unexpected.
    pub fail_on: Option<Vec<FailOn>>,
    /// How subjects elsewhere reach the mocks.
    pub reach: Reach,
}

/// The table `[reach]`: how subjects that are not on this machine reach the mocks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reach {
    /// The addresses to listen at.
    pub bind: Option<Vec<String>>,
    /// The name that the subject is told, and an address of each family.
    pub advertise: Option<Vec<String>>,
    /// Which port the subject is told for which port of the mocks.
    pub port_map: Option<Vec<String>>,
    /// Networks that may connect.
    pub allow_from: Option<Vec<String>>,
    /// The folder of a persistent authority.
    pub ca: Option<PathBuf>,
    /// The file with the user's own valid chain.
    pub chain: Option<PathBuf>,
    /// The file with the key of that chain.
    pub key: Option<PathBuf>,
}

impl Project {
    /// The folder that the paths of the file are relative to; empty for the current one.
    pub fn folder(&self) -> &Path {
        self.file.parent().unwrap_or(Path::new(""))
    }
}
