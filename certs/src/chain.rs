//! A chain as a TLS server presents it. The only module that speaks the TLS library's types.
//!
//! Must not know how the certificates came to be.

use crate::{
    error::ForgeError,
    fault::Fault,
    forge::{Forged, hex, sha256},
    names::Names,
    pem,
};
use rustls::{
    crypto::aws_lc_rs::default_provider,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
    sign::{CertifiedKey, SigningKey},
};
use std::{fmt, sync::Arc};

pub(crate) use rustls::pki_types::CertificateDer;

/// A chain ready to serve.
#[derive(Clone)]
#[non_exhaustive]
pub struct Chain {
    /// What is wrong with it.
    pub fault: Fault,
    /// The names it was asked for; with [`Fault::WrongHost`] the leaf carries none of them.
    pub names: Names,
    /// Which chain of its kind it is: the same fault and names in another variant have another
    /// leaf key.
    pub variant: u32,
    /// What goes over the wire, leaf first, without the root.
    pub sent: Vec<CertificateDer<'static>>,
    /// The key that signs the handshake. With [`Fault::WrongKey`] it is not the leaf's, but one
    /// of the same algorithm.
    pub key: Arc<dyn SigningKey>,
    /// The same key as PKCS #8 in PEM.
    pub key_pem: String,
    /// SHA-256 of the leaf's DER, the fingerprint people pin.
    pub leaf_sha256: [u8; 32],
    /// The leaf's serial number in lower-case hex.
    pub serial: String,
}

impl Chain {
    pub(crate) fn pack(
        fault: Fault,
        names: Names,
        variant: u32,
        forged: Forged,
    ) -> Result<Chain, ForgeError> {
        let key = PrivatePkcs8KeyDer::from(forged.key.serialize_der());
        let key = default_provider()
            .key_provider
            .load_private_key(PrivateKeyDer::from(key))
            .map_err(|source| ForgeError::ServeKey { source })?;
        let leaf_sha256 = forged.sent.first().map_or([0; 32], |leaf| sha256(leaf));
        Ok(Chain {
            fault,
            names,
            variant,
            sent: forged.sent.into_iter().map(CertificateDer::from).collect(),
            key,
            key_pem: forged.key.serialize_pem(),
            leaf_sha256,
            serial: hex(&forged.serial),
        })
    }

    /// What goes over the wire, as a PEM file that a server can load.
    pub fn sent_pem(&self) -> String {
        self.sent.iter().map(|der| pem::certificate(der)).collect()
    }

    /// Certificates and key for a rustls server.
    ///
    /// Serve it with a resolver such as `rustls::sign::SingleCertAndKey`:
    /// `ServerConfig::with_single_cert` refuses a key that is not the leaf's.
    pub fn certified_key(&self) -> Arc<CertifiedKey> {
        Arc::new(CertifiedKey::new(self.sent.clone(), self.key.clone()))
    }

    /// SHA-256 of the leaf's DER in lower-case hex.
    pub fn fingerprint(&self) -> String {
        hex(&self.leaf_sha256)
    }
}

/// Without the private key.
impl fmt::Debug for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Chain")
            .field("fault", &self.fault)
            .field("names", &self.names)
            .field("variant", &self.variant)
            .field("sent", &self.sent.len())
            .field("leaf_sha256", &self.fingerprint())
            .finish_non_exhaustive()
    }
}
