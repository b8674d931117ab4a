//! PEM armour (RFC 7468). Must not look inside the DER: forged bytes are written as they are.

use base64::{Engine as _, engine::general_purpose::STANDARD};

/// Characters per line of the body.
const LINE: usize = 64;

pub(crate) fn certificate(der: &[u8]) -> String {
    armour("CERTIFICATE", der)
}

pub(crate) fn revocation_list(der: &[u8]) -> String {
    armour("X509 CRL", der)
}

/// In PKCS #8.
pub(crate) fn private_key(der: &[u8]) -> String {
    armour("PRIVATE KEY", der)
}

/// One block (RFC 7468 §3), with a final newline.
pub fn armour(label: &str, der: &[u8]) -> String {
    let body = STANDARD.encode(der);
    let mut pem = format!("-----BEGIN {label}-----\n");
    let mut rest = body.as_str();
    while !rest.is_empty() {
        let (line, after) = rest.split_at(rest.len().min(LINE));
        pem.push_str(line);
        pem.push('\n');
        rest = after;
    }
    pem.push_str(&format!("-----END {label}-----\n"));
    pem
}
