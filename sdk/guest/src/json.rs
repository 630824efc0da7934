//! Reading JSON without building it: picks by pointer, records as spans of the response.
//!
//! The host still holds the body, so a record returned as a span costs nothing to hand back. Every
//! read checks the whole body (see `plughouse-scan`); pointers are JSON Pointers (RFC 6901).
//!
//! ```
//! use plughouse_sdk::{Record, Response, json};
//!
//! # fn main() -> Result<(), plughouse_sdk::Error> {
//! let body = br#"{"results": [{"id": "7", "updatedAt": "2024-05-01T00:00:00Z"}],
//!                 "paging": {"next": {"after": "8"}}}"#;
//! # let response = Response { id: 1, status: 200, headers: vec![], body: body.to_vec() };
//! let page = json::list("/results", ["/id", "/updatedAt"])
//!     .and(["/paging/next/after"])
//!     .read(&response)?;
//! let mut records = Vec::new();
//! for item in page.items() {
//!     let mut record = Record::new("contact", &item.id(0)?, item.payload());
//!     record.modified_ms = item.time(1);
//!     records.push(record);
//! }
//! assert_eq!(records.len(), 1);
//! assert_eq!(page.text(0).as_deref(), Some("8"));
//! # Ok(())
//! # }
//! ```

use std::borrow::Cow;

pub use plughouse_scan::{Kind, Token};
use plughouse_scan::{Paths, PointerError, Scratch};

use crate::{Error, ErrorKind, Payload, Response, Span, time};

/// What to read of a body: a list, and values outside of it.
#[derive(Clone, Debug)]
pub struct Layout {
    list: Option<(String, Vec<String>)>,
    outside: Vec<String>,
}

/// Reads the array at `pointer`, and of each element the values at `picks`.
pub fn list<'p>(pointer: &str, picks: impl IntoIterator<Item = &'p str>) -> Layout {
    let picks = picks.into_iter().map(ToOwned::to_owned).collect();
    Layout { list: Some((pointer.to_owned(), picks)), outside: Vec::new() }
}

/// Reads single values.
pub fn values<'p>(pointers: impl IntoIterator<Item = &'p str>) -> Layout {
    Layout { list: None, outside: Vec::new() }.and(pointers)
}

impl Layout {
    /// Adds values outside of the list.
    #[must_use]
    pub fn and<'p>(mut self, pointers: impl IntoIterator<Item = &'p str>) -> Self {
        self.outside.extend(pointers.into_iter().map(ToOwned::to_owned));
        self
    }

    /// Reads a body in one pass.
    ///
    /// # Errors
    /// Malformed when the body is not JSON, or has no array where the list should be.
    pub fn read<'r>(&self, response: &'r Response) -> Result<Document<'r>, Error> {
        let paths = self
            .compile()
            .map_err(|e| Error::new(ErrorKind::Other, "sdk.pointer", &e.to_string()))?;
        let mut scratch = Scratch::default();
        let picks = paths.scan(&response.body, &mut scratch).map_err(|e| {
            Error::new(ErrorKind::Malformed, "sdk.json", &format!("the body is {e}"))
        })?;
        let outside = (0..self.outside.len()).map(|pointer| picks.get(pointer)).collect();
        let mut document = Document { response: response.id, outside, items: Vec::new() };
        if let Some((pointer, columns)) = &self.list {
            let Some(elements) = picks.list() else {
                let message = format!("the body has no array at `{pointer}`");
                return Err(Error::new(ErrorKind::Malformed, "sdk.json-list", &message));
            };
            document.items = elements
                .map(|element| Item {
                    response: response.id,
                    token: element.token(),
                    picks: (0..columns.len()).map(|column| element.get(column)).collect(),
                })
                .collect();
        }
        Ok(document)
    }

    fn compile(&self) -> Result<Paths, PointerError> {
        let paths = Paths::new(&self.outside)?;
        match &self.list {
            Some((pointer, picks)) => paths.with_list(pointer, picks),
            None => Ok(paths),
        }
    }
}

/// What was found in a body.
#[derive(Clone, Debug)]
pub struct Document<'r> {
    response: u64,
    outside: Vec<Option<Token<'r>>>,
    items: Vec<Item<'r>>,
}

impl<'r> Document<'r> {
    /// The elements of the list, in their order.
    pub fn items(&self) -> &[Item<'r>] {
        &self.items
    }

    /// A value outside of the list, by the position of its pointer.
    pub fn get(&self, pointer: usize) -> Option<Token<'r>> {
        self.outside.get(pointer).copied().flatten()
    }

    /// The text of a string or the digits of a number outside of the list.
    pub fn text(&self, pointer: usize) -> Option<Cow<'r, str>> {
        self.get(pointer)?.scalar()
    }

    /// A value as the payload of a record: the body of a single record is at pointer `""`.
    pub fn payload(&self, token: Token<'r>) -> Payload {
        payload(self.response, token)
    }
}

