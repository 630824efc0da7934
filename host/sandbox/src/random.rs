//! Random bytes for guests: unpredictable, or from a seed that a test chose.

use std::sync::{Mutex, PoisonError};

/// Bytes that are made at once: WASI takes them one by one, and each would cost a block of 64.
const BUFFER_BYTES: usize = 512;

/// A stream of random bytes for one session; it goes on when the instance is replaced, so that a
/// seeded run gives the same bytes with one instance as with many.
pub(crate) struct Random {
    stream: Mutex<Stream>,
    map_seed: u128,
}

struct Stream {
    source: blake3::OutputReader,
    buffer: [u8; BUFFER_BYTES],
    /// Bytes at the end of the buffer that nobody has taken.
    left: usize,
}

impl Stream {
    fn fill(&mut self, mut bytes: &mut [u8]) {
        while !bytes.is_empty() {
            if self.left == 0 {
                self.source.fill(&mut self.buffer);
                self.left = BUFFER_BYTES;
            }
            let (_, fresh) = self.buffer.split_at_mut(BUFFER_BYTES - self.left);
            let count = bytes.len().min(fresh.len());
            let (now, later) = bytes.split_at_mut(count);
            let (taken, _) = fresh.split_at_mut(count);
            now.copy_from_slice(taken);
            // What a guest was given is not kept.
            taken.fill(0);
            self.left -= count;
            bytes = later;
        }
    }
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
        let mut source = hasher.update(key).finalize_xof();
        let mut map_seed = [0; 16];
        source.fill(&mut map_seed);
        let stream = Stream { source, buffer: [0; BUFFER_BYTES], left: 0 };
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

    #[test]
    fn bytes_are_the_same_however_they_are_taken() {
        let mut whole = [0; 3 * BUFFER_BYTES];
        Random::from_seed(7).fill(&mut whole);
        for piece in [1, 7, 64, BUFFER_BYTES, BUFFER_BYTES + 1] {
            let (random, mut pieces) = (Random::from_seed(7), [0; 3 * BUFFER_BYTES]);
            pieces.chunks_mut(piece).for_each(|piece| random.fill(piece));
            assert!(pieces == whole, "in pieces of {piece}");
        }
    }
}
