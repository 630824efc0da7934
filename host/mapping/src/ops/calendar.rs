//! Days and instants moved by the calendar.

#[cfg(test)]
mod tests;

use jiff::civil::{self, Date};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Span, SpanRelativeTo, ToSpan as _};

use super::instant::{within, zone};
use super::{Args, BuildError, Example, Param, ParamKind, Spec};
use crate::lens::Lens;
use crate::work::Work;
use crate::{Class, DateTime, Fault, Kind, Value};

const UNITS: &[(&str, Unit)] = &[
    ("second", Unit::Second),
    ("minute", Unit::Minute),
    ("hour", Unit::Hour),
    ("day", Unit::Day),
    ("week", Unit::Week),
    ("month", Unit::Month),
    ("year", Unit::Year),
];

pub(super) const SPECS: &[Spec] = &[
    Spec {
        name: "tz_convert",
        summary: "writes the same instant in the offset of a zone",
        params: &[
            Param {
                name: "to",
                kind: ParamKind::Text,
                required: true,
                summary: "the zone of what comes out, as `Europe/Berlin`",
            },
            Param {
                name: "from",
                kind: ParamKind::Text,
                required: false,
                summary: "the zone of what goes back; the offset of the base when left out",
            },
        ],
        types: "datetime → datetime",
        class: "needs-base; canonicalising with `from`",
        reverse: "writes the instant in the zone `from`, or in the offset of the base",
        standard: Some("IANA time zone database, built in"),
        example: Example {
            op: r#"{"op": "tz_convert", "to": "America/New_York"}"#,
            input: r#""2026-07-01T12:00:00Z""#,
            output: r#""2026-07-01T08:00:00-04:00""#,
        },
        build: |args| {
            let to = args.need("to", zone)?;
            Ok(Box::new(TzConvert { to, from: zone(args, "from")? }))
        },
    },
    Spec {
        name: "date_trunc",
        summary: "goes back to the beginning of the second, minute, hour, day, week (Monday), \
                  month or year, in the offset that the instant is written in",
        params: &[Param {
            name: "unit",
            kind: ParamKind::Choice(&["second", "minute", "hour", "day", "week", "month", "year"]),
            required: true,
            summary: "what begins there; of days a week, month or year",
        }],
        types: "datetime → datetime, date → date",
        class: "needs-base",
        reverse: "adds what the base had beyond its beginning, as far as the unit has room for it",
        standard: Some("ISO 8601 for weeks"),
        example: Example {
            op: r#"{"op": "date_trunc", "unit": "hour"}"#,
            input: r#""2026-07-01T12:34:56+02:00""#,
            output: r#""2026-07-01T12:00:00+02:00""#,
        },
        build: |args| Ok(Box::new(DateTrunc(args.need("unit", |a, name| a.choice(name, UNITS))?))),
    },
    Spec {
        name: "date_add",
        summary: "adds weeks, days, hours, minutes and seconds; a day has 24 hours",
        params: &[Param {
            name: "by",
            kind: ParamKind::Text,
            required: true,
            summary: "a duration of ISO 8601 without years and months, which have no length of \
                      their own: `P1DT12H`, `-P2W`",
        }],
        types: "datetime → datetime, date → date",
        class: "bijective",
        reverse: "takes the duration away",
        standard: Some("ISO 8601 durations"),
        example: Example {
            op: r#"{"op": "date_add", "by": "-P1DT12H"}"#,
            input: r#""2026-07-02T12:00:00Z""#,
            output: r#""2026-07-01T00:00:00Z""#,
        },
        build: |args| Ok(Box::new(DateAdd(duration(args)?))),
    },
];

#[derive(Debug)]
struct TzConvert {
    to: TimeZone,
    from: Option<TimeZone>,
}

impl Lens for TzConvert {
    fn view(&mut self, source: &Kind) -> Result<Kind, BuildError> {
        source.must_fit(&Kind::DateTime)?;
        Ok(Kind::DateTime)
    }

    fn class(&self) -> Class {
        if self.from.is_some() { Class::Canonicalising } else { Class::NeedsBase }
    }

    fn get<'a>(&self, source: Value<'a>, _work: &Work<'_>) -> Result<Value<'a>, Fault> {
        written(within(&self.to, instant(&source)?.at))
    }

    fn put<'a>(
        &self,
        view: Value<'a>,
        base: &Value<'a>,
        _work: &Work<'_>,
    ) -> Result<Value<'a>, Fault> {
        let time = instant(&view)?;
        written(match (&self.from, base) {
            (Some(zone), _) => within(zone, time.at),
            (None, Value::DateTime(base)) => DateTime { at: time.at, offset: base.offset },
            (None, _) => time,
        })
    }
}

/// The instant, unless RFC 3339 cannot write it.
fn written(time: DateTime) -> Result<Value<'static>, Fault> {
    if time.is_written() { Ok(Value::DateTime(time)) } else { Err(out_of_range()) }
}

#[cold]
fn out_of_range() -> Fault {
    Fault::new("mapping.date-range", "the result lies beyond the years 0 to 9999")
}

fn instant(value: &Value<'_>) -> Result<DateTime, Fault> {
    match value {
        Value::DateTime(time) => Ok(*time),
        other => Err(Fault::kind(&Kind::DateTime, other)),
    }
}

