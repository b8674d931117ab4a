//! Whether what a bundle says its profile demands is what that profile demands.
//!
//! The demands are packed, so that old results can be judged when a profile has changed. Whoever packs could
//! shorten them. Must not know how results are judged.

use std::collections::BTreeSet;

use mailproof_scenarios::library::Library;
use serde::Serialize;

use crate::{
    profile,
    results::{Results, Verdict},
};

/// What was found out about the demands of a profile.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Demands {
    /// Whose profile it is.
    pub origin: Origin,
    /// Cases that the profile names here and that the bundle does not demand, by id.
    pub left_out: Vec<String>,
    /// Cases that the bundle says the subject need not do, although it was asked and did not say that it
    /// cannot, by id.
    pub excused: Vec<String>,
}

/// Whose profile it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// The one of this name that this mailproof has, to the letter.
    BuiltIn,
    /// It has the name of one that this mailproof has, and another text.
    Other,
    /// The vendor's own.
    Own,
}

impl Demands {
    /// Compares the demands of a run with those that its profile makes of the cases that are here; `None` where
    /// the run was for no profile. `None` as well where the text is no profile any more: then the standing
    /// itself cannot be found again.
    pub(super) fn of(packed: &Results, library: &Library) -> Option<Self> {
        let obligations = packed.obligations.as_ref()?;
        let profile = obligations.profile().ok()?;
        let built_in = profile::all().unwrap_or_default();
        let same_name = built_in.iter().find(|it| it.name == profile.name);
        let origin = match same_name {
            Some(it) if it.source().text == obligations.text => Origin::BuiltIn,
            Some(_) => Origin::Other,
            None => Origin::Own,
        };
        let demanded: BTreeSet<&str> = obligations.cases.iter().map(|it| it.id.as_str()).collect();
        let named = library.cases().filter(|it| profile.names(it));
        let left_out = named
            .filter(|it| !demanded.contains(it.id.as_str()))
            .map(|it| it.id.clone());
        let asked: BTreeSet<&str> = packed
            .cases
            .iter()
            .filter(|it| it.judgement.verdict != Verdict::Unsupported)
            .map(|it| it.id.as_str())
            .collect();
        let excused = obligations.cases.iter().filter(|it| it.beyond.is_some());
        let excused = excused.filter(|it| asked.contains(it.id.as_str()));
        Some(Self {
            origin,
            left_out: left_out.collect(),
            excused: excused.map(|it| it.id.clone()).collect(),
        })
    }
}
