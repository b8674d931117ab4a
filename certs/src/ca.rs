//! Authorities: how a certificate that signs others looks, and how it signs.
//!
//! Must not know faults or chains.

use crate::{
    certificate::{self, Edit},
    error::ForgeError,
    extensions,
    key::Key,
    recipe::{BasicConstraints, Hash, Intermediate, Purpose, Usage, Validity},
};
use aws_lc_rs::digest::{SHA256, digest};
use rcgen::{
    BasicConstraints as PathLength, CertificateParams, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, IsCa, Issuer, KeyIdMethod, KeyUsagePurpose, PublicKeyData as _,
    SerialNumber,
};
use time::OffsetDateTime;

/// Stands in every subject, so that a test certificate is known as one wherever it turns up.
const ORGANISATION: &str = "mailproof test";

/// Octets of a serial number, of the 20 that RFC 5280 §4.1.2.2 allows.
const SERIAL_OCTETS: usize = 16;

/// A certificate with the key it certifies, ready to sign.
pub(crate) struct Ca {
    pub(crate) der: Vec<u8>,
    pub(crate) key: Key,
    params: CertificateParams,
}

/// An authority before anybody signed it.
pub(crate) struct Draft {
    pub(crate) params: CertificateParams,
    pub(crate) key: Key,
    pub(crate) edits: Vec<Edit>,
}

impl Ca {
    pub(crate) fn root(
        now: OffsetDateTime,
        role: &str,
        validity: Validity,
    ) -> Result<Ca, ForgeError> {
        let key = Key::p256()?;
        let mut params = ca_params(now, role, validity, &key)?;
        params.is_ca = IsCa::Ca(PathLength::Unconstrained);
        Ca::self_signed(params, key)
    }

    /// A root with the name and the key identifier of this one, and another key.
    pub(crate) fn namesake(&self, now: OffsetDateTime) -> Result<Ca, ForgeError> {
        let key = Key::p256()?;
        let mut params = ca_params(now, "root", Validity::ROOT, &key)?;
        params.is_ca = IsCa::Ca(PathLength::Unconstrained);
        params.distinguished_name = self.params.distinguished_name.clone();
        params.key_identifier_method =
            KeyIdMethod::PreSpecified(self.params.key_identifier(&self.key));
        Ca::self_signed(params, key)
    }

    /// One that was signed before.
    pub(crate) fn stored(der: Vec<u8>, params: CertificateParams, key: Key) -> Ca {
        Ca { der, key, params }
    }

    pub(crate) fn self_signed(params: CertificateParams, key: Key) -> Result<Ca, ForgeError> {
        let certificate = params.self_signed(&key);
        let certificate = certificate.map_err(|source| ForgeError::Issue {
            what: "root certificate",
            source,
        })?;
        Ok(Ca {
            der: certificate.der().to_vec(),
            params,
            key,
        })
    }

    /// Signs a certificate for `key`, with what the certificate writer cannot do as edits.
    pub(crate) fn certify(
        &self,
        params: &CertificateParams,
        key: &Key,
        edits: &[Edit],
    ) -> Result<Vec<u8>, ForgeError> {
        let certificate = params.signed_by(key, &self.issuer());
        let certificate = certificate.map_err(|source| ForgeError::Issue {
            what: "certificate",
            source,
        })?;
        if edits.is_empty() {
            return Ok(certificate.der().to_vec());
        }
        certificate::rewrite(certificate.der(), edits, &self.key)
    }

    pub(crate) fn issuer(&self) -> Issuer<'_, &Key> {
        Issuer::from_params(&self.params, &self.key)
    }
}

