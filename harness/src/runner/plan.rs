//! What is run: which cases the subject and the place can do, and which controls they share.
//!
//! Must not know how or when anything is run.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use mailproof_certs::Authority;
use mailproof_mock_servers::world::Place;
use mailproof_scenarios::model::{Case, ChainSpec, Host, Need};

use super::chains;
use crate::{adapter::Adapter, results::NotRun};

/// What is run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plan {
    /// The controls that the cases need, each once.
    pub controls: Vec<Planned>,
    /// The cases in the order in which they came.
    pub cases: Vec<Planned>,
}

/// One case of a plan.
#[derive(Clone, Debug, PartialEq)]
pub struct Planned {
    /// The case.
    pub case: Arc<Case>,
    /// The id of its control, where it needs one.
    pub control: Option<String>,
    /// Why it is not run, where it is not.
    pub not_run: Option<NotRun>,
}

impl Plan {
    /// A plan for `cases`, in their order, with an authority that may name everything.
    pub fn new(cases: impl IntoIterator<Item = Case>, adapter: &Adapter, place: &Place) -> Self {
        Self::with(cases, |case| not_run(case, adapter, place))
    }

    /// The same with the chains of `authority`.
    pub fn under(
        authority: &Authority,
        cases: impl IntoIterator<Item = Case>,
        adapter: &Adapter,
        place: &Place,
    ) -> Self {
        Self::with(cases, |case| {
            let unshowable = || chains::unshowable(case, place, authority).map(NotRun::Skipped);
            not_run(case, adapter, place).or_else(unshowable)
        })
    }

    fn with(
        cases: impl IntoIterator<Item = Case>,
        not_run: impl Fn(&Case) -> Option<NotRun>,
    ) -> Self {
        let plan = |case: Case| {
            let not_run = not_run(&case);
            let needs_control = not_run.is_none() && case.has_delta();
            Planned {
                control: needs_control.then(|| control_id(&case)),
                case: Arc::new(case),
                not_run,
            }
        };
        let cases: Vec<Planned> = cases.into_iter().map(plan).collect();
        let mut seen = BTreeSet::new();
        let controls = cases
            .iter()
            .filter(|planned| {
                planned
                    .control
                    .as_ref()
                    .is_some_and(|id| seen.insert(id.clone()))
            })
            .map(|planned| {
                let control = planned.case.control();
                Planned {
                    not_run: not_run(&control),
                    case: Arc::new(control),
                    control: None,
                }
            })
            .collect();
        Self { controls, cases }
    }

    /// How many cases will be run; controls are not counted.
    pub fn to_run(&self) -> usize {
        let runs = |it: &&Planned| it.not_run.is_none();
        self.cases.iter().filter(runs).count()
    }

    /// How many cases will not be run, by the reason.
    pub fn reasons(&self) -> BTreeMap<String, usize> {
        let mut reasons = BTreeMap::new();
        for planned in &self.cases {
            if let Some(not_run) = &planned.not_run {
                let reason = match not_run {
                    NotRun::Unsupported(what) => format!("unsupported: {what}"),
                    NotRun::Skipped(why) => format!("skipped: {why}"),
                    NotRun::HarnessError(error) => format!("harness error: {error}"),
                };
                *reasons.entry(reason).or_default() += 1;
            }
        }
        reasons
    }
}

/// Why a person's client cannot meet a case at this place and with these chains, where it cannot.
pub fn not_shown(case: &Case, place: &Place, authority: &Authority) -> Option<String> {
    let unshowable = || chains::unshowable(case, place, authority);
    unknown_name(case, place).or_else(unshowable)
}

/// Whether a place can show what a case needs. Which names a reachable server has, each case asks for itself.
fn observes(place: &Place, need: Need) -> bool {
    match (place, need) {
        (Place::Loopback, Need::Ports | Need::Packets | Need::Names | Need::Addresses) => false,
        (Place::Lab, Need::Ports | Need::Packets | Need::Names | Need::Addresses) => true,
        (Place::Reachable(_), Need::Packets | Need::Addresses) => false,
        (Place::Reachable(_), Need::Ports) => place.has_decoys(),
        (Place::Reachable(_), Need::Names) => true,
    }
}

/// Whether a case needs what only the lab has, wherever else servers listen on this machine.
pub fn needs_lab(case: &Case) -> bool {
    let mut needs = case.needs.iter();
    needs.any(|it| !observes(&Place::Loopback, *it))
}

/// What a case must call the server by, where it has no such name or address here.
fn unknown_name(case: &Case, place: &Place) -> Option<String> {
    let Place::Reachable(reach) = place else {
        return None;
    };
    let steps = case.effective_steps();
    let chains = || case.chains().chain(case.default_chains());
    let by_steps = case.steps.iter().chain(&steps).map(|it| it.host);
    let mut hosts = by_steps.chain(chains().filter_map(|it| it.host));
    if let Some(host) = hosts.find(|it| !place.knows(*it)) {
        return Some(match host {
            Host::Ipv4 => "needs an IPv4 address that is advertised".to_owned(),
            Host::Ipv6 => "needs an IPv6 address that is advertised".to_owned(),
            Host::Name | Host::MixedCase | Host::TrailingDot => {
                "needs a name that is advertised".to_owned()
            }
            Host::Deep | Host::Apex | Host::Idn | Host::Alias | Host::Target => {
                "needs several names, which only the lab has".to_owned()
            }
        });
    }
    // Known by an address alone, it has one name in two forms.
    let alike = |it: &ChainSpec| {
        let other = |host| {
            let mut all = case.steps.iter().chain(&steps);
            all.any(|it| it.host != host && place.host(it.host) == place.host(host))
        };
        it.host.is_some_and(other)
    };
    if chains().any(alike) {
        return Some("needs a name beside the address that is advertised".to_owned());
    }
    let usual = place.names(case);
    let unfit = |it: &ChainSpec| {
        let needs = it.fault.needs();
        let fits = needs.met_by(&place.names_for(it, &usual));
        (!fits).then(|| {
            format!(
                "needs {needs}, and the server is known as {}",
                reach.advertised()
            )
        })
    };
    chains().find_map(unfit)
}

