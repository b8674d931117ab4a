//! Sockets that are waited for but used by hand.

use std::io;

use socket2::Socket;
use tokio::io::{Interest, unix::AsyncFd};

/// Watches a socket for something to read. It is used directly; only the waiting is tokio's.
///
/// # Errors
/// What the system says.
pub(super) fn watched(socket: Socket) -> io::Result<AsyncFd<Socket>> {
    // SAFETY: a `Socket` owns its descriptor, keeps it open until it is dropped, and has no way to
    // exchange it for another through the shared references that are handed out.
    let watched = unsafe { AsyncFd::register_with_interest(socket, Interest::READABLE) };
    Ok(watched?)
}
