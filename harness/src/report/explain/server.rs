//! The server's side of a case in words: how it is set up, and where it deviates.
//!
//! Must not know what the subject should make of it.

use mailproof_certs::{Defect, Fault};
use mailproof_scenarios::model::{
    Action, At, Case, Deviation, DnsChange, Family, HostAddress, Layer, On, PortRole, PortState,
    Protocol, Refusal, Split, Then, Unit, When, WireText,
};

use crate::report::text;

/// The base.
pub(super) fn setup(case: &Case) -> Vec<String> {
    let setup = &case.setup;
    let speaks = |protocol| case.steps.iter().any(|it| it.protocol == protocol);
    let mut lines = Vec::new();
    if speaks(Protocol::Smtp) {
        lines.push(format!("It speaks SMTP as {} does.", setup.smtp));
    }
    if speaks(Protocol::Imap) {
        lines.push(format!(
            "It speaks IMAP as {} does; {} in the mailbox.",
            setup.imap,
            match setup.messages {
                1 => "there is 1 message".to_owned(),
                n => format!("there are {n} messages"),
            }
        ));
    }
    lines.push(match setup.chain.fault {
        Fault::Valid => "Its certificate is right.".to_owned(),
        fault if fault.defect() == Defect::None => {
            format!("Its certificate is right and unusual: {}", fault.describe())
        }
        fault => format!(
            "Its certificate is wrong in the base already: {}",
            fault.describe()
        ),
    });
    let mut fact = |value: Option<bool>, yes: &str, no: &str| match value {
        Some(true) => lines.push(yes.to_owned()),
        Some(false) => lines.push(no.to_owned()),
        None => {}
    };
    fact(
        setup.requires_auth,
        "It takes mail only after a sign-in.",
        "It takes mail without a sign-in.",
    );
    fact(
        setup.auth_in_clear,
        "It takes passwords in clear.",
        "It takes no passwords in clear.",
    );
    fact(
        setup.greeting_capability,
        "Its IMAP greeting lists its capabilities.",
        "Its IMAP greeting does not list its capabilities.",
    );
    if let Some(split) = setup.segments {
        lines.push(format!("What it says in clear leaves {}.", portions(split)));
    }
    if !setup.without.is_empty() {
        lines.push(format!("It does not have: {}.", setup.without.join(", ")));
    }
    lines.extend(setup.dns.iter().map(|it| format!("{}.", capital(&dns(it)))));
    lines.extend(
        setup
            .ports
            .iter()
            .map(|(role, state)| format!("Port {} {}.", role.number(), port(*state))),
    );
    lines
}

/// One deviation.
pub(super) fn deviation(deviation: &Deviation) -> String {
    let action = action(&deviation.action, &deviation.on);
    match place(&deviation.on) {
        Some(place) => format!("{place}: {action}."),
        None => format!("{}.", capital(&action)),
    }
}

fn place(on: &On) -> Option<String> {
    let mut parts = Vec::new();
    match &on.at {
        Some(At::Command(command)) if command == "*" => {
            parts.push("In answer to any command".to_owned())
        }
        Some(At::Command(command)) => parts.push(format!("In answer to {command}")),
        Some(At::Greeting) => parts.push("At the greeting".to_owned()),
        Some(At::EndOfData) => parts.push("After the final dot of the message".to_owned()),
        Some(At::AuthResponse) => parts.push("In the middle of the sign-in".to_owned()),
        Some(At::Literal) => parts.push("When the client announces a literal".to_owned()),
        Some(At::TlsStart) => parts.push("When TLS has begun".to_owned()),
        None => {}
    }
    if let Some(protocol) = on.protocol {
        parts.push(format!("on {}", protocol.name().to_uppercase()));
    }
    match on.channel {
        Some(Layer::Clear) => parts.push("in clear".to_owned()),
        Some(Layer::Tls) => parts.push("inside TLS".to_owned()),
        None => {}
    }
    if let Some(step) = on.step {
        parts.push(format!("in step {step}"));
    }
    if let Some(address) = on.address {
        parts.push(format!("at the address \"{address}\""));
    }
    match on.family {
        Some(Family::Ipv4) => parts.push("over IPv4".to_owned()),
        Some(Family::Ipv6) => parts.push("over IPv6".to_owned()),
        None => {}
    }
    if let Some(source) = on.source {
        parts.push(format!("if the client comes from its address {source}"));
    }
    if let Some(connection) = on.connection {
        parts.push(format!("on connection {connection} of the step"));
    }
    if let Some(nth) = on.nth {
        parts.push(format!("only the {} time", ordinal(nth)));
    }
    match on.when {
        Some(When::RecipientIsSender) => parts.push("if the recipient is the sender".to_owned()),
        Some(When::HeaderFromIsTo) => {
            parts.push("if the From and To headers are the same".to_owned())
        }
        Some(When::SignedIn) => parts.push("once the client has signed in".to_owned()),
        Some(When::NotSignedIn) => parts.push("if the client has not signed in".to_owned()),
        None => {}
    }
    (!parts.is_empty()).then(|| capital(&parts.join(", ")))
}

