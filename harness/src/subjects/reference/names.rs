//! Names that only a flawed client takes for the server's, for certificates that webpki rightly finds to be
//! of another. Each quirk is one mistake that was made somewhere.

use std::net::IpAddr;

use rustls::pki_types::CertificateDer;
use x509_parser::{certificate::X509Certificate, extensions::GeneralName, prelude::FromDer as _};

use super::dial::in_ascii;

/// What a flawed client takes for a match.
#[derive(Debug, Default)]
pub(super) struct Quirks {
    /// Anything.
    pub(super) any: bool,
    /// The common name, whatever else there is.
    pub(super) common_name: bool,
    /// A wildcard for several labels.
    pub(super) deep: bool,
    /// A wildcard for no label.
    pub(super) apex: bool,
    /// A wildcard for a piece of the first label.
    pub(super) part: bool,
    /// A wildcard for any label.
    pub(super) anywhere: bool,
    /// A wildcard for all there is, or all below a top-level domain.
    pub(super) everything: bool,
    /// An address is not compared.
    pub(super) addresses: bool,
    /// An address is compared as text.
    pub(super) addresses_as_text: bool,
    /// A name ends at a NUL.
    pub(super) nul: bool,
    /// The host of a URI, of a mail address, the domain of a service.
    pub(super) other_kinds: bool,
    /// Octets in UTF-8.
    pub(super) u_labels: bool,
}

/// Whether a certificate is for `host` as the user typed it, by these quirks.
pub(super) fn matches(leaf: &CertificateDer<'_>, host: &str, quirks: &Quirks) -> bool {
    let host = host.trim_end_matches('.').to_lowercase();
    let host = if quirks.u_labels {
        host
    } else {
        in_ascii(&host)
    };
    let is_address = host.parse::<IpAddr>().is_ok();
    if quirks.any || (quirks.addresses && is_address) {
        return true;
    }
    let Ok((_, leaf)) = X509Certificate::from_der(leaf) else {
        return false;
    };
    let mut names: Vec<String> = Vec::new();
    for name in alternative_names(&leaf) {
        match name {
            GeneralName::DNSName(name) => names.push(name.to_lowercase()),
            GeneralName::Invalid(_, octets) if quirks.u_labels => {
                names.push(String::from_utf8_lossy(octets).to_lowercase());
            }
            GeneralName::URI(uri) if quirks.other_kinds => names.extend(host_of(uri)),
            GeneralName::RFC822Name(address) if quirks.other_kinds => {
                names.extend(
                    address
                        .rsplit_once('@')
                        .map(|(_, host)| host.to_lowercase()),
                );
            }
            _ => {}
        }
    }
    let by_text = quirks.addresses_as_text && is_address;
    if quirks.common_name || quirks.nul || by_text {
        let common = leaf.subject().iter_common_name();
        names.extend(
            common
                .filter_map(|it| it.as_str().ok())
                .map(str::to_lowercase),
        );
    }
    if quirks.nul {
        for name in &mut names {
            name.truncate(name.find('\0').unwrap_or(name.len()));
        }
    }
    if is_address && !by_text {
        return false;
    }
    names.iter().any(|name| is_for(name, &host, quirks))
}

fn alternative_names<'a>(leaf: &'a X509Certificate<'_>) -> Vec<GeneralName<'a>> {
    match leaf.subject_alternative_name() {
        Ok(Some(names)) => names.value.general_names.clone(),
        _ => Vec::new(),
    }
}

fn host_of(uri: &str) -> Option<String> {
    let (_, rest) = uri.split_once("://")?;
    let host = rest.split(['/', ':', '?']).next()?;
    Some(host.to_lowercase())
}

fn is_for(name: &str, host: &str, quirks: &Quirks) -> bool {
    if name == host {
        return true;
    }
    let everything = name == "*" || name.strip_prefix("*.").is_some_and(|it| !it.contains('.'));
    if everything {
        let parent = name.trim_start_matches('*');
        return (quirks.everything && host.ends_with(parent))
            || (quirks.apex && host == parent.trim_start_matches('.'));
    }
    if let Some(parent) = name.strip_prefix("*.") {
        let below = host
            .strip_suffix(parent)
            .and_then(|it| it.strip_suffix('.'));
        return (quirks.apex && host == parent)
            || below.is_some_and(|labels| quirks.deep || !labels.contains('.'));
    }
    let (name, host): (Vec<&str>, Vec<&str>) =
        (name.split('.').collect(), host.split('.').collect());
    name.len() == host.len()
        && name
            .iter()
            .zip(&host)
            .enumerate()
            .all(|(at, (label, of_host))| {
                label == of_host
                    || (quirks.anywhere && *label == "*")
                    || (quirks.part && at == 0 && is_like(label, of_host))
            })
}

/// Whether a label with one `*` in it stands for another label.
fn is_like(pattern: &str, label: &str) -> bool {
    pattern.split_once('*').is_some_and(|(before, after)| {
        label.len() >= before.len() + after.len()
            && label.starts_with(before)
            && label.ends_with(after)
    })
}
