//! Profiles: what is mandatory for which sort of product, and how a subject stands in one.
//!
//! A profile is a file: patterns for the cases that it demands, and the abilities that it needs. Must not know
//! how cases are run or how a standing is shown.

mod ability;
mod file;
mod library;
mod obligations;
mod standing;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use mailproof_scenarios::{language::Source, model::Protocol};

use crate::select::Matcher;

pub use ability::Ability;
pub use library::{FindError, all, find};
pub use obligations::{Demanded, Obligations};
pub use standing::{line, stand};

/// What is mandatory for one sort of product.
#[derive(Clone, Debug)]
pub struct Profile {
    /// The name on the command line.
    pub name: String,
    /// What a person calls it.
    pub title: String,
    /// When it was last compared with its sources, as `2026-11`.
    pub as_of: String,
    /// What it is for, in plain words.
    pub purpose: String,
    /// The protocols that the product speaks: cases that use another one are none of its.
    pub protocols: Vec<Protocol>,
    /// Cases that a subject must be run against and pass: those that one of these fits.
    pub mandatory: Vec<Rule>,
    /// Cases that are left out again, and why.
    pub excluded: Vec<Exclusion>,
    /// What a subject must be able to do: of each list at least one. What none of them names may be missing,
    /// and counts only where a subject has it.
    pub needs: Vec<Vec<Ability>>,
    /// Whether the cases that only the lab shows are mandatory as well.
    pub lab: bool,
    source: Arc<Source>,
}

/// A pattern and where it stands.
#[derive(Clone, Debug)]
pub struct Rule {
    /// Which cases.
    pub matcher: Matcher,
    span: std::ops::Range<usize>,
}

/// Cases that a profile leaves out.
#[derive(Clone, Debug)]
pub struct Exclusion {
    /// Which cases.
    pub cases: Vec<Rule>,
    /// Why.
    pub because: String,
}

impl Profile {
    /// The text of its file, so that results can be judged by it again.
    pub fn source(&self) -> &Source {
        &self.source
    }
}
