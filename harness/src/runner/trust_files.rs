//! The files that tell a subject whom to trust: authorities and revocation lists, right ones and broken ones.
//!
//! Must not know subjects, nor what each of them makes of a file.

use std::sync::Arc;

use mailproof_certs::{Authority, Chain};
use mailproof_scenarios::model::{CaFile, Crl, Step, Store};

/// The name of the file of authorities of a step.
pub(super) fn ca_name(step: &Step) -> String {
    match step.ca_file {
        CaFile::Authority => "ca.pem".to_owned(),
        other => format!("ca-{other}.pem"),
    }
}

/// The name of the file that stands for the system's store, if there is one.
pub(super) fn store_name(step: &Step) -> Option<String> {
    (step.store != Store::Own).then(|| format!("store-{}.pem", step.store))
}

/// The name of the file of revocation lists, if there are any.
pub(super) fn crl_name(step: &Step) -> Option<String> {
    (step.crl != Crl::None).then(|| "crl.pem".to_owned())
}

/// What a step needs beside the certificate of the test authority, by name. `chains` are those of the case.
pub(super) fn of(
    step: &Step,
    authority: &Authority,
    chains: &[Arc<Chain>],
) -> Vec<(String, Vec<u8>)> {
    let mut files = Vec::new();
    let ca = match step.ca_file {
        CaFile::Authority | CaFile::Missing => None,
        CaFile::OtherAuthority => Some(authority.other_root_pem().into()),
        CaFile::Anchors => Some(each(chains, Chain::anchor_pem).into()),
        CaFile::Empty => Some(Vec::new()),
        CaFile::Der => Some(authority.root_der().to_vec()),
        CaFile::BrokenBlock => Some(broken_between(authority).into()),
    };
    files.extend(ca.map(|octets| (ca_name(step), octets)));
    let store = match step.store {
        Store::Own => None,
        Store::Authority => Some(authority.root_pem()),
        Store::OtherAuthority => Some(authority.other_root_pem()),
    };
    if let (Some(name), Some(pem)) = (store_name(step), store) {
        files.push((name, pem.into()));
    }
    if let Some(name) = crl_name(step) {
        files.push((name, each(chains, Chain::crls_pem).into()));
    }
    files
}

/// What the chains have of something in PEM, without what comes twice.
fn each(chains: &[Arc<Chain>], pem: impl Fn(&Chain) -> String) -> String {
    let mut all: Vec<String> = Vec::new();
    for text in chains.iter().map(|chain| pem(chain)) {
        if !all.contains(&text) {
            all.push(text);
        }
    }
    all.concat()
}

/// Two authorities, and between them a block whose DER ends before it should.
fn broken_between(authority: &Authority) -> String {
    const BROKEN: &str = "-----BEGIN CERTIFICATE-----\nMIIDMIIC\n-----END CERTIFICATE-----\n";
    format!(
        "{}{BROKEN}{}",
        authority.root_pem(),
        authority.other_root_pem()
    )
}
