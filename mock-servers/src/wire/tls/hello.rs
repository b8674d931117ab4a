//! Reads a ClientHello (RFC 8446 §4.1.2, RFC 5246 §7.4.1.2) by hand, whatever it offers.
//!
//! GREASE values (RFC 8701) are left out: they are random and mean nothing.

use mailproof_scenarios::model::event::ClientHello;

use super::record::{HANDSHAKE, Record};

const CLIENT_HELLO: u8 = 1;

/// A ClientHello of more than this is not waited for.
const LARGEST: usize = 1 << 17;

const SERVER_NAME: u16 = 0;
const SUPPORTED_GROUPS: u16 = 10;
const SIGNATURE_ALGORITHMS: u16 = 13;
const ALPN: u16 = 16;
const EXTENDED_MASTER_SECRET: u16 = 23;
const SESSION_TICKET: u16 = 35;
const PRE_SHARED_KEY: u16 = 41;
const EARLY_DATA: u16 = 42;
const SUPPORTED_VERSIONS: u16 = 43;
const KEY_SHARE: u16 = 51;
const RENEGOTIATION_INFO: u16 = 0xff01;
const RENEGOTIATION_SUITE: u16 = 0x00ff;

/// Puts the first handshake message together from its records.
#[derive(Debug, Default)]
pub(crate) struct HelloReader {
    held: Vec<u8>,
    done: bool,
}

/// A ClientHello with what a hand-written answer needs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Hello {
    /// What is reported.
    pub(crate) public: ClientHello,
    /// Whether the client wants to hear about secure renegotiation (RFC 5746 §3.4).
    pub(crate) renegotiation: bool,
    /// Whether it wants the extended master secret (RFC 7627 §5.1).
    pub(crate) extended_master_secret: bool,
    /// Its random.
    pub(crate) random: Vec<u8>,
    /// The groups that it supports, best first (RFC 8446 §4.2.7).
    pub(crate) groups: Vec<u16>,
    /// The groups that it sent a key share for (RFC 8446 §4.2.8).
    pub(crate) shares: Vec<u16>,
    /// The signature schemes that it takes (RFC 8446 §4.2.3).
    pub(crate) schemes: Vec<u16>,
}

impl HelloReader {
    /// Takes a record; the ClientHello when it is complete, once.
    pub(crate) fn read(&mut self, record: &Record) -> Option<Hello> {
        if self.done || record.kind() != HANDSHAKE {
            return None;
        }
        self.held.extend_from_slice(record.payload());
        let header = self.held.get(..4)?;
        let length =
            usize::from(header[1]) << 16 | usize::from(header[2]) << 8 | usize::from(header[3]);
        if header[0] != CLIENT_HELLO || length > LARGEST {
            self.done = true;
            return None;
        }
        let hello = self
            .held
            .get(4..4 + length)
            .map(|body| parse(body).unwrap_or_default());
        if hello.is_some() {
            self.done = true;
            self.held = Vec::new();
        }
        hello
    }
}

fn parse(body: &[u8]) -> Option<Hello> {
    let mut rest = Octets(body);
    let legacy_version = rest.number()?;
    let random = rest.take(32)?.to_vec();
    let session_id = rest.short()?;
    let suites = Octets(rest.long()?).numbers();
    rest.short()?;
    let mut versions = vec![legacy_version];
    let mut hello = Hello {
        random,
        ..Hello::default()
    };
    let mut ticket = false;
    let mut psk = false;
    let mut extensions = Octets(rest.long().unwrap_or_default());
    while let (Some(kind), Some(content)) = (extensions.number(), extensions.long()) {
        let mut content = Octets(content);
        match kind {
            SERVER_NAME => hello.public.sni = server_name(content),
            ALPN => hello.public.alpn = protocols(content),
            SUPPORTED_VERSIONS => versions = Octets(content.short()?).numbers(),
            SESSION_TICKET => ticket = !content.0.is_empty(),
            PRE_SHARED_KEY => psk = true,
            EARLY_DATA => hello.public.early_data = true,
            RENEGOTIATION_INFO => hello.renegotiation = true,
            EXTENDED_MASTER_SECRET => hello.extended_master_secret = true,
            SUPPORTED_GROUPS => hello.groups = Octets(content.long().unwrap_or_default()).numbers(),
            SIGNATURE_ALGORITHMS => {
                hello.schemes = Octets(content.long().unwrap_or_default()).numbers();
            }
            KEY_SHARE => hello.shares = shares(content),
            _ => {}
        }
    }
    versions.retain(|it| !is_grease(*it));
    hello.groups.retain(|it| !is_grease(*it));
    versions.sort_unstable_by(|a, b| b.cmp(a));
    hello.renegotiation |= suites.contains(&RENEGOTIATION_SUITE);
    hello.public.suites = suites;
    hello.public.suites.retain(|it| !is_grease(*it));
    // With TLS 1.3 every client sends a session id, for middleboxes only (RFC 8446 §4.1.2).
    let legacy_session = !session_id.is_empty() && !versions.contains(&0x0304);
    hello.public.resumes = ticket || psk || legacy_session;
    hello.public.versions = versions;
    Some(hello)
}

fn server_name(mut content: Octets<'_>) -> Option<String> {
    let mut names = Octets(content.long()?);
    while let (Some([kind]), Some(name)) = (names.take(1), names.long()) {
        if *kind == 0 {
            return Some(String::from_utf8_lossy(name).into_owned());
        }
    }
    None
}

