//! How a connection comes about: which addresses a host has, and which of them are tried for how long.
//!
//! Must not know what it is for.

use std::{
    ffi::{CStr, CString},
    future::Future,
    io,
    net::{IpAddr, Ipv4Addr, SocketAddr},
};

use tokio::{
    net::TcpStream,
    time::{Instant, timeout},
};

use super::{
    connection::{Patience, Stream},
    flaws::Flaws,
};

/// Something that can be connected with.
pub(super) trait Dial: Send + Sync {
    /// What comes of it.
    type Stream: Stream;

    /// The addresses of a host, in the order in which they are to be tried.
    ///
    /// # Errors
    /// Where the name is not known.
    fn look_up(
        &self,
        host: &str,
        port: u16,
        patience: Patience,
    ) -> impl Future<Output = io::Result<Vec<SocketAddr>>> + Send;

    /// Connects, and says from which own address.
    ///
    /// # Errors
    /// Whatever the network has against it.
    fn connect(
        &self,
        address: SocketAddr,
        patience: Patience,
    ) -> impl Future<Output = io::Result<(Self::Stream, IpAddr)>> + Send;

    /// The name that DNS leads to, for a flawed client. Nobody may compare it: whoever forges the answer chooses
    /// the name (RFC 7817 §3).
    fn canonical_name(&self, host: &str) -> impl Future<Output = Option<String>> + Send;
}

/// The network.
pub(super) struct Tcp;

impl Dial for Tcp {
    type Stream = TcpStream;

    async fn look_up(
        &self,
        host: &str,
        port: u16,
        patience: Patience,
    ) -> io::Result<Vec<SocketAddr>> {
        let addresses = within(patience, tokio::net::lookup_host((host, port))).await?;
        Ok(addresses.collect())
    }

    async fn connect(
        &self,
        address: SocketAddr,
        patience: Patience,
    ) -> io::Result<(TcpStream, IpAddr)> {
        let stream = within(patience, TcpStream::connect(address)).await?;
        stream.set_nodelay(true)?;
        let own = stream.local_addr().map(|own| own.ip());
        Ok((stream, own.unwrap_or(Ipv4Addr::LOCALHOST.into())))
    }

    async fn canonical_name(&self, host: &str) -> Option<String> {
        let host = CString::new(in_ascii(host)).ok()?;
        let looking = tokio::task::spawn_blocking(move || look_up_canonical(&host));
        looking.await.ok().flatten()
    }
}

/// Connects with a host: every address in turn, each with its share of the patience (RFC 5321 §5.1).
///
/// # Errors
/// What the last address had against it.
pub(super) async fn reach<D: Dial>(
    dial: &D,
    (host, port): (&str, u16),
    patience: Patience,
    flaws: &Flaws,
) -> io::Result<(D::Stream, IpAddr)> {
    let until = patience.times(1);
    let mut addresses = dial.look_up(host, port, patience).await?;
    if flaws.ipv4_only() {
        addresses.retain(SocketAddr::is_ipv4);
    }
    if flaws.no_ipv4_fallback() && addresses.iter().any(SocketAddr::is_ipv6) {
        addresses.retain(SocketAddr::is_ipv6);
    }
    if flaws.first_address_only() {
        addresses.truncate(1);
    }
    let share = u32::try_from(addresses.len()).unwrap_or(u32::MAX).max(1);
    let share = Patience(patience.0.map(|patience| patience / share));
    let mut failure = io::Error::new(io::ErrorKind::NotFound, "the host has no address");
    for address in addresses {
        let mut patience = share;
        if flaws.waits_out_first_address()
            && let Some(until) = until
        {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            patience = Patience(Some(left));
        }
        match dial.connect(address, patience).await {
            Err(error) => failure = error,
            connected => return connected,
        }
    }
    Err(failure)
}

/// A host as DNS and TLS have it: addresses as they are, names in A-labels (RFC 5890 §2.3.2.1).
pub(super) fn in_ascii(host: &str) -> String {
    if host.parse::<IpAddr>().is_ok() {
        return host.to_owned();
    }
    idna::domain_to_ascii(host).unwrap_or_else(|_| host.to_owned())
}

fn look_up_canonical(host: &CStr) -> Option<String> {
    // SAFETY: all zero is a valid `addrinfo`.
    let mut hints: libc::addrinfo = unsafe { std::mem::zeroed() };
    hints.ai_flags = libc::AI_CANONNAME;
    let mut found: *mut libc::addrinfo = std::ptr::null_mut();
    // SAFETY: the name ends in NUL, the hints live as long as the call, and `found` takes one pointer.
    let failed = unsafe {
        libc::getaddrinfo(
            host.as_ptr(),
            std::ptr::null(),
            &raw const hints,
            &raw mut found,
        )
    };
    if failed != 0 || found.is_null() {
        return None;
    }
    // SAFETY: getaddrinfo succeeded, so `found` is its list until it is given back below; the canonical name is
    // null or ends in NUL.
    let name = unsafe {
        let name = (*found).ai_canonname;
        (!name.is_null()).then(|| CStr::from_ptr(name).to_string_lossy().into_owned())
    };
    // SAFETY: the list came from getaddrinfo and is given back once.
    unsafe { libc::freeaddrinfo(found) };
    name
}

async fn within<T>(
    patience: Patience,
    doing: impl Future<Output = io::Result<T>>,
) -> io::Result<T> {
    match patience.0 {
        None => doing.await,
        Some(patience) => timeout(patience, doing)
            .await
            .unwrap_or_else(|_| Err(io::Error::new(io::ErrorKind::TimedOut, "timed out"))),
    }
}
