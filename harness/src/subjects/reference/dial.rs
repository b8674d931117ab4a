//! How a connection comes about. Must not know what it is for.

use std::{
    ffi::{CStr, CString},
    future::Future,
    io,
    net::{IpAddr, Ipv4Addr},
};

use tokio::{net::TcpStream, time::timeout};

use super::connection::{Patience, Stream};

/// Something that can be connected with.
pub(super) trait Dial: Send + Sync {
    /// What comes of it.
    type Stream: Stream;

    /// Connects, and says from which own address.
    ///
    /// # Errors
    /// Whatever the network has against it.
    fn dial(
        &self,
        host: &str,
        port: u16,
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

    /// Every address of the host in turn, each with its share of the patience (RFC 5321 §5.1).
    async fn dial(
        &self,
        host: &str,
        port: u16,
        patience: Patience,
    ) -> io::Result<(TcpStream, IpAddr)> {
        let addresses = within(patience, tokio::net::lookup_host((host, port))).await?;
        let addresses: Vec<_> = addresses.collect();
        let share = u32::try_from(addresses.len()).unwrap_or(u32::MAX).max(1);
        let share = Patience(patience.0.map(|patience| patience / share));
        let mut failure = io::Error::new(io::ErrorKind::NotFound, "the host has no address");
        for address in addresses {
            match within(share, TcpStream::connect(address)).await {
                Ok(stream) => {
                    stream.set_nodelay(true)?;
                    let own = stream.local_addr().map(|own| own.ip());
                    return Ok((stream, own.unwrap_or(Ipv4Addr::LOCALHOST.into())));
                }
                Err(error) => failure = error,
            }
        }
        Err(failure)
    }

    async fn canonical_name(&self, host: &str) -> Option<String> {
        let host = CString::new(in_ascii(host)).ok()?;
        let looking = tokio::task::spawn_blocking(move || look_up_canonical(&host));
        looking.await.ok().flatten()
    }
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
