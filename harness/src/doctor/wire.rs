//! What was seen on the wire, in one line, and whether it is what the declared settings mean.
//!
//! Must not know what a probe is about.

use mailproof_scenarios::model::{
    Auth, Event, Layer, Security, Step, What,
    event::{Alert, Direction, Ended},
};

use crate::transcript::{alert_name, printable, said_words};

/// Things that a line names before it is cut.
const LONGEST: usize = 16;

/// The commands of a client and the milestones between them: `EHLO, STARTTLS, TLS 1.3, EHLO, AUTH PLAIN`.
/// Repetitions are told once, a further connection begins behind a bar.
pub(super) fn line(events: &[Event]) -> String {
    let mut words: Vec<String> = Vec::new();
    let mut connections = 0;
    for event in events {
        let word = match &event.what {
            What::Connected { .. } => {
                connections += 1;
                if connections > 1 {
                    words.push("|".to_owned());
                }
                continue;
            }
            What::Attempted { .. } => "knocks".to_owned(),
            What::TlsEstablished { version, .. } => version.replacen("TLSv1_", "TLS 1.", 1),
            // The alert says more.
            What::TlsFailed { .. } if words.last().is_some_and(|it| it.starts_with("alert ")) => {
                continue;
            }
            What::TlsFailed { .. } => "TLS fails".to_owned(),
            What::Alert(Alert {
                from: Direction::Client,
                description,
                ..
            }) if *description != 0 => format!("alert {}", alert_name(*description)),
            What::Command { verb, line, .. } => match command(verb, line) {
                Some(word) => word,
                None => continue,
            },
            _ => continue,
        };
        if words.last() != Some(&word) {
            words.push(word);
        }
    }
    if words.is_empty() {
        let met = if connections > 0 {
            "connects, says nothing"
        } else {
            "nothing"
        };
        return met.to_owned();
    }
    let cut = words.len() > LONGEST;
    words.truncate(LONGEST);
    let mut line = words
        .join(", ")
        .replace(", |, ", " | ")
        .replace(", |", " |");
    if cut {
        line.push_str(", …");
    }
    printable(&line)
}

/// How the subject ended, for the end of the line: `success, exit 0`.
pub(super) fn end(ended: Option<&Ended>) -> String {
    let Some(ended) = ended else {
        return "nobody saw the end".to_owned();
    };
    match ended {
        Ended::Finished { code, said, .. } => {
            let code = code.map_or_else(String::new, |it| format!(", exit {it}"));
            format!("{}{code}", said_words(*said))
        }
        Ended::Unsupported { .. } => "unsupported".to_owned(),
        Ended::Crashed { .. } => "crash".to_owned(),
        Ended::Hung { .. } => "does not end".to_owned(),
        Ended::NotStarted { .. } => "not started".to_owned(),
        Ended::Unheard => "unheard".to_owned(),
    }
}

/// What was seen that the declared settings do not mean, a clause each: "declared implicit, but …".
pub(super) fn contradictions(step: &Step, events: &[Event]) -> Vec<String> {
    let mut found = Vec::new();
    let commands = |layer: Layer| {
        events.iter().filter_map(move |event| match &event.what {
            What::Command {
                verb, layer: it, ..
            } if *it == layer => Some(verb.as_str()),
            _ => None,
        })
    };
    let tls = events
        .iter()
        .any(|it| matches!(it.what, What::TlsEstablished { .. }));
    let telling = commands(Layer::Clear).find(|it| !is_harmless(it));
    let said_in_clear = |telling: &str| {
        format!(
            "declared security {}, but {telling} was sent in clear",
            step.security
        )
    };
    match step.security {
        Security::None if tls => {
            found.push("declared security none, but the client began TLS".to_owned());
        }
        Security::Implicit => {
            if let Some(verb) = commands(Layer::Clear).find(|it| *it != "?") {
                found.push(format!(
                    "declared security implicit, but the client spoke in clear first ({verb})"
                ));
            }
        }
        Security::StarttlsRequired => found.extend(telling.map(said_in_clear)),
        Security::StarttlsOptional => {
            found.extend(telling.map(|it| said_in_clear(it) + " although STARTTLS was on offer"));
        }
        Security::None | Security::Automatic => {}
    }
    let starttls = events
        .iter()
        .any(|it| matches!(&it.what, What::Command { verb, .. } if verb == "STARTTLS"));
    if tls && !starttls && is_starttls(step.security) {
        found.push(format!(
            "declared security {}, but the client began TLS without it",
            step.security
        ));
    }
    for event in events {
        if let What::SignIn { mechanism, .. } = &event.what
            && !fits(step.auth, mechanism)
        {
            let clause = format!(
                "declared sign-in {}, but the client used {}",
                step.auth,
                printable(mechanism)
            );
            if !found.contains(&clause) {
                found.push(clause);
            }
        }
    }
    found
}

/// The name of a command for the line; the mechanism belongs to it. `None` for what goes without saying.
fn command(verb: &str, line: &[u8]) -> Option<String> {
    match verb {
        "(data)" => Some("message".to_owned()),
        "(sasl)" | "DONE" => None,
        "?" if line.starts_with(&[0x16, 3]) => Some("TLS in clear".to_owned()),
        "?" => Some("no command".to_owned()),
        "AUTH" | "AUTHENTICATE" => {
            let text = String::from_utf8_lossy(line).to_ascii_uppercase();
            let mut words = text.split_whitespace().skip_while(|it| *it != verb);
            let mechanism = words.nth(1).unwrap_or("");
            let mechanism: String = mechanism.chars().take(20).collect();
            Some(format!("{verb} {mechanism}").trim_end().to_owned())
        }
        verb => Some(verb.to_owned()),
    }
}

