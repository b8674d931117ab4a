//! What a scenario file may say, field by field. The JSON Schema for editors comes from here.

use std::fmt;

use schemars::JsonSchema;
use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, Visitor, value::MapAccessDeserializer},
};
use toml::Spanned;

use mailproof_certs::Fault;

use super::tls::TlsFile;
use crate::model::{
    AlertName, Auth, CaFile, Carrier, Crl, Family, Flaw, Frequency, Host, HostAddress, Job, Kind,
    Layer, Level, Message, Need, Party, PortRole, PortState, Process, Protocol, Refusal, Security,
    Severity, Sign, Split, Store, StoreCheck, Then, Trust, Unit, When, Who, WireText, event::Said,
};

/// The JSON Schema of scenario files, for editors. A value may also be the string `$axis` of the matrix.
pub fn schema() -> serde_json::Value {
    schemars::schema_for!(ScenarioFile).to_value()
}

/// One scenario: a world, the runs asked of the subject, one delta, what a conformant subject does.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Scenario")]
pub(super) struct ScenarioFile {
    /// Stable for ever; the file's path without `.toml`.
    #[schemars(with = "String")]
    pub(super) id: Spanned<String>,
    /// What it is, in a line.
    pub(super) title: String,
    /// Why it matters to somebody.
    pub(super) why: String,
    /// Fault, positive or survey.
    pub(super) kind: Kind,
    /// How bad it is to get it wrong.
    pub(super) severity: Severity,
    /// How often it is met.
    pub(super) frequency: Frequency,
    /// `RFC 3207 §4.2`, `CVE-2021-22947`, or a name of what is cited.
    #[schemars(with = "Vec<String>")]
    pub(super) refs: Vec<Spanned<String>>,
    /// Ids of requirements, or of planned cases that it is a part of.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub(super) covers: Vec<Spanned<String>>,
    /// Words to select it by.
    #[serde(default)]
    pub(super) tags: Vec<String>,
    /// What the place must be able to show, beyond what follows from the deviations.
    #[serde(default)]
    pub(super) needs: Vec<Need>,
    /// Whether somebody has to wait, where that does not follow from the deviations.
    #[serde(default)]
    pub(super) waits: bool,
    /// What is asked of the subject, in order.
    #[schemars(with = "Vec<RunFile>")]
    pub(super) run: Vec<Spanned<RunFile>>,
    /// In which portions everything in clear leaves: the case runs once in each. Each response in one where
    /// absent.
    #[serde(default)]
    pub(super) segments: Vec<Split>,
    /// Which personas serve.
    #[schemars(with = "Option<ServerFile>")]
    pub(super) server: Option<Spanned<ServerFile>>,
    /// What belongs to the base and stays in the control.
    #[serde(default)]
    pub(super) setup: SetupFile,
    /// What the server's side does otherwise: together the delta.
    #[serde(default)]
    #[schemars(with = "Vec<DeviateFile>")]
    pub(super) deviate: Vec<Spanned<DeviateFile>>,
    /// What the subject is asked or told otherwise: together the delta.
    #[serde(default)]
    #[schemars(with = "Vec<VaryFile>")]
    pub(super) vary: Vec<Spanned<VaryFile>>,
    /// Shared sets of expectations.
    #[serde(default, rename = "use")]
    #[schemars(with = "Vec<String>")]
    pub(super) use_sets: Vec<Spanned<String>>,
    /// What a conformant subject does.
    #[serde(default)]
    #[schemars(with = "Vec<ExpectFile>")]
    pub(super) expect: Vec<Spanned<ExpectFile>>,
    /// Flaws of the reference client that this case must catch.
    #[serde(default)]
    pub(super) killed_by: Vec<Flaw>,
    /// What to tell whom.
    pub(super) diagnosis: Option<DiagnosisFile>,
    /// Axes; each value stands wherever the file says `"$axis"`.
    #[serde(default, rename = "matrix")]
    #[schemars(with = "Option<std::collections::BTreeMap<String, Vec<serde_json::Value>>>")]
    pub(super) _matrix: (),
}

