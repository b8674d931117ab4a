//! The summary for a person at a terminal: how much was run, what failed and how to see it again.
//!
//! Pure: returns text with ANSI styles, which the caller strips where they are not wanted. Everything that
//! came from the wire, the subject or a file is made visible first. Must not know where the text goes.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    path::{Path, PathBuf},
};

use anstyle::{AnsiColor, Style};

use super::{
    facts::{clause, clause_level, failures, repeat_command, who},
    tally::{Class, Tally, missed_should},
    text, transcripts,
};
use crate::{
    exit::{Decision, Exit},
    profile,
    results::{CaseResult, Conformance, Results, Verdict},
};

/// What the summary needs to know beside the results.
#[derive(Clone, Debug)]
pub struct View<'a> {
    /// Columns of the terminal.
    pub width: usize,
    /// Only the first line, a line for each failure, and the last line.
    pub quiet: bool,
    /// The folder that holds the full report.
    pub out: Option<&'a Path>,
    /// How the run is judged as a whole.
    pub decision: &'a Decision,
}

/// Failures that are shown with everything; the others get a line each.
const IN_FULL: usize = 20;
/// Lines of a folded list.
const FOLDED: usize = 12;
const BAD: Style = AnsiColor::Red.on_default().bold();
const ODD: Style = AnsiColor::Yellow.on_default().bold();
const GOOD: Style = AnsiColor::Green.on_default().bold();
const STRONG: Style = Style::new().bold();
const FAINT: Style = Style::new().dimmed();

/// Renders the summary.
pub fn render(results: &Results, view: &View<'_>) -> String {
    let mut page = Page {
        out: String::new(),
        width: view.width.clamp(40, 200),
    };
    let tally = Tally::of(results);
    let failures = failures(results);
    page.head(results, &tally);
    if view.quiet {
        for case in &failures {
            page.one_line(case, BAD);
        }
        page.tail(view.decision);
        return page.out;
    }
    page.failures(results, &failures, view.out);
    page.class(
        results,
        Class::Harness,
        "Spoilt by the harness or its environment",
        BAD,
    );
    page.class(results, Class::Open, "Not decided", ODD);
    page.controls(results);
    page.stale(results);
    page.expected(results);
    page.warnings(results);
    page.recorded(results);
    page.counts(&tally);
    if let Some(out) = view.out {
        page.paragraph(&format!(
            "Full report: {}",
            text::line(&out.display().to_string())
        ));
    }
    page.tail(view.decision);
    page.out
}

struct Page {
    out: String,
    width: usize,
}

impl Page {
    fn head(&mut self, results: &Results, tally: &Tally) {
        let wrapped = text::wrap(&tally.first_line(), self.width, "", "  ");
        let _ = writeln!(self.out, "{STRONG}{wrapped}{STRONG:#}");
        let subject = text::line(
            results
                .subject_version
                .as_deref()
                .unwrap_or(&results.subject),
        );
        let line = format!(
            "{subject} · {} · seed {} · {}",
            text::line(&results.place),
            results.seed,
            text::duration(results.took_ms),
        );
        let wrapped = text::wrap(&line, self.width, "", "  ");
        let _ = writeln!(self.out, "{FAINT}{wrapped}{FAINT:#}");
        self.standing(results);
    }

    fn standing(&mut self, results: &Results) {
        let Some(line) = profile::line(results) else {
            return;
        };
        let style = match results.standing.as_ref().map(|it| it.conformance) {
            Some(Conformance::Conformant | Conformance::ConformantWithWarnings) => GOOD,
            Some(Conformance::NonConformant) => BAD,
            Some(Conformance::Partial) | None => ODD,
        };
        let wrapped = text::wrap(&line, self.width, "", "  ");
        let _ = writeln!(self.out, "{style}{wrapped}{style:#}");
    }

    fn failures(&mut self, results: &Results, failures: &[&CaseResult], out: Option<&Path>) {
        if failures.is_empty() {
            return;
        }
        self.heading(&format!("{} failed, worst first", failures.len()), BAD);
        for case in failures.iter().take(IN_FULL) {
            self.failure(results, case, out);
        }
        if failures.len() > IN_FULL {
            self.heading(&format!("and {} more", failures.len() - IN_FULL), BAD);
            for case in &failures[IN_FULL..] {
                self.one_line(case, BAD);
            }
        }
    }