/// An element of a list.
#[derive(Clone, Debug)]
pub struct Item<'r> {
    response: u64,
    token: Token<'r>,
    picks: Vec<Option<Token<'r>>>,
}

impl<'r> Item<'r> {
    /// The value at one of the picks, by its position.
    pub fn get(&self, pick: usize) -> Option<Token<'r>> {
        self.picks.get(pick).copied().flatten()
    }

    /// The text of a string or the digits of a number.
    pub fn text(&self, pick: usize) -> Option<Cow<'r, str>> {
        self.get(pick)?.scalar()
    }

    /// The same as an id.
    ///
    /// # Errors
    /// Malformed when it is missing, empty, or neither a string nor a number.
    pub fn id(&self, pick: usize) -> Result<String, Error> {
        let text = self.text(pick).filter(|text| !text.is_empty());
        let at = self.token.span().offset;
        let missing = || Error::malformed(&format!("the record at byte {at} has no id"));
        text.map(Cow::into_owned).ok_or_else(missing)
    }

    /// An instant: RFC 3339 text, or a whole number of milliseconds since 1970.
    pub fn time(&self, pick: usize) -> Option<u64> {
        let token = self.get(pick)?;
        match token.number() {
            Some(digits) => digits.parse().ok(),
            None => time::parse_rfc3339(&token.text()?),
        }
    }

    /// A boolean.
    pub fn boolean(&self, pick: usize) -> Option<bool> {
        self.get(pick)?.boolean()
    }

    /// The whole element.
    pub fn token(&self) -> Token<'r> {
        self.token
    }

    /// The element as the payload of a record.
    pub fn payload(&self) -> Payload {
        payload(self.response, self.token)
    }
}

fn payload(response: u64, token: Token<'_>) -> Payload {
    let span = token.span();
    Payload::Span(Span { response, offset: span.offset, length: span.len })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn response(body: &str) -> Response {
        Response { id: 7, status: 200, headers: Vec::new(), body: body.as_bytes().to_vec() }
    }

    #[test]
    fn items_come_with_their_spans() {
        let response =
            response(r#"{"l":[{"id":1,"t":5},{"id":"x","t":"1970-01-01T00:00:01Z"},{}]}"#);
        let page = list("/l", ["/id", "/t"]).read(&response).unwrap();
        let [first, second, third] = page.items() else { panic!("three items") };
        assert_eq!((first.id(0).unwrap().as_str(), first.time(1)), ("1", Some(5)));
        assert_eq!((second.id(0).unwrap().as_str(), second.time(1)), ("x", Some(1000)));
        assert_eq!(third.id(0).unwrap_err().message, "the record at byte 59 has no id");
        assert_eq!(first.payload(), Payload::Span(Span { response: 7, offset: 6, length: 14 }));
        assert_eq!(third.token().raw(), b"{}");
    }

    #[track_caller]
    fn check(body: &str, code: &str, message: &str) {
        let error = list("/l", ["/id"]).read(&response(body)).unwrap_err();
        assert_eq!((error.kind, error.code.as_str()), (ErrorKind::Malformed, code));
        assert_eq!(error.message, message);
    }

    #[test]
    fn bodies_without_the_list_are_malformed() {
        check("{}", "sdk.json-list", "the body has no array at `/l`");
        check(r#"{"l":{}}"#, "sdk.json-list", "the body has no array at `/l`");
        check(
            "<html>",
            "sdk.json",
            "the body is not acceptable as JSON at byte 0: expected a value",
        );
        check(
            "",
            "sdk.json",
            "the body is not acceptable as JSON at byte 0: the text ends too early",
        );
    }

    #[test]
    fn single_values_are_read_without_a_list() {
        let response = response(r#"{"a":{"b":"x"},"n":12345678901234567890123}"#);
        let document = values(["/a/b", "/n", "", "/none"]).read(&response).unwrap();
        assert_eq!(document.text(0).as_deref(), Some("x"));
        assert_eq!(document.text(1).as_deref(), Some("12345678901234567890123"));
        assert_eq!(document.text(3), None);
        let whole = document.payload(document.get(2).unwrap());
        assert_eq!(whole, Payload::Span(Span { response: 7, offset: 0, length: 43 }));
    }

    #[test]
    fn a_wrong_pointer_is_the_adapters_fault() {
        let error = values(["id"]).read(&response("{}")).unwrap_err();
        assert_eq!((error.kind, error.code.as_str()), (ErrorKind::Other, "sdk.pointer"));
    }
}
