//! The vendor's key: Ed25519, in the PEM forms that `openssl genpkey -algorithm ed25519` and `openssl pkey
//! -pubout` write.
//!
//! Must not know what is signed.

use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use rustls::pki_types::{PrivatePkcs8KeyDer, SubjectPublicKeyInfoDer, pem::PemObject as _};

use crate::edition::hex;

/// The DER of a SubjectPublicKeyInfo with an Ed25519 key, up to the key (RFC 8410 §4).
const SPKI: [u8; 12] = [
    0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00,
];

/// Octets of a signature.
pub(super) const SIGNATURE_LEN: usize = 64;

/// A file is no key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// No private key in it.
    #[error(
        "is no private key in PEM form (PKCS#8), such as `openssl genpkey -algorithm ed25519` writes"
    )]
    NoPrivate,
    /// It is encrypted.
    #[error("is encrypted; decrypt it first, with `openssl pkey -in FILE -out PLAIN`")]
    Encrypted,
    /// A private key of another kind.
    #[error("is no Ed25519 key; `openssl genpkey -algorithm ed25519` makes one")]
    NotEd25519,
    /// No public key in it.
    #[error("is no public key in PEM form, such as `openssl pkey -pubout` writes")]
    NoPublic,
    /// A public key of another kind.
    #[error("is no public key of Ed25519")]
    PublicNotEd25519,
    /// No randomness.
    #[error("no key can be made: the system gives no random octets")]
    NoRandom,
}

/// A key that signs.
#[derive(Debug)]
pub struct SigningKey {
    pair: Ed25519KeyPair,
}

impl SigningKey {
    /// A fresh one.
    ///
    /// # Errors
    /// [`KeyError::NoRandom`].
    pub fn fresh() -> Result<Self, KeyError> {
        let pair = Ed25519KeyPair::generate().map_err(|_| KeyError::NoRandom)?;
        Ok(Self { pair })
    }

    /// Reads PKCS#8 in PEM form.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn from_pem(pem: &[u8]) -> Result<Self, KeyError> {
        let der = PrivatePkcs8KeyDer::from_pem_slice(pem).map_err(|_| {
            let encrypted = b"-----BEGIN ENCRYPTED PRIVATE KEY-----";
            match memchr::memmem::find(pem, encrypted) {
                Some(_) => KeyError::Encrypted,
                None => KeyError::NoPrivate,
            }
        })?;
        let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(der.secret_pkcs8_der())
            .map_err(|_| KeyError::NotEd25519)?;
        Ok(Self { pair })
    }

    /// PKCS#8 in PEM form.
    ///
    /// # Errors
    /// [`KeyError::NoRandom`], which stands for a failure of the library.
    pub fn to_pem(&self) -> Result<String, KeyError> {
        let der = self.pair.to_pkcs8v1().map_err(|_| KeyError::NoRandom)?;
        Ok(mailproof_certs::armour("PRIVATE KEY", der.as_ref()))
    }

    /// The public part.
    pub fn public(&self) -> PublicKey {
        let mut octets = [0; 32];
        octets.copy_from_slice(self.pair.public_key().as_ref());
        PublicKey(octets)
    }

    /// Signs. The same octets always have the same signature.
    pub fn sign(&self, octets: &[u8]) -> Vec<u8> {
        self.pair.sign(octets).as_ref().to_vec()
    }
}

/// A key that proves signatures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PublicKey([u8; 32]);

impl PublicKey {
    /// Reads a SubjectPublicKeyInfo in PEM form.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn from_pem(pem: &[u8]) -> Result<Self, KeyError> {
        let der = SubjectPublicKeyInfoDer::from_pem_slice(pem).map_err(|_| KeyError::NoPublic)?;
        let key = der.as_ref().strip_prefix(&SPKI[..]);
        let key = key.and_then(|it| it.try_into().ok());
        key.map(Self).ok_or(KeyError::PublicNotEd25519)
    }

    /// The same in PEM form.
    pub fn to_pem(&self) -> String {
        mailproof_certs::armour("PUBLIC KEY", &self.der())
    }

    /// SHA-256 over its DER, in hexadecimal.
    pub fn fingerprint(&self) -> String {
        hex(&self.der())
    }

    /// Whether the key made this signature over these octets.
    pub fn has_signed(&self, octets: &[u8], signature: &[u8]) -> bool {
        let key = UnparsedPublicKey::new(&ED25519, self.0);
        key.verify(octets, signature).is_ok()
    }

    fn der(&self) -> Vec<u8> {
        [&SPKI[..], &self.0].concat()
    }
}

#[cfg(test)]
mod tests {
    use test_case::test_case;

    use super::*;

    /// Made by OpenSSL 3.
    const PRIVATE: &[u8] = b"-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEILvOfRsvieMrryFf/VsgGMWmnK7s05woLRDCEv9N3hVI\n-----END PRIVATE KEY-----\n";
    const PUBLIC: &[u8] = b"-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAkG7349509MqYZHyh/cskTxSIWYCoioK9WhVxVPA+Flk=\n-----END PUBLIC KEY-----\n";
    const FINGERPRINT: &str = "a377c3e0abe3d9154f6bf7d3066d7bf9ed9f364ec90ab1cd3c7acbb39ef94595";

    #[test]
    fn reads_what_openssl_wrote() {
        let key = SigningKey::from_pem(PRIVATE).unwrap();
        let public = PublicKey::from_pem(PUBLIC).unwrap();
        assert_eq!(key.public(), public);
        assert_eq!(public.fingerprint(), FINGERPRINT);
        assert_eq!(public.to_pem().as_bytes(), PUBLIC);
        assert_eq!(key.to_pem().unwrap().as_bytes(), PRIVATE);
    }

    #[test]
    fn a_fresh_key_signs_and_reads_back() {
        let key = SigningKey::fresh().unwrap();
        let again = SigningKey::from_pem(key.to_pem().unwrap().as_bytes()).unwrap();
        assert_eq!(key.public(), again.public());
        let signature = key.sign(b"text");
        assert_eq!(signature.len(), SIGNATURE_LEN);
        assert!(again.public().has_signed(b"text", &signature));
        assert!(!again.public().has_signed(b"texd", &signature));
        assert!(
            !SigningKey::fresh()
                .unwrap()
                .public()
                .has_signed(b"text", &signature)
        );
    }

    #[test_case(b"", KeyError::NoPrivate; "empty")]
    #[test_case(PUBLIC, KeyError::NoPrivate; "public")]
    #[test_case(b"-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n", KeyError::Encrypted; "encrypted")]
    #[test_case(b"-----BEGIN PRIVATE KEY-----\nMAAA\n-----END PRIVATE KEY-----\n", KeyError::NotEd25519; "other")]
    fn no_private_key(pem: &[u8], why: KeyError) {
        assert_eq!(SigningKey::from_pem(pem).unwrap_err(), why);
    }

    #[test_case(PRIVATE, KeyError::NoPublic; "private")]
    #[test_case(b"-----BEGIN PUBLIC KEY-----\nMAAA\n-----END PUBLIC KEY-----\n", KeyError::PublicNotEd25519; "other")]
    fn no_public_key(pem: &[u8], why: KeyError) {
        assert_eq!(PublicKey::from_pem(pem).unwrap_err(), why);
    }
}
