//! A finished certificate taken apart, changed where the certificate writer cannot, and signed
//! again.
//!
//! Must not know why.

use crate::{
    der::{self, Element},
    error::ForgeError,
    key::Key,
    recipe::{Damage, Hash},
};

/// The fields of a certificate (RFC 5280 §4.1) that somebody needs.
pub(crate) struct Fields {
    pub(crate) serial: Element,
    pub(crate) subject: Element,
}

/// One change.
pub(crate) enum Edit {
    /// The octets of the serial number, sign included.
    Serial(Vec<u8>),
    /// X.509 version 1: neither version number nor extensions.
    Version1,
    /// Another public key info.
    PublicKey(Vec<u8>),
    /// Another hash in the signature.
    Hash(Hash),
}

/// `TBSCertificate` of version 3 with extensions.
struct Tbs {
    version: Vec<u8>,
    serial: Vec<u8>,
    algorithm: Vec<u8>,
    issuer: Vec<u8>,
    validity: Vec<u8>,
    subject: Vec<u8>,
    public_key: Vec<u8>,
    extensions: Vec<u8>,
}

const INTEGER: u8 = 0x02;
const VERSION: u8 = 0xa0;

/// The fields of a finished certificate.
pub(crate) fn fields(certificate: &[u8]) -> Result<Fields, ForgeError> {
    let elements = tbs_elements(certificate).ok_or(ForgeError::Edit)?;
    let mut elements = elements.into_iter().peekable();
    elements.next_if(|it| it.tag == VERSION);
    let serial = elements.next().ok_or(ForgeError::Edit)?;
    // Between them are the signature algorithm, the issuer and the validity.
    let subject = elements.nth(3).ok_or(ForgeError::Edit)?;
    Ok(Fields { serial, subject })
}

/// Makes the changes and signs anew.
pub(crate) fn rewrite(
    certificate: &[u8],
    edits: &[Edit],
    issuer: &Key,
) -> Result<Vec<u8>, ForgeError> {
    let elements: Result<[Element; 8], _> = tbs_elements(certificate)
        .ok_or(ForgeError::Edit)?
        .try_into();
    let [
        version,
        serial,
        algorithm,
        issued_by,
        validity,
        subject,
        public_key,
        extensions,
    ] = elements
        .map_err(|_| ForgeError::Edit)?
        .map(|element| element.octets);
    let mut tbs = Tbs {
        version,
        serial,
        algorithm,
        issuer: issued_by,
        validity,
        subject,
        public_key,
        extensions,
    };
    let mut hash = Hash::Sha256;
    for edit in edits {
        match edit {
            Edit::Serial(octets) => tbs.serial = der::element(INTEGER, octets),
            Edit::Version1 => {
                tbs.version.clear();
                tbs.extensions.clear();
            }
            Edit::PublicKey(key) => tbs.public_key.clone_from(key),
            Edit::Hash(to) => {
                hash = *to;
                tbs.algorithm = signature_algorithm(hash).unwrap_or(tbs.algorithm);
            }
        }
    }
    let signed = der::sequence(&[
        &tbs.version,
        &tbs.serial,
        &tbs.algorithm,
        &tbs.issuer,
        &tbs.validity,
        &tbs.subject,
        &tbs.public_key,
        &tbs.extensions,
    ]);
    let signature = issuer.sign_with(hash, &signed)?;
    Ok(der::sequence(&[
        &signed,
        &tbs.algorithm,
        &der::bit_string(&signature),
    ]))
}

/// Harms a finished certificate.
pub(crate) fn damage(mut certificate: Vec<u8>, damage: Damage) -> Result<Vec<u8>, ForgeError> {
    match damage {
        Damage::None => {}
        Damage::SignatureBit => {
            // The signature is the last element, and numbers are written with the least
            // significant octet last: the form stays right.
            if let Some(last) = certificate.last_mut() {
                *last ^= 1;
            }
        }
        Damage::CutShort => certificate.truncate(certificate.len() / 2),
        Damage::TrailingOctets => certificate.extend(b"trailing octets"),
        Damage::LongLength => {
            let (whole, _) = der::read(&certificate).ok_or(ForgeError::Edit)?;
            certificate = der::element_with_long_length(whole.tag, whole.content());
        }
    }
    Ok(certificate)
}

/// The elements of `TBSCertificate`.
fn tbs_elements(certificate: &[u8]) -> Option<Vec<Element>> {
    let (whole, _) = der::read(certificate)?;
    whole.children()?.first()?.children()
}

/// The algorithm of RSASSA-PKCS1-v1_5 with an outdated hash (RFC 3279 §2.2.1).
fn signature_algorithm(hash: Hash) -> Option<Vec<u8>> {
    let last = match hash {
        Hash::Sha256 => return None,
        Hash::Sha1 => 5,
        Hash::Md5 => 4,
    };
    const PKCS1: [u8; 10] = [0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01];
    const NULL: [u8; 2] = [0x05, 0x00];
    Some(der::sequence(&[&PKCS1, &[last], &NULL]))
}
