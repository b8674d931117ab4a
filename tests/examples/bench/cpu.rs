//! What a case costs the processor.

use std::{sync::Arc, time::Duration};

use mailproof::{
    adapter,
    runner::Cancel,
    session::{At, Session, Told},
};
use mailproof_scenarios::{library::Library, model::Case};
use time::OffsetDateTime;

use super::Outcome;

/// User and system time of this process by the cases that were run, of those in which nobody has to wait.
/// The embedded subject runs in this process, and so do the servers; controls are paid for by their cases.
pub(crate) fn per_case() -> Outcome {
    let library = Library::embedded().map_err(|it| it.to_string())?;
    let cases: Vec<Case> = library.cases().filter(|it| !it.waits).cloned().collect();
    let session = Session {
        adapter: Arc::new(adapter::find("embedded").map_err(|it| it.to_string())?),
        adapter_name: "embedded".to_owned(),
        personas: Arc::new(library.personas().clone()),
        at: At::Here,
        seed: 1,
        now: OffsetDateTime::now_utc(),
        timeout: None,
        jobs: 2,
        reach: mailproof::reach::Setting::default(),
    };
    let (mut ran, mut controls) = (0, 0);
    let before = spent();
    let tell = |told: Told<'_>| match told {
        Told::Case(record, _) if record.not_run.is_none() => ran += 1,
        Told::Control(..) => controls += 1,
        _ => {}
    };
    session
        .run(cases, &Cancel::new(), tell)
        .map_err(|it| it.to_string())?;
    let took = spent().saturating_sub(before);
    if ran == 0 {
        return Err("no case was run".to_owned());
    }
    Ok(format!(
        "{:.2} ms ({:.2} s for {ran} cases and {controls} controls)",
        took.as_secs_f64() * 1000.0 / f64::from(ran),
        took.as_secs_f64()
    ))
}

/// User and system time of this process, and of those that it started and waited for.
fn spent() -> Duration {
    [libc::RUSAGE_SELF, libc::RUSAGE_CHILDREN]
        .into_iter()
        .map(|who| {
            // SAFETY: all zeroes is a valid `rusage`, which is plain numbers.
            let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
            // SAFETY: the pointer is to a whole `rusage` that nobody else uses.
            unsafe { libc::getrusage(who, &raw mut usage) };
            duration(usage.ru_utime) + duration(usage.ru_stime)
        })
        .sum()
}

fn duration(time: libc::timeval) -> Duration {
    let seconds = Duration::from_secs(u64::try_from(time.tv_sec).unwrap_or(0));
    seconds + Duration::from_micros(u64::try_from(time.tv_usec).unwrap_or(0))
}
