//! What a conformant subject does, in words. Must not know how it is checked.

use mailproof_scenarios::model::{
    Case, Check, Expectation, Kind, Layer, Level, Pattern, Sign, StoreCheck, event::Said,
};

/// One sentence for each expectation, and one for what holds in every case.
pub(super) fn describe(case: &Case) -> Vec<String> {
    let several = case.steps.len() > 1;
    let mut lines: Vec<String> = case.expect.iter().map(|it| sentence(it, several)).collect();
    if case.kind == Kind::Survey {
        lines.insert(
            0,
            "Several answers are right; which one the client chooses is recorded.".to_owned(),
        );
    }
    lines.push(
        "As always: no secret outside a channel that the settings allow, an end in time, no weaker retry, no \
         second try after a permanent refusal, no crash, no secret in its own output."
            .to_owned(),
    );
    lines
}

fn sentence(expectation: &Expectation, several: bool) -> String {
    let level = match expectation.level {
        Level::Must => "MUST",
        Level::Should => "SHOULD",
        Level::May => "MAY",
        Level::Security => "MUST (security)",
        Level::Interop => "EXPECTED (to work with others)",
    };
    let step = match expectation.step {
        Some(step) if several => format!(" in step {step}"),
        _ => String::new(),
    };
    let clause = expectation
        .clause
        .as_ref()
        .map_or_else(String::new, |it| format!(" ({it})"));
    format!("{level}{step}: {}{clause}.", check(&expectation.check))
}

fn check(check: &Check) -> String {
    match check {
        Check::Completed(true) => "do the job, once, and say so".to_owned(),
        Check::Completed(false) => "not do the job, and not say that it did".to_owned(),
        Check::Honest => "say of the job what came of it".to_owned(),
        Check::Said(said) => {
            let said: Vec<&str> = said.iter().map(|it| outcome(*it)).collect();
            format!("report that {}", said.join(", or that "))
        }
        Check::Never(pattern) => format!("never show {}", seen(pattern)),
        Check::Seen(pattern) => format!("show {}", seen(pattern)),
        Check::Order(patterns) => {
            let patterns: Vec<String> = patterns.iter().map(seen).collect();
            format!(
                "show, in this order on one connection: {}",
                patterns.join("; then ")
            )
        }
        Check::Accepted { min, max } => {
            format!("leave {} with the server", range(*min, *max, "message"))
        }
        Check::Connections { min, max } => format!("open {}", range(*min, *max, "connection")),
        Check::Store(StoreCheck::EqualsModel) => {
            "deliver the message octet by octet as it was given".to_owned()
        }
        Check::Store(StoreCheck::NoLineAdded) => {
            "deliver the message as it was given, without an empty line behind it".to_owned()
        }
        Check::Tells(words) => format!("tell its user something with \"{words}\""),
        Check::ToldApart(steps) => {
            let steps: Vec<String> = steps.iter().map(u16::to_string).collect();
            format!("not say the same about the steps {}", steps.join(", "))
        }
        Check::Quotes => "quote the server's last reply to its user".to_owned(),
        Check::Memory(mebibytes) => format!("stay under {mebibytes} MiB of memory"),
    }
}

fn range(min: u32, max: u32, noun: &str) -> String {
    let plural = if max == 1 { "" } else { "s" };
    match (min, max) {
        (0, 0) => format!("no {noun}"),
        (min, max) if min == max => format!("exactly {min} {noun}{plural}"),
        (0, max) => format!("at most {max} {noun}{plural}"),
        (min, u32::MAX) => format!("at least {min} {noun}s"),
        (min, max) => format!("{min} to {max} {noun}s"),
    }
}

fn outcome(said: Said) -> &'static str {
    match said {
        Said::Success => "it worked",
        Said::Temporary => "it failed for now and later may help",
        Said::Permanent => "it failed for good",
        Said::RefusedTls => "the secured connection was refused",
        Said::Failed => "it failed",
    }
}

