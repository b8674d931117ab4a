//! A refusal as scenario files write it: `550 5.7.1 No` for SMTP, `NO [ALERT] No` for IMAP.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::WireText;

/// The status of an IMAP response (RFC 9051 §7.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ImapStatus {
    /// OK.
    Ok,
    /// NO.
    No,
    /// BAD.
    Bad,
    /// BYE, after which the server closes.
    Bye,
    /// PREAUTH, as a greeting only.
    Preauth,
}

impl ImapStatus {
    /// The word on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            ImapStatus::Ok => "OK",
            ImapStatus::No => "NO",
            ImapStatus::Bad => "BAD",
            ImapStatus::Bye => "BYE",
            ImapStatus::Preauth => "PREAUTH",
        }
    }
}

/// What a server answers when it has decided against a command. The engine renders it (continuation
/// lines, tag, CRLF) and its state follows the decision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub enum Refusal {
    /// A reply of RFC 5321 §4.2: the code and the text of each line.
    Smtp {
        /// 200 to 599; a decision can also be a wrong kind of "yes".
        code: u16,
        /// One text a line, at least one.
        lines: Vec<WireText>,
    },
    /// A status response of RFC 9051 §7.1.
    Imap {
        /// OK, NO, BAD or BYE (PREAUTH for a greeting).
        #[schemars(skip)]
        status: ImapStatus,
        /// Response code and text.
        text: WireText,
    },
}

impl TryFrom<String> for Refusal {
    type Error = String;

    fn try_from(source: String) -> Result<Self, Self::Error> {
        let status = |word: &str| {
            [
                ImapStatus::Ok,
                ImapStatus::No,
                ImapStatus::Bad,
                ImapStatus::Bye,
                ImapStatus::Preauth,
            ]
            .into_iter()
            .find(|it| it.name() == word)
        };
        let (first, rest) = source.split_once(' ').unwrap_or((source.as_str(), ""));
        if let Some(status) = status(first) {
            let text = WireText::parse(rest).map_err(|e| e.to_string())?;
            return Ok(Refusal::Imap { status, text });
        }
        let code = first
            .parse::<u16>()
            .ok()
            .filter(|code| (200..600).contains(code) && first.len() == 3)
            .ok_or_else(|| {
                format!("`{first}` is neither a reply code (200 to 599) nor one of OK, NO, BAD, BYE, PREAUTH")
            })?;
        let lines = rest
            .split('\n')
            .map(|line| WireText::parse(line).map_err(|e| e.to_string()))
            .collect::<Result<_, _>>()?;
        Ok(Refusal::Smtp { code, lines })
    }
}

impl From<Refusal> for String {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Smtp { code, lines } => {
                let texts: Vec<_> = lines.iter().map(WireText::source).collect();
                format!("{code} {}", texts.join("\n"))
            }
            Refusal::Imap { status, text } => format!("{} {}", status.name(), text.source()),
        }
    }
}

#[cfg(test)]
mod tests {
    use test_case::test_case;

    use super::*;

    #[test_case("550 5.7.1 No"; "smtp")]
    #[test_case("550 5.7.1 No\n5.7.1 Really"; "smtp of two lines")]
    #[test_case("NO [ALERT] No"; "imap")]
    fn reads_back(source: &str) {
        let refusal = Refusal::try_from(source.to_owned()).unwrap();
        assert_eq!(String::from(refusal), source);
    }

    #[test_case("55 No"; "two digits")]
    #[test_case("nope"; "neither")]
    #[test_case("700 no"; "out of range")]
    fn refuses(source: &str) {
        assert!(Refusal::try_from(source.to_owned()).is_err());
    }
}
