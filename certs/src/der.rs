//! As much DER as it takes to change a finished certificate: reading the elements of a
//! sequence, and putting elements together.
//!
//! Must not know certificates.

/// One element with its header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Element {
    pub(crate) tag: u8,
    /// Header and content.
    pub(crate) octets: Vec<u8>,
    header: usize,
}

impl Element {
    pub(crate) fn content(&self) -> &[u8] {
        &self.octets[self.header..]
    }

    /// The elements inside; `None` if the content is not a row of elements.
    pub(crate) fn children(&self) -> Option<Vec<Element>> {
        let mut rest = self.content();
        let mut children = Vec::new();
        while !rest.is_empty() {
            let (element, after) = read(rest)?;
            children.push(element);
            rest = after;
        }
        Some(children)
    }
}

/// The first element and what follows it.
pub(crate) fn read(octets: &[u8]) -> Option<(Element, &[u8])> {
    let (&tag, rest) = octets.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = if first < 0x80 {
        (usize::from(first), rest)
    } else {
        let (digits, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
        let length = digits.iter().try_fold(0_usize, |length, &digit| {
            length.checked_mul(256)?.checked_add(usize::from(digit))
        })?;
        (length, rest)
    };
    let header = octets.len() - rest.len();
    let end = header.checked_add(length)?;
    let (octets, after) = octets.split_at_checked(end)?;
    let octets = octets.to_vec();
    let element = Element {
        tag,
        octets,
        header,
    };
    Some((element, after))
}

/// An element of that tag.
pub(crate) fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut octets = vec![tag];
    match u8::try_from(content.len()) {
        Ok(length) if length < 0x80 => octets.push(length),
        _ => {
            let digits = digits(content.len());
            octets.push(0x80 | u8::try_from(digits.len()).unwrap_or(0x7f));
            octets.extend(digits);
        }
    }
    octets.extend_from_slice(content);
    octets
}

/// As [`element`], with one zero octet before the length: right in BER, wrong in DER
/// (X.690 §10.1).
pub(crate) fn element_with_long_length(tag: u8, content: &[u8]) -> Vec<u8> {
    let digits = digits(content.len());
    let mut octets = vec![
        tag,
        0x80 | u8::try_from(digits.len() + 1).unwrap_or(0x7f),
        0,
    ];
    octets.extend(digits);
    octets.extend_from_slice(content);
    octets
}

pub(crate) const BIT_STRING: u8 = 0x03;
pub(crate) const SEQUENCE: u8 = 0x30;

pub(crate) fn sequence(parts: &[&[u8]]) -> Vec<u8> {
    element(SEQUENCE, &parts.concat())
}

/// A bit string of whole octets.
pub(crate) fn bit_string(octets: &[u8]) -> Vec<u8> {
    element(BIT_STRING, &[&[0], octets].concat())
}

/// Base 256, most significant first, without leading zeros.
fn digits(number: usize) -> Vec<u8> {
    let octets = number.to_be_bytes();
    let zeros = octets.iter().take_while(|&&octet| octet == 0).count();
    octets[zeros..].to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;
    use pretty_assertions::assert_eq;
    use test_case::test_case;

    #[test_case(0, &[0x30, 0])]
    #[test_case(0x7f, &[0x30, 0x7f])]
    #[test_case(0x80, &[0x30, 0x81, 0x80])]
    #[test_case(0xff, &[0x30, 0x81, 0xff])]
    #[test_case(0x100, &[0x30, 0x82, 1, 0])]
    #[test_case(0x1_0000, &[0x30, 0x83, 1, 0, 0])]
    fn what_is_written_can_be_read(length: usize, header: &[u8]) {
        let content = vec![7; length];
        let plain = element(SEQUENCE, &content);
        assert_eq!(plain[..header.len()], *header);
        for octets in [plain, element_with_long_length(SEQUENCE, &content)] {
            let behind = [octets.as_slice(), b"rest"].concat();
            let (element, rest) = read(&behind).unwrap();
            assert_eq!(element.tag, SEQUENCE);
            assert_eq!(element.content(), content);
            assert_eq!(element.octets, octets);
            assert_eq!(rest, b"rest");
        }
    }

    #[test_case(b""; "nothing")]
    #[test_case(b"\x30"; "no length")]
    #[test_case(b"\x30\x82\x01"; "half a length")]
    #[test_case(b"\x30\x02\x00"; "half a content")]
    #[test_case(b"\x30\xff\xff\xff\xff\xff\xff\xff\xff\xff"; "no such length")]
    fn what_is_cut_short_is_no_element(octets: &[u8]) {
        assert_eq!(read(octets), None);
    }
}
