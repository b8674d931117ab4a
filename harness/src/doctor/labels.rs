//! What each setting really does, by the name that it has in the product.
//!
//! A security setting is pointed at three servers: one with TLS from the first octet, one that offers STARTTLS, one that does
//! not. A trust setting meets four certificates. What is seen is compared with what the adapter says that
//! the name means. Must not know how a case is run, nor how a report is shown.

use std::collections::BTreeMap;

use mailproof_certs::Fault;
use mailproof_scenarios::model::{
    Action, Auth, Case, ChainSpec, Delta, Deviation, Job, Kind, Layer, On, PortRole, Protocol,
    Security, Setup, Step, Trust, What,
};

use super::{probes::AUTH, wire};
use crate::{adapter::Adapter, judge::took_place, results::Record};

/// One setting under the name that it has in the product.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// In which protocol.
    pub protocol: Protocol,
    /// What is set.
    pub axis: Axis,
    /// The name in the product, where the adapter has one.
    pub name: Option<String>,
    /// What was seen, a clause each.
    pub does: Vec<String>,
    /// What was seen that the name does not mean, or that it means and was not seen; a clause each.
    pub wrong: Vec<String>,
}

/// What a label is a value of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Axis {
    /// How the connection is secured.
    Security(Security),
    /// Whom the client trusts.
    Trust(Trust),
}

/// What a setting is pointed at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Server {
    /// TLS from the first octet.
    Implicit,
    /// STARTTLS is offered, and a password in clear would be taken.
    Starttls,
    /// The same without STARTTLS.
    NoStarttls,
    /// A right server with this chain.
    Chain(Fault),
}

const SERVERS: [Server; 3] = [Server::Implicit, Server::Starttls, Server::NoStarttls];
const CHAINS: [Fault; 4] = [
    Fault::Valid,
    Fault::SelfSigned,
    Fault::ExpiredLeaf,
    Fault::WrongHost,
];

/// One thing that is tried with a setting.
#[derive(Clone, Debug)]
pub(super) struct Trial {
    protocol: Protocol,
    axis: Axis,
    server: Server,
    pub(super) case: Case,
}

/// Everything that is tried with the settings of an adapter. `base` is an undisturbed case.
pub(super) fn trials(base: &Case, adapter: &Adapter) -> Vec<Trial> {
    let mut trials = Vec::new();
    for protocol in adapter.supports.protocols.iter().copied() {
        for security in adapter.supports.security.iter().copied() {
            let axis = Axis::Security(security);
            for server in SERVERS {
                trials.extend(trial(base, adapter, protocol, axis, server));
            }
        }
        for trust in adapter.supports.trust.iter().copied() {
            for chain in CHAINS {
                let axis = Axis::Trust(trust);
                trials.extend(trial(base, adapter, protocol, axis, Server::Chain(chain)));
            }
        }
    }
    trials
}

/// `None` where the adapter cannot ask for it.
fn trial(
    base: &Case,
    adapter: &Adapter,
    protocol: Protocol,
    axis: Axis,
    server: Server,
) -> Option<Trial> {
    let mut step = step(base.steps.first()?, adapter, protocol, axis)?;
    let mut setup = Setup {
        auth_in_clear: Some(true),
        requires_auth: (step.auth == Auth::None).then_some(false),
        ..base.setup.clone()
    };
    let mut delta = Delta::None;
    match server {
        Server::Implicit => step.port = PortRole::usual(protocol, Security::Implicit),
        Server::Starttls => step.port = PortRole::usual(protocol, Security::StarttlsRequired),
        Server::NoStarttls => {
            step.port = PortRole::usual(protocol, Security::StarttlsRequired);
            setup.without.push("STARTTLS".to_owned());
        }
        Server::Chain(Fault::Valid) => {}
        Server::Chain(fault) => {
            delta = Delta::Deviate(vec![Deviation {
                on: On::default(),
                action: Action::Chain(ChainSpec::of(fault)),
            }]);
        }
    }
    let id = match (axis, server) {
        (Axis::Security(it), server) => {
            let server = format!("{server:?}").to_lowercase();
            format!("doctor/label#{protocol}+{it}+{server}")
        }
        (Axis::Trust(it), Server::Chain(fault)) => {
            format!("doctor/label#{protocol}+{it}+{fault}")
        }
        (Axis::Trust(_), _) => return None,
    };
    let case = Case {
        id,
        scenario: "doctor/label".to_owned(),
        kind: Kind::Survey,
        steps: vec![step],
        setup,
        delta,
        expect: Vec::new(),
        needs: Vec::new(),
        ..base.clone()
    };
    Some(Trial {
        protocol,
        axis,
        server,
        case,
    })
}

