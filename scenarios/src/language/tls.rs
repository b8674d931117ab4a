//! `tls` in a deviation: one word, or a table that says what the server does.

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer};

use super::file::{ChainFile, Either, WordOrTable};
use crate::model::{
    AlertName, HandshakePoint, Junk, SuiteChoice, Then, TlsAct, TlsChange, TlsSend, TlsState,
    TlsVersion,
};

/// A behaviour of TLS: a word, or a table such as `{ after = "server-hello", then = "silence" }`.
#[derive(Clone, Debug, JsonSchema)]
#[schemars(untagged, rename = "Tls")]
pub(super) enum TlsFile {
    /// One word.
    Word(TlsState),
    /// All there is to say.
    Table(Box<TlsTable>),
}

/// One thing that the server does in TLS, and the version that it does it in.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(rename = "TlsTable")]
pub(super) struct TlsTable {
    /// The only version that the server knows.
    version: Option<TlsVersion>,
    /// The last message that is as it should be, `client-hello` where absent; with `send`, `alert`, `then`.
    after: Option<HandshakePoint>,
    /// What is sent there that does not belong there.
    send: Option<Junk>,
    /// Or an alert.
    alert: Option<AlertName>,
    /// `fatal` where absent.
    level: Option<AlertLevel>,
    /// What follows: `silence`, `fin`, `reset`, or `go-on` behind a warning. `fin` where absent.
    then: Option<Then>,
    /// A cipher suite that no server should select.
    suite: Option<SuiteChoice>,
    /// TLS 1.2 with the random of a server that knows TLS 1.3.
    #[serde(default)]
    downgrade_sentinel: bool,
    /// An application protocol that was not offered.
    #[serde(default)]
    unoffered_alpn: bool,
    /// The handshake in records as small as can be.
    #[serde(default)]
    small_records: bool,
    /// A HelloRetryRequest.
    #[serde(default)]
    hello_retry: bool,
    /// A CertificateRequest.
    client_certificate: Option<ClientCertificate>,
    /// So many tickets behind the handshake.
    tickets: Option<u32>,
    /// So many KeyUpdate messages before each response.
    key_updates: Option<u32>,
    /// A HelloRequest in the middle of the session.
    #[serde(default)]
    hello_request: bool,
    /// Tickets that allow so many octets of early data.
    early_data: Option<u32>,
    /// The chain for those who do not name the host.
    default_chain: Option<ChainFile>,
}

/// How an alert is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum AlertLevel {
    /// It ends the connection.
    Fatal,
    /// It may be ignored.
    Warning,
}

/// How much a server wants a client certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum ClientCertificate {
    /// It asks.
    Requested,
    /// It insists.
    Required,
}

impl<'de> Deserialize<'de> for TlsFile {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(WordOrTable::<TlsState, TlsTable>::new(
            "the name of a TLS state, or a table",
        ))
        .map(|found| match found {
            Either::Word(state) => TlsFile::Word(state),
            Either::Table(table) => TlsFile::Table(Box::new(table)),
        })
    }
}

/// Lowers what the file says.
///
/// # Errors
/// In words, where the parts of a table contradict each other.
pub(super) fn lower(file: TlsFile) -> Result<TlsChange, String> {
    let table = match file {
        TlsFile::Word(state) => return Ok(state.into()),
        TlsFile::Table(table) => *table,
    };
    let version = table.version;
    let mut acts: Vec<(&str, TlsAct)> = Vec::new();
    let mut add = |name, act: Option<TlsAct>| acts.extend(act.map(|it| (name, it)));
    add("suite", table.suite.map(TlsAct::Suite));
    add(
        "downgrade-sentinel",
        table
            .downgrade_sentinel
            .then_some(TlsAct::DowngradeSentinel),
    );
    add(
        "unoffered-alpn",
        table.unoffered_alpn.then_some(TlsAct::UnofferedAlpn),
    );
    add(
        "small-records",
        table.small_records.then_some(TlsAct::SmallRecords),
    );
    add(
        "hello-retry",
        table.hello_retry.then_some(TlsAct::HelloRetry),
    );
    add(
        "client-certificate",
        table
            .client_certificate
            .map(|it| TlsAct::ClientCertificate {
                required: it == ClientCertificate::Required,
            }),
    );
    add("chatter", table.chatter());
    add("early-data", table.early_data.map(TlsAct::EarlyData));
    add(
        "default-chain",
        table
            .default_chain
            .clone()
            .map(|it| TlsAct::DefaultChain(super::lower::chain(it))),
    );
    add("after", table.broken()?);
    let act = match acts.len() {
        0 if version.is_none() => {
            return Err("`tls = {}` says nothing that is different".to_owned());
        }
        0 => TlsAct::Nothing,
        1 => acts.remove(0).1,
        _ => {
            let names: Vec<String> = acts.iter().map(|(name, _)| format!("`{name}`")).collect();
            return Err(format!(
                "TLS does one thing otherwise, this has {}",
                names.join(" and ")
            ));
        }
    };
    fits(version, &act)?;
    Ok(TlsChange { version, act })
}

impl TlsTable {
    fn chatter(&self) -> Option<TlsAct> {
        let any = self.tickets.is_some() || self.key_updates.is_some() || self.hello_request;
        any.then(|| TlsAct::Chatter {
            tickets: self.tickets.unwrap_or(0),
            key_updates: self.key_updates.unwrap_or(0),
            hello_request: self.hello_request,
        })
    }

