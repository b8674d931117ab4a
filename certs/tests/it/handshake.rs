//! Every chain in a real handshake, in memory: what the client says and which alert it sends.

use crate::{AUTHORITY, HOST, NOW, chain, verifiers::name_of};
use mailproof_certs::{Chain, Defect, Fault};
use pretty_assertions::assert_eq;
use rustls::{
    AlertDescription, ClientConfig, ClientConnection, DigitallySignedStruct, Error, RootCertStore,
    ServerConfig, ServerConnection, SignatureScheme, SupportedProtocolVersion,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{
        CryptoProvider, aws_lc_rs::default_provider, verify_tls12_signature, verify_tls13_signature,
    },
    pki_types::{CertificateDer, ServerName, UnixTime},
    sign::SingleCertAndKey,
    time_provider::TimeProvider,
    version::{TLS12, TLS13},
};
use std::{sync::Arc, time::Duration};
use test_case::{test_case, test_matrix};

const VERSIONS: [&SupportedProtocolVersion; 2] = [&TLS13, &TLS12];

#[test_case(Fault::Valid, None)]
#[test_case(Fault::SelfSigned, Some(("UnknownIssuer", AlertDescription::UnknownCA)))]
#[test_case(Fault::ExpiredLeaf, Some(("Expired", AlertDescription::CertificateExpired)))]
#[test_case(Fault::ExpiredIntermediate, Some(("Expired", AlertDescription::CertificateExpired)))]
#[test_case(Fault::NotYetValid, Some(("NotValidYet", AlertDescription::CertificateExpired)))]
#[test_case(Fault::WrongHost, Some(("NotValidForName", AlertDescription::BadCertificate)))]
#[test_case(Fault::NoSan, Some(("NotValidForName", AlertDescription::BadCertificate)))]
#[test_case(Fault::UnknownRoot, Some(("UnknownIssuer", AlertDescription::UnknownCA)))]
#[test_case(Fault::MissingIntermediate, Some(("UnknownIssuer", AlertDescription::UnknownCA)))]
#[test_case(Fault::IntermediateNotCa, Some(("EndEntityUsedAsCa", AlertDescription::CertificateUnknown)))]
#[test_case(Fault::WrongEku, Some(("InvalidPurpose", AlertDescription::UnsupportedCertificate)))]
#[test_case(Fault::WrongKey, Some(("BadSignature", AlertDescription::DecryptError)))]
fn a_verifying_client(fault: Fault, expected: Option<(&str, AlertDescription)>) {
    for version in VERSIONS {
        let outcome = handshake(verifying(version), &chain(fault));
        assert_eq!(outcome.summary(), expected.map(owned), "{version:?}");
    }
}

#[test]
fn every_fault_has_its_row_above() {
    let rows = include_str!("handshake.rs");
    for fault in Fault::ALL {
        assert!(
            rows.contains(&format!("#[test_case(Fault::{fault:?},")),
            "{fault}"
        );
    }
}

/// Trusting any certificate is not trusting any key: the proof is all that is left to fail.
#[test]
fn a_client_that_accepts_every_certificate() {
    for &fault in Fault::ALL {
        for version in VERSIONS {
            let expected = (fault.defect() == Defect::Proof)
                .then(|| owned(("BadSignature", AlertDescription::DecryptError)));
            let outcome = handshake(accepting(version, Proof::Checked), &chain(fault));
            assert_eq!(outcome.summary(), expected, "{fault} {version:?}");
        }
    }
}

/// The mistake that `wrong-key` is there to find, and that nothing else in the chain shows.
#[test_matrix([Fault::Valid, Fault::WrongKey])]
fn a_client_that_asserts_signatures_instead_of_checking_them(fault: Fault) {
    for version in VERSIONS {
        let outcome = handshake(accepting(version, Proof::Asserted), &chain(fault));
        assert_eq!(outcome.summary(), None, "{version:?}");
    }
}

