//! From the settings of a request to a TLS configuration: TLS 1.2 at least (RFC 8996), the configured name
//! in the ClientHello (RFC 6066 §3), and no session ever resumed, so that no trust crosses over to another
//! account (RFC 8314 §5.4).

use std::{
    collections::HashMap,
    fs,
    path::Path,
    sync::{Arc, Mutex, PoisonError, atomic::Ordering},
};

use mailproof_scenarios::model::{Protocol, Security, Trust, event::Said};
use rustls::{
    ClientConfig, RootCertStore, SignatureScheme,
    client::{ResolvesClientCert, Resumption},
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, CertificateRevocationListDer, ServerName, pem::PemObject as _},
    sign::CertifiedKey,
    version::{TLS12, TLS13},
};

use crate::subject::Request;

use super::{
    chain::Attention,
    dial::in_ascii,
    failure::{Failure, Phase},
    flaws::Flaws,
    memory::State,
    names,
    path::Skips,
    strict::Demands,
    task,
    verifier::{Lenience, Policy, Replaceable, Verifier},
    watch::{Noticed, Quirks},
};

/// What is needed to start TLS.
#[derive(Clone)]
pub(super) struct Tls {
    pub(super) config: Arc<ClientConfig>,
    pub(super) name: ServerName<'static>,
    pub(super) noticed: Arc<Noticed>,
    /// Flaws of the stack.
    pub(super) quirks: Quirks,
    /// A flaw: what is said before the handshake is complete.
    pub(super) early: Option<Vec<u8>>,
}

/// A flaw: what is kept so that sessions can be resumed, by whatever the sessions are thought to belong to.
#[derive(Debug, Default)]
pub(super) struct Sessions(Mutex<HashMap<String, Kept>>);

/// One configuration with its sessions. Whom it trusts is changed with each request, which nobody asks for a
/// session that is resumed.
#[derive(Clone, Debug)]
struct Kept {
    config: Arc<ClientConfig>,
    verifier: Arc<Replaceable>,
}

/// Reads the settings. `alias` is a name that only a flawed client takes for the server's.
///
/// # Errors
/// A [`Failure`] where a file cannot be used or the host can be no name of a server.
pub(super) fn prepare(
    request: &Request,
    security: Security,
    flaws: &Flaws,
    memory: &State,
    alias: Option<String>,
) -> Result<Tls, Failure> {
    let wrong = |why: String| settings(request.protocol).declined(Said::Failed, &why);
    let host = request.host.strip_suffix('.').unwrap_or(&request.host);
    // Names are compared, and sent, in A-labels (RFC 6125 §6.4.2, RFC 6066 §3).
    let name = ServerName::try_from(in_ascii(host))
        .map_err(|_| wrong(format!("`{}` is no host name", request.host)))?;
    let provider = Arc::new(aws_lc_rs::default_provider());
    let noticed = Arc::<Noticed>::default();
    let mut lenience = lenience(request, security, flaws, memory);
    lenience.name_if_warned = flaws.excuses_unrecognized_name().then(|| noticed.clone());
    let verifier = Verifier {
        policy: policy(request, flaws).map_err(&wrong)?,
        host: request.host.clone(),
        alias,
        crls: crls(request, flaws).map_err(&wrong)?,
        lenience,
        demands: demands(flaws),
        algorithms: provider.signature_verification_algorithms,
    };
    let versions: &[_] = if flaws.needs_tls13() {
        &[&TLS13]
    } else {
        &[&TLS13, &TLS12]
    };
    let verifier = Arc::new(verifier);
    let kept = belongs_to(request, flaws);
    if let Some(owner) = &kept
        && let Some(kept) = memory.sessions.get(owner)
    {
        kept.verifier.replace(verifier);
        return Ok(Tls {
            config: kept.config,
            name,
            noticed,
            quirks: quirks(flaws),
            early: flaws.signs_in_early().then(|| task::at_once(request)),
        });
    }
    let replaceable = Arc::new(Replaceable::new(verifier));
    let builder = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(versions)
        .map_err(|error| wrong(error.to_string()))?
        .dangerous()
        .with_custom_certificate_verifier(replaceable.clone());
    let mut config = if flaws.chokes_on_certificate_request() {
        builder.with_client_cert_resolver(Arc::new(Asked(noticed.clone())))
    } else {
        builder.with_no_client_auth()
    };
    config.enable_sni = !flaws.no_server_name();
    config.enable_early_data = flaws.signs_in_early();
    if kept.is_none() {
        config.resumption = Resumption::disabled();
    }
    let config = Arc::new(config);
    if let Some(owner) = kept {
        let kept = Kept {
            config: config.clone(),
            verifier: replaceable,
        };
        memory.sessions.keep(owner, kept);
    }
    Ok(Tls {
        config,
        name,
        noticed,
        quirks: quirks(flaws),
        early: None,
    })
}

