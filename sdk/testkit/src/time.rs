//! The calendar of simulators: UTC, milliseconds since 1970, years 1970 to 9999.
//!
//! Written here and not shared with the SDK, so that a fault there cannot hide itself in its tests.

/// One day in milliseconds.
pub(crate) const DAY_MS: i64 = 86_400_000;

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const WEEKDAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];

/// Writes `2026-02-25T16:23:49.023Z`.
pub(crate) fn iso(ms: i64) -> String {
    let (year, month, day) = civil(ms.div_euclid(DAY_MS));
    let rest = ms.rem_euclid(DAY_MS);
    let (hour, minute, second) = (rest / 3_600_000, rest / 60_000 % 60, rest / 1000 % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{:03}Z", rest % 1000)
}

/// Writes `2026-02-25T16:23:49Z`.
pub(crate) fn iso_seconds(ms: i64) -> String {
    let mut text = iso(ms);
    text.truncate(19);
    text.push('Z');
    text
}

/// Writes `Wed, 25 Feb 2026 16:23:49 GMT` (RFC 822, as HTTP and RSS want it).
pub(crate) fn rfc822(ms: i64) -> String {
    let days = ms.div_euclid(DAY_MS);
    let (year, month, day) = civil(days);
    let clock = iso(ms);
    let clock = clock.get(11..19).unwrap_or_default();
    let weekday = WEEKDAYS.iter().cycle().nth(index(days.rem_euclid(7))).copied().unwrap_or("Thu");
    let month = MONTHS.get(index(month - 1)).copied().unwrap_or("Jan");
    format!("{weekday}, {day:02} {month} {year:04} {clock} GMT")
}

/// Reads epoch milliseconds, a date, or a date and time with an optional fraction and offset.
pub(crate) fn parse(text: &str) -> Option<i64> {
    if let Ok(ms) = text.parse() {
        return Some(ms);
    }
    let (date, clock) = text.split_once(['T', ' ']).unwrap_or((text, "00:00:00Z"));
    let mut parts = date.splitn(3, '-').map(|part| part.parse::<i64>().ok());
    let (year, month, day) = (parts.next()??, parts.next()??, parts.next()??);
    if !(1970..=9999).contains(&year) || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    Some(days(year, month, day) * DAY_MS + clock_ms(clock)?)
}

/// Reads `16:23:49.023-04:00` as milliseconds after midnight UTC.
fn clock_ms(text: &str) -> Option<i64> {
    let split = text.find(['Z', '+', '-']).unwrap_or(text.len());
    let (clock, zone) = text.split_at_checked(split)?;
    let mut parts = clock.splitn(3, ':');
    let (hour, minute): (i64, i64) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    let (second, fraction) = parts.next().unwrap_or("0").split_once('.').unwrap_or_else(|| {
        // The seconds may be missing altogether.
        (clock.splitn(3, ':').nth(2).unwrap_or("0"), "")
    });
    let second: i64 = second.parse().ok()?;
    let milli: i64 = format!("{fraction:0<3}").get(..3)?.parse().ok()?;
    let offset = match zone.get(1..) {
        None | Some("") => 0,
        Some(zone_clock) => {
            let (hours, minutes) = zone_clock.split_once(':').unwrap_or((zone_clock, "0"));
            let ms = (hours.parse::<i64>().ok()? * 60 + minutes.parse::<i64>().ok()?) * 60_000;
            if zone.starts_with('-') { -ms } else { ms }
        }
    };
    Some(((hour * 60 + minute) * 60 + second) * 1000 + milli - offset)
}

/// Year, month and day of a day number (Hinnant's algorithm).
fn civil(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

/// The day number of a date (Hinnant's algorithm).
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = year - i64::from(month <= 2);
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let shifted_month = if month > 2 { month - 3 } else { month + 9 };
    let of_year = (153 * shifted_month + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

fn index(number: i64) -> usize {
    usize::try_from(number).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_are_written_in_both_forms() {
        check(0, "1970-01-01T00:00:00.000Z", "Thu, 01 Jan 1970 00:00:00 GMT");
        check(1_772_036_629_023, "2026-02-25T16:23:49.023Z", "Wed, 25 Feb 2026 16:23:49 GMT");
        check(951_782_400_000, "2000-02-29T00:00:00.000Z", "Tue, 29 Feb 2000 00:00:00 GMT");
    }

    #[test]
    fn what_is_written_in_other_ways_is_read() {
        for text in ["2026-02-25T16:23:49.023Z", "2026-02-25T12:23:49.023-04:00", "1772036629023"] {
            assert_eq!(parse(text), Some(1_772_036_629_023), "{text}");
        }
        assert_eq!(parse("2026-02-25"), parse("2026-02-25T00:00:00"));
        assert_eq!(parse("2026-02-25T00:00"), parse("2026-02-25T00:00:00.000Z"));
        for text in ["", "yesterday", "2026-13-01", "2026-02-25Tnoon"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[track_caller]
    fn check(ms: i64, iso_text: &str, rfc: &str) {
        assert_eq!(iso(ms), iso_text);
        assert_eq!(rfc822(ms), rfc);
        assert_eq!(parse(iso_text), Some(ms));
    }
}
