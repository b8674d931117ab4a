//! One key, whichever library made it: what goes into a certificate, and what signs one.
//!
//! Must not know certificates or TLS.

use crate::{
    error::ForgeError,
    odd_keys,
    recipe::{Hash, KeyKind},
    rsa_key::RsaKey,
};
use rcgen::{
    KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384, PKCS_ECDSA_P521_SHA512, PKCS_ED25519,
    PKCS_RSA_SHA256, PublicKeyData, RsaKeySize, SignatureAlgorithm, SigningKey,
};
use rustls::pki_types::PrivatePkcs8KeyDer;
use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, LazyLock, Mutex, PoisonError},
};

/// Bits of an RSA key where nothing else is said.
pub(crate) const RSA_BITS: u16 = 2048;

/// A private key, cheap to share.
#[derive(Clone)]
pub(crate) struct Key(Arc<Inner>);

enum Inner {
    Pair(KeyPair),
    Rsa(Box<RsaKey>),
}

/// The RSA keys of this process by size. They take up to seconds to make, so every chain that
/// asks for one gets the same.
static RSA_KEYS: LazyLock<Mutex<HashMap<u16, Slot>>> = LazyLock::new(Mutex::default);

/// A key, once it is made. Who needs it waits for it here.
type Slot = Arc<Mutex<Option<Key>>>;

impl Key {
    /// A key to sign handshakes with for a certificate with that kind of key: a fresh one,
    /// except of RSA.
    pub(crate) fn of(kind: KeyKind) -> Result<Key, ForgeError> {
        let algorithm = match kind {
            KeyKind::Rsa(bits) => return Key::rsa(bits),
            KeyKind::RsaPss => return Key::rsa(RSA_BITS),
            KeyKind::P384 => &PKCS_ECDSA_P384_SHA384,
            KeyKind::P521 => &PKCS_ECDSA_P521_SHA512,
            KeyKind::Ed25519 => &PKCS_ED25519,
            KeyKind::P256
            | KeyKind::ExplicitP256
            | KeyKind::P192
            | KeyKind::Secp256k1
            | KeyKind::Dsa => &PKCS_ECDSA_P256_SHA256,
        };
        Key::pair(KeyPair::generate_for(algorithm))
    }

    pub(crate) fn p256() -> Result<Key, ForgeError> {
        Key::of(KeyKind::P256)
    }

    fn rsa(bits: u16) -> Result<Key, ForgeError> {
        // Map and slots are whole after every statement, also if somebody panics.
        let mut keys = RSA_KEYS.lock().unwrap_or_else(PoisonError::into_inner);
        let slot = keys.entry(bits).or_default().clone();
        drop(keys);
        let mut slot = slot.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(key) = &*slot {
            return Ok(key.clone());
        }
        let sized = |size| Key::pair(KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, size));
        let key = match bits {
            2048 => sized(RsaKeySize::_2048)?,
            3072 => sized(RsaKeySize::_3072)?,
            4096 => sized(RsaKeySize::_4096)?,
            _ => Key(Arc::new(Inner::Rsa(Box::new(RsaKey::generate(
                bits.into(),
            )?)))),
        };
        *slot = Some(key.clone());
        Ok(key)
    }

    /// A key that was stored.
    pub(crate) fn from_pkcs8(der: &PrivatePkcs8KeyDer<'_>) -> Result<Key, ForgeError> {
        Key::pair(KeyPair::try_from(der))
    }

    fn pair(made: Result<KeyPair, rcgen::Error>) -> Result<Key, ForgeError> {
        let pair = made.map_err(|source| ForgeError::Key { source })?;
        Ok(Key(Arc::new(Inner::Pair(pair))))
    }

    /// The public key info to put into a certificate instead of the key's own, if its kind is
    /// one that the certificate writer does not know.
    pub(crate) fn disguise(&self, kind: KeyKind) -> Option<Vec<u8>> {
        match kind {
            KeyKind::RsaPss => Some(odd_keys::rsa_pss(self.der_bytes())),
            KeyKind::ExplicitP256 => Some(odd_keys::explicit_p256(self.der_bytes())),
            KeyKind::P192 => Some(odd_keys::p192()),
            KeyKind::Secp256k1 => Some(odd_keys::secp256k1()),
            KeyKind::Dsa => Some(odd_keys::dsa()),
            KeyKind::P256 | KeyKind::P384 | KeyKind::P521 | KeyKind::Ed25519 | KeyKind::Rsa(_) => {
                None
            }
        }
    }

    /// Signs what is to be certified. The outdated hashes take an RSA key.
    pub(crate) fn sign_with(&self, hash: Hash, message: &[u8]) -> Result<Vec<u8>, ForgeError> {
        if hash == Hash::Sha256 {
            return SigningKey::sign(self, message).map_err(|source| ForgeError::Key { source });
        }
        self.to_rsa()?.sign(hash, message)
    }

    /// The private key in PKCS #8.
    pub(crate) fn pkcs8(&self) -> Result<Vec<u8>, ForgeError> {
        match &*self.0 {
            Inner::Pair(pair) => Ok(pair.serialize_der()),
            Inner::Rsa(key) => key.pkcs8(),
        }
    }

    /// Whether it takes the RSA library to sign with it.
    pub(crate) fn is_odd_rsa(&self) -> bool {
        matches!(&*self.0, Inner::Rsa(_))
    }

    /// The key in the RSA library.
    pub(crate) fn to_rsa(&self) -> Result<RsaKey, ForgeError> {
        match &*self.0 {
            Inner::Pair(pair) => RsaKey::from_pkcs8(pair.serialized_der()),
            Inner::Rsa(key) => Ok(RsaKey::clone(key)),
        }
    }
}

impl PublicKeyData for Key {
    fn der_bytes(&self) -> &[u8] {
        match &*self.0 {
            Inner::Pair(pair) => pair.der_bytes(),
            Inner::Rsa(key) => key.public_der(),
        }
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        match &*self.0 {
            Inner::Pair(pair) => pair.algorithm(),
            Inner::Rsa(_) => &PKCS_RSA_SHA256,
        }
    }
}

impl SigningKey for Key {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
        match &*self.0 {
            Inner::Pair(pair) => pair.sign(message),
            Inner::Rsa(key) => key
                .sign(Hash::Sha256, message)
                .map_err(|_| rcgen::Error::RemoteKeyError),
        }
    }
}

/// Without the key.
impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key").finish_non_exhaustive()
    }
}
