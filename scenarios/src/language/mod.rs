//! From the text of a scenario file to checked cases, with every error at its line and column.
//!
//! `file` is what may be written, `matrix` expands it, `lower` turns it into the model, `lint` looks at the
//! whole library. Nothing here reads the disk; [`crate::library`] does.

mod file;
mod lint;
mod lower;
mod matrix;
mod problem;
mod registries;
mod tls;

use std::{collections::BTreeMap, sync::Arc};

use serde::de::DeserializeOwned;
use toml::{Spanned, de::DeTable};

pub use file::schema;
pub use lint::lint;
pub use problem::{Problem, Problems, Source, nearest};
pub use registries::Registries;

use crate::model::{Expectation, Persona, Scenario};

/// Sets of expectations that scenarios share by name (`use = ["refuse-channel"]`).
pub type ExpectationSets = BTreeMap<String, Vec<Expectation>>;

/// Reads one scenario file.
///
/// `personas` are those that it may name; `sets` are the shared expectations.
///
/// # Errors
/// Every problem that was found, each with its place.
pub fn scenario(
    source: &Arc<Source>,
    personas: &BTreeMap<String, Persona>,
    sets: &ExpectationSets,
) -> Result<Scenario, Problems> {
    let root = parse(source)?;
    let expanded = matrix::expand(source, root)?;
    let mut problems = Problems::default();
    let mut cases = Vec::new();
    let mut id = String::new();
    for variant in expanded {
        let file: file::ScenarioFile = match read(source, variant.root) {
            Ok(file) => file,
            Err(found) => {
                problems.merge(found);
                continue;
            }
        };
        let segments = file.segments.clone();
        match lower::case(source, file, variant.names, personas, sets) {
            Ok(case) => {
                id.clone_from(&case.scenario);
                cases.extend(lower::in_segments(case, &segments));
            }
            Err(found) => problems.merge(found),
        }
    }
    if problems.is_empty() {
        Ok(Scenario {
            id,
            file: source.name.clone(),
            cases,
        })
    } else {
        Err(problems)
    }
}

/// Reads one persona file.
///
/// # Errors
/// Every problem that was found, each with its place.
pub fn persona(source: &Arc<Source>) -> Result<Persona, Problems> {
    let persona: Persona = read(source, parse(source)?)?;
    let stem = source
        .name
        .rsplit('/')
        .next()
        .and_then(|it| it.strip_suffix(".toml"));
    if stem != Some(persona.name.as_str()) {
        let span = source.find(&format!("\"{}\"", persona.name));
        return Err(Problem::new(
            source,
            span,
            format!("the persona is named `{}`", persona.name),
        )
        .help("a persona has the name of its file")
        .into());
    }
    Ok(persona)
}

/// Reads the file of shared expectations.
///
/// # Errors
/// Every problem that was found, each with its place.
pub fn expectation_sets(source: &Arc<Source>) -> Result<ExpectationSets, Problems> {
    let file: BTreeMap<String, file::SetFile> = read(source, parse(source)?)?;
    let mut problems = Problems::default();
    let mut sets = ExpectationSets::new();
    for (name, set) in file {
        let mut expectations = Vec::new();
        for expect in set.expect {
            match lower::expectation(source, expect, &ExpectationSets::new()) {
                Ok(found) => expectations.extend(found),
                Err(found) => problems.merge(found),
            }
        }
        sets.insert(name, expectations);
    }
    if problems.is_empty() {
        Ok(sets)
    } else {
        Err(problems)
    }
}

/// Reads any other TOML file of ours into a type that denies unknown fields.
///
/// # Errors
/// The first problem, with its place.
pub fn document<T: DeserializeOwned>(source: &Arc<Source>) -> Result<T, Problems> {
    read(source, parse(source)?)
}

fn parse(source: &Arc<Source>) -> Result<Spanned<DeTable<'_>>, Problems> {
    DeTable::parse(&source.text).map_err(|error| Problem::from_toml(source, &error).into())
}

fn read<T: DeserializeOwned>(
    source: &Arc<Source>,
    root: Spanned<DeTable<'_>>,
) -> Result<T, Problems> {
    T::deserialize(toml::Deserializer::from(root))
        .map_err(|error| Problem::from_toml(source, &error).into())
}
