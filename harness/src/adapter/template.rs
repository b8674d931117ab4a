//! Texts with `{places}` in them. Must not know what the places mean.

use std::{collections::BTreeMap, ops::Range};

/// A text with places, `{{` and `}}` standing for braces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    Place(String),
}

/// One argument of a command line, or several that belong together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Argument {
    /// One, repeated for each value where it has a place with several.
    One(Template),
    /// Several that are repeated together: `["--mail-rcpt", "{to}"]`.
    Group(Vec<Template>),
}

/// What stands for a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// One text.
    One(String),
    /// Several arguments.
    Many(Vec<String>),
}

/// What stands for each place.
pub type Values = BTreeMap<String, Value>;

/// Why a text is no template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct BadTemplate {
    /// Where in the text.
    pub(super) at: Range<usize>,
    /// Why.
    pub(super) message: &'static str,
}

/// Why a template cannot be filled.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FillError {
    /// The place has no value now.
    #[error("{{{0}}} has no value here")]
    Unset(String),
    /// The place has several values and the text has room for one.
    #[error("{{{0}}} stands for several values and cannot be put into a text")]
    Several(String),
}

impl Template {
    /// Reads a template.
    pub(super) fn parse(text: &str) -> Result<Self, BadTemplate> {
        let mut parts = Vec::new();
        let mut plain = String::new();
        let mut at = 0;
        while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
            let Some(brace) = rest.find(['{', '}']) else {
                plain.push_str(rest);
                break;
            };
            plain.push_str(&rest[..brace]);
            at += brace;
            let rest = &rest[brace..];
            if rest.starts_with("{{") || rest.starts_with("}}") {
                plain.push_str(&rest[..1]);
                at += 2;
                continue;
            }
            let bad = |len: usize, message| BadTemplate {
                at: at..at + len,
                message,
            };
            if rest.starts_with('}') {
                return Err(bad(1, "a `}` without its `{`; write `}}` for a brace"));
            }
            let end = rest
                .find('}')
                .ok_or_else(|| bad(1, "a `{` without its `}`; write `{{` for a brace"))?;
            let name = &rest[1..end];
            if !is_name(name) {
                let message = "expected the name of a placeholder in braces (small letters, digits, `_`); write `{{` for a brace";
                return Err(bad(end + 1, message));
            }
            if !plain.is_empty() {
                parts.push(Part::Text(std::mem::take(&mut plain)));
            }
            parts.push(Part::Place(name.to_owned()));
            at += end + 1;
        }
        if !plain.is_empty() {
            parts.push(Part::Text(plain));
        }
        Ok(Self { parts })
    }

    /// The places that it names.
    pub(super) fn places(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().filter_map(|part| match part {
            Part::Place(name) => Some(name.as_str()),
            Part::Text(_) => None,
        })
    }

    /// The text with every place filled.
    ///
    /// # Errors
    /// [`FillError`] where a place has no value, or more than one.
    pub fn fill(&self, values: &Values) -> Result<String, FillError> {
        self.fill_with(values, None)
    }

    /// As [`Template::fill`], with every value as `escape` writes it.
    ///
    /// # Errors
    /// [`FillError`] where a place has no value, or more than one.
    pub(super) fn fill_escaped(
        &self,
        values: &Values,
        escape: impl Fn(&str) -> String,
    ) -> Result<String, FillError> {
        let escaped = self.places().map(|name| {
            let value = match values.get(name) {
                Some(Value::One(value)) => escape(value),
                Some(Value::Many(_)) => return Err(FillError::Several(name.to_owned())),
                None => return Err(FillError::Unset(name.to_owned())),
            };
            Ok((name.to_owned(), Value::One(value)))
        });
        self.fill(&escaped.collect::<Result<_, _>>()?)
    }

    /// The place, where it is nothing but one.
    pub(super) fn only_place(&self) -> Option<&str> {
        match &self.parts[..] {
            [Part::Place(name)] => Some(name),
            _ => None,
        }
    }

    /// What it begins with, before any place.
    pub(super) fn beginning(&self) -> &str {
        match self.parts.first() {
            Some(Part::Text(text)) => text,
            _ => "",
        }
    }

    /// As [`Template::fill`], with `chosen` for the place that has several values.
    fn fill_with(
        &self,
        values: &Values,
        chosen: Option<(&str, &str)>,
    ) -> Result<String, FillError> {
        let mut text = String::new();
        for part in &self.parts {
            match part {
                Part::Text(plain) => text.push_str(plain),
                Part::Place(name) => match (values.get(name), chosen) {
                    (_, Some((several, value))) if several == name => text.push_str(value),
                    (Some(Value::One(value)), _) => text.push_str(value),
                    (Some(Value::Many(_)), _) => return Err(FillError::Several(name.clone())),
                    (None, _) => return Err(FillError::Unset(name.clone())),
                },
            }
        }
        Ok(text)
    }
}

