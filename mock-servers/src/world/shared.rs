//! What all connections of a case share: the log, the script, the chains, the running step.

use std::sync::Arc;

use mailproof_certs::{Authority, Chain, ForgeError, Names};
use mailproof_scenarios::model::{
    ChainSpec, HandshakePoint, Host, Then, TlsAct, TlsChange, TlsVersion, What, WireText,
};

use super::{log::Recorder, place::Place};
use crate::{
    script::{Scene, Script},
    wire::tls::{
        Configs, Flight, Habits, Odd, SMALLEST, Session, Settings, Shape, Versions, Wrong,
    },
};

/// Octets that are kept of all connections of a case together.
const KEPT_OF_ALL: usize = 256 * 1024 * 1024;

/// The longest record where many tickets are sent.
const TICKETS_LENGTH: usize = 512;

/// Delivers the new message that a waiting client is told about: login name, mailbox and step.
pub(crate) type Deliver = Box<dyn FnMut(&str, &str, u16) + Send>;

/// The state of a case that is no connection's own.
pub(crate) struct Shared {
    pub(crate) recorder: Recorder,
    pub(crate) script: Script,
    pub(crate) tls: Tls,
    /// The running step, counted from 1; 0 before the first.
    pub(crate) step: u16,
    /// Whether the running step waits for a message that was not delivered yet.
    pub(crate) awaits_mail: bool,
    pub(crate) deliver: Deliver,
    /// Connections that others have given something to say.
    pub(crate) mail_arrived: bool,
    kept: usize,
}

/// Chains and configurations.
pub(crate) struct Tls {
    authority: Arc<Authority>,
    place: Place,
    names: Names,
    base: ChainSpec,
    configs: Configs,
}

/// The server's side of one handshake, and the deviations that it is to prove.
pub(crate) struct Handshake {
    pub(crate) side: Side,
    pub(crate) chain: Arc<Chain>,
    /// What those get who do not name the host, where that is another chain.
    pub(crate) strangers: Option<Arc<Chain>>,
    /// The name that the chain is made for, where that is not the one that the subject was told.
    pub(crate) made_for: Option<Host>,
    pub(crate) chain_proof: Option<u16>,
    pub(crate) tls_proof: Option<u16>,
    /// What is said in clear between ClientHello and ServerHello, the milliseconds that pass then, and the
    /// deviation.
    pub(crate) before_hello: Option<(u16, (WireText, u64))>,
}

/// Who drives it.
pub(crate) enum Side {
    Session(Box<Session>),
    Flight(Box<Flight>),
}

impl Shared {
    pub(crate) fn new(recorder: Recorder, script: Script, tls: Tls, deliver: Deliver) -> Self {
        Self {
            recorder,
            script,
            tls,
            step: 0,
            awaits_mail: false,
            deliver,
            mail_arrived: false,
            kept: 0,
        }
    }

    /// Counts octets that are kept; whether there is still room for them.
    pub(crate) fn keep(&mut self, octets: usize) -> bool {
        self.kept = self.kept.saturating_add(octets);
        self.kept <= KEPT_OF_ALL
    }

    /// Records that deviations acted on a connection.
    pub(crate) fn deviated(&self, conn: u32, proves: &[u16]) {
        for index in proves {
            self.recorder
                .record_on(conn, What::Deviated { index: *index });
        }
    }

    /// Begins a handshake as the script wants it; without a script as the base has it.
    ///
    /// # Errors
    /// What went wrong with the chain or the configuration; the harness's fault, not the subject's.
    pub(crate) fn handshake(&mut self, scene: Option<&Scene>) -> Result<Handshake, String> {
        let chain = scene.and_then(|scene| self.script.chain(scene));
        let tls = scene.and_then(|scene| self.script.tls(scene));
        let before_hello = scene.and_then(|scene| self.script.before_server_hello(scene));
        let (chain_proof, spec) = match chain {
            Some((index, spec)) => (Some(index), spec),
            None => (None, self.tls.base.clone()),
        };
        let (tls_proof, change) = match tls {
            Some((index, change)) => (Some(index), change),
            None => (None, TlsChange::default()),
        };
        let chain = self.tls.chain(&spec).map_err(|error| error.to_string())?;
        let strangers = match &change.act {
            TlsAct::DefaultChain(spec) => {
                Some(self.tls.chain(spec).map_err(|error| error.to_string())?)
            }
            _ => None,
        };
        let side = self
            .tls
            .side(&chain, &change, strangers.as_deref())
            .map_err(|error| error.to_string())?;
        Ok(Handshake {
            side,
            chain,
            strangers,
            made_for: spec.host,
            chain_proof,
            tls_proof,
            before_hello,
        })
    }
}

