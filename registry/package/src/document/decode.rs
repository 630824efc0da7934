//! Taking values out of tables.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ops::Range;
use std::time::Duration;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::nearest::{known_keys, nearest};
use super::{Decode, Document, FileError, Item, Named, Table, entry};
use crate::words::Word;

impl<'a> Table<'a> {
    pub(super) fn new(
        document: &'a Document<'a>,
        path: String,
        own: &'a DeTable<'a>,
        span: Range<usize>,
    ) -> Self {
        Self { document, path, own, defaults: None, span, known: RefCell::default() }
    }

    /// Lets the keys that this table does not write come from another one.
    pub(crate) fn with_defaults(self, defaults: Option<&Self>) -> Self {
        Self { defaults: defaults.map(|defaults| defaults.own), ..self }
    }

    /// The value of a key, if it is there.
    pub(crate) fn optional<T: Decode>(&self, key: &'static str) -> Result<Option<T>, FileError> {
        self.known.borrow_mut().push(key);
        let found = entry(self.own, key)
            .or_else(|| self.defaults.and_then(|defaults| entry(defaults, key)));
        found.map(|(_, value)| T::decode(&self.item(key, value))).transpose()
    }

    /// The value of a key, or a fixed one where it is absent.
    pub(crate) fn or<T: Decode>(&self, key: &'static str, absent: T) -> Result<T, FileError> {
        Ok(self.optional(key)?.unwrap_or(absent))
    }

    /// The value of a key that must be there.
    pub(crate) fn required<T: Decode>(&self, key: &'static str) -> Result<T, FileError> {
        self.optional(key)?.ok_or_else(|| {
            let known = self.known.borrow();
            let written = self.own.keys().map(|own| own.get_ref().as_ref());
            let strange: Vec<&str> = written.filter(|own| !known.contains(own)).collect();
            if let Some(wrong) = nearest(key, &strange) {
                let message = format!("unknown key `{wrong}` in {}", self.name());
                return self.complain_at(wrong, message, format!("did you mean `{key}`?"));
            }
            let message = format!("`{key}` is missing in {}", self.name());
            self.complain(message, format!("add `{key} = …`"))
        })
    }

    /// The table under a key, if it is there.
    pub(crate) fn child(&self, key: &'static str) -> Result<Option<Self>, FileError> {
        self.known.borrow_mut().push(key);
        let found = entry(self.own, key);
        found.map(|(_, value)| self.item(key, value).table()).transpose()
    }

    /// The tables under a key by their names.
    pub(crate) fn children(&self, key: &'static str) -> Result<Vec<(String, Self)>, FileError> {
        self.known.borrow_mut().push(key);
        let Some((_, value)) = entry(self.own, key) else { return Ok(Vec::new()) };
        let named = self.item(key, value).named()?;
        named.into_iter().map(|(name, item)| Ok((name, item.table()?))).collect()
    }

    /// Refuses every key that nobody has asked for.
    pub(crate) fn finish(&self) -> Result<(), FileError> {
        let known = self.known.borrow();
        for (key, _) in self.own {
            let name = key.get_ref().as_ref();
            if !known.contains(&name) {
                let message = format!("unknown key `{name}` in {}", self.name());
                let help = known_keys(name, &known);
                return Err(self.document.error(Some(key.span()), self.key(name), message, help));
            }
        }
        Ok(())
    }

