//! The adapter's own placeholders: which there are, and which of them always have a value.
//!
//! Must not know how they are filled.

use std::collections::{BTreeMap, BTreeSet};

use mailproof_scenarios::model::Protocol;
use toml::Spanned;

use super::file;

/// The adapter's own places.
#[derive(Clone)]
pub(super) struct OwnPlaces {
    /// Those that always have a value.
    pub(super) always: BTreeSet<String>,
    /// The others, with a setting that leaves them without.
    pub(super) sometimes: BTreeMap<String, String>,
}

impl OwnPlaces {
    pub(super) fn of(file: &file::File) -> Self {
        let always = file.values.keys().map(|it| it.as_ref().clone()).collect();
        let mut own = Self {
            always,
            sometimes: BTreeMap::new(),
        };
        let settings = settings_of(file);
        let mut named: BTreeSet<(&str, &String)> = BTreeSet::new();
        for ((axis, _), setting) in &settings {
            let inner = [
                Some(*setting),
                setting.smtp.as_deref(),
                setting.imap.as_deref(),
            ];
            for name in inner.into_iter().flatten().flat_map(|it| it.values.keys()) {
                named.insert((*axis, name.as_ref()));
            }
        }
        let says_no_crl = settings.iter().any(|(word, _)| *word == ("crl", "none"));
        for (axis, name) in named {
            // Most steps have no revocation lists, also where the adapter has nothing to say about that.
            if axis == "crl" && !says_no_crl {
                let without = "crl = \"none\"".to_owned();
                own.sometimes.insert(name.clone(), without);
                continue;
            }
            let mut of_axis = settings.iter().filter(|((it, _), _)| *it == axis);
            match of_axis.find(|(_, setting)| !always_sets(setting, name)) {
                None => {
                    own.always.insert(name.clone());
                }
                Some(((axis, word), _)) => {
                    own.sometimes
                        .insert(name.clone(), format!("{axis} = \"{word}\""));
                }
            }
        }
        own
    }

    /// All of them.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.always
            .iter()
            .chain(self.sometimes.keys())
            .map(String::as_str)
    }
}

/// Every setting with its axis and word.
pub(super) fn settings_of(
    file: &file::File,
) -> Vec<((&'static str, &'static str), &file::Setting)> {
    let Some(settings) = file.settings.as_ref().map(Spanned::as_ref) else {
        return Vec::new();
    };
    let security = settings.security.iter();
    let trust = settings.trust.iter();
    let auth = settings.auth.iter();
    let crl = settings.crl.iter();
    security
        .map(|(word, setting)| (("security", word.name()), setting))
        .chain(trust.map(|(word, setting)| (("trust", word.name()), setting)))
        .chain(auth.map(|(word, setting)| (("auth", word.name()), setting)))
        .chain(crl.map(|(word, setting)| (("crl", word.name()), setting)))
        .collect()
}

fn always_sets(setting: &file::Setting, name: &str) -> bool {
    let sets = |it: &file::Setting| it.values.keys().any(|key| key.as_ref() == name);
    sets(setting)
        || protocols_of(setting)
            .iter()
            .all(|protocol| for_protocol(setting, *protocol).is_some_and(sets))
}

/// A setting with tables for protocols is one of those protocols only.
pub(super) fn protocols_of(setting: &file::Setting) -> Vec<Protocol> {
    let all = Protocol::ALL.iter().copied();
    if setting.smtp.is_none() && setting.imap.is_none() {
        return all.collect();
    }
    all.filter(|it| for_protocol(setting, *it).is_some())
        .collect()
}

/// What a setting has for one protocol only.
pub(super) fn for_protocol(setting: &file::Setting, protocol: Protocol) -> Option<&file::Setting> {
    match protocol {
        Protocol::Smtp => setting.smtp.as_deref(),
        Protocol::Imap => setting.imap.as_deref(),
    }
}
