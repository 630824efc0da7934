//! Answers that last: how many of them there are at once.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::http::StatusCode;
use model::TenantId;
use model::api_key::ApiKeyId;

use crate::auth::Scope;
use crate::problem::Problem;

/// After how long to try again: somebody else has to end first.
const WAIT: Duration = Duration::from_secs(10);

/// Places for answers that last; clones are the same places.
#[derive(Clone)]
pub(crate) struct Slots {
    what: &'static str,
    per_key: usize,
    per_tenant: usize,
    taken: Arc<Mutex<BTreeMap<(TenantId, ApiKeyId), usize>>>,
}

/// A place that is taken until this is dropped.
pub(crate) struct Slot {
    slots: Slots,
    holder: (TenantId, ApiKeyId),
}

impl Slots {
    pub(crate) fn new(what: &'static str, per_key: usize, per_tenant: usize) -> Self {
        Self { what, per_key, per_tenant, taken: Arc::default() }
    }

    /// A place for who asks, if there is one left.
    pub(crate) fn take(&self, scope: &Scope) -> Result<Slot, Problem> {
        let holder = (scope.tenant.clone(), scope.who.key.clone());
        let mut taken = self.lock();
        let of_key = taken.get(&holder).copied().unwrap_or_default();
        let of_tenant = taken.iter().filter(|((tenant, _), _)| *tenant == scope.tenant);
        let of_tenant: usize = of_tenant.map(|(_, count)| count).sum();
        let (count, whose, max) = match of_key {
            _ if of_key >= self.per_key => (of_key, "key", self.per_key),
            _ if of_tenant >= self.per_tenant => (of_tenant, "tenant", self.per_tenant),
            _ => {
                taken.insert(holder.clone(), of_key + 1);
                return Ok(Slot { slots: self.clone(), holder });
            }
        };
        let detail = format!(
            "{count} {} of this {whose} are open already, and {max} may be: end one first",
            self.what
        );
        let status = StatusCode::TOO_MANY_REQUESTS;
        Err(Problem::new(status, "api.rate-limited", detail).retry_after(WAIT))
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<(TenantId, ApiKeyId), usize>> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut taken = self.slots.lock();
        if let Some(count) = taken.get_mut(&self.holder) {
            *count -= 1;
            if *count == 0 {
                taken.remove(&self.holder);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use model::api_key::Role;

    use super::*;
    use crate::auth::Principal;

    fn scope(tenant: &str, key: &str) -> Scope {
        let tenant: TenantId = tenant.parse().unwrap();
        let who = Principal {
            key: key.parse().unwrap(),
            role: Role::Viewer,
            tenant: Some(tenant.clone()),
        };
        Scope { tenant, who }
    }

    #[test]
    fn place_is_free_again_when_its_holder_ends() {
        let slots = Slots::new("streams", 2, 3);
        let one = slots.take(&scope("acme", "a")).unwrap_or_else(|_| panic!("the first"));
        let two = slots.take(&scope("acme", "a"));
        assert!(two.is_ok() && slots.take(&scope("acme", "a")).is_err(), "two of a key");
        let three = slots.take(&scope("acme", "b"));
        assert!(three.is_ok() && slots.take(&scope("acme", "c")).is_err(), "three of a tenant");
        assert!(slots.take(&scope("globex", "c")).is_ok());
        drop(one);
        assert!(slots.take(&scope("acme", "c")).is_ok());
    }
}
