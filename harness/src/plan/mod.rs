//! Plans: what a person walks through with a client that no program can operate.
//!
//! A plan is a TOML file: which cases in which order, the product's own words for its settings, and what to
//! ask the person. [`Plan`] is the file, [`Stops`] are the cases and controls that it comes to, [`State`] is
//! what its folder remembers between two sittings.
//!
//! Must not know how a case is served or shown.

mod file;
mod state;
mod stops;

pub use file::{Entry, Plan, Question};
pub use state::{Begun, State, StateError};
pub use stops::{Stop, Stops};

/// SHA-256 of what something says, not of how it was written.
fn fingerprint(of: &impl serde::Serialize) -> String {
    crate::edition::hex(&serde_json::to_vec(of).unwrap_or_default())
}
