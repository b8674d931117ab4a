//! Filters: which cases are meant. Must not know where cases come from.

use std::{collections::BTreeSet, fmt, str::FromStr};

use mailproof_scenarios::model::{Case, Kind, Need, Severity};

use super::{Glob, suggest};

/// Which cases to take: those that one of `include` fits (all, if there is none), without those that one of
/// `exclude` fits.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Filter {
    /// What to take.
    pub include: Vec<Matcher>,
    /// What to leave out.
    pub exclude: Vec<Matcher>,
}

/// One condition, as `smtp/**`, `tag:injection`, `clause:RFC 5321`, `severity:critical`, `covers:TLSI-1`,
/// `kind:survey` or `needs:ports`.
#[derive(Clone, Debug, PartialEq)]
pub enum Matcher {
    /// The id, with or without its variant.
    Id(Glob),
    /// A tag.
    Tag(Glob),
    /// A citation or the beginning of one: `RFC 5321` also fits `RFC 5321 §4.2`.
    Clause(String),
    /// Exactly this severity.
    Severity(Severity),
    /// A requirement.
    Covers(Glob),
    /// What the scenario is about.
    Kind(Kind),
    /// What the place must be able to show.
    Needs(Need),
}

/// The outcome of a filter.
#[derive(Clone, Debug, PartialEq)]
pub struct Selection<'a> {
    /// The cases, in the order in which they were given.
    pub cases: Vec<&'a Case>,
    /// Excluded patterns that fitted no case at all: probably a slip.
    pub idle_excludes: Vec<String>,
}

/// Why nothing can be selected. What is shown is a sentence with suggestions.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FilterError {
    /// An included pattern fits no case.
    #[error("no case fits `{pattern}`{suggestion}")]
    NothingFits {
        /// The pattern.
        pattern: String,
        /// `, did you mean …?` or nothing.
        suggestion: String,
    },
    /// Everything that was included is excluded.
    #[error("every case that was included is excluded again")]
    AllExcluded,
}

impl Filter {
    /// Applies the filter.
    ///
    /// # Errors
    /// [`FilterError`] where an included pattern fits no case, or nothing is left.
    pub fn apply<'a>(
        &self,
        cases: impl IntoIterator<Item = &'a Case>,
    ) -> Result<Selection<'a>, FilterError> {
        let all: Vec<&Case> = cases.into_iter().collect();
        let fits_none = |it: &&Matcher| !all.iter().any(|case| it.fits(case));
        if let Some(matcher) = self.include.iter().find(fits_none) {
            return Err(FilterError::NothingFits {
                pattern: matcher.to_string(),
                suggestion: matcher.suggestion(&all),
            });
        }
        let idle_excludes = self
            .exclude
            .iter()
            .filter(fits_none)
            .map(Matcher::to_string)
            .collect();
        let cases: Vec<&Case> = all
            .iter()
            .copied()
            .filter(|case| self.include.is_empty() || self.include.iter().any(|it| it.fits(case)))
            .filter(|case| !self.exclude.iter().any(|it| it.fits(case)))
            .collect();
        if cases.is_empty() && !all.is_empty() {
            return Err(FilterError::AllExcluded);
        }
        Ok(Selection {
            cases,
            idle_excludes,
        })
    }
}

impl Matcher {
    /// Whether a case fits.
    pub fn fits(&self, case: &Case) -> bool {
        match self {
            Matcher::Id(glob) => glob.matches(&case.id),
            Matcher::Tag(glob) => case.tags.iter().any(|it| glob.matches(it)),
            Matcher::Covers(glob) => case.covers.iter().any(|it| glob.matches(it)),
            Matcher::Severity(severity) => case.severity == *severity,
            Matcher::Kind(kind) => case.kind == *kind,
            Matcher::Needs(need) => case.needs.contains(need),
            Matcher::Clause(wanted) => clauses(case).any(|it| cites(it, wanted)),
        }
    }

    fn suggestion(&self, cases: &[&Case]) -> String {
        let known: BTreeSet<&str> = match self {
            Matcher::Id(_) => cases
                .iter()
                .flat_map(|it| [it.id.as_str(), it.scenario.as_str()])
                .collect(),
            Matcher::Tag(_) => cases
                .iter()
                .flat_map(|it| &it.tags)
                .map(String::as_str)
                .collect(),
            Matcher::Covers(_) => cases
                .iter()
                .flat_map(|it| &it.covers)
                .map(String::as_str)
                .collect(),
            Matcher::Clause(_) => cases.iter().flat_map(|it| clauses(it)).collect(),
            Matcher::Severity(_) | Matcher::Kind(_) | Matcher::Needs(_) => BTreeSet::new(),
        };
        let wanted = match self {
            Matcher::Id(glob) | Matcher::Tag(glob) | Matcher::Covers(glob) => glob.source(),
            Matcher::Clause(clause) => clause,
            Matcher::Severity(_) | Matcher::Kind(_) | Matcher::Needs(_) => "",
        };
        suggest::did_you_mean(&suggest::nearest(wanted, known, 3))
    }
}

