//! Reports: what people and programs get to read of a run, rendered from [`crate::results::Results`] alone.
//!
//! Rendering is pure; only `out`, `records` and `progress` write. Must not know subjects, sockets or judging.

#[cfg(test)]
pub(crate) mod sample;
pub mod tally;
pub mod text;
