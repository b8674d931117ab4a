//! Splitting a run over several machines. Must not know what is run.

use std::{fmt, num::NonZeroU32, str::FromStr};

/// One part of a run that is split into several, as `2/5`. Which part an id belongs to depends on nothing
/// but the id, so that the parts stay the same when cases are added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    /// Which part, counted from 1.
    pub index: u32,
    /// How many parts there are.
    pub of: NonZeroU32,
}

impl Shard {
    /// Whether an id belongs to this part.
    pub fn has(self, id: &str) -> bool {
        let mut hash = 0xcbf2_9ce4_8422_2325_u64;
        for byte in id.bytes() {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        hash ^= hash >> 32;
        hash % u64::from(self.of.get()) == u64::from(self.index - 1)
    }
}

impl FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts = text.split_once('/').and_then(|(index, of)| {
            let index = index.trim().parse::<u32>().ok()?;
            let of = of.trim().parse::<NonZeroU32>().ok()?;
            (1..=of.get())
                .contains(&index)
                .then_some(Shard { index, of })
        });
        parts.ok_or_else(|| "a shard is written `i/n`, as `2/5`, with i from 1 to n".to_owned())
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.of)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use test_case::test_case;

    use super::*;

    #[test_case("1/1" => true)]
    #[test_case("2/5" => true)]
    #[test_case("0/5" => false; "counted from one")]
    #[test_case("6/5" => false; "more than there are")]
    #[test_case("1/0" => false; "no parts")]
    #[test_case("2" => false; "no slash")]
    #[test_case("-1/2" => false; "negative")]
    fn reads(text: &str) -> bool {
        text.parse::<Shard>().is_ok_and(|it| it.to_string() == text)
    }

    #[test]
    fn the_part_of_an_id_never_changes() {
        let of = |id| (1..=7).find(|n| format!("{n}/7").parse::<Shard>().unwrap().has(id));
        assert_eq!(of("smtp/starttls/injection-after-220"), Some(7));
        assert_eq!(of("cert/trust/self-signed#imap-implicit"), Some(7));
    }

    #[test]
    fn parts_are_of_similar_size() {
        let shard: Shard = "1/4".parse().unwrap();
        let mine = (0..1_000)
            .filter(|n| shard.has(&format!("smtp/case/number-{n}")))
            .count();
        assert!((200..300).contains(&mine), "{mine}");
    }

    proptest! {
        #[test]
        fn every_id_is_in_exactly_one_part(id in ".{0,60}", of in 1_u32..40) {
            let of = NonZeroU32::new(of).unwrap();
            let parts = (1..=of.get()).filter(|&index| Shard { index, of }.has(&id)).count();
            prop_assert_eq!(parts, 1);
        }
    }
}
