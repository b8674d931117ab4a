//! What DNS says in a world: every name of the place, with what a case changes about their addresses.
//!
//! Must not know messages or sockets.

use mailproof_scenarios::model::{DnsChange, Host, HostAddress};

use super::Place;
use crate::dns::{Record, Zone};

/// The zone of a place. Of several changes for a host the last one counts.
pub(super) fn zone<'a>(place: &Place, changes: impl Iterator<Item = &'a DnsChange>) -> Zone {
    let changes: Vec<&DnsChange> = changes.collect();
    let mut zone = Zone::default();
    // The usual name is written in several ways.
    let written_alike = |host| matches!(host, Host::MixedCase | Host::TrailingDot);
    for host in Host::ALL.iter().copied() {
        if host.is_address() || written_alike(host) {
            continue;
        }
        let name = place.reference(host);
        if host == Host::Alias {
            zone.add(&name, [Record::Alias(place.reference(Host::Target))]);
            continue;
        }
        let (mut a, mut aaaa) = (vec![HostAddress::Server], vec![HostAddress::Server]);
        let usual = |it: Host| if written_alike(it) { Host::Name } else { it };
        for change in &changes {
            if change.host.is_none_or(|it| usual(it) == host) {
                a = change.a.clone().unwrap_or(a);
                aaaa = change.aaaa.clone().unwrap_or(aaaa);
            }
        }
        zone.add(&name, a.into_iter().map(|it| Record::V4(place.v4(it))));
        zone.add(&name, aaaa.into_iter().map(|it| Record::V6(place.v6(it))));
    }
    for (domain, host) in [(Host::Apex, Host::Name), (Host::Target, Host::Target)] {
        let exchange = place.reference(host);
        let domain = place.reference(domain);
        let domain = match host {
            Host::Target => domain.split_once('.').map_or(&*domain, |(_, above)| above),
            _ => &domain,
        };
        zone.add(domain, [Record::Mx(10, exchange)]);
    }
    zone
}

#[cfg(test)]
mod tests {
    use pretty_assertions::assert_eq;
    use test_case::test_case;

    use super::*;

    fn said(changes: &[DnsChange], name: &str) -> Vec<String> {
        let zone = zone(&Place::Lab, changes.iter());
        let (found, _) = zone.look_up(name, |_| true);
        found.iter().map(|it| it.record.to_string()).collect()
    }

    #[test_case("mail.firma.example", &["192.0.2.10", "2001:db8::10"]; "the usual name")]
    #[test_case("a.mail.firma.example", &["192.0.2.10", "2001:db8::10"]; "one below")]
    #[test_case("xn--postfach--32a.firma.example", &["192.0.2.10", "2001:db8::10"]; "one with an umlaut")]
    #[test_case("post.firma.example", &["alias of host.anbieter.example"]; "an alias")]
    #[test_case("firma.example", &["192.0.2.10", "2001:db8::10", "10 mail.firma.example"]; "the domain")]
    #[test_case("anbieter.example", &["10 host.anbieter.example"]; "the other domain")]
    #[test_case("localhost", &[]; "no name of this world")]
    fn knows(name: &str, records: &[&str]) {
        assert_eq!(said(&[], name), records);
    }

    #[test]
    fn a_case_changes_one_host_or_all() {
        let all = DnsChange {
            host: None,
            a: Some(vec![HostAddress::Second, HostAddress::Server]),
            aaaa: Some(Vec::new()),
        };
        let one = DnsChange {
            host: Some(Host::MixedCase),
            a: None,
            aaaa: Some(vec![HostAddress::Third]),
        };
        let changes = [all, one];
        assert_eq!(
            said(&changes, "mail.firma.example"),
            ["192.0.2.20", "192.0.2.10", "2001:db8::24"]
        );
        assert_eq!(
            said(&changes, "host.anbieter.example"),
            ["192.0.2.20", "192.0.2.10"]
        );
    }
}
