//! lettre, as its documentation tells people to use it.
//!
//! What it is weak in shows: nothing is put right here. Its timeout is the one that it offers; its errors are
//! told apart by the questions that it answers about them.

use std::{fs, time::Duration};

use lettre::{
    Address, AsyncSmtpTransport, AsyncTransport as _, Tokio1Executor,
    address::Envelope,
    transport::smtp::{
        Error,
        authentication::{Credentials, Mechanism},
        client::{Certificate, CertificateStore, Tls, TlsParameters},
    },
};
use mailproof_scenarios::model::{Auth, Job, Protocol, Security, Trust, event::Said};

use crate::subject::{Embedded, Performing, Report, Request, Session, Supports};

/// The SMTP client of the lettre library.
#[derive(Clone, Copy, Debug, Default)]
pub struct Lettre;

impl Lettre {
    /// The version that is built in.
    pub const VERSION: &'static str = "0.11.23";

    /// What it can do.
    pub fn supports() -> Supports {
        Supports {
            protocols: vec![Protocol::Smtp],
            jobs: vec![
                (Protocol::Smtp, Job::Send),
                (Protocol::Smtp, Job::TestConnection),
            ],
            security: vec![
                Security::None,
                Security::StarttlsOptional,
                Security::StarttlsRequired,
                Security::Implicit,
            ],
            trust: vec![Trust::System, Trust::Ca, Trust::Always, Trust::Default],
            auth: Auth::ALL.to_vec(),
            same_process: true,
            several_recipients: true,
            store: false,
            crl: false,
        }
    }
}

impl Embedded for Lettre {
    fn open(&self) -> Box<dyn Session> {
        Box::new(*self)
    }
}

impl Session for Lettre {
    fn perform<'a>(&'a mut self, request: &'a Request) -> Performing<'a> {
        Box::pin(async move {
            if let Some(what) = super::lacks(&Lettre::supports(), request) {
                return Report::Unsupported { what };
            }
            match run(request).await {
                Ok(report) => report,
                Err(Trouble::Settings(why)) => Report::failure(Said::Failed, why),
                Err(Trouble::Library(error)) => {
                    Report::failure(said(&error), format!("SMTP: {error}"))
                }
            }
        })
    }
}

/// Why nothing came of it.
enum Trouble {
    Settings(String),
    Library(Error),
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        Trouble::Library(error)
    }
}

fn settings(error: impl std::fmt::Display) -> Trouble {
    Trouble::Settings(format!("settings: {error}"))
}

async fn run(request: &Request) -> Result<Report, Trouble> {
    let transport = transport(request)?;
    if request.job == Job::TestConnection {
        return Ok(if transport.test_connection().await? {
            Report::success()
        } else {
            Report::failure(Said::Failed, "SMTP: the server did not answer NOOP")
        });
    }
    let address = |text: &String| text.parse::<Address>().map_err(settings);
    let to = request.to.iter().map(address).collect::<Result<_, _>>()?;
    let envelope = Envelope::new(Some(address(&request.from)?), to).map_err(settings)?;
    let message = fs::read(&request.message_file).map_err(settings)?;
    transport.send_raw(&envelope, &message).await?;
    Ok(Report::success())
}

fn transport(request: &Request) -> Result<AsyncSmtpTransport<Tokio1Executor>, Trouble> {
    let tls = match request.security {
        Security::None => Tls::None,
        Security::StarttlsOptional => Tls::Opportunistic(tls(request)?),
        Security::Implicit => Tls::Wrapper(tls(request)?),
        Security::StarttlsRequired | Security::Automatic => Tls::Required(tls(request)?),
    };
    let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&request.host)
        .port(request.port)
        .tls(tls)
        .timeout(Some(Duration::from_millis(request.timeout_ms)));
    let mechanisms = match request.auth {
        Auth::None | Auth::Password => None,
        Auth::Plain => Some(Mechanism::Plain),
        Auth::Login => Some(Mechanism::Login),
        Auth::Xoauth2 => Some(Mechanism::Xoauth2),
    };
    if let Some(mechanism) = mechanisms {
        builder = builder.authentication(vec![mechanism]);
    }
    let secret = match request.auth {
        Auth::None => return Ok(builder.build()),
        Auth::Xoauth2 => &request.token,
        Auth::Password | Auth::Plain | Auth::Login => &request.password,
    };
    let credentials = Credentials::new(request.user.clone(), secret.clone());
    Ok(builder.credentials(credentials).build())
}

fn tls(request: &Request) -> Result<TlsParameters, Trouble> {
    let builder = TlsParameters::builder(request.host.clone());
    let builder = match request.trust {
        Trust::System | Trust::Default => builder,
        Trust::Always => builder
            .dangerous_accept_invalid_certs(true)
            .dangerous_accept_invalid_hostnames(true),
        Trust::Ca | Trust::Pin => {
            let pem = fs::read(&request.ca_file).map_err(settings)?;
            builder
                .certificate_store(CertificateStore::None)
                .add_root_certificate(Certificate::from_pem(&pem)?)
        }
    };
    Ok(builder.build()?)
}

/// What the library says of its errors. A failed handshake is a connection error to it, so the TLS library's
/// error is looked for among the causes.
fn said(error: &Error) -> Said {
    if error.is_permanent() {
        Said::Permanent
    } else if error.is_transient() {
        Said::Temporary
    } else if error.is_tls() || super::caused_by_tls(error) {
        Said::RefusedTls
    } else {
        Said::Failed
    }
}
