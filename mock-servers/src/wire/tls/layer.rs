//! The record layer of TLS 1.2 with the keys of a session that `rustls` has established: what the library
//! never says inside a session can be said here.
//!
//! Must not know handshakes.

use rustls::{
    ConnectionTrafficSecrets, ContentType, Error, ExtractedSecrets, ProtocolVersion,
    SupportedCipherSuite,
    crypto::cipher::{
        AeadKey, InboundOpaqueMessage, Iv, MessageDecrypter, MessageEncrypter, OutboundChunks,
        OutboundPlainMessage,
    },
};

use super::record::{APPLICATION_DATA, Record};

/// The longest plaintext of a record.
const LONGEST: usize = 1 << 14;

/// The implicit part of a nonce (RFC 5288 §3).
const SALT: usize = 4;

/// Both directions.
pub(super) struct Layer {
    ours: (u64, Box<dyn MessageEncrypter>),
    theirs: (u64, Box<dyn MessageDecrypter>),
}

impl Layer {
    /// Goes on where a session stopped. Only suites with AES-GCM are known.
    ///
    /// # Errors
    /// In words, where the suite is another.
    pub(super) fn take_over(
        suite: SupportedCipherSuite,
        secrets: ExtractedSecrets,
    ) -> Result<Self, Error> {
        let unknown = || Error::General("a suite whose records nobody here writes".to_owned());
        let SupportedCipherSuite::Tls12(suite) = suite else {
            return Err(unknown());
        };
        let cipher = suite.aead_alg;
        let (sent, ours) = secrets.tx;
        let (received, theirs) = secrets.rx;
        let (key, iv) = keys(ours).ok_or_else(unknown)?;
        let encrypter = cipher.encrypter(key, &iv.as_ref()[..SALT], &iv.as_ref()[SALT..]);
        let (key, iv) = keys(theirs).ok_or_else(unknown)?;
        let decrypter = cipher.decrypter(key, &iv.as_ref()[..SALT]);
        let mut layer = Self {
            ours: (0, encrypter),
            theirs: (received, decrypter),
        };
        // The library's key wants to see every nonce from the first on. Nobody gets to see these records.
        while layer.ours.0 < sent {
            layer.seal(APPLICATION_DATA, b"-");
        }
        Ok(layer)
    }

    /// Encrypts octets of one content type.
    pub(super) fn seal(&mut self, kind: u8, octets: &[u8]) -> Vec<u8> {
        let mut records = Vec::new();
        for portion in octets.chunks(LONGEST) {
            let (number, encrypter) = &mut self.ours;
            let message = OutboundPlainMessage {
                typ: ContentType::from(kind),
                version: ProtocolVersion::TLSv1_2,
                payload: OutboundChunks::Single(portion),
            };
            if let Ok(sealed) = encrypter.encrypt(message, *number) {
                records.extend(sealed.encode());
            }
            *number += 1;
        }
        records
    }

    /// Decrypts a record.
    ///
    /// # Errors
    /// What the library says of a record that is not the next one of this session.
    pub(super) fn open(&mut self, record: &Record) -> Result<Vec<u8>, Error> {
        let (number, decrypter) = &mut self.theirs;
        let mut payload = record.payload().to_vec();
        let message = InboundOpaqueMessage::new(
            ContentType::from(record.kind()),
            ProtocolVersion::TLSv1_2,
            &mut payload,
        );
        let opened = decrypter.decrypt(message, *number)?.payload.to_vec();
        *number += 1;
        Ok(opened)
    }
}

fn keys(secrets: ConnectionTrafficSecrets) -> Option<(AeadKey, Iv)> {
    match secrets {
        ConnectionTrafficSecrets::Aes128Gcm { key, iv }
        | ConnectionTrafficSecrets::Aes256Gcm { key, iv } => Some((key, iv)),
        _ => None,
    }
}
