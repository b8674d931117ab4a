//! What the person who operates the client answered to the questions of a plan.
//!
//! Nobody here can tell whether an answer is good: it becomes a finding that somebody must look at, unless the
//! plan itself says that the answer is fine. It never makes anything weaker that was seen on the wire.

use mailproof_scenarios::model::Level;

use super::expectations::Checked;
use crate::{
    results::{Answer, Finding, Held, Record},
    transcript::{mask, printable},
};

/// One finding for each answer.
pub(crate) fn check(record: &Record) -> Vec<Checked> {
    let finding = |answer: &Answer| Finding {
        name: format!("answer-{}", answer.question),
        level: Level::May,
        held: match answer.fine {
            true => Held::Held,
            false => Held::NotObservable,
        },
        message: quoted(record, answer),
        clause: None,
        step: None,
        evidence: Vec::new(),
    };
    let checked = |answer| Checked {
        finding: finding(answer),
        wire: false,
        invariant: true,
    };
    record.answers.iter().map(checked).collect()
}

/// Why somebody must look at the answers, if somebody must.
pub(crate) fn to_look_at(record: &Record) -> Option<String> {
    let open: Vec<&Answer> = record.answers.iter().filter(|it| !it.fine).collect();
    let first = quoted(record, open.first()?);
    Some(match open.len() {
        1 => format!("Somebody must look at an answer. {first}"),
        n => format!("Somebody must look at {n} answers. The first: {first}"),
    })
}

/// A person may copy anything from a screen: secrets are masked, and nothing can make a terminal do anything.
fn quoted(record: &Record, answer: &Answer) -> String {
    let safe = |text: &str| printable(&mask(text.trim(), &record.canaries));
    format!(
        "Asked \"{}\", the person answered \"{}\".",
        safe(&answer.ask),
        safe(&answer.answer)
    )
}

#[cfg(test)]
mod tests {
    use test_case::test_case;

    use super::*;
    use crate::{judge::judge, judge::testing::Scene, results::Verdict};

    fn answer(answer: &str, fine: bool) -> Answer {
        Answer {
            question: "shown".to_owned(),
            ask: "What did it show?".to_owned(),
            answer: answer.to_owned(),
            fine,
        }
    }

    #[test_case(true => None; "the plan says that it is fine")]
    #[test_case(false => Some("Somebody must look at an answer. Asked \"What did it show?\", the person answered \"an error\".".to_owned()); "else somebody looks")]
    fn whether_somebody_must_look(fine: bool) -> Option<String> {
        let mut record = Scene::send().record;
        record.answers = vec![answer("an error", fine)];
        to_look_at(&record)
    }

    #[test]
    fn secrets_are_masked_and_nothing_reaches_a_terminal() {
        let mut record = Scene::send().record;
        let password = record.canaries.accounts[0].password.clone();
        record.answers = vec![answer(&format!("it said \u{1b}[2J{password}"), false)];
        let findings = judge(&record, None).findings;
        let finding = findings
            .iter()
            .find(|it| it.name == "answer-shown")
            .unwrap();
        assert!(!finding.message.contains(&password), "{}", finding.message);
        assert!(!finding.message.contains('\u{1b}'));
        assert_eq!(finding.held, Held::NotObservable);
    }

    #[test]
    fn an_answer_does_not_decide_where_something_else_does() {
        let mut record = Scene::send().record;
        let before = judge(&record, None).verdict;
        assert_ne!(before, Verdict::Pass);
        record.answers = vec![answer("all is well", false)];
        assert_eq!(judge(&record, None).verdict, before);
    }
}
