//! Dates: INTERNALDATE, the dates of SEARCH, and the Date header as far as SEARCH needs it.

/// A day of the calendar, ordered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Day {
    year: u16,
    month: u8,
    day: u8,
}

/// An internal date (RFC 9051 §2.3.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct InternalDate {
    text: String,
    day: Day,
}

const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

impl InternalDate {
    /// Reads `17-Jul-1996 02:44:25 -0700` (the day padded with a space or a zero), without quotes.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let octets = text.as_bytes();
        if octets.len() != 26 || !text.is_ascii() {
            return None;
        }
        let digits = |from: usize, to: usize| {
            text[from..to]
                .bytes()
                .all(|octet| octet.is_ascii_digit())
                .then(|| text[from..to].parse::<u16>().ok())
                .flatten()
        };
        let day = if octets[0] == b' ' {
            digits(1, 2)?
        } else {
            digits(0, 2)?
        };
        let separators = [
            (2, b'-'),
            (6, b'-'),
            (11, b' '),
            (14, b':'),
            (17, b':'),
            (20, b' '),
        ];
        if separators.iter().any(|(at, octet)| octets[*at] != *octet)
            || !matches!(octets[21], b'+' | b'-')
        {
            return None;
        }
        let (hour, minute, second) = (digits(12, 14)?, digits(15, 17)?, digits(18, 20)?);
        let (zone_hour, zone_minute) = (digits(22, 24)?, digits(24, 26)?);
        if hour > 23 || minute > 59 || second > 60 || zone_hour > 23 || zone_minute > 59 {
            return None;
        }
        Some(Self {
            text: format!("{day:02}{}", &text[2..]),
            day: Day::new(digits(7, 11)?, month(&text[3..6])?, day)?,
        })
    }

    /// As it is sent, without quotes.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// The day, disregarding time and zone as SEARCH does (RFC 9051 §6.4.4).
    pub(super) fn day(&self) -> Day {
        self.day
    }

    /// A number of 32 bits that grows with the date: minutes.
    pub(super) fn stamp(&self) -> u32 {
        let part = |from: usize| self.text[from..from + 2].parse::<u32>().unwrap_or(0);
        let days = (u32::from(self.day.year).saturating_sub(1970) * 12 + u32::from(self.day.month))
            * 31
            + u32::from(self.day.day);
        days * 24 * 60 + part(12) * 60 + part(15)
    }
}

impl Default for InternalDate {
    fn default() -> Self {
        Self {
            text: "01-Jan-1970 00:00:00 +0000".to_owned(),
            day: Day {
                year: 1970,
                month: 1,
                day: 1,
            },
        }
    }
}

impl Day {
    fn new(year: u16, month: u8, day: u16) -> Option<Self> {
        let leap =
            year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
        let last = match month {
            2 => 28 + u16::from(leap),
            4 | 6 | 9 | 11 => 30,
            _ => 31,
        };
        if day == 0 || day > last {
            return None;
        }
        Some(Self {
            year,
            month,
            day: u8::try_from(day).ok()?,
        })
    }

    /// Reads `1-Feb-1994`, without quotes.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('-');
        let (day, name, year) = (parts.next()?, parts.next()?, parts.next()?);
        let numbers = |text: &str| text.bytes().all(|octet| octet.is_ascii_digit());
        if parts.next().is_some()
            || !(1..=2).contains(&day.len())
            || year.len() != 4
            || !numbers(day)
            || !numbers(year)
        {
            return None;
        }
        Day::new(year.parse().ok()?, month(name)?, day.parse().ok()?)
    }

    /// The day of a Date header, disregarding time and zone; `None` where there is none to be found.
    pub(super) fn of_header(value: &str) -> Option<Self> {
        let value = value
            .split_once(',')
            .map_or(value, |(_, behind_weekday)| behind_weekday);
        let mut words = value.split_ascii_whitespace();
        let day: u16 = words.next()?.parse().ok()?;
        let month = month(words.next()?.get(..3)?)?;
        let year: u16 = words.next()?.parse().ok()?;
        let year = match year {
            0..=49 => 2000 + year,
            50..=999 => 1900 + year,
            _ => year,
        };
        Day::new(year, month, day)
    }
}

fn month(name: &str) -> Option<u8> {
    let index = MONTHS.iter().position(|it| it.eq_ignore_ascii_case(name))?;
    u8::try_from(index + 1).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use test_case::test_case;

    use super::*;

    #[test_case("17-Jul-1996 02:44:25 -0700", Some("17-Jul-1996 02:44:25 -0700"))]
    #[test_case(" 1-Feb-1994 21:52:25 -0800", Some("01-Feb-1994 21:52:25 -0800"); "padded with a space")]
    #[test_case("1-Feb-1994 21:52:25 -0800", None; "not padded")]
    #[test_case("31-Feb-1994 21:52:25 -0800", None; "no such day")]
    #[test_case("29-Feb-2024 21:52:25 +0000", Some("29-Feb-2024 21:52:25 +0000"); "a leap day")]
    #[test_case("17-Foo-1996 02:44:25 -0700", None; "no such month")]
    #[test_case("17-Jul-1996 24:44:25 -0700", None; "no such hour")]
    #[test_case("17-Jul-1996 02:44:25  0700", None; "no sign")]
    fn internal_dates(text: &str, expected: Option<&str>) {
        let date = InternalDate::parse(text);
        assert_eq!(date.as_ref().map(InternalDate::text), expected);
    }

    #[test_case("1-Feb-1994", "Tue, 1 Feb 1994 23:59:59 -1200")]
    #[test_case("01-feb-2094", "1 February 2094 00:00 GMT")]
    #[test_case("1-Feb-1994", "1 Feb 94 00:00 GMT"; "two digits of a year")]
    fn days(search: &str, header: &str) {
        assert_eq!(Day::parse(search), Day::of_header(header));
        assert!(Day::parse(search).is_some());
    }

    #[test]
    fn days_are_ordered() {
        assert!(Day::parse("31-Dec-1999") < Day::parse("1-Jan-2000"));
    }

    proptest! {
        #[test]
        fn never_panics(text in "\\PC*") {
            let _ = InternalDate::parse(&text);
            let _ = Day::parse(&text);
            let _ = Day::of_header(&text);
        }
    }
}
