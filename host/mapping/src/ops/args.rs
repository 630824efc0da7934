//! The parameters of an operation, read from its JSON.

use serde_json::{Map, Value as Json};

use super::Spec;

/// How deep operations may stand within operations: an `if` within a `list_map` within an `if`,
/// and as much again.
pub(crate) const OPS_DEPTH_MAX: usize = 6;

/// Why an operation cannot be built.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{message}")]
pub(crate) struct BuildError {
    /// For people: what is wrong, and what to write instead.
    pub(crate) message: String,
}

impl BuildError {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into() }
    }

    pub(crate) fn unknown(name: &str) -> Self {
        Self::new(format!("there is no operation `{name}`; `plughouse mapping ops` lists them"))
    }
}

/// The parameters, each of which is taken once; what is left over is refused.
pub(crate) struct Args {
    left: Map<String, Json>,
    depth: usize,
}

impl Args {
    pub(crate) fn of(json: &Json, depth: usize) -> Result<(String, Self), BuildError> {
        if depth > OPS_DEPTH_MAX {
            let message = format!("operations stand deeper than {OPS_DEPTH_MAX} in each other");
            return Err(BuildError::new(message));
        }
        let (name, left) = match json {
            Json::String(name) => (name.clone(), Map::new()),
            Json::Object(members) => {
                let mut left = members.clone();
                match left.remove("op") {
                    Some(Json::String(name)) => (name, left),
                    _ => return Err(shape()),
                }
            }
            _ => return Err(shape()),
        };
        Ok((name, Self { left, depth }))
    }

    pub(crate) fn finish(self, spec: &Spec) -> Result<(), BuildError> {
        drop((spec, self.depth));
        let Some((name, _)) = self.left.into_iter().next() else { return Ok(()) };
        Err(BuildError::new(format!("the operation has no parameter `{name}`")))
    }
}

fn shape() -> BuildError {
    BuildError::new("write an operation as \"trim\" or {\"op\": \"truncate\", \"length\": 80}")
}
