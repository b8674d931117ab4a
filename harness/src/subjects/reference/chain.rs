//! Whether a chain is good for a server: webpki's judgement, and what the standard asks for beside it.
//!
//! webpki does not look at the key usage of issuers (RFC 5280 §6.1.4 (n)) nor at what is stapled (RFC 6066 §8,
//! RFC 7633). Must not know names, pins or flaws.

use rustls::pki_types::{
    CertificateDer, CertificateRevocationListDer, SignatureVerificationAlgorithm, TrustAnchor,
    UnixTime,
};
use webpki::{
    CertRevocationList, EndEntityCert, ExpirationPolicy, KeyUsage, OwnedCertRevocationList,
    RevocationOptionsBuilder, UnknownStatusPolicy, VerifiedPath,
};
use x509_parser::{
    certificate::X509Certificate, oid_registry::asn1_rs::Oid, prelude::FromDer as _,
};

use super::ocsp::{self, Status};

/// The extension by which a certificate demands a staple (RFC 7633 §6).
const TLS_FEATURE: &[u64] = &[1, 3, 6, 1, 5, 5, 7, 1, 24];

/// The feature `status_request`, as DER of a list with this one number.
const STATUS_REQUEST: &[u8] = &[0x30, 0x03, 0x02, 0x01, 0x05];

/// Signature algorithms of a crypto provider.
pub(super) type Algorithms = &'static [&'static dyn SignatureVerificationAlgorithm];

/// What a client looks at of revocation.
#[derive(Clone, Copy, Debug)]
pub(super) struct Attention {
    /// What the server staples.
    pub(super) staple: bool,
    /// Whether the certificate demands a staple.
    pub(super) demand: bool,
    /// Whether the staple is what it must be.
    pub(super) content: bool,
}

/// What is known beside the chain.
#[derive(Debug)]
pub(super) struct Known<'a> {
    pub(super) anchors: &'a [TrustAnchor<'static>],
    pub(super) crls: &'a [CertificateRevocationListDer<'static>],
    pub(super) staple: &'a [u8],
    pub(super) now: UnixTime,
    pub(super) algorithms: Algorithms,
}

/// What is wrong with a chain.
#[derive(Debug)]
pub(super) enum Wrong {
    /// webpki says so.
    Path(webpki::Error),
    /// An issuer's key is not for signing certificates.
    KeyUsage,
    /// The staple says that the certificate is revoked.
    Revoked,
    /// The certificate demands a staple and there is none that is good for it.
    NoStatus,
}

impl From<webpki::Error> for Wrong {
    fn from(error: webpki::Error) -> Self {
        Wrong::Path(error)
    }
}

/// Looks at the path and at the status, not at the name.
pub(super) fn check(
    leaf: &CertificateDer<'_>,
    sent: &[CertificateDer<'_>],
    known: &Known<'_>,
    attention: Attention,
) -> Result<(), Wrong> {
    let crls: Vec<CertRevocationList<'_>> = known
        .crls
        .iter()
        .map(|der| OwnedCertRevocationList::from_der(der).map(CertRevocationList::from))
        .collect::<Result<_, _>>()?;
    let crls: Vec<&CertRevocationList<'_>> = crls.iter().collect();
    let revocation = RevocationOptionsBuilder::new(&crls).ok().map(|options| {
        options
            .with_status_policy(UnknownStatusPolicy::Deny)
            .with_expiration_policy(ExpirationPolicy::Enforce)
            .build()
    });
    // webpki goes on to the next path where this one is refused, and then says only that none is left.
    let misused = std::cell::Cell::new(false);
    let may_sign = |path: &VerifiedPath<'_>| {
        let all = path
            .intermediate_certificates()
            .all(|issuer| may_sign_certificates(&issuer.der()));
        if all {
            Ok(())
        } else {
            misused.set(true);
            Err(webpki::Error::UnknownIssuer)
        }
    };
    let end = EndEntityCert::try_from(leaf)?;
    let path = end.verify_for_usage(
        known.algorithms,
        known.anchors,
        sent,
        known.now,
        KeyUsage::server_auth(),
        revocation,
        Some(&may_sign),
    );
    let path = match path {
        Err(_) if misused.get() => return Err(Wrong::KeyUsage),
        path => path?,
    };
    status(leaf, &path, known, attention)
}

/// Without the extension a key is for everything (RFC 5280 §4.2.1.3).
fn may_sign_certificates(der: &[u8]) -> bool {
    X509Certificate::from_der(der).is_ok_and(|(_, parsed)| match parsed.key_usage() {
        Ok(usage) => usage.is_none_or(|it| it.value.key_cert_sign()),
        Err(_) => false,
    })
}

/// What a staple that is no proof is worth is for the client to say, unless the certificate demands one.
fn status(
    leaf: &CertificateDer<'_>,
    path: &VerifiedPath<'_>,
    known: &Known<'_>,
    attention: Attention,
) -> Result<(), Wrong> {
    if !attention.staple {
        return Ok(());
    }
    let issuer = path.intermediate_certificates().next();
    let status = issuer.and_then(|issuer| {
        let issuer = issuer.der();
        ocsp::status(known.staple, leaf, &issuer, known.now, known.algorithms)
    });
    let is_there = !known.staple.is_empty();
    match status {
        Some(Status::Revoked) => Err(Wrong::Revoked),
        Some(Status::Good) => Ok(()),
        None if is_there && !attention.content => Ok(()),
        None if attention.demand && demands_staple(leaf) => Err(Wrong::NoStatus),
        None => Ok(()),
    }
}

fn demands_staple(leaf: &CertificateDer<'_>) -> bool {
    let Ok((_, parsed)) = X509Certificate::from_der(leaf) else {
        return false;
    };
    let Ok(oid) = Oid::from(TLS_FEATURE) else {
        return false;
    };
    matches!(parsed.get_extension_unique(&oid), Ok(Some(extension)) if extension.value == STATUS_REQUEST)
}
