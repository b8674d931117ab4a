//! What the tables of a remote adapter look like, before anything in them is checked. Must not know what
//! they mean.

use std::{collections::BTreeMap, fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, SeqAccess, Visitor, value::MapAccessDeserializer},
};
use toml::Spanned;

use super::super::{Meaning, file::Argument};

/// `[remote]`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct Remote {
    /// Where its API is.
    pub(super) url: Option<Spanned<FromEnvironment>>,
    /// Placeholders for what differs from machine to machine.
    #[serde(default)]
    pub(super) variables: BTreeMap<Spanned<String>, Spanned<FromEnvironment>>,
    /// A file beside the adapter with the authorities for https.
    pub(super) ca: Option<Spanned<String>>,
    /// Header fields of every HTTP call.
    #[serde(default)]
    pub(super) headers: BTreeMap<Spanned<String>, Spanned<String>>,
    /// How many cases at once: 1 where absent.
    pub(super) parallel: Option<Spanned<usize>>,
    pub(super) ready: Option<Spanned<Hook>>,
    pub(super) version: Option<Spanned<Hook>>,
    #[serde(default)]
    pub(super) reset: Hooks,
    #[serde(default)]
    pub(super) configure: Hooks,
    pub(super) trigger: PerJob<Hooks>,
    #[serde(default, rename = "await")]
    pub(super) wait: PerJob<Spanned<Hook>>,
    #[serde(default)]
    pub(super) observe: PerJob<Spanned<Hook>>,
}

/// Something for each job.
#[derive(Deserialize)]
#[serde(
    deny_unknown_fields,
    rename_all = "kebab-case",
    bound = "T: Deserialize<'de>"
)]
pub(super) struct PerJob<T> {
    pub(super) send: Option<T>,
    pub(super) fetch: Option<T>,
    pub(super) list: Option<T>,
    pub(super) append: Option<T>,
    pub(super) idle: Option<T>,
    #[serde(default)]
    pub(super) test_connection: PerProtocol<T>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, bound = "T: Deserialize<'de>")]
pub(super) struct PerProtocol<T> {
    pub(super) smtp: Option<T>,
    pub(super) imap: Option<T>,
}

impl<T> Default for PerJob<T> {
    fn default() -> Self {
        Self {
            send: None,
            fetch: None,
            list: None,
            append: None,
            idle: None,
            test_connection: PerProtocol::default(),
        }
    }
}

impl<T> Default for PerProtocol<T> {
    fn default() -> Self {
        Self {
            smtp: None,
            imap: None,
        }
    }
}

/// One hook. Which of these belong together is checked afterwards.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Hook {
    pub(super) get: Option<Spanned<String>>,
    pub(super) post: Option<Spanned<String>>,
    pub(super) put: Option<Spanned<String>>,
    pub(super) patch: Option<Spanned<String>>,
    pub(super) delete: Option<Spanned<String>>,
    pub(super) run: Option<Spanned<Vec<Spanned<Argument>>>>,
    pub(super) log: Option<Spanned<String>>,
    #[serde(default)]
    pub(super) headers: BTreeMap<Spanned<String>, Spanned<String>>,
    pub(super) json: Option<Spanned<toml::Value>>,
    pub(super) form: Option<Spanned<BTreeMap<String, Spanned<String>>>>,
    pub(super) text: Option<Spanned<String>>,
    pub(super) stdin: Option<Spanned<String>>,
    #[serde(default)]
    pub(super) environment: BTreeMap<Spanned<String>, Spanned<String>>,
    pub(super) expect: Option<Spanned<Vec<i32>>>,
    pub(super) within: Option<Spanned<String>>,
    #[serde(default)]
    pub(super) take: BTreeMap<Spanned<String>, Spanned<Take>>,
    pub(super) every: Option<Spanned<String>>,
    pub(super) deadline: Option<Spanned<String>>,
    pub(super) quiet: Option<Spanned<String>>,
    pub(super) done_when: Option<Spanned<Conditions>>,
    pub(super) failed_when: Option<Spanned<Conditions>>,
    pub(super) lines: Option<Spanned<String>>,
    pub(super) state: Option<Spanned<String>>,
    pub(super) means: Option<Spanned<BTreeMap<String, Meaning>>>,
    pub(super) shown: Option<Spanned<Take>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Condition {
    pub(super) status: Option<Vec<i32>>,
    pub(super) path: Option<Spanned<String>>,
    pub(super) is: Option<Spanned<Vec<toml::Value>>>,
    pub(super) matches: Option<Spanned<String>>,
}

/// A path, or a pattern.
#[derive(Deserialize)]
#[serde(
    untagged,
    deny_unknown_fields,
    expecting = "expected a JSON path such as \"$.id\", or { matches = \"a regular expression\" }"
)]
pub(super) enum Take {
    Path(String),
    Matches { matches: String },
}

/// A text, or where it comes from.
#[derive(Deserialize)]
#[serde(
    untagged,
    deny_unknown_fields,
    expecting = "expected a text, or { env = \"VARIABLE\" } with or without `default`"
)]
pub(in super::super) enum FromEnvironment {
    Text(String),
    Variable {
        env: String,
        default: Option<String>,
    },
}

/// `{ env = "VARIABLE" }`: a secret stands in no file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct Secret {
    pub(super) env: Spanned<String>,
}

/// One table, or several that are done in their order.
#[derive(Default)]
pub(super) struct Hooks(pub(super) Vec<Hook>);

/// One condition, or several of which one must hold.
pub(super) struct Conditions(pub(super) Vec<Condition>);

impl<'de> Deserialize<'de> for Hooks {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        one_or_more(from, "a hook, or several: [[…]]").map(Hooks)
    }
}

impl<'de> Deserialize<'de> for Conditions {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        one_or_more(from, "a condition, or a list of them").map(Conditions)
    }
}

fn one_or_more<'de, D: Deserializer<'de>, One: Deserialize<'de>>(
    from: D,
    expecting: &'static str,
) -> Result<Vec<One>, D::Error> {
    struct Reader<One>(&'static str, PhantomData<One>);
    impl<'de, One: Deserialize<'de>> Visitor<'de> for Reader<One> {
        type Value = Vec<One>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(self.0)
        }

        fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Vec<One>, A::Error> {
            One::deserialize(MapAccessDeserializer::new(map)).map(|it| vec![it])
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Vec<One>, A::Error> {
            let mut all = Vec::new();
            while let Some(it) = seq.next_element()? {
                all.push(it);
            }
            Ok(all)
        }
    }
    from.deserialize_any(Reader(expecting, PhantomData))
}
