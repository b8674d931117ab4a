//! A `rustls` server session, driven record by record.
//!
//! The only file besides `config` that speaks the library's types.

use std::{
    io::{self, Read, Write},
    sync::Arc,
};

use mailproof_scenarios::model::event::{Alert, Direction};
use rustls::{Error, HandshakeKind, ServerConnection};

use super::{
    Config, Output, Seen,
    config::Secrets,
    hello::HelloReader,
    record::{Framed, Framer, HANDSHAKE, Record},
};

const SERVER_HELLO: u8 = 2;
const CLOSE_NOTIFY: u8 = 0;

/// The random of a ServerHello that is a HelloRetryRequest (RFC 8446 §4.1.3).
const RETRY: [u8; 32] = [
    0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91,
    0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
];

/// One session.
pub(crate) struct Session {
    rustls: ServerConnection,
    secrets: Arc<Secrets>,
    framer: Framer,
    hello: HelloReader,
    established: bool,
    over: bool,
    /// Our own alerts that go inside encryption, where they cannot be read off the octets.
    hidden_alert: Option<Alert>,
}

impl Session {
    /// A session that waits for a ClientHello.
    ///
    /// # Errors
    /// What `rustls` says about the configuration.
    pub(crate) fn new(config: Config) -> Result<Self, Error> {
        let mut rustls = ServerConnection::new(config.rustls)?;
        // A response is one write, however long; what is kept is bounded where it is decided.
        rustls.set_buffer_limit(None);
        Ok(Self {
            rustls,
            secrets: config.secrets,
            framer: Framer::default(),
            hello: HelloReader::default(),
            established: false,
            over: false,
            hidden_alert: None,
        })
    }

    /// Takes octets of the bare connection.
    pub(crate) fn arrived(&mut self, octets: &[u8]) -> Vec<Seen> {
        let mut seen = Vec::new();
        self.framer.push(octets);
        while !self.over {
            match self.framer.next() {
                Framed::Record(record) => self.record(&record, &mut seen),
                Framed::Partial => return seen,
                Framed::NotTls => {
                    self.over = true;
                    seen.push(Seen::Failed("octets that are no TLS record".to_owned()));
                    self.provoke_alert();
                }
            }
        }
        let rest = self.framer.take_rest();
        if !rest.is_empty() {
            seen.push(Seen::Clear(rest));
        }
        seen
    }

    /// The client closed; what it left unfinished is raw evidence.
    pub(crate) fn ended(&mut self) -> Vec<Seen> {
        let mut seen = Vec::new();
        let rest = self.framer.take_rest();
        if !rest.is_empty() {
            seen.push(Seen::Raw(rest));
        }
        if !self.established && !self.over {
            seen.push(Seen::Failed(
                "closed before the handshake was complete".to_owned(),
            ));
        }
        self.over = true;
        seen
    }

    /// Says something inside TLS; what is to be sent comes out of [`Session::output`].
    pub(crate) fn say(&mut self, octets: &[u8]) {
        // There is no limit, so nothing is left over.
        let _ = self.rustls.writer().write_all(octets);
    }

    /// Says goodbye.
    pub(crate) fn close(&mut self) {
        self.rustls.send_close_notify();
        if self.established {
            self.hidden_alert = Some(our_alert(false, CLOSE_NOTIFY));
        }
    }

    /// What is to be sent now, in the order of its encryption.
    pub(crate) fn output(&mut self) -> Output {
        let mut octets = Vec::new();
        while self.rustls.wants_write() {
            if !matches!(self.rustls.write_tls(&mut octets), Ok(count) if count > 0) {
                break;
            }
        }
        let mut output = Output::default();
        let mut framer = Framer::default();
        framer.push(&octets);
        while let Framed::Record(record) = framer.next() {
            output.alerts.extend(record.alert(Direction::Server));
            output.certificate |= is_server_hello(&record);
        }
        output.certificate &= self.rustls.handshake_kind() != Some(HandshakeKind::Resumed);
        if !octets.is_empty()
            && let Some(alert) = self.hidden_alert.take()
            && output.alerts.is_empty()
        {
            output.alerts.push(alert);
        }
        output.octets = octets;
        output
    }

