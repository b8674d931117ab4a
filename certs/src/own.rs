//! A chain that somebody brings along: right, and not from here.
//!
//! Must not know files.

use crate::{
    ca::{hex, sha256},
    chain::Chain,
    fault::Fault,
    names::Names,
    serve::SignsIn,
};
use rustls::{
    RootCertStore,
    client::{verify_server_cert_signed_by_trust_anchor, verify_server_name},
    crypto::aws_lc_rs::default_provider,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime, pem::PemObject as _},
    server::ParsedCertificate,
    sign::CertifiedKey,
};
use std::{net::IpAddr, sync::Arc, time::Duration};
use time::OffsetDateTime;
use x509_parser::prelude::{FromDer as _, X509Certificate};

/// A chain and its key, read and not yet checked.
#[derive(Clone)]
pub struct OwnChain {
    certificates: Vec<CertificateDer<'static>>,
    certified: CertifiedKey,
    key_pem: String,
}

/// A chain that somebody brought along cannot be served, or would not be taken by anybody.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OwnError {
    /// No certificate in PEM.
    #[error("there is no certificate in PEM in the chain")]
    NoCertificate,
    /// A certificate cannot be read.
    #[error("certificate {place} of the chain cannot be read")]
    BadCertificate {
        /// Counted from 1.
        place: usize,
    },
    /// No key in PEM.
    #[error(
        "there is no private key in PEM in the key file (one with a passphrase cannot be read)"
    )]
    NoKey,
    /// The TLS library does not take the key.
    #[error("the key cannot be used: {0}")]
    BadKey(rustls::Error),
    /// The key is another one's.
    #[error(
        "the key is not that of the first certificate of the chain: the server's own comes first"
    )]
    OtherKey,
    /// The certificates are not in order.
    #[error(
        "certificate {place} of the chain (`{issuer}`) did not issue the one before it (`{subject}`): first comes \
         the server's own, then each one's issuer"
    )]
    Order {
        /// Counted from 1.
        place: usize,
        /// Whom it names.
        issuer: String,
        /// Whom the one before names.
        subject: String,
    },
    /// A certificate is not valid yet.
    #[error(
        "certificate {place} of the chain is valid from {from}, and by this machine's clock it is {now}"
    )]
    NotYet {
        /// Counted from 1.
        place: usize,
        /// From when on.
        from: OffsetDateTime,
        /// The machine's time.
        now: OffsetDateTime,
    },
    /// A certificate is not valid any more.
    #[error(
        "certificate {place} of the chain was valid until {until}, and by this machine's clock it is {now}"
    )]
    Over {
        /// Counted from 1.
        place: usize,
        /// Until when.
        until: OffsetDateTime,
        /// The machine's time.
        now: OffsetDateTime,
    },
    /// The server is known by a name that is not in it.
    #[error("the chain is not for `{name}`, by which the server is known")]
    Name {
        /// The name or address.
        name: String,
    },
    /// A signature or something else in it is wrong.
    #[error("the chain does not hold: {0}")]
    Unsound(rustls::Error),
}

impl OwnChain {
    /// Reads chain and key in PEM; both may be in one file.
    ///
    /// # Errors
    /// [`OwnError`] where something is missing, cannot be read, or the key is not the leaf's.
    pub fn read(chain: &[u8], key: &[u8]) -> Result<OwnChain, OwnError> {
        let certificates: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(chain)
            .collect::<Result<_, _>>()
            .map_err(|_| OwnError::NoCertificate)?;
        if certificates.is_empty() {
            return Err(OwnError::NoCertificate);
        }
        let der = PrivateKeyDer::from_pem_slice(key).map_err(|_| OwnError::NoKey)?;
        let signing = default_provider()
            .key_provider
            .load_private_key(der)
            .map_err(OwnError::BadKey)?;
        let certified = CertifiedKey::new(certificates.clone(), signing);
        if let Err(rustls::Error::InconsistentKeys(rustls::InconsistentKeys::KeyMismatch)) =
            certified.keys_match()
        {
            return Err(OwnError::OtherKey);
        }
        Ok(OwnChain {
            certificates,
            certified,
            key_pem: String::from_utf8_lossy(key).into_owned(),
        })
    }

