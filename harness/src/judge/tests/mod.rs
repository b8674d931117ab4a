//! The judge as a table: what happened, and what it makes of it.

mod expectations;
mod gate;
mod invariants;
mod robustness;
mod signs;
mod trust;
mod verdicts;

use super::testing::Scene;
use crate::results::{Finding, Held, Judgement, Verdict};

/// Judges beside a control that passed, and checks verdict and reason.
fn verdict(scene: Scene, expected: Verdict, reason: &str) -> Judgement {
    let judgement = scene.judge();
    assert_eq!(judgement.verdict, expected, "{judgement:#?}");
    assert!(
        judgement.reason.contains(reason),
        "{:?} has no {reason:?}",
        judgement.reason
    );
    judgement
}

fn finding<'a>(judgement: &'a Judgement, name: &str) -> &'a Finding {
    judgement
        .findings
        .iter()
        .find(|it| it.name == name)
        .unwrap_or_else(|| panic!("no finding {name} in {judgement:#?}"))
}

fn held(scene: &Scene, name: &str) -> Held {
    finding(&scene.judge(), name).held
}
