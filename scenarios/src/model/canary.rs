//! Values that are fresh for each case, so that they can be searched for wherever they must not be.
//!
//! Derived from the seed of the run and the id of the case: the same seed gives the same transcript.

use base64::Engine as _;
use serde::{Deserialize, Serialize};

use super::Party;

/// One account of a case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// The name in the scenario: `a`, `b`, …
    pub name: String,
    /// The login name, which is also the account's address.
    pub user: String,
    /// The password.
    pub password: String,
    /// The bearer token.
    pub token: String,
}

/// The canaries of one case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Canaries {
    /// The accounts that the case uses, at least one.
    pub accounts: Vec<Account>,
    /// What makes the Message-IDs of the case its own; see [`Canaries::message_id`].
    pub message: String,
    /// A word in the body of every message of the case.
    pub body: String,
}

impl Canaries {
    /// Canaries for `case` under `seed`, with one account for each of `accounts`.
    pub fn derive<'a>(seed: u64, case: &str, accounts: impl IntoIterator<Item = &'a str>) -> Self {
        let mut source = Source::new(seed, case);
        let accounts = accounts
            .into_iter()
            .map(|name| Account {
                name: name.to_owned(),
                user: format!("{name}-{}@firma.example", source.word(8)),
                password: format!("pw-{}", source.word(16)),
                token: format!("tok.{}", source.word(32)),
            })
            .collect();
        Self {
            accounts,
            message: source.word(16),
            body: format!("body-{}", source.word(16)),
        }
    }

    /// The account of that name, or the first.
    ///
    /// # Panics
    /// Where there is no account at all, which [`Canaries::derive`] callers rule out.
    pub fn account(&self, name: &str) -> &Account {
        self.accounts
            .iter()
            .find(|it| it.name == name)
            .unwrap_or(&self.accounts[0])
    }

    /// The Message-ID, without angle brackets, of the message of step `step` (counted from 1).
    pub fn message_id(&self, step: usize) -> String {
        format!("{}.{step}@client.example", self.message)
    }

    /// The address that stands for `party` in a step of `account`. Those of strangers are fresh for each
    /// case, and the same for all its steps.
    pub fn address(&self, party: Party, account: &Account) -> String {
        let fresh = self.message.get(..8).unwrap_or(&self.message);
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

    /// Every password and token.
    pub fn secrets(&self) -> impl Iterator<Item = &str> {
        self.accounts
            .iter()
            .flat_map(|it| [it.password.as_str(), it.token.as_str()])
    }

    /// The client's first XOAUTH2 message for `account`, in base64.
    pub fn xoauth2(account: &Account) -> String {
        base64::engine::general_purpose::STANDARD.encode(format!(
            "user={}\x01auth=Bearer {}\x01\x01",
            account.user, account.token
        ))
    }
}

/// SplitMix64 over an FNV-1a hash: not for secrecy, only for names that do not repeat.
struct Source(u64);

impl Source {
    fn new(seed: u64, case: &str) -> Self {
        let mut hash = 0xcbf2_9ce4_8422_2325_u64 ^ seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        for byte in case.bytes() {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        Self(hash)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn word(&mut self, len: usize) -> String {
        const LETTERS: &[u8; 32] = b"abcdefghjkmnpqrstuvwxyz023456789";
        (0..len)
            .map(|_| char::from(LETTERS[(self.next() % 32) as usize]))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn same_seed_same_values_and_other_case_other_values() {
        let one = Canaries::derive(7, "cert/trust/self-signed", ["a", "b"]);
        assert_eq!(
            one,
            Canaries::derive(7, "cert/trust/self-signed", ["a", "b"])
        );
        let other = Canaries::derive(7, "cert/time/expired-leaf", ["a", "b"]);
        assert_ne!(one.accounts[0].password, other.accounts[0].password);
        assert_ne!(one.accounts[0].password, one.accounts[1].password);
    }

    #[test]
    fn every_party_has_an_address_of_its_own() {
        let canaries = Canaries::derive(1, "a/b", ["a", "b"]);
        let account = canaries.account("b");
        let mut all: Vec<String> = Party::ALL
            .iter()
            .map(|party| canaries.address(*party, account))
            .collect();
        assert_eq!(all[0], account.user);
        assert!(all[4].ends_with("@firma.example") && !all[1].ends_with("@firma.example"));
        assert_eq!(
            all[1],
            canaries.address(Party::Other, canaries.account("a"))
        );
        all.sort();
        all.dedup();
        assert_eq!(all.len(), Party::ALL.len());
    }
}
