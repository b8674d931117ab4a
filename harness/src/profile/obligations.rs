//! What a profile demands of one subject: the cases, each by its id, and the abilities that are missing.
//!
//! Plain data that results carry, so that they can be judged again when the profile, the library or the adapter
//! has changed. Must not know verdicts.

use mailproof_scenarios::{
    language::{Problem, Problems, nearest},
    model::Case,
};
use serde::{Deserialize, Serialize};

use super::{Ability, Profile, library};
use crate::{runner::needs_lab, subject::Supports};

/// What a profile demands of a subject.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Obligations {
    /// The name of the profile.
    pub profile: String,
    /// What a person calls it.
    pub title: String,
    /// The file of the profile.
    pub file: String,
    /// The text of that file.
    pub text: String,
    /// The cases that the profile names, by id.
    pub cases: Vec<Demanded>,
    /// What the profile needs and the subject does not declare.
    pub lacks: Vec<String>,
    /// The part of the run that the results are of, as `2/5`; parts are not judged alone.
    #[serde(default)]
    pub shard: Option<String>,
}

/// A case that a profile names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Demanded {
    /// The id.
    pub id: String,
    /// What it asks for that the subject need not be able to do and is not: the case does not count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub beyond: Option<String>,
}

impl Profile {
    /// The cases of a library that the profile names, whatever the subject can do.
    ///
    /// # Errors
    /// A pattern that no case fits, at its place.
    pub fn cases<'a>(
        &self,
        cases: impl IntoIterator<Item = &'a Case>,
    ) -> Result<Vec<&'a Case>, Problems> {
        let all: Vec<&Case> = cases.into_iter().collect();
        let problems = self.idle_patterns(&all);
        if problems.is_empty() {
            Ok(all.into_iter().filter(|it| self.names(it)).collect())
        } else {
            Err(problems)
        }
    }

    /// Whether the profile names a case.
    pub fn names(&self, case: &Case) -> bool {
        let spoken = case
            .effective_steps()
            .iter()
            .all(|it| self.protocols.contains(&it.protocol));
        let fits = |rules: &[super::Rule]| rules.iter().any(|it| it.matcher.fits(case));
        spoken
            && fits(&self.mandatory)
            && (self.lab || !needs_lab(case))
            && !self.excluded.iter().any(|it| fits(&it.cases))
    }

    /// What it demands of a subject that can do `supports`, of the cases that it names. `lack` tells what a
    /// subject lacks for a case, in the words of [`Supports::lacks`].
    ///
    /// A case counts although the subject lacks something for it where the profile needs just that: alone, or
    /// in a list of which the subject has nothing.
    pub fn obligations<'a>(
        &self,
        named: impl IntoIterator<Item = &'a Case>,
        supports: &Supports,
        lack: impl Fn(&Case) -> Option<String>,
    ) -> Obligations {
        let missing: Vec<&Vec<Ability>> = self
            .needs
            .iter()
            .filter(|group| !group.iter().any(|it| it.is_in(supports)))
            .collect();
        let alone = self.needs.iter().filter(|group| group.len() == 1);
        let needed: Vec<&Ability> = alone.chain(missing.iter().copied()).flatten().collect();
        let is_needed = |lack: &String| needed.iter().any(|it| it.is_named_by(lack));
        let cases = named.into_iter().map(|case| Demanded {
            id: case.id.clone(),
            beyond: lack(case).filter(|it| !is_needed(it)),
        });
        let mut cases: Vec<Demanded> = cases.collect();
        cases.sort_by(|a, b| a.id.cmp(&b.id));
        Obligations {
            profile: self.name.clone(),
            title: self.title.clone(),
            file: self.source.name.clone(),
            text: self.source.text.clone(),
            cases,
            lacks: missing.iter().map(|group| either(group)).collect(),
            shard: None,
        }
    }

    fn idle_patterns(&self, cases: &[&Case]) -> Problems {
        let mut problems = Problems::default();
        let excluded = self.excluded.iter().flat_map(|it| &it.cases);
        for rule in self.mandatory.iter().chain(excluded) {
            if cases.iter().any(|it| rule.matcher.fits(it)) {
                continue;
            }
            let pattern = rule.matcher.to_string();
            let message = format!("no case fits `{pattern}`");
            let problem = Problem::new(&self.source, rule.span.clone(), message);
            let known = cases.iter().map(|it| it.scenario.as_str());
            problems.push(match nearest(&pattern, known) {
                Some(near) => problem.help(format!("did you mean `{near}`?")),
                None => problem,
            });
        }
        problems
    }
}

impl Obligations {
    /// The profile as it was when the results were made.
    ///
    /// # Errors
    /// Where this mailproof does not understand it any more.
    pub fn profile(&self) -> Result<Profile, Problems> {
        library::from_text(&self.file, &self.text)
    }
}

/// `security implicit or security starttls-required`.
fn either(group: &[Ability]) -> String {
    let words: Vec<String> = group.iter().map(ToString::to_string).collect();
    words.join(" or ")
}
