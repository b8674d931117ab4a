//! Judges a bundle again from its records, and compares.
//!
//! Must not know how what it finds is shown.

use std::{
    collections::BTreeMap,
    io::{BufRead as _, BufReader, Read as _},
};

use mailproof_scenarios::library::Library;
use serde::Serialize;

use super::{
    Bundle, Damage, Demands, RECORDS, RESULTS, TRANSCRIPTS,
    pack::{Key, Probe, transcript_name},
};
use crate::{
    edition::Hashes,
    profile,
    report::{json, records, tally::Tally, transcripts},
    results::{CaseResult, Finding, Record, Results},
    session::judged,
};

/// A bundle that was judged again.
#[derive(Debug)]
pub struct Again {
    /// The results as they were packed.
    pub packed: Results,
    /// The results as this mailproof finds them.
    pub results: Results,
    /// What is not the same, in the order of cases.
    pub differences: Vec<Difference>,
    /// How the cases differ from those of this mailproof.
    pub edition: OtherEdition,
    /// Whether its profile's demands are whole; `None` where the run was for no profile.
    pub demands: Option<Demands>,
}

/// One thing that is not the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// The case or control; empty where it is about the run as a whole.
    pub id: String,
    /// What it is.
    pub what: What,
    /// As it was packed.
    pub packed: String,
    /// As it was found now.
    pub again: String,
}

/// What is not the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum What {
    /// A result without a record, or a record without a result.
    Absent,
    /// The verdict.
    Verdict,
    /// Which checks there are, and how they came out.
    Findings,
    /// The numbers of the run.
    Counts,
    /// The roll-up.
    Standing,
    /// A file of expected failures had a say.
    Expected,
    /// Sentences, titles or times.
    Words,
    /// The transcript.
    Transcript,
}

impl What {
    /// The words in reports.
    pub const fn name(self) -> &'static str {
        match self {
            What::Absent => "what is there",
            What::Verdict => "the verdict",
            What::Findings => "what was checked",
            What::Counts => "the count",
            What::Standing => "the roll-up",
            What::Expected => "what the vendor expected",
            What::Words => "the wording",
            What::Transcript => "the transcript",
        }
    }

    /// Whether another version of mailproof may honestly say it otherwise.
    pub const fn is_wording(self) -> bool {
        matches!(self, What::Words | What::Transcript)
    }
}

/// How the cases of a bundle differ from those that are built into this mailproof.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct OtherEdition {
    /// Cases with other contents, by id.
    pub changed: Vec<String>,
    /// Cases that this mailproof does not have, by id.
    pub unknown: Vec<String>,
    /// Personas that are others here, or not here, by name.
    pub personas: Vec<String>,
    /// How many cases this mailproof has that are not in the bundle.
    pub not_in: usize,
}

impl OtherEdition {
    /// Whether every case of the bundle is the same here.
    pub fn is_same(&self) -> bool {
        self.changed.is_empty() && self.unknown.is_empty() && self.personas.is_empty()
    }
}

/// Judges again, and compares with the results that were packed.
///
/// # Errors
/// [`Damage`] where the files contradict each other or cannot be read.
pub fn judge_again(bundle: &Bundle<'_>, library: &Library) -> Result<Again, Damage> {
    let packed = results(bundle)?;
    let found = found(bundle)?;
    check_edition(bundle, &packed, &found.hashes)?;
    let mut results = Results {
        cases: found.cases,
        controls: found.controls,
        stale: Vec::new(),
        snapshots: Vec::new(),
        ..packed.clone()
    };
    results.ran = Tally::of(&results).ran;
    profile::stand(&mut results);
    let mut differences = Vec::new();
    for (was, is) in [
        (&packed.controls, &results.controls),
        (&packed.cases, &results.cases),
    ] {
        compare(was, is, &mut differences);
    }
    whole(&packed, &results, &mut differences);
    let edition = other_edition(bundle, library);
    let demands = Demands::of(&packed, library);
    if let Some(demands) = &demands {
        shortened(demands, &packed.mailproof, &mut differences);
    }
    compare_transcripts(bundle, &packed, &mut differences)?;
    Ok(Again {
        edition,
        demands,
        packed,
        results,
        differences,
    })
}

fn content(name: &str, reason: impl ToString) -> Damage {
    Damage::Content {
        name: name.to_owned(),
        reason: reason.to_string(),
    }
}

fn results(bundle: &Bundle<'_>) -> Result<Results, Damage> {
    let mut unpacker = bundle.unpack(RESULTS)?;
    let results = json::read(&mut unpacker).map_err(|error| content(RESULTS, error))?;
    unpacker.end().map_err(|error| content(RESULTS, error))?;
    let manifest = &bundle.manifest;
    let agree = results.mailproof == manifest.mailproof
        && results.subject == manifest.subject
        && results.subject_version == manifest.subject_version
        && results.now == manifest.now;
    if !agree {
        return Err(content(RESULTS, "it is of another run than the manifest"));
    }
    Ok(results)
}

