//! Reading responses.

use serde::de::DeserializeOwned;

use crate::{Error, Response, error_for_status};

impl Response {
    /// The first header of this name, in any case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let named = |pair: &&crate::Pair| pair.name.eq_ignore_ascii_case(name);
        self.headers.iter().find(named).map(|pair| pair.value.as_str())
    }

    /// Whether the status is 2xx.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// Itself when the status is 2xx, else what [`error_for_status`] makes of it.
    ///
    /// ```no_run
    /// # fn main() -> Result<(), plughouse_sdk::Error> {
    /// let me = plughouse_sdk::Request::get("api", "/me").send()?.ok()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn ok(self) -> Result<Self, Error> {
        match error_for_status(&self) {
            None => Ok(self),
            Some(error) => Err(error),
        }
    }

    /// The body as text.
    ///
    /// # Errors
    /// Malformed when it is not UTF-8.
    pub fn text(&self) -> Result<&str, Error> {
        let refuse = |e: std::str::Utf8Error| {
            Error::malformed(&format!("the body is not UTF-8 at byte {}", e.valid_up_to()))
        };
        std::str::from_utf8(&self.body).map_err(refuse)
    }

    /// The body parsed into a type of the adapter: for small answers; pages go through
    /// [`json`](crate::json).
    ///
    /// # Errors
    /// Malformed, with the place and without the content.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T, Error> {
        serde_json::from_slice(&self.body).map_err(|e| {
            // The text of a serde error quotes values.
            let (what, line, column) = (category(&e), e.line(), e.column());
            Error::malformed(&format!("the body {what} at line {line}, column {column}"))
        })
    }
}

fn category(error: &serde_json::Error) -> &'static str {
    match error.classify() {
        serde_json::error::Category::Data => "has a value of another shape than expected",
        serde_json::error::Category::Eof => "ends too early",
        _ => "is not JSON",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn response(body: &[u8]) -> Response {
        Response {
            id: 1,
            status: 200,
            headers: vec![("X-One", "1").into(), ("x-one", "2").into()],
            body: body.to_vec(),
        }
    }

    #[test]
    fn headers_are_found_in_any_case_and_the_first_wins() {
        assert_eq!(response(b"").header("x-ONE"), Some("1"));
        assert_eq!(response(b"").header("x-two"), None);
    }

    #[track_caller]
    fn check(body: &[u8], expected: &str) {
        let error = response(body).parse::<Vec<u8>>().unwrap_err();
        assert_eq!(error.message, expected);
    }

    #[test]
    fn parse_errors_name_the_place_and_quote_nothing() {
        check(
            b"[\"secret\"]",
            "the body has a value of another shape than expected at line 1, column 9",
        );
        check(b"[1", "the body ends too early at line 1, column 2");
        check(b"<html>", "the body is not JSON at line 1, column 1");
        assert_eq!(response(b"[7]").parse::<Vec<u8>>(), Ok(vec![7]));
        assert_eq!(
            response(b"a\xff").text().unwrap_err().message,
            "the body is not UTF-8 at byte 1"
        );
    }
}
