//! What all connections of a case share: the log, the script, the chains, the running step.

use std::sync::Arc;

use mailproof_certs::{Authority, Chain, ForgeError, Names};
use mailproof_scenarios::model::{ChainSpec, TlsState, What, WireText};

use super::log::Recorder;
use crate::{
    script::{Scene, Script},
    wire::tls::{Configs, Flight, Odd, Session, Versions},
};

/// Octets that are kept of all connections of a case together.
const KEPT_OF_ALL: usize = 256 * 1024 * 1024;

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
    names: Names,
    base: ChainSpec,
    configs: Configs,
}

/// The server's side of one handshake, and the deviations that it is to prove.
pub(crate) struct Handshake {
    pub(crate) side: Side,
    pub(crate) chain: Arc<Chain>,
    pub(crate) state: TlsState,
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
        let (tls_proof, state) = match tls {
            Some((index, state)) => (Some(index), state),
            None => (None, TlsState::Normal),
        };
        let chain = self.tls.chain(&spec).map_err(|error| error.to_string())?;
        let side = self
            .tls
            .side(&chain, state)
            .map_err(|error| error.to_string())?;
        Ok(Handshake {
            side,
            chain,
            state,
            chain_proof,
            tls_proof,
            before_hello,
        })
    }
}

impl Tls {
    pub(crate) fn new(authority: Arc<Authority>, names: Names, base: ChainSpec) -> Self {
        Self {
            authority,
            names,
            base,
            configs: Configs::new(),
        }
    }

    /// The chain of that kind for this world's names.
    ///
    /// # Errors
    /// As [`Authority::chain_variant`].
    pub(crate) fn chain(&self, spec: &ChainSpec) -> Result<Arc<Chain>, ForgeError> {
        self.authority
            .chain_variant(spec.fault, &self.names, spec.variant)
    }

    fn side(&mut self, chain: &Chain, state: TlsState) -> Result<Side, rustls::Error> {
        const HANDSHAKE_FAILURE: u8 = 40;
        const PROTOCOL_VERSION: u8 = 70;
        let versions = match state {
            TlsState::Normal => Versions::Both,
            TlsState::Only12 => Versions::Only12,
            TlsState::Only13 => Versions::Only13,
            odd => {
                let odd = match odd {
                    TlsState::Only10 => {
                        Odd::Tls10(chain.sent.iter().map(|der| der.to_vec()).collect())
                    }
                    TlsState::AlertHandshakeFailure => Odd::Alert(HANDSHAKE_FAILURE),
                    TlsState::AlertProtocolVersion => Odd::Alert(PROTOCOL_VERSION),
                    TlsState::Garbage => Odd::Garbage,
                    _ => Odd::Mute,
                };
                return Ok(Side::Flight(Box::new(Flight::new(odd))));
            }
        };
        let config = self.configs.get(chain, versions)?;
        Ok(Side::Session(Box::new(Session::new(config)?)))
    }
}
