//! `mailproof rejudge`: every verdict of a finished run again, from its records alone.
//!
//! Must not know how a verdict is found: that is handed in as a [`Judge`].

use std::{
    collections::BTreeMap,
    fs::File,
    io::{BufReader, Write},
    path::{Path, PathBuf},
};

use mailproof_mock_servers::world::TurnedAway;
use mailproof_scenarios::{library::Library, model::Case};
use time::OffsetDateTime;

use super::{run, runs};
use crate::{
    cli::{Failure, args::RejudgeArgs, find_profile, library, remark},
    evidence::Evidence,
    exit::Exit,
    expected,
    profile::{self, Obligations, Profile},
    reach::add_up,
    report::{
        background::Background,
        out::{self, Out},
        records::{Reader, RecordError},
        reporter::Reporter,
        tally::Tally,
        text,
    },
    results::{CaseResult, Judgement, NotRun, RESULTS_VERSION, Record, Results},
};

/// How verdicts and transcripts are made of facts.
#[derive(Clone, Copy, Debug)]
pub struct Judge {
    /// The opinion on a case, given that on its control.
    pub judge: fn(&Record, Option<&Judgement>) -> Judgement,
    /// What a person gets to read of the events, secrets masked.
    pub transcript: fn(&Record) -> String,
}

/// Judges again and reports.
///
/// # Errors
/// [`Failure`] where the folder holds no run, or the report cannot be written.
pub(crate) fn execute(args: &RejudgeArgs, stdout: &mut dyn Write) -> Result<Exit, Failure> {
    run::readable(Some(&args.dir.join(out::RECORDS)))?;
    let expected = run::expected(args.report.expect.as_deref())?;
    let profile = args.profile.as_deref().map(find_profile).transpose()?;
    let mut results = rejudge(&args.dir, JUDGE)?;
    let library = library_of([&results])?;
    if let Some(profile) = &profile {
        hold_to(&args.dir, &mut results, &library, profile)?;
    }
    if let Some(expected) = expected {
        apply(&expected, &mut results, &library);
    }
    let out = args.report.out.as_deref().map(Out::open).transpose()?;
    if let Some(evidence) = run::evidence(args.report.evidence.as_deref())? {
        keep(&args.dir, &results, evidence)?;
    }
    let mut reporter = Reporter::new(run::reporting(&args.report), out, results.cases.len())
        .with_background(Background::of(&library));
    if reporter.wants_details() {
        each(&args.dir, |record| reporter.detail(&record))?;
    }
    Ok(reporter.finish(&results, stdout)?.exit)
}

/// The judge of this build.
pub(super) const JUDGE: Judge = Judge {
    judge: crate::judge::judge,
    transcript: crate::session::shown,
};

/// Judges every record of a folder that `run --out` wrote. What is known of the run as a whole comes from its
/// `results.json`, if there is one.
///
/// The records are read twice, controls first, so that no more than one is in memory.
///
/// # Errors
/// [`Failure`] where the folder holds no run or its records are damaged. A last line that stops in the middle
/// is only remarked on.
pub fn rejudge(folder: &Path, judge: Judge) -> Result<Results, Failure> {
    let mut controls: BTreeMap<String, CaseResult> = BTreeMap::new();
    let mut cases: BTreeMap<String, CaseResult> = BTreeMap::new();
    let mut turned_away: BTreeMap<String, Vec<TurnedAway>> = BTreeMap::new();
    let result = |record: &Record, judgement: Judgement| {
        CaseResult::new(record, judgement, (judge.transcript)(record))
    };
    each(folder, |record| {
        turned_away.insert(record.case.id.clone(), record.turned_away.clone());
        if record.case.is_control() {
            let judgement = (judge.judge)(&record, None);
            controls.insert(record.case.id.clone(), result(&record, judgement));
        }
    })?;
    let cut = each(folder, |record| {
        if !record.case.is_control() {
            let control = record.control_id().and_then(|id| controls.get(&id));
            let control = control.map(|it| &it.judgement);
            let judgement = (judge.judge)(&record, control);
            cases.insert(record.case.id.clone(), result(&record, judgement));
        }
    })?;
    if let Some(cut) = cut {
        remark(&format!(
            "{cut}: the run was killed while it was written; the rest is complete"
        ));
    }
    let mut results = Results {
        mailproof: env!("CARGO_PKG_VERSION").to_owned(),
        cases: cases.into_values().collect(),
        controls: controls.into_values().collect(),
        ..head(folder)?
    };
    results.turned_away.clear();
    for peers in turned_away.values() {
        add_up(&mut results.turned_away, peers);
    }
    results.selected = results.selected.max(results.cases.len());
    results.ran = Tally::of(&results).ran;
    profile::stand(&mut results);
    Ok(results)
}

