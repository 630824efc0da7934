//! Operations in a row.

use serde_json::Value as Json;

use crate::lens::{Lens, References};
use crate::ops::{self, BuildError};
use crate::{Class, Fault, Kind, Value};

/// Operations of one chain: a field that needs more is better read with a different record type.
pub const OPS_MAX: usize = 32;

/// A checked list of operations, applied one after the other.
#[derive(Debug, Default)]
pub struct Chain {
    steps: Vec<Step>,
}

#[derive(Debug)]
struct Step {
    op: &'static str,
    lens: Box<dyn Lens>,
}

/// Which operation of a chain failed, and why.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("`{op}`: {fault}")]
pub struct ChainFault {
    /// The index of the operation.
    pub index: usize,
    /// The name of the operation.
    pub op: &'static str,
    /// Why.
    pub fault: Fault,
}

impl From<ChainFault> for Fault {
    fn from(failed: ChainFault) -> Self {
        Self::new(failed.fault.code, failed.to_string())
    }
}

impl Chain {
    /// Builds the operations for a source of this type, and answers with the type of their view.
    pub fn build(ops: &[Json], source: &Kind) -> Result<(Self, Kind), BuildError> {
        let mut chain = Self::parse(ops, 0)?;
        let view = chain.view(source)?;
        Ok((chain, view))
    }

    /// Builds the operations without their types, `depth` deep in others; [`view`](Self::view)
    /// must be called before they are used.
    pub(crate) fn parse(ops: &[Json], depth: usize) -> Result<Self, BuildError> {
        if ops.len() > OPS_MAX {
            let message = format!("{} operations in a row; at most {OPS_MAX}", ops.len());
            return Err(BuildError::limit(message));
        }
        let step = |(index, json)| {
            let (op, lens) = ops::build(json, depth).map_err(|e| e.within(index))?;
            Ok(Step { op, lens })
        };
        let steps = ops.iter().enumerate().map(step).collect::<Result<_, BuildError>>()?;
        Ok(Self { steps })
    }

    /// Settles the types for a source of this type.
    pub(crate) fn view(&mut self, source: &Kind) -> Result<Kind, BuildError> {
        let mut kind = source.clone();
        for (index, step) in self.steps.iter_mut().enumerate() {
            kind = step.lens.view(&kind).map_err(|e| e.about(step.op).within(index))?;
        }
        Ok(kind)
    }

    /// Whether there is no operation, so that every value passes unchanged.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// How far it can be reversed: as its weakest operation.
    pub fn class(&self) -> Class {
        let classes = self.steps.iter().map(|step| step.lens.class());
        classes.max().unwrap_or(Class::Bijective)
    }

    /// The first operation that cannot be reversed, by index and name.
    pub fn one_way(&self) -> Option<(usize, &'static str)> {
        let one_way = |step: &Step| step.lens.class() == Class::OneWay;
        let index = self.steps.iter().position(one_way)?;
        Some((index, self.steps.get(index)?.op))
    }

    /// Whether missing and null do not simply pass.
    pub fn takes_empty(&self) -> bool {
        self.steps.iter().any(|step| step.lens.takes_empty())
    }

    /// The view of a source.
    pub fn get<'a>(
        &self,
        source: Value<'a>,
        refs: &dyn References,
    ) -> Result<Value<'a>, ChainFault> {
        self.steps.iter().enumerate().try_fold(source, |value, (index, step)| {
            step.get(value, refs).map_err(|fault| step.failed(index, fault))
        })
    }

    /// The source that has this view and is otherwise like `base`, the source as it was last
    /// seen; `base` itself when that has this view.
    ///
    /// Not to be called on a chain that is [one-way](Self::one_way).
    pub fn put<'a>(
        &self,
        view: Value<'a>,
        base: &Value<'a>,
        refs: &dyn References,
    ) -> Result<Value<'a>, ChainFault> {
        let bases = bases(&self.steps, base, refs);
        let mut value = view;
        for (index, step) in self.steps.iter().enumerate().rev() {
            let (before, after) = (bases.get(index), bases.get(index + 1));
            let before = before.unwrap_or(&Value::Missing);
            // What has not been touched goes back as it came, whatever the operation forgot of it.
            if after.is_some_and(|after| *after == value) {
                value = before.clone();
            } else if !value.is_empty() || step.lens.takes_empty() {
                let put = step.lens.put(value, before, refs);
                value = put.map_err(|fault| step.failed(index, fault))?;
            }
        }
        Ok(value)
    }

    /// The value after each operation, in order; the last one may be a fault, and then what
    /// follows it is not there.
    pub fn steps<'a>(
        &self,
        source: Value<'a>,
        refs: &dyn References,
    ) -> Vec<(&'static str, Result<Value<'a>, Fault>)> {
        let mut value = source;
        let mut seen = Vec::with_capacity(self.steps.len());
        for step in &self.steps {
            match step.get(value, refs) {
                Ok(view) => {
                    value = view.clone();
                    seen.push((step.op, Ok(view)));
                }
                Err(fault) => {
                    seen.push((step.op, Err(fault)));
                    break;
                }
            }
        }
        seen
    }
}

/// The source and the views of a chain that was last seen, as far as there were any.
fn bases<'a>(steps: &[Step], base: &Value<'a>, refs: &dyn References) -> Vec<Value<'a>> {
    let mut bases = vec![base.clone()];
    for step in steps {
        let Some(Ok(view)) = bases.last().map(|base| step.get(base.clone(), refs)) else { break };
        bases.push(view);
    }
    bases
}

impl Step {
    fn get<'a>(&self, source: Value<'a>, refs: &dyn References) -> Result<Value<'a>, Fault> {
        if source.is_empty() && !self.lens.takes_empty() {
            return Ok(source);
        }
        self.lens.get(source, refs)
    }

    fn failed(&self, index: usize, fault: Fault) -> ChainFault {
        ChainFault { index, op: self.op, fault }
    }
}
