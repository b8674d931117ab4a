//! A flaw in a file of its own: a client whose TLS is written by hand and does not look at what the server
//! selected, where any current library would.
//!
//! There is no cryptography in it: it goes as far as the ClientKeyExchange, by which the client has agreed, and
//! no further. What it does look at is everything but the one thing that it was told to overlook.

use std::io;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::{connection::Stream, flaws::Flaws};

/// What is not looked at, or should not be offered. By default everything is in order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Careless {
    /// Offers TLS 1.1 at most and takes anything older, SSL 3 included (RFC 8996 §4 and §5, RFC 7568 §3).
    pub(super) old: bool,
    /// Overlooks that the server knows TLS 1.3 (RFC 8446 §4.1.3).
    pub(super) sentinel: bool,
    /// Takes a cipher suite that it did not offer (RFC 8446 §4.1.3).
    pub(super) suite: bool,
    /// Offers broken cipher suites (RFC 9325 §4.1).
    pub(super) weak: bool,
    /// Takes an application protocol that it did not offer (RFC 7301 §3.2).
    pub(super) alpn: bool,
    /// Takes records of any length (RFC 8446 §5.1).
    pub(super) long_records: bool,
    /// Names the server by its address (RFC 6066 §3).
    pub(super) address: bool,
}

impl Careless {
    /// What the flaws want overlooked; `None` where TLS is left to the library.
    pub(super) fn of(flaws: &Flaws) -> Option<Self> {
        let careless = Self {
            old: flaws.accepts_old_tls(),
            sentinel: flaws.ignores_downgrade_sentinel(),
            suite: flaws.accepts_unoffered_suite(),
            weak: flaws.offers_weak_suites(),
            alpn: flaws.accepts_unoffered_alpn(),
            long_records: flaws.ignores_record_limit(),
            address: flaws.address_as_server_name(),
        };
        (careless != Self::default()).then_some(careless)
    }
}

const HANDSHAKE: u8 = 22;
const SERVER_HELLO: u8 = 2;
const SERVER_HELLO_DONE: u8 = 14;

const TLS_1_1: [u8; 2] = [3, 2];
const TLS_1_2: [u8; 2] = [3, 3];

const SERVER_NAME: u16 = 0;
const ALPN: u16 = 16;

const SOUND: [u16; 7] = [0x1301, 0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9, 0xcca8];
const OLD: [u16; 4] = [0x002f, 0x0035, 0x000a, 0x0005];
const WEAK: [u16; 4] = [0xc008, 0xc007, 0x000a, 0x0005];

const SENTINEL: &[u8] = b"DOWNGRD\x01";

/// The longest payload of a record.
const LONGEST_RECORD: usize = (1 << 14) + 2048;
/// More than any flight of a server.
const LONGEST_FLIGHT: usize = 128 * 1024;

/// Begins a handshake and agrees to what the server selects, if nothing is seen against it. Says what came of
/// it.
pub(super) async fn exchange<S: Stream>(
    stream: &mut S,
    host: &str,
    careless: Careless,
) -> io::Result<&'static str> {
    stream.write_all(&client_hello(host, careless)).await?;
    stream.flush().await?;
    let mut flight = Vec::new();
    while !is_complete(&flight) {
        let mut header = [0; 5];
        stream.read_exact(&mut header).await?;
        let length = usize::from(u16::from_be_bytes([header[3], header[4]]));
        if length > LONGEST_RECORD && !careless.long_records {
            return Ok("a record is too long");
        }
        let mut body = vec![0; length];
        stream.read_exact(&mut body).await?;
        if header[0] != HANDSHAKE || flight.len() + body.len() > LONGEST_FLIGHT {
            return Ok("the server does not go on with the handshake");
        }
        flight.extend(body);
        if let Some((message, body)) = messages(&flight).next()
            && let Some(objection) = objection(message, body, careless)
        {
            return Ok(objection);
        }
    }
    stream.write_all(&client_key_exchange(careless)).await?;
    stream.flush().await?;
    Ok("agreed to what the server selected, and knows no further")
}

/// What is wrong with the first message of the server.
fn objection(message: u8, body: &[u8], careless: Careless) -> Option<&'static str> {
    let hello = (message == SERVER_HELLO)
        .then(|| ServerHello::parse(body))
        .flatten();
    let Some(hello) = hello else {
        return Some("the server's first message is no ServerHello");
    };
    let version_is_right = if careless.old {
        hello.version <= TLS_1_1
    } else {
        hello.version == TLS_1_2 && !hello.is_newer
    };
    if !version_is_right {
        return Some("the server answered with another version");
    }
    if !careless.old && !careless.sentinel && hello.random.ends_with(SENTINEL) {
        return Some("somebody has talked the server into an older version");
    }
    if !careless.suite && !offered(careless).contains(&hello.suite) {
        return Some("the server selected a cipher suite that was not offered");
    }
    if !careless.alpn && hello.selects_protocol {
        return Some("the server selected a protocol that was not offered");
    }
    None
}

