//! Editions: a hash for a set of cases, so that two runs can be known to have had the same ones.
//!
//! Each case and each persona that serves in one is written as canonical JSON (keys sorted, no blanks) and
//! hashed with SHA-256. The edition's hash is that over one line for each, sorted:
//!
//! ```text
//! case cert/trust/self-signed#smtp-implicit 5d1f…
//! persona postfix 09ab…
//! ```
//!
//! Must not know bundles or reports.

use std::{collections::BTreeMap, fmt::Write as _};

use aws_lc_rs::digest::{SHA256, digest};
use mailproof_scenarios::{
    library::Library,
    model::{Case, Persona},
};
use serde::Serialize;
use serde_json::Value;

use crate::results::Edition;

/// What is behind an edition's hash.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hashes {
    /// The hash of each case, by id.
    pub cases: BTreeMap<String, String>,
    /// The hash of each persona that serves in one, by name.
    pub personas: BTreeMap<String, String>,
}

impl Hashes {
    /// The hashes of these cases and of the personas in them.
    pub fn of<'a>(
        cases: impl IntoIterator<Item = &'a Case>,
        personas: &BTreeMap<String, Persona>,
    ) -> Self {
        let mut hashes = Self::default();
        for case in cases {
            hashes.cases.insert(case.id.clone(), of(case));
            for name in [&case.setup.smtp, &case.setup.imap] {
                if let Some(persona) = personas.get(name) {
                    let hash = || of(persona);
                    hashes.personas.entry(name.clone()).or_insert_with(hash);
                }
            }
        }
        hashes
    }

    /// The hash over all of them.
    pub fn sha256(&self) -> String {
        let mut lines = String::new();
        for (kind, hashes) in [("case", &self.cases), ("persona", &self.personas)] {
            for (name, hash) in hashes {
                // Writing to a string cannot fail.
                let _ = writeln!(lines, "{kind} {name} {hash}");
            }
        }
        hex(lines.as_bytes())
    }

    /// The edition of that name.
    pub fn edition(self, name: String) -> Edition {
        Edition {
            name,
            sha256: self.sha256(),
            cases: self.cases.len(),
            personas: self.personas,
        }
    }
}

/// The edition of cases of a library.
pub fn edition<'a>(library: &Library, cases: impl IntoIterator<Item = &'a Case>) -> Edition {
    let mut is_own = false;
    let cases = cases
        .into_iter()
        .inspect(|it| is_own |= !library.is_embedded(&it.scenario));
    let hashes = Hashes::of(cases, library.personas());
    let own = if is_own { "+own" } else { "" };
    hashes.edition(format!("mailproof-{}{own}", env!("CARGO_PKG_VERSION")))
}

/// The hash of a value's canonical JSON.
pub fn of(value: &impl Serialize) -> String {
    // What is hashed here are plain data with text as keys, which JSON can always hold.
    let value = serde_json::to_value(value).unwrap_or_default();
    of_json(&value)
}

/// The same of JSON that was read.
pub fn of_json(value: &Value) -> String {
    let mut text = String::new();
    canonical(value, &mut text);
    hex(text.as_bytes())
}

/// SHA-256 in hexadecimal, lower case.
pub fn hex(octets: &[u8]) -> String {
    let hash = digest(&SHA256, octets);
    hash.as_ref().iter().fold(String::new(), |mut text, octet| {
        let _ = write!(text, "{octet:02x}");
        text
    })
}

/// Keys sorted, no blanks: who reads a value back and writes it again has the same octets.
fn canonical(value: &Value, to: &mut String) {
    match value {
        Value::Array(items) => {
            to.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    to.push(',');
                }
                canonical(item, to);
            }
            to.push(']');
        }
        Value::Object(fields) => {
            let sorted: BTreeMap<&String, &Value> = fields.iter().collect();
            to.push('{');
            for (index, (name, item)) in sorted.into_iter().enumerate() {
                if index > 0 {
                    to.push(',');
                }
                let _ = write!(to, "{}:", Value::from(name.as_str()));
                canonical(item, to);
            }
            to.push('}');
        }
        other => {
            let _ = write!(to, "{other}");
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use test_case::test_case;

    use super::*;

    fn library() -> Library {
        Library::embedded().unwrap_or_else(|problems| panic!("{problems}"))
    }

    #[test_case(&json!({"b": [1, null], "a": {"d": "x\ny", "c": true}}), r#"{"a":{"c":true,"d":"x\ny"},"b":[1,null]}"#; "sorted")]
    #[test_case(&json!([]), "[]"; "empty")]
    fn canonical_text(value: &Value, text: &str) {
        let mut written = String::new();
        canonical(value, &mut written);
        assert_eq!(written, text);
        assert_eq!(serde_json::from_str::<Value>(text).unwrap(), *value);
    }

    #[test]
    fn a_hash_is_that_of_other_programs() {
        assert_eq!(
            hex(b"abc"),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }

    #[test]
    fn the_same_cases_have_the_same_hash_however_they_come() {
        let library = library();
        let cases: Vec<&Case> = library.cases().collect();
        let whole = edition(&library, cases.iter().copied());
        assert_eq!(whole, edition(&library, cases.iter().rev().copied()));
        assert_eq!(whole.cases, cases.len());
        assert_eq!(whole.name, concat!("mailproof-", env!("CARGO_PKG_VERSION")));
        let read: Vec<Case> =
            serde_json::from_str(&serde_json::to_string(&cases).unwrap()).unwrap();
        assert_eq!(whole, edition(&library, &read));
    }

    #[test]
    fn another_word_in_a_case_or_persona_is_another_edition() {
        let library = library();
        let mut case = library.cases().next().unwrap().clone();
        let mut personas = library.personas().clone();
        let before = Hashes::of([&case], &personas);
        assert_eq!(before, Hashes::of([&case], &personas));
        personas.get_mut(&case.setup.smtp).unwrap().title.push('.');
        let other_persona = Hashes::of([&case], &personas);
        assert_eq!(before.cases, other_persona.cases);
        assert_ne!(before.sha256(), other_persona.sha256());
        case.title.push('.');
        assert_ne!(
            other_persona.sha256(),
            Hashes::of([&case], &personas).sha256()
        );
    }
}
