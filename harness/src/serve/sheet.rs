//! What a person has to type into a client, row by row, in the product's own words where they are known.
//! Must not know how it is shown.

use mailproof_scenarios::model::{Auth, Canaries, Security, Step, Trust};
use serde::Serialize;

use super::settings::{self, Place};
use crate::adapter::Words;

/// The settings of one step, and what is to be done with them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Sheet {
    /// From the first setting to the last.
    pub rows: Vec<Row>,
    /// What to do.
    pub task: String,
}

/// One setting.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Row {
    /// A stable name: `server`, `port`, `security`, `trust`, `sign-in`, `user`, `password`, `token`.
    pub name: &'static str,
    /// What to call it.
    pub label: &'static str,
    /// What to type or choose.
    pub value: String,
    /// What it means.
    pub note: String,
    /// Whether it is typed, so that it is worth copying.
    pub typed: bool,
    /// The certificate that it is about, by the name of its file.
    pub file: Option<&'static str>,
}

impl Sheet {
    pub(super) fn new(
        step: &Step,
        port: u16,
        canaries: &Canaries,
        place: &Place<'_>,
        words: &Words,
    ) -> Self {
        let mut rows = vec![
            typed("server", "Server", place.host.to_owned(), String::new()),
            typed(
                "port",
                "Port",
                port.to_string(),
                format!("in the place of {} ({})", step.port.number(), step.port),
            ),
            chosen(
                "security",
                "Encryption",
                words.security.get(&step.security),
                settings::security(step.security).to_owned(),
            ),
        ];
        if step.security != Security::None {
            let (meaning, file) = trust(step.trust, place);
            rows.push(Row {
                file,
                ..chosen(
                    "trust",
                    "Certificates",
                    words.trust.get(&step.trust),
                    meaning,
                )
            });
        }
        rows.push(chosen(
            "sign-in",
            "Sign-in",
            words.auth.get(&step.auth),
            settings::auth(step.auth).to_owned(),
        ));
        if step.auth != Auth::None {
            let account = canaries.account(&step.account);
            let nothing = String::new;
            rows.push(typed("user", "User", account.user.clone(), nothing()));
            rows.push(match step.auth {
                Auth::Xoauth2 => typed("token", "Token", account.token.clone(), nothing()),
                _ => typed("password", "Password", account.password.clone(), nothing()),
            });
        }
        Self {
            rows,
            task: settings::job(step, canaries),
        }
    }
}

/// What to do about certificates, and with which file.
fn trust(trust: Trust, place: &Place<'_>) -> (String, Option<&'static str>) {
    match trust {
        Trust::Ca => {
            let import = "import the test authority as trusted, and accept nothing else";
            (import.to_owned(), Some("ca.pem"))
        }
        Trust::Pin => {
            let accept = format!(
                "accept exactly one certificate beforehand, the one with SHA-256 {}",
                place.pin_fingerprint
            );
            (accept, Some("server.pem"))
        }
        other => (settings::trust(other, place), None),
    }
}

fn typed(name: &'static str, label: &'static str, value: String, note: String) -> Row {
    Row {
        name,
        label,
        value,
        note,
        typed: true,
        file: None,
    }
}

/// In the product's words, with the meaning beside them; else the meaning alone.
fn chosen(name: &'static str, label: &'static str, word: Option<&String>, meaning: String) -> Row {
    let (value, note) = match word {
        Some(word) => (word.clone(), meaning),
        None => (meaning, String::new()),
    };
    Row {
        name,
        label,
        value,
        note,
        typed: false,
        file: None,
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::judge::testing::Scene;

    fn sheet(change: impl Fn(&mut Step), words: &Words) -> Sheet {
        let record = Scene::send().record;
        let mut step = record.steps[0].clone();
        change(&mut step);
        let place = Place {
            host: "localhost",
            reach: None,
            ca: Path::new("/x/ca.pem"),
            ca_fingerprint: "AA:BB",
            pin: Path::new("/x/server.pem"),
            pin_fingerprint: "CC:DD",
        };
        Sheet::new(&step, 2587, &record.canaries, &place, words)
    }

    fn names(sheet: &Sheet) -> Vec<&str> {
        sheet.rows.iter().map(|it| it.name).collect()
    }

    #[test]
    fn settings_have_the_words_of_the_product_and_their_meaning() {
        let mut words = Words::default();
        words
            .security
            .insert(Security::Implicit, "SSL/TLS".to_owned());
        let sheet = sheet(|it| it.security = Security::Implicit, &words);
        let row = &sheet.rows[2];
        assert_eq!((row.value.as_str(), row.typed), ("SSL/TLS", false));
        assert_eq!(row.note, "TLS from the first octet (SSL/TLS)");
        assert_eq!(sheet.rows[1].value, "2587");
    }

    #[test]
    fn only_what_the_step_needs() {
        let clear = sheet(
            |it| {
                it.security = Security::None;
                it.auth = Auth::None;
            },
            &Words::default(),
        );
        assert_eq!(names(&clear), ["server", "port", "security", "sign-in"]);
        let token = sheet(
            |it| {
                it.trust = Trust::Ca;
                it.auth = Auth::Xoauth2;
            },
            &Words::default(),
        );
        assert_eq!(names(&token)[5..], ["user", "token"]);
        assert_eq!(token.rows[3].file, Some("ca.pem"));
    }
}
