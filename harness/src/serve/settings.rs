//! What a person has to know to set a client up for a case, in words. Must not know how it is served.

use std::{fmt::Write as _, path::Path};

use mailproof_mock_servers::world::Reach;
use mailproof_scenarios::model::{
    Auth, Canaries, Job, Message, PortRole, Protocol, Security, Step, Trust,
};

use crate::{adapter::Words, report::text};

/// What every step of a case has in common.
#[derive(Clone, Debug)]
pub(super) struct Place<'a> {
    /// The name that the client is set up with.
    pub(super) host: &'a str,
    /// Where it is reached, if from elsewhere.
    pub(super) reach: Option<&'a Reach>,
    /// The certificate of the test authority.
    pub(super) ca: &'a Path,
    /// Its SHA-256.
    pub(super) ca_fingerprint: &'a str,
    /// The certificate that the server has in the base.
    pub(super) pin: &'a Path,
    /// Its SHA-256.
    pub(super) pin_fingerprint: &'a str,
}

/// The server and the certificates, for every step.
pub(super) fn place(place: &Place<'_>) -> String {
    let reached = match place.reach {
        None => "(127.0.0.1 and ::1), on this machine only".to_owned(),
        Some(reach) => format!(
            "(listens on {}), for {} only",
            listed(&reach.bind),
            listed(&reach.allow)
        ),
    };
    format!(
        "Server          {} {reached}\n\
         Test authority  {}\n\
         \x20               SHA-256 {}\n",
        place.host,
        place.ca.display(),
        place.ca_fingerprint
    )
}

fn listed(items: &[impl ToString]) -> String {
    let items: Vec<String> = items.iter().map(ToString::to_string).collect();
    items.join(", ")
}

/// One port of a server that simply works.
pub(super) fn port(role: PortRole, number: u16) -> String {
    let security = match role {
        role if role.is_implicit() => "TLS from the first octet (SSL/TLS)",
        PortRole::Smtp => "STARTTLS, or none",
        _ => "STARTTLS",
    };
    format!(
        "  {:<14}{number}, in the place of {}; security: {security}\n",
        role.name(),
        role.number()
    )
}

/// The account with which a client signs in.
pub(super) fn account(name: &str, canaries: &Canaries, with_token: bool) -> String {
    let account = canaries.account(name);
    let mut out = format!(
        "  user          {}\n  password      {}\n",
        account.user, account.password
    );
    if with_token {
        let _ = writeln!(out, "  token         {}", account.token);
    }
    out
}

/// One step: the settings, and what the person is to do.
pub(super) fn step(
    step: &Step,
    port: u16,
    canaries: &Canaries,
    place: &Place<'_>,
    words: &Words,
) -> String {
    let mut out = String::new();
    let mut line = |name: &str, words: &str| {
        let _ = writeln!(out, "  {name:<14}{words}");
    };
    line("server", place.host);
    line(
        "port",
        &format!(
            "{port}, in the place of {} ({})",
            step.port.number(),
            step.port
        ),
    );
    line(
        "security",
        &named(
            words.security.get(&step.security),
            &format!("{}: {}", step.security, security(step.security)),
        ),
    );
    if step.security != Security::None {
        line(
            "trust",
            &named(
                words.trust.get(&step.trust),
                &format!("{}: {}", step.trust, trust(step.trust, place)),
            ),
        );
    }
    line(
        "sign-in",
        &named(
            words.auth.get(&step.auth),
            &format!("{}: {}", step.auth, auth(step.auth)),
        ),
    );
    if step.auth != Auth::None {
        out.push_str(&self::account(
            &step.account,
            canaries,
            step.auth == Auth::Xoauth2,
        ));
    }
    let _ = writeln!(out, "\n  {}", job(step, canaries));
    out
}

/// A setting by the name that it has in the product, where that is known, and what it means.
fn named(name: Option<&String>, meaning: &str) -> String {
    match name {
        Some(name) => format!("“{}” ({meaning})", text::line(name)),
        None => meaning.to_owned(),
    }
}

pub(super) fn security(security: Security) -> &'static str {
    match security {
        Security::None => "no encryption",
        Security::StarttlsOptional => "STARTTLS if the server has it",
        Security::StarttlsRequired => "STARTTLS, and nothing without it",
        Security::Implicit => "TLS from the first octet (SSL/TLS)",
        Security::Automatic => "whatever the client calls automatic",
    }
}

