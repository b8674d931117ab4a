//! The names a server goes by. Must not know certificates.

use std::net::IpAddr;

/// The names the leaf must carry, as `dNSName` and `iPAddress` entries of its subject
/// alternative name (RFC 5280 §4.2.1.6).
///
/// The first name, DNS before IP, also stands in the subject's common name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Names {
    /// Host names, A-labels where they are internationalised. A left-most `*` is kept as it is.
    pub dns: Vec<String>,
    /// Addresses, for clients that are configured with an address instead of a name.
    pub ip: Vec<IpAddr>,
}

impl Names {
    /// One host name and nothing else.
    pub fn dns(host: &str) -> Names {
        Names {
            dns: vec![host.to_owned()],
            ip: Vec::new(),
        }
    }

    /// The name that identifies the server when there is room for only one.
    pub(crate) fn first(&self) -> Option<String> {
        let address = || self.ip.first().map(IpAddr::to_string);
        self.dns.first().cloned().or_else(address)
    }

    /// A host that none of these names stands for: the name on somebody else's certificate.
    pub(crate) fn stranger(&self) -> Names {
        let mut candidate = "other.example".to_owned();
        let mut attempt = 0;
        // Candidates have different parents, so a name, wildcard or not, covers at most one.
        while self.dns.iter().any(|name| covers(name, &candidate)) {
            attempt += 1;
            candidate = format!("other.host{attempt}.example");
        }
        Names::dns(&candidate)
    }
}

/// Whether a certificate for `name` is good for `host`: equal without regard to ASCII case and
/// a trailing dot, or a wildcard as the whole left-most label (RFC 6125 §6.4.1, §6.4.3).
fn covers(name: &str, host: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name);
    if name.eq_ignore_ascii_case(host) {
        return true;
    }
    match (name.strip_prefix("*."), host.split_once('.')) {
        (Some(parent), Some((_, rest))) => parent.eq_ignore_ascii_case(rest),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use test_case::test_case;

    #[test_case(&["mail.example.test"] => "other.example")]
    #[test_case(&["OTHER.example."] => "other.host1.example"; "case and trailing dot")]
    #[test_case(&["*.example", "other.host1.example"] => "other.host2.example"; "wildcard")]
    #[test_case(&[] => "other.example"; "no name at all")]
    fn a_stranger_is_never_one_of_the_names(names: &[&str]) -> String {
        let names = Names {
            dns: names.iter().map(|name| (*name).to_owned()).collect(),
            ip: Vec::new(),
        };
        names.stranger().dns.remove(0)
    }
}
