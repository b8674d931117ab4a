//! What reports cite beside the results: the text of clauses, and the files of scenarios.
//!
//! Must not know formats.

use std::{collections::BTreeMap, sync::Arc};

use mailproof_scenarios::{
    language::{Registries, Source},
    library::Library,
};

/// Where our own scenarios are in the repository.
const OWN: &str = "scenarios/";

/// The text of clauses, and the files of scenarios.
#[derive(Clone, Debug, Default)]
pub struct Background {
    registries: Registries,
    places: BTreeMap<String, Place>,
}

/// Where a scenario is written down.
#[derive(Clone, Debug)]
struct Place {
    file: String,
    source: Arc<Source>,
}

impl Background {
    /// Takes from a library what reports cite.
    pub fn of(library: &Library) -> Self {
        let places = library.scenarios().iter().filter_map(|scenario| {
            let source = library.source(&scenario.id)?;
            let file = if library.is_embedded(&scenario.id) {
                format!("{OWN}{}", source.name)
            } else {
                source.name.clone()
            };
            let source = Arc::clone(source);
            Some((scenario.id.clone(), Place { file, source }))
        });
        Self {
            registries: library.registries().clone(),
            places: places.collect(),
        }
    }

    /// What a cited clause says, word for word, where that is known.
    pub fn clause(&self, citation: &str) -> Option<&str> {
        self.registries.clause(citation)
    }

    /// The file of a scenario: below the repository for our own, else as the user named it.
    pub fn file(&self, scenario: &str) -> Option<&str> {
        self.places.get(scenario).map(|it| it.file.as_str())
    }

    /// The line, counted from 1, on which a scenario demands what was found broken: that which cites the
    /// clause, else the first expectation, else the first line.
    pub fn line(&self, scenario: &str, words: &[&str]) -> usize {
        let Some(place) = self.places.get(scenario) else {
            return 1;
        };
        let lines = || place.source.text.lines().zip(1..);
        let expectations =
            || lines().skip_while(|(line, _)| !line.trim_start().starts_with("[[expect]]"));
        let named = expectations().find(|(line, _)| {
            words
                .iter()
                .any(|word| !word.is_empty() && line.contains(word))
        });
        let sets = || lines().find(|(line, _)| line.starts_with("use"));
        let found = named.or_else(|| expectations().next()).or_else(sets);
        found.map_or(1, |(_, number)| number)
    }
}
