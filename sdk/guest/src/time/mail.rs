//! The dates of mail, RSS and HTTP.

use super::{Civil, Reader};

const MONTHS: [&str; 12] =
    ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

/// Reads a date of mail and RSS (RFC 2822 §3.3 and its obsolete forms) or of HTTP (RFC 9110
/// §5.6.7, all three forms).
///
/// The weekday may be missing and is not checked. Years of two digits are 1950 to 2049, and zones
/// of unknown letters are UTC, both as RFC 2822 §4.3 says.
///
/// ```
/// use plughouse_sdk::time::parse_rfc2822;
///
/// assert_eq!(parse_rfc2822("Tue, 12 Nov 2024 11:00:00 +0100"), Some(1_731_405_600_000));
/// ```
pub fn parse_rfc2822(text: &str) -> Option<u64> {
    // A comment can only stand at the end of what is written today.
    let text = text.split('(').next()?;
    let mut words = text.split([' ', '\t', '\r', '\n', ',']).filter(|word| !word.is_empty());
    let mut first = words.next()?;
    if !first.starts_with(|c: char| c.is_ascii_digit()) {
        first = words.next()?;
    }
    if month(first).is_some() {
        let (day, clock, year) = (words.next()?, words.next()?, words.next()?);
        return instant([day, first, year], clock, "GMT").filter(|_| words.next().is_none());
    }
    let mut parts = first.split('-');
    let date = match (parts.next()?, parts.next(), parts.next(), parts.next()) {
        (day, None, None, None) => [day, words.next()?, words.next()?],
        (day, Some(month), Some(year), None) => [day, month, year],
        _ => return None,
    };
    let (clock, zone) = (words.next()?, words.next()?);
    instant(date, clock, zone).filter(|_| words.next().is_none())
}

fn instant([day, month_name, year]: [&str; 3], clock: &str, zone: &str) -> Option<u64> {
    let mut reader = Reader(clock.as_bytes());
    let (hour, minute) = reader.clock()?;
    let second = if reader.one_of(b":").is_some() { reader.digits(2)? } else { 0 };
    if !reader.0.is_empty() {
        return None;
    }
    let year = match (number(year)?, year.len()) {
        (year @ 0..=49, 2) => 2000 + year,
        (year, 2 | 3) => 1900 + year,
        (year, 4) => year,
        _ => return None,
    };
    let (day, month, offset_minutes) = (number(day)?, month(month_name)?, offset(zone)?);
    Civil { year, month, day, hour, minute, second, ms: 0, offset_minutes }.instant()
}

fn number(text: &str) -> Option<u32> {
    let digits = (1..=4).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| digits)
}

fn month(name: &str) -> Option<u32> {
    let position = MONTHS.iter().position(|month| month.eq_ignore_ascii_case(name))?;
    u32::try_from(position + 1).ok()
}

/// Minutes east of a zone.
fn offset(zone: &str) -> Option<i64> {
    if zone.starts_with(['+', '-']) {
        let mut reader = Reader(zone.as_bytes());
        return reader.offset().filter(|_| reader.0.is_empty());
    }
    let hours = match zone.to_ascii_uppercase().as_str() {
        "EDT" => -4,
        "EST" | "CDT" => -5,
        "CST" | "MDT" => -6,
        "MST" | "PDT" => -7,
        "PST" => -8,
        other if other.bytes().all(|byte| byte.is_ascii_alphabetic()) => 0,
        _ => return None,
    };
    Some(hours * 60)
}

#[cfg(test)]
mod tests {
    use super::super::format_rfc3339;
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Option<&str>) {
        assert_eq!(parse_rfc2822(text).map(format_rfc3339).as_deref(), expected, "{text}");
    }

    #[test]
    fn the_dates_of_mail_rss_and_http_are_read() {
        check("Tue, 12 Nov 2024 10:00:00 GMT", Some("2024-11-12T10:00:00Z"));
        check("12 Nov 2024 10:00 +0000", Some("2024-11-12T10:00:00Z"));
        check("Tue, 2 nov 2024 10:00:00 -0730", Some("2024-11-02T17:30:00Z"));
        check("Tue,12 Nov 2024 10:00:00 +0100 (CET)", Some("2024-11-12T09:00:00Z"));
        check("Tue, 12 Nov 24 10:00:00 EST", Some("2024-11-12T15:00:00Z"));
        check("Tue, 12 Nov 99 10:00:00 PDT", Some("1999-11-12T17:00:00Z"));
        check("Tue, 12 Nov 124 10:00:00 UT", Some("2024-11-12T10:00:00Z"));
        check("Tue, 12 Nov 2024\r\n 10:00:00 Q", Some("2024-11-12T10:00:00Z"));
        check("Sun, 06 Nov 1994 08:49:37 GMT", Some("1994-11-06T08:49:37Z"));
        check("Sunday, 06-Nov-94 08:49:37 GMT", Some("1994-11-06T08:49:37Z"));
        check("Sun Nov  6 08:49:37 1994", Some("1994-11-06T08:49:37Z"));
    }

    #[test]
    fn what_is_no_date_is_none() {
        for text in [
            "",
            "Tue",
            "Tue,",
            "12",
            "Tue, 12 Nov 2024",
            "Tue, 12 Nov 2024 10:00:00",
            "Tue, 31 Nov 2024 10:00:00 GMT",
            "Tue, 12 Foo 2024 10:00:00 GMT",
            "Tue, 12 Nov 2024 25:00:00 GMT",
            "Tue, 12 Nov 2024 10:00:00 GMT x",
            "Tue, 12 Nov 2024 10:00:00 +01",
            "Tue, 12 Nov 20244 10:00:00 GMT",
            "Tue, 12 Nov 2024 10:00:00.5 GMT",
            "06-Nov-94-1 08:49:37 GMT",
            "Sun Nov 6 08:49:37",
            "Tue, 1é Nov 2024 10:00:00 GMT",
            "1 Jan 1969 00:00:00 GMT",
            "(Tue, 12 Nov 2024 10:00:00 GMT",
            "2024-05-01T12:34:56Z",
        ] {
            check(text, None);
        }
    }
}
