//! Patterns for ids. Must not know what else a case can be selected by.

use std::fmt;

use regex::{Regex, RegexBuilder};

/// A pattern for ids: `*` (and `**`) stands for anything, slashes too, `?` for one character. Letters of
/// either case are equal.
///
/// The pattern may also name a folder or a scenario: `smtp/starttls` matches everything below it, and
/// `cert/trust/self-signed` every variant of that scenario.
#[derive(Clone)]
pub struct Glob {
    source: String,
    regex: Regex,
}

/// The longest pattern that is taken.
const LONGEST: usize = 1_000;

impl Glob {
    /// Reads a pattern.
    ///
    /// # Errors
    /// A sentence, where it is empty or longer than any id could be.
    pub fn new(source: &str) -> Result<Self, String> {
        let source = source.trim();
        if source.is_empty() {
            return Err("an empty pattern matches nothing; `*` matches everything".to_owned());
        }
        if source.len() > LONGEST {
            return Err(format!("a pattern has at most {LONGEST} characters"));
        }
        let regex = RegexBuilder::new(&expression(source))
            .case_insensitive(true)
            .dot_matches_new_line(true)
            .build()
            .map_err(|e| e.to_string())?;
        Ok(Self {
            source: source.to_owned(),
            regex,
        })
    }

    /// The pattern as it was written.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Whether an id fits.
    pub fn matches(&self, id: &str) -> bool {
        self.regex.is_match(id)
    }
}

fn expression(source: &str) -> String {
    let mut out = "^".to_owned();
    let mut last_was_star = false;
    for c in source.trim_end_matches('/').chars() {
        match c {
            '*' if last_was_star => {}
            '*' => out.push_str(".*"),
            '?' => out.push('.'),
            _ => out.push_str(&regex::escape(c.encode_utf8(&mut [0; 4]))),
        }
        last_was_star = c == '*';
    }
    out.push_str("(?:[/#].*)?$");
    out
}

impl fmt::Debug for Glob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Glob").field(&self.source).finish()
    }
}

impl PartialEq for Glob {
    fn eq(&self, other: &Self) -> bool {
        self.source == other.source
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use test_case::test_case;

    use super::*;

    #[test_case("smtp/**", "smtp/starttls/injection" => true; "everything below")]
    #[test_case("smtp/**", "smtps/starttls/injection" => false; "another folder")]
    #[test_case("cert/*", "cert/trust/self-signed#imap-implicit" => true; "star crosses slashes")]
    #[test_case("*#imap-*", "cert/trust/self-signed#imap-implicit" => true; "variants")]
    #[test_case("*#imap-*", "imap/greeting/bye" => false; "no variant")]
    #[test_case("cert/trust/self-signed", "cert/trust/self-signed#imap-implicit" => true; "scenario")]
    #[test_case("cert/trust", "cert/trust/self-signed" => true; "folder")]
    #[test_case("cert/trust/", "cert/trust/self-signed" => true; "folder with its slash")]
    #[test_case("cert/tru", "cert/trust/self-signed" => false; "half a folder")]
    #[test_case("a.c", "abc" => false; "a dot is a dot")]
    #[test_case("a?c", "abc" => true; "one character")]
    #[test_case("SMTP/Base", "smtp/base" => true; "either case")]
    #[test_case("[a-", "[a-" => true; "brackets are themselves")]
    fn fits(pattern: &str, id: &str) -> bool {
        Glob::new(pattern).unwrap().matches(id)
    }

    #[test_case(""; "empty")]
    #[test_case("  "; "blank")]
    fn refuses(pattern: &str) {
        assert!(Glob::new(pattern).is_err());
    }

    proptest! {
        #[test]
        fn an_id_fits_itself_and_any_pattern_is_read(id in "[a-z0-9/#.-]{1,80}", any in ".{1,200}") {
            let glob = Glob::new(id.trim_end_matches('/'));
            prop_assume!(glob.is_ok());
            prop_assert!(glob.unwrap().matches(&id));
            prop_assert!(any.trim().is_empty() || any.trim().len() > LONGEST || Glob::new(&any).is_ok());
        }
    }
}
