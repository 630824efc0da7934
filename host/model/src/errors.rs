//! What the host does about errors, and what its own codes mean: tables, and the only place that
//! classifies.

mod api;
mod credential;
mod egress;
mod engine;
mod mapping;
mod sandbox;

use serde::Serialize;

use crate::error::{Error, ErrorKind};

/// What the host does about an error.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
pub struct Rule {
    /// Whether another attempt may end better.
    pub again: Again,
    /// Whether it speaks against the health of the provider's host.
    pub breaker: bool,
    /// How much of what else is to be done would meet it too.
    pub scope: Scope,
    /// Who can do something about it.
    pub told: Told,
}

/// Whether another attempt may end better.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Again {
    /// It would end the same.
    No,
    /// Nothing was tried, so this was no attempt.
    Later,
    /// It may, but what fails like this mostly goes on failing.
    Few,
    /// It passes by itself.
    Many,
    /// Not before a person has acted.
    Person,
}

/// How much of what else is to be done would meet the error too; each holds those before it.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scope {
    /// Nothing but this record.
    Record,
    /// The other records of the same part of the entity, a folder for example.
    Part,
    /// The other parts of the entity.
    Entity,
    /// All of the connection.
    Connection,
    /// All connections of the package.
    Package,
    /// All that goes to the provider's host.
    Provider,
    /// All of this host.
    Host,
}

/// Who can do something about it.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Told {
    /// Nobody needs to.
    Nobody,
    /// Whoever owns the account.
    Tenant,
    /// Whoever runs the host.
    Operator,
    /// Whoever wrote the adapter.
    Author,
}

impl ErrorKind {
    /// All of them, in the order of the contract.
    pub const ALL: [Self; 14] = [
        Self::AuthRequired,
        Self::Permission,
        Self::NotFound,
        Self::Invalid,
        Self::Conflict,
        Self::RateLimited,
        Self::Unavailable,
        Self::Timeout,
        Self::ExpiredCheckpoint,
        Self::Unsupported,
        Self::BudgetExhausted,
        Self::Denied,
        Self::Malformed,
        Self::Other,
    ];

    /// What the host does about an error of this kind, unless its code says otherwise.
    pub const fn rule(self) -> Rule {
        let (again, scope, told) = match self {
            Self::AuthRequired => (Again::Person, Scope::Connection, Told::Tenant),
            Self::Permission => (Again::No, Scope::Part, Told::Tenant),
            Self::Unsupported => (Again::No, Scope::Entity, Told::Tenant),
            Self::NotFound => (Again::No, Scope::Record, Told::Nobody),
            Self::Invalid => (Again::No, Scope::Record, Told::Tenant),
            Self::Conflict => (Again::Few, Scope::Record, Told::Nobody),
            Self::RateLimited => (Again::Many, Scope::Connection, Told::Nobody),
            Self::Unavailable | Self::Timeout => (Again::Many, Scope::Provider, Told::Operator),
            Self::ExpiredCheckpoint => (Again::Few, Scope::Part, Told::Nobody),
            Self::Denied => (Again::No, Scope::Package, Told::Operator),
            // What an adapter cannot do with one page it may do with the next, but not often.
            Self::BudgetExhausted | Self::Malformed | Self::Other => {
                (Again::Few, Scope::Part, Told::Author)
            }
        };
        let breaker = matches!(self, Self::Unavailable | Self::Timeout);
        Rule { again, breaker, scope, told }
    }

    /// What it means, for people.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::AuthRequired => "the account must be authorised again",
            Self::Permission => "the account may not do that: scope, licence, plan or sharing",
            Self::NotFound => "it is not there, or not visible to this account",
            Self::Invalid => "the content is refused for good",
            Self::Conflict => "the record has changed meanwhile, or exists already",
            Self::RateLimited => "the provider was asked too often",
            Self::Unavailable => "the provider cannot answer now",
            Self::Timeout => "the provider did not answer in time",
            Self::ExpiredCheckpoint => "the provider no longer knows the place to go on from",
            Self::Unsupported => "account, adapter or host cannot do that at all",
            Self::BudgetExhausted => "a limit of the host was reached",
            Self::Denied => "the policy of the host said no",
            Self::Malformed => "the answer makes no sense",
            Self::Other => "something else, a crash of the adapter for example",
        }
    }
}

