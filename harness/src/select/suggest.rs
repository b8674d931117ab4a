//! "Did you mean": the nearest of known names. Must not know what the names stand for.

/// At most `max` of `known` that look like `wanted`, nearest first, each once.
///
/// Near is what has a few letters wrong, in the whole or in its last part, and what contains all of the
/// wanted text.
pub fn nearest<'a>(
    wanted: &str,
    known: impl IntoIterator<Item = &'a str>,
    max: usize,
) -> Vec<&'a str> {
    let wanted: String = wanted
        .chars()
        .filter(|c| !matches!(c, '*' | '?'))
        .take(200)
        .collect::<String>()
        .to_lowercase();
    let wanted = wanted.trim_matches('/');
    if wanted.is_empty() {
        return Vec::new();
    }
    let mut scored: Vec<(f64, &str)> = known
        .into_iter()
        .map(|name| (likeness(wanted, &name.to_lowercase()), name))
        .filter(|(score, _)| *score >= ENOUGH)
        .collect();
    scored.sort_by(|(a, x), (b, y)| b.total_cmp(a).then(x.cmp(y)));
    scored.dedup_by_key(|(_, name)| *name);
    scored.truncate(max);
    scored.into_iter().map(|(_, name)| name).collect()
}

/// `, did you mean a, b or c?`, or nothing.
pub fn did_you_mean(names: &[&str]) -> String {
    match names {
        [] => String::new(),
        [one] => format!(", did you mean `{one}`?"),
        [first @ .., last] => format!(", did you mean `{}` or `{last}`?", first.join("`, `")),
    }
}

const ENOUGH: f64 = 0.6;

fn likeness(wanted: &str, name: &str) -> f64 {
    let whole = strsim::normalized_damerau_levenshtein(wanted, name);
    let tail = strsim::normalized_damerau_levenshtein(last(wanted), last(name)) * 0.95;
    let inside = if wanted.len() >= 3 && name.contains(wanted) {
        0.9
    } else {
        0.0
    };
    whole.max(tail).max(inside)
}

fn last(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use test_case::test_case;

    use super::*;

    const KNOWN: &[&str] = &[
        "cert/trust/self-signed",
        "cert/time/expired-leaf",
        "smtp/starttls/injection-after-220",
        "smtp/starttls/refused",
        "imap/starttls/refused",
    ];

    #[test_case("cert/trust/selfsigned", &["cert/trust/self-signed"]; "a letter is missing")]
    #[test_case("smpt/starttls/refused", &["smtp/starttls/refused", "imap/starttls/refused"]; "letters swapped")]
    #[test_case("injection", &["smtp/starttls/injection-after-220"]; "a part of it")]
    #[test_case("cert/expired-leaf", &["cert/time/expired-leaf"]; "a folder is missing")]
    #[test_case("smtp/starttls/refusd*", &["smtp/starttls/refused", "imap/starttls/refused"]; "a pattern")]
    #[test_case("zzz", &[]; "nothing like it")]
    #[test_case("**", &[]; "only stars")]
    fn finds(wanted: &str, expected: &[&str]) {
        assert_eq!(nearest(wanted, KNOWN.iter().copied(), 3), expected);
    }

    #[test]
    fn asks_politely() {
        assert_eq!(did_you_mean(&[]), "");
        assert_eq!(did_you_mean(&["a"]), ", did you mean `a`?");
        assert_eq!(
            did_you_mean(&["a", "b", "c"]),
            ", did you mean `a`, `b` or `c`?"
        );
    }
}