    /// Whether a client that trusts its last certificate takes it now, for a server of these names.
    ///
    /// # Errors
    /// [`OwnError`] for the first thing that is wrong.
    pub fn check(&self, names: &Names, now: OffsetDateTime) -> Result<(), OwnError> {
        let mut below: Option<X509Certificate<'_>> = None;
        for (place, der) in (1..).zip(&self.certificates) {
            let (_, parsed) =
                X509Certificate::from_der(der).map_err(|_| OwnError::BadCertificate { place })?;
            if let Some(below) = &below
                && below.issuer().as_raw() != parsed.subject().as_raw()
            {
                return Err(OwnError::Order {
                    place,
                    issuer: parsed.subject().to_string(),
                    subject: below.subject().to_string(),
                });
            }
            let from = parsed.validity().not_before.to_datetime();
            let until = parsed.validity().not_after.to_datetime();
            if now < from {
                return Err(OwnError::NotYet { place, from, now });
            }
            if now > until {
                return Err(OwnError::Over { place, until, now });
            }
            below = Some(parsed);
        }
        if let Some(name) = self.first_missing(names) {
            return Err(OwnError::Name { name });
        }
        self.verify(now).map_err(OwnError::Unsound)
    }

    /// Whether it is for all these names.
    pub(crate) fn covers(&self, names: &Names) -> bool {
        self.first_missing(names).is_none()
    }

    /// The first of these names that it is not for.
    fn first_missing(&self, names: &Names) -> Option<String> {
        let addresses = names.ip.iter().map(IpAddr::to_string);
        let mut all = names.dns.iter().cloned().chain(addresses);
        let leaf = ParsedCertificate::try_from(&self.certificates[0]).ok();
        all.find(|name| {
            let known = ServerName::try_from(name.as_str()).ok();
            let covered = leaf.as_ref().zip(known.as_ref());
            covered.is_none_or(|(leaf, name)| verify_server_name(leaf, name).is_err())
        })
    }

    /// Signatures, purposes and limits. One certificate alone has nothing to be verified with.
    fn verify(&self, now: OffsetDateTime) -> Result<(), rustls::Error> {
        let [leaf, above @ .., root] = &*self.certificates else {
            return Ok(());
        };
        let mut roots = RootCertStore::empty();
        roots.add(root.clone())?;
        let since = u64::try_from(now.unix_timestamp()).unwrap_or(0);
        verify_server_cert_signed_by_trust_anchor(
            &ParsedCertificate::try_from(leaf)?,
            &roots,
            above,
            UnixTime::since_unix_epoch(Duration::from_secs(since)),
            default_provider().signature_verification_algorithms.all,
        )
    }

    /// What a client is told to trust: the last certificate, the root where it is there.
    pub(crate) fn anchor(&self) -> CertificateDer<'static> {
        self.certificates[self.certificates.len() - 1].clone()
    }

    /// As a server presents it: without the root, which a client must have anyway.
    pub(crate) fn chain(&self, names: &Names) -> Chain {
        let leaf = self.certificates[0].clone();
        let mut sent = self.certificates.clone();
        let self_signed = |der: &CertificateDer<'_>| {
            X509Certificate::from_der(der)
                .is_ok_and(|(_, it)| it.issuer().as_raw() == it.subject().as_raw())
        };
        if sent.len() > 1 && sent.last().is_some_and(self_signed) {
            sent.pop();
        }
        let serial = X509Certificate::from_der(&leaf).map(|(_, it)| hex(it.raw_serial()));
        Chain {
            fault: Fault::Valid,
            names: names.clone(),
            variant: 0,
            leaf_sha256: sha256(&leaf),
            serial: serial.unwrap_or_default(),
            leaf,
            sent,
            anchor: self.anchor(),
            staple: None,
            crls: Vec::new(),
            key: Arc::clone(&self.certified.key),
            signs_in: SignsIn::Both,
            key_pem: self.key_pem.clone(),
        }
    }
}
