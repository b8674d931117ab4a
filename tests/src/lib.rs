//! What the end-to-end tests and the benchmark share: the library's cases run in this process, and the
//! program run as a user runs it.
//!
//! Must not know what a single scenario is about.

pub mod browser;
pub mod embedded;
pub mod program;
pub mod sitting;