/// One thing asked of the subject.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(rename = "Run")]
pub(super) struct RunFile {
    /// `send` over SMTP and `fetch` over IMAP where absent.
    pub(super) job: Option<Job>,
    /// Protocol and security in one word.
    pub(super) carrier: Option<Carrier>,
    /// The protocol, where the job does not tell.
    pub(super) protocol: Option<Protocol>,
    /// `implicit` where absent.
    pub(super) security: Option<Security>,
    /// `ca` where absent.
    pub(super) trust: Option<Trust>,
    /// The file of authorities for `trust = "ca"`, `authority` where absent.
    pub(super) ca_file: Option<CaFile>,
    /// What the system trusts, `own` where absent.
    pub(super) store: Option<Store>,
    /// Revocation lists, `none` where absent.
    pub(super) crl: Option<Crl>,
    /// `name` where absent.
    pub(super) host: Option<Host>,
    /// The usual one for protocol and security where absent.
    pub(super) port: Option<PortRole>,
    /// From which of its addresses the subject's machine connects: 1, 2 or 3; 1 where absent.
    pub(super) source: Option<u16>,
    /// `password` where absent.
    pub(super) auth: Option<Auth>,
    /// `a` where absent.
    pub(super) account: Option<String>,
    /// `self` where absent.
    pub(super) from: Option<Party>,
    /// `["other"]` where absent.
    pub(super) to: Option<Vec<Party>>,
    /// `simple` where absent.
    pub(super) message: Option<Message>,
    /// `INBOX` where absent.
    pub(super) mailbox: Option<String>,
    /// `new` where absent.
    pub(super) process: Option<Process>,
}

/// Which personas serve: `{ persona = "postfix" }`, or one for each protocol.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Server")]
pub(super) struct ServerFile {
    /// For whatever the persona speaks.
    #[schemars(with = "Option<String>")]
    pub(super) persona: Option<Spanned<String>>,
    /// For SMTP.
    #[schemars(with = "Option<String>")]
    pub(super) smtp: Option<Spanned<String>>,
    /// For IMAP.
    #[schemars(with = "Option<String>")]
    pub(super) imap: Option<Spanned<String>>,
}

/// The base.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(rename = "Setup")]
pub(super) struct SetupFile {
    /// The chain that is served, `valid` where absent.
    pub(super) chain: Option<ChainFile>,
    /// Messages in the mailbox, 2 where absent.
    pub(super) messages: Option<u32>,
    /// Whether MAIL needs a sign-in.
    pub(super) requires_auth: Option<bool>,
    /// Whether passwords are taken in clear.
    pub(super) auth_in_clear: Option<bool>,
    /// Capabilities that the server lacks.
    #[serde(default)]
    pub(super) without: Vec<String>,
    /// Ports that behave otherwise in the base too.
    #[serde(default)]
    pub(super) ports: Vec<PortFile>,
    /// Whether IMAP capabilities are in the greeting.
    pub(super) greeting_capability: Option<bool>,
    /// What DNS has for hosts, where that is not the usual one address of each family.
    #[serde(default)]
    pub(super) dns: Vec<DnsFile>,
}

/// Addresses that DNS has for a host.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Dns")]
pub(super) struct DnsFile {
    /// Which host; every one where absent.
    pub(super) host: Option<Host>,
    /// Its IPv4 addresses, in the order of the answer; the usual one where absent, `[]` for none.
    pub(super) a: Option<Vec<HostAddress>>,
    /// The same for IPv6.
    pub(super) aaaa: Option<Vec<HostAddress>>,
}

/// A chain: the name of a fault, or `{ fault = "…", variant = 1 }`.
#[derive(Clone, Debug, JsonSchema)]
#[schemars(untagged, rename = "Chain")]
pub(super) enum ChainFile {
    /// The first of its kind.
    Fault(Fault),
    /// Another of its kind.
    Full(ChainTable),
}

/// A chain with its number.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ChainTable {
    /// What is wrong with it.
    pub(super) fault: Fault,
    /// Another number is another key.
    #[serde(default)]
    pub(super) variant: u32,
    /// The name that it is made for; those that the subject was told where absent.
    pub(super) host: Option<Host>,
}

/// A port that behaves otherwise.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Port")]
pub(super) struct PortFile {
    /// Which; the configured one where absent.
    pub(super) role: Option<PortRole>,
    /// How.
    pub(super) is: PortState,
}

