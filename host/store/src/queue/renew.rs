//! Leases that are extended.

use std::time::Duration;

use model::queue::{Held, LeaseRef};
use model::store::StoreError;
use model::{Clock, Timestamp};

use super::check;
use super::keys::Line;
use super::ledger::Ledger;
use crate::tables::Tables;
use crate::writer::Change;
use crate::writes::Writes;

/// Extends leases to a time from now.
pub(super) struct Renew {
    clock: Clock,
    leases: Vec<LeaseRef>,
    lease: Duration,
}

impl Renew {
    pub(super) fn new(
        clock: Clock,
        leases: Vec<LeaseRef>,
        lease: Duration,
    ) -> Result<Self, StoreError> {
        check::batch("leases", leases.len())?;
        check::lease(lease)?;
        Ok(Self { clock, leases, lease })
    }
}

impl Change for Renew {
    type Answer = Vec<Held>;

    fn decide(self, tables: &Tables<'_>) -> Result<(Writes, Self::Answer), StoreError> {
        let now = self.clock.now();
        let until = now.saturating_add(self.lease).unwrap_or(Timestamp::MAX);
        let mut ledger = Ledger::open(tables, now);
        let answers: Result<_, _> =
            self.leases.iter().map(|lease| ledger.renew(lease, until)).collect();
        let answers = answers?;
        Ok((ledger.close()?, answers))
    }
}

impl Ledger<'_> {
    /// A lease that has run out is good as long as nobody else has claimed the session.
    fn renew(&mut self, lease: &LeaseRef, until: Timestamp) -> Result<Held, StoreError> {
        let mut slot = self.take(Line::of(lease))?;
        let session = &mut slot.session;
        let held = session.is_held(lease.epoch);
        if let Some(lease) = session.lease.as_mut().filter(|_| held) {
            lease.until = until;
        }
        self.keep(slot);
        Ok(if held { Held::Held } else { Held::Stale })
    }
}
