//! Command lines as typed values (RFC 5321 §4.1.1). Whether a command may be given now is not decided here.

use super::path;

/// One command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Command {
    /// EHLO or HELO with its argument.
    Hello { extended: bool, name: String },
    /// STARTTLS (RFC 3207).
    StartTls,
    /// AUTH (RFC 4954). The initial response is as it came, in base64 or `=`.
    Auth {
        mechanism: String,
        initial: Option<Vec<u8>>,
    },
    /// MAIL; the address is empty for `<>`.
    Mail(Envelope),
    /// RCPT.
    Rcpt(Envelope),
    /// DATA.
    Data,
    /// RSET.
    Reset,
    /// NOOP, with whatever argument.
    Noop,
    /// VRFY with its argument.
    Verify { name: String },
    /// HELP, with whatever argument.
    Help,
    /// QUIT.
    Quit,
    /// A command of the above with arguments that are not right.
    Malformed { verb: &'static str },
    /// Anything else.
    Unknown,
}

/// The arguments of MAIL or RCPT.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Envelope {
    pub(super) address: String,
    pub(super) parameters: Vec<Parameter>,
}

/// An esmtp-param (RFC 5321 §4.1.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Parameter {
    /// In capitals.
    pub(super) keyword: String,
    pub(super) value: Option<String>,
}

/// Commands that exist somewhere, so that a transcript can name them. Those behind `QUIT` are never obeyed.
const VERBS: &[&str] = &[
    "EHLO", "HELO", "STARTTLS", "AUTH", "MAIL", "RCPT", "DATA", "RSET", "NOOP", "VRFY", "HELP",
    "QUIT", "ATRN", "BDAT", "BURL", "ETRN", "EXPN", "LHLO", "SAML", "SEND", "SOML", "TURN",
    "XCLIENT", "XFORWARD",
];

/// The command that a line begins with, in capitals, `?` if it is none.
pub(super) fn verb(line: &[u8]) -> &'static str {
    let (word, _) = split_word(line);
    VERBS
        .iter()
        .find(|verb| word.eq_ignore_ascii_case(verb.as_bytes()))
        .unwrap_or(&"?")
}

/// Parses a line, which may still have its CRLF.
pub(super) fn parse(line: &[u8]) -> Command {
    let line = line.strip_suffix(b"\r\n").unwrap_or(line);
    let (_, argument) = split_word(line);
    let verb = verb(line);
    let argument = match std::str::from_utf8(argument) {
        Ok(text) if !text.contains(|c: char| c.is_control() && c != '\t') => {
            text.trim_matches([' ', '\t'])
        }
        _ if verb == "NOOP" || verb == "HELP" || verb == "QUIT" => "",
        _ if verb == "?" => return Command::Unknown,
        _ => return Command::Malformed { verb },
    };
    let malformed = Command::Malformed { verb };
    let bare = |command| {
        if argument.is_empty() {
            command
        } else {
            Command::Malformed { verb }
        }
    };
    match verb {
        "EHLO" | "HELO" if argument.is_empty() => malformed,
        "EHLO" | "HELO" => Command::Hello {
            extended: verb == "EHLO",
            name: argument.to_owned(),
        },
        "STARTTLS" => bare(Command::StartTls),
        "AUTH" => auth(argument).unwrap_or(malformed),
        "MAIL" => envelope(argument, "FROM:").map_or(malformed, Command::Mail),
        "RCPT" => envelope(argument, "TO:")
            .filter(|it| !it.address.is_empty())
            .map_or(malformed, Command::Rcpt),
        "DATA" => bare(Command::Data),
        "RSET" => bare(Command::Reset),
        "NOOP" => Command::Noop,
        "VRFY" if argument.is_empty() => malformed,
        "VRFY" => Command::Verify {
            name: argument.to_owned(),
        },
        "HELP" => Command::Help,
        "QUIT" => Command::Quit,
        _ => Command::Unknown,
    }
}

fn split_word(line: &[u8]) -> (&[u8], &[u8]) {
    let end = line
        .iter()
        .position(|b| matches!(b, b' ' | b'\t' | b'\r' | b'\n'))
        .unwrap_or(line.len());
    line.split_at(end)
}

fn auth(argument: &str) -> Option<Command> {
    let mut words = argument.split_ascii_whitespace();
    match (words.next(), words.next(), words.next()) {
        (Some(mechanism), initial, None) => Some(Command::Auth {
            mechanism: mechanism.to_ascii_uppercase(),
            initial: initial.map(|it| it.as_bytes().to_vec()),
        }),
        _ => None,
    }
}

