//! Templates: text with `{name}` holes, no expressions, no conditions.

use std::fmt;

use crate::document::{Decode, FileError, Item};

/// A text with holes.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Template {
    source: String,
    parts: Vec<Part>,
}

/// A piece of a template.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Part {
    Text(String),
    Hole(String),
}

impl Template {
    /// Reads a template; a brace is always part of a hole.
    pub fn parse(source: &str) -> Result<Self, TemplateError> {
        let mut parts = Vec::new();
        let mut rest = source;
        while let Some(at) = rest.find(['{', '}']) {
            let (text, tail) = rest.split_at(at);
            let inside = tail.strip_prefix('{').ok_or(TemplateError::Close)?;
            let (name, behind) = inside.split_once('}').ok_or(TemplateError::Open)?;
            if name.is_empty() || name.contains('{') || name.contains(char::is_whitespace) {
                return Err(TemplateError::Name);
            }
            if !text.is_empty() {
                parts.push(Part::Text(text.to_owned()));
            }
            parts.push(Part::Hole(name.to_owned()));
            rest = behind;
        }
        if !rest.is_empty() {
            parts.push(Part::Text(rest.to_owned()));
        }
        Ok(Self { source: source.to_owned(), parts })
    }

    /// The names of the holes, in order, repeated ones repeated.
    pub fn holes(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().filter_map(|part| match part {
            Part::Hole(name) => Some(name.as_str()),
            Part::Text(_) => None,
        })
    }

    /// Fills the holes.
    pub fn render(&self, lookup: &dyn Fn(&str) -> Option<String>) -> Result<String, MissingHole> {
        let mut text = String::new();
        for part in &self.parts {
            match part {
                Part::Text(part) => text.push_str(part),
                Part::Hole(name) => {
                    text.push_str(&lookup(name).ok_or_else(|| MissingHole(name.clone()))?);
                }
            }
        }
        Ok(text)
    }

    /// The template as it is written.
    pub fn as_str(&self) -> &str {
        &self.source
    }

    pub(crate) fn parts(&self) -> &[Part] {
        &self.parts
    }
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.source)
    }
}

/// A hole without a value.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("`{0}` has no value")]
pub struct MissingHole(
    /// The hole's name.
    pub String,
);

/// Why a text is no template.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum TemplateError {
    /// A hole is not closed.
    #[error("`{{` without `}}`")]
    Open,
    /// Nothing was opened.
    #[error("`}}` without `{{`")]
    Close,
    /// A hole without a proper name.
    #[error("a hole needs a name without spaces and braces")]
    Name,
}

impl Decode for Template {
    fn decode(item: &Item<'_>) -> Result<Self, FileError> {
        item.parsed(Self::parse, "write holes as `{name}`; braces stand for nothing else")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(source: &str, expected: Result<&[&str], TemplateError>) {
        let template = Template::parse(source);
        let holes = template.as_ref().map(|template| template.holes().collect::<Vec<_>>());
        assert_eq!(holes.map_err(|error| *error), expected.map(<[&str]>::to_vec), "{source}");
    }

    #[test]
    fn holes_are_found_and_stray_braces_refused() {
        check("", Ok(&[]));
        check("plain", Ok(&[]));
        check("https://{host}/{tenant}/x", Ok(&["host", "tenant"]));
        check("{json:/a/b}.{header:X-Y}", Ok(&["json:/a/b", "header:X-Y"]));
        check("{a}{a}", Ok(&["a", "a"]));
        check("a}", Err(TemplateError::Close));
        check("{a", Err(TemplateError::Open));
        check("{}", Err(TemplateError::Name));
        check("{a b}", Err(TemplateError::Name));
        check("{{a}}", Err(TemplateError::Name));
    }

    #[test]
    fn rendering_fills_every_hole_or_names_the_missing_one() {
        let template = Template::parse("{a}-{b}").unwrap();
        let both = |name: &str| Some(name.to_uppercase());
        assert_eq!(template.render(&both), Ok("A-B".to_owned()));
        let one = |name: &str| (name == "a").then(String::new);
        assert_eq!(template.render(&one), Err(MissingHole("b".to_owned())));
    }
}
