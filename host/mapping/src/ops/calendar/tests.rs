use jiff::Timestamp;
use jiff::tz::Offset;
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::ops::laws::{chain, hold};
use crate::{Chain, NoReferences};

#[track_caller]
fn value(text: &str) -> Value<'static> {
    let kind = if text.contains('T') { Kind::DateTime } else { Kind::Date };
    Value::text(text.to_owned()).typed(&kind).unwrap()
}

#[track_caller]
fn check(op: &str, source: &str, expected: &str) {
    let source = value(source);
    let view = chain(op, &source.kind()).get(source, &NoReferences);
    assert_eq!(view.unwrap(), value(expected));
}

#[track_caller]
fn check_put(op: &str, view: &str, base: &str, expected: &str) {
    let base = value(base);
    let source = chain(op, &base.kind()).put(value(view), &base, &NoReferences);
    assert_eq!(source.unwrap(), value(expected));
}

fn op(name: &str, param: &str, value: &str) -> String {
    json!({"op": name, param: value}).to_string()
}

#[test]
fn zones_change_the_offset_alone() {
    let op = op("tz_convert", "to", "Europe/Berlin");
    check(&op, "2024-03-31T00:59:59Z", "2024-03-31T01:59:59+01:00");
    check(&op, "2024-03-31T01:00:00Z", "2024-03-31T03:00:00+02:00");
    check(&op, "2024-10-27T00:30:00Z", "2024-10-27T02:30:00+02:00");
    check(&op, "2024-10-27T01:30:00Z", "2024-10-27T02:30:00+01:00");
    check_put(
        &op,
        "2024-07-01T12:00:00+02:00",
        "2024-01-01T00:00:00-05:00",
        "2024-07-01T05:00:00-05:00",
    );
    let both = r#"{"op": "tz_convert", "to": "Europe/Berlin", "from": "Asia/Tokyo"}"#;
    check_put(
        both,
        "2024-07-01T12:00:00+02:00",
        "2024-01-01T00:00:00Z",
        "2024-07-01T19:00:00+09:00",
    );
}

#[test]
fn instants_that_rfc_3339_cannot_write_are_none_and_older_offsets_lose_their_seconds_alone() {
    let op = op("tz_convert", "to", "America/New_York");
    let failed = chain(&op, &Kind::DateTime).get(value("0000-01-01T00:00:00Z"), &NoReferences);
    assert_eq!(failed.unwrap_err().fault.code, "mapping.date-range");
    let old = value("1800-01-01T12:00:00Z");
    let view = chain(&op, &Kind::DateTime).get(old.clone(), &NoReferences).unwrap();
    let Value::DateTime(read) = value(view.to_json().trim_matches('"')) else { unreachable!() };
    assert_eq!(read.to_string(), "1800-01-01T07:04:00-04:56");
    assert_eq!(Value::DateTime(DateTime { offset: Offset::UTC, ..read }), old);
}

#[test]
fn units_begin_in_the_offset_of_the_instant() {
    let table = [
        ("second", "2024-05-16T13:14:15Z"),
        ("minute", "2024-05-16T13:14:00Z"),
        ("hour", "2024-05-16T13:00:00Z"),
        ("day", "2024-05-16T00:00:00Z"),
        ("week", "2024-05-13T00:00:00Z"),
        ("month", "2024-05-01T00:00:00Z"),
        ("year", "2024-01-01T00:00:00Z"),
    ];
    for (unit, begin) in table {
        check(&op("date_trunc", "unit", unit), "2024-05-16T13:14:15.5Z", begin);
    }
    check(
        &op("date_trunc", "unit", "day"),
        "2024-05-16T23:00:00-10:00",
        "2024-05-16T00:00:00-10:00",
    );
    check(&op("date_trunc", "unit", "week"), "2024-03-03", "2024-02-26");
}

#[test]
fn what_the_beginning_forgot_comes_back_where_there_is_room() {
    let day = op("date_trunc", "unit", "day");
    check_put(&day, "2024-06-01T00:00:00Z", "2024-05-16T13:14:15.5Z", "2024-06-01T13:14:15.5Z");
    let month = op("date_trunc", "unit", "month");
    check_put(&month, "2024-02-01", "2024-01-29", "2024-02-29");
    check_put(&month, "2023-02-01", "2024-01-31", "2023-02-01");
}

#[test]
fn durations_are_exact() {
    check(&op("date_add", "by", "P1D"), "2024-02-28", "2024-02-29");
    check(&op("date_add", "by", "-P1W"), "2024-03-01", "2024-02-23");
    check(&op("date_add", "by", "PT36H"), "2024-03-30T12:00:00+01:00", "2024-04-01T00:00:00+01:00");
    for by in ["P1M", "P1Y", "1 fortnight", "", "P", "P99999999D1Y"] {
        let op = json!({"op": "date_add", "by": by});
        assert!(Chain::build(&[op], &Kind::DateTime).is_err(), "{by}");
    }
    let hours = json!({"op": "date_add", "by": "PT1H"});
    assert!(Chain::build(&[hours], &Kind::Date).is_err());
    let far = chain(&op("date_add", "by", "P3650000D"), &Kind::Date);
    let failed = far.get(value("2024-01-01"), &NoReferences).unwrap_err();
    assert_eq!(failed.fault.code, "mapping.date-range");
}

fn instants() -> impl Strategy<Value = Value<'static>> + Clone {
    let nanoseconds = -1_000_000_000_000_000_000..4_000_000_000_000_000_000_i128;
    (nanoseconds, -12..14_i8).prop_map(|(nanosecond, hours)| {
        let at = Timestamp::from_nanosecond(nanosecond).unwrap();
        Value::DateTime(DateTime { at, offset: Offset::from_hours(hours).unwrap() })
    })
}

#[test]
fn laws_hold() {
    hold(&op("tz_convert", "to", "Australia/Lord_Howe"), &Kind::DateTime, instants());
    let both = r#"{"op": "tz_convert", "to": "Europe/Berlin", "from": "Asia/Tokyo"}"#;
    hold(both, &Kind::DateTime, instants());
    for (unit, _) in UNITS {
        hold(&op("date_trunc", "unit", unit), &Kind::DateTime, instants());
    }
    hold(&op("date_add", "by", "-P1DT2H3.5S"), &Kind::DateTime, instants());
    let days = (0..40_000_i64)
        .prop_map(|days| Value::Date(civil::date(1950, 1, 1).checked_add(days.days()).unwrap()));
    hold(&op("date_trunc", "unit", "month"), &Kind::Date, days.clone());
    hold(&op("date_add", "by", "P400D"), &Kind::Date, days);
}