/// The first job and the plainest other settings with which the adapter can be asked for a value of an axis.
fn step(model: &Step, adapter: &Adapter, protocol: Protocol, axis: Axis) -> Option<Step> {
    let jobs: &[Job] = match protocol {
        Protocol::Smtp => &[Job::Send, Job::TestConnection],
        Protocol::Imap => &[Job::List, Job::Fetch, Job::Append, Job::TestConnection],
    };
    let (securities, trusts): (&[Security], &[Trust]) = match &axis {
        Axis::Security(it) => (
            std::slice::from_ref(it),
            &[Trust::Ca, Trust::Pin, Trust::Always],
        ),
        Axis::Trust(it) => (
            &[Security::Implicit, Security::StarttlsRequired],
            std::slice::from_ref(it),
        ),
    };
    // Some clients never show a password in clear, which is no mistake.
    let unsigned = axis == Axis::Security(Security::None) && protocol == Protocol::Smtp;
    let mut auths = AUTH;
    if unsigned {
        auths.rotate_right(1);
    }
    let auths = &auths;
    let candidates = jobs.iter().flat_map(|job| {
        securities.iter().flat_map(move |security| {
            trusts.iter().flat_map(move |trust| {
                auths.iter().map(move |auth| Step {
                    job: *job,
                    protocol,
                    security: *security,
                    trust: *trust,
                    auth: *auth,
                    port: PortRole::usual(protocol, *security),
                    ..model.clone()
                })
            })
        })
    });
    candidates
        .into_iter()
        .find(|it| adapter.lacks(it).is_none())
}

/// What was seen in one trial.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Seen {
    /// The client spoke TLS before anything else.
    tls_first: bool,
    /// It began TLS behind STARTTLS.
    starttls: bool,
    /// It sent something that tells, in clear.
    in_clear: bool,
    /// It went on inside TLS with more than what tells nobody anything.
    inside: bool,
    /// The job was done.
    done: bool,
}

fn seen(record: &Record) -> Seen {
    let mut seen = Seen {
        done: took_place(record, 1),
        ..Seen::default()
    };
    for event in &record.log.events {
        match &event.what {
            What::Command {
                verb, line, layer, ..
            } => match (layer, verb.as_str()) {
                (Layer::Clear, "STARTTLS") => seen.starttls = true,
                (Layer::Clear, "?") => seen.tls_first |= line.starts_with(&[0x16, 3]),
                (Layer::Clear, verb) => seen.in_clear |= !wire::is_harmless(verb),
                (Layer::Tls, verb) => seen.inside |= !wire::is_harmless(verb),
            },
            What::TlsEstablished { .. } if !seen.starttls => seen.tls_first = true,
            _ => {}
        }
    }
    seen
}

/// What was found out about each setting, from the records of the trials by the id of their cases.
pub(super) fn read(
    trials: &[Trial],
    adapter: &Adapter,
    records: &BTreeMap<String, Record>,
) -> Vec<Label> {
    let mut order: Vec<(Protocol, Axis)> = Vec::new();
    for trial in trials {
        if !order.contains(&(trial.protocol, trial.axis)) {
            order.push((trial.protocol, trial.axis));
        }
    }
    order
        .into_iter()
        .filter_map(|(protocol, axis)| {
            let of_it = trials
                .iter()
                .filter(|it| (it.protocol, it.axis) == (protocol, axis));
            let met: Vec<(Server, Seen)> = of_it
                .filter_map(|it| {
                    let record = records.get(&it.case.id)?;
                    record.not_run.is_none().then(|| (it.server, seen(record)))
                })
                .collect();
            let (does, wrong) = match axis {
                _ if met.is_empty() => return None,
                Axis::Security(it) => security(it, &met),
                Axis::Trust(it) => trust(it, &met),
            };
            let name = match axis {
                Axis::Security(it) => adapter.words.security.get(&it),
                Axis::Trust(it) => adapter.words.trust.get(&it),
            };
            Some(Label {
                protocol,
                axis,
                name: name.cloned(),
                does,
                wrong,
            })
        })
        .collect()
}

