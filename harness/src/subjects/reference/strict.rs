//! What an over-strict client refuses although it is right. Each is one mistake that was made somewhere; the
//! perfect client demands none of it.

use rustls::pki_types::CertificateDer;
use x509_parser::{
    certificate::X509Certificate,
    extensions::{GeneralName, ParsedExtension},
    prelude::FromDer as _,
    time::ASN1Time,
};

/// The most names that such a client reads.
const FEW_NAMES: usize = 100;

/// The first moment of 2050 in seconds of Unix.
const YEAR_2050: i64 = 2_524_608_000;

/// What is demanded beyond the standard.
#[derive(Debug, Default)]
pub(super) struct Demands {
    /// Each certificate certifies the one before it, and nothing else is sent.
    pub(super) order: bool,
    /// The first issuer that fits is a valid one.
    pub(super) first_path: bool,
    /// No date after 2049.
    pub(super) early_dates: bool,
    /// The purpose is said.
    pub(super) purpose: bool,
    /// No issuer has name constraints.
    pub(super) no_constraints: bool,
    /// The key is on P-256.
    pub(super) p256: bool,
    /// Nothing is stapled.
    pub(super) no_staple: bool,
    /// No name has a wildcard.
    pub(super) no_wildcards: bool,
    /// The host is no address.
    pub(super) no_addresses: bool,
    /// The host is no internationalised name.
    pub(super) ascii_host: bool,
    /// A name equals the host letter by letter.
    pub(super) letter_case: bool,
    /// The name is among the first.
    pub(super) few_names: bool,
}

/// What such a client complains of.
pub(super) fn complaint(
    leaf: &CertificateDer<'_>,
    sent: &[CertificateDer<'_>],
    staple: &[u8],
    host: &str,
    now: i64,
    demands: &Demands,
) -> Option<&'static str> {
    let (_, parsed) = X509Certificate::from_der(leaf).ok()?;
    let others: Vec<_> = sent
        .iter()
        .filter_map(|der| Some(X509Certificate::from_der(der).ok()?.1))
        .collect();
    let names = dns_names(&parsed);
    let is_address = host.parse::<std::net::IpAddr>().is_ok();
    let late = |it: &X509Certificate<'_>| it.validity().not_after.timestamp() >= YEAR_2050;
    let complaints = [
        (
            demands.order && !is_in_order(&parsed, &others),
            "the chain is in disorder",
        ),
        (
            demands.first_path && !first_is_valid(&parsed, &others, now),
            "an issuer has expired",
        ),
        (
            demands.early_dates && late(&parsed),
            "a date cannot be read",
        ),
        (
            demands.purpose && !matches!(parsed.extended_key_usage(), Ok(Some(_))),
            "the purpose is not said",
        ),
        (
            demands.no_constraints && others.iter().any(is_constrained),
            "an issuer has name constraints",
        ),
        (
            demands.p256 && parsed.public_key().raw.len() != P256_KEY,
            "the key is of an unknown kind",
        ),
        (
            demands.no_staple && !staple.is_empty(),
            "something is stapled",
        ),
        (
            demands.no_wildcards && names.iter().any(|it| it.contains('*')),
            "a name has a wildcard",
        ),
        (demands.no_addresses && is_address, "the host is an address"),
        (
            demands.ascii_host && !host.is_ascii(),
            "the host has letters beyond ASCII",
        ),
        (
            demands.letter_case
                && !is_address
                && host.is_ascii()
                && !names.iter().any(|it| it == host.trim_end_matches('.')),
            "the name is another",
        ),
        (
            demands.few_names && names.len() > FEW_NAMES,
            "the name is not among the first",
        ),
    ];
    complaints
        .into_iter()
        .find_map(|(applies, why)| applies.then_some(why))
}

/// Octets of a SubjectPublicKeyInfo with a key on P-256.
const P256_KEY: usize = 91;

fn dns_names(leaf: &X509Certificate<'_>) -> Vec<String> {
    let Ok(Some(names)) = leaf.subject_alternative_name() else {
        return Vec::new();
    };
    let names = names.value.general_names.iter();
    names
        .filter_map(|it| match it {
            GeneralName::DNSName(name) => Some((*name).to_owned()),
            _ => None,
        })
        .collect()
}

fn is_in_order(leaf: &X509Certificate<'_>, others: &[X509Certificate<'_>]) -> bool {
    let mut below = leaf;
    others.iter().all(|it| {
        let certifies = it.subject().as_raw() == below.issuer().as_raw();
        below = it;
        // A root certifies itself, and such a client knows it already.
        certifies && it.subject().as_raw() != it.issuer().as_raw()
    })
}

fn first_is_valid(leaf: &X509Certificate<'_>, others: &[X509Certificate<'_>], now: i64) -> bool {
    let first = others
        .iter()
        .find(|it| it.subject().as_raw() == leaf.issuer().as_raw());
    first.is_none_or(|it| {
        ASN1Time::from_timestamp(now).is_ok_and(|now| it.validity().is_valid_at(now))
    })
}

fn is_constrained(issuer: &X509Certificate<'_>) -> bool {
    issuer
        .extensions()
        .iter()
        .any(|it| matches!(it.parsed_extension(), ParsedExtension::NameConstraints(_)))
}
