//! A server flight of TLS 1.2 and older, made by hand.

/// ServerHello, an empty Certificate and ServerHelloDone, with that version, suite, end of the random and
/// extensions.
pub(in crate::subjects::reference) fn flight(
    version: [u8; 2],
    suite: u16,
    end: &[u8],
    extensions: &[u8],
) -> Vec<u8> {
    records(version, suite, end, extensions).concat()
}

pub(in crate::subjects::reference) fn records(
    version: [u8; 2],
    suite: u16,
    end: &[u8],
    extensions: &[u8],
) -> [Vec<u8>; 3] {
    let mut hello = version.to_vec();
    hello.extend([7; 24]);
    hello.extend(end);
    hello.push(0);
    hello.extend(suite.to_be_bytes());
    hello.push(0);
    hello.extend(u16::try_from(extensions.len()).unwrap().to_be_bytes());
    hello.extend(extensions);
    let mut message = vec![2, 0, 0, u8::try_from(hello.len()).unwrap()];
    message.extend(hello);
    [
        record(version, &message),
        record(version, &[11, 0, 0, 3, 0, 0, 0]),
        record(version, &[14, 0, 0, 0]),
    ]
}

pub(in crate::subjects::reference) fn record(version: [u8; 2], payload: &[u8]) -> Vec<u8> {
    let length = u8::try_from(payload.len()).unwrap();
    [&[22, version[0], version[1], 0, length], payload].concat()
}
