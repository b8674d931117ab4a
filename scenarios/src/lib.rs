//! The language of mailproof: what a scenario file says, the cases that it expands to, the events that
//! a run leaves behind, and the library of scenarios and personas itself.
//!
//! This crate must not know sockets, processes or verdicts. It reads text and returns typed values, so
//! that linting needs no network and a stored run can be judged again without a subject.

pub mod language;
pub mod library;
pub mod model;
