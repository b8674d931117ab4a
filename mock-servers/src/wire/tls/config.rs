//! `rustls` configurations, one per chain and way to behave, kept for as long as a world lives so that
//! sessions can be resumed within it and never across. Their sessions tell their secrets.

use std::{collections::HashMap, fmt, sync::Arc};

use mailproof_certs::{Chain, Fault, Names, SignsIn};
use rustls::{
    CipherSuite, DigitallySignedStruct, DistinguishedName, Error, NamedGroup, ServerConfig,
    SignatureScheme, SupportedProtocolVersion,
    client::danger::HandshakeSignatureValid,
    crypto::{CryptoProvider, aws_lc_rs},
    pki_types::{CertificateDer, UnixTime},
    server::{
        ClientHello, ResolvesServerCert,
        danger::{ClientCertVerified, ClientCertVerifier},
    },
    sign::{CertifiedKey, SingleCertAndKey},
    version::{TLS12, TLS13},
};

use super::secrets::Secrets;

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

/// What else is set otherwise than in any server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Settings {
    /// The only group for the key exchange.
    pub(crate) group: Option<u16>,
    /// The longest record, header included.
    pub(crate) longest: Option<usize>,
    /// Asks for a client certificate; whether it insists.
    pub(crate) client_certificate: Option<bool>,
    /// Tickets behind the handshake; two where absent.
    pub(crate) tickets: Option<u32>,
    /// Octets of early data that tickets allow.
    pub(crate) early_data: u32,
    /// Its keys can be had, and its suites are AES-GCM.
    pub(crate) open: bool,
}

/// The smallest record that `rustls` makes, header included.
pub(crate) const SMALLEST: usize = 32;

/// A chain: its fault, its number and whom it is for.
type Which = (Fault, u32, Names);

type Key = (Which, Versions, Settings, Option<Which>);

/// A configuration, and where its sessions put their secrets.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    pub(super) rustls: Arc<ServerConfig>,
    pub(super) secrets: Arc<Secrets>,
}

/// The configurations of a world.
pub(crate) struct Configs {
    secrets: Arc<Secrets>,
    provider: Arc<CryptoProvider>,
    made: HashMap<Key, Arc<ServerConfig>>,
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

    /// The configuration for a chain, also where the key is not the leaf's. A server that speaks both
    /// versions speaks the one in which it can prove its key. With `strangers` that chain goes to those who do
    /// not name the host.
    ///
    /// # Errors
    /// What `rustls` says where the provider has no suite for a version.
    pub(crate) fn get(
        &mut self,
        chain: &Chain,
        versions: Versions,
        settings: Settings,
        strangers: Option<&Chain>,
    ) -> Result<Config, Error> {
        let secrets = self.secrets.clone();
        let versions = versions.with(chain.signs_in);
        let which = |it: &Chain| (it.fault, it.variant, it.names.clone());
        let key = (which(chain), versions, settings, strangers.map(which));
        if let Some(config) = self.made.get(&key) {
            let rustls = config.clone();
            return Ok(Config { rustls, secrets });
        }
        let builder = ServerConfig::builder_with_provider(self.provider(settings))
            .with_protocol_versions(versions.of_rustls())?;
        let builder = match settings.client_certificate {
            None => builder.with_no_client_auth(),
            Some(required) => builder.with_client_cert_verifier(Arc::new(AnyClient {
                required,
                schemes: self
                    .provider
                    .signature_verification_algorithms
                    .supported_schemes(),
            })),
        };
        // `with_single_cert` would refuse a key that is not the leaf's.
        let resolver: Arc<dyn ResolvesServerCert> = match strangers {
            None => Arc::new(SingleCertAndKey::from(chain.certified_key())),
            Some(other) => Arc::new(ByName {
                host: chain.names.dns.first().cloned().unwrap_or_default(),
                right: chain.certified_key(),
                other: other.certified_key(),
            }),
        };
        let mut config = builder.with_cert_resolver(resolver);
        config.max_fragment_size = settings.longest;
        if let Some(tickets) = settings.tickets {
            config.send_tls13_tickets = usize::try_from(tickets).unwrap_or(usize::MAX);
        }
        config.max_early_data_size = settings.early_data;
        config.enable_secret_extraction = settings.open;
        config.key_log = secrets.clone();
        let rustls = Arc::new(config);
        self.made.insert(key, rustls.clone());
        Ok(Config { rustls, secrets })
    }

    /// The groups that a server can choose from (RFC 8446 §4.2.7).
    pub(crate) fn groups(&self) -> Vec<u16> {
        self.provider
            .kx_groups
            .iter()
            .map(|it| u16::from(it.name()))
            .collect()
    }

    fn provider(&self, settings: Settings) -> Arc<CryptoProvider> {
        if settings.group.is_none() && !settings.open {
            return self.provider.clone();
        }
        let mut provider = CryptoProvider::clone(&self.provider);
        if let Some(group) = settings.group {
            provider
                .kx_groups
                .retain(|it| it.name() == NamedGroup::from(group));
        }
        if settings.open {
            provider.cipher_suites.retain(|it| {
                matches!(
                    it.suite(),
                    CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256
                        | CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384
                        | CipherSuite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256
                        | CipherSuite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384
                )
            });
        }
        Arc::new(provider)
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

/// Asks for a certificate and takes any; names no authority that it must be from.
#[derive(Debug)]
struct AnyClient {
    required: bool,
    schemes: Vec<SignatureScheme>,
}

impl ClientCertVerifier for AnyClient {
    fn client_auth_mandatory(&self) -> bool {
        self.required
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        _leaf: &CertificateDer<'_>,
        _sent: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _leaf: &CertificateDer<'_>,
        _signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _message: &[u8],
        _leaf: &CertificateDer<'_>,
        _signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.schemes.clone()
    }
}

/// The right chain for those who name the host, another for all others.
struct ByName {
    host: String,
    right: Arc<CertifiedKey>,
    other: Arc<CertifiedKey>,
}

impl fmt::Debug for ByName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ByName").field(&self.host).finish()
    }
}

impl ResolvesServerCert for ByName {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let named = hello
            .server_name()
            .is_some_and(|name| name.eq_ignore_ascii_case(&self.host));
        Some(if named { &self.right } else { &self.other }.clone())
    }
}
