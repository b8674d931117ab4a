//! Values of the command line that nobody has to type. Must not know which flags they belong to.

/// A SHA-256 as programs print it: `SHA256:` before it, colons and capital letters are allowed. The digits alone,
/// lower case.
pub(super) fn fingerprint(text: &str) -> Result<String, String> {
    let digits = text.trim();
    let digits = digits.strip_prefix("SHA256:").unwrap_or(digits);
    let digits = digits.replace(':', "").to_ascii_lowercase();
    if digits.len() != 64 || !digits.bytes().all(|it| it.is_ascii_hexdigit()) {
        return Err("a fingerprint is a SHA-256 in hexadecimal: 64 digits".to_owned());
    }
    Ok(digits)
}

/// A seed that nobody chose. Not for secrets: short, so that it can be typed again.
pub(super) fn fresh_seed() -> u64 {
    use std::hash::{BuildHasher as _, RandomState};
    RandomState::new().hash_one(std::process::id()) >> 32
}
