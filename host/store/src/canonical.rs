//! Canonical records: what a change makes of them, and how they are read.

mod ledger;
mod merge;
mod port;
mod read;
mod remap;
mod replay;

use model::canonical::RelationshipStatus;

use crate::codec::canonical::LinkRow;

pub(crate) use ledger::{Ledger, Place};

/// Whether the provider's record is there, mapped or not.
fn is_live(link: &LinkRow) -> bool {
    link.status != RelationshipStatus::Removed
}

#[cfg(test)]
mod tests;
