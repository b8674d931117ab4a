//! From the text of a profile's file to a [`Profile`]. Must not open files.
//!
//! ```toml
//! name      = "device"
//! title     = "Device that sends"
//! as_of     = "2026-11"
//! purpose   = "Printers and scanners that send what they scanned."
//! lab       = false
//! protocols = ["smtp"]
//! mandatory = ["cert/*", "severity:critical"]
//!
//! [[excluded]]
//! cases   = ["smtp/policy"]
//! because = "a device has no queue"
//!
//! [needs]
//! jobs     = ["send over smtp"]
//! security = [["implicit", "starttls-required"]]      # one of these
//! ```

use std::{ops::Range, sync::Arc};

use mailproof_scenarios::{
    language::{Problem, Problems, Source, document, nearest},
    model::{Auth, Job, Protocol, Security, Trust},
};
use serde::{
    Deserialize, Deserializer,
    de::{SeqAccess, Visitor},
};
use toml::Spanned;

use super::{Ability, Exclusion, Profile, Rule};
use crate::select::Matcher;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    name: Spanned<String>,
    title: Spanned<String>,
    as_of: Spanned<String>,
    purpose: Spanned<String>,
    protocols: Spanned<Vec<Protocol>>,
    mandatory: Spanned<Vec<Spanned<String>>>,
    #[serde(default)]
    excluded: Vec<RawExclusion>,
    #[serde(default)]
    needs: Needs,
    #[serde(default)]
    lab: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawExclusion {
    cases: Spanned<Vec<Spanned<String>>>,
    because: Spanned<String>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Needs {
    #[serde(default)]
    jobs: Vec<Spanned<OneOf>>,
    #[serde(default)]
    security: Vec<Spanned<OneOf>>,
    #[serde(default)]
    trust: Vec<Spanned<OneOf>>,
    #[serde(default)]
    auth: Vec<Spanned<OneOf>>,
}

/// A word, or several of which one is enough.
struct OneOf(Vec<Spanned<String>>, Option<String>);

impl<'de> Deserialize<'de> for OneOf {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Reading;

        impl<'de> Visitor<'de> for Reading {
            type Value = OneOf;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a word, or a list of words of which one is enough")
            }

            fn visit_str<E: serde::de::Error>(self, word: &str) -> Result<OneOf, E> {
                Ok(OneOf(Vec::new(), Some(word.to_owned())))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<OneOf, A::Error> {
                let mut words = Vec::new();
                while let Some(word) = list.next_element()? {
                    words.push(word);
                }
                Ok(OneOf(words, None))
            }
        }

        from.deserialize_any(Reading)
    }
}

/// Reads a file.
pub(super) fn profile(source: &Arc<Source>) -> Result<Profile, Problems> {
    let file: File = document(source)?;
    let mut reader = Reader {
        source,
        problems: Problems::default(),
    };
    let profile = reader.profile(file);
    if reader.problems.is_empty() {
        Ok(profile)
    } else {
        Err(reader.problems)
    }
}

struct Reader<'a> {
    source: &'a Arc<Source>,
    problems: Problems,
}

impl Reader<'_> {
    fn profile(&mut self, file: File) -> Profile {
        if !is_name(file.name.get_ref()) {
            let message = "a name is of lower-case words with hyphens";
            self.problem(file.name.span(), message, None);
        }
        if file.protocols.get_ref().is_empty() {
            let message = "a protocol is missing: `smtp`, `imap` or both";
            self.problem(file.protocols.span(), message, None);
        }
        Profile {
            protocols: file.protocols.into_inner(),
            mandatory: self.rules(&file.mandatory),
            excluded: file
                .excluded
                .into_iter()
                .map(|it| Exclusion {
                    cases: self.rules(&it.cases),
                    because: self.text(it.because),
                })
                .collect(),
            needs: self.needs(&file.needs),
            lab: file.lab,
            name: file.name.into_inner(),
            title: self.text(file.title),
            as_of: self.text(file.as_of),
            purpose: self.text(file.purpose),
            source: Arc::clone(self.source),
        }
    }

    fn needs(&mut self, needs: &Needs) -> Vec<Vec<Ability>> {
        let words = |all: &[&str]| all.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>();
        let security: Vec<&str> = Security::ALL.iter().map(|it| it.name()).collect();
        let trust: Vec<&str> = Trust::ALL.iter().map(|it| it.name()).collect();
        let auth: Vec<&str> = Auth::ALL.iter().map(|it| it.name()).collect();
        let jobs: Vec<String> = Protocol::ALL
            .iter()
            .flat_map(|protocol| {
                Job::ALL
                    .iter()
                    .map(move |job| format!("{job} over {protocol}"))
            })
            .collect();
        let mut all = Vec::new();
        for need in &needs.jobs {
            all.push(self.one_of(need, &jobs, |it| {
                let (job, protocol) = it.split_once(" over ")?;
                Some(Ability::Job(
                    Protocol::from_name(protocol)?,
                    Job::from_name(job)?,
                ))
            }));
        }
        for need in &needs.security {
            let read = |it: &str| Security::from_name(it).map(Ability::Security);
            all.push(self.one_of(need, &words(&security), read));
        }
        for need in &needs.trust {
            let read = |it: &str| Trust::from_name(it).map(Ability::Trust);
            all.push(self.one_of(need, &words(&trust), read));
        }
        for need in &needs.auth {
            let read = |it: &str| Auth::from_name(it).map(Ability::Auth);
            all.push(self.one_of(need, &words(&auth), read));
        }
        all
    }

    fn one_of(
        &mut self,
        need: &Spanned<OneOf>,
        known: &[String],
        read: impl Fn(&str) -> Option<Ability>,
    ) -> Vec<Ability> {
        let OneOf(several, one) = need.get_ref();
        let one = one.iter().map(|it| (need.span(), it.as_str()));
        let several = several.iter().map(|it| (it.span(), it.get_ref().as_str()));
        let words: Vec<(Range<usize>, &str)> = one.chain(several).collect();
        if words.is_empty() {
            self.problem(need.span(), "of no words none is enough", None);
        }
        let mut abilities = Vec::new();
        for (span, word) in words {
            match read(word) {
                Some(ability) => abilities.push(ability),
                None => {
                    let message = format!("`{word}` is none of {}", known.join(", "));
                    let near = nearest(word, known.iter().map(String::as_str));
                    self.problem(
                        span,
                        message,
                        near.map(|it| format!("did you mean `{it}`?")),
                    );
                }
            }
        }
        abilities
    }

    fn rules(&mut self, patterns: &Spanned<Vec<Spanned<String>>>) -> Vec<Rule> {
        if patterns.get_ref().is_empty() {
            self.problem(patterns.span(), "a pattern is missing", None);
        }
        let mut rules = Vec::new();
        for pattern in patterns.get_ref() {
            match pattern.get_ref().parse::<Matcher>() {
                Ok(matcher) => rules.push(Rule {
                    matcher,
                    span: pattern.span(),
                }),
                Err(why) => self.problem(pattern.span(), why, None),
            }
        }
        rules
    }

    fn text(&mut self, text: Spanned<String>) -> String {
        if text.get_ref().trim().is_empty() {
            self.problem(text.span(), "an empty text says nothing", None);
        }
        text.into_inner().trim().to_owned()
    }

    fn problem(&mut self, at: Range<usize>, message: impl Into<String>, help: Option<String>) {
        let problem = Problem::new(self.source, at, message);
        self.problems.push(match help {
            Some(help) => problem.help(help),
            None => problem,
        });
    }
}

fn is_name(name: &str) -> bool {
    !name.is_empty()
        && name
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}
