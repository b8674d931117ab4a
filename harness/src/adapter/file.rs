//! What an adapter file looks like, before anything in it is checked. Must not know what it means.

use std::{collections::BTreeMap, fmt};

use mailproof_scenarios::model::{Auth, Crl, Job, Security, Trust};
use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, SeqAccess, Visitor},
};
use toml::Spanned;

use super::{Meaning, Role, Stream};
use crate::transcript::Hidden;

/// A whole file. It has exactly one of `[job]`, `[shim]`, `[embedded]` and `[remote]`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct File {
    /// The name on the command line.
    pub(super) name: Spanned<String>,
    /// What a person calls it.
    pub(super) title: String,
    /// `client`.
    pub(super) role: Role,
    /// The program to look for; the first word of the first command line where absent.
    pub(super) program: Option<String>,
    /// How to get it: `apt install msmtp`.
    pub(super) install: Option<String>,
    /// A command that prints the version.
    #[serde(default)]
    pub(super) version: Vec<String>,
    /// What the subject is told to wait for the network: `3s`, `500ms`.
    pub(super) timeout: Option<Spanned<String>>,
    /// What a shim can do; of a template only what its tables cannot say.
    pub(super) supports: Option<Spanned<Support>>,
    /// Own placeholders, where no setting has another value for them.
    #[serde(default)]
    pub(super) values: BTreeMap<Spanned<String>, Spanned<String>>,
    /// What each setting adds to the command line of a template.
    pub(super) settings: Option<Spanned<Settings>>,
    /// The command lines of a template.
    pub(super) job: Option<Spanned<Jobs>>,
    /// A program that takes the request as JSON and answers in JSON.
    pub(super) shim: Option<Spanned<Shim>>,
    /// Code inside mailproof.
    pub(super) embedded: Option<Spanned<Embedded>>,
    /// A product that is operated by hooks.
    pub(super) remote: Option<Spanned<super::remote::file::Remote>>,
    /// Variables of the environment that have secrets of a remote product.
    #[serde(default)]
    pub(super) secrets: BTreeMap<Spanned<String>, super::remote::file::Secret>,
    /// Files in the work folder: a text with placeholders, or `{ from = "a file beside the adapter" }`.
    #[serde(default)]
    pub(super) files: BTreeMap<Spanned<String>, Spanned<Content>>,
    /// Folders in the work folder that each step finds empty: what the subject keeps there is of no use to the
    /// next step. Everything else stays from step to step.
    #[serde(default)]
    pub(super) fresh: Vec<Spanned<String>>,
    /// Variables of the environment, beside `PATH`, `HOME` and their kin.
    #[serde(default)]
    pub(super) environment: BTreeMap<String, Spanned<String>>,
    /// Variables that put `{store}` in the place of the authorities that the system trusts, for steps that have
    /// such a store.
    #[serde(default)]
    pub(super) system_store: BTreeMap<String, Spanned<String>>,
    /// What the exit codes of a template mean.
    pub(super) exit: Option<Spanned<Exit>>,
    /// Bounds of the process.
    #[serde(default)]
    pub(super) limits: Limits,
    /// How the product names each setting.
    #[serde(default)]
    pub(super) words: Words,
    /// What of the product is not compared in snapshots.
    #[serde(default)]
    pub(super) snapshot: Snapshot,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Support {
    pub(super) smtp: Option<Vec<Job>>,
    pub(super) imap: Option<Vec<Job>>,
    pub(super) security: Option<Vec<Security>>,
    pub(super) trust: Option<Vec<Trust>>,
    pub(super) auth: Option<Vec<Auth>>,
    #[serde(default)]
    pub(super) several_recipients: bool,
    #[serde(default)]
    pub(super) crl: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Settings {
    #[serde(default)]
    pub(super) security: BTreeMap<Security, Setting>,
    #[serde(default)]
    pub(super) trust: BTreeMap<Trust, Setting>,
    #[serde(default)]
    pub(super) auth: BTreeMap<Auth, Setting>,
    #[serde(default)]
    pub(super) crl: BTreeMap<Crl, Setting>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Jobs {
    pub(super) send: Option<Command>,
    pub(super) fetch: Option<Command>,
    pub(super) list: Option<Command>,
    pub(super) append: Option<Command>,
    pub(super) idle: Option<Command>,
    #[serde(default)]
    pub(super) test_connection: PerProtocol,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PerProtocol {
    pub(super) smtp: Option<Command>,
    pub(super) imap: Option<Command>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Command {
    /// Program and arguments; a list in the list is repeated for each value of its placeholder.
    pub(super) run: Spanned<Vec<Spanned<Argument>>>,
    /// A file that is its standard input; nothing where absent.
    pub(super) stdin: Option<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Shim {
    pub(super) run: Spanned<Vec<Spanned<Argument>>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Embedded {
    pub(super) subject: Spanned<String>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Exit {
    #[serde(default)]
    pub(super) success: Vec<Spanned<i32>>,
    #[serde(default)]
    pub(super) temporary: Vec<Spanned<i32>>,
    #[serde(default)]
    pub(super) permanent: Vec<Spanned<i32>>,
    #[serde(default)]
    pub(super) refused_tls: Vec<Spanned<i32>>,
    #[serde(default)]
    pub(super) failed: Vec<Spanned<i32>>,
    #[serde(default)]
    pub(super) unsupported: Vec<Spanned<i32>>,
    /// Where the words for the user are: `stderr` where absent.
    #[serde(default)]
    pub(super) words: Option<Stream>,
    /// Words that tell more than a code. The first rule that matches decides.
    #[serde(default)]
    pub(super) says: Vec<Says>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Says {
    /// A regular expression.
    pub(super) matches: Spanned<String>,
    /// Only with these codes; with any that is no success where absent.
    #[serde(default)]
    pub(super) code: Option<Vec<i32>>,
    /// Where to look: `stderr` where absent.
    #[serde(default)]
    pub(super) on: Option<Stream>,
    pub(super) means: Meaning,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Limits {
    pub(super) address_space_mib: Option<u32>,
    pub(super) file_size_mib: Option<u32>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Words {
    #[serde(default)]
    pub(super) security: BTreeMap<Security, String>,
    #[serde(default)]
    pub(super) trust: BTreeMap<Trust, String>,
    #[serde(default)]
    pub(super) auth: BTreeMap<Auth, String>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Snapshot {
    /// What gets a name in the place of what the product says.
    #[serde(default)]
    pub(super) hide: Vec<Hidden>,
    /// What is replaced in each line.
    #[serde(default)]
    pub(super) replace: Vec<Replace>,
    /// Regular expressions for lines that are left out.
    #[serde(default)]
    pub(super) ignore: Vec<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Replace {
    /// A regular expression.
    pub(super) matches: Spanned<String>,
    /// What stands there instead; `$1` is a group.
    pub(super) with: Spanned<String>,
}

/// A string, or strings that are repeated together.
pub(super) enum Argument {
    One(String),
    Group(Vec<String>),
}

/// A list of arguments, or a table with `args`, values for places, and either per protocol.
#[derive(Default)]
pub(super) struct Setting {
    pub(super) args: Vec<Spanned<Argument>>,
    pub(super) values: BTreeMap<Spanned<String>, Spanned<String>>,
    pub(super) smtp: Option<Box<Setting>>,
    pub(super) imap: Option<Box<Setting>>,
}

/// A template, or a file that is copied as it is.
pub(super) enum Content {
    Template(String),
    From(String),
}

impl<'de> Deserialize<'de> for Argument {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Argument;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an argument, or a list of arguments that are repeated together")
            }

            fn visit_str<E>(self, text: &str) -> Result<Argument, E> {
                Ok(Argument::One(text.to_owned()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Argument, A::Error> {
                let mut texts = Vec::new();
                while let Some(text) = seq.next_element()? {
                    texts.push(text);
                }
                Ok(Argument::Group(texts))
            }
        }
        from.deserialize_any(Reader)
    }
}

impl<'de> Deserialize<'de> for Setting {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Setting;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(
                    "a list of arguments, or a table with `args`, values for placeholders, `smtp` and `imap`",
                )
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Setting, A::Error> {
                let mut setting = Setting::default();
                while let Some(argument) = seq.next_element()? {
                    setting.args.push(argument);
                }
                Ok(setting)
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Setting, A::Error> {
                let mut setting = Setting::default();
                while let Some(key) = map.next_key::<Spanned<String>>()? {
                    match key.as_ref().as_str() {
                        "args" => setting.args = map.next_value()?,
                        "smtp" => setting.smtp = Some(map.next_value()?),
                        "imap" => setting.imap = Some(map.next_value()?),
                        _ => {
                            setting.values.insert(key, map.next_value()?);
                        }
                    }
                }
                Ok(setting)
            }
        }
        from.deserialize_any(Reader)
    }
}

impl<'de> Deserialize<'de> for Content {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Content;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the text of the file, or { from = \"a file beside the adapter\" }")
            }

            fn visit_str<E>(self, text: &str) -> Result<Content, E> {
                Ok(Content::Template(text.to_owned()))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Content, A::Error> {
                #[derive(Deserialize)]
                #[serde(deny_unknown_fields)]
                struct Copied {
                    from: String,
                }
                let copied = serde::de::value::MapAccessDeserializer::new(map);
                Copied::deserialize(copied).map(|it| Content::From(it.from))
            }
        }
        from.deserialize_any(Reader)
    }
}
