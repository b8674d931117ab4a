//! Which cases are run: filters by id, tag, clause, severity, requirement and kind, and shards.
//!
//! Must not know how a case is run.

mod filter;
mod glob;
mod shard;
pub mod suggest;

pub use filter::{Filter, FilterError, Matcher, Selection};
pub use glob::Glob;
pub use shard::Shard;
