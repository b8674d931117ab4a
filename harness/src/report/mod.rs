//! Reports: what people and programs get to read of a run, rendered from [`crate::results::Results`], and for the
//! page of a browser from what is kept of the records beside them.
//!
//! Rendering is pure; only `folder`, `out`, `records`, `progress` and `reporter` write. Must not know subjects,
//! sockets or judging.

pub mod background;
pub mod explain;
pub mod facts;
pub mod folder;
pub mod html;
pub mod json;
pub mod junit;
pub(crate) mod lock;
pub mod markdown;
pub mod out;
pub mod progress;
pub mod records;
pub mod reporter;
#[cfg(test)]
pub(crate) mod sample;
pub mod sarif;
pub mod tally;
pub mod terminal;
pub mod text;
pub mod transcripts;
