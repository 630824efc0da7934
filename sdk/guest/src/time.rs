//! Instants as the contract has them: milliseconds since 1970 in UTC.
//!
//! There is no clock here (that is [`host::now_ms`](crate::host::now_ms)) and no time zone
//! database: texts carry their offset. What cannot be read, or lies before 1970, is `None`.

mod mail;

pub use mail::parse_rfc2822;

const DAY_MS: u64 = 86_400_000;

/// The last instant of year 9999, where RFC 3339 ends.
const LAST_MS: u64 = 253_402_300_799_999;

/// A point in civil time, before it is checked.
struct Civil {
    year: u32,
    month: u32,
    day: u32,
    hour: u32,
    minute: u32,
    second: u32,
    ms: u32,
    /// East of Greenwich.
    offset_minutes: i64,
}

impl Civil {
    /// `None` when there is no such point; second 60 is the first of the next minute.
    fn instant(&self) -> Option<u64> {
        let date = self.day >= 1 && self.day <= days_in_month(self.year, self.month)?;
        let time = self.hour <= 23 && self.minute <= 59 && self.second <= 60;
        if !date || !time || self.offset_minutes.abs() >= 24 * 60 {
            return None;
        }
        let minutes = i64::from(self.hour * 60 + self.minute) - self.offset_minutes;
        let days = days_from_civil(self.year, self.month, self.day);
        let seconds = (days * 24 * 60 + minutes) * 60 + i64::from(self.second);
        u64::try_from(seconds * 1000 + i64::from(self.ms)).ok()
    }
}

/// The days of a month; `None` when there is no such month.
pub fn days_in_month(year: u32, month: u32) -> Option<u32> {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    match month {
        2 => Some(if leap { 29 } else { 28 }),
        4 | 6 | 9 | 11 => Some(30),
        1..=12 => Some(31),
        _ => None,
    }
}