/// What the client looks at.
struct ServerHello<'a> {
    version: [u8; 2],
    random: &'a [u8],
    suite: u16,
    selects_protocol: bool,
    /// TLS 1.3 says its version in an extension (RFC 8446 §4.2.1).
    is_newer: bool,
}

impl<'a> ServerHello<'a> {
    fn parse(body: &'a [u8]) -> Option<Self> {
        const SUPPORTED_VERSIONS: u16 = 43;
        let (version, rest) = body.split_first_chunk::<2>()?;
        let (random, rest) = rest.split_at_checked(32)?;
        let (session, rest) = rest.split_first()?;
        let rest = rest.get(usize::from(*session)..)?;
        let (suite, rest) = rest.split_first_chunk::<2>()?;
        let (_compression, rest) = rest.split_first()?;
        let mut extensions = rest.get(2..).unwrap_or_default();
        let mut kinds = Vec::new();
        while let Some((kind, length)) = extensions.first_chunk::<4>().map(|it| {
            let [a, b, c, d] = *it;
            (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]))
        }) {
            kinds.push(kind);
            extensions = extensions.get(4 + usize::from(length)..)?;
        }
        Some(Self {
            version: *version,
            random,
            suite: u16::from_be_bytes(*suite),
            selects_protocol: kinds.contains(&ALPN),
            is_newer: kinds.contains(&SUPPORTED_VERSIONS),
        })
    }
}

fn offered(careless: Careless) -> Vec<u16> {
    if careless.old {
        return OLD.to_vec();
    }
    let mut suites = SOUND.to_vec();
    if careless.weak {
        suites.extend(WEAK);
    }
    suites
}

/// RFC 8446 §4.1.2, RFC 2246 §7.4.1.2, with the server name of RFC 6066 §3.
fn client_hello(host: &str, careless: Careless) -> Vec<u8> {
    let version = if careless.old { TLS_1_1 } else { TLS_1_2 };
    let mut body = version.to_vec();
    body.extend([0x42; 32]);
    body.push(0);
    let suites: Vec<u8> = offered(careless)
        .iter()
        .flat_map(|it| it.to_be_bytes())
        .collect();
    body.extend(sized(&suites));
    body.extend([1, 0]);
    let mut extensions = Vec::new();
    let mut add = |kind: u16, content: &[u8]| {
        extensions.extend(kind.to_be_bytes());
        extensions.extend(sized(content));
    };
    let is_address = host.parse::<std::net::IpAddr>().is_ok();
    if !is_address || careless.address {
        let mut name = vec![0];
        name.extend(sized(host.as_bytes()));
        add(SERVER_NAME, &sized(&name));
    }
    if !careless.old {
        for (kind, content) in MODERN {
            add(*kind, content);
        }
        let mut share = vec![0, 0x1d];
        share.extend(sized(&[0x42; 32]));
        add(51, &sized(&share));
    }
    body.extend(sized(&extensions));
    record(1, [3, 1], &body)
}

/// Groups, point formats, signature schemes, versions 1.3 and 1.2, secure renegotiation.
const MODERN: &[(u16, &[u8])] = &[
    (10, &[0, 4, 0, 0x1d, 0, 0x17]),
    (11, &[1, 0]),
    (13, &[0, 8, 4, 3, 8, 4, 4, 1, 5, 3]),
    (43, &[4, 3, 4, 3, 3]),
    (0xff01, &[0]),
];

/// RFC 5246 §7.4.7. What is inside is nobody's secret: the server has no key for it.
fn client_key_exchange(careless: Careless) -> Vec<u8> {
    let version = if careless.old { TLS_1_1 } else { TLS_1_2 };
    record(16, version, &sized(&[0x42; 256]))
}

fn record(message: u8, version: [u8; 2], body: &[u8]) -> Vec<u8> {
    let mut inner = vec![message, 0];
    inner.extend(sized(body));
    let mut record = vec![HANDSHAKE, version[0], version[1]];
    record.extend(sized(&inner));
    record
}

/// Octets behind their count. A host name of more than 65535 octets exists nowhere; it is cut off.
fn sized(octets: &[u8]) -> Vec<u8> {
    let count = u16::try_from(octets.len()).unwrap_or(u16::MAX);
    let mut sized = count.to_be_bytes().to_vec();
    sized.extend(octets.iter().take(usize::from(count)));
    sized
}

