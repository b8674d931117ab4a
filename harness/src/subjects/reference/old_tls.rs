//! A flaw in a file of its own: a client that agrees to TLS 1.0 (RFC 8996 §4 says it must not).
//!
//! Written by hand, because no current library would do it. There is no cryptography in it: it goes as far
//! as the ClientKeyExchange, by which the client has agreed, and no further.

use std::io;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::connection::Stream;

const HANDSHAKE: u8 = 22;
const TLS_1_0: [u8; 2] = [3, 1];
const SERVER_HELLO: u8 = 2;
const SERVER_HELLO_DONE: u8 = 14;
/// More than any flight of a server.
const LONGEST_FLIGHT: usize = 64 * 1024;

/// Offers TLS 1.0 with RSA key exchange and takes it if the server does. Says what came of it.
pub(super) async fn exchange<S: Stream>(stream: &mut S, host: &str) -> io::Result<&'static str> {
    stream.write_all(&client_hello(host)).await?;
    stream.flush().await?;
    let mut flight = Vec::new();
    while !is_complete(&flight) {
        let mut header = [0; 5];
        stream.read_exact(&mut header).await?;
        let mut body = vec![0; usize::from(u16::from_be_bytes([header[3], header[4]]))];
        stream.read_exact(&mut body).await?;
        if header[0] != HANDSHAKE || flight.len() + body.len() > LONGEST_FLIGHT {
            return Ok("the server has no TLS 1.0 either");
        }
        flight.extend(body);
        if messages(&flight).next().is_some_and(is_newer) {
            return Ok("the server answered with another version");
        }
    }
    stream.write_all(&client_key_exchange()).await?;
    stream.flush().await?;
    Ok("agreed to TLS 1.0")
}

/// RFC 2246 §7.4.1.2, with the server name of RFC 6066 §3.
fn client_hello(host: &str) -> Vec<u8> {
    const SUITES: [u8; 8] = [0x00, 0x2f, 0x00, 0x35, 0x00, 0x0a, 0x00, 0x05];
    let mut body = TLS_1_0.to_vec();
    body.extend([0x42; 32]);
    body.push(0);
    body.extend(sized(&SUITES));
    body.extend([1, 0]);
    let mut name = vec![0];
    name.extend(sized(host.as_bytes()));
    let mut extension = vec![0, 0];
    extension.extend(sized(&sized(&name)));
    body.extend(sized(&extension));
    record(1, &body)
}

/// RFC 2246 §7.4.7.1. What is inside is nobody's secret: the server has no key for it.
fn client_key_exchange() -> Vec<u8> {
    record(16, &sized(&[0x42; 256]))
}

fn record(message: u8, body: &[u8]) -> Vec<u8> {
    let mut inner = vec![message, 0];
    inner.extend(sized(body));
    let mut record = vec![HANDSHAKE, TLS_1_0[0], TLS_1_0[1]];
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

fn is_newer((message, body): (u8, &[u8])) -> bool {
    message != SERVER_HELLO || !body.starts_with(&TLS_1_0)
}

#[cfg(test)]
mod tests {
    use pretty_assertions::assert_eq;
    use proptest::prelude::*;

    use super::*;

    fn run(answer: Vec<u8>) -> (String, Vec<u8>) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        runtime.block_on(async {
            let (mut client, mut server) = tokio::io::duplex(1 << 20);
            server.write_all(&answer).await.unwrap();
            server.shutdown().await.unwrap();
            let said = match exchange(&mut client, "mail.example").await {
                Ok(said) => said.to_owned(),
                Err(error) => error.kind().to_string(),
            };
            drop(client);
            let mut sent = Vec::new();
            server.read_to_end(&mut sent).await.unwrap();
            (said, sent)
        })
    }

    fn flight(version: [u8; 2]) -> Vec<u8> {
        let mut hello = version.to_vec();
        hello.extend([7; 32]);
        hello.extend([0, 0x00, 0x2f, 0]);
        let mut all = record(SERVER_HELLO, &hello);
        // `record` writes a length of two octets behind a zero: the same as three.
        all.extend(record(11, &[0, 0, 0]));
        all.extend(record(SERVER_HELLO_DONE, &[]));
        all
    }

    #[test]
    fn sends_a_key_exchange_to_a_server_of_tls_1_0() {
        let (said, sent) = run(flight([3, 1]));
        assert_eq!(said, "agreed to TLS 1.0");
        assert!(sent.ends_with(&client_key_exchange()));
        assert_eq!(sent[..3], [22, 3, 1]);
    }

    #[test]
    fn leaves_a_server_of_another_version_alone() {
        let (said, sent) = run(flight([3, 3]));
        assert_eq!(said, "the server answered with another version");
        assert_eq!(sent, client_hello("mail.example"));
    }

    #[test]
    fn an_alert_is_no_flight() {
        let (said, _) = run(vec![21, 3, 1, 0, 2, 2, 70]);
        assert_eq!(said, "the server has no TLS 1.0 either");
    }

    proptest! {
        #[test]
        fn never_panics(answer in proptest::collection::vec(any::<u8>(), 0..300)) {
            run(answer);
        }
    }
}
