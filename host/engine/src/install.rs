//! The one way in for code: read, verify, compile, compare, approve, store; and again at every load.

mod approval;
mod error;
mod load;
mod plan;

use bytes::Bytes;
use model::Clock;
use model::store::{Catalogue, Installed, TrustState};
use package::{
    Bundle, Manifest, Permissions, Phase, Trust, TrustFile, Verified, VerifyError, verify,
};
use sandbox::Sandbox;

pub use approval::{Approval, Submitted, approve, review, submit};
pub use error::InstallError;
pub use load::{Loaded, load, standing};
pub use plan::{Downgrade, InstallPlan};

use crate::mapping::check_package;

/// What installing and loading needs from outside.
#[derive(Clone, Copy)]
pub struct Ports<'a> {
    /// Where packages and what is remembered of trust lie.
    pub catalogue: &'a dyn Catalogue,
    /// What compiles.
    pub sandbox: &'a Sandbox,
    /// Whom the operator trusts today.
    pub trust: &'a TrustFile,
    /// The time.
    pub clock: &'a Clock,
}

/// A package file that somebody wants to install.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// The package file.
    pub file: Bytes,
    /// The reason for which a version below the highest one ever installed is let in.
    pub downgrade: Option<String>,
}

/// A package that has come all the way in, and is not kept yet.
struct Examined {
    plan: InstallPlan,
    verified: Verified,
    file: Bytes,
    permissions: Permissions,
    previous: Option<Installed>,
    state: TrustState,
}

/// Installs a package, or refuses it and changes nothing but what is remembered of revocations.
///
/// `approve` is asked where the package is new or may do more than was granted; it grants exactly
/// what the package asks for. A package that asks for less than was granted passes, and its grant
/// shrinks with it.
pub async fn install(
    candidate: Candidate,
    ports: Ports<'_>,
    approve: impl FnOnce(&InstallPlan) -> bool + Send,
) -> Result<Installed, InstallError> {
    let examined = examine(candidate, ports).await?;
    if examined.plan.needs_approval() && !approve(&examined.plan) {
        return Err(InstallError::Declined);
    }
    examined.keep(ports).await
}

/// Holds a package against all that could speak against it.
async fn examine(candidate: Candidate, ports: Ports<'_>) -> Result<Examined, InstallError> {
    let examined = verified(candidate, ports).await?;
    // Loading proves that it compiles, imports nothing else and is what its manifest says.
    ports.sandbox.load(&examined.verified).await?;
    check_package(&examined.verified)?;
    Ok(examined)
}

/// The same short of its code, which is neither compiled nor asked.
async fn verified(candidate: Candidate, ports: Ports<'_>) -> Result<Examined, InstallError> {
    let Candidate { file, downgrade } = candidate;
    let mut state = remember(ports.catalogue, ports.trust).await?;
    let bundle = Bundle::read(file.clone())?;
    let (verified, downgrade) = admit(bundle, ports.trust, &mut state, downgrade)?;
    let previous = ports.catalogue.package(verified.name()).await?;
    let permissions = Permissions::of(verified.manifest());
    let plan = InstallPlan::of(&verified, &permissions, previous.as_ref(), downgrade)?;
    Ok(Examined { plan, verified, file, permissions, previous, state })
}

impl Examined {
    /// Installs it; its grant is what it asks for.
    async fn keep(self, ports: Ports<'_>) -> Result<Installed, InstallError> {
        let Self { plan, verified, file, permissions, previous, mut state } = self;
        let installed = Installed {
            name: plan.name,
            version: plan.version,
            digest: plan.digest,
            file,
            grant: serde_json::to_string(&permissions).map_err(InstallError::Encode)?,
            at: ports.clock.now(),
            disabled: previous.and_then(|previous| previous.disabled),
        };
        if let Some(Downgrade { from, reason }) = &plan.downgrade {
            tracing::warn!(
                package = installed.name,
                to = installed.version,
                from,
                reason,
                "downgrade"
            );
        }
        raise_floor(&verified, &mut state);
        ports.catalogue.put_package(installed.clone(), state).await?;
        Ok(installed)
    }
}

/// Adds what the trust file revokes to what the store remembers, at once and for good: a file
/// that is swapped for an older one brings nothing back.
async fn remember(catalogue: &dyn Catalogue, file: &TrustFile) -> Result<TrustState, InstallError> {
    let mut state = catalogue.trust_state().await?;
    let known = state.revoked.len();
    for (target, reason) in file.revocations() {
        state.revoked.entry(target).or_insert(reason);
    }
    if state.revoked.len() > known {
        catalogue.put_trust_state(state.clone()).await?;
    }
    Ok(state)
}

fn trust(file: &TrustFile, state: &TrustState) -> Result<Trust, InstallError> {
    Ok(Trust::new(file.clone(), &state.floors, &state.revoked)?)
}

/// Verifies a package; with a reason, one below its floor as well. Everything else has spoken for
/// it when the floor is looked at, so the reason opens nothing but the floor.
fn admit(
    bundle: Bundle,
    file: &TrustFile,
    state: &mut TrustState,
    reason: Option<String>,
) -> Result<(Verified, Option<Downgrade>), InstallError> {
    if reason.as_ref().is_some_and(|reason| reason.trim().is_empty()) {
        return Err(InstallError::NoReason);
    }
    match (verify(bundle.clone(), &trust(file, state)?, Phase::Install), reason) {
        (Err(VerifyError::Rollback { floor, .. }), Some(reason)) => {
            let manifest = Manifest::parse(bundle.manifest_text()).map_err(VerifyError::from)?;
            state.floors.remove(&manifest.name());
            let verified = verify(bundle, &trust(file, state)?, Phase::Install)?;
            Ok((verified, Some(Downgrade { from: floor.to_string(), reason })))
        }
        (outcome, _) => Ok((outcome?, None)),
    }
}

/// Sets the floor to this version. Verifying has refused one below the floor, unless a downgrade
/// has taken the floor away.
fn raise_floor(package: &Verified, state: &mut TrustState) {
    state.floors.insert(package.name().to_owned(), package.version().to_string());
}
