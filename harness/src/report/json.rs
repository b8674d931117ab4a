//! `results.json`: everything about a run, for programs.
//!
//! Must not know the other formats.

use std::io::Read;

use crate::results::{RESULTS_VERSION, Results};

/// The largest file that is read.
pub const LARGEST: u64 = 1 << 30;

/// Why a file is no results file.
#[derive(Debug, thiserror::Error)]
pub enum JsonError {
    /// It cannot be read.
    #[error("cannot be read: {0}")]
    Io(#[from] std::io::Error),
    /// It is larger than [`LARGEST`].
    #[error("has more than {LARGEST} octets")]
    TooLarge,
    /// It is not what mailproof writes.
    #[error("is no results file: {0}")]
    Malformed(#[from] serde_json::Error),
    /// It was written by a newer mailproof.
    #[error("has version {0}, and this mailproof reads {RESULTS_VERSION} and older")]
    Newer(u32),
}

/// Renders results, indented, with a line feed at the end.
///
/// # Errors
/// What the JSON writer says.
pub fn render(results: &Results) -> Result<String, serde_json::Error> {
    let mut text = serde_json::to_string_pretty(results)?;
    text.push('\n');
    Ok(text)
}

/// Reads what [`render`] wrote.
///
/// # Errors
/// [`JsonError`].
pub fn read(from: impl Read) -> Result<Results, JsonError> {
    let mut octets = Vec::new();
    from.take(LARGEST + 1).read_to_end(&mut octets)?;
    if octets.len() as u64 > LARGEST {
        return Err(JsonError::TooLarge);
    }
    // The version first, so that a newer file gets a sentence and not a missing field.
    #[derive(serde::Deserialize)]
    struct Version {
        v: u32,
    }
    let Version { v } = serde_json::from_slice(&octets)?;
    if v > RESULTS_VERSION {
        return Err(JsonError::Newer(v));
    }
    Ok(serde_json::from_slice(&octets)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn reads_back() {
        let results = sample::hostile();
        let text = render(&results).unwrap();
        assert!(text.starts_with("{\n  \"v\": 1,\n"));
        assert!(!text.contains('\x1b'));
        assert_eq!(read(text.as_bytes()).unwrap(), results);
    }

    #[test]
    fn refuses_a_newer_version_and_other_files() {
        let newer = read(&br#"{"v": 99, "other": true}"#[..]).unwrap_err();
        assert_eq!(
            newer.to_string(),
            "has version 99, and this mailproof reads 1 and older"
        );
        assert!(matches!(read(&b"[]"[..]), Err(JsonError::Malformed(_))));
    }
}
