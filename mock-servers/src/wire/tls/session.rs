//! A `rustls` server session, driven record by record.
//!
//! The library's types are spoken here, in `config` and in `layer`, and nowhere else.

use std::{
    io::{self, Read, Write},
    sync::Arc,
};

use mailproof_scenarios::model::event::{Alert, Direction};
use rustls::{Error, HandshakeKind, ProtocolVersion, ServerConfig, ServerConnection};

use super::{
    Config, Output, Seen,
    hello::{Hello, HelloReader},
    layer::Layer,
    record::{ALERT, APPLICATION_DATA, Framed, Framer, HANDSHAKE, Record},
    secrets::Secrets,
    shape::{Shape, Shaper, our_alert},
};

const CLOSE_NOTIFY: u8 = 0;

/// A HelloRequest (RFC 5246 §7.4.1.1).
const HELLO_REQUEST: [u8; 4] = [0; 4];

/// The response before which a HelloRequest is sent, counted from 0: the first is the greeting.
const ASKED_AT: u32 = 1;

/// One session.
pub(crate) struct Session {
    /// None when [`Session::layer`] has taken over.
    rustls: Option<ServerConnection>,
    layer: Option<Layer>,
    secrets: Arc<Secrets>,
    framer: Framer,
    hello: HelloReader,
    shaper: Shaper,
    habits: Habits,
    /// What was received before the configuration was chosen.
    held: Option<Vec<u8>>,
    /// Early data, until the handshake is complete.
    early: Vec<u8>,
    established: bool,
    over: bool,
    /// Responses so far.
    said: u32,
    /// The deviation is in what is still to be sent.
    deviates: bool,
    /// Octets that are sealed already.
    sealed: Vec<u8>,
    /// Our own alerts that go inside encryption, where they cannot be read off the octets.
    hidden_alert: Option<Alert>,
}

/// What a session does that others do not.
#[derive(Clone, Debug, Default)]
pub(crate) struct Habits {
    /// What happens to its octets on their way out.
    pub(crate) shape: Option<Shape>,
    /// Configurations by group: the one is taken whose group the client supports and sent no share for.
    pub(crate) by_group: Vec<(u16, Config)>,
    /// KeyUpdate messages before each response.
    pub(crate) key_updates: u32,
    /// A HelloRequest before the second response.
    pub(crate) hello_request: bool,
    /// The deviation is what follows the handshake of TLS 1.3: tickets.
    pub(crate) tickets: bool,
    /// The deviation is the configuration, whatever it says.
    pub(crate) configured: bool,
}

