//! Searches: filters, order, pages by offset, and the end after 10,000 rows.

use std::cmp::Ordering;

use serde::Deserialize;
use serde_json::Value;

use crate::hubspot::kind::{Kind, Source};
use crate::hubspot::refuse::Refusal;
use crate::hubspot::table::{Slot, Table};
use crate::hubspot::{HubSpot, render};
use crate::message::{Answer, Request};
use crate::time;

/// Records of a page at most.
const LIMIT_MAX: u64 = 200;

/// Records of a page that asks for no number.
const LIMIT_DEFAULT: u64 = 10;

/// The row after which a search shows nothing more, whatever it found.
pub(super) const ROWS_MAX: u64 = 10_000;

/// Characters of a request at most.
const BODY_BYTES_MAX: usize = 3000;

/// Groups of filters, and filters of a group.
const GROUPS_MAX: usize = 5;
const FILTERS_MAX: usize = 6;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Query {
    #[serde(default)]
    filter_groups: Vec<Group>,
    #[serde(default)]
    sorts: Vec<Sort>,
    #[serde(default)]
    properties: Vec<String>,
    #[serde(default)]
    limit: Value,
    #[serde(default)]
    after: Value,
}

#[derive(Debug, Deserialize)]
struct Group {
    filters: Vec<Filter>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Filter {
    property_name: String,
    operator: Operator,
    #[serde(default)]
    value: String,
    #[serde(default)]
    high_value: String,
    #[serde(default)]
    values: Vec<String>,
}

#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum Operator {
    Eq,
    Neq,
    Lt,
    Lte,
    Gt,
    Gte,
    Between,
    In,
    NotIn,
    HasProperty,
    NotHasProperty,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Sort {
    property_name: String,
    #[serde(default)]
    direction: Direction,
}

#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum Direction {
    #[default]
    Ascending,
    Descending,
}

impl HubSpot {
    /// Answers a search; archived records and those that the index has not seen are not found.
    pub(super) fn search(&self, kind: Kind, request: &Request) -> Result<Answer, Refusal> {
        let query = parse(kind, request)?;
        let limit = number(&query.limit, "limit")?.unwrap_or(LIMIT_DEFAULT);
        let after = number(&query.after, "after")?.unwrap_or(0);
        if !(1..=LIMIT_MAX).contains(&limit) {
            return Err(Refusal::invalid("limit must be between 1 and 200"));
        }
        if after >= ROWS_MAX {
            return Err(Refusal::invalid("the search ends at row 10000: narrow its filters"));
        }
        let table = self.table(kind);
        let groups = query.filter_groups.iter().map(|group| compile(table, group));
        let groups = groups.collect::<Result<Vec<_>, _>>()?;
        let mut rows: Vec<&Slot> = table
            .live()
            .filter(|slot| slot.indexed.is_some())
            .filter(|slot| {
                groups.is_empty() || groups.iter().any(|group| matches(table, slot, group))
            })
            .collect();
        order(table, &mut rows, &query.sorts)?;
        Ok(Answer::json(200, page(table, &rows, &query, (after, limit))))
    }
}

