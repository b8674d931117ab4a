//! Revocation lists (RFC 5280 §5).
//!
//! Must not know chains.

use crate::{ca::Ca, error::ForgeError, recipe::Listing};
use rcgen::{
    CertificateRevocationListParams, CrlDistributionPoint, CrlIssuingDistributionPoint,
    KeyIdMethod, RevocationReason, RevokedCertParams, SerialNumber,
};
use time::{Duration, OffsetDateTime};

/// Where the lists are said to be. Nobody answers there: a client is given the file.
const POINTS: [&str; 3] = [
    "http://crl.invalid/1.crl",
    "http://crl.invalid/2.crl",
    "http://crl.invalid/3.crl",
];

/// What the leaf says about where its revocation is listed.
pub(crate) fn distribution_points(listing: Listing) -> Vec<CrlDistributionPoint> {
    match listing {
        Listing::Good | Listing::Revoked | Listing::Expired => Vec::new(),
        Listing::RevokedAtLastPoint => POINTS.iter().map(|uri| point(uri)).collect(),
    }
}

/// The lists of the leaf's issuer and of the root, so that all certificates of the path have a
/// status.
pub(crate) fn lists(
    now: OffsetDateTime,
    listing: Listing,
    serial: &SerialNumber,
    issuer: &Ca,
    root: &Ca,
) -> Result<Vec<Vec<u8>>, ForgeError> {
    let day = Duration::DAY;
    let mut list = CertificateRevocationListParams {
        this_update: now - day,
        next_update: now + 30 * day,
        crl_number: SerialNumber::from(1),
        issuing_distribution_point: None,
        revoked_certs: Vec::new(),
        key_identifier_method: KeyIdMethod::Sha256,
    };
    let of_root = sign(&list, root)?;
    if matches!(listing, Listing::Revoked | Listing::RevokedAtLastPoint) {
        list.revoked_certs.push(RevokedCertParams {
            serial_number: serial.clone(),
            revocation_time: now - 2 * day,
            reason_code: Some(RevocationReason::KeyCompromise),
            invalidity_date: None,
        });
    }
    if listing == Listing::RevokedAtLastPoint {
        list.issuing_distribution_point = POINTS.last().map(|uri| CrlIssuingDistributionPoint {
            distribution_point: point(uri),
            scope: None,
        });
    }
    if listing == Listing::Expired {
        list.this_update = now - 30 * day;
        list.next_update = now - day;
    }
    Ok(vec![sign(&list, issuer)?, of_root])
}

fn point(uri: &str) -> CrlDistributionPoint {
    CrlDistributionPoint {
        uris: vec![uri.to_owned()],
    }
}

fn sign(list: &CertificateRevocationListParams, issuer: &Ca) -> Result<Vec<u8>, ForgeError> {
    let signed = list.signed_by(&issuer.issuer());
    let signed = signed.map_err(|source| ForgeError::Issue {
        what: "revocation list",
        source,
    })?;
    Ok(signed.der().to_vec())
}
