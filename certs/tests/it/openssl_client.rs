//! What OpenSSL makes of chains that rustls does not verify: odd keys whose proof is real, and
//! OCSP responses.

use crate::{HOST, NOW, chain, verifiers::OPENSSL};
use mailproof_certs::{Authority, Chain, Fault, Names};
use pretty_assertions::assert_eq;
use rustls::{
    ServerConfig, ServerConnection, Stream, crypto::aws_lc_rs::default_provider,
    sign::SingleCertAndKey,
};
use std::{
    fs,
    io::{Read as _, Write as _},
    net::TcpListener,
    process::{Command, Stdio},
    sync::Arc,
    thread,
};
use test_case::test_case;
use time::OffsetDateTime;

/// A handshake at a security level. Level 0 takes any key: what fails there is not proved.
#[test_case(Fault::Valid, "-tls1_3", 2, true; "valid")]
#[test_case(Fault::Rsa512Leaf, "-tls1_2", 0, true; "512 bits in TLS 1.2")]
#[test_case(Fault::Rsa512Leaf, "-tls1_3", 0, false; "512 bits in TLS 1.3")]
#[test_case(Fault::Rsa512Leaf, "-tls1_2", 1, false; "512 bits at level 1")]
#[test_case(Fault::Rsa1024Leaf, "-tls1_2", 0, true; "1024 bits in TLS 1.2")]
#[test_case(Fault::Rsa1024Leaf, "-tls1_3", 0, true; "1024 bits in TLS 1.3")]
#[test_case(Fault::Rsa1024Leaf, "-tls1_3", 2, false; "1024 bits at level 2")]
#[test_case(Fault::Rsa1024Intermediate, "-tls1_3", 1, true; "intermediate of 1024 bits at level 1")]
#[test_case(Fault::Rsa1024Intermediate, "-tls1_3", 2, false; "intermediate of 1024 bits at level 2")]
#[test_case(Fault::Rsa16384Leaf, "-tls1_2", 2, true; "16384 bits in TLS 1.2")]
#[test_case(Fault::Rsa16384Leaf, "-tls1_3", 2, true; "16384 bits in TLS 1.3")]
#[test_case(Fault::RsaPssLeaf, "-tls1_3", 2, true; "RSASSA-PSS")]
#[test_case(Fault::Rsa4096Leaf, "-tls1_2", 2, true; "4096 bits")]
#[test_case(Fault::P521Leaf, "-tls1_3", 2, true; "P-521")]
#[test_case(Fault::Ed25519Leaf, "-tls1_3", 2, true; "Ed25519")]
#[test_case(Fault::Sha1Leaf, "-tls1_3", 0, true; "SHA-1 at level 0")]
#[test_case(Fault::Sha1Leaf, "-tls1_3", 1, false; "SHA-1 at level 1")]
#[test_case(Fault::Md5Intermediate, "-tls1_3", 0, true; "MD5 at level 0")]
#[test_case(Fault::Md5Intermediate, "-tls1_3", 1, false; "MD5 at level 1")]
#[test_case(Fault::DsaLeaf, "-tls1_2", 0, false; "DSA")]
#[test_case(Fault::P192Leaf, "-tls1_2", 0, false; "P-192")]
#[test_case(Fault::Secp256k1Leaf, "-tls1_2", 0, false; "secp256k1")]
#[test_case(Fault::ExplicitCurveLeaf, "-tls1_3", 0, false; "explicit parameters")]
#[test_case(Fault::TrailingOctets, "-tls1_3", 0, false; "trailing octets")]
#[test_case(Fault::EmptyChain, "-tls1_2", 0, false; "no certificate in TLS 1.2")]
#[test_case(Fault::EmptyChain, "-tls1_3", 0, false; "no certificate in TLS 1.3")]
#[test_case(Fault::WrongKey, "-tls1_2", 0, false; "another key in TLS 1.2")]
#[test_case(Fault::WrongKey, "-tls1_3", 0, false; "another key in TLS 1.3")]
#[test_case(Fault::ForeignSignature, "-tls1_2", 0, false; "another transcript in TLS 1.2")]
#[test_case(Fault::ForeignSignature, "-tls1_3", 0, false; "another transcript in TLS 1.3")]
#[test_case(Fault::TenThousandNames, "-tls1_3", 2, false; "more octets than it takes")]
#[test_case(Fault::ThousandNames, "-tls1_3", 2, true; "a thousand names")]
fn a_handshake(fault: Fault, version: &str, level: u8, accepted: bool) {
    let cipher = format!("DEFAULT@SECLEVEL={level}");
    let arguments = [version, "-cipher", &cipher, "-verify_return_error"];
    let Some((ended_well, said)) = connect(&chain(fault), &arguments) else {
        return;
    };
    let verified = said.contains("Verification: OK");
    assert_eq!(ended_well && verified, accepted, "{said}");
}

