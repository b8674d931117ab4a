//! async-imap, used as its documentation tells people to, over tokio and tokio-rustls.
//!
//! What it is weak in shows: nothing is put right here. The library leaves connecting, TLS and timeouts to
//! its caller, so those are here, as an ordinary author would write them.

use std::{fmt::Debug, fs, future::Future, io, sync::Arc, time::Duration};

use async_imap::{Authenticator, Client, error::Error, extensions::idle::IdleResponse};
use futures_util::TryStreamExt as _;
use mailproof_scenarios::model::{Auth, Job, Protocol, Security, Trust, event::Said};
use rustls::{
    ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject as _},
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpStream, lookup_host},
    time::timeout,
};
use tokio_rustls::{TlsConnector, client::TlsStream};

use crate::subject::{Embedded, Performing, Report, Request, Session as Running, Supports};

/// The client of the async-imap library.
#[derive(Clone, Copy, Debug, Default)]
pub struct AsyncImap;

impl AsyncImap {
    /// The version that is built in.
    pub const VERSION: &'static str = "0.12.0";

    /// What it can do.
    pub fn supports() -> Supports {
        let jobs = [
            Job::Fetch,
            Job::List,
            Job::Append,
            Job::Idle,
            Job::TestConnection,
        ];
        Supports {
            protocols: vec![Protocol::Imap],
            jobs: jobs.map(|job| (Protocol::Imap, job)).to_vec(),
            security: vec![
                Security::None,
                Security::StarttlsRequired,
                Security::Implicit,
            ],
            trust: vec![Trust::System, Trust::Ca, Trust::Always],
            auth: vec![Auth::Password, Auth::Plain, Auth::Xoauth2],
            same_process: true,
            several_recipients: false,
            store: false,
            crl: false,
        }
    }
}

impl Embedded for AsyncImap {
    fn open(&self) -> Box<dyn Running> {
        Box::new(*self)
    }
}

impl Running for AsyncImap {
    fn perform<'a>(&'a mut self, request: &'a Request) -> Performing<'a> {
        Box::pin(async move {
            if let Some(what) = super::lacks(&AsyncImap::supports(), request) {
                return Report::Unsupported { what };
            }
            match run(request).await {
                Ok(()) => Report::success(),
                Err(trouble) => trouble.report(),
            }
        })
    }
}

/// Why nothing came of it.
enum Trouble {
    Settings(String),
    Incomplete(String),
    Connect(io::Error),
    Handshake(io::Error),
    TimedOut,
    Library(Error),
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        Trouble::Library(error)
    }
}

impl Trouble {
    fn report(self) -> Report {
        let (said, text) = match &self {
            Trouble::Settings(why) => (Said::Failed, format!("settings: {why}")),
            Trouble::Incomplete(why) => (Said::Failed, why.clone()),
            Trouble::Connect(error) => (Said::Temporary, format!("connect: {error}")),
            Trouble::Handshake(error) if super::caused_by_tls(error) => {
                (Said::RefusedTls, format!("TLS handshake: {error}"))
            }
            Trouble::Handshake(error) => (Said::Failed, format!("TLS handshake: {error}")),
            Trouble::TimedOut => (Said::Temporary, "timed out".to_owned()),
            Trouble::Library(error) => (said(error), error.to_string()),
        };
        Report::failure(said, format!("IMAP: {text}"))
    }
}

fn said(error: &Error) -> Said {
    match error {
        Error::No(_) | Error::Bad(_) => Said::Permanent,
        Error::ConnectionLost | Error::Io(_) => Said::Temporary,
        _ => Said::Failed,
    }
}

/// What the library can run over.
trait Stream: AsyncRead + AsyncWrite + Unpin + Send + Debug {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + Debug> Stream for S {}

type Session = async_imap::Session<Box<dyn Stream>>;

async fn run(request: &Request) -> Result<(), Trouble> {
    let patience = Duration::from_millis(request.timeout_ms);
    let client = waited(patience, connect(request)).await??;
    let session = waited(patience, sign_in(request, client)).await??;
    match request.job {
        Job::Fetch => fetch(patience, session, request).await,
        Job::List => list(patience, session).await,
        Job::Append => append(patience, session, request).await,
        Job::Idle => idle(patience, session, request).await,
        Job::TestConnection | Job::Send => log_out(patience, session).await,
    }
}

async fn waited<T>(patience: Duration, doing: impl Future<Output = T>) -> Result<T, Trouble> {
    timeout(patience, doing)
        .await
        .map_err(|_| Trouble::TimedOut)
}

async fn connect(request: &Request) -> Result<Client<Box<dyn Stream>>, Trouble> {
    let tcp = dial(request).await?;
    let stream: Box<dyn Stream> = match request.security {
        Security::Implicit => Box::new(secure(request, tcp).await?),
        _ => Box::new(tcp),
    };
    let mut client = Client::new(stream);
    let greeting = client.read_response().await.map_err(Error::Io)?;
    greeting.ok_or(Error::ConnectionLost)?;
    if request.security != Security::StarttlsRequired {
        return Ok(client);
    }
    client.run_command_and_check_ok("STARTTLS", None).await?;
    let stream: Box<dyn Stream> = Box::new(secure(request, client.into_inner()).await?);
    Ok(Client::new(stream))
}

/// The library takes a connection; which address it is to is ours to try: each in turn, with its share of the
/// time, so that a dead one does not take it all.
async fn dial(request: &Request) -> Result<TcpStream, Trouble> {
    let addresses: Vec<_> = lookup_host((&request.host[..], request.port))
        .await
        .map_err(Trouble::Connect)?
        .collect();
    let shares = u32::try_from(addresses.len() + 1).unwrap_or(u32::MAX);
    let share = Duration::from_millis(request.timeout_ms) / shares;
    let mut trouble = Trouble::TimedOut;
    for address in addresses {
        match timeout(share, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) => trouble = Trouble::Connect(error),
            Err(_) => trouble = Trouble::TimedOut,
        }
    }
    Err(trouble)
}

