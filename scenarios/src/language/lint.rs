//! What can be wrong with a library although every file of it loads: citations of sections that do not
//! exist or that nobody can read, rules that cannot fire, fault cases that nothing can fail.

use std::{collections::BTreeSet, sync::Arc};

use super::{Problem, Problems, Source, nearest};
use crate::{
    library::Library,
    model::{
        Action, At, Case, Check, Delta, Deviation, Kind, Protocol, Refusal, Security, Step, Then,
    },
};

/// Looks at every case of a library.
pub fn lint(library: &Library) -> Problems {
    let mut problems = Problems::default();
    let mut cited = BTreeSet::new();
    for scenario in library.scenarios() {
        let Some(source) = library.source(&scenario.id) else {
            continue;
        };
        for case in &scenario.cases {
            if library.is_embedded(&scenario.id) {
                cited.extend(citations(case));
            }
            let mut lint = Lint {
                source,
                library,
                problems: &mut problems,
            };
            lint.citations(case);
            lint.purpose(case);
            lint.people(case);
        }
        problems.merge(idle_deviations(library, source, &scenario.cases));
    }
    problems.merge(library.registries().check_clauses(&cited));
    let there: BTreeSet<&str> = library
        .scenarios()
        .iter()
        .flat_map(|it| {
            let covers = it.cases.iter().flat_map(|case| &case.covers);
            std::iter::once(&it.id).chain(covers)
        })
        .map(String::as_str)
        .collect();
    problems.merge(library.registries().check_absent(|id| there.contains(id)));
    problems
}

/// What is wrong with a deviation in every variant of its file: in a matrix over both protocols a rule for
/// one of them rightly sleeps in the variants of the other.
fn idle_deviations(library: &Library, source: &Arc<Source>, cases: &[Case]) -> Problems {
    let mut all = Problems::default();
    let most = cases.iter().map(|it| it.deviations().len()).max();
    for index in 0..most.unwrap_or(0) {
        let of_variants: Vec<Problems> = cases
            .iter()
            .filter_map(|case| Some((case, case.deviations().get(index)?)))
            .map(|(case, deviation)| {
                let mut problems = Problems::default();
                let mut lint = Lint {
                    source,
                    library,
                    problems: &mut problems,
                };
                lint.deviation(case, deviation);
                problems
            })
            .collect();
        if of_variants.iter().all(|it| !it.is_empty()) {
            of_variants.into_iter().for_each(|it| all.merge(it));
        }
    }
    all
}

fn citations(case: &Case) -> impl Iterator<Item = &str> {
    let clauses = case.expect.iter().filter_map(|it| it.clause.as_ref());
    case.refs.iter().chain(clauses).map(String::as_str)
}

struct Lint<'a> {
    source: &'a Arc<Source>,
    library: &'a Library,
    problems: &'a mut Problems,
}

