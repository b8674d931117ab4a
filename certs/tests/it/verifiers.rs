//! Every chain before two verifiers that share no code: OpenSSL and webpki.

use crate::{AUTHORITY, HOST, NOW, chain};
use mailproof_certs::{Chain, Fault, Names};
use pretty_assertions::assert_eq;
use rustls::{
    RootCertStore,
    client::{WebPkiServerVerifier, danger::ServerCertVerifier as _},
    crypto::aws_lc_rs::default_provider,
    pki_types::{ServerName, UnixTime},
};
use std::{
    fs,
    io::Write as _,
    process::Command,
    sync::{Arc, LazyLock},
    time::Duration,
};
use test_case::test_case;

/// `(code, depth)` of all that OpenSSL has against the chain, and the error of webpki. Nothing
/// but the one fault may come up: a second error would hide a client that misses the first.
#[test_case(Fault::Valid, &[], None)]
#[test_case(Fault::SelfSigned, &[(18, 0)], Some("UnknownIssuer"))]
#[test_case(Fault::ExpiredLeaf, &[(10, 0)], Some("Expired"))]
#[test_case(Fault::ExpiredIntermediate, &[(10, 1)], Some("Expired"))]
#[test_case(Fault::NotYetValid, &[(9, 0)], Some("NotValidYet"))]
#[test_case(Fault::WrongHost, &[(62, 0)], Some("NotValidForName"))]
// Both right: RFC 7817 §3 rule 4 lets a client read the common name, and lets it not.
#[test_case(Fault::NoSan, &[], Some("NotValidForName"))]
#[test_case(Fault::UnknownRoot, &[(20, 1)], Some("UnknownIssuer"))]
#[test_case(Fault::MissingIntermediate, &[(20, 0)], Some("UnknownIssuer"))]
// Twice the same fact: what is no CA has not the purpose of one.
#[test_case(Fault::IntermediateNotCa, &[(79, 1), (26, 1)], Some("EndEntityUsedAsCa"))]
#[test_case(Fault::WrongEku, &[(26, 0)], Some("InvalidPurpose"))]
// Both right: the chain is sound. That the key is another one shows in the handshake.
#[test_case(Fault::WrongKey, &[], None)]
fn verdicts(fault: Fault, openssl: &[(u16, u8)], webpki: Option<&str>) {
    let table = fault.verdicts();
    let first = table.openssl.map(|error| (error.code, error.depth));
    assert_eq!(first, openssl.first().copied(), "table");
    assert_eq!(table.webpki, webpki, "table");

    let chain = chain(fault);
    assert_eq!(ask_webpki(&chain, HOST).as_deref(), webpki);
    if let Some(verdict) = ask_openssl(&chain, &["-verify_hostname", HOST]) {
        assert_eq!(verdict, openssl);
    }
}

#[test]
fn every_fault_has_its_row_above() {
    let rows = include_str!("verifiers.rs");
    for fault in Fault::ALL {
        assert!(
            rows.contains(&format!("#[test_case(Fault::{fault:?},")),
            "{fault}"
        );
    }
}

/// Else a strict client would reject every chain, and for the wrong reason.
#[test]
fn the_valid_chain_holds_in_the_strict_mode_of_openssl() {
    let arguments = ["-x509_strict", "-verify_hostname", HOST];
    if let Some(verdict) = ask_openssl(&chain(Fault::Valid), &arguments) {
        assert_eq!(verdict, []);
    }
}

#[test_case("127.0.0.1")]
#[test_case("::1")]
fn an_address_is_a_name_too(address: &str) {
    let names = Names {
        dns: vec![HOST.to_owned()],
        ip: vec![address.parse().unwrap()],
    };
    let ask = |fault| {
        let chain = AUTHORITY.chain(fault, &names).unwrap();
        let openssl = ask_openssl(&chain, &["-verify_ip", address]);
        (ask_webpki(&chain, address), openssl)
    };
    let (webpki, openssl) = ask(Fault::Valid);
    assert_eq!(webpki, None);
    assert!(openssl.is_none_or(|errors| errors.is_empty()));

    // Without alternative names not even OpenSSL looks for an address: 64 is IP mismatch.
    for fault in [Fault::WrongHost, Fault::NoSan] {
        let (webpki, openssl) = ask(fault);
        assert_eq!(webpki.as_deref(), Some("NotValidForName"), "{fault}");
        assert!(openssl.is_none_or(|errors| errors == [(64, 0)]), "{fault}");
    }
}

