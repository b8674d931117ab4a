//! A path check of which single parts can be skipped, for flawed clients only: webpki, which the perfect
//! client relies on, rightly cannot do that.
//!
//! It is no complete check of RFC 5280 §6.1 and is asked only after webpki found one thing to be wrong.

use rustls::{
    CertificateError, Error,
    pki_types::{CertificateDer, SignatureVerificationAlgorithm, UnixTime},
};
use x509_parser::{certificate::X509Certificate, prelude::FromDer as _, time::ASN1Time};

/// Signature algorithms of a crypto provider.
pub(super) type Algorithms = &'static [&'static dyn SignatureVerificationAlgorithm];

/// What is not looked at.
#[derive(Debug, Default)]
pub(super) struct Skips {
    pub(super) leaf_validity: bool,
    pub(super) issuer_validity: bool,
    pub(super) anchor: bool,
    pub(super) basic_constraints: bool,
    pub(super) key_usage: bool,
}

impl Skips {
    /// Whether an error of webpki is one that would not have come up.
    pub(super) fn covers(&self, error: &Error) -> bool {
        use CertificateError::{
            BadSignature, Expired, ExpiredContext, InvalidPurpose, InvalidPurposeContext,
            NotValidYet, NotValidYetContext, Other, UnknownIssuer,
        };
        let Error::InvalidCertificate(error) = error else {
            return false;
        };
        match error {
            Expired | ExpiredContext { .. } | NotValidYet | NotValidYetContext { .. } => {
                self.leaf_validity || self.issuer_validity
            }
            UnknownIssuer | BadSignature => self.anchor,
            InvalidPurpose | InvalidPurposeContext { .. } => self.key_usage,
            Other(other) => {
                let what = format!("{other:?}");
                self.basic_constraints
                    && ["EndEntityUsedAsCa", "CaUsedAsEndEntity", "PathLen"]
                        .iter()
                        .any(|about| what.contains(about))
            }
            _ => false,
        }
    }
}

/// Whether a path leads from the leaf to an anchor, apart from what is skipped.
pub(super) fn holds(
    leaf: &CertificateDer<'_>,
    sent: &[CertificateDer<'_>],
    anchors: &[CertificateDer<'_>],
    now: UnixTime,
    skips: &Skips,
    algorithms: Algorithms,
) -> bool {
    let Some(leaf) = parse(leaf) else {
        return false;
    };
    let sent: Vec<_> = sent.iter().filter_map(parse).collect();
    let anchors: Vec<_> = anchors.iter().filter_map(parse).collect();
    if !(skips.leaf_validity || is_valid(&leaf, now)) {
        return false;
    }
    if !(skips.key_usage || is_for_servers(&leaf)) {
        return false;
    }
    if !skips.basic_constraints && leaf.is_ca() {
        return false;
    }
    let mut below = &leaf;
    for _ in 0..=sent.len() {
        if issuer_of(below, &anchors, algorithms).is_some() {
            return true;
        }
        let Some(issuer) = issuer_of(below, &sent, algorithms) else {
            return skips.anchor;
        };
        if !(skips.issuer_validity || is_valid(issuer, now)) {
            return false;
        }
        if !(skips.basic_constraints || issuer.is_ca()) {
            return false;
        }
        below = issuer;
    }
    skips.anchor
}

fn parse<'a>(der: &'a CertificateDer<'_>) -> Option<X509Certificate<'a>> {
    X509Certificate::from_der(der)
        .ok()
        .map(|(_, parsed)| parsed)
}

fn issuer_of<'a, 'der>(
    certificate: &X509Certificate<'_>,
    candidates: &'a [X509Certificate<'der>],
    algorithms: Algorithms,
) -> Option<&'a X509Certificate<'der>> {
    let signed = certificate.tbs_certificate.as_ref();
    let signature = &certificate.signature_value.data;
    candidates.iter().find(|candidate| {
        let key = &candidate.public_key().subject_public_key.data;
        candidate.subject().as_raw() == certificate.issuer().as_raw()
            && algorithms
                .iter()
                .any(|algorithm| algorithm.verify_signature(key, signed, signature).is_ok())
    })
}

fn is_valid(certificate: &X509Certificate<'_>, now: UnixTime) -> bool {
    let now = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
    ASN1Time::from_timestamp(now).is_ok_and(|now| certificate.validity().is_valid_at(now))
}

fn is_for_servers(certificate: &X509Certificate<'_>) -> bool {
    match certificate.extended_key_usage() {
        Ok(None) => true,
        Ok(Some(usage)) => usage.value.server_auth || usage.value.any,
        Err(_) => false,
    }
}
