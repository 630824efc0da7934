//! Lists in parts: a cursor, a limit, and how many there are.

use axum::http::StatusCode;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::problem::Problem;

/// Items of a list that does not say how many it wants.
pub(crate) const LIMIT_DEFAULT: usize = 100;

/// Items of one list: what a person scrolls through, and a program asks for at once.
pub(crate) const LIMIT_MAX: u16 = 1_000;

/// The longest cursor, in bytes: the largest key of a store and room around it.
const CURSOR_BYTES_MAX: usize = 8 << 10;

/// How many items are counted before a list says "at least": counting on costs and tells nobody
/// more.
pub(crate) const COUNTED_MAX: u64 = 10_000;

/// How many items are wanted at most.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(try_from = "u16")]
#[schema(value_type = u16, minimum = 1, maximum = 1000, default = 100)]
pub(crate) struct Limit(usize);

impl TryFrom<u16> for Limit {
    type Error = String;

    fn try_from(limit: u16) -> Result<Self, String> {
        if (1..=LIMIT_MAX).contains(&limit) {
            return Ok(Self(limit.into()));
        }
        Err(format!("limit = {limit} is out of range: write 1 to {LIMIT_MAX}"))
    }
}

impl Default for Limit {
    fn default() -> Self {
        Self(LIMIT_DEFAULT)
    }
}

impl Limit {
    /// As a number.
    pub(crate) fn get(self) -> usize {
        self.0
    }
}

/// Where a list goes on, as the part before it has said.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[schema(value_type = String)]
pub(crate) struct Cursor(String);

impl Cursor {
    /// A cursor that holds a place.
    pub(crate) fn at(place: &impl Serialize) -> String {
        // Places are numbers and names: they serialise.
        URL_SAFE_NO_PAD.encode(serde_json::to_vec(place).unwrap_or_default())
    }

    /// The place.
    pub(crate) fn place<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        let decoded = (self.0.len() <= CURSOR_BYTES_MAX)
            .then(|| URL_SAFE_NO_PAD.decode(&self.0).ok())
            .flatten()
            .and_then(|bytes| serde_json::from_slice(&bytes).ok());
        decoded.ok_or_else(|| {
            let detail = "`cursor` is not one that this list has given; leave it out to begin anew";
            Problem::new(StatusCode::BAD_REQUEST, "api.cursor", detail)
        })
    }
}

/// A part of a list.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Page<T> {
    /// The items.
    pub(crate) items: Vec<T>,
    /// The cursor of the next part; its absence alone tells the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) next: Option<String>,
    /// How many there are under the same filters, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) total: Option<Total>,
}

/// How many items a list has.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, ToSchema)]
pub(crate) struct Total {
    /// So many,
    pub(crate) count: u64,
    /// or more.
    pub(crate) at_least: bool,
}

impl Total {
    /// A number that was counted up to [`COUNTED_MAX`].
    pub(crate) fn counted(count: u64) -> Self {
        Self { count, at_least: count >= COUNTED_MAX }
    }
}

impl<T> Page<T> {
    /// The part of a list that lies in memory, in its order; a cursor holds how many items were
    /// before.
    pub(crate) fn of(
        all: Vec<T>,
        cursor: Option<&Cursor>,
        limit: Option<Limit>,
    ) -> Result<Self, Problem> {
        let from: usize = cursor.map_or(Ok(0), Cursor::place)?;
        let limit = limit.unwrap_or_default().get();
        let total = u64::try_from(all.len()).unwrap_or(u64::MAX);
        let next = from.saturating_add(limit);
        let next = (next < all.len()).then(|| Cursor::at(&next));
        let items = all.into_iter().skip(from).take(limit).collect();
        Ok(Self { items, next, total: Some(Total { count: total, at_least: false }) })
    }
}

#[cfg(test)]
mod tests {
    use utoipa::PartialSchema as _;

    use super::*;

    #[test]
    fn parts_are_the_whole() {
        let all: Vec<u32> = (0..2_345).collect();
        let (mut seen, mut cursor) = (Vec::new(), None);
        loop {
            let page = Page::of(all.clone(), cursor.as_ref(), None).unwrap();
            assert_eq!(page.total, Some(Total { count: 2_345, at_least: false }));
            seen.extend(page.items);
            let Some(next) = page.next else { break };
            cursor = Some(Cursor(next));
        }
        assert_eq!(seen, all);
    }

    #[test]
    fn limit_is_described_as_it_is_read() {
        let schema = serde_json::to_value(Limit::schema()).unwrap();
        assert_eq!(schema["maximum"], LIMIT_MAX);
        assert_eq!(schema["default"], LIMIT_DEFAULT);
    }

    #[test]
    fn cursor_of_somebody_else_is_refused() {
        for text in ["", "x", "bm90aGluZw", &"A".repeat(CURSOR_BYTES_MAX + 1)] {
            let problem = Cursor(text.to_owned()).place::<usize>().unwrap_err();
            assert_eq!(problem.code(), "api.cursor");
        }
        let huge = Cursor(Cursor::at(&usize::MAX));
        assert!(Page::of(vec![1], Some(&huge), None).unwrap().items.is_empty());
    }
}
