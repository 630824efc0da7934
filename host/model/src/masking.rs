//! Keeping live secrets out of everything that is written down.

use crate::secret::Secret;

/// Masks the secrets that it was told until it is dropped.
pub type Masked = Box<dyn Send + Sync>;

/// Knows the secrets that are live in this process.
pub trait Masking: Send + Sync {
    /// Masks these in logs and printed errors, as long as the answer is kept: from before they are
    /// used until they are dropped.
    #[must_use = "they are masked as long as it is kept"]
    fn mask(&self, secrets: &[Secret]) -> Masked;
}