    fn failure(&mut self, results: &Results, case: &CaseResult, out: Option<&Path>) {
        let verdict = case.judgement.verdict.name();
        let severity = case.severity;
        let id = text::line(&case.id);
        let _ = writeln!(
            self.out,
            "\n{BAD}{verdict}{BAD:#} {severity}  {STRONG}{id}{STRONG:#}"
        );
        self.field("", &case.title);
        self.field("what happened", &case.judgement.reason);
        let clause = clause(case).map_or_else(String::new, |it| format!(" {it}"));
        let rule = match clause_level(case) {
            Some(level) => format!("{level}{clause}"),
            None => clause.trim_start().to_owned(),
        };
        if !rule.is_empty() {
            self.field("rule", &rule);
        }
        if let Some(diagnosis) = &case.diagnosis {
            let advice = format!(
                "tell the user: \"{}\" (who can act: {})",
                diagnosis.en,
                who(diagnosis.who)
            );
            self.field("what to do", &advice);
        }
        if let Some(out) = out {
            let file: PathBuf = out
                .join(transcripts::FOLDER)
                .join(transcripts::file_name(&case.id));
            self.field("on the wire", &file.display().to_string());
        }
        // Whole, so that it can be copied.
        let again = text::line(&repeat_command(results, case));
        let _ = writeln!(self.out, "    {:<14}{again}", "again");
    }

    /// `label` and text, indented under the id of the case.
    fn field(&mut self, label: &str, value: &str) {
        const INDENT: &str = "                  ";
        let first = format!("    {label:<14}");
        let wrapped = text::wrap(&text::line(value), self.width, &first, INDENT);
        let _ = writeln!(self.out, "{wrapped}");
    }

    fn one_line(&mut self, case: &CaseResult, style: Style) {
        let verdict = case.judgement.verdict.name();
        let id = text::line(&case.id);
        let used = verdict.len() + id.chars().count() + 4;
        let reason = text::cut(
            &text::line(&case.judgement.reason),
            self.width.saturating_sub(used).max(20),
        );
        let _ = writeln!(self.out, "  {style}{verdict}{style:#} {id}: {reason}");
    }

    fn class(&mut self, results: &Results, class: Class, title: &str, style: Style) {
        let cases: Vec<&CaseResult> = results
            .cases
            .iter()
            .filter(|it| Class::of(it) == class)
            .collect();
        self.list(&cases, title, style);
    }

    fn controls(&mut self, results: &Results) {
        let failed = |it: &&CaseResult| !matches!(it.judgement.verdict, Verdict::Pass);
        let controls: Vec<&CaseResult> = results
            .controls
            .iter()
            .filter(failed)
            .filter(|it| {
                !matches!(
                    it.judgement.verdict,
                    Verdict::Unsupported | Verdict::Skipped
                )
            })
            .collect();
        self.list(
            &controls,
            "Controls that did not complete, so that their cases prove nothing",
            ODD,
        );
    }

    fn list(&mut self, cases: &[&CaseResult], title: &str, style: Style) {
        if cases.is_empty() {
            return;
        }
        self.heading(&format!("{title}: {}", cases.len()), style);
        for case in cases.iter().take(FOLDED) {
            self.one_line(case, style);
        }
        self.more(cases.len());
    }

    fn stale(&mut self, results: &Results) {
        if results.stale.is_empty() {
            return;
        }
        self.heading(
            "Entries of the expected-failures file that no longer hold",
            ODD,
        );
        for entry in results.stale.iter().take(FOLDED) {
            self.item(entry);
        }
        self.more(results.stale.len());
    }

    fn expected(&mut self, results: &Results) {
        let expected: Vec<&CaseResult> = results
            .cases
            .iter()
            .filter(|it| Class::of(it) == Class::Expected)
            .collect();
        if expected.is_empty() {
            return;
        }
        self.heading(&format!("Failed as expected: {}", expected.len()), STRONG);
        for case in expected.iter().take(FOLDED) {
            let because = case.expected.as_deref().unwrap_or_default();
            self.item(&format!(
                "{} {}: {because}",
                case.judgement.verdict.name(),
                case.id
            ));
        }
        self.more(expected.len());
    }

    /// Equal warnings of several cases become one line.
    fn warnings(&mut self, results: &Results) {
        let mut folded: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for case in &results.cases {
            for warning in &case.judgement.warnings {
                folded.entry(warning).or_default().push(&case.id);
            }
        }
        if folded.is_empty() {
            return;
        }
        let mut folded: Vec<(&str, Vec<&str>)> = folded.into_iter().collect();
        folded.sort_by_key(|(_, ids)| std::cmp::Reverse(ids.len()));
        let shoulds = results.cases.iter().filter(|it| missed_should(it)).count();
        let title = match shoulds {
            0 => "Warnings and risks".to_owned(),
            n => format!(
                "Warnings and risks ({} missed a SHOULD)",
                text::count(n, "case")
            ),
        };
        self.heading(&title, ODD);
        for (warning, ids) in folded.iter().take(FOLDED) {
            let others = ids.len() - 1;
            let ids = match others {
                0 => ids[0].to_owned(),
                _ => format!("{} and {}", ids[0], text::count(others, "other")),
            };
            self.item(&format!("{warning} ({ids})"));
        }
        self.more(folded.len());
    }

