//! What the connection says: queries, locale and whether there is a key.

use plughouse_sdk::{Error, ErrorKind, host};

use crate::error;
use crate::locale::Locale;

/// `NewsAPI` refuses longer queries.
const QUERY_CHARS_MAX: usize = 500;

/// The settings of the connection.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Settings {
    /// At least one.
    pub(crate) queries: Vec<String>,
    pub(crate) locale: Locale,
    /// Whether there is a key for `NewsAPI`; without one the feed is all there is.
    pub(crate) key: bool,
}

impl Settings {
    /// Reads the connection's variables.
    pub(crate) fn read() -> Result<Self, Error> {
        let queries = queries(&host::variable("queries").unwrap_or_default())?;
        let locale = host::variable("locale").unwrap_or_else(|| "en-US".to_owned());
        let locale = Locale::parse(&locale).ok_or_else(|| {
            invalid("locale", "the locale must be language and country, for example en-GB")
        })?;
        let key = host::variable("auth").is_none_or(|method| method != "none");
        Ok(Self { queries, locale, key })
    }
}

/// The queries, one per line, each once.
fn queries(lines: &str) -> Result<Vec<String>, Error> {
    let mut queries: Vec<String> = Vec::new();
    for query in lines.lines().map(str::trim).filter(|query| !query.is_empty()) {
        if query.chars().count() > QUERY_CHARS_MAX {
            let message =
                format!("a query is longer than {QUERY_CHARS_MAX} characters; shorten it");
            return Err(invalid("queries", &message));
        }
        if !queries.iter().any(|known| known == query) {
            queries.push(query.to_owned());
        }
    }
    if queries.is_empty() {
        return Err(invalid("queries", "the connection has no queries; enter one per line"));
    }
    Ok(queries)
}

fn invalid(code: &str, message: &str) -> Error {
    error(ErrorKind::Invalid, code, message).unsent()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_stand_one_per_line() {
        let read = queries(" \"Acme Corp\" when:7d \n\nglobex\r\nglobex\n").unwrap();
        assert_eq!(read, ["\"Acme Corp\" when:7d", "globex"]);
    }

    #[test]
    fn connection_without_a_usable_query_is_invalid() {
        for lines in [String::new(), " \n ".to_owned(), "x".repeat(QUERY_CHARS_MAX + 1)] {
            assert_eq!(queries(&lines).unwrap_err().code, "google_news.queries");
        }
    }
}
