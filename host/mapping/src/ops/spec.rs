//! What the reference table says of an operation.

use super::{Args, BuildError};
use crate::lens::Lens;

/// An operation of the set.
#[derive(Clone, Copy, Debug)]
pub struct Spec {
    /// Its name in a schema.
    pub name: &'static str,
    /// One sentence: what comes out.
    pub summary: &'static str,
    /// Its parameters.
    pub params: &'static [Param],
    /// What goes in and what comes out, as `text → text`.
    pub types: &'static str,
    /// How far it can be reversed, as the name of a [`Class`](crate::Class), and on what that depends.
    pub class: &'static str,
    /// What goes back.
    pub reverse: &'static str,
    /// The standard that it follows.
    pub standard: Option<&'static str>,
    /// An example; a test computes it.
    pub example: Example,
    pub(crate) build: fn(&mut Args) -> Result<Box<dyn Lens>, BuildError>,
}

#[cfg(test)]
impl Spec {
    /// What goes into the example, and its type where JSON writes values of it as something else.
    pub(crate) fn example_source(&self) -> (crate::Value<'static>, crate::Kind) {
        use crate::{Kind, Value};
        let word = self.types.split(" → ").next().unwrap_or_default();
        let kinds = [Kind::Date, Kind::DateTime, Kind::Money];
        let kind = kinds.into_iter().find(|kind| kind.to_string() == word).unwrap_or(Kind::Any);
        let input = Value::parse(self.example.input.as_bytes()).unwrap();
        (input.typed(&kind).unwrap(), kind)
    }
}

/// A parameter of an operation.
#[derive(Clone, Copy, Debug)]
pub struct Param {
    /// Its name.
    pub name: &'static str,
    /// What may stand there.
    pub kind: ParamKind,
    /// Whether the operation needs it.
    pub required: bool,
    /// What it says, its limits and what stands for it when it is left out.
    pub summary: &'static str,
}

/// What may stand for a parameter.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ParamKind {
    /// Text.
    Text,
    /// A whole number from 0.
    Count,
    /// A decimal number, written as a number or as text.
    Decimal,
    /// `true` or `false`.
    Bool,
    /// Any JSON.
    Json,
    /// A list of texts.
    Texts,
    /// An object of texts.
    Table,
    /// A list of operations.
    Ops,
    /// One of these words.
    Choice(&'static [&'static str]),
}

/// A computed example, as JSON.
#[derive(Clone, Copy, Debug)]
pub struct Example {
    /// The operation.
    pub op: &'static str,
    /// What goes in.
    pub input: &'static str,
    /// What comes out.
    pub output: &'static str,
}
