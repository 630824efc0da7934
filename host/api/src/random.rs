//! Random bytes.

use model::{Error, ErrorKind};

/// Bytes that nobody guesses.
pub(crate) fn random<const N: usize>() -> Result<[u8; N], Error> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| {
        Error::new(ErrorKind::Other, "api.internal", format!("draw random bytes: {error}"))
    })?;
    Ok(bytes)
}
