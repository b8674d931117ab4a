//! An authority that outlives a run, for clients in which a person has installed it.
//!
//! Its key is random and its name constraints are part of its certificate. Must not know files.

use crate::{
    ca::{self, Ca},
    error::ForgeError,
    key::Key,
    pem,
    recipe::{Until, Validity},
    territory::Territory,
};
use ipnet::IpNet;
use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyIdMethod, PublicKeyData as _};
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer, pem::PemObject as _};
use std::net::IpAddr;
use time::{Duration, OffsetDateTime};
use x509_parser::prelude::{FromDer as _, GeneralName, ParsedExtension, X509Certificate};

/// Stands in its name.
const ROLE: &str = "authority";

/// A root certificate and its key.
#[derive(Clone)]
pub struct StoredRoot {
    /// The certificate in DER.
    pub certificate: Vec<u8>,
    /// The key as PKCS #8 in PEM.
    pub key_pem: String,
    /// What it is called.
    pub common_name: String,
    /// From when on it is valid.
    pub from: OffsetDateTime,
    /// Until when.
    pub until: OffsetDateTime,
    /// What it may name.
    pub territory: Territory,
}

/// A stored authority cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoredError {
    /// No certificate, or no key, in PEM.
    #[error("there is no {what} in PEM in it")]
    NotPem {
        /// What should be there.
        what: &'static str,
    },
    /// Not a certificate that this crate made for a stored authority.
    #[error("it is no authority that `mailproof ca init` made: {why}")]
    Foreign {
        /// What is different.
        why: &'static str,
    },
    /// The key is another one's.
    #[error("the key is not that of the certificate")]
    OtherKey,
    /// It is not valid yet: it is new, or a clock is wrong.
    #[error("the authority is valid from {from}, and by this machine's clock it is {now}")]
    NotYet {
        /// From when on.
        from: OffsetDateTime,
        /// The machine's time.
        now: OffsetDateTime,
    },
    /// It is not valid any more, or a clock is wrong.
    #[error("the authority was valid until {until}, and by this machine's clock it is {now}")]
    Over {
        /// Until when.
        until: OffsetDateTime,
        /// The machine's time.
        now: OffsetDateTime,
    },
}

impl StoredRoot {
    /// A new one, with a random key, that is valid from a day before `now` for so many days from `now`.
    ///
    /// # Errors
    /// [`ForgeError`] where the system has no random numbers or the cryptographic library fails.
    pub fn fresh(
        now: OffsetDateTime,
        days: u16,
        territory: Territory,
    ) -> Result<StoredRoot, ForgeError> {
        let key = Key::p256()?;
        let validity = Validity {
            from: Duration::days(-1),
            until: Until::After(Duration::days(days.into())),
        };
        let mut params = params(now, validity, &key)?;
        if !territory.is_everything() {
            params.name_constraints = Some(territory.constraints());
        }
        let key_pem = pem::private_key(&key.pkcs8()?);
        let common_name = ca::name(ROLE, &key);
        let (from, until) = (params.not_before, params.not_after);
        let root = Ca::self_signed(params, key)?;
        Ok(StoredRoot {
            certificate: root.der,
            key_pem,
            common_name,
            from,
            until,
            territory,
        })
    }

    /// One that was stored, from the certificate and the key in PEM.
    ///
    /// # Errors
    /// [`StoredError`] where it is none, or the key is not its own. Whether it is valid now is not asked.
    pub fn load(certificate: &[u8], key: &str) -> Result<StoredRoot, StoredError> {
        let foreign = |why| StoredError::Foreign { why };
        let der = CertificateDer::from_pem_slice(certificate).map_err(|_| StoredError::NotPem {
            what: "certificate",
        })?;
        let own = load_key(key)?;
        let (_, parsed) =
            X509Certificate::from_der(&der).map_err(|_| foreign("it cannot be read"))?;
        if parsed.public_key().raw != own.subject_public_key_info() {
            return Err(StoredError::OtherKey);
        }
        let common_name = ca::name(ROLE, &own);
        let mut names = parsed.subject().iter_common_name();
        let called = names.next().and_then(|it| it.as_str().ok());
        if called != Some(common_name.as_str()) || !parsed.is_ca() {
            return Err(foreign("its name is another one"));
        }
        let constraints = parsed
            .name_constraints()
            .map_err(|_| foreign("its name constraints cannot be read"))?;
        let permitted = constraints.and_then(|it| it.value.permitted_subtrees.as_ref());
        let mut territory = Territory::default();
        for subtree in permitted.into_iter().flatten() {
            match &subtree.base {
                GeneralName::DNSName(name) => territory.dns.push((*name).to_owned()),
                GeneralName::IPAddress(octets) => {
                    let net = network(octets).ok_or(foreign("it permits an odd network"))?;
                    territory.ip.push(net);
                }
                _ => return Err(foreign("it permits names of another kind")),
            }
        }
        let validity = parsed.validity();
        Ok(StoredRoot {
            certificate: der.to_vec(),
            key_pem: key.to_owned(),
            common_name,
            from: validity.not_before.to_datetime(),
            until: validity.not_after.to_datetime(),
            territory,
        })
    }

