//! Sockets, TLS and time: how octets come in and leave.
//!
//! Must not know what the octets mean to a mail protocol, nor which deviation asked for them.

pub(crate) mod dns_port;
pub(crate) mod filter;
pub(crate) mod icmp;
pub(crate) mod mover;
pub(crate) mod port;
pub(crate) mod tls;
mod watched;
pub(crate) mod witness;