impl Argument {
    /// The templates that it is made of.
    pub(super) fn templates(&self) -> &[Template] {
        match self {
            Argument::One(template) => std::slice::from_ref(template),
            Argument::Group(templates) => templates,
        }
    }

    /// The arguments of the command line: none, one or several.
    ///
    /// # Errors
    /// [`FillError`] where a place has no value, or two places have several.
    pub fn fill(&self, values: &Values) -> Result<Vec<String>, FillError> {
        let mut several = None;
        for place in self.templates().iter().flat_map(Template::places) {
            if let Some(Value::Many(many)) = values.get(place) {
                match several {
                    Some((name, _)) if name != place => {
                        return Err(FillError::Several(place.to_owned()));
                    }
                    _ => several = Some((place, many)),
                }
            }
        }
        let fill = |chosen| {
            let texts = self.templates().iter();
            texts.map(move |template| template.fill_with(values, chosen))
        };
        match several {
            None => fill(None).collect(),
            Some((place, many)) => many
                .iter()
                .flat_map(|value| fill(Some((place, value))))
                .collect(),
        }
    }
}

/// Whether a placeholder can be called so.
pub(super) fn is_name(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_lowercase())
        && name
            .bytes()
            .all(|it| it.is_ascii_lowercase() || it.is_ascii_digit() || it == b'_')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use test_case::test_case;

    use super::*;

    fn values() -> Values {
        let one = |value: &str| Value::One(value.to_owned());
        Values::from([
            ("host".to_owned(), one("localhost")),
            ("odd".to_owned(), one("{host}")),
            (
                "to".to_owned(),
                Value::Many(vec!["a@x".into(), "b@x".into()]),
            ),
            ("none".to_owned(), Value::Many(Vec::new())),
        ])
    }

    fn parse(text: &str) -> Template {
        Template::parse(text).expect("a template")
    }

    #[test_case("" => Ok(String::new()); "empty")]
    #[test_case("{host}:{host}" => Ok("localhost:localhost".into()))]
    #[test_case("{{host}} {{{host}}}" => Ok("{host} {localhost}".into()); "braces")]
    #[test_case("{odd}" => Ok("{host}".into()); "a value is not a template")]
    #[test_case("\u{e4}{host}\u{fc}" => Ok("\u{e4}localhost\u{fc}".into()); "wide letters")]
    #[test_case("{port}" => Err(FillError::Unset("port".into())))]
    #[test_case("x{to}" => Err(FillError::Several("to".into())))]
    fn texts_are_filled(text: &str) -> Result<String, FillError> {
        parse(text).fill(&values())
    }

    #[test_case("a{", 1..2; "open")]
    #[test_case("a}b", 1..2; "closed")]
    #[test_case("{}", 0..2; "no name")]
    #[test_case("x{ host }", 1..9; "spaces")]
    #[test_case("{Host}", 0..6; "capitals")]
    fn bad_templates_are_placed(text: &str, at: Range<usize>) {
        assert_eq!(Template::parse(text).map_err(|it| it.at), Err(at));
    }

    #[test_case(&["{to}"] => Ok(vec!["a@x".to_owned(), "b@x".to_owned()]); "several arguments")]
    #[test_case(&["--to={to}"] => Ok(vec!["--to=a@x".to_owned(), "--to=b@x".to_owned()]); "repeated")]
    #[test_case(&["--to", "<{to}>"] => Ok(vec!["--to".to_owned(), "<a@x>".to_owned(), "--to".to_owned(), "<b@x>".to_owned()]); "repeated together")]
    #[test_case(&["{none}"] => Ok(vec![]); "nothing")]
    #[test_case(&[""] => Ok(vec![String::new()]); "an empty argument stays")]
    #[test_case(&["{to}{none}"] => Err(FillError::Several("none".to_owned())); "two lists")]
    fn arguments_are_filled(texts: &[&str]) -> Result<Vec<String>, FillError> {
        let argument = match texts {
            [one] => Argument::One(parse(one)),
            more => Argument::Group(more.iter().map(|it| parse(it)).collect()),
        };
        argument.fill(&values())
    }

    proptest! {
        #[test]
        fn parsing_never_panics(text in "[{}a-z\u{e4}_ ]{0,20}") {
            if let Ok(template) = Template::parse(&text) {
                let _ = template.fill(&values());
            }
        }

        #[test]
        fn escaped_text_is_itself(text in "\\PC{0,20}") {
            let escaped = text.replace('{', "{{").replace('}', "}}");
            prop_assert_eq!(parse(&escaped).fill(&Values::new()), Ok(text));
        }
    }
}
