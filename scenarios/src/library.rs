//! The scenarios, personas and registries themselves: embedded in the binary, with the user's own beside.
//!
//! The only place of this crate that reads the disk.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use include_dir::{Dir, include_dir};

use crate::{
    language::{self, ExpectationSets, Problem, Problems, Registries, Source},
    model::{Case, Persona, Scenario},
};

static LIBRARY: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/library");
static PERSONAS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/personas");
static REQUIREMENTS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/requirements");

const SETS: &str = "expectations.toml";

/// Everything that can be run.
#[derive(Clone, Debug, Default)]
pub struct Library {
    scenarios: Vec<Scenario>,
    sources: BTreeMap<String, Arc<Source>>,
    embedded: BTreeSet<String>,
    personas: BTreeMap<String, Persona>,
    sets: ExpectationSets,
    registries: Registries,
}

impl Library {
    /// What is embedded.
    ///
    /// # Errors
    /// Problems in the embedded files, which a test of this crate rules out for a build that passed it.
    pub fn embedded() -> Result<Self, Problems> {
        let mut library = Library {
            registries: Registries::read(&embedded_sources(&REQUIREMENTS, "requirements"))?,
            ..Library::default()
        };
        library.add(Files {
            personas: embedded_sources(&PERSONAS, "personas"),
            scenarios: embedded_sources(&LIBRARY, "library"),
        })?;
        library.embedded = library.sources.keys().cloned().collect();
        Ok(library)
    }

    /// What is embedded, and the files of a folder: scenarios below it, personas in its `personas`, shared
    /// expectations in its `expectations.toml`.
    ///
    /// # Errors
    /// Problems in the files, or a folder that cannot be read.
    pub fn with_folder(folder: &Path) -> Result<Self, Problems> {
        Self::with_folders(&[folder])
    }

    /// What is embedded, and the files of several folders, each as in [`Library::with_folder`]. A later folder
    /// may use what an earlier one has.
    ///
    /// # Errors
    /// Problems in the files, or a folder that cannot be read.
    pub fn with_folders(folders: &[impl AsRef<Path>]) -> Result<Self, Problems> {
        let mut library = Self::embedded()?;
        for folder in folders {
            library.add(read_folder(folder.as_ref())?)?;
        }
        Ok(library)
    }

    /// Files that the user names, for `lint`: each is read as what it seems to be.
    ///
    /// # Errors
    /// Problems in the files, or a file that cannot be read.
    pub fn with_files(paths: &[PathBuf]) -> Result<Self, Problems> {
        let mut library = Self::embedded()?;
        for path in paths {
            if path.is_dir() {
                library.add(read_folder(path)?)?;
            } else {
                let mut files = Files::default();
                files.add(read_file(path, &path.display().to_string())?);
                library.add(files)?;
            }
        }
        Ok(library)
    }

    /// All scenarios in the order of their ids.
    pub fn scenarios(&self) -> &[Scenario] {
        &self.scenarios
    }

    /// All cases, scenario by scenario.
    pub fn cases(&self) -> impl Iterator<Item = &Case> {
        self.scenarios.iter().flat_map(|it| &it.cases)
    }

    /// The case of that id.
    pub fn case(&self, id: &str) -> Option<&Case> {
        self.cases().find(|it| it.id == id)
    }

    /// The text of a scenario's file.
    pub fn source(&self, scenario: &str) -> Option<&Arc<Source>> {
        self.sources.get(scenario)
    }

    /// Whether a scenario is one of ours and not one that the user brought.
    pub fn is_embedded(&self, scenario: &str) -> bool {
        self.embedded.contains(scenario)
    }

    /// All personas by name.
    pub fn personas(&self) -> &BTreeMap<String, Persona> {
        &self.personas
    }

    /// The persona of that name.
    pub fn persona(&self, name: &str) -> Option<&Persona> {
        self.personas.get(name)
    }