/// One deviation: `on` says where, exactly one other word says what. `then` and `gap` go with some.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Deviate")]
pub(super) struct DeviateFile {
    /// Where it acts.
    #[serde(default)]
    pub(super) on: OnFile,
    /// World: another chain is served.
    pub(super) chain: Option<ChainFile>,
    /// World: a port behaves otherwise.
    pub(super) port: Option<PortFile>,
    /// World: DNS has other addresses for a host.
    pub(super) dns: Option<DnsFile>,
    /// World: TLS behaves otherwise.
    pub(super) tls: Option<TlsFile>,
    /// World: these octets in clear between ClientHello and ServerHello.
    pub(super) before_server_hello: Option<WireText>,
    /// Decide: the server lacks these capabilities.
    pub(super) without: Option<Vec<String>>,
    /// Decide: the server announces these as well.
    pub(super) announce: Option<Vec<String>>,
    /// Decide: the server refuses: `550 5.7.1 No` or `NO [ALERT] No`.
    pub(super) reject: Option<Refusal>,
    /// Decide: the greeting is PREAUTH with this text.
    pub(super) preauth: Option<WireText>,
    /// Reply: these octets instead.
    pub(super) reply: Option<WireText>,
    /// Reply: these octets before.
    pub(super) before: Option<WireText>,
    /// Reply: these octets behind, in the same write.
    pub(super) after: Option<WireText>,
    /// Reply: nothing is sent.
    #[serde(default)]
    pub(super) drop: bool,
    /// Reply: the first text of each pair becomes the second.
    pub(super) replace: Option<Vec<(WireText, WireText)>>,
    /// Wire: the response leaves in portions.
    pub(super) split: Option<Split>,
    /// Wire: milliseconds between two portions, with `split`.
    pub(super) gap_ms: Option<u64>,
    /// Wire: the response leaves so many milliseconds late.
    pub(super) hold_ms: Option<u64>,
    /// Wire: nothing more is read from when the response leaves.
    #[serde(default)]
    pub(super) stop_reading: bool,
    /// Wire: milliseconds after which reading goes on, with `stop_reading`; never where absent.
    pub(super) resume_ms: Option<u64>,
    /// What follows, with `reply`, `after`, `drop`, or alone.
    pub(super) then: Option<Then>,
}

/// Where a deviation acts. What is absent does not narrow.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "On")]
pub(super) struct OnFile {
    /// The response to this command; `*` is any.
    #[schemars(with = "Option<String>")]
    pub(super) command: Option<Spanned<String>>,
    /// Or this moment.
    pub(super) at: Option<MomentFile>,
    /// Only on this protocol.
    pub(super) protocol: Option<Protocol>,
    /// Only in this run, from 1.
    pub(super) run: Option<u16>,
    /// Only on this connection of the run, from 1.
    pub(super) connection: Option<u16>,
    /// Only the n-th time, from 1.
    pub(super) nth: Option<u16>,
    /// Only in clear or only inside TLS.
    pub(super) channel: Option<Layer>,
    /// Only this unit of the response.
    pub(super) unit: Option<Unit>,
    /// Only if this holds.
    pub(super) when: Option<When>,
    /// Only where the client came to this address of the server.
    pub(super) address: Option<HostAddress>,
    /// Only where it came over this version of the Internet Protocol.
    pub(super) family: Option<Family>,
    /// Only where it came from this one of its own addresses, from 1.
    pub(super) source: Option<u16>,
}

/// A moment that is no command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(rename = "Moment")]
pub(super) enum MomentFile {
    /// The greeting.
    Greeting,
    /// The reply to the final dot.
    EndOfData,
    /// The reply to a line of a SASL exchange.
    AuthResponse,
    /// The continuation request for a literal.
    Literal,
    /// The end of a handshake behind STARTTLS.
    TlsStart,
}

/// A change of one run.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Vary")]
pub(super) struct VaryFile {
    /// Which run, from 1; the first where absent.
    pub(super) run: Option<u16>,
    /// What is different.
    pub(super) with: RunFile,
}

