//! The file: TOML with one `[[expect]]` for each known failure. Must not know judgements.
//!
//! ```toml
//! [[expect]]
//! case    = "cert/name/*"                        # an id, a folder or a pattern
//! outcome = "FAIL"                               # FAIL, CRASH, HANG, INCONCLUSIVE or REVIEW
//! reason  = "never-data-to-untrusted-peer"       # the finding, or several in a list
//! because = "the product compares no names"
//! issue   = "https://bugs.example/17"            # optional
//! expires = 2027-01-31                           # optional, the last day on which it holds
//! when    = { version = ">=8.0, <9" }            # optional, the versions of the subject for which it holds
//! ```

use serde::Deserialize;
use time::{Date, Month};
use toml::Spanned;

use super::version::Range;
use crate::{
    results::Verdict,
    select::{
        Glob,
        suggest::{did_you_mean, nearest},
    },
};

/// The entries of a file, in its order.
#[derive(Clone, Debug, Default)]
pub struct File {
    pub(super) entries: Vec<Entry>,
}

/// One known failure.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Which cases, by id.
    pub case: Glob,
    /// How they end.
    pub outcome: Verdict,
    /// The findings that are broken, by name. For FAIL at least one.
    pub reasons: Vec<String>,
    /// Why that is accepted for now.
    pub because: String,
    /// Where it is tracked.
    pub issue: Option<String>,
    /// The last day on which the entry holds.
    pub expires: Option<Date>,
    /// The versions of the subject for which it holds; all where absent.
    pub when: Option<Range>,
    /// The line of the entry in its file, counted from 1.
    pub line: usize,
}

/// Why a file cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {message}")]
pub struct ParseError {
    /// Counted from 1.
    pub line: usize,
    /// Counted from 1, in characters.
    pub column: usize,
    /// What is wrong, in one sentence without its full stop.
    pub message: String,
}

impl File {
    /// Reads a file.
    ///
    /// # Errors
    /// Everything that is wrong with it, in the order of the text. Where it is no TOML at all that is one
    /// error.
    pub fn parse(text: &str) -> Result<Self, Vec<ParseError>> {
        let raw: Raw = toml::from_str(text).map_err(|error| {
            let at = error.span().map_or(0, |it| it.start);
            vec![problem(text, at, one_line(error.message()))]
        })?;
        let mut entries = Vec::new();
        let mut problems = Vec::new();
        for entry in raw.expect {
            match read(text, entry) {
                Ok(entry) => entries.push(entry),
                Err(problem) => problems.push(problem),
            }
        }
        if problems.is_empty() {
            Ok(Self { entries })
        } else {
            Err(problems)
        }
    }

