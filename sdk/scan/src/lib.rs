//! A validating JSON scanner that picks values by pointer and returns where they stand.
//!
//! One pass over the input checks the whole grammar of RFC 8259 and UTF-8, skipped parts included,
//! so a text that this crate accepts once will never fail later. The picks are JSON Pointers
//! (RFC 6901), compiled once into [`Paths`]; a pass answers with spans of the input and copies
//! nothing. An array of the input (the records of a page) can be iterated in the same pass.
//!
//! Where JSON leaves room: the last of several equal keys wins, keys are compared unescaped, a key
//! with a lone surrogate is refused (it has no unescaped form) while a value with one is accepted
//! and has no [`Token::text`], numbers keep their digits, and nesting deeper than [`DEPTH_MAX`] is
//! refused. Nothing recurses, nothing panics, and there is no unsafe code.
//!
//! ```
//! use plughouse_scan::{Paths, Scratch};
//!
//! let paths = Paths::new(["/next"])?.with_list("/results", ["/id"])?;
//! let mut scratch = Scratch::default();
//! let page = br#"{"results": [{"id": "7"}, {"id": 8}], "next": null}"#;
//! let picks = paths.scan(page, &mut scratch)?;
//! assert!(picks.get(0).is_some_and(|next| next.is_null()));
//! let ids: Vec<_> = picks.list().into_iter().flatten().filter_map(|item| item.get(0)).collect();
//! assert_eq!(ids[0].text().as_deref(), Some("7"));
//! assert_eq!((ids[1].number(), ids[1].span().offset), (Some("8"), 33));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![forbid(unsafe_code)]

mod cursor;
mod error;
mod paths;
mod picks;
pub mod pointer;
mod redact;
mod token;
mod walk;

pub use error::{Error, ErrorKind, PointerError};
pub use paths::Paths;
pub use picks::{Element, Elements, Picks, Scratch};
pub use redact::redact;
pub use token::{Kind, Span, Token};

/// Containers within containers; the same as in `serde_json`, so that what is accepted here can be
/// parsed there.
pub const DEPTH_MAX: usize = 127;

/// Bytes of one input: far above any response that a host keeps, and offsets fit 32 bits.
pub const SIZE_MAX: usize = 256 << 20;

/// Elements of one list: a thousand times a large page, and the spans of so many still fit a guest.
pub const ELEMENTS_MAX: usize = 1 << 18;

/// Checks that the input is one JSON text.
///
/// ```
/// assert!(plughouse_scan::validate(b"[1, 2]").is_ok());
/// assert!(plughouse_scan::validate(b"[1, 2] 3").is_err());
/// ```
pub fn validate(json: &[u8]) -> Result<(), Error> {
    walk::walk(json, &mut walk::Blind)
}
