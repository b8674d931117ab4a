//! One file for each command: its options, resolved, and what it does.

pub(super) mod baseline;
pub(super) mod bundle;
pub(super) mod ca;
pub(super) mod certs;
pub(super) mod completions;
pub(super) mod diff;
pub mod doctor;
pub(super) mod explain;
pub(super) mod key;
pub(super) mod lint;
pub(super) mod list;
pub mod rejudge;
pub mod report;
pub mod run;
mod runs;
pub(super) mod schema;
pub mod selftest;
pub mod serve;
mod serve_plan;
pub(super) mod show;
pub(super) mod snapshot;
pub(super) mod trace;
pub(super) mod verify;
pub mod worker;