fn security(promised: Security, met: &[(Server, Seen)]) -> (Vec<String>, Vec<String>) {
    let at = |server| {
        let found = met.iter().find(|(it, _)| *it == server);
        found.map(|(_, seen)| *seen).unwrap_or_default()
    };
    let (implicit, offered, absent) = (
        at(Server::Implicit),
        at(Server::Starttls),
        at(Server::NoStarttls),
    );
    let first = implicit.done && implicit.tls_first;
    let starttls = offered.done && offered.starttls;
    let clear = offered.in_clear;
    let falls = absent.in_clear;
    let seen = [
        (first, "TLS from the first octet where the server has it"),
        (starttls, "STARTTLS where it is offered"),
        (clear, "in clear although STARTTLS is offered"),
        (falls && !clear, "in clear where STARTTLS is not offered"),
        (falls && clear, "in clear where it is not"),
    ];
    let mut does: Vec<String> = seen
        .iter()
        .filter(|(it, _)| *it)
        .map(|(_, says)| (*says).to_owned())
        .collect();
    if does.is_empty() {
        does.push("gets nowhere with any server".to_owned());
    }
    let promises: &[(bool, &str)] = match promised {
        Security::None => &[
            (first || starttls, "it encrypts"),
            (!clear, "it does not work in clear"),
        ],
        Security::StarttlsOptional => &[
            (clear, "it does not take the STARTTLS that is offered"),
            (!clear && !starttls, "it does not use STARTTLS"),
        ],
        Security::StarttlsRequired => &[
            (clear, "it does not take the STARTTLS that is offered"),
            (!clear && !starttls, "it does not use STARTTLS"),
            (
                falls && !clear,
                "it goes on in clear without STARTTLS, so it means “if available”",
            ),
            (
                first,
                "it speaks TLS from the first octet, which is another setting",
            ),
        ],
        Security::Implicit => &[
            (!first, "it does not speak TLS from the first octet"),
            (clear || falls, "it goes on in clear"),
            (starttls, "it uses STARTTLS, which is another setting"),
        ],
        Security::Automatic => &[
            (clear, "it does not take the STARTTLS that is offered"),
            (
                falls && !clear,
                "it goes on in clear where STARTTLS is not offered, so whoever removes the offer reads everything (RFC 8314 §5.2)",
            ),
            (!first && !starttls, "it finds no way into TLS"),
        ],
    };
    (does, said(promises))
}

fn trust(promised: Trust, met: &[(Server, Seen)]) -> (Vec<String>, Vec<String>) {
    let takes = |fault| {
        let mut found = met.iter().filter(|(it, _)| *it == Server::Chain(fault));
        found.any(|(_, seen)| seen.inside)
    };
    let named = [
        (Fault::Valid, "one of the test authority"),
        (Fault::SelfSigned, "a self-signed one"),
        (Fault::ExpiredLeaf, "an expired one"),
        (Fault::WrongHost, "one for another host"),
    ];
    let list = |taken: bool| -> Vec<&str> {
        let fit = named.iter().filter(|(fault, _)| takes(*fault) == taken);
        fit.map(|(_, says)| *says).collect()
    };
    let mut does = Vec::new();
    for (verb, which) in [("accepts", list(true)), ("refuses", list(false))] {
        if !which.is_empty() {
            does.push(format!("{verb} {}", which.join(", ")));
        }
    }
    let valid = takes(Fault::Valid);
    let bad = |fault| takes(fault);
    let promises: &[(bool, &str)] = match promised {
        Trust::Ca | Trust::Pin => &[
            (!valid, "it refuses what it was told to trust"),
            (
                bad(Fault::SelfSigned),
                "it accepts a self-signed certificate",
            ),
            (
                promised == Trust::Ca && bad(Fault::ExpiredLeaf),
                "it accepts an expired certificate",
            ),
            (
                promised == Trust::Pin && bad(Fault::ExpiredLeaf),
                "it accepts another certificate than the pinned one",
            ),
            (
                bad(Fault::WrongHost),
                "it accepts a certificate for another host",
            ),
        ],
        Trust::System => &[
            (
                valid,
                "it accepts an authority that the system does not know",
            ),
            (
                bad(Fault::SelfSigned),
                "it accepts a self-signed certificate",
            ),
            (bad(Fault::ExpiredLeaf), "it accepts an expired certificate"),
            (
                bad(Fault::WrongHost),
                "it accepts a certificate for another host",
            ),
        ],
        Trust::Always => &[
            (!valid, "it refuses a certificate of the test authority"),
            (
                !bad(Fault::SelfSigned),
                "it refuses a self-signed certificate",
            ),
            (
                !bad(Fault::ExpiredLeaf),
                "it refuses an expired certificate",
            ),
            (
                !bad(Fault::WrongHost),
                "it refuses a certificate for another host",
            ),
        ],
        Trust::Default => &[],
    };
    (does, said(promises))
}

