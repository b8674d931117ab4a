//! Parameters of MAIL and RCPT: those of an extension that is listed are obeyed, any other is not known
//! (RFC 5321 §4.1.1.11).

use super::{
    capability::Capabilities,
    command::{Envelope, Parameter},
};

/// What is wrong with parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Problem {
    /// The keyword, or this value of it, belongs to no extension that is listed.
    Unknown,
    /// The value is not what the extension says.
    Syntax,
    /// SIZE= is over the limit.
    TooLarge,
}

/// Checks the parameters of MAIL; true if SMTPUTF8 is asked for.
pub(super) fn mail(
    envelope: &Envelope,
    capabilities: Capabilities<'_>,
    limit: u64,
) -> Result<bool, Problem> {
    let mut utf8 = false;
    for Parameter { keyword, value } in &envelope.parameters {
        let value = value.as_deref();
        match keyword.as_str() {
            "SIZE" if capabilities.has("SIZE") => size(value, limit)?,
            "BODY" if capabilities.has("8BITMIME") => body(value)?,
            "SMTPUTF8" if capabilities.has("SMTPUTF8") => {
                demand(value.is_none())?;
                utf8 = true;
            }
            "AUTH" if capabilities.has("AUTH") => {
                demand(value.is_some_and(|it| it == "<>" || is_xtext(it)))?;
            }
            "RET" if capabilities.has("DSN") => {
                demand(value.is_some_and(|it| is_one_of(it, &["FULL", "HDRS"])))?;
            }
            "ENVID" if capabilities.has("DSN") => {
                demand(value.is_some_and(|it| is_xtext(it) && it.len() <= 100))?;
            }
            _ => return Err(Problem::Unknown),
        }
    }
    Ok(utf8)
}

/// Checks the parameters of RCPT.
pub(super) fn rcpt(envelope: &Envelope, capabilities: Capabilities<'_>) -> Result<(), Problem> {
    for Parameter { keyword, value } in &envelope.parameters {
        let value = value.as_deref();
        match keyword.as_str() {
            "NOTIFY" if capabilities.has("DSN") => demand(value.is_some_and(is_notify))?,
            "ORCPT" if capabilities.has("DSN") => {
                let parts = value.and_then(|it| it.split_once(';'));
                demand(parts.is_some_and(|(kind, address)| {
                    !kind.is_empty() && is_xtext_or_utf8(address) && address.len() <= 500
                }))?;
            }
            _ => return Err(Problem::Unknown),
        }
    }
    Ok(())
}

fn demand(sound: bool) -> Result<(), Problem> {
    sound.then_some(()).ok_or(Problem::Syntax)
}

/// RFC 1870 §3: one to twenty digits. A value beyond every integer is beyond every limit too.
fn size(value: Option<&str>, limit: u64) -> Result<(), Problem> {
    let digits = value.unwrap_or_default();
    demand(matches!(digits.len(), 1..=20) && digits.bytes().all(|b| b.is_ascii_digit()))?;
    match digits.parse::<u64>() {
        Ok(size) if size <= limit => Ok(()),
        _ => Err(Problem::TooLarge),
    }
}

/// RFC 6152 §2. BINARYMIME (RFC 3030) needs BDAT, which is not served.
fn body(value: Option<&str>) -> Result<(), Problem> {
    match value {
        None => Err(Problem::Syntax),
        Some(it) if is_one_of(it, &["7BIT", "8BITMIME"]) => Ok(()),
        Some(_) => Err(Problem::Unknown),
    }
}

/// RFC 3461 §4.1.
fn is_notify(value: &str) -> bool {
    value.eq_ignore_ascii_case("NEVER")
        || value
            .split(',')
            .all(|it| is_one_of(it, &["SUCCESS", "FAILURE", "DELAY"]))
}

/// RFC 3461 §4.
fn is_xtext(value: &str) -> bool {
    value.is_ascii() && is_xtext_or_utf8(value)
}

/// RFC 6533 §3 lets an original recipient have other letters.
fn is_xtext_or_utf8(value: &str) -> bool {
    let mut hex = 0;
    let sound = value.chars().all(|c| match (hex, c) {
        (1 | 2, '0'..='9' | 'A'..='F') => {
            hex -= 1;
            true
        }
        (0, '+') => {
            hex = 2;
            true
        }
        (0, c) => c != '=' && (c.is_ascii_graphic() || !c.is_ascii()),
        _ => false,
    });
    sound && hex == 0 && !value.is_empty()
}

