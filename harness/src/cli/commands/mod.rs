//! One file for each command: its options, resolved, and what it does.

pub(super) mod ca;
pub(super) mod certs;
pub(super) mod completions;
pub mod doctor;
pub(super) mod explain;
pub(super) mod lint;
pub(super) mod list;
pub mod rejudge;
pub mod run;
pub(super) mod schema;
pub mod selftest;
pub mod serve;
pub(super) mod show;
pub(super) mod trace;
pub mod worker;