#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
enum Unit {
    Second,
    Minute,
    Hour,
    Day,
    Week,
    Month,
    Year,
}

impl Unit {
    fn begin(self, time: civil::DateTime) -> Option<civil::DateTime> {
        let at = |hour, minute, second| time.date().at(hour, minute, second, 0);
        Some(match self {
            Self::Second => at(time.hour(), time.minute(), time.second()),
            Self::Minute => at(time.hour(), time.minute(), 0),
            Self::Hour => at(time.hour(), 0, 0),
            Self::Day => at(0, 0, 0),
            Self::Week => {
                let days = time.date().weekday().to_monday_zero_offset();
                time.date().checked_sub(days.days()).ok()?.at(0, 0, 0, 0)
            }
            Self::Month => time.date().first_of_month().at(0, 0, 0, 0),
            Self::Year => time.date().first_of_year().at(0, 0, 0, 0),
        })
    }

    /// The beginning of the unit of `view`, and beyond it what `base` is beyond its own.
    fn fill(self, view: civil::DateTime, base: civil::DateTime) -> Option<civil::DateTime> {
        let begin = self.begin(view)?;
        let beyond = base.duration_since(self.begin(base)?);
        let filled = begin.checked_add(beyond).ok();
        let fits = |filled: &civil::DateTime| self.begin(*filled) == Some(begin);
        Some(filled.filter(fits).unwrap_or(begin))
    }
}

#[derive(Debug)]
struct DateTrunc(Unit);

impl Lens for DateTrunc {
    fn view(&mut self, source: &Kind) -> Result<Kind, BuildError> {
        moves(source)?;
        if *source == Kind::Date && self.0 < Unit::Week {
            return Err(BuildError::parameter("`unit` of a day must be week, month or year"));
        }
        Ok(source.clone())
    }

    fn class(&self) -> Class {
        Class::NeedsBase
    }

    fn get<'a>(&self, source: Value<'a>, _work: &Work<'_>) -> Result<Value<'a>, Fault> {
        change(&source, |time| self.0.begin(time))
    }

    fn put<'a>(
        &self,
        view: Value<'a>,
        base: &Value<'a>,
        _work: &Work<'_>,
    ) -> Result<Value<'a>, Fault> {
        let base = match base {
            Value::DateTime(base) => Some(base.offset.to_datetime(base.at)),
            Value::Date(base) => Some(base.at(0, 0, 0, 0)),
            _ => None,
        };
        change(&view, |view| match base {
            Some(base) => self.0.fill(view, base),
            None => self.0.begin(view),
        })
    }
}

fn duration(args: &mut Args) -> Result<SignedDuration, BuildError> {
    let by = args.need("by", Args::text)?;
    let span =
        by.parse().ok().filter(|span: &Span| span.get_years() == 0 && span.get_months() == 0);
    let duration = span.and_then(|span| span.to_duration(SpanRelativeTo::days_are_24_hours()).ok());
    duration.ok_or_else(|| {
        let by = Fault::quote(&by);
        let message = format!("`by` is {by}, which is no duration such as `P1DT12H` or `-P2W`");
        BuildError::parameter(message)
    })
}

#[derive(Debug)]
struct DateAdd(SignedDuration);

impl Lens for DateAdd {
    fn view(&mut self, source: &Kind) -> Result<Kind, BuildError> {
        moves(source)?;
        let seconds = self.0.as_secs() % (24 * 60 * 60);
        if *source == Kind::Date && (seconds != 0 || self.0.subsec_nanos() != 0) {
            return Err(BuildError::parameter("`by` must be whole days, as it is added to a day"));
        }
        Ok(source.clone())
    }

    fn class(&self) -> Class {
        Class::Bijective
    }

    fn get<'a>(&self, source: Value<'a>, _work: &Work<'_>) -> Result<Value<'a>, Fault> {
        change(&source, |time| time.checked_add(self.0).ok())
    }

    fn put<'a>(
        &self,
        view: Value<'a>,
        _base: &Value<'a>,
        _work: &Work<'_>,
    ) -> Result<Value<'a>, Fault> {
        change(&view, |time| time.checked_sub(self.0).ok())
    }
}

fn moves(source: &Kind) -> Result<(), BuildError> {
    if *source == Kind::Date { Ok(()) } else { source.must_fit(&Kind::DateTime) }
}

/// Changes a day, or an instant within its offset.
fn change<'a>(
    value: &Value<'a>,
    change: impl Fn(civil::DateTime) -> Option<civil::DateTime>,
) -> Result<Value<'a>, Fault> {
    let changed = match value {
        Value::Date(day) => change(day.at(0, 0, 0, 0)).and_then(midnight).map(Value::Date),
        Value::DateTime(time) => {
            let offset = time.offset;
            let at = change(offset.to_datetime(time.at));
            let at = at.and_then(|time| offset.to_timestamp(time).ok());
            at.map(|at| DateTime { at, offset }).filter(DateTime::is_written).map(Value::DateTime)
        }
        other => return Err(Fault::kind(&Kind::DateTime, other)),
    };
    changed.ok_or_else(out_of_range)
}

/// The day that begins then.
fn midnight(time: civil::DateTime) -> Option<Date> {
    let day = time.date();
    (day.at(0, 0, 0, 0) == time && day.year() >= 0).then_some(day)
}
