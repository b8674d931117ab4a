//! The runner: asks a subject for what each case wants, in front of the world of that case, and hands out
//! the facts. Judging them is for the caller.
//!
//! `plan` says what is run at all, `schedule` when, `execute` how one case is run in this process. A case
//! and its record can be serialised, so another [`Executor`] may run it in another process.

mod chains;
mod execute;
mod message;
mod plan;
mod remote;
#[cfg(test)]
mod samples;
mod schedule;
mod subject;
mod trust_files;
mod work;
mod workers;

pub use execute::{Local, LocalOptions};
pub use message::{Head, render};
pub use plan::{Plan, Planned, needs_lab, not_shown, unseen};
pub use remote::is_there;
pub use schedule::{Executed, Executor, RunEvent, RunOptions, Summary, run};
pub use subject::version;
pub use workers::{Order, Workers, work};

pub use crate::process::Cancel;
