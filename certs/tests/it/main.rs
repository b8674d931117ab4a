//! What the forged chains look like, and what independent verifiers make of them.
//!
//! Every date is relative to one fixed `NOW`, which is not today: a certificate or a verifier
//! that looks at the wall clock is found out.

mod authority;
mod contents;
mod export;
mod handshake;
mod openssl_client;
mod verifiers;

use mailproof_certs::{Authority, Chain, Fault, Names};
use std::sync::{Arc, LazyLock};
use time::{OffsetDateTime, macros::datetime};

const NOW: OffsetDateTime = datetime!(2041-02-28 23:30:00 UTC);
const HOST: &str = "mail.example.test";

static AUTHORITY: LazyLock<Authority> = LazyLock::new(|| Authority::fresh(NOW).unwrap());

/// The names of a server that can show the fault.
fn names(fault: Fault) -> Names {
    Names::dns(HOST).fitting(fault.needs())
}

/// What the client is told to connect to, so that it meets the fault.
fn host(fault: Fault) -> String {
    let names = names(fault);
    match names.ip.first() {
        Some(address) => address.to_string(),
        None => names.dns[0].clone(),
    }
}

fn chain(fault: Fault) -> Arc<Chain> {
    AUTHORITY.chain(fault, &names(fault)).unwrap()
}
