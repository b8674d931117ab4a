//! The file, read and checked. Must not know the library of cases.
//!
//! ```toml
//! title   = "Office printer: scan to e-mail"
//! intro   = "Open the printer's page, Network > E-mail."     # optional
//! subject = "printer-x200"                                   # its name in the results
//! version = "firmware 3.1"                                   # optional
//! adapter = "printer.toml"                                   # optional: its [words] are used
//!
//! [words.security]                                           # optional, before those of the adapter
//! implicit = "SSL"
//!
//! [ports]                                                    # optional
//! submission = 2587
//!
//! [[question]]                                               # asked after every case
//! id      = "shown"
//! ask     = "What did the printer show you?"
//! choices = ["nothing", "an error that says why", "only that it failed"]   # optional; else free text
//! fine    = ["an error that says why"]                       # optional: nobody needs to look at these
//!
//! [[scenario]]
//! case   = "cert/*"                                          # an id, a folder or a pattern
//! repeat = 2                                                 # optional
//! note   = "Use the contact list this time."                 # optional
//!
//! [[scenario.question]]                                      # asked after these cases only
//! id  = "queue"
//! ask = "Is the message still in the queue?"
//! ```

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
    sync::Arc,
};

use mailproof_scenarios::{
    language::{Problem, Problems, Source, document, nearest},
    model::{Auth, PortRole, Security, Trust},
};
use serde::{Deserialize, Serialize};
use toml::Spanned;

use crate::select::Matcher;

/// Times that one case may be done.
const REPEATS: u32 = 20;

/// Questions that are asked after one case.
const QUESTIONS: usize = 20;

/// Characters of a text that is shown in one place.
const SHORT: usize = 300;

/// Characters of a text that explains something.
const LONG: usize = 4000;

/// A plan.
#[derive(Clone, Debug, Serialize)]
pub struct Plan {
    /// What it is, in a line.
    pub title: String,
    /// What the person needs to know before the first case.
    pub intro: String,
    /// The name of the client in the results.
    pub subject: Option<String>,
    /// Its version.
    pub version: Option<String>,
    /// An adapter whose words are used: a name, or a path beside the plan.
    pub adapter: Option<String>,
    /// How the product calls each setting; goes before what the adapter says.
    pub security: BTreeMap<Security, String>,
    /// The same for trust.
    pub trust: BTreeMap<Trust, String>,
    /// The same for ways to sign in.
    pub auth: BTreeMap<Auth, String>,
    /// Numbers of ports, where the user wants certain ones.
    pub ports: BTreeMap<PortRole, u16>,
    /// Asked after every case.
    pub questions: Vec<Question>,
    /// What is done, in order.
    pub entries: Vec<Entry>,
    /// The file, for problems that show only when the library is known.
    #[serde(skip)]
    pub(super) source: Arc<Source>,
}

/// Some cases of a plan.
#[derive(Clone, Debug, Serialize)]
pub struct Entry {
    /// Which, as it was written.
    pub case: String,
    /// How often each is done.
    pub repeat: u32,
    /// What the person should know.
    pub note: Option<String>,
    /// Asked after these cases, beside the questions of the plan.
    pub questions: Vec<Question>,
    #[serde(skip)]
    pub(super) matcher: Matcher,
    #[serde(skip)]
    pub(super) span: Range<usize>,
}

