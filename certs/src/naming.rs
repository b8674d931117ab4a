//! Which names stand where in a leaf: the common name, and the subject alternative name.
//!
//! Must not know certificates.

use crate::{
    error::ForgeError,
    names::{Names, Needs},
    recipe::{Constraint, Naming, Recipe, Wildcard},
    san::{self, GeneralName},
};

/// The longest common name (RFC 5280 appendix A.1, `ub-common-name`).
const LONGEST_COMMON_NAME: usize = 64;

/// The common name of a leaf that no name of the server may stand in.
const NEUTRAL: &str = "mailproof test server";

/// What a leaf calls its server.
pub(crate) struct Identity {
    pub(crate) common_name: String,
    /// The value of the subject alternative name.
    pub(crate) alternative_names: Option<Vec<u8>>,
    /// The same, name by name.
    pub(crate) listed: Vec<GeneralName>,
}

/// The names of a leaf. `stranger` is a host that none of the names stands for.
pub(crate) fn identity(
    recipe: &Recipe,
    names: &Names,
    stranger: &Names,
) -> Result<Identity, ForgeError> {
    let naming = naming(recipe);
    let needs = needs(recipe);
    let unfit = || ForgeError::UnfitNames {
        needs,
        names: names.clone(),
    };
    let first = names.first().ok_or(ForgeError::NoNames)?;
    if let Some(name) = names.dns.iter().find(|name| !name.is_ascii()) {
        return Err(ForgeError::BadName { name: name.clone() });
    }
    if !needs.met_by(names) {
        return Err(unfit());
    }
    let host = names.dns.first().cloned().unwrap_or_default();
    let domain = domain(&host);
    let address = names.ip.first().map(ToString::to_string);

    let (common_name, alternative_names) = match naming {
        Naming::SubjectAltName | Naming::MalformedSubjectAltName => {
            (if_it_fits(first), san::all_of(names))
        }
        Naming::CommonNameOnly => (fitting(first)?, Vec::new()),
        Naming::Stranger => (stranger.first().unwrap_or(first), san::all_of(stranger)),
        Naming::StrangerBesideCommonName => (fitting(first)?, san::all_of(stranger)),
        Naming::Wildcard(wildcard) => {
            let name = starred(&host, wildcard).ok_or_else(unfit)?;
            (NEUTRAL.to_owned(), vec![GeneralName::dns(&name)])
        }
        Naming::AddressAsDnsName => {
            let address = address.ok_or_else(unfit)?;
            (NEUTRAL.to_owned(), vec![GeneralName::dns(&address)])
        }
        Naming::AddressAsCommonName => (address.ok_or_else(unfit)?, Vec::new()),
        Naming::DnsNamesOnly => {
            let dns = if names.dns.is_empty() {
                stranger.dns.clone()
            } else {
                names.dns.clone()
            };
            let common_name = dns.first().cloned().map_or_else(String::new, if_it_fits);
            (
                common_name,
                san::all_of(&Names {
                    dns,
                    ip: Vec::new(),
                }),
            )
        }
        Naming::UnicodeDnsName => {
            let (name, valid) = idna::domain_to_unicode(&host);
            valid.map_err(|_| unfit())?;
            (NEUTRAL.to_owned(), vec![GeneralName::dns(&name)])
        }
        Naming::NulInDnsName => {
            let name = with_nul(&host, stranger);
            (NEUTRAL.to_owned(), vec![GeneralName::dns(&name)])
        }
        Naming::NulInCommonName => (fitting(with_nul(&host, stranger))?, Vec::new()),
        Naming::SrvNames => {
            let domain = domain.ok_or_else(unfit)?;
            let services = ["_imaps", "_submissions", "_imap", "_submission"];
            let names = services.map(|it| GeneralName::Srv(format!("{it}.{domain}")));
            (NEUTRAL.to_owned(), names.to_vec())
        }
        Naming::Uri => {
            let names = ["imap", "smtp"].map(|it| GeneralName::Uri(format!("{it}://{host}")));
            (NEUTRAL.to_owned(), names.to_vec())
        }
        Naming::MailAddress => {
            let name = format!("postmaster@{host}");
            (NEUTRAL.to_owned(), vec![GeneralName::Mail(name)])
        }
        Naming::MailDomain => {
            let domain = domain.ok_or_else(unfit)?;
            (NEUTRAL.to_owned(), vec![GeneralName::dns(domain)])
        }
        Naming::Many(count) => {
            let parent = stranger.first().unwrap_or_default();
            let others = (1..count).map(|n| GeneralName::dns(&format!("h{n}.{parent}")));
            let names = others.chain([GeneralName::dns(&host)]).collect();
            (NEUTRAL.to_owned(), names)
        }
        Naming::MixedCase => (NEUTRAL.to_owned(), vec![GeneralName::dns(&mixed(&host))]),
    };

    let listed = alternative_names.clone();
    let alternative_names = match naming {
        _ if alternative_names.is_empty() => None,
        Naming::MalformedSubjectAltName => Some(san::to_malformed_der(&alternative_names)),
        _ => Some(san::to_der(&alternative_names)),
    };
    Ok(Identity {
        common_name,
        alternative_names,
        listed,
    })
}

