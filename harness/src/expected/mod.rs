//! Expected failures: a file that says which cases a subject is known to fail, how, why, and until when.
//!
//! Must not judge. It compares opinions with what was foretold, and tells where the file itself is wrong: an
//! entry that no longer fails, that has expired or that matches nothing.

mod apply;
mod file;

pub use apply::{Applied, Mismatch, Why};
pub use file::{Entry, File, ParseError};
