//! Personas with the setup of a case and the capabilities that a deviation takes or gives.

use mailproof_scenarios::model::{ImapPersona, Layer, Setup, SmtpPersona};

/// Capabilities that a server lacks or announces by a deviation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CapabilityChange {
    /// The deviation.
    pub(crate) index: u16,
    /// Whether they are taken away.
    pub(crate) remove: bool,
    /// The capabilities: `STARTTLS`, `AUTH LOGIN`, `AUTH=PLAIN`.
    pub(crate) words: Vec<String>,
    /// Only in clear or only inside TLS.
    pub(crate) channel: Option<Layer>,
}

impl CapabilityChange {
    /// Whether the lists of a layer are concerned.
    pub(crate) fn concerns(&self, layer: Layer) -> bool {
        self.channel.is_none_or(|it| it == layer)
    }

    /// Whether a command is one that this change takes away.
    pub(crate) fn takes_away(&self, verb: &str) -> bool {
        let verb = if verb == "AUTHENTICATE" { "AUTH" } else { verb };
        self.remove
            && self
                .words
                .iter()
                .any(|it| name(it).eq_ignore_ascii_case(verb))
    }
}

/// The SMTP side of a persona as a connection meets it.
pub(crate) fn smtp_persona(
    persona: &SmtpPersona,
    setup: &Setup,
    changes: &[CapabilityChange],
) -> SmtpPersona {
    let mut persona = persona.clone();
    if let Some(requires_auth) = setup.requires_auth {
        persona.requires_auth = requires_auth;
    }
    match setup.auth_in_clear {
        Some(true) => {
            persona.requires_tls = false;
            if !has(&persona.clear, "AUTH") {
                let auth = persona.tls.iter().filter(|it| is(it, "AUTH"));
                persona.clear.extend(auth.cloned());
            }
        }
        Some(false) => {
            persona.requires_tls = true;
            persona.clear.retain(|it| !is(it, "AUTH"));
        }
        None => {}
    }
    remove(&mut persona.clear, &setup.without);
    remove(&mut persona.tls, &setup.without);
    for change in changes {
        if change.concerns(Layer::Clear) {
            apply(&mut persona.clear, change);
        }
        if change.concerns(Layer::Tls) {
            apply(&mut persona.tls, change);
        }
    }
    persona
}

/// The IMAP side of a persona as a connection meets it.
pub(crate) fn imap_persona(
    persona: &ImapPersona,
    setup: &Setup,
    changes: &[CapabilityChange],
) -> ImapPersona {
    let mut persona = persona.clone();
    if let Some(greeting_capability) = setup.greeting_capability {
        persona.greeting_capability = greeting_capability;
    }
    match setup.auth_in_clear {
        Some(true) => {
            persona.clear.retain(|it| !is(it, "LOGINDISABLED"));
            if !has(&persona.clear, "AUTH") {
                let auth = persona.tls.iter().filter(|it| is(it, "AUTH"));
                persona.clear.extend(auth.cloned());
            }
        }
        Some(false) => {
            persona.clear.retain(|it| !is(it, "AUTH"));
            if !has(&persona.clear, "LOGINDISABLED") {
                persona.clear.push("LOGINDISABLED".to_owned());
            }
        }
        None => {}
    }
    for list in [
        &mut persona.clear,
        &mut persona.tls,
        &mut persona.authenticated,
    ] {
        remove(list, &setup.without);
    }
    for change in changes {
        if change.concerns(Layer::Clear) {
            apply(&mut persona.clear, change);
        }
        if change.concerns(Layer::Tls) {
            apply(&mut persona.tls, change);
        }
        // A list of its own, sent on either layer; what only makes sense before signing in stays out.
        if change.remove {
            remove(&mut persona.authenticated, &change.words);
        } else {
            let before = |word: &String| matches!(name(word), "STARTTLS" | "LOGINDISABLED");
            let words = change.words.iter().filter(|it| !before(it));
            announce(&mut persona.authenticated, words);
        }
    }
    persona
}

fn apply(list: &mut Vec<String>, change: &CapabilityChange) {
    if change.remove {
        remove(list, &change.words);
    } else {
        announce(list, change.words.iter());
    }
}

