//! Which certificate the client accepts, and whether the server proved its key.
//!
//! The right way is short: trust `ca` and `system` are webpki's judgement, `pin` is one certificate, `always`
//! is any; the proof of the key is demanded under every trust (RFC 8446 §4.4.3). What a flaw skips is named
//! in [`Lenience`]. Must not know where anchors and pins come from.

use std::sync::{Arc, Mutex, PoisonError, atomic::Ordering};

use rustls::{
    CertificateError, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
    client::{
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
        verify_server_cert_signed_by_trust_anchor, verify_server_name,
    },
    crypto::{
        WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature,
        verify_tls13_signature_with_raw_key,
    },
    pki_types::{CertificateDer, ServerName, SubjectPublicKeyInfoDer, UnixTime},
    server::ParsedCertificate,
};

use super::{path, watch::Noticed};

/// The verifier of one connection.
#[derive(Debug)]
pub(super) struct Verifier {
    pub(super) policy: Policy,
    pub(super) lenience: Lenience,
    pub(super) algorithms: WebPkiSupportedAlgorithms,
}

/// What is accepted.
#[derive(Debug)]
pub(super) enum Policy {
    /// A path to one of these, valid now, for this name.
    Anchors(Vec<CertificateDer<'static>>, Arc<RootCertStore>),
    /// This certificate and no other. Its dates and names do not matter: somebody looked at it.
    Pin(CertificateDer<'static>),
    /// Any certificate.
    Always,
}

/// What a flawed client does not look at. By default nothing.
#[derive(Debug, Default)]
pub(super) struct Lenience {
    /// The certificate altogether.
    pub(super) certificate: bool,
    /// The certificate, if it is one of these.
    pub(super) exceptions: Vec<CertificateDer<'static>>,
    /// The name.
    pub(super) name: bool,
    /// The name, where the server has warned that it does not know it.
    pub(super) name_if_warned: Option<Arc<Noticed>>,
    /// The proof of the key.
    pub(super) proof: bool,
    /// Parts of the path.
    pub(super) path: path::Skips,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        sent: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        _ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if !self.lenience.accepts(leaf) {
            match &self.policy {
                Policy::Always => {}
                Policy::Pin(pin) if pin == leaf => {}
                Policy::Pin(_) => {
                    return Err(CertificateError::ApplicationVerificationFailure.into());
                }
                Policy::Anchors(anchors, store) => {
                    let parsed = ParsedCertificate::try_from(leaf)?;
                    let verdict = verify_server_cert_signed_by_trust_anchor(
                        &parsed,
                        store,
                        sent,
                        now,
                        self.algorithms.all,
                    );
                    verdict.or_else(|error| {
                        self.lenience.forgives_path(
                            error,
                            leaf,
                            sent,
                            anchors,
                            now,
                            self.algorithms.all,
                        )
                    })?;
                    if !self.lenience.skips_name() {
                        verify_server_name(&parsed, name)?;
                    }
                }
            }
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        if self.lenience.proof {
            return Ok(HandshakeSignatureValid::assertion());
        }
        match ParsedCertificate::try_from(leaf) {
            Ok(_) => verify_tls12_signature(message, leaf, signature, &self.algorithms),
            Err(error) => self.bare_key_signature(error, message, leaf, signature),
        }
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        if self.lenience.proof {
            return Ok(HandshakeSignatureValid::assertion());
        }
        match ParsedCertificate::try_from(leaf) {
            Ok(_) => verify_tls13_signature(message, leaf, signature, &self.algorithms),
            Err(error) => self.bare_key_signature(error, message, leaf, signature),
        }
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

/// A verifier that can be another for the next connection of the same configuration.
#[derive(Debug)]
pub(super) struct Replaceable(Mutex<Arc<Verifier>>);

impl Replaceable {
    pub(super) fn new(verifier: Arc<Verifier>) -> Self {
        Self(Mutex::new(verifier))
    }

    pub(super) fn replace(&self, verifier: Arc<Verifier>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = verifier;
    }

    fn current(&self) -> Arc<Verifier> {
        let current = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        current.clone()
    }
}

impl ServerCertVerifier for Replaceable {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        sent: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        self.current()
            .verify_server_cert(leaf, sent, name, ocsp, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.current()
            .verify_tls12_signature(message, leaf, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.current()
            .verify_tls13_signature(message, leaf, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.current().supported_verify_schemes()
    }
}

impl Verifier {
    /// The proof for a certificate that webpki cannot read (an unknown critical extension, say) but that was
    /// pinned or is accepted as any is. Without a readable key there is no proof, and no session.
    fn bare_key_signature(
        &self,
        error: Error,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let (_, parsed) = x509_parser::parse_x509_certificate(leaf).map_err(|_| error)?;
        let key = SubjectPublicKeyInfoDer::from(parsed.public_key().raw);
        verify_tls13_signature_with_raw_key(message, &key, signature, &self.algorithms)
    }
}

impl Lenience {
    fn skips_name(&self) -> bool {
        let warned = |noticed: &Arc<Noticed>| noticed.unrecognized_name.load(Ordering::Relaxed);
        self.name || self.name_if_warned.as_ref().is_some_and(warned)
    }

    fn accepts(&self, leaf: &CertificateDer<'_>) -> bool {
        self.certificate || self.exceptions.iter().any(|exception| exception == leaf)
    }

    /// Whether webpki's error is of a kind that is skipped, and nothing else is wrong with the path.
    fn forgives_path(
        &self,
        error: Error,
        leaf: &CertificateDer<'_>,
        sent: &[CertificateDer<'_>],
        anchors: &[CertificateDer<'_>],
        now: UnixTime,
        algorithms: path::Algorithms,
    ) -> Result<(), Error> {
        if self.path.covers(&error) && path::holds(leaf, sent, anchors, now, &self.path, algorithms)
        {
            Ok(())
        } else {
            Err(error)
        }
    }
}
