//! Forges the certificate chains a mock server presents: one that is right, and one for each
//! way a chain can be wrong.
//!
//! An [`Authority`] owns the roots a run trusts and the roots it does not. [`Authority::chain`]
//! hands out a [`Chain`] for a [`Fault`] and the [`Names`] the server goes by; [`export`]
//! writes the whole set as files, with an index that says what is wrong with each.
//!
//! The way through the crate: [`Fault`] is a row of one table (`fault`), the row says which one
//! property of the valid `recipe` it changes, `forge` turns a recipe into certificates (`naming`
//! decides about names, `line` about what lies between leaf and root, `key` about keys), and
//! `chain` packs them for a TLS server. What the certificate writer cannot do is done to the
//! finished octets (`certificate`, `der`), which are then signed again. A new fault is a new row,
//! and at most one new property of a recipe or one more value of a property.
//!
//! Some faults cannot be shown with any name ([`Fault::needs`]), some take more than a chain on
//! the wire: [`Chain::anchor`] and [`Chain::crls`] are what a client is given beforehand,
//! [`Chain::staple`] comes with the handshake.
//!
//! The crate knows nothing of mail, of sockets or of scenarios: only X.509, and who can prove
//! which key.

mod authority;
mod ca;
mod certificate;
mod chain;
mod der;
mod error;
mod export;
mod extensions;
mod fault;
mod forge;
mod key;
mod line;
mod names;
mod naming;
mod ocsp;
mod odd_keys;
mod own;
mod pem;
mod recipe;
mod revocation;
mod rsa_key;
mod san;
mod serve;
mod stored;
mod territory;

pub use crate::{
    authority::Authority,
    chain::Chain,
    error::{ExportError, ForgeError},
    export::export,
    fault::{Defect, Fault, OpensslError, Ruling, Verdicts},
    names::{Names, Needs},
    own::{OwnChain, OwnError},
    pem::armour,
    serve::SignsIn,
    stored::{StoredError, StoredRoot},
    territory::Territory,
};
