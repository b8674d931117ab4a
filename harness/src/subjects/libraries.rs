//! The embedded default: lettre for SMTP, async-imap for IMAP.

use mailproof_scenarios::model::Protocol;

use super::{async_imap::AsyncImap, lettre::Lettre};
use crate::subject::{Embedded, Performing, Request, Session, Supports};

/// Two libraries as one subject.
#[derive(Clone, Copy, Debug, Default)]
pub struct Libraries;

impl Libraries {
    /// What the two can do together. Where only one of them can do it with a setting, the other says so for
    /// itself when it is asked.
    pub fn supports() -> Supports {
        let (smtp, imap) = (Lettre::supports(), AsyncImap::supports());
        Supports {
            protocols: both(smtp.protocols, imap.protocols),
            jobs: both(smtp.jobs, imap.jobs),
            security: both(smtp.security, imap.security),
            trust: both(smtp.trust, imap.trust),
            auth: both(smtp.auth, imap.auth),
            same_process: smtp.same_process && imap.same_process,
            several_recipients: smtp.several_recipients,
            store: smtp.store && imap.store,
            crl: smtp.crl && imap.crl,
        }
    }

    /// The versions of both.
    pub fn version() -> String {
        format!(
            "lettre {}, async-imap {}",
            Lettre::VERSION,
            AsyncImap::VERSION
        )
    }
}

impl Embedded for Libraries {
    fn open(&self) -> Box<dyn Session> {
        Box::new(*self)
    }
}

impl Session for Libraries {
    fn perform<'a>(&'a mut self, request: &'a Request) -> Performing<'a> {
        match request.protocol {
            Protocol::Smtp => Box::pin(async move { Lettre.perform(request).await }),
            Protocol::Imap => Box::pin(async move { AsyncImap.perform(request).await }),
        }
    }
}

fn both<T: PartialEq>(mut one: Vec<T>, other: Vec<T>) -> Vec<T> {
    for it in other {
        if !one.contains(&it) {
            one.push(it);
        }
    }
    one
}
