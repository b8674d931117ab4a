//! What a plan comes to: its cases in the order in which a person does them, grouped by what has to be set,
//! each group behind one control.
//!
//! Must not know how a case is served.

use std::collections::{BTreeSet, HashMap};

use mailproof_scenarios::{
    language::{Problem, Problems, nearest},
    library::Library,
    model::{CaFile, Canaries, Case, Crl, Security, Step, Store},
};

use super::{Entry, Plan, Question, fingerprint};
use crate::results::NotRun;

/// Stops that a plan may have.
const MOST: usize = 1000;

/// Everything that is done, in order.
#[derive(Clone, Debug)]
pub struct Stops {
    /// From the first to the last.
    pub all: Vec<Stop>,
    /// Every account of every case, so that a person types each once.
    pub accounts: Vec<String>,
}

/// One thing to do: a case, or the control of a group.
#[derive(Clone, Debug)]
pub struct Stop {
    /// The case.
    pub case: Case,
    /// The control by which it is judged; `None` for a control, and where nothing deviates.
    pub control: Option<String>,
    /// Which stops have the same settings, counted from 1.
    pub group: usize,
    /// What the person should know.
    pub note: Option<String>,
    /// What the person is asked afterwards.
    pub questions: Vec<Question>,
    /// Why nobody can do it here, where nobody can.
    pub not_run: Option<NotRun>,
}

impl Stop {
    /// Whether it is a control.
    pub fn is_control(&self) -> bool {
        self.case.is_control()
    }
}