pub(super) fn trust(trust: Trust, place: &Place<'_>) -> String {
    match trust {
        Trust::System => {
            "nothing is imported or accepted; the client knows only what the system knows"
                .to_owned()
        }
        Trust::Ca => {
            "import the test authority above as trusted, and accept nothing else".to_owned()
        }
        Trust::Pin => format!(
            "accept exactly one certificate beforehand, {} with SHA-256 {}",
            place.pin.display(),
            place.pin_fingerprint
        ),
        Trust::Always => "tell the client to accept any certificate".to_owned(),
        Trust::Default => "leave everything about certificates as the client has it".to_owned(),
    }
}

pub(super) fn auth(auth: Auth) -> &'static str {
    match auth {
        Auth::None => "do not sign in",
        Auth::Password => "with the password, in whatever way the client chooses",
        Auth::Plain => "with the password, by SASL PLAIN",
        Auth::Login => "with the password, by SASL LOGIN",
        Auth::Xoauth2 => "with the token, by XOAUTH2",
    }
}

pub(super) fn job(step: &Step, canaries: &Canaries) -> String {
    let account = canaries.account(&step.account);
    let address = |party| canaries.address(party, account);
    let to: Vec<String> = step.to.iter().map(|it| address(*it)).collect();
    match step.job {
        Job::Send => format!(
            "Send {} from {} to {}. Write the word {} into it, so that it can be followed.",
            message(step.message),
            address(step.from),
            to.join(" and to "),
            canaries.body
        ),
        Job::Fetch => format!("Open {} and read every message in it.", step.mailbox),
        Job::List => "Let the client show the folders of the account.".to_owned(),
        Job::Append => format!(
            "Store {} in {} (save a draft, or copy a message there). Write the word {} into it, so \
             that it can be followed.",
            message(step.message),
            step.mailbox,
            canaries.body
        ),
        Job::Idle => format!("Open {} and wait until a new message comes.", step.mailbox),
        Job::TestConnection => match step.protocol {
            Protocol::Smtp => "Let the client test the settings of the outgoing server.".to_owned(),
            Protocol::Imap => "Let the client test the settings of the incoming server.".to_owned(),
        },
    }
}

const fn message(message: Message) -> &'static str {
    match message {
        Message::Simple => "a short message",
        Message::Dots => "a message with lines that begin with dots",
        Message::Smuggling => "a message with a dot alone on a line",
        Message::EightBit => "a message with letters such as ä, ö and ü",
        Message::Large => "a message of about a mebibyte",
        Message::SelfAddressed => "a message with the same address in From and To",
    }
}

#[cfg(test)]
mod tests {
    use test_case::test_case;

    use super::*;
    use crate::judge::testing::Scene;

    fn shown(change: impl Fn(&mut Step)) -> (String, Canaries) {
        let record = Scene::send().record;
        let mut it = record.steps[0].clone();
        change(&mut it);
        let place = Place {
            host: "localhost",
            reach: None,
            ca: Path::new("/x/ca.pem"),
            ca_fingerprint: "AA:BB",
            pin: Path::new("/x/pin.pem"),
            pin_fingerprint: "CC:DD",
        };
        let words = Words {
            security: [(Security::Implicit, "SSL".to_owned())].into(),
            ..Words::default()
        };
        let shown = step(&it, 4711, &record.canaries, &place, &words);
        (shown, record.canaries)
    }

    #[test_case(Trust::Pin, Auth::Password => (true, true, false); "pin")]
    #[test_case(Trust::Ca, Auth::Xoauth2 => (false, true, true); "token")]
    #[test_case(Trust::Ca, Auth::None => (false, false, false); "nobody signs in")]
    fn only_what_the_step_needs(trust: Trust, auth: Auth) -> (bool, bool, bool) {
        let (shown, canaries) = shown(|it| {
            it.trust = trust;
            it.auth = auth;
        });
        assert!(
            shown.contains("  port          4711, in the place of "),
            "{shown}"
        );
        assert!(shown.contains(&canaries.body));
        let account = canaries.account("a");
        (
            shown.contains("CC:DD"),
            shown.contains(&account.password),
            shown.contains(&account.token),
        )
    }

    #[test_case(Security::Implicit => true; "known")]
    #[test_case(Security::StarttlsRequired => false; "unknown")]
    fn by_the_name_in_the_product(security: Security) -> bool {
        let (shown, _) = shown(|it| it.security = security);
        assert!(shown.contains(&format!("{security}: ")), "{shown}");
        shown.contains("“SSL” (implicit: TLS from the first octet")
    }

    #[test]
    fn without_encryption_nobody_needs_trust() {
        let (shown, _) = shown(|it| it.security = Security::None);
        assert!(!shown.contains("trust"), "{shown}");
    }
}