fn action(action: &Action, on: &On) -> String {
    let unit = match on.unit {
        Some(Unit::Final) => "the final reply",
        Some(Unit::Untagged) => "the untagged response",
        Some(Unit::Continuation) => "the go-ahead",
        None => "the answer",
    };
    match action {
        Action::Chain(spec) => {
            let key = if spec.variant > 0 {
                ", with another key than before"
            } else {
                ""
            };
            let described = spec.fault.describe().trim_end_matches('.');
            format!("another certificate is served: {described}{key}")
        }
        Action::Port(change) => {
            let which = change
                .role
                .map_or("the configured port".to_owned(), |it: PortRole| {
                    format!("port {} ({it})", it.number())
                });
            format!("{which} {}", port(change.is))
        }
        Action::Dns(change) => dns(change),
        Action::Tls(change) => format!("the server {}", change.describe()),
        Action::BeforeServerHello { text, hold_ms } => {
            let held = format!("the ServerHello comes {hold_ms} ms late");
            let said = format!("before the ServerHello comes {} in clear", wire(text));
            match (text.is_empty(), hold_ms) {
                (true, _) => held,
                (false, 0) => said,
                (false, _) => format!("{said}, and {held}"),
            }
        }
        Action::Without(words) => format!("the server does not have {}", words.join(", ")),
        Action::Announce(words) => format!("the server announces {} as well", words.join(", ")),
        Action::Reject(refusal) => format!("the server refuses with {}", refused(refusal)),
        Action::Preauth(text) => {
            format!(
                "the greeting is PREAUTH {}: the session is said to be signed in",
                wire(text)
            )
        }
        Action::Reply { text, then } => {
            format!("instead of {unit} comes {}{}", wire(text), after(*then))
        }
        Action::Before(text) => format!("before {unit} comes {}", wire(text)),
        Action::After { text, then } => {
            format!(
                "behind {unit}, in the same write, comes {}{}",
                wire(text),
                after(*then)
            )
        }
        Action::Drop { then } => format!("{unit} never comes{}", after(*then)),
        Action::Replace(pairs) => {
            let pairs: Vec<String> = pairs
                .iter()
                .map(|(from, to)| format!("{} becomes {}", wire(from), wire(to)))
                .collect();
            format!("in {unit}, {}", pairs.join(", "))
        }
        Action::Split { split, gap_ms } => {
            let gap = if *gap_ms > 0 {
                format!(", {gap_ms} ms apart")
            } else {
                String::new()
            };
            format!("{unit} leaves {}{gap}", portions(*split))
        }
        Action::Hold { ms } => {
            format!("{unit} is held back for {ms} ms, and what the client does meanwhile is seen")
        }
        Action::StopReading { resume_ms: None } => {
            format!("{unit} leaves, and the server reads nothing more")
        }
        Action::StopReading {
            resume_ms: Some(ms),
        } => {
            format!("{unit} leaves, and the server reads nothing for {ms} ms")
        }
        Action::Then(then) => format!("{unit} leaves whole{}", after(*then)),
    }
}

