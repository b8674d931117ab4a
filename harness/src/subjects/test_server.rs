//! A small server that is right except for what a test changes, and requests to put to a client.

use std::{
    io,
    net::{IpAddr, Ipv4Addr},
    path::PathBuf,
    sync::{Arc, LazyLock, Mutex, PoisonError},
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use mailproof_certs::{Authority, Fault, Names};
use mailproof_scenarios::model::{Auth, Job, Protocol, Security, Trust};
use rustls::{
    ServerConfig,
    crypto::{CryptoProvider, aws_lc_rs},
    sign::{CertifiedKey, SingleCertAndKey},
};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

use crate::subject::{REQUEST_VERSION, Request};

pub(crate) const PASSWORD: &str = "s3cret-password";
pub(crate) const TOKEN: &str = "bearer-token-0815";
pub(crate) const MESSAGE: &str = "Subject: x\r\n\r\nHello\r\n.dot\r\n";

static FILES: LazyLock<tempfile::TempDir> = LazyLock::new(|| tempfile::tempdir().unwrap());

/// Made now, because the client looks at its own clock.
pub(crate) static AUTHORITY: LazyLock<Authority> =
    LazyLock::new(|| Authority::fresh(time::OffsetDateTime::now_utc()).unwrap());

pub(crate) fn file(name: &str, content: &str) -> PathBuf {
    let path = FILES.path().join(name);
    std::fs::write(&path, content).unwrap();
    path
}

pub(crate) fn request(protocol: Protocol, job: Job, security: Security) -> Request {
    static CA: LazyLock<PathBuf> = LazyLock::new(|| file("ca.pem", AUTHORITY.root_pem()));
    static MAIL: LazyLock<PathBuf> = LazyLock::new(|| file("message.eml", MESSAGE));
    Request {
        v: REQUEST_VERSION,
        case: "test".to_owned(),
        job,
        protocol,
        host: "localhost".to_owned(),
        port: 4711,
        security,
        trust: Trust::Ca,
        ca_file: CA.clone(),
        store_file: None,
        crl_file: None,
        pin_file: None,
        auth: Auth::Password,
        account: "a".to_owned(),
        user: "anna".to_owned(),
        password: PASSWORD.to_owned(),
        token: TOKEN.to_owned(),
        from: "anna@firma.example".to_owned(),
        to: vec!["berta@other.example".to_owned()],
        message_file: MAIL.clone(),
        mailbox: "INBOX".to_owned(),
        timeout_ms: 2000,
        work_dir: PathBuf::from("/nowhere"),
    }
}

/// What follows a reply that a test put in the place of the right one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Then {
    GoOn,
    Tls,
    Clear,
    /// Waits for the ClientHello, answers with nonsense and stays in clear.
    Garbage,
    Close,
    Silence,
}

/// A server.
#[derive(Clone, Debug)]
pub(crate) struct Server {
    pub(crate) protocol: Protocol,
    pub(crate) implicit: bool,
    pub(crate) fault: Fault,
    /// The names of that chain; those that fit the fault where absent.
    pub(crate) names: Option<Names>,
    pub(crate) versions: &'static [&'static rustls::SupportedProtocolVersion],
    /// Keywords of EHLO or CAPABILITY, in clear and inside TLS.
    pub(crate) clear: &'static str,
    pub(crate) secure: &'static str,
    /// Where, what instead, and what then. The place is a command, `greeting`, `literal`, `data` or `sasl`,
    /// with `clear:` or `tls:` before it where it matters.
    pub(crate) instead: Vec<(&'static str, String, Then)>,
    /// Said before the answer to a command.
    pub(crate) before: Vec<(&'static str, &'static str)>,
    /// A port where nobody listens.
    pub(crate) closed_port: Option<u16>,
    /// The addresses of the host, and whether anything is heard of them: `None` is never.
    pub(crate) addresses: Vec<(IpAddr, Option<bool>)>,
    /// Answers every byte that comes with this flight, in clear, and reads on.
    pub(crate) raw: Option<Vec<u8>>,
    /// One octet at a time, and so long between two.
    pub(crate) dribbles: Option<Duration>,
    /// How long nothing of the message is read.
    pub(crate) deaf: Duration,
    /// How many messages are in the mailbox.
    pub(crate) messages: u32,
    /// Another configuration of TLS, with its sessions.
    pub(crate) config: Option<Arc<ServerConfig>>,
    /// Warns that it does not know the name before it goes on (RFC 6066 §3).
    pub(crate) warns: bool,
}