async fn secure<S: AsyncRead + AsyncWrite + Unpin>(
    request: &Request,
    stream: S,
) -> Result<TlsStream<S>, Trouble> {
    let wrong = |error: &dyn std::fmt::Display| Trouble::Settings(error.to_string());
    let name = ServerName::try_from(request.host.clone()).map_err(|error| wrong(&error))?;
    let config = config(request).map_err(|error| wrong(&error))?;
    TlsConnector::from(Arc::new(config))
        .connect(name, stream)
        .await
        .map_err(Trouble::Handshake)
}

fn config(request: &Request) -> Result<ClientConfig, Box<dyn std::error::Error + Send + Sync>> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()?;
    if request.trust == Trust::Always {
        return Ok(builder
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(AnyCertificate(provider)))
            .with_no_client_auth());
    }
    let mut roots = RootCertStore::empty();
    if request.trust == Trust::System {
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        return Ok(builder.with_root_certificates(roots).with_no_client_auth());
    }
    for root in CertificateDer::pem_slice_iter(&fs::read(&request.ca_file)?) {
        roots.add(root?)?;
    }
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

async fn sign_in(request: &Request, client: Client<Box<dyn Stream>>) -> Result<Session, Trouble> {
    let Request {
        user,
        password,
        token,
        ..
    } = request;
    let outcome = match request.auth {
        Auth::Plain => {
            let answer = Answer(format!("\0{user}\0{password}"));
            client.authenticate("PLAIN", answer).await
        }
        Auth::Xoauth2 => {
            let answer = Answer(format!("user={user}\x01auth=Bearer {token}\x01\x01"));
            client.authenticate("XOAUTH2", answer).await
        }
        _ => client.login(user, password).await,
    };
    outcome.map_err(|(error, _)| error.into())
}

async fn fetch(patience: Duration, mut session: Session, request: &Request) -> Result<(), Trouble> {
    let mailbox = waited(patience, session.select(&request.mailbox)).await??;
    if mailbox.exists > 0 {
        let fetching = session.uid_fetch("1:*", "(UID BODY.PEEK[])");
        let mut messages = waited(patience, fetching).await??;
        let mut read = 0;
        while let Some(message) = waited(patience, messages.try_next()).await?? {
            read += u32::from(message.body().is_some());
        }
        drop(messages);
        if read < mailbox.exists {
            let why = format!("{read} of {} messages were read", mailbox.exists);
            return Err(Trouble::Incomplete(why));
        }
    }
    log_out(patience, session).await
}

async fn list(patience: Duration, mut session: Session) -> Result<(), Trouble> {
    let mut names = waited(patience, session.list(Some(""), Some("*"))).await??;
    while waited(patience, names.try_next()).await??.is_some() {}
    drop(names);
    log_out(patience, session).await
}

async fn append(
    patience: Duration,
    mut session: Session,
    request: &Request,
) -> Result<(), Trouble> {
    let message = fs::read(&request.message_file);
    let message = message.map_err(|error| Trouble::Settings(error.to_string()))?;
    let appending = session.append(&request.mailbox, None, None, message);
    waited(patience, appending).await??;
    log_out(patience, session).await
}

async fn idle(patience: Duration, mut session: Session, request: &Request) -> Result<(), Trouble> {
    waited(patience, session.select(&request.mailbox)).await??;
    let mut idling = session.idle();
    waited(patience, idling.init()).await??;
    let outcome = {
        let (waiting, _interrupt) = idling.wait_with_timeout(patience);
        waiting.await?
    };
    let session = waited(patience, idling.done()).await??;
    log_out(patience, session).await?;
    match outcome {
        IdleResponse::NewData(_) => Ok(()),
        IdleResponse::Timeout | IdleResponse::ManualInterrupt => Err(Trouble::TimedOut),
    }
}

async fn log_out(patience: Duration, mut session: Session) -> Result<(), Trouble> {
    waited(patience, session.logout()).await??;
    Ok(())
}

struct Answer(String);

impl Authenticator for Answer {
    type Response = String;

    fn process(&mut self, _challenge: &[u8]) -> String {
        self.0.clone()
    }
}

/// Any certificate, as the examples of rustls have it: the proof of the key is still checked.
#[derive(Debug)]
struct AnyCertificate(Arc<CryptoProvider>);

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _leaf: &CertificateDer<'_>,
        _sent: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls12_signature(message, leaf, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls13_signature(message, leaf, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        let algorithms = &self.0.signature_verification_algorithms;
        algorithms.supported_schemes()
    }
}
