//! The secrets of a product: where they come from, and that they show nowhere.

use std::collections::BTreeMap;

use crate::adapter::{Remote, Value, Values, remote::in_url};

/// What stands in the place of a secret.
const MASK: &str = "********";

/// What is shorter is found everywhere.
const SHORTEST: usize = 4;

/// The values of secrets, to be put into hooks and to be taken out of everything that is shown.
#[derive(Clone, Default)]
pub(super) struct Secrets {
    values: BTreeMap<String, String>,
    /// Every way in which one may be written, longest first.
    written: Vec<String>,
}

impl Secrets {
    /// The secrets of the environment; the error names the variables that are missing.
    pub(super) fn of(remote: &Remote) -> Result<Self, String> {
        let missing = remote.missing_variables();
        if let [first, ..] = &missing[..] {
            let all = missing.join(", ");
            let how = format!("export {first}=…");
            return Err(format!(
                "the environment has no value for {all}, which the adapter needs ({how})"
            ));
        }
        let mut values = BTreeMap::new();
        for (name, variable) in &remote.secrets {
            let value = std::env::var(variable).unwrap_or_default();
            if value.len() < SHORTEST {
                return Err(format!(
                    "the secret in {variable} has fewer than {SHORTEST} octets, and what is so short cannot be kept out of reports"
                ));
            }
            values.insert(name.clone(), value);
        }
        Ok(Self::from(values))
    }

    fn from(values: BTreeMap<String, String>) -> Self {
        let mut written = Vec::new();
        for value in values.values().filter(|it| !it.is_empty()) {
            let json = serde_json::Value::String(value.clone()).to_string();
            written.push(value.clone());
            written.push(in_url(value));
            written.push(json.trim_matches('"').to_owned());
        }
        written.sort_by_key(|it| std::cmp::Reverse(it.len()));
        written.dedup();
        Self { values, written }
    }

    /// Puts them among the values of hooks, beside what else comes from the environment.
    pub(super) fn add_to(&self, values: &mut Values, remote: &Remote) {
        for (name, variable) in &remote.variables {
            let value = variable.value().unwrap_or_default();
            values.insert(name.clone(), Value::One(value));
        }
        for (name, value) in &self.values {
            values.insert(Remote::place_of(name), Value::One(value.clone()));
        }
    }

    /// The text without them.
    pub(super) fn mask(&self, text: &str) -> String {
        let mut masked = text.to_owned();
        for secret in &self.written {
            masked = masked.replace(secret.as_str(), MASK);
        }
        masked
    }

    /// The same for octets.
    pub(super) fn mask_octets(&self, octets: &[u8]) -> Vec<u8> {
        let mut masked = octets.to_vec();
        for secret in &self.written {
            let found = |within: &[u8]| memchr::memmem::find(within, secret.as_bytes());
            let mut from = 0;
            while let Some(at) = found(&masked[from..]) {
                let start = from + at;
                masked.splice(start..start + secret.len(), MASK.bytes());
                from = start + MASK.len();
            }
        }
        masked
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_shows_nowhere_however_it_is_written() {
        let secrets = Secrets::from(BTreeMap::from([
            ("a".to_owned(), "s3/cr\"et".to_owned()),
            ("b".to_owned(), "s3".to_owned()),
        ]));
        let text = "raw s3/cr\"et url s3%2Fcr%22et json s3/cr\\\"et short s3";
        let masked = "raw ******** url ******** json ******** short ********";
        assert_eq!(secrets.mask(text), masked);
        let octets = [text.as_bytes(), b"\xff"].concat();
        assert_eq!(
            secrets.mask_octets(&octets),
            [masked.as_bytes(), b"\xff"].concat()
        );
    }
}
