//! What is wrong with an adapter file, and where. Must not know how it is shown.

use std::ops::Range;

/// An error in an adapter file, for the person who wrote it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{line}:{column}: {message}{}", help.as_ref().map(|it| format!(" ({it})")).unwrap_or_default())]
pub struct AdapterError {
    /// The file as the user knows it.
    pub file: String,
    /// The line, counted from 1.
    pub line: usize,
    /// The column in characters, counted from 1.
    pub column: usize,
    /// The octets of the file that are meant, for a reader that shows them.
    pub span: Range<usize>,
    /// What is wrong and what was expected.
    pub message: String,
    /// What may have been meant.
    pub help: Option<String>,
}

/// Why there is no adapter to work with.
#[derive(Debug, thiserror::Error)]
pub enum FindError {
    /// No built-in adapter has that name, and it is no file.
    #[error("there is no adapter `{name}`{}", suggestion.as_ref().map(|it| format!("; did you mean `{it}`?")).unwrap_or_default())]
    Unknown {
        /// The name.
        name: String,
        /// The nearest name.
        suggestion: Option<String>,
    },
    /// The file cannot be read.
    #[error("cannot read the adapter {file}: {reason}")]
    Unreadable {
        /// The file.
        file: String,
        /// Why not.
        reason: String,
    },
    /// The file is wrong.
    #[error(transparent)]
    Wrong(#[from] AdapterError),
}

/// A complaint whose file and line are not known yet: what the checks produce.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Complaint {
    pub(super) span: Range<usize>,
    pub(super) message: String,
    pub(super) help: Option<String>,
}

impl Complaint {
    pub(super) fn new(span: Range<usize>, message: impl Into<String>) -> Self {
        Self {
            span,
            message: message.into(),
            help: None,
        }
    }

    pub(super) fn help(mut self, help: Option<impl Into<String>>) -> Self {
        self.help = help.map(Into::into);
        self
    }

    /// With the place in `source`, which came from `file`.
    pub(super) fn locate(self, file: &str, source: &str) -> AdapterError {
        let start = (0..=self.span.start.min(source.len()))
            .rev()
            .find(|at| source.is_char_boundary(*at))
            .unwrap_or(0);
        let before = &source[..start];
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        AdapterError {
            file: file.to_owned(),
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
            span: start..self.span.end.max(start),
            message: self.message,
            help: self.help,
        }
    }
}

/// The one of `known` that is nearest to `word`, if any is near.
pub(super) fn nearest(word: &str, known: &[&str]) -> Option<String> {
    similar::get_close_matches(word, known, 1, 0.6)
        .first()
        .map(|it| (*it).to_owned())
}

/// `did you mean …?` for [`Complaint::help`].
pub(super) fn did_you_mean(word: &str, known: &[&str]) -> Option<String> {
    nearest(word, known).map(|it| format!("did you mean `{it}`?"))
}

#[cfg(test)]
mod tests {
    use test_case::test_case;

    use super::*;

    #[test_case(0 => (1, 1))]
    #[test_case(3 => (2, 1); "behind a line end")]
    #[test_case(6 => (2, 3); "behind a wide letter")]
    #[test_case(5 => (2, 2); "inside a wide letter")]
    #[test_case(99 => (3, 1); "behind the end")]
    fn places(at: usize) -> (usize, usize) {
        let error = Complaint::new(at..at, "x").locate("f.toml", "ab\nc\u{e4}d\n");
        (error.line, error.column)
    }
}
