//! From a request to what is run. Must not run it.

use std::{collections::BTreeMap, path::Path};

use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use mailproof_scenarios::model::{Crl, Security};
use rustls::pki_types::{CertificateDer, pem::PemObject};
use x509_parser::parse_x509_certificate;

use super::{
    Adapter, Argument, Commands, FileContent, FillError, Kind, Setting, Template, Value, Values,
};
use crate::{process::Input, subject::Request, units};

/// What is run for one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prepared {
    /// The program and its arguments.
    pub command: Vec<String>,
    /// Variables beside those that every subject gets.
    pub environment: Vec<(String, String)>,
    /// Files to write into the work folder first, by their path in there.
    pub files: Vec<(String, Vec<u8>)>,
    /// Standard input.
    pub stdin: Input,
}

/// Why a request cannot be run.
#[derive(Debug, thiserror::Error)]
pub enum PrepareError {
    /// The subject does not support it, as declared.
    #[error("the adapter has nothing for {0}")]
    Lacks(String),
    /// A placeholder has no value.
    #[error(transparent)]
    Fill(#[from] FillError),
    /// The request cannot be written down.
    #[error("the request is no JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// Code inside mailproof and a product that hooks operate have no command line.
    #[error("this subject has no command line")]
    NoCommand,
}

impl Adapter {
    /// What is run for `request`.
    ///
    /// # Errors
    /// [`PrepareError`] where the adapter has no command line for it, or lacks a value that the request
    /// does not have (a pinned certificate).
    pub fn prepare(&self, request: &Request) -> Result<Prepared, PrepareError> {
        let mut values = built_in(request, self.folder.as_deref());
        let (run, stdin) = match &self.kind {
            Kind::Embedded { .. } | Kind::Remote(_) => return Err(PrepareError::NoCommand),
            Kind::Shim { run } => {
                let mut json = serde_json::to_vec(request)?;
                json.push(b'\n');
                (run, Input::Octets(json))
            }
            Kind::Template(commands) => {
                let job = commands.jobs.get(&(request.protocol, request.job));
                let job = job.ok_or_else(|| {
                    PrepareError::Lacks(format!("job {} over {}", request.job, request.protocol))
                })?;
                settle(commands, request, &mut values)?;
                let stdin = match &job.stdin {
                    Some(file) => Input::File(file.fill(&values)?.into()),
                    None => Input::Nothing,
                };
                (&job.run, stdin)
            }
        };
        Ok(Prepared {
            command: arguments(run, &values)?,
            environment: self.environment_of(request, &values)?,
            files: self.files_of(&values)?,
            stdin,
        })
    }

    /// What the hooks of a remote adapter may name for `request`, without secrets and what they take
    /// themselves.
    ///
    /// # Errors
    /// [`PrepareError`] where a setting of the request is not supported.
    pub fn hook_values(&self, request: &Request) -> Result<Values, PrepareError> {
        let mut values = built_in(request, self.folder.as_deref());
        if let Kind::Remote(remote) = &self.kind {
            settle(&remote.settings, request, &mut values)?;
        }
        Ok(values)
    }

    /// Variables beside those that every subject gets.
    pub(crate) fn environment_of(
        &self,
        request: &Request,
        values: &Values,
    ) -> Result<Vec<(String, String)>, FillError> {
        let mut environment = filled(&self.environment, values)?;
        if request.store_file.is_some() {
            environment.extend(filled(&self.system_store, values)?);
        }
        Ok(environment.into_iter().collect())
    }

