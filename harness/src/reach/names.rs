//! What a subject is told to call the server: one name, and an address of each family at most.
//!
//! Must not know where the server listens.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Names and addresses that somebody advertises.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Advertised {
    pub(super) name: Option<String>,
    pub(super) v4: Option<Ipv4Addr>,
    pub(super) v6: Option<Ipv6Addr>,
}

impl Advertised {
    pub(super) fn parse(words: &[String]) -> Result<Self, String> {
        let mut advertised = Self::default();
        for word in words {
            let twice = |what: &str| format!("`{word}` is a second {what}; one is told");
            match word.trim().parse::<IpAddr>() {
                Ok(ip) if ip.is_unspecified() => {
                    return Err(format!(
                        "`{word}` stands for every address and is none that a client can be told"
                    ));
                }
                Ok(IpAddr::V4(ip)) => {
                    if advertised.v4.replace(ip).is_some() {
                        return Err(twice("IPv4 address"));
                    }
                }
                Ok(IpAddr::V6(ip)) => {
                    if advertised.v6.replace(ip).is_some() {
                        return Err(twice("IPv6 address"));
                    }
                }
                Err(_) => {
                    if advertised.name.replace(host_name(word.trim())?).is_some() {
                        return Err(twice("name"));
                    }
                }
            }
        }
        Ok(advertised)
    }

    /// What a client on this network can be told of a server that listens there.
    pub(super) fn of(bind: &[IpAddr]) -> Result<Self, String> {
        if let Some(ip) = bind.iter().find(|it| it.is_unspecified()) {
            return Err(format!(
                "`{ip}` stands for every address and is none that a client can be told: say by --advertise what \
                 it is to be told"
            ));
        }
        let usual = [
            IpAddr::V4(Ipv4Addr::LOCALHOST),
            IpAddr::V6(Ipv6Addr::LOCALHOST),
        ];
        let local = bind.iter().all(|it| usual.contains(it));
        Ok(Self {
            name: local.then(|| "localhost".to_owned()),
            v4: bind.iter().find_map(|it| match it {
                IpAddr::V4(ip) => Some(*ip),
                IpAddr::V6(_) => None,
            }),
            v6: bind.iter().find_map(|it| match it {
                IpAddr::V6(ip) => Some(*ip),
                IpAddr::V4(_) => None,
            }),
        })
    }
}

/// A host name as certificates have it: A-labels, small letters, no dot at the end (RFC 1123 §2.1, RFC 5890).
///
/// # Errors
/// In words, where it is none.
pub fn host_name(word: &str) -> Result<String, String> {
    let no_name = |why: &str| format!("`{word}` is no host name and no address: {why}");
    let name = word.strip_suffix('.').unwrap_or(word);
    let name =
        idna::domain_to_ascii(name).map_err(|_| no_name("it has characters that none has"))?;
    if name.is_empty() || name.len() > 253 {
        return Err(no_name("it has 1 to 253 characters"));
    }
    for label in name.split('.') {
        let sound = |it: u8| it.is_ascii_alphanumeric() || matches!(it, b'-' | b'_');
        if label.is_empty() || label.len() > 63 || !label.bytes().all(sound) {
            return Err(no_name(
                "between its dots are 1 to 63 letters, digits and hyphens",
            ));
        }
    }
    if name
        .rsplit('.')
        .next()
        .is_some_and(|it| it.bytes().all(|it| it.is_ascii_digit()))
    {
        return Err(no_name("its last label is a number"));
    }
    Ok(name)
}

#[cfg(test)]
mod tests {
    use test_case::test_case;

    use super::*;

    #[test_case("Mail.Firma.Test." => "mail.firma.test"; "small letters and no dot")]
    #[test_case("postfach-\u{e4}.test" => "xn--postfach--32a.test"; "labels in ASCII")]
    #[test_case("crm_mock" => "crm_mock"; "as containers are called")]
    fn names(word: &str) -> String {
        host_name(word).unwrap_or_else(|error| panic!("{error}"))
    }

    #[test_case(&["*.firma.test"], "between its dots"; "a wildcard")]
    #[test_case(&["mail firma"], "no host name"; "a blank")]
    #[test_case(&["mail..test"], "no host name"; "an empty label")]
    #[test_case(&["10.0.0.300"], "last label"; "an address that is none")]
    #[test_case(&["0.0.0.0"], "every address"; "every address")]
    #[test_case(&["a.test", "b.test"], "second name"; "two names")]
    #[test_case(&["10.0.0.1", "10.0.0.2"], "second IPv4"; "two addresses of a family")]
    #[test_case(&[""], "no host name"; "nothing")]
    fn refuses(words: &[&str], why: &str) {
        let words: Vec<String> = words.iter().map(|it| (*it).to_owned()).collect();
        let error = Advertised::parse(&words).unwrap_err();
        assert!(error.contains(why), "{error}");
    }

    #[test]
    fn what_listens_tells_what_it_is_called() {
        let bound = |it: &[&str]| {
            let bind: Vec<IpAddr> = it.iter().map(|it| it.parse().unwrap()).collect();
            Advertised::of(&bind)
        };
        let local = bound(&["127.0.0.1", "::1"]).unwrap();
        assert_eq!(local.name.as_deref(), Some("localhost"));
        let beside = bound(&["127.0.0.2"]).unwrap();
        assert_eq!(beside.name, None, "localhost leads elsewhere");
        let far = bound(&["192.0.2.7"]).unwrap();
        assert_eq!((far.name, far.v6), (None, None));
        assert_eq!(far.v4, Some(Ipv4Addr::new(192, 0, 2, 7)));
        assert!(
            bound(&["192.0.2.7", "::"])
                .unwrap_err()
                .contains("--advertise")
        );
    }
}
