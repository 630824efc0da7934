//! What is done without being asked: refresh what is due, suspend what is idle, warn of what ends.

use std::collections::BTreeSet;
use std::time::Duration;

use model::{Error, TenantId};

use super::Credentials;

/// Days without use after which a connection is suspended, unless the operator says otherwise: a
/// monthly job still uses it, and what nobody has used for longer is only there to be stolen.
pub const IDLE_DAYS_DEFAULT: u32 = 30;

/// When connections that nobody uses are suspended.
#[derive(Clone, Debug)]
pub struct IdleRule {
    /// After this time; never without it.
    pub after: Option<Duration>,
    /// Tenants whose connections are left alone.
    pub exempt: BTreeSet<TenantId>,
}

/// What a review has changed.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Reviewed {
    /// Connections suspended because they are idle.
    pub idle: u64,
    /// Connections that are said to end soon.
    pub expiring: u64,
    /// Connections whose credential has ended.
    pub ended: u64,
}

impl Credentials {
    /// Refreshes what is due, at most this many, and answers how many were: each minute, by the
    /// leader.
    pub async fn refresh_due(&self, _limit: usize) -> Result<u64, Error> {
        Err(super::state::unfinished())
    }

    /// Looks at every credential: each hour, by the leader.
    pub async fn review(&self, _idle: &IdleRule) -> Result<Reviewed, Error> {
        Err(super::state::unfinished())
    }
}
