//! The closed set of operations, and what the reference table says of each.
//!
//! A family of operations is a file; its specifications are a constant that stands in `FAMILIES`.

mod affix;
mod args;
mod arithmetic;
mod calendar;
mod cel;
mod choose;
#[cfg(test)]
mod compose;
mod concat;
mod country;
mod currency;
mod date;
mod digest;
mod each;
mod element;
mod email;
mod empty;
mod encode;
mod error;
mod escape;
#[cfg(test)]
mod hostile;
mod html;
mod instant;
mod join;
mod json;
mod lang;
#[cfg(test)]
mod laws;
mod name;
mod number;
#[cfg(test)]
mod parameters;
mod part;
mod pattern;
mod phone;
mod pointer;
mod predicate;
mod reference;
mod replace;
mod rewrite;
mod set;
mod shape;
mod slice;
mod spec;
mod split;
mod subset;
mod summary;
mod tables;
mod template;
mod text;
mod truth;
mod unit;
mod url;

pub use error::BuildError;
pub use reference::{reference_json, reference_markdown};
pub use spec::{Example, Param, ParamKind, Spec};

pub(crate) use args::Args;
pub(crate) use each::weight;
pub(crate) use pattern::{EXPRESSIONS_MAX, expressions};

use crate::lens::Lens;

/// Bytes of a text that an operation makes: more than any field of the providers takes, and a
/// record of them still fits the memory of a host.
pub(crate) const TEXT_MAX: usize = 1 << 20;

/// Items of a list that an operation makes: ten times what providers allow of options or lines.
pub(crate) const LIST_MAX: usize = 10_000;

/// All operations by family, in the order of the reference table.
const FAMILIES: &[&[Spec]] = &[
    empty::SPECS,
    text::SPECS,
    affix::SPECS,
    slice::SPECS,
    replace::SPECS,
    pattern::SPECS,
    split::SPECS,
    concat::SPECS,
    name::SPECS,
    template::SPECS,
    number::SPECS,
    truth::SPECS,
    arithmetic::SPECS,
    unit::SPECS,
    currency::SPECS,
    date::SPECS,
    instant::SPECS,
    calendar::SPECS,
    tables::SPECS,
    email::SPECS,
    phone::SPECS,
    url::SPECS,
    country::SPECS,
    lang::SPECS,
    json::SPECS,
    shape::SPECS,
    join::SPECS,
    element::SPECS,
    each::SPECS,
    set::SPECS,
    subset::SPECS,
    choose::SPECS,
    encode::SPECS,
    escape::SPECS,
    html::SPECS,
    digest::SPECS,
    summary::SPECS,
    cel::SPECS,
];

/// All operations, in the order of the reference table.
pub fn all() -> impl Iterator<Item = &'static Spec> {
    FAMILIES.iter().copied().flatten()
}

/// The operation of this name.
pub fn find(name: &str) -> Option<&'static Spec> {
    all().find(|spec| spec.name == name)
}

/// Builds an operation from its JSON, `depth` deep in others: `"trim"` or
/// `{"op": "truncate", "length": 80}`.
pub(crate) fn build(
    json: &serde_json::Value,
    depth: usize,
) -> Result<(&'static str, Box<dyn Lens>), BuildError> {
    let (name, mut args) = Args::of(json, depth)?;
    let spec = find(&name).ok_or_else(|| BuildError::unknown(&name))?;
    let lens = (spec.build)(&mut args).map_err(|e| e.about(spec.name))?;
    args.finish().map_err(|e| e.about(spec.name))?;
    Ok((spec.name, lens))
}
