//! What the library covers: planned cases, requirements and clauses, each with the scenarios that show it, and
//! what is missing with its reason.
//!
//! Must not know how a case is run or what came of it.

mod human;
mod markdown;

use std::collections::BTreeMap;

use mailproof_scenarios::library::Library;
use serde::Serialize;

pub use human::human;
pub use markdown::markdown;

/// What a library covers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Trace {
    /// How many scenarios there are.
    pub scenarios: usize,
    /// How many cases they expand to.
    pub cases: usize,
    /// The planned cases, by group.
    pub planned: Vec<Group>,
    /// The requirements of the source documents, by document or group.
    pub requirements: Vec<Group>,
    /// What is cited, in the order of the citations.
    pub clauses: Vec<Cited>,
}

/// Items that belong together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Group {
    /// What they have in common.
    pub title: String,
    /// In the order of their ids.
    pub items: Vec<Item>,
}

/// A planned case or a requirement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Item {
    /// Its id.
    pub id: String,
    /// The scenarios that show it, by id.
    pub scenarios: Vec<String>,
    /// How many cases these expand to.
    pub cases: usize,
    /// Why it is not there, where it is not and there is a reason.
    pub absent: Option<String>,
    /// Parts that are not there, and why.
    pub absent_parts: Vec<(String, String)>,
}

/// A citation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Cited {
    /// As scenarios cite it: `RFC 3207 §4.2`.
    pub citation: String,
    /// The scenarios that cite it, by id.
    pub scenarios: Vec<String>,
}

impl Trace {
    /// Traces a library.
    pub fn of(library: &Library) -> Self {
        let registries = library.registries();
        let mut shows: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        let mut cites: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        let mut sizes: BTreeMap<&str, usize> = BTreeMap::new();
        for scenario in library.scenarios() {
            let id = scenario.id.as_str();
            sizes.insert(id, scenario.cases.len());
            note(&mut shows, id, id);
            for case in &scenario.cases {
                for covered in &case.covers {
                    note(&mut shows, covered, id);
                }
                let clauses = case.expect.iter().filter_map(|it| it.clause.as_ref());
                for citation in case.refs.iter().chain(clauses) {
                    note(&mut cites, citation, id);
                }
            }
        }
        let item = |id: &String| {
            let scenarios = shows.get(id.as_str()).cloned().unwrap_or_default();
            let parts = registries.absent().iter().filter_map(|(key, why)| {
                let (whole, part) = key.split_once('#')?;
                (whole == id).then(|| (part.to_owned(), why.clone()))
            });
            Item {
                id: id.clone(),
                cases: scenarios.iter().filter_map(|it| sizes.get(it)).sum(),
                scenarios: scenarios.into_iter().map(str::to_owned).collect(),
                absent: registries.absent().get(id).cloned(),
                absent_parts: parts.collect(),
            }
        };
        Self {
            scenarios: library.scenarios().len(),
            cases: library.cases().count(),
            planned: groups(registries.planned(), item),
            requirements: groups(registries.requirements(), item),
            clauses: cites
                .into_iter()
                .map(|(citation, scenarios)| Cited {
                    citation: citation.to_owned(),
                    scenarios: scenarios.into_iter().map(str::to_owned).collect(),
                })
                .collect(),
        }
    }
}

impl Group {
    /// How many of its items some scenario shows.
    pub fn there(&self) -> usize {
        self.items.iter().filter(|it| it.is_there()).count()
    }

    /// What is missing, whole or in part, and why: `None` is not yet.
    pub fn missing(&self) -> impl Iterator<Item = (String, Option<&str>)> {
        self.items.iter().flat_map(|item| {
            let whole = (!item.is_there()).then(|| (item.id.clone(), item.absent.as_deref()));
            let parts = item
                .absent_parts
                .iter()
                .map(|(part, why)| (format!("{} ({part})", item.id), Some(why.as_str())));
            whole.into_iter().chain(parts)
        })
    }
}

impl Item {
    /// Whether some scenario shows it.
    pub fn is_there(&self) -> bool {
        !self.scenarios.is_empty()
    }
}

fn note<'a>(to: &mut BTreeMap<&'a str, Vec<&'a str>>, key: &'a str, scenario: &'a str) {
    let scenarios = to.entry(key).or_default();
    if scenarios.last() != Some(&scenario) {
        scenarios.push(scenario);
    }
}

fn groups(of: &BTreeMap<String, String>, item: impl Fn(&String) -> Item) -> Vec<Group> {
    let mut groups: BTreeMap<&str, Vec<Item>> = BTreeMap::new();
    for (id, title) in of {
        groups.entry(title).or_default().push(item(id));
    }
    groups
        .into_iter()
        .map(|(title, items)| Group {
            title: title.to_owned(),
            items,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use pretty_assertions::assert_eq;

    use super::*;

    fn sample() -> Trace {
        let item =
            |id: &str, scenarios: &[&str], absent: Option<&str>, parts: &[(&str, &str)]| Item {
                id: id.to_owned(),
                scenarios: scenarios.iter().map(|it| (*it).to_owned()).collect(),
                cases: scenarios.len() * 2,
                absent: absent.map(str::to_owned),
                absent_parts: parts
                    .iter()
                    .map(|(part, why)| ((*part).to_owned(), (*why).to_owned()))
                    .collect(),
            };
        Trace {
            scenarios: 2,
            cases: 4,
            planned: vec![Group {
                title: "transport".to_owned(),
                items: vec![
                    item("net/a/b", &["net/a/b"], None, &[("v6", "no | route")]),
                    item("net/a/c", &[], Some("cannot be had"), &[]),
                    item("net/a/d", &[], None, &[]),
                ],
            }],
            requirements: vec![Group {
                title: "a document".to_owned(),
                items: vec![item("X-1", &["net/a/b", "net/a/e"], None, &[])],
            }],
            clauses: vec![Cited {
                citation: "RFC 5321 §4.2".to_owned(),
                scenarios: vec!["net/a/b".to_owned()],
            }],
        }
    }

    #[test]
    fn for_people_and_as_a_page() {
        insta::assert_snapshot!("human", human(&sample(), 60));
        insta::assert_snapshot!("markdown", markdown(&sample()));
    }

    #[test]
    fn what_scenarios_say_of_themselves_is_traced() {
        let library = Library::embedded().unwrap_or_else(|problems| panic!("{problems}"));
        let trace = Trace::of(&library);
        assert_eq!(trace.cases, library.cases().count());
        let find = |groups: &[Group], id: &str| {
            let items = groups.iter().flat_map(|it| &it.items);
            items.filter(|it| it.id == id).cloned().collect::<Vec<_>>()
        };
        let planned = find(&trace.planned, "smtp/starttls/injection-after-220");
        assert_eq!(planned[0].scenarios, ["smtp/starttls/injection-after-220"]);
        assert!(planned[0].cases > 0);
        let required = find(&trace.requirements, "STLS-6");
        assert!(required[0].scenarios.contains(&planned[0].id));
        let cited = trace
            .clauses
            .iter()
            .find(|it| it.citation == "RFC 3207 §4.2");
        assert!(cited.is_some_and(|it| it.scenarios.contains(&planned[0].id)));
    }
}
