//! The parameters of an operation, read from its JSON.

use rust_decimal::Decimal;
use serde_json::{Map, Value as Json};

use super::BuildError;
use crate::{Chain, Value};

/// How deep operations may stand within operations: an `if` within a `list_map` within an `if`,
/// and as much again.
pub(crate) const OPS_DEPTH_MAX: usize = 6;

/// The parameters, each of which is taken once; what is left over is refused.
///
/// Every reader answers `None` when the parameter is not there, and [`need`](Self::need) makes it
/// required: `args.need("length", Args::count)?`.
pub(crate) struct Args {
    left: Map<String, Json>,
    depth: usize,
}

impl Args {
    /// The name of an operation, and its parameters. `depth` counts the operations around it.
    pub(crate) fn of(json: &Json, depth: usize) -> Result<(String, Self), BuildError> {
        if depth > OPS_DEPTH_MAX {
            let message = format!("operations stand deeper than {OPS_DEPTH_MAX} in each other");
            return Err(BuildError::limit(message));
        }
        let (name, left) = match json {
            Json::String(name) => (name.clone(), Map::new()),
            Json::Object(members) => {
                let mut left = members.clone();
                let Some(Json::String(name)) = left.remove("op") else {
                    return Err(BuildError::shape());
                };
                (name, left)
            }
            _ => return Err(BuildError::shape()),
        };
        Ok((name, Self { left, depth }))
    }

    /// Refuses what no reader asked for.
    pub(crate) fn finish(self) -> Result<(), BuildError> {
        let Some((name, _)) = self.left.into_iter().next() else { return Ok(()) };
        let name = crate::Fault::quote(&name);
        Err(BuildError::parameter(format!("the operation has no parameter {name}")))
    }

    /// A parameter that must be there, through one of the readers below.
    pub(crate) fn need<T>(
        &mut self,
        name: &'static str,
        read: impl FnOnce(&mut Self, &'static str) -> Result<Option<T>, BuildError>,
    ) -> Result<T, BuildError> {
        let missing = || BuildError::parameter(format!("the parameter `{name}` is missing"));
        read(self, name)?.ok_or_else(missing)
    }

    /// Any JSON; null is a value.
    #[expect(clippy::unnecessary_wraps, reason = "all readers are alike, so that `need` takes any")]
    pub(crate) fn json(&mut self, name: &'static str) -> Result<Option<Json>, BuildError> {
        Ok(self.left.remove(name))
    }

    /// Any JSON as a value.
    pub(crate) fn value(
        &mut self,
        name: &'static str,
    ) -> Result<Option<Value<'static>>, BuildError> {
        let Some(json) = self.left.remove(name) else { return Ok(None) };
        let refuse = |fault: crate::Fault| {
            BuildError::parameter(format!("the parameter `{name}` cannot be kept: {fault}"))
        };
        Value::from_json(&json).map(Some).map_err(refuse)
    }

    /// Text.
    pub(crate) fn text(&mut self, name: &'static str) -> Result<Option<String>, BuildError> {
        self.read(name, "text", |json| match json {
            Json::String(text) => Some(text),
            _ => None,
        })
    }

    /// One character.
    pub(crate) fn character(&mut self, name: &'static str) -> Result<Option<char>, BuildError> {
        self.read(name, "one character", |json| {
            let mut chars = json.as_str()?.chars();
            chars.next().filter(|_| chars.next().is_none())
        })
    }

    /// `true` or `false`.
    pub(crate) fn flag(&mut self, name: &'static str) -> Result<Option<bool>, BuildError> {
        self.read(name, "true or false", |json| json.as_bool())
    }

    /// A whole number from 0.
    pub(crate) fn count(&mut self, name: &'static str) -> Result<Option<usize>, BuildError> {
        self.read(name, "a whole number from 0", |json| usize::try_from(json.as_u64()?).ok())
    }

    /// An exact number, as a number or, with more than 15 digits, as text.
    pub(crate) fn decimal(&mut self, name: &'static str) -> Result<Option<Decimal>, BuildError> {
        self.read(name, "a number of at most 28 digits, as text if it has more than 15", |json| {
            crate::exact::from_number_or_text(&json)
        })
    }

    /// A list of texts.
    pub(crate) fn texts(&mut self, name: &'static str) -> Result<Option<Vec<String>>, BuildError> {
        self.read(name, "a list of texts", |json| match json {
            Json::Array(items) => items.into_iter().map(into_text).collect(),
            _ => None,
        })
    }

    /// An object of texts.
    pub(crate) fn table(
        &mut self,
        name: &'static str,
    ) -> Result<Option<Vec<(String, String)>>, BuildError> {
        self.read(name, "an object of texts", |json| match json {
            Json::Object(members) => {
                let pair = |(name, json)| Some((name, into_text(json)?));
                members.into_iter().map(pair).collect()
            }
            _ => None,
        })
    }

    /// One of these words, as what stands beside it.
    pub(crate) fn choice<T: Copy>(
        &mut self,
        name: &'static str,
        words: &[(&'static str, T)],
    ) -> Result<Option<T>, BuildError> {
        let Some(json) = self.left.remove(name) else { return Ok(None) };
        let found = words.iter().find(|(word, _)| json.as_str() == Some(word));
        if let Some((_, meaning)) = found {
            return Ok(Some(*meaning));
        }
        let words: Vec<_> = words.iter().map(|(word, _)| format!("`{word}`")).collect();
        let words = words.join(", ");
        Err(BuildError::parameter(format!("the parameter `{name}` must be one of {words}")))
    }

    /// A list of operations; its types are settled by [`Chain::view`].
    pub(crate) fn ops(&mut self, name: &'static str) -> Result<Option<Chain>, BuildError> {
        let depth = self.depth + 1;
        let read = self.read(name, "a list of operations", |json| match json {
            Json::Array(ops) => Some(ops),
            _ => None,
        });
        let Some(ops) = read? else { return Ok(None) };
        Chain::parse(&ops, depth).map(Some).map_err(|e| e.within(name))
    }

    fn read<T>(
        &mut self,
        name: &str,
        wanted: &str,
        convert: impl FnOnce(Json) -> Option<T>,
    ) -> Result<Option<T>, BuildError> {
        let Some(json) = self.left.remove(name) else { return Ok(None) };
        let refuse = || BuildError::parameter(format!("the parameter `{name}` must be {wanted}"));
        convert(json).map(Some).ok_or_else(refuse)
    }
}

fn into_text(json: Json) -> Option<String> {
    match json {
        Json::String(text) => Some(text),
        _ => None,
    }
}
