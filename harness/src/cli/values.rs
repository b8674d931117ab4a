//! Values of the command line that nobody has to type. Must not know which flags they belong to.

/// A seed that nobody chose. Not for secrets: short, so that it can be typed again.
pub(super) fn fresh_seed() -> u64 {
    use std::hash::{BuildHasher as _, RandomState};
    RandomState::new().hash_one(std::process::id()) >> 32
}
