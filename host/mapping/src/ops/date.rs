//! Days as texts.

use jiff::civil::{Date, date};
use jiff::fmt::strtime::{self, BrokenDownTime};

use super::{Args, BuildError, Example, Param, ParamKind, Spec};
use crate::lens::Lens;
use crate::work::Work;
use crate::{Class, Fault, Kind, Value};

const FORMAT: Param = Param {
    name: "format",
    kind: ParamKind::Text,
    required: false,
    summary: "a format of strftime that tells day, month and year; `%Y-%m-%d` when left out",
};

pub(super) const SPECS: &[Spec] = &[
    Spec {
        name: "parse_date",
        summary: "reads a day from a text",
        params: &[FORMAT],
        types: "text → date",
        class: "canonicalising",
        reverse: "writes the day in the format",
        standard: Some("RFC 3339 §5.6 full-date when no format is given; POSIX strftime"),
        example: Example {
            op: r#"{"op": "parse_date", "format": "%d/%m/%Y"}"#,
            input: r#""31/12/2026""#,
            output: r#""2026-12-31""#,
        },
        build: |args| Ok(Box::new(ParseDate(DayFormat::of(args)?))),
    },
    Spec {
        name: "format_date",
        summary: "writes a day as a text",
        params: &[FORMAT],
        types: "date → text",
        class: "bijective",
        reverse: "reads the day from the text",
        standard: Some("RFC 3339 §5.6 full-date when no format is given; POSIX strftime"),
        example: Example {
            op: r#"{"op": "format_date", "format": "%d.%m.%Y"}"#,
            input: r#""2026-12-31""#,
            output: r#""31.12.2026""#,
        },
        build: |args| Ok(Box::new(FormatDate(DayFormat::of(args)?))),
    },
];

/// A format of strftime, short enough to be read by people.
#[derive(Debug)]
pub(super) struct Format(String);

impl Format {
    const BYTES_MAX: usize = 100;

    pub(super) fn take(args: &mut Args) -> Result<Option<Self>, BuildError> {
        let Some(format) = args.text("format")? else { return Ok(None) };
        if format.len() > Self::BYTES_MAX {
            let message = format!("`format` is longer than {} bytes", Self::BYTES_MAX);
            return Err(BuildError::limit(message));
        }
        Ok(Some(Self(format)))
    }

    pub(super) fn write(&self, time: impl Into<BrokenDownTime>) -> Option<String> {
        strtime::format(&self.0, time).ok()
    }

    pub(super) fn read(&self, text: &str) -> Option<BrokenDownTime> {
        strtime::parse(&self.0, text).ok()
    }
}

/// A format that tells days apart.
#[derive(Debug)]
struct DayFormat(Format);

impl DayFormat {
    fn of(args: &mut Args) -> Result<Self, BuildError> {
        let format = Format::take(args)?.unwrap_or_else(|| Format("%Y-%m-%d".to_owned()));
        let format = Self(format);
        let tells = |day| format.write(day).is_ok();
        if [date(1999, 12, 31), date(2024, 2, 29)].into_iter().all(tells) {
            Ok(format)
        } else {
            let message = "`format` must tell day, month and year, as `%d/%m/%Y` does";
            Err(BuildError::parameter(message))
        }
    }

    fn read(&self, text: &str) -> Result<Date, Fault> {
        let day = self.0.read(text).and_then(|parsed| parsed.to_date().ok());
        // RFC 3339 begins with the year 0.
        day.filter(|day| day.year() >= 0).ok_or_else(|| {
            let (text, format) = (Fault::quote(text), &self.0.0);
            Fault::new("mapping.date", format!("{text} is no day of the form {format:?}"))
        })
    }

    fn write(&self, day: Date) -> Result<String, Fault> {
        let text = self.0.write(day);
        text.filter(|text| self.read(text).is_ok_and(|read| read == day)).ok_or_else(|| {
            let format = &self.0.0;
            Fault::new("mapping.date", format!("the format {format:?} cannot tell {day}"))
        })
    }

