//! What an authority may name (RFC 5280 §4.2.1.10): where it is limited, nothing else that it signs is good.
//!
//! Must not know certificates.

use crate::{names::Names, san::GeneralName};
use ipnet::IpNet;
use rcgen::{CidrSubnet, GeneralSubtree, NameConstraints};

/// Domains and networks. Without any the authority may name everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Territory {
    /// Host names; each stands for itself and everything below it.
    pub dns: Vec<String>,
    /// Networks.
    pub ip: Vec<IpNet>,
}

impl Territory {
    pub(crate) fn is_everything(&self) -> bool {
        self.dns.is_empty() && self.ip.is_empty()
    }

    /// A host that none of these names stands for, but one that the authority may name: else a client could
    /// reject the limits and not the name.
    pub(crate) fn stranger(&self, names: &Names) -> Names {
        match self.dns.first() {
            None => names.stranger(),
            Some(domain) => {
                let labels = ["other", "other1", "other2"].map(|it| format!("{it}.{domain}"));
                let own = |it: &String| names.dns.iter().any(|name| name.eq_ignore_ascii_case(it));
                let free = labels.into_iter().find(|it| !own(it));
                free.map_or_else(|| names.stranger(), |it| Names::dns(&it))
            }
        }
    }

    /// The first of these names that it may not name.
    pub(crate) fn first_outside(&self, names: &[GeneralName]) -> Option<String> {
        if self.is_everything() {
            return None;
        }
        names.iter().find_map(|name| match name {
            GeneralName::Dns(octets) => {
                let name = String::from_utf8_lossy(octets);
                // What is no host name keeps to no limits in some eyes, and is rejected for that.
                let plain = |it: &u8| it.is_ascii_alphanumeric() || b"-_.*".contains(it);
                let within = octets.iter().all(plain) && self.has_name(&name);
                (!within).then(|| name.escape_debug().to_string())
            }
            GeneralName::Address(ip) => {
                let within = self.ip.iter().any(|it| it.contains(ip));
                (!within).then(|| ip.to_string())
            }
            // Of these kinds nothing is limited.
            GeneralName::Mail(_) | GeneralName::Uri(_) | GeneralName::Srv(_) => None,
        })
    }

    fn has_name(&self, name: &str) -> bool {
        let name = name.to_ascii_lowercase();
        self.dns.iter().any(|domain| {
            let below = name.strip_suffix(domain.as_str());
            below.is_some_and(|it| it.is_empty() || it.ends_with('.'))
        })
    }

    /// As an extension.
    pub(crate) fn constraints(&self) -> NameConstraints {
        let dns = self.dns.iter().cloned().map(GeneralSubtree::DnsName);
        let ip = self.ip.iter().map(|it| {
            GeneralSubtree::IpAddress(CidrSubnet::from_addr_prefix(it.network(), it.prefix_len()))
        });
        NameConstraints {
            permitted_subtrees: dns.chain(ip).collect(),
            excluded_subtrees: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use test_case::test_case;

    fn territory() -> Territory {
        Territory {
            dns: vec!["firma.test".to_owned(), "localhost".to_owned()],
            ip: vec!["127.0.0.0/8".parse().unwrap()],
        }
    }

    #[test_case("firma.test" => None)]
    #[test_case("Mail.Firma.test" => None; "below, in capitals")]
    #[test_case("*.firma.test" => None; "a wildcard below")]
    #[test_case("andere-firma.test" => Some("andere-firma.test".to_owned()); "a name that ends alike")]
    #[test_case("*" => Some("*".to_owned()); "everything")]
    #[test_case("*.test" => Some("*.test".to_owned()); "the domain above")]
    #[test_case("a.firma.test\0.b.firma.test" => Some("a.firma.test\\0.b.firma.test".to_owned()); "a name that ends early")]
    fn names(name: &str) -> Option<String> {
        territory().first_outside(&[GeneralName::dns(name)])
    }

    #[test]
    fn addresses_and_what_is_not_limited() {
        let outside = GeneralName::Address("10.0.0.1".parse().unwrap());
        let within = GeneralName::Address("127.0.0.2".parse().unwrap());
        let uri = GeneralName::Uri("imap://elsewhere".to_owned());
        let found = territory().first_outside(&[within, uri, outside.clone()]);
        assert_eq!(found.as_deref(), Some("10.0.0.1"));
        assert_eq!(Territory::default().first_outside(&[outside]), None);
    }

    #[test]
    fn a_stranger_is_within_and_none_of_the_names() {
        let names = Names::dns("OTHER.firma.test");
        assert_eq!(territory().stranger(&names).dns, ["other1.firma.test"]);
        assert_eq!(Territory::default().stranger(&names).dns, ["other.example"]);
    }
}
