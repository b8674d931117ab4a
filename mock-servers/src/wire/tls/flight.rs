//! Hand-written answers to a ClientHello, for what `rustls` rightly never does. They go as far as the client's
//! key exchange: by that it has agreed.

use std::sync::Arc;

use mailproof_certs::Chain;
use mailproof_scenarios::model::{
    SuiteChoice, Then, TlsSend,
    event::{Alert, Direction},
};
use rustls::{SignatureScheme, crypto::aws_lc_rs::kx_group};

use super::{
    Output, Seen,
    hello::{Hello, HelloReader},
    record::{Framed, Framer, HANDSHAKE, LARGEST, Record},
    shape::{GARBAGE, alert_record, garbage_record, our_alert},
};

/// How a server misbehaves.
#[derive(Clone, Debug)]
pub(crate) enum Odd {
    /// Answers the ClientHello with this and nothing else.
    Break(TlsSend, Then),
    /// Knows nothing newer than this version, which is retired: static RSA, and these certificates (DER, leaf
    /// first). The server proves nothing, so it needs no key.
    Old(u16, Vec<Vec<u8>>),
    /// Answers in TLS 1.2 with what is wrong about this.
    Wrong(Wrong, Arc<Chain>),
}

/// What is wrong about an answer in TLS 1.2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wrong {
    /// Its cipher suite.
    Suite(SuiteChoice),
    /// Its random is that of a server that knows TLS 1.3 (RFC 8446 §4.1.3).
    DowngradeSentinel,
    /// An application protocol that was not offered (RFC 7301 §3.2).
    UnofferedAlpn,
    /// The length of a record.
    OversizedRecord,
}

/// The server's side of such a connection.
#[derive(Debug)]
pub(crate) struct Flight {
    odd: Odd,
    framer: Framer,
    hello: HelloReader,
    /// An answer was given that nobody may agree to.
    tempting: bool,
    over: bool,
    output: Output,
}

const TLS_1_2: u16 = 0x0303;
const TLS_1_3: u16 = 0x0304;

const SERVER_HELLO: u8 = 2;
const CERTIFICATE: u8 = 11;
const SERVER_KEY_EXCHANGE: u8 = 12;
const SERVER_HELLO_DONE: u8 = 14;
const CLIENT_KEY_EXCHANGE: u8 = 16;
const HANDSHAKE_FAILURE: u8 = 40;

const ALPN: u16 = 16;
const EXTENDED_MASTER_SECRET: u16 = 23;
const RENEGOTIATION_INFO: u16 = 0xff01;

/// Suites with RSA key exchange that TLS 1.0 has.
const OLD_SUITES: [u16; 5] = [0x002f, 0x0035, 0x000a, 0x0005, 0x0004];

/// ECDHE_ECDSA and ECDHE_RSA with AES-GCM or ChaCha20: what any client of TLS 1.2 offers.
const SOUND_ECDSA: [u16; 3] = [0xc02b, 0xc02c, 0xcca9];
const SOUND_RSA: [u16; 3] = [0xc02f, 0xc030, 0xcca8];

/// Broken suites, those first whose key exchange the server can play: NULL, RC4, 3DES, DES, export.
const WEAK_ECDSA: [u16; 3] = [0xc006, 0xc007, 0xc008];
const WEAK_RSA: [u16; 3] = [0xc010, 0xc011, 0xc012];
const WEAK_STATIC: [u16; 10] = [
    0x0001, 0x0002, 0x003b, 0x0004, 0x0005, 0x0009, 0x000a, 0x0003, 0x0006, 0x0008,
];

/// Suites that are never there to be chosen: NULL and RC4 behind a good key exchange.
const UNOFFERED_ECDSA: [u16; 4] = [0xc006, 0xc007, 0xc008, 0xc009];
const UNOFFERED_RSA: [u16; 4] = [0xc010, 0xc011, 0xc012, 0xc013];

/// ECDH_anon with AES-128-CBC-SHA.
const ANONYMOUS: u16 = 0xc018;

/// The random of a server that knows TLS 1.3 and answers in TLS 1.2 ends so (RFC 8446 §4.1.3).
const SENTINEL: &[u8; 8] = b"DOWNGRD\x01";

/// Longer than any record of any version may be.
const OVERSIZED: usize = LARGEST + 300;