impl Draft {
    /// An intermediate. `path_length` is how many may follow below it.
    pub(crate) fn intermediate(
        now: OffsetDateTime,
        role: &str,
        plan: &Intermediate,
        path_length: Option<u8>,
    ) -> Result<Draft, ForgeError> {
        let key = Key::of(plan.key)?;
        let mut params = ca_params(now, role, plan.validity, &key)?;
        // The key usage keeps its keyCertSign where the flag is wrong, and the other way round:
        // a verifier that looks at only one of them is found out.
        params.is_ca = match (plan.basic, path_length) {
            (BasicConstraints::Ca, None) => IsCa::Ca(PathLength::Unconstrained),
            (BasicConstraints::Ca, Some(length)) => IsCa::Ca(PathLength::Constrained(length)),
            (BasicConstraints::NotCa, _) => IsCa::ExplicitNoCa,
            (BasicConstraints::Unsaid, _) => IsCa::NoCa,
        };
        if plan.usage == Usage::CrlSign {
            params.key_usages = vec![KeyUsagePurpose::CrlSign];
        }
        params.extended_key_usages = purposes(plan.purpose);
        params.custom_extensions = extensions::extra(plan.extra);
        let edits = hash_edit(plan.hash);
        Ok(Draft { params, key, edits })
    }

    /// The name and key of this draft as an authority, with a certificate that `issuer` signed.
    pub(crate) fn signed_by(self, issuer: &Ca) -> Result<Ca, ForgeError> {
        let der = issuer.certify(&self.params, &self.key, &self.edits)?;
        Ok(self.with_certificate(der))
    }

    pub(crate) fn with_certificate(self, der: Vec<u8>) -> Ca {
        Ca {
            der,
            key: self.key,
            params: self.params,
        }
    }
}

/// The change that a hash takes: none if it is the usual one.
pub(crate) fn hash_edit(hash: Hash) -> Vec<Edit> {
    match hash {
        Hash::Sha256 => Vec::new(),
        Hash::Sha1 | Hash::Md5 => vec![Edit::Hash(hash)],
    }
}

pub(crate) fn purposes(purpose: Purpose) -> Vec<ExtendedKeyUsagePurpose> {
    match purpose {
        Purpose::Unsaid => vec![],
        Purpose::ServerAuth => vec![ExtendedKeyUsagePurpose::ServerAuth],
        Purpose::ClientAuth => vec![ExtendedKeyUsagePurpose::ClientAuth],
        Purpose::EmailProtection => vec![ExtendedKeyUsagePurpose::EmailProtection],
        Purpose::Any => vec![ExtendedKeyUsagePurpose::Any],
    }
}

/// What all certificates have in common.
pub(crate) fn params(
    now: OffsetDateTime,
    common_name: String,
    validity: Validity,
) -> CertificateParams {
    let mut name = DistinguishedName::new();
    name.push(DnType::OrganizationName, ORGANISATION);
    name.push(DnType::CommonName, common_name);
    let mut params = CertificateParams::default();
    params.distinguished_name = name;
    (params.not_before, params.not_after) = validity.around(now);
    params.use_authority_key_identifier_extension = true;
    params
}

/// The key's own tag tells the authorities of one run from those of another in a trust store.
pub(crate) fn ca_params(
    now: OffsetDateTime,
    role: &str,
    validity: Validity,
    key: &Key,
) -> Result<CertificateParams, ForgeError> {
    let mut params = params(now, name(role, key), validity);
    params.serial_number = Some(SerialNumber::from(random_serial()?));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    Ok(params)
}

/// What an authority is called.
pub(crate) fn name(role: &str, key: &Key) -> String {
    let tag = hex(&key_digest(key)[..4]);
    format!("{ORGANISATION} {role} {tag}")
}

/// The octets of a serial number: random, positive, and always of one length.
pub(crate) fn random_serial() -> Result<Vec<u8>, ForgeError> {
    let mut serial = vec![0; SERIAL_OCTETS];
    aws_lc_rs::rand::fill(&mut serial).map_err(|_| ForgeError::Random)?;
    serial[0] = serial[0] & 0x3f | 0x40;
    Ok(serial)
}

fn key_digest(key: &Key) -> [u8; 32] {
    sha256(&key.subject_public_key_info())
}

pub(crate) fn sha256(data: &[u8]) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest(&SHA256, data).as_ref());
    hash
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
