//! The world that a subject meets: SMTP and IMAP servers that are right until a deviation says otherwise.
//!
//! `smtp`, `imap` and `dns` are sans-I/O engines over a model; `script` lays deviations over them; `wire`
//! owns sockets, TLS and time; `world` starts everything that a case needs. Nothing here judges.

mod dns;
pub mod engine;
pub mod imap;
mod script;
pub mod smtp;
#[cfg(test)]
mod testing;
mod wire;
pub mod world;
