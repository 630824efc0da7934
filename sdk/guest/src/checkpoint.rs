//! Where a pull goes on: a small value of the adapter, kept by the host as text.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{Error, ErrorKind, Next, PullRequest};

/// Bytes of a checkpoint, by the contract.
pub const SIZE_MAX: usize = 64 << 10;

/// A position of a pull.
///
/// ```
/// use plughouse_sdk::checkpoint::Checkpoint;
///
/// #[derive(serde::Serialize, serde::Deserialize)]
/// struct Position {
///     after: String,
/// }
///
/// impl Checkpoint for Position {
///     const VERSION: u32 = 1;
/// }
///
/// let text = Position { after: "101".to_owned() }.encode()?;
/// assert_eq!(text, r#"1:{"after":"101"}"#);
/// assert_eq!(Position::decode(&text)?.after, "101");
/// # Ok::<(), plughouse_sdk::Error>(())
/// ```
pub trait Checkpoint: Serialize + DeserializeOwned {
    /// Counts up whenever an older checkpoint would be misunderstood: such a one is refused, and
    /// the host repeats the window or reads in full.
    const VERSION: u32;

    /// The text that the host keeps.
    ///
    /// # Errors
    /// Longer than [`SIZE_MAX`], or not expressible in JSON.
    fn encode(&self) -> Result<String, Error> {
        let body = serde_json::to_string(self).map_err(|e| {
            Error::new(ErrorKind::Other, "sdk.checkpoint", &format!("no JSON: {e}")).unsent()
        })?;
        let text = format!("{}:{body}", Self::VERSION);
        if text.len() > SIZE_MAX {
            let message = format!("a checkpoint of {} bytes, at most {SIZE_MAX}", text.len());
            return Err(Error::new(ErrorKind::BudgetExhausted, "sdk.checkpoint-size", &message));
        }
        Ok(text)
    }

    /// What [`encode`](Self::encode) was given.
    ///
    /// # Errors
    /// [`ErrorKind::ExpiredCheckpoint`] for another version and for what cannot be read.
    fn decode(text: &str) -> Result<Self, Error> {
        let expired = |message: &str| {
            Error::new(ErrorKind::ExpiredCheckpoint, "sdk.checkpoint", message).unsent()
        };
        let (version, body) = text.split_once(':').ok_or_else(|| expired("not a checkpoint"))?;
        if version != Self::VERSION.to_string() {
            return Err(expired("a checkpoint of another version of the adapter"));
        }
        serde_json::from_str(body).map_err(|e| {
            let place = format!("a checkpoint that cannot be read at column {}", e.column());
            expired(&place)
        })
    }
}

impl PullRequest {
    /// The position to go on from; `None` at the start.
    pub fn resume<C: Checkpoint>(&self) -> Result<Option<C>, Error> {
        let text = self.checkpoint.as_deref().filter(|text| !text.is_empty());
        text.map(C::decode).transpose()
    }
}

impl Next {
    /// There is more behind this position.
    pub fn more<C: Checkpoint>(position: &C) -> Result<Self, Error> {
        position.encode().map(Self::More)
    }

    /// Finished. After `all` and `changes` the next `changes` starts from this position; of a
    /// window it is not kept.
    pub fn done<C: Checkpoint>(position: &C) -> Result<Self, Error> {
        position.encode().map(Self::Done)
    }

    /// Finished, with nothing to remember: the end of a window.
    pub fn finished() -> Self {
        Self::Done(String::new())
    }

    /// The checkpoint that it carries.
    pub fn checkpoint(&self) -> &str {
        match self {
            Self::More(text) | Self::Done(text) | Self::Partial(text) => text,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(serde::Serialize, serde::Deserialize)]
    struct Position {
        after: String,
    }

    impl Checkpoint for Position {
        const VERSION: u32 = 2;
    }

    #[track_caller]
    fn check(text: &str, expected: Result<&str, &str>) {
        let found = Position::decode(text);
        let found = found.map(|position| position.after).map_err(|error| {
            assert_eq!(error.kind, ErrorKind::ExpiredCheckpoint);
            error.message
        });
        assert_eq!(found, expected.map(ToOwned::to_owned).map_err(ToOwned::to_owned));
    }

    #[test]
    fn what_cannot_be_read_has_expired() {
        check(r#"2:{"after":"x:y"}"#, Ok("x:y"));
        check(r#"1:{"after":"x"}"#, Err("a checkpoint of another version of the adapter"));
        check(r#"02:{"after":"x"}"#, Err("a checkpoint of another version of the adapter"));
        check(r#"2:{"before":"x"}"#, Err("a checkpoint that cannot be read at column 14"));
        check(r#"2:{"after":"x""#, Err("a checkpoint that cannot be read at column 12"));
        check("", Err("not a checkpoint"));
        check("\u{0}", Err("not a checkpoint"));
    }

    #[test]
    fn a_checkpoint_has_a_limit() {
        let long = Position { after: "x".repeat(SIZE_MAX) };
        assert_eq!(long.encode().unwrap_err().kind, ErrorKind::BudgetExhausted);
    }
}
