//! What a subject can be asked to do, as far as profiles need it.
//!
//! Must not know where the words are written.

use std::fmt;

use mailproof_scenarios::model::{Auth, Job, Protocol, Security, Trust};

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
}

impl Ability {
    /// Whether it is what a subject lacks, in the words of an adapter: `security implicit over imap`.
    pub fn is_named_by(self, lack: &str) -> bool {
        let name = self.to_string();
        let over = Protocol::ALL
            .iter()
            .any(|it| lack == format!("{name} over {it}"));
        lack == name || over
    }

    /// Whether a subject declares it.
    pub fn is_in(self, supports: &Supports) -> bool {
        match self {
            Ability::Job(protocol, job) => supports.jobs.contains(&(protocol, job)),
            Ability::Security(security) => supports.security.contains(&security),
            Ability::Trust(trust) => supports.trust.contains(&trust),
            Ability::Auth(auth) => supports.auth.contains(&auth),
        }
    }
}

/// As [`Supports::lacks`] says that it is missing: `job send over smtp`, `security implicit`.
impl fmt::Display for Ability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Ability::Job(protocol, job) => write!(f, "job {job} over {protocol}"),
            Ability::Security(security) => write!(f, "security {security}"),
            Ability::Trust(trust) => write!(f, "trust {trust}"),
            Ability::Auth(auth) => write!(f, "auth {auth}"),
        }
    }
}