/// What tells nobody anything: a client may say it before TLS (RFC 3207 §4.2, RFC 9051 §11.1).
pub(super) fn is_harmless(verb: &str) -> bool {
    const HARMLESS: &[&str] = &[
        "EHLO",
        "HELO",
        "STARTTLS",
        "CAPABILITY",
        "NOOP",
        "QUIT",
        "RSET",
        "LOGOUT",
        "ID",
        "?",
    ];
    HARMLESS.contains(&verb)
}

const fn is_starttls(security: Security) -> bool {
    matches!(
        security,
        Security::StarttlsRequired | Security::StarttlsOptional
    )
}

fn fits(auth: Auth, mechanism: &str) -> bool {
    match auth {
        Auth::None => false,
        Auth::Password => mechanism != "XOAUTH2",
        Auth::Plain => mechanism == "PLAIN",
        Auth::Login => mechanism == "LOGIN",
        Auth::Xoauth2 => mechanism == "XOAUTH2",
    }
}

#[cfg(test)]
mod tests {
    use mailproof_scenarios::model::{Endpoints, PortRole, Protocol};
    use test_case::test_case;

    use super::*;
    use crate::judge::testing::Scene;

    fn event(what: What) -> Event {
        Event {
            at: 0,
            step: 1,
            conn: Some(1),
            what,
        }
    }

    /// `+` is inside TLS, `tls` begins it, `knock` connects, `!PLAIN` is a sign-in.
    fn events(words: &str) -> Vec<Event> {
        let one = |word: &str| match word {
            "tls" => What::TlsEstablished {
                version: "TLSv1_3".to_owned(),
                suite: String::new(),
                resumed: false,
            },
            "knock" => What::Connected {
                port: PortRole::Submission,
                between: Endpoints::default(),
                decoy: false,
            },
            word => match word.strip_prefix('!') {
                Some(mechanism) => What::SignIn {
                    mechanism: mechanism.to_owned(),
                    user: String::new(),
                    accepted: true,
                },
                None => {
                    let verb = word.trim_start_matches('+').replace('_', " ");
                    What::Command {
                        protocol: Protocol::Smtp,
                        layer: if word.starts_with('+') {
                            Layer::Tls
                        } else {
                            Layer::Clear
                        },
                        line: format!("{verb}\r\n").into_bytes(),
                        verb: verb.split(' ').next().unwrap_or_default().to_owned(),
                        early: false,
                    }
                }
            },
        };
        words
            .split(' ')
            .filter(|it| !it.is_empty())
            .map(|it| event(one(it)))
            .collect()
    }

    #[test_case("" => "nothing")]
    #[test_case("knock" => "connects, says nothing"; "silent")]
    #[test_case("knock EHLO STARTTLS tls +EHLO +AUTH_PLAIN_AGE= (sasl) +MAIL (data) +QUIT"
        => "EHLO, STARTTLS, TLS 1.3, EHLO, AUTH PLAIN, MAIL, message, QUIT"; "a session")]
    #[test_case("knock EHLO knock EHLO" => "EHLO | EHLO"; "two connections")]
    #[test_case("FETCH FETCH FETCH" => "FETCH"; "repetitions")]
    #[test_case("A B C D E F G H I J K L M N O P Q" => "A, B, C, D, E, F, G, H, I, J, K, L, M, N, O, P, …"; "long")]
    fn lines(words: &str) -> String {
        line(&events(words))
    }

    #[test_case(Security::StarttlsRequired, Auth::Plain, "EHLO STARTTLS tls +EHLO +AUTH_PLAIN !PLAIN +MAIL" => 0; "as declared")]
    #[test_case(Security::StarttlsRequired, Auth::Plain, "EHLO AUTH_PLAIN !PLAIN MAIL" => 1; "mail in clear")]
    #[test_case(Security::StarttlsOptional, Auth::Plain, "EHLO MAIL" => 1; "an offer that was not taken")]
    #[test_case(Security::StarttlsRequired, Auth::Plain, "tls +EHLO" => 1; "implicit instead")]
    #[test_case(Security::Implicit, Auth::Plain, "EHLO STARTTLS tls" => 1; "clear first")]
    #[test_case(Security::Implicit, Auth::Plain, "tls +EHLO !PLAIN" => 0; "implicit")]
    #[test_case(Security::None, Auth::None, "EHLO STARTTLS tls" => 1; "TLS by itself")]
    #[test_case(Security::None, Auth::None, "EHLO MAIL" => 0; "clear by choice")]
    #[test_case(Security::Implicit, Auth::Plain, "tls !LOGIN !LOGIN" => 1; "another mechanism")]
    #[test_case(Security::Implicit, Auth::Password, "tls !LOGIN" => 0; "any mechanism")]
    #[test_case(Security::Implicit, Auth::None, "tls !LOGIN" => 1; "signs in unasked")]
    #[test_case(Security::Automatic, Auth::Login, "EHLO MAIL !LOGIN" => 0; "automatic is whatever it is")]
    fn meanings(security: Security, auth: Auth, words: &str) -> usize {
        let mut step = Scene::send().record.case.steps[0].clone();
        step.security = security;
        step.auth = auth;
        contradictions(&step, &events(words)).len()
    }
}
