//! The grammar of RFC 8259 below objects and arrays: spaces, strings, numbers, literals.

use crate::token::unescape;
use crate::{DEPTH_MAX, Error, ErrorKind};

/// A place in the input; every method leaves it behind what it has read.
pub(crate) struct Cursor<'a> {
    json: &'a [u8],
    at: usize,
}

/// A key between its quotes, as it stands in the input.
#[derive(Clone, Copy)]
pub(crate) struct Key<'a> {
    pub(crate) raw: &'a [u8],
    pub(crate) escaped: bool,
}

const ONES: u64 = u64::MAX / 255;
const HIGH: u64 = ONES * 0x80;

/// Marks (bit 7 of each byte) where a quote, a backslash or a control character may stand; the
/// lowest mark is exact, those above it may come from a borrow.
#[inline]
fn stops(word: u64) -> u64 {
    // Exchanging 0x20 and 0x22 makes the quote the neighbour of the control characters.
    let quote_or_control = (word ^ (ONES * 0x02)).wrapping_sub(ONES * 0x21);
    let backslash = (word ^ (ONES * 0x5c)).wrapping_sub(ONES);
    (quote_or_control | backslash) & !word & HIGH
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(json: &'a [u8]) -> Self {
        Self { json, at: 0 }
    }

    pub(crate) fn at(&self) -> usize {
        self.at
    }

    /// The next byte, or 0 at the end: no grammar rule allows a raw 0.
    #[inline]
    pub(crate) fn peek(&self) -> u8 {
        self.json.get(self.at).copied().unwrap_or(0)
    }

    pub(crate) fn advance(&mut self) {
        self.at += 1;
    }

    pub(crate) fn error(&self, kind: ErrorKind) -> Error {
        let kind = if self.at < self.json.len() { kind } else { ErrorKind::End };
        Error::new(kind, self.at)
    }

    #[inline]
    pub(crate) fn space(&mut self) {
        while matches!(self.peek(), b' ' | b'\n' | b'\r' | b'\t') {
            self.at += 1;
        }
    }

    /// The end of the input, after the value.
    pub(crate) fn end(&mut self) -> Result<(), Error> {
        self.space();
        if self.at < self.json.len() {
            return Err(Error::new(ErrorKind::Trailing, self.at));
        }
        Ok(())
    }

    /// A key with its colon and the spaces around.
    #[inline]
    pub(crate) fn key(&mut self) -> Result<Key<'a>, Error> {
        if self.peek() != b'"' {
            return Err(self.error(ErrorKind::Key));
        }
        let start = self.at + 1;
        let escaped = self.string()?;
        let raw = self.json.get(start..self.at - 1).unwrap_or_default();
        if escaped && unescape(raw).is_none() {
            return Err(Error::new(ErrorKind::Surrogate, start));
        }
        self.space();
        if self.peek() != b':' {
            return Err(self.error(ErrorKind::Colon));
        }
        self.at += 1;
        self.space();
        Ok(Key { raw, escaped })
    }

    /// A string with its quotes, which starts here; tells whether it has escapes.
    #[inline]
    fn string(&mut self) -> Result<bool, Error> {
        self.at += 1;
        let start = self.at;
        let (mut wide, mut escaped) = (0, false);
        loop {
            wide |= self.plain();
            match self.peek() {
                b'"' => break,
                b'\\' => self.escape()?,
                _ => return Err(self.error(ErrorKind::Control)),
            }
            escaped = true;
        }
        if wide & HIGH != 0 {
            self.utf8(start)?;
        }
        self.at += 1;
        Ok(escaped)
    }

    /// Passes over the plain bytes of a string; bit 7 of the answer says that some are not ASCII.
    #[inline]
    fn plain(&mut self) -> u64 {
        let mut rest = self.json.get(self.at..).unwrap_or_default();
        let mut wide = 0;
        while let Some((chunk, tail)) = rest.split_first_chunk::<8>() {
            let word = u64::from_le_bytes(*chunk);
            wide |= word;
            match stops(word) {
                0 => self.at += 8,
                marks => {
                    self.at += usize::try_from(marks.trailing_zeros() / 8).unwrap_or(0);
                    return wide;
                }
            }
            rest = tail;
        }
        for &byte in rest {
            if matches!(byte, b'"' | b'\\' | 0..0x20) {
                break;
            }
            wide |= u64::from(byte);
            self.at += 1;
        }
        wide
    }

    #[cold]
    fn escape(&mut self) -> Result<(), Error> {
        self.at += 1;
        let digits = match self.peek() {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => 0,
            b'u' => 4,
            _ => return Err(self.error(ErrorKind::Escape)),
        };
        self.at += 1;
        for _ in 0..digits {
            if !self.peek().is_ascii_hexdigit() {
                return Err(self.error(ErrorKind::Escape));
            }
            self.at += 1;
        }
        Ok(())
    }

    /// Checks the bytes from `start` to here.
    fn utf8(&self, start: usize) -> Result<(), Error> {
        let text = self.json.get(start..self.at).unwrap_or_default();
        let refuse = |e: std::str::Utf8Error| Error::new(ErrorKind::Utf8, start + e.valid_up_to());
        std::str::from_utf8(text).map(drop).map_err(refuse)
    }

    fn digits(&mut self) -> Result<(), Error> {
        if !self.peek().is_ascii_digit() {
            return Err(self.error(ErrorKind::Number));
        }
        while self.peek().is_ascii_digit() {
            self.at += 1;
        }
        Ok(())
    }

    fn number(&mut self) -> Result<(), Error> {
        if self.peek() == b'-' {
            self.at += 1;
        }
        match self.peek() {
            b'0' => self.at += 1,
            _ => self.digits()?,
        }
        if self.peek() == b'.' {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.peek(), b'e' | b'E') {
            self.at += 1;
            if matches!(self.peek(), b'+' | b'-') {
                self.at += 1;
            }
            self.digits()?;
        }
        Ok(())
    }

    fn literal(&mut self, word: &'static [u8]) -> Result<(), Error> {
        for &byte in word {
            if self.peek() != byte {
                return Err(self.error(ErrorKind::Value));
            }
            self.at += 1;
        }
        Ok(())
    }

    #[inline]
    fn scalar(&mut self) -> Result<(), Error> {
        match self.peek() {
            b'"' => self.string().map(drop),
            b'-' | b'0'..=b'9' => self.number(),
            b'n' => self.literal(b"null"),
            b't' => self.literal(b"true"),
            b'f' => self.literal(b"false"),
            _ => Err(self.error(ErrorKind::Value)),
        }
    }

    /// Passes over a value of any size, which starts here, below `depth` open containers.
    pub(crate) fn skip(&mut self, depth: usize) -> Result<(), Error> {
        let mut nest = Nest { objects: 0, depth };
        while self.enter(&mut nest)? || self.proceed(&mut nest, depth)? {}
        Ok(())
    }

    /// Reads a scalar or an empty container, or, with `true`, goes to the first value inside.
    #[inline]
    fn enter(&mut self, nest: &mut Nest) -> Result<bool, Error> {
        let (object, close) = match self.peek() {
            b'{' => (1, b'}'),
            b'[' => (0, b']'),
            _ => return self.scalar().map(|()| false),
        };
        if nest.depth == DEPTH_MAX {
            return Err(self.error(ErrorKind::TooDeep));
        }
        self.at += 1;
        self.space();
        if self.peek() == close {
            self.at += 1;
            return Ok(false);
        }
        nest.objects = nest.objects << 1 | object;
        nest.depth += 1;
        if object == 1 {
            self.key()?;
        }
        Ok(true)
    }

    /// Goes on behind a value, with `true` to the next one; stops when `depth` is reached again.
    #[inline]
    fn proceed(&mut self, nest: &mut Nest, depth: usize) -> Result<bool, Error> {
        while nest.depth > depth {
            self.space();
            match (self.peek(), nest.objects & 1) {
                (b',', object) => {
                    self.at += 1;
                    self.space();
                    if object == 1 {
                        self.key()?;
                    }
                    return Ok(true);
                }
                (b'}', 1) | (b']', 0) => self.at += 1,
                _ => return Err(self.error(ErrorKind::Comma)),
            }
            nest.objects >>= 1;
            nest.depth -= 1;
        }
        Ok(false)
    }
}

/// The open containers of a value that is passed over.
struct Nest {
    /// One bit each, the innermost lowest: 1 is an object. [`DEPTH_MAX`] bits fit.
    objects: u128,
    depth: usize,
}
