//! From a hook to what is sent: values stand in URLs, headers and JSON as data and never as syntax.
//!
//! Must not know how it is sent.

use std::collections::BTreeMap;

use serde_json::Value as Any;

use super::{Body, CommandCall, HttpCall, Json};
use crate::adapter::{
    FillError, Template, Value, Values,
    fill::{arguments, filled},
};

/// The largest file that a body can have in it.
const FILE: u64 = 64 << 20;

/// An HTTP call with its values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpRequest {
    /// `GET`, `POST`, …
    pub method: &'static str,
    /// The whole URL.
    pub url: String,
    /// Header fields.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

/// Why a hook cannot be filled.
#[derive(Debug, thiserror::Error)]
pub enum HookError {
    /// A placeholder has no value.
    #[error(transparent)]
    Fill(#[from] FillError),
    /// Where the product is, nobody says.
    #[error("nobody says where the product is: set {0}")]
    NoAddress(String),
    /// A value would break the header.
    #[error("the value for the header {0} has a line end or a control character in it")]
    Header(String),
    /// A value is no number.
    #[error("`{0}` was to be a number")]
    Number(String),
    /// A value is neither `true` nor `false`.
    #[error("`{0}` was to be `true` or `false`")]
    Boolean(String),
    /// A file cannot be read.
    #[error("cannot read {0}: {1}")]
    File(String, String),
}

impl HttpCall {
    /// The call with its values; `address` is what a URL that begins with a slash is below.
    ///
    /// # Errors
    /// [`HookError`] where a value is not there, or cannot stand where it is to.
    pub fn fill(&self, values: &Values, address: Option<&str>) -> Result<HttpRequest, HookError> {
        let mut url = self.url.fill_escaped(values, in_url)?;
        if url.starts_with('/') {
            let address = address.ok_or_else(|| HookError::NoAddress("[remote] url".to_owned()))?;
            url.insert_str(0, address.trim_end_matches('/'));
        }
        let mut headers = Vec::new();
        for (name, value) in &self.headers {
            let value = value.fill(values)?;
            if value.chars().any(char::is_control) {
                return Err(HookError::Header(name.clone()));
            }
            headers.push((name.clone(), value));
        }
        let (body, kind) = match &self.body {
            Body::Nothing => (Vec::new(), None),
            Body::Json(json) => {
                let octets = json.fill(values)?.to_string().into_bytes();
                (octets, Some("application/json"))
            }
            Body::Form(pairs) => {
                let pairs: Vec<String> = pairs
                    .iter()
                    .map(|(name, value)| {
                        Ok(format!("{}={}", in_url(name), in_url(&value.fill(values)?)))
                    })
                    .collect::<Result<_, FillError>>()?;
                let octets = pairs.join("&").into_bytes();
                (octets, Some("application/x-www-form-urlencoded"))
            }
            Body::Text(text) => (text.fill(values)?.into_bytes(), None),
        };
        let says = |name: &str| headers.iter().any(|(it, _)| it.eq_ignore_ascii_case(name));
        if let Some(kind) = kind.filter(|_| !says("content-type")) {
            headers.push(("Content-Type".to_owned(), kind.to_owned()));
        }
        Ok(HttpRequest {
            method: self.method,
            url,
            headers,
            body,
        })
    }
}

impl CommandCall {
    /// The command line with its values.
    ///
    /// # Errors
    /// [`FillError`] where a value is not there.
    pub fn command(&self, values: &Values) -> Result<Vec<String>, FillError> {
        arguments(&self.run, values)
    }

