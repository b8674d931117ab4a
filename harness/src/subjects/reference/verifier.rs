//! Which certificate the client accepts, and whether the server proved its key.
//!
//! The right way is short: trust `ca` and `system` are webpki's judgement and [`chain::check`], `pin` is one
//! certificate, `always` is any; the proof of the key is demanded under every trust (RFC 8446 §4.4.3). What a
//! flaw skips is named in [`Lenience`], what it demands in vain in [`Demands`]. Must not know where anchors and
//! pins come from.

use std::sync::{Arc, Mutex, PoisonError, atomic::Ordering};

use rustls::{
    CertificateError, DigitallySignedStruct, Error, OtherError, RootCertStore, SignatureScheme,
    client::{
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
        verify_server_cert_signed_by_trust_anchor, verify_server_name,
    },
    crypto::{
        WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature,
        verify_tls13_signature_with_raw_key,
    },
    pki_types::{
        CertificateDer, CertificateRevocationListDer, ServerName, SubjectPublicKeyInfoDer, UnixTime,
    },
    server::ParsedCertificate,
};

use super::{
    chain::{self, Attention, Known, Wrong},
    names::{self, Quirks},
    path,
    strict::{self, Demands},
    watch::Noticed,
};

/// The verifier of one connection.
#[derive(Debug)]
pub(super) struct Verifier {
    pub(super) policy: Policy,
    /// The server as the user typed it.
    pub(super) host: String,
    /// Another name, for a flawed client that took it from DNS.
    pub(super) alias: Option<String>,
    pub(super) crls: Vec<CertificateRevocationListDer<'static>>,
    pub(super) lenience: Lenience,
    pub(super) demands: Demands,
    pub(super) algorithms: WebPkiSupportedAlgorithms,
}

/// What is accepted.
#[derive(Debug)]
pub(super) enum Policy {
    /// A path to one of these, valid now, for this name.
    Anchors(Vec<CertificateDer<'static>>, Arc<RootCertStore>),
    /// This certificate and no other. Its dates and names do not matter: somebody looked at it.
    Pin(CertificateDer<'static>),
    /// Any certificate, as long as it is one.
    Always,
}

/// What a flawed client does not look at. By default nothing.
#[derive(Debug)]
pub(super) struct Lenience {
    /// The certificate altogether.
    pub(super) certificate: bool,
    /// The certificate, if it is one of these.
    pub(super) exceptions: Vec<CertificateDer<'static>>,
    /// Parts of the name.
    pub(super) name: Quirks,
    /// The name, where the server has warned that it does not know it.
    pub(super) name_if_warned: Option<Arc<Noticed>>,
    /// The proof of the key.
    pub(super) proof: bool,
    /// Parts of the path.
    pub(super) path: path::Skips,
    /// The certificates that the server sends behind its own.
    pub(super) intermediates: bool,
    /// What is looked at of revocation.
    pub(super) attention: Attention,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        sent: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        staple: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if !self.lenience.accepts(leaf) {
            match &self.policy {
                Policy::Always if self.lenience.path.form => {}
                Policy::Always => is_certificate(leaf)?,
                Policy::Pin(pin) if pin == leaf => {}
                Policy::Pin(_) => {
                    return Err(CertificateError::ApplicationVerificationFailure.into());
                }
                Policy::Anchors(anchors, store) => {
                    let sent = if self.lenience.intermediates {
                        &[]
                    } else {
                        sent
                    };
                    self.check_path(leaf, sent, staple, now, anchors, store)?;
                    self.check_name(leaf, name)?;
                    let host = &self.host;
                    let seconds = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
                    let complaint =
                        strict::complaint(leaf, sent, staple, host, seconds, &self.demands);
                    if let Some(complaint) = complaint {
                        return Err(refusal(complaint));
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
        if self.lenience.forgives_proof(leaf) {
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
        if self.lenience.forgives_proof(leaf) {
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
    /// The path to an anchor, and what is known of revocation.
    fn check_path(
        &self,
        leaf: &CertificateDer<'_>,
        sent: &[CertificateDer<'_>],
        staple: &[u8],
        now: UnixTime,
        anchors: &[CertificateDer<'static>],
        store: &RootCertStore,
    ) -> Result<(), Error> {
        let algorithms = self.algorithms.all;
        let by_webpki = ParsedCertificate::try_from(leaf).and_then(|parsed| {
            verify_server_cert_signed_by_trust_anchor(&parsed, store, sent, now, algorithms)
        });
        let skips = &self.lenience.path;
        if let Err(error) = by_webpki {
            let forgiven = skips.covers(&error, leaf)
                && path::holds(leaf, sent, anchors, now, skips, algorithms);
            return if forgiven { Ok(()) } else { Err(error) };
        }
        let known = Known {
            anchors: &store.roots,
            crls: &self.crls,
            staple,
            now,
            algorithms,
        };
        match chain::check(leaf, sent, &known, self.lenience.attention) {
            Ok(()) => Ok(()),
            Err(Wrong::KeyUsage) if skips.key_cert_sign => Ok(()),
            Err(Wrong::KeyUsage) => Err(refusal("an issuer may not sign certificates")),
            Err(Wrong::Revoked | Wrong::Path(webpki::Error::CertRevoked)) => {
                Err(CertificateError::Revoked.into())
            }
            Err(Wrong::NoStatus) => Err(refusal("it demands a proof of its status, and none came")),
            Err(Wrong::Path(error)) => Err(refusal(&error.to_string())),
        }
    }

    /// The name that the user typed against those of the certificate.
    fn check_name(&self, leaf: &CertificateDer<'_>, name: &ServerName<'_>) -> Result<(), Error> {
        let by_webpki =
            ParsedCertificate::try_from(leaf).and_then(|it| verify_server_name(&it, name));
        match by_webpki {
            Err(_) if names::matches(leaf, &self.host, &self.lenience.name) => Ok(()),
            Err(_) if self.is_for_alias(leaf) => Ok(()),
            Err(_) if self.lenience.excuses_name() => Ok(()),
            outcome => outcome,
        }
    }

    fn is_for_alias(&self, leaf: &CertificateDer<'_>) -> bool {
        let alias = self.alias.as_deref();
        alias.is_some_and(|alias| names::matches(leaf, alias, &Quirks::default()))
    }

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
    fn excuses_name(&self) -> bool {
        let warned = |noticed: &Arc<Noticed>| noticed.unrecognized_name.load(Ordering::Relaxed);
        self.name_if_warned.as_ref().is_some_and(warned)
    }

    fn accepts(&self, leaf: &CertificateDer<'_>) -> bool {
        self.certificate || self.exceptions.iter().any(|exception| exception == leaf)
    }

    /// Whether the proof of the key is not looked at.
    fn forgives_proof(&self, leaf: &CertificateDer<'_>) -> bool {
        let parsed = || x509_parser::parse_x509_certificate(leaf);
        let is_short = || parsed().is_ok_and(|(_, parsed)| path::has_short_key(&parsed));
        self.proof || (self.path.short_keys && is_short()) || (self.path.form && parsed().is_err())
    }
}

/// Whether it is one certificate and nothing else: what cannot be read has no key that could be proved.
fn is_certificate(leaf: &CertificateDer<'_>) -> Result<(), Error> {
    match x509_parser::parse_x509_certificate(leaf) {
        Ok(_) => Ok(()),
        Err(_) => Err(CertificateError::BadEncoding.into()),
    }
}

fn refusal(why: &str) -> Error {
    let why: Box<dyn std::error::Error + Send + Sync> = why.into();
    CertificateError::Other(OtherError(why.into())).into()
}