impl Stops {
    /// The stops of a plan. `unseen` says why the servers cannot show a case.
    ///
    /// # Errors
    /// Where an entry fits no case, or adds none, with its place.
    pub fn of(
        plan: &Plan,
        library: &Library,
        unseen: impl Fn(&Case) -> Option<String>,
    ) -> Result<Self, Problems> {
        let mut problems = Problems::default();
        let mut seen = BTreeSet::new();
        let mut cases: Vec<(Case, &Entry)> = Vec::new();
        for entry in &plan.entries {
            let fitting: Vec<&Case> = match library.case(&entry.case) {
                Some(exactly) => vec![exactly],
                None => library
                    .cases()
                    .filter(|it| entry.matcher.fits(it))
                    .collect(),
            };
            let problem = |message| Problem::new(&plan.source, entry.span.clone(), message);
            if fitting.is_empty() {
                let known = library.cases().map(|it| it.id.as_str());
                let all = library
                    .scenarios()
                    .iter()
                    .map(|it| it.id.as_str())
                    .chain(known);
                let nothing = problem(format!("no case fits `{}`", entry.case));
                problems.push(match nearest(&entry.case, all) {
                    Some(near) => nothing.help(format!("did you mean `{near}`?")),
                    None => nothing.help("`mailproof list` shows all"),
                });
                continue;
            }
            let new: Vec<&Case> = fitting
                .into_iter()
                .filter(|it| seen.insert(it.id.clone()))
                .collect();
            if new.is_empty() {
                let message = format!(
                    "every case that fits `{}` is in the plan already",
                    entry.case
                );
                problems.push(problem(message).help("to do one again, give it a `repeat`"));
            }
            for case in new {
                cases.extend((1..=entry.repeat).map(|number| (repeated(case, number), entry)));
            }
            if cases.len() > MOST {
                problems.push(problem(format!("a plan has at most {MOST} cases")));
                break;
            }
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        Ok(Self {
            accounts: accounts(&cases),
            all: grouped(plan, cases, &unseen),
        })
    }

    /// Users and passwords of the whole plan.
    pub fn canaries(&self, seed: u64) -> Canaries {
        Canaries::derive(seed, "plan", self.accounts.iter().map(String::as_str))
    }

    /// Cases, without the controls.
    pub fn cases(&self) -> impl Iterator<Item = &Stop> {
        self.all.iter().filter(|it| !it.is_control())
    }

    /// What tells these stops from those of another library or plan. Controls follow from the cases and from
    /// what can be seen.
    pub fn fingerprint(&self) -> String {
        fingerprint(&self.cases().map(|it| &it.case).collect::<Vec<_>>())
    }
}

/// The case as it is done for the second time and so on: a case of its own, so that each has its verdict.
fn repeated(case: &Case, number: u32) -> Case {
    if number == 1 {
        return case.clone();
    }
    let joint = if case.variant.is_empty() { '#' } else { '+' };
    let mut variant = case.variant.clone();
    variant.push(("repeat".to_owned(), number.to_string()));
    Case {
        id: format!("{}{joint}again-{number}", case.id),
        variant,
        ..case.clone()
    }
}

fn accounts(cases: &[(Case, &Entry)]) -> Vec<String> {
    // The usual one comes first, whoever comes first.
    let mut accounts = vec!["a".to_owned()];
    for (case, _) in cases {
        for name in case.accounts() {
            if !accounts.iter().any(|it| it == name) {
                accounts.push(name.to_owned());
            }
        }
    }
    accounts
}

fn grouped(
    plan: &Plan,
    cases: Vec<(Case, &Entry)>,
    unseen: &dyn Fn(&Case) -> Option<String>,
) -> Vec<Stop> {
    let mut places: HashMap<Vec<u8>, usize> = HashMap::new();
    let mut groups: Vec<Vec<Stop>> = Vec::new();
    for (case, entry) in cases {
        let group = *places.entry(settings(&case)).or_insert(groups.len());
        if group == groups.len() {
            groups.push(Vec::new());
        }
        let questions = plan.questions.iter().chain(&entry.questions);
        groups[group].push(Stop {
            control: None,
            group: group + 1,
            note: entry.note.clone(),
            questions: questions.cloned().collect(),
            not_run: not_run(&case, unseen),
            case,
        });
    }
    groups.into_iter().flat_map(with_control).collect()
}

/// The simplest control of the group goes before it, if anything in it needs one.
fn with_control(mut group: Vec<Stop>) -> Vec<Stop> {
    let needs = |it: &&Stop| it.not_run.is_none() && it.case.has_delta();
    let simplest = group
        .iter()
        .filter(needs)
        .min_by_key(|it| it.case.steps.len());
    let Some(simplest) = simplest else {
        return group;
    };
    let control = simplest.case.control();
    let stop = Stop {
        group: simplest.group,
        note: None,
        questions: Vec::new(),
        not_run: None,
        control: None,
        case: control,
    };
    for it in group.iter_mut().filter(|it| it.case.has_delta()) {
        it.control = Some(stop.case.id.clone());
    }
    group.insert(0, stop);
    group
}

/// What a person has to set and do for the base of a case: where that is the same, one control is enough.
fn settings(case: &Case) -> Vec<u8> {
    let mut steps: Vec<_> = case.steps.iter().map(of_step).collect();
    steps.dedup();
    serde_json::to_vec(&(steps, &case.setup.chain)).unwrap_or_default()
}

fn of_step(step: &Step) -> impl PartialEq + serde::Serialize {
    let trust = (step.security != Security::None).then_some(step.trust);
    (
        step.protocol,
        step.job,
        step.security,
        trust,
        step.auth,
        step.port,
        step.host,
        step.account.clone(),
    )
}

/// Why a person cannot do it with the servers that there are.
fn not_run(case: &Case, unseen: &dyn Fn(&Case) -> Option<String>) -> Option<NotRun> {
    if let Some(why) = unseen(case) {
        return Some(NotRun::Skipped(why));
    }
    let odd = case.every_step().find(|it| {
        it.ca_file != CaFile::default() || it.store != Store::default() || it.crl != Crl::default()
    });
    odd.map(|_| {
        let why = "needs files of authorities or revocation lists that nobody is given here";
        NotRun::Skipped(why.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn loopback(case: &Case) -> Option<String> {
        crate::runner::unseen(case, &mailproof_mock_servers::world::Place::Loopback)
    }

    fn stops(scenarios: &str) -> Result<Stops, Problems> {
        let library = Library::embedded().unwrap_or_else(|problems| panic!("{problems}"));
        let plan = Plan::parse("p.toml", &format!("title = \"x\"\n{scenarios}"));
        Stops::of(
            &plan.unwrap_or_else(|it| panic!("{it}")),
            &library,
            loopback,
        )
    }

    fn entry(case: &str) -> String {
        format!("[[scenario]]\ncase = \"{case}\"\n")
    }

    #[test]
    fn cases_with_the_same_settings_share_one_control_before_them() {
        let two = entry("smtp/starttls/not-offered") + &entry("smtp/starttls/injection-after-220");
        let stops = stops(&two).unwrap();
        let controls: Vec<bool> = stops.all.iter().map(Stop::is_control).collect();
        assert_eq!(controls.iter().filter(|it| **it).count(), 1, "{stops:#?}");
        assert!(controls[0]);
        let id = &stops.all[0].case.id;
        assert!(stops.cases().all(|it| it.control.as_ref() == Some(id)));
    }

    #[test]
    fn what_is_done_again_is_a_case_of_its_own() {
        let stops = stops(&(entry("smtp/starttls/not-offered") + "repeat = 2\n")).unwrap();
        let ids: BTreeSet<&str> = stops.cases().map(|it| it.case.id.as_str()).collect();
        assert_eq!(ids.len(), stops.cases().count());
        assert!(ids.iter().any(|it| it.ends_with("again-2")), "{ids:?}");
    }

    #[test]
    fn the_id_of_a_case_means_that_case_alone() {
        let stops = stops(&entry("smtp/starttls/not-offered")).unwrap();
        assert_eq!(stops.cases().count(), 1, "and not its segmentations");
    }

    #[test]
    fn an_entry_that_fits_nothing_is_told_with_its_place() {
        let problems = stops(&entry("smtp/starttls/not-ofered")).unwrap_err();
        let problem = problems.iter().next().unwrap();
        assert_eq!(problem.position(), (3, 8));
        assert_eq!(
            problem.suggestion(),
            Some("did you mean `smtp/starttls/not-offered`?")
        );
        let twice = entry("smtp/starttls/not-offered").repeat(2);
        let problems = stops(&twice).unwrap_err();
        assert_eq!(problems.iter().next().unwrap().position(), (5, 8));
    }

    #[test]
    fn every_case_of_the_library_has_its_place() {
        let stops = stops(&entry("smtp/**")).unwrap();
        for it in stops
            .cases()
            .filter(|it| it.not_run.is_none() && it.case.has_delta())
        {
            let control = it.control.as_ref().unwrap();
            let at = stops
                .all
                .iter()
                .position(|it| it.case.id == *control)
                .unwrap();
            let own = stops
                .all
                .iter()
                .position(|other| other.case.id == it.case.id);
            assert!(at < own.unwrap());
            assert_eq!(stops.all[at].group, it.group);
        }
        let controls = stops.all.iter().filter(|it| it.is_control()).count();
        assert!(
            controls * 3 < stops.all.len(),
            "{controls} of {}",
            stops.all.len()
        );
    }

    #[test]
    fn the_sample_plan_can_be_walked() {
        let library = Library::embedded().unwrap_or_else(|problems| panic!("{problems}"));
        let text = include_str!("../../../docs/plans/printer.toml");
        let plan = Plan::parse("printer.toml", text).unwrap_or_else(|it| panic!("{it}"));
        let stops = Stops::of(&plan, &library, loopback).unwrap_or_else(|it| panic!("{it}"));
        let barred: Vec<&str> = stops
            .cases()
            .filter(|it| it.not_run.is_some())
            .map(|it| it.case.id.as_str())
            .collect();
        assert_eq!(barred, [""; 0]);
    }

    #[test]
    fn the_account_is_the_same_everywhere() {
        let stops = stops(&entry("cert/always/not-for-other-accounts#smtp-implicit")).unwrap();
        let canaries = stops.canaries(7);
        assert_eq!(canaries.accounts.len(), stops.accounts.len());
        assert_eq!(canaries.account("a"), stops.canaries(7).account("a"));
    }
}
