//! From the catalogue to something that can be called, with nothing taken on trust.

use model::store::{Installed, TrustState};
use package::{Bundle, Permissions, Phase, TrustFile, Verified, verify};

use super::error::InstallError;
use super::plan::granted;
use super::{Ports, remember, trust};

/// An installed package that has been verified again and compiled.
pub struct Loaded {
    /// The package, with its manifest.
    pub package: Verified,
    /// What was granted; never less than the package asks for.
    pub grant: Permissions,
    /// The compiled component.
    pub component: sandbox::Loaded,
}

/// Loads an installed package: signature, trust, revocation, floor and grant are held against
/// what is true today, not against what was true when it was installed. One that was disabled is
/// not looked at.
pub async fn load(name: &str, ports: Ports<'_>) -> Result<Loaded, InstallError> {
    let state = remember(ports.catalogue, ports.trust).await?;
    let Some(installed) = ports.catalogue.package(name).await? else {
        return Err(not_installed(name, ports).await?);
    };
    if let Some(reason) = installed.disabled {
        return Err(InstallError::Disabled { name: installed.name, reason });
    }
    let (package, grant) = held(&installed, ports.trust, &state)?;
    let component = ports.sandbox.load(&package).await?;
    Ok(Loaded { package, grant, component })
}

/// The package as it stands today, which is not asked whether it was disabled and whose code is not
/// looked at.
pub async fn standing(installed: &Installed, ports: Ports<'_>) -> Result<Verified, InstallError> {
    let state = remember(ports.catalogue, ports.trust).await?;
    held(installed, ports.trust, &state).map(|(package, _)| package)
}

/// The package, verified, and what was granted to it.
fn held(
    installed: &Installed,
    file: &TrustFile,
    state: &TrustState,
) -> Result<(Verified, Permissions), InstallError> {
    let bundle = Bundle::read(installed.file.clone())?;
    let package = verify(bundle, &trust(file, state)?, Phase::Load)?;
    check_same(&package, installed)?;
    let grant = granted(installed)?;
    let wider = Permissions::of(package.manifest()).exceeds(&grant);
    if !wider.is_empty() {
        return Err(InstallError::Ungranted { name: installed.name.clone(), wider });
    }
    Ok((package, grant))
}

/// Refuses a row whose file is another package, however well signed.
fn check_same(package: &Verified, installed: &Installed) -> Result<(), InstallError> {
    if package.name() == installed.name && package.digest() == installed.digest {
        Ok(())
    } else {
        Err(InstallError::Swapped { name: installed.name.clone() })
    }
}

async fn not_installed(name: &str, ports: Ports<'_>) -> Result<InstallError, InstallError> {
    let known: Vec<_> = ports.catalogue.packages().await?.into_iter().map(|p| p.name).collect();
    let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
    Ok(InstallError::NotInstalled { name: name.to_owned(), known })
}
