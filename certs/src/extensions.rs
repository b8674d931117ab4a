//! Extensions that the certificate writer does not know by name.
//!
//! Must not know what a leaf or an authority is.

use crate::{
    der,
    recipe::Extra,
    san::{self, GeneralName},
};
use rcgen::CustomExtension;

/// id-ce-subjectAltName.
const SUBJECT_ALT_NAME: &[u64] = &[2, 5, 29, 17];

/// id-pe-tlsfeature (RFC 7633 §4).
const TLS_FEATURE: &[u64] = &[1, 3, 6, 1, 5, 5, 7, 1, 24];

/// The features: status_request, which is 5.
const STATUS_REQUEST: &[u8] = &[0x02, 0x01, 0x05];

/// A number below the arc of UUIDs, where nobody needs to ask for one.
const UNKNOWN: &[u64] = &[2, 25, 718_001];

/// Stands in the second subject alternative name of a certificate.
pub(crate) const SECOND_NAME: &str = "second.example";

const OCTET_STRING: u8 = 0x04;

/// Octets of the huge one.
const HUGE: usize = 100 * 1024;

pub(crate) fn subject_alt_name(value: Vec<u8>) -> CustomExtension {
    CustomExtension::from_oid_content(SUBJECT_ALT_NAME, value)
}

/// The demand for an OCSP response in the handshake.
pub(crate) fn must_staple() -> CustomExtension {
    CustomExtension::from_oid_content(TLS_FEATURE, der::sequence(&[STATUS_REQUEST]))
}

pub(crate) fn extra(extra: Extra) -> Vec<CustomExtension> {
    let unknown = |octets: &[u8]| {
        CustomExtension::from_oid_content(UNKNOWN, der::element(OCTET_STRING, octets))
    };
    match extra {
        Extra::None => vec![],
        Extra::UnknownCritical => {
            let mut extension = unknown(b"mailproof");
            extension.set_criticality(true);
            vec![extension]
        }
        Extra::SecondSubjectAltName => {
            let names = [GeneralName::dns(SECOND_NAME)];
            vec![subject_alt_name(san::to_der(&names))]
        }
        Extra::Huge => vec![unknown(&vec![0; HUGE])],
    }
}
