//! From a recipe to certificates. Everything that touches the certificate writer is here.
//!
//! Must not know faults (a recipe says it all) or the TLS library that will serve the chain.

use crate::{
    error::ForgeError,
    names::Names,
    recipe::{Anchor, Intermediate, Naming, Owner, Proof, Purpose, Recipe, Sent, Validity},
};
use aws_lc_rs::digest::{SHA256, digest};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, PublicKeyData as _, SanType,
    SerialNumber,
};
use std::ops::RangeInclusive;
use time::{OffsetDateTime, UtcOffset};

/// Stands in every subject, so that a test certificate is known as one wherever it turns up.
const ORGANISATION: &str = "mailproof test";

/// The longest common name (RFC 5280 appendix A.1, `ub-common-name`).
const LONGEST_COMMON_NAME: usize = 64;

/// Octets of a serial number, of the 20 that RFC 5280 §4.1.2.2 allows.
const SERIAL_OCTETS: usize = 16;

/// The years a certificate can name, with room for every period around the clock.
const YEARS: RangeInclusive<i32> = 1951..=9980;

/// The authorities that sign leaves, and the clock all dates are relative to.
pub(crate) struct Pki {
    pub(crate) now: OffsetDateTime,
    pub(crate) trusted: Hierarchy,
    pub(crate) other: Hierarchy,
}

/// A root and its standing intermediate.
pub(crate) struct Hierarchy {
    pub(crate) root: Ca,
    intermediate: Ca,
}

/// A certificate with the key it certifies, ready to sign.
pub(crate) struct Ca {
    pub(crate) der: Vec<u8>,
    issuer: Issuer<'static, KeyPair>,
}

/// A finished chain, not yet packed for a TLS server.
pub(crate) struct Forged {
    /// As sent, leaf first.
    pub(crate) sent: Vec<Vec<u8>>,
    pub(crate) serial: Vec<u8>,
    /// The key that signs the handshake.
    pub(crate) key: KeyPair,
}

impl Pki {
    pub(crate) fn fresh(now: OffsetDateTime) -> Result<Pki, ForgeError> {
        if !YEARS.contains(&now.year()) {
            return Err(ForgeError::BadClock { now });
        }
        let now = now.to_offset(UtcOffset::UTC);
        Ok(Pki {
            now,
            trusted: Hierarchy::fresh(now, "root", "intermediate")?,
            other: Hierarchy::fresh(now, "other root", "other intermediate")?,
        })
    }

    /// Makes the chain that the recipe describes, with a leaf key of its own.
    pub(crate) fn forge(&self, recipe: &Recipe, names: &Names) -> Result<Forged, ForgeError> {
        let leaf_key = generate_key()?;
        let leaf = leaf_params(self.now, recipe, names, &leaf_key)?;
        let serial = serial_number(&leaf_key).to_bytes();

        let own_intermediate;
        let (certificate, above) = match self.hierarchy(recipe.anchor) {
            None => (leaf.self_signed(&leaf_key), None),
            Some(hierarchy) => {
                let intermediate = if recipe.shares_intermediate() {
                    &hierarchy.intermediate
                } else {
                    own_intermediate = Ca::intermediate(
                        self.now,
                        "intermediate",
                        &recipe.intermediate,
                        &hierarchy.root,
                    )?;
                    &own_intermediate
                };
                let certificate = leaf.signed_by(&leaf_key, &intermediate.issuer);
                (certificate, Some(intermediate))
            }
        };
        let certificate = certificate.map_err(|source| ForgeError::Issue {
            what: "server certificate",
            source,
        })?;

        let mut sent = vec![certificate.der().to_vec()];
        if recipe.sent == Sent::LeafAndIntermediate {
            sent.extend(above.map(|intermediate| intermediate.der.clone()));
        }
        let key = match recipe.proof {
            Proof::LeafKey => leaf_key,
            Proof::AnotherKey => generate_key()?,
        };
        Ok(Forged { sent, serial, key })
    }

    fn hierarchy(&self, anchor: Anchor) -> Option<&Hierarchy> {
        match anchor {
            Anchor::TrustedRoot => Some(&self.trusted),
            Anchor::OtherRoot => Some(&self.other),
            Anchor::Leaf => None,
        }
    }
}

impl Hierarchy {
    fn fresh(now: OffsetDateTime, root: &str, intermediate: &str) -> Result<Hierarchy, ForgeError> {
        let root = Ca::root(now, root)?;
        let intermediate = Ca::intermediate(now, intermediate, &Intermediate::VALID, &root)?;
        Ok(Hierarchy { root, intermediate })
    }
}

