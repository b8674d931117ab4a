//! Reverse-paths and forward-paths (RFC 5321 §4.1.2, §4.1.3, with the letters of RFC 6531 §3.3).
//!
//! Lengths are not limited here: RFC 5321 §4.5.3.1 prefers that, and the line limit bounds them.

/// Reads `<path>` from the beginning of `text`: the address without brackets and source route (which is
/// ignored as RFC 5321 appendix C says), empty for `<>`, and what is behind it.
pub(super) fn parse(text: &str) -> Option<(String, &str)> {
    let inner = text.strip_prefix('<')?;
    if let Some(rest) = inner.strip_prefix('>') {
        return Some((String::new(), rest));
    }
    let inner = skip_route(inner)?;
    let postmaster = "postmaster>";
    if let Some((name, _)) = inner.split_at_checked(postmaster.len())
        && name.eq_ignore_ascii_case(postmaster)
    {
        let (name, rest) = inner.split_at(postmaster.len() - 1);
        return Some((name.to_owned(), &rest[1..]));
    }
    let local = local_part_length(inner)?;
    let domain_and_rest = inner[local..].strip_prefix('@')?;
    let close = domain_and_rest.find('>')?;
    if !is_domain(&domain_and_rest[..close]) {
        return None;
    }
    let length = local + 1 + close;
    Some((inner[..length].to_owned(), &inner[length + 1..]))
}

/// Behind `@one,@two:`.
fn skip_route(text: &str) -> Option<&str> {
    if !text.starts_with('@') {
        return Some(text);
    }
    let (route, rest) = text.split_once(':')?;
    route
        .split(',')
        .all(|hop| hop.strip_prefix('@').is_some_and(is_domain))
        .then_some(rest)
}

fn local_part_length(text: &str) -> Option<usize> {
    if let Some(quoted) = text.strip_prefix('"') {
        let mut escaped = false;
        for (at, c) in quoted.char_indices() {
            match c {
                _ if c.is_control() => return None,
                _ if escaped => escaped = false,
                '\\' => escaped = true,
                '"' => return Some(at + 2),
                _ => {}
            }
        }
        return None;
    }
    let length = text.find(|c| c != '.' && !is_atext(c))?;
    let sound = text[..length].split('.').all(|atom| !atom.is_empty());
    sound.then_some(length)
}

fn is_domain(text: &str) -> bool {
    if let Some(literal) = text.strip_prefix('[').and_then(|it| it.strip_suffix(']')) {
        return !literal.is_empty()
            && literal
                .bytes()
                .all(|b| b.is_ascii_graphic() && !matches!(b, b'[' | b'\\' | b']'));
    }
    // Underscores are no letters of a host name, but they are met.
    text.split('.').all(|label| {
        !label.is_empty()
            && label
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_') || !c.is_ascii())
    })
}

fn is_atext(c: char) -> bool {
    c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c) || !c.is_ascii()
}

#[cfg(test)]
mod tests {
    use test_case::test_case;

    use super::*;

    #[test_case("<a@x.example>", "a@x.example", ""; "plain")]
    #[test_case("<>", "", ""; "null")]
    #[test_case("<a.b+c@x> SIZE=1", "a.b+c@x", " SIZE=1"; "parameters behind it")]
    #[test_case("<\"a b>\\\"@\"@x.example>", "\"a b>\\\"@\"@x.example", ""; "quoted")]
    #[test_case("<@r.example,@s.example:a@x.example>", "a@x.example", ""; "route")]
    #[test_case("<a@[192.0.2.1]>", "a@[192.0.2.1]", ""; "literal")]
    #[test_case("<a@[IPv6:2001:db8::1]>", "a@[IPv6:2001:db8::1]", ""; "literal of six")]
    #[test_case("<PostMaster>", "PostMaster", ""; "postmaster")]
    #[test_case("<postmaster@x.example>", "postmaster@x.example", ""; "postmaster of a domain")]
    #[test_case("<ä@ö.example>", "ä@ö.example", ""; "other letters")]
    fn reads(text: &str, address: &str, rest: &str) {
        assert_eq!(parse(text), Some((address.to_owned(), rest)));
    }

    #[test_case("a@x.example"; "no brackets")]
    #[test_case("<a@x.example"; "one bracket")]
    #[test_case("<a b@x.example>"; "space")]
    #[test_case("<a..b@x.example>"; "two dots")]
    #[test_case("<.a@x.example>"; "dot first")]
    #[test_case("<a@>"; "no domain")]
    #[test_case("<@x.example>"; "no local part")]
    #[test_case("<a>"; "no at")]
    #[test_case("<a@x..example>"; "empty label")]
    #[test_case("<a@[]>"; "empty literal")]
    #[test_case("<\"a@x.example>"; "open quote")]
    #[test_case("<a@b@x.example>"; "two at")]
    #[test_case("<postmästerä>"; "letters across the end of the word")]
    fn refuses(text: &str) {
        assert_eq!(parse(text), None);
    }
}