/// Whose sessions are resumed; nobody's, without a flaw.
fn belongs_to(request: &Request, flaws: &Flaws) -> Option<String> {
    let Request {
        host,
        port,
        account,
        ..
    } = request;
    if flaws.resumes_across_accounts() {
        Some(format!("{host}:{port}"))
    } else if flaws.signs_in_early() {
        Some(format!("{account}@{host}:{port}"))
    } else {
        None
    }
}

fn quirks(flaws: &Flaws) -> Quirks {
    Quirks {
        hello_retry: flaws.chokes_on_hello_retry(),
        small_records: flaws.chokes_on_small_records(),
        close_notify: flaws.stuck_on_close_notify(),
        hello_request: flaws.stuck_on_hello_request(),
        many_records: flaws.chokes_on_tickets(),
    }
}

impl Sessions {
    fn get(&self, owner: &str) -> Option<Kept> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.get(owner).cloned()
    }

    fn keep(&self, owner: String, kept: Kept) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.insert(owner, kept);
    }
}

/// A flaw: remembers that a client certificate was asked for, and has none.
#[derive(Debug)]
struct Asked(Arc<Noticed>);

impl ResolvesClientCert for Asked {
    fn resolve(&self, _hints: &[&[u8]], _schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        self.0.certificate_request.store(true, Ordering::Relaxed);
        None
    }

    fn has_certs(&self) -> bool {
        true
    }
}

fn settings(protocol: Protocol) -> Phase {
    Phase {
        protocol,
        step: "settings",
    }
}

/// Trust `system` has the anchors of the store that the request names. Without one it has none: this client
/// belongs to the harness, and nobody installs the test authority for it. So it refuses every certificate,
/// which is what the system would say of each of ours.
fn policy(request: &Request, flaws: &Flaws) -> Result<Policy, String> {
    match request.trust {
        Trust::Always if flaws.always_trust_still_verifies() => anchors(&[&request.ca_file]),
        Trust::Always => Ok(Policy::Always),
        Trust::Ca => match given(request, flaws) {
            Err(_) if flaws.ignores_broken_ca_file() || flaws.accepts_any_certificate() => {
                Ok(Policy::Always)
            }
            policy => policy,
        },
        Trust::Default if flaws.verifies_only_when_told() => Ok(Policy::Always),
        Trust::System | Trust::Default => match &request.store_file {
            Some(store) => anchors(&[store]),
            None => Ok(Policy::Anchors(
                Vec::new(),
                Arc::new(RootCertStore::empty()),
            )),
        },
        Trust::Pin => {
            let file = request.pin_file.as_deref();
            let file = file.ok_or_else(|| "trust is `pin`, but no pin was given".to_owned())?;
            let mut pins = certificates(file)?;
            if pins.is_empty() {
                return Err(format!("no certificate in {}", file.display()));
            }
            Ok(Policy::Pin(pins.swap_remove(0)))
        }
    }
}

/// The authorities that the user gave, and no others.
fn given(request: &Request, flaws: &Flaws) -> Result<Policy, String> {
    match &request.store_file {
        Some(store) if flaws.adds_system_authorities() => anchors(&[&request.ca_file, store]),
        _ => anchors(&[&request.ca_file]),
    }
}

/// All that is in these files. One that has nothing, or something that is no certificate, was not meant so.
fn anchors(files: &[&Path]) -> Result<Policy, String> {
    let mut all = Vec::new();
    let mut store = RootCertStore::empty();
    for file in files {
        let anchors = certificates(file)?;
        if anchors.is_empty() {
            return Err(format!("no certificate in {}", file.display()));
        }
        for anchor in anchors {
            store
                .add(anchor.clone())
                .map_err(|error| format!("cannot use {}: {error}", file.display()))?;
            all.push(anchor);
        }
    }
    Ok(Policy::Anchors(all, Arc::new(store)))
}

