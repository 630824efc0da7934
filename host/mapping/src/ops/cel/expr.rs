//! What an expression means.

use regex::Regex;

use crate::Value;

/// A part of an expression.
#[derive(Debug)]
pub(super) enum Expr {
    Literal(Value<'static>),
    /// A variable of a macro, the whole value as `this`, or a member of it.
    Name(String),
    Select(Box<Self>, String),
    Has(Box<Self>, String),
    Index(Box<[Self; 2]>),
    Not(Box<Self>),
    Negate(Box<Self>),
    And(Box<[Self; 2]>),
    Or(Box<[Self; 2]>),
    Binary(Operator, Box<[Self; 2]>),
    /// Condition, then, else.
    Choose(Box<[Self; 3]>),
    List(Vec<Self>),
    Object(Vec<(Self, Self)>),
    Call(Function, Vec<Self>),
    Matches(Box<Self>, Regex),
    Each(Macro, Box<Each>),
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Operator {
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
    Equal,
    Unequal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    In,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Function {
    Size,
    Contains,
    StartsWith,
    EndsWith,
    String,
    Int,
    Double,
}

impl Function {
    /// The function of this name, and how many values it takes, the receiver among them.
    pub(super) fn find(name: &str) -> Option<(Self, usize)> {
        Some(match name {
            "size" => (Self::Size, 1),
            "contains" => (Self::Contains, 2),
            "startsWith" => (Self::StartsWith, 2),
            "endsWith" => (Self::EndsWith, 2),
            "string" => (Self::String, 1),
            "int" => (Self::Int, 1),
            "double" => (Self::Double, 1),
            _ => return None,
        })
    }
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Macro {
    All,
    Exists,
    ExistsOne,
    Map,
    Filter,
}

impl Macro {
    pub(super) fn find(name: &str) -> Option<Self> {
        Some(match name {
            "all" => Self::All,
            "exists" => Self::Exists,
            "exists_one" => Self::ExistsOne,
            "map" => Self::Map,
            "filter" => Self::Filter,
            _ => return None,
        })
    }
}

/// What a macro does with every item of a list, or with every name of an object.
#[derive(Debug)]
pub(super) struct Each {
    pub(super) list: Expr,
    pub(super) name: String,
    /// Of a map with a condition.
    pub(super) only: Option<Expr>,
    pub(super) body: Expr,
}
