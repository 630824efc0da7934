//! Packages that wait until an operator has approved what they ask for.

use model::catalogue::{Installed, PendingPackage};

use super::{Candidate, InstallError, InstallPlan, Ports, examine, verified};

/// What became of a package file that somebody has brought.
#[derive(Clone, Debug)]
pub enum Submitted {
    /// It asks for nothing that was not granted, and is installed.
    Installed(Installed),
    /// It waits.
    Pending(PendingPackage),
}

/// That somebody approves a package that waits.
#[derive(Clone, Debug)]
pub struct Approval {
    /// `publisher/id`.
    pub name: String,
    /// The digest of what was looked at.
    pub digest: String,
    /// The name, typed once more: so that nobody widens what was granted by one click.
    pub typed: Option<String>,
    /// Why an older version is wanted, where it is one.
    pub downgrade: Option<String>,
}

/// Installs a package, or keeps it until what it asks for is approved, in place of one of its name
/// that waits; or refuses it and changes nothing but what is remembered of revocations.
pub async fn submit(
    candidate: Candidate,
    author: &str,
    ports: Ports<'_>,
) -> Result<Submitted, InstallError> {
    let examined = examine(candidate, ports).await?;
    if !examined.plan.needs_approval() {
        return examined.keep(ports).await.map(Submitted::Installed);
    }
    let pending = PendingPackage {
        name: examined.plan.name,
        version: examined.plan.version,
        digest: examined.plan.digest,
        file: examined.file,
        author: author.to_owned(),
        at: ports.clock.now(),
    };
    ports.catalogue.put_pending(pending.clone()).await?;
    Ok(Submitted::Pending(pending))
}

/// What a package that waits would be, held against what is trusted and granted now. Whether it
/// is older than what was installed is told and not refused, for approval asks for the reason.
pub async fn review(
    pending: &PendingPackage,
    ports: Ports<'_>,
) -> Result<InstallPlan, InstallError> {
    let downgrade = Some("it is looked at".to_owned());
    let candidate = Candidate { file: pending.file.clone(), downgrade };
    let plan = verified(candidate, ports).await?.plan;
    if is_same(&plan, pending) { Ok(plan) } else { Err(swapped(pending)) }
}

/// Installs what was approved and nothing else, held against everything once more.
pub async fn approve(approval: Approval, ports: Ports<'_>) -> Result<Installed, InstallError> {
    let Approval { name, digest, typed, downgrade } = approval;
    let mut waiting = ports.catalogue.pending().await?.into_iter();
    let Some(pending) = waiting.find(|it| it.name == name && it.digest == digest) else {
        return Err(InstallError::NotPending { name, digest });
    };
    let candidate = Candidate { file: pending.file.clone(), downgrade };
    let examined = examine(candidate, ports).await?;
    if !is_same(&examined.plan, &pending) {
        return Err(swapped(&pending));
    }
    let wider = &examined.plan.wider;
    if !wider.is_empty() && typed.as_deref() != Some(&name) {
        return Err(InstallError::Unconfirmed { name, wider: wider.clone() });
    }
    let installed = examined.keep(ports).await?;
    ports.catalogue.remove_pending(&name, &digest).await?;
    Ok(installed)
}

/// Whether the stored file is what the row around it says.
fn is_same(plan: &InstallPlan, pending: &PendingPackage) -> bool {
    plan.name == pending.name && plan.digest == pending.digest
}

fn swapped(pending: &PendingPackage) -> InstallError {
    InstallError::Swapped { name: pending.name.clone() }
}
