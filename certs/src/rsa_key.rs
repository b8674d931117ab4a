//! RSA keys and signatures that sound libraries refuse to make: too short, too long, over
//! outdated hashes.
//!
//! Must not know certificates or TLS.

use crate::{error::ForgeError, recipe::Hash};
use md5::Md5;
use num_bigint_dig::RandPrime as _;
use rsa::{
    BigUint, Pkcs1v15Sign, Pss, RsaPrivateKey,
    pkcs1::EncodeRsaPublicKey as _,
    pkcs8::AssociatedOid,
    pkcs8::{DecodePrivateKey as _, EncodePrivateKey as _},
    rand_core::OsRng,
    sha2::{Digest, Sha256},
    traits::{PrivateKeyParts as _, PublicKeyParts as _},
};
use sha1::Sha1;
use yasna::models::ObjectIdentifier;

/// From here on a key is made of many small primes: two large ones take minutes to find. Its
/// public half looks like any other.
const MANY_PRIMES_FROM: usize = 8192;

/// Bits of each of the many primes.
const SMALL_PRIME: usize = 256;

const PUBLIC_EXPONENT: u32 = 65537;

/// A private key.
#[derive(Clone, Debug)]
pub(crate) struct RsaKey {
    private: RsaPrivateKey,
    public_der: Vec<u8>,
}

impl RsaKey {
    pub(crate) fn generate(bits: usize) -> Result<RsaKey, ForgeError> {
        if bits < MANY_PRIMES_FROM {
            let exponent = BigUint::from(PUBLIC_EXPONENT);
            return RsaKey::new(RsaPrivateKey::new_with_exp(&mut OsRng, bits, &exponent)?);
        }
        loop {
            let primes = primes_of(bits);
            // Fails where the exponent divides a prime less one, which is rare.
            let key = RsaPrivateKey::from_primes(primes, BigUint::from(PUBLIC_EXPONENT));
            if let Ok(key) = key {
                return RsaKey::new(key);
            }
        }
    }

    /// The same key as another library wrote it.
    pub(crate) fn from_pkcs8(der: &[u8]) -> Result<RsaKey, ForgeError> {
        let key = RsaPrivateKey::from_pkcs8_der(der);
        RsaKey::new(key.map_err(rsa::Error::Pkcs8)?)
    }

    fn new(private: RsaPrivateKey) -> Result<RsaKey, ForgeError> {
        let public = private.to_public_key().to_pkcs1_der();
        let public_der = public.map_err(rsa::Error::Pkcs1)?.into_vec();
        Ok(RsaKey {
            private,
            public_der,
        })
    }

    /// The public key in PKCS #1.
    pub(crate) fn public_der(&self) -> &[u8] {
        &self.public_der
    }

    /// Octets of the modulus.
    pub(crate) fn size(&self) -> usize {
        self.private.size()
    }

    /// The private key in PKCS #8.
    pub(crate) fn pkcs8(&self) -> Result<Vec<u8>, ForgeError> {
        if self.private.primes().len() > 2 {
            return Ok(self.pkcs8_of_halves());
        }
        let document = self.private.to_pkcs8_der().map_err(rsa::Error::Pkcs8)?;
        Ok(document.as_bytes().to_vec())
    }

    /// RSASSA-PKCS1-v1_5 (RFC 8017 §8.2).
    pub(crate) fn sign(&self, hash: Hash, message: &[u8]) -> Result<Vec<u8>, ForgeError> {
        match hash {
            Hash::Sha256 => self.sign_hashed::<Sha256>(message),
            Hash::Sha1 => self.sign_hashed::<Sha1>(message),
            Hash::Md5 => self.sign_hashed::<Md5>(message),
        }
    }

    fn sign_hashed<D: Digest + AssociatedOid>(
        &self,
        message: &[u8],
    ) -> Result<Vec<u8>, ForgeError> {
        let padding = Pkcs1v15Sign::new::<D>();
        Ok(self.private.sign(padding, &D::digest(message))?)
    }

