//! What a subject can be asked, from what its adapter says. Must not know placeholders.

use std::{collections::BTreeSet, ops::Range};

use mailproof_scenarios::model::{Crl, Job, Protocol};
use toml::Spanned;

use super::{Commands, error::Complaint, file};
use crate::subject::Supports;

/// A template supports what it has command lines and settings for.
pub(super) fn template_supports(
    commands: &Commands,
    declared: Option<&Spanned<file::Support>>,
) -> Result<Supports, Complaint> {
    let mut several_recipients = false;
    if let Some(spanned) = declared {
        let it = spanned.as_ref();
        let doubled = it.smtp.is_some()
            || it.imap.is_some()
            || it.security.is_some()
            || it.trust.is_some()
            || it.auth.is_some()
            || it.crl;
        if doubled {
            let message = "a template supports what [job] and [settings] have; expected only `several-recipients`";
            return Err(Complaint::new(spanned.span(), message));
        }
        several_recipients = it.several_recipients;
    }
    Ok(Supports {
        protocols: each(commands.jobs.keys().map(|(protocol, _)| *protocol)),
        jobs: commands.jobs.keys().copied().collect(),
        security: each(commands.security.keys().map(|(_, word)| *word)),
        trust: each(commands.trust.keys().map(|(_, word)| *word)),
        auth: each(commands.auth.keys().map(|(_, word)| *word)),
        same_process: false,
        several_recipients,
        store: false,
        crl: commands.crl.keys().any(|(_, word)| *word == Crl::Given),
    })
}

/// A shim says what it supports.
pub(super) fn shim_supports(
    shim: Range<usize>,
    declared: Option<&Spanned<file::Support>>,
) -> Result<Supports, Complaint> {
    let Some(spanned) = declared else {
        let message = "expected [supports] with `smtp` and `imap` (their jobs), `security`, `trust` and `auth`";
        return Err(Complaint::new(shim, message));
    };
    let it = spanned.as_ref();
    let lists = (&it.security, &it.trust, &it.auth);
    let (Some(security), Some(trust), Some(auth)) = lists else {
        let message = "expected `security`, `trust` and `auth`: what the shim can be told";
        return Err(Complaint::new(spanned.span(), message));
    };
    let jobs = |protocol, jobs: &Option<Vec<Job>>| {
        let jobs = jobs.clone().unwrap_or_default();
        jobs.into_iter().map(move |job| (protocol, job))
    };
    let jobs: Vec<(Protocol, Job)> = jobs(Protocol::Smtp, &it.smtp)
        .chain(jobs(Protocol::Imap, &it.imap))
        .collect();
    if jobs.is_empty() {
        let message = "expected jobs in `smtp` or `imap`";
        return Err(Complaint::new(spanned.span(), message));
    }
    Ok(Supports {
        protocols: each(jobs.iter().map(|(protocol, _)| *protocol)),
        jobs,
        security: security.clone(),
        trust: trust.clone(),
        auth: auth.clone(),
        same_process: false,
        several_recipients: it.several_recipients,
        store: false,
        crl: it.crl,
    })
}

fn each<Word: Ord>(words: impl Iterator<Item = Word>) -> Vec<Word> {
    BTreeSet::from_iter(words).into_iter().collect()
}
