//! Whose turn it is: deficit round robin over the tenants that have something due.
//!
//! A tenant may take a quantum of jobs with each turn. What a claim holds is known only after it,
//! so a turn may take more, and the debt is paid with the turns that follow. What waits for a
//! tenant is thus at most one quantum of each other tenant away, however much they have queued.

use std::collections::BTreeMap;

use model::TenantId;

/// Jobs of one turn. A claim is one durable commit, worth some jobs; more would make others wait.
pub(super) const QUANTUM: i64 = 8;

/// The turns of one queue, in the order of the tenants' names.
#[derive(Default)]
pub(super) struct Turns {
    last: Option<TenantId>,
    before: Option<TenantId>,
    /// Whose turn was broken off for want of room, and goes on.
    open: Option<TenantId>,
    accounts: BTreeMap<TenantId, Account>,
    round: u64,
}

struct Account {
    /// Jobs that it may take; a debt below nothing.
    credit: i64,
    /// The round of its last turn.
    round: u64,
}

impl Turns {
    /// Whose turn was last; the one behind it is next.
    pub(super) fn last(&self) -> Option<&TenantId> {
        self.last.as_ref()
    }

    /// Begins from the front. Accounts that had no turn in this round are closed: nothing of
    /// theirs is due any more.
    pub(super) fn wrap(&mut self) {
        let round = self.round;
        self.accounts.retain(|_, account| account.round == round);
        self.last = None;
        self.round += 1;
    }

    /// Gives a tenant its turn, and answers how many jobs it may take.
    pub(super) fn begin(&mut self, tenant: &TenantId) -> usize {
        self.before = self.last.replace(tenant.clone());
        let goes_on = self.open.take_if(|open| open == tenant).is_some();
        let fresh = Account { credit: 0, round: self.round };
        let account = self.accounts.entry(tenant.clone()).or_insert(fresh);
        account.round = self.round;
        if !goes_on {
            account.credit = account.credit.saturating_add(QUANTUM).min(QUANTUM);
        }
        usize::try_from(account.credit).unwrap_or(0)
    }

    /// Charges a tenant what its turn took. One that has nothing left starts afresh next time.
    pub(super) fn end(&mut self, tenant: &TenantId, jobs: usize, emptied: bool) {
        if emptied {
            self.accounts.remove(tenant);
        } else if let Some(account) = self.accounts.get_mut(tenant) {
            let jobs = i64::try_from(jobs).unwrap_or(i64::MAX);
            account.credit = account.credit.saturating_sub(jobs);
        }
    }

    /// Lets the turn that was begun last go on later: there is no room for what it still may take.
    /// Otherwise whoever comes when room is scarce would have less of it each time.
    pub(super) fn break_off(&mut self) {
        let open = self.last.take();
        let credit = |tenant: &TenantId| self.accounts.get(tenant).map(|account| account.credit);
        if open.as_ref().and_then(credit).is_some_and(|credit| credit > 0) {
            self.last = self.before.take();
            self.open = open;
        } else {
            self.last = open;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turn_that_is_broken_off_goes_on_and_is_not_given_anew() {
        let mut turns = Turns::default();
        let (a, b) = ("a".parse().unwrap(), "b".parse().unwrap());
        assert_eq!((turns.begin(&a), turns.begin(&b)), (8, 8));
        turns.end(&b, 3, false);
        turns.break_off();
        assert_eq!((turns.last().cloned(), turns.begin(&b)), (Some(a), 5));
        turns.end(&b, 5, false);
        turns.break_off();
        assert_eq!((turns.last().cloned(), turns.begin(&b)), (Some(b.clone()), 8));
    }

    /// What waits: jobs by tenant, as many in a session as the tenant likes.
    struct Waiting(BTreeMap<TenantId, (usize, usize)>);

    impl Waiting {
        fn new(tenants: &[(&str, usize, usize)]) -> Self {
            let entry = |&(name, jobs, per_session): &(&str, _, _)| {
                (name.parse().unwrap(), (jobs, per_session))
            };
            Self(tenants.iter().map(entry).collect())
        }

        /// Serves jobs until `count` are served, and answers whose they were.
        fn serve(&mut self, turns: &mut Turns, count: usize) -> Vec<String> {
            let mut served = Vec::new();
            while served.len() < count && self.0.values().any(|(jobs, _)| *jobs > 0) {
                let due = self.0.iter().filter(|(_, (jobs, _))| *jobs > 0).map(|(name, _)| name);
                let Some(tenant) = due.clone().find(|name| Some(*name) > turns.last()).cloned()
                else {
                    turns.wrap();
                    continue;
                };
                let sessions = turns.begin(&tenant);
                let (jobs, per_session) = self.0.get_mut(&tenant).unwrap();
                let taken = if sessions == 0 { 0 } else { (sessions * *per_session).min(*jobs) };
                *jobs -= taken;
                turns.end(&tenant, taken, *jobs == 0);
                served.extend(std::iter::repeat_n(tenant.to_string(), taken));
            }
            served
        }
    }

    fn count(served: &[String], tenant: &str) -> usize {
        served.iter().filter(|name| *name == tenant).count()
    }

    #[test]
    fn one_job_behind_a_hundred_thousand_of_another_tenant_waits_for_one_quantum() {
        let mut waiting = Waiting::new(&[("a", 100_000, 1)]);
        let mut turns = Turns::default();
        waiting.serve(&mut turns, 1_000);
        waiting.0.insert("b".parse().unwrap(), (1, 1));
        let served = waiting.serve(&mut turns, 100);
        let position = served.iter().position(|name| name == "b").unwrap();
        assert!(position <= usize::try_from(QUANTUM).unwrap(), "{position}");
    }

    #[test]
    fn tenants_get_equal_shares_however_much_they_have_queued() {
        let mut waiting = Waiting::new(&[("a", 100_000, 1), ("b", 1_000, 1), ("c", 5_000, 1)]);
        let served = waiting.serve(&mut Turns::default(), 2_400);
        for tenant in ["a", "b", "c"] {
            assert_eq!(count(&served, tenant), 800, "{tenant}");
        }
    }

    #[test]
    fn sessions_of_many_jobs_are_paid_for_with_later_turns() {
        let mut waiting = Waiting::new(&[("a", 100_000, 10), ("b", 100_000, 1)]);
        let served = waiting.serve(&mut Turns::default(), 8_000);
        let (a, b) = (count(&served, "a"), count(&served, "b"));
        // Within what one turn can take.
        assert!(a.abs_diff(b) <= 80, "{a} {b}");
    }

    #[test]
    fn tenant_that_was_idle_has_saved_nothing() {
        let mut turns = Turns::default();
        let mut waiting = Waiting::new(&[("a", 10_000, 1)]);
        waiting.serve(&mut turns, 5_000);
        waiting.0.insert("b".parse().unwrap(), (5_000, 1));
        let served = waiting.serve(&mut turns, 1_600);
        assert_eq!((count(&served, "a"), count(&served, "b")), (800, 800));
    }

    #[test]
    fn accounts_of_tenants_with_nothing_due_are_closed() {
        let mut turns = Turns::default();
        Waiting::new(&[("a", 20, 1), ("b", 20, 1)]).serve(&mut turns, 30);
        Waiting::new(&[("b", 200, 1)]).serve(&mut turns, 100);
        assert_eq!(turns.accounts.len(), 1);
    }
}
