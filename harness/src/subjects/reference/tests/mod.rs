//! The client against a small server in memory, over a clock that nobody waits for.

mod flaws;
pub(super) mod flight;
mod garbage;
mod sessions;
mod trust;
mod world;
