//! What is asked of the subject, in words. Must not know the server's side.

use mailproof_scenarios::model::{
    Auth, CaFile, Crl, Host, Job, Message, Party, PortRole, Process, Protocol, Security, Step,
    Store, Trust, Vary,
};

/// One sentence for each step.
pub(super) fn describe(steps: &[Step]) -> Vec<String> {
    let several = steps.len() > 1;
    steps
        .iter()
        .enumerate()
        .map(|(index, step)| {
            let number = if several {
                format!("Step {}: ", index + 1)
            } else {
                String::new()
            };
            let process = match step.process {
                Process::New if index > 0 => " It is started again for this.",
                Process::Same if index > 0 => " It is the same process as before.",
                _ => "",
            };
            format!("{number}{}{process}", sentence(step, several))
        })
        .collect()
}

/// A change of the subject's input or settings, against the step as it is in the control.
pub(super) fn change(change: &Vary, before: Option<&Step>) -> String {
    let after = &change.with;
    let mut parts = Vec::new();
    let mut put = |differs: bool, what: String| {
        if differs {
            parts.push(what);
        }
    };
    let differs = |it: fn(&Step) -> String| before.is_none_or(|before| it(before) != it(after));
    put(differs(|it| it.job.to_string()), job(after));
    put(
        differs(|it| it.security.to_string()),
        security(after.security).to_owned(),
    );
    put(
        differs(|it| it.trust.to_string()),
        trust(after.trust).to_owned(),
    );
    put(
        differs(|it| it.ca_file.to_string()),
        format!("the file of authorities has {}", ca_file(after.ca_file)),
    );
    put(
        differs(|it| it.store.to_string()),
        format!("the system trusts {}", store(after.store)),
    );
    put(
        differs(|it| it.crl.to_string()),
        format!("it has {}", crl(after.crl)),
    );
    put(
        differs(|it| it.host.to_string()),
        format!("the server is called by {}", host(after.host)),
    );
    put(
        differs(|it| it.port.to_string()),
        format!("on {}", port(after.port)),
    );
    put(
        differs(|it| it.source.to_string()),
        format!("from its address {}", after.source),
    );
    put(
        differs(|it| it.auth.to_string()),
        auth(after.auth).to_owned(),
    );
    put(
        differs(|it| it.account.clone()),
        format!("account {}", after.account),
    );
    put(
        differs(|it| it.from.to_string()),
        format!("the sender is {}", party(after.from)),
    );
    put(
        differs(|it| format!("{:?}", it.to)),
        format!("the recipients are {}", parties(&after.to)),
    );
    put(
        differs(|it| it.message.to_string()),
        format!("the message is {}", message(after.message)),
    );
    put(
        differs(|it| it.mailbox.clone()),
        format!("the mailbox is {}", after.mailbox),
    );
    format!(
        "The client is asked otherwise (step {}): {}.",
        change.step,
        parts.join(", ")
    )
}

fn sentence(step: &Step, with_account: bool) -> String {
    let mut sentence = format!(
        "The client is to {} over {} on {}, with {}",
        job(step),
        step.protocol.name().to_uppercase(),
        port(step.port),
        security(step.security),
    );
    if step.security != Security::None {
        sentence.push_str(&format!(" and {}", trust(step.trust)));
    }
    if step.ca_file != CaFile::default() {
        let file = ca_file(step.ca_file);
        sentence.push_str(&format!("; the file of authorities has {file}"));
    }
    if step.store != Store::default() {
        sentence.push_str(&format!("; the system trusts {}", store(step.store)));
    }
    if step.crl != Crl::default() {
        sentence.push_str(&format!("; it has {}", crl(step.crl)));
    }
    if step.host != Host::Name {
        sentence.push_str(&format!("; the server is called by {}", host(step.host)));
    }
    if step.source != 1 {
        sentence.push_str(&format!("; it comes from its address {}", step.source));
    }
    sentence.push_str(&format!("; {}", auth(step.auth)));
    if with_account {
        sentence.push_str(&format!(", as account {}", step.account));
    }
    sentence.push('.');
    sentence
}

const fn ca_file(file: CaFile) -> &'static str {
    match file {
        CaFile::Authority => "the test authority in it",
        CaFile::OtherAuthority => "another authority in it",
        CaFile::Anchors => "whatever the server's chain leads to",
        CaFile::Empty => "nothing in it",
        CaFile::Missing => "a name, but is not there",
        CaFile::Der => "the test authority in DER instead of PEM",
        CaFile::BrokenBlock => "a broken block between two good ones",
    }
}

const fn store(store: Store) -> &'static str {
    match store {
        Store::Own => "what it trusts anyway",
        Store::Authority => "the test authority",
        Store::OtherAuthority => "another authority",
    }
}

const fn crl(crl: Crl) -> &'static str {
    match crl {
        Crl::None => "no revocation lists",
        Crl::Given => "the revocation lists of the issuers",
    }
}