/// Something that the person is asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Question {
    /// Lower-case words with hyphens.
    pub id: String,
    /// The question.
    pub ask: String,
    /// The answers to choose from; anything may be written where there are none.
    pub choices: Vec<String>,
    /// The choices that nobody needs to look at.
    pub fine: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    title: Spanned<String>,
    #[serde(default)]
    intro: Option<Spanned<String>>,
    subject: Option<Spanned<String>>,
    version: Option<Spanned<String>>,
    adapter: Option<String>,
    #[serde(default)]
    words: RawWords,
    #[serde(default)]
    ports: BTreeMap<PortRole, Spanned<u16>>,
    #[serde(default)]
    question: Vec<RawQuestion>,
    #[serde(default)]
    scenario: Vec<RawEntry>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RawWords {
    security: BTreeMap<Security, String>,
    trust: BTreeMap<Trust, String>,
    auth: BTreeMap<Auth, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawQuestion {
    id: Spanned<String>,
    ask: Spanned<String>,
    choices: Option<Spanned<Vec<String>>>,
    fine: Option<Spanned<Vec<String>>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawEntry {
    case: Spanned<String>,
    repeat: Option<Spanned<u32>>,
    note: Option<Spanned<String>>,
    #[serde(default)]
    question: Vec<RawQuestion>,
}

impl Plan {
    /// Reads a plan. `name` is what the user knows the file by.
    ///
    /// # Errors
    /// Everything that is wrong with it, each with its place; one thing where it is no TOML.
    pub fn parse(name: &str, text: &str) -> Result<Self, Problems> {
        let source = Source::new(name, text);
        let raw: Raw = document(&source)?;
        let mut check = Check {
            source: &source,
            problems: Problems::default(),
        };
        let title = check.text("title", raw.title, SHORT);
        let mut short =
            |name, it: Option<Spanned<String>>| it.map(|it| check.text(name, it, SHORT));
        let subject = short("subject", raw.subject);
        let version = short("version", raw.version);
        let intro = raw.intro.map(|it| check.text("intro", it, LONG));
        let ports = check.ports(raw.ports);
        let questions = check.questions(raw.question, &[]);
        let entries: Vec<Entry> = raw
            .scenario
            .into_iter()
            .filter_map(|it| check.entry(it, &questions))
            .collect();
        if entries.is_empty() && check.problems.is_empty() {
            let message = "a plan without cases: add a `[[scenario]]` with `case = \"…\"`";
            check.problem(0..0, message.to_owned());
        }
        if !check.problems.is_empty() {
            return Err(check.problems);
        }
        Ok(Self {
            title,
            intro: intro.unwrap_or_default(),
            subject,
            version,
            adapter: raw.adapter,
            security: raw.words.security,
            trust: raw.words.trust,
            auth: raw.words.auth,
            ports,
            questions,
            entries,
            source,
        })
    }
}

struct Check<'a> {
    source: &'a Arc<Source>,
    problems: Problems,
}

impl Check<'_> {
    fn problem(&mut self, span: Range<usize>, message: String) {
        self.problems.push(Problem::new(self.source, span, message));
    }

    fn text(&mut self, name: &str, text: Spanned<String>, most: usize) -> String {
        let span = text.span();
        let text = text.into_inner();
        if text.trim().is_empty() {
            self.problem(span, format!("`{name}` is empty"));
        } else if text.chars().count() > most {
            let message = format!("`{name}` has more than {most} characters");
            self.problem(span, message);
        }
        text
    }

    fn ports(&mut self, raw: BTreeMap<PortRole, Spanned<u16>>) -> BTreeMap<PortRole, u16> {
        let mut taken = BTreeSet::new();
        let mut ports = BTreeMap::new();
        for (role, number) in raw {
            let (span, number) = (number.span(), number.into_inner());
            if number == 0 {
                self.problem(span, "a port is a number from 1 to 65535".to_owned());
            } else if !taken.insert(number) {
                self.problem(span, format!("two ports cannot have the number {number}"));
            }
            ports.insert(role, number);
        }
        ports
    }

    fn entry(&mut self, raw: RawEntry, asked: &[Question]) -> Option<Entry> {
        let span = raw.case.span();
        let case = raw.case.into_inner();
        let repeat = raw.repeat.map_or(1, |it| {
            let (span, repeat) = (it.span(), it.into_inner());
            if !(1..=REPEATS).contains(&repeat) {
                let message = format!("`repeat` is a number from 1 to {REPEATS}");
                self.problem(span, message);
            }
            repeat
        });
        let note = raw.note.map(|it| self.text("note", it, LONG));
        let questions = self.questions(raw.question, asked);
        match case.parse() {
            Ok(matcher) => Some(Entry {
                case,
                repeat,
                note,
                questions,
                matcher,
                span,
            }),
            Err(why) => {
                self.problem(span, why);
                None
            }
        }
    }

    /// `asked` are those that are asked in the same place.
    fn questions(&mut self, raw: Vec<RawQuestion>, asked: &[Question]) -> Vec<Question> {
        let mut ids: BTreeSet<String> = asked.iter().map(|it| it.id.clone()).collect();
        let mut questions = Vec::new();
        for it in raw {
            let span = it.id.span();
            let id = it.id.into_inner();
            let named = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
            if id.is_empty() || id.len() > 60 || !id.bytes().all(named) {
                let message = "the id of a question is made of lower-case words with hyphens";
                self.problem(span.clone(), message.to_owned());
            } else if ids.len() >= QUESTIONS {
                let message = format!("no more than {QUESTIONS} questions are asked after a case");
                self.problem(span.clone(), message);
            } else if !ids.insert(id.clone()) {
                let message = format!("there is a question `{id}` already");
                self.problem(span.clone(), message);
            }
            let ask = self.text("ask", it.ask, SHORT);
            let choices = self.answers("choices", it.choices);
            let fine_at = it.fine.as_ref().map_or(span, Spanned::span);
            let fine = self.answers("fine", it.fine);
            if let Some(odd) = fine.iter().find(|it| !choices.contains(it)) {
                let near = nearest(odd, choices.iter().map(String::as_str));
                let message = format!("`{odd}` is none of the choices");
                let problem = Problem::new(self.source, fine_at, message);
                self.problems.push(match near {
                    Some(near) => problem.help(format!("did you mean `{near}`?")),
                    None => problem,
                });
            }
            questions.push(Question {
                id,
                ask,
                choices,
                fine,
            });
        }
        questions
    }

    fn answers(&mut self, name: &str, raw: Option<Spanned<Vec<String>>>) -> Vec<String> {
        let Some(raw) = raw else { return Vec::new() };
        let (span, answers) = (raw.span(), raw.into_inner());
        let odd = |it: &String| it.trim().is_empty() || it.chars().count() > SHORT;
        if answers.is_empty() || answers.len() > QUESTIONS || answers.iter().any(odd) {
            let message =
                format!("`{name}` has from 1 to {QUESTIONS} answers of at most {SHORT} characters");
            self.problem(span, message);
        }
        answers
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use test_case::test_case;

    use super::*;

    const GOOD: &str = r#"
title = "A printer"
subject = "printer"
[words.security]
implicit = "SSL"
[ports]
submission = 2587
[[question]]
id = "shown"
ask = "What did it show?"
choices = ["nothing", "an error"]
fine = ["an error"]
[[scenario]]
case = "cert/*"
repeat = 2
[[scenario.question]]
id = "queue"
ask = "Is it queued?"
"#;

    #[test]
    fn reads() {
        let plan = Plan::parse("p.toml", GOOD).unwrap_or_else(|it| panic!("{it}"));
        assert_eq!(plan.security[&Security::Implicit], "SSL");
        assert_eq!(plan.ports[&PortRole::Submission], 2587);
        let entry = &plan.entries[0];
        assert_eq!((entry.repeat, entry.questions[0].id.as_str()), (2, "queue"));
        assert_eq!(plan.questions[0].fine, ["an error"]);
    }

    #[test_case("titel = \"x\"", "title = \"A printer\"", 2, 1, "unknown field `titel`", Some("did you mean `title`?"); "a key")]
    #[test_case("implcit = \"SSL\"", "implicit = \"SSL\"", 5, 1, "unknown variant `implcit`", Some("did you mean `implicit`?"); "a setting")]
    #[test_case("submision = 1", "submission = 2587", 7, 1, "unknown variant `submision`", Some("did you mean `submission`?"); "a port")]
    #[test_case("submission = 0", "submission = 2587", 7, 14, "from 1 to 65535", None; "a port number")]
    #[test_case("fine = [\"an eror\"]", "fine = [\"an error\"]", 12, 8, "none of the choices", Some("did you mean `an error`?"); "a choice")]
    #[test_case("repeat = 0", "repeat = 2", 15, 10, "from 1 to 20", None; "a repeat")]
    #[test_case("id = \"shown\"", "id = \"queue\"", 17, 6, "`shown` already", None; "two questions")]
    #[test_case("id = \"Was ist\"", "id = \"queue\"", 17, 6, "lower-case words", None; "an id")]
    #[test_case("case = \"tagg:x\"", "case = \"cert/*\"", 14, 8, "did you mean `tag`", None; "a pattern")]
    #[test_case("title = \" \"", "title = \"A printer\"", 2, 9, "`title` is empty", None; "no title")]
    #[test_case("title = ", "title = \"A printer\"", 2, 9, "", None; "no toml")]
    fn refuses(
        wrong: &str,
        right: &str,
        line: usize,
        column: usize,
        message: &str,
        help: Option<&str>,
    ) {
        let text = GOOD.replacen(right, wrong, 1);
        let problems = Plan::parse("p.toml", &text).unwrap_err();
        let first = problems.iter().next().unwrap();
        assert_eq!(first.position(), (line, column), "{first}");
        assert!(first.message().contains(message), "{first}");
        assert_eq!(first.suggestion(), help, "{first}");
    }

    #[test]
    fn a_plan_without_cases_is_none() {
        let problems = Plan::parse("p.toml", "title = \"x\"\n").unwrap_err();
        assert!(problems.to_string().contains("a plan without cases"));
    }

    proptest! {
        #[test]
        fn never_panics(text in "\\PC{0,200}") {
            let _ = Plan::parse("p.toml", &text);
        }
    }
}
