//! Random bytes for guests: unpredictable, or from a seed that a test chose.

use std::sync::{Mutex, PoisonError};

/// A stream of random bytes for one session; it goes on when the instance is replaced, so that a
/// seeded run gives the same bytes with one instance as with many.
pub(crate) struct Random {
    stream: Mutex<blake3::OutputReader>,
    map_seed: u128,
}

impl Random {
    /// A stream that nobody can foretell.
    pub(crate) fn from_system() -> Result<Self, getrandom::Error> {
        let mut key = [0; 32];
        getrandom::fill(&mut key)?;
        Ok(Self::from_key(&key))
    }

    /// A stream that the seed determines.
    pub(crate) fn from_seed(seed: u64) -> Self {
        Self::from_key(&seed.to_le_bytes())
    }

    /// A stream of its own that nobody who sees it can trace back to this one.
    pub(crate) fn fork(&self) -> Self {
        let mut key = [0; 32];
        self.fill(&mut key);
        Self::from_key(&key)
    }

    fn from_key(key: &[u8]) -> Self {
        let mut hasher = blake3::Hasher::new_derive_key("plughouse 2026 guest randomness");
        let mut stream = hasher.update(key).finalize_xof();
        let mut map_seed = [0; 16];
        stream.fill(&mut map_seed);
        Self { stream: Mutex::new(stream), map_seed: u128::from_le_bytes(map_seed) }
    }

    /// Fills `bytes` with the next ones of the stream.
    pub(crate) fn fill(&self, bytes: &mut [u8]) {
        self.stream.lock().unwrap_or_else(PoisonError::into_inner).fill(bytes);
    }

    /// The same number for every instance of the session: what guests seed their hash maps with.
    pub(crate) fn map_seed(&self) -> u128 {
        self.map_seed
    }

    /// The next eight bytes as a number.
    pub(crate) fn next_u64(&self) -> u64 {
        let mut bytes = [0; 8];
        self.fill(&mut bytes);
        u64::from_le_bytes(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seed_determines_the_bytes_and_nothing_else_does() {
        let drawn = |seed| Random::from_seed(seed).next_u64();
        assert_eq!(drawn(7), drawn(7));
        assert_ne!(drawn(7), drawn(8));
        let system = Random::from_system().unwrap();
        assert_ne!(system.fork().next_u64(), system.fork().next_u64());
    }
}
