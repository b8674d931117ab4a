//! Who writes to whom: from the parts in a scenario to addresses. Must not know steps.

use mailproof_scenarios::model::{Account, Canaries, Party};

/// The address that stands for `party` in a step of `account`. Those of strangers are fresh for each case,
/// and the same for all its steps.
pub fn address(party: Party, account: &Account, canaries: &Canaries) -> String {
    let fresh = canaries.message.get(..8).unwrap_or(&canaries.message);
    match party {
        Party::Own => account.user.clone(),
        Party::Other => format!("kunde-{fresh}@example.net"),
        Party::Second => format!("lieferant-{fresh}@example.net"),
        Party::Third => format!("steuerberater-{fresh}@example.org"),
        Party::Colleague => {
            let domain = account.user.rsplit_once('@').map(|(_, domain)| domain);
            format!("kollegin-{fresh}@{}", domain.unwrap_or("firma.example"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_party_has_an_address_of_its_own() {
        let canaries = Canaries::derive(1, "a/b", ["a", "b"]);
        let account = canaries.account("b");
        let mut all: Vec<String> = Party::ALL
            .iter()
            .map(|party| address(*party, account, &canaries))
            .collect();
        assert_eq!(all[0], account.user);
        assert!(all[4].ends_with("@firma.example") && !all[1].ends_with("@firma.example"));
        assert_eq!(
            all[1],
            address(Party::Other, canaries.account("a"), &canaries)
        );
        all.sort();
        all.dedup();
        assert_eq!(all.len(), Party::ALL.len());
    }
}
