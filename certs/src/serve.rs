//! Keys as a TLS server signs with them, among them those that the TLS library refuses to load.
//!
//! Must not know certificates.

use crate::{
    error::ForgeError,
    key::Key,
    recipe::{Hash, KeyKind, Proof},
    rsa_key::RsaKey,
};
use rcgen::PublicKeyData as _;
use rustls::{
    Error, SignatureAlgorithm, SignatureScheme,
    crypto::aws_lc_rs::default_provider,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer, SubjectPublicKeyInfoDer},
    sign::{Signer, SigningKey},
};
use std::sync::Arc;

/// rsa_pss_pss_sha256 (RFC 8446 §4.2.3), which the TLS library has no name for.
const RSA_PSS_PSS_SHA256: SignatureScheme = SignatureScheme::Unknown(0x0809);

/// A key that signs handshakes.
pub(crate) fn signing_key(
    key: &Key,
    kind: KeyKind,
    proof: Proof,
) -> Result<Arc<dyn SigningKey>, ForgeError> {
    let signing: Arc<dyn SigningKey> = if kind == KeyKind::RsaPss || key.is_odd_rsa() {
        Arc::new(OddRsa::new(key, kind)?)
    } else {
        let der = PrivatePkcs8KeyDer::from(key.pkcs8()?);
        let loaded = default_provider()
            .key_provider
            .load_private_key(PrivateKeyDer::from(der));
        loaded.map_err(|source| ForgeError::ServeKey { source })?
    };
    Ok(match proof {
        Proof::LeafKey | Proof::AnotherKey => signing,
        Proof::AnotherTranscript => Arc::new(OtherTranscript(signing)),
    })
}

/// In which versions of TLS a server can prove its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SignsIn {
    /// TLS 1.2 and 1.3.
    Both,
    /// TLS 1.2: the key has no room for the signatures of TLS 1.3.
    Tls12,
    /// TLS 1.3: in TLS 1.2 the TLS library does not sign with such a key.
    Tls13,
}

/// Where [`signing_key`] can sign.
pub(crate) fn signs_in(kind: KeyKind) -> SignsIn {
    match kind {
        KeyKind::RsaPss => SignsIn::Tls13,
        KeyKind::Rsa(bits) if usize::from(bits) < 8 * SMALLEST_FOR_PSS => SignsIn::Tls12,
        _ => SignsIn::Both,
    }
}

/// An RSA key of an odd size, or for RSASSA-PSS only.
#[derive(Debug)]
struct OddRsa {
    key: Arc<RsaKey>,
    /// In order of preference.
    schemes: &'static [SignatureScheme],
    public: SubjectPublicKeyInfoDer<'static>,
}

impl OddRsa {
    fn new(key: &Key, kind: KeyKind) -> Result<OddRsa, ForgeError> {
        let public = key.disguise(kind);
        let public = public.unwrap_or_else(|| key.subject_public_key_info());
        let key = Arc::new(key.to_rsa()?);
        let schemes: &[SignatureScheme] = if kind == KeyKind::RsaPss {
            &[RSA_PSS_PSS_SHA256]
        } else if key.size() < SMALLEST_FOR_PSS {
            &[SignatureScheme::RSA_PKCS1_SHA256]
        } else {
            &[
                SignatureScheme::RSA_PSS_SHA256,
                SignatureScheme::RSA_PKCS1_SHA256,
            ]
        };
        Ok(OddRsa {
            key,
            schemes,
            public: SubjectPublicKeyInfoDer::from(public),
        })
    }
}

/// Octets of the smallest modulus with room for a hash and a salt of 32 octets each
/// (RFC 8017 §9.1.1).
const SMALLEST_FOR_PSS: usize = 32 + 32 + 2;

impl SigningKey for OddRsa {
    fn choose_scheme(&self, offered: &[SignatureScheme]) -> Option<Box<dyn Signer>> {
        let scheme = self
            .schemes
            .iter()
            .find(|scheme| offered.contains(scheme))?;
        Some(Box::new(OddRsaSigner {
            key: self.key.clone(),
            scheme: *scheme,
        }))
    }

    fn public_key(&self) -> Option<SubjectPublicKeyInfoDer<'_>> {
        Some(self.public.clone())
    }

    fn algorithm(&self) -> SignatureAlgorithm {
        SignatureAlgorithm::RSA
    }
}

#[derive(Debug)]
struct OddRsaSigner {
    key: Arc<RsaKey>,
    scheme: SignatureScheme,
}

impl Signer for OddRsaSigner {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Error> {
        let signature = if self.scheme == SignatureScheme::RSA_PKCS1_SHA256 {
            self.key.sign(Hash::Sha256, message)
        } else {
            self.key.sign_pss(message)
        };
        signature.map_err(|error| Error::General(error.to_string()))
    }

    fn scheme(&self) -> SignatureScheme {
        self.scheme
    }
}

/// Signs with the right key what this connection did not say.
#[derive(Debug)]
struct OtherTranscript(Arc<dyn SigningKey>);

impl SigningKey for OtherTranscript {
    fn choose_scheme(&self, offered: &[SignatureScheme]) -> Option<Box<dyn Signer>> {
        let signer = self.0.choose_scheme(offered)?;
        Some(Box::new(OtherTranscriptSigner(signer)))
    }

    fn public_key(&self) -> Option<SubjectPublicKeyInfoDer<'_>> {
        self.0.public_key()
    }

    fn algorithm(&self) -> SignatureAlgorithm {
        self.0.algorithm()
    }
}

#[derive(Debug)]
struct OtherTranscriptSigner(Box<dyn Signer>);

impl Signer for OtherTranscriptSigner {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Error> {
        let mut other = message.to_vec();
        // In TLS 1.3 the end is the hash of the transcript (RFC 8446 §4.4.3), in TLS 1.2 the
        // server's key share (RFC 8422 §5.4).
        if let Some(last) = other.last_mut() {
            *last ^= 1;
        }
        self.0.sign(&other)
    }

    fn scheme(&self) -> SignatureScheme {
        self.0.scheme()
    }
}
