//! A writer that masks what passes through it.

use std::fmt;
use std::io::{self, Write};

use memchr::memrchr;

use super::Redactor;

/// The longest line that is held back for its end. Of a longer one only so much is held back as a
/// secret that has begun may need.
const LINE_BYTES_MAX: usize = 64 << 10;

/// How many times the longest form a secret may take: that has at least two digits for each byte,
/// and `\u002b` takes six.
const SPELLING: usize = 3;

/// Masks the live secrets in whole lines, and hands them on. What is left without a line end goes
/// on when it is flushed or dropped.
pub struct Masker<W: Write> {
    redactor: Redactor,
    inner: W,
    held: Vec<u8>,
}

impl<W: Write> Masker<W> {
    pub(super) fn new(redactor: Redactor, inner: W) -> Self {
        Self { redactor, inner, held: Vec::new() }
    }

    /// Masks and writes what is held, but for the last bytes of it.
    fn pass(&mut self, keep: usize) -> io::Result<()> {
        let masked = self.redactor.scrub_bytes(&self.held).into_owned();
        self.held.clear();
        let (ready, rest) = masked.split_at(masked.len().saturating_sub(keep));
        self.held.extend_from_slice(rest);
        self.inner.write_all(ready)
    }
}

impl<W: Write> fmt::Debug for Masker<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Masker").finish_non_exhaustive()
    }
}

impl<W: Write> Write for Masker<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match memrchr(b'\n', bytes) {
            Some(end) => {
                let (lines, rest) = bytes.split_at(end + 1);
                self.held.extend_from_slice(lines);
                self.pass(0)?;
                self.held.extend_from_slice(rest);
            }
            None => self.held.extend_from_slice(bytes),
        }
        let reach = self.redactor.longest().saturating_mul(SPELLING);
        if self.held.len() > LINE_BYTES_MAX.max(reach.saturating_mul(2)) {
            self.pass(reach)?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.pass(0)?;
        self.inner.flush()
    }
}

impl<W: Write> Drop for Masker<W> {
    fn drop(&mut self) {
        // A log that cannot be written can be told of nowhere.
        let _unwritten = self.flush();
    }
}
