//! Instants as RFC 3339 writes them.

use std::fmt;

use jiff::fmt::temporal::Pieces;
use jiff::tz::Offset;

use super::DateTime;
use crate::Fault;

/// Digits behind the second that an instant keeps; more of them would be lost.
const FRACTION_DIGITS_MAX: usize = 9;

impl DateTime {
    /// An RFC 3339 text, with its offset.
    pub fn parse(text: &str) -> Result<Self, Fault> {
        let digits = fraction_digits(text).ok_or_else(|| unwritten(text))?;
        if digits > FRACTION_DIGITS_MAX {
            let text = Fault::quote(text);
            let message = format!(
                "{text} has {digits} digits behind the second; at most {FRACTION_DIGITS_MAX}"
            );
            return Err(Fault::new("mapping.datetime", message));
        }
        let parsed = Pieces::parse(text).ok().and_then(|pieces| {
            let offset = pieces.to_numeric_offset()?;
            let at = offset.to_timestamp(pieces.date().to_datetime(pieces.time()?)).ok()?;
            Some(Self { at, offset })
        });
        parsed.ok_or_else(|| unwritten(text))
    }

    /// Whether RFC 3339, which begins with the year 0, can write it.
    pub(crate) fn is_written(&self) -> bool {
        self.written_offset().to_datetime(self.at).year() >= 0
    }

    /// The offset in whole minutes, as RFC 3339 writes it: before there were time zones, clocks
    /// went by the sun, and those offsets have seconds.
    fn written_offset(&self) -> Offset {
        let seconds = self.offset.seconds();
        Offset::from_seconds(seconds - seconds % 60).unwrap_or(self.offset)
    }
}

impl fmt::Display for DateTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.written_offset() {
            Offset::UTC => self.at.fmt(f),
            offset => self.at.display_with_offset(offset).fmt(f),
        }
    }
}

fn unwritten(text: &str) -> Fault {
    let text = Fault::quote(text);
    let message = format!("{text} is no instant of the form 2026-01-31T12:00:00+01:00");
    Fault::new("mapping.datetime", message)
}

/// The digits behind the second of a text of the form that RFC 3339 asks for: jiff reads all of
/// ISO 8601 and more.
fn fraction_digits(text: &str) -> Option<usize> {
    const SECOND: &str = "0000-00-00T00:00:00";
    let (second, rest) = text.split_at_checked(SECOND.len())?;
    let (digits, zone) = match rest.strip_prefix('.') {
        Some(rest) => {
            let zone = rest.trim_start_matches(|c: char| c.is_ascii_digit());
            (rest.len() - zone.len(), zone)
        }
        None => (0, rest),
    };
    let zoned = ["Z", "+00:00", "-00:00"].iter().any(|form| has_form(zone, form));
    // There is no hour 24, which jiff knows in offsets.
    let offset = zone.get(1..3).is_none_or(|hour| hour < "24");
    let fraction = digits > 0 || rest.len() == zone.len();
    (has_form(second, SECOND) && fraction && zoned && offset).then_some(digits)
}

/// Whether a text has digits where the form has zeros, and the same letters and signs elsewhere.
fn has_form(text: &str, form: &str) -> bool {
    let fits = |(found, wanted): (u8, u8)| match wanted {
        b'0' => found.is_ascii_digit(),
        _ => found.eq_ignore_ascii_case(&wanted),
    };
    text.len() == form.len() && text.bytes().zip(form.bytes()).all(fits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let found = DateTime::parse(text);
        let found = found.map_or_else(|fault| fault.message.into_owned(), |at| at.to_string());
        assert_eq!(found, expected);
    }

    #[track_caller]
    fn check_refused(text: &str) {
        check(text, &format!("{text:?} is no instant of the form 2026-01-31T12:00:00+01:00"));
    }

    #[test]
    fn an_instant_is_read_as_rfc_3339_writes_it() {
        check("2026-12-31T23:59:50Z", "2026-12-31T23:59:50Z");
        check("2026-12-31t23:59:50.5z", "2026-12-31T23:59:50.5Z");
        check("2026-12-31T23:59:50.123456789+05:30", "2026-12-31T23:59:50.123456789+05:30");
        check("2026-12-31T23:59:50-23:59", "2026-12-31T23:59:50-23:59");
    }

    #[test]
    fn other_forms_of_iso_8601_are_no_instants() {
        for text in [
            "20261231T235950Z",
            "2026-12-31T235950Z",
            "2026-12-31 23:59:50Z",
            "2026-12-31T23:59Z",
            "2026-12-31T23:59:50",
            "2026-12-31T23:59:50.Z",
            "2026-12-31T23:59:50,5Z",
            "2026-12-31T23:59:50+01",
            "2026-12-31T23:59:50+0100",
            "2026-12-31T23:59:50+24:00",
            "2026-12-31T23:59:50+01:60",
            "2026-12-31T23:59:50Z[UTC]",
            "2026-12-31T23:59:50+01:00[!u-ca=x]",
            "+002026-12-31T23:59:50Z",
            "-000001-12-31T23:59Z",
            "2026-02-29T23:59:50Z",
            "2026-12-31T24:00:00Z",
            "2026-12-31T23:59:5éZ",
            "",
        ] {
            check_refused(text);
        }
    }

    #[test]
    fn more_digits_than_are_kept_are_refused() {
        let message =
            "\"2026-12-31T23:59:50.1234567890Z\" has 10 digits behind the second; at most 9";
        check("2026-12-31T23:59:50.1234567890Z", message);
    }
}
