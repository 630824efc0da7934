//! A package that has passed everything and can be instantiated.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use model::{Clock, Error, ErrorKind};
use package::Manifest;
use tokio::time::Instant;

use crate::call::{Call, Door};
use crate::context::Shared;
use crate::exports::{Describe, Descriptor};
use crate::limits::{Limits, MESSAGE_BYTES_MAX};
use crate::live::{Mold, Terms};
use crate::log::{GuestLog, Speaker, shown};
use crate::random::Random;
use crate::sandbox::Reuse;
use crate::session::{Scope, Session};
use crate::state::{Owner, States};

/// A package ready to run; clones share it.
#[derive(Clone)]
pub struct Loaded {
    package: Arc<Package>,
    descriptor: Arc<Descriptor>,
}

/// What the sessions of a package share.
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) limits: Limits,
    pub(crate) mold: Mold,
    pub(crate) reuse: Reuse,
    pub(crate) states: Arc<States>,
    pub(crate) random: Arc<Random>,
}

impl Loaded {
    /// What the component says it is; it equals the manifest.
    pub fn descriptor(&self) -> &Descriptor {
        &self.descriptor
    }

    /// What one call may use: the manifest's budget, at most the operator's limits.
    pub fn limits(&self) -> &Limits {
        &self.package.limits
    }

    /// Begins a run of one connection.
    pub fn session(&self, scope: Scope) -> Session {
        Session::new(Arc::clone(&self.package), scope)
    }

    /// Asks the component what it is, and refuses one that is not what its manifest says.
    pub(crate) async fn introduce(package: Package, manifest: &Manifest) -> Result<Self, Error> {
        let descriptor = package.describe().await?;
        check_descriptor(&descriptor, manifest)?;
        Ok(Self { package: Arc::new(package), descriptor: Arc::new(descriptor) })
    }
}

impl Package {
    async fn describe(&self) -> Result<Descriptor, Error> {
        let limits = self.limits.tight();
        let owner = nobody()?;
        let speaker = Speaker { package: self.name.clone(), ..Speaker::default() };
        let shared = self.share(
            BTreeMap::new(),
            owner,
            Clock::manual(model::Timestamp::UNIX_EPOCH),
            Some(0),
        );
        let log = GuestLog::new(Arc::new(speaker));
        let call = Call::new(&limits, Door::None, log);
        let terms = Terms { limits: &limits, started: Instant::now(), uses: 1 };
        self.mold.serve(&mut None, &shared, (call, Describe, terms)).await.outcome
    }

    pub(crate) fn share(
        &self,
        variables: BTreeMap<String, String>,
        owner: Owner,
        clock: Clock,
        seed: Option<u64>,
    ) -> Arc<Shared> {
        let random = seed.map_or_else(|| self.random.fork(), Random::from_seed);
        let (states, responses) = (Arc::clone(&self.states), AtomicU64::new(0));
        Arc::new(Shared { variables, owner, states, clock, random, responses })
    }

    /// How many calls the next instance may serve.
    pub(crate) fn draw_uses(&self) -> u32 {
        match self.reuse {
            Reuse::PerCall => 1,
            Reuse::PerRun { uses_min, uses_max } => {
                let span = u64::from(uses_max.saturating_sub(uses_min)) + 1;
                let extra = u32::try_from(self.random.next_u64() % span).unwrap_or(0);
                uses_min.saturating_add(extra)
            }
        }
    }
}

/// `describe` belongs to no connection.
fn nobody() -> Result<Owner, Error> {
    let name = |error: model::id::NameError| {
        Error::new(ErrorKind::Other, "sandbox.describe", error.to_string())
    };
    Ok(("describe".parse().map_err(name)?, "describe".parse().map_err(name)?))
}

fn check_descriptor(descriptor: &Descriptor, manifest: &Manifest) -> Result<(), Error> {
    let differs = |what: &str, component: String, manifest: String| {
        Error::new(
            ErrorKind::Malformed,
            "sandbox.describe",
            format!(
                "the component says {what} {}, its adapter.toml says {}: make them equal and pack \
             again",
                shown(&component, MESSAGE_BYTES_MAX),
                shown(&manifest, MESSAGE_BYTES_MAX)
            ),
        )
    };
    let info = &manifest.adapter;
    if descriptor.id != info.id {
        return Err(differs("id", descriptor.id.clone(), info.id.clone()));
    }
    if descriptor.version != info.version.to_string() {
        return Err(differs("version", descriptor.version.clone(), info.version.to_string()));
    }
    let component: BTreeSet<_> = descriptor.entities.iter().map(String::as_str).collect();
    let declared: BTreeSet<_> = manifest.entities.keys().map(String::as_str).collect();
    if component != declared {
        let list = |names: &BTreeSet<&str>| names.iter().copied().collect::<Vec<_>>().join(", ");
        return Err(differs("entities", list(&component), list(&declared)));
    }
    Ok(())
}
