//! What redb and the operating system say, in the words of the port.

use std::path::Path;
use std::sync::Arc;

use model::store::{StoreError, StoreErrorKind};

/// Turns an error of redb into one of the port.
pub(crate) trait Disk<T> {
    fn disk(self) -> Result<T, StoreError>;
}

impl<T, E: Into<redb::Error>> Disk<T> for Result<T, E> {
    fn disk(self) -> Result<T, StoreError> {
        self.map_err(|error| failed(&Arc::new(error.into())))
    }
}

/// The error for one of the callers whose changes shared a commit.
pub(crate) fn failed(error: &Arc<redb::Error>) -> StoreError {
    let (kind, message) = match **error {
        redb::Error::Corrupted(_) => (
            StoreErrorKind::Corrupt,
            "the database file is damaged; restore the data directory from a backup",
        ),
        redb::Error::ValueTooLarge(_) => {
            (StoreErrorKind::Invalid, "the value is larger than the database can hold")
        }
        _ => (
            StoreErrorKind::Unavailable,
            "the disk or the database refused; see to the disk, then start again",
        ),
    };
    StoreError::new(kind, message).because(Arc::clone(error))
}

/// The error of an operation on a file.
pub(crate) fn file(what: &str, path: &Path, error: std::io::Error) -> StoreError {
    let message = format!("cannot {what} '{}'", path.display());
    StoreError::new(StoreErrorKind::Unavailable, message).because(error)
}