    /// Its variables with their values.
    ///
    /// # Errors
    /// [`FillError`] where a value is not there.
    pub fn variables(&self, values: &Values) -> Result<BTreeMap<String, String>, FillError> {
        filled(&self.environment, values)
    }
}

impl Json {
    /// The JSON value with its values.
    ///
    /// # Errors
    /// [`HookError`] where a value is not there or is of another type.
    pub fn fill(&self, values: &Values) -> Result<Any, HookError> {
        Ok(match self {
            Json::Constant(value) => value.clone(),
            Json::Text(text) => Any::String(text.fill(values)?),
            Json::Number(text) => {
                let text = text.fill(values)?;
                let number = serde_json::from_str(&text).ok();
                let number: Option<serde_json::Number> = number;
                Any::Number(number.ok_or(HookError::Number(text))?)
            }
            Json::Boolean(text) => match text.fill(values)?.as_str() {
                "true" => Any::Bool(true),
                "false" => Any::Bool(false),
                other => return Err(HookError::Boolean(other.to_owned())),
            },
            Json::List(place) => list(place, values)?,
            Json::File(path) => {
                let path = path.fill(values)?;
                // The folder is another one for each case.
                let name = || path.rsplit('/').next().unwrap_or(&path).to_owned();
                Any::String(text_of(&path).map_err(|error| HookError::File(name(), error))?)
            }
            Json::Array(items) => Any::Array(
                items
                    .iter()
                    .map(|it| it.fill(values))
                    .collect::<Result<_, _>>()?,
            ),
            Json::Object(members) => Any::Object(
                members
                    .iter()
                    .map(|(name, it)| Ok((name.clone(), it.fill(values)?)))
                    .collect::<Result<_, HookError>>()?,
            ),
        })
    }
}

fn list(place: &Template, values: &Values) -> Result<Any, HookError> {
    let items = match place.only_place().and_then(|name| values.get(name)) {
        Some(Value::Many(many)) => many.clone(),
        _ => vec![place.fill(values)?],
    };
    Ok(Any::Array(items.into_iter().map(Any::String).collect()))
}

fn text_of(path: &str) -> Result<String, String> {
    use std::io::Read as _;
    let file = std::fs::File::open(path).map_err(|error| error.to_string())?;
    let mut text = String::new();
    file.take(FILE)
        .read_to_string(&mut text)
        .map_err(|error| error.to_string())?;
    Ok(text)
}

/// A value as it stands in a URL or a form: everything but unreserved characters is encoded (RFC 3986 §2.1).
pub fn in_url(value: &str) -> String {
    let mut encoded = String::with_capacity(value.len());
    for octet in value.bytes() {
        match octet {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                encoded.push(char::from(octet));
            }
            _ => encoded.push_str(&format!("%{octet:02X}")),
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use test_case::test_case;

    use super::*;

    fn template(text: &str) -> Template {
        Template::parse(text).expect("a template")
    }

    fn values(value: &str) -> Values {
        Values::from([
            ("v".to_owned(), Value::One(value.to_owned())),
            (
                "to".to_owned(),
                Value::Many(vec!["a".to_owned(), value.to_owned()]),
            ),
        ])
    }

    fn call(url: &str, headers: &[(&str, &str)], body: Body) -> HttpCall {
        HttpCall {
            method: "POST",
            url: template(url),
            written: url.to_owned(),
            headers: headers
                .iter()
                .map(|(name, value)| ((*name).to_owned(), template(value)))
                .collect(),
            body,
            expect: Vec::new(),
        }
    }

    #[test_case("a b", "http://h/x/a%20b?q=a%20b"; "space")]
    #[test_case("../admin?x=1&y#z", "http://h/x/..%2Fadmin%3Fx%3D1%26y%23z?q=..%2Fadmin%3Fx%3D1%26y%23z"; "syntax")]
    #[test_case("\u{e4}\r\n", "http://h/x/%C3%A4%0D%0A?q=%C3%A4%0D%0A"; "octets")]
    fn a_value_is_no_syntax_of_a_url(value: &str, url: &str) {
        let filled =
            call("/x/{v}?q={v}", &[], Body::Nothing).fill(&values(value), Some("http://h/"));
        assert_eq!(filled.expect("fills").url, url);
    }

    #[test_case("a\r\nX: y")]
    #[test_case("a\0"; "nul")]
    fn a_value_is_no_second_header(value: &str) {
        let filled = call("http://h", &[("X-V", "{v}")], Body::Nothing).fill(&values(value), None);
        assert!(matches!(filled, Err(HookError::Header(name)) if name == "X-V"));
    }

    #[test]
    fn an_address_that_nobody_gave_is_missed() {
        let filled = call("/x", &[], Body::Nothing).fill(&values(""), None);
        assert!(matches!(filled, Err(HookError::NoAddress(_))));
    }

    #[test_case("2525", "{\"n\":2525}")]
    #[test_case("2.5", "{\"n\":2.5}"; "fraction")]
    #[test_case("1, \"x\": 2", "`1, \"x\": 2` was to be a number"; "two members")]
    #[test_case("", "`` was to be a number"; "empty")]
    fn numbers(value: &str, expected: &str) {
        let json = Json::Object(vec![("n".to_owned(), Json::Number(template("{v}")))]);
        let filled = json.fill(&values(value));
        let shown = filled.map_or_else(|error| error.to_string(), |it| it.to_string());
        assert_eq!(shown, expected);
    }

    proptest! {
        #[test]
        fn a_value_is_no_syntax_of_json(value in "\\PC{0,20}|[\"\\\\\r\n\t{}\\x00]{0,9}") {
            let json = Json::Object(vec![
                ("text".to_owned(), Json::Text(template("<{v}>"))),
                ("list".to_owned(), Json::List(template("{to}"))),
            ]);
            let body = call("http://h", &[], Body::Json(json)).fill(&values(&value), None);
            let read: Any = serde_json::from_slice(&body.expect("fills").body).expect("JSON");
            prop_assert_eq!(&read["text"], &Any::String(format!("<{value}>")));
            prop_assert_eq!(&read["list"][1], &Any::String(value));
        }

        #[test]
        fn a_value_is_no_syntax_of_a_form(value in "\\PC{0,20}|[&=%+\r\n]{0,9}") {
            let form = Body::Form(vec![("a".to_owned(), template("{v}")), ("b".to_owned(), template("1"))]);
            let body = call("http://h", &[], form).fill(&values(&value), None).expect("fills").body;
            let text = String::from_utf8(body).expect("ASCII");
            prop_assert_eq!(text.matches('&').count(), 1);
            prop_assert_eq!(text.matches('=').count(), 2);
        }
    }
}