    /// The entries in the order of the file.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    #[serde(default)]
    expect: Vec<Spanned<RawEntry>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawEntry {
    case: Spanned<String>,
    outcome: Spanned<String>,
    reason: Option<Spanned<Reasons>>,
    because: Spanned<String>,
    issue: Option<String>,
    expires: Option<Spanned<toml::value::Datetime>>,
    when: Option<When>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct When {
    version: Spanned<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Reasons {
    One(String),
    Several(Vec<String>),
}

/// The outcomes that can be foretold. The others are no failures, or not the subject's.
const OUTCOMES: &[Verdict] = &[
    Verdict::Fail,
    Verdict::Crash,
    Verdict::Hang,
    Verdict::Inconclusive,
    Verdict::Review,
];

fn read(text: &str, raw: Spanned<RawEntry>) -> Result<Entry, ParseError> {
    let start = raw.span().start;
    let raw = raw.into_inner();
    let fault = |at: usize, message: String| Err(problem(text, at, message));
    let case = match Glob::new(raw.case.get_ref()) {
        Ok(glob) => glob,
        Err(why) => return fault(raw.case.span().start, why),
    };
    let word = raw.outcome.get_ref();
    let Some(outcome) = OUTCOMES.iter().copied().find(|it| it.name() == word) else {
        let names: Vec<&str> = OUTCOMES.iter().map(|it| it.name()).collect();
        let hint = did_you_mean(&nearest(word, names.iter().copied(), 1));
        let message = format!(
            "`{}` is no outcome that can be expected, only {} are{hint}",
            crate::transcript::printable(word),
            names.join(", ")
        );
        return fault(raw.outcome.span().start, message);
    };
    let reason_at = raw.reason.as_ref().map(|it| it.span().start);
    let reasons = match raw.reason.map(Spanned::into_inner) {
        None => Vec::new(),
        Some(Reasons::One(one)) => vec![one],
        Some(Reasons::Several(several)) => several,
    };
    if outcome == Verdict::Fail && reasons.is_empty() {
        let message =
            "an expected FAIL needs a `reason`: the name of the finding, as the report shows it";
        return fault(reason_at.unwrap_or(start), message.to_owned());
    }
    if let Some(odd) = reasons.iter().find(|it| !is_name(it)) {
        let message = format!(
            "`{}` is no name of a finding: those are lower-case words with hyphens",
            crate::transcript::printable(odd)
        );
        return fault(reason_at.unwrap_or(start), message);
    }
    if raw.because.get_ref().trim().is_empty() {
        let message = "`because` is empty: say why the failure is accepted for now";
        return fault(raw.because.span().start, message.to_owned());
    }
    let expires = match raw.expires {
        None => None,
        Some(it) => match date(it.get_ref()) {
            Some(date) => Some(date),
            None => {
                let message = "`expires` is a day without a time, as in 2027-01-31";
                return fault(it.span().start, message.to_owned());
            }
        },
    };
    let when = match raw.when.map(|it| it.version) {
        None => None,
        Some(it) => match Range::parse(it.get_ref()) {
            Ok(range) => Some(range),
            Err(message) => return fault(it.span().start, message),
        },
    };
    Ok(Entry {
        case,
        outcome,
        reasons,
        because: raw.because.into_inner(),
        issue: raw.issue,
        expires,
        when,
        line: position(text, start).0,
    })
}

fn is_name(name: &str) -> bool {
    !name.is_empty()
        && name
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

fn date(value: &toml::value::Datetime) -> Option<Date> {
    if value.time.is_some() || value.offset.is_some() {
        return None;
    }
    let date = value.date?;
    let month = Month::try_from(date.month).ok()?;
    Date::from_calendar_date(i32::from(date.year), month, date.day).ok()
}

fn problem(text: &str, at: usize, message: String) -> ParseError {
    let (line, column) = position(text, at);
    ParseError {
        line,
        column,
        message,
    }
}

fn position(text: &str, at: usize) -> (usize, usize) {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    let before = &text[..at];
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or("").chars().count() + 1;
    (line, column)
}

fn one_line(message: &str) -> String {
    message
        .lines()
        .map(str::trim)
        .filter(|it| !it.is_empty())
        .collect::<Vec<_>>()
        .join(", ")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use test_case::test_case;
    use time::macros::date;

    use super::*;

    const GOOD: &str = r#"
# what we know
[[expect]]
case = "cert/name/*"
outcome = "FAIL"
reason = "never-data-to-untrusted-peer"
because = "the product compares no names"
issue = "https://bugs.example/17"
expires = 2027-01-31

[[expect]]
case = "imap/idle"
outcome = "HANG"
because = "no timeout yet"
when = { version = ">=8.0, <9" }
"#;

    #[test]
    fn reads() {
        let file = File::parse(GOOD).unwrap();
        let [one, two] = file.entries() else {
            panic!("{file:?}")
        };
        assert_eq!((one.line, two.line), (3, 11));
        assert_eq!(one.reasons, ["never-data-to-untrusted-peer"]);
        assert_eq!(one.expires, Some(date!(2027 - 01 - 31)));
        assert!(one.case.matches("cert/name/mismatch#imap-starttls"));
        assert_eq!((two.outcome, two.reasons.len()), (Verdict::Hang, 0));
        let versions = two.when.as_ref().map(Range::source);
        assert_eq!(versions, Some(">=8.0, <9"));
    }

    #[test]
    fn nothing_is_expected_of_an_empty_file() {
        assert!(File::parse("# none\n").unwrap().entries().is_empty());
    }

    fn entry(lines: &str) -> String {
        format!("[[expect]]\n{lines}\n")
    }

    #[test_case("case = \"a\"\noutcome = \"FIAL\"\nreason = \"x\"\nbecause = \"y\"", 3, 11, "did you mean `FAIL`?"; "a typo in the outcome")]
    #[test_case("case = \"a\"\noutcome = \"PASS\"\nbecause = \"y\"", 3, 11, "no outcome that can be expected"; "a pass is no failure")]
    #[test_case("case = \"a\"\noutcome = \"FAIL\"\nbecause = \"y\"", 1, 1, "needs a `reason`"; "a failure without its finding")]
    #[test_case("case = \"a\"\noutcome = \"FAIL\"\nreason = []\nbecause = \"y\"", 4, 10, "needs a `reason`"; "an empty list of findings")]
    #[test_case("case = \"a\"\noutcome = \"FAIL\"\nreason = \"Never That\"\nbecause = \"y\"", 4, 10, "no name of a finding"; "a finding that cannot be")]
    #[test_case("case = \"\"\noutcome = \"HANG\"\nbecause = \"y\"", 2, 8, "empty pattern"; "no case")]
    #[test_case("case = \"a\"\noutcome = \"HANG\"\nbecause = \" \"", 4, 11, "`because` is empty"; "no because")]
    #[test_case("case = \"a\"\noutcome = \"HANG\"\nbecause = \"y\"\nexpires = 2027-01-31T10:00:00Z", 5, 11, "without a time"; "a time of day")]
    #[test_case("case = \"a\"\noutcome = \"HANG\"\nbecause = \"y\"\nexpire = 2027-01-31", 5, 1, "unknown field `expire`"; "a typo in a key")]
    #[test_case("case = \"a\"\noutcome = \"HANG\"", 1, 1, "missing field `because`"; "a missing key")]
    #[test_case("case = \"a\"\noutcome = \"HANG\"\nbecause = \"y\"\nwhen = { version = \"new\" }", 5, 20, "no bound of a version"; "versions that are none")]
    #[test_case("case = \"a\"\noutcome = \"HANG\"\nbecause = \"y\"\nwhen = { versions = \"1\" }", 5, 10, "unknown field `versions`"; "a typo in a condition")]
    #[test_case("case = \"ä\" outcome", 2, 12, ""; "no toml, and columns are characters")]
    fn refuses(lines: &str, line: usize, column: usize, message: &str) {
        let problems = File::parse(&entry(lines)).unwrap_err();
        let first = &problems[0];
        assert_eq!((first.line, first.column), (line, column), "{first}");
        assert!(first.message.contains(message), "{first}");
    }

    #[test]
    fn says_everything_that_is_wrong() {
        let text = entry("case = \"a\"\noutcome = \"X\"\nbecause = \"y\"").repeat(2);
        let lines: Vec<usize> = File::parse(&text)
            .unwrap_err()
            .iter()
            .map(|it| it.line)
            .collect();
        assert_eq!(lines, [3, 7]);
    }

    proptest! {
        #[test]
        fn never_panics(text in "\\PC{0,200}") {
            let _ = File::parse(&text);
        }
    }
}
