//! The rows of an answer: what a list, a search and a batch read have in common.

use std::collections::HashSet;

use plughouse_sdk::json::{self, Item};
use plughouse_sdk::{Error, Payload, Record, Reject, Response};

use crate::object::Object;

/// Bytes of an unreadable row that are kept for a person to look at.
const REJECT_BYTES_MAX: usize = 16 << 10;

/// One row of `results`, whose text stays where it is.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) id: String,
    pub(crate) modified_ms: Option<u64>,
    pub(crate) archived_ms: Option<u64>,
    payload: Payload,
}

impl Row {
    /// The row as a record whose payload the host takes from the answer that it still holds.
    fn into_record(self, object: Object) -> Record {
        Record {
            id: self.id,
            modified_ms: self.modified_ms,
            ..Record::new(object.entity(), "", self.payload)
        }
    }
}

/// The rows of an answer, and where the next ones begin.
#[derive(Debug)]
pub(crate) struct Rows {
    pub(crate) found: Vec<Row>,
    /// Rows without an id; the others are not affected.
    pub(crate) rejects: Vec<Reject>,
    pub(crate) after: Option<String>,
}

impl Rows {
    /// Reads an answer; one without `results` is no answer.
    pub(crate) fn read(object: Object, response: &Response) -> Result<Self, Error> {
        let answer = json::list("/results", ["/id", "/updatedAt", "/archivedAt"])
            .and(["/paging/next/after"])
            .read(response)?;
        let mut read = Self {
            found: Vec::with_capacity(answer.items().len()),
            rejects: Vec::new(),
            after: answer.text(0).map(Into::into),
        };
        let mut seen = HashSet::with_capacity(answer.items().len());
        for item in answer.items() {
            match row(item) {
                // A busy account may show a row twice; a page has each record once.
                Ok(row) if !seen.insert(item.text(0)) => drop(row),
                Ok(row) => read.found.push(row),
                Err(error) => read.rejects.push(reject(object, item, error)),
            }
        }
        Ok(read)
    }

    /// The rows as records.
    pub(crate) fn into_records(self, object: Object) -> (Vec<Record>, Vec<Reject>) {
        let records = self.found.into_iter().map(|row| row.into_record(object)).collect();
        (records, self.rejects)
    }
}

fn row(item: &Item<'_>) -> Result<Row, Error> {
    Ok(Row {
        id: item.id(0)?,
        modified_ms: item.time(1),
        archived_ms: item.time(2),
        payload: item.payload(),
    })
}

fn reject(object: Object, item: &Item<'_>, error: Error) -> Reject {
    let raw = Some(item.token().raw()).filter(|raw| raw.len() <= REJECT_BYTES_MAX);
    Reject { payload: raw.map(<[u8]>::to_vec), ..Reject::new(object.entity(), None, error) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str) -> Result<Rows, Error> {
        let body = body.as_bytes().to_vec();
        Rows::read(Object::Deal, &Response { id: 4, status: 200, headers: Vec::new(), body })
    }

    #[test]
    fn record_without_an_id_is_rejected_and_the_others_are_not() {
        let body = r#"{"results":[{"id":"1"},{"id":""},{"name":"x"},7,{"id":5}]}"#;
        let (records, rejects) = read(body).unwrap().into_records(Object::Deal);
        let ids: Vec<&str> = records.iter().map(|record| record.id.as_str()).collect();
        assert_eq!(ids, ["1", "5"]);
        let kept: Vec<_> = rejects.iter().map(|reject| reject.payload.as_deref()).collect();
        assert_eq!(kept, [Some(&br#"{"id":""}"#[..]), Some(br#"{"name":"x"}"#), Some(b"7")]);
    }

    #[test]
    fn row_that_comes_twice_is_one_record() {
        let read = read(r#"{"results":[{"id":"1"},{"id":"2"},{"id":"2"},{"id":"1"}]}"#).unwrap();
        let ids: Vec<&str> = read.found.iter().map(|row| row.id.as_str()).collect();
        assert_eq!(ids, ["1", "2"]);
    }

    #[test]
    fn large_unreadable_row_is_not_kept() {
        let body = format!("{{\"results\":[{{\"x\":\"{}\"}}]}}", "y".repeat(REJECT_BYTES_MAX));
        assert_eq!(read(&body).unwrap().rejects[0].payload, None);
    }

    #[test]
    fn cursor_may_be_text_or_number() {
        let after = |after: &str| {
            read(&format!("{{\"results\":[],\"paging\":{{\"next\":{{\"after\":{after}}}}}}}"))
                .unwrap()
                .after
        };
        assert_eq!(after("\"713492963560\"").as_deref(), Some("713492963560"));
        assert_eq!(after("54").as_deref(), Some("54"));
        assert_eq!(after("null"), None);
    }
}
