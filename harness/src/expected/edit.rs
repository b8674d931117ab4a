//! Files of expected failures as people keep them: what is added and removed leaves comments, order and words as
//! they are.

use std::collections::{BTreeMap, BTreeSet};

use time::Date;
use toml_edit::{ArrayOfTables, DocumentMut, InlineTable, Item, Table, Value, value};

use super::{
    apply::{is_for, is_over},
    file::{Entry, File, ParseError},
    version::Version,
};
use crate::{
    judge::failing_findings,
    results::{CaseResult, Results},
};

/// A file that can be written again.
#[derive(Clone, Debug)]
pub struct Baseline {
    document: DocumentMut,
    file: File,
}

/// What is said of entries that are made.
#[derive(Clone, Debug, Default)]
pub struct Written {
    /// Why the failures are accepted for now.
    pub because: String,
    /// Where they are tracked.
    pub issue: Option<String>,
    /// The last day on which the entries hold.
    pub expires: Option<Date>,
    /// The versions of the subject for which they hold, as in a file.
    pub when: Option<String>,
}

/// Why a file cannot be written again.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    /// It cannot be read.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Malformed(Vec<ParseError>),
    /// The entries are written in a way that is not written again.
    #[error("line 1, column 1: `expect` is a list in brackets; write each entry as [[expect]]")]
    Inline,
}

impl Baseline {
    /// Reads a file; an empty text is a new one.
    ///
    /// # Errors
    /// [`EditError`].
    pub fn parse(text: &str) -> Result<Self, EditError> {
        let file = File::parse(text).map_err(EditError::Malformed)?;
        let document: DocumentMut = text.parse().map_err(|error: toml_edit::TomlError| {
            EditError::Malformed(vec![ParseError {
                line: 1,
                column: 1,
                message: error.message().to_owned(),
            }])
        })?;
        match document.get("expect") {
            None | Some(Item::ArrayOfTables(_)) => Ok(Self { document, file }),
            Some(_) => Err(EditError::Inline),
        }
    }

    /// The entries.
    pub fn file(&self) -> &File {
        &self.file
    }

    /// The text of the file.
    pub fn text(&self) -> String {
        self.document.to_string()
    }

    /// Names every failure of a run that is not named yet. An entry for exactly that case gets the outcome and
    /// the findings of now, and keeps everything else; other failures get an entry at the end. Returns the ids
    /// of the cases that were named.
    ///
    /// # Errors
    /// [`EditError`], where what was written cannot be read; the value is as before then.
    pub fn name_failures(
        &mut self,
        results: &Results,
        words: &Written,
        today: Date,
    ) -> Result<Vec<String>, EditError> {
        let version = results.subject_version.as_deref();
        let judged = results
            .cases
            .iter()
            .map(|it| (it.id.as_str(), &it.judgement));
        let applied = self.file.apply(judged, [], version, today);
        let version = version.and_then(Version::in_text);
        let mut document = self.document.clone();
        // The comments of a file without entries stand at its end, and belong above the first one.
        let mut above = match document.get("expect") {
            None => document.trailing().as_str().unwrap_or_default().to_owned(),
            Some(_) => String::new(),
        };
        if !above.is_empty() {
            document.set_trailing("");
            above.truncate(above.trim_end().len());
            above.push_str("\n\n");
        }
        let list = document
            .entry("expect")
            .or_insert_with(|| Item::ArrayOfTables(ArrayOfTables::new()));
        let Item::ArrayOfTables(list) = list else {
            return Err(EditError::Inline);
        };
        let mut named = Vec::new();
        for case in &results.cases {
            let failed = case.judgement.verdict.is_failure();
            if !failed || applied.expected.contains_key(&case.id) {
                continue;
            }
            let own = |it: &Entry| {
                it.case.source() == case.id && is_for(it, version.as_ref()) && !is_over(it, today)
            };
            let at = self.file.entries().iter().position(own);
            match at.and_then(|at| list.get_mut(at)) {
                Some(table) => state(table, case),
                None => {
                    let mut entry = entry(case, words);
                    if !above.is_empty() {
                        entry.decor_mut().set_prefix(std::mem::take(&mut above));
                    }
                    list.push(entry);
                }
            }
            named.push(case.id.clone());
        }
        if !named.is_empty() {
            let file = File::parse(&document.to_string()).map_err(EditError::Malformed)?;
            *self = Self { document, file };
        }
        Ok(named)
    }