    fn text_to_day(&self, value: &Value<'_>) -> Result<Value<'static>, Fault> {
        match value {
            Value::Text(text) => self.read(text).map(Value::Date),
            other => Err(Fault::kind(&Kind::Text, other)),
        }
    }

    fn day_to_text(&self, value: &Value<'_>) -> Result<Value<'static>, Fault> {
        match value {
            Value::Date(day) => self.write(*day).map(Value::text),
            other => Err(Fault::kind(&Kind::Date, other)),
        }
    }
}

#[derive(Debug)]
struct ParseDate(DayFormat);

impl Lens for ParseDate {
    fn view(&mut self, source: &Kind) -> Result<Kind, BuildError> {
        source.must_fit(&Kind::Text)?;
        Ok(Kind::Date)
    }

    fn class(&self) -> Class {
        Class::Canonicalising
    }

    fn get<'a>(&self, source: Value<'a>, _work: &Work<'_>) -> Result<Value<'a>, Fault> {
        self.0.text_to_day(&source)
    }

    fn put<'a>(
        &self,
        view: Value<'a>,
        _base: &Value<'a>,
        _work: &Work<'_>,
    ) -> Result<Value<'a>, Fault> {
        self.0.day_to_text(&view)
    }
}

#[derive(Debug)]
struct FormatDate(DayFormat);

impl Lens for FormatDate {
    fn view(&mut self, source: &Kind) -> Result<Kind, BuildError> {
        source.must_fit(&Kind::Date)?;
        Ok(Kind::Text)
    }

    fn class(&self) -> Class {
        Class::Bijective
    }

    fn get<'a>(&self, source: Value<'a>, _work: &Work<'_>) -> Result<Value<'a>, Fault> {
        self.0.day_to_text(&source)
    }

    fn put<'a>(
        &self,
        view: Value<'a>,
        _base: &Value<'a>,
        _work: &Work<'_>,
    ) -> Result<Value<'a>, Fault> {
        self.0.text_to_day(&view)
    }
}

#[cfg(test)]
mod tests {
    use jiff::ToSpan as _;
    use proptest::prelude::*;

    use super::*;
    use crate::ops::laws::{self, chain, hold};

    #[track_caller]
    fn check(format: &str, text: &str, day: &str) {
        let op = format!(r#"{{"op": "parse_date", "format": "{format}"}}"#);
        assert_eq!(laws::get(&op, &format!("{text:?}")), day);
    }

    #[test]
    fn days_are_read_in_their_format() {
        check("%Y-%m-%d", "2024-02-29", r#""2024-02-29""#);
        check("%d %B %Y", "29 February 2024", r#""2024-02-29""#);
        check("%m/%d/%y", "12/31/68", r#""2068-12-31""#);
        check("%Y%m%d", "19991231", r#""1999-12-31""#);
        check("%Y-%j", "2024-060", r#""2024-02-29""#);
        for text in
            ["", "2023-02-29", "2024-13-01", "2024-02-29T00:00:00Z", "99999-01-01", "-0001-12-31"]
        {
            check("%Y-%m-%d", text, "mapping.date");
        }
        check("%Y-%m-%d", &"2".repeat(1 << 20), "mapping.date");
    }

    #[test]
    fn formats_that_forget_a_part_are_refused() {
        for format in ["%Y-%m", "%A", "%d.%m.", "", "%q", "%Y-%m-%d%", "%E"] {
            let op = serde_json::json!({"op": "parse_date", "format": format});
            assert!(crate::Chain::build(&[op], &Kind::Text).is_err(), "{format}");
        }
        let long = serde_json::json!({"op": "parse_date", "format": "%Y-%m-%d".repeat(20)});
        assert!(crate::Chain::build(&[long], &Kind::Text).is_err());
    }

    #[test]
    fn days_beyond_a_short_year_are_not_written() {
        let chain = chain(r#"{"op": "format_date", "format": "%y%m%d"}"#, &Kind::Date);
        let failed = chain.get(Value::Date(date(2069, 1, 1)), &crate::NoReferences).unwrap_err();
        assert_eq!(failed.fault.code, "mapping.date");
    }

    fn days() -> impl Strategy<Value = Date> + Clone {
        (0..3_652_058_i64).prop_map(|days| date(1, 1, 1).checked_add(days.days()).unwrap())
    }

    #[test]
    fn laws_hold() {
        let texts = days().prop_map(|day| Value::text(day.strftime("%d/%m/%Y").to_string()));
        hold(r#"{"op": "parse_date", "format": "%d/%m/%Y"}"#, &Kind::Text, texts);
        let loose = days().prop_map(|day| Value::text(day.strftime("%-d/%-m/%Y").to_string()));
        hold(r#"{"op": "parse_date", "format": "%d/%m/%Y"}"#, &Kind::Text, loose);
        hold(r#""format_date""#, &Kind::Date, days().prop_map(Value::Date));
    }
}