fn control_id(case: &Case) -> String {
    format!("control/{}", case.base_key())
}

fn not_run(case: &Case, adapter: &Adapter, place: &Place) -> Option<NotRun> {
    // Who cannot be asked for the base cannot complete the control.
    let lack = case.every_step().find_map(|it| adapter.lacks(&it));
    if let Some(lack) = lack {
        return Some(NotRun::Unsupported(lack));
    }
    unseen(case, place).map(NotRun::Skipped)
}

/// Why a place cannot show what a case is about; `None` where it can.
pub fn unseen(case: &Case, place: &Place) -> Option<String> {
    let unseen = case.needs.iter().find(|need| !observes(place, **need));
    let Some(unseen) = unseen else {
        return unknown_name(case, place);
    };
    let needs = match unseen {
        Need::Ports if matches!(place, Place::Reachable(_)) => {
            let why = "needs the registered ports: --port-map must tell every one of them";
            return Some(why.to_owned());
        }
        Need::Ports => "the registered ports",
        Need::Packets => "a witness for packets that nobody answers",
        Need::Names => "names other than localhost",
        Need::Addresses => "several addresses and a DNS",
    };
    Some(format!("needs {needs}, which only the lab has"))
}

#[cfg(test)]
mod tests {
    use mailproof_scenarios::model::{
        Action, Delta, Deviation, Job, On, Protocol, Security, TlsState, Trust, Vary,
    };
    use pretty_assertions::assert_eq;

    use super::*;
    use crate::runner::samples;

    fn curl_like() -> Adapter {
        samples::adapter("[\"true\"]")
    }

    fn deviating(id: &str) -> Case {
        Case {
            delta: Delta::Deviate(vec![Deviation {
                on: On::default(),
                action: Action::Tls(TlsState::Silent.into()),
            }]),
            ..samples::case(id)
        }
    }

    #[test]
    fn controls_are_shared_and_only_there_where_needed() {
        let other_base = |id| {
            let mut case = deviating(id);
            case.setup.messages = 7;
            case
        };
        let cases = [
            samples::case("positive"),
            deviating("one"),
            deviating("two"),
            other_base("three"),
        ];
        let plan = Plan::new(cases.clone(), &curl_like(), &Place::Loopback);
        let controls: Vec<Option<String>> =
            plan.cases.iter().map(|it| it.control.clone()).collect();
        let id = |case: &Case| Some(case.control().id);
        assert_eq!(
            controls,
            [None, id(&cases[1]), id(&cases[1]), id(&cases[3])]
        );
        let planned: Vec<&str> = plan.controls.iter().map(|it| it.case.id.as_str()).collect();
        assert_eq!(planned, [cases[1].control().id, cases[3].control().id]);
        assert_eq!(plan.to_run(), 4);
    }

    #[test]
    fn what_the_subject_or_the_place_cannot_do_is_not_run() {
        let mut idle = samples::case("idle");
        idle.steps[0].job = Job::Idle;
        idle.steps[0].protocol = Protocol::Imap;
        let mut ports = deviating("ports");
        ports.needs = vec![Need::Ports];
        let plan = Plan::new([idle, ports.clone()], &curl_like(), &Place::Loopback);
        assert_eq!(plan.to_run(), 0);
        assert_eq!(plan.controls, [], "nobody needs one");
        assert_eq!(
            plan.reasons().into_keys().collect::<Vec<_>>(),
            [
                "skipped: needs the registered ports, which only the lab has",
                "unsupported: job idle over imap",
            ]
        );
        assert_eq!(Plan::new([ports], &curl_like(), &Place::Lab).to_run(), 1);
    }

    #[test]
    fn what_the_delta_asks_counts_and_so_does_what_the_control_asks() {
        let vary = |with: Trust, base: Trust| {
            let mut case = samples::case("vary");
            case.steps[0].security = Security::Implicit;
            case.steps[0].trust = base;
            let mut step = case.steps[0].clone();
            step.trust = with;
            case.delta = Delta::Vary(vec![Vary {
                step: 1,
                with: step,
            }]);
            Plan::new([case], &curl_like(), &Place::Loopback)
        };
        let unsupported = Some(NotRun::Unsupported("trust pin".to_owned()));
        assert_eq!(vary(Trust::Pin, Trust::Ca).cases[0].not_run, unsupported);
        let plan = vary(Trust::Ca, Trust::Pin);
        assert_eq!(plan.cases[0].not_run, unsupported);
        assert_eq!(plan.controls, [], "nobody needs one");
    }
}