    /// Removes the entries in these lines. A comment right above an entry goes with it; one that an empty line
    /// divides from it stays. Returns how many were removed.
    ///
    /// # Errors
    /// [`EditError`], where what is left cannot be read; the value is as before then.
    pub fn remove(&mut self, lines: &BTreeSet<usize>) -> Result<usize, EditError> {
        let entries = self.file.entries().iter().enumerate();
        let gone: Vec<usize> = entries
            .filter(|(_, it)| lines.contains(&it.line))
            .map(|(at, _)| at)
            .collect();
        let mut document = self.document.clone();
        let mut kept: BTreeMap<usize, String> = BTreeMap::new();
        let Some(Item::ArrayOfTables(list)) = document.get_mut("expect") else {
            return Ok(0);
        };
        for &at in gone.iter().rev() {
            let comment = list.get(at).map(detached).unwrap_or_default();
            list.remove(at);
            let behind = kept.remove(&(at + 1)).unwrap_or_default();
            kept.insert(at, format!("{comment}{behind}"));
            // What stood above the removed entry stands above the next one.
            if let Some(next) = list.get_mut(at) {
                let comment = kept.remove(&at).unwrap_or_default();
                let own = prefix(next);
                let own = if comment.is_empty() && at == 0 {
                    own.trim_start_matches('\n').to_owned()
                } else {
                    own
                };
                next.decor_mut().set_prefix(format!("{comment}{own}"));
            }
        }
        if list.is_empty() {
            document.remove("expect");
        }
        let left: String = kept.into_values().collect();
        let trailing = document.trailing().as_str().unwrap_or_default().to_owned();
        document.set_trailing(format!("{left}{trailing}"));
        let file = File::parse(&document.to_string()).map_err(EditError::Malformed)?;
        *self = Self { document, file };
        Ok(gone.len())
    }
}

/// What stands above a table.
fn prefix(table: &Table) -> String {
    let prefix = table.decor().prefix().and_then(|it| it.as_str());
    prefix.unwrap_or_default().to_owned()
}

/// The comments above a table that an empty line divides from it.
fn detached(table: &Table) -> String {
    let prefix = prefix(table);
    let end = prefix.rfind("\n\n").map_or(0, |at| at + 1);
    let before = &prefix[..end];
    if before.contains('#') {
        before.to_owned()
    } else {
        String::new()
    }
}

/// Outcome and findings of a case, in an entry for it.
fn state(table: &mut Table, case: &CaseResult) {
    put(table, "outcome", Value::from(case.judgement.verdict.name()));
    match reasons(case) {
        Some(reasons) => put(table, "reason", reasons),
        None => {
            table.remove("reason");
        }
    }
}

/// Puts a value in the place of another one, with the comment behind it.
fn put(table: &mut Table, key: &str, mut new: Value) {
    match table.get_mut(key).and_then(Item::as_value_mut) {
        Some(old) => {
            *new.decor_mut() = old.decor().clone();
            *old = new;
        }
        None => {
            table.insert(key, Item::Value(new));
        }
    }
}

