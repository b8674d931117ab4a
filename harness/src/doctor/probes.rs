//! What an adapter is asked: the probes in `doctor/*.toml`, fitted to what it declares.
//!
//! Must not know how a probe is run or what its outcome means.

use std::collections::{BTreeMap, BTreeSet};

use include_dir::{Dir, include_dir};
use mailproof_scenarios::{
    language::{self, ExpectationSets, Problems, Source},
    model::{Auth, Case, Job, Persona, PortRole, Protocol, Security, Setup, Step, Trust},
};

use crate::adapter::Adapter;

static PROBES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/doctor");

/// One thing that is tried with the subject.
#[derive(Clone, Debug)]
pub struct Probe {
    /// What it is about.
    pub about: About,
    /// The case.
    pub case: Case,
}

/// What a probe is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum About {
    /// Nothing is wrong: it must simply work.
    Undisturbed,
    /// The server refuses the sign-in.
    WrongPassword,
    /// Nobody listens.
    ClosedPort,
    /// The server has a certificate that the declared trust does not accept.
    UntrustedCertificate,
    /// The server has no STARTTLS although the settings require it.
    NoStarttls,
}

impl About {
    /// Each of them, in the order in which they are tried.
    pub const ALL: [About; 5] = [
        About::Undisturbed,
        About::WrongPassword,
        About::ClosedPort,
        About::UntrustedCertificate,
        About::NoStarttls,
    ];

    const fn file(self) -> &'static str {
        match self {
            About::Undisturbed => "undisturbed.toml",
            About::WrongPassword => "wrong-password.toml",
            About::ClosedPort => "closed-port.toml",
            About::UntrustedCertificate => "untrusted-certificate.toml",
            About::NoStarttls => "no-starttls.toml",
        }
    }
}

/// The probes for an adapter, each with a case of its own.
///
/// # Errors
/// Problems in the embedded files, which a test rules out for a build that passed it.
pub fn all(
    adapter: &Adapter,
    personas: &BTreeMap<String, Persona>,
) -> Result<Vec<Probe>, Problems> {
    let mut probes = Vec::new();
    for about in About::ALL {
        let cases = read(about, personas)?;
        if about == About::Undisturbed {
            let base = cases.first().cloned();
            probes.extend(base.iter().flat_map(|it| undisturbed(it, adapter)));
        } else {
            probes.extend(cases.into_iter().filter_map(|case| {
                let case = fit(case, adapter)?;
                Some(Probe { about, case })
            }));
        }
    }
    Ok(probes)
}

fn read(about: About, personas: &BTreeMap<String, Persona>) -> Result<Vec<Case>, Problems> {
    let name = about.file();
    let text = PROBES
        .get_file(name)
        .and_then(|it| it.contents_utf8())
        .unwrap_or_default();
    let source = Source::new(format!("doctor/{name}"), text);
    Ok(language::scenario(&source, personas, &ExpectationSets::new())?.cases)
}

/// Every declared job with as few combinations as have each declared setting at least once.
fn undisturbed(base: &Case, adapter: &Adapter) -> Vec<Probe> {
    let Some(model) = base.steps.first() else {
        return Vec::new();
    };
    let mut probes = Vec::new();
    for (protocol, job) in adapter.supports.jobs.iter().copied() {
        let candidates = candidates(model, protocol, job, adapter);
        for step in cover(candidates) {
            let id = format!(
                "{}#{protocol}+{job}+{}+{}+{}",
                base.scenario, step.security, step.trust, step.auth
            );
            let case = Case {
                id,
                setup: setup(&base.setup, &step),
                steps: vec![step],
                ..base.clone()
            };
            let about = About::Undisturbed;
            probes.push(Probe { about, case });
        }
    }
    probes
}

/// Ways to sign in, the plainest first.
pub(super) const AUTH: [Auth; 5] = [
    Auth::Password,
    Auth::Plain,
    Auth::Login,
    Auth::Xoauth2,
    Auth::None,
];

/// Every combination of settings for a job that the adapter declares and that can work, best known first.
/// Trust `system` and `default` cannot: nobody knows the test authority there.
fn candidates(model: &Step, protocol: Protocol, job: Job, adapter: &Adapter) -> Vec<Step> {
    const SECURITY: [Security; 5] = [
        Security::Implicit,
        Security::StarttlsRequired,
        Security::StarttlsOptional,
        Security::Automatic,
        Security::None,
    ];
    const TRUST: [Trust; 3] = [Trust::Ca, Trust::Pin, Trust::Always];
    let mut steps = Vec::new();
    for security in SECURITY {
        for trust in TRUST {
            for auth in AUTH {
                let step = Step {
                    job,
                    protocol,
                    security,
                    trust,
                    auth,
                    port: PortRole::usual(protocol, security),
                    ..model.clone()
                };
                let nobody = auth == Auth::None;
                let sensible = match (protocol, security) {
                    // A session without a sign-in leaves nothing in the books that would show it.
                    (Protocol::Imap, _) if nobody => false,
                    // A token belongs into TLS, and many clients know that (RFC 6750 §5.3).
                    (_, Security::None) if auth == Auth::Xoauth2 => false,
                    // Some clients never show a password in clear, which is no mistake.
                    (Protocol::Smtp, Security::None) => {
                        nobody || !adapter.supports.auth.contains(&Auth::None)
                    }
                    _ => true,
                };
                if sensible && adapter.lacks(&step).is_none() {
                    steps.push(step);
                }
            }
        }
    }
    steps
}

