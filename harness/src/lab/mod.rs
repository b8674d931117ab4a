//! The lab: a place with the registered ports, real names and no way out.
//!
//! A worker process starts itself again in user, network, mount and PID namespaces of its own (no
//! privileges needed where the kernel allows that to users). Inside there are only the mocks: `lo` with
//! documentation addresses for hosts and client, and a DNS that knows their names. Must not know what is run
//! there.

mod addresses;
mod inside;
mod netlink;
mod outside;

pub use addresses::come_from;
pub use inside::{Inside, enter};
pub use outside::{INIT, detach, probe};

/// Why there is no lab here.
#[derive(Debug, thiserror::Error)]
#[error("no lab here: {what}: {source}")]
pub struct LabError {
    what: &'static str,
    source: std::io::Error,
}

impl LabError {
    fn now(what: &'static str) -> Self {
        Self {
            what,
            source: std::io::Error::last_os_error(),
        }
    }
}
