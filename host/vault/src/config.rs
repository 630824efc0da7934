//! What the configuration says about the key-encryption key, and opening the vault by it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use model::Clock;
use model::outbound::Outbound;
use model::vault::{KeyStore, KeyWrapper, RESEAL_MAX, VaultError};
use serde::Deserialize;

use crate::sealer::Sealer;
use crate::wrapper::{
    AzureConfig, AzureWrapper, FileConfig, FileWrapper, TransitConfig, TransitWrapper,
};
use crate::wrappers::Wrappers;

/// Who keeps the key-encryption key. Unknown keys are refused; paths are relative to the data
/// directory.
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum WrapperConfig {
    /// A file.
    File(FileConfig),
    /// The transit engine of `HashiCorp` Vault or `OpenBao`.
    Transit(TransitConfig),
    /// A key of Azure Key Vault.
    Azure(AzureConfig),
    /// A key in a hardware module.
    Pkcs11(Pkcs11Config),
}

impl Default for WrapperConfig {
    fn default() -> Self {
        Self::File(FileConfig::default())
    }
}

/// Where an AES key is in a hardware module.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pkcs11Config {
    /// The library of the module's maker.
    pub module: PathBuf,
    /// The label of the token.
    pub token: String,
    /// The label of the key: AES, which may encrypt and decrypt, and need not leave the token.
    pub key: String,
    /// A file that holds the PIN of the user.
    pub pin_file: PathBuf,
}

/// What wrappers are built from besides their configuration.
#[derive(Clone)]
pub struct Setting<'a> {
    /// The data directory.
    pub data: &'a Path,
    /// The way to services.
    pub outbound: Arc<dyn Outbound>,
    /// The time.
    pub clock: Clock,
}

/// Whether a missing key file is made.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum KeyFile {
    /// There is nothing yet that it would have to open.
    MayBeMade,
    /// There is data.
    MustExist,
}

impl WrapperConfig {
    /// Builds the wrapper. Services are not asked yet.
    pub fn build(
        &self,
        setting: &Setting<'_>,
        file: KeyFile,
    ) -> Result<Arc<dyn KeyWrapper>, VaultError> {
        let outbound = || Arc::clone(&setting.outbound);
        Ok(match self {
            Self::File(config) => Arc::new(key_file(&config.path(setting.data), file)?),
            Self::Transit(config) => {
                let mut config = config.clone();
                config.token_file = setting.data.join(config.token_file);
                Arc::new(TransitWrapper::new(config, outbound())?)
            }
            Self::Azure(config) => {
                let mut config = config.clone();
                config.client_secret_file = setting.data.join(config.client_secret_file);
                Arc::new(AzureWrapper::new(config, outbound(), setting.clock.clone())?)
            }
            #[cfg(feature = "pkcs11")]
            Self::Pkcs11(config) => {
                let mut config = config.clone();
                config.pin_file = setting.data.join(config.pin_file);
                Arc::new(crate::wrapper::Pkcs11Wrapper::new(config))
            }
            #[cfg(not(feature = "pkcs11"))]
            Self::Pkcs11(_) => {
                let message = "this program was built without support for hardware modules; build \
                               it with the feature `pkcs11`, or configure another kind of [vault]";
                return Err(VaultError::Unavailable(message.to_owned()));
            }
        })
    }
}

/// Opens the vault of a store as the configuration says. `before` is the key from which a rotation
/// leads away; it is needed until that has ended.
///
/// A key file is made only where there is nothing that it would have to open.
pub async fn open(
    store: Arc<dyn KeyStore>,
    config: &WrapperConfig,
    before: Option<&WrapperConfig>,
    setting: &Setting<'_>,
) -> Result<Sealer, VaultError> {
    let before = before.map(|config| config.build(setting, KeyFile::MustExist)).transpose()?;
    let known = before.as_deref().map(KeyWrapper::id);
    let taken = uses_others(&*store, known).await?;
    let file = if taken { KeyFile::MustExist } else { KeyFile::MayBeMade };
    let current = config.build(setting, file)?;
    let wrappers = Wrappers { current, before: before.into_iter().collect() };
    Sealer::open(store, wrappers, setting.clock.clone()).await
}

/// Whether anything in the store lies under another key than this one.
async fn uses_others(store: &dyn KeyStore, known: Option<&str>) -> Result<bool, VaultError> {
    let other = |wrapper: &str| Some(wrapper) != known;
    if store.canary().await?.is_some_and(|canary| other(&canary.wrapper)) {
        return Ok(true);
    }
    let mut after = None;
    loop {
        let owners = store.owners(after.as_ref(), RESEAL_MAX).await?;
        let Some(last) = owners.last().cloned() else { return Ok(false) };
        for owner in &owners {
            let keys = store.keys(owner).await?.unwrap_or_default();
            if keys.iter().any(|key| other(&key.wrapper)) {
                return Ok(true);
            }
        }
        after = Some(last);
    }
}

fn key_file(path: &Path, file: KeyFile) -> Result<FileWrapper, VaultError> {
    match (FileWrapper::load(path)?, file) {
        (Some(wrapper), _) => Ok(wrapper),
        (None, KeyFile::MayBeMade) => FileWrapper::create(path),
        (None, KeyFile::MustExist) => Err(VaultError::WrongKey(format!(
            "there is data and no key file '{}'; put the key of this data back (no other key opens \
             its secrets), or start with another directory",
            path.display()
        ))),
    }
}