/// Every citation of a case, that of its expectations too.
fn clauses(case: &Case) -> impl Iterator<Item = &str> {
    let expected = case.expect.iter().filter_map(|it| it.clause.as_deref());
    case.refs.iter().map(String::as_str).chain(expected)
}

/// Whether a citation is the wanted one or lies within it. `RFC 5321 §4.2`, `rfc5321 4.2` and
/// `RFC 5321 section 4.2` are the same.
fn cites(citation: &str, wanted: &str) -> bool {
    let (document, section) = parts(citation);
    let (wanted_document, wanted_section) = parts(wanted);
    document == wanted_document && section.starts_with(&wanted_section)
}

/// The document, and the numbers of the section within an RFC.
fn parts(citation: &str) -> (String, Vec<String>) {
    let lower = citation.trim().to_lowercase();
    let Some(number) = lower.strip_prefix("rfc").map(str::trim_start) else {
        return (lower, Vec::new());
    };
    let digits = number
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(number.len());
    let (number, section) = number.split_at(digits);
    let section = section
        .split(|c: char| !c.is_alphanumeric())
        .filter(|it| !matches!(*it, "" | "section" | "sec" | "s"))
        .map(str::to_owned)
        .collect();
    (format!("rfc {number}"), section)
}

impl FromStr for Matcher {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let Some((key, value)) = text.split_once(':') else {
            return Glob::new(text).map(Matcher::Id);
        };
        let value = value.trim().trim_matches('"').trim();
        match key.trim() {
            "id" => Glob::new(value).map(Matcher::Id),
            "tag" => Glob::new(value).map(Matcher::Tag),
            "covers" => Glob::new(value).map(Matcher::Covers),
            "clause" if value.is_empty() => {
                Err("a clause is missing, as in `clause:RFC 5321`".to_owned())
            }
            "clause" => Ok(Matcher::Clause(value.to_owned())),
            "severity" => word(value, Severity::ALL, Severity::name).map(Matcher::Severity),
            "kind" => word(value, Kind::ALL, Kind::name).map(Matcher::Kind),
            "needs" => word(value, Need::ALL, Need::name).map(Matcher::Needs),
            other => {
                const KEYS: [&str; 7] =
                    ["id", "tag", "clause", "severity", "covers", "kind", "needs"];
                let near = suggest::did_you_mean(&suggest::nearest(other, KEYS, 1));
                Err(format!(
                    "nothing is selected by `{other}:`{near} (there are {})",
                    KEYS.join(", ")
                ))
            }
        }
    }
}

fn word<T: Copy>(value: &str, all: &[T], name: fn(T) -> &'static str) -> Result<T, String> {
    let found = all
        .iter()
        .copied()
        .find(|it| name(*it).eq_ignore_ascii_case(value));
    found.ok_or_else(|| {
        let names: Vec<&str> = all.iter().map(|it| name(*it)).collect();
        format!("`{value}` is none of {}", names.join(", "))
    })
}