fn entry(case: &CaseResult, words: &Written) -> Table {
    let mut table = Table::new();
    table.insert("case", value(case.id.as_str()));
    state(&mut table, case);
    table.insert("because", value(words.because.as_str()));
    if let Some(issue) = &words.issue {
        table.insert("issue", value(issue.as_str()));
    }
    if let Some(last) = words.expires {
        let day = toml_edit::Date {
            year: u16::try_from(last.year()).unwrap_or(u16::MAX),
            month: last.month().into(),
            day: last.day(),
        };
        let day = toml_edit::Datetime {
            date: Some(day),
            time: None,
            offset: None,
        };
        table.insert("expires", value(day));
    }
    if let Some(range) = &words.when {
        let mut when = InlineTable::new();
        when.insert("version", range.as_str().into());
        table.insert("when", value(when));
    }
    table
}

/// The names of the findings that fail a case.
fn reasons(case: &CaseResult) -> Option<Value> {
    let findings = failing_findings(&case.judgement);
    let names: BTreeSet<&str> = findings.map(|it| it.name.as_str()).collect();
    match Vec::from_iter(names)[..] {
        [] => None,
        [one] => Some(one.into()),
        ref several => Some(Value::Array(several.iter().copied().collect())),
    }
}

#[cfg(test)]
mod tests {
    use mailproof_scenarios::model::Level;
    use proptest::prelude::*;
    use time::macros::date;

    use super::*;
    use crate::results::Verdict;
    use crate::{expected::Why, report::sample, results::Finding};

    const TODAY: Date = date!(2026 - 05 - 10);

    fn case(id: &str, verdict: Verdict, broken: &[&str]) -> CaseResult {
        let mut case = sample::case(id, verdict, "because");
        let finding = |name: &&str| Finding {
            name: (*name).to_owned(),
            ..sample::broken(Level::Must, None)
        };
        case.judgement.findings = broken.iter().map(finding).collect();
        case
    }

    fn run(cases: Vec<CaseResult>) -> Results {
        Results {
            cases,
            ..sample::empty()
        }
    }

    fn words() -> Written {
        Written {
            because: "a \"quoted\" reason".to_owned(),
            issue: Some("https://bugs.example/1".to_owned()),
            expires: Some(date!(2027 - 01 - 31)),
            when: Some(">=8, <9".to_owned()),
        }
    }

    fn whys(baseline: &Baseline, results: &Results) -> (usize, Vec<Why>) {
        let judged = results
            .cases
            .iter()
            .map(|it| (it.id.as_str(), &it.judgement));
        let version = results.subject_version.as_deref();
        let applied = baseline.file().apply(judged, [], version, TODAY);
        let whys = applied.mismatches.iter().map(|it| it.why).collect();
        (applied.expected.len(), whys)
    }

    const KEPT: &str = r#"# failures of the product

# by name only
[[expect]]
case = "a/b"      # the worst
outcome = "FAIL" # for now
reason = "old"
because = "they know"

# others
[[expect]]
case = "x/*"
outcome = "HANG"
because = "slow"
# the end
"#;

    #[test]
    fn a_new_file() {
        let mut baseline = Baseline::parse("").unwrap();
        let results = run(vec![
            case("a/b#c", Verdict::Fail, &["two", "one"]),
            case("a/d", Verdict::Hang, &[]),
            case("a/e", Verdict::Pass, &[]),
        ]);
        baseline.name_failures(&results, &words(), TODAY).unwrap();
        insta::assert_snapshot!(baseline.text());
    }

