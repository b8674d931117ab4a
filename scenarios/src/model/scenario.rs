//! The parts of a scenario that cases carry unchanged.

use serde::{Deserialize, Serialize};

use super::{Case, ChainSpec, DnsChange, PortRole, PortState, Split, Who};

/// One scenario file, checked, with the cases that it expands to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Scenario {
    /// The id, which is the path of the file.
    pub id: String,
    /// The file it came from, as the user knows it.
    pub file: String,
    /// Its cases, at least one.
    pub cases: Vec<Case>,
}

/// The server side of the base: it stays in the control.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Setup {
    /// The persona that speaks SMTP.
    pub smtp: String,
    /// The persona that speaks IMAP.
    pub imap: String,
    /// The chain that is served.
    pub chain: ChainSpec,
    /// How many messages are in the mailbox at the start.
    pub messages: u32,
    /// Whether MAIL needs a sign-in; `None` leaves it to the persona.
    pub requires_auth: Option<bool>,
    /// Whether passwords are taken in clear; `None` leaves it to the persona.
    pub auth_in_clear: Option<bool>,
    /// Capabilities that the server lacks although the persona has them.
    pub without: Vec<String>,
    /// Ports that behave otherwise in the base.
    pub ports: Vec<(PortRole, PortState)>,
    /// Whether IMAP capabilities are in the greeting; `None` leaves it to the persona.
    pub greeting_capability: Option<bool>,
    /// What DNS has for hosts, where that is not the usual one address of each family.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dns: Vec<DnsChange>,
    /// In which portions everything that is said in clear leaves, up to the end of what the server has to say:
    /// what a deviation puts behind that leaves with its last portion. `None` is each response in one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub segments: Option<Split>,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            smtp: "postfix".to_owned(),
            imap: "dovecot".to_owned(),
            chain: ChainSpec::default(),
            messages: 2,
            requires_auth: None,
            auth_in_clear: None,
            without: Vec::new(),
            ports: Vec::new(),
            greeting_capability: None,
            dns: Vec::new(),
            segments: None,
        }
    }
}

/// What to tell whom when a user meets the situation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diagnosis {
    /// Who can act.
    pub who: Who,
    /// One plain sentence in English.
    pub en: String,
    /// The same in German.
    pub de: String,
}
