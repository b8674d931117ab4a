//! The lab: a place with the registered ports, real names and no way out.
//!
//! A worker process starts itself again in user, network, mount and PID namespaces of its own (no
//! privileges needed where the kernel allows that to users). Inside there are only the mocks: `lo`, a
//! documentation address for the mail host, a hosts file that knows its name. Must not know what is run
//! there.

mod inside;
mod outside;

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
