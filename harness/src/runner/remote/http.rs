//! One HTTP/1.1 call to a product: connect, ask, read the answer within bounds. No redirections, no proxies, no
//! connection kept.
//!
//! Must not know hooks.

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::{Request, Uri, client::conn::http1, header};
use hyper_util::rt::TokioIo;
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, ServerName, pem::PemObject as _},
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};
use tokio_rustls::TlsConnector;

use crate::adapter::remote::HttpRequest;

/// Octets of an answer that are read.
const LARGEST: usize = 8 << 20;

/// What the product answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Answer {
    /// The status.
    pub(super) status: u16,
    /// The body.
    pub(super) body: Vec<u8>,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum CallError {
    /// It is no address that can be called.
    #[error("{0}")]
    Url(String),
    /// Nobody is there.
    #[error("cannot connect to {0}: {1}")]
    Connect(String, std::io::Error),
    /// There is no TLS to be had.
    #[error("no secure connection to {0}: {1}")]
    Tls(String, std::io::Error),
    /// What came is no answer, or it is cut.
    #[error("gave no answer: {0}")]
    Broken(String),
    /// There is more of it than anybody wants to read.
    #[error("gave an answer of more than {} MiB", LARGEST >> 20)]
    TooLarge,
    /// It takes too long.
    #[error("gave no answer within {0:?}")]
    Late(Duration),
}

/// Who asks, as often as is wanted.
pub(super) struct Caller<'a> {
    /// PEM, for https; the system's where absent.
    authorities: Option<&'a [u8]>,
    /// Read once, and only where somebody is asked over https.
    tls: OnceLock<Arc<ClientConfig>>,
}

impl<'a> Caller<'a> {
    /// Trusts `authorities` (PEM), or those of the system, over https.
    pub(super) fn new(authorities: Option<&'a [u8]>) -> Self {
        Self {
            authorities,
            tls: OnceLock::new(),
        }
    }

    /// Asks once.
    pub(super) async fn call(
        &self,
        request: &HttpRequest,
        within: Duration,
    ) -> Result<Answer, CallError> {
        let asked = tokio::time::timeout(within, self.ask(request)).await;
        asked.unwrap_or(Err(CallError::Late(within)))
    }

    async fn ask(&self, request: &HttpRequest) -> Result<Answer, CallError> {
        let uri = uri(&request.url)?;
        let (host, port) = place_of(&request.url)?;
        let place = format!("{}:{port}", uri.host().unwrap_or_default());
        let plain = TcpStream::connect((host.as_str(), port))
            .await
            .map_err(|error| CallError::Connect(place.clone(), error))?;
        if !is_secure(&uri) {
            return exchange(request, &uri, plain).await;
        }
        let tls = |error| CallError::Tls(place.clone(), error);
        let name = ServerName::try_from(host).map_err(|it| tls(std::io::Error::other(it)))?;
        let config = self.config().map_err(|it| tls(std::io::Error::other(it)))?;
        let secured = TlsConnector::from(config).connect(name, plain);
        exchange(request, &uri, secured.await.map_err(tls)?).await
    }

    fn config(&self) -> Result<Arc<ClientConfig>, rustls::Error> {
        if let Some(config) = self.tls.get() {
            return Ok(config.clone());
        }
        let config = Arc::new(config(self.authorities)?);
        Ok(self.tls.get_or_init(|| config).clone())
    }
}

/// Host and port of a URL.
pub(super) fn place_of(url: &str) -> Result<(String, u16), CallError> {
    let uri = uri(url)?;
    let host = uri.host().unwrap_or_default();
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let default = if is_secure(&uri) { 443 } else { 80 };
    Ok((host.to_owned(), uri.port_u16().unwrap_or(default)))
}

async fn exchange(
    request: &HttpRequest,
    uri: &Uri,
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
) -> Result<Answer, CallError> {
    let broken = |error: hyper::Error| {
        let cause = std::error::Error::source(&error).map(|it| format!(": {it}"));
        CallError::Broken(format!("{error}{}", cause.unwrap_or_default()))
    };
    let path = uri.path_and_query().map_or("/", |it| it.as_str());
    let authority = uri.authority().map_or("", |it| it.as_str());
    let mut asked = Request::builder()
        .method(request.method)
        .uri(path)
        .header(header::HOST, authority)
        .header(
            header::USER_AGENT,
            concat!("mailproof/", env!("CARGO_PKG_VERSION")),
        )
        .header(header::CONNECTION, "close");
    for (name, value) in &request.headers {
        asked = asked.header(name, value);
    }
    let asked = asked
        .body(Full::new(Bytes::from(request.body.clone())))
        .map_err(|error| CallError::Url(error.to_string()))?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream))
        .await
        .map_err(broken)?;
    let driver = tokio::spawn(connection);
    let answered = async {
        let answer = sender.send_request(asked).await.map_err(broken)?;
        let status = answer.status().as_u16();
        let body = Limited::new(answer.into_body(), LARGEST).collect().await;
        let body = body.map_err(|error| match error.downcast::<hyper::Error>() {
            Ok(error) => broken(*error),
            Err(_) => CallError::TooLarge,
        })?;
        Ok(Answer {
            status,
            body: body.to_bytes().to_vec(),
        })
    };
    let answered = answered.await;
    driver.abort();
    answered
}

fn uri(url: &str) -> Result<Uri, CallError> {
    let wrong = |why: &str| CallError::Url(format!("`{url}` is no address: {why}"));
    let uri: Uri = url.parse().map_err(|error| wrong(&format!("{error}")))?;
    let authority = uri.authority().ok_or_else(|| wrong("it has no host"))?;
    if authority.as_str().contains('@') {
        return Err(CallError::Url(
            "an address has no user and no password; put them into `headers`".to_owned(),
        ));
    }
    match uri.scheme_str() {
        Some("http" | "https") => Ok(uri),
        _ => Err(wrong("expected http:// or https://")),
    }
}

fn is_secure(uri: &Uri) -> bool {
    uri.scheme_str() == Some("https")
}

fn config(authorities: Option<&[u8]>) -> Result<ClientConfig, rustls::Error> {
    let mut roots = RootCertStore::empty();
    match authorities {
        Some(pem) => {
            let certificates = CertificateDer::pem_slice_iter(pem).flatten();
            roots.add_parsable_certificates(certificates);
        }
        None => {
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(config)
}