impl Server {
    pub(crate) fn new(protocol: Protocol, security: Security) -> Self {
        let (clear, secure) = match protocol {
            Protocol::Smtp => (
                "STARTTLS SIZE=10000 8BITMIME",
                "SIZE=10000 8BITMIME AUTH=PLAIN=LOGIN=XOAUTH2",
            ),
            Protocol::Imap => (
                "IMAP4rev1 STARTTLS LOGINDISABLED",
                "IMAP4rev1 IDLE SASL-IR AUTH=PLAIN AUTH=LOGIN AUTH=XOAUTH2",
            ),
        };
        Self {
            protocol,
            implicit: security == Security::Implicit,
            fault: Fault::Valid,
            names: None,
            versions: rustls::ALL_VERSIONS,
            clear: if security == Security::None {
                secure
            } else {
                clear
            },
            secure,
            instead: Vec::new(),
            before: Vec::new(),
            closed_port: None,
            addresses: vec![(Ipv4Addr::LOCALHOST.into(), Some(true))],
            raw: None,
            dribbles: None,
            deaf: Duration::ZERO,
            messages: 2,
            config: None,
            warns: false,
        }
    }

    /// The addresses of the host: each takes connections, refuses them, or is never heard of.
    pub(crate) fn at(mut self, addresses: &[(&str, Option<bool>)]) -> Self {
        let known = |(ip, answers): &(&str, Option<bool>)| (ip.parse().unwrap(), *answers);
        self.addresses = addresses.iter().map(known).collect();
        self
    }

    pub(crate) fn instead(mut self, place: &'static str, what: &str, then: Then) -> Self {
        self.instead.push((place, what.to_owned(), then));
        self
    }

    pub(crate) fn reply(self, place: &'static str, what: &str) -> Self {
        self.instead(place, what, Then::GoOn)
    }

    pub(crate) fn before(mut self, place: &'static str, what: &'static str) -> Self {
        self.before.push((place, what));
        self
    }

    pub(crate) fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }
}

/// How a server is set up, but for what a test changes.
pub(crate) fn tls_config(
    server: &Server,
    provider: fn(&mut CryptoProvider),
    config: fn(&mut ServerConfig),
) -> Arc<ServerConfig> {
    let fitting = || Names::dns("localhost").fitting(server.fault.needs());
    let names = server.names.clone().unwrap_or_else(fitting);
    let chain = AUTHORITY.chain(server.fault, &names);
    let key = CertifiedKey::clone(&chain.unwrap().certified_key());
    let mut crypto = aws_lc_rs::default_provider();
    provider(&mut crypto);
    let mut built = ServerConfig::builder_with_provider(Arc::new(crypto))
        .with_protocol_versions(server.versions)
        .unwrap()
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(SingleCertAndKey::from(key)));
    config(&mut built);
    Arc::new(built)
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    pub(crate) fn lines(&self) -> Vec<String> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    pub(crate) fn note(&self, line: String) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(line);
    }
}

/// What a server can run over.
pub(crate) trait Io: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Io for T {}

/// Serves one client to the end of its connection.
pub(crate) async fn serve(stream: impl Io + 'static, server: Arc<Server>, log: Log) {
    let peer = Peer {
        wire: Wire::Clear(Box::new(stream)),
        inbox: Vec::new(),
        server,
        log,
    };
    peer.serve().await;
}

enum Wire {
    Clear(Box<dyn Io>),
    Tls(Box<TlsStream<Box<dyn Io>>>),
    Gone,
}

/// The server's side of one connection.
struct Peer {
    wire: Wire,
    inbox: Vec<u8>,
    server: Arc<Server>,
    log: Log,
}

impl Peer {
    async fn serve(mut self) {
        // The client has gone: there is nobody left to tell.
        let _ = self.session().await;
        self.note("end");
    }

    async fn session(&mut self) -> io::Result<()> {
        if let Some(raw) = self.server.raw.clone() {
            while self.fill().await? {
                let came = std::mem::take(&mut self.inbox);
                self.note(&format!("raw {came:?}"));
                self.write(&raw).await?;
            }
            return Ok(());
        }
        if self.server.implicit && !self.start_tls().await {
            return Ok(());
        }
        match self.server.protocol {
            Protocol::Smtp => self.smtp().await,
            Protocol::Imap => self.imap().await,
        }
    }

