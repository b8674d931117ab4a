//! Message flags and keywords (RFC 9051 §2.3.2). Nothing here is `\Recent`: no message is ever recent.

use std::collections::BTreeMap;

/// The system flags, in the order in which they are listed.
const SYSTEM: [&str; 5] = ["Answered", "Flagged", "Deleted", "Seen", "Draft"];

/// `\Answered`.
pub(super) const ANSWERED: u8 = 1;
/// `\Flagged`.
pub(super) const FLAGGED: u8 = 1 << 1;
/// `\Deleted`.
pub(super) const DELETED: u8 = 1 << 2;
/// `\Seen`.
pub(super) const SEEN: u8 = 1 << 3;
/// `\Draft`.
pub(super) const DRAFT: u8 = 1 << 4;

/// The flags of one message. Keywords are equal without regard to case and keep their first spelling.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Flags {
    system: u8,
    keywords: BTreeMap<String, String>,
}

impl Flags {
    /// Adds a system flag by its name without the backslash; false if there is none of that name that a
    /// client could set.
    pub(super) fn insert_system(&mut self, name: &str) -> bool {
        let found = SYSTEM
            .iter()
            .position(|flag| flag.eq_ignore_ascii_case(name));
        if let Some(index) = found {
            self.system |= 1 << index;
        }
        found.is_some()
    }

    /// Adds a keyword.
    pub(super) fn insert_keyword(&mut self, keyword: &str) {
        self.keywords
            .entry(keyword.to_ascii_lowercase())
            .or_insert_with(|| keyword.to_owned());
    }

    /// Adds the system flags of a mask.
    pub(super) fn set(&mut self, mask: u8) {
        self.system |= mask;
    }

    /// Whether all system flags of the mask are there.
    pub(super) fn has(&self, mask: u8) -> bool {
        self.system & mask == mask
    }

    /// Whether the keyword is there.
    pub(super) fn has_keyword(&self, keyword: &str) -> bool {
        self.keywords.contains_key(&keyword.to_ascii_lowercase())
    }

    /// The keywords as they are spelled.
    pub(super) fn keywords(&self) -> impl Iterator<Item = &str> {
        self.keywords.values().map(String::as_str)
    }

    /// With those of `other`.
    pub(super) fn with(&self, other: &Flags) -> Flags {
        let mut all = self.clone();
        all.system |= other.system;
        for keyword in other.keywords() {
            all.insert_keyword(keyword);
        }
        all
    }

    /// Without those of `other`.
    pub(super) fn without(&self, other: &Flags) -> Flags {
        let mut left = self.clone();
        left.system &= !other.system;
        left.keywords
            .retain(|keyword, _| !other.keywords.contains_key(keyword));
        left
    }

    /// `\Seen foo`, without parentheses.
    pub(super) fn write(&self) -> String {
        let system = SYSTEM
            .iter()
            .enumerate()
            .filter(|(index, _)| self.system & (1 << index) != 0)
            .map(|(_, name)| format!("\\{name}"));
        system
            .chain(self.keywords().map(str::to_owned))
            .collect::<Vec<_>>()
            .join(" ")
    }
}

/// Every system flag and these keywords, without parentheses.
pub(super) fn write_defined(keywords: &[String]) -> String {
    let mut all = Flags {
        system: (1 << SYSTEM.len()) - 1,
        keywords: BTreeMap::new(),
    };
    for keyword in keywords {
        all.insert_keyword(keyword);
    }
    all.write()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keywords_are_equal_in_any_case_and_keep_their_spelling() {
        let mut flags = Flags::default();
        flags.insert_keyword("$Forwarded");
        flags.insert_keyword("$FORWARDED");
        assert!(flags.insert_system("seen"));
        assert!(!flags.insert_system("Recent"));
        assert_eq!(flags.write(), "\\Seen $Forwarded");
        assert!(flags.has_keyword("$forwarded"));
    }
}