    fn record(&mut self, record: &Record, seen: &mut Vec<Seen>) {
        seen.push(Seen::Raw(record.octets().to_vec()));
        if let Some(hello) = self.hello.read(record) {
            seen.push(Seen::Hello(hello.public));
        }
        let in_clear = record.alert(Direction::Client);
        if let Some(alert) = &in_clear {
            seen.push(Seen::Alert(alert.clone()));
        }
        let mut octets = record.octets();
        let mut told = self.established;
        while !octets.is_empty() && !self.over {
            let processed = match self.rustls.read_tls(&mut octets) {
                Ok(0) => break,
                Ok(_) => self.rustls.process_new_packets(),
                Err(error) => Err(Error::General(error.to_string())),
            };
            seen.extend(self.secrets.take().into_iter().map(Seen::Secret));
            match processed {
                Ok(state) => {
                    self.look(seen, &mut told);
                    if state.peer_has_closed() {
                        self.over = true;
                        if in_clear.is_none() {
                            seen.push(Seen::Alert(Alert {
                                from: Direction::Client,
                                fatal: false,
                                description: CLOSE_NOTIFY,
                            }));
                        }
                        seen.push(Seen::CloseNotify);
                    }
                }
                Err(error) => {
                    self.look(seen, &mut told);
                    self.over = true;
                    self.failed(&error, in_clear.is_some(), seen);
                }
            }
        }
    }

    /// What is new after a record: the end of the handshake, and what was said inside.
    fn look(&mut self, seen: &mut Vec<Seen>, told: &mut bool) {
        self.established |= !self.rustls.is_handshaking();
        if self.established && !*told {
            *told = true;
            let version = self.rustls.protocol_version();
            let suite = self.rustls.negotiated_cipher_suite();
            seen.push(Seen::Established {
                version: version.map_or_else(String::new, |it| format!("{it:?}")),
                suite: suite.map_or_else(String::new, |it| format!("{:?}", it.suite())),
                resumed: self.rustls.handshake_kind() == Some(HandshakeKind::Resumed),
            });
        }
        let mut said = Vec::new();
        match self.rustls.reader().read_to_end(&mut said) {
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(_) => return,
        }
        if !said.is_empty() {
            seen.push(Seen::Application(said));
        }
    }

    fn failed(&mut self, error: &Error, in_clear: bool, seen: &mut Vec<Seen>) {
        if let Error::AlertReceived(description) = error {
            if !in_clear {
                seen.push(Seen::Alert(Alert {
                    from: Direction::Client,
                    fatal: true,
                    description: u8::from(*description),
                }));
            }
        } else {
            self.hidden_alert = Some(our_alert(true, description_for(error)));
        }
        seen.push(Seen::Failed(error.to_string()));
    }

    /// Lets `rustls` find out for itself that this is not TLS, so that it says so.
    fn provoke_alert(&mut self) {
        let nonsense = [0xff; 16];
        if self.rustls.read_tls(&mut &nonsense[..]).is_ok()
            && let Err(error) = self.rustls.process_new_packets()
        {
            self.hidden_alert = Some(our_alert(true, description_for(&error)));
        }
    }
}

fn our_alert(fatal: bool, description: u8) -> Alert {
    Alert {
        from: Direction::Server,
        fatal,
        description,
    }
}

/// The alert that `rustls` sends for an error, where it cannot be read because it is encrypted.
fn description_for(error: &Error) -> u8 {
    const UNEXPECTED_MESSAGE: u8 = 10;
    const BAD_RECORD_MAC: u8 = 20;
    const RECORD_OVERFLOW: u8 = 22;
    const ILLEGAL_PARAMETER: u8 = 47;
    const DECODE_ERROR: u8 = 50;
    match error {
        Error::DecryptError => BAD_RECORD_MAC,
        Error::PeerSentOversizedRecord => RECORD_OVERFLOW,
        Error::InappropriateMessage { .. } | Error::InappropriateHandshakeMessage { .. } => {
            UNEXPECTED_MESSAGE
        }
        Error::PeerMisbehaved(_) => ILLEGAL_PARAMETER,
        _ => DECODE_ERROR,
    }
}