#[test]
fn the_other_root_makes_its_chain_valid_and_the_others_not() {
    let other = AUTHORITY.other_root_pem();
    let arguments = ["-verify_hostname", HOST];
    let verdict = ask_openssl_with_root(&chain(Fault::UnknownRoot), other, &arguments);
    assert!(verdict.is_none_or(|errors| errors.is_empty()));
    let verdict = ask_openssl_with_root(&chain(Fault::Valid), other, &arguments);
    assert!(verdict.is_none_or(|errors| errors == [(20, 1)]));
}

/// What webpki has against the chain, without the context it gives.
fn ask_webpki(chain: &Chain, host: &str) -> Option<String> {
    let mut roots = RootCertStore::empty();
    roots.add(AUTHORITY.root_der()).unwrap();
    let provider = Arc::new(default_provider());
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider)
        .build()
        .unwrap();
    let now = Duration::from_secs(NOW.unix_timestamp().try_into().unwrap());
    let host = ServerName::try_from(host).unwrap();
    let (leaf, above) = chain.sent.split_first().unwrap();
    let verdict =
        verifier.verify_server_cert(leaf, above, &host, &[], UnixTime::since_unix_epoch(now));
    verdict.err().map(|error| name_of(&error))
}

/// The name of a certificate error: `NotValidForNameContext { .. }` is `NotValidForName`.
pub(crate) fn name_of(error: &rustls::Error) -> String {
    use rustls::{CertificateError, Error};
    let text = match error {
        Error::InvalidCertificate(CertificateError::Other(other)) => format!("{:?}", other.0),
        Error::InvalidCertificate(error) => format!("{error:?}"),
        error => return format!("not a certificate error: {error:?}"),
    };
    let name = text.split(' ').next().unwrap_or_default();
    name.strip_suffix("Context").unwrap_or(name).to_owned()
}

/// Code and depth of the errors of `openssl verify`; `None` if there is no OpenSSL whose verdict
/// is known.
fn ask_openssl(chain: &Chain, arguments: &[&str]) -> Option<Vec<(u16, u8)>> {
    ask_openssl_with_root(chain, AUTHORITY.root_pem(), arguments)
}

fn ask_openssl_with_root(chain: &Chain, root: &str, arguments: &[&str]) -> Option<Vec<(u16, u8)>> {
    OPENSSL.then(|| {
        let dir = tempfile::tempdir().unwrap();
        let file = |name: &str, text: &str| {
            let path = dir.path().join(name);
            fs::write(&path, text).unwrap();
            path
        };
        let output = Command::new("openssl")
            .args([
                "verify",
                "-purpose",
                "sslserver",
                "-no-CApath",
                "-no-CAstore",
            ])
            .args(["-attime", &NOW.unix_timestamp().to_string()])
            .args(arguments)
            .arg("-CAfile")
            .arg(file("root.pem", root))
            .arg("-untrusted")
            .arg(file("sent.pem", &chain.sent_pem()))
            .arg(file("leaf.pem", &chain.sent_pem()))
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        let errors: Vec<_> = said.lines().filter_map(error_in).collect();
        assert_eq!(output.status.success(), errors.is_empty(), "{said}");
        errors
    })
}

/// From `error 10 at 1 depth lookup: certificate has expired`.
fn error_in(line: &str) -> Option<(u16, u8)> {
    let mut words = line.strip_prefix("error ")?.split(' ');
    let code = words.next()?.parse().ok()?;
    let depth = words.nth(1)?.parse().ok()?;
    Some((code, depth))
}

/// Whether there is an OpenSSL whose verdicts are known; if not, it says so once.
static OPENSSL: LazyLock<bool> = LazyLock::new(|| {
    let reason = match Command::new("openssl").arg("version").output() {
        Err(_) => "openssl not installed".to_owned(),
        Ok(output) => {
            let version = String::from_utf8_lossy(&output.stdout).trim().to_owned();
            if version.starts_with("OpenSSL 3.") {
                return true;
            }
            format!("the expected codes are those of OpenSSL 3, this is {version}")
        }
    };
    #[expect(clippy::explicit_write, reason = "eprintln is captured and never seen")]
    writeln!(std::io::stderr(), "\nskipped: {reason}").unwrap();
    false
});
