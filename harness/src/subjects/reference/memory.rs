//! What a flawed client remembers beyond one process. The perfect client remembers nothing.
//!
//! Kept for each work folder, as a program keeps its state in files: two runs of a case share nothing.

use std::{
    collections::HashMap,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

use rustls::pki_types::CertificateDer;

use crate::subject::Request;

use super::tls::Sessions;

/// The memory of one client.
#[derive(Debug, Default)]
pub(super) struct Memory(Mutex<HashMap<PathBuf, State>>);

/// What is remembered in one work folder.
#[derive(Clone, Debug, Default)]
pub(super) struct State {
    /// Some account has "always trust".
    pub(super) somebody_trusts_always: bool,
    /// Somebody was asked about a certificate and did not object.
    pub(super) anything_goes: bool,
    /// Certificates that were once accepted because any was, or because they were pinned.
    pub(super) exceptions: Vec<CertificateDer<'static>>,
    /// Hosts whose certificate was accepted once.
    pub(super) verified: Vec<String>,
    /// TLS sessions that can be resumed.
    pub(super) sessions: Arc<Sessions>,
    /// A message was refused for good.
    pub(super) was_refused: bool,
}

impl Memory {
    pub(super) fn recall(&self, request: &Request) -> State {
        let states = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        states.get(&request.work_dir).cloned().unwrap_or_default()
    }

    pub(super) fn note(&self, request: &Request, change: impl FnOnce(&mut State)) {
        let mut states = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        change(states.entry(request.work_dir.clone()).or_default());
    }
}
