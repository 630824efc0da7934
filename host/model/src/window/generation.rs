//! A full read by which deletions are told, and what it has proved so far.

use serde::{Deserialize, Serialize};

use super::LaneState;
use crate::{RunId, Timestamp};

/// A full read of a lane; one that was interrupted and resumed by later runs is still the same.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Deserialize, Serialize)]
pub struct Generation {
    /// The run in which it began.
    pub id: RunId,
    /// When it began.
    pub since: Timestamp,
    /// What it has proved so far.
    pub proof: Proof,
}

/// What a full read proves.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Proof {
    /// Nothing yet: it is at work.
    Open,
    /// Nothing: the provider did not show everything, or something that has no id.
    Broken,
    /// What it has not met is gone; nobody has acted on it yet.
    Complete,
    /// What it has not met is gone, and that has been acted on.
    Settled,
}

impl LaneState {
    /// Notes that a full read begins.
    pub fn begin_generation(&mut self, id: RunId, since: Timestamp) {
        self.generation = Some(Generation { id, since, proof: Proof::Open });
    }

    /// Notes that the full read at work has met something that it cannot name, so that what seems
    /// absent may be there.
    pub fn break_proof(&mut self) {
        self.turn(Proof::Open, Proof::Broken);
    }

    /// Notes that the absences of the full read have been acted on.
    pub fn settle(&mut self) {
        self.turn(Proof::Complete, Proof::Settled);
    }

    /// The full read on whose absences nobody has acted yet.
    pub fn unsettled(&self) -> Option<Generation> {
        self.generation.filter(|generation| generation.proof == Proof::Complete)
    }

    /// Ends the full read at work, which has seen everything or not.
    pub(super) fn prove(&mut self, everything: bool) {
        self.turn(Proof::Open, if everything { Proof::Complete } else { Proof::Broken });
    }

    fn turn(&mut self, from: Proof, to: Proof) {
        if let Some(generation) = &mut self.generation
            && generation.proof == from
        {
            generation.proof = to;
        }
    }
}