/// Takes whole capabilities away by their name; `AUTH LOGIN` takes that mechanism only.
fn remove(list: &mut Vec<String>, words: &[String]) {
    for word in words {
        let word = word.trim();
        match word.split_once(' ') {
            Some((first, parameter)) => {
                for line in list.iter_mut().filter(|it| is(it, first)) {
                    let kept: Vec<_> = line
                        .split(' ')
                        .filter(|it| !it.eq_ignore_ascii_case(parameter))
                        .collect();
                    *line = kept.join(" ");
                }
                // A list of mechanisms without any is no capability.
                list.retain(|it| {
                    !(first.eq_ignore_ascii_case("AUTH") && it.eq_ignore_ascii_case("AUTH"))
                });
            }
            None if word.contains('=') => list.retain(|it| !it.eq_ignore_ascii_case(word)),
            None => list.retain(|it| !is(it, word)),
        }
    }
}

/// Adds capabilities; the mechanisms of a second `AUTH` join the first.
fn announce<'a>(list: &mut Vec<String>, words: impl Iterator<Item = &'a String>) {
    for word in words {
        match word.split_once(' ') {
            Some(("AUTH", mechanisms)) if list.iter().any(|it| it.starts_with("AUTH ")) => {
                for line in list.iter_mut().filter(|it| it.starts_with("AUTH ")) {
                    for mechanism in mechanisms.split(' ') {
                        if !line.split(' ').any(|it| it.eq_ignore_ascii_case(mechanism)) {
                            line.push(' ');
                            line.push_str(mechanism);
                        }
                    }
                }
            }
            _ if list.iter().any(|it| it.eq_ignore_ascii_case(word)) => {}
            _ => list.push(word.clone()),
        }
    }
}

fn has(list: &[String], capability: &str) -> bool {
    list.iter().any(|it| is(it, capability))
}

fn is(line: &str, capability: &str) -> bool {
    name(line).eq_ignore_ascii_case(capability)
}

/// The first word, without what is behind an equals sign.
fn name(line: &str) -> &str {
    line.split([' ', '=']).next().unwrap_or(line)
}

#[cfg(test)]
mod tests {
    use test_case::test_case;

    use super::*;

    fn list(words: &[&str]) -> Vec<String> {
        words.iter().map(|it| (*it).to_owned()).collect()
    }

    #[test_case(&["PIPELINING", "SIZE 10", "AUTH PLAIN LOGIN"], &["SIZE"], &["PIPELINING", "AUTH PLAIN LOGIN"]; "by the first word")]
    #[test_case(&["AUTH PLAIN LOGIN"], &["AUTH LOGIN"], &["AUTH PLAIN"]; "one mechanism")]
    #[test_case(&["AUTH LOGIN", "DSN"], &["AUTH LOGIN"], &["DSN"]; "the only mechanism")]
    #[test_case(&["AUTH PLAIN", "DSN"], &["auth"], &["DSN"]; "every mechanism of SMTP")]
    #[test_case(&["IMAP4rev1", "AUTH=PLAIN", "AUTH=LOGIN"], &["AUTH=LOGIN"], &["IMAP4rev1", "AUTH=PLAIN"]; "one mechanism of IMAP")]
    #[test_case(&["IMAP4rev1", "AUTH=PLAIN", "AUTH=LOGIN"], &["AUTH"], &["IMAP4rev1"]; "every mechanism of IMAP")]
    fn takes_away(before: &[&str], words: &[&str], after: &[&str]) {
        let mut lines = list(before);
        remove(&mut lines, &list(words));
        assert_eq!(lines, list(after));
    }

    #[test_case(&["AUTH PLAIN"], &["AUTH LOGIN"], &["AUTH PLAIN LOGIN"]; "joins the list of mechanisms")]
    #[test_case(&["AUTH PLAIN"], &["AUTH PLAIN"], &["AUTH PLAIN"]; "once is enough")]
    #[test_case(&[], &["AUTH LOGIN"], &["AUTH LOGIN"]; "a list of its own")]
    #[test_case(&["IMAP4rev1"], &["LOGINDISABLED"], &["IMAP4rev1", "LOGINDISABLED"]; "a word")]
    fn gives(before: &[&str], words: &[&str], after: &[&str]) {
        let mut lines = list(before);
        announce(&mut lines, list(words).iter());
        assert_eq!(lines, list(after));
    }

    #[test]
    fn a_change_knows_its_command() {
        let change = |word: &str| CapabilityChange {
            index: 0,
            remove: true,
            words: list(&[word]),
            channel: Some(Layer::Clear),
        };
        assert!(change("STARTTLS").takes_away("STARTTLS"));
        assert!(change("AUTH=PLAIN").takes_away("AUTHENTICATE"));
        assert!(!change("STARTTLS").takes_away("EHLO"));
        assert!(!change("STARTTLS").concerns(Layer::Tls));
    }
}