fn seen(pattern: &Pattern) -> String {
    match pattern {
        Pattern::Command {
            commands,
            channel,
            times,
        } => {
            let times =
                times.map_or_else(String::new, |it| format!(", {it} times on one connection"));
            format!(
                "the command {}{}{times}",
                commands.join(" or "),
                layer(*channel)
            )
        }
        Pattern::Told { text } => format!("\"{text}\" to its user"),
        Pattern::Octets { text, channel } => format!("the octets `{text}`{}", layer(*channel)),
        Pattern::Alert(names) => {
            let names: Vec<&str> = names.iter().map(|it| it.name()).collect();
            format!("the alert {}", names.join(" or "))
        }
        Pattern::Sign(sign) => words(*sign).to_owned(),
    }
}

fn layer(layer: Option<Layer>) -> &'static str {
    match layer {
        Some(Layer::Clear) => " in clear",
        Some(Layer::Tls) => " inside TLS",
        None => "",
    }
}

fn words(sign: Sign) -> &'static str {
    match sign {
        Sign::CredentialInClear => "a password or token in clear, however encoded",
        Sign::CredentialToUntrustedPeer => {
            "a password or token to a server that its settings do not trust"
        }
        Sign::CommandInClear => "a command in clear beyond those that come before TLS",
        Sign::DataToUntrustedPeer => {
            "anything but a goodbye to a server that its settings do not trust"
        }
        Sign::MessageInClear => "the message, or a part of it, in clear",
        Sign::KeyExchange => "a key exchange with a server that offers only what must be refused",
        Sign::CommandAnsweredByInjectedReply => {
            "a command inside TLS before the one before it was answered there: it took a reply that had come in \
             clear"
        }
        Sign::WeakerRetry => "a later connection with less security than the one before",
        Sign::DecoyTouched => "a connection to a port that it was not configured with",
        Sign::StarttlsInsideTls => "STARTTLS inside TLS",
        Sign::NoHelloInsideTls => "another command than EHLO first inside TLS",
        Sign::SpokeBeforeGreeting => "anything said before the greeting",
        Sign::SpokeAfterStarttls => "anything said between STARTTLS and its go-ahead",
        Sign::DuplicateDelivery => "the same message delivered twice",
        Sign::LiteralBeforeContinuation => "octets of a literal before the server's go-ahead",
        Sign::ServerNameSent => "the configured host name in the TLS ClientHello",
        Sign::AddressAsServerName => "an address as the server name of the TLS ClientHello",
        Sign::WeakSuiteOffered => {
            "a broken cipher suite (NULL, anonymous, export, DES, RC4, 3DES) on offer"
        }
        Sign::SessionOffered => "an earlier TLS session offered for resumption",
        Sign::Renegotiation => "a new handshake inside TLS",
        Sign::CommandInEarlyData => "a command in early data, before the handshake is complete",
        Sign::Handshake => "a TLS handshake that completes",
        Sign::SignedIn => "a completed sign-in",
        Sign::SmugglingSequence => "a sequence that ends the message early for some servers",
        Sign::RepeatedSignIn => "a second sign-in with the same credentials",
    }
}

#[cfg(test)]
mod tests {
    use test_case::test_case;

    use super::*;

    #[test_case(0, 0 => "no message")]
    #[test_case(1, 1 => "exactly 1 message")]
    #[test_case(2, 2 => "exactly 2 messages")]
    #[test_case(0, 1 => "at most 1 message")]
    #[test_case(1, u32::MAX => "at least 1 messages")]
    #[test_case(1, 3 => "1 to 3 messages")]
    fn ranges(min: u32, max: u32) -> String {
        range(min, max, "message")
    }

    #[test]
    fn a_sentence_names_level_step_and_clause() {
        let expectation = Expectation {
            level: Level::Must,
            step: Some(2),
            check: Check::Never(Pattern::Sign(Sign::WeakerRetry)),
            clause: Some("RFC 8314 §5.1".to_owned()),
        };
        assert_eq!(
            sentence(&expectation, true),
            "MUST in step 2: never show a later connection with less security than the one before (RFC 8314 \
             §5.1)."
        );
        assert!(!sentence(&expectation, false).contains("step"));
    }
}
