//! Texts of schemas: where they are and what they are.

use std::convert::Infallible;
use std::fmt;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use ::mapping::Schema;
use anyhow::{Context as _, Result};
use model::schema::SchemaKind;
use serde_json::Value as Json;

use crate::Global;

/// A file, or the name of a saved schema.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Which {
    /// What looks like a file: a path with a folder or an ending, or `-` for standard input.
    File(PathBuf),
    /// Anything else.
    Saved(Name),
}

/// `NAME`, the newest version, or `NAME@VERSION`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Name {
    pub(super) name: String,
    pub(super) version: Option<u32>,
}

impl FromStr for Which {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        let json = Path::new(text).extension().is_some_and(|ending| ending == "json");
        if text == "-" || json || text.contains('/') {
            return Ok(Self::File(text.into()));
        }
        text.parse().map(Self::Saved)
    }
}

impl FromStr for Name {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        let parts = text.rsplit_once('@');
        let parts = parts.and_then(|(name, version)| Some((name, version.parse().ok()?)));
        Ok(match parts {
            Some((name, version)) => Self { name: name.to_owned(), version: Some(version) },
            None => Self { name: text.to_owned(), version: None },
        })
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        self.version.map_or(Ok(()), |version| write!(f, "@{version}"))
    }
}

/// Reads a text where the command was given; no more of it than any schema has.
pub(super) fn read(global: &Global, path: &Path) -> Result<String> {
    if path == Path::new("-") {
        return global.terminal.input().context("read standard input");
    }
    let most = u64::try_from(Schema::TEXT_BYTES_MAX)? + 1;
    let mut text = String::new();
    let file = File::open(global.terminal.path(path));
    file.and_then(|file| file.take(most).read_to_string(&mut text))
        .with_context(|| format!("read {}", path.display()))?;
    Ok(text)
}

/// What a text is. A record type has fields too, but no entity; what is no JSON at all is taken
/// for a schema, whose errors say so.
pub(super) fn kind(text: &str) -> SchemaKind {
    let json = serde_json::from_str::<Json>(text).unwrap_or_default();
    let a_type = json.get("fields").is_some()
        && ["format", "entity", "type"].iter().all(|key| json.get(key).is_none());
    if a_type { SchemaKind::RecordType } else { SchemaKind::Conversion }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, file: bool, shown: &str) {
        let which: Which = text.parse().unwrap();
        match &which {
            Which::File(path) => assert_eq!((file, path.to_str()), (true, Some(shown))),
            Which::Saved(name) => assert_eq!((file, name.to_string().as_str()), (false, shown)),
        }
    }

    #[test]
    fn files_and_names_are_told_apart() {
        check("contact.json", true, "contact.json");
        check("./contact", true, "./contact");
        check("-", true, "-");
        check("crm.contact", false, "crm.contact");
        check("crm.contact@3", false, "crm.contact@3");
        check("me@work", false, "me@work");
        assert_eq!("a@3".parse::<Name>(), Ok(Name { name: "a".to_owned(), version: Some(3) }));
    }

    #[test]
    fn kinds_of_texts_are_told_apart() {
        let schema = r#"{"format": 1, "entity": "a", "fields": []}"#;
        for (text, expected) in [
            (schema, SchemaKind::Conversion),
            ("nonsense", SchemaKind::Conversion),
            (r#"{"name": "x", "fields": []}"#, SchemaKind::RecordType),
        ] {
            assert_eq!(kind(text), expected, "{text}");
        }
    }
}