    async fn smtp(&mut self) -> io::Result<()> {
        if self
            .say("greeting", "", "220 mx.test ESMTP\r\n".to_owned())
            .await?
            .is_break()
        {
            return Ok(());
        }
        while let Some(line) = self.line().await? {
            let verb = line.split(' ').next().unwrap_or_default().to_uppercase();
            self.note(&line);
            let reply = match &verb[..] {
                "EHLO" => {
                    // `X=Y` is one keyword with its parameters.
                    let keywords = self.capabilities().split(' ');
                    let lines = keywords.map(|it| format!("250-{}\r\n", it.replace('=', " ")));
                    format!("250-mx.test\r\n{}250 HELP\r\n", lines.collect::<String>())
                }
                "HELO" => "250 mx.test\r\n".to_owned(),
                "STARTTLS" => "220 2.0.0 Ready\r\n".to_owned(),
                "AUTH" => self.smtp_auth(&line).await?,
                "MAIL" | "RCPT" | "RSET" | "NOOP" => "250 2.0.0 Ok\r\n".to_owned(),
                "DATA" => "354 go\r\n".to_owned(),
                "QUIT" => "221 2.0.0 Bye\r\n".to_owned(),
                _ => "500 5.5.1 What?\r\n".to_owned(),
            };
            let positive = reply.starts_with(['2', '3']);
            if self.say(&verb, "", reply).await?.is_break() {
                return Ok(());
            }
            let overridden = self.overridden(&verb).is_some();
            match &verb[..] {
                "STARTTLS" if !overridden && !self.start_tls().await => return Ok(()),
                "DATA" if positive && !overridden => {
                    tokio::time::sleep(self.server.deaf).await;
                    let mut message = String::new();
                    loop {
                        let Some(line) = self.raw_line().await? else {
                            return Ok(());
                        };
                        if line == ".\r\n" {
                            break;
                        }
                        message += &line;
                    }
                    self.note(&format!("(message) {}", message.escape_debug()));
                    let reply = "250 2.0.0 Queued\r\n".to_owned();
                    if self.say("data", "", reply).await?.is_break() {
                        return Ok(());
                    }
                }
                "QUIT" => return self.leave().await,
                _ => {}
            }
        }
        Ok(())
    }

    /// Closes as it should: inside TLS with a goodbye (RFC 8446 §6.1).
    async fn leave(&mut self) -> io::Result<()> {
        match &mut self.wire {
            Wire::Tls(stream) => stream.shutdown().await,
            _ => Ok(()),
        }
    }

    async fn smtp_auth(&mut self, line: &str) -> io::Result<String> {
        let mut words = line.split(' ').skip(1);
        let mechanism = words.next().unwrap_or_default();
        let mut given: Vec<String> = words.map(str::to_owned).collect();
        let steps = if mechanism == "LOGIN" { 2 } else { 1 };
        while given.len() < steps {
            self.write(b"334 \r\n").await?;
            let answer = self.line().await?.unwrap_or_default();
            self.note(&format!("(sasl) {answer}"));
            given.push(answer);
        }
        if is_right(mechanism, &given) {
            return Ok("235 2.7.0 Welcome\r\n".to_owned());
        }
        if mechanism == "XOAUTH2" {
            self.write(b"334 eyJzdGF0dXMiOiI0MDEifQ==\r\n").await?;
            let answer = self.line().await?.unwrap_or_default();
            self.note(&format!("(sasl) {answer}"));
        }
        Ok("535 5.7.8 Authentication failed\r\n".to_owned())
    }

    async fn imap(&mut self) -> io::Result<()> {
        let greeting = "* OK IMAP4rev1 ready\r\n".to_owned();
        if self.say("greeting", "", greeting).await?.is_break() {
            return Ok(());
        }
        let mut idling: Option<String> = None;
        while let Some(line) = self.imap_command().await? {
            self.note(&line);
            if let Some(tag) = idling.take_if(|_| line == "DONE") {
                self.write(format!("{tag} OK idled\r\n").as_bytes()).await?;
                continue;
            }
            let mut words = line.splitn(3, ' ');
            let tag = words.next().unwrap_or_default().to_owned();
            let verb = words.next().unwrap_or_default().to_uppercase();
            let rest = words.next().unwrap_or_default();
            let count = self.server.messages;
            let data = match &verb[..] {
                "CAPABILITY" => format!("* CAPABILITY {}\r\n", self.capabilities()),
                "SELECT" => format!(
                    "* FLAGS (\\Seen)\r\n* {count} EXISTS\r\n* 0 RECENT\r\n* OK [UIDVALIDITY 1] ok\r\n"
                ),
                "UID" => (1..=count)
                    .map(|n| format!("* {n} FETCH (UID {} BODY[] {{5}}\r\nHello)\r\n", n + 6))
                    .collect(),
                "LIST" => "* LIST () \"/\" INBOX\r\n* LIST () \"/\" Sent\r\n".to_owned(),
                "LOGOUT" => "* BYE\r\n".to_owned(),
                "IDLE" if self.overridden("IDLE").is_none() => {
                    self.write(b"+ idling\r\n").await?;
                    self.write(format!("* {} EXISTS\r\n", count + 1).as_bytes())
                        .await?;
                    idling = Some(tag);
                    continue;
                }
                _ => String::new(),
            };
            let status = match &verb[..] {
                "LOGIN" => login_status(rest),
                "AUTHENTICATE" => self.imap_auth(rest).await?,
                "CAPABILITY" | "SELECT" | "UID" | "LIST" | "LOGOUT" | "STARTTLS" | "APPEND"
                | "NOOP" => "OK done",
                _ => "BAD what?",
            };
            let overridden = self.overridden(&verb).is_some();
            let reply = format!("{data}{tag} {status}\r\n");
            if self.say(&verb, &tag, reply).await?.is_break() {
                return Ok(());
            }
            match &verb[..] {
                "STARTTLS" if !overridden && !self.start_tls().await => return Ok(()),
                "LOGOUT" => return self.leave().await,
                _ => {}
            }
        }
        Ok(())
    }

