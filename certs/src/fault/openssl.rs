//! The errors of OpenSSL that come up in the table, from `openssl/x509_vfy.h`.

use super::OpensslError;

/// What OpenSSL cannot read, it does not verify.
pub(super) const UNREADABLE: OpensslError = error(0, 0, "unable to load certificate");

pub(super) const fn cert_signature_failure(depth: u8) -> OpensslError {
    error(7, depth, "X509_V_ERR_CERT_SIGNATURE_FAILURE")
}

pub(super) const fn cert_not_yet_valid(depth: u8) -> OpensslError {
    error(9, depth, "X509_V_ERR_CERT_NOT_YET_VALID")
}

pub(super) const fn cert_has_expired(depth: u8) -> OpensslError {
    error(10, depth, "X509_V_ERR_CERT_HAS_EXPIRED")
}

pub(super) const fn crl_has_expired(depth: u8) -> OpensslError {
    error(12, depth, "X509_V_ERR_CRL_HAS_EXPIRED")
}

pub(super) const fn depth_zero_self_signed_cert(depth: u8) -> OpensslError {
    error(18, depth, "X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT")
}

pub(super) const fn unable_to_get_issuer_cert_locally(depth: u8) -> OpensslError {
    error(20, depth, "X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY")
}

pub(super) const fn cert_revoked(depth: u8) -> OpensslError {
    error(23, depth, "X509_V_ERR_CERT_REVOKED")
}

pub(super) const fn path_length_exceeded(depth: u8) -> OpensslError {
    error(25, depth, "X509_V_ERR_PATH_LENGTH_EXCEEDED")
}

pub(super) const fn invalid_purpose(depth: u8) -> OpensslError {
    error(26, depth, "X509_V_ERR_INVALID_PURPOSE")
}

pub(super) const fn unhandled_critical_extension(depth: u8) -> OpensslError {
    error(34, depth, "X509_V_ERR_UNHANDLED_CRITICAL_EXTENSION")
}

pub(super) const fn permitted_violation(depth: u8) -> OpensslError {
    error(47, depth, "X509_V_ERR_PERMITTED_VIOLATION")
}

pub(super) const fn excluded_violation(depth: u8) -> OpensslError {
    error(48, depth, "X509_V_ERR_EXCLUDED_VIOLATION")
}

pub(super) const fn hostname_mismatch(depth: u8) -> OpensslError {
    error(62, depth, "X509_V_ERR_HOSTNAME_MISMATCH")
}

pub(super) const fn ip_address_mismatch(depth: u8) -> OpensslError {
    error(64, depth, "X509_V_ERR_IP_ADDRESS_MISMATCH")
}

pub(super) const fn invalid_ca(depth: u8) -> OpensslError {
    error(79, depth, "X509_V_ERR_INVALID_CA")
}

pub(super) const fn ec_key_explicit_params(depth: u8) -> OpensslError {
    error(94, depth, "X509_V_ERR_EC_KEY_EXPLICIT_PARAMS")
}

const fn error(code: u16, depth: u8, name: &'static str) -> OpensslError {
    OpensslError { code, depth, name }
}