/// The whole handshake messages so far: type and body.
fn messages(mut flight: &[u8]) -> impl Iterator<Item = (u8, &[u8])> {
    std::iter::from_fn(move || {
        let (header, rest) = flight.split_at_checked(4)?;
        let length = u32::from_be_bytes([0, header[1], header[2], header[3]]);
        let (body, rest) = rest.split_at_checked(usize::try_from(length).ok()?)?;
        flight = rest;
        Some((header[0], body))
    })
}

fn is_complete(flight: &[u8]) -> bool {
    messages(flight).any(|(message, _)| message == SERVER_HELLO_DONE)
}

#[cfg(test)]
mod tests {
    use pretty_assertions::assert_eq;
    use proptest::prelude::*;
    use test_case::test_case;

    use super::*;

    use crate::subjects::reference::tests::flight::flight;

    const CAREFUL: Careless = Careless {
        old: false,
        sentinel: false,
        suite: false,
        weak: false,
        alpn: false,
        long_records: false,
        address: false,
    };
    const OLD_ONES: Careless = Careless {
        old: true,
        ..CAREFUL
    };

    fn run(answer: Vec<u8>, careless: Careless) -> (String, Vec<u8>) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        runtime.block_on(async {
            let (mut client, mut server) = tokio::io::duplex(1 << 20);
            server.write_all(&answer).await.unwrap();
            server.shutdown().await.unwrap();
            let said = match exchange(&mut client, "mail.example", careless).await {
                Ok(said) => said.to_owned(),
                Err(error) => error.kind().to_string(),
            };
            drop(client);
            let mut sent = Vec::new();
            server.read_to_end(&mut sent).await.unwrap();
            (said, sent)
        })
    }

    fn agrees(answer: Vec<u8>, careless: Careless) -> bool {
        let (said, sent) = run(answer, careless);
        let agreed = sent.ends_with(&client_key_exchange(careless));
        assert_eq!(agreed, said.starts_with("agreed"), "{said}");
        agreed
    }

    #[test_case([3, 0], true; "SSL 3")]
    #[test_case([3, 1], true; "TLS 1.0")]
    #[test_case([3, 2], true; "TLS 1.1")]
    #[test_case([3, 3], false; "a version that was not offered")]
    fn takes_the_old(version: [u8; 2], expected: bool) {
        assert_eq!(
            agrees(flight(version, 0x2f, &[7; 8], &[]), OLD_ONES),
            expected
        );
    }

    #[test_case(flight([3, 3], 0xc02b, SENTINEL, &[]), Careless { sentinel: true, ..CAREFUL }; "the sentinel")]
    #[test_case(flight([3, 3], 0xc006, &[7; 8], &[]), Careless { suite: true, ..CAREFUL }; "a suite")]
    #[test_case(flight([3, 3], 0xc008, &[7; 8], &[]), Careless { weak: true, ..CAREFUL }; "a weak suite")]
    #[test_case(flight([3, 3], 0xc02b, &[7; 8], &[0, 16, 0, 2, 0, 0]), Careless { alpn: true, ..CAREFUL }; "a protocol")]
    fn overlooks_one_thing(answer: Vec<u8>, careless: Careless) {
        assert!(agrees(answer.clone(), careless));
        let others = Careless {
            sentinel: !careless.sentinel,
            suite: !careless.suite && !careless.weak,
            alpn: !careless.alpn,
            long_records: true,
            ..CAREFUL
        };
        assert!(!agrees(answer, others));
    }

    #[test]
    fn a_good_flight_is_good() {
        assert!(agrees(flight([3, 3], 0xc02b, &[7; 8], &[]), CAREFUL));
        let newer = flight([3, 3], 0xc02b, &[7; 8], &[0, 43, 0, 2, 3, 4]);
        assert!(!agrees(newer, CAREFUL));
    }

    #[test]
    fn an_address_is_no_name() {
        let named = |careless| {
            let hello = client_hello("192.0.2.1", careless);
            hello.windows(9).any(|it| it == b"192.0.2.1")
        };
        assert!(!named(CAREFUL));
        assert!(named(Careless {
            address: true,
            ..CAREFUL
        }));
    }

    #[test]
    fn an_alert_is_no_flight() {
        assert!(!agrees(vec![21, 3, 1, 0, 2, 2, 70], OLD_ONES));
    }

    proptest! {
        #[test]
        fn never_panics(answer in proptest::collection::vec(any::<u8>(), 0..300)) {
            run(answer, CAREFUL);
        }
    }
}