    /// A command with its literals. Asks for those that wait to be asked for.
    async fn imap_command(&mut self) -> io::Result<Option<String>> {
        let mut command = String::new();
        loop {
            let Some(line) = self.line().await? else {
                return Ok(None);
            };
            command += &line;
            let Some(size) = line.strip_suffix('}').and_then(|it| it.rsplit_once('{')) else {
                return Ok(Some(command));
            };
            let waits = !size.1.ends_with('+');
            let size: usize = size.1.trim_end_matches('+').parse().unwrap_or_default();
            if waits {
                if !self.inbox.is_empty() {
                    self.note("literal came early");
                }
                let tag = command.split(' ').next().unwrap_or_default().to_owned();
                if self
                    .say("literal", &tag, "+ go\r\n".to_owned())
                    .await?
                    .is_break()
                {
                    return Ok(None);
                }
                if self.overridden("literal").is_some() {
                    command.clear();
                    continue;
                }
            }
            while self.inbox.len() < size {
                if !self.fill().await? {
                    return Ok(None);
                }
            }
            let literal: Vec<u8> = self.inbox.drain(..size).collect();
            command += &format!("|{}|", String::from_utf8_lossy(&literal).escape_debug());
        }
    }

    async fn imap_auth(&mut self, rest: &str) -> io::Result<&'static str> {
        let mut words = rest.split(' ');
        let mechanism = words.next().unwrap_or_default();
        let mut given: Vec<String> = words.map(str::to_owned).collect();
        let steps = if mechanism == "LOGIN" { 2 } else { 1 };
        while given.len() < steps {
            self.write(b"+ \r\n").await?;
            let answer = self.line().await?.unwrap_or_default();
            self.note(&format!("(sasl) {answer}"));
            given.push(answer);
        }
        if is_right(mechanism, &given) {
            return Ok("OK welcome");
        }
        if mechanism == "XOAUTH2" {
            self.write(b"+ eyJzdGF0dXMiOiI0MDEifQ==\r\n").await?;
            let answer = self.line().await?.unwrap_or_default();
            self.note(&format!("(sasl) {answer}"));
        }
        Ok("NO [AUTHENTICATIONFAILED] wrong")
    }

    fn capabilities(&self) -> &'static str {
        match self.wire {
            Wire::Tls(_) => self.server.secure,
            _ => self.server.clear,
        }
    }

    fn overridden(&self, place: &str) -> Option<(String, Then)> {
        let layered = format!("{}:{place}", self.layer());
        let mut instead = self.server.instead.iter();
        let found = instead.find(|(at, ..)| *at == place || *at == layered);
        found.map(|(_, what, then)| (what.clone(), *then))
    }

    /// Says what belongs here, or what the test has put in its place. Breaks where the session ends.
    async fn say(
        &mut self,
        place: &str,
        tag: &str,
        right: String,
    ) -> io::Result<std::ops::ControlFlow<()>> {
        use std::ops::ControlFlow::{Break, Continue};
        let layered = format!("{}:{place}", self.layer());
        for (at, what) in self.server.clone().before.iter() {
            if *at == place || *at == layered {
                self.write(what.as_bytes()).await?;
            }
        }
        let (what, then) = self.overridden(place).unwrap_or((right, Then::GoOn));
        self.write(what.replace("{tag}", tag).as_bytes()).await?;
        Ok(match then {
            Then::GoOn | Then::Clear => Continue(()),
            Then::Garbage => {
                self.fill().await?;
                self.inbox.clear();
                self.write(b"500 what\r\n").await?;
                Continue(())
            }
            Then::Tls => match self.start_tls().await {
                true => Continue(()),
                false => Break(()),
            },
            Then::Close => Break(()),
            Then::Silence => {
                loop {
                    let came = std::mem::take(&mut self.inbox);
                    if !came.is_empty() {
                        self.note(&format!("(unanswered) {}", String::from_utf8_lossy(&came)));
                    }
                    if !self.fill().await? {
                        break;
                    }
                }
                Break(())
            }
        })
    }

    async fn start_tls(&mut self) -> bool {
        let Wire::Clear(mut stream) = std::mem::replace(&mut self.wire, Wire::Gone) else {
            return false;
        };
        if self.server.warns && stream.write_all(&[21, 3, 3, 0, 2, 1, 112]).await.is_err() {
            return false;
        }
        let config = self.server.config.clone();
        let config = config.unwrap_or_else(|| tls_config(&self.server, |_| {}, |_| {}));
        match TlsAcceptor::from(config).accept(stream).await {
            Ok(mut stream) => {
                let name = stream.get_ref().1.server_name().map(str::to_owned);
                self.log.note(format!("handshake {name:?}"));
                let mut early = String::new();
                if let Some(mut reader) = stream.get_mut().1.early_data() {
                    // What there is, is there by now.
                    let _ = io::Read::read_to_string(&mut reader, &mut early);
                }
                if !early.is_empty() {
                    self.log.note(format!("early {}", early.escape_debug()));
                }
                self.wire = Wire::Tls(Box::new(stream));
                true
            }
            Err(error) => {
                self.log.note(format!("handshake failed: {error}"));
                false
            }
        }
    }

    fn layer(&self) -> &'static str {
        match self.wire {
            Wire::Clear(_) => "clear",
            Wire::Tls(_) => "tls",
            Wire::Gone => "gone",
        }
    }

    fn note(&self, line: &str) {
        self.log.note(format!("{} {line}", self.layer()));
    }

    async fn line(&mut self) -> io::Result<Option<String>> {
        let line = self.raw_line().await?;
        Ok(line.map(|line| line.trim_end_matches(['\r', '\n']).to_owned()))
    }

    async fn raw_line(&mut self) -> io::Result<Option<String>> {
        loop {
            if let Some(at) = self.inbox.windows(2).position(|it| it == b"\r\n") {
                let line: Vec<u8> = self.inbox.drain(..at + 2).collect();
                return Ok(Some(String::from_utf8_lossy(&line).into_owned()));
            }
            if !self.fill().await? {
                return Ok(None);
            }
        }
    }

    async fn fill(&mut self) -> io::Result<bool> {
        let count = match &mut self.wire {
            Wire::Clear(stream) => stream.read_buf(&mut self.inbox).await?,
            Wire::Tls(stream) => stream.read_buf(&mut self.inbox).await?,
            Wire::Gone => 0,
        };
        Ok(count > 0)
    }

    async fn write(&mut self, octets: &[u8]) -> io::Result<()> {
        let size = if self.server.dribbles.is_some() {
            1
        } else {
            octets.len().max(1)
        };
        for portion in octets.chunks(size) {
            match &mut self.wire {
                Wire::Clear(stream) => stream.write_all(portion).await?,
                Wire::Tls(stream) => {
                    stream.write_all(portion).await?;
                    stream.flush().await?;
                }
                Wire::Gone => {}
            }
            if let Some(gap) = self.server.dribbles {
                tokio::time::sleep(gap).await;
            }
        }
        Ok(())
    }
}

fn is_right(mechanism: &str, given: &[String]) -> bool {
    let expected = match mechanism {
        "PLAIN" => vec![format!("\0anna\0{PASSWORD}")],
        "LOGIN" => vec!["anna".to_owned(), PASSWORD.to_owned()],
        "XOAUTH2" => vec![format!("user=anna\x01auth=Bearer {TOKEN}\x01\x01")],
        _ => return false,
    };
    let expected: Vec<_> = expected.iter().map(|it| BASE64.encode(it)).collect();
    given == expected
}

fn login_status(rest: &str) -> &'static str {
    let literal = PASSWORD.escape_debug().to_string();
    let rights = [
        format!("\"anna\" \"{PASSWORD}\""),
        format!("\"anna\" {{{}}}|{literal}|", PASSWORD.len()),
    ];
    if rights.iter().any(|right| rest == right) {
        "OK welcome"
    } else {
        "NO [AUTHENTICATIONFAILED] wrong"
    }
}