fn shares(mut content: Octets<'_>) -> Vec<u16> {
    let mut list = Octets(content.long().unwrap_or_default());
    let mut groups = Vec::new();
    while let (Some(group), Some(_)) = (list.number(), list.long()) {
        groups.push(group);
    }
    groups
}

fn protocols(mut content: Octets<'_>) -> Vec<String> {
    let mut list = Octets(content.long().unwrap_or_default());
    let mut names = Vec::new();
    while let Some(name) = list.short() {
        let grease = matches!(name, [a, b] if a == b && is_grease(u16::from_be_bytes([*a, *b])));
        if !grease {
            names.push(String::from_utf8_lossy(name).into_owned());
        }
    }
    names
}

fn is_grease(value: u16) -> bool {
    let [high, low] = value.to_be_bytes();
    high == low && low & 0x0f == 0x0a
}

/// What is left to read.
#[derive(Clone, Copy)]
struct Octets<'a>(&'a [u8]);

impl<'a> Octets<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (head, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(head)
    }

    fn number(&mut self) -> Option<u16> {
        self.take(2).map(|it| u16::from_be_bytes([it[0], it[1]]))
    }

    /// A vector with a length of one octet.
    fn short(&mut self) -> Option<&'a [u8]> {
        let length = self.take(1)?[0];
        self.take(usize::from(length))
    }

    /// A vector with a length of two octets.
    fn long(&mut self) -> Option<&'a [u8]> {
        let length = self.number()?;
        self.take(usize::from(length))
    }

    fn numbers(self) -> Vec<u16> {
        self.0
            .chunks_exact(2)
            .map(|it| u16::from_be_bytes([it[0], it[1]]))
            .collect()
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use proptest::prelude::*;

    use super::{
        super::record::{Framed, Framer},
        *,
    };

    /// A ClientHello record with these suites and extensions.
    pub(crate) fn client_hello(
        session_id: &[u8],
        suites: &[u16],
        extensions: &[(u16, &[u8])],
    ) -> Vec<u8> {
        let mut body = vec![0x03, 0x03];
        body.extend([7; 32]);
        body.push(u8::try_from(session_id.len()).unwrap());
        body.extend(session_id);
        body.extend(u16::try_from(suites.len() * 2).unwrap().to_be_bytes());
        body.extend(suites.iter().flat_map(|it| it.to_be_bytes()));
        body.extend([1, 0]);
        let mut all = Vec::new();
        for (kind, content) in extensions {
            all.extend(kind.to_be_bytes());
            all.extend(u16::try_from(content.len()).unwrap().to_be_bytes());
            all.extend_from_slice(content);
        }
        body.extend(u16::try_from(all.len()).unwrap().to_be_bytes());
        body.extend(all);
        let mut message = vec![CLIENT_HELLO, 0];
        message.extend(u16::try_from(body.len()).unwrap().to_be_bytes());
        message.extend(body);
        Record::write(HANDSHAKE, 0x0301, &message)
    }

    fn read(octets: &[u8]) -> Option<Hello> {
        let mut framer = Framer::default();
        framer.push(octets);
        let mut reader = HelloReader::default();
        while let Framed::Record(record) = framer.next() {
            if let Some(hello) = reader.read(&record) {
                return Some(hello);
            }
        }
        None
    }

    #[test]
    fn reads_what_a_browser_like_client_offers() {
        let hello = read(&client_hello(
            &[9; 32],
            &[0x2a2a, 0x1301, 0xc02f, 0x00ff],
            &[
                (SERVER_NAME, b"\x00\x0c\x00\x00\x09localhost"),
                (ALPN, b"\x00\x08\x02\x0a\x0a\x04imap"),
                (SUPPORTED_VERSIONS, b"\x06\xaa\xaa\x03\x03\x03\x04"),
                (SESSION_TICKET, b""),
            ],
        ))
        .unwrap();
        assert_eq!(
            hello.public,
            ClientHello {
                sni: Some("localhost".to_owned()),
                versions: vec![0x0304, 0x0303],
                alpn: vec!["imap".to_owned()],
                suites: vec![0x1301, 0xc02f, 0x00ff],
                resumes: false,
                early_data: false,
            }
        );
        assert!(hello.renegotiation);
    }

    #[test]
    fn a_session_id_below_tls_1_3_is_an_offer_to_resume() {
        assert!(
            read(&client_hello(&[9; 32], &[0x002f], &[]))
                .unwrap()
                .public
                .resumes
        );
        assert!(
            !read(&client_hello(&[], &[0x002f], &[]))
                .unwrap()
                .public
                .resumes
        );
        let psk = client_hello(
            &[9; 32],
            &[0x1301],
            &[(PRE_SHARED_KEY, b"x"), (EARLY_DATA, b"")],
        );
        let hello = read(&psk).unwrap().public;
        assert!(hello.resumes && hello.early_data);
    }

    #[test]
    fn a_hello_in_several_records_is_one() {
        let whole = client_hello(&[], &[0x002f], &[]);
        let (one, two) = whole[5..].split_at(3);
        let mut octets = Record::write(HANDSHAKE, 0x0301, one);
        octets.extend(Record::write(HANDSHAKE, 0x0301, two));
        assert_eq!(read(&octets), read(&whole));
    }

    proptest! {
        #[test]
        fn no_hello_is_a_panic(body in proptest::collection::vec(any::<u8>(), 0..200)) {
            parse(&body);
            let mut message = vec![CLIENT_HELLO, 0, 0, u8::try_from(body.len()).unwrap_or(255)];
            message.extend(&body);
            read(&Record::write(HANDSHAKE, 0x0301, &message));
        }
    }
}
