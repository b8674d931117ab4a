//! The words for what happens between the lines.

use mailproof_scenarios::model::{Endpoints, Family, HostAddress, What, event::Said};

use crate::results::Record;

/// The line above a step: what was asked.
pub(super) fn step_title(record: &Record, number: u16) -> String {
    match record.steps.get(usize::from(number.max(1)) - 1) {
        Some(step) => format!(
            "step {number}: {} over {}, security {}, trust {}, sign-in {}",
            step.job, step.protocol, step.security, step.trust, step.auth
        ),
        None => format!("step {number}"),
    }
}

/// What an event is for people; `None` for what the lines show already.
pub(crate) fn milestone(record: &Record, what: &What) -> Option<String> {
    Some(match what {
        What::Attempted { port, between } => {
            format!("the client knocks at {port}{}", way(*between))
        }
        What::Queried {
            name, kind, answer, ..
        } => format!("DNS: {name} {kind}: {}", answer.join(", ")),
        What::ServerVanished => "the server vanishes".to_owned(),
        What::ClientHello(hello) => {
            let versions: Vec<String> = hello
                .versions
                .iter()
                .filter_map(|it| version(*it))
                .map(str::to_owned)
                .collect();
            format!(
                "ClientHello: name {}, {}{}{}",
                hello.sni.as_deref().unwrap_or("none"),
                if versions.is_empty() {
                    "no known version".to_owned()
                } else {
                    versions.join(" and ")
                },
                if hello.resumes {
                    ", offers to resume a session"
                } else {
                    ""
                },
                if hello.early_data {
                    ", with early data"
                } else {
                    ""
                },
            )
        }
        What::ServedChain(chain) => {
            let key = match chain.variant {
                0 => String::new(),
                variant => format!(", key {}", variant + 1),
            };
            format!("the server shows the chain {}{key}", chain.fault)
        }
        What::TlsEstablished {
            version,
            suite,
            resumed,
        } => format!(
            "{} begins ({suite}{})",
            version.replacen("TLSv1_", "TLS 1.", 1),
            if *resumed { ", resumed" } else { "" }
        ),
        What::TlsFailed { error } => format!("TLS fails: {error}"),
        What::EarlyData { octets } => {
            format!("the client sends {} octets of early data", octets.len())
        }
        What::KeyExchange => "the client sends its key exchange".to_owned(),
        What::SignIn {
            mechanism,
            user,
            accepted,
        } => format!(
            "sign-in of {user} ({mechanism}) {}",
            if *accepted { "accepted" } else { "refused" }
        ),
        What::MessageAccepted { from, to, .. } => {
            format!("message accepted, from {from} to {}", to.join(", "))
        }
        What::MessageRefused { from, to } => {
            format!("message refused, from {from} to {}", to.join(", "))
        }
        What::Appended { mailbox, .. } => format!("message stored in {mailbox}"),
        What::IdleNotified => "a new message is announced".to_owned(),
        What::Deviated { index } => {
            let deviation = record.case.deviations().get(usize::from(*index));
            format!(
                "here the server deviates: {}",
                deviation.map_or_else(|| "unknown".to_owned(), crate::judge::describe_deviation)
            )
        }
        What::ServerClosed { reset: false } => "the server closes".to_owned(),
        What::ServerClosed { reset: true } => "the server resets".to_owned(),
        What::ClientClosed { reset: false } => "the client closes".to_owned(),
        What::ClientClosed { reset: true } => "the client resets".to_owned(),
        What::LingerOver => "the client leaves it open".to_owned(),
        What::Elsewhere { case } => {
            format!("here a connection arrived that belongs to {case}; it is told there")
        }
        What::CameLate {
            during,
            same_settings: true,
        } => format!("this connection came late, during {during}"),
        What::CameLate {
            during,
            same_settings: false,
        } => format!(
            "this connection came late, during {during}, and with other settings: it is not judged"
        ),
        What::HarnessFailed { error } => format!("the harness failed: {error}"),
        _ => return None,
    })
}

/// Which way a connection took, with a blank before it; nothing where there is only one.
pub(crate) fn way(between: Endpoints) -> String {
    let (Some(family), Some(source)) = (between.family, between.source) else {
        return String::new();
    };
    let family = match family {
        Family::Ipv4 => "IPv4",
        Family::Ipv6 => "IPv6",
    };
    let address = match between.address {
        HostAddress::Server => String::new(),
        other => format!(" address \"{other}\""),
    };
    let source = match source {
        1 => String::new(),
        other => format!(" from its address {other}"),
    };
    format!("{address} over {family}{source}")
}

/// What a subject said.
pub(crate) const fn said(said: Said) -> &'static str {
    match said {
        Said::Success => "success",
        Said::Temporary => "failure for now",
        Said::Permanent => "failure for good",
        Said::RefusedTls => "TLS refused",
        Said::Failed => "failure",
    }
}

/// A protocol version; `None` for grease and other numbers that are none.
pub(crate) const fn version(number: u16) -> Option<&'static str> {
    Some(match number {
        0x0304 => "TLS 1.3",
        0x0303 => "TLS 1.2",
        0x0302 => "TLS 1.1",
        0x0301 => "TLS 1.0",
        0x0300 => "SSL 3",
        _ => return None,
    })
}

/// The name of an alert (RFC 8446 §6, and RFC 5246 §7.2 for what it dropped).
pub(crate) const fn alert(number: u8) -> &'static str {
    match number {
        0 => "close_notify",
        10 => "unexpected_message",
        20 => "bad_record_mac",
        21 => "decryption_failed",
        22 => "record_overflow",
        30 => "decompression_failure",
        40 => "handshake_failure",
        41 => "no_certificate",
        42 => "bad_certificate",
        43 => "unsupported_certificate",
        44 => "certificate_revoked",
        45 => "certificate_expired",
        46 => "certificate_unknown",
        47 => "illegal_parameter",
        48 => "unknown_ca",
        49 => "access_denied",
        50 => "decode_error",
        51 => "decrypt_error",
        60 => "export_restriction",
        70 => "protocol_version",
        71 => "insufficient_security",
        80 => "internal_error",
        86 => "inappropriate_fallback",
        90 => "user_canceled",
        100 => "no_renegotiation",
        109 => "missing_extension",
        110 => "unsupported_extension",
        112 => "unrecognized_name",
        113 => "bad_certificate_status_response",
        115 => "unknown_psk_identity",
        116 => "certificate_required",
        120 => "no_application_protocol",
        _ => "unknown",
    }
}
