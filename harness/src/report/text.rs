//! Text that is safe to show: nothing that came over the wire or from a subject can steer a terminal, a
//! page or a shell.
//!
//! Must not know results or reports, only characters.

use std::borrow::Cow;

/// The longest piece of foreign text that a summary shows; the full text is in the files.
pub const LONGEST: usize = 600;

/// One line of text with every character made visible that could move the cursor, change colours, reverse
/// the writing direction or hide: `\n`, `\x1b`, `\u{202e}`. At most [`LONGEST`] characters.
pub fn line(text: &str) -> String {
    cut(&escape(text, |_| false), LONGEST)
}

/// The same for a text of several lines, whose line feeds and tabs stay. Not cut.
pub fn block(text: &str) -> String {
    escape(text, |c| matches!(c, '\n' | '\t'))
}

/// At most `max` characters, the last an ellipsis where something was left out.
pub fn cut(text: &str, max: usize) -> String {
    if text.chars().nth(max).is_none() {
        return text.to_owned();
    }
    let mut kept: String = text.chars().take(max.saturating_sub(1)).collect();
    kept.push('…');
    kept
}

/// Text in lines of `width` columns, the first behind `first` and the others behind `rest`. Words that are
/// too long for a line, such as commands, stay whole so that they can be copied.
pub fn wrap(text: &str, width: usize, first: &str, rest: &str) -> String {
    let options = textwrap::Options::new(width.max(20))
        .initial_indent(first)
        .subsequent_indent(rest)
        .break_words(false)
        .word_splitter(textwrap::WordSplitter::NoHyphenation);
    textwrap::fill(text, options)
}

/// An argument as a POSIX shell reads it back.
pub fn shell(argument: &str) -> Cow<'_, str> {
    let plain =
        |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/' | ':' | '=' | ',');
    if !argument.is_empty() && argument.chars().all(plain) {
        Cow::Borrowed(argument)
    } else {
        Cow::Owned(quoted(argument))
    }
}

/// An argument in single quotes, whether it needs them or not.
pub fn quoted(argument: &str) -> String {
    format!("'{}'", argument.replace('\'', r"'\''"))
}

/// Milliseconds for people: `850 ms`, `12.4 s`, `3 min 05 s`.
pub fn duration(ms: u64) -> String {
    match ms {
        0..1_000 => format!("{ms} ms"),
        1_000..60_000 => format!("{}.{} s", ms / 1_000, ms % 1_000 / 100),
        _ => format!("{} min {:02} s", ms / 60_000, ms % 60_000 / 1_000),
    }
}

/// `1 case`, `2 cases`.
pub fn count(n: usize, noun: &str) -> String {
    if n == 1 {
        format!("1 {noun}")
    } else {
        format!("{n} {noun}s")
    }
}

fn escape(text: &str, keeps: impl Fn(char) -> bool) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            _ if keeps(c) => out.push(c),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            _ if c.is_control() && c.is_ascii() => {
                out.push_str(&format!("\\x{:02x}", u32::from(c)));
            }
            _ if c.is_control() || is_invisible(c) => {
                out.push_str(&format!("\\u{{{:x}}}", u32::from(c)));
            }
            _ => out.push(c),
        }
    }
    out
}

/// Characters without a shape of their own that change how others are shown or compared: zero width,
/// direction marks and overrides, separators, tags, variation selectors, interlinear marks.
fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}'
        | '\u{fff0}'..='\u{fffb}' | '\u{fffe}'..='\u{ffff}' | '\u{1d173}'..='\u{1d17a}'
        | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use test_case::test_case;

    use super::*;

    #[test_case("250 Ok", "250 Ok"; "plain")]
    #[test_case("größer", "größer"; "letters of other languages")]
    #[test_case("a\r\nb\tc", r"a\r\nb\tc"; "line ends")]
    #[test_case("\x1b[2Jx", r"\x1b[2Jx"; "escape sequence")]
    #[test_case("\u{9b}31m\x7f", r"\u{9b}31m\x7f"; "eight-bit controls")]
    #[test_case("a\u{202e}b\u{200b}", r"a\u{202e}b\u{200b}"; "direction and zero width")]
    fn makes_visible(text: &str, shown: &str) {
        assert_eq!(line(text), shown);
    }

    #[test]
    fn blocks_keep_line_feeds_and_tabs_only() {
        assert_eq!(block("a\n\tb\rc\x07"), "a\n\tb\\rc\\x07");
    }

    #[test_case("abc", "abc"; "short")]
    #[test_case("abcd", "abcd"; "exact")]
    #[test_case("äbcde", "äbc…"; "longer")]
    fn cuts(text: &str, shown: &str) {
        assert_eq!(cut(text, 4), shown);
    }

    #[test_case("smtp/a-b", "smtp/a-b"; "plain")]
    #[test_case("smtp/a#b", "'smtp/a#b'"; "comment sign")]
    #[test_case("it's", r"'it'\''s'"; "quote")]
    #[test_case("", "''"; "empty")]
    fn quotes_for_the_shell(argument: &str, shown: &str) {
        assert_eq!(shell(argument), shown);
    }

    #[test_case(999, "999 ms")]
    #[test_case(12_449, "12.4 s")]
    #[test_case(185_000, "3 min 05 s")]
    fn tells_time(ms: u64, shown: &str) {
        assert_eq!(duration(ms), shown);
    }

    proptest! {
        #[test]
        fn no_control_character_gets_through(text in any::<String>()) {
            prop_assert!(!line(&text).chars().any(|c| c.is_control() || is_invisible(c)));
            prop_assert!(!block(&text).chars().any(|c| !matches!(c, '\n' | '\t') && (c.is_control() || is_invisible(c))));
        }

        #[test]
        fn wrapping_loses_no_word(text in "[a-z ]{0,200}", width in 0_usize..120) {
            let wrapped = wrap(&text, width, "- ", "  ");
            let words: Vec<&str> = wrapped.split_whitespace().skip(usize::from(wrapped.starts_with('-'))).collect();
            prop_assert_eq!(words, text.split_whitespace().collect::<Vec<_>>());
        }
    }
}
