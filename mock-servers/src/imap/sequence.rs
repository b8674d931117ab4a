//! Sequence sets: `1,3:5,9:*` (RFC 9051 §9).

/// A set of message numbers or UIDs. `None` stands for `*`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SequenceSet(Vec<(Option<u32>, Option<u32>)>);

/// Ranges of one set. A command line has room for more; nobody needs them.
const MAX_RANGES: usize = 10_000;

impl SequenceSet {
    /// Reads a whole set; `None` for anything that is none.
    pub(super) fn parse(text: &[u8]) -> Option<Self> {
        let mut ranges = Vec::new();
        for range in text.split(|octet| *octet == b',') {
            if ranges.len() == MAX_RANGES {
                return None;
            }
            let mut ends = range.split(|octet| *octet == b':');
            let first = bound(ends.next()?)?;
            let last = ends.next().map_or(Some(first), bound)?;
            if ends.next().is_some() {
                return None;
            }
            ranges.push((first, last));
        }
        Some(Self(ranges))
    }

    /// The set as ascending ranges that do not touch, with `*` as `largest`. An empty mailbox has no `*`:
    /// ranges that name it then mean their other end.
    pub(super) fn resolve(&self, largest: Option<u32>) -> Ranges {
        let mut ranges: Vec<(u32, u32)> = self
            .0
            .iter()
            .filter_map(|(first, last)| {
                let first = first.or(largest);
                let last = last.or(largest);
                let (first, last) = (first.or(last)?, last.or(first)?);
                Some((first.min(last), first.max(last)))
            })
            .collect();
        ranges.sort_unstable();
        let mut merged: Vec<(u32, u32)> = Vec::with_capacity(ranges.len());
        for (first, last) in ranges {
            match merged.last_mut() {
                Some(before) if first <= before.1.saturating_add(1) => {
                    before.1 = before.1.max(last);
                }
                _ => merged.push((first, last)),
            }
        }
        Ranges(merged)
    }

    /// Whether every number is one of a mailbox with so many messages; `*` of an empty one is none
    /// (RFC 9051 §9, seq-number).
    pub(super) fn fits(&self, messages: u32) -> bool {
        self.0
            .iter()
            .flat_map(|(first, last)| [first, last])
            .all(|end| end.map_or(messages > 0, |number| number <= messages))
    }
}

/// Ascending ranges.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Ranges(Vec<(u32, u32)>);

impl Ranges {
    /// Whether the number is in one of them.
    pub(super) fn contains(&self, number: u32) -> bool {
        let behind = self.0.partition_point(|(first, _)| *first <= number);
        behind > 0 && self.0[behind - 1].1 >= number
    }
}

/// Writes numbers, ascending or not, as a UID set that keeps their order (RFC 4315 §3).
pub(super) fn write_uids(uids: &[u32]) -> String {
    let mut text = String::new();
    let mut rest = uids;
    while let Some(first) = rest.first().copied() {
        let run = rest
            .iter()
            .zip(first..)
            .take_while(|(uid, expected)| *uid == expected)
            .count();
        if !text.is_empty() {
            text.push(',');
        }
        text.push_str(&first.to_string());
        if run > 1 {
            text.push(':');
            text.push_str(&rest[run - 1].to_string());
        }
        rest = &rest[run..];
    }
    text
}

/// `*` or a number other than 0.
fn bound(text: &[u8]) -> Option<Option<u32>> {
    if text == b"*" {
        return Some(None);
    }
    if text.is_empty() || !text.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let number: u32 = std::str::from_utf8(text).ok()?.parse().ok()?;
    (number != 0).then_some(Some(number))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use test_case::test_case;

    use super::*;

    #[test_case("2,4:7,9,12:*", 15, &[2, 4, 5, 6, 7, 9, 12, 13, 14, 15]; "the example of the RFC")]
    #[test_case("*:4,5:7", 10, &[4, 5, 6, 7, 8, 9, 10]; "reversed and overlapping, the example of the RFC")]
    #[test_case("*", 3, &[3]; "the last one")]
    #[test_case("4:2", 9, &[2, 3, 4]; "a reversed range")]
    #[test_case("5:*", 3, &[3, 4, 5]; "a range beyond the last one has the last one")]
    #[test_case("1,1,1", 3, &[1]; "repetitions")]
    fn resolves(text: &str, largest: u32, expected: &[u32]) {
        let ranges = SequenceSet::parse(text.as_bytes())
            .unwrap()
            .resolve(Some(largest));
        let found: Vec<u32> = (1..20).filter(|number| ranges.contains(*number)).collect();
        assert_eq!(found, expected);
    }

    #[test_case(""; "empty")]
    #[test_case("0"; "zero")]
    #[test_case("1,"; "an empty range")]
    #[test_case("1:2:3"; "three ends")]
    #[test_case("4294967296"; "33 bits")]
    #[test_case("a"; "a letter")]
    #[test_case("1 2"; "a space")]
    #[test_case("+1"; "a sign")]
    #[test_case("**"; "two stars")]
    fn refuses(text: &str) {
        assert_eq!(SequenceSet::parse(text.as_bytes()), None);
    }

    #[test_case("1:3", 3, true; "all there")]
    #[test_case("1:4", 3, false; "one too many")]
    #[test_case("1:*", 0, false; "a star in an empty mailbox")]
    #[test_case("*", 1, true; "a star otherwise")]
    fn fits(text: &str, messages: u32, expected: bool) {
        assert_eq!(
            SequenceSet::parse(text.as_bytes()).unwrap().fits(messages),
            expected
        );
    }

    #[test]
    fn a_star_of_an_empty_mailbox_is_nothing() {
        let ranges = SequenceSet::parse(b"*").unwrap().resolve(None);
        assert!(!ranges.contains(1));
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(mut uids in proptest::collection::vec(1u32..300, 1..40)) {
            uids.sort_unstable();
            uids.dedup();
            let ranges = SequenceSet::parse(write_uids(&uids).as_bytes()).unwrap().resolve(None);
            let found: Vec<u32> = (1..300).filter(|number| ranges.contains(*number)).collect();
            prop_assert_eq!(found, uids);
        }

        #[test]
        fn agrees_with_the_plain_definition(
            ranges in proptest::collection::vec((proptest::option::of(1u32..30), proptest::option::of(1u32..30)), 1..6),
            largest in 1u32..30,
        ) {
            let end = |end: &Option<u32>| end.map_or("*".to_owned(), |number| number.to_string());
            let text: Vec<String> = ranges.iter().map(|(a, b)| format!("{}:{}", end(a), end(b))).collect();
            let set = SequenceSet::parse(text.join(",").as_bytes()).unwrap().resolve(Some(largest));
            for number in 1..35 {
                let expected = ranges.iter().any(|(a, b)| {
                    let (a, b) = (a.unwrap_or(largest), b.unwrap_or(largest));
                    (a.min(b)..=a.max(b)).contains(&number)
                });
                prop_assert_eq!(set.contains(number), expected, "{}", number);
            }
        }
    }
}