    fn broken(&self) -> Result<Option<TlsAct>, String> {
        let any = self.after.is_some()
            || self.send.is_some()
            || self.alert.is_some()
            || self.then.is_some();
        if self.level.is_some() && self.alert.is_none() {
            return Err("`level` goes with `alert`".to_owned());
        }
        if !any {
            return Ok(None);
        }
        let after = self.after.unwrap_or(HandshakePoint::ClientHello);
        let send = match (self.send, self.alert) {
            (Some(_), Some(_)) => return Err("either `send` or `alert`, not both".to_owned()),
            (Some(Junk::OversizedRecord), None) => {
                return if self.after.is_none() && self.then.is_none() {
                    Ok(Some(TlsAct::OversizedRecord))
                } else {
                    Err(
                        "the oversized record is the one with the Certificate, and nothing is changed behind it"
                            .to_owned(),
                    )
                };
            }
            (Some(Junk::Garbage), None) => TlsSend::Garbage,
            (Some(Junk::GarbageRecord), None) => TlsSend::GarbageRecord,
            (None, Some(name)) => TlsSend::Alert {
                name,
                fatal: self.level != Some(AlertLevel::Warning),
            },
            (None, None) => TlsSend::Nothing,
        };
        let then = self.then.unwrap_or(Then::Fin);
        let warns = matches!(send, TlsSend::Alert { fatal: false, .. });
        match then {
            Then::Tls | Then::Clear => {
                return Err("TLS is followed by `silence`, `fin`, `reset` or `go-on`".to_owned());
            }
            Then::GoOn if !warns || after != HandshakePoint::ClientHello => {
                return Err(
                    "only behind a warning that comes `after = \"client-hello\"` the handshake can go on"
                        .to_owned(),
                );
            }
            _ => {}
        }
        Ok(Some(TlsAct::Break { after, send, then }))
    }
}

/// Whether a version can do what is asked of it.
fn fits(version: Option<TlsVersion>, act: &TlsAct) -> Result<(), String> {
    let (of_1_2, of_1_3) = match act {
        TlsAct::Suite(_)
        | TlsAct::DowngradeSentinel
        | TlsAct::UnofferedAlpn
        | TlsAct::OversizedRecord => {
            return match version {
                None | Some(TlsVersion::Tls12) => Ok(()),
                Some(other) => Err(format!("that is done in TLS 1.2, not in {}", other.title())),
            };
        }
        TlsAct::Break {
            after: HandshakePoint::Certificate,
            ..
        }
        | TlsAct::Chatter {
            hello_request: true,
            key_updates: 0,
            tickets: 0,
        } => (true, false),
        TlsAct::HelloRetry | TlsAct::EarlyData(_) => (false, true),
        TlsAct::Chatter {
            hello_request: true,
            ..
        } => {
            return Err("a HelloRequest is of TLS 1.2, the rest of TLS 1.3".to_owned());
        }
        TlsAct::Chatter { .. } => (false, true),
        TlsAct::Nothing => return Ok(()),
        _ => (false, false),
    };
    match version {
        Some(it) if it.is_retired() => Err(format!(
            "a server of {} can do nothing else otherwise",
            it.title()
        )),
        Some(TlsVersion::Tls12) if of_1_3 => Err("that is of TLS 1.3".to_owned()),
        Some(TlsVersion::Tls13) if of_1_2 => Err("that is of TLS 1.2".to_owned()),
        None if of_1_2 => Err("that wants `version = \"tls1.2\"`".to_owned()),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use test_case::test_case;

    use super::*;

    #[derive(Deserialize)]
    struct Holder {
        tls: TlsFile,
    }

    fn read(text: &str) -> Result<String, String> {
        let holder: Holder = toml::from_str(text).map_err(|it| it.message().to_owned())?;
        lower(holder.tls).map(|it| it.describe())
    }

    #[test_case("tls = 'tls1.0-only'" => "knows TLS 1.0 and nothing else"; "a word")]
    #[test_case("tls = { version = 'ssl3' }" => "knows SSL 3.0 and nothing else"; "a version")]
    #[test_case("tls = { alert = 'unrecognized_name', level = 'warning', then = 'go-on' }" => "sends the alert unrecognized_name as a warning after the ClientHello and goes on"; "a warning")]
    #[test_case("tls = { after = 'certificate', then = 'silence', version = 'tls1.2' }" => "says nothing more after its Certificate, in TLS 1.2"; "a stall")]
    #[test_case("tls = { tickets = 3, key-updates = 2 }" => "sends 3 session tickets and changes its key 2 times before each answer"; "chatter")]
    fn says(text: &str) -> String {
        read(text).unwrap()
    }

    #[test_case("tls = {}"; "nothing")]
    #[test_case("tls = { suite = 'weak', hello-retry = true }"; "two things")]
    #[test_case("tls = { level = 'warning' }"; "a level of nothing")]
    #[test_case("tls = { then = 'go-on' }"; "nothing and on")]
    #[test_case("tls = { then = 'clear' }"; "a way that is none")]
    #[test_case("tls = { after = 'certificate' }"; "a certificate nobody can see")]
    #[test_case("tls = { version = 'tls1.2', hello-retry = true }"; "the wrong version")]
    #[test_case("tls = { version = 'tls1.1', small-records = true }"; "an old version")]
    #[test_case("tls = { send = 'garbage', alert = 'close_notify' }"; "two things at one place")]
    #[test_case("tls = { hello-request = true, tickets = 1, version = 'tls1.2' }"; "both versions")]
    fn contradicts(text: &str) {
        read(text).unwrap_err();
    }
}