impl Tls {
    pub(crate) fn new(
        authority: Arc<Authority>,
        place: Place,
        names: Names,
        base: ChainSpec,
    ) -> Self {
        Self {
            authority,
            place,
            names,
            base,
            configs: Configs::new(),
        }
    }

    /// The chain of that kind, for this world's names or the one that it is made for.
    ///
    /// # Errors
    /// As [`Authority::chain_variant`].
    pub(crate) fn chain(&self, spec: &ChainSpec) -> Result<Arc<Chain>, ForgeError> {
        let names = self.place.names_for(spec, &self.names);
        self.authority
            .chain_variant(spec.fault, &names, spec.variant)
    }

    fn side(
        &mut self,
        chain: &Arc<Chain>,
        change: &TlsChange,
        strangers: Option<&Chain>,
    ) -> Result<Side, rustls::Error> {
        if let Some(odd) = odd(chain, change) {
            return Ok(Side::Flight(Box::new(Flight::new(odd))));
        }
        let versions = match change.version {
            Some(TlsVersion::Tls12) => Versions::Only12,
            Some(TlsVersion::Tls13) => Versions::Only13,
            _ => Versions::Both,
        };
        let (settings, mut habits) = habits(change);
        if change.act == TlsAct::HelloRetry {
            for group in self.configs.groups() {
                let settings = Settings {
                    group: Some(group),
                    ..settings
                };
                let config = self.configs.get(chain, versions, settings, None)?;
                habits.by_group.push((group, config));
            }
        }
        let config = self.configs.get(chain, versions, settings, strangers)?;
        Ok(Side::Session(Box::new(Session::new(config, habits)?)))
    }
}

/// What is written by hand, from the answer to the ClientHello on.
fn odd(chain: &Arc<Chain>, change: &TlsChange) -> Option<Odd> {
    let wrong = match &change.act {
        TlsAct::Nothing => {
            let version = change.version.filter(|it| it.is_retired())?;
            let certificates = chain.sent.iter().map(|der| der.to_vec()).collect();
            return Some(Odd::Old(version.number(), certificates));
        }
        TlsAct::Break {
            after: HandshakePoint::ClientHello,
            send,
            then,
        } if *then != Then::GoOn => return Some(Odd::Break(*send, *then)),
        TlsAct::Suite(choice) => Wrong::Suite(*choice),
        TlsAct::DowngradeSentinel => Wrong::DowngradeSentinel,
        TlsAct::UnofferedAlpn => Wrong::UnofferedAlpn,
        TlsAct::OversizedRecord => Wrong::OversizedRecord,
        _ => return None,
    };
    Some(Odd::Wrong(wrong, chain.clone()))
}

/// What a session does that the library does for us.
fn habits(change: &TlsChange) -> (Settings, Habits) {
    let mut settings = Settings::default();
    let mut habits = Habits::default();
    match &change.act {
        TlsAct::Nothing => habits.configured = change.version.is_some(),
        TlsAct::Break {
            send,
            then: Then::GoOn,
            ..
        } => habits.shape = Some(Shape::Before(*send)),
        TlsAct::Break { after, send, then } => {
            habits.shape = Some(Shape::Break {
                after: *after,
                send: *send,
                then: *then,
            });
        }
        TlsAct::SmallRecords => {
            settings.longest = Some(SMALLEST);
            habits.shape = Some(Shape::Octets);
        }
        TlsAct::ClientCertificate { required } => {
            settings.client_certificate = Some(*required);
            habits.configured = true;
        }
        TlsAct::Chatter {
            tickets,
            key_updates,
            hello_request,
        } => {
            settings.tickets = (*tickets > 0).then_some(*tickets);
            // The library packs tickets together; other servers send each on its own.
            settings.longest = (*tickets > 0).then_some(TICKETS_LENGTH);
            settings.open = *hello_request;
            habits.tickets = *tickets > 0;
            habits.key_updates = *key_updates;
            habits.hello_request = *hello_request;
        }
        TlsAct::EarlyData(octets) => {
            settings.early_data = *octets;
            habits.tickets = true;
        }
        TlsAct::DefaultChain(_) => habits.configured = true,
        _ => {}
    }
    (settings, habits)
}