/// How a handshake ended on both sides.
#[derive(Debug)]
struct Outcome {
    client: Result<(), Error>,
    server: Result<(), Error>,
}

impl Outcome {
    /// The client's complaint and the alert the server got for it; `None` if all went well.
    fn summary(self) -> Option<(String, AlertDescription)> {
        match (self.client, self.server) {
            (Ok(()), Ok(())) => None,
            (Err(error), Err(Error::AlertReceived(alert))) => Some((name_of(&error), alert)),
            (client, server) => panic!("client: {client:?}, server: {server:?}"),
        }
    }
}

fn owned((error, alert): (&str, AlertDescription)) -> (String, AlertDescription) {
    (error.to_owned(), alert)
}

fn handshake(client: ClientConfig, chain: &Chain) -> Outcome {
    let resolver = SingleCertAndKey::from(chain.certified_key());
    let server = ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(&VERSIONS)
        .unwrap()
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(resolver));
    let mut server = ServerConnection::new(Arc::new(server)).unwrap();
    let host = ServerName::try_from(HOST).unwrap();
    let mut client = ClientConnection::new(Arc::new(client), host).unwrap();

    let mut outcome = Outcome {
        client: Ok(()),
        server: Ok(()),
    };
    while outcome.server.is_ok() && (client.wants_write() || server.wants_write()) {
        let mut wire = Vec::new();
        while client.wants_write() {
            client.write_tls(&mut wire).unwrap();
        }
        let mut sent = wire.as_slice();
        while outcome.server.is_ok() && !sent.is_empty() {
            server.read_tls(&mut sent).unwrap();
            outcome.server = server.process_new_packets().map(drop);
        }

        let mut wire = Vec::new();
        while server.wants_write() {
            server.write_tls(&mut wire).unwrap();
        }
        let mut sent = wire.as_slice();
        while outcome.client.is_ok() && !sent.is_empty() {
            client.read_tls(&mut sent).unwrap();
            outcome.client = client.process_new_packets().map(drop);
        }
    }
    let finished = !client.is_handshaking() && !server.is_handshaking();
    assert_eq!(finished, outcome.client.is_ok(), "{outcome:?}");
    outcome
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(default_provider())
}

fn verifying(version: &'static SupportedProtocolVersion) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    roots.add(AUTHORITY.root_der()).unwrap();
    ClientConfig::builder_with_details(provider(), Arc::new(Clock))
        .with_protocol_versions(&[version])
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth()
}

fn accepting(version: &'static SupportedProtocolVersion, proof: Proof) -> ClientConfig {
    ClientConfig::builder_with_details(provider(), Arc::new(Clock))
        .with_protocol_versions(&[version])
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(AcceptEveryChain { proof }))
        .with_no_client_auth()
}

/// The clock of the tests.
#[derive(Debug)]
struct Clock;

impl TimeProvider for Clock {
    fn current_time(&self) -> Option<UnixTime> {
        let seconds = NOW.unix_timestamp().try_into().ok()?;
        Some(UnixTime::since_unix_epoch(Duration::from_secs(seconds)))
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Proof {
    Checked,
    Asserted,
}

/// Any chain will do.
#[derive(Debug)]
struct AcceptEveryChain {
    proof: Proof,
}

impl ServerCertVerifier for AcceptEveryChain {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        match self.proof {
            Proof::Asserted => Ok(HandshakeSignatureValid::assertion()),
            Proof::Checked => {
                let algorithms = default_provider().signature_verification_algorithms;
                verify_tls12_signature(message, leaf, signature, &algorithms)
            }
        }
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        match self.proof {
            Proof::Asserted => Ok(HandshakeSignatureValid::assertion()),
            Proof::Checked => {
                let algorithms = default_provider().signature_verification_algorithms;
                verify_tls13_signature(message, leaf, signature, &algorithms)
            }
        }
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        let algorithms = default_provider().signature_verification_algorithms;
        algorithms.supported_schemes()
    }
}
