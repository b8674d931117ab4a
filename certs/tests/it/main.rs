//! What the forged chains look like, and what independent verifiers make of them.
//!
//! Every date is relative to one fixed `NOW`, which is not today: a certificate or a verifier
//! that looks at the wall clock is found out.

mod authority;
mod contents;
mod export;
mod handshake;
mod verifiers;

use mailproof_certs::{Authority, Chain, Fault, Names};
use std::sync::{Arc, LazyLock};
use time::{OffsetDateTime, macros::datetime};

const NOW: OffsetDateTime = datetime!(2041-02-28 23:30:00 UTC);
const HOST: &str = "mail.example.test";

static AUTHORITY: LazyLock<Authority> = LazyLock::new(|| Authority::fresh(NOW).unwrap());

fn chain(fault: Fault) -> Arc<Chain> {
    AUTHORITY.chain(fault, &Names::dns(HOST)).unwrap()
}
