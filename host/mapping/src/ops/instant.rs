//! Instants as texts and as numbers.

use jiff::Timestamp;
use jiff::civil;
use jiff::fmt::temporal::Pieces;
use jiff::tz::{Offset, TimeZone, TimeZoneDatabase};
use rust_decimal::Decimal;

use super::date::Format;
use super::{Args, BuildError, Example, Param, ParamKind, Spec};
use crate::lens::Lens;
use crate::work::Work;
use crate::{Class, DateTime, Fault, Kind, Value};

pub(super) const SPECS: &[Spec] = &[
    Spec {
        name: "parse_datetime",
        summary: "reads an instant from a text; a local time that a zone skips counts from before \
                  the gap, of one that it repeats the first is meant",
        params: &[
            Param {
                name: "format",
                kind: ParamKind::Text,
                required: false,
                summary: "a format of strftime that tells day and time; RFC 3339 when left out",
            },
            Param {
                name: "tz",
                kind: ParamKind::Text,
                required: false,
                summary: "the zone of texts without an offset, as `Europe/Berlin`; \
                          left out, they are refused",
            },
        ],
        types: "text → datetime",
        class: "canonicalising",
        reverse: "writes the instant in the format, in the zone if one is given; refuses one that \
                  the text cannot tell",
        standard: Some("RFC 3339 §5.6; RFC 5545 §3.3.5 for gaps and folds; POSIX strftime"),
        example: Example {
            op: r#"{"op": "parse_datetime", "format": "%d.%m.%Y %H:%M", "tz": "Europe/Berlin"}"#,
            input: r#""31.12.2026 12:00""#,
            output: r#""2026-12-31T12:00:00+01:00""#,
        },
        build: |args| Ok(Box::new(ParseDatetime::of(args)?)),
    },
    epoch_spec(
        "epoch_s",
        "reads seconds since 1970 as an instant in UTC",
        Example { op: r#""epoch_s""#, input: "1000000000", output: r#""2001-09-09T01:46:40Z""# },
        |_| Ok(Box::new(Epoch { places: 9, whole: false })),
    ),
    epoch_spec(
        "epoch_ms",
        "reads milliseconds since 1970 as an instant in UTC",
        Example {
            op: r#""epoch_ms""#,
            input: "1000000000000",
            output: r#""2001-09-09T01:46:40Z""#,
        },
        |_| Ok(Box::new(Epoch { places: 6, whole: false })),
    ),
];

const fn epoch_spec(
    name: &'static str,
    summary: &'static str,
    example: Example,
    build: fn(&mut Args) -> Result<Box<dyn Lens>, BuildError>,
) -> Spec {
    Spec {
        name,
        summary,
        params: &[],
        types: "decimal → datetime",
        class: "bijective",
        reverse: "the number; a whole one if the source is known as such",
        standard: Some("POSIX, seconds since the Epoch"),
        example,
        build,
    }
}

/// A zone of the database that is built in, so that a mapping means the same on every machine.
pub(super) fn zone(args: &mut Args, name: &'static str) -> Result<Option<TimeZone>, BuildError> {
    let Some(zone) = args.text(name)? else { return Ok(None) };
    let refuse = |_unknown| {
        let zone = Fault::quote(&zone);
        let message = format!("`{name}` is {zone}, which is no zone such as `Europe/Berlin`");
        BuildError::parameter(message)
    };
    TimeZoneDatabase::bundled().get(&zone).map(Some).map_err(refuse)
}

/// The instant as it is written in a zone.
pub(super) fn within(zone: &TimeZone, at: Timestamp) -> DateTime {
    DateTime { at, offset: zone.to_offset(at) }
}

#[derive(Debug)]
struct ParseDatetime {
    format: Option<Format>,
    zone: Option<TimeZone>,
}

impl ParseDatetime {
    fn of(args: &mut Args) -> Result<Self, BuildError> {
        let read = Self { format: Format::take(args)?, zone: zone(args, "tz")? };
        if DateTime::parse("2024-02-29T13:00:00Z").and_then(|time| read.write(time)).is_ok() {
            return Ok(read);
        }
        let message = "`format` must tell day, month, year and time, and an offset if there is no \
                       `tz`, as `%Y-%m-%d %H:%M:%S %z` does";
        Err(BuildError::parameter(message))
    }

    fn read(&self, text: &str) -> Result<DateTime, Fault> {
        let Some(format) = &self.format else {
            return DateTime::parse(text).or_else(|fault| {
                let local = is_local(text).then(|| text.parse().ok()).flatten();
                let time = local.and_then(|time| self.local(time));
                time.filter(DateTime::is_written).ok_or(fault)
            });
        };
        let parsed = format.read(text).and_then(|parsed| {
            let offset = parsed.offset().or(parsed.timestamp().map(|_| Offset::UTC));
            match offset {
                Some(offset) => Some(DateTime { at: parsed.to_timestamp().ok()?, offset }),
                // The zone of a name would be another one than ours.
                None if parsed.iana_time_zone().is_some() => None,
                None => self.local(parsed.to_datetime().ok()?),
            }
        });
        parsed.filter(DateTime::is_written).ok_or_else(|| {
            let text = Fault::quote(text);
            Fault::new("mapping.datetime", format!("{text} is no instant of the expected form"))
        })
    }

    fn local(&self, time: civil::DateTime) -> Option<DateTime> {
        let zone = self.zone.as_ref()?;
        let at = zone.to_ambiguous_timestamp(time).compatible().ok()?;
        Some(within(zone, at))
    }

    fn write(&self, time: DateTime) -> Result<String, Fault> {
        let time = self.zone.as_ref().map_or(time, |zone| within(zone, time.at));
        let Some(format) = &self.format else { return Ok(time.to_string()) };
        let zoned = time.at.to_zoned(TimeZone::fixed(time.offset));
        let text = format.write(&zoned);
        let tells = |text: &String| self.read(text).is_ok_and(|read| read.at == time.at);
        text.filter(tells).ok_or_else(|| {
            let message = format!(
                "the format cannot tell {time}: it leaves a part out, or the zone has that hour \
                 twice; put `date_trunc` behind it, or take a format with an offset"
            );
            Fault::new("mapping.datetime", message)
        })
    }
}

/// Whether a text has neither offset nor zone: one that has is not read as if it had none.
fn is_local(text: &str) -> bool {
    Pieces::parse(text)
        .is_ok_and(|pieces| pieces.offset().is_none() && pieces.time_zone_annotation().is_none())
}

impl Lens for ParseDatetime {
    fn view(&mut self, source: &Kind) -> Result<Kind, BuildError> {
        source.must_fit(&Kind::Text)?;
        Ok(Kind::DateTime)
    }

    fn class(&self) -> Class {
        Class::Canonicalising
    }

    fn get<'a>(&self, source: Value<'a>, _work: &Work<'_>) -> Result<Value<'a>, Fault> {
        match &source {
            Value::Text(text) => self.read(text).map(Value::DateTime),
            other => Err(Fault::kind(&Kind::Text, other)),
        }
    }

    fn put<'a>(
        &self,
        view: Value<'a>,
        _base: &Value<'a>,
        _work: &Work<'_>,
    ) -> Result<Value<'a>, Fault> {
        match view {
            Value::DateTime(time) => self.write(time).map(Value::text),
            other => Err(Fault::kind(&Kind::DateTime, &other)),
        }
    }
}

