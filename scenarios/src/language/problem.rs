//! What is wrong with a file, where, and what was expected: rendered as compilers do.

use std::{fmt, ops::Range, sync::Arc};

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};

/// A file that was read.
#[derive(Debug, PartialEq, Eq)]
pub struct Source {
    /// Its name as the user knows it.
    pub name: String,
    /// Its text.
    pub text: String,
}

impl Source {
    /// A source to share between problems.
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> Arc<Self> {
        Arc::new(Self {
            name: name.into(),
            text: text.into(),
        })
    }

    /// Line and column, both from 1, of an offset; columns count characters.
    pub fn position(&self, offset: usize) -> (usize, usize) {
        let offset = self.floor_boundary(offset);
        let before = &self.text[..offset];
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        (
            before.matches('\n').count() + 1,
            before[line_start..].chars().count() + 1,
        )
    }

    /// Where a text first stands; the start of the file if nowhere.
    pub(super) fn find(&self, text: &str) -> Range<usize> {
        self.text.find(text).map_or(0..0, |at| at..at + text.len())
    }

    fn floor_boundary(&self, offset: usize) -> usize {
        let mut offset = offset.min(self.text.len());
        while !self.text.is_char_boundary(offset) {
            offset -= 1;
        }
        offset
    }
}

/// One problem.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    source: Arc<Source>,
    span: Range<usize>,
    message: String,
    help: Option<String>,
}

impl Problem {
    /// A problem at a range of octets.
    pub fn new(source: &Arc<Source>, span: Range<usize>, message: impl Into<String>) -> Self {
        let start = source.floor_boundary(span.start);
        let end = source.floor_boundary(span.end).max(start);
        Self {
            source: Arc::clone(source),
            span: start..end,
            message: message.into(),
            help: None,
        }
    }

    /// Adds what to do.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    pub(super) fn from_toml(source: &Arc<Source>, error: &toml::de::Error) -> Self {
        let message = error.message().trim_end().to_owned();
        let problem = Self::new(source, error.span().unwrap_or(0..0), message.clone());
        match suggestion(&message) {
            Some(word) => problem.help(format!("did you mean `{word}`?")),
            None => problem,
        }
    }

    /// The file's name.
    pub fn file(&self) -> &str {
        &self.source.name
    }

    /// Line and column, from 1.
    pub fn position(&self) -> (usize, usize) {
        self.source.position(self.span.start)
    }

    /// What is wrong.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// What to do, where that is known.
    pub fn suggestion(&self) -> Option<&str> {
        self.help.as_deref()
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let first_line = self.message.lines().next().unwrap_or_default();
        let snippet = Snippet::source(&self.source.text)
            .path(&self.source.name)
            .annotation(AnnotationKind::Primary.span(self.span.clone()));
        let mut group = Level::ERROR.primary_title(first_line).element(snippet);
        for rest in self.message.lines().skip(1) {
            group = group.element(Level::NOTE.message(rest));
        }
        if let Some(help) = &self.help {
            group = group.element(Level::HELP.message(help));
        }
        write!(f, "{}", Renderer::plain().render(&[group]))
    }
}

/// All problems of one or more files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Problems(Vec<Problem>);

impl Problems {
    /// Adds one, unless the same is there already (variants of a matrix share their text).
    pub fn push(&mut self, problem: Problem) {
        if !self.0.contains(&problem) {
            self.0.push(problem);
        }
    }

    /// Adds all of another.
    pub fn merge(&mut self, others: Problems) {
        for problem in others.0 {
            self.push(problem);
        }
    }

    /// Whether nothing is wrong.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// One after the other.
    pub fn iter(&self) -> impl Iterator<Item = &Problem> {
        self.0.iter()
    }
}

impl From<Problem> for Problems {
    fn from(problem: Problem) -> Self {
        Self(vec![problem])
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("\n\n")?;
            }
            write!(f, "{problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}

/// The candidate that is written most like `word`, if one is near enough to be what was meant.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let lower = word.to_lowercase();
    candidates
        .into_iter()
        .map(|it| (strsim::damerau_levenshtein(&lower, &it.to_lowercase()), it))
        .min_by_key(|(distance, _)| *distance)
        .filter(|(distance, it)| *distance <= (word.len().max(it.len()) / 3).max(1))
        .map(|(_, it)| it)
}

/// Reads serde's "unknown field `x`, expected one of `a`, `b`" and picks the nearest.
fn suggestion(message: &str) -> Option<String> {
    let rest = message
        .strip_prefix("unknown field ")
        .or_else(|| message.strip_prefix("unknown variant "))?;
    let mut quoted = rest.split('`').skip(1).step_by(2);
    let found = quoted.next()?.to_owned();
    nearest(&found, quoted).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use pretty_assertions::assert_eq;
    use test_case::test_case;

    use super::*;

    #[test_case(0, (1, 1); "the start")]
    #[test_case(5, (2, 2); "second line, counted in characters")]
    #[test_case(99, (3, 1); "behind the end")]
    fn positions(offset: usize, expected: (usize, usize)) {
        assert_eq!(Source::new("x", "ä\nä\n").position(offset), expected);
    }

    #[test]
    fn suggests_the_nearest_word() {
        let message = "unknown field `sevirity`, expected one of `severity`, `title`";
        assert_eq!(suggestion(message).as_deref(), Some("severity"));
        assert_eq!(nearest("zzz", ["severity", "title"]), None);
    }
}
