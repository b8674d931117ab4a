//! What the script of the page reads: an index for the matrix, strings that are shared, and one block for each
//! case, which is read only when the case is opened.
//!
//! Everything that came from a subject or the wire is made safe to show here. Must not know the page.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::{
    Run,
    strings::Strings,
    wire::{Carried, Connection, Detail},
};
use crate::{
    report::{
        background::Background,
        facts::{self, repeat_command},
        tally::Class,
        text,
    },
    results::{CaseResult, Finding, Held},
};

/// Lines of a transcript that are kept.
const TRANSCRIPT: usize = 600;

/// All data of a page.
pub(super) struct Data {
    pub(super) index: Index,
    pub(super) cases: Vec<Case>,
    /// By run and id.
    pub(super) controls: Vec<Control>,
    pub(super) strings: Strings,
}

/// What the matrix shows.
#[derive(Debug, Serialize)]
pub(super) struct Index {
    runs: Vec<Subject>,
    cases: Vec<Row>,
}

#[derive(Debug, Serialize)]
struct Subject {
    name: String,
    /// Its name where there is little room.
    short: String,
    version: String,
}

/// One row of the matrix.
#[derive(Debug, Serialize)]
struct Row {
    id: String,
    title: String,
    severity: &'static str,
    kind: &'static str,
    protocols: Vec<String>,
    /// Words to search that are shown nowhere in the row: clauses, requirements, tags.
    more: String,
    /// One for each run.
    cells: Vec<Option<Cell>>,
}

#[derive(Debug, Serialize)]
struct Cell {
    verdict: &'static str,
    /// The class, as a word for filters and colours.
    class: &'static str,
    reason: String,
}

/// What is shown of a case when it is opened. Numbers are strings.
#[derive(Debug, Serialize)]
pub(super) struct Case {
    why: usize,
    frequency: &'static str,
    covers: String,
    asked: Vec<usize>,
    server: Vec<usize>,
    wrong: Vec<usize>,
    good: Vec<usize>,
    /// Citation, text or none, address or none.
    references: Vec<(usize, Option<usize>, Option<usize>)>,
    /// Who, in English, in German.
    diagnosis: Option<[usize; 4]>,
    runs: Vec<Option<Seen>>,
}

/// What one run saw of a case.
#[derive(Debug, Serialize)]
struct Seen {
    took: String,
    again: usize,
    expected: Option<String>,
    warnings: Vec<usize>,
    findings: Vec<Check>,
    transcript: Vec<usize>,
    /// The number of the control's block.
    control: Option<usize>,
    connections: Vec<Wire>,
    more_connections: usize,
}

#[derive(Debug, Serialize)]
struct Check {
    name: usize,
    level: &'static str,
    held: &'static str,
    message: usize,
    clause: Option<usize>,
    /// Milliseconds, connection, words.
    evidence: Vec<(String, Option<u32>, usize)>,
}

#[derive(Debug, Serialize)]
struct Wire {
    id: u32,
    to: usize,
    more: usize,
    tls: Vec<(usize, usize)>,
    /// When, whether by the client, how carried, lines of escaped octets, octets left out.
    chunks: Vec<(String, u8, u8, Vec<usize>, usize)>,
}

/// A control, which many cases share.
#[derive(Debug, Serialize)]
pub(super) struct Control {
    id: String,
    verdict: &'static str,
    transcript: Vec<usize>,
    connections: Vec<Wire>,
}

/// The class of a case as a word.
pub(super) const fn class(class: Class) -> &'static str {
    match class {
        Class::Failed => "failed",
        Class::Harness => "harness",
        Class::Open => "open",
        Class::Expected => "expected",
        Class::NotRun => "not-run",
        Class::Good => "good",
    }
}