/// Time since 1970, in units of 10^`places` nanoseconds.
#[derive(Debug)]
struct Epoch {
    places: u32,
    whole: bool,
}

impl Lens for Epoch {
    fn view(&mut self, source: &Kind) -> Result<Kind, BuildError> {
        source.must_fit(&Kind::Decimal)?;
        self.whole = *source == Kind::Integer;
        Ok(Kind::DateTime)
    }

    fn class(&self) -> Class {
        Class::Bijective
    }

    fn get<'a>(&self, source: Value<'a>, _work: &Work<'_>) -> Result<Value<'a>, Fault> {
        let Value::Number(number) = source else {
            return Err(Fault::kind(&Kind::Decimal, &source));
        };
        let at = nanoseconds(number, self.places);
        let at = at.and_then(|nanoseconds| Timestamp::from_nanosecond(nanoseconds).ok());
        let time = at.map(|at| DateTime { at, offset: Offset::UTC }).filter(DateTime::is_written);
        time.map(Value::DateTime).ok_or_else(|| {
            let message = format!("{number} is no time between the years 0 and 9999");
            Fault::new("mapping.date-range", message)
        })
    }

    fn put<'a>(
        &self,
        view: Value<'a>,
        _base: &Value<'a>,
        _work: &Work<'_>,
    ) -> Result<Value<'a>, Fault> {
        let Value::DateTime(time) = view else {
            return Err(Fault::kind(&Kind::DateTime, &view));
        };
        let number = Decimal::try_from_i128_with_scale(time.at.as_nanosecond(), self.places);
        let number = number.ok().map(|number| number.normalize());
        number.filter(|number| !self.whole || number.is_integer()).map(Value::Number).ok_or_else(
            || {
                let message = format!("{time} is finer than a whole number of the unit");
                Fault::new("mapping.datetime", message)
            },
        )
    }
}

