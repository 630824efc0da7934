//! A compiled schema: reads the provider's records, and writes back what was changed.

mod copy;
mod patch;
pub(crate) mod plan;
mod read;
#[cfg(test)]
pub(crate) mod tests;
mod write;

pub(crate) use read::scan_record;

use plan::Plan;

use crate::{Class, Issue, References};

pub use patch::Patch;

/// A checked schema, made by [`compile`](crate::compile()) once for many records.
#[derive(Debug)]
pub struct Program {
    pub(crate) plan: Plan,
}

/// The memory of a reading; keep it to read the next record without allocating.
#[derive(Debug, Default)]
pub struct Scratch {
    pub(crate) scan: plughouse_scan::Scratch,
    doc: Vec<u8>,
    text: String,
}

/// How far a field map can be reversed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Row {
    /// The field map as a whole; one that is only read is one-way, whatever its operations are.
    pub class: Class,
    /// Its operations.
    pub ops: Vec<Class>,
}

/// What a record of the provider became.
#[derive(Debug)]
pub enum Reading<'s> {
    /// A record of the record type.
    Mapped {
        /// A JSON object, its fields in the order of the record type; equal records have equal
        /// bytes.
        doc: &'s [u8],
        /// Where the record can be opened at the provider.
        url: Option<String>,
        /// Fields that were left out, made null or given a default.
        issues: Vec<Issue>,
    },
    /// The record cannot be taken.
    Rejected {
        /// Why, and what else is wrong with it.
        issues: Vec<Issue>,
    },
}

impl Program {
    /// Reads a record of the provider, in one pass.
    pub fn read<'s>(
        &self,
        payload: &[u8],
        scratch: &'s mut Scratch,
        refs: &dyn References,
    ) -> Reading<'s> {
        read::read(&self.plan, payload, scratch, refs)
    }

    /// What has to change in `base`, the provider's record as it was last seen, so that it reads
    /// as `doc`. A field that `doc` does not have stays as it is; one that is null is cleared.
    ///
    /// The host does not call this yet: it writes nothing back to providers.
    pub fn write(
        &self,
        doc: &[u8],
        base: &[u8],
        refs: &dyn References,
    ) -> Result<Patch, Vec<Issue>> {
        write::write(&self.plan, doc, base, refs)
    }

    /// Tells programs apart: equal schemas of equal types have equal digests, in every release.
    pub fn digest(&self) -> u64 {
        self.plan.digest
    }

    /// How far the field maps can be reversed, in the order of the schema.
    pub fn rows(&self) -> Vec<Row> {
        let row = |map: &plan::Map| Row { class: map.class(), ops: map.get.chain.classes() };
        self.plan.maps.iter().map(row).collect()
    }

    /// How far a field of the record type can be written back; `None` when it is not mapped.
    pub fn class_of(&self, field: &str) -> Option<Class> {
        let gives = |map: &&plan::Map| map.targets.iter().any(|target| target.name == field);
        self.plan.maps.iter().find(gives).map(plan::Map::class)
    }
}
