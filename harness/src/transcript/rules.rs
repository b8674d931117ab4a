//! What of a product is not compared, as its adapter says. Must not know adapters, nor what a line means.

use std::collections::BTreeSet;

use regex::{Regex, RegexBuilder};
use serde::Deserialize;

/// The rules of one adapter. The default hides nothing.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    /// What gets a name in the place of what the product says.
    pub hide: BTreeSet<Hidden>,
    /// Applied to each line, in this order.
    pub replace: Vec<Replacement>,
    /// Lines that match are left out.
    pub ignore: Vec<Regex>,
    /// Keeps what is there by chance where a client leaves while the server speaks. Only for a client that never
    /// does so.
    pub exact: bool,
}

/// What belongs to a product or a version of it and can be hidden.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Hidden {
    /// The name in EHLO and HELO, and where the server repeats it.
    Ehlo,
    /// What the client says in IMAP's ID.
    Id,
    /// The header fields User-Agent and X-Mailer.
    UserAgent,
}

/// Something that one product writes differently in every run.
#[derive(Clone, Debug)]
pub struct Replacement {
    pattern: Regex,
    with: String,
}

/// The largest pattern, compiled.
const PATTERN: usize = 1 << 20;

impl Replacement {
    /// Replaces what matches `pattern` by `with`, where `$1` is a group. Patterns see one line without its
    /// end and without the side that said it, with octets escaped as in the transcript. What the client said in the end is such a line too.
    ///
    /// # Errors
    /// Where the pattern is no regular expression, or too large.
    pub fn new(pattern: &str, with: &str) -> Result<Self, regex::Error> {
        Ok(Self {
            pattern: bounded(pattern)?,
            with: with.to_owned(),
        })
    }
}

impl Rules {
    /// Hides whatever can be hidden and keeps everything else, for clients of our own.
    pub fn hide_all() -> Self {
        Self {
            hide: [Hidden::Ehlo, Hidden::Id, Hidden::UserAgent].into(),
            exact: true,
            ..Self::default()
        }
    }

    /// Compiles a pattern for [`Rules::ignore`]. It sees one line of the transcript as it stands there, with
    /// the side that said it (`C: `, `S: `, `-- `) and without its indentation.
    ///
    /// # Errors
    /// Where it is no regular expression, or too large.
    pub fn line(pattern: &str) -> Result<Regex, regex::Error> {
        bounded(pattern)
    }

    pub(super) fn hides(&self, what: Hidden) -> bool {
        self.hide.contains(&what)
    }

    pub(super) fn ignores(&self, line: &str) -> bool {
        self.ignore.iter().any(|it| it.is_match(line))
    }

    pub(super) fn replace(&self, mut text: String) -> String {
        for it in &self.replace {
            if it.pattern.is_match(&text) {
                text = it.pattern.replace_all(&text, it.with.as_str()).into_owned();
            }
        }
        text
    }
}

fn bounded(pattern: &str) -> Result<Regex, regex::Error> {
    RegexBuilder::new(pattern).size_limit(PATTERN).build()
}
