//! Hides secrets in an adapter file before it leaves the vendor's house.
//!
//! Places such as `{password}` stay: what they stand for is the test account's. Must not know adapters.

use std::ops::Range;

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

/// What stands for a secret.
const MASK: &str = "\"***\"";

/// Words in the name of a key, a header, a variable or an option whose value is hidden.
const SECRET: &[&str] = &[
    "password",
    "passwd",
    "passphrase",
    "secret",
    "token",
    "apikey",
    "api-key",
    "api_key",
    "authorization",
    "credential",
    "cookie",
    "private-key",
    "private_key",
    "bearer",
];

/// The text of a TOML file in which values that look like secrets are `***`: those of keys, headers, variables
/// and options that say so, what stands before the `@` of an address, and keys in PEM form. A value with a
/// place in it stays unless it is an address.
///
/// What is no TOML is hidden as a whole.
pub fn masked(source: &str) -> String {
    let Ok(table) = DeTable::parse(source) else {
        return "# not shown: it is no TOML\n".to_owned();
    };
    let mut hidden = Vec::new();
    in_table(table.get_ref(), false, &mut hidden);
    hidden.sort_by_key(|it| it.start);
    let mut text = String::with_capacity(source.len());
    let mut at = 0;
    for span in hidden {
        text.push_str(source.get(at..span.start).unwrap_or_default());
        text.push_str(MASK);
        at = span.end;
    }
    text.push_str(source.get(at..).unwrap_or_default());
    text
}

fn in_table(table: &DeTable<'_>, is_secret: bool, hidden: &mut Vec<Range<usize>>) {
    for (key, value) in table {
        in_value(value, is_secret || says_secret(key.get_ref()), hidden);
    }
}

fn in_value(value: &Spanned<DeValue<'_>>, is_secret: bool, hidden: &mut Vec<Range<usize>>) {
    match value.get_ref() {
        DeValue::Table(table) => in_table(table, is_secret, hidden),
        DeValue::Array(items) => {
            let mut after_option = false;
            for item in items.iter() {
                in_value(item, is_secret || after_option, hidden);
                after_option = matches!(item.get_ref(), DeValue::String(text)
                    if text.starts_with('-') && !text.contains('=') && says_secret(text));
            }
        }
        DeValue::String(text) if hides(text, is_secret) => hidden.push(value.span()),
        DeValue::String(_) => {}
        _ if is_secret => hidden.push(value.span()),
        _ => {}
    }
}

fn hides(text: &str, is_secret: bool) -> bool {
    if text.contains("PRIVATE KEY-----") || has_user_info(text) {
        return true;
    }
    let names_one = text
        .split_once([':', '='])
        .is_some_and(|(name, value)| !value.trim().is_empty() && says_secret(last_word(name)));
    (is_secret || names_one) && !has_place(text)
}

/// `--password` of `curl --password`.
fn last_word(name: &str) -> &str {
    name.split_whitespace().next_back().unwrap_or_default()
}

fn says_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    SECRET.iter().any(|it| name.contains(it))
}

/// Whether something is filled in: then the secret is not in the file.
fn has_place(text: &str) -> bool {
    text.split_once('{')
        .is_some_and(|(_, rest)| rest.contains('}'))
}

/// `https://user:secret@host`.
fn has_user_info(text: &str) -> bool {
    let Some((_, rest)) = text.split_once("://") else {
        return false;
    };
    let authority = rest.split(['/', '?', '#', ' ']).next().unwrap_or_default();
    authority.rsplit_once('@').is_some_and(|(user, _)| {
        user.split_once(':')
            .is_some_and(|(_, secret)| !secret.is_empty() && !has_place(secret))
    })
}

#[cfg(test)]
mod tests {
    use test_case::test_case;

    use super::*;

    #[test_case("api-token = \"hunter2\" # why", "api-token = \"***\" # why"; "key")]
    #[test_case("[environment]\nCRM_PASSWORD = 'hunter2'\nLANG = \"C\"", "[environment]\nCRM_PASSWORD = \"***\"\nLANG = \"C\""; "variable")]
    #[test_case("headers = { Authorization = \"Bearer hunter2\", Accept = \"*/*\" }", "headers = { Authorization = \"***\", Accept = \"*/*\" }"; "header")]
    #[test_case("run = [\"crm\", \"--password\", \"hunter2\", \"--port\", \"25\"]", "run = [\"crm\", \"--password\", \"***\", \"--port\", \"25\"]"; "option")]
    #[test_case("run = [\"crm\", \"--password=hunter2\"]", "run = [\"crm\", \"***\"]"; "option with its value")]
    #[test_case("url = \"https://me:hunter2@crm.example/x\"", "url = \"***\""; "address")]
    #[test_case("[secrets]\na = 'hunter2'\nn = 5", "[secrets]\na = \"***\"\nn = \"***\""; "table")]
    #[test_case("header = \"X-Api-Key: hunter2\"", "header = \"***\""; "header as one text")]
    #[test_case("key = '''\n-----BEGIN PRIVATE KEY-----\nhunter2'''", "key = \"***\""; "pem")]
    fn hides_secrets(source: &str, shown: &str) {
        assert_eq!(masked(source), shown);
        assert!(!masked(source).contains("hunter2"));
    }

    #[test_case("run = [\"curl\", \"--user\", \"{user}:{password}\"]"; "places")]
    #[test_case("password = \"{password}\""; "place behind a key")]
    #[test_case("run = [\"crm\", \"--password={password}\"]"; "place in an option")]
    #[test_case("url = \"https://crm.example/x@y\""; "address without a user")]
    #[test_case("trust = [\"--ca\", \"{ca}\"]"; "other options")]
    fn leaves_the_rest(source: &str) {
        assert_eq!(masked(source), source);
    }

    #[test]
    fn what_cannot_be_read_is_not_shown() {
        assert!(!masked("password = hunter2 =").contains("hunter2"));
    }
}