fn crls(
    request: &Request,
    flaws: &Flaws,
) -> Result<Vec<CertificateRevocationListDer<'static>>, String> {
    let Some(file) = request.crl_file.as_deref().filter(|_| !flaws.ignores_crl()) else {
        return Ok(Vec::new());
    };
    let cannot = |error: &dyn std::fmt::Display| format!("cannot read {}: {error}", file.display());
    let pem = fs::read(file).map_err(|error| cannot(&error))?;
    CertificateRevocationListDer::pem_slice_iter(&pem)
        .collect::<Result<_, _>>()
        .map_err(|error| cannot(&error))
}

fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let cannot = |error: &dyn std::fmt::Display| format!("cannot read {}: {error}", file.display());
    let pem = fs::read(file).map_err(|error| cannot(&error))?;
    CertificateDer::pem_slice_iter(&pem)
        .collect::<Result<_, _>>()
        .map_err(|error| cannot(&error))
}

fn lenience(request: &Request, security: Security, flaws: &Flaws, memory: &State) -> Lenience {
    let after_starttls = security != Security::Implicit;
    let certificate = flaws.accepts_any_certificate()
        || (flaws.skips_verification_after_starttls() && after_starttls)
        || (flaws.skips_verification_on_smtp() && request.protocol == Protocol::Smtp)
        || (flaws.ignores_pin() && request.trust == Trust::Pin)
        || memory.anything_goes
        || (flaws.always_trust_leaks() && memory.somebody_trusts_always)
        || (flaws.verifies_once() && memory.verified.contains(&request.host));
    Lenience {
        certificate,
        exceptions: memory.exceptions.clone(),
        name: name_quirks(flaws),
        name_if_warned: None,
        proof: flaws.ignores_proof(),
        path: skips(flaws),
        intermediates: flaws.ignores_intermediates(),
        attention: Attention {
            staple: !flaws.ignores_staple(),
            demand: !flaws.ignores_must_staple(),
            content: !flaws.believes_any_staple(),
        },
    }
}

fn name_quirks(flaws: &Flaws) -> names::Quirks {
    names::Quirks {
        any: flaws.ignores_name() || flaws.accepts_malformed(),
        common_name: flaws.falls_back_to_common_name(),
        deep: flaws.wildcards_match_deeply(),
        apex: flaws.wildcards_match_the_apex(),
        part: flaws.wildcards_match_in_part(),
        anywhere: flaws.wildcards_match_anywhere(),
        everything: flaws.wildcards_match_everything(),
        addresses: flaws.skips_name_of_addresses(),
        addresses_as_text: flaws.compares_addresses_as_text(),
        nul: flaws.stops_at_nul(),
        other_kinds: flaws.believes_any_kind_of_name(),
        u_labels: flaws.compares_u_labels(),
    }
}

fn skips(flaws: &Flaws) -> Skips {
    Skips {
        leaf_validity: flaws.ignores_validity(),
        issuer_validity: flaws.ignores_validity() || flaws.ignores_issuer_validity(),
        hours: flaws.gives_a_day_of_grace(),
        anchor: flaws.ignores_anchor(),
        anchor_key: flaws.trusts_issuer_name(),
        leaf_signature: flaws.skips_leaf_signature(),
        unknown_signatures: flaws.skips_unknown_signatures(),
        short_keys: flaws.accepts_short_keys(),
        basic_constraints: flaws.ignores_basic_constraints(),
        path_length: flaws.ignores_path_length(),
        key_usage: flaws.ignores_key_usage(),
        key_cert_sign: flaws.ignores_key_cert_sign(),
        name_constraints: flaws.ignores_name_constraints(),
        constrained_wildcards: flaws.ignores_wildcards_in_constraints(),
        critical_extensions: flaws.ignores_critical_extensions(),
        form: flaws.accepts_malformed(),
    }
}

fn demands(flaws: &Flaws) -> Demands {
    Demands {
        order: flaws.needs_chain_in_order(),
        first_path: flaws.takes_the_first_path_only(),
        early_dates: flaws.chokes_on_late_dates(),
        purpose: flaws.needs_a_purpose(),
        no_constraints: flaws.refuses_name_constraints(),
        p256: flaws.knows_p256_only(),
        no_staple: flaws.refuses_staples(),
        no_wildcards: flaws.refuses_wildcards(),
        no_addresses: flaws.knows_no_addresses(),
        ascii_host: flaws.knows_no_u_labels(),
        letter_case: flaws.compares_letter_case(),
        few_names: flaws.reads_few_names(),
    }
}