/// A number of units of 10^`places` nanoseconds; `None` when there are more, or a finer part.
fn nanoseconds(number: Decimal, places: u32) -> Option<i128> {
    let number = number.normalize();
    let zeros = places.checked_sub(number.scale())?;
    number.mantissa().checked_mul(10_i128.checked_pow(zeros)?)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::ops::laws::{self, chain, hold, hold_for};

    #[track_caller]
    fn check(op: &str, source: &str, view: &str) {
        assert_eq!(laws::get(op, source), view, "{source:.80}");
    }

    const RFC: &str = r#""parse_datetime""#;
    const BERLIN: &str =
        r#"{"op": "parse_datetime", "format": "%Y-%m-%d %H:%M:%S", "tz": "Europe/Berlin"}"#;

    /// RFC 3339 §5.8.
    #[test]
    fn instants_keep_the_offset_they_are_written_in() {
        check(RFC, r#""1985-04-12T23:20:50.52Z""#, r#""1985-04-12T23:20:50.52Z""#);
        check(RFC, r#""1996-12-19T16:39:57-08:00""#, r#""1996-12-19T16:39:57-08:00""#);
        check(RFC, r#""1937-01-01T12:00:27.87+00:20""#, r#""1937-01-01T12:00:27.87+00:20""#);
        check(RFC, r#""1996-12-19t16:39:57z""#, r#""1996-12-19T16:39:57Z""#);
        // A leap second is the second before it: no clock here has one.
        check(RFC, r#""1990-12-31T23:59:60Z""#, r#""1990-12-31T23:59:59Z""#);
        for text in ["", "1985-04-12", "1985-04-12T23:20:50", "1985-04-12T25:00:00Z", "now"] {
            check(RFC, &json!(text).to_string(), "mapping.datetime");
        }
        check(RFC, &json!("1".repeat(1 << 20)).to_string(), "mapping.datetime");
        let local = r#"{"op": "parse_datetime", "tz": "UTC"}"#;
        check(local, r#""0000-01-01T00:00:00""#, r#""0000-01-01T00:00:00Z""#);
        check(local, r#""-000001-12-31T00:00:00""#, "mapping.datetime");
        let format = r#"{"op": "parse_datetime", "tz": "UTC", "format": "%Y-%m-%d %H:%M:%S"}"#;
        check(format, r#""-0001-12-31 00:00:00""#, "mapping.datetime");
    }

    #[test]
    fn zone_stands_for_an_offset_that_is_left_out() {
        let op = r#"{"op": "parse_datetime", "tz": "America/New_York"}"#;
        check(op, r#""2024-07-01T12:00:00""#, r#""2024-07-01T12:00:00-04:00""#);
        check(op, r#""2024-01-01 12:00""#, r#""2024-01-01T12:00:00-05:00""#);
        check(op, r#""2024-01-01T12:00:00Z""#, r#""2024-01-01T12:00:00Z""#);
        for text in ["2024-01-01 12:00+01:00", "2024-01-01T12:00:00+01:00[Europe/Paris]"] {
            check(op, &json!(text).to_string(), "mapping.datetime");
        }
    }

    /// Summer time began on 2024-03-31 at 02:00 and ended on 2024-10-27 at 03:00.
    #[test]
    fn gaps_and_folds_follow_the_calendar_standard() {
        check(BERLIN, r#""2024-03-31 01:59:59""#, r#""2024-03-31T01:59:59+01:00""#);
        check(BERLIN, r#""2024-03-31 02:30:00""#, r#""2024-03-31T03:30:00+02:00""#);
        check(BERLIN, r#""2024-10-27 02:30:00""#, r#""2024-10-27T02:30:00+02:00""#);
        check(BERLIN, r#""2024-10-27 03:00:00""#, r#""2024-10-27T03:00:00+01:00""#);
        let put = |view: &str| {
            let view = Value::DateTime(DateTime::parse(view).unwrap());
            let chain = chain(BERLIN, &Kind::Text);
            match chain.put(view, &Value::Missing, &crate::NoReferences) {
                Ok(text) => text.to_json(),
                Err(failed) => failed.fault.code.to_owned(),
            }
        };
        assert_eq!(put("2024-10-27T00:30:00Z"), r#""2024-10-27 02:30:00""#);
        assert_eq!(put("2024-10-27T01:30:00Z"), "mapping.datetime", "the second 02:30");
        assert_eq!(put("2024-10-27T00:30:00.5Z"), "mapping.datetime", "half a second");
    }

    #[test]
    fn formats_that_forget_a_part_are_refused() {
        for format in ["%Y-%m-%d", "%Y-%m-%d %H:%M:%S", "%H:%M %z", "%Y-%m-%dT%H:%M:%S %Q"] {
            let op = json!({"op": "parse_datetime", "format": format});
            let built = crate::Chain::build(std::slice::from_ref(&op), &Kind::Text);
            assert!(built.is_err(), "{format}");
        }
        let op = json!({"op": "parse_datetime", "tz": "Europe/Atlantis"});
        assert!(crate::Chain::build(&[op], &Kind::Text).is_err());
    }

    #[test]
    fn epochs_are_exact() {
        check(r#""epoch_s""#, "0", r#""1970-01-01T00:00:00Z""#);
        check(r#""epoch_s""#, "-1", r#""1969-12-31T23:59:59Z""#);
        check(r#""epoch_s""#, "1700000000.000100", r#""2023-11-14T22:13:20.0001Z""#);
        check(r#""epoch_ms""#, "1700000000123", r#""2023-11-14T22:13:20.123Z""#);
        check(r#""epoch_s""#, "0.0000000001", "mapping.date-range");
        check(r#""epoch_s""#, "1e20", "mapping.date-range");
        check(r#""epoch_s""#, "-99999999999", "mapping.date-range");
        check(r#""epoch_s""#, r#""0""#, "mapping.type");
        let chain = chain(r#""epoch_s""#, &Kind::Integer);
        let view = Value::DateTime(DateTime::parse("1970-01-01T00:00:00.5Z").unwrap());
        assert!(chain.put(view, &Value::Missing, &crate::NoReferences).is_err());
    }

    fn instants(zone: &str) -> impl Strategy<Value = DateTime> + Clone + use<> {
        let zone = TimeZoneDatabase::bundled().get(zone).unwrap();
        (-60_000_000_000_i64..250_000_000_000)
            .prop_map(move |second| within(&zone, Timestamp::from_second(second).unwrap()))
    }

    #[test]
    fn laws_hold() {
        let texts = instants("Asia/Kolkata").prop_map(|time| Value::text(time.to_string()));
        hold(RFC, &Kind::Text, texts.clone());
        hold(r#"{"op": "parse_datetime", "format": "%s"}"#, &Kind::Text, {
            instants("UTC").prop_map(|time| Value::text(time.at.as_second().to_string()))
        });
        let local = instants("Europe/Berlin").prop_map(|time| {
            Value::text(time.offset.to_datetime(time.at).strftime("%Y-%m-%d %H:%M:%S").to_string())
        });
        hold(BERLIN, &Kind::Text, local);
        let numbers = (-62_000_000_000_i64..250_000_000_000).prop_map(|n| Value::Number(n.into()));
        hold(r#""epoch_s""#, &Kind::Integer, numbers);
        let milliseconds = (0..250_000_000_000_000_i64).prop_map(|n| Value::Number(n.into()));
        let views = instants("UTC").prop_map(Value::DateTime);
        hold_for(r#""epoch_ms""#, &Kind::Integer, milliseconds, views);
    }
}
