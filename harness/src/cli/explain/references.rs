//! Where the clauses can be read. Must not know what they say.

use mailproof_scenarios::model::Case;

/// Each citation with the address where it can be read, and the requirements.
pub(super) fn describe(case: &Case) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let expected = case.expect.iter().filter_map(|it| it.clause.as_ref());
    for citation in case.refs.iter().chain(expected) {
        let line = match address(citation) {
            Some(address) => format!("{citation}: {address}"),
            None => citation.clone(),
        };
        if !lines.contains(&line) {
            lines.push(line);
        }
    }
    if !case.covers.is_empty() {
        lines.push(format!("requirements: {}", case.covers.join(", ")));
    }
    if lines.is_empty() {
        lines.push("none".to_owned());
    }
    lines
}

fn address(citation: &str) -> Option<String> {
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
