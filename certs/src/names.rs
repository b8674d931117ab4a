//! The names a server goes by. Must not know certificates.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr},
};

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

    /// These names, or the nearest ones that meet the needs: with more labels in front of the
    /// first host name, or with the address of this machine.
    pub fn fitting(&self, needs: Needs) -> Names {
        let mut names = self.clone();
        if needs.met_by(&names) {
            return names;
        }
        if needs == Needs::Address {
            names.ip = vec![IpAddr::V4(Ipv4Addr::LOCALHOST)];
            return names;
        }
        if names.dns.is_empty() {
            names.dns = vec!["localhost".to_owned()];
        }
        let label = match needs {
            Needs::Internationalised => "xn--bcher-kva",
            _ => "mail",
        };
        while !needs.met_by(&names) {
            names.dns[0] = format!("{label}.{}", names.dns[0]);
        }
        names
    }

    /// The name that identifies the server when there is room for only one.
    pub(crate) fn first(&self) -> Option<String> {
        let address = || self.ip.first().map(IpAddr::to_string);
        self.dns.first().cloned().or_else(address)
    }

    /// A host that none of these names stands for: the name on somebody else's certificate.
    /// `other.example`, unless that is one of the names.
    pub fn stranger(&self) -> Names {
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

/// What the names of a server must be like, so that a fault can be shown with them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Needs {
    /// A host name or an address.
    Anything,
    /// A host name.
    HostName,
    /// A host name of so many labels or more.
    Labels(u8),
    /// As [`Needs::Labels`], with a first label of three characters or more.
    LongFirstLabel(u8),
    /// An address, which the client is configured with.
    Address,
    /// A host name with an A-label (RFC 5890 §2.3.2.1).
    Internationalised,
}

impl Needs {
    /// Whether these names are of that kind; the first host name decides.
    pub fn met_by(self, names: &Names) -> bool {
        let first = names.dns.first().map(String::as_str);
        let labels = |least: u8| first.filter(|it| it.split('.').count() >= least.into());
        match self {
            Needs::Anything => first.is_some() || !names.ip.is_empty(),
            Needs::HostName => first.is_some(),
            Needs::Labels(least) => labels(least).is_some(),
            Needs::LongFirstLabel(least) => labels(least)
                .and_then(|it| it.split('.').next())
                .is_some_and(|label| label.chars().count() >= 3),
            Needs::Address => !names.ip.is_empty(),
            Needs::Internationalised => {
                first.is_some_and(|it| it.split('.').any(|label| label.starts_with("xn--")))
            }
        }
    }
}

/// As in "needs ...".
impl fmt::Display for Needs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Needs::Anything => f.write_str("a host name or an address"),
            Needs::HostName => f.write_str("a host name"),
            Needs::Labels(least) => write!(f, "a host name of {least} labels or more"),
            Needs::LongFirstLabel(least) => write!(
                f,
                "a host name of {least} labels or more, the first of 3 characters or more"
            ),
            Needs::Address => f.write_str("an address"),
            Needs::Internationalised => f.write_str("a host name with an xn-- label"),
        }
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

    fn names(dns: &[&str], ip: &[&str]) -> Names {
        Names {
            dns: dns.iter().map(|name| (*name).to_owned()).collect(),
            ip: ip.iter().map(|address| address.parse().unwrap()).collect(),
        }
    }

    #[test_case(Needs::Anything, &["localhost"], &[] => true)]
    #[test_case(Needs::Anything, &[], &["::1"] => true; "an address is something")]
    #[test_case(Needs::Anything, &[], &[] => false; "nothing")]
    #[test_case(Needs::HostName, &[], &["::1"] => false; "an address is no host name")]
    #[test_case(Needs::Labels(3), &["mail.example.test"], &[] => true; "three labels")]
    #[test_case(Needs::Labels(3), &["example.test"], &[] => false; "two labels")]
    #[test_case(Needs::LongFirstLabel(3), &["mx.example.test"], &[] => false; "a short label")]
    #[test_case(Needs::LongFirstLabel(3), &["mail.example.test"], &[] => true; "a long label")]
    #[test_case(Needs::Address, &["localhost"], &[] => false; "a host name is no address")]
    #[test_case(Needs::Address, &["localhost"], &["127.0.0.1"] => true; "an address")]
    #[test_case(Needs::Internationalised, &["xn--bcher-kva.example"], &[] => true; "an A-label")]
    #[test_case(Needs::Internationalised, &["mail.example"], &[] => false; "no A-label")]
    fn needs_are_met(needs: Needs, dns: &[&str], ip: &[&str]) -> bool {
        needs.met_by(&names(dns, ip))
    }

    #[test_case(Needs::Anything, &["localhost"] => "localhost")]
    #[test_case(Needs::Labels(3), &["localhost"] => "mail.mail.localhost"; "more labels")]
    #[test_case(Needs::LongFirstLabel(2), &["mx.example"] => "mail.mx.example"; "a longer label")]
    #[test_case(Needs::HostName, &[] => "localhost"; "a host name")]
    #[test_case(Needs::Address, &["localhost"] => "localhost"; "an address more")]
    #[test_case(Needs::Internationalised, &["localhost"] => "xn--bcher-kva.localhost")]
    fn names_are_made_fitting(needs: Needs, dns: &[&str]) -> String {
        let fitting = names(dns, &[]).fitting(needs);
        assert!(needs.met_by(&fitting), "{fitting:?}");
        fitting.dns[0].clone()
    }

    #[test_case(&["mail.example.test"] => "other.example")]
    #[test_case(&["OTHER.example."] => "other.host1.example"; "case and trailing dot")]
    #[test_case(&["*.example", "other.host1.example"] => "other.host2.example"; "wildcard")]
    #[test_case(&[] => "other.example"; "no name at all")]
    fn a_stranger_is_never_one_of_the_names(dns: &[&str]) -> String {
        names(dns, &[]).stranger().dns.remove(0)
    }
}
