//! A chain as a TLS server presents it. The only module that speaks the TLS library's types.
//!
//! Must not know how the certificates came to be.

use crate::{
    ca::{hex, sha256},
    error::ForgeError,
    fault::Fault,
    forge::Forged,
    names::Names,
    pem,
    serve::{self, SignsIn},
};
use rustls::sign::{CertifiedKey, SigningKey};
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
    /// The server's own certificate, also where it is not sent.
    pub leaf: CertificateDer<'static>,
    /// What goes over the wire, leaf first.
    pub sent: Vec<CertificateDer<'static>>,
    /// The certificate that a subject is told to trust. The trusted root, unless the fault is
    /// one of the anchor that the user chose.
    pub anchor: CertificateDer<'static>,
    /// The OCSP response that goes over the wire (RFC 6066 §8).
    pub staple: Option<Vec<u8>>,
    /// The revocation lists in DER that a client is given, the one of the leaf's issuer first.
    pub crls: Vec<Vec<u8>>,
    /// The key that signs the handshake. With [`Fault::WrongKey`] it is not the leaf's, but one
    /// of the same algorithm.
    pub key: Arc<dyn SigningKey>,
    /// The versions of TLS in which it can.
    pub signs_in: SignsIn,
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
        Ok(Chain {
            fault,
            names,
            variant,
            leaf_sha256: sha256(&forged.leaf),
            leaf: CertificateDer::from(forged.leaf),
            sent: forged.sent.into_iter().map(CertificateDer::from).collect(),
            anchor: CertificateDer::from(forged.anchor),
            staple: forged.staple,
            crls: forged.lists,
            signs_in: serve::signs_in(forged.kind),
            key: serve::signing_key(&forged.key, forged.kind, forged.proof)?,
            key_pem: pem::private_key(&forged.key.pkcs8()?),
            serial: hex(&forged.serial),
        })
    }

    /// The server's own certificate as a PEM file, to be pinned.
    pub fn leaf_pem(&self) -> String {
        pem::certificate(&self.leaf)
    }

    /// The anchor as the CA file of a subject.
    pub fn anchor_pem(&self) -> String {
        pem::certificate(&self.anchor)
    }

    /// The revocation lists as one file.
    pub fn crls_pem(&self) -> String {
        self.crls
            .iter()
            .map(|der| pem::revocation_list(der))
            .collect()
    }

    /// What goes over the wire, as a PEM file that a server can load.
    pub fn sent_pem(&self) -> String {
        self.sent.iter().map(|der| pem::certificate(der)).collect()
    }

    /// Certificates, key and staple for a rustls server.
    ///
    /// Serve it with a resolver such as `rustls::sign::SingleCertAndKey`:
    /// `ServerConfig::with_single_cert` refuses a key that is not the leaf's.
    pub fn certified_key(&self) -> Arc<CertifiedKey> {
        let mut certified = CertifiedKey::new(self.sent.clone(), self.key.clone());
        certified.ocsp.clone_from(&self.staple);
        Arc::new(certified)
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