/// The days from 1970-01-01 to a date of the Gregorian calendar (H. Hinnant, "chrono-compatible
/// low-level date algorithms": years begin in March, so that the leap day is the last).
pub fn days_from_civil(year: u32, month: u32, day: u32) -> i64 {
    let (year, month, day) = (i64::from(year), i64::from(month), i64::from(day));
    let year = if month <= 2 { year - 1 } else { year };
    let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// Year, month and day of an instant; the inverse of [`days_from_civil`].
pub fn civil(ms: u64) -> (u64, u64, u64) {
    let days = ms / DAY_MS + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    (era * 400 + year_of_era + u64::from(month <= 2), month, day)
}

/// Reads an RFC 3339 date and time, fractions below a millisecond cut off.
///
/// Also reads what providers write close to it: a space for the `T`, offsets without colon
/// (`+0000`), and no seconds.
///
/// ```
/// use plughouse_sdk::time::parse_rfc3339;
///
/// assert_eq!(parse_rfc3339("2024-05-01T12:34:56.789Z"), Some(1_714_566_896_789));
/// assert_eq!(parse_rfc3339("2024-05-01T12:34:56"), None, "no offset, no instant");
/// ```
pub fn parse_rfc3339(text: &str) -> Option<u64> {
    let mut reader = Reader(text.as_bytes());
    let (year, month, day) = reader.date()?;
    reader.one_of(b"Tt ")?;
    let (hour, minute) = reader.clock()?;
    let second = if reader.one_of(b":").is_some() { reader.digits(2)? } else { 0 };
    let ms = if reader.one_of(b".,").is_some() { reader.fraction()? } else { 0 };
    let offset_minutes = reader.offset()?;
    let civil = Civil { year, month, day, hour, minute, second, ms, offset_minutes };
    civil.instant().filter(|_| reader.0.is_empty())
}

/// Reads a date (`2024-05-01`) as its first instant in UTC.
pub fn parse_date(text: &str) -> Option<u64> {
    let mut reader = Reader(text.as_bytes());
    let (year, month, day) = reader.date()?;
    let midnight =
        Civil { year, month, day, hour: 0, minute: 0, second: 0, ms: 0, offset_minutes: 0 };
    midnight.instant().filter(|_| reader.0.is_empty())
}

/// Writes an instant as RFC 3339 in UTC, milliseconds only where there are some; instants beyond
/// year 9999 become the last one of it.
///
/// ```
/// use plughouse_sdk::time::format_rfc3339;
///
/// assert_eq!(format_rfc3339(1_714_566_896_789), "2024-05-01T12:34:56.789Z");
/// assert_eq!(format_rfc3339(0), "1970-01-01T00:00:00Z");
/// ```
pub fn format_rfc3339(ms: u64) -> String {
    let ms = ms.min(LAST_MS);
    let seconds = ms / 1000 % 86_400;
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    let fraction = match ms % 1000 {
        0 => String::new(),
        thousandths => format!(".{thousandths:03}"),
    };
    format!("{}T{hour:02}:{minute:02}:{second:02}{fraction}Z", format_date(ms))
}

/// Writes the date of an instant in UTC (`2024-05-01`).
pub fn format_date(ms: u64) -> String {
    let (year, month, day) = civil(ms.min(LAST_MS));
    format!("{year:04}-{month:02}-{day:02}")
}

/// What is left of a text.
struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn one_of(&mut self, bytes: &[u8]) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        bytes.contains(first).then(|| {
            self.0 = rest;
            *first
        })
    }

    /// A number of exactly so many digits, at most 9.
    fn digits(&mut self, count: usize) -> Option<u32> {
        let (head, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        head.iter().try_fold(0, |number, byte| {
            byte.is_ascii_digit().then(|| number * 10 + u32::from(byte - b'0'))
        })
    }

    fn date(&mut self) -> Option<(u32, u32, u32)> {
        let year = self.digits(4)?;
        self.one_of(b"-")?;
        let month = self.digits(2)?;
        self.one_of(b"-")?;
        Some((year, month, self.digits(2)?))
    }

    fn clock(&mut self) -> Option<(u32, u32)> {
        let hour = self.digits(2)?;
        self.one_of(b":")?;
        Some((hour, self.digits(2)?))
    }

    /// Any number of decimals, in thousandths.
    fn fraction(&mut self) -> Option<u32> {
        let end = self.0.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(self.0.len());
        let (decimals, rest) = self.0.split_at_checked(end)?;
        self.0 = rest;
        let digit = |at| decimals.get(at).map_or(0, |byte| u32::from(byte - b'0'));
        (end > 0).then(|| digit(0) * 100 + digit(1) * 10 + digit(2))
    }

    /// `Z` or `±hh:mm` or `±hhmm`, in minutes east.
    fn offset(&mut self) -> Option<i64> {
        let sign = match self.one_of(b"Zz+-")? {
            b'+' => 1,
            b'-' => -1,
            _ => return Some(0),
        };
        let hours = self.digits(2)?;
        self.one_of(b":");
        let minutes = self.digits(2).filter(|&minutes| minutes <= 59)?;
        Some(sign * i64::from(hours * 60 + minutes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Option<&str>) {
        assert_eq!(parse_rfc3339(text).map(format_rfc3339).as_deref(), expected, "{text}");
    }

    #[test]
    fn rfc_3339_and_its_neighbours_are_read() {
        check("1970-01-01T00:00:00Z", Some("1970-01-01T00:00:00Z"));
        check("2024-02-29T23:59:59.999Z", Some("2024-02-29T23:59:59.999Z"));
        check("2024-05-01t12:34:56z", Some("2024-05-01T12:34:56Z"));
        check("2024-05-01 12:34:56+02:00", Some("2024-05-01T10:34:56Z"));
        check("2024-05-01T12:34:56.000+0000", Some("2024-05-01T12:34:56Z"));
        check("2024-05-01T00:10:00-23:59", Some("2024-05-02T00:09:00Z"));
        check("2024-05-01T12:34:56.7891234567890Z", Some("2024-05-01T12:34:56.789Z"));
        check("2024-05-01T12:34:56,5Z", Some("2024-05-01T12:34:56.500Z"));
        check("2024-05-01T12:34Z", Some("2024-05-01T12:34:00Z"));
        check("2016-12-31T23:59:60Z", Some("2017-01-01T00:00:00Z"));
        check("9999-12-31T23:59:59.999Z", Some("9999-12-31T23:59:59.999Z"));
    }

    #[test]
    fn what_is_no_instant_is_none() {
        for text in [
            "",
            "2024",
            "2024-05-01",
            "2024-05-01T12:34:56",
            "2024-13-01T00:00:00Z",
            "2024-00-01T00:00:00Z",
            "2024-05-00T00:00:00Z",
            "2023-02-29T00:00:00Z",
            "1900-02-29T00:00:00Z",
            "2024-05-01T24:00:00Z",
            "2024-05-01T12:60:00Z",
            "2024-05-01T12:00:61Z",
            "2024-05-01T12:00:00+24:00",
            "2024-05-01T12:00:00+02:60",
            "2024-05-01T12:00:00.Z",
            "2024-05-01T12:00:00Z ",
            "2024-5-1T12:00:00Z",
            "+024-05-01T12:00:00Z",
            "2024-05-01T1é:00:00Z",
            "1969-12-31T23:59:59Z",
        ] {
            check(text, None);
        }
    }

    #[test]
    fn dates_are_read_and_written() {
        assert_eq!(parse_date("2024-05-01").map(format_date).as_deref(), Some("2024-05-01"));
        assert_eq!(parse_date("2024-05-01T"), None);
        assert_eq!(format_rfc3339(u64::MAX), "9999-12-31T23:59:59.999Z");
    }

    #[test]
    fn every_day_of_four_centuries_comes_back() {
        let (mut days, mut ms) = (days_from_civil(1970, 1, 1), 0);
        assert_eq!(days, 0);
        while days < 146_097 {
            let (year, month, day) = civil(ms);
            let [year, month, day] = [year, month, day].map(|part| u32::try_from(part).unwrap());
            assert_eq!(days_from_civil(year, month, day), days);
            assert!(day >= 1 && Some(day) <= days_in_month(year, month));
            days += 1;
            ms += DAY_MS;
        }
    }
}