fn is_server_hello(record: &Record) -> bool {
    let payload = record.payload();
    record.kind() == HANDSHAKE
        && payload.first() == Some(&SERVER_HELLO)
        && payload.get(6..38).is_some_and(|random| random != RETRY)
}

#[cfg(test)]
mod tests {
    use std::sync::OnceLock;

    use mailproof_certs::{Authority, Fault, Names};
    use rustls::{
        ClientConfig, ClientConnection, RootCertStore, crypto::aws_lc_rs::default_provider,
        pki_types::ServerName,
    };
    use test_case::test_case;

    use super::{
        super::{Configs, Versions},
        *,
    };

    fn authority() -> &'static Authority {
        static AUTHORITY: OnceLock<Authority> = OnceLock::new();
        AUTHORITY.get_or_init(|| Authority::fresh(time::OffsetDateTime::now_utc()).unwrap())
    }

    fn trusting_client(versions: Versions) -> Arc<ClientConfig> {
        let mut roots = RootCertStore::empty();
        roots.add(authority().root_der()).unwrap();
        let config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
            .with_protocol_versions(versions.of_rustls())
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        Arc::new(config)
    }

    fn session(configs: &mut Configs, fault: Fault, versions: Versions) -> Session {
        let chain = authority().chain(fault, &Names::dns("localhost")).unwrap();
        Session::new(configs.get(&chain, versions).unwrap()).unwrap()
    }

    fn connect(config: &Arc<ClientConfig>) -> ClientConnection {
        let name = ServerName::try_from("localhost").unwrap();
        ClientConnection::new(config.clone(), name).unwrap()
    }

    /// Lets both talk until nobody has anything to say; what the server saw and sent.
    fn talk(client: &mut ClientConnection, server: &mut Session) -> (Vec<Seen>, Vec<Output>) {
        let (mut seen, mut sent) = (Vec::new(), Vec::new());
        loop {
            let mut octets = Vec::new();
            while client.wants_write() {
                client.write_tls(&mut octets).unwrap();
            }
            seen.extend(server.arrived(&octets));
            let output = server.output();
            if octets.is_empty() && output.octets.is_empty() {
                return (seen, sent);
            }
            let mut rest = &output.octets[..];
            while !rest.is_empty() {
                client.read_tls(&mut rest).unwrap();
                if client.process_new_packets().is_err() {
                    break;
                }
            }
            sent.push(output);
        }
    }

    #[test_case(Versions::Only12, 1; "TLS 1.2")]
    #[test_case(Versions::Only13, 5; "TLS 1.3")]
    fn the_secrets_are_those_that_the_client_has(versions: Versions, each: usize) {
        let mut configs = Configs::new();
        let theirs = Arc::new(Secrets::default());
        let mut trusting = (*trusting_client(versions)).clone();
        trusting.key_log = theirs.clone();
        let trusting = Arc::new(trusting);
        for resumed in [false, true] {
            let mut server = session(&mut configs, Fault::Valid, versions);
            let (seen, _) = talk(&mut connect(&trusting), &mut server);
            let mut ours: Vec<String> = seen
                .into_iter()
                .filter_map(|it| match it {
                    Seen::Secret(line) => Some(line),
                    _ => None,
                })
                .collect();
            let mut theirs = theirs.take();
            if resumed {
                // The server has it ready although the client does not use it.
                ours.retain(|it| !it.starts_with("CLIENT_EARLY_TRAFFIC_SECRET "));
            }
            ours.sort();
            theirs.sort();
            assert_eq!(ours, theirs);
            assert_eq!(ours.len(), each);
        }
    }

    #[test_case(Versions::Only12, "TLSv1_2")]
    #[test_case(Versions::Only13, "TLSv1_3")]
    fn a_handshake_resumes_within_a_world_and_speaks(versions: Versions, name: &str) {
        let mut configs = Configs::new();
        let trusting = trusting_client(versions);
        for round in [false, true] {
            let mut server = session(&mut configs, Fault::Valid, versions);
            let mut client = connect(&trusting);
            let (seen, sent) = talk(&mut client, &mut server);
            assert!(
                seen.iter()
                    .any(|it| matches!(it, Seen::Hello(hello) if hello.resumes == round))
            );
            assert!(seen.iter().any(|it| matches!(
                it,
                Seen::Established { version, resumed, .. } if version == name && *resumed == round
            )));
            assert_eq!(sent.iter().any(|it| it.certificate), !round);
            client.writer().write_all(b"EHLO x\r\n").unwrap();
            let (seen, _) = talk(&mut client, &mut server);
            assert!(seen.contains(&Seen::Application(b"EHLO x\r\n".to_vec())));
            server.say(b"250 ok\r\n");
            talk(&mut client, &mut server);
            let mut read = [0; 8];
            client.reader().read_exact(&mut read).unwrap();
            assert_eq!(&read, b"250 ok\r\n");
        }
    }

    #[test_case(Versions::Only12)]
    #[test_case(Versions::Only13)]
    fn what_follows_a_goodbye_is_clear(versions: Versions) {
        let mut server = session(&mut Configs::new(), Fault::Valid, versions);
        let mut client = connect(&trusting_client(versions));
        talk(&mut client, &mut server);
        client.send_close_notify();
        let mut octets = Vec::new();
        client.write_tls(&mut octets).unwrap();
        octets.extend(b"\x16\x03RSET\r\n");
        let seen = server.arrived(&octets);
        let tail = &seen[seen.len() - 3..];
        assert!(matches!(&tail[0], Seen::Alert(alert) if !alert.fatal && alert.description == 0));
        assert_eq!(tail[1], Seen::CloseNotify);
        assert_eq!(tail[2], Seen::Clear(b"\x16\x03RSET\r\n".to_vec()));
        server.close();
        let output = server.output();
        assert_eq!(output.alerts, [our_alert(false, 0)]);
    }

    #[test_case(Versions::Only12)]
    #[test_case(Versions::Only13)]
    fn a_client_that_does_not_trust_says_so_with_an_alert(versions: Versions) {
        let mut server = session(&mut Configs::new(), Fault::UnknownRoot, versions);
        let mut client = connect(&trusting_client(versions));
        let (seen, sent) = talk(&mut client, &mut server);
        assert!(sent.iter().any(|it| it.certificate));
        let alerts: Vec<_> = seen
            .iter()
            .filter(|it| matches!(it, Seen::Alert(_)))
            .collect();
        assert!(
            matches!(alerts[..], [Seen::Alert(alert)] if alert.fatal && alert.description == 48),
            "{alerts:?}"
        );
        assert!(seen.iter().any(|it| matches!(it, Seen::Failed(_))));
    }

    #[test]
    fn clear_octets_instead_of_a_hello_are_refused_with_an_alert_and_kept() {
        let mut server = session(&mut Configs::new(), Fault::Valid, Versions::Both);
        let seen = server.arrived(b"EHLO x\r\n");
        assert!(matches!(seen[0], Seen::Failed(_)));
        assert_eq!(seen[1], Seen::Clear(b"EHLO x\r\n".to_vec()));
        let output = server.output();
        assert!(output.alerts[0].fatal, "{output:?}");
    }

    #[test]
    fn a_broken_record_ends_the_session_with_a_hidden_alert() {
        let mut server = session(&mut Configs::new(), Fault::Valid, Versions::Only13);
        let mut client = connect(&trusting_client(Versions::Both));
        talk(&mut client, &mut server);
        let seen = server.arrived(&Record::write(23, 0x0303, &[9; 40]));
        assert!(matches!(seen[1], Seen::Failed(_)));
        assert_eq!(server.output().alerts, [our_alert(true, 20)]);
    }
}