fn page(table: &Table, rows: &[&Slot], query: &Query, (after, limit): (u64, u64)) -> Vec<u8> {
    let selection = table.kind.selection(query.properties.iter().map(String::as_str));
    let skipped = rows.iter().skip(usize::try_from(after).unwrap_or(usize::MAX));
    let shown = skipped.take(usize::try_from(limit).unwrap_or(usize::MAX)).copied();
    let mut body = format!(r#"{{"total":{},"results":"#, rows.len()).into_bytes();
    body.append(&mut render::records(table, shown, &selection));
    let next = after + limit;
    if usize::try_from(next).is_ok_and(|next| next < rows.len()) {
        body.extend_from_slice(format!(r#","paging":{{"next":{{"after":"{next}"}}}}"#).as_bytes());
    }
    body.push(b'}');
    body
}

fn parse(kind: Kind, request: &Request) -> Result<Query, Refusal> {
    if request.body.len() > BODY_BYTES_MAX {
        return Err(Refusal::invalid("the request is larger than 3000 characters"));
    }
    let query: Query = serde_json::from_slice(&request.body)
        .map_err(|cause| Refusal::invalid(format!("Invalid input JSON: {cause}")))?;
    let crowded = query.filter_groups.iter().any(|group| group.filters.len() > FILTERS_MAX);
    if crowded || query.filter_groups.len() > GROUPS_MAX {
        return Err(Refusal::invalid("too many filters"));
    }
    let filters = query.filter_groups.iter().flat_map(|group| &group.filters);
    let names =
        filters.map(|it| &it.property_name).chain(query.sorts.iter().map(|it| &it.property_name));
    for name in names {
        kind.property(name).ok_or_else(|| Refusal::no_property(name))?;
    }
    Ok(query)
}

/// Reads a number that clients write as a number or as text.
fn number(value: &Value, name: &str) -> Result<Option<u64>, Refusal> {
    let number = match value {
        Value::Null => return Ok(None),
        Value::String(text) if text.is_empty() => return Ok(None),
        Value::String(text) => text.parse().ok(),
        other => other.as_u64(),
    };
    number.map(Some).ok_or_else(|| Refusal::invalid(format!("{name} is not a number: {value}")))
}

/// A filter whose operands are read.
struct Test {
    place: usize,
    operator: Operator,
    operands: Vec<Key>,
}

/// What values are compared as.
#[derive(Clone, Debug, PartialEq, PartialOrd)]
enum Key {
    Missing,
    Number(f64),
    Text(String),
}

fn compile(table: &Table, group: &Group) -> Result<Vec<Test>, Refusal> {
    let tests = group.filters.iter().map(|filter| {
        let name = &filter.property_name;
        let place = table.kind.property(name).ok_or_else(|| Refusal::no_property(name))?;
        let texts: Vec<&str> = match filter.operator {
            Operator::In | Operator::NotIn => filter.values.iter().map(String::as_str).collect(),
            Operator::Between => vec![&filter.value, &filter.high_value],
            _ => vec![&filter.value],
        };
        let operands = texts.into_iter().map(|text| key_of(table, place, Some(text)));
        Ok(Test { place, operator: filter.operator, operands: operands.collect() })
    });
    tests.collect()
}

fn matches(table: &Table, slot: &Slot, tests: &[Test]) -> bool {
    tests.iter().all(|test| {
        let key = key(table, slot, test.place);
        let first = test.operands.first().unwrap_or(&Key::Missing);
        let last = test.operands.last().unwrap_or(&Key::Missing);
        let there = key != Key::Missing;
        match test.operator {
            Operator::Eq => key == *first,
            Operator::Neq => there && key != *first,
            Operator::Lt => there && key < *first,
            Operator::Lte => there && key <= *first,
            Operator::Gt => there && key > *first,
            Operator::Gte => there && key >= *first,
            Operator::Between => key >= *first && key <= *last,
            Operator::In => test.operands.contains(&key),
            Operator::NotIn => there && !test.operands.contains(&key),
            Operator::HasProperty => there,
            Operator::NotHasProperty => !there,
        }
    })
}

fn order(table: &Table, rows: &mut [&Slot], sorts: &[Sort]) -> Result<(), Refusal> {
    // As the API does, only the first order counts.
    let Some(sort) = sorts.first() else { return Ok(()) };
    let name = &sort.property_name;
    let place = table.kind.property(name).ok_or_else(|| Refusal::no_property(name))?;
    rows.sort_by_cached_key(|slot| Sorted(key(table, slot, place)));
    if sort.direction == Direction::Descending {
        rows.reverse();
    }
    Ok(())
}

/// The value of a property, ready to be compared; times are those that the index knows.
fn key(table: &Table, slot: &Slot, place: usize) -> Key {
    match table.kind.properties().get(place).map(|property| property.source) {
        Some(Source::Id) => exact(i64::try_from(slot.id).unwrap_or(i64::MAX)),
        Some(Source::Created) => exact(slot.created),
        Some(Source::Modified) => exact(slot.indexed.unwrap_or(slot.modified)),
        Some(Source::Given) => key_of(table, place, render::value(table, slot, place).as_deref()),
        None => Key::Missing,
    }
}

fn key_of(table: &Table, place: usize, value: Option<&str>) -> Key {
    let Some(value) = value else { return Key::Missing };
    let form = table.kind.properties().get(place).map(|property| property.form);
    let number = match form {
        Some("datetime") => time::parse(value).map(exact),
        Some("number") => value.parse().ok().map(Key::Number),
        _ => None,
    };
    number.unwrap_or_else(|| Key::Text(value.to_lowercase()))
}

/// Ids and milliseconds stay below 2^53, where a float is exact.
#[expect(clippy::as_conversions, clippy::cast_precision_loss, reason = "exact below 2^53")]
fn exact(number: i64) -> Key {
    Key::Number(number as f64)
}

/// A key in an order that is total: no number here is NaN.
#[derive(PartialEq)]
struct Sorted(Key);

impl Eq for Sorted {}

impl PartialOrd for Sorted {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Sorted {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.partial_cmp(&other.0).unwrap_or(Ordering::Equal)
    }
}
