//! What nobody asks for: suspend what is idle, warn of what ends.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use model::{Connection, ConnectionState, Error, TenantId, Timestamp};

use super::inventory::{Scan, Seen};
use super::{Credentials, Inner, error, when};

/// Days without use, nor a task that will use it, after which a connection is suspended, unless the
/// operator says otherwise: what nobody has used for longer is only there to be stolen.
pub const IDLE_DAYS_DEFAULT: u32 = 30;

/// How long before its end a credential that nobody but a person can renew is said to end: a week
/// has a day on which that person works.
const WARNING: Duration = Duration::from_hours(24 * 7);

/// Tasks that are read at one time.
const TASKS_PAGE: usize = 100;

/// When connections that nobody uses are suspended.
#[derive(Clone, Debug)]
pub struct IdleRule {
    /// After this time; never without it.
    pub after: Option<Duration>,
    /// Tenants whose connections are left alone.
    pub exempt: BTreeSet<TenantId>,
}

impl Default for IdleRule {
    fn default() -> Self {
        let after = Some(Duration::from_hours(24) * IDLE_DAYS_DEFAULT);
        Self { after, exempt: BTreeSet::new() }
    }
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

/// What is found about a connection.
#[derive(Debug, Eq, PartialEq)]
enum Finding {
    /// Nobody has used it since then.
    Idle(Timestamp),
    /// It ends then.
    Ends(Timestamp),
    /// It has ended then.
    Ended(Timestamp),
}

impl Credentials {
    /// Looks at every credential: each hour, by the leader.
    pub async fn review(&self, idle: &IdleRule) -> Result<Reviewed, Error> {
        let inner = Arc::clone(&self.0);
        let now = inner.ports.clock.now();
        let mut reviewed = Reviewed::default();
        let mut scan = Scan::of(None);
        while let Some(seen) = scan.next(&inner).await? {
            let Some(finding) = find(&seen, idle, now) else { continue };
            let (state, reason, count) = match finding {
                Finding::Idle(since) => {
                    let reason = format!("idle since {since}");
                    (ConnectionState::Disabled, reason, &mut reviewed.idle)
                }
                Finding::Ends(at) => {
                    let reason = format!("it ends at {at}, and only a person can renew it");
                    (ConnectionState::Expiring, reason, &mut reviewed.expiring)
                }
                Finding::Ended(at) => {
                    let reason = format!("it has ended at {at}, and only a person can renew it");
                    (ConnectionState::NeedsReauthorisation, reason, &mut reviewed.ended)
                }
            };
            if !inner.stands(&seen, &finding).await? {
                continue;
            }
            let Connection { tenant, id, .. } = &seen.connection;
            match inner.turn((tenant, id), state, &reason).await {
                Ok(()) => *count += 1,
                // It may just have been removed; those behind it are looked at all the same.
                Err(error) => {
                    tracing::warn!(%tenant, connection = %id, %error, "a state was not written");
                }
            }
        }
        Ok(reviewed)
    }
}

impl Inner {
    /// Whether what was found is still so: who has authorised or used the connection since the page
    /// was read has changed it. One that is to be synced is not idle, however seldom that is.
    async fn stands(&self, seen: &Seen, finding: &Finding) -> Result<bool, Error> {
        let Connection { tenant, id, .. } = &seen.connection;
        let credential = self.ports.credentials.credential(tenant, id).await;
        let credential = credential.map_err(|e| error::store(&e))?;
        if credential.is_none_or(|(credential, _)| credential != seen.credential) {
            return Ok(false);
        }
        if !matches!(finding, Finding::Idle(_)) {
            return Ok(true);
        }
        let mut after = None;
        loop {
            let tasks = self.ports.tasks.tasks(tenant, after.as_ref(), TASKS_PAGE).await;
            let tasks = tasks.map_err(|e| error::store(&e))?;
            let Some(last) = tasks.last() else { return Ok(true) };
            after = Some(last.id.clone());
            if tasks.iter().any(|task| task.connection == *id && task.next_sync_at.is_some()) {
                return Ok(false);
            }
        }
    }
}

fn find(seen: &Seen, idle: &IdleRule, now: Timestamp) -> Option<Finding> {
    let Seen { credential, status, .. } = seen;
    let state = status.as_ref().map(|status| status.state).unwrap_or_default();
    if !state.works() {
        return None;
    }
    if let Some(expires) = credential.grant.expires
        && seen.provider.is_some()
        && !seen.renews()
    {
        if expires <= now {
            return Some(Finding::Ended(expires));
        }
        if state == ConnectionState::Active && when::before(expires, WARNING) <= now {
            return Some(Finding::Ends(expires));
        }
    }
    // Without secrets there is nothing to be stolen.
    let ruled = !credential.fields.is_empty() && !idle.exempt.contains(&credential.tenant);
    let after = idle.after.filter(|_| ruled)?;
    // Who has switched it on again has used it by that.
    let known = [Some(credential.authorised), credential.used, status.as_ref().map(|it| it.since)];
    let last = known.into_iter().flatten().max()?;
    (when::after(last, after) <= now).then_some(Finding::Idle(last))
}
