//! `rustls` configurations, one per chain and range of versions, kept for as long as a world lives so
//! that sessions can be resumed within it and never across.

use std::{collections::HashMap, sync::Arc};

use mailproof_certs::{Chain, Fault, Names, SignsIn};
use rustls::{
    ServerConfig, SupportedProtocolVersion,
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

/// The configurations of a world.
pub(crate) struct Configs {
    provider: Arc<CryptoProvider>,
    made: HashMap<(Fault, u32, Names, Versions), Arc<ServerConfig>>,
}

impl Configs {
    /// None yet.
    pub(crate) fn new() -> Self {
        Self {
            provider: Arc::new(aws_lc_rs::default_provider()),
            made: HashMap::new(),
        }
    }

    /// The configuration for a chain, also where the key is not the leaf's. A server that speaks both
    /// versions speaks the one in which it can prove its key.
    ///
    /// # Errors
    /// What `rustls` says where the provider has no suite for a version.
    pub(crate) fn get(
        &mut self,
        chain: &Chain,
        versions: Versions,
    ) -> Result<Arc<ServerConfig>, rustls::Error> {
        let versions = versions.with(chain.signs_in);
        let key = (chain.fault, chain.variant, chain.names.clone(), versions);
        if let Some(config) = self.made.get(&key) {
            return Ok(config.clone());
        }
        let config = ServerConfig::builder_with_provider(self.provider.clone())
            .with_protocol_versions(versions.of_rustls())?
            .with_no_client_auth()
            // `with_single_cert` would refuse a key that is not the leaf's.
            .with_cert_resolver(Arc::new(SingleCertAndKey::from(chain.certified_key())));
        let config = Arc::new(config);
        self.made.insert(key, config.clone());
        Ok(config)
    }
}

impl Versions {
    fn with(self, signs_in: SignsIn) -> Self {
        match (self, signs_in) {
            (Versions::Both, SignsIn::Tls12) => Versions::Only12,
            (Versions::Both, SignsIn::Tls13) => Versions::Only13,
            (versions, _) => versions,
        }
    }

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
