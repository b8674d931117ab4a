//! Expected failures: a file that says which cases a subject is known to fail, how, why, and until when.
//!
//! Must not judge. It compares opinions with what was foretold, tells where the file itself is wrong (an entry
//! that no longer fails, that has expired or that matches nothing), and writes such files.

mod apply;
mod edit;
mod file;
mod version;

pub use apply::{Applied, Mismatch, Why};
pub use edit::{Baseline, EditError, Written};
pub use file::{Entry, File, ParseError};
pub use version::Range;