/// What the names must be like for a recipe.
pub(crate) fn needs(recipe: &Recipe) -> Needs {
    if recipe.constraint == Constraint::PermitsOtherNetwork {
        return Needs::Address;
    }
    if recipe.constraint != Constraint::None && naming(recipe) == Naming::SubjectAltName {
        return Needs::HostName;
    }
    match naming(recipe) {
        Naming::SubjectAltName
        | Naming::MalformedSubjectAltName
        | Naming::CommonNameOnly
        | Naming::Stranger
        | Naming::StrangerBesideCommonName => Needs::Anything,
        Naming::Wildcard(Wildcard::Bare | Wildcard::Apex)
        | Naming::NulInDnsName
        | Naming::NulInCommonName
        | Naming::Uri
        | Naming::MailAddress
        | Naming::Many(_)
        | Naming::MixedCase => Needs::HostName,
        Naming::Wildcard(Wildcard::TopLevel) => Needs::Labels(2),
        Naming::Wildcard(Wildcard::Left) | Naming::SrvNames | Naming::MailDomain => {
            Needs::Labels(3)
        }
        Naming::Wildcard(Wildcard::Prefix | Wildcard::Suffix | Wildcard::Infix) => {
            Needs::LongFirstLabel(3)
        }
        Naming::Wildcard(Wildcard::TwoLevels | Wildcard::Middle) => Needs::Labels(4),
        Naming::AddressAsDnsName | Naming::AddressAsCommonName | Naming::DnsNamesOnly => {
            Needs::Address
        }
        Naming::UnicodeDnsName => Needs::Internationalised,
    }
}

/// The naming, unless the constraint is about a wildcard.
fn naming(recipe: &Recipe) -> Naming {
    match recipe.constraint {
        Constraint::ExcludesHostUnderWildcard | Constraint::PermitsSiblingUnderWildcard => {
            Naming::Wildcard(Wildcard::Left)
        }
        _ => recipe.leaf.naming,
    }
}

/// What follows the first label.
pub(crate) fn domain(host: &str) -> Option<&str> {
    host.split_once('.').map(|(_, domain)| domain)
}

fn starred(host: &str, wildcard: Wildcard) -> Option<String> {
    let (first, rest) = host.split_once('.').unwrap_or((host, ""));
    let last = host.rsplit('.').next()?;
    Some(match wildcard {
        Wildcard::Left => format!("*.{rest}"),
        Wildcard::TwoLevels => format!("*.{}", domain(rest)?),
        Wildcard::Apex => format!("*.{host}"),
        Wildcard::Prefix => format!("{}*.{rest}", first.get(..1)?),
        Wildcard::Suffix => format!("*{}.{rest}", first.get(first.len().checked_sub(2)?..)?),
        Wildcard::Infix => {
            let end = first.get(first.len().checked_sub(1)?..)?;
            format!("{}*{end}.{rest}", first.get(..1)?)
        }
        Wildcard::Middle => format!("{first}.*.{}", domain(rest)?),
        Wildcard::Bare => "*".to_owned(),
        Wildcard::TopLevel => format!("*.{last}"),
    })
}

/// A name that ends early for who reads C strings.
fn with_nul(host: &str, stranger: &Names) -> String {
    format!("{host}\0.{}", stranger.first().unwrap_or_default())
}

/// Every other letter in upper case.
fn mixed(host: &str) -> String {
    let letters = host.chars().enumerate();
    letters
        .map(|(place, letter)| match place % 2 {
            0 => letter.to_ascii_lowercase(),
            _ => letter.to_ascii_uppercase(),
        })
        .collect()
}

/// The name for the common name, or a neutral one if there is no room for it.
fn if_it_fits(name: String) -> String {
    fitting(name).unwrap_or_else(|_| NEUTRAL.to_owned())
}

fn fitting(name: String) -> Result<String, ForgeError> {
    if name.len() <= LONGEST_COMMON_NAME {
        Ok(name)
    } else {
        Err(ForgeError::LongCommonName { name })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use test_case::test_case;

    #[test_case("mail.example.test", Wildcard::Left => Some("*.example.test".to_owned()))]
    #[test_case("a.mail.example.test", Wildcard::TwoLevels => Some("*.example.test".to_owned()))]
    #[test_case("example.test", Wildcard::Apex => Some("*.example.test".to_owned()))]
    #[test_case("mail.example.test", Wildcard::Prefix => Some("m*.example.test".to_owned()))]
    #[test_case("mail.example.test", Wildcard::Suffix => Some("*il.example.test".to_owned()))]
    #[test_case("mail.example.test", Wildcard::Infix => Some("m*l.example.test".to_owned()))]
    #[test_case("mail.a.example.test", Wildcard::Middle => Some("mail.*.example.test".to_owned()))]
    #[test_case("mail.example.test", Wildcard::Bare => Some("*".to_owned()))]
    #[test_case("mail.example.test", Wildcard::TopLevel => Some("*.test".to_owned()))]
    fn a_star_stands_for_a_label(host: &str, wildcard: Wildcard) -> Option<String> {
        starred(host, wildcard)
    }

    #[test]
    fn mixed_case_is_the_same_name() {
        assert_eq!(mixed("mail.test"), "mAiL.TeSt");
    }
}