    /// What lint checks citations and requirement ids against.
    pub fn registries(&self) -> &Registries {
        &self.registries
    }

    fn add(&mut self, files: Files) -> Result<(), Problems> {
        let mut problems = Problems::default();
        for source in &files.personas {
            match language::persona(source) {
                Ok(persona) => {
                    self.personas.insert(persona.name.clone(), persona);
                }
                Err(found) => problems.merge(found),
            }
        }
        for source in files.scenarios.iter().filter(|it| is_sets(it)) {
            match language::expectation_sets(source) {
                Ok(sets) => self.sets.extend(sets),
                Err(found) => problems.merge(found),
            }
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        for source in files.scenarios.iter().filter(|it| !is_sets(it)) {
            match language::scenario(source, &self.personas, &self.sets) {
                Ok(scenario) => {
                    if let Some(other) = self.sources.get(&scenario.id) {
                        let message =
                            format!("the id `{}` is taken by {}", scenario.id, other.name);
                        problems.push(Problem::new(source, 0..0, message));
                        continue;
                    }
                    self.sources.insert(scenario.id.clone(), Arc::clone(source));
                    self.scenarios.push(scenario);
                }
                Err(found) => problems.merge(found),
            }
        }
        self.scenarios.sort_by(|a, b| a.id.cmp(&b.id));
        if problems.is_empty() {
            Ok(())
        } else {
            Err(problems)
        }
    }
}

#[derive(Default)]
struct Files {
    personas: Vec<Arc<Source>>,
    scenarios: Vec<Arc<Source>>,
}

impl Files {
    fn add(&mut self, source: Arc<Source>) {
        let in_personas = Path::new(&source.name)
            .components()
            .rev()
            .nth(1)
            .is_some_and(|it| it.as_os_str() == "personas");
        if in_personas {
            self.personas.push(source)
        } else {
            self.scenarios.push(source)
        }
    }
}

fn is_sets(source: &Source) -> bool {
    source.name.rsplit(['/', '\\']).next() == Some(SETS)
}

fn embedded_sources(dir: &Dir<'_>, prefix: &str) -> Vec<Arc<Source>> {
    let mut sources: Vec<_> = dir
        .files()
        .filter(|file| file.path().extension().is_some_and(|it| it == "toml"))
        .filter_map(|file| {
            let text = file.contents_utf8()?;
            Some(Source::new(
                format!("{prefix}/{}", file.path().display()),
                text,
            ))
        })
        .collect();
    for folder in dir.dirs() {
        sources.extend(embedded_sources(folder, prefix));
    }
    sources
}

fn read_folder(folder: &Path) -> Result<Files, Problems> {
    let mut files = Files::default();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        let entries = fs::read_dir(&next).and_then(|it| it.collect::<io::Result<Vec<_>>>());
        let mut paths: Vec<PathBuf> = entries
            .map_err(|error| unreadable(&next, &error))?
            .iter()
            .map(fs::DirEntry::path)
            .collect();
        paths.sort();
        for path in paths {
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|it| it == "toml")
                && path.file_name().is_none_or(|it| it != "mailproof.toml")
            {
                files.add(read_file(&path, &path.display().to_string())?);
            }
        }
    }
    Ok(files)
}

fn read_file(path: &Path, name: &str) -> Result<Arc<Source>, Problems> {
    let text = fs::read_to_string(path).map_err(|error| unreadable(path, &error))?;
    Ok(Source::new(name, text))
}

fn unreadable(path: &Path, error: &io::Error) -> Problems {
    let source = Source::new(path.display().to_string(), "");
    Problem::new(&source, 0..0, format!("cannot be read: {error}")).into()
}

#[cfg(test)]
mod tests {
    use pretty_assertions::assert_eq;
    use test_case::test_case;

    use super::*;
    use crate::language::lint;

