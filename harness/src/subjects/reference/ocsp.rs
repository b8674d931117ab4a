//! What an OCSP response says of a certificate (RFC 6960 §3.2): its status, if the issuer itself signed that,
//! for this certificate, and for now. Anything else says nothing.
//!
//! Responders that the issuer delegated to are not known here. Must not know chains or trust.

use rustls::pki_types::{SignatureVerificationAlgorithm, UnixTime};
use x509_parser::{
    certificate::X509Certificate,
    der_parser::{
        ber::{BerObject, BerObjectContent},
        der::parse_der,
    },
    prelude::FromDer as _,
};

/// What the issuer says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Status {
    Good,
    Revoked,
}

/// The status of `leaf` by its issuer's word.
pub(super) fn status(
    response: &[u8],
    leaf: &[u8],
    issuer: &[u8],
    now: UnixTime,
    algorithms: &[&dyn SignatureVerificationAlgorithm],
) -> Option<Status> {
    let (_, leaf) = X509Certificate::from_der(leaf).ok()?;
    let (_, issuer) = X509Certificate::from_der(issuer).ok()?;
    let basic = basic_response(response)?;
    let (signed, rest) = element(content(&basic)?)?;
    let (_, rest) = element(rest)?;
    let (signature, _) = element(rest)?;
    let signature = match parse_der(signature).ok()?.1.content {
        BerObjectContent::BitString(0, bits) => bits.data,
        _ => return None,
    };
    let key = &issuer.public_key().subject_public_key.data;
    algorithms
        .iter()
        .any(|it| it.verify_signature(key, signed, signature).is_ok())
        .then_some(())?;
    let single = single_response(signed)?;
    let [id, status, this_update, rest @ ..] = single.as_slice() else {
        return None;
    };
    let serial = id.as_sequence().ok()?.get(3)?.as_slice().ok()?;
    (serial == leaf.raw_serial()).then_some(())?;
    let from = moment(this_update)?;
    let until = rest
        .iter()
        .find(|it| it.header.tag().0 == 0)
        .and_then(|it| moment(&parse_der(it.as_slice().ok()?).ok()?.1));
    let now = i64::try_from(now.as_secs()).ok()?;
    (from <= now && until.is_none_or(|until| now <= until)).then_some(())?;
    match status.header.tag().0 {
        0 => Some(Status::Good),
        1 => Some(Status::Revoked),
        _ => None,
    }
}

/// The octets of BasicOCSPResponse in a response that says "successful".
fn basic_response(response: &[u8]) -> Option<Vec<u8>> {
    let (_, response) = parse_der(response).ok()?;
    let fields = response.as_sequence().ok()?;
    let [status, bytes, ..] = fields.as_slice() else {
        return None;
    };
    matches!(status.content, BerObjectContent::Enum(0)).then_some(())?;
    let (_, bytes) = parse_der(bytes.as_slice().ok()?).ok()?;
    let basic = bytes.as_sequence().ok()?.get(1)?.as_slice().ok()?;
    Some(basic.to_vec())
}

/// The fields of the first SingleResponse in ResponseData.
fn single_response(data: &[u8]) -> Option<Vec<BerObject<'_>>> {
    let (_, data) = parse_der(data).ok()?;
    let fields = data.as_sequence().ok()?.clone();
    let responses = fields
        .iter()
        .find(|it| matches!(it.content, BerObjectContent::Sequence(_)))?;
    let single = responses.as_sequence().ok()?.first()?;
    Some(single.as_sequence().ok()?.clone())
}

fn moment(time: &BerObject<'_>) -> Option<i64> {
    match &time.content {
        BerObjectContent::GeneralizedTime(time) => Some(time.to_datetime().ok()?.unix_timestamp()),
        _ => None,
    }
}

/// What is inside an element.
fn content(der: &[u8]) -> Option<&[u8]> {
    let (start, end) = bounds(der)?;
    der.get(start..end)
}

/// The first element, and what is behind it.
fn element(der: &[u8]) -> Option<(&[u8], &[u8])> {
    let (_, end) = bounds(der)?;
    Some(der.split_at(end))
}

/// Where the content of the first element begins and ends; lengths up to 64 KiB.
fn bounds(der: &[u8]) -> Option<(usize, usize)> {
    let (start, length) = match *der {
        [_, length, ..] if length < 0x80 => (2, usize::from(length)),
        [_, 0x81, length, ..] => (3, usize::from(length)),
        [_, 0x82, high, low, ..] => (4, usize::from(high) << 8 | usize::from(low)),
        _ => return None,
    };
    let end = start + length;
    (end <= der.len()).then_some((start, end))
}
