//! A TLS client that shakes hands, for measuring servers.

use std::{
    net::{Ipv4Addr, TcpStream},
    path::Path,
    sync::Arc,
    time::Duration,
};

use rustls::{
    ClientConfig, ClientConnection, RootCertStore,
    client::Resumption,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, ServerName, pem::PemObject as _},
    version::TLS13,
};

/// Longer than any server here takes.
const PATIENCE: Duration = Duration::from_secs(10);

/// What both servers send behind a full handshake.
const TICKETS: u32 = 2;

/// Shakes hands over TLS 1.3, fully each time, and verifies what it is shown.
pub(crate) struct Client {
    config: Arc<ClientConfig>,
}

impl Client {
    /// One that trusts the certificate in a file.
    pub(crate) fn new(ca: &Path) -> Result<Self, String> {
        let mut roots = RootCertStore::empty();
        let root = CertificateDer::from_pem_file(ca).map_err(|it| it.to_string())?;
        roots.add(root).map_err(|it| it.to_string())?;
        let provider = Arc::new(aws_lc_rs::default_provider());
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&TLS13])
            .map_err(|it| it.to_string())?
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.resumption = Resumption::disabled();
        Ok(Self {
            config: Arc::new(config),
        })
    }

    /// A connection whose handshake both sides have completed: the server's tickets are there.
    pub(crate) fn connect(&self, port: u16) -> Result<TcpStream, String> {
        let mut stream =
            TcpStream::connect((Ipv4Addr::LOCALHOST, port)).map_err(|it| it.to_string())?;
        stream
            .set_nodelay(true)
            .and_then(|()| stream.set_read_timeout(Some(PATIENCE)))
            .map_err(|it| it.to_string())?;
        let name = ServerName::try_from("localhost").map_err(|it| it.to_string())?;
        let mut tls =
            ClientConnection::new(self.config.clone(), name).map_err(|it| it.to_string())?;
        while tls.is_handshaking() || tls.wants_write() || tls.tls13_tickets_received() < TICKETS {
            let (read, _) = tls.complete_io(&mut stream).map_err(|it| it.to_string())?;
            if read == 0 && !tls.is_handshaking() && !tls.wants_write() {
                let read = tls.read_tls(&mut stream).map_err(|it| it.to_string())?;
                tls.process_new_packets().map_err(|it| it.to_string())?;
                if read == 0 {
                    return Err("the server closed behind the handshake".to_owned());
                }
            }
        }
        Ok(stream)
    }
}
