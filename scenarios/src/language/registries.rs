//! What the library is measured against: sections of RFCs and what they say, requirement ids, planned cases,
//! and why some of those are not there.
//!
//! Must not know how a case is written.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::{Problem, Problems, Source, document};

/// What citations and requirement ids are checked against.
#[derive(Clone, Debug, Default)]
pub struct Registries {
    sections: BTreeMap<String, BTreeSet<String>>,
    clauses: BTreeMap<String, String>,
    clauses_source: Option<Arc<Source>>,
    requirements: BTreeMap<String, String>,
    planned: BTreeMap<String, String>,
    absent: BTreeMap<String, String>,
    absent_source: Option<Arc<Source>>,
}

impl Registries {
    pub(crate) fn read(sources: &[Arc<Source>]) -> Result<Self, Problems> {
        let mut registries = Self::default();
        for source in sources {
            let entries: BTreeMap<String, String> = document(source)?;
            if source.name.ends_with("rfc-sections.toml") {
                let split = |line: String| line.split(' ').map(str::to_owned).collect();
                registries.sections = entries
                    .into_iter()
                    .map(|(rfc, line)| (rfc, split(line)))
                    .collect();
            } else if source.name.ends_with("clauses.toml") {
                registries.clauses = entries;
                registries.clauses_source = Some(Arc::clone(source));
            } else if source.name.ends_with("planned.toml") {
                registries.planned = entries;
            } else if source.name.ends_with("absent.toml") {
                registries.absent = entries;
                registries.absent_source = Some(Arc::clone(source));
            } else {
                registries.requirements.extend(entries);
            }
        }
        Ok(registries)
    }

    /// Requirement ids and where they come from.
    pub fn requirements(&self) -> &BTreeMap<String, String> {
        &self.requirements
    }

    /// The ids of the cases that the library means to have, and the group of each.
    pub fn planned(&self) -> &BTreeMap<String, String> {
        &self.planned
    }

    /// Why a planned case or a requirement is not there. Behind a `#` stands which part of it.
    pub fn absent(&self) -> &BTreeMap<String, String> {
        &self.absent
    }

    /// What a cited section says, word for word, as far as scenarios rest on it: `RFC 3207 §4.2`.
    pub fn clause(&self, citation: &str) -> Option<&str> {
        self.clauses.get(citation).map(String::as_str)
    }

    /// What is wrong with a citation of the embedded library, if anything: beside what holds for all, the
    /// text of a section has to be at hand.
    pub(super) fn check_own_reference(&self, text: &str) -> Option<String> {
        let is_section = text.starts_with("RFC ") && text.contains('§');
        self.check_reference(text).or_else(|| {
            (is_section && self.clause(text).is_none())
                .then(|| format!("what {text} says is not in requirements/clauses.toml"))
        })
    }

    /// Clauses that are quoted although none of these citations asks for them.
    pub(super) fn check_clauses(&self, cited: &BTreeSet<&str>) -> Problems {
        let mut problems = Problems::default();
        let Some(source) = &self.clauses_source else {
            return problems;
        };
        for citation in self.clauses.keys().map(String::as_str) {
            if !cited.contains(citation) {
                let near = source.find(&format!("\"{citation}\""));
                let message = format!("no scenario of the library cites {citation}");
                problems.push(Problem::new(source, near, message));
            }
        }
        problems
    }

    /// Reasons for the absence of what nobody planned, or of what is there.
    pub(super) fn check_absent(&self, is_there: impl Fn(&str) -> bool) -> Problems {
        let mut problems = Problems::default();
        let Some(source) = &self.absent_source else {
            return problems;
        };
        for key in self.absent.keys() {
            let (id, part) = key
                .split_once('#')
                .map_or((key.as_str(), None), |(id, part)| (id, Some(part)));
            let is_planned = self.planned.contains_key(id) || self.requirements.contains_key(id);
            let message = match (is_planned, part) {
                (false, _) => format!("nobody planned `{id}`"),
                (true, None) if is_there(id) => format!("`{id}` is there"),
                (true, Some(_)) if !is_there(id) => {
                    format!("nothing of `{id}` is there, so its absence has no part")
                }
                _ => continue,
            };
            let near = source.find(&format!("\"{key}\""));
            problems.push(Problem::new(source, near, message));
        }
        problems
    }

    /// What is wrong with a citation, if anything. `RFC 5321 §4.2` names a section that must exist; other
    /// texts are names of papers and advisories, except that `CVE-` wants a year and a number.
    pub(super) fn check_reference(&self, text: &str) -> Option<String> {
        if let Some(rest) = text.strip_prefix("RFC ") {
            let (rfc, section) = match rest.split_once(' ') {
                Some((rfc, section)) => (rfc, Some(section)),
                None => (rest, None),
            };
            let Some(known) = self.sections.get(rfc) else {
                return Some(format!(
                    "RFC `{rfc}` is not among the RFCs that citations are checked against"
                ));
            };
            let section = section?;
            let Some(number) = section.strip_prefix('§') else {
                return Some("a section is cited as `RFC 5321 §4.2`".to_owned());
            };
            return (!known.contains(number)).then(|| format!("RFC {rfc} has no section {number}"));
        }
        if let Some(rest) = text.strip_prefix("CVE-") {
            let fits = rest.split_once('-').is_some_and(|(year, number)| {
                year.len() == 4
                    && number.len() >= 4
                    && year
                        .bytes()
                        .chain(number.bytes())
                        .all(|b| b.is_ascii_digit())
            });
            return (!fits).then(|| "a CVE is cited as `CVE-2021-22947`".to_owned());
        }
        text.trim()
            .is_empty()
            .then(|| "an empty citation".to_owned())
    }
}
