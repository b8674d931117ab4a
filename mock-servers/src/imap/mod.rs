//! A conformant, stateful IMAP4rev1 server, sans I/O: octets in, typed response units out.
//!
//! It speaks RFC 3501 (and what RFC 9051 says about the same things) with those extensions that a persona
//! lists: IDLE (RFC 2177), ID (RFC 2971), ENABLE (RFC 5161), SASL-IR (RFC 4959), LITERAL+ and LITERAL-
//! (RFC 7888), UNSELECT (RFC 3691), NAMESPACE (RFC 2342), UIDPLUS (RFC 4315), MOVE (RFC 6851), CHILDREN
//! (RFC 3348), SPECIAL-USE (RFC 6154), LIST-EXTENDED (RFC 5258), LIST-STATUS (RFC 5819), STATUS=SIZE
//! (RFC 8438), and the mechanisms PLAIN, LOGIN, XOAUTH2 and OAUTHBEARER (RFC 7628). What a persona does not
//! list is answered as by a server that does not have it. IMAP4rev2 itself is not spoken.
//!
//! It knows no socket, no clock and no deviation. [`Store`] is the mailboxes of all accounts, shared by
//! every connection; [`ImapEngine`] is one connection.

mod capability;
mod date;
mod engine;
mod flags;
mod framing;
mod message;
mod name;
mod parse;
mod render;
mod sasl;
mod search;
mod sequence;
mod session;
mod store;
#[cfg(test)]
mod tests;
mod view;

use mailproof_scenarios::model::{Account, ImapPersona};

pub use engine::ImapEngine;
pub use store::Store;

/// What one connection of an IMAP server is made from.
#[derive(Clone)]
pub struct ImapConfig {
    /// How the product behaves, with every override of the case applied.
    pub persona: ImapPersona,
    /// The server's name.
    pub host: String,
    /// Who may sign in.
    pub accounts: Vec<Account>,
    /// The address of the client, as the greeting of some products names it.
    pub client_address: String,
    /// The civil time of the run, as RFC 5322 writes it.
    pub date: String,
    /// Whether TLS came before the greeting.
    pub implicit_tls: bool,
    /// The mailboxes.
    pub store: Store,
}
