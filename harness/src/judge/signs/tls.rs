//! Signs of what a client says and does in TLS itself.

use std::net::IpAddr;

use mailproof_scenarios::model::What;

use super::{Sighting, channel, each};
use crate::judge::view::{View, step_of};

pub(super) fn key_exchange(view: &View<'_>) -> Vec<Sighting> {
    each(view, |what| {
        matches!(what, What::KeyExchange).then(|| {
            "The client agreed to what the server selected although it must refuse it (it sent its key exchange)."
                .to_owned()
        })
    })
}

pub(super) fn server_name_sent(view: &View<'_>) -> Vec<Sighting> {
    view.events
        .iter()
        .enumerate()
        .filter_map(|(index, event)| {
            let What::ClientHello(hello) = &event.what else {
                return None;
            };
            let sni = hello.sni.as_deref()?.trim_end_matches('.');
            let host = view.record.host_of(step_of(event)).trim_end_matches('.');
            sni.eq_ignore_ascii_case(host).then(|| {
                let says = "The client named the configured host when it began TLS.";
                Sighting::at(view, index, says)
            })
        })
        .collect()
}

/// RFC 6066 §3: literal addresses are not permitted, with brackets or without.
pub(super) fn address_as_server_name(view: &View<'_>) -> Vec<Sighting> {
    each(view, |what| match what {
        What::ClientHello(hello) => {
            let name = hello.sni.as_deref()?;
            let bare = name.trim_start_matches('[').trim_end_matches(']');
            bare.parse::<IpAddr>()
                .ok()
                .map(|_| format!("The client gave the address {name} as the name of the server."))
        }
        _ => None,
    })
}

pub(super) fn weak_suite_offered(view: &View<'_>) -> Vec<Sighting> {
    each(view, |what| match what {
        What::ClientHello(hello) => {
            let weak: Vec<String> = hello
                .suites
                .iter()
                .filter(|it| is_weak(**it))
                .map(|it| format!("0x{it:04x}"))
                .collect();
            (!weak.is_empty()).then(|| {
                format!(
                    "The client offered broken cipher suites: {}.",
                    weak.join(", ")
                )
            })
        }
        _ => None,
    })
}

/// Whether a suite of the IANA registry is NULL, anonymous, export, DES, RC4 or 3DES (RFC 9325 §4.1, RFC 7465).
fn is_weak(suite: u16) -> bool {
    matches!(
        suite,
        // TLS_NULL_…, RSA with NULL, export, RC4, DES, 3DES; DH and DHE with DES and 3DES; DH_anon.
        0x0000..=0x0006
            | 0x0008..=0x001b
            // Kerberos with DES, 3DES, RC4, export.
            | 0x001e..=0x0020 | 0x0022..=0x002b
            // PSK with NULL.
            | 0x002c..=0x002e
            // DH_anon with AES, RSA with NULL-SHA256, DH_anon with Camellia, SEED.
            | 0x0034 | 0x003a | 0x003b | 0x0046 | 0x006c | 0x006d | 0x0089 | 0x009b
            // PSK with RC4 and 3DES.
            | 0x008a | 0x008b | 0x008e | 0x008f | 0x0092 | 0x0093
            // DH_anon with AES-GCM; PSK with NULL.
            | 0x00a6 | 0x00a7 | 0x00b0 | 0x00b1 | 0x00b4 | 0x00b5 | 0x00b8 | 0x00b9
            // ECDH and ECDHE with NULL, RC4, 3DES; ECDH_anon.
            | 0xc001..=0xc003 | 0xc006..=0xc008 | 0xc00b..=0xc00d | 0xc010..=0xc012 | 0xc015..=0xc019
            // SRP with 3DES, ECDHE_PSK with RC4, 3DES and NULL.
            | 0xc01a..=0xc01c | 0xc033 | 0xc034 | 0xc039..=0xc03b
    )
}

pub(super) fn session_offered(view: &View<'_>) -> Vec<Sighting> {
    each(view, |what| match what {
        What::ClientHello(hello) if hello.resumes => {
            Some("The client offered an earlier session for resumption.".to_owned())
        }
        _ => None,
    })
}

/// A ClientHello on a connection on which TLS is established and goes on.
pub(super) fn renegotiation(view: &View<'_>) -> Vec<Sighting> {
    let mut seen = Vec::new();
    for connection in &view.connections {
        let mut inside = false;
        for (index, event) in view.events_on(connection) {
            match &event.what {
                What::TlsEstablished { .. } => inside = true,
                What::TlsFailed { .. } => inside = false,
                What::ClientHello(_) if inside => {
                    let says = "The client began a new handshake inside TLS.";
                    seen.push(Sighting::at(view, index, says));
                }
                _ => {}
            }
        }
    }
    seen
}

pub(super) fn command_in_early_data(view: &View<'_>) -> Vec<Sighting> {
    view.events
        .iter()
        .enumerate()
        .filter_map(|(index, event)| {
            let What::EarlyData { octets } = &event.what else {
                return None;
            };
            let protocol = view.connection(event.conn?)?.protocol;
            let verb = channel::beyond_hello(octets, protocol)?;
            let says =
                format!("The client sent {verb} in early data, which anybody can send again.");
            Some(Sighting::at(view, index, says))
        })
        .collect()
}

pub(super) fn handshake(view: &View<'_>) -> Vec<Sighting> {
    each(view, |what| match what {
        What::TlsEstablished { version, .. } => {
            Some(format!("A TLS handshake was completed ({version})."))
        }
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use test_case::test_case;

    use super::*;

    #[test_case(0x0005 => true; "RC4")]
    #[test_case(0x000a => true; "3DES")]
    #[test_case(0xc008 => true; "ECDHE with 3DES")]
    #[test_case(0xc018 => true; "anonymous")]
    #[test_case(0x0002 => true; "NULL")]
    #[test_case(0x0003 => true; "export")]
    #[test_case(0x0007 => false; "IDEA is only old")]
    #[test_case(0x002f => false; "AES with static RSA is only old")]
    #[test_case(0x1301 => false; "TLS 1.3")]
    #[test_case(0xc02b => false; "AES-GCM")]
    #[test_case(0xcca9 => false; "ChaCha20")]
    #[test_case(0x00ff => false; "no suite at all")]
    fn weak(suite: u16) -> bool {
        is_weak(suite)
    }
}