fn is_one_of(value: &str, words: &[&str]) -> bool {
    words.iter().any(|it| it.eq_ignore_ascii_case(value))
}

#[cfg(test)]
mod tests {
    use test_case::test_case;

    use super::super::command::{self, Command};
    use super::*;

    const ALL: &[&str] = &["SIZE 1000", "8BITMIME", "SMTPUTF8", "AUTH PLAIN", "DSN"];

    fn check_mail(parameters: &str, listed: &[&str]) -> Result<bool, Problem> {
        let lines: Vec<String> = listed.iter().map(|it| (*it).to_owned()).collect();
        let line = format!("MAIL FROM:<a@x.example> {parameters}");
        match command::parse(line.as_bytes()) {
            Command::Mail(envelope) => mail(&envelope, Capabilities(&lines), 1000),
            command => panic!("{command:?}"),
        }
    }

    fn check_rcpt(parameters: &str, listed: &[&str]) -> Result<(), Problem> {
        let lines: Vec<String> = listed.iter().map(|it| (*it).to_owned()).collect();
        let line = format!("RCPT TO:<a@x.example> {parameters}");
        match command::parse(line.as_bytes()) {
            Command::Rcpt(envelope) => rcpt(&envelope, Capabilities(&lines)),
            command => panic!("{command:?}"),
        }
    }

    #[test_case("", Ok(false); "none")]
    #[test_case("SIZE=1000 BODY=8BITMIME AUTH=<> RET=hdrs ENVID=a+2Bb", Ok(false); "everything")]
    #[test_case("BODY=7bit SMTPUTF8 AUTH=a+40x", Ok(true); "utf8")]
    #[test_case("SIZE=1001", Err(Problem::TooLarge); "one too many")]
    #[test_case("SIZE=99999999999999999999", Err(Problem::TooLarge); "beyond every integer")]
    #[test_case("SIZE=999999999999999999999", Err(Problem::Syntax); "too many digits")]
    #[test_case("SIZE", Err(Problem::Syntax); "no size")]
    #[test_case("SIZE=-1", Err(Problem::Syntax); "negative")]
    #[test_case("BODY=BINARYMIME", Err(Problem::Unknown); "binary")]
    #[test_case("BODY", Err(Problem::Syntax); "no body")]
    #[test_case("SMTPUTF8=yes", Err(Problem::Syntax); "utf8 with a value")]
    #[test_case("AUTH=a+4", Err(Problem::Syntax); "half a hexchar")]
    #[test_case("RET=ALL", Err(Problem::Syntax); "ret")]
    #[test_case("FOO=1", Err(Problem::Unknown); "unknown")]
    fn mail_parameters(parameters: &str, expected: Result<bool, Problem>) {
        assert_eq!(check_mail(parameters, ALL), expected);
    }

    #[test_case("SIZE=1"; "size")]
    #[test_case("BODY=8BITMIME"; "body")]
    #[test_case("SMTPUTF8"; "utf8")]
    #[test_case("AUTH=<>"; "auth")]
    #[test_case("RET=FULL"; "dsn")]
    fn what_is_not_listed_is_unknown(parameters: &str) {
        assert_eq!(
            check_mail(parameters, &["PIPELINING"]),
            Err(Problem::Unknown)
        );
    }

    #[test_case("NOTIFY=NEVER", Ok(()); "never")]
    #[test_case("NOTIFY=SUCCESS,delay ORCPT=rfc822;a@x.example", Ok(()); "both")]
    #[test_case("ORCPT=utf-8;\u{e4}@x.example", Ok(()); "other letters")]
    #[test_case("NOTIFY=NEVER,SUCCESS", Err(Problem::Syntax); "never and more")]
    #[test_case("ORCPT=a@x.example", Err(Problem::Syntax); "no type")]
    #[test_case("SIZE=1", Err(Problem::Unknown); "one of MAIL")]
    fn rcpt_parameters(parameters: &str, expected: Result<(), Problem>) {
        assert_eq!(check_rcpt(parameters, &["DSN", "SIZE"]), expected);
        assert_eq!(check_rcpt(parameters, &["SIZE"]), Err(Problem::Unknown));
    }
}