/// What the records say.
#[derive(Default)]
struct Found {
    cases: Vec<CaseResult>,
    controls: Vec<CaseResult>,
    hashes: BTreeMap<String, String>,
}

/// Judges every record. Controls come first, so no more than one record is in memory.
fn found(bundle: &Bundle<'_>) -> Result<Found, Damage> {
    let wrong = |line: usize, reason: &str| content(RECORDS, format!("line {line} {reason}"));
    let mut reader = BufReader::new(bundle.unpack(RECORDS)?);
    let mut found = Found::default();
    let mut before: Option<Key> = None;
    for number in 1.. {
        let mut line = Vec::new();
        let limited = (&mut reader).take(records::LONGEST);
        let read = { limited }.read_until(b'\n', &mut line);
        read.map_err(|error| content(RECORDS, error))?;
        if line.is_empty() {
            break;
        }
        if line.pop() != Some(b'\n') {
            return Err(wrong(number, "is too long or stops in the middle"));
        }
        let probe: Probe = serde_json::from_slice(&line)
            .map_err(|error| wrong(number, &format!("is no record: {error}")))?;
        let key = probe.key();
        if before.is_some_and(|it| it >= key) {
            return Err(wrong(number, "is not in its place, or there twice"));
        }
        let mut record = records::Reader::new(line.as_slice());
        let record = match record.next() {
            Some(Ok(record)) => record,
            Some(Err(error)) => return Err(content(RECORDS, format!("record {number}: {error}"))),
            None => return Err(wrong(number, "is empty")),
        };
        found.judge(&record, &probe);
        before = Some(key);
    }
    let rest = reader.into_inner();
    rest.end().map_err(|error| content(RECORDS, error))?;
    Ok(found)
}

impl Found {
    fn judge(&mut self, record: &Record, probe: &Probe) {
        let (is_case, id) = probe.key();
        if !is_case {
            self.controls.push(judged(record, None));
            return;
        }
        let control = record.control_id().and_then(|id| {
            let at = self.controls.binary_search_by(|it| it.id.cmp(&id)).ok()?;
            self.controls.get(at)
        });
        let result = judged(record, control.map(|it| &it.judgement));
        self.cases.push(result);
        self.hashes.insert(id, probe.hash());
    }
}

/// The cases in the records are those that the manifest names, and the edition is the sum of them.
fn check_edition(
    bundle: &Bundle<'_>,
    packed: &Results,
    cases: &BTreeMap<String, String>,
) -> Result<(), Damage> {
    let manifest = &bundle.manifest;
    if *cases != manifest.cases {
        let other = |(id, hash): &(&String, &String)| manifest.cases.get(*id) != Some(*hash);
        let id = cases.iter().find(other).map(|it| it.0);
        let id = id.or_else(|| manifest.cases.keys().find(|it| !cases.contains_key(*it)));
        let id = id.map(String::as_str).unwrap_or_default();
        return Err(content(
            RECORDS,
            format!("the case {id} is not that of the manifest"),
        ));
    }
    let hashes = Hashes {
        cases: cases.clone(),
        personas: manifest.edition.personas.clone(),
    };
    let edition = hashes.edition(manifest.edition.name.clone());
    if edition != manifest.edition {
        return Err(content(
            super::MANIFEST,
            format!(
                "its edition should have {} cases and SHA-256 {}, and has {} and {}",
                edition.cases, edition.sha256, manifest.edition.cases, manifest.edition.sha256
            ),
        ));
    }
    if packed.edition.as_ref().is_some_and(|it| *it != edition) {
        return Err(content(
            RESULTS,
            "it is of another edition than the manifest",
        ));
    }
    Ok(())
}

fn compare(packed: &[CaseResult], again: &[CaseResult], differences: &mut Vec<Difference>) {
    let by_id = |cases: &'_ [CaseResult]| -> BTreeMap<String, usize> {
        let ids = cases.iter().enumerate();
        ids.map(|(at, it)| (it.id.clone(), at)).collect()
    };
    let (was, is) = (by_id(packed), by_id(again));
    if was.len() != packed.len() {
        differences.push(Difference {
            id: String::new(),
            what: What::Absent,
            packed: "a case is there twice".to_owned(),
            again: "each once".to_owned(),
        });
    }
    let mut ids: Vec<&String> = was.keys().chain(is.keys()).collect();
    ids.sort_unstable();
    ids.dedup();
    for id in ids {
        let (was, is) = (was.get(id).copied(), is.get(id).copied());
        let was = was.and_then(|at| packed.get(at));
        let is = is.and_then(|at| again.get(at));
        differences.extend(difference(id, was, is));
    }
}