fn said(promises: &[(bool, &str)]) -> Vec<String> {
    let broken = promises.iter().filter(|(broken, _)| *broken);
    broken.map(|(_, says)| (*says).to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use test_case::test_case;

    use super::*;

    /// `1` TLS first, `s` STARTTLS, `c` in clear, `i` inside TLS, `d` done.
    fn look(words: &str) -> Seen {
        Seen {
            tls_first: words.contains('1'),
            starttls: words.contains('s'),
            in_clear: words.contains('c'),
            inside: words.contains('i'),
            done: words.contains('d'),
        }
    }

    #[test_case(Security::Implicit, ["1id", "1", "1"] => 0; "implicit")]
    #[test_case(Security::Implicit, ["", "sid", ""] => 2; "an SSL that is STARTTLS")]
    #[test_case(Security::Implicit, ["1id", "cd", "cd"] => 1; "an SSL that falls back")]
    #[test_case(Security::StarttlsRequired, ["", "sid", ""] => 0; "starttls")]
    #[test_case(Security::StarttlsRequired, ["", "sid", "cd"] => 1; "if available")]
    #[test_case(Security::StarttlsRequired, ["1id", "1", "1"] => 2; "a TLS that is implicit")]
    #[test_case(Security::StarttlsRequired, ["", "cd", "cd"] => 1; "never encrypts")]
    #[test_case(Security::StarttlsOptional, ["", "sid", "cd"] => 0; "optional")]
    #[test_case(Security::StarttlsOptional, ["", "cd", "cd"] => 1; "an offer that is not taken")]
    #[test_case(Security::None, ["", "cd", "cd"] => 0; "none")]
    #[test_case(Security::None, ["", "sid", ""] => 2; "a none that encrypts")]
    #[test_case(Security::Automatic, ["1id", "sid", ""] => 0; "automatic")]
    #[test_case(Security::Automatic, ["", "sid", "cd"] => 1; "an automatic that can be talked down")]
    #[test_case(Security::Automatic, ["", "", ""] => 1; "no way")]
    fn securities(promised: Security, met: [&str; 3]) -> usize {
        let met: Vec<_> = SERVERS.into_iter().zip(met.map(look)).collect();
        security(promised, &met).1.len()
    }

    #[test_case(Trust::Ca, ["id", "", "", ""] => 0; "ca")]
    #[test_case(Trust::Ca, ["id", "", "id", ""] => 1; "ca that takes an expired one")]
    #[test_case(Trust::Ca, ["", "", "", ""] => 1; "ca that takes nothing")]
    #[test_case(Trust::Pin, ["id", "", "id", ""] => 1; "pin that takes another")]
    #[test_case(Trust::System, ["", "", "", ""] => 0; "system")]
    #[test_case(Trust::System, ["id", "", "", ""] => 1; "system that knows the test authority")]
    #[test_case(Trust::Always, ["id", "id", "id", "id"] => 0; "always")]
    #[test_case(Trust::Always, ["id", "id", "", "id"] => 1; "an always that is not")]
    #[test_case(Trust::Default, ["id", "id", "id", "id"] => 0; "default promises nothing")]
    fn trusts(promised: Trust, met: [&str; 4]) -> usize {
        let servers = CHAINS.into_iter().map(Server::Chain);
        let met: Vec<_> = servers.zip(met.map(look)).collect();
        trust(promised, &met).1.len()
    }

    #[test]
    fn what_is_seen_is_said_whether_it_is_right_or_not() {
        let met: Vec<_> = SERVERS
            .into_iter()
            .zip(["", "sid", "cd"].map(look))
            .collect();
        let (does, _) = security(Security::StarttlsOptional, &met);
        assert_eq!(
            does,
            [
                "STARTTLS where it is offered",
                "in clear where STARTTLS is not offered"
            ]
        );
    }
}