fn dns(change: &DnsChange) -> String {
    let addresses = |records: &Option<Vec<HostAddress>>, family| {
        let records = records.as_ref()?;
        let names: Vec<&str> = records.iter().map(|it| it.name()).collect();
        Some(match names.as_slice() {
            [] => format!("no {family} address"),
            [one] => format!("the {family} address {one}"),
            several => format!(
                "the {family} addresses {}, in this order",
                several.join(", ")
            ),
        })
    };
    let said = [
        addresses(&change.a, "IPv4"),
        addresses(&change.aaaa, "IPv6"),
    ];
    let said: Vec<String> = said.into_iter().flatten().collect();
    let host = change.host.map_or_else(
        || "every host".to_owned(),
        |host| format!("the host \"{host}\""),
    );
    format!("in DNS {host} has {}", said.join(" and "))
}

fn after(then: Then) -> &'static str {
    match then {
        Then::GoOn => "",
        Then::Tls => ", and then the server starts TLS",
        Then::Clear => ", and then the server stays in clear",
        Then::Fin => ", and then the server closes its side",
        Then::Reset => ", and then the server resets the connection",
        Then::Silence => ", and then the server says nothing more",
        Then::Vanish => {
            ", and then the server is gone without a word: nothing is acknowledged any more"
        }
    }
}

fn portions(split: Split) -> &'static str {
    match split {
        Split::Octet => "octet by octet",
        Split::Line => "line by line",
        Split::Kibibyte => "in portions of 1024 octets",
        Split::InsideLine => "in pieces that end inside lines, and between CR and LF",
        Split::Whole => "in one piece",
    }
}

fn port(state: PortState) -> &'static str {
    match state {
        PortState::Open => "is open and behaves as it should",
        PortState::Refused => "is closed: connections are refused",
        PortState::Blackhole => "swallows connection attempts without an answer",
        PortState::Unreachable => "cannot be reached: a router says that there is no such host",
        PortState::Prohibited => "cannot be reached: a firewall says that it is not allowed",
        PortState::Silent => "accepts connections and then says nothing",
        PortState::Reset => "accepts connections and resets them at once",
        PortState::Closed => "accepts connections and closes them at once",
        PortState::Clear => "speaks in clear although it should begin with TLS",
        PortState::Implicit => "waits for TLS although it should begin in clear",
        PortState::Pop3 => "answers as a POP3 server",
        PortState::Http => "answers as a web server",
    }
}

fn refused(refusal: &Refusal) -> String {
    let words = String::from(refusal.clone());
    quote(&words)
}

fn wire(text: &WireText) -> String {
    quote(text.source())
}

/// As in the file, line ends visible, and not longer than somebody reads.
fn quote(words: &str) -> String {
    format!("`{}`", text::cut(&text::line(words), 200))
}

fn ordinal(n: u16) -> String {
    match n {
        1 => "first".to_owned(),
        2 => "second".to_owned(),
        3 => "third".to_owned(),
        n => format!("{n}th"),
    }
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(chars).collect()
    })
}

#[cfg(test)]
mod tests {
    use mailproof_scenarios::model::PortChange;
    use test_case::test_case;

    use super::*;

    fn text(source: &str) -> WireText {
        WireText::parse(source).unwrap()
    }

    fn at(command: &str) -> On {
        On {
            at: Some(At::Command(command.to_owned())),
            ..On::default()
        }
    }

    #[test_case(at("RCPT"), Action::Reject(Refusal::try_from("550 5.1.1 No".to_owned()).unwrap())
        => "In answer to RCPT: the server refuses with `550 5.1.1 No`."; "refusal")]
    #[test_case(On { nth: Some(2), channel: Some(Layer::Tls), ..at("*") }, Action::Drop { then: Then::Fin }
        => "In answer to any command, inside TLS, only the second time: the answer never comes, and then the \
            server closes its side."; "loss")]
    #[test_case(On::default(), Action::Port(PortChange { role: None, is: PortState::Blackhole })
        => "The configured port swallows connection attempts without an answer."; "world")]
    #[test_case(On { at: Some(At::Greeting), ..On::default() }, Action::Before(text("* BYE\r\n"))
        => r"At the greeting: before the answer comes `* BYE\r\n`."; "insertion")]
    fn says(on: On, action: Action) -> String {
        deviation(&Deviation { on, action })
    }
}
