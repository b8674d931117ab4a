//! The normalised transcripts of the reference client: each as it was accepted, all equal from run to run.

use std::sync::LazyLock;

use mailproof_tests::embedded::{Run, everything};

mod determinism;
mod segments;
mod snapshots;

/// The seed of [`FIRST`].
const SEED: u64 = 1;

/// One run for all tests of this program.
static FIRST: LazyLock<Run> = LazyLock::new(|| everything(SEED));
