//! Signs: everything that has a name of its own and can be seen in a log, one function each.
//!
//! A sign is a fact with a name. Whether it is wrong in a case is for the case to say.

mod channel;
mod delivery;
mod literals;
mod retries;
mod timing;
mod tls;

use mailproof_scenarios::model::{Sign, What};

use super::view::{View, step_of};

/// One place where something was seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sighting {
    /// The event that decides it.
    pub(crate) event: usize,
    pub(crate) connection: Option<u32>,
    /// Every event that shows it.
    pub(crate) evidence: Vec<usize>,
    /// One plain sentence.
    pub(crate) says: String,
}

impl Sighting {
    pub(crate) fn at(view: &View<'_>, event: usize, says: impl Into<String>) -> Self {
        Self {
            event,
            connection: view.events.get(event).and_then(|it| it.conn),
            evidence: vec![event],
            says: says.into(),
        }
    }

    pub(crate) fn with(mut self, evidence: impl IntoIterator<Item = usize>) -> Self {
        self.evidence.extend(evidence);
        self.evidence.sort_unstable();
        self.evidence.dedup();
        self
    }
}

/// Where a sign is seen in a step (in all of them where absent), in order of time.
pub(crate) fn sightings(view: &View<'_>, sign: Sign, step: Option<u16>) -> Vec<Sighting> {
    let mut seen = match sign {
        Sign::CredentialInClear => channel::credential_in_clear(view),
        Sign::CredentialToUntrustedPeer => channel::credential_to_untrusted_peer(view),
        Sign::CommandInClear => channel::command_in_clear(view),
        Sign::DataToUntrustedPeer => channel::data_to_untrusted_peer(view),
        Sign::MessageInClear => channel::message_in_clear(view),
        Sign::StarttlsInsideTls => channel::starttls_inside_tls(view),
        Sign::NoHelloInsideTls => channel::no_hello_inside_tls(view),
        Sign::KeyExchange => tls::key_exchange(view),
        Sign::ServerNameSent => tls::server_name_sent(view),
        Sign::AddressAsServerName => tls::address_as_server_name(view),
        Sign::WeakSuiteOffered => tls::weak_suite_offered(view),
        Sign::SessionOffered => tls::session_offered(view),
        Sign::Renegotiation => tls::renegotiation(view),
        Sign::CommandInEarlyData => tls::command_in_early_data(view),
        Sign::Handshake => tls::handshake(view),
        Sign::SignedIn => signed_in(view),
        Sign::CommandAnsweredByInjectedReply => timing::answered_by_injected_reply(view),
        Sign::SpokeBeforeGreeting => timing::spoke_before_greeting(view),
        Sign::SpokeAfterStarttls => timing::spoke_after_starttls(view),
        Sign::WeakerRetry => retries::weaker_retry(view),
        Sign::DecoyTouched => retries::decoy_touched(view),
        Sign::RepeatedSignIn => retries::repeated_sign_in(view),
        Sign::DuplicateDelivery => delivery::duplicate(view),
        Sign::SmugglingSequence => delivery::smuggling_sequence(view),
        Sign::LiteralBeforeContinuation => literals::before_continuation(view),
    };
    seen.retain(|it| {
        step.is_none_or(|step| {
            view.events
                .get(it.event)
                .is_some_and(|event| step_of(event) == step)
        })
    });
    seen.sort_by_key(|it| it.event);
    seen
}

pub(crate) use channel::{credential_is_misplaced, greeted_untrusted_peer};
pub(crate) use retries::forbidden_weaker_retry;

fn each(view: &View<'_>, says: impl Fn(&What) -> Option<String>) -> Vec<Sighting> {
    view.events
        .iter()
        .enumerate()
        .filter_map(|(index, event)| Some(Sighting::at(view, index, says(&event.what)?)))
        .collect()
}

fn signed_in(view: &View<'_>) -> Vec<Sighting> {
    each(view, |what| match what {
        What::SignIn {
            mechanism,
            accepted: true,
            ..
        } => Some(format!("The client signed in ({mechanism}).")),
        _ => None,
    })
}
