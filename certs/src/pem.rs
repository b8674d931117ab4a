//! PEM armour (RFC 7468). Must not look inside the DER: forged bytes are written as they are.

use base64::{Engine as _, engine::general_purpose::STANDARD};

/// Characters per line of the body.
const LINE: usize = 64;

/// One certificate as PEM, with a final newline.
pub(crate) fn certificate(der: &[u8]) -> String {
    let body = STANDARD.encode(der);
    let mut pem = String::from("-----BEGIN CERTIFICATE-----\n");
    let mut rest = body.as_str();
    while !rest.is_empty() {
        let (line, after) = rest.split_at(rest.len().min(LINE));
        pem.push_str(line);
        pem.push('\n');
        rest = after;
    }
    pem.push_str("-----END CERTIFICATE-----\n");
    pem
}