    /// Whether it is valid.
    ///
    /// # Errors
    /// [`StoredError`] with the dates.
    pub fn check(&self, now: OffsetDateTime) -> Result<(), StoredError> {
        let (from, until) = (self.from, self.until);
        if now < from {
            return Err(StoredError::NotYet { from, now });
        }
        if now > until {
            return Err(StoredError::Over { until, now });
        }
        Ok(())
    }

    /// The certificate in PEM.
    pub fn certificate_pem(&self) -> String {
        pem::certificate(&self.certificate)
    }

    /// Ready to sign.
    pub(crate) fn into_ca(self, now: OffsetDateTime) -> Result<Ca, ForgeError> {
        let key = load_key(&self.key_pem).map_err(|_| ForgeError::Edit)?;
        let mut params = params(now, Validity::ROOT, &key)?;
        if let Some(identifier) = key_identifier(&self.certificate) {
            params.key_identifier_method = KeyIdMethod::PreSpecified(identifier);
        }
        Ok(Ca::stored(self.certificate, params, key))
    }
}

fn params(
    now: OffsetDateTime,
    validity: Validity,
    key: &Key,
) -> Result<CertificateParams, ForgeError> {
    let mut params = ca::ca_params(now, ROLE, validity, key)?;
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    Ok(params)
}

fn load_key(pem: &str) -> Result<Key, StoredError> {
    let no_key = |_| StoredError::NotPem {
        what: "private key",
    };
    let der = PrivatePkcs8KeyDer::from_pem_slice(pem.as_bytes()).map_err(no_key)?;
    Key::from_pkcs8(&der).map_err(|_| StoredError::NotPem {
        what: "usable private key",
    })
}

fn key_identifier(certificate: &[u8]) -> Option<Vec<u8>> {
    let (_, parsed) = X509Certificate::from_der(certificate).ok()?;
    parsed
        .extensions()
        .iter()
        .find_map(|it| match it.parsed_extension() {
            ParsedExtension::SubjectKeyIdentifier(identifier) => Some(identifier.0.to_vec()),
            _ => None,
        })
}

/// An address and a mask of the same length.
fn network(octets: &[u8]) -> Option<IpNet> {
    let (address, mask) = octets.split_at(octets.len() / 2);
    let ip = |octets: &[u8]| -> Option<IpAddr> {
        match octets.len() {
            4 => Some(IpAddr::from(<[u8; 4]>::try_from(octets).ok()?)),
            16 => Some(IpAddr::from(<[u8; 16]>::try_from(octets).ok()?)),
            _ => None,
        }
    };
    IpNet::with_netmask(ip(address)?, ip(mask)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use pretty_assertions::assert_eq;

    fn territory() -> Territory {
        Territory {
            dns: vec!["firma.test".to_owned()],
            ip: vec!["127.0.0.0/8".parse().unwrap(), "::1/128".parse().unwrap()],
        }
    }

    fn now() -> OffsetDateTime {
        OffsetDateTime::from_unix_timestamp(1_800_000_000).unwrap()
    }

    #[test]
    fn what_is_stored_is_loaded() {
        let fresh = StoredRoot::fresh(now(), 10, territory()).unwrap();
        let loaded = StoredRoot::load(fresh.certificate_pem().as_bytes(), &fresh.key_pem).unwrap();
        assert_eq!(loaded.territory, territory());
        assert_eq!((loaded.from, loaded.until), (fresh.from, fresh.until));
        assert_eq!(loaded.common_name, fresh.common_name);
        loaded.check(now()).unwrap();
        let late = loaded.check(now() + Duration::days(11)).unwrap_err();
        assert!(matches!(late, StoredError::Over { .. }));
        let early = loaded.check(now() - Duration::days(2)).unwrap_err();
        assert!(matches!(early, StoredError::NotYet { .. }));
    }

    #[test]
    fn nothing_else_is_loaded() {
        let one = StoredRoot::fresh(now(), 10, territory()).unwrap();
        let two = StoredRoot::fresh(now(), 10, territory()).unwrap();
        let load = |certificate: &str, key: &str| {
            StoredRoot::load(certificate.as_bytes(), key)
                .map(drop)
                .unwrap_err()
                .to_string()
        };
        let swapped = load(&one.certificate_pem(), &two.key_pem);
        assert_eq!(swapped, StoredError::OtherKey.to_string());
        assert!(load("", &one.key_pem).contains("no certificate"));
        assert!(load(&one.certificate_pem(), "-----BEGIN").contains("no private key"));
    }
}
