//! From the text of a `mailproof.toml` to a [`Project`] in which every value has been read. Must not open files.

use std::{
    fmt,
    num::NonZeroUsize,
    path::{Path, PathBuf},
    sync::Arc,
};

use mailproof_scenarios::language::{Problem, Problems, Source, document, nearest};
use serde::{
    Deserialize, Deserializer,
    de::{SeqAccess, Unexpected, Visitor},
};
use toml::Spanned;

use super::{Project, Reach};
use crate::{
    exit::{FailOn, Require},
    select::Matcher,
    units,
};

/// The file as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct File {
    adapter: Option<Spanned<String>>,
    profile: Option<Spanned<String>>,
    scenarios: Option<Spanned<Texts>>,
    expect: Option<Spanned<String>>,
    snapshots: Option<Spanned<String>>,
    out: Option<Spanned<String>>,
    include: Option<Spanned<Texts>>,
    exclude: Option<Spanned<Texts>>,
    jobs: Option<Spanned<i64>>,
    seed: Option<Spanned<Word>>,
    timeout: Option<Spanned<String>>,
    lab: Option<bool>,
    require: Option<Spanned<Demands>>,
    require_lab: Option<bool>,
    fail_on: Option<Spanned<Texts>>,
    reach: Option<ReachTable>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct ReachTable {
    bind: Option<Spanned<Texts>>,
    advertise: Option<Spanned<Texts>>,
    port_map: Option<Spanned<Texts>>,
    allow_from: Option<Spanned<Texts>>,
    ca: Option<Spanned<String>>,
    chain: Option<Spanned<String>>,
    key: Option<Spanned<String>>,
}

/// One word, or several in a list. Each is a text; with `NUMBERS` a whole number is read as its digits.
struct Words<const NUMBERS: bool>(Many);

enum Many {
    One(String),
    Several(Vec<Spanned<Word>>),
}

/// A text, or a whole number as its digits.
struct Word(String);

type Texts = Words<false>;
type Demands = Words<true>;

impl<'de, const NUMBERS: bool> Deserialize<'de> for Words<NUMBERS> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Reading<const NUMBERS: bool>;

        impl<'de, const NUMBERS: bool> Visitor<'de> for Reading<NUMBERS> {
            type Value = Words<NUMBERS>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(if NUMBERS {
                    "a number of cases, a pattern for ids, or a list of these"
                } else {
                    "a text or a list of texts"
                })
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Words(Many::One(text.to_owned())))
            }

            fn visit_i64<E: serde::de::Error>(self, number: i64) -> Result<Self::Value, E> {
                if NUMBERS {
                    return Ok(Words(Many::One(number.to_string())));
                }
                Err(E::invalid_type(Unexpected::Signed(number), &self))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
                let mut several = Vec::new();
                while let Some(word) = list.next_element::<Spanned<Word>>()? {
                    several.push(word);
                }
                Ok(Words(Many::Several(several)))
            }
        }

        from.deserialize_any(Reading)
    }
}

impl<'de> Deserialize<'de> for Word {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Reading;

        impl Visitor<'_> for Reading {
            type Value = Word;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text or a whole number")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Word, E> {
                Ok(Word(text.to_owned()))
            }

            fn visit_i64<E: serde::de::Error>(self, number: i64) -> Result<Word, E> {
                Ok(Word(number.to_string()))
            }
        }

        from.deserialize_any(Reading)
    }
}

/// Reads a file; `path` is where it is.
pub(super) fn project(source: &Arc<Source>, path: &Path) -> Result<Project, Problems> {
    let file: File = document(source)?;
    let mut reader = Reader {
        source,
        folder: path.parent().unwrap_or(Path::new("")),
        problems: Problems::default(),
    };
    let project = reader.project(file, path);
    if reader.problems.is_empty() {
        Ok(project)
    } else {
        Err(reader.problems)
    }
}

struct Reader<'a> {
    source: &'a Arc<Source>,
    folder: &'a Path,
    problems: Problems,
}

