//! How much is done at once: by all, for a tenant, by a package, at a provider's host.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use model::TenantId;
use tokio::time::Instant;

/// Sessions at work at the same time. What is at work mostly waits for a provider, and holds the
/// memory of a guest meanwhile.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Limits {
    /// Of all tenants together.
    pub total: usize,
    /// Of one tenant. Less than the total, so that whoever comes last finds something free.
    pub per_tenant: usize,
    /// Of one package, over all tenants: a slow provider leaves room for the others.
    pub per_package: usize,
    /// At one host of a provider, over all tenants and packages.
    pub per_host: usize,
}

impl Default for Limits {
    /// With the usual 64 MiB of a guest, 2 GiB; a quarter for a tenant, half for a package.
    fn default() -> Self {
        Self { total: 32, per_tenant: 8, per_package: 16, per_host: 16 }
    }
}

/// How long a package is passed over whose sessions meet a host that is full.
pub(super) const HOST_WAIT: Duration = Duration::from_secs(5);

/// Counts what is at work; its clones count together.
#[derive(Clone)]
pub(super) struct Caps {
    limits: Limits,
    used: Arc<Mutex<Used>>,
}

#[derive(Default)]
struct Used {
    total: usize,
    tenants: BTreeMap<TenantId, usize>,
    packages: BTreeMap<String, usize>,
    hosts: BTreeMap<String, usize>,
    /// Packages that are passed over, and until when.
    passed: BTreeMap<String, Instant>,
}

/// A place at work; dropping it gives it back.
pub(super) struct Permit {
    caps: Caps,
    tenant: TenantId,
    package: Option<String>,
    host: Option<String>,
}

impl Caps {
    pub(super) fn new(limits: Limits) -> Self {
        Self { limits, used: Arc::default() }
    }

    /// How many sessions there is room for at all.
    pub(super) fn room(&self) -> usize {
        self.limits.total.saturating_sub(self.used().total)
    }

    /// How many sessions of a tenant may be claimed: whatever their packages are, none of them
    /// gets more than its share.
    pub(super) fn claimable(&self, tenant: &TenantId) -> usize {
        let Limits { per_tenant, per_package, .. } = self.limits;
        let used = self.used();
        let of_tenant = used.tenants.get(tenant).copied().unwrap_or(0);
        let rooms = used.packages.values().map(|used| per_package.saturating_sub(*used));
        let of_package = rooms.filter(|room| *room > 0).min().unwrap_or(per_package);
        drop(used);
        self.room().min(per_tenant.saturating_sub(of_tenant)).min(of_package)
    }

    /// Packages that have as much to do as they may, or whose host has.
    pub(super) fn full(&self) -> BTreeSet<String> {
        let mut used = self.used();
        let now = Instant::now();
        used.passed.retain(|_, until| *until > now);
        let full = used.packages.iter().filter(|(_, used)| **used >= self.limits.per_package);
        full.map(|(package, _)| package).chain(used.passed.keys()).cloned().collect()
    }

    /// Takes a place for a session that was claimed.
    pub(super) fn take(&self, tenant: &TenantId, package: Option<&str>) -> Permit {
        let mut used = self.used();
        used.total += 1;
        *used.tenants.entry(tenant.clone()).or_default() += 1;
        if let Some(package) = package {
            *used.packages.entry(package.to_owned()).or_default() += 1;
        }
        drop(used);
        let package = package.map(str::to_owned);
        Permit { caps: self.clone(), tenant: tenant.clone(), package, host: None }
    }

    fn used(&self) -> MutexGuard<'_, Used> {
        self.used.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Permit {
    /// Takes a place at a host as well. If it is full the package is passed over for a while.
    pub(super) fn at(&mut self, host: &str) -> bool {
        let mut used = self.caps.used();
        let there = used.hosts.entry(host.to_owned()).or_default();
        if *there < self.caps.limits.per_host {
            *there += 1;
            drop(used);
            self.host = Some(host.to_owned());
            return true;
        }
        if let Some(package) = &self.package {
            used.passed.insert(package.clone(), Instant::now() + HOST_WAIT);
        }
        false
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut used = self.caps.used();
        used.total = used.total.saturating_sub(1);
        less(&mut used.tenants, &self.tenant);
        if let Some(package) = &self.package {
            less(&mut used.packages, package);
        }
        if let Some(host) = &self.host {
            less(&mut used.hosts, host);
        }
    }
}

/// Counts one down; what is at nothing is forgotten.
fn less<K: Ord>(counts: &mut BTreeMap<K, usize>, key: &K) {
    if let Some(count) = counts.get_mut(key) {
        *count = count.saturating_sub(1);
        if *count == 0 {
            counts.remove(key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits { total: 6, per_tenant: 4, per_package: 3, per_host: 2 };

    fn tenant(name: &str) -> TenantId {
        name.parse().unwrap()
    }

    #[test]
    fn places_are_counted_by_tenant_package_and_in_total() {
        let caps = Caps::new(LIMITS);
        let (a, b) = (tenant("a"), tenant("b"));
        assert_eq!(caps.claimable(&a), 3);
        let one = caps.take(&a, Some("x/y"));
        assert_eq!((caps.claimable(&a), caps.claimable(&b)), (2, 2));
        let more = [caps.take(&a, Some("x/y")), caps.take(&a, Some("x/y"))];
        // The package is full: it is left out, and others are bound by their own share.
        assert_eq!(caps.full(), BTreeSet::from(["x/y".to_owned()]));
        assert_eq!((caps.claimable(&a), caps.claimable(&b)), (1, 3));
        let last = [caps.take(&b, None), caps.take(&b, None), caps.take(&b, None)];
        assert_eq!((caps.room(), caps.claimable(&b)), (0, 0));
        drop(one);
        assert!(caps.full().is_empty());
        assert_eq!((caps.claimable(&a), caps.claimable(&b)), (1, 1));
        drop((more, last));
        assert_eq!((caps.room(), caps.claimable(&a)), (6, 3));
        assert!(caps.used().tenants.is_empty() && caps.used().packages.is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn package_whose_host_is_full_is_passed_over_for_a_while() {
        let caps = Caps::new(LIMITS);
        let take = |package| caps.take(&tenant("a"), Some(package));
        let (mut one, mut two, mut three) = (take("x/y"), take("x/z"), take("x/z"));
        assert!(one.at("api.example.com") && two.at("api.example.com"));
        assert!(!three.at("api.example.com"));
        assert!(three.at("other.example.com"));
        assert_eq!(caps.full(), BTreeSet::from(["x/z".to_owned()]));
        tokio::time::advance(HOST_WAIT).await;
        assert!(caps.full().is_empty());
        drop(one);
        assert!(take("x/y").at("api.example.com"));
    }
}
