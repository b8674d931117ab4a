//! What an exit code and the words beside it mean. Must not know how the process was run.

use std::collections::BTreeMap;

use mailproof_scenarios::model::event::Said;
use regex::bytes::Regex;
use serde::Deserialize;

/// What the end of a process means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Meaning {
    /// It was done.
    Success,
    /// It was not done, and trying later may help.
    Temporary,
    /// It was not done, and trying again will not help.
    Permanent,
    /// The secured connection was refused.
    RefusedTls,
    /// It was not done; no more is known.
    Failed,
    /// The program says that it cannot do this at all.
    Unsupported,
}

impl Meaning {
    /// The same as what a subject says; nothing for [`Meaning::Unsupported`].
    pub fn said(self) -> Option<Said> {
        match self {
            Meaning::Success => Some(Said::Success),
            Meaning::Temporary => Some(Said::Temporary),
            Meaning::Permanent => Some(Said::Permanent),
            Meaning::RefusedTls => Some(Said::RefusedTls),
            Meaning::Failed => Some(Said::Failed),
            Meaning::Unsupported => None,
        }
    }
}

/// An output stream, or both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
    /// Standard error, then standard output.
    Both,
}

impl Stream {
    /// What of these belongs to it.
    pub fn select<'a>(self, stdout: &'a [u8], stderr: &'a [u8]) -> Vec<&'a [u8]> {
        match self {
            Stream::Stdout => vec![stdout],
            Stream::Stderr => vec![stderr],
            Stream::Both => vec![stderr, stdout],
        }
    }
}

/// What the exit codes and words of a program mean.
#[derive(Clone, Debug)]
pub struct ExitTable {
    pub(super) codes: BTreeMap<i32, Meaning>,
    pub(super) says: Vec<SaysRule>,
    /// Where the words for the user are.
    pub words: Stream,
}

/// Words that tell more than the code.
#[derive(Clone, Debug)]
pub(super) struct SaysRule {
    pub(super) matches: Regex,
    pub(super) codes: Option<Vec<i32>>,
    pub(super) on: Stream,
    pub(super) means: Meaning,
}

impl Default for ExitTable {
    /// 0 is success, nothing else is known.
    fn default() -> Self {
        Self {
            codes: BTreeMap::from([(0, Meaning::Success)]),
            says: Vec::new(),
            words: Stream::Stderr,
        }
    }
}

impl ExitTable {
    /// What it means, `None` where the adapter does not say. The first matching rule on words decides, then
    /// the code. A rule without codes never overrules a success.
    pub fn meaning(&self, code: i32, stdout: &[u8], stderr: &[u8]) -> Option<Meaning> {
        self.meaning_beside(self.of_code(code), code, stdout, stderr)
    }

    /// What the code alone means.
    pub fn of_code(&self, code: i32) -> Option<Meaning> {
        self.codes.get(&code).copied()
    }

    /// As [`ExitTable::meaning`], where something else than the code says what it means without the words.
    pub fn meaning_beside(
        &self,
        known: Option<Meaning>,
        code: i32,
        stdout: &[u8],
        stderr: &[u8],
    ) -> Option<Meaning> {
        let applies = |rule: &&SaysRule| match &rule.codes {
            Some(codes) => codes.contains(&code),
            None => known != Some(Meaning::Success),
        };
        let said = self.says.iter().filter(applies).find(|rule| {
            let streams = rule.on.select(stdout, stderr);
            streams.iter().any(|octets| rule.matches.is_match(octets))
        });
        said.map(|rule| rule.means).or(known)
    }

    /// Whether the adapter says what the code means, whatever the words.
    pub fn knows(&self, code: i32) -> bool {
        self.codes.contains_key(&code)
    }

    /// What a user would have got to read.
    pub fn words(&self, stdout: &[u8], stderr: &[u8]) -> String {
        let streams = self.words.select(stdout, stderr);
        let texts = streams.iter().map(|it| String::from_utf8_lossy(it));
        texts.collect::<String>().trim().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use test_case::test_case;

    use super::*;

    fn table() -> ExitTable {
        let rule = |matches: &str, codes: Option<Vec<i32>>, on, means| SaysRule {
            matches: Regex::new(matches).expect("a pattern"),
            codes,
            on,
            means,
        };
        ExitTable {
            codes: BTreeMap::from([(0, Meaning::Success), (1, Meaning::Failed)]),
            says: vec![
                rule("certificate", None, Stream::Stderr, Meaning::RefusedTls),
                rule("queued", Some(vec![0]), Stream::Stdout, Meaning::Temporary),
            ],
            words: Stream::Both,
        }
    }

    #[test_case(0, "", "" => Some(Meaning::Success))]
    #[test_case(1, "", "" => Some(Meaning::Failed); "code")]
    #[test_case(1, "", "bad certificate" => Some(Meaning::RefusedTls); "words before the code")]
    #[test_case(1, "bad certificate", "" => Some(Meaning::Failed); "the other stream")]
    #[test_case(9, "", "bad certificate" => Some(Meaning::RefusedTls); "words with an unknown code")]
    #[test_case(0, "", "bad certificate" => Some(Meaning::Success); "success is not overruled")]
    #[test_case(0, "queued", "" => Some(Meaning::Temporary); "unless the rule names the code")]
    #[test_case(9, "", "" => None; "unknown")]
    fn meanings(code: i32, stdout: &str, stderr: &str) -> Option<Meaning> {
        table().meaning(code, stdout.as_bytes(), stderr.as_bytes())
    }

    #[test]
    fn words_are_errors_first() {
        assert_eq!(
            table().words(b"out\n", b"err\n\xff\n"),
            "err\n\u{fffd}\nout"
        );
    }
}
