//! A flaw: a connection that stays open for the next request of the same process, by host and port only.
//! How it was secured is not noted, and that is the mistake.

use std::{
    net::IpAddr,
    sync::{Mutex, PoisonError},
};

use super::connection::Connection;

/// At most one connection.
pub(super) struct Kept<S>(Mutex<Option<Entry<S>>>);

struct Entry<S> {
    host: String,
    port: u16,
    connection: Connection<S>,
    own_address: IpAddr,
}

impl<S> Default for Kept<S> {
    fn default() -> Self {
        Self(Mutex::new(None))
    }
}

impl<S> Kept<S> {
    /// The connection to that host and port, with the own address on it.
    pub(super) fn take(&self, host: &str, port: u16) -> Option<(Connection<S>, IpAddr)> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = kept.take_if(|it| it.host == host && it.port == port)?;
        Some((entry.connection, entry.own_address))
    }

    /// Keeps a connection, and lets go the one before.
    pub(super) fn keep(
        &self,
        host: &str,
        port: u16,
        connection: Connection<S>,
        own_address: IpAddr,
    ) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *kept = Some(Entry {
            host: host.to_owned(),
            port,
            connection,
            own_address,
        });
    }
}