    /// What is written into the work folder before a step.
    pub(crate) fn files_of(&self, values: &Values) -> Result<Vec<(String, Vec<u8>)>, FillError> {
        let files = self.files.iter();
        files
            .map(|(name, content)| {
                let octets = match content {
                    FileContent::Verbatim(octets) => octets.clone(),
                    FileContent::Template(template) => template.fill(values)?.into_bytes(),
                };
                Ok((name.clone(), octets))
            })
            .collect()
    }
}

/// Adds the adapter's own values and `{settings}`.
fn settle(commands: &Commands, request: &Request, values: &mut Values) -> Result<(), PrepareError> {
    let protocol = request.protocol;
    let lacks = |what: String| PrepareError::Lacks(format!("{what} over {protocol}"));
    let none = Setting::default();
    let security = commands.security.get(&(protocol, request.security));
    let trust = commands.trust.get(&(protocol, request.trust));
    let auth = commands.auth.get(&(protocol, request.auth));
    let lists = match request.crl_file {
        Some(_) => Crl::Given,
        None => Crl::None,
    };
    let crl = commands.crl.get(&(protocol, lists));
    let chosen = [
        security.ok_or_else(|| lacks(format!("security {}", request.security)))?,
        trust
            .or_else(|| any_trust(commands, request, &none))
            .ok_or_else(|| lacks(format!("trust {}", request.trust)))?,
        auth.ok_or_else(|| lacks(format!("auth {}", request.auth)))?,
        crl.unwrap_or(&none),
    ];

    let mut own = filled(&commands.values, values)?;
    for setting in chosen {
        own.extend(filled(&setting.values, values)?);
    }
    values.extend(
        own.into_iter()
            .map(|(name, value)| (name, Value::One(value))),
    );
    let mut settings = Vec::new();
    for setting in chosen {
        settings.extend(arguments(&setting.args, values)?);
    }
    values.insert("settings".to_owned(), Value::Many(settings));
    Ok(())
}

/// Without TLS there is nothing to trust: in the place of a trust that the subject does not know, any does.
fn any_trust<'a>(
    commands: &'a Commands,
    request: &Request,
    none: &'a Setting,
) -> Option<&'a Setting> {
    if request.security != Security::None {
        return None;
    }
    let mut known = commands.trust.iter();
    let known = known.find(|((protocol, _), _)| *protocol == request.protocol);
    Some(known.map_or(none, |(_, setting)| setting))
}

fn built_in(request: &Request, folder: Option<&Path>) -> Values {
    let seconds = request.timeout_ms.div_ceil(1000).max(1);
    let path = |path: &Path| path.to_string_lossy().into_owned();
    let one = [
        ("host", request.host.clone()),
        ("url_host", url_host(&request.host)),
        ("port", request.port.to_string()),
        ("protocol", request.protocol.to_string()),
        ("job", request.job.to_string()),
        ("case", request.case.clone()),
        ("account", request.account.clone()),
        ("user", request.user.clone()),
        ("password", request.password.clone()),
        ("token", request.token.clone()),
        ("from", request.from.clone()),
        ("ca", path(&request.ca_file)),
        ("message", path(&request.message_file)),
        ("mailbox", request.mailbox.clone()),
        ("work", path(&request.work_dir)),
        ("home", path(&request.work_dir.join(super::HOME))),
        ("timeout_s", seconds.to_string()),
        (
            "total_s",
            seconds.saturating_mul(2).saturating_add(3).to_string(),
        ),
        ("timeout_ms", request.timeout_ms.to_string()),
    ];
    let mut values: Values = one
        .into_iter()
        .map(|(name, value)| (name.to_owned(), Value::One(value)))
        .collect();
    let mut add = |name: &str, value| values.insert(name.to_owned(), value);
    add("to", Value::Many(request.to.clone()));
    if let Some(folder) = folder {
        add("folder", Value::One(path(folder)));
    }
    if let Some(store) = &request.store_file {
        add("store", Value::One(path(store)));
    }
    if let Some(crl) = &request.crl_file {
        add("crl", Value::One(path(crl)));
    }
    if let Some(pin) = &request.pin_file {
        add("pin", Value::One(path(pin)));
        if let Ok(leaf) = CertificateDer::from_pem_file(pin) {
            add("pin_fingerprint", Value::One(units::fingerprint(&leaf)));
            if let Ok((_, parsed)) = parse_x509_certificate(&leaf) {
                let spki = digest(&SHA256, parsed.public_key().raw);
                add("pin_spki", Value::One(STANDARD.encode(spki)));
            }
        }
    }
    values
}

/// A host as it stands in a URL (RFC 3986 §3.2.2): an IPv6 address in brackets.
fn url_host(host: &str) -> String {
    match host.parse::<std::net::Ipv6Addr>() {
        Ok(_) => format!("[{host}]"),
        Err(_) => host.to_owned(),
    }
}

pub(super) fn arguments(arguments: &[Argument], values: &Values) -> Result<Vec<String>, FillError> {
    let mut filled = Vec::new();
    for argument in arguments {
        filled.extend(argument.fill(values)?);
    }
    Ok(filled)
}

pub(super) fn filled(
    templates: &BTreeMap<String, Template>,
    values: &Values,
) -> Result<BTreeMap<String, String>, FillError> {
    templates
        .iter()
        .map(|(name, template)| Ok((name.clone(), template.fill(values)?)))
        .collect()
}
