//! Every chain before two verifiers that share no code: OpenSSL and webpki.

use crate::{AUTHORITY, HOST, NOW, chain, host};
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
    net::IpAddr,
    process::Command,
    sync::{Arc, LazyLock},
    time::Duration,
};
use test_case::test_case;

/// Errors of OpenSSL beside the one in the table, as `(code, depth)`: the same fact twice. Any
/// other second error would hide a client that misses the first.
fn also(fault: Fault) -> &'static [(u16, u8)] {
    match fault {
        // What is no CA has not the purpose of one.
        Fault::IntermediateNotCa => &[(26, 1)],
        // What may not sign certificates is no CA either.
        Fault::NoKeyCertSign => &[(26, 1), (32, 1)],
        _ => &[],
    }
}

/// The one table, asked of both.
#[test]
fn verdicts() {
    let mut wrong = Vec::new();
    for &fault in Fault::ALL {
        let table = fault.verdicts();
        let chain = chain(fault);
        let webpki = ask_webpki(&chain, &host(fault));
        if webpki.as_deref() != table.webpki {
            wrong.push(format!("{fault}: webpki says {webpki:?}"));
        }
        let first = table.openssl.map(|error| (error.code, error.depth));
        let expected: Vec<_> = first
            .into_iter()
            .chain(also(fault).iter().copied())
            .collect();
        let openssl = ask_openssl(&chain, &identity(&host(fault)));
        if openssl.as_ref().is_some_and(|openssl| *openssl != expected) {
            wrong.push(format!("{fault}: openssl says {openssl:?}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

fn identity(host: &str) -> [&str; 2] {
    match host.parse::<IpAddr>() {
        Ok(_) => ["-verify_ip", host],
        Err(_) => ["-verify_hostname", host],
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
    let Some((leaf, above)) = chain.sent.split_first() else {
        // What rustls says before it asks webpki.
        return Some("NoCertificatesPresented".to_owned());
    };
    let verifier = webpki(chain);
    let now = Duration::from_secs(NOW.unix_timestamp().try_into().unwrap());
    let host = ServerName::try_from(host).unwrap();
    let verdict =
        verifier.verify_server_cert(leaf, above, &host, &[], UnixTime::since_unix_epoch(now));
    verdict.err().map(|error| name_of(&error))
}

/// The verifier that trusts the anchor of the chain and knows its revocation lists.
pub(crate) fn webpki(chain: &Chain) -> Arc<WebPkiServerVerifier> {
    let mut roots = RootCertStore::empty();
    roots.add(chain.anchor.clone()).unwrap();
    let crls = chain.crls.iter().cloned().map(Into::into);
    let provider = Arc::new(default_provider());
    WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider)
        .with_crls(crls)
        .enforce_revocation_expiration()
        .build()
        .unwrap()
}

/// The name of a certificate error: `NotValidForNameContext { .. }` is `NotValidForName`.
pub(crate) fn name_of(error: &rustls::Error) -> String {
    use rustls::{CertificateError, Error};
    let text = match error {
        Error::InvalidCertificate(CertificateError::Other(other)) => format!("{:?}", other.0),
        Error::InvalidCertificate(error) => format!("{error:?}"),
        // As in `InvalidMessage(HandshakePayloadTooLarge)`.
        error => {
            let text = format!("{error:?}");
            let inner = text.trim_end_matches(')').rsplit('(').next();
            return inner.unwrap_or_default().to_owned();
        }
    };
    let name = text.split(' ').next().unwrap_or_default();
    name.strip_suffix("Context").unwrap_or(name).to_owned()
}

/// Code and depth of the errors of `openssl verify`; `None` if there is no OpenSSL whose verdict
/// is known.
fn ask_openssl(chain: &Chain, arguments: &[&str]) -> Option<Vec<(u16, u8)>> {
    ask_openssl_with_root(chain, &chain.anchor_pem(), arguments)
}

fn ask_openssl_with_root(chain: &Chain, root: &str, arguments: &[&str]) -> Option<Vec<(u16, u8)>> {
    OPENSSL.then(|| {
        let dir = tempfile::tempdir().unwrap();
        let file = |name: &str, text: &str| {
            let path = dir.path().join(name);
            fs::write(&path, text).unwrap();
            path
        };
        let leaf = match chain.sent.as_slice() {
            [] => String::new(),
            _ => chain.leaf_pem(),
        };
        let mut command = Command::new("openssl");
        command
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
            .arg(file("root.pem", root));
        if !chain.crls.is_empty() {
            let crls = file("crls.pem", &chain.crls_pem());
            command.arg("-crl_check_all").arg("-CRLfile").arg(crls);
        }
        let output = command
            .arg("-untrusted")
            .arg(file("sent.pem", &chain.sent_pem()))
            .arg(file("leaf.pem", &leaf))
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        if ["unable to load", "Unable to load", "Could not"]
            .iter()
            .any(|it| said.contains(it))
        {
            return vec![(0, 0)];
        }
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
pub(crate) static OPENSSL: LazyLock<bool> = LazyLock::new(|| {
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
