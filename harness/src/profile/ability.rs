//! What a subject can be asked to do, as one word each: what profiles need and what cases ask for.
//!
//! Must not know where the words are written.

use std::fmt;

use mailproof_scenarios::model::{
    Auth, Case, Crl, Job, Process, Protocol, Security, Step, Store, Trust,
};

use crate::subject::Supports;

/// One ability of a subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ability {
    /// A job over a protocol.
    Job(Protocol, Job),
    /// A security setting.
    Security(Security),
    /// A trust setting.
    Trust(Trust),
    /// A way to sign in.
    Auth(Auth),
    /// One message to several recipients.
    SeveralRecipients,
    /// Several steps in one process.
    SameProcess,
    /// A store of authorities in the place of the system's.
    Store,
    /// Certificate revocation lists.
    Crl,
}

impl Ability {
    /// Whether a subject declares it.
    pub fn is_in(self, supports: &Supports) -> bool {
        match self {
            Ability::Job(protocol, job) => supports.jobs.contains(&(protocol, job)),
            Ability::Security(security) => supports.security.contains(&security),
            Ability::Trust(trust) => supports.trust.contains(&trust),
            Ability::Auth(auth) => supports.auth.contains(&auth),
            Ability::SeveralRecipients => supports.several_recipients,
            Ability::SameProcess => supports.same_process,
            Ability::Store => supports.store,
            Ability::Crl => supports.crl,
        }
    }

    /// What the steps of a case ask for, those of its control as well, each once.
    pub fn of_case(case: &Case) -> Vec<Ability> {
        let effective = case.effective_steps();
        let mut all = Vec::new();
        for step in effective.iter().chain(&case.steps) {
            for ability in Self::of_step(step) {
                if !all.contains(&ability) {
                    all.push(ability);
                }
            }
        }
        all
    }

    fn of_step(step: &Step) -> impl Iterator<Item = Ability> {
        [
            Some(Ability::Job(step.protocol, step.job)),
            Some(Ability::Security(step.security)),
            (step.security != Security::None).then_some(Ability::Trust(step.trust)),
            Some(Ability::Auth(step.auth)),
            (step.to.len() > 1).then_some(Ability::SeveralRecipients),
            (step.process == Process::Same).then_some(Ability::SameProcess),
            (step.store != Store::Own).then_some(Ability::Store),
            (step.crl != Crl::None).then_some(Ability::Crl),
        ]
        .into_iter()
        .flatten()
    }
}

/// As reports say it: `job send over smtp`, `security implicit`.
impl fmt::Display for Ability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Ability::Job(protocol, job) => write!(f, "job {job} over {protocol}"),
            Ability::Security(security) => write!(f, "security {security}"),
            Ability::Trust(trust) => write!(f, "trust {trust}"),
            Ability::Auth(auth) => write!(f, "auth {auth}"),
            Ability::SeveralRecipients => f.write_str("several recipients"),
            Ability::SameProcess => f.write_str("several steps in one process"),
            Ability::Store => f.write_str("a system store of the case's own"),
            Ability::Crl => f.write_str("certificate revocation lists"),
        }
    }
}