impl Flight {
    /// A server that waits for a ClientHello.
    pub(crate) fn new(odd: Odd) -> Self {
        Self {
            odd,
            framer: Framer::default(),
            hello: HelloReader::default(),
            tempting: false,
            over: false,
            output: Output::default(),
        }
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
                }
            }
        }
        let rest = self.framer.take_rest();
        if !rest.is_empty() {
            seen.push(Seen::Clear(rest));
        }
        seen
    }

    /// The client closed.
    pub(crate) fn ended(&mut self) -> Vec<Seen> {
        let rest = self.framer.take_rest();
        let mut seen = Vec::new();
        if !rest.is_empty() {
            seen.push(Seen::Raw(rest));
        }
        if !self.over {
            seen.push(Seen::Failed(
                "closed before the handshake was complete".to_owned(),
            ));
        }
        self.over = true;
        seen
    }

    /// What is to be sent now.
    pub(crate) fn output(&mut self) -> Output {
        std::mem::take(&mut self.output)
    }

    fn record(&mut self, record: &Record, seen: &mut Vec<Seen>) {
        seen.push(Seen::Raw(record.octets().to_vec()));
        if let Some(hello) = self.hello.read(record) {
            seen.push(Seen::Hello(hello.public.clone()));
            self.answer(&hello, seen);
            return;
        }
        if let Some(alert) = record.alert(Direction::Client) {
            let text = format!("the client sent alert {}", alert.description);
            let ends = alert.fatal || alert.description == 0;
            seen.push(Seen::Alert(alert));
            if ends {
                self.over = true;
                seen.push(Seen::Failed(text));
            }
        } else if self.tempting
            && record.kind() == HANDSHAKE
            && record.payload().first() == Some(&CLIENT_KEY_EXCHANGE)
        {
            seen.push(Seen::KeyExchange);
            // Whoever waits for the rest of a handshake need not wait for long.
            self.alert(our_alert(true, HANDSHAKE_FAILURE));
            self.over = true;
            seen.push(Seen::Failed(
                "the client agreed to what it must refuse".to_owned(),
            ));
        }
    }

    fn answer(&mut self, hello: &Hello, seen: &mut Vec<Seen>) {
        match self.odd.clone() {
            Odd::Break(send, then) => self.break_off(send, then, seen),
            Odd::Old(version, certificates) => {
                self.output.octets = old_flight(version, hello, &certificates);
                self.output.certificate = true;
                self.output.deviates = true;
                self.tempting = true;
            }
            Odd::Wrong(wrong, chain) => match Wrongly::new(wrong, hello, &chain) {
                Some(answer) => {
                    self.output.octets = answer.octets();
                    self.output.certificate = answer.shows_certificate();
                    self.output.deviates = true;
                    self.tempting = true;
                }
                // With nothing weak on offer the refusal is the deviation; else it does not apply to this
                // client, and nothing is proved.
                None => {
                    self.alert(our_alert(true, HANDSHAKE_FAILURE));
                    self.output.deviates = wrong == Wrong::Suite(SuiteChoice::Weak);
                    self.over = true;
                    seen.push(Seen::Failed(
                        "the client offers nothing that fits".to_owned(),
                    ));
                }
            },
        }
    }

    fn break_off(&mut self, send: TlsSend, then: Then, seen: &mut Vec<Seen>) {
        match send {
            TlsSend::Nothing => {}
            TlsSend::Alert { name, fatal } => {
                self.alert(our_alert(fatal, name.number()));
                if fatal {
                    self.over = true;
                    seen.push(Seen::Failed("refused on purpose".to_owned()));
                }
            }
            TlsSend::Garbage => self.output.octets = GARBAGE.to_vec(),
            TlsSend::GarbageRecord => self.output.octets = garbage_record(),
        }
        self.output.deviates = true;
        // Behind a fatal alert a server closes anyway, as after any handshake that failed.
        self.output.end = (!self.over || then != Then::Fin).then_some(then);
    }

    fn alert(&mut self, alert: Alert) {
        let version = match self.odd {
            Odd::Old(version, _) => version,
            _ => TLS_1_2,
        };
        self.output.octets.extend(alert_record(&alert, version));
        self.output.alerts.push(alert);
    }
}