    const SCENARIO: &str = r#"
id = "net/test/cites"
title = "A title"
why = "A reason."
kind = "survey"
severity = "low"
frequency = "rare"
refs = ["RFC 5321 §4.2", "Some paper"]
run = [{ carrier = "smtp-implicit" }]
expect = [{ level = "MAY", completed = true, clause = "RFC 5321 §3.8" }]
"#;

    const SECTIONS: &str = "5321 = \"3.8 4.2\"";

    #[test]
    fn the_embedded_library_loads_and_lints_clean() {
        let library = Library::embedded().unwrap_or_else(|problems| panic!("{problems}"));
        let problems = lint(&library);
        assert!(problems.is_empty(), "{problems}");
    }

    #[test_case("'RFC 5321 §4.2' = 'a'\n'RFC 5321 §3.8' = 'b'", &[]; "all of it")]
    #[test_case("'RFC 5321 §4.2' = 'a'", &["what RFC 5321 §3.8 says is not in requirements/clauses.toml"]; "less")]
    #[test_case("'RFC 5321 §4.2' = 'a'\n'RFC 5321 §3.8' = 'b'\n'RFC 5321 §9' = 'c'",
        &["no scenario of the library cites RFC 5321 §9"]; "more")]
    fn what_the_library_cites_is_quoted(clauses: &str, expected: &[&str]) {
        let library = library(clauses, true);
        assert_eq!(messages(&library), expected);
        assert_eq!(library.registries().clause("RFC 5321 §4.2"), Some("a"));
        assert_eq!(library.registries().clause("RFC 5321 §4"), None);
    }

    #[test]
    fn what_a_user_cites_need_not_be_quoted_and_does_not_count() {
        assert_eq!(messages(&library("", false)), [""; 0]);
        assert_eq!(
            messages(&library("'RFC 5321 §4.2' = 'a'", false)),
            ["no scenario of the library cites RFC 5321 §4.2"]
        );
    }

    #[test_case("'net/test/cites#small' = 'why'", &[]; "a part of what is there")]
    #[test_case("'net/test/other' = 'why'", &[]; "what is planned and not there")]
    #[test_case("'net/test/cites' = 'why'", &["`net/test/cites` is there"]; "what is there")]
    #[test_case("'net/test/other#small' = 'why'",
        &["nothing of `net/test/other` is there, so its absence has no part"]; "a part of nothing")]
    #[test_case("'net/test/third' = 'why'", &["nobody planned `net/test/third`"]; "what nobody planned")]
    fn an_absence_has_a_reason_only_where_something_is_missing(absent: &str, expected: &[&str]) {
        let planned = "'net/test/cites' = 'a group'\n'net/test/other' = 'a group'";
        assert_eq!(messages(&planning(planned, absent, "", false)), expected);
    }

    fn library(clauses: &str, is_embedded: bool) -> Library {
        planning("", "", clauses, is_embedded)
    }

    fn planning(planned: &str, absent: &str, clauses: &str, is_embedded: bool) -> Library {
        let registries = Registries::read(&[
            Source::new("requirements/rfc-sections.toml", SECTIONS),
            Source::new("requirements/clauses.toml", clauses),
            Source::new("requirements/planned.toml", planned),
            Source::new("requirements/absent.toml", absent),
        ])
        .unwrap_or_else(|problems| panic!("{problems}"));
        let mut library = Library {
            registries,
            ..Library::default()
        };
        let files = Files {
            personas: embedded_sources(&PERSONAS, "personas"),
            scenarios: vec![Source::new("library/net/test/cites.toml", SCENARIO)],
        };
        library
            .add(files)
            .unwrap_or_else(|problems| panic!("{problems}"));
        if is_embedded {
            library.embedded.insert("net/test/cites".to_owned());
        }
        library
    }

    fn messages(library: &Library) -> Vec<String> {
        let problems = lint(library);
        problems.iter().map(|it| it.message().to_owned()).collect()
    }
}
