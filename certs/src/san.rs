//! Subject alternative names (RFC 5280 §4.2.1.6), octet for octet as they are asked for.
//!
//! Must not know which names are right.

use crate::{der, names::Names};
use std::net::IpAddr;

/// One name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum GeneralName {
    /// A dNSName; an IA5String, if it is right.
    Dns(Vec<u8>),
    Mail(String),
    Uri(String),
    Address(IpAddr),
    /// An SRVName (RFC 4985 §2).
    Srv(String),
}

impl GeneralName {
    pub(crate) fn dns(name: &str) -> GeneralName {
        GeneralName::Dns(name.as_bytes().to_vec())
    }

    fn to_der(&self) -> Vec<u8> {
        match self {
            GeneralName::Srv(name) => {
                let name = der::element(IA5_STRING, name.as_bytes());
                let value = der::element(EXPLICIT_0, &name);
                der::element(OTHER_NAME, &[ID_ON_DNS_SRV, &value].concat())
            }
            GeneralName::Mail(name) => der::element(RFC822_NAME, name.as_bytes()),
            GeneralName::Dns(name) => der::element(DNS_NAME, name),
            GeneralName::Uri(name) => der::element(URI, name.as_bytes()),
            GeneralName::Address(IpAddr::V4(ip)) => der::element(IP_ADDRESS, &ip.octets()),
            GeneralName::Address(IpAddr::V6(ip)) => der::element(IP_ADDRESS, &ip.octets()),
        }
    }
}

const IA5_STRING: u8 = 0x16;
const EXPLICIT_0: u8 = 0xa0;
const OTHER_NAME: u8 = 0xa0;
const RFC822_NAME: u8 = 0x81;
const DNS_NAME: u8 = 0x82;
const URI: u8 = 0x86;
const IP_ADDRESS: u8 = 0x87;

/// The object identifier 1.3.6.1.5.5.7.8.7.
const ID_ON_DNS_SRV: &[u8] = &[6, 8, 0x2b, 6, 1, 5, 5, 7, 8, 7];

/// All names of a server, host names first.
pub(crate) fn all_of(names: &Names) -> Vec<GeneralName> {
    let dns = names.dns.iter().map(|name| GeneralName::dns(name));
    let addresses = names.ip.iter().map(|&ip| GeneralName::Address(ip));
    dns.chain(addresses).collect()
}

/// The value of the extension.
pub(crate) fn to_der(names: &[GeneralName]) -> Vec<u8> {
    let names: Vec<Vec<u8>> = names.iter().map(GeneralName::to_der).collect();
    der::element(der::SEQUENCE, &names.concat())
}

/// As [`to_der`], where the first name claims more octets than there are.
pub(crate) fn to_malformed_der(names: &[GeneralName]) -> Vec<u8> {
    let mut names: Vec<u8> = names.iter().flat_map(GeneralName::to_der).collect();
    if let Some(length) = names.get_mut(1) {
        *length = 0x7f;
    }
    der::element(der::SEQUENCE, &names)
}
