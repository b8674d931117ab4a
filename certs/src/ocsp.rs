//! OCSP responses (RFC 6960), signed by the issuer itself.
//!
//! Must not know chains.

use crate::{
    ca::Ca,
    certificate, der,
    error::ForgeError,
    key::Key,
    recipe::{Hash, Staple},
};
use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use time::{Duration, OffsetDateTime, macros::format_description};
use yasna::{DERWriter, Tag, models::ObjectIdentifier};

const ID_PKIX_OCSP_BASIC: &[u64] = &[1, 3, 6, 1, 5, 5, 7, 48, 1, 1];
const SHA1: &[u64] = &[1, 3, 14, 3, 2, 26];
const ECDSA_WITH_SHA256: &[u64] = &[1, 2, 840, 10045, 4, 3, 2];

/// The status of one certificate, and how long it holds.
struct Single<'a> {
    serial: &'a [u8],
    revoked: Option<OffsetDateTime>,
    this_update: OffsetDateTime,
    next_update: OffsetDateTime,
}

/// A response about the certificate of that serial number (the octets of the INTEGER).
pub(crate) fn response(
    now: OffsetDateTime,
    staple: Staple,
    serial: &[u8],
    issuer: &Ca,
) -> Result<Vec<u8>, ForgeError> {
    let week = Duration::WEEK;
    let other;
    let mut single = Single {
        serial,
        revoked: None,
        this_update: now - Duration::HOUR,
        next_update: now + week,
    };
    let mut signer = &issuer.key;
    let stranger;
    match staple {
        Staple::Good => {}
        Staple::Revoked => single.revoked = Some(now - Duration::DAY),
        Staple::Expired => {
            single.this_update = now - 2 * week;
            single.next_update = now - week;
        }
        Staple::OtherSerial => {
            other = [serial, &[1]].concat();
            single.serial = &other;
        }
        Staple::OtherSigner => {
            stranger = Key::p256()?;
            signer = &stranger;
        }
        Staple::Garbage => return Ok(b"this is no OCSP response".to_vec()),
    }
    let data = response_data(&single, issuer)?;
    let signature = signer.sign_with(Hash::Sha256, &data)?;
    let basic = yasna::construct_der(|writer| {
        writer.write_sequence(|writer| {
            writer.next().write_der(&data);
            writer.next().write_sequence(|writer| {
                writer.next().write_oid(&oid(ECDSA_WITH_SHA256));
            });
            writer
                .next()
                .write_bitvec_bytes(&signature, signature.len() * 8);
        });
    });
    Ok(yasna::construct_der(|writer| {
        writer.write_sequence(|writer| {
            writer.next().write_enum(0); // successful
            writer.next().write_tagged(Tag::context(0), |writer| {
                writer.write_sequence(|writer| {
                    writer.next().write_oid(&oid(ID_PKIX_OCSP_BASIC));
                    writer.next().write_bytes(&basic);
                });
            });
        });
    }))
}

/// `ResponseData` (RFC 6960 §4.2.1).
fn response_data(single: &Single<'_>, issuer: &Ca) -> Result<Vec<u8>, ForgeError> {
    let name = certificate::fields(&issuer.der)?.subject.octets;
    let key = rcgen::PublicKeyData::der_bytes(&issuer.key);
    Ok(yasna::construct_der(|writer| {
        writer.write_sequence(|writer| {
            writer
                .next()
                .write_tagged(Tag::context(1), |writer| writer.write_der(&name));
            generalized_time(writer.next(), single.this_update);
            writer.next().write_sequence(|writer| {
                writer.next().write_sequence(|writer| {
                    writer.next().write_sequence(|writer| {
                        writer.next().write_sequence(|writer| {
                            writer.next().write_oid(&oid(SHA1));
                            writer.next().write_null();
                        });
                        writer.next().write_bytes(sha1(&name).as_ref());
                        writer.next().write_bytes(sha1(key).as_ref());
                        writer.next().write_bigint_bytes(single.serial, true);
                    });
                    status(writer.next(), single.revoked);
                    generalized_time(writer.next(), single.this_update);
                    writer.next().write_tagged(Tag::context(0), |writer| {
                        generalized_time(writer, single.next_update);
                    });
                });
            });
        });
    }))
}

/// `CertStatus`: good, or since when it is not.
fn status(writer: DERWriter<'_>, revoked: Option<OffsetDateTime>) {
    match revoked {
        None => writer.write_tagged_implicit(Tag::context(0), |writer| writer.write_null()),
        Some(since) => writer.write_tagged_implicit(Tag::context(1), |writer| {
            writer.write_sequence(|writer| generalized_time(writer.next(), since));
        }),
    }
}

/// To the second, in UTC.
fn generalized_time(writer: DERWriter<'_>, time: OffsetDateTime) {
    const FORM: &[time::format_description::BorrowedFormatItem<'_>] =
        format_description!("[year][month][day][hour][minute][second]Z");
    // All times come from a clock whose years have four digits.
    let text = time.format(FORM).unwrap_or_default();
    writer.write_der(&der::element(GENERALIZED_TIME, text.as_bytes()));
}

const GENERALIZED_TIME: u8 = 0x18;

fn sha1(octets: &[u8]) -> aws_lc_rs::digest::Digest {
    digest(&SHA1_FOR_LEGACY_USE_ONLY, octets)
}

fn oid(numbers: &[u64]) -> ObjectIdentifier {
    ObjectIdentifier::from_slice(numbers)
}