/// A few of the candidates that together have every setting that any of them has.
fn cover(mut candidates: Vec<Step>) -> Vec<Step> {
    let mut open: BTreeSet<Value> = candidates.iter().flat_map(values).collect();
    let mut chosen = Vec::new();
    while !open.is_empty() {
        let news = |step: &Step| values(step).filter(|it| open.contains(it)).count();
        let most = candidates.iter().map(news).max().unwrap_or(0);
        let Some(at) = candidates
            .iter()
            .position(|it| news(it) == most && most > 0)
        else {
            break;
        };
        let step = candidates.remove(at);
        for value in values(&step) {
            open.remove(&value);
        }
        chosen.push(step);
    }
    chosen.sort_by_key(|it| it.security);
    chosen
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Value {
    Security(Security),
    Trust(Trust),
    Auth(Auth),
}

/// Without TLS the trust is not looked at.
fn values(step: &Step) -> impl Iterator<Item = Value> + use<> {
    let trust = (step.security != Security::None).then_some(Value::Trust(step.trust));
    [Value::Security(step.security), Value::Auth(step.auth)]
        .into_iter()
        .chain(trust)
}

/// The server lets in who is not told to sign in, and takes a password in clear from who is.
fn setup(base: &Setup, step: &Step) -> Setup {
    Setup {
        requires_auth: (step.auth == Auth::None).then_some(false),
        auth_in_clear: (step.security == Security::None).then_some(true),
        ..base.clone()
    }
}

/// A probe with what the adapter can do of it: another job or sign-in, and another trust where the probe is
/// not about trust. `None` where nothing of it can be done.
fn fit(mut case: Case, adapter: &Adapter) -> Option<Case> {
    let about = |axis: &str| case.variant.iter().any(|(it, _)| it == axis);
    let model = case.steps.first()?.clone();
    let fixed_trust = about("trust");
    let jobs: &[Job] = match model.protocol {
        Protocol::Smtp => &[Job::Send, Job::TestConnection],
        Protocol::Imap => &[
            Job::Fetch,
            Job::List,
            Job::Append,
            Job::Idle,
            Job::TestConnection,
        ],
    };
    let trusts = [model.trust, Trust::Pin, Trust::Always, Trust::System];
    let trusts = if fixed_trust {
        &trusts[..1]
    } else {
        &trusts[..]
    };
    let auths: &[Auth] = &[Auth::Password, Auth::Plain, Auth::Login, Auth::Xoauth2];
    let step = jobs
        .iter()
        .flat_map(|job| {
            let model = &model;
            trusts.iter().flat_map(move |trust| {
                auths.iter().map(move |auth| Step {
                    job: *job,
                    trust: *trust,
                    auth: *auth,
                    ..model.clone()
                })
            })
        })
        .find(|it| adapter.lacks(it).is_none())?;
    case.steps = vec![step];
    // It counts what the client says, and that can be heard anywhere.
    case.needs.clear();
    Some(case)
}

#[cfg(test)]
mod tests {
    use mailproof_scenarios::library::Library;
    use test_case::test_case;

    use super::*;
    use crate::adapter;

    fn probes(name: &str) -> Vec<Probe> {
        let library = Library::embedded().unwrap_or_else(|problems| panic!("{problems}"));
        let adapter = adapter::find(name).unwrap_or_else(|error| panic!("{error}"));
        all(&adapter, library.personas()).unwrap_or_else(|problems| panic!("{problems}"))
    }

    #[test_case("reference")]
    #[test_case("curl")]
    #[test_case("msmtp")]
    #[test_case("mbsync")]
    #[test_case("python-default")]
    fn every_declared_setting_is_tried_and_nothing_else(name: &str) {
        let adapter = adapter::find(name).unwrap_or_else(|error| panic!("{error}"));
        let probes = probes(name);
        let mut ids = BTreeSet::new();
        for probe in &probes {
            assert_eq!(
                adapter.lacks(&probe.case.steps[0]),
                None,
                "{}",
                probe.case.id
            );
            assert!(ids.insert(probe.case.id.clone()), "{}", probe.case.id);
        }
        let tried = |fits: &dyn Fn(&Step) -> bool| {
            let mut undisturbed = probes.iter().filter(|it| it.about == About::Undisturbed);
            undisturbed.any(|it| fits(&it.case.steps[0]))
        };
        let supports = &adapter.supports;
        for (protocol, job) in &supports.jobs {
            assert!(tried(&|it| it.job == *job && it.protocol == *protocol));
        }
        assert!(
            supports
                .security
                .iter()
                .all(|word| tried(&|it| it.security == *word))
        );
        assert!(
            supports
                .auth
                .iter()
                .all(|word| tried(&|it| it.auth == *word))
        );
        let mut trust = supports
            .trust
            .iter()
            .filter(|it| !matches!(it, Trust::System | Trust::Default));
        assert!(trust.all(|word| tried(&|it| it.trust == *word)));
        for about in About::ALL {
            assert!(probes.iter().any(|it| it.about == about), "{about:?}");
        }
    }

    #[test]
    fn few_combinations_are_enough() {
        let reference = probes("reference");
        let sends = reference
            .iter()
            .filter(|it| it.about == About::Undisturbed && it.case.steps[0].job == Job::Send);
        assert!(sends.count() <= 6);
    }

    #[test]
    fn a_probe_about_trust_keeps_its_trust() {
        let trusts: BTreeSet<Trust> = probes("python-default")
            .iter()
            .filter(|it| it.about == About::UntrustedCertificate)
            .map(|it| it.case.steps[0].trust)
            .collect();
        assert_eq!(trusts, BTreeSet::from([Trust::Ca]));
    }
}
