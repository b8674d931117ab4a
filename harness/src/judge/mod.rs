//! The judge: from the facts of a case to an opinion on it, with reasons.
//!
//! A pure function. It reads a record and does no I/O, knows no clock and no subject, so that a stored run
//! can be judged again and every rule can be tested as a table of events and verdicts.
//!
//! Where is the rule that decides? Which peer may be accepted: [`trust`]. What a channel was: `epochs`. Where
//! a secret was seen: `leaks`. What has a name and can be seen: `signs`. Whether a job took place: `jobs`.
//! Whether the case was met at all: `gate`. What holds for every case: `invariants`. What a case asks for:
//! `expectations`. What of several things decides: `verdict`.

mod answers;
mod attempts;
mod epochs;
mod expectations;
mod gate;
mod invariants;
mod jobs;
pub(crate) mod leaks;
mod patterns;
mod replies;
mod signs;
mod store;
pub mod trust;
mod verdict;
mod view;

#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;

pub use expectations::{failing_findings, fails};
pub use invariants::{INVARIANTS, Invariant};

use mailproof_scenarios::model::{Check, Deviation};

use crate::{
    late,
    results::{Judgement, Record},
};

/// Judges a case. `control` is the judgement of its base, which must have passed; `None` where there is
/// nothing to compare with, as for a control itself.
pub fn judge(record: &Record, control: Option<&Judgement>) -> Judgement {
    if let Some(why) = &record.not_run {
        return verdict::not_run(why);
    }
    // What came late met the servers of another case: it says nothing of this one's, and everything of what
    // holds in every case.
    let prompt = late::without(record);
    let view = view::View::new(prompt.as_ref().unwrap_or(record));
    let mut checks = expectations::check(&view);
    match late::comparable(record) {
        None => checks.extend(invariants::check(&view)),
        Some(all) => checks.extend(invariants::with_late(&view, &view::View::new(&all))),
    }
    checks.extend(answers::check(record));
    verdict::decide(&view, checks, control)
}

/// Whether any of a step's job (counted from 1) took place, by the servers' books and whatever the subject
/// says of it.
pub fn took_place(record: &Record, step: u16) -> bool {
    let prompt = late::without(record);
    jobs::books(&view::View::new(prompt.as_ref().unwrap_or(record)), step).any
}

/// A deviation for a sentence: "the self-signed certificate".
pub fn describe_deviation(deviation: &Deviation) -> String {
    gate::describe(deviation)
}

/// The stable name of a check's finding, as expected-failures files write it.
pub fn finding_name(check: &Check) -> String {
    expectations::name(check)
}