impl Session {
    /// A session that waits for a ClientHello.
    ///
    /// # Errors
    /// What `rustls` says about the configuration.
    pub(crate) fn new(config: Config, habits: Habits) -> Result<Self, Error> {
        let shape = habits.shape.unwrap_or(Shape::Whole);
        Ok(Self {
            rustls: Some(connection(config.rustls)?),
            layer: None,
            secrets: config.secrets,
            framer: Framer::default(),
            hello: HelloReader::default(),
            shaper: Shaper::new(shape),
            held: (!habits.by_group.is_empty()).then(Vec::new),
            early: Vec::new(),
            established: false,
            over: false,
            said: 0,
            deviates: habits.configured,
            sealed: Vec::new(),
            hidden_alert: None,
            habits,
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
        self.before_response();
        self.said += 1;
        if let Some(layer) = &mut self.layer {
            self.sealed.extend(layer.seal(APPLICATION_DATA, octets));
        } else if let Some(rustls) = &mut self.rustls {
            // There is no limit, so nothing is left over.
            let _ = rustls.writer().write_all(octets);
        }
    }

    /// Says goodbye.
    pub(crate) fn close(&mut self) {
        if let Some(layer) = &mut self.layer {
            const WARNING: u8 = 1;
            self.sealed
                .extend(layer.seal(ALERT, &[WARNING, CLOSE_NOTIFY]));
        } else if let Some(rustls) = &mut self.rustls {
            rustls.send_close_notify();
        }
        if self.established {
            self.hidden_alert = Some(our_alert(false, CLOSE_NOTIFY));
        }
    }

    /// What is to be sent now, in the order of its encryption.
    pub(crate) fn output(&mut self) -> Output {
        let mut octets = self.written();
        octets.append(&mut self.sealed);
        let shaped = self.shaper.shape(octets);
        let mut output = Output {
            certificate: shaped.certificate,
            end: shaped.end,
            ..Output::default()
        };
        let mut framer = Framer::default();
        framer.push(&shaped.octets);
        while let Framed::Record(record) = framer.next() {
            output.alerts.extend(record.alert(Direction::Server));
        }
        if output.alerts.is_empty() {
            // Behind octets that are no record, where they were not read.
            output.alerts = shaped.alerts;
        }
        let resumed = self
            .rustls
            .as_ref()
            .and_then(|it| it.handshake_kind())
            .is_some_and(|it| it == HandshakeKind::Resumed);
        output.certificate &= !resumed;
        if !shaped.octets.is_empty() {
            if let Some(alert) = self.hidden_alert.take()
                && output.alerts.is_empty()
            {
                output.alerts.push(alert);
            }
            output.deviates = std::mem::take(&mut self.deviates) || shaped.changed;
        }
        output.octets = shaped.octets;
        output
    }

    fn written(&mut self) -> Vec<u8> {
        let mut octets = Vec::new();
        if let Some(rustls) = &mut self.rustls {
            while rustls.wants_write() {
                if !matches!(rustls.write_tls(&mut octets), Ok(count) if count > 0) {
                    break;
                }
            }
        }
        octets
    }

    /// What a session with habits does before it says something.
    fn before_response(&mut self) {
        if let Some(rustls) = &mut self.rustls {
            for _ in 0..self.habits.key_updates {
                self.deviates |= rustls.refresh_traffic_keys().is_ok();
            }
        }
        if self.habits.hello_request && self.said == ASKED_AT {
            self.take_over();
            if let Some(layer) = &mut self.layer {
                self.sealed.extend(layer.seal(HANDSHAKE, &HELLO_REQUEST));
                self.deviates = true;
            }
        }
    }

    /// Goes on without the library, with its keys. Where that cannot be, everything stays as it was.
    fn take_over(&mut self) {
        let octets = self.written();
        self.sealed.extend(octets);
        let suite = self
            .rustls
            .as_ref()
            .and_then(|it| it.negotiated_cipher_suite())
            .filter(|it| it.tls13().is_none());
        let Some(suite) = suite else { return };
        let secrets = self
            .rustls
            .take()
            .map(ServerConnection::dangerous_extract_secrets);
        if let Some(Ok(secrets)) = secrets {
            self.layer = Layer::take_over(suite, secrets).ok();
        }
    }

    fn record(&mut self, record: &Record, seen: &mut Vec<Seen>) {
        seen.push(Seen::Raw(record.octets().to_vec()));
        if self.layer.is_some() {
            self.record_without_library(record, seen);
            return;
        }
        let hello = self.hello.read(record);
        if let Some(hello) = &hello {
            seen.push(Seen::Hello(hello.public.clone()));
        }
        let in_clear = record.alert(Direction::Client);
        if let Some(alert) = &in_clear {
            seen.push(Seen::Alert(alert.clone()));
        }
        if self.shaper.is_broken() {
            self.record_behind_break(in_clear.as_ref(), seen);
            return;
        }
        let mut octets = record.octets().to_vec();
        if let Some(mut held) = self.held.take() {
            held.append(&mut octets);
            if hello.is_none() && record.kind() == HANDSHAKE && held.len() < (1 << 17) {
                self.held = Some(held);
                return;
            }
            octets = held;
            self.choose(hello.as_ref());
        }
        self.read(&octets, in_clear.is_some(), seen);
    }

    /// Takes the configuration whose group the client has and sent no share for.
    fn choose(&mut self, hello: Option<&Hello>) {
        const TLS_1_3: u16 = 0x0304;
        let Some(hello) = hello.filter(|it| it.public.versions.contains(&TLS_1_3)) else {
            return;
        };
        let fits = |group: &u16| hello.groups.contains(group) && !hello.shares.contains(group);
        let chosen = self.habits.by_group.iter().find(|(group, _)| fits(group));
        if let Some((_, config)) = chosen
            && let Ok(connection) = connection(config.rustls.clone())
        {
            self.rustls = Some(connection);
            self.deviates = true;
        }
    }

    fn read(&mut self, mut octets: &[u8], in_clear: bool, seen: &mut Vec<Seen>) {
        let mut told = self.established;
        while !octets.is_empty() && !self.over {
            let Some(rustls) = &mut self.rustls else {
                return;
            };
            let processed = match rustls.read_tls(&mut octets) {
                Ok(0) => break,
                Ok(_) => rustls.process_new_packets(),
                Err(error) => Err(Error::General(error.to_string())),
            };
            seen.extend(self.secrets.take().into_iter().map(Seen::Secret));
            match processed {
                Ok(state) => {
                    self.look(seen, &mut told);
                    if state.peer_has_closed() {
                        self.closed(in_clear, seen);
                    }
                }
                Err(error) => {
                    self.look(seen, &mut told);
                    self.over = true;
                    self.failed(&error, in_clear, seen);
                }
            }
        }
    }

    fn closed(&mut self, told: bool, seen: &mut Vec<Seen>) {
        self.over = true;
        if !told {
            seen.push(Seen::Alert(Alert {
                from: Direction::Client,
                fatal: false,
                description: CLOSE_NOTIFY,
            }));
        }
        seen.push(Seen::CloseNotify);
    }

    /// The handshake is broken off; what comes is only listened to.
    fn record_behind_break(&mut self, alert: Option<&Alert>, seen: &mut Vec<Seen>) {
        if alert.is_some_and(|it| it.fatal || it.description == CLOSE_NOTIFY) {
            self.over = true;
            seen.push(Seen::Failed("broken off, and the client left".to_owned()));
        }
    }

    fn record_without_library(&mut self, record: &Record, seen: &mut Vec<Seen>) {
        const CLIENT_HELLO: u8 = 1;
        const FATAL: u8 = 2;
        let Some(layer) = &mut self.layer else { return };
        match (record.kind(), layer.open(record)) {
            (APPLICATION_DATA, Ok(said)) if !said.is_empty() => seen.push(Seen::Application(said)),
            (ALERT, Ok(alert)) if alert.len() == 2 => {
                let fatal = alert[0] == FATAL;
                if alert[1] == CLOSE_NOTIFY {
                    self.closed(false, seen);
                    return;
                }
                seen.push(Seen::Alert(Alert {
                    from: Direction::Client,
                    fatal,
                    description: alert[1],
                }));
                if fatal {
                    self.over = true;
                    seen.push(Seen::Failed(format!("the client sent alert {}", alert[1])));
                }
            }
            (HANDSHAKE, Ok(message)) if message.first() == Some(&CLIENT_HELLO) => {
                let again = Record::write(HANDSHAKE, record.version(), &message);
                let mut framer = Framer::default();
                framer.push(&again);
                if let Framed::Record(record) = framer.next()
                    && let Some(hello) = HelloReader::default().read(&record)
                {
                    seen.push(Seen::Hello(hello.public));
                }
                self.refuse_renegotiation(seen);
            }
            (_, Err(error)) => {
                self.over = true;
                seen.push(Seen::Failed(error.to_string()));
            }
            _ => {}
        }
    }

    /// Who begins a new handshake has shown enough.
    fn refuse_renegotiation(&mut self, seen: &mut Vec<Seen>) {
        const FATAL: u8 = 2;
        const HANDSHAKE_FAILURE: u8 = 40;
        if let Some(layer) = &mut self.layer {
            self.sealed
                .extend(layer.seal(ALERT, &[FATAL, HANDSHAKE_FAILURE]));
        }
        self.hidden_alert = Some(our_alert(true, HANDSHAKE_FAILURE));
        self.over = true;
        seen.push(Seen::Failed("the client began a new handshake".to_owned()));
    }

    /// What is new after a record: the end of the handshake, and what was said inside.
    fn look(&mut self, seen: &mut Vec<Seen>, told: &mut bool) {
        let Some(rustls) = &mut self.rustls else {
            return;
        };
        let mut early = Vec::new();
        if let Some(mut reader) = rustls.early_data()
            && reader.read_to_end(&mut early).is_ok()
            && !early.is_empty()
        {
            self.early.extend(&early);
            seen.push(Seen::Early(early));
        }
        self.established |= !rustls.is_handshaking();
        if self.established && !*told {
            *told = true;
            let version = rustls.protocol_version();
            let suite = rustls.negotiated_cipher_suite();
            self.deviates |= self.habits.tickets && version == Some(ProtocolVersion::TLSv1_3);
            seen.push(Seen::Established {
                version: version.map_or_else(String::new, |it| format!("{it:?}")),
                suite: suite.map_or_else(String::new, |it| format!("{:?}", it.suite())),
                resumed: rustls.handshake_kind() == Some(HandshakeKind::Resumed),
            });
            if !self.early.is_empty() {
                seen.push(Seen::Application(std::mem::take(&mut self.early)));
            }
        }
        let mut said = Vec::new();
        match rustls.reader().read_to_end(&mut said) {
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
        if let Some(rustls) = &mut self.rustls
            && rustls.read_tls(&mut &nonsense[..]).is_ok()
            && let Err(error) = rustls.process_new_packets()
        {
            self.hidden_alert = Some(our_alert(true, description_for(&error)));
        }
    }
}

fn connection(config: Arc<ServerConfig>) -> Result<ServerConnection, Error> {
    let mut rustls = ServerConnection::new(config)?;
    // A response is one write, however long; what is kept is bounded where it is decided.
    rustls.set_buffer_limit(None);
    Ok(rustls)
}

/// The alert that `rustls` sends for an error, where it cannot be read because it is encrypted.
fn description_for(error: &Error) -> u8 {
    const UNEXPECTED_MESSAGE: u8 = 10;
    const BAD_RECORD_MAC: u8 = 20;
    const RECORD_OVERFLOW: u8 = 22;
    const ILLEGAL_PARAMETER: u8 = 47;
    const DECODE_ERROR: u8 = 50;
    const CERTIFICATE_REQUIRED: u8 = 116;
    match error {
        Error::NoCertificatesPresented => CERTIFICATE_REQUIRED,
        Error::DecryptError => BAD_RECORD_MAC,
        Error::PeerSentOversizedRecord => RECORD_OVERFLOW,
        Error::InappropriateMessage { .. } | Error::InappropriateHandshakeMessage { .. } => {
            UNEXPECTED_MESSAGE
        }
        Error::PeerMisbehaved(_) => ILLEGAL_PARAMETER,
        _ => DECODE_ERROR,
    }
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
        super::{Configs, Settings, Versions},
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
        let config = configs
            .get(&chain, versions, Settings::default(), None)
            .unwrap();
        Session::new(config, Habits::default()).unwrap()
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

    fn valid() -> Arc<mailproof_certs::Chain> {
        authority()
            .chain(Fault::Valid, &Names::dns("localhost"))
            .unwrap()
    }

    fn set_up(settings: Settings, habits: Habits, versions: Versions) -> Session {
        let config = Configs::new().get(&valid(), versions, settings, None);
        Session::new(config.unwrap(), habits).unwrap()
    }

    fn established(seen: &[Seen]) -> bool {
        seen.iter().any(|it| matches!(it, Seen::Established { .. }))
    }

    #[test]
    fn a_group_without_a_share_is_asked_for_again() {
        let mut configs = Configs::new();
        let by_group = configs
            .groups()
            .into_iter()
            .map(|group| {
                let settings = Settings {
                    group: Some(group),
                    ..Settings::default()
                };
                let config = configs.get(&valid(), Versions::Both, settings, None);
                (group, config.unwrap())
            })
            .collect();
        let habits = Habits {
            by_group,
            ..Habits::default()
        };
        let mut server = set_up(Settings::default(), habits, Versions::Both);
        let mut client = connect(&trusting_client(Versions::Both));
        let (seen, sent) = talk(&mut client, &mut server);
        assert!(established(&seen));
        assert_eq!(
            client.handshake_kind(),
            Some(HandshakeKind::FullWithHelloRetryRequest)
        );
        assert!(sent[0].deviates && !sent[0].certificate && sent[1].certificate);
        let mut old = connect(&trusting_client(Versions::Only12));
        let mut server = set_up(Settings::default(), server.habits.clone(), Versions::Both);
        let (seen, sent) = talk(&mut old, &mut server);
        assert!(established(&seen) && sent.iter().all(|it| !it.deviates));
    }

    #[test_case(Versions::Only12)]
    #[test_case(Versions::Only13)]
    fn small_records_make_the_same_handshake(versions: Versions) {
        let settings = Settings {
            longest: Some(crate::wire::tls::SMALLEST),
            ..Settings::default()
        };
        let habits = Habits {
            shape: Some(Shape::Octets),
            ..Habits::default()
        };
        let mut server = set_up(settings, habits, versions);
        let mut client = connect(&trusting_client(Versions::Both));
        let (seen, sent) = talk(&mut client, &mut server);
        assert!(established(&seen));
        assert!(sent[0].deviates && sent[0].certificate);
        assert_eq!(sent[0].octets[..6], [22, 3, 3, 0, 1, 2]);
    }

    #[test_case(Versions::Only12, false, true; "asked in TLS 1.2")]
    #[test_case(Versions::Only13, false, true; "asked in TLS 1.3")]
    #[test_case(Versions::Only12, true, false; "demanded in TLS 1.2")]
    #[test_case(Versions::Only13, true, false; "demanded in TLS 1.3")]
    fn client_certificates(versions: Versions, required: bool, goes_on: bool) {
        let settings = Settings {
            client_certificate: Some(required),
            ..Settings::default()
        };
        let mut server = set_up(settings, Habits::default(), versions);
        let mut client = connect(&trusting_client(Versions::Both));
        let (seen, sent) = talk(&mut client, &mut server);
        assert_eq!(established(&seen), goes_on);
        let alerts: Vec<_> = sent.iter().flat_map(|it| &it.alerts).collect();
        assert_eq!(alerts.iter().any(|it| it.description == 116), required);
    }

    #[test]
    fn a_hello_request_is_refused_and_the_session_goes_on() {
        let settings = Settings {
            open: true,
            ..Settings::default()
        };
        let habits = Habits {
            hello_request: true,
            ..Habits::default()
        };
        let mut server = set_up(settings, habits, Versions::Only12);
        let mut client = connect(&trusting_client(Versions::Both));
        talk(&mut client, &mut server);
        for round in 0..12 {
            client.writer().write_all(b"NOOP\r\n").unwrap();
            let (seen, _) = talk(&mut client, &mut server);
            assert!(seen.contains(&Seen::Application(b"NOOP\r\n".to_vec())));
            server.say(b"250 ok\r\n");
            let output = server.output();
            assert_eq!(output.deviates, round == 1);
            let mut rest = &output.octets[..];
            client.read_tls(&mut rest).unwrap();
            client.process_new_packets().unwrap();
            let mut read = [0; 8];
            client.reader().read_exact(&mut read).unwrap();
            if round == 1 {
                let (seen, _) = talk(&mut client, &mut server);
                assert!(
                    seen.iter()
                        .any(|it| matches!(it, Seen::Alert(alert) if alert.description == 100))
                );
            }
        }
        client.send_close_notify();
        let (seen, _) = talk(&mut client, &mut server);
        assert!(seen.contains(&Seen::CloseNotify));
    }

    #[test]
    fn keys_change_before_each_response() {
        let habits = Habits {
            key_updates: 3,
            ..Habits::default()
        };
        let mut server = set_up(Settings::default(), habits, Versions::Only13);
        let mut client = connect(&trusting_client(Versions::Both));
        talk(&mut client, &mut server);
        server.say(b"220 hi\r\n");
        let (_, sent) = talk(&mut client, &mut server);
        assert!(sent[0].deviates);
        let mut read = [0; 8];
        client.reader().read_exact(&mut read).unwrap();
        assert_eq!(&read, b"220 hi\r\n");
    }

    #[test]
    fn early_data_is_told_apart_and_told_again() {
        let mut configs = Configs::new();
        let settings = Settings {
            early_data: 1000,
            ..Settings::default()
        };
        let mut client = ClientConfig::clone(&trusting_client(Versions::Only13));
        client.enable_early_data = true;
        let client = Arc::new(client);
        let mut serve = |says: &[u8]| {
            let config = configs.get(&valid(), Versions::Both, settings, None);
            let mut server = Session::new(config.unwrap(), Habits::default()).unwrap();
            let mut client = connect(&client);
            if let Some(mut early) = client.early_data() {
                early.write_all(says).unwrap();
            }
            talk(&mut client, &mut server).0
        };
        serve(b"");
        let seen = serve(b"EHLO x\r\n");
        let place = |wanted: Seen| seen.iter().position(|it| *it == wanted).unwrap();
        assert!(
            place(Seen::Early(b"EHLO x\r\n".to_vec()))
                < place(Seen::Application(b"EHLO x\r\n".to_vec()))
        );
    }

    #[test]
    fn whoever_does_not_name_the_host_gets_another_chain() {
        let names = Names::dns("localhost");
        let other = authority().chain(Fault::WrongHost, &names).unwrap();
        let mut configs = Configs::new();
        for (named, right) in [(true, true), (false, false)] {
            let config = configs.get(&valid(), Versions::Both, Settings::default(), Some(&other));
            let mut server = Session::new(config.unwrap(), Habits::default()).unwrap();
            let mut client = ClientConfig::clone(&trusting_client(Versions::Both));
            client.enable_sni = named;
            let (seen, _) = talk(&mut connect(&Arc::new(client)), &mut server);
            assert_eq!(established(&seen), right);
        }
    }
}
