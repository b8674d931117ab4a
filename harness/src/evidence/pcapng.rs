//! The four kinds of blocks of a pcapng file that evidence needs (draft-ietf-opsawg-pcapng), little-endian.
//!
//! Must not know what is in the packets.

use std::io::{self, Write};

const SECTION_HEADER: u32 = 0x0a0d_0d0a;
const INTERFACE_DESCRIPTION: u32 = 1;
const ENHANCED_PACKET: u32 = 6;
const DECRYPTION_SECRETS: u32 = 10;

const BYTE_ORDER: u32 = 0x1a2b_3c4d;
/// "TLSK": an NSS key log.
const TLS_KEY_LOG: u32 = 0x544c_534b;
/// The packets begin with their IP header, whichever version it has.
const LINKTYPE_RAW: u16 = 101;

const COMMENT: u16 = 1;
/// In a section header.
const USER_APPLICATION: u16 = 4;
/// In an interface description.
const NAME: u16 = 2;

/// Writes blocks.
pub(super) struct Writer<W> {
    to: W,
}

impl<W: Write> Writer<W> {
    pub(super) fn new(to: W) -> Self {
        Self { to }
    }

    /// What the file is, and who wrote it.
    pub(super) fn section(&mut self, application: &str, comment: &str) -> io::Result<()> {
        const UNKNOWN_LENGTH: u64 = u64::MAX;
        let mut body = BYTE_ORDER.to_le_bytes().to_vec();
        body.extend(1_u16.to_le_bytes());
        body.extend(0_u16.to_le_bytes());
        body.extend(UNKNOWN_LENGTH.to_le_bytes());
        options(
            &mut body,
            &[(COMMENT, comment), (USER_APPLICATION, application)],
        );
        self.block(SECTION_HEADER, &body)
    }

    /// The one interface, whose packets have times in microseconds.
    pub(super) fn interface(&mut self, name: &str) -> io::Result<()> {
        const NO_LIMIT: u32 = 0;
        let mut body = LINKTYPE_RAW.to_le_bytes().to_vec();
        body.extend([0, 0]);
        body.extend(NO_LIMIT.to_le_bytes());
        options(&mut body, &[(NAME, name)]);
        self.block(INTERFACE_DESCRIPTION, &body)
    }

    /// An NSS key log, for the packets behind it.
    pub(super) fn secrets(&mut self, key_log: &str) -> io::Result<()> {
        let mut body = TLS_KEY_LOG.to_le_bytes().to_vec();
        body.extend(length(key_log.len())?.to_le_bytes());
        padded(&mut body, key_log.as_bytes());
        self.block(DECRYPTION_SECRETS, &body)
    }

    /// A packet, so many microseconds after 1970-01-01T00:00:00Z.
    pub(super) fn packet(
        &mut self,
        micros: u64,
        octets: &[u8],
        comments: &[String],
    ) -> io::Result<()> {
        const INTERFACE: u32 = 0;
        let len = length(octets.len())?.to_le_bytes();
        let mut body = INTERFACE.to_le_bytes().to_vec();
        // The upper half comes first, also in a little-endian file.
        let (upper, lower) = ((micros >> 32) as u32, micros as u32);
        body.extend(upper.to_le_bytes());
        body.extend(lower.to_le_bytes());
        body.extend(len);
        body.extend(len);
        padded(&mut body, octets);
        let comments: Vec<(u16, &str)> = comments.iter().map(|it| (COMMENT, it.as_str())).collect();
        options(&mut body, &comments);
        self.block(ENHANCED_PACKET, &body)
    }

    /// Hands everything on.
    pub(super) fn finish(mut self) -> io::Result<()> {
        self.to.flush()
    }

    fn block(&mut self, kind: u32, body: &[u8]) -> io::Result<()> {
        const AROUND: usize = 12;
        let total = length(body.len() + AROUND)?.to_le_bytes();
        self.to.write_all(&kind.to_le_bytes())?;
        self.to.write_all(&total)?;
        self.to.write_all(body)?;
        self.to.write_all(&total)
    }
}

/// Appends options and their end. What is longer than an option can be is cut.
fn options(body: &mut Vec<u8>, options: &[(u16, &str)]) {
    if options.is_empty() {
        return;
    }
    for (code, text) in options {
        let text = &text[..text.floor_char_boundary(usize::from(u16::MAX))];
        body.extend(code.to_le_bytes());
        body.extend(u16::try_from(text.len()).unwrap_or(u16::MAX).to_le_bytes());
        padded(body, text.as_bytes());
    }
    body.extend([0; 4]);
}

/// Appends octets, and zeros up to the next 32 bits.
fn padded(body: &mut Vec<u8>, octets: &[u8]) {
    body.extend(octets);
    body.resize(body.len().next_multiple_of(4), 0);
}

fn length(octets: usize) -> io::Result<u32> {
    u32::try_from(octets).map_err(|_| io::Error::other("more than a pcapng block can hold"))
}