const fn host(host: Host) -> &'static str {
    match host {
        Host::Name => "its usual name",
        Host::MixedCase => "its usual name in capitals and small letters",
        Host::TrailingDot => "its usual name with a dot behind it",
        Host::Deep => "a name one label below the usual one",
        Host::Apex => "the domain above its usual name",
        Host::Idn => "an internationalised name",
        Host::Alias => "an alias in DNS",
        Host::Target => "the name that the alias leads to",
        Host::Ipv4 => "its IPv4 address",
        Host::Ipv6 => "its IPv6 address",
    }
}

fn job(step: &Step) -> String {
    match step.job {
        Job::Send => format!(
            "send {} from {} to {}",
            message(step.message),
            party(step.from),
            parties(&step.to)
        ),
        Job::Fetch => format!("read every message in {}", step.mailbox),
        Job::List => "list the mailboxes".to_owned(),
        Job::Append => format!("store {} in {}", message(step.message), step.mailbox),
        Job::Idle => format!("wait in {} for a new message", step.mailbox),
        Job::TestConnection => match step.protocol {
            Protocol::Smtp => "test the settings of an outgoing account".to_owned(),
            Protocol::Imap => "test the settings of an incoming account".to_owned(),
        },
    }
}

fn port(role: PortRole) -> String {
    format!("port {} ({role})", role.number())
}

fn security(security: Security) -> &'static str {
    match security {
        Security::None => "no encryption, by choice of the user",
        Security::StarttlsOptional => "STARTTLS if the server has it",
        Security::StarttlsRequired => "STARTTLS or nothing",
        Security::Implicit => "TLS from the first octet",
        Security::Automatic => "whatever the client makes of \"automatic\"",
    }
}

fn trust(trust: Trust) -> &'static str {
    match trust {
        Trust::System => "the certificates that the operating system trusts",
        Trust::Ca => "the test authority as the only trusted one",
        Trust::Pin => "one certificate that was accepted beforehand",
        Trust::Always => "any certificate accepted, by choice of the user",
        Trust::Default => "no word on certificates",
    }
}

fn auth(auth: Auth) -> &'static str {
    match auth {
        Auth::None => "it does not sign in",
        Auth::Password => "it signs in with a password, by the mechanism of its choice",
        Auth::Plain => "it signs in by SASL PLAIN",
        Auth::Login => "it signs in by SASL LOGIN",
        Auth::Xoauth2 => "it signs in by XOAUTH2 with a bearer token",
    }
}

fn party(party: Party) -> &'static str {
    match party {
        Party::Own => "the account's own address",
        Party::Other => "somebody at another domain",
        Party::Second => "a second person at another domain",
        Party::Third => "a third person at another domain",
        Party::Colleague => "a colleague at the same domain",
    }
}

fn parties(parties: &[Party]) -> String {
    match parties {
        [] => "nobody".to_owned(),
        _ => parties
            .iter()
            .map(|it| party(*it))
            .collect::<Vec<_>>()
            .join(", "),
    }
}

fn message(message: Message) -> &'static str {
    match message {
        Message::Simple => "a short message",
        Message::Dots => "a message with lines that begin with dots",
        Message::Smuggling => "a message with sequences that could end it early",
        Message::EightBit => "a message with octets above 127",
        Message::Large => "a message of about a mebibyte",
        Message::SelfAddressed => "a message whose From and To headers are the same",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step() -> Step {
        Step {
            job: Job::Send,
            protocol: Protocol::Smtp,
            security: Security::None,
            trust: Trust::Ca,
            ca_file: CaFile::default(),
            store: Store::default(),
            crl: Crl::default(),
            host: Host::Name,
            source: 1,
            port: PortRole::Submission,
            auth: Auth::Plain,
            account: "a".to_owned(),
            from: Party::Own,
            to: vec![Party::Other],
            message: Message::Simple,
            mailbox: "INBOX".to_owned(),
            process: Process::New,
        }
    }

    #[test]
    fn trust_is_told_only_where_there_is_tls() {
        let mut step = step();
        assert_eq!(
            describe(std::slice::from_ref(&step)),
            [
                "The client is to send a short message from the account's own address to somebody at another \
              domain over SMTP on port 587 (submission), with no encryption, by choice of the user; it signs \
              in by SASL PLAIN."
            ]
        );
        step.security = Security::Implicit;
        assert!(describe(&[step])[0].contains("and the test authority as the only trusted one"));
    }

    #[test]
    fn a_change_names_only_what_is_different() {
        let before = step();
        let with = Step {
            to: vec![Party::Own],
            message: Message::SelfAddressed,
            ..step()
        };
        assert_eq!(
            change(
                &Vary {
                    step: 1,
                    with: Step {
                        job: Job::Append,
                        ..before.clone()
                    }
                },
                Some(&before)
            ),
            "The client is asked otherwise (step 1): store a short message in INBOX."
        );
        let told = change(&Vary { step: 1, with }, Some(&before));
        assert!(
            told.contains(
                "the recipients are the account's own address, the message is a message whose"
            ),
            "{told}"
        );
        assert!(!told.contains("port"), "{told}");
    }
}