/// ServerHello, Certificate and ServerHelloDone (RFC 6101 §5.6, RFC 2246 §7.4).
fn old_flight(version: u16, hello: &Hello, certificates: &[Vec<u8>]) -> Vec<u8> {
    let offered = &hello.public.suites;
    let suite = OLD_SUITES
        .into_iter()
        .find(|suite| offered.contains(suite))
        .unwrap_or(OLD_SUITES[0]);
    let mut body = version.to_be_bytes().to_vec();
    body.extend(b"mailproof speaks only the old :-");
    // No session id: nothing can be resumed, and echoing the client's would say that it is.
    body.push(0);
    body.extend(suite.to_be_bytes());
    body.push(0);
    if hello.renegotiation {
        // Without it modern clients would refuse for another reason (RFC 5746 §3.6).
        body.extend(extensions(&[(RENEGOTIATION_INFO, vec![0])]));
    }
    let mut flight = Vec::new();
    for message in [
        message(SERVER_HELLO, &body),
        certificate(certificates),
        message(SERVER_HELLO_DONE, &[]),
    ] {
        flight.extend(records(version, &message));
    }
    flight
}

/// An answer in TLS 1.2 with something wrong about it.
struct Wrongly<'a> {
    wrong: Wrong,
    hello: &'a Hello,
    chain: &'a Chain,
    suite: u16,
    /// What the server says of its key exchange, signed where there is a certificate; none with static RSA.
    exchange: Option<Vec<u8>>,
    random: [u8; 32],
}

impl<'a> Wrongly<'a> {
    /// Nothing, where the client offers nothing that the answer could be about.
    fn new(wrong: Wrong, hello: &'a Hello, chain: &'a Chain) -> Option<Self> {
        if !hello.public.versions.contains(&TLS_1_2) {
            return None;
        }
        if wrong == Wrong::DowngradeSentinel && !hello.public.versions.contains(&TLS_1_3) {
            return None;
        }
        let suite = suite(wrong, hello, chain)?;
        let mut random = *b"mailproof says something wrong: ";
        if wrong == Wrong::DowngradeSentinel {
            random[24..].copy_from_slice(SENTINEL);
        }
        let mut answer = Self {
            wrong,
            hello,
            chain,
            suite,
            exchange: None,
            random,
        };
        if !WEAK_STATIC.contains(&suite) {
            answer.exchange = Some(answer.key_exchange()?);
        }
        Some(answer)
    }

    fn shows_certificate(&self) -> bool {
        self.suite != ANONYMOUS
    }

    fn octets(&self) -> Vec<u8> {
        let mut flight = records(TLS_1_2, &self.server_hello());
        if self.shows_certificate() {
            let mut sent: Vec<Vec<u8>> = self.chain.sent.iter().map(|it| it.to_vec()).collect();
            if self.wrong == Wrong::OversizedRecord {
                flight.extend(oversized(&mut sent));
            } else {
                flight.extend(records(TLS_1_2, &certificate(&sent)));
            }
        }
        if let Some(exchange) = &self.exchange {
            flight.extend(records(TLS_1_2, &message(SERVER_KEY_EXCHANGE, exchange)));
        }
        flight.extend(records(TLS_1_2, &message(SERVER_HELLO_DONE, &[])));
        flight
    }

    fn server_hello(&self) -> Vec<u8> {
        let mut body = TLS_1_2.to_be_bytes().to_vec();
        body.extend(self.random);
        body.push(0);
        body.extend(self.suite.to_be_bytes());
        body.push(0);
        let mut all = Vec::new();
        if self.hello.renegotiation {
            all.push((RENEGOTIATION_INFO, vec![0]));
        }
        if self.hello.extended_master_secret {
            all.push((EXTENDED_MASTER_SECRET, Vec::new()));
        }
        if self.wrong == Wrong::UnofferedAlpn {
            let protocol = unoffered_protocol(&self.hello.public.alpn);
            let mut list = vec![u8::try_from(protocol.len()).unwrap_or(u8::MAX)];
            list.extend(protocol.as_bytes());
            all.push((ALPN, sized(&list)));
        }
        if !all.is_empty() {
            body.extend(extensions(&all));
        }
        message(SERVER_HELLO, &body)
    }