    /// Complains about the table as a whole.
    pub(crate) fn complain(
        &self,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> FileError {
        let span = Some(self.span.clone()).filter(|span| !span.is_empty());
        self.document.error(span, self.path.clone(), message.into(), help)
    }

    /// Complains about one key of the table.
    pub(crate) fn complain_at(
        &self,
        key: &str,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> FileError {
        let span = entry(self.own, key).map(|(key, _)| key.span());
        let span = span.or_else(|| Some(self.span.clone()).filter(|span| !span.is_empty()));
        self.document.error(span, self.key(key), message.into(), help)
    }

    /// The table's name as it is written.
    pub(crate) fn name(&self) -> String {
        if self.path.is_empty() { "the file".to_owned() } else { format!("[{}]", self.path) }
    }

    fn key(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    fn item(&self, key: &str, value: &'a Spanned<DeValue<'a>>) -> Item<'a> {
        Item { document: self.document, path: self.key(key), value }
    }
}

impl<'a> Item<'a> {
    /// Complains about this value.
    pub(crate) fn complain(
        &self,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> FileError {
        self.document.error(Some(self.value.span()), self.path.clone(), message.into(), help)
    }

    fn wrong(&self, wanted: &str) -> FileError {
        let found = self.value.get_ref().type_str();
        self.complain(format!("`{}` is of type {found}", self.path), format!("write {wanted}"))
    }

    pub(crate) fn text(&self) -> Result<&'a str, FileError> {
        match self.value.get_ref() {
            DeValue::String(text) => Ok(text),
            _ => Err(self.wrong("a text in quotes")),
        }
    }

    /// A text that another type can be read from.
    pub(crate) fn parsed<T, E: std::fmt::Display>(
        &self,
        parse: impl FnOnce(&str) -> Result<T, E>,
        help: &str,
    ) -> Result<T, FileError> {
        let text = self.text()?;
        parse(text).map_err(|error| self.complain(format!("`{text}`: {error}"), help))
    }

    /// One of a closed set of words.
    pub(crate) fn word<T: Word>(&self) -> Result<T, FileError> {
        let text = self.text()?;
        let found = T::WORDS.iter().find(|(word, _)| *word == text);
        found.map(|(_, value)| *value).ok_or_else(|| {
            let words: Vec<&str> = T::WORDS.iter().map(|(word, _)| *word).collect();
            let message = format!("`{}` is `{text}`", self.path);
            let hint = nearest(text, &words)
                .map_or(String::new(), |word| format!("did you mean `{word}`? "));
            self.complain(message, format!("{hint}write one of {}", words.join(", ")))
        })
    }

    pub(crate) fn table(&self) -> Result<Table<'a>, FileError> {
        match self.value.get_ref() {
            DeValue::Table(table) => {
                Ok(Table::new(self.document, self.path.clone(), table, self.value.span()))
            }
            _ => Err(self.wrong("a table")),
        }
    }

    fn elements(&self) -> Result<impl Iterator<Item = Self> + use<'a, '_>, FileError> {
        match self.value.get_ref() {
            DeValue::Array(array) => Ok(array.iter().enumerate().map(|(index, value)| Item {
                document: self.document,
                path: format!("{}.{index}", self.path),
                value,
            })),
            _ => Err(self.wrong("a list in square brackets")),
        }
    }

    /// The entries of a table whose keys are names that other keys refer to.
    pub(crate) fn named(&self) -> Result<Vec<(String, Self)>, FileError> {
        let entries = self.entries()?;
        match entries.iter().find(|(name, _)| !is_name(name)) {
            None => Ok(entries),
            Some((name, item)) => Err(item.complain(
                format!("`{name}` is no name"),
                format!(
                    "write a lower-case letter, then at most {} letters, digits and `_`",
                    NAME_LEN_MAX - 1
                ),
            )),
        }
    }

    /// The entries of a table, whatever their keys.
    fn entries(&self) -> Result<Vec<(String, Self)>, FileError> {
        let DeValue::Table(table) = self.value.get_ref() else { return Err(self.wrong("a table")) };
        Ok(table
            .iter()
            .map(|(key, value)| {
                let path = format!("{}.{}", self.path, key.get_ref());
                (key.get_ref().clone().into_owned(), Item { document: self.document, path, value })
            })
            .collect())
    }

    fn whole<T: TryFrom<u64>>(&self, wanted: &str) -> Result<T, FileError> {
        let DeValue::Integer(integer) = self.value.get_ref() else {
            return Err(self.wrong(wanted));
        };
        let digits = integer.as_str().replace('_', "");
        let value = u64::from_str_radix(digits.trim_start_matches('+'), integer.radix()).ok();
        value.and_then(|value| T::try_from(value).ok()).ok_or_else(|| {
            self.complain(
                format!("`{}` is {}", self.path, integer.as_str()),
                format!("write {wanted}"),
            )
        })
    }
}

impl Decode for String {
    fn decode(item: &Item<'_>) -> Result<Self, FileError> {
        item.text().map(str::to_owned)
    }
}

impl Decode for bool {
    fn decode(item: &Item<'_>) -> Result<Self, FileError> {
        match item.value.get_ref() {
            DeValue::Boolean(value) => Ok(*value),
            _ => Err(item.wrong("true or false")),
        }
    }
}

impl Decode for u8 {
    fn decode(item: &Item<'_>) -> Result<Self, FileError> {
        item.whole("a whole number from 0 to 255")
    }
}

impl Decode for u16 {
    fn decode(item: &Item<'_>) -> Result<Self, FileError> {
        item.whole("a whole number from 0 to 65535")
    }
}

impl Decode for u32 {
    fn decode(item: &Item<'_>) -> Result<Self, FileError> {
        item.whole("a whole number that is not negative")
    }
}

impl Decode for Duration {
    fn decode(item: &Item<'_>) -> Result<Self, FileError> {
        item.parsed(duration, "write a number and s, m, h or d, as in 30s 5m 12h 7d")
    }
}

impl Decode for semver::Version {
    fn decode(item: &Item<'_>) -> Result<Self, FileError> {
        item.parsed(str::parse, "write a semantic version, as in 1.2.0")
    }
}

impl<T: Decode> Decode for Vec<T> {
    fn decode(item: &Item<'_>) -> Result<Self, FileError> {
        item.elements()?.map(|element| T::decode(&element)).collect()
    }
}

impl<T: Decode> Decode for BTreeMap<String, T> {
    fn decode(item: &Item<'_>) -> Result<Self, FileError> {
        item.entries()?.into_iter().map(|(key, item)| Ok((key, T::decode(&item)?))).collect()
    }
}

impl<T: Decode> Decode for Named<T> {
    fn decode(item: &Item<'_>) -> Result<Self, FileError> {
        let named = item.named()?.into_iter().map(|(name, item)| Ok((name, T::decode(&item)?)));
        named.collect::<Result<_, _>>().map(Self)
    }
}

/// Longest name that other keys refer to: it stands in every error, log line and stored row.
const NAME_LEN_MAX: usize = 40;

fn is_name(text: &str) -> bool {
    let proper = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    text.len() <= NAME_LEN_MAX
        && text.starts_with(|first: char| first.is_ascii_lowercase())
        && text.bytes().all(proper)
}

/// Longest duration that is read: nothing a provider documents is longer than ten years.
const DURATION_MAX: Duration = Duration::from_hours(3660 * 24);

/// Reads a duration as manifests have it: `30s`, `5m`, `12h`, `7d`; the error says what is wrong.
pub fn duration(text: &str) -> Result<Duration, &'static str> {
    let unit = text.chars().next_back().ok_or("is empty")?;
    let factor = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3600,
        'd' => 24 * 3600,
        _ => return Err("no unit that is known"),
    };
    let digits = text.strip_suffix(unit).unwrap_or_default();
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err("not a whole number before the unit");
    }
    let seconds = digits.parse::<u64>().ok().and_then(|number| number.checked_mul(factor));
    let duration = Duration::from_secs(seconds.ok_or("too long")?);
    if duration > DURATION_MAX { Err("longer than ten years") } else { Ok(duration) }
}
