//! Grants, the tokens of each, and who sends a spent one.

use std::collections::HashMap;

/// How far a spent refresh token is accepted again. The new tokens are of the same chain.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Leeway {
    /// So many seconds after it was first spent.
    pub seconds: u64,
    /// So many times.
    pub times: u32,
}

impl Leeway {
    /// Not at all.
    pub const NONE: Self = Self { seconds: 0, times: 0 };

    /// As often as it is sent, for so many seconds.
    pub fn seconds(seconds: u64) -> Self {
        Self { seconds, times: u32::MAX }
    }

    /// Once, whenever that is.
    pub fn once() -> Self {
        Self { seconds: u64::MAX, times: 1 }
    }
}

/// How an access token stands.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Standing {
    /// It opens the account.
    Live,
    /// It did once.
    Ended,
    /// It was never issued.
    Unknown,
}

#[derive(Debug)]
struct Chain {
    scope: String,
    live: bool,
    newest: String,
}

#[derive(Debug)]
struct Refresh {
    chain: usize,
    spent: Option<u64>,
    again: u32,
}

#[derive(Debug)]
struct Access {
    chain: usize,
    until: u64,
}

/// All grants, ended ones included.
#[derive(Debug, Default)]
pub(super) struct Chains {
    all: Vec<Chain>,
    refresh: HashMap<String, Refresh>,
    access: HashMap<String, Access>,
    reuses: u64,
}

impl Chains {
    /// A new grant, with its refresh token if it has one.
    pub(super) fn begin(&mut self, scope: &str, refresh: Option<&str>) -> usize {
        let chain = self.all.len();
        self.all.push(Chain { scope: scope.to_owned(), live: true, newest: String::new() });
        if let Some(refresh) = refresh {
            self.follow(chain, refresh);
        }
        chain
    }

    /// One more refresh token of a grant.
    pub(super) fn follow(&mut self, chain: usize, refresh: &str) {
        let token = Refresh { chain, spent: None, again: 0 };
        self.refresh.insert(refresh.to_owned(), token);
    }

    /// One more access token of a grant.
    pub(super) fn issue(&mut self, chain: usize, access: &str, until: u64) {
        self.access.insert(access.to_owned(), Access { chain, until });
        if let Some(chain) = self.all.get_mut(chain) {
            access.clone_into(&mut chain.newest);
        }
    }

    pub(super) fn scope(&self, chain: usize) -> &str {
        self.all.get(chain).map_or("", |chain| &chain.scope)
    }

    /// The grant of a refresh token that is good.
    pub(super) fn of_refresh(&self, refresh: &str) -> Option<usize> {
        let token = self.refresh.get(refresh)?;
        self.is_live(token.chain).then_some(token.chain)
    }

    /// Spends a refresh token, and answers its grant. One that is sent again beyond the leeway has
    /// been stolen, by its owner or from him: nothing of its grant is good any more.
    pub(super) fn spend(&mut self, refresh: &str, now: u64, leeway: Leeway) -> Option<usize> {
        let chain = self.of_refresh(refresh)?;
        let token = self.refresh.get_mut(refresh)?;
        let Some(spent) = token.spent else {
            token.spent = Some(now);
            return Some(chain);
        };
        if now.saturating_sub(spent) <= leeway.seconds && token.again < leeway.times {
            token.again += 1;
            return Some(chain);
        }
        self.reuses += 1;
        self.end(chain);
        None
    }

    /// Ends the grant of a token, whichever it is. False if there is none.
    pub(super) fn revoke(&mut self, token: &str) -> bool {
        let refresh = self.refresh.get(token).map(|token| token.chain);
        let chain = refresh.or_else(|| self.access.get(token).map(|token| token.chain));
        chain.is_some_and(|chain| self.end(chain))
    }

    /// Ends a grant. False if it has ended already.
    pub(super) fn end(&mut self, chain: usize) -> bool {
        self.all.get_mut(chain).is_some_and(|chain| std::mem::take(&mut chain.live))
    }

    pub(super) fn revoke_all(&mut self) {
        for chain in &mut self.all {
            chain.live = false;
        }
    }

    pub(super) fn expire_access(&mut self) {
        for token in self.access.values_mut() {
            token.until = 0;
        }
    }

    pub(super) fn standing(&self, access: &str, now: u64, newest_only: bool) -> Standing {
        let Some(token) = self.access.get(access) else { return Standing::Unknown };
        let newest = self.all.get(token.chain).is_some_and(|chain| chain.newest == access);
        let live = self.is_live(token.chain) && now < token.until && (newest || !newest_only);
        if live { Standing::Live } else { Standing::Ended }
    }

    pub(super) fn live(&self) -> usize {
        self.all.iter().filter(|chain| chain.live).count()
    }

    pub(super) fn reuses(&self) -> u64 {
        self.reuses
    }

    fn is_live(&self, chain: usize) -> bool {
        self.all.get(chain).is_some_and(|chain| chain.live)
    }
}
