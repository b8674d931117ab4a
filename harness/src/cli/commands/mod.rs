//! One file for each command: its options, resolved, and what it does.

pub(super) mod baseline;
pub(super) mod certs;
pub(super) mod completions;
pub(super) mod diff;
pub mod doctor;
pub(super) mod explain;
pub(super) mod lint;
pub(super) mod list;
pub mod rejudge;
pub mod run;
mod runs;
pub(super) mod schema;
pub mod selftest;
pub mod serve;
pub(super) mod show;
pub(super) mod snapshot;
pub(super) mod trace;
pub mod worker;
