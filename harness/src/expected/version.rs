//! Versions of subjects, and the ranges of them for which an entry holds. Pure.

use std::cmp::Ordering;

/// A version: its numbers. What is behind them (`-rc1`, `+build`) does not count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Version(Vec<u64>);

/// A range as `>=8.0, <9`: all of it must hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Range {
    source: String,
    bounds: Vec<(Relation, Version)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Relation {
    Is,
    AtLeast,
    Above,
    AtMost,
    Below,
}

impl Version {
    /// The first version in what a subject says of itself: `curl 8.5.0 (x86_64-pc-linux-gnu) …` is 8.5.0. A
    /// number alone counts only where there is none with a point.
    pub(super) fn in_text(text: &str) -> Option<Self> {
        let words = || {
            text.split(|c: char| {
                c.is_whitespace() || matches!(c, '/' | '(' | ')' | ',' | ';' | '=')
            })
            .map(|it| it.trim_start_matches(['v', 'V']))
            .filter(|it| it.starts_with(|c: char| c.is_ascii_digit()))
        };
        let dotted = words().filter_map(Self::at_start).find(|it| it.0.len() > 1);
        dotted.or_else(|| words().find_map(Self::at_start))
    }

    fn at_start(text: &str) -> Option<Self> {
        let end = text.find(|c: char| !c.is_ascii_digit() && c != '.');
        let numbers = text[..end.unwrap_or(text.len())].trim_end_matches('.');
        let numbers: Result<Vec<u64>, _> = numbers.split('.').map(str::parse).collect();
        numbers.ok().map(Self)
    }

    fn compare(&self, other: &Self) -> Ordering {
        let longest = self.0.len().max(other.0.len());
        let at = |version: &Self, n: usize| version.0.get(n).copied().unwrap_or(0);
        (0..longest)
            .map(|n| at(self, n).cmp(&at(other, n)))
            .find(|it| it.is_ne())
            .unwrap_or(Ordering::Equal)
    }
}

impl Range {
    /// Reads a range.
    ///
    /// # Errors
    /// A sentence: what was expected.
    pub fn parse(source: &str) -> Result<Self, String> {
        let mut bounds = Vec::new();
        for part in source.split(',').map(str::trim) {
            let (relation, rest) = [
                (">=", Relation::AtLeast),
                (">", Relation::Above),
                ("<=", Relation::AtMost),
                ("<", Relation::Below),
                ("=", Relation::Is),
                ("", Relation::Is),
            ]
            .into_iter()
            .find_map(|(sign, relation)| Some((relation, part.strip_prefix(sign)?)))
            .unwrap_or((Relation::Is, part));
            let digits = rest.trim();
            let whole = digits.bytes().all(|b| b.is_ascii_digit() || b == b'.');
            match Version::at_start(digits) {
                Some(version) if whole && !digits.ends_with('.') => {
                    bounds.push((relation, version))
                }
                _ => {
                    return Err(format!(
                        "`{}` is no bound of a version; expected one as in \">=8.0, <9\"",
                        crate::transcript::printable(part)
                    ));
                }
            }
        }
        Ok(Self {
            source: source.to_owned(),
            bounds,
        })
    }

    /// As it was written.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Whether a version is in it. `=8.5` and `8.5` hold for 8.5.1 too.
    pub(super) fn has(&self, version: &Version) -> bool {
        self.bounds.iter().all(|(relation, bound)| {
            let order = version.compare(bound);
            match relation {
                Relation::Is => bound
                    .0
                    .iter()
                    .enumerate()
                    .all(|(n, it)| version.0.get(n).copied().unwrap_or(0) == *it),
                Relation::AtLeast => order.is_ge(),
                Relation::Above => order.is_gt(),
                Relation::AtMost => order.is_le(),
                Relation::Below => order.is_lt(),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use test_case::test_case;

    use super::*;

    #[test_case("curl 8.5.0 (x86_64-pc-linux-gnu) libcurl/8.5.0", &[8, 5, 0]; "a program")]
    #[test_case("msmtp version 1.8.23\nPlatform", &[1, 8, 23]; "behind words")]
    #[test_case("isync 1.4.4", &[1, 4, 4]; "short")]
    #[test_case("v2.0-rc1", &[2, 0]; "a letter before and behind")]
    #[test_case("Crm build 17", &[17]; "one number")]
    #[test_case("X11 client 3.2.", &[3, 2]; "digits inside a word are none")]
    #[test_case("nightly", &[]; "none")]
    fn finds(text: &str, numbers: &[u64]) {
        let found = Version::in_text(text).map_or_else(Vec::new, |it| it.0);
        assert_eq!(found, numbers);
    }

    #[test_case(">=8.0, <9", "8.5.0", true)]
    #[test_case(">=8.0, <9", "9.0", false; "below is below")]
    #[test_case(">=8.0, <9", "7.88.1", false; "too old")]
    #[test_case("8.5", "8.5.1", true; "a bare version is a beginning")]
    #[test_case("=8.5", "8.50.1", false; "of whole numbers")]
    #[test_case(">8.5", "8.5.0", false; "zeros do not count")]
    #[test_case("<=8.5", "8.5.0.0", true; "nor many of them")]
    fn ranges(range: &str, version: &str, has: bool) {
        let version = Version::in_text(version).unwrap();
        assert_eq!(Range::parse(range).unwrap().has(&version), has);
    }

    #[test_case(""; "empty")]
    #[test_case(">=8, "; "a comma too many")]
    #[test_case("~8.5"; "another sign")]
    #[test_case(">=8.x"; "a letter")]
    #[test_case(">= 8."; "a point too many")]
    fn refuses(range: &str) {
        assert!(
            Range::parse(range)
                .unwrap_err()
                .contains("expected one as in")
        );
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "\\PC{0,60}") {
            let _ = Version::in_text(&text);
            let _ = Range::parse(&text);
        }
    }
}