/// One expectation: a level and exactly one check.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Expect")]
pub(super) struct ExpectFile {
    /// How strongly it is demanded; not with `use`.
    pub(super) level: Option<Level>,
    /// Only of this run, from 1.
    pub(super) run: Option<u16>,
    /// The clause, where it is another than the scenario's.
    pub(super) clause: Option<String>,
    /// A shared set, for this run only.
    #[serde(rename = "use")]
    pub(super) use_set: Option<String>,
    /// Whether the job takes place and the subject says so.
    pub(super) completed: Option<bool>,
    /// Whether what the subject says is what took place.
    #[serde(default)]
    pub(super) honest: bool,
    /// What the subject says.
    pub(super) said: Option<Vec<Said>>,
    /// This is nowhere to be seen.
    pub(super) never: Option<PatternFile>,
    /// This is to be seen.
    pub(super) seen: Option<PatternFile>,
    /// These are to be seen in this order.
    pub(super) order: Option<Vec<PatternFile>>,
    /// How many messages the server accepts.
    pub(super) accepted: Option<RangeFile>,
    /// How many connections are opened.
    pub(super) connections: Option<RangeFile>,
    /// What the server stored.
    pub(super) store: Option<StoreCheck>,
    /// What the subject's words contain.
    pub(super) tells: Option<String>,
    /// Runs, from 1, about which the subject does not say the same words.
    pub(super) told_apart: Option<Vec<u16>>,
    /// Whether the last reply is quoted.
    #[serde(default)]
    pub(super) quotes: bool,
    /// Mebibytes of memory.
    pub(super) memory: Option<u32>,
}

/// From and to, both included.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Range")]
pub(super) struct RangeFile {
    /// At least, 0 where absent.
    #[serde(default)]
    pub(super) min: u32,
    /// At most.
    pub(super) max: u32,
}

/// A sign by its name, or a table.
#[derive(Debug, JsonSchema)]
#[schemars(untagged, rename = "Pattern")]
pub(super) enum PatternFile {
    /// A sign that the judge knows.
    Sign(Sign),
    /// Commands or octets.
    Table(PatternTable),
}

/// Commands or octets on a channel, or words.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PatternTable {
    /// Any of these commands.
    #[serde(default)]
    pub(super) command: Vec<String>,
    /// Only where they come so often on one connection.
    pub(super) times: Option<u16>,
    /// These octets in what the client sent.
    pub(super) octets: Option<String>,
    /// Any of these alerts from the client.
    #[serde(default)]
    pub(super) alert: Vec<AlertName>,
    /// Or this text in what the subject tells its user.
    pub(super) told: Option<String>,
    /// Only in clear or only inside TLS.
    pub(super) channel: Option<Layer>,
}

/// A named set of shared expectations.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SetFile {
    /// What the set demands, in a line.
    #[serde(rename = "title")]
    pub(super) _title: String,
    /// The expectations.
    pub(super) expect: Vec<Spanned<ExpectFile>>,
}

/// What to tell whom.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Diagnosis")]
pub(super) struct DiagnosisFile {
    /// Who can act.
    pub(super) who: Who,
    /// One plain sentence in English.
    pub(super) en: String,
    /// The same in German.
    pub(super) de: String,
}

impl<'de> Deserialize<'de> for ChainFile {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(WordOrTable::<Fault, ChainTable>::new(
            "the name of a fault, or a table",
        ))
        .map(|found| match found {
            Either::Word(fault) => ChainFile::Fault(fault),
            Either::Table(table) => ChainFile::Full(table),
        })
    }
}

impl<'de> Deserialize<'de> for PatternFile {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(WordOrTable::<Sign, PatternTable>::new(
            "the name of a sign, or a table",
        ))
        .map(|found| match found {
            Either::Word(sign) => PatternFile::Sign(sign),
            Either::Table(table) => PatternFile::Table(table),
        })
    }
}

pub(super) enum Either<W, T> {
    Word(W),
    Table(T),
}

pub(super) struct WordOrTable<W, T> {
    expected: &'static str,
    types: std::marker::PhantomData<(W, T)>,
}

impl<W, T> WordOrTable<W, T> {
    pub(super) fn new(expected: &'static str) -> Self {
        Self {
            expected,
            types: std::marker::PhantomData,
        }
    }
}

impl<'de, W: Deserialize<'de>, T: Deserialize<'de>> Visitor<'de> for WordOrTable<W, T> {
    type Value = Either<W, T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.expected)
    }

    fn visit_str<E: Error>(self, word: &str) -> Result<Self::Value, E> {
        W::deserialize(serde::de::value::StrDeserializer::new(word)).map(Either::Word)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map)).map(Either::Table)
    }
}