impl Reader<'_> {
    fn project(&mut self, file: File, path: &Path) -> Project {
        let reach = file.reach.map(|it| self.reach(it)).unwrap_or_default();
        Project {
            file: path.to_owned(),
            adapter: file.adapter.and_then(|it| self.name_or_path(&it)),
            profile: file.profile.and_then(|it| self.name_or_path(&it)),
            scenarios: self.paths(file.scenarios),
            expect: self.path(file.expect),
            snapshots: self.path(file.snapshots),
            out: self.path(file.out),
            include: self.each(file.include, str::parse::<Matcher>),
            exclude: self.each(file.exclude, str::parse::<Matcher>),
            jobs: file.jobs.and_then(|it| self.jobs(&it)),
            seed: self.value(file.seed.map(text), units::seed),
            timeout: self.value(file.timeout, units::duration),
            lab: file.lab,
            require: self.each(file.require, str::parse::<Require>),
            require_lab: file.require_lab,
            fail_on: self.each(file.fail_on, fail_on),
            reach,
        }
    }

    fn reach(&mut self, table: ReachTable) -> Reach {
        let some = |text: &str| match text.trim() {
            "" => Err("an empty text says nothing".to_owned()),
            text => Ok(text.to_owned()),
        };
        Reach {
            bind: self.each(table.bind, some),
            advertise: self.each(table.advertise, some),
            port_map: self.each(table.port_map, some),
            allow_from: self.each(table.allow_from, some),
            ca: self.path(table.ca),
            chain: self.path(table.chain),
            key: self.path(table.key),
        }
    }

    /// What has a slash or ends in `.toml` is a file, as on the command line.
    fn name_or_path(&mut self, text: &Spanned<String>) -> Option<String> {
        let word = text.get_ref().trim();
        if word.is_empty() {
            self.problem(text, "an empty name is no name");
            return None;
        }
        Some(if units::is_path(word) {
            self.folder.join(word).display().to_string()
        } else {
            word.to_owned()
        })
    }

    fn path(&mut self, text: Option<Spanned<String>>) -> Option<PathBuf> {
        let text = text?;
        if text.get_ref().is_empty() {
            self.problem(&text, "an empty path is no path");
            return None;
        }
        Some(self.folder.join(text.get_ref()))
    }

    fn paths(&mut self, texts: Option<Spanned<Texts>>) -> Option<Vec<PathBuf>> {
        let texts = list(texts?);
        let read = texts.into_iter().filter_map(|it| self.path(Some(it)));
        Some(read.collect())
    }

    fn value<T>(
        &mut self,
        text: Option<Spanned<String>>,
        read: impl Fn(&str) -> Result<T, String>,
    ) -> Option<T> {
        let text = text?;
        read(text.get_ref())
            .map_err(|why| self.problem(&text, why))
            .ok()
    }

    fn each<T, const NUMBERS: bool>(
        &mut self,
        texts: Option<Spanned<Words<NUMBERS>>>,
        read: impl Fn(&str) -> Result<T, String>,
    ) -> Option<Vec<T>> {
        let texts = list(texts?);
        let values = texts
            .into_iter()
            .filter_map(|it| self.value(Some(it), &read));
        Some(values.collect())
    }

    fn jobs(&mut self, number: &Spanned<i64>) -> Option<NonZeroUsize> {
        let jobs = usize::try_from(*number.get_ref()).ok();
        let jobs = jobs.and_then(NonZeroUsize::new);
        if jobs.is_none() {
            self.problem(number, "at least one case at a time is run");
        }
        jobs
    }

    fn problem<T>(&mut self, at: &Spanned<T>, message: impl Into<String>) {
        let (message, help) = parted(message.into());
        let problem = Problem::new(self.source, at.span(), message);
        self.problems.push(match help {
            Some(help) => problem.help(help),
            None => problem,
        });
    }
}

fn list<const NUMBERS: bool>(words: Spanned<Words<NUMBERS>>) -> Vec<Spanned<String>> {
    let span = words.span();
    match words.into_inner().0 {
        Many::One(one) => vec![Spanned::new(span, one)],
        Many::Several(several) => several.into_iter().map(text).collect(),
    }
}

fn text(word: Spanned<Word>) -> Spanned<String> {
    let span = word.span();
    Spanned::new(span, word.into_inner().0)
}

fn fail_on(word: &str) -> Result<FailOn, String> {
    let found = FailOn::ALL.iter().copied().find(|it| it.name() == word);
    found.ok_or_else(|| {
        let known: Vec<&str> = FailOn::ALL.iter().map(|it| it.name()).collect();
        let message = format!("`{word}` is none of {}", known.join(", "));
        match nearest(word, known) {
            Some(near) => format!("{message}, did you mean `{near}`?"),
            None => message,
        }
    })
}

/// What is wrong, and the suggestion behind it.
fn parted(message: String) -> (String, Option<String>) {
    match message.split_once(", did you mean ") {
        Some((what, near)) => (what.to_owned(), Some(format!("did you mean {near}"))),
        None => (message, None),
    }
}