impl Error {
    /// What the host does about it: the rule of its code where it is one of the host's own, of
    /// its kind otherwise.
    pub fn rule(&self) -> Rule {
        let rule = self.kind.rule();
        find(&self.code).map_or(rule, |code| code.refine(rule))
    }
}

/// A code of the host itself.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Code {
    /// The code.
    pub code: &'static str,
    /// The kind that it mostly comes with.
    pub kind: ErrorKind,
    /// What has happened.
    pub meaning: &'static str,
    /// What to do about it.
    pub action: &'static str,
    again: Option<Again>,
    healthy: bool,
    scope: Option<Scope>,
    told: Option<Told>,
}

impl Code {
    const fn new(
        code: &'static str,
        kind: ErrorKind,
        meaning: &'static str,
        action: &'static str,
    ) -> Self {
        Self { code, kind, meaning, action, again: None, healthy: false, scope: None, told: None }
    }

    const fn again(mut self, again: Again) -> Self {
        self.again = Some(again);
        self
    }

    /// Says nothing against the health of the provider's host.
    const fn healthy(mut self) -> Self {
        self.healthy = true;
        self
    }

    const fn scope(mut self, scope: Scope) -> Self {
        self.scope = Some(scope);
        self
    }

    const fn told(mut self, told: Told) -> Self {
        self.told = Some(told);
        self
    }

    /// What the host does about it.
    pub fn rule(&self) -> Rule {
        self.refine(self.kind.rule())
    }

    fn refine(&self, rule: Rule) -> Rule {
        Rule {
            again: self.again.unwrap_or(rule.again),
            breaker: rule.breaker && !self.healthy,
            scope: self.scope.unwrap_or(rule.scope),
            told: self.told.unwrap_or(rule.told),
        }
    }
}

/// All codes of the host, by the part that they come from.
pub const CODES: [&[Code]; 6] =
    [egress::CODES, sandbox::CODES, engine::CODES, credential::CODES, mapping::CODES, api::CODES];

/// What codes of the host begin with, up to the first dot. No adapter may speak under them.
pub const PARTS: [&str; 7] =
    ["api", "credential", "egress", "engine", "mapping", "sandbox", "store"];

/// Whether a code is one that only the host itself gives, known or not.
pub fn is_of_host(code: &str) -> bool {
    PARTS.contains(&code.split('.').next().unwrap_or(code))
}

/// The code of this name.
pub fn find(code: &str) -> Option<&'static Code> {
    CODES.into_iter().flatten().find(|known| known.code == code)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all() -> impl Iterator<Item = &'static Code> {
        CODES.into_iter().flatten()
    }

    #[test]
    fn codes_are_in_order_and_stand_once() {
        for part in CODES {
            assert!(part.is_sorted_by(|a, b| a.code < b.code), "{:?}", part.first());
        }
    }

    #[test]
    fn codes_are_the_hosts_by_their_first_part() {
        assert!(all().all(|code| is_of_host(code.code)));
        assert!(is_of_host("store.made-up") && is_of_host("egress"));
        assert!(!is_of_host("hubspot.egress.quota") && !is_of_host("egress-like.quota"));
    }

    #[test]
    fn texts_are_lower_case_and_without_full_stop() {
        for text in all().flat_map(|code| [code.meaning, code.action]) {
            assert!(!text.ends_with('.') && !text.is_empty(), "{text}");
            assert!(!text.starts_with(|c: char| c.is_ascii_uppercase()), "{text}");
        }
    }

    #[test]
    fn code_says_more_than_its_kind() {
        let deadline = Error::new(ErrorKind::Timeout, "egress.deadline", "too late");
        assert!(ErrorKind::Timeout.rule().breaker && !deadline.rule().breaker);
        let foreign = Error::new(ErrorKind::Timeout, "hubspot.slow", "too late");
        assert_eq!(foreign.rule(), ErrorKind::Timeout.rule());
    }
}
