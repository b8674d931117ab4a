//! Values with a syntax of their own that people write on the command line and in files, and read there. Must not know what they
//! are for.

use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};

/// Whether what names one of several things is a file: what has a slash or ends in `.toml` is.
pub fn is_path(name_or_path: &str) -> bool {
    name_or_path.contains('/') || name_or_path.ends_with(".toml")
}

/// The SHA-256 of a certificate (DER) as programs show it: `AB:CD:…`.
pub fn fingerprint(der: &[u8]) -> String {
    pairs(digest(&SHA256, der).as_ref())
}

/// Octets as `AB:CD:…`.
pub fn pairs(octets: &[u8]) -> String {
    let pairs: Vec<String> = octets.iter().map(|it| format!("{it:02X}")).collect();
    pairs.join(":")
}

/// `500ms`, `10s`, `2m`; more than nothing, at most an hour.
///
/// # Errors
/// A sentence with what was expected.
pub fn duration(text: &str) -> Result<Duration, String> {
    const LONGEST: Duration = Duration::from_secs(3_600);
    let text = text.trim();
    let digits = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let ms: u64 = match unit.trim() {
        "ms" => 1,
        "s" => 1_000,
        "m" | "min" => 60_000,
        _ => return Err("a time is written `500ms`, `10s` or `2m`".to_owned()),
    };
    let number: u64 = number
        .parse()
        .map_err(|_| "a time begins with a number, as `10s`".to_owned())?;
    let time = Duration::from_millis(number.saturating_mul(ms));
    if time.is_zero() || time > LONGEST {
        return Err("a time is more than nothing and at most 60m".to_owned());
    }
    Ok(time)
}

/// A seed: a number, decimal or `0x…`.
///
/// # Errors
/// A sentence with what was expected.
pub fn seed(text: &str) -> Result<u64, String> {
    let parsed = match text.strip_prefix("0x") {
        Some(hex) => u64::from_str_radix(hex, 16),
        None => text.parse(),
    };
    parsed.map_err(|_| "a seed is a number from 0 to 18446744073709551615".to_owned())
}

#[cfg(test)]
mod tests {
    use test_case::test_case;

    use super::*;

    #[test_case("500ms" => Some(500))]
    #[test_case("10s" => Some(10_000))]
    #[test_case("2 m" => Some(120_000); "blank")]
    #[test_case("60min" => Some(3_600_000))]
    #[test_case("10" => None; "no unit")]
    #[test_case("s" => None; "no number")]
    #[test_case("0s" => None; "nothing")]
    #[test_case("61m" => None; "too long")]
    #[test_case("99999999999999999999s" => None; "far too long")]
    #[test_case("18446744073709551615m" => None; "overflow")]
    #[test_case("-1s" => None; "negative")]
    fn times(text: &str) -> Option<u128> {
        duration(text).ok().map(|it| it.as_millis())
    }

    #[test_case("7" => Some(7))]
    #[test_case("0xff" => Some(255))]
    #[test_case("seven" => None)]
    #[test_case("-1" => None; "negative")]
    fn seeds(text: &str) -> Option<u64> {
        seed(text).ok()
    }
}