impl Ca {
    fn root(now: OffsetDateTime, role: &str) -> Result<Ca, ForgeError> {
        let key = generate_key()?;
        let mut params = ca_params(now, role, Validity::ROOT, &key);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let certificate = params
            .self_signed(&key)
            .map_err(|source| ForgeError::Issue {
                what: "root certificate",
                source,
            })?;
        Ok(Ca {
            der: certificate.der().to_vec(),
            issuer: Issuer::new(params, key),
        })
    }

    fn intermediate(
        now: OffsetDateTime,
        role: &str,
        plan: &Intermediate,
        root: &Ca,
    ) -> Result<Ca, ForgeError> {
        let key = generate_key()?;
        let mut params = ca_params(now, role, plan.validity, &key);
        params.is_ca = if plan.is_ca {
            IsCa::Ca(BasicConstraints::Constrained(0))
        } else {
            // The key usage keeps its keyCertSign: the flag alone is wrong, so a verifier that
            // looks only at the key usage is found out.
            IsCa::ExplicitNoCa
        };
        let certificate =
            params
                .signed_by(&key, &root.issuer)
                .map_err(|source| ForgeError::Issue {
                    what: "intermediate certificate",
                    source,
                })?;
        Ok(Ca {
            der: certificate.der().to_vec(),
            issuer: Issuer::new(params, key),
        })
    }
}

fn generate_key() -> Result<KeyPair, ForgeError> {
    KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(|source| ForgeError::Key { source })
}

/// A serial number from the key: as random as the key, positive, and always of one length.
fn serial_number(key: &KeyPair) -> SerialNumber {
    let mut serial = key_digest(key)[..SERIAL_OCTETS].to_vec();
    serial[0] = serial[0] & 0x3f | 0x40;
    SerialNumber::from(serial)
}

fn key_digest(key: &KeyPair) -> [u8; 32] {
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

/// What all certificates have in common.
fn params(
    now: OffsetDateTime,
    common_name: String,
    validity: Validity,
    key: &KeyPair,
) -> CertificateParams {
    let mut name = DistinguishedName::new();
    name.push(DnType::OrganizationName, ORGANISATION);
    name.push(DnType::CommonName, common_name);
    let mut params = CertificateParams::default();
    params.distinguished_name = name;
    params.not_before = now + validity.from;
    params.not_after = now + validity.until;
    params.serial_number = Some(serial_number(key));
    params.use_authority_key_identifier_extension = true;
    params
}

/// The key's own tag tells the authorities of one run from those of another in a trust store.
fn ca_params(
    now: OffsetDateTime,
    role: &str,
    validity: Validity,
    key: &KeyPair,
) -> CertificateParams {
    let tag = hex(&key_digest(key)[..4]);
    let mut params = params(now, format!("{ORGANISATION} {role} {tag}"), validity, key);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

fn leaf_params(
    now: OffsetDateTime,
    recipe: &Recipe,
    names: &Names,
    key: &KeyPair,
) -> Result<CertificateParams, ForgeError> {
    let leaf = &recipe.leaf;
    let requested = names.first().ok_or(ForgeError::NoNames)?;
    let stranger = names.stranger();
    let (names, first) = match leaf.owner {
        Owner::ThisServer => (names, requested),
        Owner::AnotherServer => (&stranger, stranger.first().unwrap_or(requested)),
    };
    let fits = first.len() <= LONGEST_COMMON_NAME;
    let (common_name, alternative_names) = match leaf.naming {
        Naming::CommonNameOnly if !fits => return Err(ForgeError::LongCommonName { name: first }),
        Naming::CommonNameOnly => (first, Vec::new()),
        Naming::SubjectAltName if !fits => {
            (format!("{ORGANISATION} server"), alternative_names(names)?)
        }
        Naming::SubjectAltName => (first, alternative_names(names)?),
    };

    let mut params = params(now, common_name, leaf.validity, key);
    params.subject_alt_names = alternative_names;
    // Said outright and not left out: a self-signed leaf without it may pass for an authority.
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![match leaf.purpose {
        Purpose::ServerAuth => ExtendedKeyUsagePurpose::ServerAuth,
        Purpose::ClientAuth => ExtendedKeyUsagePurpose::ClientAuth,
    }];
    Ok(params)
}

fn alternative_names(names: &Names) -> Result<Vec<SanType>, ForgeError> {
    let dns = names.dns.iter().map(|name| {
        let text = name.as_str().try_into();
        text.map(SanType::DnsName)
            .map_err(|source| ForgeError::BadName {
                name: name.clone(),
                source,
            })
    });
    let ip = names.ip.iter().map(|&ip| Ok(SanType::IpAddress(ip)));
    dns.chain(ip).collect()
}
