//! Just enough of RFC 5322 to see whom a message names: the addresses of From and To, and the Message-ID.
//!
//! Anything goes in; what cannot be understood names nobody.

/// How much of a message is searched for its header.
const SEARCHED: usize = 64 * 1024;

/// Whether an address in a From field is also one in a To field, without regard to case.
pub(super) fn from_is_to(message: &[u8]) -> bool {
    let to = addresses(message, "To");
    addresses(message, "From")
        .iter()
        .any(|from| to.iter().any(|it| it.eq_ignore_ascii_case(from)))
}

/// The Message-ID without its angle brackets.
pub(super) fn message_id(message: &[u8]) -> Option<String> {
    let value = field_values(message, "Message-ID").into_iter().next()?;
    let inner = value.trim().strip_prefix('<')?.split('>').next()?;
    Some(inner.to_owned())
}

fn addresses(message: &[u8], field: &str) -> Vec<String> {
    field_values(message, field)
        .iter()
        .flat_map(|value| addr_specs(value))
        .collect()
}

/// The values of every field of that name, unfolded (RFC 5322 §2.2.3).
fn field_values(message: &[u8], name: &str) -> Vec<String> {
    let searched = &message[..message.len().min(SEARCHED)];
    let mut values: Vec<String> = Vec::new();
    let mut inside = false;
    for line in searched.split(|octet| *octet == b'\n') {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.is_empty() {
            break;
        }
        let line = String::from_utf8_lossy(line);
        if line.starts_with([' ', '\t']) {
            if let (true, Some(value)) = (inside, values.last_mut()) {
                value.push_str(&line);
            }
            continue;
        }
        let field = line.split_once(':');
        inside = field.is_some_and(|(field, _)| field.trim_end().eq_ignore_ascii_case(name));
        if let (true, Some((_, value))) = (inside, field) {
            values.push(value.to_owned());
        }
    }
    values
}

/// The addr-specs of an address list (RFC 5322 §3.4): quoted strings are kept, comments, display names and
/// the names of groups are not.
fn addr_specs(list: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut text = String::new();
    let mut angle: Option<String> = None;
    let mut comments = 0_u32;
    let mut quoted = false;
    let mut in_angle = false;
    let mut escaped = false;
    for c in list.chars() {
        let target = match angle.as_mut() {
            Some(angle) if in_angle => angle,
            _ => &mut text,
        };
        if quoted {
            target.push(c);
            quoted = escaped || c != '"';
            escaped = !escaped && c == '\\';
            continue;
        }
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '(' => comments = comments.saturating_add(1),
            ')' => comments = comments.saturating_sub(1),
            _ if comments > 0 => {}
            '"' => {
                quoted = true;
                target.push(c);
            }
            '<' => {
                angle = Some(String::new());
                in_angle = true;
            }
            '>' => in_angle = false,
            ':' if !in_angle => text.clear(),
            ',' | ';' if !in_angle => push_spec(&mut found, angle.take(), &mut text),
            _ if c.is_whitespace() => {}
            _ => target.push(c),
        }
    }
    push_spec(&mut found, angle, &mut text);
    found
}

fn push_spec(found: &mut Vec<String>, angle: Option<String>, text: &mut String) {
    let spec = angle.unwrap_or_else(|| std::mem::take(text));
    text.clear();
    // Behind the colon of an obsolete route comes the address itself.
    let spec = match spec.split_once(':') {
        Some((route, rest)) if route.starts_with('@') => rest.to_owned(),
        _ => spec,
    };
    if spec.contains('@') {
        found.push(spec);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use test_case::test_case;

    use super::*;

    #[test_case("a@x.example", &["a@x.example"]; "bare")]
    #[test_case("A B <a@x.example>", &["a@x.example"]; "with a name")]
    #[test_case("\"B, A <b@y.example>\" <a@x.example>", &["a@x.example"]; "a name that looks like two")]
    #[test_case("a@x.example (b@y.example), c@z.example", &["a@x.example", "c@z.example"]; "a comment")]
    #[test_case("(a (b) c) a @ x.example", &["a@x.example"]; "nested comments and spaces")]
    #[test_case("Team: a@x.example, B <b@y.example>;", &["a@x.example", "b@y.example"]; "a group")]
    #[test_case("<@r.example:a@x.example>", &["a@x.example"]; "a route")]
    #[test_case("\"a\\\"<b\"@x.example", &["\"a\\\"<b\"@x.example"]; "a quoted local part")]
    #[test_case("undisclosed-recipients:;", &[]; "nobody")]
    fn finds(list: &str, expected: &[&str]) {
        assert_eq!(addr_specs(list), expected);
    }

    #[test_case("From: A <a@x.example>\r\nTo: A@X.EXAMPLE\r\n\r\n", true; "the same in other letters")]
    #[test_case("from: a@x.example\r\nTO: b@y.example,\r\n\tA <a@x.example>\r\n\r\n", true; "folded")]
    #[test_case("From: a@x.example\r\nTo: b@y.example\r\n\r\n", false; "another")]
    #[test_case("From: a@x.example\r\nCc: a@x.example\r\n\r\n", false; "another field")]
    #[test_case("From: a@x.example\r\n\r\nTo: a@x.example\r\n", false; "in the body")]
    #[test_case("From: a@x.example\nTo: a@x.example\n\n", true; "bare line feeds")]
    #[test_case("", false; "nothing")]
    fn compares(message: &str, expected: bool) {
        assert_eq!(from_is_to(message.as_bytes()), expected);
    }

    #[test]
    fn reads_the_message_id() {
        let message = b"Subject: x\r\nMessage-Id:\r\n <1.2@x.example>\r\n\r\n";
        assert_eq!(message_id(message).as_deref(), Some("1.2@x.example"));
        assert_eq!(message_id(b"Message-ID: none\r\n"), None);
    }

    proptest! {
        #[test]
        fn reads_anything(message in proptest::collection::vec(any::<u8>(), 0..300)) {
            from_is_to(&message);
            message_id(&message);
            addr_specs(&String::from_utf8_lossy(&message));
        }
    }
}
