//! Transcripts: the events of a case written for people, and in a form that can be compared.
//!
//! [`render`] is a mail dialogue for each connection, with milestones between the lines. [`normalise`] is the
//! same without everything that changes from run to run, so that equal behaviour gives equal text. Must not
//! judge, and lets nothing hostile through: what is not printable is escaped, and secrets are masked.

mod chance;
mod dialogue;
mod live;
mod names;
mod normal;
mod parallel;
mod people;
mod rules;
mod text;

pub use live::Live;
pub(crate) use names::{
    alert as alert_name, milestone, said as said_words, version as tls_version, way,
};
pub use normal::{normalise, normalise_with};
pub(crate) use people::alert_words;
pub use people::{Options, render};
pub use rules::{Hidden, Replacement, Rules};
pub(crate) use text::secrets;
pub use text::{mask, printable};

#[cfg(test)]
mod tests;
