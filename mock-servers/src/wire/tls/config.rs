//! `rustls` configurations, one per chain and range of versions, kept for as long as a world lives so
//! that sessions can be resumed within it and never across. Their sessions tell their secrets: what goes over
//! the wire of a test is evidence.

use std::{
    collections::HashMap,
    fmt::Write as _,
    sync::{Arc, Mutex, PoisonError},
};

use mailproof_certs::{Chain, Fault};
use rustls::{
    KeyLog, ServerConfig, SupportedProtocolVersion,
    crypto::{CryptoProvider, aws_lc_rs},
    sign::SingleCertAndKey,
    version::{TLS12, TLS13},
};

/// Which versions a server speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Versions {
    /// TLS 1.2 and 1.3.
    Both,
    /// TLS 1.2.
    Only12,
    /// TLS 1.3.
    Only13,
}

/// A configuration, and where its sessions put their secrets.
#[derive(Clone)]
pub(crate) struct Config {
    pub(super) rustls: Arc<ServerConfig>,
    pub(super) secrets: Arc<Secrets>,
}

/// Lines of an NSS key log that nobody took yet. All sessions of a world are driven one after the other, so
/// what is new after a step of one is its own.
#[derive(Debug, Default)]
pub(super) struct Secrets(Mutex<Vec<String>>);

/// The configurations of a world.
pub(crate) struct Configs {
    secrets: Arc<Secrets>,
    provider: Arc<CryptoProvider>,
    made: HashMap<(Fault, u32, Versions), Arc<ServerConfig>>,
}

impl Configs {
    /// None yet.
    pub(crate) fn new() -> Self {
        Self {
            secrets: Arc::default(),
            provider: Arc::new(aws_lc_rs::default_provider()),
            made: HashMap::new(),
        }
    }

    /// The configuration for a chain, also where the key is not the leaf's.
    ///
    /// # Errors
    /// What `rustls` says where the provider has no suite for a version.
    pub(crate) fn get(
        &mut self,
        chain: &Chain,
        versions: Versions,
    ) -> Result<Config, rustls::Error> {
        let secrets = self.secrets.clone();
        let key = (chain.fault, chain.variant, versions);
        if let Some(config) = self.made.get(&key) {
            let rustls = config.clone();
            return Ok(Config { rustls, secrets });
        }
        let mut config = ServerConfig::builder_with_provider(self.provider.clone())
            .with_protocol_versions(versions.of_rustls())?
            .with_no_client_auth()
            // `with_single_cert` would refuse a key that is not the leaf's.
            .with_cert_resolver(Arc::new(SingleCertAndKey::from(chain.certified_key())));
        config.key_log = secrets.clone();
        let rustls = Arc::new(config);
        self.made.insert(key, rustls.clone());
        Ok(Config { rustls, secrets })
    }
}

impl Secrets {
    /// What is new.
    pub(super) fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl KeyLog for Secrets {
    fn log(&self, label: &str, client_random: &[u8], secret: &[u8]) {
        let mut line = label.to_owned();
        for octets in [client_random, secret] {
            line.push(' ');
            for octet in octets {
                let _ = write!(line, "{octet:02x}");
            }
        }
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lines.push(line);
    }
}

impl Versions {
    /// The same for `rustls`.
    pub(super) fn of_rustls(self) -> &'static [&'static SupportedProtocolVersion] {
        const BOTH: &[&SupportedProtocolVersion] = &[&TLS13, &TLS12];
        const ONLY12: &[&SupportedProtocolVersion] = &[&TLS12];
        const ONLY13: &[&SupportedProtocolVersion] = &[&TLS13];
        match self {
            Versions::Both => BOTH,
            Versions::Only12 => ONLY12,
            Versions::Only13 => ONLY13,
        }
    }
}
