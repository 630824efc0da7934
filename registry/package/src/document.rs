//! Strict reading of our TOML files: closed tables, exact types, and a line for every complaint.
//!
//! A reader of its own instead of serde, because serde loses the place of a value inside tagged
//! enums and merged tables, and a complaint without a line costs the author more than this file.

use std::cell::RefCell;
use std::fmt;
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

mod decode;
mod nearest;

pub use decode::duration;

/// Longest file that is read: the largest built-in manifest has 5 KiB, and parsing must stay cheap.
const FILE_BYTES_MAX: usize = 256 * 1024;

/// What is wrong with a file, where, and what to write instead.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub struct FileError {
    /// The file's name.
    pub file: &'static str,
    /// The line, from 1.
    pub line: Option<usize>,
    /// The column in characters, from 1.
    pub column: Option<usize>,
    /// The key, as a dotted path.
    pub key: String,
    /// What is wrong.
    pub message: String,
    /// What to write instead.
    pub help: String,
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.file)?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        write!(f, ": {}", self.message)?;
        if !self.help.is_empty() {
            write!(f, "; {}", self.help)?;
        }
        Ok(())
    }
}

/// A value that can be read from an [`Item`].
pub(crate) trait Decode: Sized {
    fn decode(item: &Item<'_>) -> Result<Self, FileError>;
}

/// A file that was parsed, before its meaning is known.
pub(crate) struct Document<'t> {
    file: &'static str,
    text: &'t str,
    root: DeTable<'t>,
}

impl<'t> Document<'t> {
    pub(crate) fn parse(file: &'static str, text: &'t str) -> Result<Self, FileError> {
        let plain = Self { file, text, root: DeTable::new() };
        if text.len() > FILE_BYTES_MAX {
            let message = format!("has {} bytes, more than {FILE_BYTES_MAX}", text.len());
            return Err(plain.error(None, String::new(), message, "shorten it"));
        }
        match DeTable::parse(text) {
            Ok(root) => Ok(Self { root: root.into_inner(), ..plain }),
            Err(error) => {
                let message = error.message().lines().collect::<Vec<_>>().join(", ");
                let message = format!("not TOML: {message}");
                Err(plain.error(error.span(), String::new(), message, "see https://toml.io"))
            }
        }
    }

    pub(crate) fn root(&self) -> Table<'_> {
        Table::new(self, String::new(), &self.root, 0..0)
    }

    /// Complains about the value at a path; array elements are written as their index.
    pub(crate) fn complain(
        &self,
        path: &[&str],
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> FileError {
        let span = locate(&self.root, path).or_else(|| {
            // A key that the entity does not write itself stands in the defaults.
            let (first, rest) = path.split_first()?;
            let key = rest.get(1..).filter(|key| !key.is_empty())?;
            locate(&self.root, &[&["default", *first], key].concat())
        });
        let span = span
            .or_else(|| (1..path.len()).rev().find_map(|cut| locate(&self.root, path.get(..cut)?)));
        self.error(span, path.join("."), message.into(), help)
    }

    /// Whether the file itself writes the key at a path, and no default does.
    pub(crate) fn writes(&self, path: &[&str]) -> bool {
        locate(&self.root, path).is_some()
    }

    fn error(
        &self,
        span: Option<Range<usize>>,
        key: String,
        message: String,
        help: impl Into<String>,
    ) -> FileError {
        let before = span.and_then(|span| self.text.get(..span.start));
        let line = before.map(|before| before.matches('\n').count() + 1);
        let column = before
            .map(|before| before.rsplit('\n').next().map_or(1, |start| start.chars().count() + 1));
        FileError { file: self.file, line, column, key, message, help: help.into() }
    }
}

fn locate(table: &DeTable<'_>, path: &[&str]) -> Option<Range<usize>> {
    let (first, rest) = path.split_first()?;
    let (key, value) = entry(table, first)?;
    if rest.is_empty() { Some(key.span()) } else { locate_in(value, rest) }
}

fn locate_in(value: &Spanned<DeValue<'_>>, path: &[&str]) -> Option<Range<usize>> {
    match (value.get_ref(), path.split_first()) {
        (_, None) => Some(value.span()),
        (DeValue::Table(table), Some(_)) => locate(table, path),
        (DeValue::Array(array), Some((first, rest))) => {
            locate_in(array.get(first.parse::<usize>().ok()?)?, rest)
        }
        _ => None,
    }
}

type Entry<'a> = (&'a Spanned<std::borrow::Cow<'a, str>>, &'a Spanned<DeValue<'a>>);

fn entry<'a>(table: &'a DeTable<'_>, key: &str) -> Option<Entry<'a>> {
    table.iter().find(|(name, _)| name.get_ref() == key)
}

/// A table whose keys are taken one by one; [`Table::finish`] refuses the rest.
pub(crate) struct Table<'a> {
    document: &'a Document<'a>,
    path: String,
    own: &'a DeTable<'a>,
    defaults: Option<&'a DeTable<'a>>,
    span: Range<usize>,
    known: RefCell<Vec<&'static str>>,
}

/// A value with its place.
pub(crate) struct Item<'a> {
    pub(crate) document: &'a Document<'a>,
    pub(crate) path: String,
    pub(crate) value: &'a Spanned<DeValue<'a>>,
}

/// Values by names that other keys refer to.
pub(crate) struct Named<T>(pub(crate) std::collections::BTreeMap<String, T>);
