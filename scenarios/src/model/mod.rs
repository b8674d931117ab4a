//! The typed values that the whole house shares. Everything here can be serialised: a case can run in
//! another process, and its events can be judged later.

mod canary;
mod case;
mod deviation;
pub mod event;
mod expectation;
mod persona;
mod reply;
mod scenario;
mod tls;
mod wire_text;
mod words;

pub use canary::{Account, Canaries};
pub use case::{Case, Delta, Step, Vary};
pub use deviation::{
    Action, At, ChainSpec, Deviation, DnsChange, On, PortChange, Split, Then, Unit, When,
};
pub use event::{Endpoints, Event, Layer, Log, Transport, What};
pub use expectation::{Check, Expectation, Pattern, Sign, StoreCheck};
pub use persona::{
    ImapPersona, ImapTexts, MailboxSpec, Persona, SmtpLimits, SmtpPersona, SmtpTexts,
};
pub use reply::{ImapStatus, Refusal};
pub use scenario::{Diagnosis, Scenario, Setup};
pub use tls::{Junk, TlsAct, TlsChange, TlsSend};
pub use wire_text::{Fill, PLACES, WireText, WireTextError};
pub use words::*;