#[test_case(Fault::StapleGood, "Cert Status: good")]
#[test_case(Fault::StapleRevoked, "Cert Status: revoked")]
#[test_case(Fault::MustStapleGood, "Cert Status: good")]
#[test_case(Fault::MustStapleMissing, "OCSP response: no response sent")]
#[test_case(Fault::StapleGarbage, "response parse error")]
fn a_staple_arrives(fault: Fault, expected: &str) {
    for version in ["-tls1_2", "-tls1_3"] {
        let Some((_, said)) = connect(&chain(fault), &[version, "-status"]) else {
            return;
        };
        let said = said.to_lowercase();
        assert!(said.contains(&expected.to_lowercase()), "{version} {said}");
    }
}

/// The responses themselves, with what OpenSSL says of signature, serial number and dates. It
/// compares the dates with its own clock and no other, so that these are made today.
#[test_case(Fault::StapleGood, &["Response verify OK", "leaf.pem: good"])]
#[test_case(Fault::StapleRevoked, &["Response verify OK", "leaf.pem: revoked"])]
#[test_case(Fault::StapleExpired, &["Response verify OK", "Status times invalid", "status expired"])]
#[test_case(Fault::StapleOtherSerial, &["Response verify OK", "No Status found"])]
#[test_case(Fault::StapleOtherSigner, &["Response Verify Failure"])]
#[test_case(Fault::StapleGarbage, &["Error reading OCSP response"])]
fn an_ocsp_response(fault: Fault, expected: &[&str]) {
    if !*OPENSSL {
        return;
    }
    let authority = Authority::fresh(OffsetDateTime::now_utc()).unwrap();
    let chain = authority.chain(fault, &Names::dns(HOST)).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let file = |name: &str, octets: &[u8]| fs::write(dir.path().join(name), octets).unwrap();
    file("leaf.pem", chain.leaf_pem().as_bytes());
    file("sent.pem", chain.sent_pem().as_bytes());
    file("root.pem", chain.anchor_pem().as_bytes());
    file("staple.der", chain.staple.as_ref().unwrap());
    let issuer = chain.sent_pem().replacen(&chain.leaf_pem(), "", 1);
    file("issuer.pem", issuer.as_bytes());
    let output = Command::new("openssl")
        .current_dir(dir.path())
        .args(["ocsp", "-respin", "staple.der", "-issuer", "issuer.pem"])
        .args(["-cert", "leaf.pem", "-CAfile", "root.pem", "-no-CApath"])
        .args(["-verify_other", "sent.pem", "-no_nonce"])
        .output()
        .unwrap();
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    for expected in expected {
        assert!(said.contains(expected), "{said}");
    }
}

/// A key file is for servers of others, also where its key is of a size that nobody makes.
#[test_case(Fault::Rsa512Leaf)]
#[test_case(Fault::Rsa1024Leaf)]
#[test_case(Fault::Rsa16384Leaf)]
#[test_case(Fault::Rsa2048Leaf)]
#[test_case(Fault::P521Leaf)]
fn a_key_file_signs_for_its_certificate(fault: Fault) {
    if !*OPENSSL {
        return;
    }
    let chain = chain(fault);
    let dir = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| fs::write(dir.path().join(name), text).unwrap();
    file("key.pem", &chain.key_pem);
    file("leaf.pem", &chain.leaf_pem());
    file("message", "message");
    let run = |arguments: &[&str]| {
        let mut command = Command::new("openssl");
        let output = command.current_dir(dir.path()).args(arguments).output();
        let output = output.unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{arguments:?} {said}");
    };
    let dgst = ["dgst", "-sha256"];
    run(&[
        &dgst[..],
        &["-sign", "key.pem", "-out", "signature", "message"],
    ]
    .concat());
    run(&[
        "x509",
        "-in",
        "leaf.pem",
        "-noout",
        "-pubkey",
        "-out",
        "public.pem",
    ]);
    let verify = [
        "-verify",
        "public.pem",
        "-signature",
        "signature",
        "message",
    ];
    run(&[&dgst[..], &verify].concat());
}

/// How `openssl s_client` ends before a server with that chain, and what it says; `None` if there
/// is none to ask.
fn connect(chain: &Chain, arguments: &[&str]) -> Option<(bool, String)> {
    if !*OPENSSL {
        return None;
    }
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("root.pem");
    fs::write(&root, chain.anchor_pem()).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let config = server(chain);
    let server = thread::spawn(move || serve(&listener, config));
    let output = Command::new("openssl")
        .args(["s_client", "-connect", &address, "-servername", HOST])
        .args(["-verify_hostname", HOST, "-no-CApath", "-no-CAstore"])
        .args(["-attime", &NOW.unix_timestamp().to_string(), "-CAfile"])
        .arg(&root)
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    server.join().unwrap();
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said).into_owned();
    Some((output.status.success(), said))
}

fn server(chain: &Chain) -> Arc<ServerConfig> {
    let resolver = SingleCertAndKey::from(chain.certified_key());
    let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(resolver));
    Arc::new(config)
}

/// Serves one connection to its end, however it goes.
fn serve(listener: &TcpListener, config: Arc<ServerConfig>) {
    let (mut tcp, _) = listener.accept().unwrap();
    let mut tls = ServerConnection::new(config).unwrap();
    let mut stream = Stream::new(&mut tls, &mut tcp);
    let _ = stream.write_all(b"hello");
    let _ = stream.read(&mut [0; 64]);
}
