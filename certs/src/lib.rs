//! stub until the certs branch lands
use serde::{Deserialize, Serialize};
/// stub
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs)]
pub enum Fault {
    Valid,
    SelfSigned,
    ExpiredLeaf,
    ExpiredIntermediate,
    NotYetValid,
    WrongHost,
    NoSan,
    UnknownRoot,
    MissingIntermediate,
    IntermediateNotCa,
    WrongEku,
    WrongKey,
}