impl fmt::Display for Matcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Matcher::Id(glob) => f.write_str(glob.source()),
            Matcher::Tag(glob) => write!(f, "tag:{}", glob.source()),
            Matcher::Covers(glob) => write!(f, "covers:{}", glob.source()),
            Matcher::Clause(clause) => write!(f, "clause:{clause}"),
            Matcher::Severity(severity) => write!(f, "severity:{severity}"),
            Matcher::Kind(kind) => write!(f, "kind:{kind}"),
            Matcher::Needs(need) => write!(f, "needs:{need}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use mailproof_scenarios::model::{Delta, Expectation, Frequency, Setup};
    use test_case::test_case;

    use super::*;

    fn case(id: &str, severity: Severity, clause: &str, tag: &str) -> Case {
        Case {
            id: id.to_owned(),
            scenario: id.split('#').next().unwrap_or(id).to_owned(),
            variant: Vec::new(),
            title: String::new(),
            why: String::new(),
            kind: Kind::Fault,
            severity,
            frequency: Frequency::Common,
            refs: vec![clause.to_owned()],
            covers: vec![format!("{}-1", tag.to_uppercase())],
            tags: vec![tag.to_owned()],
            steps: Vec::new(),
            setup: Setup::default(),
            delta: Delta::None,
            expect: vec![Expectation {
                clause: Some("RFC 2119 §1".to_owned()),
                ..Expectation::completed()
            }],
            killed_by: Vec::new(),
            needs: Vec::new(),
            waits: false,
            diagnosis: None,
        }
    }

    fn cases() -> Vec<Case> {
        vec![
            case(
                "smtp/starttls/refused",
                Severity::Critical,
                "RFC 3207 §4.2",
                "tlsi",
            ),
            case(
                "smtp/reply/multiline",
                Severity::Low,
                "RFC 5321 §4.2.1",
                "grammar",
            ),
            case(
                "imap/reply/multiline",
                Severity::Low,
                "RFC 53210 §4",
                "grammar",
            ),
            case(
                "cert/trust/self-signed#imap-implicit",
                Severity::High,
                "RFC 5280 §6.1.3 (a)(2)",
                "cert",
            ),
        ]
    }

    fn filter(include: &[&str], exclude: &[&str]) -> Filter {
        let read = |it: &[&str]| it.iter().map(|it| it.parse().unwrap()).collect();
        Filter {
            include: read(include),
            exclude: read(exclude),
        }
    }

    #[test_case(&[], &[] => "0 1 2 3"; "everything")]
    #[test_case(&["smtp/**"], &[] => "0 1"; "folder")]
    #[test_case(&["cert/*"], &[] => "3"; "star")]
    #[test_case(&["*#imap-*"], &[] => "3"; "variant")]
    #[test_case(&["smtp/**", "cert/trust/self-signed"], &[] => "0 1 3"; "two patterns")]
    #[test_case(&["*multiline"], &["imap/*"] => "1"; "exclusion")]
    #[test_case(&["tag:grammar"], &[] => "1 2"; "tag")]
    #[test_case(&["clause:RFC 5321"], &[] => "1"; "document, not its longer namesake")]
    #[test_case(&["clause:\"rfc5321 §4.2\""], &[] => "1"; "section within")]
    #[test_case(&["clause:RFC 5280 6.1.3"], &[] => "3"; "section without its sign, clause with its rule")]
    #[test_case(&["clause:RFC 2119"], &["clause:RFC 5321 §4"] => "0 2 3"; "clause of an expectation")]
    #[test_case(&["severity:critical"], &[] => "0"; "severity")]
    #[test_case(&["covers:TLSI-1"], &[] => "0"; "requirement")]
    #[test_case(&["covers:gra*"], &[] => "1 2"; "requirements")]
    #[test_case(&["kind:fault"], &["severity:low"] => "0 3"; "kind")]
    fn selects(include: &[&str], exclude: &[&str]) -> String {
        let cases = cases();
        let selection = filter(include, exclude).apply(&cases).unwrap();
        let index = |it: &&Case| {
            cases
                .iter()
                .position(|case| case.id == it.id)
                .unwrap()
                .to_string()
        };
        selection
            .cases
            .iter()
            .map(index)
            .collect::<Vec<_>>()
            .join(" ")
    }

    #[test_case(&["smtp/starttls/refusd"], &[]
        => "no case fits `smtp/starttls/refusd`, did you mean `smtp/starttls/refused`?"; "letter missing")]
    #[test_case(&["smtp/**", "tag:gramar"], &[] => "no case fits `tag:gramar`, did you mean `grammar`?"; "tag")]
    #[test_case(&["clause:RFC 3207 §4.3"], &[]
        => "no case fits `clause:RFC 3207 §4.3`, did you mean `RFC 3207 §4.2`, `RFC 53210 §4` or `RFC 5321 §4.2.1`?";
        "another section")]
    #[test_case(&["severity:medium"], &[] => "no case fits `severity:medium`"; "no such case")]
    #[test_case(&["cert/*"], &["*"] => "every case that was included is excluded again"; "nothing left")]
    fn nothing_selected(include: &[&str], exclude: &[&str]) -> String {
        filter(include, exclude)
            .apply(&cases())
            .unwrap_err()
            .to_string()
    }

    #[test]
    fn an_exclusion_without_effect_is_told() {
        let cases = cases();
        let selection = filter(&[], &["pop3/**", "imap/**"]).apply(&cases).unwrap();
        assert_eq!(selection.idle_excludes, ["pop3/**"]);
    }

    #[test_case("severity:bad" => "`bad` is none of critical, high, medium, low"; "severity")]
    #[test_case("tags:x"
        => "nothing is selected by `tags:`, did you mean `tag`? (there are id, tag, clause, severity, covers, kind, needs)";
        "key")]
    #[test_case("clause:" => "a clause is missing, as in `clause:RFC 5321`"; "no clause")]
    #[test_case("" => "an empty pattern matches nothing; `*` matches everything"; "empty")]
    fn refuses(text: &str) -> String {
        text.parse::<Matcher>().unwrap_err()
    }

    #[test_case("smtp/**")]
    #[test_case("tag:grammar")]
    #[test_case("covers:TLSI-*")]
    #[test_case("clause:RFC 5321 §4.2")]
    #[test_case("severity:critical")]
    #[test_case("kind:survey")]
    #[test_case("needs:ports")]
    fn is_shown_as_written(text: &str) {
        assert_eq!(text.parse::<Matcher>().unwrap().to_string(), text);
    }
}