    /// ServerECDHParams (RFC 8422 §5.4), signed with the key of the certificate.
    fn key_exchange(&self) -> Option<Vec<u8>> {
        const NAMED_CURVE: u8 = 3;
        let group = [kx_group::X25519, kx_group::SECP256R1, kx_group::SECP384R1]
            .into_iter()
            .find(|it| self.hello.groups.contains(&u16::from(it.name())))?;
        let share = group.start().ok()?;
        let mut parameters = vec![NAMED_CURVE];
        parameters.extend(u16::from(group.name()).to_be_bytes());
        parameters.push(u8::try_from(share.pub_key().len()).ok()?);
        parameters.extend(share.pub_key());
        if !self.shows_certificate() {
            return Some(parameters);
        }
        let offered: Vec<SignatureScheme> = self
            .hello
            .schemes
            .iter()
            .map(|it| SignatureScheme::from(*it))
            .collect();
        let signer = self.chain.key.choose_scheme(&offered)?;
        let signed = [&self.hello.random[..], &self.random, &parameters].concat();
        let signature = signer.sign(&signed).ok()?;
        parameters.extend(u16::from(signer.scheme()).to_be_bytes());
        parameters.extend(sized(&signature));
        Some(parameters)
    }
}

fn suite(wrong: Wrong, hello: &Hello, chain: &Chain) -> Option<u16> {
    let offered = |suites: &[u16]| {
        suites
            .iter()
            .copied()
            .find(|it| hello.public.suites.contains(it))
    };
    let rsa = chain.key.algorithm() == rustls::SignatureAlgorithm::RSA;
    let [sound, weak, unoffered]: [&[u16]; 3] = if rsa {
        [&SOUND_RSA, &WEAK_RSA, &UNOFFERED_RSA]
    } else {
        [&SOUND_ECDSA, &WEAK_ECDSA, &UNOFFERED_ECDSA]
    };
    match wrong {
        Wrong::Suite(SuiteChoice::Anonymous) => Some(ANONYMOUS),
        Wrong::Suite(SuiteChoice::Weak) => offered(weak).or_else(|| offered(&WEAK_STATIC)),
        Wrong::Suite(SuiteChoice::Unoffered) => unoffered
            .iter()
            .copied()
            .find(|it| !hello.public.suites.contains(it)),
        Wrong::DowngradeSentinel | Wrong::UnofferedAlpn | Wrong::OversizedRecord => offered(sound),
    }
}

/// A protocol that is not in the list.
fn unoffered_protocol(offered: &[String]) -> &'static str {
    ["h2", "http/1.1", "ftp"]
        .into_iter()
        .find(|it| !offered.iter().any(|other| other == it))
        .unwrap_or("irc")
}

/// A Certificate message in one record that is too long, filled up with certificates that do no harm.
fn oversized(sent: &mut Vec<Vec<u8>>) -> Vec<u8> {
    let filler = sent.last().cloned().unwrap_or_else(|| vec![0; 300]);
    while certificate(sent).len() < OVERSIZED {
        sent.push(filler.clone());
    }
    Record::write(HANDSHAKE, TLS_1_2, &certificate(sent))
}

fn certificate(sent: &[Vec<u8>]) -> Vec<u8> {
    let chain: Vec<u8> = sent.iter().flat_map(|der| with_length(der)).collect();
    message(CERTIFICATE, &with_length(&chain))
}

fn extensions(all: &[(u16, Vec<u8>)]) -> Vec<u8> {
    let mut octets = Vec::new();
    for (kind, content) in all {
        octets.extend(kind.to_be_bytes());
        octets.extend(sized(content));
    }
    sized(&octets)
}

fn records(version: u16, message: &[u8]) -> Vec<u8> {
    message
        .chunks(1 << 14)
        .flat_map(|fragment| Record::write(HANDSHAKE, version, fragment))
        .collect()
}

fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let mut octets = vec![kind];
    octets.extend(with_length(body));
    octets
}

/// A vector with a length of two octets.
fn sized(octets: &[u8]) -> Vec<u8> {
    let mut all = u16::try_from(octets.len())
        .unwrap_or(u16::MAX)
        .to_be_bytes()
        .to_vec();
    all.extend_from_slice(octets);
    all
}

/// A vector with a length of three octets.
fn with_length(octets: &[u8]) -> Vec<u8> {
    let length = u32::try_from(octets.len())
        .unwrap_or(u32::MAX)
        .to_be_bytes();
    let mut all = length[1..].to_vec();
    all.extend_from_slice(octets);
    all
}

#[cfg(test)]
mod tests;
