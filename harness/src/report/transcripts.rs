//! One file for each case: the opinion, then what was seen on the wire.
//!
//! Must not know how a transcript is made.

use std::fmt::Write as _;

use super::{
    facts::{broken, repeat_command},
    text,
};
use crate::results::{CaseResult, Results};

/// The folder below the report's.
pub const FOLDER: &str = "transcripts";

/// The name of a case's file.
pub fn file_name(id: &str) -> String {
    format!("{}.txt", stem(id))
}

/// The name of a file about a case, without its extension. Different ids have different names, on file systems that do not tell upper
/// from lower case too, as long as the ids do not rely on it.
pub fn stem(id: &str) -> String {
    let mut name = String::with_capacity(id.len());
    for c in id.chars() {
        match c {
            '/' => name.push_str("__"),
            '#' => name.push('@'),
            '.' if name.is_empty() => name.push_str("%2E"),
            'a'..='z' | 'A'..='Z' | '0'..='9' | '-' | '.' | '+' | '=' => name.push(c),
            _ => {
                for byte in c.encode_utf8(&mut [0; 4]).bytes() {
                    let _ = write!(name, "%{byte:02X}");
                }
            }
        }
    }
    if name.is_empty() {
        name.push('%');
    }
    if name.len() > LONGEST {
        let hash = id.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        name.truncate(LONGEST);
        let _ = write!(name, "~{hash:016x}");
    }
    name
}

/// What the file says.
pub fn render(results: &Results, case: &CaseResult) -> String {
    let judgement = &case.judgement;
    let mut page = String::new();
    let mut put = |label: &str, value: &str| {
        let _ = writeln!(page, "{label:<10}{}", text::line(value));
    };
    put("case", &case.id);
    put("title", &case.title);
    put("why", &case.why);
    put("verdict", judgement.verdict.name());
    put("reason", &judgement.reason);
    put("severity", case.severity.name());
    put("refs", &case.refs.join(", "));
    if !case.covers.is_empty() {
        put("covers", &case.covers.join(", "));
    }
    if let Some(because) = &case.expected {
        put("expected", because);
    }
    for finding in broken(case) {
        put(
            "broken",
            &format!("{} {}: {}", finding.level, finding.name, finding.message),
        );
    }
    for warning in &judgement.warnings {
        put("warning", warning);
    }
    put("again", &repeat_command(results, case));
    let _ = write!(page, "\n{}", text::block(&case.transcript));
    if !page.ends_with('\n') {
        page.push('\n');
    }
    page
}

/// Far below what file systems allow, with room for the hash and the suffix.
const LONGEST: usize = 180;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use test_case::test_case;

    use super::*;
    use crate::report::sample;

    #[test_case("smtp/starttls/refused" => "smtp__starttls__refused.txt"; "plain")]
    #[test_case("cert/trust/self-signed#imap-implicit" => "cert__trust__self-signed@imap-implicit.txt"; "variant")]
    #[test_case("../../etc/passwd" => "%2E.__..__etc__passwd.txt"; "a path is no path any more")]
    #[test_case("a_b c\0d" => "a%5Fb%20c%00d.txt"; "odd characters")]
    fn names(id: &str) -> String {
        file_name(id)
    }

    proptest! {
        #[test]
        fn every_id_has_a_safe_name_of_its_own(a in ".{0,300}", b in "[a-z/#_.]{0,8}", c in "[a-z/#_.]{0,8}") {
            let name = file_name(&a);
            prop_assert!(name.len() < 255);
            prop_assert!(!name.contains(['/', '\\', '\0']) && !name.starts_with('.'));
            prop_assert_eq!(b == c, file_name(&b) == file_name(&c));
        }
    }

    #[test]
    fn hostile_transcript() {
        let results = sample::hostile();
        let case = results
            .cases
            .iter()
            .find(|it| it.id == "smtp/reply/odd")
            .unwrap();
        insta::assert_snapshot!(render(&results, case));
    }
}