impl Lint<'_> {
    fn report(&mut self, near: &str, message: impl Into<String>) {
        self.problems
            .push(Problem::new(self.source, self.source.find(near), message));
    }

    fn citations(&mut self, case: &Case) {
        let registries = self.library.registries();
        let is_embedded = self.library.is_embedded(&case.scenario);
        for text in citations(case) {
            let problem = if is_embedded {
                registries.check_own_reference(text)
            } else {
                registries.check_reference(text)
            };
            if let Some(message) = problem {
                self.report(text, message);
            }
        }
        if case.refs.is_empty() {
            self.report(
                "refs",
                "nothing is cited: say what the expectation rests on",
            );
        }
        let known = || {
            registries
                .requirements()
                .keys()
                .chain(registries.planned().keys())
        };
        for id in &case.covers {
            if known().all(|it| it != id) {
                let near = nearest(id, known().map(String::as_str));
                let hint = near
                    .map(|it| format!(", did you mean `{it}`?"))
                    .unwrap_or_default();
                self.report(id, format!("there is no requirement `{id}`{hint}"));
            }
        }
    }

    fn purpose(&mut self, case: &Case) {
        match case.kind {
            Kind::Fault => {
                if case.delta == Delta::None {
                    self.report("kind", "a fault wants a delta: `[[deviate]]` or `[[vary]]`");
                }
                if case.killed_by.is_empty() {
                    self.report(
                        "kind",
                        "a fault wants `killed_by`: a case that nothing can fail proves nothing",
                    );
                }
            }
            Kind::Positive => {
                if case.killed_by.is_empty() {
                    self.report("kind", "a positive scenario wants `killed_by` too");
                }
            }
            Kind::Survey => {}
        }
        if case.expect.is_empty() {
            self.report("kind", "nothing is expected: add `use` or `[[expect]]`");
        }
        for expectation in &case.expect {
            if let Some(step) = expectation.step
                && (step == 0 || usize::from(step) > case.steps.len())
            {
                self.report(
                    "run =",
                    format!(
                        "an expectation is about run {step}, there are {}",
                        case.steps.len()
                    ),
                );
            }
            if matches!(&expectation.check, Check::Order(patterns) if patterns.len() < 2) {
                self.report("order", "an order wants at least two patterns");
            }
            if let Check::ToldApart(runs) = &expectation.check {
                let exists = |it: &u16| (1..=case.steps.len()).contains(&usize::from(*it));
                if runs.len() < 2 || !runs.iter().all(exists) {
                    let message = "`told_apart` wants at least two runs that there are";
                    self.report("told_apart", message);
                }
            }
        }
    }

    fn people(&mut self, case: &Case) {
        match &case.diagnosis {
            None if case.kind == Kind::Fault => {
                self.report(
                    "kind",
                    "a fault wants a `[diagnosis]` in English and German",
                );
            }
            Some(diagnosis) if diagnosis.en == diagnosis.de => {
                self.report("diagnosis", "the German diagnosis is the English one");
            }
            _ => {}
        }
    }

    fn deviation(&mut self, case: &Case, deviation: &Deviation) {
        let protocols: BTreeSet<Protocol> = case
            .steps
            .iter()
            .enumerate()
            .filter(|(index, _)| {
                deviation
                    .on
                    .step
                    .is_none_or(|step| usize::from(step) == index + 1)
            })
            .map(|(_, step)| step.protocol)
            .filter(|it| deviation.on.protocol.is_none_or(|only| only == *it))
            .collect();
        let name = deviation.action.name();
        let Some(protocol) = protocols.first().copied() else {
            self.report(
                name,
                format!("`{name}` can never act: no run speaks that protocol"),
            );
            return;
        };
        if let Some(At::Command(verb)) = &deviation.on.at
            && verb != "*"
            && !protocols
                .iter()
                .any(|it| verbs(*it).contains(&verb.as_str()))
        {
            let near = nearest(verb, verbs(protocol).iter().copied());
            let hint = near
                .map(|it| format!(", did you mean `{it}`?"))
                .unwrap_or_default();
            self.report(verb, format!("`{verb}` is no command of {protocol}{hint}"));
        }
        if deviation.on.at == Some(At::EndOfData) && !protocols.contains(&Protocol::Smtp)
            || deviation.on.at == Some(At::Literal) && !protocols.contains(&Protocol::Imap)
        {
            self.report("at =", format!("that moment does not exist in {protocol}"));
        }
        if let Action::Reject(refusal) = &deviation.action {
            let fits = match refusal {
                Refusal::Smtp { .. } => protocols.contains(&Protocol::Smtp),
                Refusal::Imap { .. } => protocols.contains(&Protocol::Imap),
            };
            if !fits {
                self.report("reject", format!("this refusal is not one of {protocol}"));
            }
        }
        let begins_in_clear =
            |it: &Step| !matches!(it.security, Security::None | Security::Implicit);
        if deviation.on.at == Some(At::TlsStart) && !case.steps.iter().any(begins_in_clear) {
            self.report("tls-start", "that moment comes behind STARTTLS only");
        }
        let has_tls = |it: &Step| it.security != Security::None;
        if matches!(deviation.action, Action::BeforeServerHello { .. })
            && !case.steps.iter().any(has_tls)
        {
            self.report("before_server_hello", "no run has TLS");
        }
        for role in deviation
            .action
            .clone()
            .texts_mut()
            .iter()
            .flat_map(|it| it.ports())
        {
            if !case.has_port(role) {
                self.report(
                    &format!("{{port:{role}}}"),
                    format!("port `{role}` is not open in this case: name it in `[setup] ports`"),
                );
            }
        }
        if matches!(deviation.action, Action::Preauth(_)) && !protocols.contains(&Protocol::Imap) {
            self.report("preauth", "PREAUTH is a greeting of IMAP");
        }
        let tls = matches!(
            deviation.action,
            Action::Reply {
                then: Then::Tls,
                ..
            } | Action::After {
                then: Then::Tls,
                ..
            } | Action::Then(Then::Tls)
        );
        if tls && deviation.on.at != Some(At::Command("STARTTLS".to_owned())) {
            self.report("then", "`then = \"tls\"` belongs to STARTTLS");
        }
    }
}

fn verbs(protocol: Protocol) -> &'static [&'static str] {
    match protocol {
        Protocol::Smtp => &[
            "AUTH", "BDAT", "DATA", "EHLO", "HELO", "HELP", "MAIL", "NOOP", "QUIT", "RCPT", "RSET",
            "STARTTLS", "VRFY", "(DATA)", "(SASL)", "?",
        ],
        Protocol::Imap => &[
            "APPEND",
            "AUTHENTICATE",
            "CAPABILITY",
            "CHECK",
            "CLOSE",
            "COPY",
            "CREATE",
            "DELETE",
            "DONE",
            "ENABLE",
            "EXAMINE",
            "EXPUNGE",
            "FETCH",
            "ID",
            "IDLE",
            "LIST",
            "LOGIN",
            "LOGOUT",
            "LSUB",
            "MOVE",
            "NAMESPACE",
            "NOOP",
            "RENAME",
            "SEARCH",
            "SELECT",
            "STARTTLS",
            "STATUS",
            "STORE",
            "SUBSCRIBE",
            "UID COPY",
            "UID EXPUNGE",
            "UID FETCH",
            "UID MOVE",
            "UID SEARCH",
            "UID STORE",
            "UNSELECT",
            "UNSUBSCRIBE",
            "(SASL)",
            "?",
        ],
    }
}
