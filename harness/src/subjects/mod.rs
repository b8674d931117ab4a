//! Subjects that live inside mailproof: real libraries, our own client with its flaws, and clients that do
//! nothing at all.
//!
//! Must not know cases, the judge or how a run is organised.

pub mod async_imap;
pub mod idle;
pub mod lettre;
mod libraries;
pub mod reference;
#[cfg(test)]
mod test_server;
#[cfg(test)]
mod tests;

use std::{error::Error, sync::Arc};

use mailproof_scenarios::model::{Flaw, Security};

use crate::subject::{Embedded, Request, Supports};

pub use libraries::Libraries;

/// An embedded subject, what it can do and which version it is. The reference client takes its flaws behind
/// its name: `reference+keeps-clear-buffer+ignores-name`.
///
/// `None` for a name that is none of [`names`], and for a flaw that there is not.
pub fn embedded(name: &str) -> Option<(Arc<dyn Embedded>, Supports, String)> {
    let own = || env!("CARGO_PKG_VERSION").to_owned();
    let all = Reference::supports;
    Some(match name {
        "embedded" => (
            Arc::new(Libraries),
            Libraries::supports(),
            Libraries::version(),
        ),
        "do-nothing" => (Arc::new(DoNothing::and_say_success()), all(), own()),
        "do-nothing-and-fail" => (Arc::new(DoNothing::and_say_failure()), all(), own()),
        "accepts-everything" => (Arc::new(Reference::accepting_everything()), all(), own()),
        _ => (Arc::new(Reference::new(&flaws(name)?)), all(), own()),
    })
}

/// The names that [`embedded`] knows, `reference` without its flaws.
pub fn names() -> &'static [&'static str] {
    &[
        "embedded",
        "reference",
        "do-nothing",
        "do-nothing-and-fail",
        "accepts-everything",
    ]
}

use idle::DoNothing;
use reference::Reference;

/// The flaws behind `reference`.
fn flaws(name: &str) -> Option<Vec<Flaw>> {
    let mut words = name.split('+');
    (words.next() == Some("reference")).then_some(())?;
    words.map(Flaw::from_name).collect()
}

/// Why a request is beyond what a subject has declared; the same as [`Supports::lacks`] for a request.
fn lacks(supports: &Supports, request: &Request) -> Option<String> {
    let Request {
        protocol,
        job,
        security,
        trust,
        auth,
        store_file,
        crl_file,
        ..
    } = request;
    if !supports.jobs.contains(&(*protocol, *job)) {
        return Some(format!("job {job} over {protocol}"));
    }
    if !supports.security.contains(security) {
        return Some(format!("security {security}"));
    }
    if *security != Security::None && !supports.trust.contains(trust) {
        return Some(format!("trust {trust}"));
    }
    if !supports.auth.contains(auth) {
        return Some(format!("auth {auth}"));
    }
    if store_file.is_some() && !supports.store {
        return Some("a system store of the case's own".to_owned());
    }
    if crl_file.is_some() && !supports.crl {
        return Some("certificate revocation lists".to_owned());
    }
    (request.to.len() > 1 && !supports.several_recipients).then(|| "several recipients".to_owned())
}

/// Whether the TLS library's error is among the causes of an error.
fn caused_by_tls(error: &(dyn Error + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        // An I/O error names as its source not what it wraps, but the source of that.
        let wrapped = error
            .downcast_ref::<std::io::Error>()
            .and_then(std::io::Error::get_ref);
        if error.is::<rustls::Error>() || wrapped.is_some_and(|it| it.is::<rustls::Error>()) {
            return true;
        }
        cause = error.source();
    }
    false
}