    fn recorded(&mut self, results: &Results) {
        let recorded: Vec<&CaseResult> = results
            .cases
            .iter()
            .filter(|it| it.judgement.verdict == Verdict::Recorded)
            .collect();
        if recorded.is_empty() {
            return;
        }
        self.heading("Choices of the subject, recorded", STRONG);
        for case in recorded.iter().take(FOLDED) {
            self.item(&format!("{}: {}", case.id, case.judgement.reason));
        }
        self.more(recorded.len());
    }

    fn counts(&mut self, tally: &Tally) {
        let counts = tally.counts();
        if !counts.is_empty() {
            self.paragraph(&counts);
        }
    }

    fn heading(&mut self, title: &str, style: Style) {
        let _ = writeln!(
            self.out,
            "\n{style}{}{style:#}",
            text::wrap(title, self.width, "", "")
        );
    }

    fn item(&mut self, value: &str) {
        let wrapped = text::wrap(&text::line(value), self.width, "  ", "    ");
        let _ = writeln!(self.out, "{wrapped}");
    }

    fn paragraph(&mut self, value: &str) {
        let _ = writeln!(self.out, "\n{}", text::wrap(value, self.width, "", ""));
    }

    fn more(&mut self, all: usize) {
        if all > FOLDED {
            let _ = writeln!(self.out, "  … and {} more", all - FOLDED);
        }
    }

    fn tail(&mut self, decision: &Decision) {
        let style = if decision.exit == Exit::AsExpected {
            GOOD
        } else {
            BAD
        };
        let line = format!("{} (exit code {})", decision.why, decision.exit.code());
        let _ = writeln!(
            self.out,
            "{style}{}{style:#}",
            text::wrap(&line, self.width, "", "  ")
        );
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;
    use crate::{
        exit::{Demands, decide},
        report::sample,
    };

    fn plain(results: &Results, width: usize, quiet: bool, out: Option<&Path>) -> String {
        let decision = decide(results, &Demands::default());
        let styled = render(
            results,
            &View {
                width,
                quiet,
                out,
                decision: &decision,
            },
        );
        let mut stripped = anstream::StripStream::new(Vec::new());
        stripped.write_all(styled.as_bytes()).unwrap();
        String::from_utf8(stripped.into_inner()).unwrap()
    }

    #[test]
    fn everything_at_once() {
        insta::assert_snapshot!(plain(
            &sample::hostile(),
            100,
            false,
            Some(Path::new("out"))
        ));
    }

    #[test]
    fn quiet() {
        insta::assert_snapshot!(plain(&sample::hostile(), 80, true, None));
    }

    #[test]
    fn nothing_wrong() {
        let results = Results {
            selected: 1,
            ran: 1,
            cases: vec![sample::case(
                "smtp/base/plain",
                Verdict::Pass,
                "Everything held.",
            )],
            ..sample::empty()
        };
        insta::assert_snapshot!(plain(&results, 80, false, None));
    }

    #[test]
    fn nothing_run_is_not_green() {
        let shown = plain(&sample::empty(), 80, false, None);
        assert!(shown.starts_with("ran 0 of 0 cases\n"), "{shown}");
        assert!(
            shown.ends_with("nothing was run (exit code 4)\n"),
            "{shown}"
        );
    }

    #[test]
    fn many_failures_are_folded() {
        let case = |n: usize| sample::case(&format!("a/b/{n:03}"), Verdict::Fail, "It fell over.");
        let results = Results {
            cases: (0..60).map(case).collect(),
            ..sample::empty()
        };
        let shown = plain(&results, 80, false, None);
        assert_eq!(shown.matches("what happened").count(), IN_FULL);
        assert!(
            shown.contains("and 40 more\n  FAIL a/b/020: It fell over."),
            "{shown}"
        );
    }

    #[test]
    fn only_styles_of_our_own_reach_the_terminal() {
        let decision = decide(&sample::hostile(), &Demands::default());
        let view = View {
            width: 80,
            quiet: false,
            out: None,
            decision: &decision,
        };
        let styled = render(&sample::hostile(), &view);
        let foreign = styled
            .replace("\x1b[0m", "")
            .replace("\x1b[1m", "")
            .replace("\x1b[2m", "");
        let foreign = foreign
            .replace("\x1b[31m", "")
            .replace("\x1b[32m", "")
            .replace("\x1b[33m", "");
        assert!(
            foreign.chars().all(|c| c == '\n' || !c.is_control()),
            "{foreign:?}"
        );
        assert!(!foreign.contains('\u{202e}'));
    }

    #[test]
    fn narrow_terminals_get_narrow_lines() {
        let shown = plain(&sample::hostile(), 60, false, None);
        let long: Vec<&str> = shown
            .lines()
            .filter(|it| {
                it.chars().count() > 60
                    && !it.starts_with("    again")
                    && !it.starts_with("FAIL critical")
            })
            .collect();
        assert!(long.is_empty(), "{long:#?}");
    }
}