/// What is built in and, where they are still there, the folders of scenarios that the runs were told of.
///
/// # Errors
/// [`Failure`] where the files of those folders are no scenarios any more.
pub(super) fn library_of<'a>(
    runs: impl IntoIterator<Item = &'a Results>,
) -> Result<Library, Failure> {
    let mut folders: Vec<PathBuf> = Vec::new();
    for results in runs {
        let arguments = results.repeat.windows(2);
        let named = arguments.filter(|it| it[0] == "--scenarios");
        for folder in named.map(|it| PathBuf::from(&it[1])) {
            if folder.is_dir() && !folders.contains(&folder) {
                folders.push(folder);
            }
        }
    }
    library(&folders)
}

/// Marks what is expected to fail. A selection makes no entry wrong: every case that there is is known.
pub(super) fn apply(expected: &expected::File, results: &mut Results, library: &Library) {
    let own: Vec<String> = results.cases.iter().map(|it| it.id.clone()).collect();
    let known = library.cases().map(|it| it.id.as_str());
    let known = known.chain(own.iter().map(String::as_str));
    expected.apply_to(results, known, OffsetDateTime::now_utc().date());
}

/// Judges results by another profile than that of their run: by the cases that were run, and what else this
/// mailproof has.
fn hold_to(
    folder: &Path,
    results: &mut Results,
    library: &Library,
    profile: &Profile,
) -> Result<(), Failure> {
    let Some(supports) = results.supports.clone() else {
        let message = "these results do not say what the subject can do, so that no profile can be asked: \
                       run again";
        return Err(Failure::usage(message));
    };
    let mut cases: BTreeMap<String, Case> = BTreeMap::new();
    for case in library.cases() {
        cases.insert(case.id.clone(), case.clone());
    }
    let mut lacks: BTreeMap<String, String> = BTreeMap::new();
    each(folder, |record| {
        if record.case.is_control() {
            return;
        }
        let id = record.case.id.clone();
        if let Some(NotRun::Unsupported(lack)) = record.not_run {
            lacks.insert(id.clone(), lack);
        }
        cases.insert(id, record.case);
    })?;
    let named = profile.cases(cases.values())?;
    let lack = |case: &Case| {
        let declared = || case.every_step().find_map(|it| supports.lacks(&it));
        lacks.get(&case.id).cloned().or_else(declared)
    };
    let shard = results.obligations.take().and_then(|it| it.shard);
    results.obligations = Some(Obligations {
        shard,
        ..profile.obligations(named, &supports, lack)
    });
    profile::stand(results);
    Ok(())
}

/// Writes the evidence of every record of the folder.
fn keep(folder: &Path, results: &Results, mut evidence: Evidence) -> Result<(), Failure> {
    let mut kept = Ok(());
    each(folder, |record| {
        if kept.is_ok() {
            kept = evidence.keep(&record);
        }
    })?;
    kept?;
    Ok(evidence.finish(results)?)
}

/// Calls `take` with each record. Returns the last line if it is cut.
pub(super) fn each(
    folder: &Path,
    mut take: impl FnMut(Record),
) -> Result<Option<RecordError>, Failure> {
    let path = folder.join(out::RECORDS);
    let shown = text::line(&path.display().to_string());
    let file = File::open(&path)
        .map_err(|error| Failure::usage(format!("cannot read `{shown}`: {error}")))?;
    for record in Reader::new(BufReader::new(file)) {
        match record {
            Ok(record) => take(record),
            Err(cut @ RecordError::Cut { .. }) => return Ok(Some(cut)),
            Err(error) => {
                return Err(Failure::usage(format!(
                    "{shown}: {}",
                    text::line(&error.to_string())
                )));
            }
        }
    }
    Ok(None)
}