/// The weightiest thing that is not the same about a case.
fn difference(
    id: &str,
    packed: Option<&CaseResult>,
    again: Option<&CaseResult>,
) -> Option<Difference> {
    let of = |what: What, packed: String, again: String| {
        Some(Difference {
            id: id.to_owned(),
            what,
            packed,
            again,
        })
    };
    let there = |it: bool| if it { "there" } else { "not there" }.to_owned();
    let (Some(was), Some(is)) = (packed, again) else {
        return of(
            What::Absent,
            there(packed.is_some()),
            there(again.is_some()),
        );
    };
    if was == is {
        return None;
    }
    let (old, new) = (&was.judgement, &is.judgement);
    if old.verdict != new.verdict {
        let told = |it: &crate::results::Judgement| format!("{}: {}", it.verdict.name(), it.reason);
        return of(What::Verdict, told(old), told(new));
    }
    if checks(&old.findings) != checks(&new.findings) {
        return of(
            What::Findings,
            checks(&old.findings).join(", "),
            checks(&new.findings).join(", "),
        );
    }
    if let Some(because) = &was.expected {
        return of(What::Expected, because.clone(), String::new());
    }
    if was.transcript != is.transcript {
        let what = |it: &CaseResult| format!("{} lines", it.transcript.lines().count());
        return of(What::Transcript, what(was), what(is));
    }
    of(What::Words, old.reason.clone(), new.reason.clone())
}

/// What a check is and how it came out, without its words.
fn checks(findings: &[Finding]) -> Vec<String> {
    let told = findings.iter().map(|it| {
        let step = it.step.map_or_else(String::new, |it| format!(" step {it}"));
        format!("{} {} {:?}{step}", it.level, it.name, it.held)
    });
    told.collect()
}

/// Differences of the run as a whole.
fn whole(packed: &Results, again: &Results, differences: &mut Vec<Difference>) {
    let mut add = |what: What, packed: String, again: String| {
        if packed != again {
            differences.push(Difference {
                id: String::new(),
                what,
                packed,
                again,
            });
        }
    };
    let ran = |it: &Results| format!("{} cases ran", it.ran);
    add(What::Counts, ran(packed), ran(again));
    let standing = |it: &Results| match &it.standing {
        Some(it) => format!("{}: {}: {}", it.profile, it.conformance.name(), it.why),
        None => "none".to_owned(),
    };
    add(What::Standing, standing(packed), standing(again));
    let stale = |it: &Results| it.stale.join(", ");
    add(What::Expected, stale(packed), stale(again));
}

/// A profile that demands less in the bundle than it says. Another version of mailproof may have cases that the
/// bundle could not demand; that is told and is no difference.
fn shortened(demands: &Demands, mailproof: &str, differences: &mut Vec<Difference>) {
    let same_cases = mailproof == env!("CARGO_PKG_VERSION");
    let left_out = demands.left_out.iter().filter(|_| same_cases);
    for (id, why) in left_out.map(|it| (it, "its profile demands it")).chain(
        demands
            .excused
            .iter()
            .map(|it| (it, "nothing says that the subject cannot do it")),
    ) {
        differences.push(Difference {
            id: id.clone(),
            what: What::Standing,
            packed: "not demanded".to_owned(),
            again: why.to_owned(),
        });
    }
}

/// The transcripts that were packed are those of the results that were packed.
fn compare_transcripts(
    bundle: &Bundle<'_>,
    packed: &Results,
    differences: &mut Vec<Difference>,
) -> Result<(), Damage> {
    let cases = || packed.cases.iter().chain(&packed.controls);
    let mut expected: BTreeMap<String, &CaseResult> =
        cases().map(|it| (transcript_name(it), it)).collect();
    let files = bundle.manifest.files.iter();
    for file in files.filter(|it| it.name.starts_with(TRANSCRIPTS)) {
        let case = expected
            .remove(&file.name)
            .ok_or_else(|| content(&file.name, "it is of no case in the results"))?;
        let text = bundle.unpack(&file.name)?.all();
        let text = text.map_err(|error| content(&file.name, error))?;
        if text != transcripts::render(packed, case).as_bytes() {
            differences.push(Difference {
                id: case.id.clone(),
                what: What::Transcript,
                packed: file.name.clone(),
                again: "another text".to_owned(),
            });
        }
    }
    match expected.into_keys().next() {
        Some(name) => Err(Damage::Missing { name }),
        None => Ok(()),
    }
}

fn other_edition(bundle: &Bundle<'_>, library: &Library) -> OtherEdition {
    let here = Hashes::of(library.cases(), library.personas());
    let manifest = &bundle.manifest;
    let mut other = OtherEdition::default();
    for (id, hash) in &manifest.cases {
        match here.cases.get(id) {
            Some(found) if found == hash => {}
            Some(_) => other.changed.push(id.clone()),
            None => other.unknown.push(id.clone()),
        }
    }
    let personas = manifest.edition.personas.iter();
    other.personas = personas
        .filter(|(name, hash)| here.personas.get(*name) != Some(*hash))
        .map(|(name, _)| name.clone())
        .collect();
    let missing = here.cases.keys();
    other.not_in = missing
        .filter(|it| !manifest.cases.contains_key(*it))
        .count();
    other
}