    /// RSASSA-PSS with SHA-256 and a salt of its length (RFC 8446 §4.2.3).
    pub(crate) fn sign_pss(&self, message: &[u8]) -> Result<Vec<u8>, ForgeError> {
        let padding = Pss::new::<Sha256>();
        let digest = Sha256::digest(message);
        Ok(self.private.sign_with_rng(&mut OsRng, padding, &digest)?)
    }

    /// A key of many primes as one of two factors, which most software can load: the exponents
    /// fit the factors, although the factors are no primes.
    fn pkcs8_of_halves(&self) -> Vec<u8> {
        let one = BigUint::from(1_u8);
        let primes = self.private.primes();
        let (first, second) = primes.split_at(primes.len() / 2);
        let product = |primes: &[BigUint]| primes.iter().product::<BigUint>();
        let order = |primes: &[BigUint]| {
            let orders = primes.iter().map(|prime| prime - &one);
            orders.product::<BigUint>()
        };
        let (p, q) = (product(first), product(second));
        let d = self.private.d();
        let inverse = num_bigint_dig::ModInverse::mod_inverse(&q, &p);
        let inverse = inverse.and_then(|it| it.to_biguint()).unwrap_or_default();
        let numbers = [
            self.private.n().clone(),
            self.private.e().clone(),
            d.clone(),
            p,
            q,
            d % order(first),
            d % order(second),
            inverse,
        ];
        let pkcs1 = yasna::construct_der(|writer| {
            writer.write_sequence(|writer| {
                writer.next().write_u8(0);
                for number in &numbers {
                    let octets = number.to_bytes_be();
                    writer.next().write_bigint_bytes(&octets, true);
                }
            });
        });
        yasna::construct_der(|writer| {
            writer.write_sequence(|writer| {
                writer.next().write_u8(0);
                writer.next().write_sequence(|writer| {
                    writer
                        .next()
                        .write_oid(&ObjectIdentifier::from_slice(RSA_ENCRYPTION));
                    writer.next().write_null();
                });
                writer.next().write_bytes(&pkcs1);
            });
        })
    }
}

const RSA_ENCRYPTION: &[u64] = &[1, 2, 840, 113549, 1, 1, 1];

/// Primes whose product has exactly so many bits.
fn primes_of(bits: usize) -> Vec<BigUint> {
    let mut primes: Vec<BigUint> = (1..bits / SMALL_PRIME)
        .map(|_| OsRng.gen_prime(SMALL_PRIME))
        .collect();
    let product: BigUint = primes.iter().product();
    let missing = bits - product.bits();
    // A product has as many bits as its factors together, or one less.
    let last = (0..)
        .map(|attempt| OsRng.gen_prime(missing + attempt % 2))
        .find(|last| (&product * last).bits() == bits);
    primes.extend(last);
    primes
}

#[cfg(test)]
mod tests {
    use super::*;
    use test_case::test_case;

    #[test_case(512)]
    #[test_case(1024)]
    #[test_case(16384; "of many primes")]
    fn a_key_signs_for_its_public_half(bits: usize) {
        let key = RsaKey::generate(bits).unwrap();
        let public = key.private.to_public_key();
        assert_eq!(public.n().bits(), bits);
        for hash in [Hash::Sha256, Hash::Sha1, Hash::Md5] {
            let signature = key.sign(hash, b"message").unwrap();
            assert_eq!(signature.len(), key.size());
            let (padding, digest) = match hash {
                Hash::Sha256 => (
                    Pkcs1v15Sign::new::<Sha256>(),
                    Sha256::digest(b"message").to_vec(),
                ),
                Hash::Sha1 => (
                    Pkcs1v15Sign::new::<Sha1>(),
                    Sha1::digest(b"message").to_vec(),
                ),
                Hash::Md5 => (Pkcs1v15Sign::new::<Md5>(), Md5::digest(b"message").to_vec()),
            };
            public.verify(padding, &digest, &signature).unwrap();
        }
    }

    /// 512 bits have no room for it.
    #[test_case(512 => false)]
    #[test_case(1024 => true)]
    fn who_signs_in_pss(bits: usize) -> bool {
        RsaKey::generate(bits).unwrap().sign_pss(b"message").is_ok()
    }
}
