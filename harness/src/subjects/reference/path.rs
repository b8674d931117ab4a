//! A path check of which single parts can be skipped, for flawed clients only: webpki, which the perfect
//! client relies on, rightly cannot do that.
//!
//! It is no complete check of RFC 5280 §6.1 and is asked only after webpki found one thing to be wrong.

use rustls::{
    CertificateError, Error,
    pki_types::{CertificateDer, UnixTime},
};
use x509_parser::{certificate::X509Certificate, prelude::FromDer as _, public_key::PublicKey};

use super::chain::Algorithms;

/// A day in seconds.
const DAY: i64 = 86_400;

/// Bits of the shortest RSA key that is none of the weak ones.
const LONG_ENOUGH: usize = 2048;

/// What is not looked at.
#[derive(Debug, Default)]
pub(super) struct Skips {
    pub(super) leaf_validity: bool,
    pub(super) issuer_validity: bool,
    /// Dates are kept to the day only.
    pub(super) hours: bool,
    pub(super) anchor: bool,
    /// An anchor is known by its name, not by its key.
    pub(super) anchor_key: bool,
    pub(super) leaf_signature: bool,
    /// Signatures by algorithms that the client does not know.
    pub(super) unknown_signatures: bool,
    pub(super) short_keys: bool,
    pub(super) basic_constraints: bool,
    pub(super) path_length: bool,
    pub(super) key_usage: bool,
    pub(super) key_cert_sign: bool,
    pub(super) name_constraints: bool,
    /// Names with a wildcard are not held against name constraints.
    pub(super) constrained_wildcards: bool,
    pub(super) critical_extensions: bool,
    /// What cannot be read is not looked at further.
    pub(super) form: bool,
}

impl Skips {
    /// Whether an error of webpki is one that would not have come up.
    pub(super) fn covers(&self, error: &Error, leaf: &CertificateDer<'_>) -> bool {
        let Error::InvalidCertificate(error) = error else {
            return false;
        };
        let what = match error {
            CertificateError::Other(other) => format!("{other:?}"),
            error => format!("{error:?}"),
        };
        let has_wildcard = || leaf.windows(2).any(|it| it == b"*.");
        let excused = [
            (
                self.leaf_validity || self.issuer_validity || self.hours,
                &["Expired", "NotValidYet"][..],
            ),
            (self.anchor, &["UnknownIssuer", "BadSignature"]),
            (self.anchor_key, &["UnknownIssuer", "BadSignature"]),
            (self.leaf_signature, &["BadSignature", "UnknownIssuer"]),
            (self.unknown_signatures, &["UnsupportedSignatureAlgorithm"]),
            (
                self.short_keys,
                &[
                    "BadSignature",
                    "UnknownIssuer",
                    "UnsupportedSignatureAlgorithm",
                ],
            ),
            (
                self.basic_constraints,
                &["EndEntityUsedAsCa", "CaUsedAsEndEntity", "PathLen"],
            ),
            (self.path_length, &["PathLen"]),
            (self.key_usage, &["InvalidPurpose"]),
            (self.name_constraints, &["NameConstraintViolation"]),
            (
                self.constrained_wildcards && has_wildcard(),
                &["NameConstraintViolation"],
            ),
            (self.critical_extensions, &["UnsupportedCriticalExtension"]),
            (
                self.form,
                &[
                    "BadEncoding",
                    "ExtensionValueInvalid",
                    "MalformedExtensions",
                    "UnsupportedCertVersion",
                ],
            ),
        ];
        let excused = excused.iter().filter(|(applies, _)| *applies);
        excused
            .flat_map(|(_, errors)| *errors)
            .any(|it| what.contains(it))
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
    if skips.form {
        return true;
    }
    let Some(leaf) = parse(leaf) else {
        return false;
    };
    let now = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
    let sent: Vec<_> = sent.iter().filter_map(parse).collect();
    let anchors: Vec<_> = anchors.iter().filter_map(parse).collect();
    if !(skips.leaf_validity || is_valid(&leaf, now, skips)) {
        return false;
    }
    if !(skips.key_usage || is_for_servers(&leaf)) {
        return false;
    }
    if !skips.basic_constraints && leaf.is_ca() {
        return false;
    }
    let mut below = &leaf;
    for depth in 0..=sent.len() {
        let unsigned = depth == 0 && skips.leaf_signature;
        let by = |it: &X509Certificate<'_>| unsigned || is_signed_by(below, it, skips, algorithms);
        let by_name = |it: &&X509Certificate<'_>| it.subject().as_raw() == below.issuer().as_raw();
        let above = |it: &&X509Certificate<'_>| by_name(it) && by(it);
        if anchors.iter().any(|it| above(&it))
            || (skips.anchor_key && anchors.iter().any(|it| by_name(&it)))
        {
            return true;
        }
        let Some(issuer) = sent.iter().find(above) else {
            return skips.anchor;
        };
        if !(skips.issuer_validity || is_valid(issuer, now, skips)) {
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

fn is_signed_by(
    certificate: &X509Certificate<'_>,
    issuer: &X509Certificate<'_>,
    skips: &Skips,
    algorithms: Algorithms,
) -> bool {
    let signed = certificate.tbs_certificate.as_ref();
    let signature = &certificate.signature_value.data;
    let key = &issuer.public_key().subject_public_key.data;
    let by_the_key = || {
        algorithms
            .iter()
            .any(|algorithm| algorithm.verify_signature(key, signed, signature).is_ok())
    };
    (skips.unknown_signatures && !is_over_sha2(certificate))
        || (skips.short_keys && has_short_key(issuer))
        || by_the_key()
}

/// Whether the name of the signature's algorithm is one of those that webpki knows.
fn is_over_sha2(certificate: &X509Certificate<'_>) -> bool {
    // sha1WithRSAEncryption and md5WithRSAEncryption.
    const OUTDATED: [&str; 2] = ["1.2.840.113549.1.1.5", "1.2.840.113549.1.1.4"];
    let oid = certificate.signature_algorithm.algorithm.to_id_string();
    !OUTDATED.contains(&oid.as_str())
}

/// Whether a key is one of RSA that is too short to mean anything.
pub(super) fn has_short_key(certificate: &X509Certificate<'_>) -> bool {
    match certificate.public_key().parsed() {
        Ok(PublicKey::RSA(key)) => key.key_size() < LONG_ENOUGH,
        _ => false,
    }
}

fn is_valid(certificate: &X509Certificate<'_>, now: i64, skips: &Skips) -> bool {
    let grace = if skips.hours { DAY } else { 0 };
    let validity = certificate.validity();
    let (from, until) = (
        validity.not_before.timestamp() - grace,
        validity.not_after.timestamp() + grace,
    );
    (from..=until).contains(&now)
}

fn is_for_servers(certificate: &X509Certificate<'_>) -> bool {
    match certificate.extended_key_usage() {
        Ok(None) => true,
        Ok(Some(usage)) => usage.value.server_auth || usage.value.any,
        Err(_) => false,
    }
}
