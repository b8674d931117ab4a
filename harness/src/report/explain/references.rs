//! What a case rests on: the clauses, word for word, and where they can be read. Must not know what a case
//! expects.

use mailproof_scenarios::{language::Registries, model::Case};

/// One thing that a case rests on.
pub(super) struct Reference<'a> {
    /// How it is cited.
    pub(super) citation: &'a str,
    /// What it says there, where that is known.
    pub(super) text: Option<&'a str>,
    /// Where it can be read, where that follows from the citation.
    pub(super) address: Option<String>,
}

/// Each citation of a case once, in its order.
pub(super) fn all<'a>(case: &'a Case, registries: &'a Registries) -> Vec<Reference<'a>> {
    let mut references: Vec<Reference<'_>> = Vec::new();
    let clauses = case.expect.iter().filter_map(|it| it.clause.as_ref());
    for citation in case.refs.iter().chain(clauses) {
        if references.iter().all(|it| it.citation != citation) {
            references.push(Reference {
                citation,
                text: registries.clause(citation),
                address: address(citation),
            });
        }
    }
    references
}

/// Where a citation can be read, where that follows from it.
pub fn address(citation: &str) -> Option<String> {
    let citation = citation.trim();
    if let Some(rest) = citation.strip_prefix("RFC ") {
        let digits = rest
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(rest.len());
        let (number, rest) = rest.split_at(digits);
        if number.is_empty() {
            return None;
        }
        let section = rest
            .split_once('§')
            .map(|(_, section)| section)
            .unwrap_or_default();
        let end = section
            .find(|c: char| !c.is_ascii_digit() && c != '.')
            .unwrap_or(section.len());
        let section = section[..end].trim_matches('.');
        let anchor = if section.is_empty() {
            String::new()
        } else {
            format!("#section-{section}")
        };
        return Some(format!(
            "https://www.rfc-editor.org/rfc/rfc{number}{anchor}"
        ));
    }
    let year_and_number = citation.strip_prefix("CVE-")?;
    year_and_number
        .chars()
        .all(|c| c.is_ascii_digit() || c == '-')
        .then(|| format!("https://www.cve.org/CVERecord?id={citation}"))
}

#[cfg(test)]
mod tests {
    use test_case::test_case;

    use super::*;

    #[test_case("RFC 3207 §4.2" => Some("https://www.rfc-editor.org/rfc/rfc3207#section-4.2".to_owned()); "section")]
    #[test_case("RFC 5280 §6.1.3 (a)(2)" => Some("https://www.rfc-editor.org/rfc/rfc5280#section-6.1.3".to_owned());
        "rule")]
    #[test_case("RFC 8996" => Some("https://www.rfc-editor.org/rfc/rfc8996".to_owned()); "document")]
    #[test_case("CVE-2021-22947" => Some("https://www.cve.org/CVERecord?id=CVE-2021-22947".to_owned()); "advisory")]
    #[test_case("RFC draft" => None; "no number")]
    #[test_case("CVE-<x>" => None; "no advisory")]
    #[test_case("Postfix documentation" => None; "something else")]
    fn can_be_read_at(citation: &str) -> Option<String> {
        address(citation)
    }
}
