//! A table of strings, so that what many cases have in common is stored once; and JSON that can stand inside a
//! script element.
//!
//! Must not know what the strings are about.

use std::collections::HashMap;

use serde::Serialize;

/// Strings by number, each once.
#[derive(Debug, Default)]
pub(super) struct Strings {
    all: Vec<String>,
    numbers: HashMap<String, usize>,
}

impl Strings {
    /// The number of a string.
    pub(super) fn number(&mut self, text: &str) -> usize {
        if let Some(number) = self.numbers.get(text) {
            return *number;
        }
        let number = self.all.len();
        self.all.push(text.to_owned());
        self.numbers.insert(text.to_owned(), number);
        number
    }

    /// The numbers of the lines of a text.
    pub(super) fn lines(&mut self, text: &str) -> Vec<usize> {
        text.lines().map(|it| self.number(it)).collect()
    }

    /// The numbers of several strings.
    pub(super) fn list(&mut self, texts: &[String]) -> Vec<usize> {
        texts.iter().map(|it| self.number(it)).collect()
    }

    /// The table.
    pub(super) fn all(&self) -> &[String] {
        &self.all
    }
}

/// A value as JSON that cannot end the script element it stands in, open a comment, or break a line where
/// only scripts see a line end. Nothing but strings can hold such characters, and there the escapes mean the
/// same.
///
/// # Errors
/// What the JSON writer says.
pub(super) fn embedded<T: Serialize + ?Sized>(value: &T) -> Result<String, serde_json::Error> {
    let json = serde_json::to_string(value)?;
    let mut out = String::with_capacity(json.len() + json.len() / 16);
    for c in json.chars() {
        match c {
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                out.push_str(&format!("\\u{:04x}", u32::from(c)));
            }
            c => out.push(c),
        }
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn each_string_once() {
        let mut strings = Strings::default();
        assert_eq!(strings.lines("a\nb\na\n"), [0, 1, 0]);
        assert_eq!(strings.all(), ["a", "b"]);
    }

    proptest! {
        #[test]
        fn no_text_leaves_its_element(text in any::<String>(), odd in "[<>/!\u{2028}\u{2029}&script-]{0,40}") {
            let value = vec![text, odd, "</script><!--<script>".to_owned()];
            let json = embedded(&value).unwrap();
            let bad = json.contains(['<', '>', '&', '\u{2028}', '\u{2029}']);
            prop_assert!(!bad, "{}", json);
            prop_assert_eq!(serde_json::from_str::<Vec<String>>(&json).unwrap(), value);
        }
    }
}
