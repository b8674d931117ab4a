//! Every chain in a real handshake, in memory: what the client says and which alert it sends.

use crate::{
    HOST, NOW, chain, host,
    verifiers::{name_of, webpki},
};
use mailproof_certs::{Chain, Fault};
use pretty_assertions::assert_eq;
use rustls::{
    AlertDescription, ClientConfig, ClientConnection, DigitallySignedStruct, Error,
    ProtocolVersion, ServerConfig, ServerConnection, SignatureScheme, SupportedProtocolVersion,
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
use test_case::test_matrix;

const VERSIONS: [&SupportedProtocolVersion; 2] = [&TLS13, &TLS12];

/// Every fault before a client that verifies: the verdict of webpki in the table, unless there
/// is more to a handshake than the chain.
#[test]
fn a_verifying_client() {
    compare(|fault, version| {
        let chain = chain(fault);
        let outcome = handshake(client(version, webpki(&chain)), &chain, &host(fault));
        let verdict = fault
            .verdicts()
            .webpki
            .map(|error| with_alert(error, alert(error)));
        (
            outcome.summary(),
            in_the_handshake(fault, version).or(verdict),
        )
    });
}

/// Trusting any certificate is not trusting any key: the proof is all that is left to fail, and
/// what cannot be read.
#[test]
fn a_client_that_accepts_every_certificate() {
    compare(|fault, version| {
        let client = accepting(version, Proof::Checked);
        let outcome = handshake(client, &chain(fault), &host(fault));
        let unread = unreadable(fault).map(|error| with_alert(error, alert(error)));
        (
            outcome.summary(),
            in_the_handshake(fault, version).or(unread),
        )
    });
}

fn compare(
    ask: impl Fn(Fault, &'static SupportedProtocolVersion) -> (Option<String>, Option<String>),
) {
    let mut wrong = Vec::new();
    for &fault in Fault::ALL {
        for version in VERSIONS {
            let (outcome, expected) = ask(fault, version);
            if outcome != expected {
                let version = version.version;
                wrong.push(format!(
                    "{fault} {version:?}: {outcome:?}, not {expected:?}"
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// What is wrong only in the handshake, or so early that nobody looks at the chain.
fn in_the_handshake(fault: Fault, version: &SupportedProtocolVersion) -> Option<String> {
    let tls13 = version.version == ProtocolVersion::TLSv1_3;
    let outcome = match fault {
        Fault::WrongKey | Fault::ForeignSignature => BAD_PROOF,
        // aws-lc takes no signature of a key that is too short or too long.
        Fault::Rsa1024Leaf | Fault::Rsa16384Leaf => BAD_PROOF,
        // There is no room in the key for what TLS 1.3 signs.
        Fault::Rsa512Leaf if tls13 => NO_SCHEME,
        Fault::Rsa512Leaf => BAD_PROOF,
        // rustls does not offer to verify such signatures, and serves none in TLS 1.2.
        Fault::RsaPssLeaf if tls13 => NO_SCHEME,
        Fault::RsaPssLeaf => "server: incompatible signing key",
        Fault::DsaLeaf | Fault::P192Leaf | Fault::Secp256k1Leaf | Fault::ExplicitCurveLeaf => {
            "UnsupportedSignatureAlgorithmForPublicKey: DecryptError"
        }
        // rustls takes handshake messages of up to 64 KiB.
        Fault::TenThousandNames | Fault::HugeCertificate => "HandshakePayloadTooLarge: no alert",
        Fault::EmptyChain => "NoCertificatesPresented: no alert",
        _ => return None,
    };
    Some(outcome.to_owned())
}

const BAD_PROOF: &str = "BadSignature: DecryptError";
const NO_SCHEME: &str = "server: peer is incompatible: NoSignatureSchemesInCommon";

/// What webpki says of certificates that it does not get the key out of.
fn unreadable(fault: Fault) -> Option<&'static str> {
    let unreadable = matches!(
        fault,
        Fault::UnknownCriticalLeaf
            | Fault::DuplicateSan
            | Fault::TrailingOctets
            | Fault::Version1
            | Fault::CutShort
            | Fault::LongLength
    );
    fault.verdicts().webpki.filter(|_| unreadable)
}

/// The alert that rustls sends for its error.
fn alert(error: &str) -> AlertDescription {
    match error {
        "UnknownIssuer" | "ExpiredRevocationList" => AlertDescription::UnknownCA,
        "Expired" | "NotValidYet" => AlertDescription::CertificateExpired,
        "Revoked" => AlertDescription::CertificateRevoked,
        "BadSignature" | "UnsupportedSignatureAlgorithm" => AlertDescription::DecryptError,
        "InvalidPurpose" => AlertDescription::UnsupportedCertificate,
        "NotValidForName" | "BadEncoding" => AlertDescription::BadCertificate,
        _ => AlertDescription::CertificateUnknown,
    }
}

/// The mistake that `wrong-key` is there to find, and that nothing else in the chain shows.
#[test_matrix([Fault::Valid, Fault::WrongKey])]
fn a_client_that_asserts_signatures_instead_of_checking_them(fault: Fault) {
    for version in VERSIONS {
        let outcome = handshake(accepting(version, Proof::Asserted), &chain(fault), HOST);
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
    /// Who complains, and the alert the server got for it; `None` if all went well.
    fn summary(self) -> Option<String> {
        match (self.client, self.server) {
            (Ok(()), Ok(())) => None,
            (Err(error), Err(Error::AlertReceived(alert))) => {
                Some(with_alert(&name_of(&error), alert))
            }
            (Err(error), Ok(())) => Some(format!("{}: no alert", name_of(&error))),
            (_, Err(error)) => Some(format!("server: {error}").replace("unexpected error: ", "")),
        }
    }
}

fn with_alert(error: &str, alert: AlertDescription) -> String {
    format!("{error}: {alert:?}")
}

fn handshake(client: ClientConfig, chain: &Chain, host: &str) -> Outcome {
    let resolver = SingleCertAndKey::from(chain.certified_key());
    let server = ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(&VERSIONS)
        .unwrap()
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(resolver));
    let mut server = ServerConnection::new(Arc::new(server)).unwrap();
    let host = ServerName::try_from(host.to_owned()).unwrap();
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
    let fine = outcome.client.is_ok() && outcome.server.is_ok();
    assert_eq!(finished, fine, "{outcome:?}");
    outcome
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(default_provider())
}

fn client(
    version: &'static SupportedProtocolVersion,
    verifier: Arc<dyn ServerCertVerifier>,
) -> ClientConfig {
    ClientConfig::builder_with_details(provider(), Arc::new(Clock))
        .with_protocol_versions(&[version])
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth()
}

fn accepting(version: &'static SupportedProtocolVersion, proof: Proof) -> ClientConfig {
    client(version, Arc::new(AcceptEveryChain { proof }))
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