impl Data {
    /// Puts the runs side by side. Rows are in the order of their ids.
    pub(super) fn of(runs: &[Run<'_>], background: &Background) -> Self {
        let mut strings = Strings::default();
        let mut controls = Vec::new();
        let by_run: Vec<BTreeMap<&str, &CaseResult>> = runs
            .iter()
            .map(|run| {
                run.results
                    .cases
                    .iter()
                    .map(|it| (it.id.as_str(), it))
                    .collect()
            })
            .collect();
        let numbers: Vec<BTreeMap<&str, usize>> = runs
            .iter()
            .map(|run| {
                let mut numbers = BTreeMap::new();
                for control in &run.results.controls {
                    let detail = run.details.get(&control.id);
                    numbers.insert(control.id.as_str(), controls.len());
                    controls.push(Control {
                        id: text::line(&control.id),
                        verdict: control.judgement.verdict.name(),
                        transcript: transcript(&mut strings, &control.transcript),
                        connections: wire(&mut strings, detail),
                    });
                }
                numbers
            })
            .collect();
        let ids: BTreeSet<&str> = by_run.iter().flat_map(|it| it.keys().copied()).collect();
        let mut rows = Vec::with_capacity(ids.len());
        let mut cases = Vec::with_capacity(ids.len());
        for id in ids {
            let seen: Vec<Option<&CaseResult>> =
                by_run.iter().map(|it| it.get(id).copied()).collect();
            let Some(any) = seen.iter().flatten().next() else {
                continue;
            };
            let detail = runs.iter().find_map(|run| run.details.get(id));
            rows.push(row(any, &seen, detail));
            let runs = runs.iter().zip(&seen).zip(&numbers);
            let seen = runs.map(|((run, case), numbers)| {
                let case = (*case)?;
                let control = case.control.as_deref().and_then(|it| numbers.get(it));
                Some(Seen::of(&mut strings, run, case, control.copied()))
            });
            let seen = seen.collect();
            cases.push(case(&mut strings, any, detail, background, seen));
        }
        let subjects = runs
            .iter()
            .zip(super::labels(runs))
            .map(|(run, short)| Subject {
                name: run.name(),
                short,
                version: run.version(),
            });
        Self {
            index: Index {
                runs: subjects.collect(),
                cases: rows,
            },
            cases,
            controls,
            strings,
        }
    }
}

fn row(any: &CaseResult, seen: &[Option<&CaseResult>], detail: Option<&Detail>) -> Row {
    let mut more: Vec<&str> = any
        .refs
        .iter()
        .chain(&any.covers)
        .map(String::as_str)
        .collect();
    if let Some(detail) = detail {
        more.extend(detail.tags.iter().map(String::as_str));
    }
    let cell = |case: &CaseResult| Cell {
        verdict: case.judgement.verdict.name(),
        class: class(Class::of(case)),
        reason: text::line(&case.judgement.reason),
    };
    Row {
        id: text::line(&any.id),
        title: text::line(&any.title),
        severity: any.severity.name(),
        kind: any.kind.name(),
        protocols: detail.map_or_else(|| by_id(&any.id), |it| it.protocols.clone()),
        more: text::line(&more.join(" ")),
        cells: seen.iter().map(|it| it.map(cell)).collect(),
    }
}

/// The protocols of a case whose record is not at hand, as far as its id tells.
fn by_id(id: &str) -> Vec<String> {
    let named = ["smtp", "imap"].into_iter().filter(|it| id.contains(it));
    named.map(str::to_owned).collect()
}

fn case(
    strings: &mut Strings,
    any: &CaseResult,
    detail: Option<&Detail>,
    background: &Background,
    runs: Vec<Option<Seen>>,
) -> Case {
    let safe =
        |texts: &[String]| -> Vec<String> { texts.iter().map(|it| text::line(it)).collect() };
    let mut put = |texts: &[String]| strings.list(&safe(texts));
    let none = Detail::default();
    let told = &detail.unwrap_or(&none).told;
    let (asked, server, wrong, good) = (
        put(&told.asked),
        put(&told.server),
        put(&told.wrong),
        put(&told.good),
    );
    let told: Vec<(String, Option<String>)> = if told.references.is_empty() {
        any.refs.iter().map(|it| (it.clone(), None)).collect()
    } else {
        told.references.clone()
    };
    let references = told.iter().map(|(citation, address)| {
        let clause = background.clause(citation).map(text::block);
        (
            strings.number(&text::line(citation)),
            clause.map(|it| strings.number(&it)),
            address.as_ref().map(|it| strings.number(&text::line(it))),
        )
    });
    let references = references.collect();
    let diagnosis = any.diagnosis.as_ref().map(|it| {
        [
            facts::who(it.who),
            facts::who_german(it.who),
            &text::line(&it.en),
            &text::line(&it.de),
        ]
        .map(|it| strings.number(it))
    });
    Case {
        why: strings.number(&text::line(&any.why)),
        frequency: any.frequency.name(),
        covers: text::line(&any.covers.join(", ")),
        asked,
        server,
        wrong,
        good,
        references,
        diagnosis,
        runs,
    }
}

impl Seen {
    fn of(strings: &mut Strings, run: &Run<'_>, case: &CaseResult, control: Option<usize>) -> Self {
        let detail = run.details.get(&case.id);
        let judgement = &case.judgement;
        let warnings = judgement
            .warnings
            .iter()
            .map(|it| strings.number(&text::line(it)));
        let warnings = warnings.collect();
        let findings = judgement.findings.iter();
        Self {
            took: text::duration(case.took_ms),
            again: strings.number(&text::line(&repeat_command(run.results, case))),
            expected: case.expected.as_deref().map(text::line),
            warnings,
            findings: findings.map(|it| check(strings, it, detail)).collect(),
            transcript: transcript(strings, &case.transcript),
            control,
            connections: wire(strings, detail),
            more_connections: detail.map_or(0, |it| it.more_connections),
        }
    }
}

fn check(strings: &mut Strings, finding: &Finding, detail: Option<&Detail>) -> Check {
    let broken = finding.held == Held::Broken;
    let moments = finding
        .evidence
        .iter()
        .filter(|_| broken)
        .filter_map(|index| {
            let moment = detail?.events.get(index)?;
            let words = strings.number(&moment.words);
            Some((milliseconds(moment.at), moment.connection, words))
        });
    let evidence = moments.take(8).collect();
    Check {
        name: strings.number(&text::line(&finding.name)),
        level: finding.level.name(),
        held: match finding.held {
            Held::Held => "held",
            Held::Broken => "broken",
            Held::NotObservable => "unseen",
        },
        message: strings.number(&text::line(&finding.message)),
        clause: finding
            .clause
            .as_ref()
            .map(|it| strings.number(&text::line(it))),
        evidence,
    }
}

fn transcript(strings: &mut Strings, transcript: &str) -> Vec<usize> {
    let safe = text::block(transcript);
    let mut lines = strings.lines(&safe);
    let all = lines.len();
    if all > TRANSCRIPT {
        lines.truncate(TRANSCRIPT);
        lines.push(strings.number(&format!("… {} more lines", all - TRANSCRIPT)));
    }
    lines
}

fn wire(strings: &mut Strings, detail: Option<&Detail>) -> Vec<Wire> {
    let connections = detail.map_or(&[][..], |it| &it.connections);
    connections
        .iter()
        .map(|it| connection(strings, it))
        .collect()
}

fn connection(strings: &mut Strings, connection: &Connection) -> Wire {
    let tls = connection.tls.iter().map(|(label, value)| {
        let label = strings.number(label);
        (label, strings.number(value))
    });
    let tls = tls.collect();
    let chunks = connection.chunks.iter().map(|chunk| {
        let layer = match chunk.layer {
            Carried::Clear => 0,
            Carried::Tls => 1,
            Carried::Records => 2,
        };
        (
            milliseconds(chunk.at),
            u8::from(chunk.client),
            layer,
            strings.list(&chunk.lines()),
            chunk.more,
        )
    });
    let chunks = chunks.collect();
    Wire {
        id: connection.id,
        to: strings.number(&connection.to),
        more: connection.more,
        tls,
        chunks,
    }
}

fn milliseconds(micros: u64) -> String {
    format!("{}.{}", micros / 1_000, micros % 1_000 / 100)
}