/// What `results.json` says of the run as a whole, without its cases.
fn head(folder: &Path) -> Result<Results, Failure> {
    let path = folder.join(out::RESULTS);
    if !path.exists() {
        return Ok(unknown());
    }
    Ok(Results {
        v: RESULTS_VERSION,
        stale: Vec::new(),
        // Nothing is compared with snapshots here.
        snapshots: Vec::new(),
        ..runs::results(&path)?
    })
}

fn unknown() -> Results {
    Results {
        v: RESULTS_VERSION,
        subject: "unknown".to_owned(),
        place: "unknown".to_owned(),
        ..Results::default()
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::{
        report::{records::tests::record, sample},
        results::Verdict,
    };

    /// Passes where the control passed, and fails where the subject said QUIT.
    const TOY: Judge = Judge {
        judge: |record, control| {
            let quit = serde_json::to_string(&record.log).unwrap().contains("QUIT");
            let verdict = match control {
                _ if quit => Verdict::Fail,
                Some(control) if control.verdict != Verdict::Pass => Verdict::Inconclusive,
                _ => Verdict::Pass,
            };
            sample::case("", verdict, "because").judgement
        },
        transcript: |record| format!("{} events", record.log.events.len()),
    };

    fn control(octets: &[u8]) -> Record {
        let mut control = record(octets);
        control.case = control.case.control();
        control
    }

    fn folder(records: &[Record]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        let mut out = Out::open(dir.path()).unwrap();
        out.begin(&Results {
            selected: 3,
            ..sample::empty()
        })
        .unwrap();
        for record in records {
            out.record(record).unwrap();
        }
        dir
    }

    #[test]
    fn a_control_counts_wherever_it_stands() {
        let dir = folder(&[record(b"x"), control(b"QUIT")]);
        let results = rejudge(dir.path(), TOY).unwrap();
        assert_eq!(results.cases[0].judgement.verdict, Verdict::Inconclusive);
        assert_eq!(results.cases[0].transcript, "1 events");
        assert_eq!(results.controls[0].judgement.verdict, Verdict::Fail);
        let head = (
            results.subject.as_str(),
            results.seed,
            results.selected,
            results.ran,
            results.interrupted,
        );
        assert_eq!(head, ("curl", 7, 3, 1, true));
        assert_eq!(
            results.cases[0].control.as_ref(),
            Some(&results.controls[0].id)
        );
    }

    #[test]
    fn a_cut_last_line_costs_only_itself_and_damage_is_no_run() {
        let dir = folder(&[record(b"x"), control(b"y")]);
        let path = dir.path().join(out::RECORDS);
        let whole = fs::read(&path).unwrap();
        fs::write(&path, &whole[..whole.len() - 20]).unwrap();
        let results = rejudge(dir.path(), TOY).unwrap();
        assert_eq!((results.cases.len(), results.controls.len()), (1, 0));

        fs::write(&path, [b"nonsense\n", &whole[..]].concat()).unwrap();
        let failure = rejudge(dir.path(), TOY).unwrap_err();
        assert_eq!(failure.exit, Exit::Usage);
        assert!(
            failure.message.contains("line 1 is no record"),
            "{}",
            failure.message
        );
    }

    #[test]
    fn records_alone_are_enough_and_no_records_are_not() {
        let dir = folder(&[record(b"x")]);
        fs::remove_file(dir.path().join(out::RESULTS)).unwrap();
        let results = rejudge(dir.path(), TOY).unwrap();
        assert_eq!((results.subject.as_str(), results.selected), ("unknown", 1));
        fs::remove_file(dir.path().join(out::RECORDS)).unwrap();
        assert_eq!(rejudge(dir.path(), TOY).unwrap_err().exit, Exit::Usage);
    }
}