/// `FROM:<path> KEY=value …`. A space behind the colon is no standard (RFC 5321 §3.3) but common.
fn envelope(argument: &str, label: &str) -> Option<Envelope> {
    let (head, rest) = argument.split_at_checked(label.len())?;
    if !head.eq_ignore_ascii_case(label) {
        return None;
    }
    let (address, rest) = path::parse(rest.trim_start_matches(' '))?;
    if !rest.is_empty() && !rest.starts_with(' ') {
        return None;
    }
    let parameters = rest
        .split_ascii_whitespace()
        .map(parameter)
        .collect::<Option<Vec<_>>>()?;
    let repeated = parameters
        .iter()
        .enumerate()
        .any(|(at, one)| parameters[..at].iter().any(|it| it.keyword == one.keyword));
    (!repeated).then_some(Envelope {
        address,
        parameters,
    })
}

fn parameter(word: &str) -> Option<Parameter> {
    let (keyword, value) = match word.split_once('=') {
        Some((keyword, value)) => (keyword, Some(value)),
        None => (word, None),
    };
    let sound = keyword.starts_with(|c: char| c.is_ascii_alphanumeric())
        && keyword
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'-')
        && value.is_none_or(|it| !it.is_empty() && !it.contains('='));
    sound.then(|| Parameter {
        keyword: keyword.to_ascii_uppercase(),
        value: value.map(str::to_owned),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use test_case::test_case;

    use super::*;

    fn mail(address: &str, parameters: &[(&str, Option<&str>)]) -> Command {
        Command::Mail(Envelope {
            address: address.to_owned(),
            parameters: parameters
                .iter()
                .map(|(keyword, value)| Parameter {
                    keyword: (*keyword).to_owned(),
                    value: value.map(str::to_owned),
                })
                .collect(),
        })
    }

    #[test_case("mail from:<a@x.example>", &[]; "small letters")]
    #[test_case("MAIL FROM: <a@x.example>  ", &[]; "spaces")]
    #[test_case("MAIL FROM:<a@x.example> size=10 SMTPUTF8", &[("SIZE", Some("10")), ("SMTPUTF8", None)]; "parameters")]
    #[test_case("MAIL FROM:<a@x.example> AUTH=<>", &[("AUTH", Some("<>"))]; "auth")]
    fn reads_mail(line: &str, parameters: &[(&str, Option<&str>)]) {
        assert_eq!(parse(line.as_bytes()), mail("a@x.example", parameters));
    }

    #[test_case("EHLO"; "no name")]
    #[test_case("STARTTLS now"; "an argument for STARTTLS")]
    #[test_case("AUTH"; "no mechanism")]
    #[test_case("AUTH PLAIN a b"; "two responses")]
    #[test_case("MAIL"; "no argument")]
    #[test_case("MAIL FROM a@x.example"; "no colon")]
    #[test_case("MAIL FROM:a@x.example"; "no brackets")]
    #[test_case("MAIL FROM:<a@x.example>SIZE=1"; "no space before the parameter")]
    #[test_case("MAIL FROM:<a@x.example> SIZE="; "an empty value")]
    #[test_case("MAIL FROM:<a@x.example> =1"; "an empty keyword")]
    #[test_case("MAIL FROM:<a@x.example> SIZE=1 SIZE=2"; "twice the same")]
    #[test_case("MAIL FROM:<a@x.example>\nRCPT TO:<b@x.example>"; "a bare line feed")]
    #[test_case("RCPT TO:<>"; "nobody")]
    #[test_case("DATA x"; "an argument for DATA")]
    #[test_case("RSET x"; "an argument for RSET")]
    #[test_case("VRFY"; "an argument missing")]
    fn finds_malformed(line: &str) {
        let verb = verb(line.as_bytes());
        assert_eq!(parse(line.as_bytes()), Command::Malformed { verb });
    }

    #[test_case("FOO"; "no command at all")]
    #[test_case(""; "nothing")]
    #[test_case("MAILFROM:<a@x.example>"; "no space")]
    #[test_case("ETRN x.example"; "a command of others")]
    #[test_case(" NOOP"; "a space first")]
    fn finds_unknown(line: &str) {
        assert_eq!(parse(line.as_bytes()), Command::Unknown);
    }

    #[test_case(b"rcpt TO:<", "RCPT"; "in capitals")]
    #[test_case(b"QUIT\r\n", "QUIT"; "with its line end")]
    #[test_case(b"etrn x", "ETRN"; "of others")]
    #[test_case(b"AGFAeA==\r\n", "?"; "none")]
    fn names(line: &[u8], expected: &str) {
        assert_eq!(verb(line), expected);
    }

    proptest! {
        #[test]
        fn parses_anything(
            start in prop::sample::select(VERBS),
            rest in proptest::collection::vec(any::<u8>(), 0..100),
        ) {
            parse(&[start.as_bytes(), b" ", &rest].concat());
            parse(&[start.as_bytes(), b" FROM:<", &rest].concat());
            parse(&rest);
        }
    }
}