    #[test]
    fn an_entry_for_the_case_keeps_its_words() {
        let mut baseline = Baseline::parse(KEPT).unwrap();
        let results = run(vec![
            case("a/b", Verdict::Fail, &["new", "newer"]),
            case("x/y", Verdict::Hang, &[]),
        ]);
        let named = baseline.name_failures(&results, &words(), TODAY).unwrap();
        assert_eq!(named, ["a/b"]);
        let expected = KEPT.replace(r#""old""#, r#"["new", "newer"]"#);
        assert_eq!(baseline.text(), expected);
    }

    #[test]
    fn nothing_is_named_twice() {
        let results = run(vec![case("a/b", Verdict::Fail, &["one"])]);
        let mut baseline = Baseline::parse(KEPT).unwrap();
        baseline.name_failures(&results, &words(), TODAY).unwrap();
        let text = baseline.text();
        assert!(
            baseline
                .name_failures(&results, &words(), TODAY)
                .unwrap()
                .is_empty()
        );
        assert_eq!(baseline.text(), text);
    }

    #[test]
    fn what_is_removed_takes_only_its_own_comment_along() {
        let mut baseline = Baseline::parse(KEPT).unwrap();
        assert_eq!(baseline.remove(&[4].into()).unwrap(), 1);
        let text = baseline.text();
        assert!(
            !text.contains("a/b") && !text.contains("by name only"),
            "{text}"
        );
        for kept in [
            "# failures of the product\n",
            "# others\n[[expect]]\ncase = \"x/*\"",
            "# the end\n",
        ] {
            assert!(text.contains(kept), "{kept} in {text}");
        }
        let line = baseline.file().entries()[0].line;
        assert_eq!(baseline.remove(&[line].into()).unwrap(), 1);
        assert!(baseline.file().entries().is_empty());
        assert!(
            baseline.text().contains("# failures of the product"),
            "{}",
            baseline.text()
        );
    }

    #[test]
    fn a_list_in_brackets_is_not_written_again() {
        let text = r#"expect = [{ case = "a", outcome = "HANG", because = "b" }]"#;
        assert_eq!(Baseline::parse(text).unwrap_err(), EditError::Inline);
    }

    const VERDICTS: [Verdict; 5] = [
        Verdict::Pass,
        Verdict::Fail,
        Verdict::Crash,
        Verdict::Hang,
        Verdict::Skipped,
    ];

    fn any_run() -> impl Strategy<Value = Results> {
        let any_case = (
            0..8_usize,
            0..VERDICTS.len(),
            proptest::collection::btree_set("[a-c]", 1..3),
        );
        proptest::collection::vec(any_case, 0..8).prop_map(|cases| {
            let mut cases: Vec<CaseResult> = cases
                .into_iter()
                .map(|(n, verdict, broken)| {
                    let broken: Vec<&str> = broken.iter().map(String::as_str).collect();
                    case(&format!("a/{n}"), VERDICTS[verdict], &broken)
                })
                .collect();
            cases.sort_by(|a, b| a.id.cmp(&b.id));
            cases.dedup_by(|a, b| a.id == b.id);
            run(cases)
        })
    }

    proptest! {
        #[test]
        fn what_was_written_is_clean(results in any_run()) {
            let mut baseline = Baseline::parse("").unwrap();
            let named = baseline.name_failures(&results, &words(), TODAY).unwrap();
            prop_assert_eq!(whys(&baseline, &results), (named.len(), vec![]));
        }

        #[test]
        fn after_the_next_run_pruning_makes_it_clean_and_keeps_comments(first in any_run(), second in any_run()) {
            let mut baseline = Baseline::parse("# ours\n\n# head\n\n").unwrap();
            baseline.name_failures(&first, &words(), TODAY).unwrap();
            baseline.name_failures(&second, &words(), TODAY).unwrap();
            let applied = baseline.file().apply(
                second.cases.iter().map(|it| (it.id.as_str(), &it.judgement)),
                (0..8).map(|n| ["a/0", "a/1", "a/2", "a/3", "a/4", "a/5", "a/6", "a/7"][n]),
                second.subject_version.as_deref(),
                TODAY,
            );
            let lines = applied.mismatches.iter().map(|it| it.line).collect();
            baseline.remove(&lines).unwrap();
            prop_assert!(baseline.text().starts_with("# ours\n\n# head\n"), "{}", baseline.text());
            let judged = second.cases.iter().map(|it| (it.id.as_str(), &it.judgement));
            let known = ["a/0", "a/1", "a/2", "a/3", "a/4", "a/5", "a/6", "a/7"];
            let left = baseline.file().apply(judged, known, second.subject_version.as_deref(), TODAY);
            prop_assert_eq!(left.mismatches, vec![]);
        }
    }
}
